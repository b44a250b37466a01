//! Concurrency enters this crate through one module, so that a model checker can take its place.

use std::fs;
use std::path::{Path, PathBuf};

/// Paths that only `src/sync/` may name.
const FORBIDDEN: [&str; 8] = [
    "std::sync",
    "std::thread",
    // Grouped imports would hide the names behind them.
    "std::{",
    "core::sync",
    "loom::",
    "shuttle::",
    // The clock is `sync::now`.
    "Instant::now",
    "SystemTime",
];

fn rust_files(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn only_the_sync_module_names_threads_locks_atomics_and_the_clock() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    rust_files(&src, &mut files);
    assert!(files.len() > 10, "found too few files: {files:?}");
    let mut offences = Vec::new();
    for file in files
        .iter()
        .filter(|file| !file.starts_with(src.join("sync")))
    {
        for (number, line) in fs::read_to_string(file).unwrap().lines().enumerate() {
            let code = line.split("//").next().unwrap();
            if FORBIDDEN.iter().any(|name| code.contains(name)) {
                offences.push(format!("{}:{}: {line}", file.display(), number + 1));
            }
        }
    }
    assert!(
        offences.is_empty(),
        "use crate::sync instead:\n{}",
        offences.join("\n")
    );
}
