//! Drives the library through its C ABI, as a C program would.
//!
//! Looks after each call at what the model does not know: the diagnostic and its word, out parameters
//! that must stay untouched, sizes that copy-out reports.
#![expect(unsafe_code, reason = "it is a C program, written in Rust")]

use std::any::Any;
use std::ffi::{CString, c_char, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::ptr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use cgolab_explore::{Contract, Driver, LANES, Lanes, Stopped, holds, violated};
use courier::test_hooks::Guise;
use courier::*;
use courier_core::{Failure, Id, Level, Wait, Word};

use crate::driver::{FAR, add, content, failure_text, normal, pick};
use crate::fixture::{ANSWER, ANSWER_ERROR, Fixture, SERVED, UNKNOWN_DECISION};
use crate::model::Model;
use crate::op::{
    Answer, BRIEFLY, Behaviour, Deadline, FILL, MaxLoads, Op, Ordinal, Pause, Reaction, Root, SOON,
    Size, Step, surface_address,
};
use crate::outcome::{End, Event, Observation, Outcome, Upcall, UpcallKind};
use crate::replay::Replay;
use crate::state::{self, Next};
use crate::through::{Interface, Through};

/// The process's library, stepped. The threads are kept from scenario to scenario, and nothing else is:
/// see [`reset`](AbiDriver::reset). Only one in a process may have something alive.
#[derive(Debug)]
pub struct AbiDriver {
    threads: Threads,
    patient: bool,
    /// Lanes that have made calls in this scenario. Another one may have a diagnostic of an earlier one.
    used: [bool; LANES as usize],
    shared: Arc<Shared>,
    _fixture: Fixture,
}

/// What the lanes are.
#[derive(Debug)]
enum Threads {
    /// Threads of the system, with a watchdog.
    Real(Lanes),
    /// The calling thread, which plays all of them.
    Played([Guise; LANES as usize]),
}

impl Threads {
    /// Runs a task on a lane and waits for its result.
    fn run<R: Send + 'static>(
        &mut self,
        lane: u8,
        task: impl FnOnce() -> R + Send + 'static,
    ) -> Result<R, Stopped> {
        match self {
            Threads::Real(lanes) => lanes.run(lane, task),
            Threads::Played(guises) => {
                let task = || guises[usize::from(lane)].wear(task);
                catch_unwind(AssertUnwindSafe(task)).map_err(|payload| Stopped::of_panic(&*payload))
            }
        }
    }
}

#[derive(Debug)]
struct Shared {
    root: CString,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    runtimes: Vec<Id>,
    sessions: Vec<Id>,
    requests: Vec<Id>,
    blobs: Vec<Id>,
    wake_sources: Vec<Id>,
    /// The user_data of each callback whose installation was tried: at home here, so that its address
    /// stays valid for longer than the library may use it.
    scripts: Vec<Arc<Script>>,
    /// Attached buffers, each with its session.
    buffers: Vec<(courier_session, Buffer)>,
    /// Since the last step.
    upcalls: Vec<Upcall>,
    checked: Vec<Contract>,
    /// The first thing that a callback saw to be wrong.
    violation: Option<Box<dyn Any + Send>>,
}

impl AbiDriver {
    /// A driver for fuzzers: the calling thread plays all lanes, and no time is spent on waits.
    pub fn new() -> AbiDriver {
        let guises = std::array::from_fn(|_| Guise::new());
        AbiDriver::start(Threads::Played(guises), false)
    }

    /// A driver on threads of the system that spends no time on waits.
    pub fn on_threads() -> AbiDriver {
        AbiDriver::start(Threads::Real(Lanes::start()), false)
    }

    /// A driver that waits where the scenario says so, and reports a hang on any lane.
    pub fn patient() -> AbiDriver {
        AbiDriver::start(Threads::Real(Lanes::start()), true)
    }

    fn start(threads: Threads, patient: bool) -> AbiDriver {
        let fixture = Fixture::new().expect("the temporary directory takes a few files");
        let root = fixture.root().into_os_string().into_encoded_bytes();
        AbiDriver {
            threads,
            patient,
            used: [false; LANES as usize],
            shared: Arc::new(Shared {
                root: CString::new(root).expect("a path has no NUL byte"),
                state: Mutex::default(),
            }),
            _fixture: fixture,
        }
    }

    /// Makes the library new, as [`reset`](Self::reset) does, after a scenario that may have left something alive.
    pub fn restart(&mut self) {
        test_hooks::force_reset();
        self.reset();
    }

    /// Forgets handle tables, generations, callbacks and diagnostics, so that the next scenario finds
    /// the library as a new process would.
    ///
    /// # Panics
    /// When the scenario before left something alive, which its teardown reports first.
    pub fn reset(&mut self) {
        assert!(
            test_hooks::reset(),
            "something is live: {:?}",
            test_hooks::live()
        );
        *self.shared.state() = State::default();
        // Their diagnostics are cleared when they are used again: to wake them only for that takes long.
        self.used = [false; LANES as usize];
    }
}

impl Default for AbiDriver {
    fn default() -> Self {
        AbiDriver::new()
    }
}

impl Driver for AbiDriver {
    type Model = Model;

    fn model(&self) -> Model {
        Model::new(Interface::C)
    }

    fn apply(&mut self, step: Step) -> Result<Observation, Stopped> {
        let used = std::mem::replace(&mut self.used[usize::from(step.lane)], true);
        let shared = Arc::clone(&self.shared);
        let outcome = self.threads.run(step.lane, move || {
            if !used {
                clear_diagnostic();
            }
            let outcome = shared.outcome(step.op);
            let violation = shared.state().violation.take();
            // From inside a callback, where it could not unwind.
            violation.map_or(outcome, |payload| resume_unwind(payload))
        })?;
        let upcalls = std::mem::take(&mut self.shared.state().upcalls);
        Ok(Observation { outcome, upcalls })
    }

    fn state(&self) -> Option<state::State> {
        let state = self.shared.state();
        Some(state::State::of(
            test_hooks::instance(),
            &state.runtimes,
            &state.sessions,
            &state.requests,
        ))
    }

    fn replay(&self) -> &'static str {
        Replay::COMMAND
    }

    fn scenario(&self, steps: &[Step]) -> String {
        Through::C.scenario(steps)
    }

    fn is_patient(&self) -> bool {
        self.patient
    }

    fn checked(&mut self) -> Vec<Contract> {
        std::mem::take(&mut self.shared.state().checked)
    }
}

/// A refused call.
#[derive(Debug)]
pub(crate) struct Refused(pub(crate) Word);

pub(crate) fn options(max_loads: MaxLoads) -> courier_runtime_options {
    courier_runtime_options {
        size: size_of::<courier_runtime_options>() as u32,
        workers: COURIER_WORKERS_STEPPED,
        worker_threads: 0,
        max_loads: max_loads.number(),
        root: ptr::null(),
    }
}

pub(crate) fn view(text: &[u8]) -> courier_string_view {
    courier_string_view {
        data: text.as_ptr().cast::<c_char>(),
        len: text.len(),
    }
}

/// Makes the thread's diagnostic that of a new thread: any successful call does.
fn clear_diagnostic() {
    let mut options = options(MaxLoads::Many);
    // SAFETY: a valid struct of this size.
    unsafe { courier_runtime_options_init(&raw mut options, options.size) };
}

/// The library's text about the thread's last call.
pub(crate) fn diagnostic() -> String {
    let view = courier_last_error();
    if view.len == 0 {
        return String::new();
    }
    // SAFETY: the library lends the text until this thread's next call.
    let bytes = unsafe { std::slice::from_raw_parts(view.data.cast::<u8>(), view.len) };
    String::from_utf8(bytes.to_vec()).expect("a diagnostic is UTF-8")
}

/// A status with its diagnostic: none with success, and a known word of the same class otherwise.
pub(crate) fn check(status: courier_status) -> Result<(), Refused> {
    let text = diagnostic();
    if status == COURIER_OK {
        holds("STA-05", "a diagnostic after success", "", text.as_str());
        return Ok(());
    }
    let Some(word) = Word::of_diagnostic(&text) else {
        violated(
            "STA-05",
            format!("status {status} with the diagnostic {text:?}"),
        );
    };
    holds("STA-05", &text, word.status() as courier_status, status);
    Err(Refused(word))
}

/// A call that makes a handle: wants a place that holds null, and writes it only on success.
fn create(make: impl Fn(*mut u64) -> courier_status) -> Result<Id, Refused> {
    const TAKEN: u64 = 7;
    let mut taken = TAKEN;
    let refused = check(make(&raw mut taken)).map_err(|Refused(word)| word);
    let expected = (Err(Word::OutNotNull), TAKEN);
    holds(
        "HDL-13",
        "a place that is taken",
        expected,
        (refused, taken),
    );
    let mut out = 0;
    let result = check(make(&raw mut out));
    holds(
        "HDL-13",
        "a handle with success only",
        result.is_ok(),
        out != 0,
    );
    result.map(|()| Id::from_raw(out))
}

/// Copies a blob out in the three ways there are, and checks that they agree.
fn read_blob(blob: Id) -> Result<Vec<u8>, Refused> {
    const CANARY: u8 = 0xa5;
    let blob = blob.to_raw();
    let mut size = usize::MAX;
    // SAFETY: a probe takes no buffer.
    let probed = check(unsafe { courier_blob_copy(blob, ptr::null_mut(), 0, &raw mut size) });
    if let Err(refused) = probed {
        holds("VAL-09", "the size without success", usize::MAX, size);
        return Err(refused);
    }
    let mut buffer = vec![CANARY; size + 1];
    if size > 0 {
        let mut required = 0;
        // SAFETY: the buffer is longer than the capacity given.
        let short =
            unsafe { courier_blob_copy(blob, buffer.as_mut_ptr(), size - 1, &raw mut required) };
        // With a capacity of 0 and a buffer it is short as well.
        let refused = check(short).map_err(|Refused(word)| word);
        holds("VAL-09", "a short copy", Err(Word::TooSmall), refused);
        holds("VAL-09", "the size after a short copy", size, required);
        let untouched = buffer.iter().all(|byte| *byte == CANARY);
        holds("VAL-09", "a short copy writes nothing", true, untouched);
    }
    let mut required = 0;
    // SAFETY: as above.
    let full = unsafe { courier_blob_copy(blob, buffer.as_mut_ptr(), size, &raw mut required) };
    check(full)?;
    let end = (required, buffer.pop());
    holds("VAL-09", "the end of a copy", (size, Some(CANARY)), end);
    Ok(buffer)
}

impl Shared {
    /// Never held while the library is called: a callback takes it too.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn outcome(self: &Arc<Self>, op: Op) -> Outcome {
        let outcome = self
            .call(op)
            .unwrap_or_else(|Refused(word)| Outcome::Refused(word));
        self.state().checked.extend(checked_by(op));
        outcome
    }

    fn call(self: &Arc<Self>, op: Op) -> Result<Outcome, Refused> {
        let runtime_id = |ordinal| pick(&self.state().runtimes, ordinal).to_raw();
        let session_id = |ordinal| pick(&self.state().sessions, ordinal).to_raw();
        let request_id = |ordinal| pick(&self.state().requests, ordinal).to_raw();
        let source_id = |ordinal| pick(&self.state().wake_sources, ordinal).to_raw();
        let done = |()| Outcome::Done;
        match op {
            Op::RuntimeCreate { root, max_loads } => {
                let mut options = options(max_loads);
                options.root = match root {
                    Root::Fixture => self.root.as_ptr(),
                    Root::Absent => ptr::null(),
                    Root::Empty => c"".as_ptr(),
                    Root::Missing => c"/nowhere/at/all".as_ptr(),
                };
                // SAFETY: both point to values that live during the call.
                let id = create(|out| unsafe { courier_runtime_create(&raw const options, out) })?;
                Ok(Outcome::Created(add(&mut self.state().runtimes, id)))
            }
            Op::RuntimeDestroy { runtime } => {
                check(courier_runtime_destroy(runtime_id(runtime))).map(done)
            }
            Op::Pump {
                runtime,
                wait,
                budget,
            } => {
                let runtime = runtime_id(runtime);
                let timeout = match wait {
                    Pause::No => 0,
                    Pause::Briefly => BRIEFLY.as_millis() as i64,
                    Pause::Forever => -1,
                    Pause::Long => FAR.as_millis() as i64,
                };
                let mut unread = u32::MAX;
                let start = Instant::now();
                // SAFETY: the out parameter lives during the call.
                check(unsafe {
                    courier_runtime_pump(runtime, timeout, budget.number(), &raw mut unread)
                })?;
                Ok(Outcome::Pumped {
                    unread: unread as usize,
                    waited: start.elapsed() >= BRIEFLY,
                })
            }
            Op::Step { runtime } => {
                let mut ran = u32::MAX;
                // SAFETY: the out parameter lives during the call.
                check(unsafe { courier_runtime_step(runtime_id(runtime), &raw mut ran) })?;
                holds("ABI-10", "yes or no", true, ran <= 1);
                Ok(Outcome::Stepped(ran == 1))
            }
            Op::Drain { runtime, limit } => self.drain(runtime_id(runtime), limit),
            Op::SetProvider {
                runtime,
                behaviour,
                reaction,
            } => {
                let own = normal(&self.state().runtimes, runtime);
                let script = self.script(Script {
                    behaviour,
                    runtime: own,
                    ..Script::new(reaction, 0)
                });
                let provider = courier_provider {
                    size: size_of::<courier_provider>() as u32,
                    provide: Some(provide),
                    user_data: script,
                };
                // SAFETY: the script is kept until the driver is reset, when no runtime is left.
                check(unsafe {
                    courier_runtime_set_provider(runtime_id(runtime), &raw const provider)
                })
                .map(done)
            }
            Op::ClearProvider { runtime } => {
                check(courier_runtime_clear_provider(runtime_id(runtime))).map(done)
            }
            Op::SetWake { runtime, reaction } => {
                let callback = courier_wake_callback {
                    size: size_of::<courier_wake_callback>() as u32,
                    wake: Some(wake),
                    user_data: self.script(Script::new(reaction, 0)),
                };
                // SAFETY: the script is kept until the driver is reset, when no runtime is left.
                check(unsafe {
                    courier_runtime_set_wake_callback(runtime_id(runtime), &raw const callback)
                })
                .map(done)
            }
            Op::ClearWake { runtime } => {
                check(courier_runtime_clear_wake_callback(runtime_id(runtime))).map(done)
            }
            Op::SetLog { limit, reaction } => {
                let callback = courier_log_callback {
                    size: size_of::<courier_log_callback>() as u32,
                    limit: limit.level() as courier_log_level,
                    log: Some(log),
                    user_data: self.script(Script::new(reaction, 0)),
                };
                // SAFETY: the script is kept until the driver is reset, which clears the callback.
                check(unsafe { courier_set_log_callback(&raw const callback) }).map(done)
            }
            Op::ClearLog => check(courier_clear_log_callback()).map(done),
            Op::WakeSourceCreate { runtime } => {
                let runtime = runtime_id(runtime);
                // SAFETY: the out parameter lives during the call.
                let id = create(|out| unsafe { courier_runtime_wake_source(runtime, out) })?;
                Ok(Outcome::Created(add(&mut self.state().wake_sources, id)))
            }
            Op::Signal { source } => check(courier_wake_source_signal(source_id(source))).map(done),
            Op::WakeSourceRelease { source } => {
                courier_wake_source_release(source_id(source));
                Ok(Outcome::Done)
            }
            Op::SessionCreate { runtime } => {
                let runtime = runtime_id(runtime);
                // SAFETY: the out parameter lives during the call.
                let id = create(|out| unsafe { courier_session_create(runtime, out) })?;
                Ok(Outcome::Created(add(&mut self.state().sessions, id)))
            }
            Op::SessionDestroy { session } => {
                let session = session_id(session);
                check(courier_session_destroy(session))?;
                // Freed at once: a late write is seen by AddressSanitizer.
                self.take_buffer(session);
                Ok(Outcome::Done)
            }
            Op::Load {
                session,
                url,
                deadline,
            } => {
                let options = courier_load_options {
                    size: size_of::<courier_load_options>() as u32,
                    has_deadline: u32::from(!matches!(deadline, Deadline::Absent | Deadline::None)),
                    deadline_ms: match deadline {
                        Deadline::Far => FAR.as_millis() as u64,
                        Deadline::Soon => SOON.as_millis() as u64,
                        _ => 0,
                    },
                };
                let options = match deadline {
                    Deadline::Absent => ptr::null(),
                    _ => &raw const options,
                };
                let url = view(url.text().as_bytes());
                let mut load = 0;
                // SAFETY: text, options and out parameter live during the call.
                check(unsafe {
                    courier_session_load(session_id(session), url, options, &raw mut load)
                })?;
                Ok(Outcome::Started(load))
            }
            Op::Cancel { session, load } => {
                check(courier_session_cancel(session_id(session), load.into())).map(done)
            }
            Op::Attach { session, size } => {
                let session = session_id(session);
                let buffer = Buffer::new(size);
                let (data, capacity) = buffer.place();
                // SAFETY: the buffer is kept until it is detached or its session destroyed.
                check(unsafe { courier_session_attach_buffer(session, data, capacity) })?;
                self.state().buffers.push((session, buffer));
                Ok(Outcome::Done)
            }
            Op::Detach { session } => {
                let session = session_id(session);
                check(courier_session_detach_buffer(session))?;
                let buffer = self.take_buffer(session).expect("it was attached");
                Ok(Outcome::Buffer(buffer.into_bytes()))
            }
            Op::Snapshot { session } => {
                let session = session_id(session);
                // SAFETY: the out parameter lives during the call.
                let id = create(|out| unsafe { courier_session_snapshot(session, out) })?;
                let blob = add(&mut self.state().blobs, id);
                Ok(Outcome::Snapshot(blob, content(read_blob(id)?)))
            }
            Op::SetSurface { session, surface } => {
                let surface = ptr::without_provenance_mut(surface_address(surface));
                // SAFETY: the address is not followed.
                check(unsafe { courier_session_set_surface(session_id(session), surface) })
                    .map(done)
            }
            Op::Surface { request } => {
                let mut surface = ptr::dangling_mut();
                let request = request_id(request);
                // SAFETY: the out parameter lives during the call.
                check(unsafe { courier_request_surface(request, &raw mut surface) })?;
                Ok(Outcome::Surface(surface.addr()))
            }
            Op::NextWait { runtime } => {
                let mut timeout = i64::MIN;
                let runtime = runtime_id(runtime);
                // SAFETY: the out parameter lives during the call.
                check(unsafe { courier_runtime_next_timeout(runtime, &raw mut timeout) })?;
                let wait = match u64::try_from(timeout) {
                    Ok(0) => Wait::No,
                    Ok(limit) => Wait::AtMost(Duration::from_millis(limit)),
                    Err(_) => {
                        holds("EVT-10", "without limit has one number", -1, timeout);
                        Wait::Forever
                    }
                };
                Ok(Outcome::Next(Next::of(wait)))
            }
            Op::ClearOnCancel { request } => {
                check(courier_request_clear_on_cancel(request_id(request))).map(done)
            }
            Op::OnCancel { request, reaction } => {
                let own = normal(&self.state().requests, request);
                let callback = courier_cancel_callback {
                    size: size_of::<courier_cancel_callback>() as u32,
                    cancel: Some(cancel),
                    user_data: self.script(Script::new(reaction, own)),
                };
                let mut cancelled = u32::MAX;
                let request = request_id(request);
                // SAFETY: the script is kept until the driver is reset, when no request is left, and the
                // out parameter lives during the call.
                check(unsafe {
                    courier_request_on_cancel(request, &raw const callback, &raw mut cancelled)
                })?;
                holds("ABI-10", "yes or no", true, cancelled <= 1);
                Ok(Outcome::Cancelled(cancelled == 1))
            }
            Op::Complete { request, answer } => complete(request_id(request), answer).map(done),
            Op::IsCancelled { request } => {
                let mut cancelled = u32::MAX;
                let request = request_id(request);
                // SAFETY: the out parameter lives during the call.
                check(unsafe { courier_request_is_cancelled(request, &raw mut cancelled) })?;
                holds("ABI-10", "yes or no", true, cancelled <= 1);
                Ok(Outcome::Cancelled(cancelled == 1))
            }
            Op::RequestRelease { request } => {
                courier_request_release(request_id(request));
                Ok(Outcome::Done)
            }
            Op::BlobRead { blob } => {
                let bytes = read_blob(pick(&self.state().blobs, blob))?;
                Ok(Outcome::Content(content(bytes)))
            }
            Op::BlobRelease { blob } => {
                courier_blob_release(pick(&self.state().blobs, blob).to_raw());
                Ok(Outcome::Done)
            }
        }
    }

    /// Keeps a script, and gives the user_data that leads to it.
    fn script(&self, script: Script) -> *mut c_void {
        let mut state = self.state();
        let script = Arc::new(Script {
            shared: ptr::from_ref(self),
            number: state.scripts.len(),
            ..script
        });
        let user_data = Arc::as_ptr(&script).cast_mut().cast();
        state.scripts.push(script);
        user_data
    }

    fn take_buffer(&self, session: courier_session) -> Option<Buffer> {
        let buffers = &mut self.state().buffers;
        let index = buffers.iter().position(|(owner, _)| *owner == session)?;
        Some(buffers.swap_remove(index).1)
    }

    fn drain(&self, runtime: courier_runtime, limit: u8) -> Result<Outcome, Refused> {
        // A stride of a newer, larger struct: the rest of each place must stay untouched.
        #[repr(C)]
        #[derive(Clone, Copy)]
        struct Grown {
            event: courier_event,
            rest: u64,
        }
        const REST: u64 = 0xa5a5_a5a5_a5a5_a5a5;
        let nothing = Grown {
            event: courier_event {
                kind: 0,
                failure: 0,
                session: 0,
                load: 0,
                payload: 0,
            },
            rest: REST,
        };
        let mut places = vec![nothing; limit.into()];
        let mut count = u32::MAX;
        let stride = size_of::<Grown>() as u32;
        // SAFETY: `limit` places of `stride` bytes, which begin with an event.
        check(unsafe {
            courier_runtime_drain_events(
                runtime,
                places.as_mut_ptr().cast(),
                stride,
                limit.into(),
                &raw mut count,
            )
        })?;
        let untouched = places.iter().all(|place| place.rest == REST);
        holds(
            "ABI-06",
            "what lies behind an event is not written",
            true,
            untouched,
        );
        places.truncate(count as usize);
        let seen = places.into_iter().map(|place| self.see(place.event));
        Ok(Outcome::Drained(seen.collect()))
    }

    fn see(&self, event: courier_event) -> Event {
        let payload = (event.payload != 0).then(|| {
            let id = Id::from_raw(event.payload);
            let Ok(bytes) = read_blob(id) else {
                violated("HDL-04", format!("a payload that is not live: {event:?}"));
            };
            (add(&mut self.state().blobs, id), bytes)
        });
        let (blob, bytes) = payload.unzip();
        let end = match (event.kind, bytes) {
            (COURIER_EVENT_COMPLETED, Some(bytes)) => End::Completed(bytes),
            (COURIER_EVENT_FAILED, Some(text)) => {
                let failure = failure(event.failure);
                End::Failed(failure, failure_text(failure, text))
            }
            (COURIER_EVENT_CANCELLED, None) => End::Cancelled,
            (kind, bytes) => violated(
                "VAL-11",
                format!("an event of kind {kind} with the payload {bytes:?}"),
            ),
        };
        let failed = matches!(end, End::Failed(..));
        let told = event.failure != COURIER_FAILURE_NONE;
        holds(
            "VAL-11",
            format_args!("the failure of {event:?}"),
            failed,
            told,
        );
        let sessions = &self.state().sessions;
        let session = sessions.iter().position(|id| id.to_raw() == event.session);
        Event {
            session: session.expect("an event names a session that was created"),
            load: event.load,
            end,
            blob,
        }
    }
}

/// The failure with this number in the header; one that is not there ends the step.
pub fn failure(number: courier_failure) -> Failure {
    match number {
        COURIER_FAILURE_PROVIDER => Failure::Provider,
        COURIER_FAILURE_DROPPED => Failure::Dropped,
        COURIER_FAILURE_BAD_RESPONSE => Failure::BadResponse,
        COURIER_FAILURE_UNSUPPORTED => Failure::Unsupported,
        COURIER_FAILURE_NOT_FOUND => Failure::NotFound,
        COURIER_FAILURE_OUTSIDE_ROOT => Failure::OutsideRoot,
        COURIER_FAILURE_IO => Failure::Io,
        COURIER_FAILURE_INTERNAL => Failure::Internal,
        COURIER_FAILURE_MALFORMED => Failure::Malformed,
        COURIER_FAILURE_EXPIRED => Failure::Expired,
        other => violated("VAL-11", format!("an unknown failure: {other}")),
    }
}

/// Contracts that this driver puts to the test in a call of this kind.
fn checked_by(op: Op) -> impl Iterator<Item = Contract> {
    let creates = matches!(
        op,
        Op::RuntimeCreate { .. }
            | Op::SessionCreate { .. }
            | Op::WakeSourceCreate { .. }
            | Op::Snapshot { .. }
    );
    let reads = matches!(op, Op::BlobRead { .. });
    [
        (!op.is_release(), "STA-05"),
        (creates, "HDL-13"),
        (reads, "VAL-09"),
    ]
    .into_iter()
    .filter_map(|(checked, contract)| checked.then_some(contract))
}

fn complete(request: courier_request, answer: Answer) -> Result<(), Refused> {
    let bytes = |bytes: &[u8]| courier_bytes_view {
        data: bytes.as_ptr(),
        len: bytes.len(),
    };
    // Without a byte, a view may carry any pointer.
    let no_bytes = courier_bytes_view {
        data: ptr::null(),
        len: 0,
    };
    let no_text = courier_string_view {
        data: ptr::without_provenance(1),
        len: 0,
    };
    let nowhere = courier_bytes_view {
        data: ptr::null(),
        len: 1,
    };
    let (kind, bytes, message) = match answer {
        Answer::Bytes => (COURIER_RESPONSE_BYTES, bytes(ANSWER), no_text),
        Answer::Served => (COURIER_RESPONSE_BYTES, bytes(SERVED), no_text),
        Answer::Empty => (COURIER_RESPONSE_BYTES, no_bytes, no_text),
        Answer::Error => (
            COURIER_RESPONSE_ERROR,
            no_bytes,
            view(ANSWER_ERROR.as_bytes()),
        ),
        Answer::Malformed => (COURIER_RESPONSE_ERROR + 1, no_bytes, no_text),
        Answer::NotText => (COURIER_RESPONSE_ERROR, no_bytes, view(b"a\xff")),
        Answer::NullView => (COURIER_RESPONSE_BYTES, nowhere, no_text),
    };
    let response = courier_response {
        size: size_of::<courier_response>() as u32,
        kind,
        bytes,
        message,
    };
    // SAFETY: the response and what it shows live during the call.
    check(unsafe { courier_request_complete(request, &raw const response) })
}

/// Memory that the library writes to, between guards.
#[derive(Debug)]
struct Buffer {
    /// Owned, by address: while the library has it, no reference may lead there.
    memory: *mut [u8],
}

/// The number of bytes before and after the memory that is attached.
const GUARD: usize = 16;
/// The value of those bytes.
const GUARD_BYTE: u8 = 0xa5;

// SAFETY: it owns its memory.
unsafe impl Send for Buffer {}

impl Buffer {
    fn new(size: Size) -> Buffer {
        let mut memory = vec![GUARD_BYTE; size.bytes() + 2 * GUARD];
        memory[GUARD..][..size.bytes()].fill(FILL);
        Buffer {
            memory: Box::into_raw(memory.into_boxed_slice()),
        }
    }

    /// The attached part, with its length. Without a byte, it may be any pointer.
    fn place(&self) -> (*mut u8, usize) {
        match self.memory.len() - 2 * GUARD {
            0 => (ptr::without_provenance_mut(1), 0),
            // SAFETY: the memory is longer than its guards.
            capacity => (unsafe { self.memory.cast::<u8>().add(GUARD) }, capacity),
        }
    }

    /// The bytes between the guards. The library has let go of them.
    fn into_bytes(self) -> Vec<u8> {
        // SAFETY: it is ours again, and lives until `self` is dropped.
        let memory = unsafe { &*self.memory };
        let (before, rest) = memory.split_at(GUARD);
        let (bytes, after) = rest.split_at(rest.len() - GUARD);
        let guards = before.iter().chain(after);
        let untouched = guards.into_iter().all(|byte| *byte == GUARD_BYTE);
        holds(
            "VAL-18",
            "what lies beside a buffer is not written",
            true,
            untouched,
        );
        bytes.to_vec()
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        // SAFETY: made by Box::into_raw, and dropped once.
        drop(unsafe { Box::from_raw(self.memory) });
    }
}

/// A callback's user_data.
#[derive(Debug)]
struct Script {
    /// Valid as long as the script: it owns the script.
    shared: *const Shared,
    number: usize,
    reaction: Reaction,
    /// Its own, or the first.
    request: Ordinal,
    /// Of a provider.
    behaviour: Behaviour,
    runtime: Ordinal,
}

// SAFETY: the pointer leads to a value that may be shared, by the lock in it.
unsafe impl Send for Script {}
// SAFETY: as above.
unsafe impl Sync for Script {}

impl Script {
    /// One that no driver keeps so far.
    fn new(reaction: Reaction, request: Ordinal) -> Script {
        Script {
            shared: ptr::null(),
            number: 0,
            reaction,
            request,
            behaviour: Behaviour::Pass,
            runtime: 0,
        }
    }

    /// # Safety
    /// `user_data` came from [`Shared::script`], and the driver was not reset since.
    unsafe fn of<'a>(user_data: *mut c_void) -> &'a Script {
        // SAFETY: the caller's promise.
        unsafe { &*user_data.cast::<Script>() }
    }

    fn shared(&self) -> Arc<Shared> {
        // SAFETY: the pointer came from an Arc that the driver holds, and the driver is in a call.
        unsafe { Arc::increment_strong_count(self.shared) };
        // SAFETY: as above, and the count was raised for this one.
        unsafe { Arc::from_raw(self.shared) }
    }

    /// Makes its calls, and notes that it was called.
    fn called(&self, kind: UpcallKind) {
        self.makes(kind, self.reaction.calls(self.request));
    }

    fn makes(&self, kind: UpcallKind, calls: Vec<Op>) {
        let shared = self.shared();
        let calls = AssertUnwindSafe(|| calls.into_iter().map(|op| shared.outcome(op)).collect());
        let inside = catch_unwind(calls).unwrap_or_else(|payload| {
            shared.state().violation.get_or_insert(payload);
            Vec::new()
        });
        let upcall = Upcall {
            callback: self.number,
            kind,
            inside,
        };
        shared.state().upcalls.push(upcall);
    }
}

unsafe extern "C" fn provide(
    user_data: *mut c_void,
    request: courier_request,
    url: courier_string_view,
) -> courier_decision {
    // SAFETY: the driver keeps the scripts of all providers until no runtime is left.
    let script = unsafe { Script::of(user_data) };
    // SAFETY: the library lends the text for the call.
    let url = unsafe { std::slice::from_raw_parts(url.data.cast::<u8>(), url.len) };
    let url = String::from_utf8(url.to_vec()).expect("the URL is UTF-8");
    let request = add(&mut script.shared().state().requests, Id::from_raw(request));
    let mut calls = script.reaction.calls(request as Ordinal);
    calls.extend(script.behaviour.calls(script.runtime, request as Ordinal));
    script.makes(UpcallKind::Provide(request, url), calls);
    decision(script.behaviour)
}

/// The number with which a callback of C answers in the end.
pub fn decision(behaviour: Behaviour) -> courier_decision {
    match behaviour {
        Behaviour::Pass
        | Behaviour::ServeAndPass
        | Behaviour::MisserveAndPass
        | Behaviour::ClearInside => COURIER_DECISION_PASS,
        Behaviour::Keep | Behaviour::Serve | Behaviour::ServeTwice | Behaviour::Drop => {
            COURIER_DECISION_HANDLE
        }
        // C cannot panic; what a panic becomes in a binding is this.
        Behaviour::Fail | Behaviour::Panic => COURIER_DECISION_FAIL,
        Behaviour::Unknown => UNKNOWN_DECISION,
    }
}

unsafe extern "C" fn cancel(user_data: *mut c_void) {
    // SAFETY: the driver keeps the scripts of all requests until none is left.
    unsafe { Script::of(user_data) }.called(UpcallKind::Cancel);
}

unsafe extern "C" fn wake(user_data: *mut c_void) {
    // SAFETY: the driver keeps the scripts of all runtimes until none is left.
    unsafe { Script::of(user_data) }.called(UpcallKind::Wake);
}

unsafe extern "C" fn log(
    user_data: *mut c_void,
    level: courier_log_level,
    text: courier_string_view,
) {
    // SAFETY: the library lends the text for the call.
    let text = unsafe { std::slice::from_raw_parts(text.data.cast::<u8>(), text.len) };
    let text = std::str::from_utf8(text).expect("a record is UTF-8");
    assert!(
        !text.is_empty() && !text.contains('\n'),
        "no line: {text:?}"
    );
    let level = Level::ALL
        .into_iter()
        .find(|known| *known as courier_log_level == level)
        .expect("a known level");
    // SAFETY: the driver keeps the log callback's script until it has cleared the callback.
    unsafe { Script::of(user_data) }.called(UpcallKind::Log(level));
}
