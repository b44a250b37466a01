//! A text that is shorter than it says, behind four bytes in Rust and four in Go.
#![no_main]

// What the binding calls.
use frames as _;
use libfuzzer_sys::fuzz_target;

unsafe extern "C" {
    fn FuzzText(data: *const u8, size: usize);
}

fuzz_target!(|data: &[u8]| {
    // SAFETY: the pointer and the length are those of the input, which Go copies.
    unsafe { FuzzText(data.as_ptr(), data.len()) }
});
