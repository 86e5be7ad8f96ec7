//! Drives [`fuzz::extract_baggage`] by libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::extract_baggage(data));
