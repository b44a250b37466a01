//! A sum of more bytes than there are: AddressSanitizer sees it.
#![no_main]

// What the binding calls.
use frames as _;
use libfuzzer_sys::fuzz_target;

unsafe extern "C" {
    fn FuzzSum(data: *const u8, size: usize);
}

fuzz_target!(|data: &[u8]| {
    // SAFETY: the pointer and the length are those of the input, which Go copies.
    unsafe { FuzzSum(data.as_ptr(), data.len()) }
});
