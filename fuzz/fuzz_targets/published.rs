//! `layers/published.json`, and the pages that are made of it.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz_checks::run("published", bytes));
