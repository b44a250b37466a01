//! Processes that descend from a child, wherever they have moved to.
//!
//! A process that begins a session or a group of its own is beyond the reach of a signal to the child's
//! group. It is known by a variable that every descendant inherits, which Linux shows in `/proc`.

use std::process::{self, Command};
use std::sync::atomic::{AtomicU32, Ordering};

/// The variable.
const NAME: &str = "CGOLAB_CHILD";

/// Marks given out by this process.
static GIVEN: AtomicU32 = AtomicU32::new(0);

/// The most looks for descendants: one that hides its variables for ever must not keep us.
#[cfg(target_os = "linux")]
const LOOKS: usize = 200;

/// The most readings of the variables of a process: some have none.
#[cfg(target_os = "linux")]
const READS: usize = 20;

/// The descendants of one child.
#[derive(Debug, Clone)]
pub(crate) struct Descendants {
    mark: String,
}

impl Descendants {
    /// Those of the process that a command starts.
    pub(crate) fn of(command: &mut Command) -> Descendants {
        // ORDERING: Relaxed. Only that no two numbers are equal matters.
        let number = GIVEN.fetch_add(1, Ordering::Relaxed);
        let mark = format!("{}.{number}", process::id());
        command.env(NAME, &mark);
        Descendants { mark }
    }

    /// Ends all that still live.
    #[cfg(target_os = "linux")]
    pub(crate) fn end(&self) {
        use rustix::process::{Signal, kill_process};
        // One that is forked during a look is found by the next.
        for _ in 0..LOOKS {
            let (living, unknown) = self.living();
            if living.is_empty() && !unknown {
                return;
            }
            for pid in living {
                // It may have ended meanwhile.
                let _ = kill_process(pid, Signal::KILL);
            }
        }
    }

    /// Does nothing: what other processes inherited is not told here.
    #[cfg(not(target_os = "linux"))]
    pub(crate) fn end(&self) {
        let _ = &self.mark;
    }

    /// The processes that carry the mark, and whether one is unknown.
    #[cfg(target_os = "linux")]
    fn living(&self) -> (Vec<rustix::process::Pid>, bool) {
        let Ok(processes) = std::fs::read_dir("/proc") else {
            return (Vec::new(), false);
        };
        let mut found = Vec::new();
        let mut unknown = false;
        let numbers = processes
            .flatten()
            .filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
        for pid in numbers {
            match self.marks(pid) {
                Some(true) => found.extend(rustix::process::Pid::from_raw(pid)),
                Some(false) => {}
                None => unknown = true,
            }
        }
        (found, unknown)
    }

    /// Reports whether a process carries the mark; none if it is about to run another program, when its variables
    /// cannot be read.
    #[cfg(target_os = "linux")]
    fn marks(&self, pid: i32) -> Option<bool> {
        use std::fs;
        let read = |file: &str| fs::read(format!("/proc/{pid}/{file}"));
        let wanted = format!("{NAME}={}", self.mark);
        for _ in 0..READS {
            let Ok(variables) = read("environ") else {
                return Some(false);
            };
            if !variables.is_empty() {
                let mut each = variables.split(|byte| *byte == 0);
                return Some(each.any(|it| it == wanted.as_bytes()));
            }
            // A zombie has no variables any more, and no program.
            if fs::read_link(format!("/proc/{pid}/exe")).is_err() {
                return Some(false);
            }
            if read("cmdline").is_ok_and(|it| it.is_empty()) {
                return None;
            }
            // It has come to its program since, or has no variables at all.
        }
        Some(false)
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn one_with_a_session_of_its_own_is_ended_and_others_are_not() {
        let start = |script: &str| {
            let mut command = Command::new("setsid");
            command.args(["sh", "-c", script]);
            let descendants = Descendants::of(&mut command);
            (command.spawn().unwrap(), descendants)
        };
        let (mut ours, descendants) = start("sleep 600");
        let (mut other, of_other) = start("sleep 600");
        descendants.end();
        assert!(!ours.wait().unwrap().success());
        assert!(other.try_wait().unwrap().is_none());
        of_other.end();
        other.wait().unwrap();
        assert!(of_other.living().0.is_empty());
    }
}
