//! One processor for a child and all of its threads: `GOMAXPROCS=1` would leave the others to threads
//! that cgo and the library make.

use std::fs;

use anyhow::{Context as _, Result};

/// Words before a command that is to have one processor: one that this process may use.
///
/// An error says what is missing here, for people.
pub fn one_processor() -> Result<[String; 3]> {
    which::which("taskset").context("taskset was not found on PATH; install util-linux")?;
    let status = fs::read_to_string("/proc/self/status")
        .context("the system does not tell which processors may be used")?;
    let first =
        first_allowed(&status).context("the system does not tell which processors may be used")?;
    Ok(["taskset".to_owned(), "-c".to_owned(), first.to_owned()])
}

/// From a list such as `2-5,8`.
fn first_allowed(status: &str) -> Option<&str> {
    let list = status
        .lines()
        .find_map(|line| line.strip_prefix("Cpus_allowed_list:"))?;
    let first = list.trim().split([',', '-']).next()?;
    (!first.is_empty()).then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_processor_is_one_that_may_be_used() {
        for (list, first) in [("0-1", "0"), ("2-5,8", "2"), ("7", "7"), ("3,9", "3")] {
            let status = format!("Name:\tx\nCpus_allowed:\tff\nCpus_allowed_list:\t{list}\n");
            assert_eq!(first_allowed(&status), Some(first));
        }
        assert_eq!(first_allowed("Name:\tx\n"), None);
        assert_eq!(first_allowed("Cpus_allowed_list:\t\n"), None);
    }
}
