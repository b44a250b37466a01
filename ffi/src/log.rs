//! The log callback, which receives the library's messages for people.

use std::ffi::c_void;
use std::mem::size_of;
use std::ptr;

use courier_core::{Error, Level, Logger, Word};

use crate::args::{self, Growable, UserData};
use crate::boundary::{COURIER, status};
use crate::types::{courier_status, courier_string_view};

/// The importance of a record: the lower the number, the more important.
pub type courier_log_level = i32;

/// A contained panic: a bug in a callback, or in the loader.
pub const COURIER_LOG_ERROR: courier_log_level = 1;
/// A load failed.
pub const COURIER_LOG_WARN: courier_log_level = 2;
/// A runtime came or went.
pub const COURIER_LOG_INFO: courier_log_level = 3;
/// A load completed or was cancelled.
pub const COURIER_LOG_DEBUG: courier_log_level = 4;

// cbindgen reads literals only; this is where the two lists are held together.
const _: () = {
    assert!(COURIER_LOG_ERROR == Level::Error as i32);
    assert!(COURIER_LOG_WARN == Level::Warn as i32);
    assert!(COURIER_LOG_INFO == Level::Info as i32);
    assert!(COURIER_LOG_DEBUG == Level::Debug as i32);
};

/// Receives one record: a line of text without a line break, borrowed for the call.
///
/// Thread: any, several at once. See CALLBACKS above. Records that come from calls inside the callback are
/// not delivered.
pub type courier_log_fn = Option<
    unsafe extern "C" fn(
        user_data: *mut c_void,
        level: courier_log_level,
        text: courier_string_view,
    ),
>;

/// A log callback and its user_data.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct courier_log_callback {
    /// sizeof(courier_log_callback) of the header that the host was compiled with.
    pub size: u32,
    /// The least important level that is delivered.
    pub limit: courier_log_level,
    /// The callback; not NULL.
    pub log: courier_log_fn,
    /// Passed to every call. The library never looks into it. It must stay valid, for any thread, until
    /// the callback has been replaced or cleared: when one of these calls has returned COURIER_OK, no
    /// call runs any more and none comes later.
    pub user_data: *mut c_void,
}

// SAFETY: repr(C), begins with a u32, then an integer, an optional function pointer and a pointer.
unsafe impl Growable for courier_log_callback {
    const MINIMUM: usize = 24;

    fn defaults() -> Self {
        courier_log_callback {
            size: size_of::<Self>() as u32,
            limit: COURIER_LOG_WARN,
            log: None,
            user_data: ptr::null_mut(),
        }
    }
}

/// A checked log callback.
struct HostLogger {
    log: unsafe extern "C" fn(*mut c_void, courier_log_level, courier_string_view),
    user_data: UserData,
}

impl Logger for HostLogger {
    fn log(&self, level: Level, text: &str) {
        let text = courier_string_view::of(text);
        // SAFETY: the host promised at installation that this call is good until the callback is
        // replaced, and the core calls it no longer than that.
        unsafe { (self.log)(self.user_data.get(), level as courier_log_level, text) };
    }
}

/// Installs the process's log callback, or replaces the one there is. Returns when no call of the old
/// one runs any more; none comes later. When refused, the old one stays. Refused with [inside-callback]
/// from inside a callback. Any thread.
///
/// # Safety
/// `callback` is NULL or valid for reading as many bytes as its size field says; log and user_data are
/// good as documented there.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn courier_set_log_callback(
    callback: *const courier_log_callback,
) -> courier_status {
    status(|| {
        // SAFETY: the caller's promise.
        let callback = unsafe { args::read_growable(callback, "callback") }?;
        let limit = Level::ALL
            .into_iter()
            .find(|level| *level as courier_log_level == callback.limit);
        let Some(limit) = limit else {
            return Err(Error::new(
                Word::BadValue,
                format!("callback->limit is {}, which is unknown", callback.limit),
            ));
        };
        let logger = HostLogger {
            log: args::callback(callback.log, "callback->log")?,
            user_data: UserData::new(callback.user_data),
        };
        COURIER.set_logger(Some((limit, Box::new(logger))))
    })
}

/// Removes the log callback, and returns when no call of it runs any more; none comes later. Does nothing if
/// there is none. Refused with [inside-callback] from inside a callback. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn courier_clear_log_callback() -> courier_status {
    status(|| COURIER.set_logger(None))
}
