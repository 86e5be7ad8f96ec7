//! Drives [`fuzz::encode_http`] by libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::encode_http(data));
