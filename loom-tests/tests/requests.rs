//! A request against everything that may end its load.
//!
//! On the peer thread × on the owner thread:
//!
//! | | complete | release | cancel | session destroy |
//! |---|---|---|---|---|
//! | complete | `req_04` | `req_12` | `req_07` | `req_05_…_teardown` |
//! | release | (mirrored) | `hdl_08` | `req_14` | `req_05_…_drop` |
//!
//! and a completion against the provider's own PASS, and against a cancel of another load.

use courier_core::{Decision, EventKind, Failure, Live, Word};
use courier_loom::{Count, Fixture, bytes, model};

#[test]
fn req_04_of_two_completions_one_is_refused_without_effect() {
    model(|| {
        let fixture = Fixture::new();
        let (_, request) = fixture.kept_request();
        let won = Count::default();
        let complete = {
            let won = won.clone();
            move |fixture: &Fixture| {
                won.up_if_won(
                    fixture.courier.request_complete(request, bytes()),
                    Word::Completed,
                );
            }
        };
        let peer = fixture.spawn(complete.clone());
        complete(&fixture);
        peer.join().unwrap();
        assert_eq!(won.get(), 1);
        let events = fixture.events();
        assert_eq!(events.len(), 1, "{events:?}");
        fixture.courier.request_release(request).unwrap();
        fixture.end(events);
    });
}

#[test]
fn req_07_req_16_req_17_complete_against_cancel_ends_the_load_once() {
    model(|| {
        let fixture = Fixture::new();
        let (load, request) = fixture.kept_request();
        let won = Count::default();
        let peer = {
            let won = won.clone();
            fixture.spawn(
                move |fixture| match fixture.courier.request_complete(request, bytes()) {
                    Ok(()) => won.up(),
                    Err(error) => {
                        assert_eq!(error.word(), Word::Cancelled);
                        assert!(fixture.courier.request_is_cancelled(request).unwrap());
                    }
                },
            )
        };
        let cancelled = fixture.cancel(load);
        peer.join().unwrap();
        assert_eq!(won.get(), usize::from(!cancelled));
        let events = fixture.events();
        assert_eq!(events.len(), 1, "{events:?}");
        assert_eq!(events[0].kind == EventKind::Cancelled, cancelled);
        fixture.courier.request_release(request).unwrap();
        fixture.end(events);
    });
}

#[test]
fn req_05_req_12_release_waits_for_a_completion_in_flight() {
    model(|| {
        let fixture = Fixture::new();
        let (_, request) = fixture.kept_request();
        let won = Count::default();
        let peer = {
            let won = won.clone();
            fixture.spawn(move |fixture| {
                match fixture.courier.request_complete(request, bytes()) {
                    Ok(()) => won.up(),
                    // It was released first: either the id is gone, or the release ended the load.
                    Err(error) => {
                        assert!(
                            [Word::Stale, Word::Completed].contains(&error.word()),
                            "{error}"
                        );
                    }
                }
            })
        };
        fixture.courier.request_release(request).unwrap();
        // Whoever it was, the load has ended, and its end has been posted: nothing is in flight.
        let events = fixture.events();
        assert_eq!(events.len(), 1, "{events:?}");
        peer.join().unwrap();
        let completed = matches!(events[0].kind, EventKind::Completed(_));
        assert_eq!(won.get(), usize::from(completed));
        fixture.end(events);
    });
}

#[test]
fn hdl_08_req_05_of_two_releases_one_wins() {
    model(|| {
        let fixture = Fixture::new();
        let (_, request) = fixture.kept_request();
        let won = Count::default();
        let release = {
            let won = won.clone();
            move |fixture: &Fixture| {
                won.up_if_won(fixture.courier.request_release(request), Word::Stale);
            }
        };
        let peer = fixture.spawn(release.clone());
        release(&fixture);
        peer.join().unwrap();
        assert_eq!(won.get(), 1);
        let events = fixture.events();
        assert_eq!(events.len(), 1, "{events:?}");
        assert!(matches!(
            events[0].kind,
            EventKind::Failed(Failure::Dropped, _)
        ));
        fixture.end(events);
    });
}

#[test]
fn req_14_req_16_release_without_completion_against_cancel_ends_the_load_once() {
    model(|| {
        let fixture = Fixture::new();
        let (load, request) = fixture.kept_request();
        let peer = fixture.spawn(move |fixture| fixture.courier.request_release(request).unwrap());
        let cancelled = fixture.cancel(load);
        peer.join().unwrap();
        let events = fixture.events();
        assert_eq!(events.len(), 1, "{events:?}");
        assert_eq!(events[0].kind == EventKind::Cancelled, cancelled);
        fixture.end(events);
    });
}

#[test]
fn req_05_evt_07_complete_and_release_against_teardown_leave_no_event() {
    model(|| {
        let fixture = Fixture::new();
        let (_, request) = fixture.kept_request();
        let peer = fixture.spawn(move |fixture| {
            if let Err(error) = fixture.courier.request_complete(request, bytes()) {
                assert_eq!(error.word(), Word::Cancelled);
            }
            fixture.courier.request_release(request).unwrap();
        });
        fixture.courier.session_destroy(fixture.session).unwrap();
        let during = fixture.events();
        peer.join().unwrap();
        let after = fixture.events();
        assert!(
            during.is_empty() && after.is_empty(),
            "{during:?} {after:?}"
        );
        fixture.end(Vec::new());
    });
}

#[test]
fn req_05_a_drop_against_the_runtimes_end_is_harmless() {
    model(|| {
        let fixture = Fixture::new();
        let (_, request) = fixture.kept_request();
        let peer = fixture.spawn(move |fixture| fixture.courier.request_release(request).unwrap());
        fixture.courier.session_destroy(fixture.session).unwrap();
        fixture.courier.runtime_destroy(fixture.runtime).unwrap();
        peer.join().unwrap();
        assert_eq!(fixture.courier.live(), Live::default());
    });
}

#[test]
fn req_20_a_cancel_reaches_its_own_load_only() {
    model(|| {
        let fixture = Fixture::new();
        let (first, request) = fixture.kept_request();
        let (second, other) = fixture.kept_request();
        let peer = fixture.spawn(move |fixture| {
            fixture.courier.request_complete(other, bytes()).unwrap();
            fixture.courier.request_release(other).unwrap();
        });
        fixture
            .courier
            .session_cancel(fixture.session, first)
            .unwrap();
        peer.join().unwrap();
        let mut events = fixture.events();
        events.sort_by_key(|event| event.load);
        assert_eq!(events.len(), 2, "{events:?}");
        assert_eq!(
            (events[0].load, &events[0].kind),
            (first, &EventKind::Cancelled)
        );
        assert!(
            matches!(events[1].kind, EventKind::Completed(_)),
            "{events:?}"
        );
        assert_eq!(events[1].load, second);
        fixture.courier.request_release(request).unwrap();
        fixture.end(events);
    });
}

/// The provider hands the request to another thread and answers PASS all the same: whoever is
/// first, the load ends once, and the request does not outlive both.
#[test]
fn req_09_req_16_a_completion_against_the_providers_pass_ends_the_load_once() {
    model(|| {
        let fixture = Fixture::new();
        let peers = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
        {
            let peers = std::sync::Arc::clone(&peers);
            // Not the fixture itself, which owns the provider: that would be a cycle.
            let handle = courier_core::sync::Arc::clone(&fixture.courier);
            let handle = std::sync::Mutex::new(Some(handle));
            fixture.provider(move |request| {
                let courier = handle.lock().unwrap().take().expect("one call");
                let complete = move || {
                    // Any answer is fine: completed, or stale because it was taken back.
                    let _ = courier.request_complete(request, bytes());
                    let _ = courier.request_release(request);
                };
                let peer = courier_core::sync::thread::spawn("peer".to_owned(), complete);
                peers.lock().unwrap().push(peer.unwrap());
                Decision::Pass
            });
        }
        fixture.load("app:x");
        assert!(fixture.courier.runtime_step(fixture.runtime).unwrap());
        for peer in peers.lock().unwrap().drain(..) {
            peer.join().unwrap();
        }
        let events = fixture.events();
        assert_eq!(events.len(), 1, "{events:?}");
        fixture.end(events);
    });
}
