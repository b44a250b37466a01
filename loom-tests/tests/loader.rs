//! The loader on a file that would make it wait. Files are no part of a model: what is looked at here is
//! that a worker comes back.
#![cfg(not(courier_shuttle))]

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use courier_core::{Courier, EventKind, Failure, LoadOptions, RuntimeOptions, Wait, WorkerKind};
use courier_loom::model;

/// Generous: the call takes microseconds.
const WATCHDOG: Duration = Duration::from_secs(20);

/// Frees readers that wait for somebody to write, and remembers that it had to.
struct Rescue {
    done: Sender<()>,
    thread: JoinHandle<bool>,
}

impl Rescue {
    fn new(fifo: PathBuf) -> Rescue {
        let (done, ended) = channel();
        let thread = thread::spawn(move || {
            let timed_out = ended.recv_timeout(WATCHDOG) == Err(RecvTimeoutError::Timeout);
            if timed_out {
                // Ends the wait of readers that are opening it. Open for both, because a writer alone waits
                // for a reader; kept open for those to come.
                let _both = OpenOptions::new().read(true).write(true).open(&fifo);
                let _ = ended.recv();
            }
            timed_out
        });
        Rescue { done, thread }
    }

    /// Ends the watch.
    ///
    /// # Panics
    /// When a reader had to be freed.
    fn end(self) {
        self.done.send(()).unwrap();
        assert!(!self.thread.join().unwrap(), "a worker waited for a FIFO");
    }
}

fn load(root: &Path, url: &str) -> EventKind {
    let courier = Courier::new();
    let options = RuntimeOptions {
        workers: WorkerKind::Stepped,
        root: Some(root.to_owned()),
        ..RuntimeOptions::default()
    };
    let runtime = courier.runtime_create(&options).unwrap();
    let session = courier.session_create(runtime).unwrap();
    courier
        .session_load(session, url, &LoadOptions::default())
        .unwrap();
    assert!(courier.runtime_step(runtime).unwrap());
    courier.runtime_pump(runtime, Wait::No, 1).unwrap();
    let mut events = courier.runtime_drain_events(runtime, 9).unwrap();
    courier.session_destroy(session).unwrap();
    courier.runtime_destroy(runtime).unwrap();
    events.pop().expect("the load has ended").kind
}

#[test]
fn ldr_04_a_file_that_nobody_writes_to_is_refused_at_once() {
    let root = tempfile::tempdir().unwrap();
    let fifo = root.path().join("fifo");
    assert!(
        Command::new("mkfifo")
            .arg(&fifo)
            .status()
            .unwrap()
            .success()
    );
    let rescue = Rescue::new(fifo);
    model(move || {
        let kind = load(root.path(), "file:///fifo");
        assert!(
            matches!(kind, EventKind::Failed(Failure::Io, _)),
            "{kind:?}"
        );
    });
    rescue.end();
}
