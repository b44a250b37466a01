//! Whole lives: owners that pump, workers, providers that keep requests, threads that complete,
//! cancel and signal, and an end that comes in the middle of it.
#![cfg(not(courier_loom))]

use std::collections::VecDeque;
use std::num::NonZeroU8;

use courier_core::sync::thread::{self, JoinHandle};
use courier_core::sync::{Arc, Condvar, Mutex};
use courier_core::{
    Courier, Decision, Event, EventKind, Failure, HostMemory, Id, Level, Live, LoadOptions, Logger,
    Response, Wait, Word, WorkerKind,
};
use courier_loom::{Count, EXPIRED, Fixture, Watch, bytes, model};

/// Two workers for each runtime: jobs can overtake each other.
const WORKERS: WorkerKind = WorkerKind::Threads(NonZeroU8::new(2).unwrap());

/// Requests on their way from a provider to the threads that end them.
#[derive(Debug)]
struct Queue {
    state: Mutex<(VecDeque<Id>, bool)>,
    changed: Condvar,
}

impl Queue {
    fn new() -> Arc<Queue> {
        Arc::new(Queue {
            state: Mutex::new((VecDeque::new(), false)),
            changed: Condvar::new(),
        })
    }

    fn push(&self, request: Id) {
        self.state.lock().0.push_back(request);
        self.changed.notify_one();
    }

    /// Waits for a request; `None` when the queue is closed and empty.
    fn pop(&self) -> Option<Id> {
        let mut state = self.state.lock();
        loop {
            match state.0.pop_front() {
                Some(request) => return Some(request),
                None if state.1 => return None,
                None => state = self.changed.wait(state),
            }
        }
    }

    fn close(&self) {
        self.state.lock().1 = true;
        self.changed.notify_all();
    }
}

/// A thread that gives each request of the queue to `end`.
fn ender(
    courier: &Arc<Courier>,
    queue: &Arc<Queue>,
    end: impl Fn(&Courier, Id) + Send + 'static,
) -> JoinHandle<()> {
    let (courier, queue) = (Arc::clone(courier), Arc::clone(queue));
    let body = move || {
        while let Some(request) = queue.pop() {
            end(&courier, request);
        }
    };
    thread::spawn("ender".to_owned(), body).unwrap()
}

fn join(threads: impl IntoIterator<Item = JoinHandle<()>>) {
    for thread in threads {
        thread.join().unwrap();
    }
}

/// Has a provider answer each load through the queue.
fn keep_in(fixture: &Fixture, queue: &Arc<Queue>) {
    let queue = Arc::clone(queue);
    fixture.provider(move |request| {
        queue.push(request);
        Decision::Handle
    });
}

/// Parks until so many loads have ended, each once.
fn collect(fixture: &Fixture, count: usize) -> Vec<Event> {
    let mut events = Vec::new();
    while events.len() < count {
        fixture.pump(Wait::Forever);
        events.extend(fixture.events());
    }
    let mut loads: Vec<u64> = events.iter().map(|event| event.load).collect();
    loads.sort_unstable();
    loads.dedup();
    assert_eq!(loads.len(), count, "a load ended twice: {events:?}");
    events
}

/// Eight threads: two owners that park, two workers each, one thread that completes for both.
#[test]
fn evt_03_req_16_two_owners_that_park_see_the_end_of_each_load() {
    model(|| {
        let queue = Queue::new();
        let courier = Arc::new(Courier::new());
        let completer = ender(&courier, &queue, |courier, request| {
            courier.request_complete(request, bytes()).unwrap();
            courier.request_release(request).unwrap();
        });
        let owner = |name: &str| {
            let (courier, queue) = (Arc::clone(&courier), Arc::clone(&queue));
            let body = move || {
                let fixture = Fixture::in_courier(courier, WORKERS);
                keep_in(&fixture, &queue);
                for _ in 0..3 {
                    fixture.load("app:x");
                }
                let events = collect(&fixture, 3);
                fixture.close(events);
            };
            thread::spawn(name.to_owned(), body).unwrap()
        };
        join([owner("first"), owner("second")]);
        queue.close();
        join([completer]);
        assert_eq!(courier.live(), Live::default());
    });
}

/// Six threads: an owner that parks, two workers, and three that signal it.
#[test]
fn evt_03_a_parked_owner_is_woken_by_the_last_of_several_signals() {
    model(|| {
        let fixture = Fixture::with_workers(WORKERS);
        let signalled = Arc::new(Mutex::new(0));
        let signallers: Vec<_> = (0..3)
            .map(|_| {
                let source = fixture.wake_source();
                let signalled = Arc::clone(&signalled);
                fixture.spawn(move |fixture| {
                    *signalled.lock() += 1;
                    fixture.courier.wake_source_signal(source).unwrap();
                    fixture.courier.wake_source_release(source).unwrap();
                })
            })
            .collect();
        fixture.load("data:,bytes");
        let mut events = Vec::new();
        // Parks for each of them: a lost signal parks for ever.
        while *signalled.lock() < 3 || events.is_empty() {
            fixture.pump(Wait::Forever);
            events.extend(fixture.events());
        }
        join(signallers);
        fixture.end(events);
    });
}

/// Counts of loads by what ended them.
#[derive(Clone, Debug, Default)]
struct Winners {
    completed: Count,
    dropped: Count,
}

/// Seven threads: an owner that cancels and expires, two workers, two threads that complete, two
/// that release. Each load has one end, and all who come late are told.
#[test]
fn req_17_complete_release_cancel_and_expiry_race_to_one_winner() {
    model(|| {
        let fixture = Fixture::with_workers(WORKERS);
        let (queue, twins) = (Queue::new(), Queue::new());
        let winners = Winners::default();
        let mut enders = Vec::new();
        for _ in 0..2 {
            let won = winners.completed.clone();
            enders.push(ender(
                &fixture.courier,
                &queue,
                move |courier, request| match courier.request_complete(request, bytes()) {
                    Ok(()) => won.up(),
                    Err(error) => {
                        let late = [Word::Cancelled, Word::Expired, Word::Completed, Word::Stale];
                        assert!(late.contains(&error.word()), "{error}");
                    }
                },
            ));
            let released = winners.dropped.clone();
            enders.push(ender(&fixture.courier, &twins, move |courier, request| {
                courier.request_release(request).unwrap();
                released.up();
            }));
        }
        {
            let (queue, twins) = (Arc::clone(&queue), Arc::clone(&twins));
            fixture.provider(move |request| {
                queue.push(request);
                twins.push(request);
                Decision::Handle
            });
        }
        let mut cancelled = Vec::new();
        for _ in 0..2 {
            fixture.load_with("app:x", &EXPIRED);
            let load = fixture.load("app:x");
            if fixture.cancel(load) {
                cancelled.push(load);
            }
        }
        let events = collect(&fixture, 4);
        // Waits for calls that have not passed their request on.
        fixture
            .courier
            .runtime_clear_provider(fixture.runtime)
            .unwrap();
        queue.close();
        twins.close();
        join(enders);
        assert!(fixture.events().is_empty(), "a load ended twice");
        let count =
            |of: &dyn Fn(&EventKind) -> bool| events.iter().filter(|event| of(&event.kind)).count();
        let completed = count(&|kind| matches!(kind, EventKind::Completed(_)));
        assert_eq!(completed, winners.completed.get(), "{events:?}");
        assert_eq!(
            count(&|kind| *kind == EventKind::Cancelled),
            cancelled.len(),
            "{events:?}"
        );
        let dropped = count(&|kind| matches!(kind, EventKind::Failed(Failure::Dropped, _)));
        assert!(dropped <= winners.dropped.get(), "{events:?}");
        fixture.end(events);
    });
}

/// Six threads: an owner that ends its session, two workers, three threads that complete.
#[test]
fn req_17_teardown_and_completions_race_to_one_winner_without_an_event() {
    model(|| {
        let fixture = Fixture::with_workers(WORKERS);
        let queue = Queue::new();
        keep_in(&fixture, &queue);
        let enders: Vec<_> = (0..3)
            .map(|_| {
                ender(&fixture.courier, &queue, |courier, request| {
                    let told = courier.request_complete(request, bytes());
                    let again = courier.request_complete(request, bytes()).unwrap_err();
                    match told {
                        Ok(()) => assert_eq!(again.word(), Word::Completed),
                        Err(error) => assert_eq!(
                            (error.word(), again.word()),
                            (Word::Cancelled, Word::Cancelled)
                        ),
                    }
                    courier.request_release(request).unwrap();
                })
            })
            .collect();
        for _ in 0..4 {
            fixture.load("app:x");
        }
        fixture.pump(Wait::No);
        fixture.courier.session_destroy(fixture.session).unwrap();
        assert!(fixture.events().is_empty(), "an event of an ended session");
        fixture.courier.runtime_destroy(fixture.runtime).unwrap();
        queue.close();
        join(enders);
        assert_eq!(fixture.courier.live(), Live::default());
    });
}

#[derive(Debug)]
struct Watched(Arc<Watch>);

impl Logger for Watched {
    fn log(&self, _: Level, _: &str) {
        self.0.call();
    }
}

/// Six threads: an owner that replaces and clears provider and wake callback, two workers, one that
/// completes, one that signals, one that replaces the logger.
#[test]
fn cbk_06_callbacks_are_replaced_and_cleared_while_all_of_them_run() {
    model(|| {
        let fixture = Fixture::with_workers(WORKERS);
        let queue = Queue::new();
        let source = fixture.wake_source();
        let completer = ender(&fixture.courier, &queue, |courier, request| {
            // Refused when the end of the session came first.
            let _ = courier.request_complete(request, bytes());
            courier.request_release(request).unwrap();
        });
        let signaller = fixture.spawn(move |fixture| {
            for _ in 0..3 {
                fixture.courier.wake_source_signal(source).unwrap();
            }
            fixture.courier.wake_source_release(source).unwrap();
        });
        let librarian = fixture.spawn(|fixture| {
            let mut old: Option<Arc<Watch>> = None;
            for _ in 0..2 {
                let watch = Watch::new();
                let logger = Watched(Arc::clone(&watch));
                let set = fixture
                    .courier
                    .set_logger(Some((Level::Debug, Box::new(logger))));
                set.unwrap();
                if let Some(old) = old.replace(watch) {
                    old.quiet();
                    assert_eq!(Arc::strong_count(&old), 1, "kept after the replacement");
                    old.calls();
                }
            }
            fixture.courier.set_logger(None).unwrap();
            let last = old.expect("two were set");
            last.quiet();
            last.calls();
        });
        let mut ended: Vec<Arc<Watch>> = Vec::new();
        let mut current: Option<[Arc<Watch>; 2]> = None;
        for _ in 0..2 {
            let watches = [Watch::new(), Watch::new()];
            let [provider, on_work] = watches.clone();
            let queue = Arc::clone(&queue);
            fixture.provider(move |request| {
                provider.call();
                queue.push(request);
                Decision::Handle
            });
            fixture.on_work(move || on_work.call());
            if let Some(old) = current.replace(watches) {
                old.iter().for_each(|watch| watch.quiet());
                ended.extend(old);
            }
            fixture.load("app:x");
            fixture.load("app:x");
            fixture.pump(Wait::No);
        }
        fixture
            .courier
            .runtime_clear_provider(fixture.runtime)
            .unwrap();
        let last = current.expect("two were installed");
        last[0].quiet();
        fixture.courier.session_destroy(fixture.session).unwrap();
        fixture.courier.runtime_destroy(fixture.runtime).unwrap();
        last[1].quiet();
        ended.extend(last);
        queue.close();
        join([completer, signaller, librarian]);
        for watch in ended {
            assert_eq!(Arc::strong_count(&watch), 1, "kept after its end");
            watch.calls();
        }
        assert_eq!(fixture.courier.live(), Live::default());
    });
}

/// Memory that nobody may write to once it was detached.
#[derive(Debug)]
struct Lent(Arc<Watch>, Vec<u8>);

impl HostMemory for Lent {
    fn capacity(&self) -> usize {
        self.1.capacity()
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0.call();
        self.1 = bytes.to_vec();
    }

    fn read(&self, len: usize) -> Vec<u8> {
        self.1[..len].to_vec()
    }
}

/// Eight threads: an owner, two workers, two threads that end kept requests, three that signal also
/// after the end. The owner ends everything with jobs that have not begun, requests that are kept,
/// callbacks that are set, a buffer that is written, and events that nobody drained.
#[test]
fn hdl_21_close_ends_in_the_middle_of_everything() {
    model(|| {
        let fixture = Fixture::with_workers(WORKERS);
        let queue = Queue::new();
        let mut others: Vec<_> = (0..3)
            .map(|_| {
                let source = fixture.wake_source();
                fixture.spawn(move |fixture| {
                    for _ in 0..2 {
                        fixture.courier.wake_source_signal(source).unwrap();
                    }
                    fixture.courier.wake_source_release(source).unwrap();
                })
            })
            .collect();
        let hook = Watch::new();
        for answer in [bytes(), Ok(Response::Error("no".to_owned()))] {
            let hook = Arc::clone(&hook);
            others.push(ender(&fixture.courier, &queue, move |courier, request| {
                let watch = Arc::clone(&hook);
                // Told, refused or kept.
                let _ = courier.request_on_cancel(request, Box::new(move || watch.call()));
                let _ = courier.request_complete(request, answer.clone());
                courier.request_release(request).unwrap();
            }));
        }
        keep_in(&fixture, &queue);
        let bell = Watch::new();
        {
            let bell = Arc::clone(&bell);
            fixture.on_work(move || bell.call());
        }
        let memory = Watch::new();
        let lent = Lent(Arc::clone(&memory), Vec::with_capacity(5));
        fixture
            .courier
            .session_attach_buffer(fixture.session, Box::new(lent))
            .unwrap();
        for options in [LoadOptions::default(), EXPIRED, LoadOptions::default()] {
            fixture.load_with("app:x", &options);
            fixture.load_with("app:x", &options);
        }
        // Events that are never drained.
        fixture.pump(Wait::Forever);
        fixture.courier.session_destroy(fixture.session).unwrap();
        memory.quiet();
        fixture.courier.runtime_destroy(fixture.runtime).unwrap();
        bell.quiet();
        queue.close();
        join(others);
        for watch in [&hook, &bell, &memory] {
            assert_eq!(Arc::strong_count(watch), 1, "kept after the end");
            watch.calls();
        }
        assert_eq!(fixture.courier.live(), Live::default());
    });
}
