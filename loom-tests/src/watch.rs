//! Observers and signals for models.

use std::sync::atomic::{AtomicUsize, Ordering};

use courier_core::sync::{Arc, Condvar, Mutex};
use courier_core::{Error, Word};

/// Watches the calls of one callback. A lock of the model's own, not a plain atomic: loom tries the
/// schedules in which two threads meet only at what it knows that both touch.
#[derive(Debug)]
pub struct Watch(Mutex<Observation>);

#[derive(Debug, Default)]
struct Observation {
    inside: usize,
    quiet: bool,
    late: bool,
    calls: usize,
}

impl Watch {
    /// A watch that has seen no call.
    pub fn new() -> Arc<Watch> {
        Arc::new(Watch(Mutex::new(Observation::default())))
    }

    /// Notes one call, from inside the callback. Does not panic: the runtime would contain that.
    pub fn call(&self) {
        {
            let mut seen = self.0.lock();
            seen.inside += 1;
            seen.calls += 1;
            seen.late |= seen.quiet;
        }
        self.0.lock().inside -= 1;
    }

    /// Notes that the callback was ended. From here on no call may run.
    ///
    /// # Panics
    /// When a call is running.
    pub fn quiet(&self) {
        let mut seen = self.0.lock();
        seen.quiet = true;
        assert_eq!(seen.inside, 0, "returned during a call");
    }

    /// The number of calls.
    ///
    /// # Panics
    /// When there was one after [`quiet`](Self::quiet).
    pub fn calls(&self) -> usize {
        let seen = self.0.lock();
        assert!(!seen.late, "called after it was ended");
        seen.calls
    }
}

/// A signal between threads. It stays rung until a thread has waited for it.
#[derive(Debug)]
pub struct Bell {
    rung: Mutex<bool>,
    changed: Condvar,
}

impl Bell {
    /// A bell that is not rung.
    pub fn new() -> Arc<Bell> {
        Arc::new(Bell {
            rung: Mutex::new(false),
            changed: Condvar::new(),
        })
    }

    /// Ends the current or the next wait.
    pub fn ring(&self) {
        *self.rung.lock() = true;
        self.changed.notify_one();
    }

    /// Waits until it is rung. For one thread at a time.
    pub fn wait(&self) {
        let mut rung = self.rung.lock();
        while !*rung {
            rung = self.changed.wait(rung);
        }
        *rung = false;
    }
}

/// Counts what threads did. A plain atomic: no part of the model's own state.
#[derive(Clone, Debug, Default)]
pub struct Count(std::sync::Arc<AtomicUsize>);

impl Count {
    /// Adds one.
    pub fn up(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }

    /// Adds one if the call succeeded; else it must have been refused with `lost`.
    pub fn up_if_won(&self, result: Result<(), Error>, lost: Word) {
        match result {
            Ok(()) => self.up(),
            Err(error) => assert_eq!(error.word(), lost),
        }
    }

    /// The count.
    pub fn get(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}
