//! Drives the runtime through its Rust API.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Instant;

use courier_core::{
    Courier, Decision, Error, EventKind, Id, Live, LoadOptions, Provider, Response, RuntimeOptions,
    Wait, Word, WorkerKind,
};

use crate::driver::fixture::Fixture;
use crate::driver::lanes::Lanes;
use crate::driver::{Driver, add, content, failure_text, pick};
use crate::model::{ANSWER, ANSWER_ERROR, SERVED, UNKNOWN_DECISION};
use crate::op::{Answer, BRIEFLY, Behaviour, Op, Pause, Step};
use crate::outcome::{Call, End, Outcome, Seen};

/// A library instance of its own, stepped, on four threads that are kept from scenario to scenario.
#[derive(Debug)]
pub struct RustDriver {
    lanes: Lanes,
    fixture: Fixture,
    last_generation: u32,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    courier: Courier,
    last_generation: u32,
    root: PathBuf,
    ids: Mutex<Ids>,
}

/// Ids by ordinal.
#[derive(Debug, Default)]
struct Ids {
    runtimes: Vec<Id>,
    sessions: Vec<Id>,
    requests: Vec<Id>,
    blobs: Vec<Id>,
    wake_sources: Vec<Id>,
    providers: usize,
    /// Since the last step.
    calls: Vec<Call>,
}

impl RustDriver {
    /// A driver whose handle slots retire after `last_generation` objects.
    pub fn new(last_generation: u32) -> RustDriver {
        let fixture = Fixture::new().expect("the temporary directory takes a few files");
        RustDriver {
            lanes: Lanes::start(false),
            shared: Shared::new(last_generation, fixture.root()),
            fixture,
            last_generation,
        }
    }

    /// How many ids of this scenario came from slots that had been used before.
    pub fn reused_slots(&self) -> usize {
        let ids = self.shared.ids();
        let all = [
            &ids.runtimes,
            &ids.sessions,
            &ids.requests,
            &ids.blobs,
            &ids.wake_sources,
        ];
        let ids = all.into_iter().flatten();
        ids.filter(|id| id.generation() > Some(1)).count()
    }

    /// Forgets everything: the next scenario starts with an empty library.
    pub fn reset(&mut self) {
        self.shared = Shared::new(self.last_generation, self.fixture.root());
    }
}

impl Driver for RustDriver {
    fn apply(&mut self, step: Step) -> Result<Outcome, String> {
        let shared = Arc::clone(&self.shared);
        self.lanes.run(step.lane, move || shared.outcome(step.op))
    }

    fn live(&self) -> Live {
        self.shared.courier.live()
    }
}

/// Notes a new object, whose slot retires in time.
fn add_in_time(ids: &mut Vec<Id>, id: Id, last_generation: u32) -> usize {
    let generation = id.generation().expect("an issued id is well-formed");
    assert!(
        generation <= last_generation,
        "{id:?} is from a slot that should have retired"
    );
    add(ids, id)
}

impl Shared {
    fn new(last_generation: u32, root: PathBuf) -> Arc<Shared> {
        Arc::new(Shared {
            courier: Courier::with_last_generation(last_generation),
            last_generation,
            root,
            ids: Mutex::default(),
        })
    }

    /// Never held while the library is called: a provider call takes it too.
    fn ids(&self) -> MutexGuard<'_, Ids> {
        self.ids.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn outcome(self: &Arc<Self>, op: Op) -> Outcome {
        self.call(op)
            .unwrap_or_else(|error| Outcome::Refused(error.word()))
    }

    fn call(self: &Arc<Self>, op: Op) -> Result<Outcome, Error> {
        let courier = &self.courier;
        let runtime_id = |ordinal| pick(&self.ids().runtimes, ordinal);
        let session_id = |ordinal| pick(&self.ids().sessions, ordinal);
        let request_id = |ordinal| pick(&self.ids().requests, ordinal);
        let blob_id = |ordinal| pick(&self.ids().blobs, ordinal);
        let source_id = |ordinal| pick(&self.ids().wake_sources, ordinal);
        let done = |()| Outcome::Done;
        match op {
            Op::RuntimeCreate { root } => {
                let id = courier.runtime_create(&RuntimeOptions {
                    workers: WorkerKind::Stepped,
                    root: root.then(|| self.root.clone()),
                    ..RuntimeOptions::default()
                })?;
                Ok(Outcome::Created(add_in_time(
                    &mut self.ids().runtimes,
                    id,
                    self.last_generation,
                )))
            }
            Op::RuntimeDestroy { runtime } => {
                courier.runtime_destroy(runtime_id(runtime)).map(done)
            }
            Op::Pump { runtime, wait } => {
                let start = Instant::now();
                let wait = match wait {
                    Pause::No => Wait::No,
                    Pause::Briefly => Wait::AtMost(BRIEFLY),
                    Pause::Forever => Wait::Forever,
                };
                let unread = courier.runtime_pump(runtime_id(runtime), wait, usize::MAX)?;
                let waited = start.elapsed() >= BRIEFLY;
                Ok(Outcome::Pumped { unread, waited })
            }
            Op::Step { runtime } => {
                let ran = courier.runtime_step(runtime_id(runtime))?;
                let mut calls = std::mem::take(&mut self.ids().calls);
                assert!(
                    calls.len() <= usize::from(ran),
                    "calls without a job: {calls:?}"
                );
                Ok(Outcome::Stepped(ran.then(|| calls.pop())))
            }
            Op::Drain { runtime, limit } => {
                let events = courier.runtime_drain_events(runtime_id(runtime), limit.into())?;
                let seen = events.into_iter().map(|event| self.see(event)).collect();
                Ok(Outcome::Drained(seen))
            }
            Op::SetProvider { runtime, behaviour } => {
                let runtime = runtime_id(runtime);
                let provider = Scripted {
                    shared: Arc::downgrade(self),
                    ordinal: self.ids().providers,
                    behaviour,
                    runtime,
                };
                courier.runtime_set_provider(runtime, Box::new(provider))?;
                self.ids().providers += 1;
                Ok(Outcome::Done)
            }
            Op::ClearProvider { runtime } => courier
                .runtime_clear_provider(runtime_id(runtime))
                .map(done),
            Op::WakeSourceCreate { runtime } => {
                let id = courier.runtime_wake_source(runtime_id(runtime))?;
                Ok(Outcome::Created(add_in_time(
                    &mut self.ids().wake_sources,
                    id,
                    self.last_generation,
                )))
            }
            Op::Signal { source } => courier.wake_source_signal(source_id(source)).map(done),
            Op::WakeSourceRelease { source } => {
                courier.wake_source_release(source_id(source)).map(done)
            }
            Op::SessionCreate { runtime } => {
                let id = courier.session_create(runtime_id(runtime))?;
                Ok(Outcome::Created(add_in_time(
                    &mut self.ids().sessions,
                    id,
                    self.last_generation,
                )))
            }
            Op::SessionDestroy { session } => {
                courier.session_destroy(session_id(session)).map(done)
            }
            Op::Load { session, url } => courier
                .session_load(session_id(session), url.text(), &LoadOptions::default())
                .map(Outcome::Started),
            Op::Cancel { session, load } => courier
                .session_cancel(session_id(session), load.into())
                .map(done),
            Op::Complete { request, answer } => courier
                .request_complete(request_id(request), response(answer))
                .map(done),
            Op::IsCancelled { request } => courier
                .request_is_cancelled(request_id(request))
                .map(Outcome::Cancelled),
            Op::RequestRelease { request } => {
                courier.request_release(request_id(request)).map(done)
            }
            Op::BlobRead { blob } => {
                let bytes = courier.blob_read(blob_id(blob), <[u8]>::to_vec)?;
                Ok(Outcome::Content(content(bytes)))
            }
            Op::BlobRelease { blob } => courier.blob_release(blob_id(blob)).map(done),
        }
    }

    fn see(&self, event: courier_core::Event) -> Seen {
        let blob = |id| {
            let bytes = self.courier.blob_read(id, <[u8]>::to_vec);
            (
                add_in_time(&mut self.ids().blobs, id, self.last_generation),
                bytes.expect("a payload is live"),
            )
        };
        let (end, blob) = match event.kind {
            EventKind::Completed(id) => {
                let (blob, bytes) = blob(id);
                (End::Completed(bytes), Some(blob))
            }
            EventKind::Failed(failure, id) => {
                let (blob, bytes) = blob(id);
                (
                    End::Failed(failure, failure_text(failure, bytes)),
                    Some(blob),
                )
            }
            EventKind::Cancelled => (End::Cancelled, None),
        };
        let sessions = &self.ids().sessions;
        let session = sessions.iter().position(|id| *id == event.session);
        Seen {
            session: session.expect("an event names a session that was created"),
            load: event.load,
            end,
            blob,
        }
    }
}

fn response(answer: Answer) -> Result<Response, Error> {
    match answer {
        Answer::Bytes => Ok(Response::Bytes(ANSWER.to_vec())),
        Answer::Empty => Ok(Response::Bytes(Vec::new())),
        Answer::Error => Ok(Response::Error(ANSWER_ERROR.to_owned())),
        Answer::Malformed => Err(Error::new(Word::BadValue, "malformed on purpose")),
    }
}

/// A provider that does what its behaviour says.
struct Scripted {
    /// The library owns the provider: a strong reference would be a cycle.
    shared: Weak<Shared>,
    ordinal: usize,
    behaviour: Behaviour,
    runtime: Id,
}

impl Provider for Scripted {
    fn provide(&self, request: Id, url: &str) -> Decision {
        let shared = self.shared.upgrade().expect("the driver outlives a step");
        let courier = &shared.courier;
        let complete = || courier.request_complete(request, Ok(Response::Bytes(SERVED.to_vec())));
        let release = || courier.request_release(request);
        let (inside, decision) = match self.behaviour {
            Behaviour::Pass => (vec![], Decision::Pass),
            Behaviour::Keep => (vec![], Decision::Handle),
            Behaviour::Serve => (vec![complete(), release()], Decision::Handle),
            Behaviour::ServeAndPass => (vec![complete()], Decision::Pass),
            Behaviour::ServeTwice => (vec![complete(), complete()], Decision::Handle),
            Behaviour::Drop => (vec![release()], Decision::Handle),
            Behaviour::Fail => (vec![], Decision::Fail("scripted".to_owned())),
            Behaviour::Unknown => (vec![], Decision::Unknown(UNKNOWN_DECISION)),
            Behaviour::ClearInside => (
                vec![courier.runtime_clear_provider(self.runtime)],
                Decision::Pass,
            ),
            Behaviour::Panic => (vec![], Decision::Pass),
        };
        let inside = inside.into_iter().map(|result| match result {
            Ok(()) => Outcome::Done,
            Err(error) => Outcome::Refused(error.word()),
        });
        let mut ids = shared.ids();
        let call = Call {
            provider: self.ordinal,
            url: url.to_owned(),
            request: add_in_time(&mut ids.requests, request, shared.last_generation),
            inside: inside.collect(),
        };
        ids.calls.push(call);
        drop(ids);
        if self.behaviour == Behaviour::Panic {
            // Does not call the panic hook: nothing went wrong.
            std::panic::resume_unwind(Box::new("scripted"));
        }
        decision
    }
}
