//! Replacing and clearing a provider while a worker thread calls it, and shutting workers down.

use std::num::NonZeroU8;

use courier_core::sync::{Arc, Mutex};
use courier_core::{Decision, EventKind, Live, Wait, WorkerKind};
use courier_loom::{Fixture, model};

/// Watches the provider's calls. A lock of the model's own, not a plain atomic: loom tries the
/// schedules in which two threads meet only at what it knows that both touch.
#[derive(Debug)]
struct Watch(Mutex<Seen>);

#[derive(Debug, Default)]
struct Seen {
    inside: bool,
    cleared: bool,
    late: bool,
    calls: usize,
}

impl Watch {
    /// What a provider call does. Must not panic: the runtime would contain that.
    fn call(&self) -> Decision {
        {
            let mut seen = self.0.lock();
            seen.inside = true;
            seen.calls += 1;
            seen.late |= seen.cleared;
        }
        self.0.lock().inside = false;
        Decision::Fail(String::new())
    }

    /// What holds when a replace, clear or destroy has returned.
    fn quiet(&self) {
        let mut seen = self.0.lock();
        seen.cleared = true;
        assert!(!seen.inside, "returned during a call");
    }
}

/// One worker thread, one load, and a watched provider.
fn watched() -> (Fixture, Arc<Watch>) {
    let fixture = Fixture::with_workers(WorkerKind::Threads(NonZeroU8::MIN));
    let watch = Arc::new(Watch(Mutex::new(Seen::default())));
    let seen = Arc::clone(&watch);
    fixture.provider(move |_| seen.call());
    fixture.load("app:x");
    (fixture, watch)
}

fn end(fixture: &Fixture, watch: &Watch) {
    fixture.courier.session_destroy(fixture.session).unwrap();
    fixture.courier.runtime_destroy(fixture.runtime).unwrap();
    watch.quiet();
    assert!(!watch.0.lock().late, "called after it was cleared");
    assert_eq!(fixture.courier.live(), Live::default());
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
        end(&fixture, &watch);
        assert!(watch.0.lock().calls <= 2);
    });
}

#[test]
fn req_16_a_load_wakes_a_parked_worker_and_its_end_a_parked_owner() {
    model(|| {
        let (fixture, watch) = watched();
        assert_eq!(fixture.pump(Wait::Forever), 1);
        assert_eq!(watch.0.lock().calls, 1);
        for event in fixture.events() {
            if let EventKind::Failed(_, text) = event.kind {
                fixture.courier.blob_release(text).unwrap();
            }
        }
        end(&fixture, &watch);
    });
}
