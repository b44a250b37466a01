//! Steps that the system may refuse, and a way for tests to have it refuse one.
//!
//! Every step that can fail for want of something (a thread, a file, a handle) asks `step` first. With
//! the feature `test-hooks` a test can have the n-th step refused, and look at what is left; in other
//! builds the question is nothing.

use std::io;

/// A step that the system may refuse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// Opening the root directory.
    OpenRoot,
    /// Listing the root directory.
    ListRoot,
    /// Starting a worker thread.
    Thread,
    /// Issuing a handle.
    Handle,
    /// Opening a file.
    OpenFile,
    /// Asking what kind of file it is.
    FileKind,
    /// Reading a file.
    ReadFile,
}

impl Step {
    /// All of them.
    pub const ALL: [Step; 7] = [
        Step::OpenRoot,
        Step::ListRoot,
        Step::Thread,
        Step::Handle,
        Step::OpenFile,
        Step::FileKind,
        Step::ReadFile,
    ];
}

/// Goes before a step.
///
/// # Errors
/// If a test has planned so.
#[cfg(not(feature = "test-hooks"))]
#[inline(always)]
pub(crate) fn step(_: Step) -> io::Result<()> {
    Ok(())
}

#[cfg(feature = "test-hooks")]
pub(crate) use planned::step;
#[cfg(feature = "test-hooks")]
pub use planned::{Plan, refuse};

#[cfg(feature = "test-hooks")]
mod planned {
    use std::sync::{Mutex, MutexGuard, PoisonError};

    use super::{Step, io};

    /// The steps that are left until one is refused, and the one that was. One for the process; its lock
    /// is no part of any model.
    static STATE: Mutex<State> = Mutex::new(State {
        left: 0,
        refused: None,
    });

    struct State {
        /// The number of steps until the refused one, itself included; 0 for none.
        left: usize,
        refused: Option<Step>,
    }

    fn state() -> MutexGuard<'static, State> {
        STATE.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A plan to refuse one step. One at a time in a process; ends with its drop.
    #[must_use]
    #[derive(Debug)]
    pub struct Plan(());

    /// Has the `nth` step from now on, counted from 1, refused.
    pub fn refuse(nth: usize) -> Plan {
        let mut state = state();
        state.left = nth;
        state.refused = None;
        Plan(())
    }

    impl Plan {
        /// The step that was refused, if it came so far.
        pub fn refused(&self) -> Option<Step> {
            state().refused
        }
    }

    impl Drop for Plan {
        fn drop(&mut self) {
            state().left = 0;
        }
    }

    /// Goes before a step.
    ///
    /// # Errors
    /// If the plan is to refuse this one.
    pub(crate) fn step(step: Step) -> io::Result<()> {
        let mut state = state();
        if state.left == 0 {
            return Ok(());
        }
        state.left -= 1;
        if state.left > 0 {
            return Ok(());
        }
        state.refused = Some(step);
        Err(io::Error::other("refused for a test"))
    }
}
