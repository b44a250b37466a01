//! The engine that reads source: the rules of `go-harness/vet` on a module.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, anyhow};

use super::module::counted;
use super::outcome::{EngineOutcome, Finding, State, Trouble};
use super::report::{Place, Report};
use super::trial::Trial;
use crate::engine::vet::analyzers::{self, Analyzers, Asked, Found, NotAnalysed};
use crate::host::child::interrupted;
use crate::host::progress::Progress;
use crate::host::workspace::Workspace;

impl Trial<'_> {
    /// Builds the rules, and checks that each finds its planted mistake.
    pub(super) fn prove_vet(&self, outcome: &mut EngineOutcome) -> Result<()> {
        self.progress.step("vet: building the analyzers");
        let built = Analyzers::build(self.workspace, &self.vet_folder(), self.progress)?;
        let analyzers = match built {
            Ok(analyzers) => analyzers,
            Err(why) => {
                outcome.state = State::Unsupported(why);
                return Ok(());
            }
        };
        let asked = Asked::planted(&self.vet_folder())?;
        let log = self.vet_folder().join("vet.canary.log");
        let ran = analyzers.run(self.workspace, &asked, &log, self.progress)?;
        if let Some(why) = ran.missed() {
            outcome.state = match interrupted() {
                true => State::NotRun("interrupted".to_owned()),
                false => State::Off(why),
            };
        }
        Ok(())
    }

    fn vet_folder(&self) -> PathBuf {
        self.folder.join("cache")
    }

    /// Runs the rules on the module.
    pub(super) fn vet(&self, outcome: &mut EngineOutcome) -> Result<()> {
        let analyzers = Analyzers::built_in(&self.vet_folder());
        self.progress.step(format!("vet: {}", self.module.path));
        let tags = self.module.packages.iter().flat_map(|it| &it.tags);
        let asked = Asked {
            dir: self.module.root.clone(),
            tags: tags.cloned().collect(),
            packages: match self.module.wanted.as_slice() {
                [] => vec!["./...".to_owned()],
                some => some.to_vec(),
            },
            ..Asked::default()
        };
        let log = self.vet_folder().join("vet.module.log");
        let ran = analyzers.run(self.workspace, &asked, &log, self.progress)?;
        if interrupted() {
            return Ok(());
        }
        let printed = match ran.printed {
            Ok(printed) => printed,
            Err(why) => {
                let why = format!("nothing was analysed: {why}");
                let trouble = Trouble::words(&self.module.path, &why);
                outcome.trouble.push(trouble);
                return Ok(());
            }
        };
        outcome.packages_read = printed.native;
        for found in printed.findings {
            let finding = of_rule(found, self.engine.id, &self.module.root);
            outcome.findings.push(finding);
        }
        let silenced: usize = printed.rules.iter().map(|it| it.accepted).sum();
        if silenced > 0 {
            let count = counted(silenced, "finding");
            outcome
                .limits
                .push(format!("{count} silenced by //cgolab:ignore"));
        }
        for left in &printed.not_analysed {
            note_unread(outcome, left, &self.module.root);
        }
        Ok(())
    }
}

/// Notes what was not analysed: a package of which nothing was may have what the rules look for.
fn note_unread(outcome: &mut EngineOutcome, left: &NotAnalysed, root: &Path) {
    // Places in it are Go's, with whole paths.
    let reason = left.reason.replace(&format!("{}/", root.display()), "");
    match left.whole {
        true => outcome.trouble.push(Trouble::words(&left.package, &reason)),
        false => outcome
            .left_unread
            .push(format!("{}: {reason}", left.package)),
    }
}

fn of_rule(found: Found, engine: &str, root: &Path) -> Finding {
    let file = found
        .file
        .strip_prefix(root)
        .unwrap_or(&found.file)
        .display()
        .to_string();
    let guards = match found.contracts.as_slice() {
        [] => String::new(),
        some => format!(" ({})", some.join(", ")),
    };
    Finding {
        engine: engine.to_owned(),
        package: found.package,
        severity: found.severity,
        tests: Vec::new(),
        triage: None,
        within: found.function,
        known: None,
        command: format!(
            "cgolab vet -only {0} ./...; cgolab vet -explain {0}",
            found.rule
        ),
        report: Report {
            test: None,
            c: None,
            go: Some(Place {
                function: found.message.clone(),
                file: Some(file),
                line: Some(found.line),
                own: true,
            }),
            other: None,
            text: format!("{}{guards}", found.message),
            class: found.rule,
        },
    }
}

/// Runs the rules with arguments of their own, and returns their exit code.
///
/// # Errors
/// They cannot be built here.
pub(crate) fn command(args: &[OsString]) -> Result<u8> {
    which::which("go").context("Go is not on PATH; install it from https://go.dev/dl/")?;
    let here = env::current_dir().context("the current folder cannot be read")?;
    let progress = Progress::new();
    let built = analyzers::cached(&Workspace::at(&here), &progress)?;
    progress.finish();
    let analyzers = built.map_err(|why| anyhow!("the analyzers do not build here: {why}"))?;
    let status = Command::new(analyzers.program())
        .args(args)
        .status()
        .context("cannot start the analyzers")?;
    Ok(status
        .code()
        .and_then(|code| u8::try_from(code).ok())
        .unwrap_or(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::foreign::engines::tests::row;

    #[test]
    fn a_finding_keeps_its_function_and_is_named_from_the_modules_folder() {
        let printed = r#"{"rule": "cstring", "severity": "warning", "contracts": ["VAL-05"],
            "package": "a/b", "file": "/m/b/b.go", "function": "(*T).Open", "line": 7, "column": 2,
            "message": "memory of C.CString is never freed"}"#;
        let found = || serde_json::from_str::<Found>(printed).unwrap();
        let finding = of_rule(found(), "vet", Path::new("/m"));
        assert_eq!(finding.within, "(*T).Open");
        let place = finding.report.go.expect("it is in the source");
        let shown = "memory of C.CString is never freed (b/b.go:7)";
        assert_eq!(place.shown(), shown);
        assert!(finding.report.text.ends_with("freed (VAL-05)"));
        let elsewhere = of_rule(found(), "vet", Path::new("/n"));
        let file = elsewhere.report.go.and_then(|it| it.file);
        assert_eq!(file.as_deref(), Some("/m/b/b.go"));
    }

    #[test]
    fn a_package_of_which_nothing_was_read_is_trouble_and_one_read_in_part_is_not() {
        let mut outcome = EngineOutcome::left_out(row("vet"), State::On);
        for (package, whole) in [("a/b", true), ("a/c", false)] {
            let printed = serde_json::json!({ "package": package, "whole": whole, "reason": "/m/b/b.go:1: why" });
            let left = serde_json::from_value(printed).unwrap();
            note_unread(&mut outcome, &left, Path::new("/m"));
        }
        assert_eq!(outcome.left_unread, ["a/c: b/b.go:1: why"]);
        let [trouble] = &outcome.trouble[..] else {
            panic!("{:?}", outcome.trouble);
        };
        assert_eq!(trouble.shown(true), "a/b: b/b.go:1: why");
    }
}
