//! Texts of strangers, before they reach a terminal.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz_checks::run("shown", bytes));
