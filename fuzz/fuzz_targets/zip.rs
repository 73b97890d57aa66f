//! Zips: audited, inspected, unpacked.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz_checks::run("zip", bytes));
