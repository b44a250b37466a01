//! Drives the runtime through its Rust API.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use cgolab_explore::{Driver, Lanes, Stopped};
use courier_core::sync::at_points;
use courier_core::{
    Courier, Decision, Error, EventKind, HostMemory, Id, Level, LoadOptions, Logger, Provider,
    Response, RuntimeOptions, Wait, WorkerKind,
};

use crate::driver::meeting::{Luck, Meeting};
use crate::driver::{FAR, add, content, failure_text, normal, pick};
use crate::fixture::{ANSWER, ANSWER_ERROR, Fixture, SERVED, UNKNOWN_DECISION};
use crate::model::Model;
use crate::op::{
    Answer, BRIEFLY, Behaviour, Deadline, FILL, Op, Ordinal, Pause, Reaction, Root, SOON, Size,
    Step, surface_address,
};
use crate::outcome::{End, Event, Observation, Outcome, Upcall, UpcallKind};
use crate::replay::Replay;
use crate::state::{Next, State};
use crate::through::{Interface, Through};

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
    /// The number of attempts to install a callback.
    callbacks: usize,
    /// Since the last step.
    upcalls: Vec<Upcall>,
}

impl RustDriver {
    /// A driver whose handle slots retire after `last_generation` objects.
    pub fn new(last_generation: u32) -> RustDriver {
        let fixture = Fixture::new().expect("the temporary directory takes a few files");
        RustDriver {
            lanes: Lanes::start(),
            shared: Shared::new(last_generation, fixture.root()),
            fixture,
            last_generation,
        }
    }

    /// The number of ids of this scenario that came from slots used before.
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

    /// Runs several lanes' operations at the same time, and gives their results, and the callbacks that
    /// were called meanwhile. `seed` says how the lanes meet, as far as it is not the system's choice.
    ///
    /// # Errors
    /// A call panicked or hangs.
    pub fn run_together(
        &mut self,
        lanes: &[(u8, Vec<Op>)],
        seed: u64,
    ) -> Result<(Vec<Vec<Outcome>>, Vec<Upcall>), Stopped> {
        let meeting = Arc::new(Meeting::of(lanes.len()));
        let tasks = lanes.iter().map(|(lane, ops)| {
            let shared = Arc::clone(&self.shared);
            let (meeting, luck, ops) = (Arc::clone(&meeting), Luck::of(seed, *lane), ops.clone());
            let task = move || {
                let at_point = {
                    let meeting = Arc::clone(&meeting);
                    move || meeting.point(&luck)
                };
                meeting.arrive();
                let run = || ops.into_iter().map(|op| shared.outcome(op)).collect();
                let outcomes = at_points(at_point, run);
                meeting.end();
                outcomes
            };
            (*lane, task)
        });
        let tasks = tasks.collect();
        let outcomes = self.lanes.run_together(tasks)?;
        let upcalls = std::mem::take(&mut self.shared.ids().upcalls);
        Ok((outcomes, upcalls))
    }

    /// Forgets everything: the next scenario starts with an empty library.
    pub fn reset(&mut self) {
        self.shared = Shared::new(self.last_generation, self.fixture.root());
    }
}

impl Driver for RustDriver {
    type Model = Model;

    fn model(&self) -> Model {
        Model::new(Interface::Rust)
    }

    fn apply(&mut self, step: Step) -> Result<Observation, Stopped> {
        let shared = Arc::clone(&self.shared);
        let outcome = self.lanes.run(step.lane, move || shared.outcome(step.op))?;
        let upcalls = std::mem::take(&mut self.shared.ids().upcalls);
        Ok(Observation { outcome, upcalls })
    }

    fn state(&self) -> Option<State> {
        let ids = self.shared.ids();
        Some(State::of(
            &self.shared.courier,
            &ids.runtimes,
            &ids.sessions,
            &ids.requests,
        ))
    }

    fn replay(&self) -> &'static str {
        Replay::COMMAND
    }

    fn scenario(&self, steps: &[Step]) -> String {
        let last_generation = self.last_generation;
        Through::Rust { last_generation }.scenario(steps)
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

    /// Never held while the library is called: a callback takes it too.
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
            Op::RuntimeCreate { root, max_loads } => {
                let id = courier.runtime_create(&RuntimeOptions {
                    workers: WorkerKind::Stepped,
                    root: match root {
                        Root::Fixture => Some(self.root.clone()),
                        Root::Absent => None,
                        Root::Empty => Some(PathBuf::new()),
                        Root::Missing => Some(self.root.join("missing")),
                    },
                    max_loads: NonZeroU32::new(max_loads.number()).expect("not 0"),
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
            Op::Pump {
                runtime,
                wait,
                budget,
            } => {
                let start = Instant::now();
                let wait = match wait {
                    Pause::No => Wait::No,
                    Pause::Briefly => Wait::AtMost(BRIEFLY),
                    Pause::Forever => Wait::Forever,
                    Pause::Long => Wait::AtMost(FAR),
                };
                let unread =
                    courier.runtime_pump(runtime_id(runtime), wait, budget.number() as usize)?;
                let waited = start.elapsed() >= BRIEFLY;
                Ok(Outcome::Pumped { unread, waited })
            }
            Op::Step { runtime } => {
                let ran = courier.runtime_step(runtime_id(runtime))?;
                Ok(Outcome::Stepped(ran))
            }
            Op::Drain { runtime, limit } => {
                let events = courier.runtime_drain_events(runtime_id(runtime), limit.into())?;
                let seen = events.into_iter().map(|event| self.see(event)).collect();
                Ok(Outcome::Drained(seen))
            }
            Op::SetProvider {
                runtime,
                behaviour,
                reaction,
            } => {
                let provider = Scripted {
                    callback: self.callback(reaction, 0),
                    behaviour,
                    runtime: normal(&self.ids().runtimes, runtime),
                };
                courier
                    .runtime_set_provider(runtime_id(runtime), Box::new(provider))
                    .map(done)
            }
            Op::ClearProvider { runtime } => courier
                .runtime_clear_provider(runtime_id(runtime))
                .map(done),
            Op::SetWake { runtime, reaction } => {
                let callback = self.callback(reaction, 0);
                let on_work = Box::new(move || callback.called(UpcallKind::Wake));
                courier
                    .runtime_set_on_work(runtime_id(runtime), Some(on_work))
                    .map(done)
            }
            Op::ClearWake { runtime } => courier
                .runtime_set_on_work(runtime_id(runtime), None)
                .map(done),
            Op::SetLog { limit, reaction } => {
                let logger = Box::new(self.callback(reaction, 0));
                courier.set_logger(Some((limit.level(), logger))).map(done)
            }
            Op::ClearLog => courier.set_logger(None).map(done),
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
            Op::Load {
                session,
                url,
                deadline,
            } => {
                let options = LoadOptions {
                    deadline: match deadline {
                        Deadline::Absent | Deadline::None => None,
                        Deadline::Now => Some(Duration::ZERO),
                        Deadline::Far => Some(FAR),
                        Deadline::Soon => Some(SOON),
                    },
                };
                courier
                    .session_load(session_id(session), url.text(), &options)
                    .map(Outcome::Started)
            }
            Op::Cancel { session, load } => courier
                .session_cancel(session_id(session), load.into())
                .map(done),
            Op::Attach { session, size } => courier
                .session_attach_buffer(session_id(session), Box::new(Memory::new(size)))
                .map(done),
            Op::Detach { session } => {
                let memory = courier.session_detach_buffer(session_id(session))?;
                Ok(Outcome::Buffer(memory.read(memory.capacity())))
            }
            Op::Snapshot { session } => {
                let id = courier.session_snapshot(session_id(session))?;
                let blob = add_in_time(&mut self.ids().blobs, id, self.last_generation);
                let bytes = courier.blob_read(id, <[u8]>::to_vec)?;
                Ok(Outcome::Snapshot(blob, content(bytes)))
            }
            Op::SetSurface { session, surface } => courier
                .session_set_surface(session_id(session), surface_address(surface))
                .map(done),
            Op::Surface { request } => courier
                .request_surface(request_id(request))
                .map(Outcome::Surface),
            Op::NextWait { runtime } => {
                let wait = courier.runtime_next_wait(runtime_id(runtime))?;
                Ok(Outcome::Next(Next::of(wait)))
            }
            Op::ClearOnCancel { request } => courier
                .request_clear_on_cancel(request_id(request))
                .map(done),
            Op::OnCancel { request, reaction } => {
                let own = normal(&self.ids().requests, request);
                let callback = self.callback(reaction, own);
                let hook = Box::new(move || callback.called(UpcallKind::Cancel));
                courier
                    .request_on_cancel(request_id(request), hook)
                    .map(Outcome::Cancelled)
            }
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

    /// The next callback. Counts also if its installation is refused.
    fn callback(self: &Arc<Self>, reaction: Reaction, request: Ordinal) -> Callback {
        let mut ids = self.ids();
        ids.callbacks += 1;
        Callback {
            shared: Arc::downgrade(self),
            number: ids.callbacks - 1,
            reaction,
            request,
        }
    }

    fn see(&self, event: courier_core::Event) -> Event {
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
        Event {
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
        Answer::Served => Ok(Response::Bytes(SERVED.to_vec())),
        Answer::Malformed | Answer::NotText | Answer::NullView => {
            let word = answer.malformed().expect("these are");
            Err(Error::new(word, "malformed on purpose"))
        }
    }
}

/// A retained buffer.
struct Memory(Vec<u8>);

impl Memory {
    fn new(size: Size) -> Memory {
        Memory(vec![FILL; size.bytes()])
    }
}

impl HostMemory for Memory {
    fn capacity(&self) -> usize {
        self.0.len()
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0[..bytes.len()].copy_from_slice(bytes);
    }

    fn read(&self, len: usize) -> Vec<u8> {
        self.0[..len].to_vec()
    }
}

/// The part that all callbacks share.
struct Callback {
    /// The library owns the callback: a strong reference would be a cycle.
    shared: Weak<Shared>,
    number: usize,
    reaction: Reaction,
    /// Its own, or the first.
    request: Ordinal,
}

impl Callback {
    /// Makes its calls, and notes that it was called.
    fn called(&self, kind: UpcallKind) {
        self.makes(kind, self.reaction.calls(self.request));
    }

    fn makes(&self, kind: UpcallKind, calls: Vec<Op>) {
        let shared = self.shared.upgrade().expect("the driver outlives a step");
        // Takes locks, at which lanes meet that run at the same time: one may wait for this callback.
        let _ = shared.courier.live();
        let inside = calls.into_iter().map(|op| shared.outcome(op)).collect();
        let upcall = Upcall {
            callback: self.number,
            kind,
            inside,
        };
        shared.ids().upcalls.push(upcall);
    }
}

impl Logger for Callback {
    fn log(&self, level: Level, text: &str) {
        assert!(
            !text.is_empty() && !text.contains('\n'),
            "no line: {text:?}"
        );
        self.called(UpcallKind::Log(level));
    }
}

/// A provider that does what its behaviour says.
struct Scripted {
    callback: Callback,
    behaviour: Behaviour,
    /// Its own.
    runtime: Ordinal,
}

impl Provider for Scripted {
    fn provide(&self, request: Id, url: &str) -> Decision {
        let shared = self.callback.shared.upgrade();
        let shared = shared.expect("the driver outlives a step");
        let request = add_in_time(&mut shared.ids().requests, request, shared.last_generation);
        let mut calls = self.callback.reaction.calls(request as Ordinal);
        calls.extend(self.behaviour.calls(self.runtime, request as Ordinal));
        self.callback
            .makes(UpcallKind::Provide(request, url.to_owned()), calls);
        match self.behaviour {
            Behaviour::Pass
            | Behaviour::ServeAndPass
            | Behaviour::MisserveAndPass
            | Behaviour::ClearInside => Decision::Pass,
            Behaviour::Keep | Behaviour::Serve | Behaviour::ServeTwice | Behaviour::Drop => {
                Decision::Handle
            }
            Behaviour::Fail => Decision::Fail("scripted".to_owned()),
            Behaviour::Unknown => Decision::Unknown(UNKNOWN_DECISION),
            // Does not call the panic hook: nothing went wrong.
            Behaviour::Panic => std::panic::resume_unwind(Box::new("scripted")),
        }
    }
}
