//! What places say of versions and vulnerabilities.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz_checks::run("versions", bytes));
