//! Views of an outcome: each chooses a form and decides nothing.

mod html;
mod junit;
mod markdown;
mod sarif;
pub(super) mod terminal;

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

use super::outcome::{self, Outcome};

/// Writes all views that are files into a folder, and the pages of reports of triage, which are in the module's
/// folder.
pub(super) fn write(folder: &Path, outcome: &Outcome, root: &Path) -> Result<()> {
    for report in outcome.reports() {
        let from = root.join(report).with_extension("html");
        let to = folder.join(outcome::page(report));
        fs::create_dir_all(to.parent().unwrap_or(folder))?;
        fs::copy(&from, to).with_context(|| format!("cannot copy {}", from.display()))?;
    }
    for (name, text) in [
        ("results.json", serde_json::to_string_pretty(outcome)?),
        ("report.md", markdown::render(outcome)),
        ("report.html", html::render(outcome)?),
        ("junit.xml", junit::render(outcome)?),
        ("report.sarif", sarif::render(outcome, root)?),
    ] {
        let path = folder.join(name);
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use roxmltree::{Document, Node};
    use serde_json::Value;

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
            triage: None,
            within: String::new(),
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
                other: None,
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
    }

    /// A run in a clone, with one thing changed.
    fn sarif(change: impl FnOnce(&mut Outcome)) -> Value {
        let clone = tempfile::tempdir().unwrap();
        let module = clone.path().join("bind ings/go");
        fs::create_dir_all(&module).unwrap();
        fs::create_dir(clone.path().join(".git")).unwrap();
        let mut outcome = full();
        change(&mut outcome);
        let text = sarif::render(&outcome, &module).unwrap();
        serde_json::from_str(&text).unwrap()
    }

    fn list(value: &Value) -> &[Value] {
        value.as_array().unwrap()
    }

    #[test]
    fn sarif_has_paths_from_the_root_of_the_repository() {
        let sarif = sarif(|_| {});
        let results = list(&sarif["runs"][0]["results"]);
        let places = |result: &Value| -> Vec<(String, u64)> {
            let places = list(&result["locations"]).iter();
            let places = places.map(|it| &it["physicalLocation"]);
            places
                .map(|it| {
                    let file = &it["artifactLocation"];
                    assert_eq!(file["uriBaseId"], "%SRCROOT%");
                    let line = it["region"]["startLine"].as_u64().unwrap();
                    (file["uri"].as_str().unwrap().to_owned(), line)
                })
                .collect()
        };
        let at = |file: &str, line| (format!("bind%20ings/go/{file}"), line);
        let found: Vec<_> = results
            .iter()
            .map(|it| {
                (
                    it["ruleId"].as_str().unwrap(),
                    it["level"].as_str().unwrap(),
                    places(it),
                )
            })
            .collect();
        let in_file = || vec![at("c/w.go", 9), at("c/w.cc", 12)];
        assert_eq!(
            found,
            [
                ("failing test", "error", vec![at("go.mod", 1)]),
                ("heap-use-after-free", "error", in_file()),
                ("cstring", "warning", in_file()),
            ]
        );
    }

    #[test]
    fn sarif_tells_what_was_not_judged_apart_from_what_was_not_asked_for() {
        let invocation = |sarif: &Value| sarif["runs"][0]["invocations"][0].clone();
        let all = invocation(&sarif(|_| {}));
        let notes: Vec<(&str, &str)> = list(&all["toolExecutionNotifications"])
            .iter()
            .map(|it| {
                (
                    it["level"].as_str().unwrap(),
                    it["message"]["text"].as_str().unwrap(),
                )
            })
            .collect();
        assert_eq!(
            notes,
            [
                ("error", "race: OFF: TestRace: missed"),
                ("warning", "cgocheck2: unsupported here: no <such> flag"),
                ("warning", "storm: not run: no time was left"),
            ]
        );
        assert_eq!(all["executionSuccessful"], false);
        let judged = invocation(&sarif(|it| it.engines[2].state = State::On));
        assert_eq!(judged["executionSuccessful"], true);
        let stopped = invocation(&sarif(|it| {
            it.engines[2].state = State::On;
            it.interrupted = true;
        }));
        assert_eq!(stopped["executionSuccessful"], false);
    }

    /// The rules of the schema of SARIF 2.1.0 for what is written here, and those of GitHub.
    #[test]
    fn sarif_follows_its_schema() {
        let sarif = sarif(|it| {
            for places in &mut it.findings {
                places.first.report.c = None;
                places.first.report.go = None;
            }
        });
        assert_eq!(sarif["version"], "2.1.0");
        let run = &sarif["runs"][0];
        let driver = &run["tool"]["driver"];
        assert_eq!(driver["name"], "cgolab");
        let rules: Vec<&Value> = list(&driver["rules"]).iter().map(|it| &it["id"]).collect();
        let unique: BTreeSet<&str> = rules.iter().map(|it| it.as_str().unwrap()).collect();
        assert_eq!(unique.len(), rules.len());
        let results = list(&run["results"]);
        assert!(!results.is_empty());
        for result in results {
            assert!(rules.contains(&&result["ruleId"]), "{result}");
            let level = result["level"].as_str().unwrap();
            assert!(["none", "note", "warning", "error"].contains(&level));
            assert!(result["message"]["text"].is_string());
            // GitHub refuses a result without a place.
            assert!(!list(&result["locations"]).is_empty(), "{result}");
            for location in list(&result["locations"]) {
                let file = &location["physicalLocation"]["artifactLocation"];
                let base = file["uriBaseId"].as_str().unwrap();
                assert!(run["originalUriBaseIds"][base].is_object());
                assert!(!file["uri"].as_str().unwrap().starts_with('/'), "{file}");
                assert!(location["physicalLocation"]["region"]["startLine"].as_u64() >= Some(1));
            }
        }
        for invocation in list(&run["invocations"]) {
            assert!(invocation["executionSuccessful"].is_boolean());
        }
    }

    #[test]
    fn junit_is_red_where_the_run_is_and_counts_its_cases() {
        type Change = fn(&mut Outcome);
        let green: Change = |it| {
            it.engines[0].trouble.clear();
            it.engines[1].findings.clear();
            it.engines[2].state = State::On;
        };
        let changes: [Change; 10] = [
            |_| {},
            |it| it.engines[3].state = State::On,
            |it| it.engines[2].state = State::Off("missed".to_owned()),
            |it| it.engines[2].state = State::Stopped,
            |it| it.engines[2].state = State::NotRun("no time was left".to_owned()),
            |it| it.engines[0].state = State::Unsupported("no compiler".to_owned()),
            |it| it.engines[0].tests = 0,
            |it| {
                it.engines[1]
                    .trouble
                    .push(Trouble::words("a/b", "no library"))
            },
            |it| it.engines[1].findings = full().engines[1].findings.clone(),
            |it| it.interrupted = true,
        ];
        let mut seen = BTreeSet::new();
        for (number, change) in changes.iter().enumerate() {
            let mut outcome = full();
            green(&mut outcome);
            change(&mut outcome);
            outcome.fold(None, false);
            let xml = junit::render(&outcome).unwrap();
            let xml = Document::parse(&xml).unwrap();
            let of = |it: Node<'_, '_>, name: &str| -> usize {
                it.descendants().filter(|it| it.has_tag_name(name)).count()
            };
            let root = xml.root_element();
            let red = of(root, "failure") + of(root, "error");
            assert_eq!(
                red == 0,
                outcome.is_green(),
                "{number}: {}",
                outcome.headline()
            );
            seen.insert(red == 0);
            for suite in root.children().filter(Node::is_element) {
                for (count, name) in [
                    ("tests", "testcase"),
                    ("failures", "failure"),
                    ("errors", "error"),
                    ("skipped", "skipped"),
                ] {
                    let count: usize = suite.attribute(count).unwrap().parse().unwrap();
                    assert_eq!(count, of(suite, name), "{number}: {suite:?}");
                }
            }
            let skipped = of(root, "skipped");
            let left_out =
                |it: &&EngineOutcome| matches!(it.state, State::Unsupported(_) | State::NotRun(_));
            assert_eq!(skipped, outcome.engines.iter().filter(left_out).count());
        }
        assert_eq!(seen.len(), 2, "some are green and some are red");
    }

    #[test]
    fn each_row_counts_in_its_own_unit() {
        let mut outcome = full();
        let mut vet = EngineOutcome::left_out(row("vet"), State::On);
        vet.packages_read = 1;
        let mut found = outcome.engines[1].findings[0].clone();
        (found.engine, found.report.test) = ("vet".to_owned(), None);
        found.report.class = "keepalive".to_owned();
        found.tests.clear();
        vet.findings.push(found);
        outcome.engines.insert(1, vet);
        outcome.fold(None, false);
        let html = html::render(&outcome).unwrap();
        let rows: Vec<&str> = html
            .lines()
            .filter(|it| it.starts_with("<tr><td class"))
            .collect();
        let cells = ["5 tests", "1 package", "", "", "", ""];
        for (row, cell) in rows.iter().zip(cells) {
            let cell = format!("<td class=\"number\">{cell}</td>");
            assert!(row.contains(&cell), "no {cell:?} in {row}");
        }
        assert_eq!(rows.len(), cells.len());
        // No test shows what was found in source.
        assert_eq!(html.matches("<dt>tests</dt>").count(), 2, "{html}");
        assert!(markdown::render(&outcome).contains("| vet | 1 finding | 1 package |"));
        assert!(
            junit::render(&outcome)
                .unwrap()
                .contains("1 finding; 1 package<")
        );
    }

    #[test]
    fn the_terminal_lists_a_rule_once_and_a_row_counts_a_mistake_once() {
        let mut outcome = full();
        let mut vet = EngineOutcome::left_out(row("vet"), State::On);
        vet.packages_read = 1;
        let found = |rule: &str, file: usize, line: u32| {
            let mut found = full().engines[1].findings[0].clone();
            found.engine = "vet".to_owned();
            found.tests.clear();
            found.report.test = None;
            found.severity = Severity::Warning;
            found.report.class = rule.to_owned();
            found.report.c = None;
            found.report.go = Some(Place {
                function: format!("{rule} breaks"),
                file: Some(format!("file{file}.go")),
                line: Some(line),
                own: true,
            });
            found
        };
        for file in 0..12 {
            vet.findings.push(found("emptyslice", file, 7));
        }
        vet.findings.push(found("cstring", 0, 8));
        vet.findings.push(found("emptyslice", 0, 9)); // the same mistake as the first
        outcome.engines = vec![vet];
        outcome.fold(None, false);
        outcome.findings[5].accepted = Some("it is never empty".to_owned());
        assert_eq!(outcome.engines[0].shown(), "no finding, 13 warnings");
        let text = terminal::report(&outcome, "x");
        let heads: Vec<&str> = text.lines().filter(|it| it.contains("seen by")).collect();
        assert_eq!(
            heads,
            [
                "1. emptyslice, seen by vet, 12 times (warning)",
                "2. emptyslice, seen by vet",
                "3. cstring, seen by vet (warning)",
            ],
            "{text}"
        );
        assert!(text.contains("file9.go:7"), "{text}");
        assert!(text.contains("and 2 more, all in the report"), "{text}");
        assert!(!text.contains("(in the baseline)"), "{text}");
        outcome.findings[0].old = true;
        let text = terminal::report(&outcome, "x");
        assert!(text.contains("(in the baseline)"), "{text}");
    }

    #[test]
    fn all_views_have_the_message_of_a_panic_and_of_a_failed_test_only() {
        let says = |class: &str, text: &str| {
            let mut outcome = full();
            let report = &mut outcome.engines[1].findings[0].report;
            (report.class, report.text) = (class.to_owned(), text.to_owned());
            outcome.fold(None, false);
            let terminal = terminal::report(&outcome, "x");
            let says = terminal.lines().find_map(|it| it.strip_prefix("   says: "));
            let page = html::render(&outcome).unwrap();
            let text = markdown::render(&outcome);
            let sarif = sarif::render(&outcome, Path::new("/m")).unwrap();
            let told = [
                page.contains("<dt>says</dt>"),
                text.contains("- says: "),
                sarif.contains(&format!("seen by asan: {}", says.unwrap_or_default())),
            ];
            assert_eq!(told, [says.is_some(); 3], "{page}{text}{sarif}");
            says.map(str::to_owned)
        };
        let panic = "panic: no room [recovered]\n\tp.go:3: at\n";
        assert_eq!(says("panic", panic).as_deref(), Some("no room [recovered]"));
        let failed = "--- FAIL: FuzzX/seed#0\n    x_test.go:7: odd\n    x_test.go:8: more\n";
        let first = Some("x_test.go:7: odd".to_owned());
        assert_eq!(says("test failed", failed), first);
        assert_eq!(says("emptyslice", "p.go:3: panic: it is empty"), None);
        assert_eq!(says("data race", panic), None);
    }

    #[test]
    fn the_terminal_stays_within_80_columns() {
        let mut outcome = full();
        let long = "a reason that is long ".repeat(9) + &"/folder".repeat(20);
        outcome.engines[2].state = State::Off(long.clone());
        outcome.engines[0].limits.push(long.clone());
        outcome.engines[1].left_unread.push(long.clone());
        outcome.engines[1]
            .trouble
            .push(Trouble::words("a/b", &long));
        outcome.engines[1].findings[0].command = "go test -asan ".repeat(9);
        outcome.unused.push(long);
        outcome.fold(None, false);
        let text = terminal::report(&outcome, "x");
        for line in text.lines() {
            assert!(line.chars().count() <= 80, "{line}");
        }
        let joined = text.split_whitespace().collect::<String>();
        assert_eq!(joined.matches(&"/folder".repeat(20)).count(), 5, "{text}");
    }
}
