//! Types that several families share: status codes, handles, views.

use std::ffi::c_char;

use courier_core::Status;

/// The version of this header. A library with another version must not be used.
pub const COURIER_ABI_VERSION: u32 = 1;

/// The result of a function: COURIER_OK, or the reason of a refusal.
pub type courier_status = i32;

/// Done.
pub const COURIER_OK: courier_status = 0;
/// An argument or a handle is not acceptable.
pub const COURIER_INVALID_ARGUMENT: courier_status = -1;
/// The arguments are acceptable, but the state of the object does not allow the call.
pub const COURIER_INVALID_STATE: courier_status = -2;
/// The call belongs to the owner thread.
pub const COURIER_WRONG_THREAD: courier_status = -3;
/// This runtime was not set up for the call.
pub const COURIER_UNSUPPORTED: courier_status = -4;
/// The library itself, or the system below it, failed.
pub const COURIER_NATIVE_ERROR: courier_status = -5;

/// A runtime: sessions, loads and events of one owner thread.
pub type courier_runtime = u64;
/// A group of loads that ends together.
pub type courier_session = u64;
/// A provider's hold on one load.
pub type courier_request = u64;
/// Immutable bytes.
pub type courier_blob = u64;
/// A signal that wakes a runtime's owner thread.
pub type courier_wake_source = u64;

/// Text: `len` bytes of UTF-8 at `data`, not NUL-terminated. With `len` 0, `data` may be anything.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct courier_string_view {
    /// The first byte.
    pub data: *const c_char,
    /// The number of bytes.
    pub len: usize,
}

impl courier_string_view {
    /// A view of text, good as long as the text.
    pub(crate) fn of(text: &str) -> courier_string_view {
        courier_string_view {
            data: text.as_ptr().cast(),
            len: text.len(),
        }
    }
}

/// Bytes: `len` of them at `data`. With `len` 0, `data` may be anything.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct courier_bytes_view {
    /// The first byte.
    pub data: *const u8,
    /// The number of bytes.
    pub len: usize,
}

// The codes are the core's: this is where the two lists are held together.
const _: () = {
    assert!(COURIER_INVALID_ARGUMENT == Status::InvalidArgument as i32);
    assert!(COURIER_INVALID_STATE == Status::InvalidState as i32);
    assert!(COURIER_WRONG_THREAD == Status::WrongThread as i32);
    assert!(COURIER_UNSUPPORTED == Status::Unsupported as i32);
    assert!(COURIER_NATIVE_ERROR == Status::NativeError as i32);
};
