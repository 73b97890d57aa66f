//! Settings of pip, and pages of package indexes.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz_checks::run("pip", bytes));
