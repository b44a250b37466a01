//! The library itself: version, layout, diagnostics.

use std::sync::LazyLock;

use crate::boundary;
use crate::layout;
use crate::types::{COURIER_ABI_VERSION, courier_string_view};

/// Returns the ABI version of the library. If it differs from the header's COURIER_ABI_VERSION, the two must
/// not be used together. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn courier_abi_version() -> u32 {
    COURIER_ABI_VERSION
}

/// Returns a number that changes whenever this header, or a size, an offset or a constant in it, changes: the
/// FNV-1a hash (64 bits) of the layout text. With courier_layout.h a host computes the number of the header
/// that it was compiled with, and refuses a library that returns another one. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn courier_layout_fingerprint() -> u64 {
    // Hosts ask for it with each runtime, and the text takes a tenth of a millisecond.
    static FINGERPRINT: LazyLock<u64> = LazyLock::new(|| layout::fingerprint(&layout::text()));
    *FINGERPRINT
}

/// Returns the reason why the calling thread's last status-returning call failed; empty if it succeeded. The
/// text begins with a word in brackets, belongs to the library, and is valid until the thread's next
/// status-returning call or its end. Functions that return nothing do not change it. Any thread: each has
/// its own text.
#[unsafe(no_mangle)]
pub extern "C" fn courier_last_error() -> courier_string_view {
    let (data, len) = boundary::last_error();
    courier_string_view {
        data: data.cast(),
        len,
    }
}
