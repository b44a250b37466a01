//! The record of what `cgolab run` finds in public modules, and its comparison with a run.
//!
//! `engines.tsv` has the state of each engine, `findings.tsv` each finding with its judgement. Both are written by
//! `--record`, but for judgements, reasons and question marks, which are a reader's.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;

use anyhow::{Context as _, Result, bail, ensure};
use cgolab::host::workspace::Workspace;

/// The folder of the record, from the root of the checkout.
pub(super) const FOLDER: &str = "docs/strangers";
const FINDINGS: &str = "findings.tsv";
const ENGINES: &str = "engines.tsv";

const FINDINGS_HEAD: &str =
    "# module@version\tengines (?: not in every run)\twhat\twhere\tjudgement\treason";
const ENGINES_HEAD: &str = "# module@version\tengine\tstate\tseconds";

/// The judgement of a finding that nobody has read.
pub(super) const UNREAD: &str = "unread";
/// All judgements: whose mistake it is.
const JUDGEMENTS: [&str; 6] = [
    "binding",
    "native library",
    "tests",
    "machine",
    "noise",
    UNREAD,
];

/// The identity of a finding in a module at a pinned version.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    /// The kind of mistake, or what became of a test.
    pub(super) what: String,
    /// The first own place in C or in Go, else a function of a library, else the test, or the package.
    pub(super) place: String,
}

/// Engines that see a finding, and what a reader says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Judged {
    /// Engines that see it in every run.
    pub(super) always: BTreeSet<String>,
    /// Engines that see it in some runs.
    pub(super) sometimes: BTreeSet<String>,
    pub(super) judgement: String,
    pub(super) reason: String,
}

/// An engine's state in a run of a module.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Engine {
    pub(super) name: String,
    /// A word: `on`, `off`, `unsupported`, `not-run`.
    pub(super) state: String,
    /// The reason of a state that is not `on`. It is shown, and not recorded: compilers choose their words.
    pub(super) why: String,
    pub(super) seconds: f64,
}

/// The outcome of a run of a module.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) engines: Vec<Engine>,
    /// Each finding, with the engines that saw it.
    pub(super) findings: BTreeMap<Key, BTreeSet<String>>,
}

impl Outcome {
    pub(super) fn shown(&self) -> String {
        let seconds: f64 = self.engines.iter().map(|it| it.seconds).sum();
        format!("{} findings in {seconds:.0} s", self.findings.len())
    }
}

/// The record of one module.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Known {
    pub(super) engines: Vec<Engine>,
    pub(super) findings: BTreeMap<Key, Judged>,
}

/// The record of all modules, by path and version.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Record(pub(super) BTreeMap<String, Known>);

impl Record {
    pub(super) fn load(workspace: &Workspace) -> Result<Record> {
        let read = |name: &str| {
            let path = workspace.path(FOLDER).join(name);
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
        };
        Record::parse(&read(ENGINES)?, &read(FINDINGS)?)
    }

    pub(super) fn save(&self, workspace: &Workspace) -> Result<()> {
        let write = |name: &str, text: String| {
            let path = workspace.path(FOLDER).join(name);
            fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
        };
        let (engines, findings) = self.texts();
        write(ENGINES, engines)?;
        write(FINDINGS, findings)
    }

    pub(super) fn parse(engines: &str, findings: &str) -> Result<Record> {
        let mut record = Record::default();
        for row in rows(engines, ENGINES) {
            let [module, name, state, seconds] = row?;
            let known = record.0.entry(module.to_owned()).or_default();
            known.engines.push(Engine {
                name: name.to_owned(),
                state: state.to_owned(),
                why: String::new(),
                seconds: seconds
                    .parse()
                    .with_context(|| format!("{ENGINES}: `{seconds}` is no number"))?,
            });
        }
        for row in rows(findings, FINDINGS) {
            let [module, engines, what, place, judgement, reason] = row?;
            ensure!(
                JUDGEMENTS.contains(&judgement),
                "{FINDINGS}: `{judgement}` is no judgement; choose from {}",
                JUDGEMENTS.join(", ")
            );
            let (sometimes, always): (Vec<&str>, Vec<&str>) =
                engines.split(',').partition(|it| it.ends_with('?'));
            let key = Key {
                what: what.to_owned(),
                place: place.to_owned(),
            };
            let judged = Judged {
                always: always.into_iter().map(str::to_owned).collect(),
                sometimes: sometimes
                    .into_iter()
                    .map(|it| it.trim_end_matches('?').to_owned())
                    .collect(),
                judgement: judgement.to_owned(),
                reason: reason.to_owned(),
            };
            let known = record.0.entry(module.to_owned()).or_default();
            if known.findings.insert(key, judged).is_some() {
                bail!("{FINDINGS}: {module} has {what} at {place} twice");
            }
        }
        Ok(record)
    }

    /// The text of both files, engines first.
    fn texts(&self) -> (String, String) {
        let mut engines = format!("{ENGINES_HEAD}\n");
        let mut findings = format!("{FINDINGS_HEAD}\n");
        for (module, known) in &self.0 {
            // Writing to a String cannot fail.
            for Engine {
                name,
                state,
                seconds,
                ..
            } in &known.engines
            {
                let _ = writeln!(engines, "{module}\t{name}\t{state}\t{seconds:.0}");
            }
            for (Key { what, place }, judged) in &known.findings {
                let _ = writeln!(
                    findings,
                    "{module}\t{}\t{what}\t{place}\t{}\t{}",
                    judged.engines(),
                    judged.judgement,
                    judged.reason
                );
            }
        }
        (engines, findings)
    }

    /// The differences between what is known of a module and a run of it, one a line.
    pub(super) fn compare(&self, module: &str, fresh: &Outcome) -> Vec<String> {
        let nothing = Known::default();
        let known = self.0.get(module).unwrap_or(&nothing);
        let mut told = Vec::new();
        let states = |engines: &[Engine]| -> BTreeMap<String, (String, String)> {
            let of = |it: &Engine| (it.name.clone(), (it.state.clone(), it.why.clone()));
            engines.iter().map(of).collect()
        };
        let (before, now) = (states(&known.engines), states(&fresh.engines));
        for name in before.keys().chain(now.keys()).collect::<BTreeSet<_>>() {
            let state = |of: &BTreeMap<String, (String, String)>| {
                of.get(name)
                    .map_or("not there".to_owned(), |(state, _)| state.clone())
            };
            if state(&before) != state(&now) {
                let why = now.get(name).map_or("", |(_, why)| why);
                let why = if why.is_empty() {
                    String::new()
                } else {
                    format!(": {why}")
                };
                told.push(format!(
                    "{name} was {}, is {}{why}",
                    state(&before),
                    state(&now)
                ));
            }
        }
        for (key, judged) in &known.findings {
            let seen = fresh.findings.get(key);
            for engine in &judged.always {
                if !seen.is_some_and(|it| it.contains(engine)) {
                    told.push(format!(
                        "gone: {engine}: {} at {} ({})",
                        key.what, key.place, judged.judgement
                    ));
                }
            }
        }
        for (key, seen) in &fresh.findings {
            let judged = known.findings.get(key);
            for engine in seen {
                if !judged
                    .is_some_and(|it| it.always.contains(engine) || it.sometimes.contains(engine))
                {
                    told.push(format!("new: {engine}: {} at {}", key.what, key.place));
                }
            }
        }
        told
    }

    /// Replaces what is known of a module, and keeps what was said of findings that are still there.
    pub(super) fn take_over(&mut self, module: &str, fresh: Outcome) {
        let known = self.0.entry(module.to_owned()).or_default();
        known.engines = fresh.engines;
        let mut before = std::mem::take(&mut known.findings);
        for (key, seen) in fresh.findings {
            let old = before.remove(&key);
            let sometimes = old
                .as_ref()
                .map_or_else(BTreeSet::new, |it| it.sometimes.clone());
            let (judgement, reason) = old.map_or_else(
                || (UNREAD.to_owned(), String::new()),
                |it| (it.judgement, it.reason),
            );
            known.findings.insert(
                key,
                Judged {
                    always: seen.difference(&sometimes).cloned().collect(),
                    sometimes,
                    judgement,
                    reason,
                },
            );
        }
        // Those of which no run is sure stay.
        before.retain(|_, judged| judged.always.is_empty());
        known.findings.append(&mut before);
    }
}

impl Judged {
    /// The engines, with `?` after one that does not see it in every run.
    pub(super) fn engines(&self) -> String {
        let sometimes = self.sometimes.iter().map(|it| format!("{it}?"));
        let all: Vec<String> = self.always.iter().cloned().chain(sometimes).collect();
        all.join(",")
    }
}

/// The rows of a file whose columns are parted by tabs. A line that begins with `#` says nothing.
fn rows<'a, const COLUMNS: usize>(
    text: &'a str,
    file: &'a str,
) -> impl Iterator<Item = Result<[&'a str; COLUMNS]>> {
    let lines = text.lines().filter(|it| !it.starts_with('#'));
    lines.map(move |line| {
        let columns: Vec<&str> = line.split('\t').collect();
        columns
            .try_into()
            .map_err(|_| anyhow::anyhow!("{file}: `{line}` has not {COLUMNS} columns"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATES: &str = "a/b@v1\tplain\ton\t3\na/b@v1\tasan\ton\t5\n";
    const LEAK: &str = "a/b@v1\tasan\tleak\ta.c:7\tbinding\tone for each call\n";
    const RARE: &str = "a/b@v1\tasan,storm-asan?\tleak\ta.c:7\tbinding\tone for each call\n";

    fn key(what: &str, place: &str) -> Key {
        Key {
            what: what.to_owned(),
            place: place.to_owned(),
        }
    }

    fn outcome(asan: &str, findings: &[(&str, Key)]) -> Outcome {
        let engine = |name: &str, state: &str, why: &str| Engine {
            name: name.to_owned(),
            state: state.to_owned(),
            why: why.to_owned(),
            seconds: 1.0,
        };
        let why = if asan == "on" { "" } else { "because" };
        let mut outcome = Outcome {
            engines: vec![engine("plain", "on", ""), engine("asan", asan, why)],
            ..Outcome::default()
        };
        for (engine, key) in findings {
            let seen = outcome.findings.entry(key.clone()).or_default();
            seen.insert((*engine).to_owned());
        }
        outcome
    }

    fn leak() -> Key {
        key("leak", "a.c:7")
    }

    fn compared(findings: &str, fresh: &Outcome) -> Vec<String> {
        let record = Record::parse(STATES, findings).unwrap();
        record.compare("a/b@v1", fresh)
    }

    #[test]
    fn a_run_that_is_as_recorded_has_no_difference() {
        assert!(compared(LEAK, &outcome("on", &[("asan", leak())])).is_empty());
        assert!(compared("", &outcome("on", &[])).is_empty());
    }

    #[test]
    fn a_finding_more_and_a_finding_fewer_are_named() {
        let double = || key("double-free", "a.c:9");
        let more = outcome("on", &[("asan", leak()), ("asan", double())]);
        assert_eq!(compared(LEAK, &more), ["new: asan: double-free at a.c:9"]);
        assert_eq!(
            compared(LEAK, &outcome("on", &[])),
            ["gone: asan: leak at a.c:7 (binding)"]
        );
    }

    #[test]
    fn an_engine_that_is_no_longer_on_is_named_with_the_reason() {
        let unsupported = outcome("unsupported", &[]);
        assert_eq!(
            compared("", &unsupported),
            ["asan was on, is unsupported: because"]
        );
        // A module that takes too long: its last engines are not begun.
        let late = outcome("not-run", &[]);
        assert_eq!(compared("", &late), ["asan was on, is not-run: because"]);
        let mut fewer = outcome("on", &[]);
        fewer.engines.pop();
        assert_eq!(compared("", &fewer), ["asan was on, is not there"]);
    }

    #[test]
    fn all_of_a_module_without_a_record_is_new() {
        let record = Record::default();
        let told = record.compare("a/b@v1", &outcome("on", &[("asan", leak())]));
        assert_eq!(
            told,
            [
                "asan was not there, is on",
                "plain was not there, is on",
                "new: asan: leak at a.c:7"
            ]
        );
    }

    #[test]
    fn an_engine_with_a_question_mark_may_see_it_or_not() {
        let both = outcome("on", &[("asan", leak()), ("storm-asan", leak())]);
        let one = outcome("on", &[("asan", leak())]);
        assert!(compared(RARE, &both).is_empty());
        assert!(compared(RARE, &one).is_empty());
        assert_eq!(compared(LEAK, &both), ["new: storm-asan: leak at a.c:7"]);
    }

    #[test]
    fn what_is_taken_over_keeps_its_judgement_and_what_is_new_is_unread() {
        let mut record = Record::parse(STATES, RARE).unwrap();
        let double = key("double-free", "a.c:9");
        let fresh = [
            ("asan", leak()),
            ("storm-asan", leak()),
            ("asan", double.clone()),
        ];
        record.take_over("a/b@v1", outcome("on", &fresh));
        let findings = &record.0["a/b@v1"].findings;
        assert_eq!(findings[&leak()].judgement, "binding");
        assert_eq!(findings[&leak()].reason, "one for each call");
        assert_eq!(findings[&leak()].engines(), "asan,storm-asan?");
        assert_eq!(findings[&double].judgement, UNREAD);
        record.take_over("a/b@v1", outcome("on", &[]));
        assert!(record.0["a/b@v1"].findings.is_empty());
        let mut rare = Record::parse(STATES, &RARE.replace("asan,", "")).unwrap();
        rare.take_over("a/b@v1", outcome("on", &[]));
        assert_eq!(rare.0["a/b@v1"].findings.len(), 1);
    }

    #[test]
    fn a_record_is_read_as_it_was_written_and_mistakes_in_it_are_named() {
        let record = Record::parse(STATES, RARE).unwrap();
        let (engines, findings) = record.texts();
        assert_eq!(Record::parse(&engines, &findings).unwrap(), record);
        let error = |findings: &str| {
            let error = Record::parse(STATES, findings).unwrap_err();
            error.to_string()
        };
        assert!(error("a/b@v1\tasan\n").contains("has not 6 columns"));
        assert!(error(&LEAK.replace("binding", "perhaps")).contains("is no judgement"));
        assert!(error(&[LEAK, LEAK].concat()).contains("twice"));
    }
}
