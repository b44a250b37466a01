//! Calls from inside an upcall: a lock held across one would deadlock here.
#![cfg(not(courier_shuttle))]

use courier_core::sync::{Arc, Mutex};
use courier_core::{Courier, Decision, EventKind, Id, Level, Logger, Wait, Word};
use courier_loom::{Bell, Count, Fixture, FromFn, bytes, model};

/// Everything that an upcall may use, and a second request for a peer to use meanwhile.
#[derive(Clone, Copy, Debug)]
struct Tools {
    other: Id,
    blob: Id,
    source: Id,
}

/// Makes the tools, of which the upcall gets the request and the peer keeps the second.
fn tools(fixture: &Fixture) -> (Tools, Id) {
    let (_, other) = fixture.kept_request();
    let (_, peers) = fixture.kept_request();
    let tools = Tools {
        other,
        blob: fixture.blob(),
        source: fixture.wake_source(),
    };
    (tools, peers)
}

/// Calls everything that an upcall about `request` may call, once, and counts that it came to the
/// end. `ends` are the words with which a completion of `request` may be refused.
fn use_all(courier: &Courier, tools: Tools, request: Id, ends: &[Word], done: &Count) {
    courier.request_is_cancelled(request).unwrap();
    courier.request_surface(request).unwrap();
    // Told, refused or kept: it only has to come back.
    let _ = courier.request_on_cancel(request, Box::new(|| {}));
    if let Err(error) = courier.request_complete(request, bytes()) {
        assert!(ends.contains(&error.word()), "{error}");
    }
    courier.request_complete(tools.other, bytes()).unwrap();
    courier.request_release(tools.other).unwrap();
    assert_eq!(courier.blob_read(tools.blob, <[u8]>::len).unwrap(), 5);
    courier.blob_release(tools.blob).unwrap();
    courier.wake_source_signal(tools.source).unwrap();
    courier.wake_source_release(tools.source).unwrap();
    done.up();
}

/// Completes the peer's request on a thread of its own.
fn peer(fixture: &Fixture, request: Id) -> courier_core::sync::thread::JoinHandle<()> {
    fixture.spawn(move |fixture| {
        fixture.courier.request_complete(request, bytes()).unwrap();
        fixture.courier.request_release(request).unwrap();
    })
}

/// Makes a callback's first call use everything; further ones do nothing.
fn once(task: impl FnOnce() + Send + 'static) -> impl Fn() + Send + Sync + 'static {
    let task = Mutex::new(Some(task));
    move || {
        let task = task.lock().take();
        if let Some(task) = task {
            task();
        }
    }
}

#[test]
fn cbk_13_no_lock_is_held_while_a_provider_is_called() {
    model(|| {
        let fixture = Fixture::new();
        let (tools, peers) = tools(&fixture);
        let done = Count::default();
        {
            let (courier, done) = (Arc::clone(&fixture.courier), done.clone());
            fixture.provider(move |request| {
                use_all(&courier, tools, request, &[], &done);
                courier.request_release(request).unwrap();
                Decision::Handle
            });
        }
        fixture.load("app:x");
        let peer = peer(&fixture, peers);
        assert!(fixture.courier.runtime_step(fixture.runtime).unwrap());
        peer.join().unwrap();
        assert_eq!(done.get(), 1);
        let events = fixture.events();
        assert_eq!(events.len(), 3);
        fixture.end(events);
    });
}

#[test]
fn cbk_13_no_lock_is_held_while_a_cancellation_callback_is_called() {
    model(|| {
        let fixture = Fixture::new();
        let (tools, peers) = tools(&fixture);
        let (load, request) = fixture.kept_request();
        let done = Count::default();
        let hook = {
            let (courier, done) = (Arc::clone(&fixture.courier), done.clone());
            Box::new(move || {
                use_all(&courier, tools, request, &[Word::Cancelled], &done);
                courier.request_release(request).unwrap();
            })
        };
        assert!(!fixture.courier.request_on_cancel(request, hook).unwrap());
        let peer = peer(&fixture, peers);
        assert!(fixture.cancel(load));
        peer.join().unwrap();
        assert_eq!(done.get(), 1);
        fixture.end(fixture.events());
    });
}

#[test]
fn cbk_13_no_lock_is_held_while_the_wake_callback_is_called() {
    model(|| {
        let fixture = Fixture::new();
        let (tools, peers) = tools(&fixture);
        let done = Count::default();
        {
            let (courier, done) = (Arc::clone(&fixture.courier), done.clone());
            // About the very request whose completion leads to the call.
            fixture.on_work(once(move || {
                use_all(&courier, tools, peers, &[Word::Completed], &done);
            }));
        }
        let peer = peer(&fixture, peers);
        // The peer's completion is there, and what its call may have added.
        fixture.pump(Wait::Forever);
        peer.join().unwrap();
        assert_eq!(done.get(), 1);
        fixture.end(fixture.events());
    });
}

#[test]
fn cbk_13_no_lock_is_held_while_the_logger_is_called() {
    model(|| {
        let fixture = Fixture::new();
        let (tools, peers) = tools(&fixture);
        let done = Count::default();
        let logger = {
            let (courier, done) = (Arc::clone(&fixture.courier), done.clone());
            let use_all = once(move || {
                use_all(&courier, tools, peers, &[Word::Completed], &done);
            });
            FromFn(move |_: &str| use_all())
        };
        fixture
            .courier
            .set_logger(Some((Level::Debug, Box::new(logger))))
            .unwrap();
        let peer = peer(&fixture, peers);
        fixture.pump(Wait::Forever);
        peer.join().unwrap();
        assert_eq!(done.get(), 1);
        fixture.courier.set_logger(None).unwrap();
        fixture.end(fixture.events());
    });
}

/// The work of an outer callback: leads to the wake callback and to the logger inside itself, and makes a
/// call of the owner's when both have returned.
type Task = Box<dyn FnOnce() + Send>;

/// Has `outer` make a callback that does the task. When the inner callbacks have returned, the thread is
/// still inside the outer one.
fn outer_and_inner(outer: impl FnOnce(&Fixture, Task)) {
    let fixture = Fixture::new();
    let (_, other) = fixture.kept_request();
    let source = fixture.wake_source();
    let (inner, refused) = (Count::default(), Count::default());
    fixture.on_work({
        let inner = inner.clone();
        move || inner.up()
    });
    let logger = FromFn({
        let inner = inner.clone();
        move |_: &str| inner.up()
    });
    let logger = Some((Level::Debug, Box::new(logger) as Box<dyn Logger>));
    fixture.courier.set_logger(logger).unwrap();
    let task = {
        let (courier, runtime) = (Arc::clone(&fixture.courier), fixture.runtime);
        let (inner, refused) = (inner.clone(), refused.clone());
        move || {
            let before = inner.get();
            courier.wake_source_signal(source).unwrap();
            courier.request_complete(other, bytes()).unwrap();
            // Of the two that are left when the outer one is one of them, one.
            assert!(inner.get() > before, "no callback was inside");
            let pumped = courier.runtime_pump(runtime, Wait::No, 1);
            if pumped.is_err_and(|error| error.word() == Word::InsideCallback) {
                refused.up();
            }
        }
    };
    outer(&fixture, Box::new(task));
    assert_eq!(refused.get(), 1, "the outer callback was forgotten");
    fixture.courier.set_logger(None).unwrap();
    fixture.courier.request_release(other).unwrap();
    fixture.courier.wake_source_release(source).unwrap();
    fixture.close(fixture.events());
}

#[test]
fn cbk_09_a_provider_is_inside_when_its_inner_callbacks_have_returned() {
    model(|| {
        outer_and_inner(|fixture, task| {
            let task = once(task);
            fixture.provider(move |_| {
                task();
                Decision::Fail(String::new())
            });
            fixture.load("app:x");
            assert!(fixture.courier.runtime_step(fixture.runtime).unwrap());
        })
    });
}

#[test]
fn cbk_09_a_cancellation_callback_is_inside_when_its_inner_callbacks_have_returned() {
    model(|| {
        outer_and_inner(|fixture, task| {
            let (load, request) = fixture.kept_request();
            assert!(!fixture.courier.request_on_cancel(request, task).unwrap());
            assert!(fixture.cancel(load));
            fixture.courier.request_release(request).unwrap();
        })
    });
}

#[test]
fn cbk_09_a_wake_callback_is_inside_when_its_inner_callback_has_returned() {
    model(|| {
        outer_and_inner(|fixture, task| {
            fixture.on_work(once(task));
            let source = fixture.wake_source();
            fixture.courier.wake_source_signal(source).unwrap();
            fixture.courier.wake_source_release(source).unwrap();
        })
    });
}

#[test]
fn cbk_09_a_logger_is_inside_when_its_inner_callback_has_returned() {
    model(|| {
        outer_and_inner(|fixture, task| {
            let task = once(task);
            let logger = FromFn(move |_: &str| task());
            let logger = Some((Level::Debug, Box::new(logger) as Box<dyn Logger>));
            fixture.courier.set_logger(logger).unwrap();
            // Logged before the load ends: the signal inside is the first work that the owner has.
            fixture.provider(|_| std::panic::resume_unwind(Box::new("planted")));
            fixture.load("app:x");
            assert!(fixture.courier.runtime_step(fixture.runtime).unwrap());
        })
    });
}

/// Releases a blob and a wake source as a finalizer would, and rings when it is done.
fn finalizer(fixture: &Fixture, bell: &Arc<Bell>) -> courier_core::sync::thread::JoinHandle<()> {
    let (blob, source) = (fixture.blob(), fixture.wake_source());
    let bell = Arc::clone(bell);
    fixture.spawn(move |fixture| {
        fixture.courier.blob_release(blob).unwrap();
        fixture.courier.wake_source_release(source).unwrap();
        bell.ring();
    })
}

#[test]
fn hdl_17_a_finalizers_release_does_not_wait_for_a_provider() {
    model(|| {
        let fixture = Fixture::new();
        let bell = Bell::new();
        let peer = finalizer(&fixture, &bell);
        fixture.provider(move |_| {
            bell.wait();
            Decision::Fail(String::new())
        });
        fixture.load("app:x");
        assert!(fixture.courier.runtime_step(fixture.runtime).unwrap());
        peer.join().unwrap();
        fixture.end(fixture.events());
    });
}

#[test]
fn hdl_17_a_finalizers_release_does_not_wait_for_a_parked_owner() {
    model(|| {
        let fixture = Fixture::new();
        let wake = fixture.wake_source();
        let (blob, source) = (fixture.blob(), fixture.wake_source());
        let peer = fixture.spawn(move |fixture| {
            fixture.courier.blob_release(blob).unwrap();
            fixture.courier.wake_source_release(source).unwrap();
            fixture.courier.wake_source_signal(wake).unwrap();
            fixture.courier.wake_source_release(wake).unwrap();
        });
        assert_eq!(fixture.pump(Wait::Forever), 0);
        peer.join().unwrap();
        fixture.end(Vec::new());
    });
}

#[test]
fn hdl_17_a_finalizers_release_does_not_wait_for_a_destroy() {
    model(|| {
        let fixture =
            Fixture::with_workers(courier_core::WorkerKind::Threads(std::num::NonZeroU8::MIN));
        let bell = Bell::new();
        let (courier, source) = (Arc::clone(&fixture.courier), fixture.wake_source());
        {
            let bell = Arc::clone(&bell);
            fixture.provider(move |_| {
                bell.wait();
                Decision::Fail(String::new())
            });
        }
        fixture.load("app:x");
        fixture.courier.session_destroy(fixture.session).unwrap();
        let peer = courier_core::sync::thread::spawn("finalizer".to_owned(), move || {
            courier.wake_source_release(source).unwrap();
            bell.ring();
        });
        fixture.courier.runtime_destroy(fixture.runtime).unwrap();
        peer.unwrap().join().unwrap();
        assert_eq!(fixture.courier.live(), courier_core::Live::default());
    });
}

#[test]
fn hdl_17_a_finalizers_release_does_not_wait_for_a_reader() {
    model(|| {
        let fixture = Fixture::new();
        let (blob, other) = (fixture.blob(), fixture.blob());
        let bell = Bell::new();
        let peer = {
            let bell = Arc::clone(&bell);
            fixture.spawn(move |fixture| {
                fixture.courier.blob_release(blob).unwrap();
                fixture.courier.blob_release(other).unwrap();
                bell.ring();
            })
        };
        let read = fixture.courier.blob_read(blob, |bytes| {
            bell.wait();
            bytes.len()
        });
        if let Err(error) = read {
            assert_eq!(error.word(), Word::Stale);
        }
        peer.join().unwrap();
        fixture.end(Vec::new());
    });
}

#[test]
fn req_02_inline_later_and_on_another_thread_give_the_same_event() {
    model(|| {
        let fixture = Fixture::new();
        let (_, later) = fixture.kept_request();
        let (_, elsewhere) = fixture.kept_request();
        {
            let courier = Arc::clone(&fixture.courier);
            fixture.provider(move |request| {
                courier.request_complete(request, bytes()).unwrap();
                courier.request_release(request).unwrap();
                Decision::Handle
            });
        }
        fixture.load("app:x");
        let peer = peer(&fixture, elsewhere);
        assert!(fixture.courier.runtime_step(fixture.runtime).unwrap());
        fixture.courier.request_complete(later, bytes()).unwrap();
        fixture.courier.request_release(later).unwrap();
        fixture.pump(Wait::No);
        peer.join().unwrap();
        let events = fixture.events();
        assert_eq!(events.len(), 3, "{events:?}");
        for event in &events {
            let EventKind::Completed(blob) = event.kind else {
                panic!("{event:?}");
            };
            let seen = fixture.courier.blob_read(blob, <[u8]>::to_vec).unwrap();
            assert_eq!(seen, b"bytes");
        }
        fixture.end(events);
    });
}
