//! The operations.

use std::time::Duration;

/// How many lanes a scenario has.
pub const LANES: u8 = 4;

/// How long [`Pause::Briefly`] lasts. A lower bound: a busy machine only makes it longer.
pub const BRIEFLY: Duration = Duration::from_millis(1);

/// The time after its start when a load with [`Deadline::Soon`] expires.
pub const SOON: Duration = Duration::from_millis(1);

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
    /// Creates a runtime with stepped workers.
    RuntimeCreate {
        /// Where `file:` URLs are served from.
        root: Root,
        /// How many loads it may have.
        max_loads: MaxLoads,
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
        /// How many ends of loads it may turn into events.
        budget: Budget,
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
        /// What it calls before that.
        reaction: Reaction,
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
        /// Until when.
        deadline: Deadline,
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
    /// Registers a cancellation callback.
    OnCancel {
        /// For which request.
        request: Ordinal,
        /// What the callback calls.
        reaction: Reaction,
    },
    /// Installs or replaces a runtime's wake callback.
    SetWake {
        /// Which runtime.
        runtime: Ordinal,
        /// What the callback calls.
        reaction: Reaction,
    },
    /// Clears a runtime's wake callback.
    ClearWake {
        /// Which runtime.
        runtime: Ordinal,
    },
    /// Installs or replaces the log callback.
    SetLog {
        /// The least important records that it gets.
        limit: Limit,
        /// What the callback calls.
        reaction: Reaction,
    },
    /// Clears the log callback.
    ClearLog,
    /// Attaches a landing buffer, filled with [`FILL`].
    Attach {
        /// To which session.
        session: Ordinal,
        /// How large it is.
        size: Size,
    },
    /// Detaches a session's landing buffer.
    Detach {
        /// Which session.
        session: Ordinal,
    },
    /// Copies what landed last into a blob.
    Snapshot {
        /// In which session.
        session: Ordinal,
    },
    /// Names the surface of a session's later loads.
    SetSurface {
        /// Which session.
        session: Ordinal,
        /// The surface; 0 is none.
        surface: u8,
    },
    /// Asks for the surface of a request's load.
    Surface {
        /// Which request.
        request: Ordinal,
    },
    /// Asks how long an owner's loop may sleep.
    NextWait {
        /// Of which runtime.
        runtime: Ordinal,
    },
    /// Takes a request's cancellation callback out.
    ClearOnCancel {
        /// Which request.
        request: Ordinal,
    },
}

/// What a landing buffer holds before anything landed.
pub const FILL: u8 = 0xee;

/// The address that stands for a surface. Nothing is there: the library must not follow it.
pub fn surface_address(surface: u8) -> usize {
    usize::from(surface) * 0x101
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
        /// For longer than anybody waits for a scenario. As `Forever` where the model knows of nothing.
        Long,
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

impl Behaviour {
    /// What it calls, of its own runtime and request, before it answers.
    pub fn calls(self, runtime: Ordinal, request: Ordinal) -> Vec<Op> {
        let serve = Op::Complete {
            request,
            answer: Answer::Served,
        };
        let release = Op::RequestRelease { request };
        match self {
            Behaviour::Serve => vec![serve, release],
            Behaviour::ServeAndPass => vec![serve],
            Behaviour::ServeTwice => vec![serve, serve],
            Behaviour::Drop => vec![release],
            Behaviour::ClearInside => vec![Op::ClearProvider { runtime }],
            Behaviour::Pass
            | Behaviour::Keep
            | Behaviour::Fail
            | Behaviour::Unknown
            | Behaviour::Panic => vec![],
        }
    }
}

listed! {
    /// What a callback calls from inside, besides what makes it what it is.
    Reaction {
        /// Nothing.
        Nothing,
        /// Releases its request.
        Release,
        /// Completes its request.
        Complete,
        /// Tries every call that belongs to an owner, of the first runtime and the first session.
        Owner,
        /// Tries to change the log callback, and to create a runtime.
        Log,
        /// Uses the first request, blob and wake source.
        Use,
        /// Releases the first blob and wake source.
        Free,
        /// Registers a cancellation callback that calls nothing.
        Hook,
        /// Registers a cancellation callback that releases the request.
        HookReleases,
        /// Registers a cancellation callback that completes the request.
        HookCompletes,
        /// Registers a cancellation callback that tries every call of an owner.
        HookOwner,
        /// Registers two cancellation callbacks.
        HookTwice,
    }
}

impl Reaction {
    /// The calls. `request` is the callback's own, or the first where it has none.
    pub fn calls(self, request: Ordinal) -> Vec<Op> {
        let (runtime, session) = (0, 0);
        let hook = |reaction| Op::OnCancel { request, reaction };
        match self {
            Reaction::Nothing => vec![],
            Reaction::Release => vec![Op::RequestRelease { request }],
            Reaction::Complete => vec![Op::Complete {
                request,
                answer: Answer::Bytes,
            }],
            Reaction::Owner => vec![
                Op::NextWait { runtime },
                Op::Pump {
                    runtime,
                    wait: Pause::No,
                    budget: Budget::All,
                },
                Op::Step { runtime },
                Op::Drain { runtime, limit: 1 },
                Op::SetProvider {
                    runtime,
                    behaviour: Behaviour::Pass,
                    reaction: Reaction::Nothing,
                },
                Op::ClearProvider { runtime },
                Op::SetWake {
                    runtime,
                    reaction: Reaction::Nothing,
                },
                Op::ClearWake { runtime },
                Op::WakeSourceCreate { runtime },
                Op::SessionCreate { runtime },
                Op::Load {
                    session,
                    url: Url::App,
                    deadline: Deadline::Absent,
                },
                Op::Cancel { session, load: 1 },
                Op::Attach {
                    session,
                    size: Size::Large,
                },
                Op::Detach { session },
                Op::Snapshot { session },
                Op::SetSurface {
                    session,
                    surface: 1,
                },
                Op::SessionDestroy { session },
                Op::RuntimeDestroy { runtime },
            ],
            Reaction::Log => vec![
                Op::SetLog {
                    limit: Limit::Debug,
                    reaction: Reaction::Nothing,
                },
                Op::ClearLog,
                Op::RuntimeCreate {
                    root: Root::Absent,
                    max_loads: MaxLoads::Many,
                },
            ],
            Reaction::Use => vec![
                Op::IsCancelled { request },
                Op::Surface { request },
                Op::BlobRead { blob: 0 },
                Op::Signal { source: 0 },
            ],
            Reaction::Free => vec![
                Op::BlobRelease { blob: 0 },
                Op::WakeSourceRelease { source: 0 },
            ],
            Reaction::Hook => vec![hook(Reaction::Nothing)],
            Reaction::HookReleases => vec![hook(Reaction::Release)],
            Reaction::HookCompletes => vec![hook(Reaction::Complete)],
            Reaction::HookOwner => vec![hook(Reaction::Owner)],
            Reaction::HookTwice => vec![hook(Reaction::Use), hook(Reaction::Nothing)],
        }
    }
}

listed! {
    /// Where a runtime's `file:` URLs are served from.
    Root {
        /// The fixture's directory.
        Fixture,
        /// No directory was named: they are not served.
        Absent,
        /// A directory was named, by no text: refused.
        Empty,
        /// There is no such directory: refused.
        Missing,
    }
}

listed! {
    /// How many loads a runtime may have.
    MaxLoads {
        /// More than a scenario has.
        Many,
        /// One.
        One,
        /// Three.
        Three,
    }
}

impl MaxLoads {
    /// The number.
    pub fn number(self) -> u32 {
        match self {
            MaxLoads::Many => 1024,
            MaxLoads::One => 1,
            MaxLoads::Three => 3,
        }
    }
}

listed! {
    /// How many ends of loads a pump may turn into events.
    Budget {
        /// All of them.
        All,
        /// 0, which is as good as one.
        Zero,
        /// One.
        One,
        /// Two.
        Two,
    }
}

impl Budget {
    /// The number that is passed.
    pub fn number(self) -> u32 {
        match self {
            Budget::All => u32::MAX,
            Budget::Zero => 0,
            Budget::One => 1,
            Budget::Two => 2,
        }
    }
}

listed! {
    /// Until when a load must have ended.
    Deadline {
        /// No options at all.
        Absent,
        /// Options that say that there is none.
        None,
        /// The next pump.
        Now,
        /// Long after the scenario.
        Far,
        /// [`SOON`] after its start. Passes in a pump that waits for it, or before any other pump.
        Soon,
    }
}

listed! {
    /// The least important records that a log callback gets.
    Limit {
        /// All.
        Debug,
        /// What came and went, and worse.
        Info,
        /// Failures and worse.
        Warn,
        /// Contained panics only.
        Error,
    }
}

listed! {
    /// How large a landing buffer is.
    Size {
        /// Larger than anything that a scenario loads.
        Large,
        /// Smaller than most.
        Small,
        /// No byte.
        Zero,
    }
}

impl Size {
    /// The number of bytes.
    pub fn bytes(self) -> usize {
        match self {
            Size::Large => 64,
            Size::Small => 5,
            Size::Zero => 0,
        }
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
        /// A response of an unknown kind.
        Malformed,
        /// What a scripted provider serves inline.
        Served,
        /// An error text that is not UTF-8.
        NotText,
        /// Bytes without a place, though not none.
        NullView,
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
        /// A `data:` URL with text.
        Data,
        /// A `data:` URL without a byte.
        DataEmpty,
        /// A `data:` URL in base64, with a fragment, which is no part of it.
        DataBase64,
        /// A `data:` URL that has no content.
        DataMalformed,
        /// A `data:` URL whose base64 is none.
        DataNotBase64,
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
            Url::Data => "data:,plain%20text",
            Url::DataEmpty => "data:,",
            Url::DataBase64 => "data:text/plain;base64,AAH/#not-this",
            Url::DataMalformed => "data:no-comma",
            Url::DataNotBase64 => "data:;base64,a",
        }
    }
}
