//! Questions to an engine: `cargo lab faults` asks it about a few contracts, with and without a planted
//! bug.
//!
//! An answer is finer than a record. A record is red whenever something is wrong. An answer distinguishes a
//! check that reports the bug, which proves that it sees it, from a process that only crashed.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

use crate::record::{Outcome, Record};
use crate::subject::catalogue::Catalogue;
use crate::subject::file::SubjectFile;

/// Contracts whose checks shall run.
pub(crate) struct Question {
    pub(crate) contracts: BTreeSet<String>,
    /// The contract that a planted bug breaks.
    pub(crate) broken: Option<String>,
    /// Part of the names of logs.
    pub(crate) log: String,
}

impl Question {
    /// True if a check with one of these contracts is wanted.
    pub(super) fn concerns(&self, contracts: &[String]) -> bool {
        contracts.iter().any(|id| self.contracts.contains(id))
    }

    /// True if no other check can add to this answer.
    pub(super) fn is_answered_by(&self, answer: &Answer) -> bool {
        match answer.sign {
            Sign::Red(_) => self.broken.is_some() && answer.contract == self.broken,
            Sign::TimedOut | Sign::NotBuilt(_) => true,
            _ => false,
        }
    }
}

/// One check's answer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answer {
    pub(crate) contract: Option<String>,
    /// The name of the test or check.
    pub(crate) check: String,
    pub(crate) sign: Sign,
}

/// The way in which a check ended.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Sign {
    Green,
    /// The check chose not to run.
    Skipped,
    /// The check itself reports that the contract is broken: by its assertion, a rule of the oracle, the
    /// detector's report, or its watchdog.
    Red(String),
    /// The check failed without the report of its engine's detector: other engines see that failure, too.
    NoReport(String),
    /// The process died, and its output names no cause.
    Crashed(String),
    /// The outer time limit ended it.
    TimedOut,
    NotBuilt(String),
    /// It should have run.
    NotRun(String),
}

impl Answer {
    /// The answer that a record gives.
    pub(super) fn of(record: &Record) -> Answer {
        let why = || record.reason.clone().unwrap_or_default();
        Answer {
            contract: record.contract.clone(),
            check: record.check.clone(),
            sign: match record.outcome {
                // A model that was cut off has found nothing.
                Outcome::Pass | Outcome::CutOff => Sign::Green,
                Outcome::Skipped => Sign::Skipped,
                Outcome::Fail | Outcome::Unstable => Sign::Red(why()),
                Outcome::NotRun | Outcome::CanaryOff => Sign::NotRun(why()),
                Outcome::Timeout => Sign::TimedOut,
                Outcome::BuildFailed => Sign::NotBuilt(why()),
            },
        }
    }

    /// Counts a crash of this kind as a report of the check that it ended.
    pub(super) fn where_crash_is(mut self, kind: &str) -> Answer {
        if let Sign::Crashed(why) = &self.sign
            && why.contains(kind)
        {
            self.sign = Sign::Red(why.clone());
        }
        self
    }

    /// Counts a failed check as red only if its reason contains one of the detector's reports.
    pub(super) fn only_with(mut self, reports: &[&str]) -> Answer {
        if let Sign::Red(why) = &self.sign
            && !reports.iter().any(|report| why.contains(report))
        {
            self.sign = Sign::NoReport(why.clone());
        }
        self
    }
}

/// The build of the subject that an engine tests. Faults are planted folder by folder, so that engines with
/// the same folder share one build.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Build {
    /// Its name below the target folder.
    pub(crate) folder: String,
    /// Everything that answers can depend on, from the root of the checkout.
    pub(crate) sources: Vec<String>,
}

impl Build {
    /// The build of Go code that links this kind of native library.
    pub(super) fn of_go(file: &SubjectFile, kind: &str) -> Build {
        let native = file.native.get(kind);
        let product = native.and_then(|native| native.products.first());
        let folder = product.and_then(|path| path.strip_prefix("target/")?.split('/').next());
        let mut build = Build {
            folder: folder.unwrap_or("release").to_owned(),
            sources: Vec::new(),
        };
        build.add_sources(native.map_or(&[], |native| &native.sources));
        let modules: Vec<String> = file.go.iter().map(|module| module.dir.clone()).collect();
        build.add_sources(&modules);
        build
    }

    /// Adds sources, each once.
    pub(super) fn add_sources(&mut self, more: &[String]) {
        for source in more {
            if !self.sources.contains(source) {
                self.sources.push(source.clone());
            }
        }
    }
}

/// The test programs in a folder that contain requested tests. The others need not be built.
pub(super) fn files_concerned(
    dir: &Path,
    catalogue: &Catalogue,
    question: &Question,
) -> Result<Vec<String>> {
    let entries = fs::read_dir(dir).with_context(|| format!("cannot read {}", dir.display()))?;
    let mut files = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        let text =
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        // Every word: a macro may make the test of it.
        let concerned = text
            .split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .any(|word| question.concerns(&catalogue.contracts_in_name(word)));
        if concerned && let Some(name) = path.file_stem() {
            files.push(name.to_string_lossy().into_owned());
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_detector_is_credited_with_its_own_report_only() {
        let red = |why: &str| {
            let record = Record::check("asan", "TestREQ18X", Outcome::Fail).because(why);
            let answer = Answer::of(&record);
            answer.only_with(&["AddressSanitizer: ", "checkptr: "]).sign
        };
        let class = "AddressSanitizer: heap-use-after-free";
        assert_eq!(red(class), Sign::Red(class.to_owned()));
        let by_go = "fatal error: checkptr: misaligned pointer conversion";
        assert_eq!(red(by_go), Sign::Red(by_go.to_owned()));
        assert_eq!(red("got 3"), Sign::NoReport("got 3".to_owned()));
    }

    #[test]
    fn a_crash_is_a_word_where_an_engine_wants_it() {
        let sign = |why: &str| {
            let answer = Answer {
                contract: None,
                check: "x".to_owned(),
                sign: Sign::Crashed(why.to_owned()),
            };
            answer.where_crash_is("code 2").sign
        };
        assert_eq!(
            sign("SIGSEGV, code 2"),
            Sign::Red("SIGSEGV, code 2".to_owned())
        );
        assert_eq!(
            sign("SIGSEGV, code 1"),
            Sign::Crashed("SIGSEGV, code 1".to_owned())
        );
    }

    #[test]
    fn nothing_but_a_failed_check_is_red() {
        let sign = |outcome| Answer::of(&Record::check("go", "x", outcome)).sign;
        assert_eq!(sign(Outcome::Pass), Sign::Green);
        assert_eq!(sign(Outcome::CutOff), Sign::Green);
        assert_eq!(sign(Outcome::Skipped), Sign::Skipped);
        assert_eq!(sign(Outcome::Timeout), Sign::TimedOut);
        assert_eq!(sign(Outcome::BuildFailed), Sign::NotBuilt(String::new()));
        assert_eq!(sign(Outcome::NotRun), Sign::NotRun(String::new()));
        assert_eq!(sign(Outcome::Unstable), Sign::Red(String::new()));
    }

    #[test]
    fn only_files_with_a_test_of_the_contracts_are_built() {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in [
            ("a.rs", "#[test]\nfn req_04_x() {}\n"),
            ("b.rs", "each!(req_05_y);\n"),
            ("c.rs", "fn other() {}\n"),
            ("d.txt", "req_04_x"),
        ] {
            fs::write(dir.path().join(name), text).unwrap();
        }
        let contract = |id: &str| {
            format!(
                "[[contract]]\nid = \"{id}\"\nsentence = \"x\"\nlayer = [\"go\"]\nsource = []\n\
                 claimed = []\nplanned = [\"loom\"]\n"
            )
        };
        let text = ["REQ-04", "REQ-05"].map(contract).concat();
        fs::create_dir(dir.path().join("contracts")).unwrap();
        let file = dir.path().join("contracts/req.toml");
        fs::write(file, format!("title = \"x\"\n{text}")).unwrap();
        let catalogue = Catalogue::load(&dir.path().join("contracts")).unwrap();
        let files = |id: &str| {
            let question = Question {
                contracts: BTreeSet::from([id.to_owned()]),
                broken: None,
                log: String::new(),
            };
            files_concerned(dir.path(), &catalogue, &question).unwrap()
        };
        assert_eq!(files("REQ-04"), ["a"]);
        assert_eq!(files("REQ-05"), ["b"]);
        assert!(files("REQ-06").is_empty());
    }
}
