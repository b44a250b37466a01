//! The callback by which a provider learns at once that its load was cancelled.
//!
//! | state | `set` | `fire` (the cancel) | `clear` | `close` (completion, release) |
//! |---|---|---|---|---|
//! | `Empty` | `Set` | `Closed` | nothing | `Closed` |
//! | `Set` | refused | `Running`, then `Closed` | `Empty`; the hook is dropped | `Closed`; likewise |
//! | `Running` | refused | impossible: a load is cancelled once | waits, unless it is the running thread | likewise |
//! | `Closed` | refused, or told of the cancel | nothing | nothing | nothing |
//!
//! The load's one-shot decides who ended it; this decides only whether the hook still runs. `set`
//! looks at the one-shot under the lock that `fire` takes after the cancel was decided: either `set`
//! sees the cancel, or `fire` sees the hook.

use std::fmt;

use crate::error::{Error, Word, contain};
use crate::oneshot::Winner;
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

    /// Stores `hook`, unless the load has ended. `true` if it was cancelled before: the hook is
    /// dropped then.
    ///
    /// # Errors
    /// [`Word::Completed`] and [`Word::LoadEnded`]; [`Word::CallbackSet`] for a second hook.
    pub(crate) fn set(
        &self,
        hook: OnCancel,
        winner: impl Fn() -> Option<Winner>,
    ) -> Result<bool, Error> {
        let mut state = self.state.lock();
        match winner() {
            Some(Winner::Cancel | Winner::Deadline) => return Ok(true),
            Some(Winner::Provider) => {
                return Err(Error::new(Word::Completed, "the request was completed"));
            }
            Some(Winner::Loader) => return Err(Error::new(Word::LoadEnded, "the load has ended")),
            None => {}
        }
        if !matches!(*state, State::Empty) {
            return Err(Error::new(
                Word::CallbackSet,
                "the request has a cancellation callback",
            ));
        }
        *state = State::Set(hook);
        Ok(false)
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
        f.debug_struct("CancelHook").finish_non_exhaustive()
    }
}
