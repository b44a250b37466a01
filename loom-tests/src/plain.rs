//! Models without a checker: one run on real threads, under a watchdog.

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

/// The time after which a model counts as hung. Generous: it takes milliseconds.
const WATCHDOG: Duration = Duration::from_secs(60);

/// Runs the model once.
///
/// # Panics
/// When the model does, or when it hangs.
pub fn model(body: impl Fn() + Send + Sync + 'static) {
    let (done, ended) = channel();
    let runner = thread::spawn(move || {
        body();
        // The receiver is gone only if the wait has timed out.
        let _ = done.send(());
    });
    match ended.recv_timeout(WATCHDOG) {
        Ok(()) | Err(RecvTimeoutError::Disconnected) => {
            if let Err(panic) = runner.join() {
                std::panic::resume_unwind(panic);
            }
        }
        Err(RecvTimeoutError::Timeout) => panic!("the model hangs: no end after {WATCHDOG:?}"),
    }
}

/// The same as [`model`], because real time always passes.
///
/// # Panics
/// Those of [`model`].
pub fn timed_model(body: impl Fn() + Send + Sync + 'static) {
    model(body);
}
