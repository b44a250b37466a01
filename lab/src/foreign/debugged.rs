//! Programs that run again under `cgolab triage`, for a report of what ended them.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

/// The greatest number of reports that one engine asks for, or one storm.
pub(super) const REPORTS: usize = 3;

/// Reports whether triage can see more than what a program prints itself, for an engine that has so many reports.
pub(super) fn is_able(has: usize) -> bool {
    has < REPORTS && which::which("gdb").is_ok()
}

/// Runs a program once, with `run` behind the words of triage, and returns the new report in `folder`, from the folder
/// `root`. `None` if the program came to its end.
pub(super) fn report(
    folder: &Path,
    root: &Path,
    run: impl FnOnce(&[String]) -> Result<()>,
) -> Result<Option<String>> {
    let reports = folder.join("triage");
    let before = reports_in(&reports);
    let this = env::current_exe().context("cannot tell which program this is")?;
    let [this, out] = [&this, &reports].map(|path| path.display().to_string());
    let [triage, into, end] = ["triage", "--out", "--"].map(str::to_owned);
    run(&[this, triage, into, out, end])?;
    let new = reports_in(&reports).difference(&before).next().cloned();
    Ok(new.map(|path| {
        let relative = path.strip_prefix(root).unwrap_or(&path);
        relative.display().to_string()
    }))
}

fn reports_in(folder: &Path) -> BTreeSet<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|it| it == "md"))
        .collect()
}
