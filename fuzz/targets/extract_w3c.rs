//! Drives [`fuzz::extract_w3c`] by libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::extract_w3c(data));
