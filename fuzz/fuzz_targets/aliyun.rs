//! What Function Compute and OSS answer.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz_checks::run("aliyun", bytes));
