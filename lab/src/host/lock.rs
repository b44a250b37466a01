//! Locks on files, which the system lets go of when their process ends, however it ends.

use std::fs::{File, TryLockError};
use std::path::Path;

use anyhow::{Context as _, Result};

/// Locks a file for this process until it is dropped. If another process has it, `taken` is asked: its
/// error is ours, and without one the lock is waited for.
pub(crate) fn lock(path: &Path, taken: impl FnOnce() -> Result<()>) -> Result<File> {
    let file = File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            taken()?;
            file.lock()?;
        }
        Err(TryLockError::Error(error)) => {
            return Err(error).with_context(|| format!("cannot lock {}", path.display()));
        }
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::bail;

    #[test]
    fn a_lock_is_held_until_it_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let take = || lock(&path, || bail!("it is taken"));
        let held = take().unwrap();
        assert_eq!(take().unwrap_err().to_string(), "it is taken");
        drop(held);
        assert!(take().is_ok());
    }
}
