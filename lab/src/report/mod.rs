//! The views of a run's verdict: what lies in `report/` in its folder, and the terminal's.
//!
//! The folder of a run holds all that they need: `results.jsonl`, `run.json`, `logs/`, and
//! `contracts/`, the catalogue as it was. So they can be made again at any time, also from a folder
//! that was downloaded from somewhere else. What is true of the run is decided in
//! [`crate::verdict`]; here is only how that is shown.
//!
//! - [`identity`]: who ran what, where
//! - [`terminal`]: lines and tables
//! - [`page`]: `index.html`; `templates/report.html` says how
//! - [`markdown`]: `report.md`, for a summary in CI or a comment
//! - [`junit`]: `junit.xml`, for programs
//! - [`evidence`]: what a cell of the page opens
//! - [`changes`]: what is different from the run before
//! - [`excerpt`]: the part of a log that speaks about a check
//! - [`words`]: classes of the page, and how numbers are written

mod changes;
mod evidence;
mod excerpt;
pub mod identity;
mod junit;
mod markdown;
mod page;
pub(crate) mod terminal;
#[cfg(test)]
mod views_agree;
mod words;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use askama::Template as _;

pub(crate) use self::identity::Identity;
use self::page::Page;
use crate::engine::Subject;
use crate::host::machine::ours;
use crate::host::out;
use crate::host::workspace::Workspace;
use crate::record::results;
use crate::subject::catalogue::Catalogue;
use crate::verdict::Verdict;

/// Runs that an error names.
const NAMED: usize = 5;

/// Writes the views of the run in `folder` and returns where the page is.
pub(crate) fn write(
    folder: &Path,
    catalogue: &Catalogue,
    identity: &Identity,
    verdict: &Verdict<'_>,
) -> Result<PathBuf> {
    let dir = folder.join("report");
    let html = Page::new(folder, catalogue, identity, verdict).render()?;
    let markdown = markdown::render(identity, verdict);
    let junit = junit::render(verdict)?;
    fs::create_dir_all(&dir).with_context(|| format!("cannot create {}", dir.display()))?;
    for (name, text) in [
        ("index.html", html),
        ("report.md", markdown),
        ("junit.xml", junit),
    ] {
        let path = dir.join(name);
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(dir.join("index.html"))
}

/// The folder with the catalogue of a run, in the run's folder.
pub(crate) const CATALOGUE: &str = "contracts";

/// `cargo lab report [RUN]`: renders again and prints where the page is.
pub(crate) fn again(workspace: &Workspace, run: Option<&str>) -> Result<()> {
    let folder = find(workspace, run)?;
    let kept = folder.join(CATALOGUE);
    // A run of a version that kept no catalogue is shown with the one of today.
    let catalogue = match kept.is_dir() {
        true => Catalogue::load(&kept)
            .with_context(|| format!("the catalogue of the run, {}", kept.display()))?,
        false => Subject::load(workspace)?.catalogue,
    };
    let records = results::read(&folder)?;
    let identity = Identity::read(&folder)?;
    let facts = identity.facts();
    let verdict = Verdict::of(&catalogue, &facts, &records);
    let path = write(&folder, &catalogue, &identity, &verdict)?;
    out::line(workspace.shown(&path))
}

/// The folder that people mean: the latest run, the name of a run, or a path.
fn find(workspace: &Workspace, run: Option<&str>) -> Result<PathBuf> {
    let lab = workspace.lab();
    let Some(run) = run else {
        let latest = lab.join("latest");
        if latest.join("results.jsonl").is_file() {
            return Ok(latest);
        }
        bail!(
            "there is no run in this checkout yet; start one with `{}`",
            ours("run")
        );
    };
    let mut names: Vec<String> = fs::read_dir(lab.join("runs"))
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.file_name().display().to_string())
        .collect();
    names.sort();
    if names.iter().any(|name| name == run) {
        return Ok(lab.join("runs").join(run));
    }
    let path = Path::new(run);
    if path.join("results.jsonl").is_file() {
        return Ok(path.to_path_buf());
    }
    names.reverse();
    names.truncate(NAMED);
    let known = match names.as_slice() {
        [] => "there are none in this checkout".to_owned(),
        names => format!("the last ones are {}", names.join(", ")),
    };
    bail!("`{run}` is no run and no folder with a results.jsonl; {known}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run_in(dir: &Path) {
        fs::create_dir_all(dir).unwrap();
        fs::write(dir.join("results.jsonl"), "").unwrap();
    }

    #[test]
    fn a_run_is_found_by_name_by_path_or_as_the_latest() {
        let dir = tempfile::tempdir().unwrap();
        let workspace = Workspace::at(dir.path());
        let refused = |run| find(&workspace, run).unwrap_err().to_string();
        assert!(refused(None).contains("`cargo lab run`"));
        assert!(refused(Some("x")).contains("there are none"));

        let lab = workspace.lab();
        for name in ["2026-01-01", "2026-01-02", "3", "4", "5", "6"] {
            run_in(&lab.join("runs").join(name));
        }
        run_in(&lab.join("latest"));
        assert_eq!(find(&workspace, None).unwrap(), lab.join("latest"));
        assert_eq!(
            find(&workspace, Some("2026-01-01")).unwrap(),
            lab.join("runs/2026-01-01")
        );
        let elsewhere = dir.path().join("downloaded");
        run_in(&elsewhere);
        let path = elsewhere.display().to_string();
        assert_eq!(find(&workspace, Some(&path)).unwrap(), elsewhere);
        let error = refused(Some("2026-01-03"));
        assert!(
            error.contains("the last ones are 6, 5, 4, 3, 2026-01-02"),
            "{error}"
        );
        assert!(!error.contains("2026-01-01"), "{error}");
    }
}
