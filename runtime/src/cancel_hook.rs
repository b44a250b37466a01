//! The callback by which a provider learns at once that its load was cancelled.
//!
//! | state | `set` | `fire` (the cancel) | `clear` | `close` (completion, release) |
//! |---|---|---|---|---|
//! | `Empty` | `Set` | `Closed` | nothing | `Closed` |
//! | `Set` | refused | `Running`, then `Closed` | `Empty`; the hook is dropped | `Closed`; likewise |
//! | `Running` | told of the cancel | impossible: a load is cancelled once | waits, unless that thread waits for this one, or is it | likewise |
//! | `Closed` | told who ended it | nothing | nothing | nothing |
//!
//! The load's one-shot and the request's hold decide who ended it; this decides only whether the hook
//! still runs. `set` looks at them under the lock that `fire` and `close` take after the end was decided:
//! either `set` sees the end, or they see the hook.
//!
//! Hooks run on owner threads, and may release each other's request: a circle of threads, each of which
//! would wait for the next. [`Waits`] knows who waits for whom, and whoever would close a circle goes on.

use std::fmt;

use crate::error::{Error, Word, contain};
use crate::sync::thread::{self, ThreadId};
use crate::sync::{Arc, Condvar, Mutex};
use crate::upcall::Inside;

/// Called at most once, on the thread that cancels.
pub type OnCancel = Box<dyn FnOnce() + Send>;

pub(crate) struct CancelHook {
    state: Mutex<State>,
    ended: Condvar,
    waits: Arc<Waits>,
}

/// Threads that wait for a hook, with the threads that run it: one for all hooks of the library. Locked
/// inside the lock of a hook.
#[derive(Debug)]
pub(crate) struct Waits(Mutex<Vec<Edge>>);

/// From a thread that waits to the one that runs what it waits for. A thread waits for one.
type Edge = (ThreadId, ThreadId);

impl Waits {
    pub(crate) fn new() -> Waits {
        Waits(Mutex::new(Vec::new()))
    }

    /// Notes that `waiter` waits for `runner`. `false`, and nothing is noted, if `runner` is `waiter` or
    /// waits for it, by way of others or not.
    fn begin(&self, waiter: ThreadId, runner: ThreadId) -> bool {
        let mut edges = self.0.lock();
        let waits_for = |thread| edges.iter().find(|(from, _)| *from == thread);
        let mut last = runner;
        // Ends: no edge that is noted closes a circle.
        while let Some((_, next)) = waits_for(last) {
            last = *next;
        }
        if last == waiter {
            return false;
        }
        // Noted before, if it has woken too early.
        edges.retain(|(from, _)| *from != waiter);
        edges.push((waiter, runner));
        true
    }

    /// Notes that nobody waits for `runner` any more.
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
        {
            let mut state = self.state.lock();
            self.waits.end(thread::current_id());
            *state = State::Closed;
        }
        self.ended.notify_all();
        result
    }

    /// `true` if a hook waits for a cancel.
    #[cfg(feature = "test-hooks")]
    pub(crate) fn is_set(&self) -> bool {
        matches!(*self.state.lock(), State::Set(_))
    }

    /// Takes the hook out, after waiting for one that runs on another thread, unless that would be for
    /// ever. It does not run afterwards; another one may be set.
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
        while let State::Running(runner) = *state
            && self.waits.begin(me, runner)
        {
            state = self.ended.wait(state);
        }
        let unused = match *state {
            // From inside the hook, or of a circle of hooks: `fire` closes it.
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
