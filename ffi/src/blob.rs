//! Blobs: bytes that outlive the runtime that made them.

use std::ptr;

use courier_core::{Error, Id, Word};

use crate::args;
use crate::boundary::{COURIER, silent, status};
use crate::types::{courier_blob, courier_status};

/// Copies a blob's bytes to `buffer` and writes their number to `*required`. With a NULL `buffer` and
/// `capacity` 0 only the number is written. If `capacity` is too small the call is refused with
/// [too-small]: `*required` is written, `buffer` is untouched. Any thread.
///
/// # Safety
/// `buffer` is NULL or valid for writing `capacity` bytes. `required` is NULL or valid for writing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn courier_blob_copy(
    blob: courier_blob,
    buffer: *mut u8,
    capacity: usize,
    required: *mut usize,
) -> courier_status {
    status(|| {
        args::not_null(required, "required")?;
        if capacity > 0 {
            args::not_null(buffer, "buffer")?;
        }
        COURIER.blob_read(Id::from_raw(blob), |bytes| {
            // SAFETY: not null, and the caller promises the rest.
            unsafe { required.write(bytes.len()) };
            if buffer.is_null() {
                return Ok(());
            }
            if capacity < bytes.len() {
                return Err(Error::new(
                    Word::TooSmall,
                    format!("the blob has {} bytes, capacity is {capacity}", bytes.len()),
                ));
            }
            // SAFETY: the caller promises `capacity` writable bytes, which is enough; the blob is
            // our own memory, so the two do not overlap.
            unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), buffer, bytes.len()) };
            Ok(())
        })?
    })
}

/// Releases a blob. Null and released ones are ignored. Never blocks, cannot fail. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn courier_blob_release(blob: courier_blob) {
    silent(|| COURIER.blob_release(Id::from_raw(blob)));
}
