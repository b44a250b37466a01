//! Changes since the run before: a gap that is new matters more than one that is known.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::identity::Identity;
use crate::record::results;
use crate::record::{Outcome, Record};
use crate::verdict::cell;

/// The difference from an earlier run, contract by engine, for engines that are in both.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Changes {
    /// The name of the earlier run. No link: the page is read through `latest` as well, and there
    /// it would lead elsewhere.
    pub(super) run: String,
    /// Its commit as git abbreviates it, if it is known.
    pub(super) commit: Option<String>,
    pub(super) lists: Vec<List>,
}

/// The contracts that changed in the same way.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct List {
    /// The CSS class of an outcome that looks like it.
    pub(super) class: &'static str,
    pub(super) what: &'static str,
    pub(super) cells: Vec<Change>,
}

/// A cell of the matrix that is not what it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) contract: String,
    pub(super) engine: String,
    /// The words of the cell, then and now; empty for none.
    pub(super) before: &'static str,
    pub(super) now: &'static str,
}

/// A cell: the worst of its records.
type Cells<'a> = BTreeMap<(&'a str, &'a str), &'a Record>;

/// Compares with the newest earlier run beside `folder` that came to its end and has all the
/// engines of this one, or else some of them. None if there is no such run.
pub(super) fn since_last(folder: &Path, records: &[Record]) -> Option<Changes> {
    let folder = folder.canonicalize().ok()?;
    let ours = engines(records);
    let mut candidates: Vec<(PathBuf, Identity, Vec<Record>)> = Vec::new();
    for earlier in earlier(&folder) {
        let Ok(identity) = Identity::read(&earlier) else {
            continue;
        };
        // What a run did not come to says nothing about what changed.
        if identity.seconds.is_none() || identity.interrupted {
            continue;
        }
        // Records of another version are not compared.
        let Ok(before) = results::read(&earlier) else {
            continue;
        };
        let has_all = engines(&before).is_superset(&ours);
        if has_all {
            candidates.clear();
        }
        if has_all || !engines(&before).is_disjoint(&ours) {
            candidates.push((earlier, identity, before));
        }
        if has_all {
            break;
        }
    }
    let (earlier, identity, before) = candidates.into_iter().next()?;
    Some(Changes {
        commit: identity
            .commit
            .map(|commit| commit.id.chars().take(12).collect()),
        run: earlier.file_name()?.display().to_string(),
        lists: compare(&before, records),
    })
}

/// The runs before this one, the newest first. A folder that was downloaded has none.
fn earlier(folder: &Path) -> Vec<PathBuf> {
    let Some(runs) = folder.parent().filter(|parent| parent.ends_with("runs")) else {
        return Vec::new();
    };
    let mut earlier: Vec<PathBuf> = fs::read_dir(runs)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.as_path() < folder)
        .collect();
    earlier.sort();
    earlier.reverse();
    earlier
}

/// The engines that were not left out.
fn engines(records: &[Record]) -> BTreeSet<&str> {
    records
        .iter()
        .filter(|record| record.outcome != Outcome::Skipped)
        .map(|record| record.engine.as_str())
        .collect()
}

fn cells<'a>(records: &'a [Record], engines: &BTreeSet<&str>) -> Cells<'a> {
    let mut cells = Cells::new();
    for record in records {
        let Some(contract) = record.contract.as_deref() else {
            continue;
        };
        if !cell::speaks(record) || !engines.contains(record.engine.as_str()) {
            continue;
        }
        let worst = cells.entry((contract, &record.engine)).or_insert(record);
        if record.outcome.weight() > worst.outcome.weight() {
            *worst = record;
        }
    }
    cells
}

fn compare(before: &[Record], now: &[Record]) -> Vec<List> {
    let both: BTreeSet<&str> = engines(before)
        .intersection(&engines(now))
        .copied()
        .collect();
    let (before, now) = (cells(before, &both), cells(now, &both));
    let keys: BTreeSet<_> = before.keys().chain(now.keys()).copied().collect();
    let list = |class, what, wanted: fn(Option<bool>, Option<bool>) -> bool| {
        let green = |cells: &Cells<'_>, key| cells.get(key).map(|record| record.is_green());
        let word = |cells: &Cells<'_>, key| cells.get(key).map_or("", |r| r.outcome.word());
        List {
            class,
            what,
            cells: keys
                .iter()
                .filter(|key| wanted(green(&before, key), green(&now, key)))
                .map(|key| Change {
                    contract: key.0.to_owned(),
                    engine: key.1.to_owned(),
                    before: word(&before, key),
                    now: word(&now, key),
                })
                .collect(),
        }
    };
    let mut lists = vec![
        list("fail", "newly red", |before, now| {
            before != Some(false) && now == Some(false)
        }),
        list("not-run", "no longer checked", |before, now| {
            before.is_some() && now.is_none()
        }),
        list("pass", "green again", |before, now| {
            before == Some(false) && now == Some(true)
        }),
        list("pass", "newly checked", |before, now| {
            before.is_none() && now == Some(true)
        }),
    ];
    lists.retain(|list| !list.cells.is_empty());
    lists
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(engine: &str, contract: &str, outcome: Outcome) -> Record {
        Record {
            contract: Some(contract.to_owned()),
            ..Record::check(engine, "x", outcome)
        }
    }

    fn shown(lists: &[List]) -> Vec<(&'static str, Vec<String>)> {
        lists
            .iter()
            .map(|list| {
                let cells = list.cells.iter();
                let cells = cells.map(|cell| format!("{} {}", cell.contract, cell.engine));
                (list.what, cells.collect())
            })
            .collect()
    }

    #[test]
    fn cells_are_compared_where_both_runs_have_the_engine() {
        let before = [
            record("race", "REQ-01", Outcome::Pass),
            record("race", "REQ-02", Outcome::Fail),
            record("race", "REQ-03", Outcome::Pass),
            record("race", "REQ-04", Outcome::Fail),
            record("loom", "REQ-01", Outcome::Pass),
        ];
        let now = [
            record("race", "REQ-01", Outcome::Pass),
            record("race", "REQ-01", Outcome::Fail),
            record("race", "REQ-02", Outcome::Pass),
            record("race", "REQ-04", Outcome::Timeout),
            record("race", "REQ-05", Outcome::Pass),
            record("layout", "REQ-09", Outcome::Pass),
        ];
        let lists = compare(&before, &now);
        assert_eq!(
            shown(&lists),
            [
                ("newly red", vec!["REQ-01 race".to_owned()]),
                ("no longer checked", vec!["REQ-03 race".to_owned()]),
                ("green again", vec!["REQ-02 race".to_owned()]),
                ("newly checked", vec!["REQ-05 race".to_owned()]),
            ]
        );
        assert_eq!(lists[0].cells[0].before, "pass");
        assert_eq!(lists[0].cells[0].now, "FAIL");
        assert_eq!(compare(&now, &now), []);
        let skipped = [record("race", "REQ-01", Outcome::Skipped)];
        assert_eq!(compare(&before, &skipped), []);
    }

    #[test]
    fn the_newest_complete_run_is_the_one_before() {
        let dir = tempfile::tempdir().unwrap();
        let runs = dir.path().join("runs");
        let run = |name: &str, seconds: Option<f64>, records: &[Record]| -> PathBuf {
            let folder = runs.join(name);
            fs::create_dir_all(&folder).unwrap();
            let identity = Identity {
                seconds,
                ..Identity::default()
            };
            identity.write(&folder).unwrap();
            let lines: Vec<String> = records
                .iter()
                .map(|record| serde_json::to_string(record).unwrap())
                .collect();
            fs::write(folder.join("results.jsonl"), lines.join("\n")).unwrap();
            folder
        };
        let race = [record("race", "REQ-01", Outcome::Pass)];
        let red = [record("race", "REQ-01", Outcome::Fail)];
        run("1", Some(1.0), &red);
        run("2", Some(1.0), &race);
        run("3", Some(1.0), &[record("loom", "REQ-01", Outcome::Fail)]);
        run("4", None, &red);
        fs::write(run("5", Some(1.0), &red).join("results.jsonl"), "{}").unwrap();
        let this = run("6", None, &race);
        run("7", Some(1.0), &red);
        let changes = since_last(&this, &race).unwrap();
        assert_eq!(changes.run, "2");
        assert_eq!(changes.lists, []);
        assert_eq!(since_last(&runs.join("1"), &race), None);
        // With all engines beats newer with some; some beat none.
        let both = [race.clone(), [record("loom", "REQ-01", Outcome::Pass)]].concat();
        assert_eq!(since_last(&this, &both).unwrap().run, "3");
        run("1.5", Some(1.0), &both);
        assert_eq!(since_last(&this, &both).unwrap().run, "1.5");
        // A folder from elsewhere stands alone.
        assert_eq!(since_last(dir.path(), &race), None);
    }
}
