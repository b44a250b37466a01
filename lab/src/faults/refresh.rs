//! `cargo lab faults refresh ID`: makes a patch fit the code again.
//!
//! The commits that wrote the patch hold the code that it fitted. The mistake is made there, and merged with
//! what the code is now.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, anyhow, ensure};

use super::file::{Fault, PATCH};
use crate::host::machine::output_of;
use crate::host::out;
use crate::host::workspace::Workspace;

/// Rewrites the patch of a fault, unless it is what git would write.
pub(super) fn refresh(workspace: &Workspace, fault: &Fault) -> Result<()> {
    let root = workspace.root();
    let path = format!("faults/{}/{PATCH}", fault.id);
    let changed = match fault.apply(root) {
        Ok(changed) => changed,
        Err(_) => merged(root, fault)?,
    };
    let patch = diff(root, &changed)?;
    ensure!(
        !patch.is_empty(),
        "faults/{}: the code makes the mistake already; find another one, or remove the fault",
        fault.id
    );
    if patch == fault.patch {
        return out::line(format_args!("{path} is current"));
    }
    fs::write(root.join(&path), patch).with_context(|| format!("cannot write {path}"))?;
    out::line(format_args!("wrote {path}"))
}

/// The files with the mistake, as a merge makes them.
fn merged(root: &Path, fault: &Fault) -> Result<BTreeMap<String, String>> {
    let files = fault.files()?;
    let by_hand = |why: String| {
        let files = files.join(" ");
        anyhow!(
            "faults/{id}: {why}; make the mistake in {files} by hand, then `git diff {files} > \
             faults/{id}/{PATCH}` and `git checkout {files}`",
            id = fault.id
        )
    };
    let (before, after) = fitting(root, fault)
        .ok_or_else(|| by_hand("no commit of its patch has code that it fits".to_owned()))?;
    let mut changed = BTreeMap::new();
    for (file, after) in after {
        let now = fs::read_to_string(root.join(&file))
            .map_err(|error| by_hand(format!("cannot read {file}: {error}")))?;
        let merged = diffy::merge(&before[&file], &now, &after)
            .map_err(|_| by_hand(format!("it conflicts with {file}")))?;
        changed.insert(file, merged);
    }
    Ok(changed)
}

/// The files of the newest commit of the patch that it fits, without and with the mistake.
fn fitting(
    root: &Path,
    fault: &Fault,
) -> Option<(BTreeMap<String, String>, BTreeMap<String, String>)> {
    let path = format!("faults/{}/{PATCH}", fault.id);
    let commits = output_of(root, "git", &["log", "--format=%H", "--", &path])?;
    commits.lines().find_map(|commit| {
        let dir = tempfile::tempdir().ok()?;
        let mut before = BTreeMap::new();
        for file in fault.files().ok()? {
            let text = output_of(root, "git", &["show", &format!("{commit}:./{file}")])?;
            put(dir.path(), &file, &text).ok()?;
            before.insert(file, text);
        }
        let after = fault.apply(dir.path()).ok()?;
        Some((before, after))
    })
}

/// Difference between these files and those of the checkout, as git writes it.
fn diff(root: &Path, changed: &BTreeMap<String, String>) -> Result<String> {
    let dir = tempfile::tempdir()?;
    for (file, text) in changed {
        let now =
            fs::read_to_string(root.join(file)).with_context(|| format!("cannot read {file}"))?;
        put(&dir.path().join("a"), file, &now)?;
        put(&dir.path().join("b"), file, text)?;
    }
    let output = Command::new("git")
        .args([
            "diff",
            "--no-index",
            "--no-prefix",
            "--no-color",
            "--no-ext-diff",
            "a",
            "b",
        ])
        .current_dir(dir.path())
        .output()
        .context("cannot start git")?;
    // 1: there is a difference.
    ensure!(
        matches!(output.status.code(), Some(0 | 1)),
        "git diff: {}",
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn put(dir: &Path, file: &str, text: &str) -> Result<()> {
    let path = dir.join(file);
    fs::create_dir_all(path.parent().unwrap_or(dir))?;
    fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faults::file::tests::fault;

    const LINES: &str = "one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\nten\n";

    /// A checkout with one file, and a fault in it that fits: it makes `five` to `5`.
    fn checkout() -> (tempfile::TempDir, Fault) {
        let dir = tempfile::tempdir().unwrap();
        let git = |args: &[&str]| {
            let output = Command::new("git")
                .args(["-c", "user.name=x", "-c", "user.email=x@example.org"])
                .args(args)
                .current_dir(dir.path())
                .output()
                .unwrap();
            assert!(output.status.success(), "{output:?}");
            String::from_utf8(output.stdout).unwrap()
        };
        fs::write(dir.path().join("a"), LINES).unwrap();
        git(&["init", "--quiet"]);
        git(&["add", "a"]);
        fs::write(dir.path().join("a"), LINES.replace("five", "5")).unwrap();
        let mut fault = fault("x", "native", &["loom"]);
        fault.patch = git(&["diff"]);
        git(&["checkout", "--quiet", "a"]);
        fs::create_dir_all(dir.path().join("faults/x")).unwrap();
        fs::write(dir.path().join("faults/x/fault.patch"), &fault.patch).unwrap();
        git(&["add", "faults"]);
        git(&["commit", "--quiet", "-m", "x"]);
        (dir, fault)
    }

    fn patch_after(dir: &Path, fault: &Fault) -> Fault {
        refresh(&Workspace::at(dir), fault).unwrap();
        Fault {
            patch: fs::read_to_string(dir.join("faults/x/fault.patch")).unwrap(),
            ..fault.clone()
        }
    }

    #[test]
    fn a_patch_whose_surroundings_changed_fits_again() {
        let (dir, fault) = checkout();
        let text = LINES
            .replace("seven\n", "7\n")
            .replace("one\n", "zero\none\n");
        fs::write(dir.path().join("a"), &text).unwrap();
        assert!(fault.apply(dir.path()).is_err(), "it must not fit before");
        let fresh = patch_after(dir.path(), &fault);
        let changed = fresh.apply(dir.path()).unwrap();
        assert_eq!(changed["a"], text.replace("five", "5"));
        assert_eq!(fs::read_to_string(dir.path().join("a")).unwrap(), text);
        assert_eq!(patch_after(dir.path(), &fresh).patch, fresh.patch);
    }

    #[test]
    fn a_conflict_says_what_a_person_must_do() {
        let (dir, fault) = checkout();
        fs::write(dir.path().join("a"), LINES.replace("five", "fife")).unwrap();
        let error = refresh(&Workspace::at(dir.path()), &fault).unwrap_err();
        assert_eq!(
            error.to_string(),
            "faults/x: it conflicts with a; make the mistake in a by hand, then `git diff a > \
             faults/x/fault.patch` and `git checkout a`"
        );
        let kept = fs::read_to_string(dir.path().join("faults/x/fault.patch")).unwrap();
        assert_eq!(kept, fault.patch);
    }

    #[test]
    fn a_mistake_that_the_code_makes_already_is_no_fault() {
        let (dir, fault) = checkout();
        fs::write(dir.path().join("a"), LINES.replace("five", "5")).unwrap();
        let error = refresh(&Workspace::at(dir.path()), &fault).unwrap_err();
        assert!(
            error.to_string().contains("makes the mistake already"),
            "{error}"
        );
    }
}
