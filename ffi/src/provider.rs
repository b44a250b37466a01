//! The host's provider: a callback that is offered every load.

use std::ffi::c_void;
use std::mem::size_of;
use std::ptr;

use courier_core::{Decision, Id, Provider};

use crate::args::{self, Growable, UserData};
use crate::boundary::{COURIER, status};
use crate::types::{courier_request, courier_runtime, courier_status, courier_string_view};

/// The answer of a provider.
pub type courier_decision = i32;

/// The provider leaves the load to the runtime, which serves or fails it. The provider keeps nothing and does
/// not release the request, unless it has completed it already: that counts as COURIER_DECISION_HANDLE.
pub const COURIER_DECISION_PASS: courier_decision = 0;
/// The provider takes the load: it completes the request now, later, or on another thread, and releases it
/// exactly once.
pub const COURIER_DECISION_HANDLE: courier_decision = 1;
/// The load fails with COURIER_FAILURE_PROVIDER. The provider keeps nothing, unless it has completed
/// the request already, as with COURIER_DECISION_PASS. For a callback that fails by itself, such as with a
/// panic in its language.
pub const COURIER_DECISION_FAIL: courier_decision = 2;

/// Offers a load to the host.
///
/// `request` is the host's hold on the load. It is valid while the call runs, and longer if the answer is
/// COURIER_DECISION_HANDLE. `url` is borrowed for the call. Any other number than the three decisions
/// fails the load with COURIER_FAILURE_BAD_RESPONSE; the provider keeps nothing then, unless it has
/// completed the request already. A request has been completed when courier_request_complete returned
/// COURIER_OK, or refused a malformed response.
///
/// Thread: a worker thread, several at once, or the owner thread inside courier_runtime_step. See
/// CALLBACKS above.
pub type courier_provider_fn = Option<
    unsafe extern "C" fn(
        user_data: *mut c_void,
        request: courier_request,
        url: courier_string_view,
    ) -> courier_decision,
>;

/// A provider: a callback and its user_data.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct courier_provider {
    /// sizeof(courier_provider) of the header that the host was compiled with.
    pub size: u32,
    /// The callback; not NULL.
    pub provide: courier_provider_fn,
    /// Passed to every call. The library never looks into it. It must stay valid, for any thread, until
    /// the provider has been replaced or cleared or the runtime destroyed: when one of these calls has
    /// returned COURIER_OK, no call runs any more and none comes later.
    pub user_data: *mut c_void,
}

// SAFETY: repr(C), begins with a u32, then an optional function pointer and a pointer.
unsafe impl Growable for courier_provider {
    const MINIMUM: usize = 24;

    fn defaults() -> Self {
        courier_provider {
            size: size_of::<Self>() as u32,
            provide: None,
            user_data: ptr::null_mut(),
        }
    }
}

/// A checked provider.
struct HostProvider {
    provide: unsafe extern "C" fn(*mut c_void, courier_request, courier_string_view) -> i32,
    user_data: UserData,
}

impl Provider for HostProvider {
    fn provide(&self, request: Id, url: &str) -> Decision {
        let url = courier_string_view::of(url);
        // SAFETY: the host promised at installation that this call is good until the provider is
        // replaced, and the core calls it no longer than that.
        let decision = unsafe { (self.provide)(self.user_data.get(), request.to_raw(), url) };
        match decision {
            COURIER_DECISION_PASS => Decision::Pass,
            COURIER_DECISION_HANDLE => Decision::Handle,
            COURIER_DECISION_FAIL => Decision::Fail("the provider failed".to_owned()),
            other => Decision::Unknown(other),
        }
    }
}

/// Installs a provider, or replaces the one there is. Returns when no call of the old provider runs any
/// more; none comes later. Requests that it holds stay usable. When refused, the old provider stays.
/// Owner thread.
///
/// # Safety
/// `provider` is NULL or valid for reading as many bytes as its size field says; callback and user_data
/// are good as documented there.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn courier_runtime_set_provider(
    runtime: courier_runtime,
    provider: *const courier_provider,
) -> courier_status {
    status(|| {
        // SAFETY: the caller's promise.
        let provider = unsafe { args::read_growable(provider, "provider") }?;
        let provider = HostProvider {
            provide: args::callback(provider.provide, "provider->provide")?,
            user_data: UserData::new(provider.user_data),
        };
        COURIER.runtime_set_provider(Id::from_raw(runtime), Box::new(provider))
    })
}

/// Removes the provider, and returns when no call of it runs any more; none comes later. Requests that it
/// holds stay usable. Does nothing if there is none. Owner thread.
#[unsafe(no_mangle)]
pub extern "C" fn courier_runtime_clear_provider(runtime: courier_runtime) -> courier_status {
    status(|| COURIER.runtime_clear_provider(Id::from_raw(runtime)))
}
