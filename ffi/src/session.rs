//! Sessions and their loads.

use courier_core::{Id, LoadOptions};

use crate::args;
use crate::boundary::{COURIER, status};
use crate::types::{courier_runtime, courier_session, courier_status, courier_string_view};

/// Opens a session. Owner thread.
///
/// # Safety
/// `session` is NULL or valid for reading and writing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn courier_session_create(
    runtime: courier_runtime,
    session: *mut courier_session,
) -> courier_status {
    status(|| {
        let make = || COURIER.session_create(Id::from_raw(runtime));
        // SAFETY: the caller's promise.
        unsafe { args::create(session, "session", make) }
    })
}

/// Ends a session: cancels its loads and discards its events. Requests of its loads stay with the
/// provider, which releases them. Owner thread.
#[unsafe(no_mangle)]
pub extern "C" fn courier_session_destroy(session: courier_session) -> courier_status {
    status(|| COURIER.session_destroy(Id::from_raw(session)))
}

/// Starts a load and writes its number in the session, from 1. Unless the session is destroyed first,
/// it ends in exactly one event. `url` is copied; text that is not a URL is refused with [bad-url].
/// Owner thread.
///
/// # Safety
/// `url` is valid as documented at courier_string_view. `load` is NULL or valid for writing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn courier_session_load(
    session: courier_session,
    url: courier_string_view,
    load: *mut u64,
) -> courier_status {
    status(|| {
        args::not_null(load, "load")?;
        // SAFETY: the caller's promise.
        let url = unsafe { args::text(url, "url") }?;
        let number = COURIER.session_load(Id::from_raw(session), url, &LoadOptions::default())?;
        // SAFETY: not null, and the caller promises the rest.
        unsafe { load.write(number) };
        Ok(())
    })
}

/// Cancels a load: it ends in a COURIER_EVENT_CANCELLED. Refused with [unknown-load] if the session
/// never issued the number, and with [load-ended] if the load ended before, drained or not. Owner
/// thread.
#[unsafe(no_mangle)]
pub extern "C" fn courier_session_cancel(session: courier_session, load: u64) -> courier_status {
    status(|| COURIER.session_cancel(Id::from_raw(session), load))
}
