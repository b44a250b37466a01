//! One processor for a child and all of its threads: `GOMAXPROCS=1` would leave the others to threads
//! that cgo and the library make.

use anyhow::{Context as _, Result};

/// Words before a command that is to have one processor: one that this process may use. They are part of commands
/// that people repeat.
///
/// An error says what is missing here, for people.
pub fn one_processor() -> Result<[String; 3]> {
    which::which("taskset").context("taskset was not found on PATH; install util-linux")?;
    let first = first_allowed().context("the system does not tell which processors may be used")?;
    Ok(["taskset".to_owned(), "-c".to_owned(), first.to_string()])
}

#[cfg(target_os = "linux")]
fn first_allowed() -> Option<usize> {
    use rustix::thread::{CpuSet, sched_getaffinity};
    let allowed = sched_getaffinity(None).ok()?;
    (0..CpuSet::MAX_CPU).find(|processor| allowed.is_set(*processor))
}

#[cfg(not(target_os = "linux"))]
fn first_allowed() -> Option<usize> {
    None
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

    use super::*;

    #[test]
    fn the_processor_is_one_that_may_be_used() {
        let all = sched_getaffinity(None).unwrap();
        let each = (0..CpuSet::MAX_CPU).filter(|it| all.is_set(*it));
        // Those of this thread: other tests have theirs.
        for processor in each {
            let mut one = CpuSet::new();
            one.set(processor);
            sched_setaffinity(None, &one).unwrap();
            assert_eq!(first_allowed(), Some(processor));
        }
    }
}
