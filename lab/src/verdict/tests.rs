use super::*;
use crate::record::Kind;

const FIRST: &str = "race";
const SECOND: &str = "loom";

const OUTCOMES: [Outcome; 9] = [
    Outcome::Pass,
    Outcome::CutOff,
    Outcome::Fail,
    Outcome::Skipped,
    Outcome::NotRun,
    Outcome::CanaryOff,
    Outcome::Timeout,
    Outcome::Unstable,
    Outcome::BuildFailed,
];

const ENDS: [End; 3] = [End::Complete, End::Interrupted, End::Unknown];

pub(crate) fn catalogue() -> Catalogue {
    let contract = |id: &str, claimed: &str| {
        format!(
            "[[contract]]\nid = \"{id}\"\nsentence = \"A sentence.\"\nlayer = [\"go\"]\n\
             source = []\nclaimed = [{claimed}]\nplanned = [\"guard\"]\n"
        )
    };
    let dir = tempfile::tempdir().unwrap();
    let text = format!(
        "title = \"Requests\"\n{}{}{}",
        contract("REQ-01", "\"race\", \"loom\""),
        contract("REQ-02", "\"race\""),
        contract("REQ-03", "\"asan\""),
    );
    std::fs::write(dir.path().join("req.toml"), text).unwrap();
    Catalogue::load(dir.path()).unwrap()
}

fn of_kind(kind: Kind, engine: &str, outcome: Outcome) -> Record {
    Record {
        kind,
        ..Record::check(engine, "planted", outcome)
    }
    .because("this is why")
}

fn check(engine: &str, name: &str, contract: &str, outcome: Outcome) -> Record {
    Record {
        contract: Some(contract.to_owned()),
        ..Record::check(engine, name, outcome).because("this is why")
    }
}

/// Everything that an engine can say: it was skipped, its canary came out in any way, and after a
/// caught one a check came out in any way, alone or beside one that passed.
fn sayings(engine: &str, catalogue: &Catalogue) -> Vec<Vec<Record>> {
    let complete = |records| judge::complete(engine, catalogue, records, None);
    let canary = |outcome| of_kind(Kind::Canary, engine, outcome);
    let mut all = vec![
        judge::skipped(engine, catalogue, "no compiler"),
        judge::complete(engine, catalogue, Vec::new(), Some("interrupted".into())),
        // A run that was killed has nothing to say of it.
        Vec::new(),
        complete(vec![canary(Outcome::Pass)]),
    ];
    for outcome in OUTCOMES {
        if outcome != Outcome::Pass {
            all.push(complete(vec![canary(outcome)]));
        }
        let limit = of_kind(Kind::Limit, engine, outcome);
        let passed = check(engine, "good", "REQ-01", Outcome::Pass);
        all.push(complete(vec![canary(Outcome::Pass), limit, passed.clone()]));
        let mut silent = check(engine, "odd", "REQ-02", outcome);
        silent.reason = None;
        for odd in [check(engine, "odd", "REQ-01", outcome), silent] {
            all.push(complete(vec![canary(Outcome::Pass), odd.clone()]));
            all.push(complete(vec![canary(Outcome::Pass), passed.clone(), odd]));
        }
    }
    all
}

/// Runs of two engines: every end, and everything that each of them can say.
pub(crate) fn every_run(mut look: impl FnMut(&Facts, &[Record])) {
    let catalogue = catalogue();
    let (first, second) = (sayings(FIRST, &catalogue), sayings(SECOND, &catalogue));
    for end in ENDS {
        for not_asked in [vec![], vec!["guard".to_owned()]] {
            for one in &first {
                for other in &second {
                    let engines = [FIRST, SECOND].map(|name| EngineFacts {
                        name: name.to_owned(),
                        what: "an engine".to_owned(),
                        seconds: Some(1.0),
                    });
                    let facts = Facts {
                        end,
                        engines: engines.to_vec(),
                        not_asked: not_asked.clone(),
                    };
                    look(&facts, &[one.clone(), other.clone()].concat());
                }
            }
        }
    }
}

/// A headline that hides nothing: computed from the records alone, without the verdict's states.
#[test]
fn the_headline_is_never_better_than_the_records() {
    let catalogue = catalogue();
    let mut runs = 0;
    every_run(|facts, records| {
        runs += 1;
        let verdict = Verdict::of(&catalogue, facts, records);
        let headline = verdict.headline();
        let any = |wanted: &dyn Fn(&Record) -> bool| records.iter().any(wanted);
        let all_passed = facts.end == End::Complete
            && facts.not_asked.is_empty()
            && [FIRST, SECOND].iter().all(|name| {
                any(&|r| r.engine == *name && r.kind == Kind::Canary && r.outcome == Outcome::Pass)
                    && any(&|r| r.engine == *name && r.had_its_turn())
            })
            && records
                .iter()
                .all(|r| r.outcome == Outcome::Pass || (r.kind == Kind::Limit && r.is_green()));
        assert_eq!(
            headline == "every check passed",
            all_passed,
            "{headline}: {facts:?} {records:#?}"
        );
        let red = any(&|record| !record.is_green());
        if facts.end != End::Complete {
            assert!(headline.starts_with("STOPPED"), "{headline}");
            assert_eq!(verdict.state, RunState::Stopped);
        } else if red {
            assert!(headline.starts_with("RED: "), "{headline}");
            // It names something: an empty list of causes would be no headline.
            assert!(!headline.starts_with("RED: ;"), "{headline}: {records:#?}");
            assert_ne!(headline, "RED: ", "{records:#?}");
        }
        assert_eq!(
            verdict.is_green(),
            facts.end == End::Complete
                && !red
                && any(&|record| record.had_its_turn())
                && [FIRST, SECOND]
                    .iter()
                    .all(|name| any(&|r| r.engine == *name)),
            "{headline}: {records:#?}"
        );
        for engine in [FIRST, SECOND] {
            let mine: Vec<&Record> = records.iter().filter(|r| r.engine == engine).collect();
            let skipped = !mine.is_empty() && mine.iter().all(|r| r.outcome == Outcome::Skipped);
            let names = headline.contains(&format!("{engine} skipped"));
            assert_eq!(names, skipped, "{headline}: {records:#?}");
        }
        for (outcome, word) in [
            (Outcome::CutOff, "cut off"),
            (Outcome::Timeout, "TIMEOUT"),
            (Outcome::Unstable, "UNSTABLE"),
            (Outcome::BuildFailed, "BUILD"),
            (Outcome::Fail, "FAIL"),
            (Outcome::Skipped, "skipped"),
            (Outcome::NotRun, "not"),
        ] {
            let spoken = any(&|r| r.kind == Kind::Check && r.outcome == outcome);
            assert!(
                !spoken || headline.contains(word),
                "no {word} in {headline}: {records:#?}"
            );
        }
        assert_eq!(
            headline.contains("1 engine not asked for"),
            !facts.not_asked.is_empty()
        );
    });
    assert!(runs > 10_000, "{runs}");
}

#[test]
fn states_of_contracts_follow_from_their_cells() {
    let catalogue = catalogue();
    every_run(|facts, records| {
        let verdict = Verdict::of(&catalogue, facts, records);
        assert_eq!(verdict.counts().total(), 3);
        for contract in &verdict.contracts {
            let is = |outcome| {
                let state = CellState::Ran(outcome);
                contract.cells.iter().any(|cell| cell.state == state)
            };
            let broken = is(Outcome::Fail) || is(Outcome::Unstable);
            assert_eq!(contract.state == ContractState::Broken, broken);
            if contract.state == ContractState::Exercised {
                let fine = contract.cells.iter().all(|cell| match cell.state {
                    CellState::Ran(outcome) => outcome.held() || outcome == Outcome::Skipped,
                    _ => true,
                });
                assert!(fine, "{contract:#?}");
                assert!(is(Outcome::Pass) || is(Outcome::CutOff));
            }
        }
        let outside = &verdict.contracts[2];
        assert_eq!(outside.state, ContractState::Elsewhere);
    });
}

#[test]
fn the_parts_of_a_headline() {
    let catalogue = catalogue();
    let headline = |end, records: &[Record]| {
        let facts = Facts {
            end,
            ..Facts::default()
        };
        Verdict::of(&catalogue, &facts, records).headline()
    };
    let canary = |engine, outcome| of_kind(Kind::Canary, engine, outcome);
    let passed = |engine| check(engine, "good", "REQ-01", Outcome::Pass);
    let good = [
        canary("race", Outcome::Pass),
        passed("race"),
        check("race", "other", "REQ-02", Outcome::Pass),
    ];
    assert_eq!(headline(End::Complete, &good), "every check passed");
    assert_eq!(headline(End::Complete, &[]), "NOTHING RAN");
    assert_eq!(headline(End::Interrupted, &good), "STOPPED before the end");
    let skipped = judge::skipped("asan", &catalogue, "no runtime");
    assert_eq!(
        headline(End::Complete, &skipped),
        "NOTHING RAN; left out: asan skipped"
    );
    let partial = [&good[..], &skipped].concat();
    assert_eq!(
        headline(End::Complete, &partial),
        "every check that ran passed; left out: asan skipped"
    );
    let off = judge::complete(
        "loom",
        &catalogue,
        vec![canary("loom", Outcome::CanaryOff)],
        Some("the canary was not caught".to_owned()),
    );
    let red = [
        &partial[..],
        &off,
        &[
            check("race", "a", "REQ-01", Outcome::Timeout),
            check("race", "b", "REQ-01", Outcome::Fail),
            check("race", "c", "REQ-01", Outcome::Fail),
        ],
    ];
    assert_eq!(
        headline(End::Complete, &red.concat()),
        "RED: loom OFF, 2 FAIL, 1 TIMEOUT; left out: asan skipped"
    );
}
