//! What AWS Lambda and S3 answer.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz_checks::run("lambda", bytes));
