//! Plans of a recipe and a layer.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz_checks::run("plan", bytes));
