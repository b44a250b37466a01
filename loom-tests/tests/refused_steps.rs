//! Steps that the system refuses: each one once, the n-th of a life, for every n. After it one call or
//! one event has told of it, nothing is left, and the same life works on the same thread.
#![cfg(not(courier_shuttle))]

use std::collections::HashSet;
use std::fs;
use std::num::NonZeroU8;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use courier_core::sync::refusal::{Step, refuse};
use courier_core::{
    Courier, Decision, Error, EventKind, Failure, HostMemory, Id, Live, LoadOptions, Provider,
    RuntimeOptions, Wait, Word, WorkerKind,
};
use courier_loom::{bytes, model};

/// A refused step, as one of two parties hears of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refusal {
    /// The caller.
    Call(Word),
    /// The reader of an event.
    Event(Failure),
}

/// The words for a refused step.
fn tells_of(refusal: Refusal, step: Step) -> bool {
    match step {
        Step::OpenRoot | Step::ListRoot => refusal == Refusal::Call(Word::BadRoot),
        Step::Thread => refusal == Refusal::Call(Word::System),
        Step::Handle => [
            Refusal::Call(Word::Exhausted),
            Refusal::Event(Failure::Internal),
        ]
        .contains(&refusal),
        Step::OpenFile | Step::FileKind | Step::ReadFile => refusal == Refusal::Event(Failure::Io),
    }
}

/// Completes what begins with `app:`, and passes the rest.
struct Inline(courier_core::sync::Arc<Courier>);

impl Provider for Inline {
    fn provide(&self, request: Id, url: &str) -> Decision {
        if !url.starts_with("app:") {
            return Decision::Pass;
        }
        self.0.request_complete(request, bytes()).unwrap();
        self.0.request_release(request).unwrap();
        Decision::Handle
    }
}

/// A buffer of the host's.
struct Buffer(Vec<u8>);

impl HostMemory for Buffer {
    fn capacity(&self) -> usize {
        8
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes.to_vec();
    }

    fn read(&self, len: usize) -> Vec<u8> {
        self.0[..len].to_vec()
    }
}

/// The refusals that a life was told of, in order.
#[derive(Debug, Default)]
struct Story(Vec<Refusal>);

impl Story {
    /// The result of a call, or nothing, which is kept in mind.
    fn of<T>(&mut self, result: Result<T, Error>) -> Option<T> {
        result
            .map_err(|error| self.0.push(Refusal::Call(error.word())))
            .ok()
    }

    /// A life that takes every step: a runtime with a root, a file, an inline completion, a snapshot,
    /// a wake source. Ends what it began.
    fn live(&mut self, courier: &courier_core::sync::Arc<Courier>, options: &RuntimeOptions) {
        let created = courier.runtime_create(options);
        let Some(runtime) = self.of(created) else {
            return;
        };
        if let Some(session) = self.of(courier.session_create(runtime)) {
            if options.workers == WorkerKind::Stepped {
                self.load(courier, runtime, session);
            }
            courier.session_destroy(session).unwrap();
        }
        if let Some(source) = self.of(courier.runtime_wake_source(runtime)) {
            courier.wake_source_release(source).unwrap();
        }
        courier.runtime_destroy(runtime).unwrap();
    }

    fn load(&mut self, courier: &courier_core::sync::Arc<Courier>, runtime: Id, session: Id) {
        let provider = Box::new(Inline(courier_core::sync::Arc::clone(courier)));
        courier.runtime_set_provider(runtime, provider).unwrap();
        let buffer = Box::new(Buffer(Vec::new()));
        courier.session_attach_buffer(session, buffer).unwrap();
        for url in ["file:///a", "app:x", "file:///missing"] {
            let load = courier.session_load(session, url, &LoadOptions::default());
            let load = load.unwrap();
            assert!(courier.runtime_step(runtime).unwrap());
            let unread = courier.runtime_pump(runtime, Wait::No, usize::MAX);
            assert_eq!(unread, Ok(1), "no event for {url}");
            let events = courier.runtime_drain_events(runtime, 9).unwrap();
            assert_eq!((events.len(), events[0].load), (1, load));
            let payload = match events[0].kind {
                EventKind::Completed(blob) | EventKind::Failed(Failure::NotFound, blob) => blob,
                EventKind::Failed(failure, blob) => {
                    self.0.push(Refusal::Event(failure));
                    blob
                }
                EventKind::Cancelled => panic!("nobody cancelled"),
            };
            if payload != Id::NULL {
                courier.blob_release(payload).unwrap();
            }
        }
        if let Some(blob) = self.of(courier.session_snapshot(session)) {
            courier.blob_release(blob).unwrap();
        }
    }
}

/// Held by the test that has steps refused: others of this process would meet its plan.
static ALONE: Mutex<()> = Mutex::new(());

/// Lives once for each step, which is refused, and once more each time. Returns the steps.
fn refuse_each(workers: WorkerKind) -> HashSet<Step> {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("a"), "bytes").unwrap();
    let mut seen = HashSet::new();
    for nth in 1.. {
        match refuse_one(workers, root.path(), nth) {
            Some(step) => seen.insert(step),
            None => break,
        };
    }
    seen
}

fn refuse_one(workers: WorkerKind, root: &Path, nth: usize) -> Option<Step> {
    let refused = Arc::new(Mutex::new(None));
    {
        let refused = Arc::clone(&refused);
        let options = RuntimeOptions {
            workers,
            root: Some(root.to_owned()),
            ..RuntimeOptions::default()
        };
        model(move || {
            let courier = courier_core::sync::Arc::new(Courier::new());
            let mut story = Story::default();
            let plan = refuse(nth);
            story.live(&courier, &options);
            let step = plan.refused();
            drop(plan);
            *refused.lock().unwrap() = step;
            let Some(step) = step else {
                assert_eq!(story.0, [], "told of a refusal that was not");
                return;
            };
            let refusal = story.0.as_slice();
            assert!(
                matches!(refusal, [refusal] if tells_of(*refusal, step)),
                "step {nth}, {step:?}: {refusal:?}"
            );
            assert_eq!(courier.live(), Live::default(), "step {nth}, {step:?}");
            let mut again = Story::default();
            again.live(&courier, &options);
            assert_eq!(again.0, [], "after step {nth}, {step:?}");
            assert_eq!(courier.live(), Live::default());
        });
    }
    refused.lock().unwrap().take()
}

#[test]
fn thr_04_req_16_hdl_13_a_refused_step_is_told_once_and_leaves_nothing() {
    let seen = refuse_each(WorkerKind::Stepped);
    let all = Step::ALL.into_iter().filter(|step| *step != Step::Thread);
    assert_eq!(seen, all.collect());
}

/// loom sees threads that are left: nobody joins them, and the model never ends.
#[test]
fn thr_04_a_refused_thread_leaves_neither_threads_nor_an_owner() {
    let two = NonZeroU8::MIN.saturating_add(1);
    let seen = refuse_each(WorkerKind::Threads(two));
    assert!(seen.contains(&Step::Thread), "{seen:?}");
}
