//! The operations.

use std::time::Duration;

/// How many lanes a scenario has.
pub const LANES: u8 = 4;

/// How long [`Pause::Briefly`] lasts. A lower bound: a busy machine only makes it longer.
pub const BRIEFLY: Duration = Duration::from_millis(1);

/// One operation on one lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// The thread, below [`LANES`].
    pub lane: u8,
    /// What it does.
    pub op: Op,
}

/// Names an object by the order in which objects of its kind came to be, modulo how many there were
/// so far; released ones count. While there were none, it names the null handle.
pub type Ordinal = u8;

/// An operation of the library. Every one may meet an object that is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// Creates a runtime with stepped workers, with or without the fixture's root directory.
    RuntimeCreate {
        /// Whether `file:` URLs are served.
        root: bool,
    },
    /// Destroys a runtime.
    RuntimeDestroy {
        /// Which.
        runtime: Ordinal,
    },
    /// Pumps a runtime.
    Pump {
        /// Which.
        runtime: Ordinal,
        /// How long it may park.
        wait: Pause,
    },
    /// Runs one job of a runtime.
    Step {
        /// Which.
        runtime: Ordinal,
    },
    /// Drains at most so many events.
    Drain {
        /// Which runtime.
        runtime: Ordinal,
        /// How many.
        limit: u8,
    },
    /// Installs or replaces a runtime's provider.
    SetProvider {
        /// Which runtime.
        runtime: Ordinal,
        /// What the new provider does.
        behaviour: Behaviour,
    },
    /// Clears a runtime's provider.
    ClearProvider {
        /// Which runtime.
        runtime: Ordinal,
    },
    /// Makes a wake source for a runtime.
    WakeSourceCreate {
        /// Which runtime.
        runtime: Ordinal,
    },
    /// Signals a wake source.
    Signal {
        /// Which.
        source: Ordinal,
    },
    /// Releases a wake source.
    WakeSourceRelease {
        /// Which.
        source: Ordinal,
    },
    /// Opens a session in a runtime.
    SessionCreate {
        /// Which runtime.
        runtime: Ordinal,
    },
    /// Ends a session.
    SessionDestroy {
        /// Which.
        session: Ordinal,
    },
    /// Starts a load.
    Load {
        /// In which session.
        session: Ordinal,
        /// Of what.
        url: Url,
    },
    /// Cancels the load with this number (not an ordinal: 0 and numbers not reached exist too).
    Cancel {
        /// In which session.
        session: Ordinal,
        /// The load's number.
        load: u8,
    },
    /// Completes a request.
    Complete {
        /// Which.
        request: Ordinal,
        /// With what.
        answer: Answer,
    },
    /// Asks whether a request was cancelled.
    IsCancelled {
        /// Which.
        request: Ordinal,
    },
    /// Releases a request.
    RequestRelease {
        /// Which.
        request: Ordinal,
    },
    /// Reads a blob.
    BlobRead {
        /// Which.
        blob: Ordinal,
    },
    /// Releases a blob.
    BlobRelease {
        /// Which.
        blob: Ordinal,
    },
}

impl Op {
    /// Whether it is one of the releases that the C ABI has no status for.
    pub fn is_release(self) -> bool {
        matches!(
            self,
            Op::RequestRelease { .. } | Op::BlobRelease { .. } | Op::WakeSourceRelease { .. }
        )
    }
}

macro_rules! listed {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $($(#[$variant_doc])* $variant,)* }

        impl $name {
            /// All of them, in the order of their number in the bytes form.
            pub const ALL: &[$name] = &[$($name::$variant,)*];
        }
    };
}

listed! {
    /// How long a pump may park.
    Pause {
        /// Not at all.
        No,
        /// Until there is something. Where the model knows of nothing, it becomes `Briefly`.
        Forever,
        /// For [`BRIEFLY`], which it must last if there is nothing to return for.
        Briefly,
    }
}

listed! {
    /// What a provider does with every load that it is offered.
    Behaviour {
        /// Answers PASS and keeps nothing.
        Pass,
        /// Answers HANDLE and keeps the request for later.
        Keep,
        /// Completes inline with bytes, releases, answers HANDLE.
        Serve,
        /// Completes inline with bytes and answers PASS all the same.
        ServeAndPass,
        /// Completes inline twice, answers HANDLE, keeps the request.
        ServeTwice,
        /// Releases without completing, answers HANDLE.
        Drop,
        /// Answers FAIL.
        Fail,
        /// Answers with a number that is no decision.
        Unknown,
        /// Tries to clear itself from inside, then answers PASS.
        ClearInside,
        /// Panics.
        Panic,
    }
}

listed! {
    /// What a request is completed with.
    Answer {
        /// A few bytes.
        Bytes,
        /// No bytes, which is not an error.
        Empty,
        /// An error text.
        Error,
        /// A response that the boundary found malformed.
        Malformed,
    }
}

listed! {
    /// What is loaded. The fixture's files are in [`driver::fixture`](crate::driver::fixture).
    Url {
        /// A file with text.
        Hello,
        /// A file without a byte.
        EmptyFile,
        /// A file in a directory, its name percent-encoded.
        Encoded,
        /// A symbolic link to a file under the root.
        LinkInside,
        /// There is no such file.
        Missing,
        /// A directory.
        Directory,
        /// `..` behind an encoded slash.
        DotsOutside,
        /// A symbolic link to a file out of the root.
        LinkOutside,
        /// A path through a symbolic link to a directory out of the root.
        ThroughLinkOutside,
        /// A scheme that only a provider can serve.
        App,
        /// Text that is no URL.
        Malformed,
    }
}

impl Url {
    /// The text that is loaded.
    pub fn text(self) -> &'static str {
        match self {
            Url::Hello => "file:///hello.txt",
            Url::EmptyFile => "file:///empty",
            Url::Encoded => "file:///dir/na%C3%AFve%20name",
            Url::LinkInside => "file:///link-inside",
            Url::Missing => "file:///missing",
            Url::Directory => "file:///dir",
            Url::DotsOutside => "file:///..%2Fsecret",
            Url::LinkOutside => "file:///link-outside",
            Url::ThroughLinkOutside => "file:///up/secret",
            Url::App => "app:thing",
            Url::Malformed => "no url",
        }
    }
}
