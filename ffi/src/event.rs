//! Events: how loads ended.

use std::mem::{align_of, size_of};

use courier_core::{Error, EventKind, Failure, Id, Word};

use crate::args;
use crate::boundary::{COURIER, status};
use crate::types::{courier_blob, courier_runtime, courier_session, courier_status};

/// A number for the way in which a load ended. Hosts accept numbers that they do not know.
pub type courier_event_kind = i32;

/// A load completed; the payload is a blob with its bytes.
pub const COURIER_EVENT_COMPLETED: courier_event_kind = 1;
/// A load failed; the payload is a blob with a text in UTF-8.
pub const COURIER_EVENT_FAILED: courier_event_kind = 2;
/// A load was cancelled; there is no payload.
pub const COURIER_EVENT_CANCELLED: courier_event_kind = 3;

/// A number for the reason of a failure. Hosts accept numbers that they do not know.
pub type courier_failure = i32;

/// It did not fail.
pub const COURIER_FAILURE_NONE: courier_failure = 0;
/// The provider answered with an error.
pub const COURIER_FAILURE_PROVIDER: courier_failure = 1;
/// The provider released the request without completing it.
pub const COURIER_FAILURE_DROPPED: courier_failure = 2;
/// The provider's response or decision was malformed.
pub const COURIER_FAILURE_BAD_RESPONSE: courier_failure = 3;
/// Neither the provider nor the runtime serves such a URL.
pub const COURIER_FAILURE_UNSUPPORTED: courier_failure = 4;
/// There is no such file.
pub const COURIER_FAILURE_NOT_FOUND: courier_failure = 5;
/// The path leads out of the root directory, by itself or through a symbolic link.
pub const COURIER_FAILURE_OUTSIDE_ROOT: courier_failure = 6;
/// The system failed to read the file, or it is not a regular file.
pub const COURIER_FAILURE_IO: courier_failure = 7;
/// The library failed: no handle was left for the request, or for the payload, which is 0 then.
pub const COURIER_FAILURE_INTERNAL: courier_failure = 8;
/// The `data:` URL is malformed.
pub const COURIER_FAILURE_MALFORMED: courier_failure = 9;
/// The load's deadline passed.
pub const COURIER_FAILURE_EXPIRED: courier_failure = 10;

// cbindgen reads literals only; this is where the two lists are held together.
const _: () = {
    assert!(COURIER_FAILURE_PROVIDER == Failure::Provider as i32);
    assert!(COURIER_FAILURE_DROPPED == Failure::Dropped as i32);
    assert!(COURIER_FAILURE_BAD_RESPONSE == Failure::BadResponse as i32);
    assert!(COURIER_FAILURE_UNSUPPORTED == Failure::Unsupported as i32);
    assert!(COURIER_FAILURE_NOT_FOUND == Failure::NotFound as i32);
    assert!(COURIER_FAILURE_OUTSIDE_ROOT == Failure::OutsideRoot as i32);
    assert!(COURIER_FAILURE_IO == Failure::Io as i32);
    assert!(COURIER_FAILURE_INTERNAL == Failure::Internal as i32);
    assert!(COURIER_FAILURE_MALFORMED == Failure::Malformed as i32);
    assert!(COURIER_FAILURE_EXPIRED == Failure::Expired as i32);
};

/// The end of one load.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct courier_event {
    /// The way in which the load ended: COURIER_EVENT_...
    pub kind: courier_event_kind,
    /// The reason of a failure: COURIER_FAILURE_..., or COURIER_FAILURE_NONE if the load did not fail.
    pub failure: courier_failure,
    /// The session that loaded. It may be stale by now, and never names a newer session.
    pub session: courier_session,
    /// The load's number in that session.
    pub load: u64,
    /// A blob, which the caller now owns and must release, or 0.
    pub payload: courier_blob,
}

/// Moves at most `capacity` events into `events`, oldest first, and writes their number to `*count`. `stride`
/// is the caller's sizeof(courier_event): the distance between two events in memory. A stride that is
/// below this library's, or not a multiple of the struct's alignment, is refused with [bad-size]; of a
/// larger one only the part that this library knows is written. With `capacity` 0, `events` may be
/// NULL. Owner thread.
///
/// # Safety
/// `events` is NULL or valid for writing `capacity` times `stride` bytes, and aligned. `count` is NULL or
/// valid for writing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn courier_runtime_drain_events(
    runtime: courier_runtime,
    events: *mut courier_event,
    stride: u32,
    capacity: u32,
    count: *mut u32,
) -> courier_status {
    status(|| {
        args::not_null(count, "count")?;
        if capacity > 0 {
            args::not_null(events, "events")?;
        }
        args::check_size(stride, size_of::<courier_event>(), "stride")?;
        let stride = stride as usize;
        if !stride.is_multiple_of(align_of::<courier_event>()) {
            return Err(Error::new(
                Word::BadSize,
                format!("stride is {stride}, not a multiple of the alignment"),
            ));
        }
        let drained = COURIER.runtime_drain_events(Id::from_raw(runtime), capacity as usize)?;
        for (index, event) in drained.iter().enumerate() {
            let (kind, failure, payload) = match event.kind {
                EventKind::Completed(blob) => (COURIER_EVENT_COMPLETED, COURIER_FAILURE_NONE, blob),
                EventKind::Failed(failure, text) => (COURIER_EVENT_FAILED, failure as i32, text),
                EventKind::Cancelled => (COURIER_EVENT_CANCELLED, COURIER_FAILURE_NONE, Id::NULL),
            };
            let event = courier_event {
                kind,
                failure,
                session: event.session.to_raw(),
                load: event.load,
                payload: payload.to_raw(),
            };
            // SAFETY: at most `capacity` events were drained, and the caller promises that many
            // strides; the stride keeps the alignment.
            let place = unsafe { events.byte_add(index * stride) };
            // SAFETY: as above, and a stride holds an event.
            unsafe { place.write(event) };
        }
        // SAFETY: not null, and the caller promises the rest.
        unsafe { count.write(drained.len() as u32) };
        Ok(())
    })
}
