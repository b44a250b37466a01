//! The backend of [`sync`](super) in ordinary builds, the standard library, and under
//! `--cfg courier_shuttle`, shuttle, which has the same names.
//!
//! shuttle explores random schedules of a whole program. Its atomics are sequentially consistent, whatever
//! ordering they are given. Its condition variables neither time out nor wake spuriously; loom's models test
//! that.

use std::sync::PoisonError;
use std::time::{Duration, Instant};

#[cfg(courier_shuttle)]
use shuttle as base;
#[cfg(not(courier_shuttle))]
use std as base;

pub use base::sync::Arc;
pub use base::thread_local;

/// Atomic types and their orderings.
pub mod atomic {
    pub use super::base::sync::atomic::{AtomicU8, Ordering};
}

/// Threads: identity and start.
pub mod thread {
    pub use super::base::thread::{JoinHandle, ThreadId};

    /// The identity of the calling OS thread. Never reused within a process.
    pub fn current_id() -> ThreadId {
        #[cfg(all(feature = "test-hooks", not(courier_shuttle)))]
        if let Some(assumed) = ASSUMED.get() {
            return assumed;
        }
        super::base::thread::current().id()
    }

    #[cfg(all(feature = "test-hooks", not(courier_shuttle)))]
    super::thread_local! {
        /// The identity that the thread plays, if it plays one.
        static ASSUMED: std::cell::Cell<Option<ThreadId>> = const { std::cell::Cell::new(None) };
    }

    /// The identity of a thread that has ended.
    ///
    /// # Panics
    /// When the system refuses another thread.
    #[cfg(all(feature = "test-hooks", not(courier_shuttle)))]
    pub(crate) fn new_id() -> ThreadId {
        let thread = spawn("guise".to_owned(), || {}).expect("an identity needs a thread");
        let id = thread.thread().id();
        thread.join().expect("a thread that does nothing ends");
        id
    }

    /// Has the calling thread play another one, or (with `None`) itself. Gives what it played before.
    #[cfg(all(feature = "test-hooks", not(courier_shuttle)))]
    pub(crate) fn assume(id: Option<ThreadId>) -> Option<ThreadId> {
        ASSUMED.replace(id)
    }

    /// Starts a named OS thread with a stack of [`STACK_SIZE`](crate::sync::STACK_SIZE).
    ///
    /// # Errors
    /// The operating system's, when it refuses another thread.
    pub fn spawn<F>(name: String, body: F) -> std::io::Result<JoinHandle<()>>
    where
        F: FnOnce() + Send + 'static,
    {
        super::base::thread::Builder::new()
            .name(name)
            .stack_size(crate::sync::STACK_SIZE)
            .spawn(body)
    }
}

/// The present moment.
pub fn now() -> Instant {
    Instant::now()
}

/// A mutual exclusion lock whose `lock` returns the guard.
#[derive(Debug, Default)]
pub struct Mutex<T>(base::sync::Mutex<T>);

/// Holds a [`Mutex`] until it is dropped.
pub type MutexGuard<'a, T> = base::sync::MutexGuard<'a, T>;

impl<T> Mutex<T> {
    /// Wraps `value`.
    pub fn new(value: T) -> Self {
        Mutex(base::sync::Mutex::new(value))
    }

    /// Blocks until the lock is held.
    pub fn lock(&self) -> MutexGuard<'_, T> {
        #[cfg(feature = "test-hooks")]
        super::points::point();
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A condition variable. Waits may end without a notification.
#[derive(Debug, Default)]
pub struct Condvar(base::sync::Condvar);

impl Condvar {
    /// A condition variable nobody waits on.
    pub fn new() -> Self {
        Self::default()
    }

    /// Releases the lock, waits, and takes the lock again.
    pub fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        self.0.wait(guard).unwrap_or_else(PoisonError::into_inner)
    }

    /// The same as [`wait`](Self::wait), for at most `limit`.
    pub fn wait_timeout<'a, T>(
        &self,
        guard: MutexGuard<'a, T>,
        limit: Duration,
    ) -> MutexGuard<'a, T> {
        self.0
            .wait_timeout(guard, limit)
            .unwrap_or_else(PoisonError::into_inner)
            .0
    }

    /// Wakes one waiter, if there is one.
    pub fn notify_one(&self) {
        self.0.notify_one();
    }

    /// Wakes all waiters.
    pub fn notify_all(&self) {
        self.0.notify_all();
    }
}

/// A cell for data whose exclusive access is granted by a protocol, not by the borrow checker.
#[derive(Debug)]
pub struct UnsafeCell<T>(std::cell::UnsafeCell<T>);

impl<T> UnsafeCell<T> {
    /// Wraps `value`.
    pub fn new(value: T) -> Self {
        UnsafeCell(std::cell::UnsafeCell::new(value))
    }

    /// Passes the pointer to `access` for an exclusive access. The code that dereferences it states the proof.
    pub fn with_mut<R>(&self, access: impl FnOnce(*mut T) -> R) -> R {
        access(self.0.get())
    }
}
