//! Errors: each has a stable word, a status, and a sentence for people.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The class of a refusal. The values are the C ABI's status codes; success is 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(i32)]
pub enum Status {
    /// An argument or a handle is not acceptable.
    InvalidArgument = -1,
    /// The arguments are acceptable, but the state of the object does not allow the call.
    InvalidState = -2,
    /// The call belongs to another thread.
    WrongThread = -3,
    /// This runtime was not set up for the call.
    Unsupported = -4,
    /// The runtime itself, or the system below it, failed.
    NativeError = -5,
}

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $status:ident;)*) => {
        /// The stable word that begins a diagnostic. Words are part of the ABI: never renamed.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Word { $($(#[$doc])* $name,)* }

        impl Word {
            /// The text of the word, as in a diagnostic's brackets.
            pub fn as_str(self) -> &'static str {
                match self { $(Word::$name => $text,)* }
            }

            /// The word that stands in the brackets at the beginning of a diagnostic.
            pub fn of_diagnostic(text: &str) -> Option<Word> {
                let (word, _) = text.strip_prefix('[')?.split_once("] ")?;
                [$(Word::$name,)*].into_iter().find(|each| each.as_str() == word)
            }

            /// The status that a call refused with this word returns.
            pub fn status(self) -> Status {
                match self { $(Word::$name => Status::$status,)* }
            }
        }
    };
}

words! {
    /// The handle id is 0.
    Null = "null", InvalidArgument;
    /// No table issues such an id.
    Malformed = "malformed", InvalidArgument;
    /// The id names an object of another kind.
    WrongKind = "wrong-kind", InvalidArgument;
    /// The id's slot was never used.
    NeverIssued = "never-issued", InvalidArgument;
    /// The id's slot has not reached that generation.
    FutureGeneration = "future-generation", InvalidArgument;
    /// The object was released.
    Stale = "stale", InvalidArgument;
    /// A required pointer is null.
    NullPointer = "null-pointer", InvalidArgument;
    /// A struct's size field or a stride is smaller than this library's minimum.
    BadSize = "bad-size", InvalidArgument;
    /// The slot for a new handle does not hold 0.
    OutNotNull = "out-not-null", InvalidArgument;
    /// A number is outside its range or its set of known values.
    BadValue = "bad-value", InvalidArgument;
    /// Text is not UTF-8.
    NotUtf8 = "not-utf8", InvalidArgument;
    /// Text is not a URL.
    BadUrl = "bad-url", InvalidArgument;
    /// The root directory cannot be opened.
    BadRoot = "bad-root", InvalidArgument;
    /// The session never issued this load number.
    UnknownLoad = "unknown-load", InvalidArgument;
    /// The buffer is smaller than what it should receive.
    TooSmall = "too-small", InvalidArgument;
    /// The call belongs to the owner thread.
    WrongThread = "wrong-thread", WrongThread;
    /// The call may not be made from inside a callback.
    InsideCallback = "inside-callback", InvalidState;
    /// The object still has live children.
    LiveChildren = "live-children", InvalidState;
    /// The thread already owns a runtime.
    OwnerHasRuntime = "owner-has-runtime", InvalidState;
    /// The load has ended: completed, failed or cancelled.
    LoadEnded = "load-ended", InvalidState;
    /// The request was completed before.
    Completed = "completed", InvalidState;
    /// The load was cancelled before the request was completed.
    Cancelled = "cancelled", InvalidState;
    /// The load's deadline passed before the request was completed.
    Expired = "expired", InvalidState;
    /// The runtime has as many loads as it may.
    QueueFull = "queue-full", InvalidState;
    /// The request has a cancellation callback already.
    CallbackSet = "callback-set", InvalidState;
    /// The session has a buffer already.
    BufferAttached = "buffer-attached", InvalidState;
    /// The session has no buffer.
    NoBuffer = "no-buffer", InvalidState;
    /// Only a runtime with stepped workers can do this.
    NotStepped = "not-stepped", Unsupported;
    /// All slots are in use or retired.
    Exhausted = "exhausted", NativeError;
    /// The operating system refused.
    System = "system", NativeError;
    /// A panic was contained.
    Panic = "panic", NativeError;
}

/// Runs `call`, and turns a panic into an error: for foreign code, whose panics must not unwind further.
///
/// # Errors
/// The text of its panic.
pub fn contain<R>(call: impl FnOnce() -> R) -> Result<R, String> {
    // A panic cannot leave the caller's state half changed, because the callee borrows none of it mutably.
    catch_unwind(AssertUnwindSafe(call)).map_err(|panic| {
        let text = panic.downcast_ref::<&str>().copied();
        text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
            .unwrap_or("a panic without text")
            .to_owned()
    })
}

/// The refusal of a call. Its Display form is `[word] sentence`, which is the C ABI's diagnostic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    word: Word,
    text: String,
}

impl Error {
    /// A refusal with its word and a sentence for people.
    pub fn new(word: Word, text: impl Into<String>) -> Error {
        Error {
            word,
            text: text.into(),
        }
    }

    /// The stable word.
    pub fn word(&self) -> Word {
        self.word
    }

    /// The status code's class.
    pub fn status(&self) -> Status {
        self.word.status()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}] {}", self.word.as_str(), self.text)
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diagnostic_begins_with_its_word() {
        let text = Error::new(Word::Stale, "was [null] released").to_string();
        assert_eq!(text, "[stale] was [null] released");
        assert_eq!(Word::of_diagnostic(&text), Some(Word::Stale));
        for other in ["", "stale", "[stale]", "[unknown] word", " [stale] x"] {
            assert_eq!(Word::of_diagnostic(other), None, "{other:?}");
        }
    }
}
