//! Waking: ending the owner's wait from elsewhere, and telling a host's own loop to pump.

use std::ffi::c_void;
use std::mem::size_of;
use std::ptr;

use courier_core::Id;

use crate::args::{self, Growable, UserData};
use crate::boundary::{COURIER, silent, status};
use crate::types::{courier_runtime, courier_status, courier_wake_source};

/// Makes a wake source for the runtime, which the caller releases. It may outlive the runtime. Owner thread.
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
/// that pump count as one. The wake callback may run inside. After the runtime's end it does nothing. Any
/// thread.
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

/// Tells the host that the owner should pump: work has come where there was none, or a pump left work
/// behind. A call may come although a pump has done the work meanwhile.
///
/// Thread: any, several at once. See CALLBACKS above.
pub type courier_wake_fn = Option<unsafe extern "C" fn(user_data: *mut c_void)>;

/// A wake callback and its user_data, for hosts that pump from a loop of their own.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct courier_wake_callback {
    /// sizeof(courier_wake_callback) of the header that the host was compiled with.
    pub size: u32,
    /// The callback; not NULL.
    pub wake: courier_wake_fn,
    /// Passed to every call. The library never looks into it. It must stay valid, for any thread, until
    /// the callback has been replaced or cleared or the runtime destroyed: when one of these calls has
    /// returned COURIER_OK, no call runs any more and none comes later.
    pub user_data: *mut c_void,
}

// SAFETY: repr(C), begins with a u32, then an optional function pointer and a pointer.
unsafe impl Growable for courier_wake_callback {
    const MINIMUM: usize = 24;

    fn defaults() -> Self {
        courier_wake_callback {
            size: size_of::<Self>() as u32,
            wake: None,
            user_data: ptr::null_mut(),
        }
    }
}

/// Installs a runtime's wake callback, or replaces the one there is. Returns when no call of the old one
/// runs any more; none comes later. If there is work already, the new one is called before this returns.
/// When refused, the old one stays. Owner thread.
///
/// # Safety
/// `callback` is NULL or valid for reading as many bytes as its size field says; wake and user_data are
/// good as documented there.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn courier_runtime_set_wake_callback(
    runtime: courier_runtime,
    callback: *const courier_wake_callback,
) -> courier_status {
    status(|| {
        // SAFETY: the caller's promise.
        let callback = unsafe { args::read_growable(callback, "callback") }?;
        let wake = args::callback(callback.wake, "callback->wake")?;
        let user_data = UserData::new(callback.user_data);
        let on_work = move || {
            // SAFETY: the host promised at installation that this call is good until the callback is
            // replaced, and the core calls it no longer than that.
            unsafe { wake(user_data.get()) };
        };
        COURIER.runtime_set_on_work(Id::from_raw(runtime), Some(Box::new(on_work)))
    })
}

/// Removes the wake callback, and returns when no call of it runs any more; none comes later. Does nothing if
/// there is none. Owner thread.
#[unsafe(no_mangle)]
pub extern "C" fn courier_runtime_clear_wake_callback(runtime: courier_runtime) -> courier_status {
    status(|| COURIER.runtime_set_on_work(Id::from_raw(runtime), None))
}
