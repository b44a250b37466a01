//! A request against everything that may end its load, or take away what the load lives in.
//!
//! Each cell says what the loser is told: the row's call, if it lost / the column's, if it lost. A dash
//! is a call that cannot lose to the other. `pump` and the calls of teardown are told of success either
//! way; the event, or that there is none, says who won.
//!
//! | peer \ owner | complete | release | cancel | expiry | session end | provider cleared | runtime end |
//! |---|---|---|---|---|---|---|---|
//! | complete | completed / completed | stale / – | cancelled / load-ended | expired / – | cancelled / – | – / – | cancelled / – |
//! | release | (above) | stale / stale | – / load-ended | – / – | – / – | – / – | – / – |
//!
//! The calls of the owner thread come one after the other. Of two, the second is told:
//!
//! | first \ second | cancel | expiry | session end | provider cleared | runtime end |
//! |---|---|---|---|---|---|
//! | cancel | load-ended | – | – | – | – |
//! | expiry | load-ended | – | – | – | – |
//! | session end | stale | – | stale | – | – |
//! | provider cleared | – | – | – | – | – |
//! | runtime end | stale | stale | stale | stale | stale |
//!
//! The provider's own answer is an end, too. Against PASS, a completion and a cancellation callback that
//! come too late are told *stale*, and so is a release.
//!
//! Each model lists every end that there may be. Under loom each of them must be met.
#![cfg(not(courier_shuttle))]

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use courier_core::{Decision, Event, EventKind, Failure, Id, Live, LoadOptions, Wait, Word};
use courier_loom::{EXPIRED, Fixture, bytes, model};

use End::*;
use Ended::*;
use Word::{Cancelled, LoadEnded, Stale};

/// A call that ends a load, or takes away what it lives in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Complete,
    Release,
    Cancel,
    Expire,
    DestroySession,
    ClearProvider,
    DestroyRuntime,
}

/// The outcome of a load, as its event tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Ended {
    AsCompleted,
    AsDropped,
    AsCancelled,
    AsExpired,
    /// By the runtime's own loader, which serves no such URL.
    AsUnserved,
    /// Without an event: its session has ended.
    Silently,
}

/// The answer to a call.
type Answer = Result<(), Word>;

/// The answers to two calls, and the end of the load.
type Cell = (Answer, Answer, Ended);

const WON: Answer = Ok(());
const LOST_TO_A_COMPLETION: Answer = Err(Word::Completed);
const LOST_TO_A_CANCEL: Answer = Err(Cancelled);
const LOST_TO_EXPIRY: Answer = Err(Word::Expired);
const LOST_TO_A_RELEASE: Answer = Err(Stale);
const LOST_TO_AN_END: Answer = Err(LoadEnded);

/// A load whose request a provider keeps.
#[derive(Clone, Debug)]
struct Contest {
    fixture: Fixture,
    load: u64,
    request: Id,
}

impl Contest {
    fn new(options: &LoadOptions) -> Contest {
        let fixture = Fixture::new();
        let (load, request) = fixture.kept_request_of(options);
        fixture.provider(|_| Decision::Pass);
        Contest {
            fixture,
            load,
            request,
        }
    }

    /// Makes the call.
    fn call(&self, end: End) -> Answer {
        let Contest {
            fixture,
            load,
            request,
        } = self;
        let courier = &fixture.courier;
        let answer = match end {
            Complete => courier.request_complete(*request, bytes()),
            Release => courier.request_release(*request),
            Cancel => courier.session_cancel(fixture.session, *load),
            Expire => {
                let pumped = courier.runtime_pump(fixture.runtime, Wait::No, usize::MAX);
                pumped.map(|_| ())
            }
            DestroySession => courier.session_destroy(fixture.session),
            ClearProvider => courier.runtime_clear_provider(fixture.runtime),
            DestroyRuntime => {
                // Stale, if it has ended before.
                let _ = courier.session_destroy(fixture.session);
                courier.runtime_destroy(fixture.runtime)
            }
        };
        answer.map_err(|error| error.word())
    }

    /// Collects the end of the load. Checks that every call is told of it from now on, `silent` if there
    /// is no event, and that nothing is left when the rest has been released.
    fn end(self, silent: Answer) -> Ended {
        let fixture = &self.fixture;
        let courier = &fixture.courier;
        let events = if courier.live().runtimes == 1 {
            fixture.events()
        } else {
            Vec::new()
        };
        let ended = ended(&events);
        if courier.live().requests == 1 {
            let late = match ended {
                AsCompleted => LOST_TO_A_COMPLETION,
                AsExpired => LOST_TO_EXPIRY,
                AsCancelled => LOST_TO_A_CANCEL,
                Silently => silent,
                AsDropped | AsUnserved => panic!("the request is still there: {ended:?}"),
            };
            assert_eq!(self.call(Complete), late);
            let cancelled = [LOST_TO_A_CANCEL, LOST_TO_EXPIRY].contains(&late);
            assert_eq!(courier.request_is_cancelled(self.request), Ok(cancelled));
            let set = courier.request_on_cancel(self.request, Box::new(|| panic!("called")));
            let set = set.map_err(|error| error.word());
            assert_eq!(
                set,
                if cancelled {
                    Ok(true)
                } else {
                    late.map(|()| false)
                }
            );
            assert_eq!(self.call(Release), WON);
        }
        for end in [Complete, Release] {
            assert_eq!(self.call(end), LOST_TO_A_RELEASE);
        }
        if courier.live().runtimes == 1 {
            assert!(fixture.events().is_empty(), "a load ended twice");
            fixture.close(events);
        }
        assert_eq!(courier.live(), Live::default());
        ended
    }
}

fn ended(events: &[Event]) -> Ended {
    match events {
        [] => Silently,
        [event] => match event.kind {
            EventKind::Completed(_) => AsCompleted,
            EventKind::Cancelled => AsCancelled,
            EventKind::Failed(Failure::Dropped, _) => AsDropped,
            EventKind::Failed(Failure::Expired, _) => AsExpired,
            EventKind::Failed(Failure::Unsupported, _) => AsUnserved,
            EventKind::Failed(..) => panic!("{event:?}"),
        },
        several => panic!("a load ended twice: {several:?}"),
    }
}

/// Runs a model that ends in one of `all`, and sees that every schedule together reaches them all.
fn reaches<T>(all: &'static [T], body: impl Fn() -> T + Send + Sync + 'static)
where
    T: PartialEq + std::fmt::Debug + Sync,
{
    let reached = Arc::new(Mutex::new(HashSet::new()));
    {
        let reached = Arc::clone(&reached);
        model(move || {
            let end = body();
            let index = all.iter().position(|each| *each == end);
            let index = index.unwrap_or_else(|| panic!("{end:?} is none of {all:?}"));
            reached.lock().unwrap().insert(index);
        });
    }
    if cfg!(courier_loom) {
        let reached = reached.lock().unwrap();
        let missed: Vec<_> = (0..all.len())
            .filter(|index| !reached.contains(index))
            .collect();
        assert!(
            missed.is_empty(),
            "no schedule ends in {missed:?} of {all:?}"
        );
    }
}

/// Makes one call on a peer thread and the other on the owner's, at the same time.
fn race(peer: End, owner: End, cells: &'static [Cell]) {
    let options = if owner == Expire {
        EXPIRED
    } else {
        LoadOptions::default()
    };
    reaches(cells, move || {
        let contest = Contest::new(&options);
        let answer = Arc::new(Mutex::new(None));
        let thread = {
            let (contest, answer) = (contest.clone(), Arc::clone(&answer));
            contest
                .fixture
                .clone()
                .spawn(move |_| *answer.lock().unwrap() = Some(contest.call(peer)))
        };
        let of_owner = contest.call(owner);
        thread.join().unwrap();
        let of_peer = answer.lock().unwrap().take().expect("the peer has ended");
        let silent = match (peer, of_peer) {
            (Complete, WON) => LOST_TO_A_COMPLETION,
            _ => LOST_TO_A_CANCEL,
        };
        (of_peer, of_owner, contest.end(silent))
    });
}

#[test]
fn req_04_req_17_complete_against_complete() {
    let cells = &[
        (WON, LOST_TO_A_COMPLETION, AsCompleted),
        (LOST_TO_A_COMPLETION, WON, AsCompleted),
    ];
    race(Complete, Complete, cells);
}

#[test]
fn req_05_req_12_req_17_complete_against_release() {
    let cells = &[(WON, WON, AsCompleted), (LOST_TO_A_RELEASE, WON, AsDropped)];
    race(Complete, Release, cells);
}

#[test]
fn req_07_req_16_req_17_complete_against_cancel() {
    let cells = &[
        (WON, LOST_TO_AN_END, AsCompleted),
        (LOST_TO_A_CANCEL, WON, AsCancelled),
    ];
    race(Complete, Cancel, cells);
}

#[test]
fn req_17_req_22_complete_against_expiry() {
    let cells = &[(WON, WON, AsCompleted), (LOST_TO_EXPIRY, WON, AsExpired)];
    race(Complete, Expire, cells);
}

#[test]
fn req_05_req_17_evt_07_complete_against_the_end_of_the_session() {
    let cells = &[(WON, WON, Silently), (LOST_TO_A_CANCEL, WON, Silently)];
    race(Complete, DestroySession, cells);
}

#[test]
fn req_17_req_13_complete_against_the_clearing_of_the_provider() {
    race(Complete, ClearProvider, &[(WON, WON, AsCompleted)]);
}

#[test]
fn req_05_req_17_complete_against_the_end_of_the_runtime() {
    let cells = &[(WON, WON, Silently), (LOST_TO_A_CANCEL, WON, Silently)];
    race(Complete, DestroyRuntime, cells);
}

#[test]
fn hdl_08_req_05_req_17_release_against_release() {
    let cells = &[
        (WON, LOST_TO_A_RELEASE, AsDropped),
        (LOST_TO_A_RELEASE, WON, AsDropped),
    ];
    race(Release, Release, cells);
}

#[test]
fn req_14_req_16_req_17_release_against_cancel() {
    let cells = &[(WON, LOST_TO_AN_END, AsDropped), (WON, WON, AsCancelled)];
    race(Release, Cancel, cells);
}

#[test]
fn req_14_req_17_req_22_release_against_expiry() {
    race(
        Release,
        Expire,
        &[(WON, WON, AsDropped), (WON, WON, AsExpired)],
    );
}

#[test]
fn req_05_req_17_evt_07_release_against_the_end_of_the_session() {
    race(Release, DestroySession, &[(WON, WON, Silently)]);
}

#[test]
fn req_13_req_14_req_17_release_against_the_clearing_of_the_provider() {
    race(Release, ClearProvider, &[(WON, WON, AsDropped)]);
}

#[test]
fn req_05_req_17_release_against_the_end_of_the_runtime() {
    race(Release, DestroyRuntime, &[(WON, WON, Silently)]);
}

/// Calls of the owner thread, in every order of two, with what the second is told, and the end of a
/// load whose deadline has passed.
const IN_TURN: &[(End, End, Answer, Ended)] = &[
    (Cancel, Cancel, LOST_TO_AN_END, AsCancelled),
    (Cancel, Expire, WON, AsCancelled),
    (Cancel, DestroySession, WON, Silently),
    (Cancel, ClearProvider, WON, AsCancelled),
    (Cancel, DestroyRuntime, WON, Silently),
    (Expire, Cancel, LOST_TO_AN_END, AsExpired),
    (Expire, Expire, WON, AsExpired),
    (Expire, DestroySession, WON, Silently),
    (Expire, ClearProvider, WON, AsExpired),
    (Expire, DestroyRuntime, WON, Silently),
    (DestroySession, Cancel, Err(Stale), Silently),
    (DestroySession, Expire, WON, Silently),
    (DestroySession, DestroySession, Err(Stale), Silently),
    (DestroySession, ClearProvider, WON, Silently),
    (DestroySession, DestroyRuntime, WON, Silently),
    (ClearProvider, Cancel, WON, AsCancelled),
    (ClearProvider, Expire, WON, AsExpired),
    (ClearProvider, DestroySession, WON, Silently),
    (ClearProvider, ClearProvider, WON, AsExpired),
    (ClearProvider, DestroyRuntime, WON, Silently),
    (DestroyRuntime, Cancel, Err(Stale), Silently),
    (DestroyRuntime, Expire, Err(Stale), Silently),
    (DestroyRuntime, DestroySession, Err(Stale), Silently),
    (DestroyRuntime, ClearProvider, Err(Stale), Silently),
    (DestroyRuntime, DestroyRuntime, Err(Stale), Silently),
];

#[test]
fn req_17_of_two_calls_of_the_owner_the_second_is_told_who_was_first() {
    for (first, second, answer, ended) in IN_TURN {
        model(move || {
            let contest = Contest::new(&EXPIRED);
            assert_eq!(contest.call(*first), WON, "{first:?}");
            assert_eq!(contest.call(*second), *answer, "{first:?}, then {second:?}");
            let silent = match first {
                Expire => LOST_TO_EXPIRY,
                _ => LOST_TO_A_CANCEL,
            };
            assert_eq!(contest.end(silent), *ended, "{first:?}, then {second:?}");
        });
    }
}

/// Two peers and the owner. Of the three ends one wins, and each loser is told which.
#[test]
fn req_17_complete_release_and_cancel_at_once() {
    let ends = &[
        (WON, WON, LOST_TO_AN_END, AsCompleted),
        (LOST_TO_A_RELEASE, WON, LOST_TO_AN_END, AsDropped),
        (LOST_TO_A_RELEASE, WON, WON, AsCancelled),
        (LOST_TO_A_CANCEL, WON, WON, AsCancelled),
    ];
    reaches(ends, || {
        let contest = Contest::new(&LoadOptions::default());
        let answer: [_; 2] = std::array::from_fn(|_| Arc::new(Mutex::new(None)));
        let peers = [Complete, Release]
            .into_iter()
            .zip(&answer)
            .map(|(end, answer)| {
                let (contest, answer) = (contest.clone(), Arc::clone(answer));
                contest
                    .fixture
                    .clone()
                    .spawn(move |_| *answer.lock().unwrap() = Some(contest.call(end)))
            });
        let peers: Vec<_> = peers.collect();
        let of_owner = contest.call(Cancel);
        for peer in peers {
            peer.join().unwrap();
        }
        let [completed, released] = answer.map(|answer| answer.lock().unwrap().take().unwrap());
        let ended = contest.end(LOST_TO_A_CANCEL);
        (completed, released, of_owner, ended)
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

/// Has a provider answer PASS while a peer makes a call on the request. Returns what that call was
/// told, what the release after it was told, and how the load ended.
fn pass_against(call: impl FnOnce(&Fixture, Id) -> Answer + Send + 'static) -> Cell {
    let fixture = Fixture::new();
    let told = Arc::new(Mutex::new(None));
    let peer = Arc::new(Mutex::new(None));
    {
        let (peer, told) = (Arc::clone(&peer), Arc::clone(&told));
        // Without the provider itself, which the runtime owns: that would be a cycle.
        let task = Mutex::new(Some((fixture.clone(), call)));
        fixture.provider(move |request| {
            let (fixture, call) = task.lock().unwrap().take().expect("one call");
            let told = Arc::clone(&told);
            let thread = fixture.spawn(move |fixture| {
                let answer = call(fixture, request);
                let released = fixture.courier.request_release(request);
                let released = released.map_err(|error| error.word());
                *told.lock().unwrap() = Some((answer, released));
            });
            *peer.lock().unwrap() = Some(thread);
            Decision::Pass
        });
    }
    fixture.load("app:x");
    assert!(fixture.courier.runtime_step(fixture.runtime).unwrap());
    let peer = peer
        .lock()
        .unwrap()
        .take()
        .expect("the provider was called");
    peer.join().unwrap();
    let (answer, released) = told.lock().unwrap().take().expect("the peer has ended");
    let events = fixture.events();
    let ended = ended(&events);
    fixture.end(events);
    (answer, released, ended)
}

/// The provider hands the request to another thread and answers PASS all the same. A completion that
/// was in time makes the request the provider's; one that was not finds that there is none.
#[test]
fn req_09_req_16_req_17_complete_against_the_providers_pass() {
    let cells = &[
        (WON, WON, AsCompleted),
        (Err(Stale), Err(Stale), AsUnserved),
    ];
    reaches(cells, || {
        pass_against(|fixture, request| {
            let told = fixture.courier.request_complete(request, bytes());
            told.map_err(|error| error.word())
        })
    });
}

#[test]
fn req_05_req_17_release_against_the_providers_pass() {
    let cells = &[
        (WON, Err(Stale), AsDropped),
        (Err(Stale), Err(Stale), AsUnserved),
    ];
    reaches(cells, || {
        pass_against(|fixture, request| {
            let told = fixture.courier.request_release(request);
            told.map_err(|error| error.word())
        })
    });
}

/// A callback that was set in time is dropped with the request, uncalled.
#[test]
fn req_17_req_21_a_cancellation_callback_against_the_providers_pass() {
    let cells = &[
        (WON, WON, AsDropped),
        (WON, Err(Stale), AsUnserved),
        (Err(Stale), Err(Stale), AsUnserved),
    ];
    reaches(cells, || {
        pass_against(|fixture, request| {
            let set = fixture
                .courier
                .request_on_cancel(request, Box::new(|| panic!("called")));
            let told = set.map(|told| assert!(!told, "nobody cancelled"));
            told.map_err(|error| error.word())
        })
    });
}
