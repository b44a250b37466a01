//! The callback by which a provider learns at once that its load was cancelled.
//!
//! | state | `set` | `fire` (the cancel) | `clear` | `close` (completion, release) |
//! |---|---|---|---|---|
//! | `Empty` | `Set` | `Closed` | nothing | `Closed` |
//! | `Set` | refused | `Running`, then `Closed` | `Empty`; the hook is dropped | `Closed`; likewise |
//! | `Running` | told of the cancel | impossible: a load is cancelled once | waits, unless it is the running thread | likewise |
//! | `Closed` | told who ended it | nothing | nothing | nothing |
//!
//! The load's one-shot and the request's hold decide who ended it; this decides only whether the hook
//! still runs. `set` looks at them under the lock that `fire` and `close` take after the end was decided:
//! either `set` sees the end, or they see the hook.

use std::fmt;

use crate::error::{Error, Word, contain};
use crate::sync::thread::{self, ThreadId};
use crate::sync::{Condvar, Mutex};
use crate::upcall::Inside;

/// Called at most once, on the thread that cancels.
pub type OnCancel = Box<dyn FnOnce() + Send>;

pub(crate) struct CancelHook {
    state: Mutex<State>,
    ended: Condvar,
}

enum State {
    Empty,
    Set(OnCancel),
    Running(ThreadId),
    Closed,
}

impl CancelHook {
    pub(crate) fn new() -> CancelHook {
        CancelHook {
            state: Mutex::new(State::Empty),
            ended: Condvar::new(),
        }
    }

    /// Stores `hook`, if `look` finds the load pending. `true` if it finds that the load was cancelled:
    /// the hook is dropped then.
    ///
    /// # Errors
    /// Those of `look`, which sees every other end; [`Word::CallbackSet`] for a second hook.
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

    /// Runs the hook, if there is one. Called once, by whoever cancelled the load. No lock is held.
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
        *self.state.lock() = State::Closed;
        self.ended.notify_all();
        result
    }

    /// Whether a hook waits for a cancel.
    #[cfg(feature = "test-hooks")]
    pub(crate) fn is_set(&self) -> bool {
        matches!(*self.state.lock(), State::Set(_))
    }

    /// Takes the hook out, after waiting for one that runs on another thread. It does not run
    /// afterwards; another one may be set.
    pub(crate) fn clear(&self) {
        self.take_out(State::Empty);
    }

    /// As [`clear`](Self::clear), for good.
    pub(crate) fn close(&self) {
        self.take_out(State::Closed);
    }

    fn take_out(&self, next: State) {
        let me = thread::current_id();
        let mut state = self.state.lock();
        while matches!(*state, State::Running(thread) if thread != me) {
            state = self.ended.wait(state);
        }
        let unused = match *state {
            // From inside the hook: `fire` closes it.
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
