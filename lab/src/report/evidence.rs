//! The evidence of a cell: which checks spoke, how to repeat them, what their log says.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::path::{Component, Path, PathBuf};
use std::rc::Rc;

use super::excerpt::{Excerpt, excerpt, plain};
use super::words::{number, time};
use crate::host::child::read_lossy;
use crate::record::{Kind, Outcome, Record};

/// Names that an evidence block spells out.
const CHECKS: usize = 40;

/// Checks with the same command, log and scenario.
pub(super) struct Evidence {
    pub(super) checks: Vec<Check>,
    pub(super) more: usize,
    pub(super) reasons: Vec<String>,
    pub(super) command: String,
    /// The command that replays it, or the scenario if the subject has no such command.
    pub(super) scenario: Option<String>,
    /// Relative to the folder of the run, if it may be linked to.
    pub(super) log: Option<String>,
    pub(super) excerpt: Excerpt,
}

pub(super) struct Check {
    pub(super) outcome: Outcome,
    pub(super) name: String,
    pub(super) seconds: f64,
    pub(super) executions: Option<u64>,
}

impl Check {
    pub(super) fn time(&self) -> String {
        time(self.seconds)
    }

    pub(super) fn executions(&self) -> String {
        match self.executions {
            None => String::new(),
            Some(1) => "1 execution".to_owned(),
            Some(count) => format!("{} executions", number(count)),
        }
    }
}

/// The records, those with the same evidence together, worst first.
pub(super) fn evidence(records: &[&Record], logs: &Logs) -> Vec<Evidence> {
    let mut groups: Vec<Vec<&Record>> = Vec::new();
    for record in records {
        let same = |group: &&mut Vec<&Record>| {
            group[0].evidence == record.evidence && group[0].is_green() == record.is_green()
        };
        match groups.iter_mut().find(same) {
            Some(group) => group.push(record),
            None => groups.push(vec![record]),
        }
    }
    let worst = |group: &Vec<&Record>| group.iter().map(|r| r.outcome.weight()).max();
    groups.sort_by_key(|group| std::cmp::Reverse(worst(group)));
    groups
        .iter()
        .map(|group| Evidence::of(group, logs))
        .collect()
}

impl Evidence {
    /// Of records that share their evidence; at least one.
    pub(super) fn of(records: &[&Record], logs: &Logs) -> Evidence {
        let first = records[0];
        // What a caught canary has in its log is trouble, and that is the point of it.
        let speaks = !first.is_green() || first.kind == Kind::Canary;
        let mut names: BTreeSet<String> = records
            .iter()
            .map(|record| record.check.clone())
            .filter(|name| is_specific(name))
            .collect();
        if !speaks {
            // What a process notes about itself; see `crate::read::notes`.
            let ids = records.iter().filter_map(|record| record.contract.as_ref());
            names.extend(ids.map(|id| format!("contract={id} ")));
        }
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let (log, excerpt) = logs.excerpt(first.evidence.log.as_deref(), &names, speaks);
        let mut checks: Vec<Check> = Vec::new();
        for record in records {
            // One check may speak about many contracts.
            if checks.iter().all(|check| check.name != record.check) {
                checks.push(Check {
                    outcome: record.outcome,
                    name: plain(&record.check),
                    seconds: record.seconds,
                    executions: record.executions,
                });
            }
        }
        let reasons: BTreeSet<String> = records
            .iter()
            .filter_map(|record| record.reason.as_deref())
            .map(plain)
            .collect();
        let more = checks.len().saturating_sub(CHECKS);
        checks.truncate(CHECKS);
        Evidence {
            checks,
            more,
            reasons: reasons.into_iter().collect(),
            command: first.evidence.command.clone(),
            scenario: first
                .evidence
                .scenario
                .as_deref()
                .map(|scenario| replay(logs.replay.as_deref(), scenario)),
            log,
            excerpt,
        }
    }
}

/// The command for a scenario, which is noted as that command takes it; the scenario alone if there is no such
/// command.
fn replay(command: Option<&str>, scenario: &str) -> String {
    match command {
        Some(command) => format!("{command} {scenario}"),
        None => scenario.to_owned(),
    }
}

/// Returns true if a check's name can be looked for in a log: `TestREQ03…` and `req_03_…` can, `all` and
/// `go test` are the lab's own words.
fn is_specific(name: &str) -> bool {
    !name.contains(' ')
        && name.contains(|c: char| {
            c == '_' || c == ':' || c.is_ascii_digit() || c.is_ascii_uppercase()
        })
}

/// The logs of a run, each read once.
pub(super) struct Logs {
    folder: PathBuf,
    /// The command that repeats a scenario.
    replay: Option<String>,
    read: RefCell<HashMap<String, Option<Rc<str>>>>,
}

impl Logs {
    pub(super) fn of(folder: &Path, replay: Option<&str>) -> Logs {
        Logs {
            replay: replay.map(str::to_owned),
            folder: folder.to_path_buf(),
            read: RefCell::default(),
        }
    }

    /// The link to a log from the page, and the part that speaks about these checks.
    fn excerpt(&self, log: Option<&str>, names: &[&str], red: bool) -> (Option<String>, Excerpt) {
        let Some(log) = log else {
            return (None, Excerpt::NoLog);
        };
        // A path that leaves the folder is nobody's log.
        let stays = Path::new(log)
            .components()
            .all(|part| matches!(part, Component::Normal(_)));
        if !stays {
            return (None, Excerpt::Missing);
        }
        let text = self
            .read
            .borrow_mut()
            .entry(log.to_owned())
            .or_insert_with(|| {
                let path = self.folder.join(log);
                path.is_file().then(|| read_lossy(&path).into())
            })
            .clone();
        match text {
            Some(text) => (Some(log.to_owned()), excerpt(&text, names, red)),
            None => (None, Excerpt::Missing),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scenario_becomes_a_command_if_there_is_one() {
        let through_c = "--through c 0a1f";
        let again = replay(Some("replay --"), through_c);
        assert_eq!(again, "replay -- --through c 0a1f");
        assert_eq!(replay(Some("./again"), "0a1f"), "./again 0a1f");
        assert_eq!(replay(None, through_c), through_c);
    }

    #[test]
    fn checks_that_have_no_room_are_counted() {
        let records: Vec<Record> = (0..CHECKS + 3)
            .map(|number| Record::check("go", number.to_string(), Outcome::Pass))
            .collect();
        let records: Vec<&Record> = records.iter().collect();
        let evidence = Evidence::of(&records, &Logs::of(Path::new("none"), None));
        assert_eq!((evidence.checks.len(), evidence.more), (CHECKS, 3));
    }

    #[test]
    fn names_of_tests_can_be_looked_for() {
        for name in ["TestREQ03", "req_04_x", "model::tests::x", "canary_model"] {
            assert!(is_specific(name), "{name}");
        }
        for name in ["all", "claimed", "go test", "planted race", "nextest"] {
            assert!(!is_specific(name), "{name}");
        }
    }
}
