//! Life cycles on real worker threads. What must hold in every schedule is the loom models' matter;
//! these tests see that the parts work together, and count.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, Weak};
use std::thread;
use std::time::{Duration, Instant};

use courier_core::{
    Courier, Decision, Error, EventKind, Failure, Id, Level, Live, LoadOptions, Logger, Provider,
    Response, RuntimeOptions, Wait, Word, WorkerKind,
};

/// A provider made of a closure.
struct FromFn<F>(F);

impl<F: Fn(Id, &str) -> Decision + Send + Sync> Provider for FromFn<F> {
    fn provide(&self, request: Id, url: &str) -> Decision {
        (self.0)(request, url)
    }
}

fn provider(f: impl Fn(Id, &str) -> Decision + Send + Sync + 'static) -> Box<dyn Provider> {
    Box::new(FromFn(f))
}

/// The time in which an event comes on any machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Ends the process if the test that has it takes longer than any machine needs, so that a hang has a name.
struct Watchdog {
    /// The end of the test, which nothing is sent through.
    _ended: Sender<()>,
}

impl Watchdog {
    fn start() -> Watchdog {
        let (sender, ended) = channel();
        let test = thread::current().name().unwrap_or("a test").to_owned();
        thread::spawn(move || {
            if ended.recv_timeout(2 * PATIENCE) == Err(RecvTimeoutError::Timeout) {
                eprintln!("{test} hangs");
                std::process::abort();
            }
        });
        Watchdog { _ended: sender }
    }
}

/// Pumps until `count` events were drained.
fn drain(courier: &Courier, runtime: Id, count: usize) -> Vec<courier_core::Event> {
    let mut events = Vec::new();
    let started = Instant::now();
    while events.len() < count {
        let came = events.len();
        assert!(started.elapsed() < PATIENCE, "{came} of {count} events");
        courier
            .runtime_pump(runtime, Wait::AtMost(PATIENCE), usize::MAX)
            .unwrap();
        events.extend(courier.runtime_drain_events(runtime, 64).unwrap());
    }
    events
}

#[test]
fn requests_completed_on_other_threads_end_their_loads_once() {
    let _watchdog = Watchdog::start();
    const LOADS: usize = 200;
    let courier = Arc::new(Courier::new());
    let runtime = courier.runtime_create(&RuntimeOptions::default()).unwrap();
    let (requests, queue) = channel();
    let requests: Sender<Id> = requests;
    courier
        .runtime_set_provider(
            runtime,
            provider(move |request, _| {
                requests.send(request).unwrap();
                Decision::Handle
            }),
        )
        .unwrap();
    let won = Arc::new(AtomicUsize::new(0));
    let host = {
        let (courier, won) = (Arc::clone(&courier), Arc::clone(&won));
        thread::spawn(move || {
            for request in queue {
                // Two threads complete the same request; one wins, or the cancel does.
                thread::scope(|scope| {
                    for _ in 0..2 {
                        scope.spawn(|| {
                            let response = Ok(Response::Bytes(b"bytes".to_vec()));
                            match courier.request_complete(request, response) {
                                Ok(()) => {
                                    won.fetch_add(1, Ordering::Relaxed);
                                }
                                Err(error) => assert!(
                                    [Word::Completed, Word::Cancelled].contains(&error.word()),
                                    "{error}"
                                ),
                            }
                        });
                    }
                });
                courier.request_release(request).unwrap();
            }
        })
    };
    let session = courier.session_create(runtime).unwrap();
    let mut cancelled = 0;
    for _ in 0..LOADS {
        let load = courier
            .session_load(session, "app:thing", &LoadOptions::default())
            .unwrap();
        if load.is_multiple_of(4) {
            // Cancels a load that is somewhere between its worker and its completion.
            match courier.session_cancel(session, load - 1) {
                Ok(()) => cancelled += 1,
                Err(error) => assert_eq!(error.word(), Word::LoadEnded),
            }
        }
    }
    let events = drain(&courier, runtime, LOADS);
    // Drops the closure and with it the sender: the host's queue ends.
    courier.runtime_clear_provider(runtime).unwrap();
    host.join().unwrap();

    let mut ended: Vec<u64> = events.iter().map(|event| event.load).collect();
    ended.sort_unstable();
    assert!(
        ended.into_iter().eq(1..=LOADS as u64),
        "a load ended twice or never"
    );
    let of_kind = |cancel| {
        let kinds = events
            .iter()
            .map(|event| event.kind == EventKind::Cancelled);
        kinds.filter(|is_cancel| *is_cancel == cancel).count()
    };
    assert_eq!(of_kind(true), cancelled);
    assert_eq!(of_kind(false), won.load(Ordering::Relaxed));
    for event in events {
        if let EventKind::Completed(blob) | EventKind::Failed(_, blob) = event.kind {
            courier.blob_release(blob).unwrap();
        }
    }
    courier.session_destroy(session).unwrap();
    courier.runtime_destroy(runtime).unwrap();
    assert_eq!(courier.live(), Live::default());
}

#[test]
fn cbk_06_clearing_and_destroying_wait_for_running_calls() {
    let _watchdog = Watchdog::start();
    for clear in [true, false] {
        for _ in 0..100 {
            let courier = Courier::new();
            let runtime = courier.runtime_create(&RuntimeOptions::default()).unwrap();
            let (entered, wait_entered) = channel();
            let inside = Arc::new(AtomicBool::new(false));
            let flag = Arc::clone(&inside);
            courier
                .runtime_set_provider(
                    runtime,
                    provider(move |_, _| {
                        flag.store(true, Ordering::SeqCst);
                        entered.send(()).unwrap();
                        for _ in 0..50 {
                            thread::yield_now();
                        }
                        flag.store(false, Ordering::SeqCst);
                        Decision::Pass
                    }),
                )
                .unwrap();
            let session = courier.session_create(runtime).unwrap();
            courier
                .session_load(session, "app:thing", &LoadOptions::default())
                .unwrap();
            wait_entered.recv().unwrap();
            if clear {
                courier.runtime_clear_provider(runtime).unwrap();
                assert!(
                    !inside.load(Ordering::SeqCst),
                    "cleared under a running call"
                );
                assert_eq!(
                    Arc::strong_count(&inside),
                    1,
                    "the provider was not dropped"
                );
            }
            courier.session_destroy(session).unwrap();
            courier.runtime_destroy(runtime).unwrap();
            assert!(
                !inside.load(Ordering::SeqCst),
                "destroyed under a running call"
            );
            assert_eq!(
                Arc::strong_count(&inside),
                1,
                "the provider was not dropped"
            );
        }
    }
}

/// A provider that panics fails its load, and the worker lives on.
#[test]
fn a_panicking_provider_fails_its_load_and_keeps_nothing() {
    let _watchdog = Watchdog::start();
    let courier = Courier::new();
    let runtime = courier.runtime_create(&RuntimeOptions::default()).unwrap();
    courier
        .runtime_set_provider(
            runtime,
            provider(|_, url| std::panic::resume_unwind(Box::new(format!("no {url}")))),
        )
        .unwrap();
    let session = courier.session_create(runtime).unwrap();
    for _ in 0..4 {
        courier
            .session_load(session, "app:thing", &LoadOptions::default())
            .unwrap();
        let events = drain(&courier, runtime, 1);
        let EventKind::Failed(Failure::Provider, text) = events[0].kind else {
            panic!("{events:?}");
        };
        let text = courier.blob_read(text, <[u8]>::to_vec).unwrap();
        assert_eq!(text, b"the provider panicked: no app:thing");
    }
    assert_eq!(courier.live().requests, 0);
}

/// A wake source ends a wait without work, from another thread, and outlives the runtime.
#[test]
fn evt_05_a_wake_source_works_before_and_after_its_runtimes_end() {
    let _watchdog = Watchdog::start();
    let courier = Arc::new(Courier::new());
    let runtime = courier.runtime_create(&RuntimeOptions::default()).unwrap();
    let source = courier.runtime_wake_source(runtime).unwrap();
    let waker = {
        let courier = Arc::clone(&courier);
        thread::spawn(move || courier.wake_source_signal(source).unwrap())
    };
    let started = Instant::now();
    let unread = courier.runtime_pump(runtime, Wait::AtMost(PATIENCE), usize::MAX);
    assert_eq!(unread.unwrap(), 0);
    assert!(started.elapsed() < PATIENCE, "the signal was lost");
    waker.join().unwrap();
    courier.runtime_destroy(runtime).unwrap();
    courier.wake_source_signal(source).unwrap();
    courier.wake_source_release(source).unwrap();
    let stale: Error = courier.wake_source_signal(source).unwrap_err();
    assert_eq!(stale.word(), Word::Stale);
}

/// Owners may come and go on many threads at once; what a runtime kept alive ends with it.
#[test]
fn thr_04_a_thread_owns_one_runtime_at_a_time() {
    let _watchdog = Watchdog::start();
    let courier = Arc::new(Courier::new());
    let weak: Weak<Courier> = Arc::downgrade(&courier);
    let owners = (0..4).map(|_| {
        let courier = Arc::clone(&courier);
        thread::spawn(move || {
            for _ in 0..20 {
                let runtime = courier.runtime_create(&RuntimeOptions::default()).unwrap();
                let second = courier
                    .runtime_create(&RuntimeOptions::default())
                    .unwrap_err();
                assert_eq!(second.word(), Word::OwnerHasRuntime);
                courier.runtime_destroy(runtime).unwrap();
            }
        })
    });
    for owner in owners.collect::<Vec<_>>() {
        owner.join().unwrap();
    }
    assert_eq!(courier.live(), Live::default());
    drop(courier);
    assert!(
        weak.upgrade().is_none(),
        "something keeps the library alive"
    );
}

/// A worker thread must not become an owner: it ends with the runtime that it works for.
#[test]
fn nothing_that_has_an_owner_is_made_inside_a_provider_call() {
    let _watchdog = Watchdog::start();
    let courier = Arc::new(Courier::new());
    let runtime = courier.runtime_create(&RuntimeOptions::default()).unwrap();
    let (result, results) = channel();
    let inside = Arc::downgrade(&courier);
    courier
        .runtime_set_provider(
            runtime,
            provider(move |_, _| {
                let courier = inside.upgrade().unwrap();
                let word = |error: Error| error.word();
                let created = courier.runtime_create(&RuntimeOptions::default());
                result.send(created.map_err(word)).unwrap();
                result
                    .send(courier.session_create(runtime).map_err(word))
                    .unwrap();
                Decision::Pass
            }),
        )
        .unwrap();
    let session = courier.session_create(runtime).unwrap();
    courier
        .session_load(session, "app:thing", &LoadOptions::default())
        .unwrap();
    assert_eq!(results.recv().unwrap(), Err(Word::InsideCallback));
    assert_eq!(results.recv().unwrap(), Err(Word::WrongThread));
    courier.session_destroy(session).unwrap();
    courier.runtime_destroy(runtime).unwrap();
    assert_eq!(courier.live(), Live::default());
}

#[test]
fn a_loop_of_the_hosts_own_may_sleep_until_the_next_deadline() {
    let _watchdog = Watchdog::start();
    const FAR: Duration = Duration::from_secs(3600);
    let courier = Courier::new();
    let options = RuntimeOptions {
        workers: WorkerKind::Stepped,
        ..RuntimeOptions::default()
    };
    let runtime = courier.runtime_create(&options).unwrap();
    let session = courier.session_create(runtime).unwrap();
    let next = || courier.runtime_next_wait(runtime).unwrap();
    let load = |after| {
        let options = LoadOptions {
            deadline: Some(after),
        };
        courier.session_load(session, "app:a", &options).unwrap()
    };
    assert_eq!(next(), Wait::Forever);
    let far = load(FAR);
    assert!(matches!(next(), Wait::AtMost(wait) if wait <= FAR && wait > FAR / 2));
    load(Duration::ZERO);
    assert_eq!(next(), Wait::No, "a deadline has passed");
    assert_eq!(courier.runtime_pump(runtime, Wait::No, 9).unwrap(), 1);
    assert_eq!(next(), Wait::No, "an event is unread");
    let expired = courier.runtime_drain_events(runtime, 9).unwrap();
    assert!(matches!(
        expired[0].kind,
        EventKind::Failed(Failure::Expired, _)
    ));
    courier.session_cancel(session, far).unwrap();
    assert_eq!(next(), Wait::No, "the end of a load is to be collected");
    assert_eq!(courier.runtime_pump(runtime, Wait::No, 9).unwrap(), 1);
    courier.runtime_drain_events(runtime, 9).unwrap();
    assert_eq!(next(), Wait::Forever, "the far deadline went with its load");
}

#[test]
fn a_reset_drops_the_logger_and_one_that_is_refused_does_not() {
    let _watchdog = Watchdog::start();
    struct Held(#[expect(dead_code, reason = "it is only dropped")] Arc<()>);
    impl Logger for Held {
        fn log(&self, _: Level, _: &str) {}
    }
    let courier = Courier::new();
    let count = Arc::new(());
    let logger = Box::new(Held(Arc::clone(&count)));
    courier.set_logger(Some((Level::Error, logger))).unwrap();
    let runtime = courier.runtime_create(&RuntimeOptions::default()).unwrap();
    assert!(!courier.reset());
    assert_eq!(Arc::strong_count(&count), 2, "it is still there");
    courier.runtime_destroy(runtime).unwrap();
    assert!(courier.reset());
    assert_eq!(Arc::strong_count(&count), 1, "it is gone");
}

#[test]
fn a_reset_forgets_ids_of_every_kind_and_nothing_while_one_object_is_live() {
    let _watchdog = Watchdog::start();
    let courier = Courier::new();
    let issue = || {
        let runtime = courier.runtime_create(&RuntimeOptions::default()).unwrap();
        let session = courier.session_create(runtime).unwrap();
        let wake_source = courier.runtime_wake_source(runtime).unwrap();
        let (requests, kept) = channel();
        let keeper = provider(move |request, _| {
            requests.send(request).unwrap();
            Decision::Handle
        });
        courier.runtime_set_provider(runtime, keeper).unwrap();
        let options = LoadOptions::default();
        courier
            .session_load(session, "app:thing", &options)
            .unwrap();
        let request = kept.recv().unwrap();
        let response = Ok(Response::Bytes(b"bytes".to_vec()));
        courier.request_complete(request, response).unwrap();
        let EventKind::Completed(blob) = drain(&courier, runtime, 1)[0].kind else {
            panic!("it was completed");
        };
        [runtime, session, wake_source, request, blob]
    };
    let release = |[runtime, session, wake_source, request, blob]: [Id; 5]| {
        courier.request_release(request).unwrap();
        courier.session_destroy(session).unwrap();
        courier.runtime_destroy(runtime).unwrap();
        courier.wake_source_release(wake_source).unwrap();
        blob
    };
    let first = issue();
    let blob = release(first);
    assert!(!courier.reset(), "a blob is live");
    courier.blob_release(blob).unwrap();
    let second = issue();
    assert!(first.iter().all(|id| !second.contains(id)), "{second:?}");
    courier.blob_release(release(second)).unwrap();
    assert!(courier.reset());
    assert_eq!(issue(), first);
    courier.force_reset();
    assert_eq!(issue(), first);
    courier.force_reset();
}

/// A logger whose calls tell its name. The first one stays until it is let go.
struct Staying {
    name: &'static str,
    began: Sender<&'static str>,
    stay: Mutex<Option<Receiver<()>>>,
}

impl Logger for Staying {
    fn log(&self, _: Level, _: &str) {
        self.began.send(self.name).unwrap();
        let stay = self.stay.lock().unwrap().take();
        if let Some(stay) = stay {
            // An error: its other end was dropped, which lets it go, too.
            let _ = stay.recv();
        }
    }
}

#[test]
fn cbk_06_a_replacement_waits_for_no_call_that_began_after_it() {
    let _watchdog = Watchdog::start();
    let courier = Arc::new(Courier::new());
    let (began, calls) = channel();
    let staying = |name| {
        let (go, stay) = channel();
        let (began, stay) = (began.clone(), Mutex::new(Some(stay)));
        (go, Box::new(Staying { name, began, stay }))
    };
    let (end_old, old) = staying("old");
    let (end_new, new) = staying("new");
    courier.set_logger(Some((Level::Info, old))).unwrap();
    // Writes records on a thread of its own, and returns who was called first since the last one.
    let mut writers = Vec::new();
    let mut write = || {
        let courier = Arc::clone(&courier);
        writers.push(thread::spawn(move || {
            let runtime = courier.runtime_create(&RuntimeOptions::default()).unwrap();
            courier.runtime_destroy(runtime).unwrap();
        }));
        calls.recv_timeout(PATIENCE).unwrap()
    };
    assert_eq!(write(), "old");
    let replacing = {
        let courier = Arc::clone(&courier);
        thread::spawn(move || courier.set_logger(Some((Level::Info, new))).unwrap())
    };
    while write() == "old" {}
    drop(end_old);
    replacing.join().unwrap();
    drop(end_new);
    for writer in writers {
        writer.join().unwrap();
    }
}

#[test]
fn a_library_that_is_dropped_ends_the_threads_of_a_runtime_that_nobody_destroyed() {
    let _watchdog = Watchdog::start();
    let courier = Courier::new();
    let runtime = courier.runtime_create(&RuntimeOptions::default()).unwrap();
    let held = Arc::new(());
    let seen = Arc::downgrade(&held);
    courier
        .runtime_set_provider(
            runtime,
            provider(move |_, _| {
                let _held = &held;
                Decision::Pass
            }),
        )
        .unwrap();
    drop(courier);
    assert!(seen.upgrade().is_none(), "a thread keeps its provider");
}
