//! Drives [`fuzz::decode_compact`] by libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::decode_compact(data));
