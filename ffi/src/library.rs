//! The library itself: version, layout, diagnostics.

use crate::boundary;
use crate::layout;
use crate::types::{COURIER_ABI_VERSION, courier_string_view};

/// The ABI version of the library: equal to the header's COURIER_ABI_VERSION, or the two must not be
/// used together. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn courier_abi_version() -> u32 {
    COURIER_ABI_VERSION
}

/// A number that changes whenever this header changes, or a size, an offset or a constant in it: the
/// FNV-1a hash (64 bits) of the layout text. courier_layout.h lists what the text speaks of, so that a host
/// can compute the number from the header that it was compiled with and refuse another library. Any
/// thread.
#[unsafe(no_mangle)]
pub extern "C" fn courier_layout_fingerprint() -> u64 {
    layout::fingerprint(&layout::text())
}

/// Why the calling thread's last status-returning call failed; empty if it succeeded. The text begins
/// with a word in brackets, belongs to the library, and is valid until the thread's next
/// status-returning call or its end. Functions that return nothing leave it alone. Any thread: each has
/// its own.
#[unsafe(no_mangle)]
pub extern "C" fn courier_last_error() -> courier_string_view {
    let (data, len) = boundary::last_error();
    courier_string_view {
        data: data.cast(),
        len,
    }
}
