//! Compressed tar files: gzip, xz and bzip2.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz_checks::run("compressed", bytes));
