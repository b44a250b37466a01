//! Results of steps, without addresses, ids and times: equal for every driver and the model.

use std::fmt;

use courier_core::{Failure, Level, Word};

use crate::state::Next;

/// The result of one step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Done, with nothing to say.
    Done,
    /// Made an object, which is the one with this ordinal among its kind.
    Created(usize),
    /// Started the load with this number.
    Started(u64),
    /// Pumped.
    Pumped {
        /// The number of unread events.
        unread: usize,
        /// It lasted as long as a brief wait. It may always last longer than it must, so the
        /// judge looks at this only where it must.
        waited: bool,
    },
    /// The time that an owner's loop may sleep.
    Next(Next),
    /// `true` if a job ran.
    Stepped(bool),
    /// Drained these events.
    Drained(Vec<Event>),
    /// `true` if a request was cancelled.
    Cancelled(bool),
    /// A blob's content.
    Content(Content),
    /// Made a blob of the bytes that landed: its ordinal and its content.
    Snapshot(usize, Content),
    /// A request's surface, by its address.
    Surface(usize),
    /// All the bytes of a buffer that was detached.
    Buffer(Vec<u8>),
    /// Refused with this word.
    Refused(Word),
    /// Refused by the binding, which has not called the library.
    Unasked(Unasked),
}

/// The reasons for which the Go binding refuses a call by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unasked {
    /// The handle is closed.
    Closed,
    /// The request was completed before, whatever the library said.
    AlreadyCompleted,
    /// The call would wait for itself.
    InvalidState,
}

/// A step's result, and the callbacks that the library called meanwhile, in the order in which they
/// returned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observation {
    /// The result.
    pub outcome: Outcome,
    /// The callbacks.
    pub upcalls: Vec<Upcall>,
}

/// One call of a callback, and the results of the calls that it made from inside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upcall {
    /// The callback, by the order in which installing them was tried.
    pub callback: usize,
    /// The kind, with its arguments.
    pub kind: UpcallKind,
    /// Its own calls, in order.
    pub inside: Vec<Outcome>,
}

/// The kind of a callback, with the arguments of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UpcallKind {
    /// A provider: the request's ordinal and the text that was loaded.
    Provide(usize, String),
    /// A cancellation callback.
    Cancel,
    /// A wake callback.
    Wake,
    /// A log callback: the record's level.
    Log(Level),
}

/// Prints as its result alone when there is nothing else to say.
impl fmt::Display for Observation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.outcome)?;
        if !self.upcalls.is_empty() {
            write!(f, " with {:?}", self.upcalls)?;
        }
        Ok(())
    }
}

/// A drained event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The session's ordinal.
    pub session: usize,
    /// The load's number.
    pub load: u64,
    /// The end.
    pub end: End,
    /// The payload's ordinal among all blobs.
    pub blob: Option<usize>,
}

/// The end of a load.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// With bytes.
    Completed(Vec<u8>),
    /// Not at all.
    Failed(Failure, Content),
    /// By a cancel.
    Cancelled,
}

/// The content of a blob.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// These bytes.
    Exactly(Vec<u8>),
    /// A text that is the library's or the system's own wording, and not empty.
    SomeText,
}

impl End {
    /// The content of the payload, if there is one.
    pub fn content(&self) -> Option<Content> {
        match self {
            End::Completed(bytes) => Some(Content::Exactly(bytes.clone())),
            End::Failed(_, text) => Some(text.clone()),
            End::Cancelled => None,
        }
    }
}
