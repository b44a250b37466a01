//! Events, by which the owner learns the ends of its loads.

use crate::id::Id;
use crate::outcome::Failure;

/// The end of one load. Drained events are copies: nothing in them points into the runtime.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The session that loaded.
    pub session: Id,
    /// The load's number in that session.
    pub load: u64,
    /// The way in which it ended, with the result.
    pub kind: EventKind,
}

/// The way in which a load ended, with the result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// The load completed; its bytes are in this blob, which the receiver releases.
    Completed(Id),
    /// The load failed for this reason; a text is in this blob, which the receiver releases.
    Failed(Failure, Id),
    /// The load was cancelled.
    Cancelled,
}
