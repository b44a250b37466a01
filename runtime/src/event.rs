//! Events: how the owner learns what became of its loads.

use crate::id::Id;
use crate::load::Failure;

/// The end of one load. Drained events are copies: nothing in them points into the runtime.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The session that loaded.
    pub session: Id,
    /// The load's number in that session.
    pub load: u64,
    /// How it ended.
    pub kind: EventKind,
}

/// How a load ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// With the bytes in this blob, which the receiver releases.
    Completed(Id),
    /// Not at all: why, and a blob with the text, which the receiver releases.
    Failed(Failure, Id),
    /// By a cancel.
    Cancelled,
}
