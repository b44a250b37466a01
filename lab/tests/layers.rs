//! The folders of the tool: each uses only those before it, so that there is no circle.

use std::fs;
use std::path::Path;

/// In the order of the table in `lib.rs`.
const LAYERS: [&str; 11] = [
    "host", "record", "subject", "read", "engine", "verdict", "report", "faults", "triage",
    "foreign", "cmd",
];

/// The Rust files below a folder, with their text.
fn sources(dir: &Path, found: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push((
                path.display().to_string(),
                fs::read_to_string(&path).unwrap(),
            ));
        }
    }
}

/// The folders that a file uses: what follows `crate::` in code.
fn used(text: &str) -> impl Iterator<Item = &str> {
    text.lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .flat_map(|line| line.split("crate::").skip(1))
        .map(|rest| {
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_');
            &rest[..end.unwrap_or(rest.len())]
        })
}

/// The uses in a folder that point upward, or to no folder.
fn upward(layer: usize, name: &str, text: &str) -> Vec<String> {
    used(text)
        .filter(|other| !LAYERS[..=layer].contains(other))
        .map(|other| format!("{name} uses {other}"))
        .collect()
}

#[test]
fn folders_use_only_those_before_them() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut wrong = Vec::new();
    for (layer, folder) in LAYERS.iter().enumerate() {
        let mut files = Vec::new();
        sources(&src.join(folder), &mut files);
        assert!(!files.is_empty(), "{folder} is empty");
        for (name, text) in files {
            wrong.extend(upward(layer, &name, &text));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_use_that_points_upward_is_seen() {
    let read = LAYERS.iter().position(|layer| *layer == "read").unwrap();
    let uses = |text: &str| upward(read, "x.rs", text);
    assert_eq!(uses("use crate::verdict::Cell;"), ["x.rs uses verdict"]);
    assert_eq!(uses("    crate::{a, b}"), ["x.rs uses "]);
    assert!(uses("use crate::host::out;\n// crate::cmd\nuse crate::read::notes;").is_empty());
}

/// Packages, tags and variables of a subject are its description's.
#[test]
fn the_tool_names_no_subject() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    sources(&root.join("src"), &mut files);
    sources(&root.join("../explore/src"), &mut files);
    assert!(files.len() > 50, "{}", files.len());
    for (name, text) in files {
        let text = text.to_lowercase();
        assert!(!text.contains(&["cou", "rier"].concat()), "{name}");
    }
}
