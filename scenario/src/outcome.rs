//! What a step led to, without addresses, ids and times: equal for every driver and the model.

use courier_core::{Failure, Word};

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
        /// How many events are unread.
        unread: usize,
        /// Whether it lasted as long as a brief wait. It may always last longer than it must, so the
        /// judge looks at this only where it must.
        waited: bool,
    },
    /// Ran a job, with the provider call it led to; or there was none.
    Stepped(Option<Option<Call>>),
    /// Drained these events.
    Drained(Vec<Seen>),
    /// Whether a request was cancelled.
    Cancelled(bool),
    /// A blob's content.
    Content(Content),
    /// Refused with this word.
    Refused(Word),
}

/// One call of a provider, and what came of the calls that it made from inside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The provider's ordinal among all that were installed.
    pub provider: usize,
    /// The text that was loaded.
    pub url: String,
    /// The request's ordinal.
    pub request: usize,
    /// Its own calls, in order.
    pub inside: Vec<Outcome>,
}

/// A drained event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The session's ordinal.
    pub session: usize,
    /// The load's number.
    pub load: u64,
    /// How it ended.
    pub end: End,
    /// The payload's ordinal among all blobs.
    pub blob: Option<usize>,
}

/// How a load ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// With bytes.
    Completed(Vec<u8>),
    /// Not at all.
    Failed(Failure, Content),
    /// By a cancel.
    Cancelled,
}

/// What a blob holds.
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
