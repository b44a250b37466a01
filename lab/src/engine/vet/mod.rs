//! The engine that reads source: the rules of `go-harness/vet`, over the subject's own packages.
//!
//! | module | holds |
//! |---|---|
//! | [`analyzers`] | the program with the rules, and what it prints |
//!
//! A rule is a check. It runs over all packages, and each finding is a failed check of every contract that the
//! rule guards. One that finds nothing is a passed check of those contracts that the subject claims for this
//! engine, and of no other: where there is nothing to look at, nothing is found either. Rules that are policies
//! run for who claims a contract that they guard.

pub(crate) mod analyzers;

use std::path::Path;
use std::sync::OnceLock;

use anyhow::{Result, ensure};

use self::analyzers::{Analyzers, Asked, Found, NotAnalysed, Printed, RuleRun};
use super::ask::{Answer, Build, Question};
use super::gosuite::Tests;
use super::{Canary, Context, Engine, golang};
use crate::host::child::interrupted;
use crate::host::tools::Need;
use crate::record::{self, Outcome, Record};
use crate::subject::catalogue::Catalogue;
use crate::subject::file::SubjectFile;

/// The name of the engine.
pub(super) const NAME: &str = "vet";

/// A folder below the target folder in which nothing is built: source is all that the engine needs.
const FOLDER: &str = "vet";

/// The rules, over the packages of a subject.
pub(super) struct Vet {
    packages: Vec<Tests>,
    build: Build,
    analyzers: OnceLock<Analyzers>,
}

impl Vet {
    /// The engine for a subject: its suites for it, or every package of its modules.
    pub(super) fn of(file: &SubjectFile) -> Vet {
        Vet {
            packages: golang::tests_of(NAME, file),
            build: Build {
                folder: FOLDER.to_owned(),
                ..Build::of_go(file, "")
            },
            analyzers: OnceLock::new(),
        }
    }

    /// The program, built once. The inner error is the compiler's line.
    fn analyzers(&self, context: &Context<'_>) -> Result<Result<&Analyzers, String>> {
        if let Some(analyzers) = self.analyzers.get() {
            return Ok(Ok(analyzers));
        }
        context.progress.step(format!("{NAME}: building the rules"));
        let built = analyzers::cached(context.workspace, context.progress)?;
        ensure!(!interrupted(), "stopped while the rules were built");
        Ok(built.map(|it| self.analyzers.get_or_init(|| it)))
    }

    /// Runs the rules over the subject's packages. Names of logs begin with `log`.
    fn read(&self, context: &Context<'_>, log: &str) -> Result<Vec<Record>> {
        let analyzers = match self.analyzers(context)? {
            Ok(analyzers) => analyzers,
            Err(why) => return Ok(vec![whole(Outcome::BuildFailed, why)]),
        };
        let mut records = Vec::new();
        for packages in &self.packages {
            let asked = Asked {
                dir: context.workspace.path(&packages.dir),
                env: packages.env.clone(),
                tags: packages.tags.clone(),
                packages: packages.packages.clone(),
                policies: true,
                limit: packages.limit,
            };
            let log = context.log(&format!("{log}{}.log", packages.log));
            let ran = analyzers.run(context.workspace, &asked, &log, context.progress)?;
            let found = match (record::cut(&ran.finished), &ran.printed) {
                (Some(cut), _) => vec![whole(cut, ran.finished.how())],
                (None, Err(why)) => vec![whole(Outcome::BuildFailed, why.clone())],
                (None, Ok(printed)) => records_of(printed, &asked.dir, context.catalogue),
            };
            let share = ran.finished.seconds / found.len() as f64;
            records.extend(found.into_iter().map(|record| Record {
                seconds: share,
                evidence: context.evidence(&ran.finished),
                ..record
            }));
        }
        Ok(records)
    }
}

impl Engine for Vet {
    fn name(&self) -> &str {
        NAME
    }

    fn describe(&self) -> &str {
        "rules that read the Go code which calls C; no test runs"
    }

    fn needs(&self) -> &[Need] {
        &[Need::C, Need::Go]
    }

    fn build(&self) -> &Build {
        &self.build
    }

    fn unable(&self, context: &Context<'_>) -> Result<Option<String>> {
        let why = self.analyzers(context)?.err();
        Ok(why.map(|why| format!("the rules do not build here: {why}")))
    }

    fn canary(&self, context: &Context<'_>) -> Result<Canary> {
        let step = format!("{NAME}: canary, a planted mistake for each rule");
        context.progress.step(step);
        let asked = Asked::planted(&context.workspace.lab().join("planted"))?;
        let analyzers = self.analyzers(context)?.map_err(anyhow::Error::msg)?;
        let log = context.log(&format!("{NAME}.canary.log"));
        let ran = analyzers.run(context.workspace, &asked, &log, context.progress)?;
        Ok(Canary {
            check: "a planted mistake for each rule".to_owned(),
            missed: ran.missed(),
            evidence: context.evidence(&ran.finished),
            seconds: ran.finished.seconds,
        })
    }

    fn checks(&self, context: &Context<'_>) -> Result<Vec<Record>> {
        let step = format!("{NAME}: {}", self.describe());
        context.progress.step(step);
        self.read(context, NAME)
    }

    fn ask(&self, context: &Context<'_>, question: &Question) -> Result<Vec<Answer>> {
        let records = self.read(context, &format!("{NAME}.{}", question.log))?;
        let concerned = records.iter().filter(|it| match &it.contract {
            Some(contract) => question.contracts.contains(contract),
            None => !it.is_green(),
        });
        Ok(concerned.map(Answer::of).collect())
    }
}

/// A record of all packages together.
fn whole(outcome: Outcome, why: String) -> Record {
    Record::check(NAME, "packages", outcome).because(why)
}

/// The records of a run over packages in a folder.
fn records_of(printed: &Printed, dir: &Path, catalogue: &Catalogue) -> Vec<Record> {
    let claimed = catalogue.claimed_by(NAME);
    let is_claimed = |id: &String| claimed.contains(&id.as_str());
    let rules: Vec<&RuleRun> = printed
        .rules
        .iter()
        .filter(|rule| !rule.on_request || rule.contracts.iter().any(is_claimed))
        .collect();
    let mut records = Vec::new();
    for found in &printed.findings {
        let is_rule = |rule: &RuleRun| rule.name == found.rule;
        // What is said of comments in the source is of no rule.
        if printed.rules.iter().any(is_rule) && !rules.iter().any(|it| is_rule(it)) {
            continue;
        }
        let record = Record::check(NAME, &found.rule, Outcome::Fail).because(shown(found, dir));
        records.extend(record.for_contracts(&found.contracts, |id| catalogue.contains(id)));
    }
    let unread = printed.not_analysed.iter().map(NotAnalysed::shown);
    if printed.failed {
        // What was not read may have what the rules look for.
        let why = unread.collect::<Vec<_>>().join("; ");
        records.push(whole(Outcome::BuildFailed, why));
        return records;
    }
    records.extend(unread.map(|why| whole(Outcome::Skipped, why)));
    if printed.native == 0 {
        records.push(whole(Outcome::Skipped, "no package calls C".to_owned()));
        return records;
    }
    for rule in rules {
        if printed.findings.iter().any(|it| it.rule == rule.name) {
            continue;
        }
        let mut record = Record::check(NAME, &rule.name, Outcome::Pass);
        if rule.accepted > 0 {
            record = record.because(format!("{} accepted in the source", rule.accepted));
        }
        let credited: Vec<String> = rule
            .contracts
            .iter()
            .filter(|id| is_claimed(id))
            .cloned()
            .collect();
        records.extend(record.for_contracts(&credited, |id| catalogue.contains(id)));
    }
    records
}

/// A finding as one line.
fn shown(found: &Found, dir: &Path) -> String {
    let file = found.file.strip_prefix(dir).unwrap_or(&found.file);
    format!("{}:{}: {}", file.display(), found.line, found.message)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// A catalogue in which the engine claims HDL-23 and STA-10, and not VAL-05.
    fn catalogue() -> Catalogue {
        let contract = |id: &str, claimed: &str| {
            format!(
                "[[contract]]\nid = \"{id}\"\nsentence = \"x\"\nlayer = [\"go\"]\nsource = []\n\
                 claimed = [{claimed}]\nplanned = [\"loom\"]\n"
            )
        };
        let dir = tempfile::tempdir().unwrap();
        for (family, text) in [
            ("hdl", contract("HDL-23", "\"vet\"")),
            ("sta", contract("STA-10", "\"vet\"")),
            ("val", contract("VAL-05", "")),
        ] {
            let text = format!("title = \"x\"\n{text}");
            fs::write(dir.path().join(format!("{family}.toml")), text).unwrap();
        }
        Catalogue::load(dir.path()).unwrap()
    }

    const RULES: &str = r#""rules": [
        {"name": "valuerecv", "contracts": ["HDL-23"], "onRequest": false, "accepted": 0},
        {"name": "cstring", "contracts": ["VAL-05"], "onRequest": false, "accepted": 2},
        {"name": "statuscheck", "contracts": ["STA-10"], "onRequest": true, "accepted": 0},
        {"name": "closing", "contracts": ["VAL-05"], "onRequest": true, "accepted": 0}
    ]"#;

    fn printed(more: &str) -> Printed {
        serde_json::from_str(&format!("{{{RULES}, {more}}}")).unwrap()
    }

    fn finding(rule: &str, contracts: &str) -> String {
        format!(
            r#"{{"rule": "{rule}", "severity": "error", "contracts": [{contracts}], "package": "p",
                "file": "/m/a.go", "line": 7, "column": 2, "message": "it is lost"}}"#
        )
    }

    /// Check, contract, outcome and reason of each record.
    fn lines(printed: &Printed) -> Vec<String> {
        let records = records_of(printed, Path::new("/m"), &catalogue());
        let told = records.iter().map(|it| {
            let contract = it.contract.as_deref().unwrap_or("-");
            let reason = it.reason.as_deref().unwrap_or("-");
            format!("{} {contract} {} {reason}", it.check, it.outcome.word())
        });
        told.collect()
    }

    #[test]
    fn a_rule_without_findings_is_credited_with_what_is_claimed_and_a_policy_wants_a_claim() {
        assert_eq!(
            lines(&printed(r#""findings": [], "native": 2"#)),
            [
                "valuerecv HDL-23 pass -",
                "cstring - pass 2 accepted in the source",
                "statuscheck STA-10 pass -",
            ]
        );
    }

    #[test]
    fn a_finding_breaks_every_contract_that_its_rule_guards() {
        let findings = [
            finding("valuerecv", "\"HDL-23\", \"VAL-05\""),
            finding("closing", "\"VAL-05\""),
            finding("directive", ""),
        ];
        let more = format!("\"findings\": [{}], \"native\": 2", findings.join(","));
        assert_eq!(
            lines(&printed(&more)),
            [
                "valuerecv HDL-23 FAIL a.go:7: it is lost",
                "valuerecv VAL-05 FAIL a.go:7: it is lost",
                "directive - FAIL a.go:7: it is lost",
                "cstring - pass 2 accepted in the source",
                "statuscheck STA-10 pass -",
            ]
        );
    }

    #[test]
    fn nothing_passes_where_a_package_was_not_read_or_none_calls_c() {
        let unread = r#"[{"package": "p", "whole": true, "reason": "does not type-check"}]"#;
        let more = format!(
            "\"findings\": [{}], \"native\": 2, \"failed\": true, \"notAnalysed\": {unread}",
            finding("cstring", "\"VAL-05\"")
        );
        assert_eq!(
            lines(&printed(&more)),
            [
                "cstring VAL-05 FAIL a.go:7: it is lost",
                "packages - BUILD p: does not type-check",
            ]
        );
        let left = r#"[{"package": "p", "whole": false, "reason": "left out: b.go"}]"#;
        let more = format!("\"findings\": [], \"native\": 0, \"notAnalysed\": {left}");
        assert_eq!(
            lines(&printed(&more)),
            [
                "packages - skipped p: left out: b.go",
                "packages - skipped no package calls C",
            ]
        );
    }

    #[test]
    fn every_rule_must_find_its_planted_mistake() {
        let all = ["valuerecv", "cstring", "statuscheck", "closing"];
        let ran = |rules: &[&str]| {
            let findings: Vec<_> = rules.iter().map(|rule| finding(rule, "")).collect();
            let unread = r#"[{"package": "p", "whole": true, "reason": "no header"}]"#;
            let findings = findings.join(",");
            printed(&format!(
                "\"findings\": [{findings}], \"notAnalysed\": {unread}"
            ))
            .missed()
        };
        assert_eq!(ran(&all), None);
        assert_eq!(
            ran(&all[1..]).as_deref(),
            Some("the rule valuerecv missed its planted mistake: p: no header")
        );
        assert_eq!(Printed::default().missed().as_deref(), Some("no rule ran"));
    }
}
