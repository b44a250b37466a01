//! Where results lie: `target/lab/runs/<time>/` holds a run, `target/lab/latest` names the last
//! one that has something to show.

use std::fs::{self, File, TryLockError};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use jiff::Timestamp;

use crate::progress::Progress;
use crate::record::Record;
use crate::workspace::Workspace;

/// Runs that are kept.
const KEPT: usize = 20;

/// The folder of one run.
pub(crate) struct RunFolder {
    lab: PathBuf,
    path: PathBuf,
    /// Held for the life of the run: two runs at once would share JUnit files and archives.
    _lock: File,
}

impl RunFolder {
    /// Makes the folder, after any other run in this checkout has ended.
    pub(crate) fn create(workspace: &Workspace, progress: &Progress) -> Result<RunFolder> {
        let lab = workspace.lab();
        let runs = lab.join("runs");
        fs::create_dir_all(&runs)
            .with_context(|| format!("cannot create {}; is it writable?", runs.display()))?;
        let lock = lock(&lab.join("lock"), progress)?;
        let time = Timestamp::now().strftime("%Y-%m-%dT%H-%M-%SZ").to_string();
        let path = fresh_dir(&runs, &time)?;
        fs::create_dir(path.join("logs"))?;
        File::create(path.join("results.jsonl"))?;
        keep_catalogue(&workspace.path("contracts"), &path.join("contracts"))?;
        Ok(RunFolder {
            lab,
            path,
            _lock: lock,
        })
    }

    /// The folder itself.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// A file in `logs/`; evidence names it by [`RunFolder::shown_log`].
    pub(crate) fn log(&self, name: &str) -> PathBuf {
        self.path.join("logs").join(name)
    }

    /// The path of a log as evidence holds it: relative to the folder of the run.
    pub(crate) fn shown_log(&self, log: &Path) -> String {
        log.strip_prefix(&self.path)
            .unwrap_or(log)
            .display()
            .to_string()
    }

    /// Adds records to `results.jsonl`.
    pub(crate) fn append(&self, records: &[Record]) -> Result<()> {
        let mut text = Vec::new();
        for record in records {
            serde_json::to_writer(&mut text, record)?;
            text.push(b'\n');
        }
        let path = self.path.join("results.jsonl");
        File::options()
            .append(true)
            .open(&path)
            .and_then(|mut file| file.write_all(&text))
            .with_context(|| format!("cannot write {}", path.display()))
    }

    /// Makes this run the latest, in one step, and forgets very old ones.
    pub(crate) fn publish(&self) -> Result<()> {
        let link = self.lab.join("latest");
        let name = self.path.file_name().unwrap_or_default();
        point_to(&link, &Path::new("runs").join(name))
            .with_context(|| format!("cannot replace {}", link.display()))?;
        self.forget_old_runs();
        Ok(())
    }

    fn forget_old_runs(&self) {
        let Ok(entries) = fs::read_dir(self.lab.join("runs")) else {
            return;
        };
        let mut runs: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        runs.sort();
        for old in runs.iter().rev().skip(KEPT) {
            // An old run that cannot be removed costs disk space, nothing else.
            let _ = fs::remove_dir_all(old);
        }
    }
}

/// The records of the latest run; none if there has been no run.
pub(crate) fn latest(workspace: &Workspace) -> Result<Vec<Record>> {
    let latest = workspace.lab().join("latest");
    match latest.join("results.jsonl").try_exists() {
        Ok(false) => Ok(Vec::new()),
        _ => read(&latest),
    }
}

/// The records of the run in this folder.
pub(crate) fn read(folder: &Path) -> Result<Vec<Record>> {
    let path = folder.join("results.jsonl");
    let file = File::open(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut records = Vec::new();
    for (index, line) in BufReader::new(file).lines().enumerate() {
        let record = serde_json::from_str(&line?).with_context(|| {
            format!(
                "{}:{} is no record of this version; run `cargo lab run` again",
                path.display(),
                index + 1
            )
        })?;
        records.push(record);
    }
    Ok(records)
}

/// Copies the catalogue: sentences and claims change, a run stays what it was.
fn keep_catalogue(from: &Path, to: &Path) -> Result<()> {
    let copy = || -> io::Result<()> {
        fs::create_dir(to)?;
        for entry in fs::read_dir(from)? {
            let path = entry?.path();
            if let (Some(name), Some("toml")) =
                (path.file_name(), path.extension().and_then(|e| e.to_str()))
            {
                fs::copy(&path, to.join(name))?;
            }
        }
        Ok(())
    };
    copy().with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))
}

fn lock(path: &Path, progress: &Progress) -> Result<File> {
    let file = File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            progress.step("waiting for another `cargo lab` in this checkout");
            file.lock()?;
        }
        Err(TryLockError::Error(error)) => {
            return Err(error).with_context(|| format!("cannot lock {}", path.display()));
        }
    }
    Ok(file)
}

fn fresh_dir(parent: &Path, name: &str) -> Result<PathBuf> {
    let mut path = parent.join(name);
    let mut number = 2;
    loop {
        match fs::create_dir(&path) {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                path = parent.join(format!("{name}.{number}"));
                number += 1;
            }
            Err(error) => {
                return Err(error).with_context(|| format!("cannot create {}", path.display()));
            }
        }
    }
}

#[cfg(unix)]
fn point_to(link: &Path, target: &Path) -> io::Result<()> {
    let fresh = link.with_extension("new");
    let _ = fs::remove_file(&fresh);
    std::os::unix::fs::symlink(target, &fresh)?;
    fs::rename(fresh, link)
}

#[cfg(windows)]
fn point_to(link: &Path, target: &Path) -> io::Result<()> {
    let _ = fs::remove_dir(link);
    std::os::windows::fs::symlink_dir(target, link)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Outcome;

    fn checkout() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("contracts")).unwrap();
        fs::write(dir.path().join("contracts/req.toml"), "title = \"x\"").unwrap();
        fs::write(dir.path().join("contracts/README.md"), "").unwrap();
        dir
    }

    #[test]
    fn a_run_keeps_its_catalogue() {
        let dir = checkout();
        let run = RunFolder::create(&Workspace::at(dir.path()), &Progress::new()).unwrap();
        let kept = run.path().join("contracts");
        assert!(kept.join("req.toml").is_file());
        assert!(!kept.join("README.md").exists());
    }

    #[test]
    fn a_run_is_latest_only_when_published() {
        let dir = checkout();
        let workspace = Workspace::at(dir.path());
        let progress = Progress::new();
        assert_eq!(latest(&workspace).unwrap(), []);

        let first = Record::check("race", "first", Outcome::Pass);
        let run = RunFolder::create(&workspace, &progress).unwrap();
        run.append(std::slice::from_ref(&first)).unwrap();
        assert_eq!(latest(&workspace).unwrap(), []);
        run.publish().unwrap();
        assert_eq!(latest(&workspace).unwrap(), std::slice::from_ref(&first));
        drop(run);

        let second = Record::check("race", "second", Outcome::Fail).because("why");
        let run = RunFolder::create(&workspace, &progress).unwrap();
        run.append(std::slice::from_ref(&second)).unwrap();
        assert_eq!(latest(&workspace).unwrap(), [first]);
        run.publish().unwrap();
        assert_eq!(latest(&workspace).unwrap(), [second]);
        assert_eq!(run.shown_log(&run.log("x.log")), "logs/x.log");
    }

    #[test]
    fn old_runs_are_forgotten() {
        let dir = checkout();
        let workspace = Workspace::at(dir.path());
        for number in 0..KEPT + 5 {
            fs::create_dir_all(workspace.lab().join(format!("runs/1999-{number:02}"))).unwrap();
        }
        let run = RunFolder::create(&workspace, &Progress::new()).unwrap();
        run.publish().unwrap();
        let left = fs::read_dir(workspace.lab().join("runs")).unwrap().count();
        assert_eq!(left, KEPT);
        assert!(run.log("").is_dir());
    }

    #[test]
    fn a_foreign_line_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let workspace = Workspace::at(dir.path());
        fs::create_dir_all(workspace.lab().join("latest")).unwrap();
        fs::write(workspace.lab().join("latest/results.jsonl"), "{}\n").unwrap();
        let error = latest(&workspace).unwrap_err();
        assert!(error.to_string().contains("results.jsonl:1"), "{error}");
    }
}
