//! Files that are inputs of builds.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

/// Writes a file that has another text. Go takes a changed time for a changed file.
pub(crate) fn write_if_new(path: &Path, text: &str) -> Result<()> {
    if fs::read_to_string(path).is_ok_and(|old| old == text) {
        return Ok(());
    }
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
    }
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}
