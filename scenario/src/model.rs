//! The reference model: what every step must lead to, and which contracts say so.
//!
//! Pure and small: no threads, no files, no ids. It knows the objects by ordinal and keeps the
//! released ones, because a released handle has a predicted answer too. It is written from the
//! contracts, not from the runtime's code, and shares no code with it but names of errors.

use std::collections::VecDeque;

use courier_core::{Failure, Live, Word};

use crate::driver::fixture;
use crate::op::{Answer, Behaviour, Op, Ordinal, Pause, Step, Url};
use crate::outcome::{Call, Content, End, Outcome, Seen};

/// A contract's id.
pub type Contract = &'static str;

/// What a step must lead to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// The result.
    pub outcome: Outcome,
    /// The contracts that the result rests on, the one most in question first.
    pub contracts: Vec<Contract>,
    /// Of drained events: the contract that each one's end rests on.
    pub events: Vec<Contract>,
}

/// The world after some steps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Model {
    runtimes: Vec<Runtime>,
    sessions: Vec<Session>,
    requests: Vec<Request>,
    blobs: Vec<Blob>,
    wake_sources: Vec<WakeSource>,
    providers: usize,
    /// Of the step under way, as in [`Expected`].
    contracts: Vec<Contract>,
    events: Vec<Contract>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Runtime {
    released: Released,
    owner: u8,
    root: bool,
    provider: Option<Provider>,
    had_provider: bool,
    jobs: VecDeque<LoadRef>,
    /// Ends that no pump has seen.
    mailbox: VecDeque<(LoadRef, End)>,
    events: VecDeque<(LoadRef, End)>,
    signalled: bool,
    /// A destroy was refused.
    refused: bool,
    /// A session took queued events with it.
    discarded: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Provider {
    ordinal: usize,
    behaviour: Behaviour,
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
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Load {
    url: Url,
    ended: Option<By>,
}

/// Who ended a load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    Provider,
    Loader,
    Cancel,
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
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Blob {
    released: Released,
    content: Content,
    runtime: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct WakeSource {
    released: Released,
    runtime: usize,
}

/// How many of its kind had been made when an object was released; none while it lives.
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
    if all.is_empty() {
        return Err((Word::Null, None));
    }
    let index = usize::from(ordinal) % all.len();
    if all[index].live() {
        Ok(index)
    } else {
        Err((Word::Stale, Some(index)))
    }
}

/// Releases a live object.
fn release<T: Object>(all: &mut [T], index: usize) {
    let made = all.len();
    all[index].release(made);
}

fn count<T: Object>(all: &[T]) -> usize {
    all.iter().filter(|object| object.live()).count()
}

/// The bytes that a scripted provider serves inline.
pub const SERVED: &[u8] = b"served inline";
/// The bytes of [`Answer::Bytes`].
pub const ANSWER: &[u8] = b"an answer";
/// The text of [`Answer::Error`].
pub const ANSWER_ERROR: &str = "no such thing \u{2026}";
/// The number of [`Behaviour::Unknown`].
pub const UNKNOWN_DECISION: i32 = 77;

impl Answer {
    fn end(self) -> End {
        match self {
            Answer::Bytes => End::Completed(ANSWER.to_vec()),
            Answer::Empty => End::Completed(Vec::new()),
            Answer::Error => End::Failed(
                Failure::Provider,
                Content::Exactly(ANSWER_ERROR.as_bytes().to_vec()),
            ),
            Answer::Malformed => End::Failed(Failure::BadResponse, Content::SomeText),
        }
    }
}

/// What the runtime's own loader makes of a URL.
fn loaded(url: Url, root: bool) -> End {
    let failed = |failure| End::Failed(failure, Content::SomeText);
    match url {
        Url::App => failed(Failure::Unsupported),
        Url::Malformed => unreachable!("refused by load"),
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
    /// Predicts a step and takes it.
    pub fn apply(&mut self, step: Step) -> Expected {
        self.contracts.clear();
        let outcome = self
            .outcome(step.lane, step.op)
            .unwrap_or_else(Outcome::Refused);
        Expected {
            outcome,
            contracts: std::mem::take(&mut self.contracts),
            events: std::mem::take(&mut self.events),
        }
    }

    /// The step with a wait that would never end cut short: it must last its time instead.
    pub fn without_endless_wait(&self, step: Step) -> Step {
        let Op::Pump {
            runtime,
            wait: Pause::Forever,
        } = step.op
        else {
            return step;
        };
        let parks = find(&self.runtimes, runtime).is_ok_and(|index| {
            let runtime = &self.runtimes[index];
            runtime.mailbox.is_empty() && runtime.events.is_empty() && !runtime.signalled
        });
        let wait = if parks {
            Pause::Briefly
        } else {
            Pause::Forever
        };
        Step {
            op: Op::Pump { runtime, wait },
            ..step
        }
    }

    /// How many handles are live.
    pub fn live(&self) -> Live {
        Live {
            runtimes: count(&self.runtimes),
            sessions: count(&self.sessions),
            requests: count(&self.requests),
            blobs: count(&self.blobs),
            wake_sources: count(&self.wake_sources),
        }
    }

    /// Steps that end everything that is live: loads run to their end, events are drained, handles
    /// are released. Every load that was accepted in a live session has had its event then.
    pub fn teardown(&self) -> Vec<Step> {
        let mut steps = Vec::new();
        fn live<T: Object>(all: &[T]) -> impl Iterator<Item = u8> {
            let live = all.iter().enumerate().filter(|(_, object)| object.live());
            live.map(|(index, _)| index as u8)
        }
        let on = |lane, op| Step { lane, op };
        for runtime in live(&self.runtimes) {
            let state = &self.runtimes[usize::from(runtime)];
            let owner = state.owner;
            steps.push(on(owner, Op::ClearProvider { runtime }));
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
        steps
    }

    /// As [`teardown`](Self::teardown), for the blobs, which its drains add to.
    pub fn teardown_blobs(&self) -> Vec<Step> {
        (0..self.blobs.len())
            .filter(|index| self.blobs[*index].live())
            .map(|index| Step {
                lane: 2,
                op: Op::BlobRelease { blob: index as u8 },
            })
            .collect()
    }

    /// Loads of live sessions that have not ended. After a teardown there are none.
    pub fn pending_loads(&self) -> usize {
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

    fn outcome(&mut self, lane: u8, op: Op) -> Result<Outcome, Word> {
        match op {
            Op::RuntimeCreate { root } => self.runtime_create(lane, root),
            Op::RuntimeDestroy { runtime } => self.runtime_destroy(lane, runtime),
            Op::Pump { runtime, wait } => self.pump(lane, runtime, wait),
            Op::Step { runtime } => self.step(lane, runtime),
            Op::Drain { runtime, limit } => self.drain(lane, runtime, limit),
            Op::SetProvider { runtime, behaviour } => self.set_provider(lane, runtime, behaviour),
            Op::ClearProvider { runtime } => {
                let index = self.owned_runtime(lane, runtime)?;
                self.runtimes[index].provider = None;
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
                let runtime = &mut self.runtimes[self.wake_sources[index].runtime];
                if runtime.live() {
                    runtime.signalled = true;
                } else {
                    self.because("EVT-05");
                }
                Ok(Outcome::Done)
            }
            Op::WakeSourceRelease { source } => {
                let index = self.wake_source(source)?;
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
                });
                Ok(Outcome::Created(self.sessions.len() - 1))
            }
            Op::SessionDestroy { session } => self.session_destroy(lane, session),
            Op::Load { session, url } => self.load(lane, session, url),
            Op::Cancel { session, load } => self.cancel(lane, session, load),
            Op::Complete { request, answer } => {
                let index = self.request(request)?;
                self.complete(index, answer.end()).map(|()| Outcome::Done)
            }
            Op::IsCancelled { request } => {
                let index = self.request(request)?;
                let cancelled = self.ended(self.requests[index].load) == Some(By::Cancel);
                if cancelled {
                    self.because("REQ-07");
                }
                Ok(Outcome::Cancelled(cancelled))
            }
            Op::RequestRelease { request } => {
                let index = self.request(request)?;
                self.release(index);
                Ok(Outcome::Done)
            }
            Op::BlobRead { blob } => {
                let index = self.blob(blob)?;
                if !self.runtimes[self.blobs[index].runtime].live() {
                    self.because("HDL-04");
                }
                Ok(Outcome::Content(self.blobs[index].content.clone()))
            }
            Op::BlobRelease { blob } => {
                let index = self.blob(blob)?;
                release(&mut self.blobs, index);
                Ok(Outcome::Done)
            }
        }
    }

    // ---- looking things up ---------------------------------------------------------------------

    /// Notes what a refused look-up rests on. `newer` says whether a newer object of the kind lives,
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
        find(&self.requests, ordinal).map_err(|why| {
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
        Ok(())
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

    fn runtime_create(&mut self, lane: u8, root: bool) -> Result<Outcome, Word> {
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
        self.runtimes.push(Runtime {
            released: None,
            owner: lane,
            root,
            provider: None,
            had_provider: false,
            jobs: VecDeque::new(),
            mailbox: VecDeque::new(),
            events: VecDeque::new(),
            signalled: false,
            refused: false,
            discarded: false,
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
        Ok(Outcome::Done)
    }

    fn pump(&mut self, lane: u8, ordinal: Ordinal, wait: Pause) -> Result<Outcome, Word> {
        let index = self.owned_runtime(lane, ordinal)?;
        let runtime = &mut self.runtimes[index];
        let signalled = std::mem::take(&mut runtime.signalled);
        let unread = !runtime.events.is_empty();
        let discarded = runtime.discarded;
        let ended = std::mem::take(&mut runtime.mailbox);
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
            Pause::Forever => self.because("EVT-04"),
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
        Ok(Outcome::Pumped {
            unread: self.runtimes[index].events.len(),
            waited: nothing && wait == Pause::Briefly,
        })
    }

    fn drain(&mut self, lane: u8, ordinal: Ordinal, limit: u8) -> Result<Outcome, Word> {
        let index = self.owned_runtime(lane, ordinal)?;
        let mut drained = Vec::new();
        while drained.len() < usize::from(limit)
            && let Some((load, end)) = self.runtimes[index].events.pop_front()
        {
            let contract = self.contract_of_end(load, &end);
            self.because(contract);
            self.events.push(contract);
            let blob = end.content().map(|content| {
                self.blobs.push(Blob {
                    released: None,
                    content,
                    runtime: index,
                });
                self.blobs.len() - 1
            });
            drained.push(Seen {
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

    /// What a drained event rests on besides its place in the queue.
    fn contract_of_end(&self, load: LoadRef, end: &End) -> Contract {
        match end {
            End::Completed(_) if self.ended(load) == Some(By::Provider) => "REQ-02",
            End::Completed(_) => "LDR-01",
            End::Failed(Failure::Provider, Content::Exactly(_)) => "REQ-08",
            End::Failed(Failure::Provider, _) => "REQ-16",
            End::Failed(Failure::Dropped, _) => "REQ-14",
            End::Failed(Failure::BadResponse, _) => "REQ-15",
            End::Failed(Failure::OutsideRoot, _) => "LDR-02",
            End::Failed(..) => "LDR-01",
            End::Cancelled => "REQ-20",
        }
    }

    fn set_provider(
        &mut self,
        lane: u8,
        ordinal: Ordinal,
        behaviour: Behaviour,
    ) -> Result<Outcome, Word> {
        let index = self.owned_runtime(lane, ordinal)?;
        self.runtimes[index].provider = Some(Provider {
            ordinal: self.providers,
            behaviour,
        });
        self.runtimes[index].had_provider = true;
        self.providers += 1;
        Ok(Outcome::Done)
    }

    // ---- loads ---------------------------------------------------------------------------------

    fn load(&mut self, lane: u8, ordinal: Ordinal, url: Url) -> Result<Outcome, Word> {
        if url == Url::Malformed {
            return Err(Word::BadUrl);
        }
        let session = self.owned_session(lane, ordinal)?;
        self.sessions[session].loads.push(Load { url, ended: None });
        let number = self.sessions[session].loads.len();
        let runtime = self.sessions[session].runtime;
        self.runtimes[runtime]
            .jobs
            .push_back(LoadRef { session, number });
        Ok(Outcome::Started(number as u64))
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
        self.end(load, By::Cancel, End::Cancelled);
        self.discard_ended_jobs(self.sessions[session].runtime);
        Ok(Outcome::Done)
    }

    fn session_destroy(&mut self, lane: u8, ordinal: Ordinal) -> Result<Outcome, Word> {
        let index = self.owned_session(lane, ordinal)?;
        release(&mut self.sessions, index);
        let session = &mut self.sessions[index];
        for load in &mut session.loads {
            load.ended.get_or_insert(By::Cancel);
        }
        let index_of_runtime = session.runtime;
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

    fn ended(&self, load: LoadRef) -> Option<By> {
        self.sessions[load.session].loads[load.number - 1].ended
    }

    /// Ends a pending load.
    fn end(&mut self, load: LoadRef, by: By, end: End) {
        let session = &mut self.sessions[load.session];
        let ended = session.loads[load.number - 1].ended.replace(by);
        assert_eq!(ended, None, "ended twice");
        self.runtimes[session.runtime]
            .mailbox
            .push_back((load, end));
    }

    // ---- workers and providers -----------------------------------------------------------------

    fn step(&mut self, lane: u8, ordinal: Ordinal) -> Result<Outcome, Word> {
        let index = self.owned_runtime(lane, ordinal)?;
        let runtime = &mut self.runtimes[index];
        let Some(load) = runtime.jobs.pop_front() else {
            return Ok(Outcome::Stepped(None));
        };
        let (root, provider, had_provider) = (runtime.root, runtime.provider, runtime.had_provider);
        if had_provider {
            self.because("CBK-01");
        }
        let url = self.sessions[load.session].loads[load.number - 1].url;
        let Some(provider) = provider else {
            self.end(load, By::Loader, loaded(url, root));
            return Ok(Outcome::Stepped(Some(None)));
        };
        let request = self.requests.len();
        self.requests.push(Request {
            released: None,
            load,
            provider: provider.ordinal,
            taken_back: false,
            claimed: false,
        });
        let inside = self.behave(request, provider.behaviour, url, root);
        Ok(Outcome::Stepped(Some(Some(Call {
            provider: provider.ordinal,
            url: url.text().to_owned(),
            request,
            inside,
        }))))
    }

    /// What a provider does with a request, and what the runtime does with its decision.
    fn behave(
        &mut self,
        request: usize,
        behaviour: Behaviour,
        url: Url,
        root: bool,
    ) -> Vec<Outcome> {
        let load = self.requests[request].load;
        let served = || End::Completed(SERVED.to_vec());
        let result = |result: Result<(), Word>| match result {
            Ok(()) => Outcome::Done,
            Err(word) => Outcome::Refused(word),
        };
        match behaviour {
            Behaviour::Keep => vec![],
            Behaviour::Pass => {
                self.take_back(request);
                self.end(load, By::Loader, loaded(url, root));
                vec![]
            }
            Behaviour::ClearInside => {
                self.take_back(request);
                self.end(load, By::Loader, loaded(url, root));
                vec![Outcome::Refused(Word::InsideCallback)]
            }
            Behaviour::Serve => {
                let completed = result(self.complete(request, served()));
                self.release(request);
                vec![completed, Outcome::Done]
            }
            Behaviour::ServeAndPass => {
                self.because("REQ-09");
                let completed = result(self.complete(request, served()));
                self.requests[request].claimed = true;
                vec![completed]
            }
            Behaviour::ServeTwice => {
                let first = result(self.complete(request, served()));
                let second = result(self.complete(request, served()));
                vec![first, second]
            }
            Behaviour::Drop => {
                self.release(request);
                vec![Outcome::Done]
            }
            Behaviour::Fail | Behaviour::Panic => {
                self.take_back(request);
                let end = End::Failed(Failure::Provider, Content::SomeText);
                self.end(load, By::Loader, end);
                vec![]
            }
            Behaviour::Unknown => {
                self.take_back(request);
                let end = End::Failed(Failure::BadResponse, Content::SomeText);
                self.end(load, By::Loader, end);
                vec![]
            }
        }
    }

    fn take_back(&mut self, request: usize) {
        self.because("REQ-01");
        release(&mut self.requests, request);
        self.requests[request].taken_back = true;
    }

    fn complete(&mut self, request: usize, end: End) -> Result<(), Word> {
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
            Some(By::Loader) => unreachable!("the loader has its load's request taken back"),
            None => {
                let current = self.runtimes[runtime]
                    .provider
                    .map(|current| current.ordinal);
                if current != Some(provider) {
                    self.because("REQ-13");
                }
                self.because("REQ-02");
                let malformed = matches!(end, End::Failed(Failure::BadResponse, _));
                self.end(load, By::Provider, end);
                if malformed {
                    Err(Word::BadValue)
                } else {
                    Ok(())
                }
            }
        }
    }

    fn release(&mut self, request: usize) {
        release(&mut self.requests, request);
        let load = self.requests[request].load;
        if self.ended(load).is_none() {
            self.because("REQ-14");
            let end = End::Failed(Failure::Dropped, Content::SomeText);
            self.end(load, By::Provider, end);
        }
    }
}

/// Whether an object lives that was made after the one at `index` was released, and so may have
/// its place.
fn newer<T: Object>(all: &[T], index: Option<usize>) -> bool {
    let made = index.and_then(|index| all[index].released());
    made.is_some_and(|made| all[made..].iter().any(Object::live))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The model against a story told by hand, so that it is not only compared with the runtime.
    #[test]
    fn a_kept_request_is_completed_once_and_a_cancel_wins_over_a_late_answer() {
        let mut model = Model::default();
        let mut at = |op| model.apply(Step { lane: 0, op });
        at(Op::RuntimeCreate { root: true });
        at(Op::SetProvider {
            runtime: 0,
            behaviour: Behaviour::Keep,
        });
        at(Op::SessionCreate { runtime: 0 });
        assert_eq!(
            at(Op::Load {
                session: 0,
                url: Url::App
            })
            .outcome,
            Outcome::Started(1)
        );
        assert_eq!(
            at(Op::Load {
                session: 0,
                url: Url::App
            })
            .outcome,
            Outcome::Started(2)
        );
        at(Op::Step { runtime: 0 });
        at(Op::Step { runtime: 0 });
        let complete = |request| Op::Complete {
            request,
            answer: Answer::Bytes,
        };
        assert_eq!(at(complete(0)).outcome, Outcome::Done);
        let again = at(complete(0));
        assert_eq!(again.outcome, Outcome::Refused(Word::Completed));
        assert_eq!(again.contracts, ["REQ-04"]);
        assert_eq!(
            at(Op::Cancel {
                session: 0,
                load: 2
            })
            .outcome,
            Outcome::Done
        );
        assert_eq!(at(complete(1)).outcome, Outcome::Refused(Word::Cancelled));
        assert_eq!(
            at(Op::Pump {
                runtime: 0,
                wait: Pause::Forever
            })
            .outcome,
            Outcome::Pumped {
                unread: 2,
                waited: false
            }
        );
        let seen = |load, end, blob| Seen {
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
            .outcome,
            Outcome::Drained(vec![
                seen(1, End::Completed(ANSWER.to_vec()), Some(0)),
                seen(2, End::Cancelled, None),
            ])
        );
    }

    #[test]
    fn only_a_pump_that_would_wait_for_ever_is_cut_short() {
        let mut model = Model::default();
        let pump = Step {
            lane: 0,
            op: Op::Pump {
                runtime: 0,
                wait: Pause::Forever,
            },
        };
        let brief = Step {
            lane: 0,
            op: Op::Pump {
                runtime: 0,
                wait: Pause::Briefly,
            },
        };
        assert_eq!(
            model.without_endless_wait(pump),
            pump,
            "refused before it waits"
        );
        model.apply(Step {
            lane: 0,
            op: Op::RuntimeCreate { root: true },
        });
        assert_eq!(model.without_endless_wait(pump), brief);
        model.apply(Step {
            lane: 0,
            op: Op::WakeSourceCreate { runtime: 0 },
        });
        model.apply(Step {
            lane: 1,
            op: Op::Signal { source: 0 },
        });
        assert_eq!(model.without_endless_wait(pump), pump);
        model.apply(pump);
        assert_eq!(model.without_endless_wait(pump), brief);
    }
}
