use super::*;
use crate::record::Evidence as Source;
use std::collections::BTreeMap;
use std::fs;

/// Text that a page must never hold as it is.
const HOSTILE: &str = r#"</pre><script>alert("x")</script>&amp;<img src=x onerror='y'>"#;

fn catalogue() -> Catalogue {
    let dir = tempfile::tempdir().unwrap();
    let contract = |id: &str, claimed: &str, planned: &str| {
        format!(
            "[[contract]]\nid = \"{id}\"\nsentence = 'Never <b>& {id}.'\nlayer = [\"go\"]\n\
             source = [\"S9\"]\nclaimed = [{claimed}]\nplanned = [{planned}]\n"
        )
    };
    fs::write(
        dir.path().join("req.toml"),
        format!(
            "title = \"Requests\"\n{}{}{}{}{}",
            contract("REQ-01", "\"race\"", "\"loom\""),
            contract("REQ-02", "\"race\"", ""),
            contract("REQ-03", "\"proptest\"", ""),
            contract("REQ-04", "", "\"race\""),
            contract("REQ-05", "", ""),
        ),
    )
    .unwrap();
    Catalogue::load(dir.path()).unwrap()
}

fn record(contract: &str, check: &str, outcome: Outcome) -> Record {
    Record {
        contract: Some(contract.to_owned()),
        ..Record::check("race", check, outcome)
    }
}

fn canary(outcome: Outcome) -> Record {
    Record {
        kind: Kind::Canary,
        ..Record::check("race", "planted race", outcome)
    }
}

fn ended() -> Identity {
    Identity {
        started: "2026-01-02T03:04:05Z".to_owned(),
        seconds: Some(61.0),
        ..Identity::default()
    }
}

/// The page of these records, with the text of `logs/race.log`.
fn page(identity: Identity, records: &[Record], log: Option<&str>) -> String {
    let dir = tempfile::tempdir().unwrap();
    if let Some(log) = log {
        fs::create_dir(dir.path().join("logs")).unwrap();
        fs::write(dir.path().join("logs/race.log"), log).unwrap();
    }
    arranged(dir.path(), &identity, records).render().unwrap()
}

fn arranged(folder: &Path, identity: &Identity, records: &[Record]) -> Page {
    let (catalogue, facts) = (catalogue(), identity.facts());
    let verdict = Verdict::of(&catalogue, &facts, records);
    Page::new(folder, &catalogue, identity, &verdict)
}

fn evidence_of(html: &str, anchor: &str) -> String {
    let (_, rest) = html
        .split_once(&format!("id=\"{anchor}\""))
        .unwrap_or_else(|| panic!("no {anchor} in {html}"));
    let end = rest.find("</tbody>").unwrap();
    rest[..end].to_owned()
}

#[test]
fn hostile_text_is_escaped_wherever_it_comes_from() {
    let mut broken = record("REQ-01", HOSTILE, Outcome::Fail).because(HOSTILE);
    broken.evidence = Source {
        command: HOSTILE.to_owned(),
        log: Some("logs/race.log".to_owned()),
        scenario: Some(HOSTILE.to_owned()),
    };
    let mut foreign = record("REQ-02", "x", Outcome::Fail);
    foreign.engine = HOSTILE.to_owned();
    foreign.evidence.log = Some(format!("logs/{HOSTILE}"));
    let identity = Identity {
        command: HOSTILE.to_owned(),
        profile: Some(HOSTILE.to_owned()),
        environment: BTreeMap::from([("GOFLAGS".to_owned(), HOSTILE.to_owned())]),
        ..ended()
    };
    let log = format!("{HOSTILE}\n\u{1b}[31mred\u{1b}[0m\0\u{202e}");
    let html = page(identity, &[broken, foreign], Some(&log));
    assert!(!html.contains("alert(\"x\")"), "{html}");
    assert!(!html.contains("<img"), "{html}");
    assert!(!html.contains("Never <b>"), "{html}");
    assert!(!html.contains(['\u{1b}', '\0', '\u{202e}']));
    // One script, our own.
    assert_eq!(html.matches("<script").count(), 1);
    assert!(html.contains("alert(&#34;x&#34;)"), "{html}");
    assert!(html.contains("red\\u{0}\\u{202e}"), "{html}");
}

#[test]
fn the_page_asks_nothing_of_the_network() {
    let html = page(ended(), &[canary(Outcome::Pass)], None);
    for word in ["http://", "https://", "src=", "@import", "url("] {
        assert!(!html.contains(word), "{word}");
    }
}

#[test]
fn every_outcome_has_its_own_look_and_word() {
    let outcomes = [
        (Outcome::Pass, "pass", ">pass<"),
        (Outcome::CutOff, "cut-off", ">cut off<"),
        (Outcome::Fail, "fail", ">FAIL<"),
        (Outcome::Skipped, "skip", ">skipped<"),
        (Outcome::NotRun, "not-run", ">not run<"),
        (Outcome::CanaryOff, "off", ">OFF<"),
        (Outcome::Timeout, "timeout", ">TIMEOUT<"),
        (Outcome::Unstable, "unstable", ">UNSTABLE<"),
        (Outcome::BuildFailed, "build", ">BUILD<"),
    ];
    let css = include_str!("../../../templates/report.css");
    for (outcome, class, word) in outcomes {
        let records = [canary(Outcome::Pass), record("REQ-01", "TestX", outcome)];
        let html = page(ended(), &records, None);
        assert!(
            html.contains(&format!("<td class=\"cell {class}\">")),
            "{class}"
        );
        assert!(html.contains(word), "{word}");
        assert!(css.contains(&format!("td.cell.{class}")), "{class}");
        assert!(evidence_of(&html, "REQ-01.race").contains("TestX"));
    }
    let cut = record("REQ-01", "model", Outcome::CutOff);
    let html = page(ended(), &[canary(Outcome::Pass), cut], None);
    assert!(html.contains("Cut off: passed as far as they went"));
}

#[test]
fn the_worst_outcome_is_the_cell() {
    let records = [
        canary(Outcome::Pass),
        record("REQ-01", "TestGood", Outcome::Pass),
        record("REQ-01", "TestBad", Outcome::Fail),
    ];
    let html = page(ended(), &records, None);
    assert!(html.contains("<td class=\"cell fail\">"));
    let evidence = evidence_of(&html, "REQ-01.race");
    assert!(evidence.find("TestBad").unwrap() < evidence.find("TestGood").unwrap());
}

#[test]
fn a_missing_log_is_said_and_a_path_outside_is_not_followed() {
    let with_log = |log: &str| {
        let mut record = record("REQ-01", "TestX", Outcome::Fail);
        record.evidence.log = Some(log.to_owned());
        page(ended(), &[record], None)
    };
    for log in ["logs/race.log", "../../../etc/hostname", "/etc/hostname"] {
        let html = with_log(log);
        assert!(html.contains("the log is not in the folder"), "{log}");
    }
    let mut record = record("REQ-01", "TestX", Outcome::Pass);
    record.evidence.log = Some("logs/race.log".to_owned());
    let html = page(ended(), &[record], Some("a\n--- PASS: TestX\nb\n"));
    assert!(html.contains("href=\"../logs/race.log\""), "{html}");
    assert!(html.contains("--- PASS: TestX"), "{html}");
}

#[test]
fn what_a_process_notes_about_a_contract_is_evidence() {
    let mut record = record("REQ-01", "seeds, sanitizer none", Outcome::Pass);
    record.evidence.log = Some("logs/race.log".to_owned());
    record.executions = Some(1);
    let log = "a\ncgolab: contract=REQ-01 checks=1\ncgolab: contract=REQ-02 checks=2\n".repeat(9);
    let html = page(ended(), &[record], Some(&log));
    let evidence = evidence_of(&html, "REQ-01.race");
    assert!(evidence.contains("contract=REQ-01 checks=1"), "{evidence}");
    assert!(!evidence.contains("contract=REQ-02"), "{evidence}");
    assert!(evidence.contains("1 execution<"), "{evidence}");
}

#[test]
fn contracts_are_counted_by_how_they_came_out() {
    let records = [
        canary(Outcome::Pass),
        record("REQ-01", "TestX", Outcome::Fail),
        Record::missing("race", Some("REQ-02"), Outcome::NotRun),
    ];
    let dir = tempfile::tempdir().unwrap();
    let page = arranged(dir.path(), &ended(), &records);
    let counts = ContractState::NAMED.map(|state| (state, page.counts.get(state)));
    assert_eq!(
        counts,
        [
            (ContractState::Broken, 1),
            (ContractState::NotExercised, 1),
            (ContractState::Exercised, 0),
            (ContractState::Skipped, 0),
            (ContractState::Elsewhere, 1),
            (ContractState::Planned, 1),
        ]
    );
    assert_eq!(page.failures.len(), 1);
    assert_eq!(page.unexercised.len(), 1);
    assert_eq!(page.planned[0].name, "REQ");
    assert_eq!(page.families[0].contracts[0].planned, "loom");
    assert_eq!(page.families[0].contracts[2].claimed, "proptest");
}

#[test]
fn an_engine_that_was_left_out_is_no_gap_and_is_told() {
    let skipped =
        |id| Record::missing("race", Some(id), Outcome::Skipped).because("no C++ compiler");
    let records = [
        skipped("REQ-01"),
        skipped("REQ-02"),
        Record {
            engine: "proptest".to_owned(),
            ..record("REQ-03", "x", Outcome::Pass)
        },
    ];
    let dir = tempfile::tempdir().unwrap();
    let page = arranged(dir.path(), &ended(), &records);
    let states: Vec<_> = page.families[0].contracts.iter().map(|c| c.state).collect();
    assert_eq!(
        states,
        [
            ContractState::Skipped,
            ContractState::Skipped,
            ContractState::Exercised,
            ContractState::Planned,
        ]
    );
    assert_eq!(
        (page.state, page.headline.as_str()),
        (
            RunState::Red,
            "RED: proptest not run; left out: race skipped"
        )
    );
    assert_eq!(page.engines[0].state, EngineState::Skipped);
    assert!(page.failures.is_empty() && page.unexercised.is_empty());
    assert_eq!(page.skipped.len(), 1);
    assert_eq!(page.skipped[0].contracts.len(), 2);
    let html = page.render().unwrap();
    assert!(html.contains("<td class=\"cell skip\">"), "{html}");
    assert!(html.contains("no C++ compiler"), "{html}");
}

#[test]
fn a_timeout_says_nothing_about_a_contract() {
    let records = [
        canary(Outcome::Pass),
        record("REQ-01", "TestX", Outcome::Timeout),
    ];
    let dir = tempfile::tempdir().unwrap();
    let page = arranged(dir.path(), &ended(), &records);
    let state = page.families[0].contracts[0].state;
    assert_eq!(state, ContractState::NotExercised);
    assert_eq!(page.state, RunState::Red);
}

#[test]
fn the_page_tells_a_stopped_run_from_a_red_one() {
    let green = [canary(Outcome::Pass), record("REQ-01", "x", Outcome::Pass)];
    let class = |identity: Identity, records: &[Record]| {
        let html = page(identity, records, None);
        let (_, rest) = html.split_once("<header class=\"").unwrap();
        rest.split_once('"').unwrap().0.to_owned()
    };
    let killed = Identity {
        seconds: None,
        ..ended()
    };
    let stopped = Identity {
        interrupted: true,
        ..ended()
    };
    let partial = Identity {
        not_asked: vec!["loom".to_owned()],
        ..ended()
    };
    assert_eq!(class(killed, &green), "stopped");
    assert_eq!(class(stopped, &green), "stopped");
    assert_eq!(class(ended(), &[]), "stopped");
    assert_eq!(class(ended(), &green), "green");
    assert_eq!(class(partial, &green), "partial");
    assert_eq!(class(ended(), &[canary(Outcome::CanaryOff)]), "red");
}

#[test]
fn seeds_are_read_from_the_commands() {
    let with = |engine: &str, command: &str| Record {
        engine: engine.to_owned(),
        evidence: Source {
            command: command.to_owned(),
            ..Source::default()
        },
        ..Record::check(engine, "x", Outcome::Pass)
    };
    let found = seeds(&[
        with("race", "cd go-harness && go test -shuffle=17 ./subject"),
        with("race", "cd go-harness && go test -shuffle=17 ./subject"),
        with("race", "go test -shuffle=on ./subject"),
        with("fuzz-abi", "cargo fuzz run x -- -seed=4 -runs=0"),
    ]);
    let shown: Vec<_> = found
        .iter()
        .map(|seed| {
            (
                seed.engine.as_str(),
                seed.flag.as_str(),
                seed.place.as_str(),
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            ("fuzz-abi", "-seed=4", ""),
            ("race", "-shuffle=17", "./subject")
        ]
    );
}
