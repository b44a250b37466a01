//! Small Go modules, and `cgolab` in them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use cgolab_note::tool::tool;
use serde_json::Value;
use tempfile::TempDir;

/// Reports whether the tools are here; says which are not.
pub(crate) fn tools() -> bool {
    ["go", "gcc", "g++", "taskset"]
        .into_iter()
        .all(|name| tool(name).is_some())
}

/// The command in a folder.
pub(crate) fn cgolab(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cgolab"));
    command
        .args(args)
        .current_dir(folder)
        .env_remove("GOFLAGS")
        .stdin(Stdio::null());
    command
}

/// `cgolab run` in a folder.
pub(crate) fn run(folder: &Path, args: &[&str]) -> Output {
    cgolab(folder, &["run"]).args(args).output().unwrap()
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The words that a command printed in one line, wherever a line was broken.
pub(crate) fn unwrapped(bytes: &[u8]) -> String {
    text(bytes).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The results of the run as data.
pub(crate) fn results(folder: &Path) -> Value {
    let text = fs::read_to_string(folder.join(".cgolab/latest/results.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// A module with these files, in a folder with a blank in its name.
pub(crate) fn module(files: &[(&str, &str)]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("a module");
    fs::create_dir(&root).unwrap();
    fs::write(root.join("go.mod"), "module example.com/m\n\ngo 1.22\n").unwrap();
    for (name, text) in files {
        fs::create_dir_all(root.join(name).parent().unwrap()).unwrap();
        fs::write(root.join(name), text).unwrap();
    }
    (folder, root)
}

pub(crate) const CGO: (&str, &str) = (
    "m.go",
    "package m\n\n// static int one(void) { return 1; }\nimport \"C\"\n\nfunc one() int { return int(C.one()) }\n",
);

/// A test file of the package `m`.
pub(crate) fn tests(imports: &str, body: &str) -> String {
    format!("package m\n\nimport (\n\t\"testing\"\n{imports})\n\n{body}\n")
}

/// A module with C and one test, which passes.
pub(crate) fn passing_module() -> (TempDir, PathBuf) {
    module(&[
        CGO,
        (
            "m_test.go",
            &tests("", "func TestA(t *testing.T) { one() }"),
        ),
    ])
}
