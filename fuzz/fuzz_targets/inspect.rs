//! Manifests, SBOMs and other files of a layer, in a sound zip.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz_checks::run("inspect", bytes));
