//! Replacing and clearing a provider while a worker thread calls it, and shutting workers down.
#![cfg(not(courier_shuttle))]

use std::num::NonZeroU8;

use courier_core::sync::Arc;
use courier_core::{Decision, EventKind, Wait, WorkerKind};
use courier_loom::{Fixture, Watch, model};

/// One worker thread, one load, and a watched provider.
fn watched() -> (Fixture, Arc<Watch>) {
    let fixture = Fixture::with_workers(WorkerKind::Threads(NonZeroU8::MIN));
    let watch = Watch::new();
    let seen = Arc::clone(&watch);
    fixture.provider(move |_| {
        seen.call();
        Decision::Fail(String::new())
    });
    fixture.load("app:x");
    (fixture, watch)
}

/// Ends the fixture's world. Returns how many calls there were.
fn end(fixture: &Fixture, watch: &Watch) -> usize {
    fixture.end(Vec::new());
    watch.quiet();
    watch.calls()
}

#[test]
fn cbk_06_clearing_waits_for_a_running_call_and_none_comes_later() {
    model(|| {
        let (fixture, watch) = watched();
        fixture
            .courier
            .runtime_clear_provider(fixture.runtime)
            .unwrap();
        watch.quiet();
        end(&fixture, &watch);
    });
}

#[test]
fn cbk_06_replacing_waits_for_a_running_call_of_the_old_one() {
    model(|| {
        let (fixture, watch) = watched();
        fixture.provider(|_| Decision::Fail(String::new()));
        watch.quiet();
        end(&fixture, &watch);
    });
}

#[test]
fn cbk_06_req_16_destroying_waits_for_a_running_call_and_discards_unrun_jobs() {
    model(|| {
        let (fixture, watch) = watched();
        fixture.load("app:y");
        assert!(end(&fixture, &watch) <= 2);
    });
}

#[test]
fn req_16_a_load_wakes_a_parked_worker_and_its_end_a_parked_owner() {
    model(|| {
        let (fixture, watch) = watched();
        assert_eq!(fixture.pump(Wait::Forever), 1);
        assert_eq!(watch.calls(), 1);
        for event in fixture.events() {
            if let EventKind::Failed(_, text) = event.kind {
                fixture.courier.blob_release(text).unwrap();
            }
        }
        end(&fixture, &watch);
    });
}
