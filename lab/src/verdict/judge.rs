//! Completes what an engine said.

use crate::record::{Kind, Outcome, Record};
use crate::subject::catalogue::Catalogue;

/// The records of an engine that this machine cannot run: it plants nothing, and nothing is red.
pub(crate) fn skipped(engine: &str, catalogue: &Catalogue, why: &str) -> Vec<Record> {
    let of = |id| Record::missing(engine, id, Outcome::Skipped).because(why);
    match catalogue.claimed_by(engine).as_slice() {
        [] => vec![of(None)],
        claims => claims.iter().map(|id| of(Some(id))).collect(),
    }
}

/// Completes what an engine said: checks that did not run, and claims that nothing backs.
///
/// `stopped` is why the engine did not run all of its checks, where that is known.
pub(crate) fn complete(
    engine: &str,
    catalogue: &Catalogue,
    mut records: Vec<Record>,
    stopped: Option<String>,
) -> Vec<Record> {
    let stopped = stopped.or_else(|| {
        records
            .iter()
            .any(|record| record.outcome == Outcome::BuildFailed)
            .then(|| "something did not build".to_owned())
    });
    for id in catalogue.claimed_by(engine) {
        let mine = || {
            records
                .iter()
                .filter(|record| record.contract.as_deref() == Some(id))
        };
        let held = mine().any(|record| record.outcome.held());
        let red = mine().any(|record| !record.is_green());
        if held || red {
            continue;
        }
        let reason = match &stopped {
            Some(reason) => reason.clone(),
            None if mine().next().is_some() => {
                "claimed by the catalogue, and every check with this id was skipped".to_owned()
            }
            None => "claimed by the catalogue, but no check with this id ran".to_owned(),
        };
        records.push(Record::missing(engine, Some(id), Outcome::NotRun).because(reason));
    }
    if records
        .iter()
        .all(|record| matches!(record.kind, Kind::Canary | Kind::Limit))
    {
        let reason = stopped.unwrap_or_else(|| "the engine ran no check".to_owned());
        records.push(Record::missing(engine, None, Outcome::NotRun).because(reason));
    }
    records
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::{EngineRun, EngineState};

    fn catalogue() -> Catalogue {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(
            dir.path().join("req.toml"),
            "title = \"x\"\n\
             [[contract]]\nid = \"REQ-03\"\nsentence = \"x\"\nlayer = [\"go\"]\nsource = []\n\
             claimed = [\"race\"]\nplanned = []\n\
             [[contract]]\nid = \"REQ-04\"\nsentence = \"x\"\nlayer = [\"go\"]\nsource = []\n\
             claimed = []\nplanned = [\"race\"]\n",
        )
        .unwrap();
        Catalogue::load(dir.path()).unwrap()
    }

    fn caught() -> Record {
        Record {
            kind: Kind::Canary,
            ..Record::check("race", "planted", Outcome::Pass)
        }
    }

    fn of(contract: &str, outcome: Outcome) -> Record {
        Record {
            contract: Some(contract.to_owned()),
            ..Record::check("race", "test", outcome)
        }
    }

    fn judged(checks: Vec<Record>) -> Vec<Record> {
        let records = [vec![caught()], checks].concat();
        complete("race", &catalogue(), records, None)
    }

    fn green(records: &[Record]) -> bool {
        records.iter().all(Record::is_green)
    }

    fn state(records: &[Record]) -> EngineState {
        EngineRun::of("race", None, records.iter().collect()).state
    }

    #[test]
    fn an_engine_that_cannot_run_here_is_green_and_says_why() {
        for (engine, ids) in [("race", vec![Some("REQ-03")]), ("loom", vec![None])] {
            let records = skipped(engine, &catalogue(), "no compiler for it");
            assert!(green(&records));
            let found: Vec<_> = records.iter().map(|r| r.contract.as_deref()).collect();
            assert_eq!(found, ids);
            let run = EngineRun::of(engine, None, records.iter().collect());
            assert_eq!(run.state, EngineState::Skipped);
            let why = records[0].reason.as_deref();
            assert_eq!(why, Some("no compiler for it"));
            assert!(!records.iter().any(Record::had_its_turn));
        }
    }

    #[test]
    fn a_claim_with_a_passing_check_is_green() {
        for outcome in [Outcome::Pass, Outcome::CutOff] {
            let records = judged(vec![of("REQ-03", outcome)]);
            assert_eq!(records.len(), 2);
            assert!(green(&records));
        }
    }

    #[test]
    fn a_claim_without_a_check_is_red() {
        let records = judged(vec![of("REQ-04", Outcome::Pass)]);
        assert!(!green(&records));
        assert_eq!(records[2].contract.as_deref(), Some("REQ-03"));
        assert_eq!(
            records[2].reason.as_deref(),
            Some("claimed by the catalogue, but no check with this id ran")
        );
    }

    #[test]
    fn a_claim_whose_checks_were_all_skipped_is_red() {
        let skipped = of("REQ-03", Outcome::Skipped).because("one CPU");
        assert!(skipped.is_green());
        let records = judged(vec![skipped]);
        assert!(!green(&records));
        assert!(records[2].reason.as_deref().unwrap().contains("skipped"));
        assert_eq!(state(&records), EngineState::On);
    }

    #[test]
    fn a_failing_check_is_reported_once() {
        let records = judged(vec![of("REQ-03", Outcome::Fail)]);
        assert_eq!(records.len(), 2);
        assert!(!green(&records));
    }

    #[test]
    fn a_missed_canary_leaves_every_claim_not_run() {
        let why = "the canary was not caught".to_owned();
        let records = complete("race", &catalogue(), vec![caught()], Some(why.clone()));
        assert_eq!(records[1].outcome, Outcome::NotRun);
        assert_eq!(records[1].contract.as_deref(), Some("REQ-03"));
        assert_eq!(records[1].reason, Some(why));
    }

    #[test]
    fn an_engine_that_ran_nothing_is_red() {
        let records = complete("race", &Catalogue::default(), vec![caught()], None);
        assert_eq!(records[1].outcome, Outcome::NotRun);
        assert!(!green(&records));
    }

    #[test]
    fn claims_behind_a_build_failure_say_so() {
        let broken = Record::check("race", "p", Outcome::BuildFailed).because("undefined: x");
        let records = judged(vec![broken]);
        assert_eq!(records[2].outcome, Outcome::NotRun);
        assert_eq!(
            records[2].reason.as_deref(),
            Some("something did not build")
        );
    }
}
