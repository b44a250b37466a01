//! The outcome of a load, and the message that tells the owner.

use std::fmt;

use crate::id::Id;
use crate::log::Level;

/// The reason why a load failed. The values are part of the C ABI; 0 means that it did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(i32)]
pub enum Failure {
    /// The provider answered with an error.
    Provider = 1,
    /// The provider released the request without completing it.
    Dropped = 2,
    /// The provider's response or decision was malformed.
    BadResponse = 3,
    /// Neither the provider nor the loader serves such a URL.
    Unsupported = 4,
    /// There is no such file.
    NotFound = 5,
    /// The path leads out of the root directory.
    OutsideRoot = 6,
    /// The system failed to read the file.
    Io = 7,
    /// No handle was left for the request or for the payload.
    Internal = 8,
    /// The `data:` URL is malformed.
    Malformed = 9,
    /// The load's deadline passed.
    Expired = 10,
}

/// A failure and its text for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failed {
    pub(crate) failure: Failure,
    pub(crate) text: String,
}

/// The result of a load.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Completed(Vec<u8>),
    Failed(Failed),
    Cancelled,
}

impl Outcome {
    pub(crate) fn failed(failure: Failure, text: impl Into<String>) -> Outcome {
        Outcome::Failed(Failed {
            failure,
            text: text.into(),
        })
    }

    /// The importance of the load's record in the log.
    pub(crate) fn level(&self) -> Level {
        match self {
            // The library itself failed, which may well be a bug.
            Outcome::Failed(failed) if failed.failure == Failure::Internal => Level::Error,
            Outcome::Failed(_) => Level::Warn,
            Outcome::Completed(_) | Outcome::Cancelled => Level::Debug,
        }
    }
}

/// The text of the load's record in the log.
impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Outcome::Completed(bytes) => write!(f, "completed with {} bytes", bytes.len()),
            Outcome::Failed(failed) => write!(f, "failed: {}", failed.text),
            Outcome::Cancelled => f.write_str("cancelled"),
        }
    }
}

/// The message to the owner that a load ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) session: Id,
    pub(crate) load: u64,
    pub(crate) outcome: Outcome,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_record_of_a_load_says_how_it_ended() {
        let failed = Outcome::Failed(Failed {
            failure: Failure::NotFound,
            text: "no such file".to_owned(),
        });
        for (outcome, text) in [
            (Outcome::Completed(vec![1, 2, 3]), "completed with 3 bytes"),
            (failed, "failed: no such file"),
            (Outcome::Cancelled, "cancelled"),
        ] {
            assert_eq!(outcome.to_string(), text);
        }
    }
}
