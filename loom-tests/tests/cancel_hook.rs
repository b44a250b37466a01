//! A cancellation callback against everything that may run it, or end the chance that it runs.
//!
//! On the peer thread × on the owner thread:
//!
//! | | cancel | expiry | session end | release |
//! |---|---|---|---|---|
//! | set | `…_against_the_cancel_…` | `…_against_expiry_…` | `…_end_of_the_session_…` | `…_set_against_a_release_…` |
//! | complete | `…_a_completion_…` | in `requests.rs` | in `requests.rs` | in `requests.rs` |
//! | release | `…_release_waits_…` | `…_release_waits_for_one_of_an_expiry` | `…_release_waits_for_one_of_the_end_of_the_session` | `…_two_that_wait_…` |
//! | clear | `…_two_that_wait_…` | `…_clear_waits_for_one_of_an_expiry` | `…_clear_waits_for_one_of_the_end_of_the_session` | `…_two_that_wait_…` |
//! | release, and release from inside | `…_from_inside_…` | equal | equal | |
//!
//! Equal: what runs the callback does not know what has ended the load. A completion and the provider's PASS
//! take the callback out as a clearing does, under the same lock, so that a clearing against one of them is a
//! clearing against a clearing.
//!
//! Beside the table: two callbacks that release each other's request, and set against a completion, which
//! ends the chance. What set is told beside the provider's PASS is in `requests.rs`.
#![cfg(not(courier_shuttle))]

use courier_core::sync::{Arc, Mutex};
use courier_core::{Id, Level, Live, LoadOptions, Logger, Wait, Word, WorkerKind};
use courier_loom::{Bell, Count, EXPIRED, Fixture, FromFn, Watch, bytes, model};

/// Sets a watched callback. Returns what the runtime said.
fn set(fixture: &Fixture, request: Id, watch: &Arc<Watch>) -> Result<bool, Word> {
    let watch = Arc::clone(watch);
    fixture
        .courier
        .request_on_cancel(request, Box::new(move || watch.call()))
        .map_err(|error| error.word())
}

/// Sets a callback on a peer thread while the owner ends the load by `abandon`.
fn set_against(options: &LoadOptions, abandon: impl FnOnce(&Fixture, u64)) {
    let fixture = Fixture::new();
    let (load, request) = fixture.kept_request_of(options);
    let (watch, told) = (Watch::new(), Count::default());
    let peer = {
        let (watch, told) = (Arc::clone(&watch), told.clone());
        fixture.spawn(move |fixture| {
            if set(fixture, request, &watch).unwrap() {
                told.up();
            }
        })
    };
    abandon(&fixture, load);
    peer.join().unwrap();
    assert_eq!(watch.calls() + told.get(), 1, "neither called nor told");
    fixture.courier.request_release(request).unwrap();
    fixture.end(fixture.events());
}

/// Sets a callback on a peer thread while the owner ends the chance that it runs, by `end`. The callback is
/// dropped and never called; a set that comes too late is told `late`.
fn set_against_an_end(late: Word, end: impl FnOnce(&Fixture, Id)) -> (Fixture, Id) {
    let fixture = Fixture::new();
    let (_, request) = fixture.kept_request();
    let watch = Watch::new();
    let peer = {
        let watch = Arc::clone(&watch);
        fixture.spawn(move |fixture| match set(fixture, request, &watch) {
            Ok(told) => assert!(!told, "nobody cancelled"),
            Err(word) => assert_eq!(word, late),
        })
    };
    end(&fixture, request);
    peer.join().unwrap();
    assert_eq!(Arc::strong_count(&watch), 1, "kept after the end");
    assert_eq!(watch.calls(), 0);
    (fixture, request)
}

#[test]
fn req_21_set_against_the_cancel_is_called_once_or_told() {
    model(|| {
        set_against(&LoadOptions::default(), |fixture, load| {
            assert!(fixture.cancel(load));
        })
    });
}

#[test]
fn req_21_set_against_expiry_is_called_once_or_told() {
    model(|| {
        set_against(&EXPIRED, |fixture, _| {
            assert_eq!(fixture.pump(Wait::No), 1);
        })
    });
}

#[test]
fn req_21_set_against_the_end_of_the_session_is_called_once_or_told() {
    model(|| {
        set_against(&LoadOptions::default(), |fixture, _| {
            fixture.courier.session_destroy(fixture.session).unwrap();
        })
    });
}

#[test]
fn req_17_req_21_set_against_a_release_is_dropped_with_it_or_told_that_it_is_stale() {
    model(|| {
        let (fixture, _) = set_against_an_end(Word::Stale, |fixture, request| {
            fixture.courier.request_release(request).unwrap();
        });
        fixture.end(fixture.events());
    });
}

#[test]
fn req_21_a_callback_against_a_completion_runs_only_if_the_cancel_won() {
    model(|| {
        let fixture = Fixture::new();
        let (load, request) = fixture.kept_request();
        let watch = Watch::new();
        assert_eq!(set(&fixture, request, &watch), Ok(false));
        let peer = fixture.spawn(move |fixture| {
            if let Err(error) = fixture.courier.request_complete(request, bytes()) {
                assert_eq!(error.word(), Word::Cancelled);
            }
        });
        let cancelled = fixture.cancel(load);
        peer.join().unwrap();
        assert_eq!(watch.calls(), usize::from(cancelled));
        fixture.courier.request_release(request).unwrap();
        fixture.end(fixture.events());
    });
}

#[test]
fn req_21_set_against_a_completion_is_dropped_with_it_and_never_called() {
    model(|| {
        let (fixture, request) = set_against_an_end(Word::Completed, |fixture, request| {
            fixture.courier.request_complete(request, bytes()).unwrap();
        });
        fixture.courier.request_release(request).unwrap();
        fixture.end(fixture.events());
    });
}

/// Releases on a peer thread while the owner ends the load by `abandon`, which says whether it was
/// in time.
fn release_against(options: &LoadOptions, abandon: impl FnOnce(&Fixture, u64) -> bool) {
    let fixture = Fixture::new();
    let (load, request) = fixture.kept_request_of(options);
    let watch = Watch::new();
    assert_eq!(set(&fixture, request, &watch), Ok(false));
    let peer = {
        let watch = Arc::clone(&watch);
        fixture.spawn(move |fixture| {
            fixture.courier.request_release(request).unwrap();
            watch.quiet();
        })
    };
    let abandoned = abandon(&fixture, load);
    peer.join().unwrap();
    // Not called when the release came between the end and its callback.
    assert!(watch.calls() <= usize::from(abandoned));
    assert_eq!(Arc::strong_count(&watch), 1, "kept after the release");
    fixture.end(fixture.events());
}

#[test]
fn req_21_release_waits_for_one_that_runs_and_none_runs_later() {
    model(|| release_against(&LoadOptions::default(), Fixture::cancel));
}

#[test]
fn req_21_release_waits_for_one_of_an_expiry() {
    model(|| {
        release_against(&EXPIRED, |fixture, _| {
            fixture.pump(Wait::No);
            true
        })
    });
}

#[test]
fn req_21_release_waits_for_one_of_the_end_of_the_session() {
    model(|| {
        release_against(&LoadOptions::default(), |fixture, _| {
            fixture.courier.session_destroy(fixture.session).unwrap();
            true
        })
    });
}

/// Clears on a peer thread while the owner ends the load by `abandon`.
fn clear_against(options: &LoadOptions, abandon: impl FnOnce(&Fixture)) {
    let fixture = Fixture::new();
    let (_, request) = fixture.kept_request_of(options);
    let watch = Watch::new();
    assert_eq!(set(&fixture, request, &watch), Ok(false));
    let peer = {
        let watch = Arc::clone(&watch);
        fixture.spawn(move |fixture| {
            fixture.courier.request_clear_on_cancel(request).unwrap();
            watch.quiet();
        })
    };
    abandon(&fixture);
    peer.join().unwrap();
    assert!(watch.calls() <= 1);
    assert_eq!(Arc::strong_count(&watch), 1, "kept after the clearing");
    fixture.courier.request_release(request).unwrap();
    fixture.end(fixture.events());
}

#[test]
fn req_21_clear_waits_for_one_of_an_expiry() {
    model(|| {
        clear_against(&EXPIRED, |fixture| {
            fixture.pump(Wait::No);
        })
    });
}

#[test]
fn req_21_clear_waits_for_one_of_the_end_of_the_session() {
    model(|| {
        clear_against(&LoadOptions::default(), |fixture| {
            fixture.courier.session_destroy(fixture.session).unwrap();
        })
    });
}

/// A release and a clearing wait for the same call, and both come back.
#[test]
fn req_21_two_that_wait_for_one_that_runs_are_both_told_of_its_end() {
    model(|| {
        let fixture = Fixture::new();
        let (load, request) = fixture.kept_request();
        let watch = Watch::new();
        assert_eq!(set(&fixture, request, &watch), Ok(false));
        let release = {
            let watch = Arc::clone(&watch);
            fixture.spawn(move |fixture| {
                fixture.courier.request_release(request).unwrap();
                watch.quiet();
            })
        };
        let clear = {
            let watch = Arc::clone(&watch);
            fixture.spawn(
                move |fixture| match fixture.courier.request_clear_on_cancel(request) {
                    Ok(()) => watch.quiet(),
                    Err(error) => assert_eq!(error.word(), Word::Stale),
                },
            )
        };
        fixture.cancel(load);
        release.join().unwrap();
        clear.join().unwrap();
        assert!(watch.calls() <= 1);
        fixture.end(fixture.events());
    });
}

/// The logger is called inside the callback, and releases the request of the callback around it.
#[test]
fn req_21_release_from_two_callbacks_deep_does_not_wait_for_the_outer_one() {
    model(|| {
        let fixture = Fixture::new();
        let (load, request) = fixture.kept_request();
        let (_, other) = fixture.kept_request();
        let released = Count::default();
        let logger = {
            let (courier, released) = (Arc::clone(&fixture.courier), released.clone());
            FromFn(move |text: &str| {
                if text.contains("completed") {
                    released.up_if_won(courier.request_release(request), Word::Stale);
                }
            })
        };
        let hook = {
            let courier = Arc::clone(&fixture.courier);
            Box::new(move || courier.request_complete(other, bytes()).unwrap())
        };
        assert!(!fixture.courier.request_on_cancel(request, hook).unwrap());
        let logger = Some((Level::Debug, Box::new(logger) as Box<dyn Logger>));
        fixture.courier.set_logger(logger).unwrap();
        assert!(fixture.cancel(load));
        fixture.courier.set_logger(None).unwrap();
        assert_eq!(released.get(), 1);
        fixture.courier.request_release(other).unwrap();
        fixture.end(fixture.events());
    });
}

#[test]
fn req_21_release_from_inside_does_not_wait_for_itself() {
    model(|| {
        let fixture = Fixture::new();
        let (load, request) = fixture.kept_request();
        let released = Count::default();
        let release = {
            let released = released.clone();
            move |fixture: &Fixture| {
                released.up_if_won(fixture.courier.request_release(request), Word::Stale);
            }
        };
        let inside = {
            let (fixture, release) = (fixture.clone(), release.clone());
            Box::new(move || release(&fixture))
        };
        assert!(!fixture.courier.request_on_cancel(request, inside).unwrap());
        let peer = fixture.spawn(release);
        fixture.cancel(load);
        peer.join().unwrap();
        assert_eq!(released.get(), 1);
        fixture.end(fixture.events());
    });
}

/// Two owners, each of which waits for the callback of the other, one after the other: a wait that is over
/// makes no circle.
#[test]
fn req_21_release_waits_for_the_thread_that_has_waited_for_this_one() {
    model(|| {
        let fixture = Fixture::new();
        let (load, request) = fixture.kept_request();
        let watches = [Watch::new(), Watch::new()];
        assert_eq!(set(&fixture, request, &watches[0]), Ok(false));
        let (bell, theirs) = (Bell::new(), Arc::new(Mutex::new(None)));
        let peer = {
            let (bell, theirs) = (Arc::clone(&bell), Arc::clone(&theirs));
            let watches = watches.clone();
            fixture.spawn(move |fixture| {
                fixture.courier.request_release(request).unwrap();
                watches[0].quiet();
                let courier = Arc::clone(&fixture.courier);
                let own = Fixture::in_courier(courier, WorkerKind::Stepped);
                let (load, other) = own.kept_request();
                assert_eq!(set(&own, other, &watches[1]), Ok(false));
                *theirs.lock() = Some(other);
                bell.ring();
                own.cancel(load);
                own.close(own.events());
            })
        };
        fixture.cancel(load);
        bell.wait();
        let other = theirs.lock().take().expect("the bell was rung");
        fixture.courier.request_release(other).unwrap();
        watches[1].quiet();
        peer.join().unwrap();
        assert!(watches.iter().all(|watch| watch.calls() <= 1));
        fixture.end(fixture.events());
    });
}

/// Two owners, each in a callback that releases the other's request: a circle in which each would wait
/// for the other.
#[test]
fn cbk_09_req_21_two_callbacks_that_release_each_others_request_both_end() {
    model(|| {
        let fixture = Fixture::new();
        let (load, request) = fixture.kept_request();
        let (bell, theirs) = (Bell::new(), Arc::new(Mutex::new(None)));
        let peer = {
            let (bell, theirs) = (Arc::clone(&bell), Arc::clone(&theirs));
            fixture.spawn(move |fixture| {
                let courier = Arc::clone(&fixture.courier);
                let own = Fixture::in_courier(courier, WorkerKind::Stepped);
                let (load, other) = own.kept_request();
                cancel_and_release(&own, (load, other), request, || {
                    *theirs.lock() = Some(other);
                    bell.ring();
                });
            })
        };
        bell.wait();
        let other = theirs.lock().take().expect("the bell was rung");
        cancel_and_release(&fixture, (load, request), other, || {});
        peer.join().unwrap();
        assert_eq!(fixture.courier.live(), Live::default());
    });
}

/// Cancels the load, whose callback releases another request, and ends the fixture.
fn cancel_and_release(
    fixture: &Fixture,
    (load, request): (u64, Id),
    other: Id,
    ready: impl FnOnce(),
) {
    let hook = {
        let courier = Arc::clone(&fixture.courier);
        Box::new(move || {
            // Stale, if its own callback or its owner was first.
            let _ = courier.request_release(other);
        })
    };
    // Refused if the other callback has released it.
    let _ = fixture.courier.request_on_cancel(request, hook);
    ready();
    fixture.cancel(load);
    let _ = fixture.courier.request_release(request);
    fixture.close(fixture.events());
}
