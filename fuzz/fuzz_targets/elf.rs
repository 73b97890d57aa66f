//! The ELF reader and the audit.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz_checks::run("elf", bytes));
