//! Reads the event stream of `go test -json`.
//!
//! The stream leaves some facts out, and they are worked out here: a test that was running when
//! its process died has a `run` event and no end; a build failure is a failing package whose
//! text says so; a data race after the last test fails the package only; the shuffle seed and
//! the closing lines are ordinary output.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Deserialize;

use crate::host::out::one_line;
use crate::read::notes::Notes;
use crate::record::{Evidence, Outcome, Record};
use crate::subject::catalogue::Catalogue;

/// Output kept of each test: enough for the reports of a few races.
const OUTPUT_LIMIT: usize = 256 * 1024;

const RACE: &str = "WARNING: DATA RACE";

/// Beginnings of fatal errors that only say that the process could not go on.
const UNTOLD: [&str; 5] = [
    "unexpected signal",
    "stack overflow",
    "out of memory",
    "runtime: out of memory",
    "runtime: cannot allocate memory",
];

/// Endings of the line that `go test` prints for a package without a test binary.
const NOT_BUILT: [&str; 2] = ["[build failed]", "[setup failed]"];

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Event {
    action: String,
    #[serde(default)]
    package: String,
    #[serde(default)]
    test: String,
    #[serde(default)]
    output: String,
    #[serde(default)]
    elapsed: f64,
}

/// All repetitions of one test.
#[derive(Debug, Default)]
struct Test {
    passed: u32,
    failed: u32,
    skipped: u32,
    /// Repetitions that began and did not end.
    open: u32,
    seconds: f64,
    output: String,
}

/// Death of a test process.
#[derive(Debug, PartialEq)]
pub(crate) enum Death {
    /// With a stated cause: a panic, which may be the test's own watchdog, a sanitizer's report, or a fatal error by
    /// which Go's runtime names a mistake, such as concurrent writes of a map.
    Told(String),
    /// Without a stated cause.
    Untold(String),
}

impl Death {
    fn read(output: &str) -> Death {
        if let Some(report) = sanitizer_report(output) {
            return Death::Told(report);
        }
        let message = crash_message(output).map(|message| match signal_code(output) {
            Some(code) => format!("{message}, {code}"),
            None => message,
        });
        // Go makes a panic of a bad access, too.
        let of_signal = output.contains("[signal SIG");
        let is_told = |message: &str| {
            let fatal = message.strip_prefix("fatal error: ");
            let by_check =
                fatal.is_some_and(|it| !UNTOLD.iter().any(|start| it.starts_with(start)));
            !of_signal && (by_check || message.starts_with("panic: "))
        };
        match message {
            Some(message) if is_told(&message) => Death::Told(message),
            Some(crash) => Death::Untold(crash),
            None => Death::Untold("it says nothing".to_owned()),
        }
    }
}

/// One package, that is one test process.
#[derive(Debug, Default)]
struct Package {
    tests: BTreeMap<String, Test>,
    failed: bool,
    /// The stream saw the end of the package.
    ended: bool,
    /// Output that belongs to no test.
    output: String,
    shuffle: Option<String>,
}

/// The outcome of a `go test -json` run.
#[derive(Debug, Default)]
pub(crate) struct Run {
    packages: BTreeMap<String, Package>,
    /// Messages of compiler and linker: build output of the stream, and standard error.
    build: String,
    /// All output in order, as plain `go test -v` would have written it.
    text: String,
}

impl Run {
    /// Reads the event stream, and the standard error that came with it.
    pub(crate) fn read(stream: &str, stderr: &str) -> Run {
        let mut run = Run::default();
        for line in stream.lines() {
            match serde_json::from_str::<Event>(line) {
                Ok(event) => run.take(event),
                Err(_) => run.take_plain(line),
            }
        }
        run.build.push_str(stderr);
        run.text.push_str(stderr);
        run
    }

    fn take(&mut self, event: Event) {
        self.text.push_str(&event.output);
        if event.action.starts_with("build-") {
            self.build.push_str(&event.output);
            return;
        }
        let package = self.packages.entry(event.package).or_default();
        if event.test.is_empty() {
            match event.action.as_str() {
                "output" => {
                    if let Some(seed) = event.output.trim().strip_prefix("-test.shuffle ") {
                        package.shuffle = Some(seed.to_owned());
                    }
                    keep(&mut package.output, &event.output);
                }
                "fail" => (package.failed, package.ended) = (true, true),
                "pass" | "skip" => package.ended = true,
                _ => {}
            }
            return;
        }
        let test = package.tests.entry(event.test).or_default();
        match event.action.as_str() {
            "run" => test.open += 1,
            "output" => keep(&mut test.output, &event.output),
            "pass" => test.passed += 1,
            "fail" => test.failed += 1,
            "skip" => test.skipped += 1,
            _ => return,
        }
        if matches!(event.action.as_str(), "pass" | "fail" | "skip") {
            test.open = test.open.saturating_sub(1);
            test.seconds += event.elapsed;
        }
    }

    /// Not every line is an event: Go before 1.23 says so plainly when a package does not build.
    fn take_plain(&mut self, line: &str) {
        let _ = writeln!(self.text, "{line}");
        if let Some((path, why)) = line
            .strip_prefix("FAIL\t")
            .and_then(|rest| rest.split_once(' '))
            && NOT_BUILT.contains(&why)
        {
            let package = self.packages.entry(path.to_owned()).or_default();
            (package.failed, package.ended) = (true, true);
            keep(&mut package.output, line);
        }
    }

    /// The run as a log that people can read.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Death of the process while this test ran, if it died then.
    pub(crate) fn death(&self, test: &str) -> Option<Death> {
        let (package, test) = self.packages.values().find_map(|package| {
            let test = package.tests.get(test)?;
            let died = test.open > 0 && test.failed == 0 && !test.output.contains(RACE);
            died.then_some((package, test))
        })?;
        Some(Death::read(&format!("{}\n{}", test.output, package.output)))
    }

    /// Class of a sanitizer's report in what this test printed, which may be that of a child.
    pub(crate) fn sanitizer_report(&self, test: &str) -> Option<String> {
        let mut tests = self.packages.values().filter_map(|it| it.tests.get(test));
        tests.find_map(|test| sanitizer_report(&test.output))
    }

    /// The compiler's or linker's first message, if something did not build.
    pub(crate) fn build_error(&self) -> Option<String> {
        let failed = self.packages.values().any(Package::did_not_build)
            || (self.packages.is_empty() && !self.build.trim().is_empty());
        failed.then(|| first_message(&self.build))
    }

    /// The first message of compiler, linker or the `go` command itself.
    pub(crate) fn first_message(&self) -> String {
        first_message(&self.build)
    }

    /// The records of all packages.
    ///
    /// `cut` is the outcome of tests that were running when we ended the run, if we did:
    /// [`Outcome::Timeout`] or [`Outcome::NotRun`]. `evidence` gives the evidence of a
    /// package, from its path and its shuffle seed.
    pub(crate) fn records(
        &self,
        engine: &str,
        catalogue: &Catalogue,
        repetitions: u32,
        cut: Option<Outcome>,
        evidence: impl Fn(&str, Option<&str>) -> Evidence,
    ) -> Vec<Record> {
        let mut records = Vec::new();
        for (path, package) in &self.packages {
            let evidence = evidence(path, package.shuffle.as_deref());
            let cut = cut.or_else(|| package.hit_own_limit().then_some(Outcome::Timeout));
            let before = records.len();
            for (name, test) in &package.tests {
                // Whatever -count and -cpu say, go test runs an example once.
                let repetitions = if name.starts_with("Example") {
                    1
                } else {
                    repetitions
                };
                let (outcome, reason) = test.verdict(repetitions, package, cut);
                let mut record = Record::check(engine, name, outcome);
                record.reason = reason;
                record.seconds = test.seconds;
                record.evidence = evidence.clone();
                let named = catalogue.contracts_in_name(name);
                let notes = Notes::read(&test.output);
                records.extend(notes.judge(record, named, |id| catalogue.contains(id)));
            }
            let explained = records[before..].iter().any(|record| {
                matches!(
                    record.outcome,
                    Outcome::Fail | Outcome::Unstable | Outcome::Timeout | Outcome::NotRun
                )
            });
            if let Some((outcome, reason)) = package.verdict(&self.build, explained, cut) {
                let mut record = Record::check(engine, path, outcome).because(reason);
                record.evidence = evidence;
                records.push(record);
            }
        }
        records
    }
}

impl Test {
    fn verdict(
        &self,
        repetitions: u32,
        package: &Package,
        cut: Option<Outcome>,
    ) -> (Outcome, Option<String>) {
        let bad = self.failed + self.open;
        let runs = bad + self.passed + self.skipped;
        let race = self.output.contains(RACE);
        if bad > 0 || race {
            if race {
                // Never a false report, so never merely unstable.
                return (Outcome::Fail, Some("data race".into()));
            }
            if let (Some(cut), true) = (cut, self.open > 0) {
                return (cut, Some("still running when it was ended".into()));
            }
            let why = if self.open > 0 {
                // A report of a child is indented in what the test logs.
                let own = |line: &&str| line.starts_with("==");
                let own: Vec<&str> = self.output.lines().filter(own).collect();
                let crash = sanitizer_report(&own.join("\n"))
                    .or_else(|| crash_message(&self.output))
                    .or_else(|| crash_message(&package.output));
                match crash {
                    Some(crash) => format!("the test process died: {crash}"),
                    None => "the test process ended while this test ran".to_owned(),
                }
            } else {
                failure_message(&self.output)
            };
            if self.passed > 0 {
                return (
                    Outcome::Unstable,
                    Some(format!("{bad} of {runs} failed: {why}")),
                );
            }
            return (Outcome::Fail, Some(why));
        }
        // A process that did not end as it should may have left repetitions out.
        if runs < repetitions && (package.failed || !package.ended) {
            let reason =
                format!("the test process ended after {runs} of {repetitions} repetitions");
            return (Outcome::NotRun, Some(reason));
        }
        if self.skipped > 0 {
            let why = log_message(&self.output);
            let reason = match (why, self.passed) {
                (None, _) => None,
                (Some(why), 0) => Some(why),
                (Some(why), _) => Some(format!("{} of {runs} skipped: {why}", self.skipped)),
            };
            return (Outcome::Skipped, reason);
        }
        if self.passed == 0 {
            return (Outcome::NotRun, Some("it has no end in the output".into()));
        }
        (Outcome::Pass, None)
    }
}

impl Package {
    fn did_not_build(&self) -> bool {
        self.failed && NOT_BUILT.iter().any(|mark| self.output.contains(mark))
    }

    /// `go test -timeout` ended it.
    fn hit_own_limit(&self) -> bool {
        let mark = "panic: test timed out after ";
        self.output.contains(mark) || self.tests.values().any(|test| test.output.contains(mark))
    }

    /// The fault of the package beyond its tests, if any. `explained`: a test tells already.
    fn verdict(
        &self,
        build: &str,
        explained: bool,
        cut: Option<Outcome>,
    ) -> Option<(Outcome, String)> {
        if self.did_not_build() {
            return Some((Outcome::BuildFailed, first_message(build)));
        }
        if self.output.contains(RACE) {
            return Some((Outcome::Fail, "data race outside of a test".into()));
        }
        if explained || (self.ended && !self.failed) {
            return None;
        }
        if let Some(cut) = cut {
            return Some((cut, "ended before its tests were through".into()));
        }
        // Behind a sanitizer's report, such as that of leaks, Go may print goroutines.
        let why = sanitizer_report(&self.output).unwrap_or_else(|| {
            let mut lines = self.output.lines().map(str::trim);
            let last = lines
                .rfind(|line| !line.is_empty() && *line != "FAIL" && !line.starts_with("FAIL\t"));
            one_line(last.unwrap_or("no message"), 200)
        });
        Some((
            Outcome::Fail,
            format!("the package failed, and no test did: {why}"),
        ))
    }
}

fn keep(text: &mut String, more: &str) {
    if text.len() < OUTPUT_LIMIT {
        text.push_str(more);
    }
}

/// The first line that a test logged (`file_test.go:12: …`), without frame lines and notes.
fn log_message(output: &str) -> Option<String> {
    output
        .lines()
        .map(str::trim)
        .filter(|line| cgolab_note::find(line).is_none())
        .find(|line| !line.is_empty() && !line.starts_with("=== ") && !line.starts_with("--- "))
        .map(|line| one_line(line, 300))
}

fn failure_message(output: &str) -> String {
    crash_message(output)
        .or_else(|| log_message(output))
        .unwrap_or_else(|| "no message; perhaps a subtest failed".to_owned())
}

/// Explanation of a bad access by the system: `code 1` is memory that is not there, `code 2` memory that
/// is protected.
fn signal_code(output: &str) -> Option<String> {
    // `sigcode=2` where it happened in C, `code=0x2` where in Go.
    let words = output.split(|c: char| c.is_whitespace() || c == ']');
    let code = words
        .filter_map(|word| {
            word.strip_prefix("sigcode=")
                .or_else(|| word.strip_prefix("code=0x"))
        })
        .next()?;
    Some(format!("code {code}"))
}

/// `AddressSanitizer: CLASS` or `LeakSanitizer: CLASS`, of the first report.
fn sanitizer_report(output: &str) -> Option<String> {
    let report = output
        .lines()
        .find_map(|line| Some(line.split_once("==ERROR: ")?.1))?;
    let words: Vec<&str> = report.split_whitespace().collect();
    let tool = words.first()?;
    let class = match *tool {
        "LeakSanitizer:" => "detected memory leaks",
        _ => words.get(1)?,
    };
    Some(format!("{tool} {class}"))
}

/// The first message of a runtime that died.
fn crash_message(output: &str) -> Option<String> {
    let starts = ["panic: ", "fatal error: ", "SIG", "unexpected fault"];
    output
        .lines()
        .find(|line| starts.iter().any(|start| line.starts_with(start)))
        .map(|line| one_line(line, 300))
}

/// The first line that says what is wrong: not the `# package` heading, not a note.
fn first_message(build: &str) -> String {
    let lines = || build.lines().map(str::trim);
    lines()
        .find(|line| line.contains("is missing; run:"))
        .or_else(|| {
            lines().find(|line| {
                !line.is_empty() && !line.starts_with('#') && !line.starts_with("go: downloading")
            })
        })
        .map_or_else(|| "no message".to_owned(), |line| one_line(line, 300))
}

/// The text of an event that people want to see while the run goes on: what plain `go test`
/// would have printed.
pub(crate) fn closing_line(line: &str) -> Option<String> {
    let event: Event = serde_json::from_str(line).ok()?;
    let text = event.output.trim_end();
    let shown = [
        "ok  \t",
        "FAIL\t",
        "--- FAIL",
        "panic: ",
        "fatal error: ",
        RACE,
    ]
    .iter()
    .any(|start| text.starts_with(start));
    (shown || event.action == "build-output").then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_death_that_nobody_explains_is_told_from_one_that_a_check_wanted() {
        let told = |text: &str| Death::Told(text.to_owned());
        let untold = |text: &str| Death::Untold(text.to_owned());
        for (output, death) in [
            (
                "panic: TestREQ04X hangs after 1m0s\n\ngoroutine 1 [running]:\n",
                told("panic: TestREQ04X hangs after 1m0s"),
            ),
            (
                "panic: runtime error: nil pointer dereference\n\
                 [signal SIGSEGV: segmentation violation code=0x1]\n",
                untold("panic: runtime error: nil pointer dereference, code 1"),
            ),
            (
                "SIGSEGV: segmentation violation\nPC=0x7f m=0 sigcode=2 addr=0x7f71\n",
                untold("SIGSEGV: segmentation violation, code 2"),
            ),
            (
                "fatal error: unexpected signal during runtime execution\n",
                untold("fatal error: unexpected signal during runtime execution"),
            ),
            (
                "fatal error: concurrent map writes\n\ngoroutine 8 [running]:\n",
                told("fatal error: concurrent map writes"),
            ),
            (
                "runtime: goroutine stack exceeds 1000000000-byte limit\nfatal error: stack overflow\n",
                untold("fatal error: stack overflow"),
            ),
            ("SIGABRT: abort\n", untold("SIGABRT: abort")),
            ("", untold("it says nothing")),
            (
                "==123==ERROR: AddressSanitizer: heap-use-after-free on address 0x1\n",
                told("AddressSanitizer: heap-use-after-free"),
            ),
            (
                "==1==ERROR: LeakSanitizer: detected memory leaks\n",
                told("LeakSanitizer: detected memory leaks"),
            ),
        ] {
            assert_eq!(Death::read(output), death, "{output}");
        }
    }

    #[test]
    fn only_the_test_that_was_open_died() {
        let run = Run::read(
            &stream(&[
                ("run", "TestA", ""),
                ("pass", "TestA", ""),
                ("run", "TestB", ""),
                ("output", "TestB", "SIGABRT: abort\n"),
                ("fail", "", ""),
            ]),
            "",
        );
        assert_eq!(run.death("TestA"), None);
        assert_eq!(
            run.death("TestB"),
            Some(Death::Untold("SIGABRT: abort".to_owned()))
        );
        assert_eq!(run.sanitizer_report("TestB"), None);
    }

    #[test]
    fn a_test_that_failed_before_or_raced_did_not_only_die() {
        let failed = [("run", "TestA", ""), ("fail", "TestA", "")];
        let raced = [("output", "TestA", "WARNING: DATA RACE\n")];
        for before in [&failed[..], &raced[..]] {
            let dies = [
                ("run", "TestA", ""),
                ("output", "TestA", "SIGABRT: abort\n"),
                ("fail", "", ""),
            ];
            let run = Run::read(&stream(&[before, &dies[..]].concat()), "");
            assert_eq!(run.death("TestA"), None, "{before:?}");
        }
    }

    #[test]
    fn a_childs_report_is_found_in_what_the_test_says() {
        let said = "    x_test.go:1: the child ended with code 1. It said:\n        \
                    ==12==ERROR: LeakSanitizer: detected memory leaks\n";
        let run = Run::read(
            &stream(&[
                ("run", "TestA", ""),
                ("output", "TestA", said),
                ("fail", "TestA", ""),
                ("fail", "", ""),
            ]),
            "",
        );
        assert_eq!(
            run.sanitizer_report("TestA").as_deref(),
            Some("LeakSanitizer: detected memory leaks")
        );
        assert_eq!(run.death("TestA"), None);
    }

    /// Events from short lines: `action test output`, all of package `p`.
    fn stream(lines: &[(&str, &str, &str)]) -> String {
        lines
            .iter()
            .map(|(action, test, output)| {
                let mut event = serde_json::json!({"Action": action, "Package": "p"});
                if !test.is_empty() {
                    event["Test"] = (*test).into();
                }
                if !output.is_empty() {
                    event["Output"] = (*output).into();
                }
                if matches!(*action, "pass" | "fail") {
                    event["Elapsed"] = 0.5.into();
                }
                format!("{event}\n")
            })
            .collect()
    }

    fn catalogue() -> Catalogue {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(
            dir.path().join("req.toml"),
            "title = \"x\"\n[[contract]]\nid = \"REQ-03\"\nsentence = \"x\"\nlayer = [\"go\"]\n\
             source = []\nclaimed = [\"race\"]\nplanned = []\n",
        )
        .unwrap();
        Catalogue::load(dir.path()).unwrap()
    }

    fn records_of(run: &Run, repetitions: u32, cut: Option<Outcome>) -> Vec<Record> {
        run.records("race", &catalogue(), repetitions, cut, |path, seed| {
            Evidence {
                command: format!("{path} {}", seed.unwrap_or("none")),
                ..Evidence::default()
            }
        })
    }

    fn records(lines: &[(&str, &str, &str)], repetitions: u32) -> Vec<Record> {
        records_of(&Run::read(&stream(lines), ""), repetitions, None)
    }

    fn seen(records: &[Record]) -> Vec<(&str, Outcome, Option<&str>)> {
        records
            .iter()
            .map(|r| (r.check.as_str(), r.outcome, r.reason.as_deref()))
            .collect()
    }

    #[test]
    fn passing_tests_with_seed_and_subtests() {
        let run = records(
            &[
                ("start", "", ""),
                ("output", "", "-test.shuffle 1732\n"),
                ("run", "TestREQ03Once", ""),
                ("run", "TestREQ03Once/late", ""),
                ("pass", "TestREQ03Once/late", ""),
                ("pass", "TestREQ03Once", ""),
                ("run", "TestPlain", ""),
                ("pass", "TestPlain", ""),
                ("output", "", "ok  \tp\t0.1s\n"),
                ("pass", "", ""),
            ],
            1,
        );
        let contracts: Vec<_> = run
            .iter()
            .map(|r| (r.check.as_str(), r.contract.as_deref(), r.outcome))
            .collect();
        assert_eq!(
            contracts,
            [
                ("TestPlain", None, Outcome::Pass),
                ("TestREQ03Once", Some("REQ-03"), Outcome::Pass),
                ("TestREQ03Once/late", Some("REQ-03"), Outcome::Pass),
            ]
        );
        assert_eq!(run[0].evidence.command, "p 1732");
    }

    #[test]
    fn some_repetitions_failing_is_unstable_and_all_is_failed() {
        let run = records(
            &[
                ("run", "TestA", ""),
                ("pass", "TestA", ""),
                ("run", "TestB", ""),
                ("fail", "TestB", ""),
                ("run", "TestA", ""),
                ("output", "TestA", "    a_test.go:7: got 2, want 1\n"),
                ("output", "TestA", "--- FAIL: TestA (0.00s)\n"),
                ("fail", "TestA", ""),
                ("run", "TestB", ""),
                ("output", "TestB", "--- FAIL: TestB (0.00s)\n"),
                ("output", "TestB", "panic: boom [recovered]\n"),
                ("fail", "TestB", ""),
                ("fail", "", ""),
            ],
            2,
        );
        assert_eq!(
            seen(&run),
            [
                (
                    "TestA",
                    Outcome::Unstable,
                    Some("1 of 2 failed: a_test.go:7: got 2, want 1")
                ),
                ("TestB", Outcome::Fail, Some("panic: boom [recovered]")),
            ]
        );
        assert!((run[0].seconds - 1.0).abs() < 1e-9);
    }

    #[test]
    fn a_crash_fails_the_running_test_and_credits_nothing_that_is_incomplete() {
        let run = records(
            &[
                ("run", "ExampleOnce", ""),
                ("pass", "ExampleOnce", ""),
                ("run", "TestDone", ""),
                ("pass", "TestDone", ""),
                ("run", "TestCrash", ""),
                ("output", "TestCrash", "SIGSEGV: segmentation violation\n"),
                ("output", "", "FAIL\tp\t0.1s\n"),
                ("fail", "", ""),
            ],
            3,
        );
        assert_eq!(
            seen(&run),
            [
                ("ExampleOnce", Outcome::Pass, None),
                (
                    "TestCrash",
                    Outcome::Fail,
                    Some("the test process died: SIGSEGV: segmentation violation")
                ),
                (
                    "TestDone",
                    Outcome::NotRun,
                    Some("the test process ended after 1 of 3 repetitions")
                ),
            ]
        );
    }

    #[test]
    fn a_report_of_a_sanitizer_is_what_a_test_died_of() {
        let run = records(
            &[
                ("run", "TestA", ""),
                ("output", "TestA", "=====\n"),
                (
                    "output",
                    "TestA",
                    "==7==ERROR: AddressSanitizer: heap-use-after-free on address 0x1\n",
                ),
                ("fail", "", ""),
            ],
            1,
        );
        let why = "the test process died: AddressSanitizer: heap-use-after-free";
        assert_eq!(seen(&run), [("TestA", Outcome::Fail, Some(why))]);
    }

    #[test]
    fn a_test_that_was_not_repeated_tells_that_the_package_ended_early() {
        let run = records(
            &[
                ("run", "TestA", ""),
                ("pass", "TestA", ""),
                ("output", "", "exit status 66\n"),
                ("fail", "", ""),
            ],
            2,
        );
        let why = "the test process ended after 1 of 2 repetitions";
        assert_eq!(seen(&run), [("TestA", Outcome::NotRun, Some(why))]);
    }

    #[test]
    fn a_package_that_fails_without_a_failing_test_is_a_failure() {
        let run = records(
            &[
                ("run", "TestA", ""),
                ("pass", "TestA", ""),
                ("output", "", "exit status 66\n"),
                ("output", "", "FAIL\tp\t0.1s\n"),
                ("fail", "", ""),
            ],
            1,
        );
        assert_eq!(
            seen(&run),
            [
                ("TestA", Outcome::Pass, None),
                (
                    "p",
                    Outcome::Fail,
                    Some("the package failed, and no test did: exit status 66")
                ),
            ]
        );
    }

    #[test]
    fn leaks_at_the_end_are_the_reason_and_not_the_goroutines_behind_them() {
        let report = "==5==ERROR: LeakSanitizer: detected memory leaks\n";
        let run = records(
            &[
                ("run", "TestA", ""),
                ("pass", "TestA", ""),
                ("output", "", "PASS\n"),
                ("output", "", report),
                ("output", "", "SIGABRT: abort\n\ngoroutine 1 [running]:\n"),
                ("output", "", "\t/go/src/runtime/mgc.go:1695 +0x105\n"),
                ("fail", "", ""),
            ],
            1,
        );
        let why = "the package failed, and no test did: LeakSanitizer: detected memory leaks";
        assert_eq!(seen(&run)[1], ("p", Outcome::Fail, Some(why)));
    }

    #[test]
    fn races_fail_inside_and_outside_of_tests() {
        let run = records(
            &[
                ("run", "TestA", ""),
                ("output", "TestA", "WARNING: DATA RACE\n"),
                (
                    "output",
                    "TestA",
                    "    testing.go:1: race detected during execution of test\n",
                ),
                ("fail", "TestA", ""),
                ("run", "TestB", ""),
                ("pass", "TestB", ""),
                ("output", "", "WARNING: DATA RACE\n"),
                ("fail", "", ""),
            ],
            1,
        );
        assert_eq!(
            seen(&run),
            [
                ("TestA", Outcome::Fail, Some("data race")),
                ("TestB", Outcome::Pass, None),
                ("p", Outcome::Fail, Some("data race outside of a test")),
            ]
        );
        let silent = records(
            &[
                ("run", "TestA", ""),
                ("output", "TestA", "WARNING: DATA RACE\n"),
                ("pass", "TestA", ""),
                ("pass", "", ""),
            ],
            1,
        );
        assert_eq!(seen(&silent), [("TestA", Outcome::Fail, Some("data race"))]);
    }

    #[test]
    fn build_failures_of_old_and_new_go() {
        // Until Go 1.23 the messages come on standard error; in the oldest even the verdict is
        // no event.
        let oldest = Run::read(
            "FAIL\tp [build failed]\n",
            "# p\n./a.go:3:1: undefined: x\n",
        );
        assert_eq!(
            seen(&records_of(&oldest, 1, None)),
            [("p", Outcome::BuildFailed, Some("./a.go:3:1: undefined: x"))]
        );
        let old = Run::read(
            &stream(&[("output", "", "FAIL\tp [build failed]\n"), ("fail", "", "")]),
            "# p\n./a.go:3:1: undefined: x\n",
        );
        assert_eq!(
            seen(&records_of(&old, 1, None)),
            [("p", Outcome::BuildFailed, Some("./a.go:3:1: undefined: x"))]
        );
        assert_eq!(
            old.build_error().as_deref(),
            Some("./a.go:3:1: undefined: x")
        );
        // Since Go 1.24 they are events.
        let new = Run::read(
            &format!(
                "{}\n{}",
                r##"{"ImportPath":"p [p.test]","Action":"build-output","Output":"# p\n"}
{"ImportPath":"p [p.test]","Action":"build-output","Output":"./a.go:3:1: undefined: x\n"}
{"ImportPath":"p [p.test]","Action":"build-fail"}"##,
                stream(&[
                    ("start", "", ""),
                    ("output", "", "FAIL\tp [build failed]\n"),
                    ("fail", "", ""),
                ])
            ),
            "",
        );
        assert_eq!(
            seen(&records_of(&new, 1, None)),
            [("p", Outcome::BuildFailed, Some("./a.go:3:1: undefined: x"))]
        );
    }

    #[test]
    fn a_missing_archive_is_named_first() {
        let build = "# p.test\n/usr/lib/go/link: running gcc failed: exit status 1\n\
                     target/release/libsubject.a is missing; run: cargo build\n";
        assert!(first_message(build).starts_with("target/release/libsubject.a is missing"));
    }

    #[test]
    fn nothing_at_all_is_a_build_error_with_its_message() {
        let run = Run::read("", "go: go.mod file not found\n");
        assert!(records_of(&run, 1, None).is_empty());
        assert_eq!(
            run.build_error().as_deref(),
            Some("go: go.mod file not found")
        );
    }

    #[test]
    fn limits_are_timeouts() {
        let cut = Run::read(&stream(&[("run", "TestA", "")]), "");
        assert_eq!(
            seen(&records_of(&cut, 1, Some(Outcome::Timeout))),
            [(
                "TestA",
                Outcome::Timeout,
                Some("still running when it was ended")
            )]
        );
        let own = records(
            &[
                ("run", "TestA", ""),
                ("output", "TestA", "panic: test timed out after 10m0s\n"),
                ("fail", "", ""),
            ],
            1,
        );
        assert_eq!(own[0].outcome, Outcome::Timeout);
        assert_eq!(own.len(), 1);
    }

    #[test]
    fn skips_keep_their_reason() {
        let run = records(
            &[
                ("run", "TestA", ""),
                ("output", "TestA", "=== RUN   TestA\n"),
                ("output", "TestA", "    a_test.go:5: needs two CPUs\n"),
                ("output", "TestA", "--- SKIP: TestA (0.00s)\n"),
                ("skip", "TestA", ""),
                ("run", "TestB", ""),
                ("output", "TestB", "--- SKIP: TestB (0.00s)\n"),
                ("skip", "TestB", ""),
                ("pass", "", ""),
            ],
            1,
        );
        assert_eq!(
            seen(&run),
            [
                (
                    "TestA",
                    Outcome::Skipped,
                    Some("a_test.go:5: needs two CPUs")
                ),
                ("TestB", Outcome::Skipped, None),
            ]
        );
    }

    #[test]
    fn notes_credit_and_blame_as_those_of_rust_do() {
        let run = records(
            &[
                ("run", "TestMany", ""),
                (
                    "output",
                    "TestMany",
                    "    a_test.go:5: cgolab: contract=REQ-03 checks=7\n",
                ),
                (
                    "output",
                    "TestMany",
                    "    a_test.go:6: cgolab: executions=512\n",
                ),
                ("pass", "TestMany", ""),
                ("run", "TestOdd", ""),
                ("output", "TestOdd", "cgolab: broken=REQ-03\n"),
                ("output", "TestOdd", "    a_test.go:9: too late\n"),
                ("fail", "TestOdd", ""),
                ("fail", "", ""),
            ],
            1,
        );
        let noted: Vec<_> = run
            .iter()
            .map(|r| (r.contract.as_deref(), r.executions))
            .collect();
        assert_eq!(noted, [(Some("REQ-03"), Some(7)), (Some("REQ-03"), None)]);
        assert_eq!(
            seen(&run),
            [
                ("TestMany", Outcome::Pass, None),
                ("TestOdd", Outcome::Fail, Some("a_test.go:9: too late")),
            ]
        );
    }

    #[test]
    fn a_package_without_tests_says_nothing() {
        let run = records(
            &[
                ("output", "", "?   \tp\t[no test files]\n"),
                ("skip", "", ""),
            ],
            1,
        );
        assert!(run.is_empty());
    }

    #[test]
    fn an_unknown_id_fails() {
        let run = records(
            &[
                ("run", "TestREQ77X", ""),
                ("pass", "TestREQ77X", ""),
                ("pass", "", ""),
            ],
            1,
        );
        assert_eq!(
            seen(&run),
            [(
                "TestREQ77X",
                Outcome::Fail,
                Some("REQ-77 is not in the catalogue")
            )]
        );
    }

    #[test]
    fn closing_lines_are_printed_again() {
        let event = |output: &str| {
            serde_json::json!({"Action": "output", "Package": "p", "Output": output}).to_string()
        };
        assert_eq!(
            closing_line(&event("ok  \tp\t0.1s\n")).as_deref(),
            Some("ok  \tp\t0.1s")
        );
        assert!(closing_line(&event("--- FAIL: TestA (0.00s)\n")).is_some());
        assert!(closing_line(&event("=== RUN   TestA\n")).is_none());
        assert!(closing_line("no json").is_none());
    }
}
