//! The host's provider: who is asked first for every load.

use crate::id::Id;
use crate::upcall::Slot;

/// What a provider answers when it is offered a load.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Not mine: the runtime's loader goes on. The provider keeps nothing, unless it has completed
    /// the request already, which then counts as [`Handle`](Decision::Handle).
    Pass,
    /// Mine: the provider keeps the request, completes it now, later, or on another thread, and
    /// releases it exactly once.
    Handle,
    /// The load fails with this text. The provider keeps nothing, unless it has completed the
    /// request already.
    Fail(String),
    /// A number that this library does not know. Treated as a failure.
    Unknown(i32),
}

/// The host's chance to serve a load.
///
/// Called on worker threads, several at once, or on the owner thread inside a step; never while a
/// lock of the runtime is held. From inside, requests, blobs and wake sources may be used; calls
/// that belong to the owner thread are refused, also when the step runs on it.
pub trait Provider: Send + Sync {
    /// Decides about one load. `url` is the text that the host passed.
    fn provide(&self, request: Id, url: &str) -> Decision;
}

/// The place in a runtime where a provider is installed.
pub(crate) type ProviderSlot = Slot<Box<dyn Provider>>;
