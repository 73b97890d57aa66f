//! Tar files, whose checksums are put right.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz_checks::run("tar", bytes));
