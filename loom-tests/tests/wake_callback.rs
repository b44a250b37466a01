//! The wake callback: a host loop that waits for it misses nothing, and it ends when it is told to.
//! The logger, whose end is the same, beside it.
#![cfg(not(courier_shuttle))]

use courier_core::sync::Arc;
use courier_core::{Event, Id, Level, Logger, Wait};
use courier_loom::{Bell, Fixture, Watch, bytes, model};

/// A loop of the host's own: waits for the wake callback, pumps with this budget and without
/// parking, drains, until there were so many events.
fn host_loop(fixture: &Fixture, bell: &Bell, budget: usize, count: usize) -> Vec<Event> {
    let mut events = Vec::new();
    while events.len() < count {
        bell.wait();
        let unread = fixture
            .courier
            .runtime_pump(fixture.runtime, Wait::No, budget)
            .unwrap();
        let drained = fixture
            .courier
            .runtime_drain_events(fixture.runtime, unread)
            .unwrap();
        events.extend(drained);
    }
    events
}

fn ring_on_work(fixture: &Fixture) -> Arc<Bell> {
    let bell = Bell::new();
    let rung = Arc::clone(&bell);
    fixture.on_work(move || rung.ring());
    bell
}

/// Completes the requests on a peer thread.
fn complete(
    fixture: &Fixture,
    requests: impl IntoIterator<Item = Id> + Send + 'static,
) -> courier_core::sync::thread::JoinHandle<()> {
    fixture.spawn(move |fixture| {
        for request in requests {
            fixture.courier.request_complete(request, bytes()).unwrap();
            fixture.courier.request_release(request).unwrap();
        }
    })
}

#[test]
fn evt_03_a_host_loop_misses_no_completion() {
    model(|| {
        let fixture = Fixture::new();
        let (_, first) = fixture.kept_request();
        let (_, second) = fixture.kept_request();
        let bell = ring_on_work(&fixture);
        let peer = complete(&fixture, [first, second]);
        let events = host_loop(&fixture, &bell, usize::MAX, 2);
        peer.join().unwrap();
        fixture.end(events);
    });
}

#[test]
fn evt_03_a_host_loop_misses_no_signal() {
    model(|| {
        let fixture = Fixture::new();
        let source = fixture.wake_source();
        let bell = ring_on_work(&fixture);
        let peer = fixture.spawn(move |fixture| {
            fixture.courier.wake_source_signal(source).unwrap();
            fixture.courier.wake_source_release(source).unwrap();
        });
        fixture.pump(Wait::No);
        // Called whether or not that pump took the signal.
        bell.wait();
        peer.join().unwrap();
        fixture.end(Vec::new());
    });
}

#[test]
fn evt_03_a_wake_callback_that_is_set_while_work_arrives_is_called() {
    model(|| {
        let fixture = Fixture::new();
        let (_, request) = fixture.kept_request();
        let peer = complete(&fixture, [request]);
        let bell = ring_on_work(&fixture);
        let events = host_loop(&fixture, &bell, usize::MAX, 1);
        peer.join().unwrap();
        fixture.end(events);
    });
}

#[test]
fn evt_09_a_bounded_pump_that_leaves_work_behind_calls_again() {
    model(|| {
        let fixture = Fixture::new();
        let (_, first) = fixture.kept_request();
        let (_, second) = fixture.kept_request();
        let bell = ring_on_work(&fixture);
        let peer = complete(&fixture, [first, second]);
        let events = host_loop(&fixture, &bell, 1, 2);
        peer.join().unwrap();
        fixture.end(events);
    });
}

#[test]
fn evt_09_a_bounded_pump_takes_one_and_the_next_does_not_park() {
    model(|| {
        let fixture = Fixture::new();
        let (_, first) = fixture.kept_request();
        let (_, second) = fixture.kept_request();
        let peer = complete(&fixture, [first, second]);
        let mut events = Vec::new();
        for _ in 0..2 {
            let pumped = fixture
                .courier
                .runtime_pump(fixture.runtime, Wait::Forever, 0);
            assert_eq!(pumped.unwrap(), 1);
            let drained = fixture.courier.runtime_drain_events(fixture.runtime, 9);
            events.extend(drained.unwrap());
        }
        peer.join().unwrap();
        fixture.end(events);
    });
}

/// A wake callback that is watched, and a peer that has it called.
fn watched() -> (
    Fixture,
    Arc<Watch>,
    courier_core::sync::thread::JoinHandle<()>,
) {
    let fixture = Fixture::new();
    let source = fixture.wake_source();
    let watch = Watch::new();
    {
        let watch = Arc::clone(&watch);
        fixture.on_work(move || watch.call());
    }
    let peer = fixture.spawn(move |fixture| {
        fixture.courier.wake_source_signal(source).unwrap();
        fixture.courier.wake_source_release(source).unwrap();
    });
    (fixture, watch, peer)
}

#[test]
fn cbk_06_clearing_the_wake_callback_waits_and_none_comes_later() {
    model(|| {
        let (fixture, watch, peer) = watched();
        fixture
            .courier
            .runtime_set_on_work(fixture.runtime, None)
            .unwrap();
        watch.quiet();
        peer.join().unwrap();
        assert!(watch.calls() <= 1);
        fixture.end(Vec::new());
    });
}

#[test]
fn cbk_06_replacing_the_wake_callback_waits_for_the_old_one() {
    model(|| {
        let (fixture, watch, peer) = watched();
        let bell = ring_on_work(&fixture);
        watch.quiet();
        peer.join().unwrap();
        if watch.calls() == 0 {
            // Then the new one was told.
            bell.wait();
        }
        fixture.end(Vec::new());
    });
}

#[test]
fn cbk_06_destroying_the_runtime_ends_the_wake_callback() {
    model(|| {
        let (fixture, watch, peer) = watched();
        fixture.courier.session_destroy(fixture.session).unwrap();
        fixture.courier.runtime_destroy(fixture.runtime).unwrap();
        watch.quiet();
        peer.join().unwrap();
        assert!(watch.calls() <= 1);
    });
}

struct Watched(Arc<Watch>);

impl Logger for Watched {
    fn log(&self, _: Level, _: &str) {
        self.0.call();
    }
}

/// Has a peer log a completion while the owner sets the next logger, or none.
fn end_logger(next: Option<(Level, Box<dyn Logger>)>) {
    let fixture = Fixture::new();
    let (_, request) = fixture.kept_request();
    let watch = Watch::new();
    let logger = Watched(Arc::clone(&watch));
    let installed = fixture
        .courier
        .set_logger(Some((Level::Debug, Box::new(logger))));
    installed.unwrap();
    let peer = complete(&fixture, [request]);
    fixture.courier.set_logger(next).unwrap();
    watch.quiet();
    peer.join().unwrap();
    assert!(watch.calls() <= 1);
    fixture.courier.set_logger(None).unwrap();
    fixture.end(fixture.events());
}

#[test]
fn cbk_06_clearing_the_logger_waits_and_none_comes_later() {
    model(|| end_logger(None));
}

#[test]
fn cbk_06_replacing_the_logger_waits_for_the_old_one() {
    model(|| {
        let next = Watched(Watch::new());
        end_logger(Some((Level::Debug, Box::new(next))));
    });
}

/// Two threads replace the logger while a third is inside it. Both wait for it, and the one that stays
/// gets the records that it asked for.
#[test]
fn cbk_01_cbk_06_of_two_that_replace_the_logger_at_once_one_stays() {
    model(|| {
        let fixture = Fixture::new();
        let (_, request) = fixture.kept_request();
        let (_, later) = fixture.kept_request();
        let watches: [Arc<Watch>; 3] = std::array::from_fn(|_| Watch::new());
        let [old, few, all] = &watches;
        let set = |fixture: &Fixture, level, watch: &Arc<Watch>| {
            let logger: Box<dyn Logger> = Box::new(Watched(Arc::clone(watch)));
            fixture.courier.set_logger(Some((level, logger))).unwrap();
        };
        set(&fixture, Level::Debug, old);
        let peer = complete(&fixture, [request]);
        let rival = {
            let (old, few) = (Arc::clone(old), Arc::clone(few));
            fixture.spawn(move |fixture| {
                set(fixture, Level::Error, &few);
                old.quiet();
            })
        };
        set(&fixture, Level::Debug, all);
        old.quiet();
        peer.join().unwrap();
        rival.join().unwrap();
        let before = all.calls();
        fixture.courier.request_complete(later, bytes()).unwrap();
        fixture.courier.request_release(later).unwrap();
        // Dropped, if the other one took its place.
        let stays = Arc::strong_count(all) == 2;
        assert_eq!(all.calls() - before, usize::from(stays), "the wrong level");
        assert_ne!(Arc::strong_count(few) == 2, stays, "both stay, or none");
        assert_eq!((old.calls() <= 1, few.calls()), (true, 0));
        fixture.courier.set_logger(None).unwrap();
        fixture.end(fixture.events());
    });
}
