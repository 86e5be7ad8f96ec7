//! Drives [`fuzz::decode_batch`] by libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::decode_batch(data));
