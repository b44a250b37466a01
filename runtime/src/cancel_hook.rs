//! The cancellation callback, by which a provider learns at once that its load was cancelled.
//!
//! | state | `set` | `fire` (the cancel) | `clear` | `close` (completion, release) |
//! |---|---|---|---|---|
//! | `Empty` | `Set` | `Closed` | nothing | `Closed` |
//! | `Set` | refused | `Running`, then `Closed` | `Empty`; the hook is dropped | `Closed`; likewise |
//! | `Running` | told of the cancel | impossible: a load is cancelled once | waits, unless that thread waits for this one, or is it | likewise |
//! | `Closed` | told who ended it | nothing | nothing | nothing |
//!
//! The load's one-shot and the request's hold decide who ends the load. This module decides only whether
//! the hook still runs. `set` reads that decision under the lock that `fire` and `close` take after it was
//! made: either `set` sees the end, or they see the hook.
//!
//! Hooks run on owner threads, and two hooks may release each other's request, so that threads could wait
//! for each other in a circle. [`Waits`] has all these waits; a thread whose wait would close a circle does
//! not wait.

use std::fmt;

use crate::error::{Error, Word, contain};
use crate::sync::thread::{self, ThreadId};
use crate::sync::{Arc, Condvar, Mutex};
use crate::upcall::Inside;

/// A cancellation callback, which is called at most once, on the thread that cancels.
pub type OnCancel = Box<dyn FnOnce() + Send>;

pub(crate) struct CancelHook {
    state: Mutex<State>,
    ended: Condvar,
    waits: Arc<Waits>,
}

/// The list of threads that wait for a hook, each with the thread that runs it. One list for all hooks of an
/// instance; its lock is taken while that of a hook is held.
#[derive(Debug)]
pub(crate) struct Waits(Mutex<Vec<Edge>>);

/// A thread that waits, and the thread that runs the hook. A thread waits for one hook at a time.
type Edge = (ThreadId, ThreadId);

impl Waits {
    pub(crate) fn new() -> Waits {
        Waits(Mutex::new(Vec::new()))
    }

    /// Notes that `waiter` waits for `runner`. Returns `false`, and notes nothing, if `runner` is `waiter` or
    /// waits for it, directly or through others.
    fn begin(&self, waiter: ThreadId, runner: ThreadId) -> bool {
        let mut edges = self.0.lock();
        let waits_for = |thread| edges.iter().find(|(from, _)| *from == thread);
        let mut last = runner;
        // The loop ends, because noted edges never form a circle.
        while let Some((_, next)) = waits_for(last) {
            last = *next;
        }
        if last == waiter {
            return false;
        }
        // A thread that woke too early has noted its edge before.
        edges.retain(|(from, _)| *from != waiter);
        edges.push((waiter, runner));
        true
    }

    /// Notes that no thread waits for `runner` any more.
    fn end(&self, runner: ThreadId) {
        self.0.lock().retain(|(_, to)| *to != runner);
    }
}

enum State {
    Empty,
    Set(OnCancel),
    Running(ThreadId),
    Closed,
}

impl CancelHook {
    pub(crate) fn new(waits: Arc<Waits>) -> CancelHook {
        CancelHook {
            state: Mutex::new(State::Empty),
            ended: Condvar::new(),
            waits,
        }
    }

    /// Stores `hook` if `look` finds the load pending. Returns `true`, and drops the hook, if it finds that the
    /// load was cancelled.
    ///
    /// # Errors
    /// Those of `look`, for every other end of the load; [`Word::CallbackSet`] for a second hook.
    pub(crate) fn set(
        &self,
        hook: OnCancel,
        look: impl FnOnce() -> Result<bool, Error>,
    ) -> Result<bool, Error> {
        let mut state = self.state.lock();
        if look()? {
            return Ok(true);
        }
        match *state {
            State::Empty => {
                *state = State::Set(hook);
                Ok(false)
            }
            State::Set(_) => Err(Error::new(
                Word::CallbackSet,
                "the request has a cancellation callback",
            )),
            State::Running(_) | State::Closed => {
                unreachable!("an end is there to be seen before it closes the hook")
            }
        }
    }

    /// Runs the hook, if there is one. Called once, by the thread that cancelled the load, without a lock.
    ///
    /// # Errors
    /// The text of the hook's panic, which is contained.
    pub(crate) fn fire(&self) -> Result<(), String> {
        let hook = {
            let mut state = self.state.lock();
            match std::mem::replace(&mut *state, State::Closed) {
                State::Set(hook) => {
                    *state = State::Running(thread::current_id());
                    hook
                }
                State::Empty | State::Closed => return Ok(()),
                State::Running(_) => unreachable!("a load is cancelled once"),
            }
        };
        let result = {
            let _inside = Inside::enter();
            contain(hook)
        };
        {
            let mut state = self.state.lock();
            self.waits.end(thread::current_id());
            *state = State::Closed;
        }
        self.ended.notify_all();
        result
    }

    /// Reports whether a hook is set and has not run.
    #[cfg(feature = "test-hooks")]
    pub(crate) fn is_set(&self) -> bool {
        matches!(*self.state.lock(), State::Set(_))
    }

    /// Removes the hook. If it runs on another thread, this waits for its end, unless the wait would never end.
    /// The hook does not run afterwards; another one may be set.
    pub(crate) fn clear(&self) {
        self.take_out(State::Empty);
    }

    /// The same as [`clear`](Self::clear), and no other hook can be set afterwards.
    pub(crate) fn close(&self) {
        self.take_out(State::Closed);
    }

    fn take_out(&self, next: State) {
        let me = thread::current_id();
        let mut state = self.state.lock();
        while let State::Running(runner) = *state
            && self.waits.begin(me, runner)
        {
            state = self.ended.wait(state);
        }
        let unused = match *state {
            // Called from inside the hook, or in a circle of hooks: `fire` closes it.
            State::Running(_) | State::Closed => None,
            State::Empty | State::Set(_) => Some(std::mem::replace(&mut *state, next)),
        };
        drop(state);
        // Outside the lock: a hook's drop is foreign code.
        drop(unused);
    }
}

impl fmt::Debug for CancelHook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match *self.state.lock() {
            State::Empty => "Empty",
            State::Set(_) => "Set",
            State::Running(_) => "Running",
            State::Closed => "Closed",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn threads<const N: usize>() -> [ThreadId; N] {
        std::array::from_fn(|_| {
            let idle = thread::spawn(String::new(), || {}).expect("the system starts a thread");
            let id = idle.thread().id();
            idle.join().expect("it does not panic");
            id
        })
    }

    #[test]
    fn a_wait_that_would_close_a_circle_is_refused() {
        let [one, two, three, four] = threads();
        let waits = Waits::new();
        assert!(!waits.begin(one, one));
        assert!(waits.begin(one, two));
        assert!(!waits.begin(two, one));
        assert!(waits.begin(two, three));
        assert!(!waits.begin(three, one), "through others");
        assert!(waits.begin(four, one), "no circle");
        assert!(waits.begin(one, two), "woken too early");
        assert_eq!(waits.0.lock().len(), 3, "one wait of each thread");
    }

    #[test]
    fn an_end_takes_the_waits_for_one_thread_out_and_no_others() {
        let [one, two, three] = threads();
        let waits = Waits::new();
        assert!(waits.begin(one, three) && waits.begin(two, one));
        waits.end(three);
        assert!(!waits.begin(one, two), "the second still waits");
        assert!(waits.begin(three, one), "the first does not");
    }
}
