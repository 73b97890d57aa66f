//! Entries and archives of the shared cache.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz_checks::run("cache", bytes));
