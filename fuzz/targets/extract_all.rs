//! Drives [`fuzz::extract_all`] by libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::extract_all(data));
