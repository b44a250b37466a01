//! The reference model: what every step must lead to, and which contracts say so.
//!
//! Pure and small: no threads, no files, no ids. It knows the objects by ordinal and keeps the
//! released ones, because a released handle has a predicted answer too. It is written from the
//! contracts, not from the runtime's code, and shares no code with it but names of errors.
//!
//! Time passes in pumps only: a deadline that comes [soon](Deadline::Soon) has passed at the next pump,
//! because that pump waits for it, or because the judge does before.
//! [`settle`](cgolab_explore::Model::settle) says which.
//!
//! The features that meet in a step are noted: see [`features`](crate::features) for the table.

use std::collections::VecDeque;

use std::time::Duration;

use cgolab_explore::{Contract, Settled};
use courier_core::oneshot::Winner;
use courier_core::{Failure, Level, Live, RequestState, SessionState, Word};

use crate::blame;
use crate::features::{Encounter, Feature, Pair};
use crate::fixture::{self, ANSWER, ANSWER_ERROR, SERVED};
use crate::op::{
    Answer, Behaviour, Budget, Deadline, FILL, Limit, MaxLoads, Op, Ordinal, Pause, Reaction, Root,
    SOON, Size, Step, Url, surface_address,
};
use crate::outcome::{Content, End, Event, Observation, Outcome, Unasked, Upcall, UpcallKind};
use crate::prediction::{Expected, Grounds};
use crate::state::{self, Next, State};
use crate::through::Interface;

/// The world after some steps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Model {
    interface: Interface,
    runtimes: Vec<Runtime>,
    sessions: Vec<Session>,
    requests: Vec<Request>,
    blobs: Vec<Blob>,
    wake_sources: Vec<WakeSource>,
    log: Option<Log>,
    /// The number of attempts to install a callback.
    callbacks: usize,
    /// The callbacks that are on the stack, each with its request.
    inside: Vec<Option<usize>>,
    /// `true` if one of them is the log callback.
    delivering: bool,
    /// The handles that the calls around them are of, as far as the Go binding notes them.
    in_use: Vec<InUse>,
    /// Of the step under way, as in [`Expected`].
    upcalls: Vec<Upcall>,
    contracts: Vec<Contract>,
    grounds: Grounds,
    met: Met,
}

/// A handle that a call is of, which may lead to a callback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum InUse {
    Request(usize),
    WakeSource(usize),
}

/// Features and callbacks that came together in the step under way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Met {
    /// Each once.
    pairs: Vec<Pair>,
    /// The largest number of callbacks that the step was inside of.
    depth: usize,
    outer_use: bool,
}

impl Met {
    fn encounters(self) -> Vec<Encounter> {
        let Met {
            pairs,
            depth,
            outer_use,
        } = self;
        let mut encounters: Vec<Encounter> = pairs.into_iter().map(Encounter::Pair).collect();
        encounters.extend((depth > 0).then_some(Encounter::Depth(depth)));
        encounters.extend(outer_use.then_some(Encounter::OuterUse));
        encounters
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Runtime {
    released: Released,
    owner: u8,
    root: bool,
    max_loads: u32,
    provider: Option<Provider>,
    had_provider: bool,
    wake: Option<Callback>,
    jobs: VecDeque<LoadRef>,
    /// Ends that no pump has seen.
    mailbox: VecDeque<(LoadRef, End)>,
    events: VecDeque<(LoadRef, End)>,
    signalled: bool,
    /// A destroy was refused.
    refused: bool,
    /// A session took queued events with it.
    discarded: bool,
    /// The last pump was bounded, and left ends behind.
    left_behind: bool,
    /// A session ended with loads that had a deadline or an event.
    ended_session: bool,
}

/// An installed callback: its number among all, and what it calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Callback {
    number: usize,
    reaction: Reaction,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Provider {
    callback: Callback,
    behaviour: Behaviour,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Log {
    callback: Callback,
    limit: Level,
}

/// A load by session and number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct LoadRef {
    session: usize,
    number: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Session {
    released: Released,
    runtime: usize,
    /// By number, from 1.
    loads: Vec<Load>,
    buffer: Option<Buffer>,
    surface: u8,
}

/// A retained buffer and how much of it the last load filled.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Buffer {
    memory: Vec<u8>,
    landed: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Load {
    url: Url,
    deadline: Deadline,
    /// The number of loads that the runtime had started before.
    after: usize,
    surface: u8,
    hook: Hook,
    ended: Option<By>,
}

/// A load's cancellation callback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hook {
    /// None so far.
    Open,
    /// This one, of this request.
    Set(Callback, usize),
    /// Called, or not wanted any more.
    Closed,
}

/// The party that ended a load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    Provider,
    Loader,
    Cancel,
    Deadline,
}

impl By {
    fn winner(self) -> Winner {
        match self {
            By::Provider => Winner::Provider,
            By::Loader => Winner::Loader,
            By::Cancel => Winner::Cancel,
            By::Deadline => Winner::Deadline,
        }
    }
}

/// Callbacks that an ended load still has to lead to. They run when the call that ended it holds no lock.
#[must_use]
struct PendingUpcalls {
    load: LoadRef,
    runtime: usize,
    level: Level,
    /// The owner has something to pump, and had nothing before.
    edge: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Request {
    released: Released,
    load: LoadRef,
    provider: usize,
    /// The provider passed, and the request was taken back.
    taken_back: bool,
    /// The provider completed inline and passed all the same.
    claimed: bool,
    /// The Go binding has let a completion through.
    answered: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Blob {
    released: Released,
    content: Content,
    /// The contract that the content rests on.
    contract: Contract,
    runtime: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct WakeSource {
    released: Released,
    runtime: usize,
}

/// The number of objects of its kind that had been made when it was released; none while it lives.
type Released = Option<usize>;

/// Anything that has an ordinal.
trait Object {
    fn released(&self) -> Released;
    fn release(&mut self, made: usize);

    fn live(&self) -> bool {
        self.released().is_none()
    }
}

macro_rules! objects {
    ($($name:ident)*) => {
        $(impl Object for $name {
            fn released(&self) -> Released {
                self.released
            }

            fn release(&mut self, made: usize) {
                self.released = Some(made);
            }
        })*
    };
}

objects! { Runtime Session Request Blob WakeSource }

/// The index that an ordinal names, if it names a live object.
fn find<T: Object>(all: &[T], ordinal: Ordinal) -> Result<usize, (Word, Option<usize>)> {
    let index = named(all, ordinal).ok_or((Word::Null, None))?;
    if all[index].live() {
        Ok(index)
    } else {
        Err((Word::Stale, Some(index)))
    }
}

/// The index that an ordinal names, live or not.
fn named<T>(all: &[T], ordinal: Ordinal) -> Option<usize> {
    (!all.is_empty()).then(|| usize::from(ordinal) % all.len())
}

/// Releases a live object.
fn release<T: Object>(all: &mut [T], index: usize) {
    let made = all.len();
    all[index].release(made);
}

fn count<T: Object>(all: &[T]) -> usize {
    all.iter().filter(|object| object.live()).count()
}

impl Answer {
    fn end(self) -> End {
        match self {
            Answer::Bytes => End::Completed(ANSWER.to_vec()),
            Answer::Empty => End::Completed(Vec::new()),
            Answer::Error => End::Failed(
                Failure::Provider,
                Content::Exactly(ANSWER_ERROR.as_bytes().to_vec()),
            ),
            Answer::Served => End::Completed(SERVED.to_vec()),
            Answer::Malformed | Answer::NotText | Answer::NullView => {
                End::Failed(Failure::BadResponse, Content::SomeText)
            }
        }
    }

    /// The word with which a malformed one is refused, although it ends the load.
    pub fn malformed(self) -> Option<Word> {
        match self {
            Answer::Malformed => Some(Word::BadValue),
            Answer::NotText => Some(Word::NotUtf8),
            Answer::NullView => Some(Word::NullPointer),
            Answer::Bytes | Answer::Empty | Answer::Error | Answer::Served => None,
        }
    }
}

impl Limit {
    /// The core's name for it.
    pub fn level(self) -> Level {
        match self {
            Limit::Error => Level::Error,
            Limit::Warn => Level::Warn,
            Limit::Info => Level::Info,
            Limit::Debug => Level::Debug,
        }
    }
}

impl Url {
    fn is_data(self) -> bool {
        self.text().starts_with("data:")
    }
}

/// The end of a load by the runtime's own loader.
fn loaded(url: Url, root: bool) -> End {
    let failed = |failure| End::Failed(failure, Content::SomeText);
    match url {
        Url::App => failed(Failure::Unsupported),
        Url::Malformed => unreachable!("refused by load"),
        Url::Data => End::Completed(fixture::DATA.to_vec()),
        Url::DataEmpty => End::Completed(Vec::new()),
        Url::DataBase64 => End::Completed(fixture::DATA_BASE64.to_vec()),
        Url::DataMalformed | Url::DataNotBase64 => failed(Failure::Malformed),
        _ if !root => failed(Failure::Unsupported),
        Url::Hello | Url::LinkInside => End::Completed(fixture::HELLO.to_vec()),
        Url::EmptyFile => End::Completed(Vec::new()),
        Url::Encoded => End::Completed(fixture::ENCODED.to_vec()),
        Url::Missing => failed(Failure::NotFound),
        Url::Directory => failed(Failure::Io),
        Url::DotsOutside | Url::LinkOutside | Url::ThroughLinkOutside => {
            failed(Failure::OutsideRoot)
        }
    }
}

impl Model {
    /// The world before the first step.
    pub fn new(interface: Interface) -> Model {
        Model {
            interface,
            ..Model::default()
        }
    }

    /// The time that the owner's loop may sleep.
    fn next_wait(&self, runtime: usize) -> Next {
        let Runtime { events, .. } = &self.runtimes[runtime];
        if !events.is_empty() || !self.runtimes[runtime].is_idle() {
            return Next::Now;
        }
        let deadlines = || {
            let mine = |session: &&Session| session.live() && session.runtime == runtime;
            let loads = self
                .sessions
                .iter()
                .filter(mine)
                .flat_map(|session| &session.loads);
            loads
                .filter(|load| load.ended.is_none())
                .map(|load| load.deadline)
        };
        let any = |deadline| deadlines().any(|each| each == deadline);
        if any(Deadline::Now) {
            Next::Now
        } else if any(Deadline::Soon) {
            Next::Soon
        } else if any(Deadline::Far) {
            Next::Later
        } else {
            Next::Never
        }
    }

    /// The number of live handles.
    pub fn live(&self) -> Live {
        Live {
            runtimes: count(&self.runtimes),
            sessions: count(&self.sessions),
            requests: count(&self.requests),
            blobs: count(&self.blobs),
            wake_sources: count(&self.wake_sources),
        }
    }

    /// The lane that made a live runtime.
    pub fn owner(&self, runtime: Ordinal) -> Option<u8> {
        let index = find(&self.runtimes, runtime).ok()?;
        Some(self.runtimes[index].owner)
    }

    /// `true` if the last pump of a live runtime left ends behind.
    pub fn left_behind(&self) -> bool {
        let mut live = self.runtimes.iter().filter(|runtime| runtime.live());
        live.any(|runtime| runtime.left_behind && !runtime.mailbox.is_empty())
    }

    /// Loads of live sessions that have not ended.
    fn pending_loads(&self) -> usize {
        let live = self.sessions.iter().filter(|session| session.live());
        live.flat_map(|session| &session.loads)
            .filter(|load| load.ended.is_none())
            .count()
    }

    fn because(&mut self, contract: Contract) {
        if !self.contracts.contains(&contract) {
            self.contracts.push(contract);
        }
    }

    fn outcome(&mut self, lane: u8, op: Op) -> Outcome {
        if self.interface == Interface::Go
            && let Some(outcome) = self.unasked(op)
        {
            return outcome;
        }
        match self.result(lane, op) {
            Ok(outcome) => outcome,
            Err(_) if op.is_release() && self.interface == Interface::C => {
                self.because("HDL-12");
                Outcome::Done
            }
            Err(word) => Outcome::Refused(word),
        }
    }

    /// The result of a call for which the Go binding does not ask the library.
    fn unasked(&mut self, op: Op) -> Option<Outcome> {
        let waits_for_itself = op.is_release()
            && self
                .used_by(op)
                .is_some_and(|used| self.in_use.contains(&used));
        let refused = if waits_for_itself {
            self.because("HDL-18");
            Unasked::InvalidState
        } else if !self.is_open(op) {
            if op.is_close() {
                self.because("HDL-01");
                return Some(Outcome::Done);
            }
            self.because("STA-06");
            Unasked::Closed
        } else {
            match op {
                Op::SetLog { .. } | Op::ClearLog if !self.inside.is_empty() => {
                    self.because("CBK-14");
                    Unasked::InvalidState
                }
                Op::Complete { request, .. } => {
                    let index = find(&self.requests, request).expect("it is open");
                    if !std::mem::replace(&mut self.requests[index].answered, true) {
                        return None;
                    }
                    self.because("REQ-03");
                    Unasked::AlreadyCompleted
                }
                _ => return None,
            }
        };
        if let Op::SetProvider { reaction, .. }
        | Op::SetWake { reaction, .. }
        | Op::SetLog { reaction, .. }
        | Op::OnCancel { reaction, .. } = op
        {
            self.callback(reaction);
        }
        Some(Outcome::Unasked(refused))
    }

    /// `true` if the handle that a call is of was not closed.
    fn is_open(&self, op: Op) -> bool {
        match op {
            Op::RuntimeCreate { .. } | Op::SetLog { .. } | Op::ClearLog => true,
            Op::RuntimeDestroy { runtime }
            | Op::Pump { runtime, .. }
            | Op::Step { runtime }
            | Op::Drain { runtime, .. }
            | Op::SetProvider { runtime, .. }
            | Op::ClearProvider { runtime }
            | Op::SetWake { runtime, .. }
            | Op::ClearWake { runtime }
            | Op::WakeSourceCreate { runtime }
            | Op::SessionCreate { runtime }
            | Op::NextWait { runtime } => find(&self.runtimes, runtime).is_ok(),
            Op::SessionDestroy { session }
            | Op::Load { session, .. }
            | Op::Cancel { session, .. }
            | Op::Attach { session, .. }
            | Op::Detach { session }
            | Op::Snapshot { session }
            | Op::SetSurface { session, .. } => find(&self.sessions, session).is_ok(),
            Op::Complete { request, .. }
            | Op::IsCancelled { request }
            | Op::RequestRelease { request }
            | Op::OnCancel { request, .. }
            | Op::Surface { request }
            | Op::ClearOnCancel { request } => find(&self.requests, request).is_ok(),
            Op::BlobRead { blob } | Op::BlobRelease { blob } => find(&self.blobs, blob).is_ok(),
            Op::Signal { source } | Op::WakeSourceRelease { source } => {
                find(&self.wake_sources, source).is_ok()
            }
        }
    }

    /// The handle that a call is in use of while it leads to callbacks, be it live or not.
    fn used_by(&self, op: Op) -> Option<InUse> {
        match op {
            Op::Complete { request, .. } | Op::RequestRelease { request } => {
                named(&self.requests, request).map(InUse::Request)
            }
            Op::Signal { source } | Op::WakeSourceRelease { source } => {
                named(&self.wake_sources, source).map(InUse::WakeSource)
            }
            _ => None,
        }
    }

    fn result(&mut self, lane: u8, op: Op) -> Result<Outcome, Word> {
        let used = self.used_by(op);
        self.in_use.extend(used);
        let result = self.asked(lane, op);
        if used.is_some() {
            self.in_use.pop();
        }
        result
    }

    fn asked(&mut self, lane: u8, op: Op) -> Result<Outcome, Word> {
        match op {
            Op::RuntimeCreate { root, max_loads } => self.runtime_create(lane, root, max_loads),
            Op::RuntimeDestroy { runtime } => self.runtime_destroy(lane, runtime),
            Op::Pump {
                runtime,
                wait,
                budget,
            } => self.pump(lane, runtime, wait, budget),
            Op::Step { runtime } => self.step(lane, runtime),
            Op::Drain { runtime, limit } => self.drain(lane, runtime, limit),
            Op::SetProvider {
                runtime,
                behaviour,
                reaction,
            } => {
                let callback = self.callback(reaction);
                let index = self.owned_runtime(lane, runtime)?;
                self.replaces_provider(index);
                self.runtimes[index].provider = Some(Provider {
                    callback,
                    behaviour,
                });
                self.runtimes[index].had_provider = true;
                Ok(Outcome::Done)
            }
            Op::ClearProvider { runtime } => {
                let index = self.owned_runtime(lane, runtime)?;
                self.replaces_provider(index);
                self.runtimes[index].provider = None;
                Ok(Outcome::Done)
            }
            Op::SetWake { runtime, reaction } => {
                let callback = self.callback(reaction);
                let index = self.owned_runtime(lane, runtime)?;
                self.because("EVT-11");
                self.runtimes[index].wake = Some(callback);
                if !self.runtimes[index].is_idle() {
                    self.wake(lane, index);
                }
                Ok(Outcome::Done)
            }
            Op::ClearWake { runtime } => {
                let index = self.owned_runtime(lane, runtime)?;
                self.runtimes[index].wake = None;
                Ok(Outcome::Done)
            }
            Op::SetLog { limit, reaction } => {
                let callback = self.callback(reaction);
                self.refuse_inside()?;
                self.log = Some(Log {
                    callback,
                    limit: limit.level(),
                });
                Ok(Outcome::Done)
            }
            Op::ClearLog => {
                self.refuse_inside()?;
                self.log = None;
                Ok(Outcome::Done)
            }
            Op::WakeSourceCreate { runtime } => {
                let runtime = self.owned_runtime(lane, runtime)?;
                self.wake_sources.push(WakeSource {
                    released: None,
                    runtime,
                });
                Ok(Outcome::Created(self.wake_sources.len() - 1))
            }
            Op::Signal { source } => {
                let index = self.wake_source(source)?;
                let index = self.wake_sources[index].runtime;
                let runtime = &mut self.runtimes[index];
                if runtime.live() {
                    let edge = runtime.is_idle();
                    runtime.signalled = true;
                    if edge {
                        if runtime.wake.is_some() {
                            self.meet(Feature::Wake, Feature::Loop);
                        }
                        self.wake(lane, index);
                    }
                } else {
                    self.because("EVT-05");
                }
                Ok(Outcome::Done)
            }
            Op::WakeSourceRelease { source } => {
                let index = self.wake_source(source)?;
                self.because("HDL-26");
                release(&mut self.wake_sources, index);
                if !self.runtimes[self.wake_sources[index].runtime].live() {
                    self.because("EVT-05");
                    self.because("HDL-04");
                }
                Ok(Outcome::Done)
            }
            Op::SessionCreate { runtime } => {
                let runtime = self.owned_runtime(lane, runtime)?;
                self.sessions.push(Session {
                    released: None,
                    runtime,
                    loads: Vec::new(),
                    buffer: None,
                    surface: 0,
                });
                Ok(Outcome::Created(self.sessions.len() - 1))
            }
            Op::SessionDestroy { session } => self.session_destroy(lane, session),
            Op::Load {
                session,
                url,
                deadline,
            } => self.load(lane, session, url, deadline),
            Op::Cancel { session, load } => self.cancel(lane, session, load),
            Op::Attach { session, size } => {
                let index = self.owned_session(lane, session)?;
                self.because("VAL-18");
                let buffer = &mut self.sessions[index].buffer;
                if buffer.is_some() {
                    return Err(Word::BufferAttached);
                }
                *buffer = Some(Buffer::new(size));
                Ok(Outcome::Done)
            }
            Op::Detach { session } => {
                let index = self.owned_session(lane, session)?;
                self.because("VAL-18");
                let buffer = self.sessions[index].buffer.take();
                let buffer = buffer.ok_or(Word::NoBuffer)?;
                Ok(Outcome::Buffer(buffer.memory))
            }
            Op::Snapshot { session } => {
                let index = self.owned_session(lane, session)?;
                self.because("VAL-18");
                let session = &self.sessions[index];
                let buffer = session.buffer.as_ref().ok_or(Word::NoBuffer)?;
                let content = Content::Exactly(buffer.memory[..buffer.landed].to_vec());
                let runtime = session.runtime;
                let blob = self.add_blob(content.clone(), "VAL-18", runtime);
                Ok(Outcome::Snapshot(blob, content))
            }
            Op::SetSurface { session, surface } => {
                let index = self.owned_session(lane, session)?;
                self.sessions[index].surface = surface;
                Ok(Outcome::Done)
            }
            Op::Surface { request } => {
                let index = self.request(request)?;
                self.because("REQ-24");
                let surface = self.load_of(self.requests[index].load).surface;
                Ok(Outcome::Surface(surface_address(surface)))
            }
            Op::NextWait { runtime } => {
                let index = self.owned_runtime(lane, runtime)?;
                let next = self.next_wait(index);
                self.because(match next {
                    Next::Now | Next::Never if self.runtimes[index].ended_session => "EVT-07",
                    _ => "EVT-10",
                });
                self.asks_for_the_next_wait(index, next);
                Ok(Outcome::Next(next))
            }
            Op::ClearOnCancel { request } => {
                let index = self.request(request)?;
                self.because("REQ-21");
                let load = self.requests[index].load;
                let hook = &mut self.load_of_mut(load).hook;
                // From inside it, it is not there any more.
                if let Hook::Set(..) = hook {
                    *hook = Hook::Open;
                }
                Ok(Outcome::Done)
            }
            Op::OnCancel { request, reaction } => {
                let callback = self.callback(reaction);
                let index = self.request(request)?;
                self.because("REQ-21");
                self.on_cancel(index, callback)
            }
            Op::Complete { request, answer } => {
                let index = self.request(request)?;
                self.complete(lane, index, answer).map(|()| Outcome::Done)
            }
            Op::IsCancelled { request } => {
                let index = self.request(request)?;
                let ended = self.ended(self.requests[index].load);
                match ended {
                    Some(By::Cancel) => self.because("REQ-07"),
                    Some(By::Deadline) => self.because("REQ-22"),
                    _ => {}
                }
                let cancelled = matches!(ended, Some(By::Cancel | By::Deadline));
                Ok(Outcome::Cancelled(cancelled))
            }
            Op::RequestRelease { request } => {
                let index = self.request(request)?;
                if !self.inside.is_empty() {
                    self.because("HDL-10");
                }
                self.because("REQ-05");
                self.release(lane, index);
                Ok(Outcome::Done)
            }
            Op::BlobRead { blob } => {
                let index = self.blob(blob)?;
                if !self.runtimes[self.blobs[index].runtime].live() {
                    self.because("HDL-04");
                }
                self.because(self.blobs[index].contract);
                Ok(Outcome::Content(self.blobs[index].content.clone()))
            }
            Op::BlobRelease { blob } => {
                let index = self.blob(blob)?;
                self.because("HDL-26");
                release(&mut self.blobs, index);
                Ok(Outcome::Done)
            }
        }
    }

    // ---- callbacks -----------------------------------------------------------------------------

    /// Numbers a callback. Those whose installation is refused count, too.
    fn callback(&mut self, reaction: Reaction) -> Callback {
        self.callbacks += 1;
        Callback {
            number: self.callbacks - 1,
            reaction,
        }
    }

    /// Calls a callback, of this request if of any.
    fn upcall(
        &mut self,
        lane: u8,
        of: Option<usize>,
        callback: usize,
        kind: UpcallKind,
        calls: Vec<Op>,
    ) {
        if !calls.is_empty() {
            self.because("CBK-09");
        }
        self.inside.push(of);
        self.met.depth = self.met.depth.max(self.inside.len());
        let mut inside = Vec::new();
        let mut reasons = Vec::new();
        for op in calls {
            let outer = std::mem::take(&mut self.contracts);
            inside.push(self.outcome(lane, op));
            let own = std::mem::replace(&mut self.contracts, outer);
            reasons.push(own.first().copied());
            for contract in own {
                self.because(contract);
            }
        }
        self.inside.pop();
        self.grounds.inside.push(reasons);
        self.upcalls.push(Upcall {
            callback,
            kind,
            inside,
        });
    }

    /// Calls the wake callback, if there is one.
    fn wake(&mut self, lane: u8, runtime: usize) {
        self.because("EVT-11");
        if let Some(Callback { number, reaction }) = self.runtimes[runtime].wake {
            self.upcall(lane, None, number, UpcallKind::Wake, reaction.calls(0));
        }
    }

    /// Delivers a record, if somebody wants it.
    fn log(&mut self, lane: u8, level: Level) {
        let Some(log) = self.log.filter(|_| !self.delivering) else {
            return;
        };
        self.because("STA-11");
        if level <= log.limit {
            self.delivering = true;
            let Callback { number, reaction } = log.callback;
            self.upcall(
                lane,
                None,
                number,
                UpcallKind::Log(level),
                reaction.calls(0),
            );
            self.delivering = false;
        }
    }

    fn on_cancel(&mut self, request: usize, callback: Callback) -> Result<Outcome, Word> {
        let load = self.requests[request].load;
        match self.ended(load) {
            Some(By::Cancel | By::Deadline) => return Ok(Outcome::Cancelled(true)),
            Some(By::Provider) => return Err(Word::Completed),
            Some(By::Loader) => unreachable!("the loader has its load's request taken back"),
            None => {}
        }
        let hook = &mut self.load_of_mut(load).hook;
        if *hook != Hook::Open {
            return Err(Word::CallbackSet);
        }
        *hook = Hook::Set(callback, request);
        Ok(Outcome::Cancelled(false))
    }

    /// Calls the cancellation callback of a load that was cancelled just now.
    fn tell_of_cancel(&mut self, lane: u8, load: LoadRef) {
        self.because("REQ-21");
        let hook = std::mem::replace(&mut self.load_of_mut(load).hook, Hook::Closed);
        if let Hook::Set(Callback { number, reaction }, request) = hook {
            self.touch(Feature::Cancel, load);
            let calls = reaction.calls(request as u8);
            self.upcall(lane, Some(request), number, UpcallKind::Cancel, calls);
        }
    }

    /// The checks of calls that callbacks may not make.
    fn refuse_inside(&self) -> Result<(), Word> {
        if !self.inside.is_empty() {
            return Err(Word::InsideCallback);
        }
        Ok(())
    }

    // ---- features that meet --------------------------------------------------------------------

    fn meet(&mut self, one: Feature, other: Feature) {
        if let Some(pair) = Pair::of(one, other)
            && !self.met.pairs.contains(&pair)
        {
            self.met.pairs.push(pair);
        }
    }

    /// A feature acts on a load, and meets what the load has.
    fn touch(&mut self, acting: Feature, load: LoadRef) {
        for feature in self.features_of(load) {
            self.meet(acting, feature);
        }
    }

    fn features_of(&self, load: LoadRef) -> Vec<Feature> {
        let Load {
            deadline,
            hook,
            ended,
            ..
        } = *self.load_of(load);
        let session = &self.sessions[load.session];
        let runtime = &self.runtimes[session.runtime];
        let present = runtime.provider.map(|provider| provider.callback.number);
        let former = |request: &Request| request.load == load && Some(request.provider) != present;
        let has = [
            (
                Feature::Deadline,
                !matches!(deadline, Deadline::Absent | Deadline::None),
            ),
            (
                Feature::Budget,
                runtime.left_behind && runtime.mailbox.iter().any(|(left, _)| *left == load),
            ),
            (
                Feature::Cancel,
                matches!(hook, Hook::Set(..)) || ended == Some(By::Cancel),
            ),
            (Feature::SessionEnd, !session.live()),
            (Feature::Provider, self.requests.iter().any(former)),
            (Feature::RetainedBuffer, session.buffer.is_some()),
            (Feature::Wake, runtime.wake.is_some()),
            (Feature::Logger, self.log.is_some()),
            (Feature::Loop, runtime.signalled),
        ];
        has.into_iter()
            .filter_map(|(feature, has)| has.then_some(feature))
            .collect()
    }

    /// Loads whose end the owner has not drained.
    fn undrained(&self, runtime: usize) -> Vec<LoadRef> {
        let Runtime {
            mailbox, events, ..
        } = &self.runtimes[runtime];
        mailbox
            .iter()
            .chain(events)
            .map(|(load, _)| *load)
            .collect()
    }

    /// A provider goes while it holds requests of pending loads.
    fn replaces_provider(&mut self, runtime: usize) {
        let Some(old) = self.runtimes[runtime].provider else {
            return;
        };
        let held = |request: &&Request| request.live() && request.provider == old.callback.number;
        let held: Vec<LoadRef> = self
            .requests
            .iter()
            .filter(held)
            .map(|held| held.load)
            .collect();
        for load in held {
            self.touch(Feature::Provider, load);
        }
    }

    /// A session goes, with loads that are pending or not drained.
    fn ends_session(&mut self, session: usize) {
        let runtime = self.sessions[session].runtime;
        let pending = |(index, load): (usize, &Load)| {
            let number = index + 1;
            load.ended.is_none().then_some(LoadRef { session, number })
        };
        let loads = self.sessions[session].loads.iter().enumerate();
        let mut gone: Vec<LoadRef> = loads.filter_map(pending).collect();
        let undrained = self.undrained(runtime);
        gone.extend(undrained.into_iter().filter(|load| load.session == session));
        for load in &gone {
            self.touch(Feature::SessionEnd, *load);
        }
        self.runtimes[runtime].ended_session |= !gone.is_empty();
    }

    fn asks_for_the_next_wait(&mut self, runtime: usize, next: Next) {
        if matches!(next, Next::Soon | Next::Later) {
            self.meet(Feature::Loop, Feature::Deadline);
        }
        if self.runtimes[runtime].ended_session {
            self.meet(Feature::Loop, Feature::SessionEnd);
        }
        if self.log.is_some() {
            self.meet(Feature::Loop, Feature::Logger);
        }
        for load in self.undrained(runtime) {
            self.touch(Feature::Loop, load);
        }
    }

    // ---- looking things up ---------------------------------------------------------------------

    /// Notes what a refused look-up rests on. `newer` is `true` if a newer object of the kind lives,
    /// which an old handle must not reach.
    fn refused(&mut self, (word, _): (Word, Option<usize>), newer: bool) -> Word {
        if word == Word::Stale && newer {
            self.because("HDL-05");
        }
        word
    }

    fn runtime(&mut self, ordinal: Ordinal) -> Result<usize, Word> {
        find(&self.runtimes, ordinal).map_err(|why| {
            let newer = newer(&self.runtimes, why.1);
            self.refused(why, newer)
        })
    }

    fn session(&mut self, ordinal: Ordinal) -> Result<usize, Word> {
        find(&self.sessions, ordinal).map_err(|why| {
            let newer = newer(&self.sessions, why.1);
            let word = self.refused(why, newer);
            if newer {
                self.because("EVT-06");
            }
            word
        })
    }

    fn request(&mut self, ordinal: Ordinal) -> Result<usize, Word> {
        let found = find(&self.requests, ordinal);
        if let (Ok(index), Some((_, outer))) = (found, self.inside.split_last()) {
            self.met.outer_use |= outer.contains(&Some(index));
        }
        found.map_err(|why| {
            let newer = newer(&self.requests, why.1);
            let word = self.refused(why, newer);
            if newer {
                self.because("REQ-10");
            }
            if why.1.is_some_and(|index| self.requests[index].taken_back) {
                self.because("REQ-01");
            }
            word
        })
    }

    fn blob(&mut self, ordinal: Ordinal) -> Result<usize, Word> {
        find(&self.blobs, ordinal).map_err(|why| {
            let newer = newer(&self.blobs, why.1);
            self.refused(why, newer)
        })
    }

    fn wake_source(&mut self, ordinal: Ordinal) -> Result<usize, Word> {
        find(&self.wake_sources, ordinal).map_err(|why| {
            let newer = newer(&self.wake_sources, why.1);
            self.refused(why, newer)
        })
    }

    fn check_owner(&mut self, lane: u8, runtime: usize) -> Result<(), Word> {
        if self.runtimes[runtime].owner != lane {
            self.because("THR-01");
            self.because("THR-03");
            return Err(Word::WrongThread);
        }
        self.refuse_inside()
    }

    fn owned_runtime(&mut self, lane: u8, ordinal: Ordinal) -> Result<usize, Word> {
        let index = self.runtime(ordinal).inspect_err(|_| {
            let stale = find(&self.runtimes, ordinal).err().and_then(|why| why.1);
            if stale.is_some_and(|index| self.runtimes[index].owner != lane) {
                self.because("THR-03");
            }
        })?;
        self.check_owner(lane, index)?;
        Ok(index)
    }

    fn owned_session(&mut self, lane: u8, ordinal: Ordinal) -> Result<usize, Word> {
        let index = self.session(ordinal)?;
        self.check_owner(lane, self.sessions[index].runtime)?;
        Ok(index)
    }

    // ---- runtimes ------------------------------------------------------------------------------

    fn runtime_create(
        &mut self,
        lane: u8,
        root: Root,
        max_loads: MaxLoads,
    ) -> Result<Outcome, Word> {
        if matches!(root, Root::Empty | Root::Missing) {
            self.because("VAL-08");
            return Err(Word::BadRoot);
        }
        self.refuse_inside()?;
        if self
            .runtimes
            .iter()
            .any(|runtime| runtime.live() && runtime.owner == lane)
        {
            self.because("THR-04");
            return Err(Word::OwnerHasRuntime);
        }
        if self.runtimes.iter().any(|runtime| runtime.owner == lane) {
            // The thread's former runtime is gone, and with it the refusal.
            self.because("THR-04");
        }
        // The log callback comes before the caller has the handle.
        self.log(lane, Level::Info);
        self.runtimes.push(Runtime {
            released: None,
            owner: lane,
            root: root == Root::Fixture,
            max_loads: max_loads.number(),
            provider: None,
            had_provider: false,
            wake: None,
            jobs: VecDeque::new(),
            mailbox: VecDeque::new(),
            events: VecDeque::new(),
            signalled: false,
            refused: false,
            discarded: false,
            left_behind: false,
            ended_session: false,
        });
        Ok(Outcome::Created(self.runtimes.len() - 1))
    }

    fn runtime_destroy(&mut self, lane: u8, ordinal: Ordinal) -> Result<Outcome, Word> {
        let index = self.owned_runtime(lane, ordinal)?;
        let children = |session: &Session| session.live() && session.runtime == index;
        if self.sessions.iter().any(children) {
            self.because("HDL-03");
            self.runtimes[index].refused = true;
            return Err(Word::LiveChildren);
        }
        if self.runtimes[index].refused {
            self.because("HDL-02");
        }
        release(&mut self.runtimes, index);
        self.log(lane, Level::Info);
        Ok(Outcome::Done)
    }

    /// The loads whose deadline has passed, in the order in which they were started.
    fn due(&self, runtime: usize) -> Vec<LoadRef> {
        let mut due = Vec::new();
        for (session, state) in self.sessions.iter().enumerate() {
            if state.live() && state.runtime == runtime {
                for (index, load) in state.loads.iter().enumerate() {
                    let soon = matches!(load.deadline, Deadline::Now | Deadline::Soon);
                    if soon && load.ended.is_none() {
                        let number = index + 1;
                        due.push((load.after, LoadRef { session, number }));
                    }
                }
            }
        }
        due.sort_by_key(|(after, _)| *after);
        due.into_iter().map(|(_, load)| load).collect()
    }

    fn pump(
        &mut self,
        lane: u8,
        ordinal: Ordinal,
        wait: Pause,
        budget: Budget,
    ) -> Result<Outcome, Word> {
        let index = self.owned_runtime(lane, ordinal)?;
        let idle = self.runtimes[index].is_idle() && self.runtimes[index].events.is_empty();
        for load in self.due(index) {
            if idle && matches!(wait, Pause::Forever | Pause::Long) {
                self.because("EVT-10");
            }
            self.because("REQ-22");
            if self.load_of(load).deadline == Deadline::Now {
                self.because("VAL-08");
            }
            // A callback may have ended it meanwhile.
            if self.ended(load).is_none() {
                let end = End::Failed(Failure::Expired, Content::SomeText);
                self.touch(Feature::Deadline, load);
                self.abandon(lane, load, By::Deadline, end);
            }
        }
        self.discard_ended_jobs(index);
        let runtime = &mut self.runtimes[index];
        let signalled = std::mem::take(&mut runtime.signalled);
        let unread = !runtime.events.is_empty();
        let discarded = runtime.discarded;
        let limit = (budget.number().max(1) as usize).min(runtime.mailbox.len());
        let ended: Vec<_> = runtime.mailbox.drain(..limit).collect();
        let left = !runtime.mailbox.is_empty();
        runtime.left_behind = left;
        if left {
            self.because("EVT-09");
            let behind: Vec<_> = self.runtimes[index].mailbox.iter().collect();
            let behind: Vec<LoadRef> = behind.into_iter().map(|(load, _)| *load).collect();
            for load in behind {
                self.touch(Feature::Budget, load);
            }
        }
        // Too few events: an end did not arrive.
        for (load, end) in &ended {
            let contract = self.contract_of_end(*load, end);
            self.because(contract);
        }
        if !ended.is_empty() {
            self.because("EVT-01");
        }
        let nothing = ended.is_empty() && !signalled && !unread;
        match wait {
            Pause::Forever | Pause::Long => self.because("EVT-04"),
            // Also a signal that an earlier pump should have cleared would end it early.
            Pause::Briefly if nothing => {
                self.because("EVT-10");
                self.because("EVT-04");
            }
            Pause::Briefly | Pause::No => {}
        }
        if discarded {
            self.because("EVT-07");
        }
        self.runtimes[index].events.extend(ended);
        if left {
            self.wake(lane, index);
        }
        Ok(Outcome::Pumped {
            unread: self.runtimes[index].events.len(),
            waited: nothing && wait == Pause::Briefly,
        })
    }

    fn drain(&mut self, lane: u8, ordinal: Ordinal, limit: u8) -> Result<Outcome, Word> {
        let index = self.owned_runtime(lane, ordinal)?;
        let queued = self.runtimes[index].events.iter();
        let queued = queued.map(|(load, end)| (load.session, load.number as u64, end.clone()));
        self.grounds.queued = queued.collect();
        let mut drained = Vec::new();
        while drained.len() < usize::from(limit)
            && let Some((load, end)) = self.runtimes[index].events.pop_front()
        {
            let contract = self.contract_of_end(load, &end);
            self.because(contract);
            if end == End::Completed(Vec::new()) {
                self.because("VAL-08");
            }
            self.grounds.events.push(contract);
            let blob = end
                .content()
                .map(|content| self.add_blob(content, contract, index));
            drained.push(Event {
                session: load.session,
                load: load.number as u64,
                end,
                blob,
            });
        }
        if !drained.is_empty() {
            self.because("EVT-02");
            self.because("REQ-16");
        }
        if self.runtimes[index].discarded {
            self.because("EVT-07");
            self.runtimes[index].discarded = false;
        }
        Ok(Outcome::Drained(drained))
    }

    fn add_blob(&mut self, content: Content, contract: Contract, runtime: usize) -> usize {
        self.blobs.push(Blob {
            released: None,
            content,
            contract,
            runtime,
        });
        self.blobs.len() - 1
    }

    /// The contract that a drained event rests on besides its place in the queue.
    fn contract_of_end(&self, load: LoadRef, end: &End) -> Contract {
        match end {
            End::Completed(_) if self.ended(load) == Some(By::Provider) => "REQ-02",
            End::Completed(_) if self.load_of(load).url.is_data() => "LDR-03",
            End::Completed(_) => "LDR-01",
            End::Failed(Failure::Provider, Content::Exactly(_)) => "REQ-08",
            End::Failed(Failure::Dropped, _) => "REQ-14",
            End::Failed(Failure::BadResponse, _) => "REQ-15",
            End::Failed(Failure::OutsideRoot, _) => "LDR-02",
            End::Failed(Failure::Malformed, _) => "LDR-03",
            End::Failed(Failure::Expired, _) => "REQ-22",
            End::Failed(Failure::NotFound | Failure::Io, _) => "LDR-01",
            // Nobody asked for a file: it has to end, no more.
            End::Failed(..) => "REQ-16",
            End::Cancelled => "REQ-20",
        }
    }

    // ---- loads ---------------------------------------------------------------------------------

    fn load(
        &mut self,
        lane: u8,
        ordinal: Ordinal,
        url: Url,
        deadline: Deadline,
    ) -> Result<Outcome, Word> {
        if url == Url::Malformed {
            return Err(Word::BadUrl);
        }
        let session = self.owned_session(lane, ordinal)?;
        let runtime = self.sessions[session].runtime;
        let (queued, started) = self.loads_of(runtime);
        if self.runtimes[runtime].max_loads < 1024 {
            self.because("REQ-23");
        }
        if queued == self.runtimes[runtime].max_loads as usize {
            return Err(Word::QueueFull);
        }
        let surface = self.sessions[session].surface;
        self.sessions[session].loads.push(Load {
            url,
            deadline,
            after: started,
            surface,
            hook: Hook::Open,
            ended: None,
        });
        let number = self.sessions[session].loads.len();
        self.runtimes[runtime]
            .jobs
            .push_back(LoadRef { session, number });
        Ok(Outcome::Started(number as u64))
    }

    /// The number of loads that count against the limit of a runtime, and of those that it ever had.
    fn loads_of(&self, runtime: usize) -> (usize, usize) {
        let sessions = || self.sessions.iter().filter(|each| each.runtime == runtime);
        let live = sessions().filter(|session| session.live());
        let pending = live
            .flat_map(|session| &session.loads)
            .filter(|load| load.ended.is_none())
            .count();
        let Runtime {
            mailbox, events, ..
        } = &self.runtimes[runtime];
        let started = sessions().map(|session| session.loads.len()).sum();
        (pending + mailbox.len() + events.len(), started)
    }

    fn cancel(&mut self, lane: u8, ordinal: Ordinal, number: u8) -> Result<Outcome, Word> {
        let session = self.owned_session(lane, ordinal)?;
        let number = usize::from(number);
        if number == 0 || number > self.sessions[session].loads.len() {
            return Err(Word::UnknownLoad);
        }
        let load = LoadRef { session, number };
        if self.ended(load).is_some() {
            return Err(Word::LoadEnded);
        }
        self.touch(Feature::Cancel, load);
        self.abandon(lane, load, By::Cancel, End::Cancelled);
        self.discard_ended_jobs(self.sessions[session].runtime);
        Ok(Outcome::Done)
    }

    fn session_destroy(&mut self, lane: u8, ordinal: Ordinal) -> Result<Outcome, Word> {
        let index = self.owned_session(lane, ordinal)?;
        self.ends_session(index);
        for number in 1..=self.sessions[index].loads.len() {
            let load = LoadRef {
                session: index,
                number,
            };
            if self.ended(load).is_none() {
                self.load_of_mut(load).ended = Some(By::Cancel);
                self.tell_of_cancel(lane, load);
            }
        }
        release(&mut self.sessions, index);
        self.sessions[index].buffer = None;
        let index_of_runtime = self.sessions[index].runtime;
        let runtime = &mut self.runtimes[index_of_runtime];
        let queued = |runtime: &Runtime| runtime.mailbox.len() + runtime.events.len();
        let before = queued(runtime);
        runtime.mailbox.retain(|(load, _)| load.session != index);
        runtime.events.retain(|(load, _)| load.session != index);
        runtime.discarded |= queued(runtime) < before;
        self.discard_ended_jobs(index_of_runtime);
        Ok(Outcome::Done)
    }

    fn discard_ended_jobs(&mut self, runtime: usize) {
        let mut jobs = std::mem::take(&mut self.runtimes[runtime].jobs);
        jobs.retain(|load| self.ended(*load).is_none());
        self.runtimes[runtime].jobs = jobs;
    }

    fn load_of(&self, load: LoadRef) -> &Load {
        &self.sessions[load.session].loads[load.number - 1]
    }

    fn load_of_mut(&mut self, load: LoadRef) -> &mut Load {
        &mut self.sessions[load.session].loads[load.number - 1]
    }

    fn ended(&self, load: LoadRef) -> Option<By> {
        self.load_of(load).ended
    }

    /// Ends a pending load.
    fn end(&mut self, load: LoadRef, by: By, end: End) -> PendingUpcalls {
        if matches!(end, End::Completed(_)) && self.sessions[load.session].buffer.is_some() {
            self.touch(Feature::RetainedBuffer, load);
        }
        let ended = self.load_of_mut(load).ended.replace(by);
        assert_eq!(ended, None, "ended twice");
        let contract = self.contract_of_end(load, &end);
        self.grounds.ended.push(contract);
        let level = match &end {
            End::Failed(..) => Level::Warn,
            End::Completed(_) | End::Cancelled => Level::Debug,
        };
        let session = &mut self.sessions[load.session];
        if let (End::Completed(bytes), Some(buffer)) = (&end, &mut session.buffer) {
            buffer.land(bytes);
        }
        let index = session.runtime;
        let runtime = &mut self.runtimes[index];
        let edge = runtime.is_idle();
        runtime.mailbox.push_back((load, end));
        PendingUpcalls {
            load,
            runtime: index,
            level,
            edge,
        }
    }

    fn send(&mut self, lane: u8, pending: PendingUpcalls) {
        if self.log.is_some() {
            self.touch(Feature::Logger, pending.load);
        }
        self.log(lane, pending.level);
        if pending.edge {
            if self.runtimes[pending.runtime].wake.is_some() {
                self.touch(Feature::Wake, pending.load);
            }
            self.wake(lane, pending.runtime);
        }
    }

    /// Ends a pending load that nobody wants any more, and tells its provider.
    fn abandon(&mut self, lane: u8, load: LoadRef, by: By, end: End) {
        let pending = self.end(load, by, end);
        self.send(lane, pending);
        self.tell_of_cancel(lane, load);
    }

    // ---- workers and providers -----------------------------------------------------------------

    fn step(&mut self, lane: u8, ordinal: Ordinal) -> Result<Outcome, Word> {
        let index = self.owned_runtime(lane, ordinal)?;
        let runtime = &mut self.runtimes[index];
        let Some(load) = runtime.jobs.pop_front() else {
            return Ok(Outcome::Stepped(false));
        };
        let (root, provider, had_provider) = (runtime.root, runtime.provider, runtime.had_provider);
        if had_provider {
            self.because("CBK-01");
        }
        let url = self.load_of(load).url;
        let Some(provider) = provider else {
            self.end_as_loader(lane, load, loaded(url, root));
            return Ok(Outcome::Stepped(true));
        };
        let request = self.requests.len();
        self.requests.push(Request {
            released: None,
            load,
            provider: provider.callback.number,
            taken_back: false,
            claimed: false,
            answered: false,
        });
        let Provider {
            callback: Callback { number, reaction },
            behaviour,
        } = provider;
        let mut calls = reaction.calls(request as u8);
        calls.extend(behaviour.calls(index as u8, request as u8));
        let kind = UpcallKind::Provide(request, url.text().to_owned());
        self.upcall(lane, Some(request), number, kind, calls);
        let failed = |failure| End::Failed(failure, Content::SomeText);
        let end = match behaviour {
            Behaviour::Keep | Behaviour::Serve | Behaviour::ServeTwice | Behaviour::Drop => None,
            Behaviour::Pass
            | Behaviour::ClearInside
            | Behaviour::ServeAndPass
            | Behaviour::MisserveAndPass => Some(loaded(url, root)),
            Behaviour::Fail => Some(failed(Failure::Provider)),
            Behaviour::Panic => {
                if self.interface == Interface::Rust {
                    self.log(lane, Level::Error);
                }
                Some(failed(Failure::Provider))
            }
            Behaviour::Unknown => Some(failed(Failure::BadResponse)),
        };
        if let Some(end) = end
            && self.take_back(request)
        {
            self.end_as_loader(lane, load, end);
        } else if (self.interface, behaviour) == (Interface::Go, Behaviour::Panic)
            && self.requests[request].live()
        {
            // The provider does not come to it any more.
            self.release(lane, request);
        }
        Ok(Outcome::Stepped(true))
    }

    fn end_as_loader(&mut self, lane: u8, load: LoadRef, end: End) {
        let pending = self.end(load, By::Loader, end);
        self.send(lane, pending);
    }

    /// Ends the provider's hold on a request that it does not want; `false` if it has ended the load
    /// already.
    fn take_back(&mut self, request: usize) -> bool {
        if self.ended(self.requests[request].load).is_some() {
            self.because("REQ-09");
            self.requests[request].claimed = true;
            return false;
        }
        self.because("REQ-01");
        release(&mut self.requests, request);
        self.requests[request].taken_back = true;
        self.load_of_mut(self.requests[request].load).hook = Hook::Closed;
        true
    }

    fn complete(&mut self, lane: u8, request: usize, answer: Answer) -> Result<(), Word> {
        let Request {
            load,
            provider,
            claimed,
            ..
        } = self.requests[request];
        let runtime = self.sessions[load.session].runtime;
        match self.ended(load) {
            Some(By::Provider) => {
                self.because("REQ-04");
                if claimed {
                    self.because("REQ-09");
                }
                Err(Word::Completed)
            }
            Some(By::Cancel) => {
                self.because("REQ-07");
                Err(Word::Cancelled)
            }
            Some(By::Deadline) => {
                self.because("REQ-22");
                Err(Word::Expired)
            }
            Some(By::Loader) => unreachable!("the loader has its load's request taken back"),
            None => {
                let current = self.runtimes[runtime]
                    .provider
                    .map(|current| current.callback.number);
                if current != Some(provider) {
                    self.because("REQ-13");
                }
                self.because("REQ-02");
                let pending = self.end(load, By::Provider, answer.end());
                self.load_of_mut(load).hook = Hook::Closed;
                self.send(lane, pending);
                match answer.malformed() {
                    Some(word) => Err(word),
                    None => Ok(()),
                }
            }
        }
    }

    /// Releases a request, and fails its load unless that has ended.
    fn release(&mut self, lane: u8, request: usize) {
        release(&mut self.requests, request);
        let load = self.requests[request].load;
        let pending = self.ended(load).is_none().then(|| {
            self.because("REQ-14");
            let end = End::Failed(Failure::Dropped, Content::SomeText);
            self.end(load, By::Provider, end)
        });
        self.load_of_mut(load).hook = Hook::Closed;
        if let Some(pending) = pending {
            self.send(lane, pending);
        }
    }
}

/// The contract that a refused call leaves everything as it was.
const NO_TRACE: Contract = "STA-12";

impl cgolab_explore::Model for Model {
    type Op = Op;
    type Observation = Observation;
    type State = State;
    type Encounter = Encounter;
    type Grounds = Grounds;

    fn apply(&mut self, step: Step) -> Expected {
        self.contracts.clear();
        let outcome = self.outcome(step.lane, step.op);
        let upcalls = std::mem::take(&mut self.upcalls);
        Expected {
            observation: Observation { outcome, upcalls },
            contracts: std::mem::take(&mut self.contracts),
            encounters: std::mem::take(&mut self.met).encounters(),
            grounds: std::mem::take(&mut self.grounds),
        }
    }

    fn state(&self) -> State {
        let requests = |request: &Request| {
            let load = self.load_of(request.load);
            request.live().then(|| RequestState {
                winner: load.ended.map(By::winner),
                on_cancel: matches!(load.hook, Hook::Set(..)),
            })
        };
        let sessions = |session: &Session| {
            let mailbox = &self.runtimes[session.runtime].mailbox;
            let in_mailbox = |index: usize| {
                mailbox.iter().any(|(load, _)| {
                    load.number == index + 1 && {
                        std::ptr::eq(&self.sessions[load.session], session)
                    }
                })
            };
            session.live().then(|| SessionState {
                pending: (session.loads.iter().enumerate())
                    .filter(|(index, load)| load.ended.is_none() || in_mailbox(*index))
                    .count(),
                buffer: session.buffer.is_some(),
                surface: surface_address(session.surface),
            })
        };
        let runtimes = |(index, runtime): (usize, &Runtime)| {
            let children = self.sessions.iter().filter(|child| child.runtime == index);
            runtime.live().then(|| state::Runtime {
                sessions: children.filter(|child| child.live()).count(),
                loads: self.loads_of(index).0,
                jobs: runtime.jobs.len(),
                ended: runtime.mailbox.len(),
                unread: runtime.events.len(),
                signalled: runtime.signalled,
                next: self.next_wait(index),
                provider: runtime.provider.is_some(),
                wake: runtime.wake.is_some(),
            })
        };
        State {
            live: self.live(),
            log: self.log.map(|log| log.limit),
            runtimes: self.runtimes.iter().enumerate().map(runtimes).collect(),
            sessions: self.sessions.iter().map(sessions).collect(),
            requests: self.requests.iter().map(requests).collect(),
        }
    }

    /// Loads run to their end, events are drained, handles are released. Every load that was accepted in a
    /// live session has had its event then.
    fn teardown(&self) -> Vec<Step> {
        let mut steps = Vec::new();
        fn live<T: Object>(all: &[T]) -> impl Iterator<Item = u8> {
            let live = all.iter().enumerate().filter(|(_, object)| object.live());
            live.map(|(index, _)| index as u8)
        }
        let on = |lane, op| Step { lane, op };
        if self.log.is_some() {
            steps.push(on(3, Op::ClearLog));
        }
        for runtime in live(&self.runtimes) {
            let state = &self.runtimes[usize::from(runtime)];
            let owner = state.owner;
            steps.push(on(owner, Op::ClearProvider { runtime }));
            steps.push(on(owner, Op::ClearWake { runtime }));
            for _ in &state.jobs {
                steps.push(on(owner, Op::Step { runtime }));
            }
        }
        for request in live(&self.requests) {
            steps.push(on(0, Op::RequestRelease { request }));
        }
        for runtime in live(&self.runtimes) {
            let owner = self.runtimes[usize::from(runtime)].owner;
            steps.push(on(
                owner,
                Op::Pump {
                    runtime,
                    wait: Pause::No,
                    budget: Budget::All,
                },
            ));
            // Twice 255 is more than the longest scenario can have queued.
            for _ in 0..2 {
                steps.push(on(
                    owner,
                    Op::Drain {
                        runtime,
                        limit: 255,
                    },
                ));
            }
        }
        for session in live(&self.sessions) {
            let runtime = self.sessions[usize::from(session)].runtime;
            let owner = self.runtimes[runtime].owner;
            steps.push(on(owner, Op::SessionDestroy { session }));
        }
        for runtime in live(&self.runtimes) {
            let owner = self.runtimes[usize::from(runtime)].owner;
            steps.push(on(owner, Op::RuntimeDestroy { runtime }));
        }
        for source in live(&self.wake_sources) {
            steps.push(on(1, Op::WakeSourceRelease { source }));
        }
        // Those that drains made, too: they are asked for when the drains have been.
        if steps.is_empty() {
            let blobs = live(&self.blobs).map(|blob| on(2, Op::BlobRelease { blob }));
            steps.extend(blobs);
        }
        steps
    }

    fn remains(&self) -> Option<String> {
        let live = self.live();
        (self.pending_loads() > 0 || live != Live::default()).then(|| format!("{live:?}"))
    }

    /// A wait that would never end is cut short: it must last its time instead. A pump that waits for one
    /// deadline waits by itself; before any other, the deadlines that come soon must have passed. Of two
    /// deadlines in a runtime, that of the load that started first is the first.
    fn settle(&self, mut step: Step, patient: bool) -> Settled<Op> {
        if let (false, Op::Load { deadline, .. }) = (patient, &mut step.op)
            && *deadline == Deadline::Soon
        {
            *deadline = Deadline::Now;
        }
        if self.interface == Interface::Go {
            step.op = step.op.in_go();
        }
        let mut lets_deadlines_pass = false;
        match &mut step.op {
            Op::Pump { runtime, wait, .. } => {
                if let Ok(index) = find(&self.runtimes, *runtime) {
                    let runtime = &self.runtimes[index];
                    let parks = runtime.is_idle() && runtime.events.is_empty();
                    let due = self.due(index);
                    let soon = |load: &&LoadRef| self.load_of(**load).deadline == Deadline::Soon;
                    let long = matches!(wait, Pause::Forever | Pause::Long);
                    if long && parks && due.is_empty() {
                        *wait = Pause::Briefly;
                    }
                    let waits_itself = long && parks && due.len() == 1;
                    lets_deadlines_pass = !waits_itself && due.iter().any(|load| soon(&load));
                }
            }
            Op::Load {
                session, deadline, ..
            } if *deadline == Deadline::Now => {
                if let Ok(index) = find(&self.sessions, *session) {
                    let due = self.due(self.sessions[index].runtime);
                    let soon = |load: &LoadRef| self.load_of(*load).deadline == Deadline::Soon;
                    if due.iter().any(soon) {
                        *deadline = Deadline::Soon;
                    }
                }
            }
            _ => {}
        }
        if let (false, Op::Pump { wait, .. }) = (patient, &mut step.op)
            && *wait == Pause::Briefly
        {
            *wait = Pause::No;
        }
        let lets_pass = if lets_deadlines_pass {
            SOON
        } else {
            Duration::ZERO
        };
        Settled { step, lets_pass }
    }

    /// A wait may be longer than it had to be, and what is soon may be due by now.
    fn without_freedom(mut observed: Observation, predicted: &Observation) -> Observation {
        match (&mut observed.outcome, &predicted.outcome) {
            (Outcome::Pumped { waited, .. }, Outcome::Pumped { waited: false, .. }) => {
                *waited = false;
            }
            (Outcome::Next(next), Outcome::Next(predicted)) => {
                *next = next.without_passed_time(*predicted);
            }
            _ => {}
        }
        observed
    }

    fn state_without_freedom(observed: State, predicted: &State) -> State {
        observed.without_passed_time(predicted)
    }

    fn is_refused(observed: &Observation) -> bool {
        let inside = observed.upcalls.iter().flat_map(|upcall| &upcall.inside);
        let mut outcomes = inside.chain([&observed.outcome]);
        outcomes.any(|outcome| matches!(outcome, Outcome::Refused(_) | Outcome::Unasked(_)))
    }

    /// One refusal has an effect, which the header says: a response whose contents are malformed ends the
    /// load. A callback may have an effect of its own.
    fn no_trace(op: Op, predicted: &Observation) -> Option<Contract> {
        let Outcome::Refused(word) = predicted.outcome else {
            return None;
        };
        let ends_a_load =
            matches!(op, Op::Complete { answer, .. } if answer.malformed() == Some(word));
        (predicted.upcalls.is_empty() && !ends_a_load).then_some(NO_TRACE)
    }

    fn blame_observation(op: Op, predicted: &Expected, observed: &Observation) -> Vec<Contract> {
        blame::of_result(op, predicted, observed)
    }

    fn blame_hang(_: Op, predicted: &Expected) -> Vec<Contract> {
        blame::of_hang(predicted)
    }

    fn blame_state(op: Op, predicted: &Expected, should: &State, is: &State) -> Option<Contract> {
        blame::of_state(op, predicted, should, is)
    }
}

impl Runtime {
    /// `true` if a pump would have nothing to do, but for events that are unread and deadlines.
    fn is_idle(&self) -> bool {
        self.mailbox.is_empty() && !self.signalled
    }
}

impl Buffer {
    fn new(size: Size) -> Buffer {
        Buffer {
            memory: vec![FILL; size.bytes()],
            landed: 0,
        }
    }

    fn land(&mut self, bytes: &[u8]) {
        self.landed = bytes.len().min(self.memory.len());
        self.memory[..self.landed].copy_from_slice(&bytes[..self.landed]);
    }
}

/// `true` if an object lives that was made after the one at `index` was released, and so may have
/// its place.
fn newer<T: Object>(all: &[T], index: Option<usize>) -> bool {
    let made = index.and_then(|index| all[index].released());
    made.is_some_and(|made| all[made..].iter().any(Object::live))
}

#[cfg(test)]
mod tests {
    use cgolab_explore::Model as _;

    use super::*;

    const CREATE: Op = Op::RuntimeCreate {
        root: Root::Fixture,
        max_loads: MaxLoads::Many,
    };

    /// The model against a story told by hand, so that it is not only compared with the runtime.
    #[test]
    fn a_kept_request_is_completed_once_and_a_cancel_wins_over_a_late_answer() {
        let mut model = Model::default();
        let mut at = |op| model.apply(Step { lane: 0, op });
        at(CREATE);
        at(Op::SetProvider {
            runtime: 0,
            behaviour: Behaviour::Keep,
            reaction: Reaction::Nothing,
        });
        at(Op::SessionCreate { runtime: 0 });
        assert_eq!(
            at(Op::Load {
                session: 0,
                url: Url::App,
                deadline: Deadline::Absent,
            })
            .observation
            .outcome,
            Outcome::Started(1)
        );
        assert_eq!(
            at(Op::Load {
                session: 0,
                url: Url::App,
                deadline: Deadline::Absent,
            })
            .observation
            .outcome,
            Outcome::Started(2)
        );
        at(Op::Step { runtime: 0 });
        at(Op::Step { runtime: 0 });
        let complete = |request| Op::Complete {
            request,
            answer: Answer::Bytes,
        };
        assert_eq!(at(complete(0)).observation.outcome, Outcome::Done);
        let again = at(complete(0));
        assert_eq!(again.observation.outcome, Outcome::Refused(Word::Completed));
        assert_eq!(again.contracts, ["REQ-04"]);
        assert_eq!(
            at(Op::Cancel {
                session: 0,
                load: 2
            })
            .observation
            .outcome,
            Outcome::Done
        );
        assert_eq!(
            at(complete(1)).observation.outcome,
            Outcome::Refused(Word::Cancelled)
        );
        assert_eq!(
            at(Op::Pump {
                runtime: 0,
                wait: Pause::Forever,
                budget: Budget::All,
            })
            .observation
            .outcome,
            Outcome::Pumped {
                unread: 2,
                waited: false
            }
        );
        let seen = |load, end, blob| Event {
            session: 0,
            load,
            end,
            blob,
        };
        assert_eq!(
            at(Op::Drain {
                runtime: 0,
                limit: 9
            })
            .observation
            .outcome,
            Outcome::Drained(vec![
                seen(1, End::Completed(ANSWER.to_vec()), Some(0)),
                seen(2, End::Cancelled, None),
            ])
        );
    }

    /// A check is credited to the loader's contract only if a file under the root was read or refused.
    #[test]
    fn loads_that_touch_no_file_say_nothing_of_files() {
        for (root, url, of_file) in [
            (Root::Fixture, Url::Hello, true),
            (Root::Fixture, Url::Missing, true),
            (Root::Fixture, Url::Directory, true),
            (Root::Fixture, Url::App, false),
            (Root::Fixture, Url::DataEmpty, false),
            (Root::Fixture, Url::DataMalformed, false),
            (Root::Absent, Url::Hello, false),
            (Root::Absent, Url::Missing, false),
        ] {
            let mut model = Model::default();
            let steps = [
                Op::RuntimeCreate {
                    root,
                    max_loads: MaxLoads::Many,
                },
                Op::SessionCreate { runtime: 0 },
                Op::Load {
                    session: 0,
                    url,
                    deadline: Deadline::Absent,
                },
                Op::Step { runtime: 0 },
                Op::Pump {
                    runtime: 0,
                    wait: Pause::No,
                    budget: Budget::All,
                },
                Op::Drain {
                    runtime: 0,
                    limit: 9,
                },
            ];
            let credited = steps.into_iter().any(|op| {
                let expected = model.apply(Step { lane: 0, op });
                expected.contracts.contains(&"LDR-01")
            });
            assert_eq!(credited, of_file, "{root:?} {url:?}");
        }
    }

    #[test]
    fn a_driver_without_patience_gets_no_step_that_waits() {
        let settled = |model: &Model, op, patient| {
            let settled = model.settle(Step { lane: 0, op }, patient);
            (settled.step.op, settled.lets_pass)
        };
        let load = |deadline| Op::Load {
            session: 0,
            url: Url::App,
            deadline,
        };
        let pump = |wait| Op::Pump {
            runtime: 0,
            wait,
            budget: Budget::All,
        };
        let mut model = Model::default();
        for op in [CREATE, Op::SessionCreate { runtime: 0 }] {
            model.apply(Step { lane: 0, op });
        }
        let now = Duration::ZERO;
        let soon = load(Deadline::Soon);
        assert_eq!(settled(&model, soon, true), (soon, now));
        assert_eq!(settled(&model, soon, false), (load(Deadline::Now), now));
        let (briefly, no) = (pump(Pause::Briefly), pump(Pause::No));
        for wait in [Pause::Briefly, Pause::Forever, Pause::Long] {
            assert_eq!(settled(&model, pump(wait), true), (briefly, now));
            assert_eq!(settled(&model, pump(wait), false), (no, now));
        }
        // A deadline that comes soon must have passed before a pump that does not wait for it.
        model.apply(Step { lane: 0, op: soon });
        assert_eq!(settled(&model, no, true), (no, SOON));
    }

    #[test]
    fn only_a_pump_that_would_wait_for_ever_is_cut_short() {
        let mut model = Model::default();
        let pump = Step {
            lane: 0,
            op: Op::Pump {
                runtime: 0,
                wait: Pause::Forever,
                budget: Budget::All,
            },
        };
        let brief = Step {
            lane: 0,
            op: Op::Pump {
                runtime: 0,
                wait: Pause::Briefly,
                budget: Budget::All,
            },
        };
        assert_eq!(
            model.settle(pump, true).step,
            pump,
            "refused before it waits"
        );
        model.apply(Step {
            lane: 0,
            op: CREATE,
        });
        assert_eq!(model.settle(pump, true).step, brief);
        model.apply(Step {
            lane: 0,
            op: Op::WakeSourceCreate { runtime: 0 },
        });
        model.apply(Step {
            lane: 1,
            op: Op::Signal { source: 0 },
        });
        assert_eq!(model.settle(pump, true).step, pump);
        model.apply(pump);
        assert_eq!(model.settle(pump, true).step, brief);
    }
}
