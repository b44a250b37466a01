//! Frames: four bytes of magic, then a body. Functions are in `go/frames.h`, which says what each promises.

use std::slice;

fn body(frame: &[u8]) -> usize {
    // One byte after the other, as in a parser: each is a branch of its own.
    let magic = frame.len() > 4
        && frame[0] == b'F'
        && frame[1] == b'R'
        && frame[2] == b'M'
        && frame[3] == b'1';
    if magic { 4 } else { 0 }
}

/// # Safety
/// `frame` points to `size` bytes, or `size` is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn frames_body(frame: *const u8, size: usize) -> usize {
    if size == 0 {
        return 0;
    }
    // SAFETY: the caller's promise.
    body(unsafe { slice::from_raw_parts(frame, size) })
}

/// # Safety
/// `body` points to `size` bytes, or `size` is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn frames_sum(body: *const u8, size: usize) -> u32 {
    if size == 0 {
        return 0;
    }
    // SAFETY: there is a first byte.
    let said = usize::from(unsafe { *body });
    if said > size {
        return 0;
    }
    // SAFETY: as many bytes as the first one says are there.
    (1..=said)
        .map(|at| u32::from(unsafe { *body.add(at) }))
        .sum()
}
