#![no_main]

use frames as _;
use libfuzzer_sys::fuzz_target;

unsafe extern "C" {
    fn FuzzEnds(data: *const u8, size: usize);
}

// SAFETY: the function reads `data` during the call.
fuzz_target!(|data: &[u8]| unsafe { FuzzEnds(data.as_ptr(), data.len()) });
