//! A library with one live object of each kind, on the calling thread.

use std::ffi::c_void;
use std::ptr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use courier::*;

use super::{Wrong, expect};
use crate::driver::abi::{check, options, view};
use crate::op::MaxLoads;

/// Everything that it holds is released by [`end`](World::end).
pub(super) struct World {
    pub(super) runtime: courier_runtime,
    pub(super) session: courier_session,
    pub(super) source: courier_wake_source,
    pub(super) blob: courier_blob,
    /// Requests that the provider was given, and keeps. Boxed: the library has its address.
    requests: Box<Mutex<Vec<courier_request>>>,
}

/// The bytes of the world's blob.
pub(super) const BLOB: &[u8] = b"a blob";

unsafe extern "C" fn keep(
    user_data: *mut c_void,
    request: courier_request,
    _: courier_string_view,
) -> courier_decision {
    // SAFETY: the world keeps it until the provider is cleared, and shares it.
    let requests = unsafe { &*user_data.cast::<Mutex<Vec<courier_request>>>() };
    locked(requests).push(request);
    COURIER_DECISION_HANDLE
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A call of the world's own, which is well-behaved.
fn fine(status: courier_status) {
    check(status).expect("a well-behaved call succeeds");
}

fn fine_if_there(id: u64, end: extern "C" fn(u64) -> courier_status) {
    if id != 0 {
        fine(end(id));
    }
}

impl World {
    pub(super) fn new() -> World {
        assert!(
            test_hooks::reset(),
            "something is live: {:?}",
            test_hooks::live()
        );
        let options = options(MaxLoads::Many);
        let requests: Box<Mutex<Vec<courier_request>>> = Box::default();
        let provider = courier_provider {
            size: size_of::<courier_provider>() as u32,
            provide: Some(keep),
            user_data: ptr::from_ref(&*requests).cast_mut().cast(),
        };
        let (mut runtime, mut session, mut source) = (0, 0, 0);
        // Everything twice: each object that stays has its slot from one that was released.
        for _ in 0..2 {
            fine_if_there(runtime, courier_runtime_destroy);
            runtime = 0;
            // SAFETY: both point to values that live during the call.
            fine(unsafe { courier_runtime_create(&raw const options, &raw mut runtime) });
        }
        // SAFETY: the struct lives during the call, and the world keeps the provider's state.
        fine(unsafe { courier_runtime_set_provider(runtime, &raw const provider) });
        for _ in 0..2 {
            fine_if_there(session, courier_session_destroy);
            session = 0;
            // SAFETY: the out parameter lives during the call.
            fine(unsafe { courier_session_create(runtime, &raw mut session) });
            courier_wake_source_release(source);
            source = 0;
            // SAFETY: as above.
            fine(unsafe { courier_runtime_wake_source(runtime, &raw mut source) });
        }
        let mut world = World {
            runtime,
            session,
            source,
            blob: 0,
            requests,
        };
        for _ in 0..2 {
            let request = world.request();
            let bytes = courier_bytes_view {
                data: BLOB.as_ptr(),
                len: BLOB.len(),
            };
            fine(respond(request, COURIER_RESPONSE_BYTES, bytes, view(b"")));
            world.released(request);
            courier_blob_release(world.blob);
            world.blob = world.last_event().payload;
        }
        // One that stays.
        world.request();
        world
    }

    /// A new request, which the world releases if nobody else does.
    pub(super) fn request(&mut self) -> courier_request {
        let (mut load, mut ran) = (0, 0);
        // SAFETY: all point to values that live during the call.
        fine(unsafe {
            courier_session_load(self.session, view(b"app:x"), ptr::null(), &raw mut load)
        });
        // SAFETY: the out parameter lives during the call.
        fine(unsafe { courier_runtime_step(self.runtime, &raw mut ran) });
        *locked(&self.requests)
            .last()
            .expect("the provider keeps it")
    }

    /// Ends a load that was started well, so that the next request is not its.
    pub(super) fn cancel(&self, load: u64) {
        if load != 0 {
            fine(courier_session_cancel(self.session, load));
        }
    }

    /// Releases a request.
    pub(super) fn released(&mut self, request: courier_request) {
        locked(&self.requests).retain(|kept| *kept != request);
        courier_request_release(request);
    }

    /// The request that stays.
    pub(super) fn kept(&self) -> courier_request {
        locked(&self.requests)[0]
    }

    /// The last event, after dropping those before it. The caller releases its payload.
    pub(super) fn last_event(&self) -> courier_event {
        let mut last = NO_EVENT;
        loop {
            let event = self.next_event();
            if event.kind == 0 {
                return last;
            }
            courier_blob_release(last.payload);
            last = event;
        }
    }

    fn next_event(&self) -> courier_event {
        let mut unread = 0;
        // SAFETY: the out parameter lives during the call.
        fine(unsafe { courier_runtime_pump(self.runtime, 0, u32::MAX, &raw mut unread) });
        let mut event = NO_EVENT;
        let mut count = 0;
        let stride = size_of::<courier_event>() as u32;
        // SAFETY: a place for one event, which lives during the call.
        fine(unsafe {
            courier_runtime_drain_events(self.runtime, &raw mut event, stride, 1, &raw mut count)
        });
        event
    }

    /// Releases everything.
    pub(super) fn end(self) -> Result<(), Box<Wrong>> {
        for request in locked(&self.requests).drain(..) {
            courier_request_release(request);
        }
        fine(courier_runtime_clear_provider(self.runtime));
        fine(courier_runtime_clear_wake_callback(self.runtime));
        fine(courier_clear_log_callback());
        courier_blob_release(self.last_event().payload);
        courier_blob_release(self.blob);
        courier_wake_source_release(self.source);
        fine(courier_session_destroy(self.session));
        fine(courier_runtime_destroy(self.runtime));
        let nothing = courier_core::Live::default();
        expect("REQ-05", "teardown", nothing, test_hooks::live())
    }
}

/// A place for an event.
pub(super) const NO_EVENT: courier_event = courier_event {
    kind: 0,
    failure: 0,
    session: 0,
    load: 0,
    payload: 0,
};

/// Completes a request.
pub(super) fn respond(
    request: courier_request,
    kind: courier_response_kind,
    bytes: courier_bytes_view,
    message: courier_string_view,
) -> courier_status {
    let response = courier_response {
        size: size_of::<courier_response>() as u32,
        kind,
        bytes,
        message,
    };
    // SAFETY: the response lives during the call; its views are as hostile as the ABI allows.
    unsafe { courier_request_complete(request, &raw const response) }
}
