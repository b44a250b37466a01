//! Notes have one writer for each language: the crate `cgolab-note`, and the Go package `note`.

use std::path::{Path, PathBuf};
use std::{fs, io};

/// Folders of this checkout that write notes.
const WRITERS: [&str; 2] = ["note", "go-harness/note"];

/// Programs and scripts below a folder, without what is built or hidden.
fn sources(dir: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let kind = path
            .extension()
            .unwrap_or_default()
            .to_str()
            .unwrap_or_default();
        if path.is_symlink() || name.starts_with('.') || ["target", "testdata"].contains(&&*name) {
            continue;
        } else if path.is_dir() {
            sources(&path, found)?;
        } else if ["rs", "go", "c", "cc", "h", "py", "sh"].contains(&kind) {
            found.push(path);
        }
    }
    Ok(())
}

/// Lines that begin a note by hand, counted from 1. What the tool's own tests give its readers is no writer.
fn by_hand(path: &Path, text: &str) -> Vec<usize> {
    let tests = path.components().any(|part| {
        let part = part.as_os_str();
        part == "tests" || part == "tests.rs"
    });
    if tests && path.starts_with("lab") {
        return Vec::new();
    }
    let code = match text.split_once("\nmod tests {") {
        Some((code, _)) if path.starts_with("lab") || path.starts_with("explore") => code,
        _ => text,
    };
    let keys = [
        "contract",
        "broken",
        "executions",
        "model",
        "skipped",
        "scenario",
    ];
    let begins = |line: &str| {
        keys.iter()
            .any(|key| line.contains(&format!("cgolab: {key}=")))
    };
    let lines = code.lines().enumerate();
    lines
        .filter(|(_, line)| begins(line))
        .map(|(at, _)| at + 1)
        .collect()
}

#[test]
fn nobody_writes_a_note_by_hand() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    if !root.join("note/src").is_dir() {
        // A published crate.
        return;
    }
    let mut files = Vec::new();
    sources(&root, &mut files).unwrap();
    assert!(files.len() > 300, "{}", files.len());
    for file in files {
        let name = file.strip_prefix(&root).unwrap();
        if WRITERS.iter().any(|writer| name.starts_with(writer)) {
            continue;
        }
        // A text that is no Unicode, as in tests of readers, holds no note of ours.
        let Ok(text) = fs::read_to_string(&file) else {
            continue;
        };
        let lines = by_hand(name, &text);
        assert!(
            lines.is_empty(),
            "{} writes a note in lines {lines:?}: use cgolab-note, or go-harness/note",
            name.display()
        );
    }
}

#[test]
fn a_writer_by_hand_is_seen() {
    let seen = |path: &str, text: &str| by_hand(Path::new(path), text);
    let line = "\nprintln!(\"cgolab: broken={id}\");\n";
    assert_eq!(seen("scenario/src/a.rs", line), [2]);
    assert_eq!(seen("scenario/tests/a.rs", line), [2]);
    assert_eq!(seen("go-harness/courier/a_test.go", line), [2]);
    assert_eq!(seen("lab/src/a.rs", line), [2]);
    assert!(seen("lab/tests/a.rs", line).is_empty());
    assert!(seen("lab/src/a.rs", &format!("\nmod tests {{{line}")).is_empty());
    assert!(seen("scenario/src/a.rs", "//! cgolab: runs engines").is_empty());
}
