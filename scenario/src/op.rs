//! The operations: one table, and the lists that fields choose from.

use std::time::Duration;

use cgolab_explore::{Form, operations, values};
use courier_core::Live;

use Weight::{Always, Behind, Until, With};

/// The length of a [`Pause::Briefly`]. A lower bound: a busy machine only makes it longer.
pub const BRIEFLY: Duration = Duration::from_millis(1);

/// The time after its start when a load with [`Deadline::Soon`] expires.
pub const SOON: Duration = Duration::from_millis(1);

/// One operation on one lane.
pub type Step = cgolab_explore::Step<Op>;

/// Names an object by the order in which objects of its kind came to be, modulo how many there were
/// so far; released ones count. While there were none, it names the null handle.
pub type Ordinal = u8;

/// A count of live objects of one kind.
type Count = fn(&Live) -> usize;

/// The share of an operation in generated scenarios.
#[derive(Clone, Copy, Debug)]
pub enum Weight {
    /// Always this.
    Always(u32),
    /// This until there is an object of the kind, and 1 then.
    Until(Count, u32),
    /// This while there is an object of the kind, and 1 otherwise.
    With(Count, u32),
    /// This, and eight times as much while a bounded pump has left ends behind, which are soon gone.
    Behind(u32),
}

impl Weight {
    /// The share in a world with these objects.
    pub fn now(self, live: &Live, left_behind: bool) -> u32 {
        match self {
            Weight::Always(weight) => weight,
            Weight::Until(count, weight) if count(live) == 0 => weight,
            Weight::With(count, weight) if count(live) > 0 => weight,
            Weight::Until(..) | Weight::With(..) => 1,
            Weight::Behind(weight) if left_behind => 8 * weight,
            Weight::Behind(weight) => weight,
        }
    }
}

const RUNTIME: Count = |live| live.runtimes;
const SESSION: Count = |live| live.sessions;
const REQUEST: Count = |live| live.requests;
const BLOB: Count = |live| live.blobs;
const WAKE_SOURCE: Count = |live| live.wake_sources;

operations! {
    /// An operation of the library. Every one may meet an object that is gone.
    pub enum Op {
        older: [Form { operations: 19, operands: 2 }, Form { operations: 31, operands: 3 }],
        row: Weight,
        /// Creates a runtime with stepped workers.
        RuntimeCreate = 0, Until(RUNTIME, 40) => {
            /// The folder that `file:` URLs are served from.
            root: Root = 0,
            /// The largest number of its loads.
            max_loads: MaxLoads = 2,
        },
        /// Destroys a runtime.
        RuntimeDestroy = 1, Always(1) => {
            /// The runtime.
            runtime: Ordinal = 0,
        },
        /// Pumps a runtime.
        Pump = 2, Always(8) => {
            /// The runtime.
            runtime: Ordinal = 0,
            /// The time that it may park.
            wait: Pause = 1,
            /// The largest number of ends that it turns into events.
            budget: Budget = 2,
        },
        /// Runs one job of a runtime.
        Step = 3, Always(16) => {
            /// The runtime.
            runtime: Ordinal = 0,
        },
        /// Drains at most so many events.
        Drain = 4, Always(8) => {
            /// The runtime.
            runtime: Ordinal = 0,
            /// The largest number of events.
            limit: u8 = 1,
        },
        /// Installs or replaces a runtime's provider.
        SetProvider = 5, Always(10) => {
            /// The runtime.
            runtime: Ordinal = 0,
            /// The treatment of loads.
            behaviour: Behaviour = 1,
            /// Calls that the callback makes from inside.
            reaction: Reaction = 2,
        },
        /// Clears a runtime's provider.
        ClearProvider = 6, Always(2) => {
            /// The runtime.
            runtime: Ordinal = 0,
        },
        /// Makes a wake source for a runtime.
        WakeSourceCreate = 7, Until(WAKE_SOURCE, 8) => {
            /// The runtime.
            runtime: Ordinal = 0,
        },
        /// Signals a wake source.
        Signal = 8, Always(3) => {
            /// The wake source.
            source: Ordinal = 0,
        },
        /// Releases a wake source.
        WakeSourceRelease = 9, Always(2) => {
            /// The wake source.
            source: Ordinal = 0,
        },
        /// Opens a session in a runtime.
        SessionCreate = 10, Until(SESSION, 20) => {
            /// The runtime.
            runtime: Ordinal = 0,
        },
        /// Ends a session.
        SessionDestroy = 11, Behind(1) => {
            /// The session.
            session: Ordinal = 0,
        },
        /// Starts a load.
        Load = 12, Always(14) => {
            /// The session.
            session: Ordinal = 0,
            /// The thing to load.
            url: Url = 1,
            /// The time by which it must have ended.
            deadline: Deadline = 2,
        },
        /// Cancels the load with this number.
        Cancel = 13, Behind(6) => {
            /// The session.
            session: Ordinal = 0,
            /// The number, which is no ordinal: 0 and numbers not reached exist too.
            load: u8 = 1,
        },
        /// Completes a request.
        Complete = 14, With(REQUEST, 16) => {
            /// The request.
            request: Ordinal = 0,
            /// The response.
            answer: Answer = 1,
        },
        /// Asks if a request was cancelled.
        IsCancelled = 15, With(REQUEST, 4) => {
            /// The request.
            request: Ordinal = 0,
        },
        /// Releases a request.
        RequestRelease = 16, With(REQUEST, 4) => {
            /// The request.
            request: Ordinal = 0,
        },
        /// Reads a blob.
        BlobRead = 17, With(BLOB, 3) => {
            /// The blob.
            blob: Ordinal = 0,
        },
        /// Releases a blob.
        BlobRelease = 18, With(BLOB, 3) => {
            /// The blob.
            blob: Ordinal = 0,
        },
        /// Registers a cancellation callback.
        OnCancel = 19, With(REQUEST, 6) => {
            /// The request.
            request: Ordinal = 0,
            /// Calls that the callback makes from inside.
            reaction: Reaction = 1,
        },
        /// Installs or replaces a runtime's wake callback.
        SetWake = 20, Always(3) => {
            /// The runtime.
            runtime: Ordinal = 0,
            /// Calls that the callback makes from inside.
            reaction: Reaction = 1,
        },
        /// Clears a runtime's wake callback.
        ClearWake = 21, Always(1) => {
            /// The runtime.
            runtime: Ordinal = 0,
        },
        /// Installs or replaces the log callback.
        SetLog = 22, Always(2) => {
            /// The least important records that it gets.
            limit: Limit = 0,
            /// Calls that the callback makes from inside.
            reaction: Reaction = 1,
        },
        /// Clears the log callback.
        ClearLog = 23, Always(1),
        /// Attaches a retained buffer, filled with [`FILL`].
        Attach = 24, Always(3) => {
            /// The session.
            session: Ordinal = 0,
            /// The size of the buffer.
            size: Size = 1,
        },
        /// Detaches a session's retained buffer.
        Detach = 25, Always(1) => {
            /// The session.
            session: Ordinal = 0,
        },
        /// Copies the bytes that landed last into a blob.
        Snapshot = 26, Always(2) => {
            /// The session.
            session: Ordinal = 0,
        },
        /// Names the surface of a session's later loads.
        SetSurface = 27, Always(2) => {
            /// The session.
            session: Ordinal = 0,
            /// The surface; 0 is none.
            surface: u8 = 1,
        },
        /// Asks for the surface of a request's load.
        Surface = 28, With(REQUEST, 2) => {
            /// The request.
            request: Ordinal = 0,
        },
        /// Asks for the time that an owner's loop may sleep.
        NextWait = 29, Behind(3) => {
            /// The runtime.
            runtime: Ordinal = 0,
        },
        /// Takes a request's cancellation callback out.
        ClearOnCancel = 30, With(REQUEST, 2) => {
            /// The request.
            request: Ordinal = 0,
        },
    }
}

/// The bytes of a retained buffer before anything landed.
pub const FILL: u8 = 0xee;

/// The address that stands for a surface. Nothing is there: the library must not follow it.
pub fn surface_address(surface: u8) -> usize {
    usize::from(surface) * 0x101
}

impl Op {
    /// The nearest operation that the Go binding has: it never takes a cancellation callback out by itself, and
    /// no response of its is malformed but by its text.
    pub fn in_go(self) -> Op {
        match self {
            Op::ClearOnCancel { request } => Op::IsCancelled { request },
            Op::Complete {
                request,
                answer: Answer::Malformed | Answer::NullView,
            } => Op::Complete {
                request,
                answer: Answer::NotText,
            },
            other => other,
        }
    }

    /// `true` if the Go binding calls it Close.
    pub fn is_close(self) -> bool {
        matches!(self, Op::RuntimeDestroy { .. } | Op::SessionDestroy { .. }) || self.is_release()
    }

    /// `true` for the releases that the C ABI has no status for.
    pub fn is_release(self) -> bool {
        matches!(
            self,
            Op::RequestRelease { .. } | Op::BlobRelease { .. } | Op::WakeSourceRelease { .. }
        )
    }
}

values! {
    /// The time that a pump may park.
    pub enum Pause {
        known: [],
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

values! {
    /// The treatment that a provider gives every load that it is offered.
    pub enum Behaviour {
        known: [1: 10, 2: 10],
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
        /// Completes inline with a response that is refused, and answers PASS all the same.
        MisserveAndPass,
    }
}

impl Behaviour {
    /// Calls, of its own runtime and request, that it makes before it answers.
    pub fn calls(self, runtime: Ordinal, request: Ordinal) -> Vec<Op> {
        let serve = Op::Complete {
            request,
            answer: Answer::Served,
        };
        let misserve = Op::Complete {
            request,
            answer: Answer::NotText,
        };
        let release = Op::RequestRelease { request };
        match self {
            Behaviour::Serve => vec![serve, release],
            Behaviour::ServeAndPass => vec![serve],
            Behaviour::MisserveAndPass => vec![misserve],
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

values! {
    /// Calls that a callback makes from inside, besides those of its [`Behaviour`].
    pub enum Reaction {
        known: [],
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

values! {
    /// The folder that a runtime's `file:` URLs are served from.
    pub enum Root {
        known: [1: 2],
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

values! {
    /// The largest number of loads of a runtime.
    pub enum MaxLoads {
        known: [],
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

values! {
    /// The largest number of ends of loads that a pump turns into events.
    pub enum Budget {
        known: [],
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

values! {
    /// The time by which a load must have ended.
    pub enum Deadline {
        known: [],
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

values! {
    /// The least important records that a log callback gets.
    pub enum Limit {
        known: [],
        /// All.
        Debug,
        /// Objects that came and went, and worse.
        Info,
        /// Failures and worse.
        Warn,
        /// Contained panics only.
        Error,
    }
}

values! {
    /// The size of a retained buffer.
    pub enum Size {
        known: [],
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

values! {
    /// The response that completes a request.
    pub enum Answer {
        known: [1: 4],
        /// A few bytes.
        Bytes,
        /// No bytes, which is not an error.
        Empty,
        /// An error text.
        Error,
        /// A response of an unknown kind.
        Malformed,
        /// The bytes that a scripted provider serves inline.
        Served,
        /// An error text that is not UTF-8.
        NotText,
        /// Bytes without a place, though not none.
        NullView,
    }
}

values! {
    /// The URL to load. The files are those of the [`fixture`](crate::fixture).
    pub enum Url {
        known: [1: 11],
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_that_passes_after_its_answer_answers_well_or_badly() {
        let refused = |behaviour: Behaviour| match behaviour.calls(0, 7)[..] {
            [Op::Complete { request: 7, answer }] => answer.malformed().is_some(),
            ref others => panic!("{behaviour:?}: {others:?}"),
        };
        assert!(!refused(Behaviour::ServeAndPass));
        assert!(refused(Behaviour::MisserveAndPass));
    }

    #[test]
    fn a_weight_follows_the_world() {
        let none = Live::default();
        let one = Live {
            sessions: 1,
            ..none
        };
        for (weight, now) in [
            (Always(3), [3, 3, 3]),
            (Until(SESSION, 20), [20, 1, 20]),
            (With(SESSION, 20), [1, 20, 1]),
            (Behind(3), [3, 3, 24]),
        ] {
            let is = [
                weight.now(&none, false),
                weight.now(&one, false),
                weight.now(&none, true),
            ];
            assert_eq!(is, now, "{weight:?}");
        }
    }
}
