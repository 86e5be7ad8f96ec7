//! Drives [`fuzz::extract_b3`] by libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::extract_b3(data));
