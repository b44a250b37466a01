//! The host's provider, which is asked first for every load.

use crate::id::Id;
use crate::upcall::Slot;

/// The answer of a provider that is offered a load.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The provider leaves the load to the runtime's loader. It keeps nothing, unless it has completed the
    /// request already, which counts as [`Handle`](Decision::Handle).
    Pass,
    /// The provider takes the load: it keeps the request, completes it now, later, or on another thread,
    /// and releases it exactly once.
    Handle,
    /// The load fails with this text. The provider keeps nothing, unless it has completed the
    /// request already.
    Fail(String),
    /// A number that this library does not know, which fails the load.
    Unknown(i32),
}

/// A host's callback that is offered every load.
///
/// Called on worker threads, several at once, or on the owner thread inside a step; never while a
/// lock of the runtime is held. From inside, requests, blobs and wake sources may be used; calls
/// that belong to the owner thread are refused, even if the step runs on it.
pub trait Provider: Send + Sync {
    /// Decides about one load. `url` is the text that the host passed.
    fn provide(&self, request: Id, url: &str) -> Decision;
}

/// The place in a runtime where a provider is installed.
pub(crate) type ProviderSlot = Slot<Box<dyn Provider>>;
