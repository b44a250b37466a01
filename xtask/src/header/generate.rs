//! The generated files: the C header, the layout list, Go's view of the layout, the copies that lie
//! beside the cgo code, and the list of libraries that a static link needs.
//!
//! They are checked in. `cargo lab header` writes them; the tests of the engine layout and
//! `cargo lab header --check` compare.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow, ensure};

use cgolab::host::child::{self, Finished, Task};
use cgolab::host::progress::Progress;
use cgolab::host::workspace::Workspace;

/// The folder of the C headers.
pub(super) const INCLUDE: &str = "ffi/include";
/// The folder of the only Go package that says `import "C"`. Go hashes the headers in it, so
/// copies are kept there: a header elsewhere could change without a rebuild.
pub(super) const CAPI: &str = "go-harness/courier/internal/capi";
/// The libraries that a link with the static library needs, as linker options. Go's link flags, the engine
/// asan and the C tests follow it.
pub(super) const NATIVE_LIBRARIES: &str = "ffi/native-libs.txt";

/// The output of `cargo run -p courier-ffi --example layout`.
#[derive(Debug, Clone, Copy)]
pub(super) enum View {
    /// Names, sizes, offsets and values as Rust sees them.
    #[cfg(test)]
    Text,
    /// The C header with the list of names.
    CHeader,
    /// The Go file with the list of names.
    Go,
}

impl View {
    fn argument(self) -> &'static str {
        match self {
            #[cfg(test)]
            View::Text => "text",
            View::CHeader => "c-header",
            View::Go => "go",
        }
    }
}

/// The child that prints a view to standard output, with its messages in `log`. `View::CHeader` needs
/// one more argument: the path of the `courier.h` that it belongs to.
pub(super) fn layout_task(workspace: &Workspace, view: View, log: &Path) -> Task {
    Task::cargo(workspace, log).args([
        "run",
        "-q",
        "-p",
        "courier-ffi",
        "--example",
        "layout",
        "--",
        view.argument(),
    ])
}

/// A file and the text that it must have.
pub(super) struct Generated {
    /// From the root of the checkout.
    pub(super) path: String,
    /// Its text.
    pub(super) text: String,
}

/// Generates all files. `scratch` takes logs.
pub(super) fn generate(
    workspace: &Workspace,
    progress: &Progress,
    scratch: &Path,
) -> Result<Vec<Generated>> {
    let courier = header(workspace)?;
    let courier_path = scratch.join("courier.h");
    fs::write(&courier_path, &courier)
        .with_context(|| format!("cannot write {}", courier_path.display()))?;
    let names = view(
        workspace,
        progress,
        View::CHeader,
        &[&courier_path],
        scratch,
    )?;
    let go = view(workspace, progress, View::Go, &[], scratch)?;
    let libraries = native_libraries(workspace, progress, scratch)?;
    let files = [
        (format!("{INCLUDE}/courier.h"), &courier),
        (format!("{INCLUDE}/courier_layout.h"), &names),
        (format!("{CAPI}/courier.h"), &courier),
        (format!("{CAPI}/courier_layout.h"), &names),
        (format!("{CAPI}/layout_generated.go"), &go),
        (NATIVE_LIBRARIES.to_owned(), &libraries),
    ];
    Ok(files
        .into_iter()
        .map(|(path, text)| Generated {
            path,
            text: text.clone(),
        })
        .collect())
}

/// The C header as cbindgen writes it now.
fn header(workspace: &Workspace) -> Result<String> {
    let config_path = workspace.path("ffi/cbindgen.toml");
    ensure!(
        config_path.is_file(),
        "{} is missing; is this a complete checkout?",
        config_path.display()
    );
    let config = cbindgen::Config::from_file(&config_path)
        .map_err(|error| anyhow!("ffi/cbindgen.toml: {error}"))?;
    let bindings = cbindgen::Builder::new()
        .with_crate(workspace.path("ffi"))
        .with_config(config)
        .generate()
        .map_err(|error| anyhow!("cbindgen cannot read ffi/: {error}"))?;
    let mut text = Vec::new();
    bindings.write(&mut text);
    let text = String::from_utf8(text).context("cbindgen wrote a header that is not UTF-8")?;
    // Rust's heading for what an unsafe function relies on tells C programmers nothing.
    Ok(text.replace("// # Safety\n", "// Pointers:\n"))
}

/// The libraries that a link with the static library needs, as rustc names them.
fn native_libraries(workspace: &Workspace, progress: &Progress, scratch: &Path) -> Result<String> {
    let task = Task::cargo(workspace, &scratch.join("native-libs.log"))
        .args(["rustc", "-p", "courier-ffi", "--lib"])
        .args(["--crate-type", "staticlib"])
        .args(["--", "--print", "native-static-libs"]);
    let finished = built(task, progress)?;
    let libraries = listed(&finished.log_text())
        .with_context(|| format!("`{}` named no libraries", finished.command))?;
    Ok(libraries + "\n")
}

/// The libraries in the messages of rustc.
fn listed(messages: &str) -> Option<String> {
    let (_, libraries) = messages
        .lines()
        .find_map(|line| line.split_once("native-static-libs: "))?;
    Some(libraries.trim().to_owned())
}

fn view(
    workspace: &Workspace,
    progress: &Progress,
    view: View,
    arguments: &[&Path],
    scratch: &Path,
) -> Result<String> {
    let out = scratch.join(format!("layout-{}.out", view.argument()));
    let log = scratch.join(format!("layout-{}.log", view.argument()));
    let task = layout_task(workspace, view, &log).args(arguments);
    built(task.stdout_to(&out), progress)?;
    Ok(child::read_lossy(&out))
}

/// Runs a child of Cargo, which must succeed.
fn built(task: Task, progress: &Progress) -> Result<Finished> {
    let finished = task.run(progress, child::quiet)?;
    let messages = finished.log_text();
    ensure!(
        finished.success(),
        "`{}` failed ({}): {}",
        finished.command,
        finished.how(),
        messages
            .lines()
            .find(|line| line.starts_with("error"))
            .unwrap_or("no message")
    );
    Ok(finished)
}

/// The differences between the checked-in files and the generated ones, one sentence a file.
pub(super) fn differences(workspace: &Workspace, files: &[Generated]) -> Vec<String> {
    files
        .iter()
        .filter_map(|file| {
            let found = match fs::read_to_string(workspace.path(&file.path)) {
                Ok(found) => found,
                Err(error) => return Some(format!("{}: {error}", file.path)),
            };
            first_difference(&found, &file.text)
                .map(|difference| format!("{}: {difference}", file.path))
        })
        .collect()
}

/// Writes the files that differ and returns their paths. Equal ones keep their time, so that
/// nothing is rebuilt for them.
pub(super) fn write(workspace: &Workspace, files: &[Generated]) -> Result<Vec<PathBuf>> {
    let mut written = Vec::new();
    for file in files {
        let path = workspace.path(&file.path);
        if fs::read(&path).is_ok_and(|found| found == file.text.as_bytes()) {
            continue;
        }
        if let Some(dir) = path.parent() {
            fs::create_dir_all(dir).with_context(|| format!("cannot create {}", dir.display()))?;
        }
        fs::write(&path, &file.text).with_context(|| format!("cannot write {}", path.display()))?;
        written.push(path);
    }
    Ok(written)
}

/// The place where two texts part, in one sentence; `None` if they are equal.
pub(super) fn first_difference(found: &str, expected: &str) -> Option<String> {
    if found == expected {
        return None;
    }
    let mut lines = (found.lines(), expected.lines());
    let mut number = 0;
    loop {
        number += 1;
        match (lines.0.next(), lines.1.next()) {
            (Some(found), Some(expected)) if found == expected => {}
            (None, None) => return Some("the ends of lines differ".to_owned()),
            (found, expected) => {
                let shown = |line: Option<&str>| match line {
                    Some(line) => format!("`{}`", line.trim()),
                    None => "its end".to_owned(),
                };
                return Some(format!(
                    "line {number} is {}, generated is {}",
                    shown(found),
                    shown(expected)
                ));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, SystemTime};

    #[test]
    fn the_first_difference_is_named() {
        assert_eq!(first_difference("a\nb\n", "a\nb\n"), None);
        assert_eq!(
            first_difference("a\n b\n", "a\nc\n").unwrap(),
            "line 2 is `b`, generated is `c`"
        );
        assert_eq!(
            first_difference("a\n", "a\nc\n").unwrap(),
            "line 2 is its end, generated is `c`"
        );
        assert_eq!(
            first_difference("a", "a\n").unwrap(),
            "the ends of lines differ"
        );
    }

    #[test]
    fn libraries_are_found_among_messages() {
        let said = "warning: x\nnote: link against\n\nnote: native-static-libs: -lm -lc\n\n";
        assert_eq!(listed(said).as_deref(), Some("-lm -lc"));
        assert_eq!(listed("note: link against\n"), None);
    }

    #[test]
    fn only_files_that_differ_are_written() {
        let dir = tempfile::tempdir().unwrap();
        let workspace = Workspace::at(dir.path());
        let file = |path: &str, text: &str| Generated {
            path: path.to_owned(),
            text: text.to_owned(),
        };
        let old = SystemTime::now() - Duration::from_secs(3600);
        fs::write(dir.path().join("same.h"), "same").unwrap();
        let same = fs::File::options()
            .write(true)
            .open(dir.path().join("same.h"))
            .unwrap();
        same.set_modified(old).unwrap();

        let files = [file("same.h", "same"), file("new/other.h", "new")];
        assert_eq!(
            differences(&workspace, &files).len(),
            1,
            "{:?}",
            differences(&workspace, &files)
        );
        let written = write(&workspace, &files).unwrap();
        assert_eq!(written, [dir.path().join("new/other.h")]);
        let kept = fs::metadata(dir.path().join("same.h")).unwrap();
        assert_eq!(kept.modified().unwrap(), old);
        assert!(differences(&workspace, &files).is_empty());
        assert!(write(&workspace, &files).unwrap().is_empty());
    }
}
