//! Steps that the system may refuse, and a way for tests to have it refuse one.
//!
//! Every step that needs a resource which may be lacking (a thread, a file, a handle) calls `step` first. With
//! the feature `test-hooks` a test can have the n-th step refused, and check the state afterwards. In other
//! builds `step` does nothing.
//!
//! Memory is no such step. The library maps none: a retained buffer is the host's, mapped or not, and a mapping
//! that the system refuses is refused to the host before there is a call. An allocation that fails ends the
//! process, as everywhere in Rust.

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
    /// Reading the kind of a file.
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

/// Called before each step.
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

    /// The number of steps until one is refused, and the step that was. One for the process; its lock is no
    /// part of any model.
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

    /// A plan to refuse one step, until it is dropped. A process has one at a time.
    #[must_use]
    #[derive(Debug)]
    pub struct Plan(());

    /// Plans to refuse the `nth` step from now on, counted from 1.
    pub fn refuse(nth: usize) -> Plan {
        let mut state = state();
        state.left = nth;
        state.refused = None;
        Plan(())
    }

    impl Plan {
        /// The step that was refused, if it has been reached.
        pub fn refused(&self) -> Option<Step> {
            state().refused
        }
    }

    impl Drop for Plan {
        fn drop(&mut self) {
            state().left = 0;
        }
    }

    /// Called before each step.
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

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    /// Calls of the system that may fail, as they are written here.
    const CALLS: [&str; 6] = [
        "Dir::open",
        ".entries()",
        ".open_with(",
        ".metadata()",
        ".read_to_end(",
        "thread::spawn(",
    ];

    /// Modules with more of them.
    const OTHERS: [&str; 3] = ["std::fs", "std::net", "std::process"];

    /// The lines of a module without its unit tests.
    fn code(path: &Path) -> Vec<String> {
        let text = fs::read_to_string(path).unwrap();
        let lines = text.lines().take_while(|line| *line != "#[cfg(test)]");
        lines.map(str::to_owned).collect()
    }

    #[test]
    fn every_call_of_the_system_asks_first() {
        let mut seen = Vec::new();
        // Not of `sync`, through which threads are started, and which has clocks and locks only besides.
        for file in fs::read_dir("src").unwrap() {
            let path = file.unwrap().path();
            if path.is_dir() {
                continue;
            }
            let code = code(&path);
            for (number, line) in code.iter().enumerate() {
                let place = format!("{}:{}: {line}", path.display(), number + 1);
                let line_of_std = line.replace("cap_std::", "");
                let other = OTHERS.iter().find(|other| line_of_std.contains(*other));
                assert_eq!(other, None, "{place}");
                if let Some(call) = CALLS.iter().find(|call| line.contains(*call)) {
                    let before = &code[number.saturating_sub(1)];
                    assert!(
                        before.contains("step(Step::"),
                        "nothing is asked before {place}"
                    );
                    seen.push(*call);
                }
            }
        }
        seen.sort();
        let mut all = CALLS;
        all.sort();
        assert_eq!(seen, all);
    }
}
