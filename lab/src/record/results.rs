//! The folders of results: `target/lab/runs/<time>/` holds a run, `target/lab/latest` names the last
//! one that has something to show.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context as _, Result};
use jiff::Timestamp;

use crate::host::lock::lock;
use crate::host::machine::ours;
use crate::host::progress::Progress;
use crate::host::workspace::Workspace;
use crate::record::Record;

/// Number of runs kept, in addition to the latest of each engine.
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
        let lock = lock(&lab.join("lock"), || {
            progress.step("waiting for another run in this checkout");
            Ok(())
        })?;
        let time = Timestamp::now().strftime("%Y-%m-%dT%H-%M-%SZ").to_string();
        let path = fresh_dir(&runs, &time)?;
        fs::create_dir(path.join("logs"))?;
        File::create(path.join("results.jsonl"))?;
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
        let needed: BTreeSet<PathBuf> = match last_words(&self.lab) {
            Ok(engines) => engines.into_values().map(|(folder, _)| folder).collect(),
            // It does not know what is needed, so everything is.
            Err(_) => return,
        };
        let others = newest_first(runs(&self.lab))
            .into_iter()
            // By its name: a clock that was set back makes the newest run the oldest.
            .filter(|run| *run != self.path);
        for old in others.skip(KEPT - 1).filter(|run| !needed.contains(run)) {
            // An old run that cannot be removed costs disk space, nothing else.
            let _ = fs::remove_dir_all(old);
        }
    }
}

/// Of each engine the records of the newest run in which it ran its checks: `run --only` leaves
/// the others as they were, and so does a run that was stopped.
pub(crate) fn last_of_each_engine(workspace: &Workspace) -> Result<Vec<Record>> {
    let engines = last_words(&workspace.lab())?;
    Ok(engines
        .into_values()
        .flat_map(|(_, records)| records)
        .collect())
}

/// By engine: the folder of the newest run in which it ran its checks, and its records there.
fn last_words(lab: &Path) -> Result<BTreeMap<String, (PathBuf, Vec<Record>)>> {
    let latest = lab.join("latest");
    // `latest` is one of the runs, unless somebody put results there by hand.
    let mut folders = runs(lab);
    folders.push(latest.clone());
    let mut last = BTreeMap::new();
    for folder in newest_first(folders) {
        let records = match read(&folder) {
            Ok(records) => records,
            Err(error) if folder == latest => return Err(error),
            // Of another version, or killed while it wrote.
            Err(_) => continue,
        };
        let mut engines: BTreeMap<String, Vec<Record>> = BTreeMap::new();
        for record in records {
            engines
                .entry(record.engine.clone())
                .or_default()
                .push(record);
        }
        for (engine, records) in engines {
            if !last.contains_key(&engine) && records.iter().any(Record::had_its_turn) {
                last.insert(engine, (folder.clone(), records));
            }
        }
    }
    Ok(last)
}

/// The folders of all runs.
fn runs(lab: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(lab.join("runs"));
    let entries = entries.into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).collect()
}

/// Sorts folders by when their last result was written, without those that are not there.
///
/// A folder itself changes when a report is made again, so its own time counts only if it holds
/// no results.
fn newest_first(folders: Vec<PathBuf>) -> Vec<PathBuf> {
    let time = |path: &Path| fs::metadata(path)?.modified();
    let mut timed: Vec<(SystemTime, PathBuf)> = folders
        .into_iter()
        .filter_map(|folder| {
            let written = time(&folder.join("results.jsonl")).or_else(|_| time(&folder));
            Some((written.ok()?, folder))
        })
        .collect();
    timed.sort();
    timed.into_iter().rev().map(|(_, folder)| folder).collect()
}

/// The records of the run in this folder.
pub(crate) fn read(folder: &Path) -> Result<Vec<Record>> {
    let path = folder.join("results.jsonl");
    let file = File::open(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut records = Vec::new();
    for (index, line) in BufReader::new(file).lines().enumerate() {
        let record = serde_json::from_str(&line?).with_context(|| {
            format!(
                "{}:{} is no record of this version; run `{}` again",
                path.display(),
                index + 1,
                ours("run")
            )
        })?;
        records.push(record);
    }
    Ok(records)
}

/// A folder of this name, or with a number if there is one already.
pub fn fresh_dir(parent: &Path, name: &str) -> Result<PathBuf> {
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
    use std::time::Duration;

    fn checkout() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("contracts")).unwrap();
        fs::write(dir.path().join("contracts/req.toml"), "title = \"x\"").unwrap();
        fs::write(dir.path().join("contracts/README.md"), "").unwrap();
        dir
    }

    fn latest(workspace: &Workspace) -> Option<Vec<Record>> {
        read(&workspace.lab().join("latest")).ok()
    }

    /// A run of long ago: `age` days.
    fn old_run(workspace: &Workspace, name: &str, age: u32, records: &[Record]) -> PathBuf {
        let path = workspace.lab().join("runs").join(name);
        fs::create_dir_all(&path).unwrap();
        let lines: Vec<String> = records
            .iter()
            .map(|record| serde_json::to_string(record).unwrap())
            .collect();
        let results = path.join("results.jsonl");
        fs::write(&results, lines.join("\n")).unwrap();
        let time = SystemTime::now() - Duration::from_secs(86_400) * age;
        let file = File::options().write(true).open(&results).unwrap();
        file.set_modified(time).unwrap();
        path
    }

    fn check(engine: &str, outcome: Outcome) -> Record {
        Record::check(engine, "x", outcome)
    }

    #[test]
    fn an_engine_speaks_through_the_newest_run_in_which_it_ran() {
        let dir = checkout();
        let workspace = Workspace::at(dir.path());
        let last = || last_of_each_engine(&workspace).unwrap();
        assert_eq!(last(), []);
        // Names say nothing about the order.
        let (pass, fail) = (Outcome::Pass, Outcome::Fail);
        let race = check("race", fail);
        let loom = check("loom", pass);
        let off = Record {
            kind: crate::record::Kind::Canary,
            ..check("loom", Outcome::CanaryOff)
        };
        let stopped = check("loom", Outcome::NotRun);
        old_run(
            &workspace,
            "z",
            4,
            &[check("race", pass), check("loom", fail)],
        );
        old_run(&workspace, "y", 3, &[check("race", pass), loom.clone()]);
        old_run(&workspace, "a", 2, std::slice::from_ref(&race));
        old_run(&workspace, "b", 1, &[off, stopped]);
        let broken = old_run(&workspace, "c", 0, &[]);
        fs::write(broken.join("results.jsonl"), "{\"kind\":").unwrap();
        assert_eq!(last(), [loom, race]);
    }

    #[test]
    fn the_current_run_and_last_words_are_never_forgotten() {
        let dir = checkout();
        let workspace = Workspace::at(dir.path());
        let needed = old_run(&workspace, "old", 900, &[check("loom", Outcome::Pass)]);
        let gone = old_run(&workspace, "older", 901, &[check("loom", Outcome::Pass)]);
        for number in 0..KEPT + 5 {
            let race = [check("race", Outcome::Pass)];
            old_run(&workspace, &format!("{number}"), 100, &race);
        }
        let run = RunFolder::create(&workspace, &Progress::new()).unwrap();
        // The clock was set back by years.
        let results = File::options()
            .write(true)
            .open(run.path().join("results.jsonl"))
            .unwrap();
        results.set_modified(SystemTime::UNIX_EPOCH).unwrap();
        run.publish().unwrap();
        assert!(run.path().is_dir());
        assert!(needed.is_dir());
        assert!(!gone.exists());
        assert_eq!(runs(&workspace.lab()).len(), KEPT + 1);
    }

    #[test]
    fn a_run_is_latest_only_when_published() {
        let dir = checkout();
        let workspace = Workspace::at(dir.path());
        let progress = Progress::new();
        assert_eq!(latest(&workspace), None);

        let first = Record::check("race", "first", Outcome::Pass);
        let run = RunFolder::create(&workspace, &progress).unwrap();
        run.append(std::slice::from_ref(&first)).unwrap();
        assert_eq!(latest(&workspace), None);
        run.publish().unwrap();
        assert_eq!(latest(&workspace).unwrap(), std::slice::from_ref(&first));
        drop(run);

        let second = Record::check("race", "second", Outcome::Fail).because("why");
        let run = RunFolder::create(&workspace, &progress).unwrap();
        run.append(std::slice::from_ref(&second)).unwrap();
        // Of the next engine.
        let third = Record::check("loom", "third", Outcome::Pass);
        run.append(std::slice::from_ref(&third)).unwrap();
        assert_eq!(latest(&workspace).unwrap(), [first]);
        run.publish().unwrap();
        assert_eq!(latest(&workspace).unwrap(), [second, third]);
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
        let error = last_of_each_engine(&workspace).unwrap_err();
        assert!(error.to_string().contains("results.jsonl:1"), "{error}");
    }
}
