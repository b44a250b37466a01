//! Does nothing: the ceiling that other targets' speed is compared with.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|_input: &[u8]| {});
