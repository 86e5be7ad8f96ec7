//! Drives [`fuzz::encode_udp`] by libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::encode_udp(data));
