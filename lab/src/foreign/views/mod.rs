//! Views of an outcome: each chooses a form and decides nothing.

mod html;
mod junit;
mod markdown;
mod sarif;
pub(super) mod terminal;

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

use super::outcome::Outcome;

/// Writes all views that are files into a folder, and the pages of reports of triage in the module's folder.
pub(super) fn write(folder: &Path, outcome: &Outcome, root: &Path) -> Result<()> {
    let trouble = outcome.engines.iter().flat_map(|it| &it.trouble);
    for (report, page) in trouble.filter_map(|it| Some((it.report.as_ref()?, it.page()?))) {
        let from = root.join(report).with_extension("html");
        let to = folder.join(page);
        fs::create_dir_all(to.parent().unwrap_or(folder))?;
        fs::copy(&from, to).with_context(|| format!("cannot copy {}", from.display()))?;
    }
    for (name, text) in [
        ("results.json", serde_json::to_string_pretty(outcome)?),
        ("report.md", markdown::render(outcome)),
        ("report.html", html::render(outcome)?),
        ("junit.xml", junit::render(outcome)?),
        ("report.sarif", sarif::render(outcome)?),
    ] {
        let path = folder.join(name);
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::foreign::engines::tests::row;
    use crate::foreign::module::{Module, Package};
    use crate::foreign::outcome::{EngineOutcome, Finding, Severity, State, TestTrouble, Trouble};
    use crate::foreign::report::{Place, Report};

    /// An outcome with something in every place.
    pub(super) fn full() -> Outcome {
        let module = Module {
            path: "a/b".to_owned(),
            go: "go1.26.8".to_owned(),
            ..Module::default()
        };
        let package = Package {
            path: "a/b/c".to_owned(),
            ..Package::default()
        };
        let mut outcome = Outcome::new(&module);
        for (engine, state) in [
            ("plain", State::On),
            ("asan", State::On),
            ("race", State::Off("TestRace: missed".to_owned())),
            ("cgocheck2", State::Unsupported("no <such> flag".to_owned())),
            ("storm", State::NotRun("no time was left".to_owned())),
        ] {
            outcome
                .engines
                .push(EngineOutcome::left_out(row(engine), state));
        }
        outcome.engines[0].tests = 5;
        outcome.engines[0].trouble.push(Trouble::test(
            &package,
            "TestFlaky",
            TestTrouble::Flakes(1, 3),
        ));
        outcome.engines[1].findings.push(Finding {
            engine: "asan".to_owned(),
            package: "a/b/c".to_owned(),
            tests: vec!["TestUse".to_owned()],
            report: Report {
                class: "heap-use-after-free".to_owned(),
                test: Some("TestUse".to_owned()),
                c: Some(Place {
                    function: "work<int>(char*)".to_owned(),
                    file: Some("c/w.cc".to_owned()),
                    line: Some(12),
                    own: true,
                }),
                go: Some(Place {
                    function: "a/b/c.Work".to_owned(),
                    file: Some("c/w.go".to_owned()),
                    line: Some(9),
                    own: true,
                }),
                text: "ERROR: AddressSanitizer & more".to_owned(),
            },
            severity: Severity::Error,
            known: None,
            command: "go test -asan ./c".to_owned(),
        });
        let mut mild = outcome.engines[1].findings[0].clone();
        mild.report.class = "cstring".to_owned();
        mild.severity = Severity::Warning;
        outcome.engines[1].findings.push(mild);
        outcome.fold(None, false);
        outcome
    }

    #[test]
    fn every_view_has_the_headline_the_finding_and_what_was_left_out() {
        let outcome = full();
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &outcome, folder.path()).unwrap();
        let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
        let unescaped = |text: &str| {
            text.replace("&lt;", "<")
                .replace("&gt;", ">")
                .replace("&#60;", "<")
                .replace("&#62;", ">")
        };
        for (name, text) in [
            ("terminal", terminal::report(&outcome, "x")),
            ("report.md", read("report.md")),
            ("report.html", unescaped(&read("report.html"))),
            ("junit.xml", unescaped(&read("junit.xml"))),
        ] {
            for part in [
                "1 finding; 1 warning; plain tests: 1 not green; left out: race is OFF",
                "heap-use-after-free",
                "work<int>(char*)",
                "TestFlaky",
                "no <such> flag",
            ] {
                let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
                assert!(text.contains(part), "{name} lacks {part:?}:\n{text}");
            }
        }
        let sarif: serde_json::Value = serde_json::from_str(&read("report.sarif")).unwrap();
        let result = &sarif["runs"][0]["results"][0];
        assert_eq!(result["ruleId"], "heap-use-after-free");
        assert_eq!(result["level"], "error");
        assert_eq!(sarif["runs"][0]["results"][1]["level"], "warning");
        let place = &result["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], "c/w.go");
        assert_eq!(place["region"]["startLine"], 9);
    }

    #[test]
    fn the_terminal_stays_within_80_columns() {
        let text = terminal::report(&full(), "x");
        for line in text.lines().filter(|line| !line.contains("go test")) {
            assert!(line.chars().count() <= 80, "{line}");
        }
    }
}
