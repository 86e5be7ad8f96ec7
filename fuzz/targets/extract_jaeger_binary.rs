//! Drives [`fuzz::extract_jaeger_binary`] by libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::extract_jaeger_binary(data));
