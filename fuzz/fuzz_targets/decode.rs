#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| tiercel_fuzz::decode(bytes));
