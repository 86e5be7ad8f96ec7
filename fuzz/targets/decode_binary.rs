//! Drives [`fuzz::decode_binary`] by libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::decode_binary(data));
