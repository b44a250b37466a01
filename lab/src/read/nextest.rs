//! Reads what nextest ran: its JUnit file, with the notes ([`crate::read::notes`]) that tests print.

use anyhow::{Context as _, Result};
use roxmltree::{Document, Node};

use crate::host::out::one_line;
use crate::read::notes::Notes;
use crate::record::{Evidence, Outcome, Record};
use crate::subject::catalogue::Catalogue;

/// The number of the signal that asks a process to end, on every Unix.
const SIGTERM: i32 = 15;
/// The number of the signal by which a panic that cannot unwind ends its process.
const SIGABRT: i32 = 6;

/// One test that ran.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Case {
    pub(crate) name: String,
    /// The file in `tests/` that holds it, if one does.
    pub(crate) file: Option<String>,
    pub(crate) outcome: Outcome,
    pub(crate) seconds: f64,
    /// Why it did not pass.
    pub(crate) reason: Option<String>,
    /// The number of the signal that ended it.
    pub(crate) signal: Option<i32>,
    /// The printed text, standard output first.
    pub(crate) output: String,
}

impl Case {
    /// Returns true if somebody asked it to end, as nextest does when it is asked itself.
    pub(crate) fn was_terminated(&self) -> bool {
        self.signal == Some(SIGTERM)
    }
}

/// The tests in a JUnit file of nextest.
pub(crate) fn read_junit(xml: &str) -> Result<Vec<Case>> {
    let document = Document::parse(xml).context("the JUnit file of nextest is not well-formed")?;
    Ok(document
        .descendants()
        .filter(|node| node.has_tag_name("testcase"))
        .map(|node| read_case(&node))
        .collect())
}

fn read_case(node: &Node<'_, '_>) -> Case {
    let child = |tag: &str| node.children().find(|child| child.has_tag_name(tag));
    let output = ["system-out", "system-err"]
        .iter()
        .filter_map(|tag| child(tag)?.text())
        .collect::<Vec<_>>()
        .join("\n");
    let verdict = [
        ("failure", Outcome::Fail),
        ("error", Outcome::Fail),
        ("flakyFailure", Outcome::Unstable),
        ("flakyError", Outcome::Unstable),
        ("skipped", Outcome::Skipped),
    ]
    .into_iter()
    .find_map(|(tag, outcome)| Some((child(tag)?, outcome)));
    let signal = verdict.and_then(|(node, _)| signal(&node));
    let (outcome, reason) = match verdict {
        None => (Outcome::Pass, None),
        Some((node, outcome)) => {
            let kind = node.attribute("type").unwrap_or_default();
            let outcome = match kind {
                "test timeout" => Outcome::Timeout,
                _ => outcome,
            };
            let message = node.attribute("message").unwrap_or(kind);
            let reason = panic_message(&output).unwrap_or(message);
            (outcome, Some(one_line(reason, 300)))
        }
    };
    // The suite's name is that of the package, and of the test's file behind it.
    let suite = node
        .parent()
        .and_then(|parent| parent.attribute("name")?.split_once("::"));
    Case {
        name: node.attribute("name").unwrap_or_default().to_owned(),
        file: suite.map(|(_, file)| file.to_owned()),
        outcome,
        seconds: node
            .attribute("time")
            .and_then(|time| time.parse().ok())
            .unwrap_or(0.0),
        reason,
        signal,
        output,
    }
}

/// The signal that ended a test, of a `<failure type="test abort" message="process aborted with
/// signal 15 (SIGTERM)">`. What the test itself says of signals is elsewhere.
fn signal(verdict: &Node<'_, '_>) -> Option<i32> {
    let aborted = verdict.attribute("type")?.starts_with("test abort");
    let message = verdict.attribute("message").filter(|_| aborted)?;
    let (_, number) = message.split_once("with signal ")?;
    number.split_whitespace().next()?.parse().ok()
}

/// Lines that Rust prints when a panic meets another one.
const SECOND_PANIC: [&str; 2] = [
    "panic in a destructor during cleanup",
    "panic in a function that cannot unwind",
];

/// True if a failed test tells what is wrong: by a panic of its own, or by the oracle's rule. A panic that was
/// caught before another signal ended the process does not.
pub(crate) fn says_why(case: &Case) -> bool {
    let by_panic = case.signal.is_none_or(|signal| signal == SIGABRT);
    (by_panic && panic_message(&case.output).is_some())
        || !Notes::read(&case.output).broken.is_empty()
}

/// The text of the last panic: the line after "panicked at". Not of a panic while another one
/// unwinds, which ends the process and explains nothing.
fn panic_message(output: &str) -> Option<&str> {
    let mut lines = output.lines();
    let mut message = None;
    while let Some(line) = lines.next() {
        if line.contains("panicked at ") {
            let text = lines.next().filter(|text| !SECOND_PANIC.contains(text));
            message = text.or(message);
        }
    }
    message.filter(|line| !line.trim().is_empty())
}

/// The records of one test, by its name and its notes.
pub(crate) fn records(
    engine: &str,
    catalogue: &Catalogue,
    case: &Case,
    evidence: &Evidence,
) -> Vec<Record> {
    let mut base = Record::check(engine, &case.name, case.outcome);
    base.reason.clone_from(&case.reason);
    base.seconds = case.seconds;
    base.evidence = evidence.clone();
    let named = catalogue.contracts_in_name(&case.name);
    Notes::read(&case.output).judge(base, named, |id| catalogue.contains(id))
}

/// Returns this line of nextest's output in the form that people see, if they want to see it.
pub fn closing_line(line: &str) -> Option<String> {
    let words = line.trim_start();
    let shown = [
        "Summary [",
        "FAIL [",
        "TIMEOUT [",
        "SIG",
        "ABORT [",
        "error",
    ]
    .iter()
    .any(|start| words.starts_with(start));
    shown.then(|| line.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shape as written by nextest 0.9.148, shortened.
    const JUNIT: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="nextest-run" tests="4" failures="2" errors="0" uuid="x" timestamp="2026-01-01T00:00:00.000+00:00" time="1.5">
  <testsuite name="subject-tests::model" tests="4" disabled="0" errors="0" failures="2">
    <testcase name="req_03_named_only" classname="subject-tests::model" timestamp="2026-01-01T00:00:00.000+00:00" time="0.250">
      <system-out>
running 1 test
test req_03_named_only ... ok
</system-out>
      <system-err></system-err>
    </testcase>
    <testcase name="state_machine" classname="subject-tests::model" time="1.250">
      <system-out>
running 1 test
test state_machine ... cgolab: contract=REQ-04 checks=123
cgolab: contract=EVT-01 checks=7
cgolab: contract=EVT-02 checks=0
cgolab: executions=512
ok
</system-out>
    </testcase>
    <testcase name="shrunk" classname="subject-tests::model" time="0.001">
      <failure message="thread 'shrunk' (12) panicked at scenario/tests/model.rs:3:5" type="test failure with exit code 101">thread 'shrunk' (12) panicked at scenario/tests/model.rs:3:5:
second &lt;completion&gt; accepted
note: run with `RUST_BACKTRACE=1`</failure>
      <system-out>cgolab: contract=EVT-01 checks=7
cgolab: broken=REQ-04
cgolab: scenario=load; complete; cancel; complete
cgolab: scenario=load; complete; complete
</system-out>
      <system-err>thread 'shrunk' (12) panicked at scenario/tests/model.rs:3:5:
second &lt;completion&gt; accepted
</system-err>
    </testcase>
    <testcase name="slow" classname="subject-tests::model" time="600.0">
      <failure type="test timeout"/>
    </testcase>
  </testsuite>
</testsuites>"#;

    fn catalogue() -> Catalogue {
        let contract = |id: &str| {
            format!(
                "[[contract]]\nid = \"{id}\"\nsentence = \"x\"\nlayer = [\"go\"]\nsource = []\n\
                 claimed = []\nplanned = [\"race\"]\n"
            )
        };
        let dir = tempfile::tempdir().unwrap();
        for (file, ids) in [
            ("req.toml", &["REQ-03", "REQ-04"][..]),
            ("evt.toml", &["EVT-01"][..]),
        ] {
            let text: String = ids.iter().map(|id| contract(id)).collect();
            std::fs::write(dir.path().join(file), format!("title = \"x\"\n{text}")).unwrap();
        }
        Catalogue::load(dir.path()).unwrap()
    }

    fn all_records(xml: &str) -> Vec<Record> {
        let catalogue = catalogue();
        read_junit(xml)
            .unwrap()
            .iter()
            .flat_map(|case| records("proptest", &catalogue, case, &Evidence::default()))
            .collect()
    }

    fn of<'a>(records: &'a [Record], check: &str) -> Vec<&'a Record> {
        records.iter().filter(|r| r.check == check).collect()
    }

    #[test]
    fn names_and_notes_become_records() {
        let records = all_records(JUNIT);
        let named = of(&records, "req_03_named_only");
        assert_eq!(named.len(), 1);
        assert_eq!(named[0].contract.as_deref(), Some("REQ-03"));
        assert_eq!(named[0].outcome, Outcome::Pass);
        assert!((named[0].seconds - 0.25).abs() < 1e-9);
        assert_eq!(named[0].executions, None);

        let noted = of(&records, "state_machine");
        let seen: Vec<_> = noted
            .iter()
            .map(|r| (r.contract.as_deref(), r.outcome, r.executions))
            .collect();
        assert_eq!(
            seen,
            [
                (Some("REQ-04"), Outcome::Pass, Some(123)),
                (Some("EVT-01"), Outcome::Pass, Some(7)),
            ]
        );
    }

    #[test]
    fn a_signal_is_read_from_where_nextest_writes_it() {
        let xml = r#"<testsuites><testsuite name="a">
            <testcase name="ended"><failure type="test abort"
              message="process aborted with signal 15 (SIGTERM)"/>
              <system-err>thread 'x' panicked at a.rs:1:1:
a helper that nobody joined</system-err></testcase>
            <testcase name="leaky"><failure type="test abort (leaked handles)"
              message="process aborted with signal 6 (SIGABRT) (leaked handles)"/></testcase>
            <testcase name="tells"><failure type="test failure with exit code 101"
              message="the child ended with signal 15 (SIGTERM)"/>
              <system-err>thread 'x' panicked at a.rs:1:1:
the child of SIGTERM lived</system-err></testcase>
            </testsuite></testsuites>"#;
        let cases = read_junit(xml).unwrap();
        let seen: Vec<_> = cases
            .iter()
            .map(|c| (c.signal, c.was_terminated()))
            .collect();
        assert_eq!(seen, [(Some(15), true), (Some(6), false), (None, false)]);
    }

    #[test]
    fn a_panic_that_was_caught_does_not_explain_a_crash() {
        let case = |signal, output: &str| Case {
            name: "req_03_x".to_owned(),
            file: None,
            outcome: Outcome::Fail,
            seconds: 0.0,
            reason: None,
            signal,
            output: output.to_owned(),
        };
        let panic = "thread 'x' panicked at a.rs:1:1:\nboom\n";
        assert!(says_why(&case(None, panic)));
        assert!(says_why(&case(Some(SIGABRT), panic)));
        assert!(!says_why(&case(Some(SIGABRT), "")));
        assert!(!says_why(&case(Some(11), panic)));
        assert!(says_why(&case(Some(11), "cgolab: broken=REQ-03\n")));
    }

    #[test]
    fn a_failing_test_credits_nothing_and_blames_what_it_noted() {
        let records = all_records(JUNIT);
        let failed = of(&records, "shrunk");
        assert_eq!(failed.len(), 1);
        assert_eq!(failed[0].contract.as_deref(), Some("REQ-04"));
        assert_eq!(failed[0].outcome, Outcome::Fail);
        assert_eq!(
            failed[0].reason.as_deref(),
            Some("second <completion> accepted")
        );
        assert_eq!(
            failed[0].evidence.scenario.as_deref(),
            Some("load; complete; complete")
        );
    }

    #[test]
    fn a_timeout_is_no_failure_of_a_contract() {
        let records = all_records(JUNIT);
        let slow = of(&records, "slow");
        assert_eq!(slow[0].outcome, Outcome::Timeout);
        assert_eq!(slow[0].contract, None);
        assert_eq!(slow[0].reason.as_deref(), Some("test timeout"));
    }

    #[test]
    fn a_failure_without_note_blames_the_name() {
        let xml = r#"<testsuites><testsuite name="a"><testcase name="req_03_evt_01_x" time="1">
            <failure message="boom" type="test failure"/></testcase>
            <testcase name="plain" time="1"><failure message="boom" type="x"/></testcase>
            </testsuite></testsuites>"#;
        let records = all_records(xml);
        let blamed: Vec<_> = records.iter().map(|r| r.contract.as_deref()).collect();
        assert_eq!(blamed, [Some("REQ-03"), Some("EVT-01"), None]);
        assert!(records.iter().all(|r| r.outcome == Outcome::Fail));
        assert!(records.iter().all(|r| r.reason.as_deref() == Some("boom")));
    }

    #[test]
    fn unknown_ids_and_contradictions_fail() {
        let xml = r#"<testsuites><testsuite name="a"><testcase name="req_99_x" time="1"/>
            <testcase name="noted" time="1"><system-out>cgolab: contract=REQ-98 checks=1</system-out>
            </testcase><testcase name="odd" time="1"><system-out>cgolab: broken=REQ-03</system-out>
            </testcase></testsuite></testsuites>"#;
        let records = all_records(xml);
        assert!(records.iter().all(|r| r.outcome == Outcome::Fail));
        let reasons: Vec<_> = records.iter().filter_map(|r| r.reason.as_deref()).collect();
        assert_eq!(reasons[0], "REQ-99 is not in the catalogue");
        assert_eq!(reasons[1], "REQ-98 is not in the catalogue");
        assert!(reasons[2].contains("noted a broken contract"));
        assert_eq!(records[2].contract.as_deref(), Some("REQ-03"));
    }

    #[test]
    fn a_second_panic_does_not_hide_the_first() {
        let output = "thread 'x' panicked at a.rs:1:1:\ndeadlock; threads = []\n\
                      thread 'x' panicked at panicking.rs:2:2:\n\
                      panic in a destructor during cleanup\n";
        assert_eq!(panic_message(output), Some("deadlock; threads = []"));
        assert_eq!(panic_message("no panic"), None);
    }

    #[test]
    fn a_test_that_says_why_it_did_nothing_is_skipped() {
        let xml = r#"<testsuites><testsuite name="a"><testcase name="clang::req_03_x" time="1">
            <system-out>test clang::req_03_x ... cgolab: skipped=no clang on PATH
            ok</system-out></testcase></testsuite></testsuites>"#;
        let records = all_records(xml);
        assert_eq!(records.len(), 1);
        assert_eq!(records[0].outcome, Outcome::Skipped);
        assert_eq!(records[0].contract.as_deref(), Some("REQ-03"));
        assert_eq!(records[0].reason.as_deref(), Some("no clang on PATH"));
    }

    #[test]
    fn a_case_knows_its_file() {
        assert_eq!(read_junit(JUNIT).unwrap()[0].file.as_deref(), Some("model"));
    }

    #[test]
    fn broken_xml_is_an_error() {
        assert!(read_junit("<testsuites>").is_err());
        assert_eq!(read_junit("<testsuites/>").unwrap(), []);
    }

    #[test]
    fn closing_lines_of_nextest() {
        for line in [
            "     Summary [   0.02s] 3 tests run: 3 passed, 0 skipped",
            "        FAIL [   0.00s] subject-tests req_03",
            "     SIGABRT [   0.00s] subject-tests req_03",
            "error: test run failed",
        ] {
            assert!(closing_line(line).is_some(), "{line}");
        }
        assert!(closing_line("        PASS [   0.00s] subject-tests req_03").is_none());
    }
}
