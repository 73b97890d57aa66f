//! Recipes, layers, targets, the lock and manifests.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz_checks::run("files", bytes));
