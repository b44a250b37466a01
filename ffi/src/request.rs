//! Requests, by which providers answer.

use std::ffi::c_void;
use std::mem::size_of;
use std::ptr;

use courier_core::{Error, Id, Response, Word};

use crate::args::{self, Growable, UserData};
use crate::boundary::{COURIER, silent, status};
use crate::types::{courier_bytes_view, courier_request, courier_status, courier_string_view};

/// The kind of content that a response carries.
pub type courier_response_kind = i32;

/// The resource's bytes.
pub const COURIER_RESPONSE_BYTES: courier_response_kind = 1;
/// An error text: the load fails with COURIER_FAILURE_PROVIDER.
pub const COURIER_RESPONSE_ERROR: courier_response_kind = 2;

/// A provider's answer to a request.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct courier_response {
    /// sizeof(courier_response) of the header that the host was compiled with.
    pub size: u32,
    /// COURIER_RESPONSE_BYTES or COURIER_RESPONSE_ERROR.
    pub kind: courier_response_kind,
    /// The resource, which may be empty. Read with COURIER_RESPONSE_BYTES only.
    pub bytes: courier_bytes_view,
    /// The error text, which may be empty. Read with COURIER_RESPONSE_ERROR only.
    pub message: courier_string_view,
}

// SAFETY: repr(C), begins with a u32, then integers and pointers.
unsafe impl Growable for courier_response {
    const MINIMUM: usize = 40;

    fn defaults() -> Self {
        courier_response {
            size: size_of::<Self>() as u32,
            kind: 0,
            bytes: courier_bytes_view {
                data: ptr::null(),
                len: 0,
            },
            message: courier_string_view {
                data: ptr::null(),
                len: 0,
            },
        }
    }
}

impl courier_response {
    /// # Safety
    /// The view that `kind` names is valid as documented at its type.
    unsafe fn parse(&self) -> Result<Response, Error> {
        match self.kind {
            COURIER_RESPONSE_BYTES => {
                // SAFETY: the caller's promise.
                let bytes = unsafe { args::bytes(self.bytes, "response->bytes") }?;
                Ok(Response::Bytes(bytes.to_vec()))
            }
            COURIER_RESPONSE_ERROR => {
                // SAFETY: the caller's promise.
                let message = unsafe { args::text(self.message, "response->message") }?;
                Ok(Response::Error(message.to_owned()))
            }
            other => Err(Error::new(
                Word::BadValue,
                format!("response->kind is {other}, which is unknown"),
            )),
        }
    }
}

/// Completes a request. Only the first completion ends the load. The response is copied. Any thread.
///
/// Refused without effect: a NULL response or one whose size is too small; a completion after another
/// ([completed]), after a cancel or the end of the session ([cancelled]), after the load's deadline
/// ([expired]), or after a release on another thread ([stale], as for every released handle).
/// A response with malformed contents (an unknown kind, a message that is not UTF-8, a NULL view with a
/// length) is refused with COURIER_INVALID_ARGUMENT, but does complete the request: the load fails with
/// COURIER_FAILURE_BAD_RESPONSE.
///
/// # Safety
/// `response` is NULL or valid for reading as many bytes as its size field says, with views as
/// documented at their types.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn courier_request_complete(
    request: courier_request,
    response: *const courier_response,
) -> courier_status {
    status(|| {
        // SAFETY: the caller's promise.
        let response = unsafe { args::read_growable(response, "response") }?;
        // SAFETY: the caller's promise.
        let response = unsafe { response.parse() };
        COURIER.request_complete(Id::from_raw(request), response)
    })
}

/// Sets `*cancelled` to 1 if the load was cancelled or its deadline has passed, so that a completion would
/// be refused, and else to 0. Any thread.
///
/// # Safety
/// `cancelled` is NULL or valid for writing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn courier_request_is_cancelled(
    request: courier_request,
    cancelled: *mut u32,
) -> courier_status {
    status(|| {
        args::not_null(cancelled, "cancelled")?;
        let is_cancelled = COURIER.request_is_cancelled(Id::from_raw(request))?;
        // SAFETY: not null, and the caller promises the rest.
        unsafe { cancelled.write(u32::from(is_cancelled)) };
        Ok(())
    })
}

/// Tells a provider that nobody wants its answer any more: the load was cancelled, its deadline passed, or
/// its session was destroyed.
///
/// Thread: the owner thread, inside courier_session_cancel, courier_session_destroy or
/// courier_runtime_pump. See CALLBACKS above.
pub type courier_cancel_fn = Option<unsafe extern "C" fn(user_data: *mut c_void)>;

/// A cancellation callback and its user_data.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct courier_cancel_callback {
    /// sizeof(courier_cancel_callback) of the header that the host was compiled with.
    pub size: u32,
    /// The callback; not NULL.
    pub cancel: courier_cancel_fn,
    /// Passed to the call. The library never looks into it. It must stay valid until
    /// courier_request_clear_on_cancel or courier_request_release has returned, and until the end of a running
    /// call that these do not wait for. A provider that does not keep the request, as with
    /// COURIER_DECISION_PASS, clears its callback first.
    pub user_data: *mut c_void,
}

// SAFETY: repr(C), begins with a u32, then an optional function pointer and a pointer.
unsafe impl Growable for courier_cancel_callback {
    const MINIMUM: usize = 24;

    fn defaults() -> Self {
        courier_cancel_callback {
            size: size_of::<Self>() as u32,
            cancel: None,
            user_data: ptr::null_mut(),
        }
    }
}

/// Registers a callback that is called, once, if the load is cancelled before the request is completed or
/// released. If the load was cancelled before, `*cancelled` is set to 1, and the callback is not stored and
/// never called; else it is set to 0.
/// Refused with [callback-set] if the request has one, with [completed] after a completion, and with
/// [stale] after a release on another thread. Any thread.
///
/// # Safety
/// `callback` is NULL or valid for reading as many bytes as its size field says; cancel and user_data are
/// good as documented there. `cancelled` is NULL or valid for writing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn courier_request_on_cancel(
    request: courier_request,
    callback: *const courier_cancel_callback,
    cancelled: *mut u32,
) -> courier_status {
    status(|| {
        args::not_null(cancelled, "cancelled")?;
        // SAFETY: the caller's promise.
        let callback = unsafe { args::read_growable(callback, "callback") }?;
        let cancel = args::callback(callback.cancel, "callback->cancel")?;
        let user_data = UserData::new(callback.user_data);
        let hook = move || {
            // SAFETY: the host promised at the registration that this call is good until the request is
            // released, and the core drops the hook then.
            unsafe { cancel(user_data.get()) };
        };
        let was_cancelled = COURIER.request_on_cancel(Id::from_raw(request), Box::new(hook))?;
        // SAFETY: not null, and the caller promises the rest.
        unsafe { cancelled.write(u32::from(was_cancelled)) };
        Ok(())
    })
}

/// Removes the cancellation callback, and returns when it does not run any more on another thread; it is not
/// called later. It waits like courier_request_release. Does nothing if there is none. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn courier_request_clear_on_cancel(request: courier_request) -> courier_status {
    status(|| COURIER.request_clear_on_cancel(Id::from_raw(request)))
}

/// Writes the surface that the session had when the load was started; NULL for none. Any thread.
///
/// # Safety
/// `surface` is NULL or valid for writing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn courier_request_surface(
    request: courier_request,
    surface: *mut *mut c_void,
) -> courier_status {
    status(|| {
        args::not_null(surface, "surface")?;
        let address = COURIER.request_surface(Id::from_raw(request))?;
        // SAFETY: not null, and the caller promises the rest.
        unsafe { surface.write(ptr::without_provenance_mut(address)) };
        Ok(())
    })
}

/// Releases a request. First it waits for calls on the request that run on other threads, its cancellation
/// callback included. It does not wait when it is called from inside that callback, nor where two
/// cancellation callbacks would wait for each other because each releases the other's request. If the
/// request was not completed, the load fails with COURIER_FAILURE_DROPPED. Null and released requests are
/// ignored. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn courier_request_release(request: courier_request) {
    silent(|| COURIER.request_release(Id::from_raw(request)));
}
