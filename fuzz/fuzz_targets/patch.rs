//! Patches, and the hunks that have to be moved.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz_checks::run("patch", bytes));
