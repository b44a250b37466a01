//! Sessions: their loads, their retained buffer, their surface.

use std::ffi::c_void;
use std::mem::size_of;
use std::ptr;
use std::time::Duration;

use courier_core::{Error, HostMemory, Id, LoadOptions};

use crate::args::{self, Growable};
use crate::boundary::{COURIER, status};
use crate::types::{
    courier_blob, courier_runtime, courier_session, courier_status, courier_string_view,
};

/// Options of a load. courier_load_options_init fills in the defaults.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct courier_load_options {
    /// sizeof(courier_load_options) of the header that the host was compiled with.
    pub size: u32,
    /// 1 if the load has a deadline, 0 (the default) if not.
    pub has_deadline: u32,
    /// Milliseconds from the start of the load after which it fails with COURIER_FAILURE_EXPIRED; 0: at
    /// the next pump. Not read without a deadline.
    pub deadline_ms: u64,
}

// SAFETY: repr(C), begins with a u32, integers.
unsafe impl Growable for courier_load_options {
    const MINIMUM: usize = 16;

    fn defaults() -> Self {
        courier_load_options {
            size: size_of::<Self>() as u32,
            has_deadline: 0,
            deadline_ms: 0,
        }
    }
}

impl courier_load_options {
    fn parse(&self) -> Result<LoadOptions, Error> {
        let deadline = args::truth(self.has_deadline, "options->has_deadline")?
            .then(|| Duration::from_millis(self.deadline_ms));
        Ok(LoadOptions { deadline })
    }
}

/// Fills `*options` with the defaults. `size` is the caller's sizeof(courier_load_options): a size below
/// this library's minimum is refused with [bad-size]; of a larger struct only the part that this library
/// knows is written. Any thread.
///
/// # Safety
/// `options` is NULL or valid for writing `size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn courier_load_options_init(
    options: *mut courier_load_options,
    size: u32,
) -> courier_status {
    // SAFETY: the caller's promise.
    status(|| unsafe { args::init_growable(options, size, "options") })
}

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

/// Ends a session: cancels its loads, discards its events, and detaches its buffer. Cancellation callbacks
/// run inside; provider calls that are running go on, and are not waited for. Requests of its loads stay
/// with the provider, which releases them. Owner thread.
#[unsafe(no_mangle)]
pub extern "C" fn courier_session_destroy(session: courier_session) -> courier_status {
    status(|| COURIER.session_destroy(Id::from_raw(session)))
}

/// Starts a load and writes its number in the session, from 1. Unless the session is destroyed first,
/// it ends in exactly one event. `url` is copied; text that is not a URL is refused with [bad-url].
/// `options` may be NULL for the defaults. When the runtime has as many loads as it may, the call is
/// refused with [queue-full]: drain events first. Owner thread.
///
/// # Safety
/// `url` is valid as documented at courier_string_view. `options` is NULL or valid for reading as many
/// bytes as its size field says. `load` is NULL or valid for writing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn courier_session_load(
    session: courier_session,
    url: courier_string_view,
    options: *const courier_load_options,
    load: *mut u64,
) -> courier_status {
    status(|| {
        args::not_null(load, "load")?;
        // SAFETY: the caller's promise.
        let url = unsafe { args::text(url, "url") }?;
        let options = if options.is_null() {
            LoadOptions::default()
        } else {
            // SAFETY: the caller's promise.
            unsafe { args::read_growable(options, "options") }?.parse()?
        };
        let number = COURIER.session_load(Id::from_raw(session), url, &options)?;
        // SAFETY: not null, and the caller promises the rest.
        unsafe { load.write(number) };
        Ok(())
    })
}

/// Cancels a load: it ends in a COURIER_EVENT_CANCELLED. Its cancellation callback runs inside; its request
/// stays with the provider, which releases it. Refused with [unknown-load] if the session never issued the
/// number, and with [load-ended] if the load ended before, drained or not. Owner thread.
#[unsafe(no_mangle)]
pub extern "C" fn courier_session_cancel(session: courier_session, load: u64) -> courier_status {
    status(|| COURIER.session_cancel(Id::from_raw(session), load))
}

/// Memory of the host.
struct HostBuffer {
    data: *mut u8,
    capacity: usize,
}

// SAFETY: the host promised at the attachment that any thread may write there until the detachment.
unsafe impl Send for HostBuffer {}

impl HostMemory for HostBuffer {
    fn capacity(&self) -> usize {
        self.capacity
    }

    fn write(&mut self, bytes: &[u8]) {
        debug_assert!(bytes.len() <= self.capacity);
        // SAFETY: the host promised `capacity` writable bytes, nobody else writes there, and the bytes
        // are the library's own. A raw copy, because the host may hold pointers into the memory.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), self.data, bytes.len()) };
    }

    fn read(&self, len: usize) -> Vec<u8> {
        debug_assert!(len <= self.capacity);
        let mut bytes = vec![0; len];
        // SAFETY: as in `write`, for reading what was written there.
        unsafe { ptr::copy_nonoverlapping(self.data, bytes.as_mut_ptr(), len) };
        bytes
    }
}

/// Attaches a buffer of the host's. Until it is detached, the bytes of each of the session's loads are
/// written to it when the load completes, from the beginning, before its event can be drained; what does
/// not fit is left out. Refused with [buffer-attached] if there is one. Owner thread.
///
/// The host keeps the memory where it is, and neither writes nor reads it, until
/// courier_session_detach_buffer or courier_session_destroy has returned COURIER_OK: a thread of the
/// library may be writing. courier_session_snapshot reads it meanwhile. A buffer of no bytes is fine and
/// may carry any pointer.
///
/// # Safety
/// `data` is NULL, or valid for writing `capacity` bytes from any thread until the detachment.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn courier_session_attach_buffer(
    session: courier_session,
    data: *mut u8,
    capacity: usize,
) -> courier_status {
    status(|| {
        if capacity > 0 {
            args::not_null(data, "data")?;
        }
        args::object_size(capacity, "capacity")?;
        let buffer = HostBuffer {
            // A copy of no bytes wants a good pointer, too.
            data: if capacity > 0 {
                data
            } else {
                ptr::dangling_mut()
            },
            capacity,
        };
        COURIER.session_attach_buffer(Id::from_raw(session), Box::new(buffer))
    })
}

/// Detaches the buffer, after a write that is under way: when it returns COURIER_OK, nothing is written
/// any more, and the memory is the host's again. Refused with [no-buffer] if there is none. Owner thread.
#[unsafe(no_mangle)]
pub extern "C" fn courier_session_detach_buffer(session: courier_session) -> courier_status {
    status(|| {
        COURIER
            .session_detach_buffer(Id::from_raw(session))
            .map(drop)
    })
}

/// Copies the bytes of the last completed load from the buffer into a new blob, which the caller releases. The
/// blob is empty if no load completed since the buffer was attached. Refused with [no-buffer] if there is no
/// buffer. Owner thread.
///
/// # Safety
/// `blob` is NULL or valid for reading and writing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn courier_session_snapshot(
    session: courier_session,
    blob: *mut courier_blob,
) -> courier_status {
    status(|| {
        let make = || COURIER.session_snapshot(Id::from_raw(session));
        // SAFETY: the caller's promise.
        unsafe { args::create(blob, "blob", make) }
    })
}

/// Sets the surface of loads that start later: the address of an object of the host's, such as a device or a
/// window, that resources are loaded for. Providers read it with courier_request_surface. The library never
/// follows it; NULL (the default) means none. Owner thread.
///
/// # Safety
/// `surface` may be any pointer: it is not followed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn courier_session_set_surface(
    session: courier_session,
    surface: *mut c_void,
) -> courier_status {
    status(|| COURIER.session_set_surface(Id::from_raw(session), surface.addr()))
}
