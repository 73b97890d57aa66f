//! Lists of apt and indexes of source packages.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz_checks::run("apt", bytes));
