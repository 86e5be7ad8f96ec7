//! Drives [`fuzz::decode_otlp`] by libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::decode_otlp(data));
