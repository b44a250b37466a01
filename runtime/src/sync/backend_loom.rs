//! The backend of [`sync`](super) under `--cfg courier_loom`: the loom model checker.
//!
//! loom explores every schedule of a small test, within a bound. The cfg is not called `loom`, because some
//! dependencies know that one and would be built differently.

use std::ops::{Deref, DerefMut};
use std::sync::LazyLock;
use std::sync::atomic::{
    AtomicBool, AtomicU8 as StdAtomicU8, AtomicU64 as StdAtomicU64, Ordering as StdOrdering,
};
use std::time::{Duration, Instant};

pub use loom::cell::UnsafeCell;
pub use loom::sync::Arc;
pub use loom::thread_local;

/// Atomic types and their orderings.
pub mod atomic {
    pub use loom::sync::atomic::{AtomicU8, Ordering};
}

/// Threads: identity and start.
pub mod thread {
    pub use loom::thread::{JoinHandle, ThreadId};

    /// The identity of the calling thread.
    pub fn current_id() -> ThreadId {
        loom::thread::current().id()
    }

    /// Starts a named thread, with loom's own stack size.
    ///
    /// # Errors
    /// None: loom panics beyond its limit of threads.
    pub fn spawn<F>(name: String, body: F) -> std::io::Result<JoinHandle<()>>
    where
        F: FnOnce() + Send + 'static,
    {
        loom::thread::Builder::new().name(name).spawn(body)
    }
}

/// A mutual exclusion lock whose `lock` returns the guard.
#[derive(Debug)]
pub struct Mutex<T>(loom::sync::Mutex<T>);

impl<T> Mutex<T> {
    /// Wraps `value`.
    pub fn new(value: T) -> Self {
        Mutex(loom::sync::Mutex::new(value))
    }

    /// Blocks until the lock is held.
    pub fn lock(&self) -> MutexGuard<'_, T> {
        MutexGuard {
            mutex: self,
            locked: self.0.lock().expect("a panic fails the whole model"),
        }
    }
}

/// Holds a [`Mutex`] until it is dropped. It refers to its mutex, so that a wait can release and retake the
/// lock.
#[derive(Debug)]
pub struct MutexGuard<'a, T> {
    mutex: &'a Mutex<T>,
    locked: loom::sync::MutexGuard<'a, T>,
}

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.locked
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.locked
    }
}

/// True if waits reach their time limit.
static TIME_PASSES: AtomicBool = AtomicBool::new(false);
/// The moment at which the model's clock began.
static BEGINNING: LazyLock<Instant> = LazyLock::new(Instant::now);
/// Nanoseconds on the model's clock, which only waits move.
static PASSED: StdAtomicU64 = StdAtomicU64::new(0);

/// Makes every wait with a time limit reach it at once. The wait moves the model's clock, so that a model can
/// measure its length. When off, only a notification ends such a wait, and the clock stands still.
pub fn let_time_pass(on: bool) {
    TIME_PASSES.store(on, StdOrdering::SeqCst);
}

/// The present moment on the model's clock.
pub fn now() -> Instant {
    *BEGINNING + Duration::from_nanos(PASSED.load(StdOrdering::SeqCst))
}

/// True if the first wait on each condition variable ends without a notification.
static SPURIOUS: AtomicBool = AtomicBool::new(false);

/// Switches spurious wake-ups on or off. loom's own condition variable has none, so that it would not see an
/// `if` in place of a `while`. A model runs once with them and once without.
pub fn inject_spurious_wake_ups(on: bool) {
    SPURIOUS.store(on, StdOrdering::SeqCst);
}

/// A condition variable.
#[derive(Debug)]
pub struct Condvar {
    inner: loom::sync::Condvar,
    /// The number of spurious wake-ups that are left. A plain atomic, which is no part of the model's state.
    spurious: StdAtomicU8,
}

impl Condvar {
    /// A condition variable nobody waits on.
    #[expect(clippy::new_without_default, reason = "the std backend derives it")]
    pub fn new() -> Self {
        Condvar {
            inner: loom::sync::Condvar::new(),
            spurious: StdAtomicU8::new(u8::from(SPURIOUS.load(StdOrdering::SeqCst))),
        }
    }

    /// Releases the lock, waits, and takes the lock again.
    pub fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        let MutexGuard { mutex, locked } = guard;
        if self.spurious.swap(0, StdOrdering::SeqCst) == 1 {
            drop(locked);
            return mutex.lock();
        }
        let locked = self.inner.wait(locked);
        MutexGuard {
            mutex,
            locked: locked.expect("a panic fails the whole model"),
        }
    }

    /// The same as [`wait`](Self::wait). If [time passes](let_time_pass), it reaches its limit, and other
    /// threads may run meanwhile.
    pub fn wait_timeout<'a, T>(
        &self,
        guard: MutexGuard<'a, T>,
        limit: Duration,
    ) -> MutexGuard<'a, T> {
        if !TIME_PASSES.load(StdOrdering::SeqCst) {
            return self.wait(guard);
        }
        let MutexGuard { mutex, locked } = guard;
        drop(locked);
        let limit = u64::try_from(limit.as_nanos()).expect("a model waits for less than centuries");
        PASSED.fetch_add(limit, StdOrdering::SeqCst);
        mutex.lock()
    }

    /// Wakes one waiter, if there is one.
    pub fn notify_one(&self) {
        self.inner.notify_one();
    }

    /// Wakes all waiters.
    pub fn notify_all(&self) {
        self.inner.notify_all();
    }
}
