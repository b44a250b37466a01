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

/// The descendants of one child.
#[derive(Debug)]
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
        loop {
            let living = self.living();
            if living.is_empty() {
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

    /// The processes that carry the mark. A zombie has no variables any more.
    #[cfg(target_os = "linux")]
    fn living(&self) -> Vec<rustix::process::Pid> {
        use std::fs;
        let wanted = format!("{NAME}={}", self.mark);
        let Ok(processes) = fs::read_dir("/proc") else {
            return Vec::new();
        };
        let carries = |pid: i32| {
            fs::read(format!("/proc/{pid}/environ")).is_ok_and(|all| {
                all.split(|byte| *byte == 0)
                    .any(|it| it == wanted.as_bytes())
            })
        };
        processes
            .flatten()
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .filter(|pid| carries(*pid))
            .filter_map(rustix::process::Pid::from_raw)
            .collect()
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
        assert!(of_other.living().is_empty());
    }
}
