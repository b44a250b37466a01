//! Deadlines, and waits that end at them: on the model's own clock, which moves only when somebody waits.
#![cfg(not(courier_shuttle))]

use std::time::Duration;

use courier_core::sync::now;
use courier_core::{EventKind, Failure, LoadOptions, Wait, Word};
use courier_loom::{Count, EXPIRED, Fixture, bytes, model, timed_model};

/// Comes before the watchdog, on real threads.
const SOON: Duration = Duration::from_millis(1);
/// Comes after it.
const LATE: Duration = Duration::from_secs(3_600);

fn due(after: Duration) -> LoadOptions {
    LoadOptions {
        deadline: Some(after),
    }
}

/// Pumps, and returns how many events are unread, and how long it waited.
fn pump(fixture: &Fixture, wait: Wait, budget: usize) -> (usize, Duration) {
    let before = now();
    let unread = fixture.courier.runtime_pump(fixture.runtime, wait, budget);
    (unread.unwrap(), now() - before)
}

fn has_expired(kind: &EventKind) -> bool {
    matches!(kind, EventKind::Failed(Failure::Expired, _))
}

/// Waits as `wait` says for a load that is due soon.
fn waits_for_the_deadline(wait: Wait, budget: usize) {
    let fixture = Fixture::new();
    let (load, request) = fixture.kept_request_of(&due(SOON));
    fixture.load_with("app:x", &due(LATE));
    let (unread, waited) = pump(&fixture, wait, budget);
    assert!(waited >= SOON && waited < LATE, "waited for {waited:?}");
    assert_eq!(unread, 1);
    let late = fixture.courier.request_complete(request, bytes());
    assert_eq!(late.unwrap_err().word(), Word::Expired);
    let events = fixture.events();
    assert_eq!(events[0].load, load);
    assert!(has_expired(&events[0].kind), "{events:?}");
    fixture.courier.request_release(request).unwrap();
    fixture.end(events);
}

#[test]
fn req_22_evt_10_a_bounded_wait_ends_at_a_deadline_that_comes_sooner() {
    timed_model(|| waits_for_the_deadline(Wait::AtMost(LATE), usize::MAX));
}

#[test]
fn req_22_evt_09_evt_10_so_does_that_of_a_bounded_pump() {
    timed_model(|| waits_for_the_deadline(Wait::AtMost(LATE), 1));
}

#[test]
fn req_22_evt_10_a_wait_without_limit_ends_at_a_deadline() {
    timed_model(|| waits_for_the_deadline(Wait::Forever, usize::MAX));
}

#[test]
fn req_22_evt_10_a_bounded_wait_ends_before_a_deadline_that_comes_later() {
    timed_model(|| {
        let fixture = Fixture::new();
        let load = fixture.load_with("app:x", &due(LATE));
        let (unread, waited) = pump(&fixture, Wait::AtMost(SOON), usize::MAX);
        assert_eq!(unread, 0, "expired before its deadline");
        assert!(waited >= SOON && waited < LATE, "waited for {waited:?}");
        assert!(fixture.cancel(load));
        fixture.end(fixture.events());
    });
}

#[test]
fn evt_10_a_pump_that_may_not_wait_does_not() {
    timed_model(|| {
        let fixture = Fixture::new();
        fixture.load_with("app:x", &due(LATE));
        let before = now();
        assert_eq!(pump(&fixture, Wait::No, usize::MAX).0, 0);
        assert!(now() - before < LATE);
        fixture.end(Vec::new());
    });
}

/// A completion on another thread while the owner waits for the deadline of the load: one of the two
/// wins, and ends the wait.
#[test]
fn req_17_req_22_a_completion_while_the_owner_waits_for_the_deadline() {
    timed_model(|| {
        let fixture = Fixture::new();
        let (_, request) = fixture.kept_request_of(&due(SOON));
        let won = Count::default();
        let peer = {
            let won = won.clone();
            fixture.spawn(move |fixture| {
                won.up_if_won(
                    fixture.courier.request_complete(request, bytes()),
                    Word::Expired,
                );
            })
        };
        let (_, waited) = pump(&fixture, Wait::AtMost(LATE), usize::MAX);
        peer.join().unwrap();
        assert!(waited < LATE, "waited for {waited:?}");
        let events = fixture.events();
        assert_eq!(events.len(), 1, "{events:?}");
        assert_eq!(won.get(), usize::from(!has_expired(&events[0].kind)));
        fixture.courier.request_release(request).unwrap();
        fixture.end(events);
    });
}

/// Ends the first of two loads with deadlines, which are of two sessions: what the owner waits for is the
/// deadline that is left.
fn leaves_no_deadline(end: impl FnOnce(&Fixture, u64, courier_core::Id)) {
    let fixture = Fixture::new();
    let sibling = fixture.courier.session_create(fixture.runtime).unwrap();
    let next = || fixture.courier.runtime_next_wait(fixture.runtime).unwrap();
    assert_eq!(next(), Wait::Forever);
    let (load, request) = fixture.kept_request_of(&due(LATE));
    let later = fixture
        .courier
        .session_load(sibling, "app:y", &due(2 * LATE));
    let is_between =
        |wait, from, to| matches!(wait, Wait::AtMost(left) if left > from && left <= to);
    assert!(is_between(next(), Duration::ZERO, LATE), "{:?}", next());
    end(&fixture, load, request);
    let events = fixture.events();
    assert!(is_between(next(), LATE, 2 * LATE), "{:?} is left", next());
    fixture
        .courier
        .session_cancel(sibling, later.unwrap())
        .unwrap();
    fixture.events();
    assert_eq!(next(), Wait::Forever, "a deadline is left");
    let _ = fixture.courier.request_release(request);
    fixture.courier.session_destroy(sibling).unwrap();
    fixture.end(events);
}

#[test]
fn evt_10_a_completed_load_leaves_no_deadline() {
    model(|| {
        leaves_no_deadline(|fixture, _, request| {
            fixture.courier.request_complete(request, bytes()).unwrap();
        })
    });
}

#[test]
fn evt_10_a_dropped_load_leaves_no_deadline() {
    model(|| {
        leaves_no_deadline(|fixture, _, request| {
            fixture.courier.request_release(request).unwrap();
        })
    });
}

#[test]
fn evt_10_a_cancelled_load_leaves_no_deadline() {
    model(|| leaves_no_deadline(|fixture, load, _| assert!(fixture.cancel(load))));
}

#[test]
fn evt_10_a_session_that_ends_leaves_no_deadline() {
    model(|| {
        leaves_no_deadline(|fixture, _, _| {
            fixture.courier.session_destroy(fixture.session).unwrap();
        })
    });
}

#[test]
fn evt_10_an_expired_load_leaves_no_deadline() {
    model(|| {
        let fixture = Fixture::new();
        fixture.load_with("app:x", &EXPIRED);
        let next = || fixture.courier.runtime_next_wait(fixture.runtime).unwrap();
        assert_eq!(next(), Wait::No);
        let events = fixture.events();
        assert_eq!(next(), Wait::Forever, "a deadline is left");
        fixture.end(events);
    });
}
