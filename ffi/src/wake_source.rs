//! Wake sources: ending the owner's wait from elsewhere.

use courier_core::Id;

use crate::args;
use crate::boundary::{COURIER, silent, status};
use crate::types::{courier_runtime, courier_status, courier_wake_source};

/// Makes a wake source for the runtime. It may outlive the runtime. Owner thread.
///
/// # Safety
/// `source` is NULL or valid for reading and writing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn courier_runtime_wake_source(
    runtime: courier_runtime,
    source: *mut courier_wake_source,
) -> courier_status {
    status(|| {
        let make = || COURIER.runtime_wake_source(Id::from_raw(runtime));
        // SAFETY: the caller's promise.
        unsafe { args::create(source, "source", make) }
    })
}

/// Ends the owner's current wait in courier_runtime_pump, or else its next one. Several signals before
/// that pump count as one. After the runtime's end it does nothing. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn courier_wake_source_signal(source: courier_wake_source) -> courier_status {
    status(|| COURIER.wake_source_signal(Id::from_raw(source)))
}

/// Releases a wake source, before or after its runtime's end. Null and released ones are ignored. Never
/// blocks, cannot fail. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn courier_wake_source_release(source: courier_wake_source) {
    silent(|| COURIER.wake_source_release(Id::from_raw(source)));
}
