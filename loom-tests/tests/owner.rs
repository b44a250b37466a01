//! The owner's mailbox: parking and waking, posting and draining, a wake source's life.
#![cfg(not(courier_shuttle))]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use courier_core::{EventKind, Live, Wait, Word};
use courier_loom::{Fixture, bytes, model};

#[test]
fn evt_03_evt_10_a_parked_owner_is_woken_by_a_signal_and_by_nothing_else() {
    model(|| {
        let fixture = Fixture::new();
        let source = fixture.wake_source();
        let signalled = Arc::new(AtomicBool::new(false));
        let peer = {
            let signalled = Arc::clone(&signalled);
            fixture.spawn(move |fixture| {
                signalled.store(true, Ordering::SeqCst);
                fixture.courier.wake_source_signal(source).unwrap();
            })
        };
        assert_eq!(fixture.pump(Wait::Forever), 0);
        assert!(signalled.load(Ordering::SeqCst), "woken by nothing");
        peer.join().unwrap();
        fixture.courier.wake_source_release(source).unwrap();
    });
}

#[test]
fn evt_03_a_parked_owner_is_woken_by_a_completion() {
    model(|| {
        let fixture = Fixture::new();
        let (load, request) = fixture.kept_request();
        let peer = fixture.spawn(move |fixture| {
            fixture.courier.request_complete(request, bytes()).unwrap();
            fixture.courier.request_release(request).unwrap();
        });
        // Parks until the completion is there; a wake-up that is lost parks for ever.
        assert_eq!(fixture.pump(Wait::Forever), 1);
        let events = fixture.events();
        assert_eq!(events[0].load, load);
        assert!(matches!(events[0].kind, EventKind::Completed(_)));
        peer.join().unwrap();
    });
}

#[test]
fn evt_04_a_signal_is_neither_lost_to_nor_cleared_by_a_pump_that_came_before() {
    model(|| {
        let fixture = Fixture::new();
        let source = fixture.wake_source();
        let peer = fixture.spawn(move |fixture| {
            fixture.courier.wake_source_signal(source).unwrap();
            fixture.courier.wake_source_signal(source).unwrap();
        });
        // Two signals may count as one, so one wait is all that is owed.
        fixture.pump(Wait::Forever);
        peer.join().unwrap();
    });
}

#[test]
fn evt_04_a_pump_clears_the_signal_that_it_returned_on() {
    model(|| {
        let fixture = Fixture::new();
        let source = fixture.wake_source();
        fixture.courier.wake_source_signal(source).unwrap();
        fixture.pump(Wait::Forever);
        let again = Arc::new(AtomicBool::new(false));
        let peer = {
            let again = Arc::clone(&again);
            fixture.spawn(move |fixture| {
                again.store(true, Ordering::SeqCst);
                fixture.courier.wake_source_signal(source).unwrap();
            })
        };
        fixture.pump(Wait::Forever);
        assert!(
            again.load(Ordering::SeqCst),
            "returned on the first signal again"
        );
        peer.join().unwrap();
    });
}

#[test]
fn evt_02_two_posts_against_a_draining_owner_lose_nothing() {
    model(|| {
        let fixture = Fixture::new();
        let (_, first) = fixture.kept_request();
        let (_, second) = fixture.kept_request();
        let peer = fixture.spawn(move |fixture| {
            fixture.courier.request_complete(first, bytes()).unwrap();
            fixture.courier.request_complete(second, bytes()).unwrap();
        });
        let mut loads = Vec::new();
        while loads.len() < 2 {
            fixture.pump(Wait::Forever);
            let events = fixture
                .courier
                .runtime_drain_events(fixture.runtime, 1)
                .unwrap();
            loads.extend(events.into_iter().map(|event| event.load));
        }
        assert_eq!(loads, [1, 2], "one thread's completions come in its order");
        peer.join().unwrap();
        assert!(fixture.events().is_empty());
    });
}

#[test]
fn evt_05_signal_and_release_against_the_runtimes_end() {
    model(|| {
        let fixture = Fixture::new();
        let source = fixture.wake_source();
        let peer = fixture.spawn(move |fixture| {
            fixture.courier.wake_source_signal(source).unwrap();
            fixture.courier.wake_source_release(source).unwrap();
        });
        fixture.courier.session_destroy(fixture.session).unwrap();
        fixture.courier.runtime_destroy(fixture.runtime).unwrap();
        peer.join().unwrap();
        assert_eq!(fixture.courier.live(), Live::default());
    });
}

#[test]
fn thr_03_a_wrong_thread_during_a_destroy_learns_one_of_two_truths() {
    model(|| {
        let fixture = Fixture::new();
        fixture.courier.session_destroy(fixture.session).unwrap();
        let peer = fixture.spawn(|fixture| {
            let error = fixture.courier.session_create(fixture.runtime).unwrap_err();
            assert!(
                [Word::WrongThread, Word::Stale].contains(&error.word()),
                "{error}"
            );
        });
        fixture.courier.runtime_destroy(fixture.runtime).unwrap();
        peer.join().unwrap();
        assert_eq!(fixture.courier.live(), Live::default());
    });
}
