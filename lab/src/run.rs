//! `cargo lab run`: runs engines, judges what they say, writes it down.

use std::time::Instant;

use anyhow::Result;

use crate::catalogue::Catalogue;
use crate::child;
use crate::engine::{self, Context, Engine};
use crate::faults::proven::Proven;
use crate::out;
use crate::profile::Profile;
use crate::progress::Progress;
use crate::record::{CLAIMED, Kind, Outcome, Record, one_line};
use crate::report::{self, EngineTime, Identity};
use crate::results::RunFolder;
use crate::table;
use crate::tools::{self, Tools};
use crate::workspace::Workspace;

/// One engine's share of a run.
pub(crate) struct Share {
    pub(crate) engine: &'static str,
    /// Wall time of canary and checks.
    pub(crate) seconds: f64,
    pub(crate) records: Vec<Record>,
}

impl Share {
    /// `on`, `OFF` if the canary was missed, `skipped`, or `not run`.
    pub(crate) fn state(&self) -> &'static str {
        if self.skipped().is_some() {
            return "skipped";
        }
        let canary = self
            .records
            .iter()
            .find(|record| record.kind == Kind::Canary);
        match canary.map(|record| record.outcome) {
            Some(Outcome::Pass) => "on",
            Some(Outcome::CanaryOff) => "OFF",
            Some(Outcome::Skipped) => "skipped",
            _ => "not run",
        }
    }

    /// Why the engine was left out, if it was.
    pub(crate) fn skipped(&self) -> Option<&str> {
        was_left_out(self.records.iter())
            .then(|| self.records.first()?.reason.as_deref())
            .flatten()
    }

    pub(crate) fn is_green(&self) -> bool {
        self.records.iter().all(Record::is_green)
    }

    /// Whether any check had its turn.
    fn ran(&self) -> bool {
        self.records.iter().any(Record::had_its_turn)
    }
}

/// Runs the engines that `only` names, or all, and returns whether every record is green.
///
/// An error means that nothing ran and earlier results are intact, or that results could not be
/// written.
pub(crate) fn run(workspace: &Workspace, only: &[String], profile: Profile) -> Result<bool> {
    let engines = engine::select(only)?;
    let catalogue = Catalogue::load(&workspace.path("contracts"))?;
    let progress = Progress::new();
    // What was asked for by name must run.
    let lacking = |engine: &dyn Engine| match only {
        [] => tools::lacking(engine.needs()),
        _ => None,
    };
    let engines: Vec<_> = engines.into_iter().map(|e| (e, lacking(e))).collect();
    let complete = engines.iter().filter(|(_, lacking)| lacking.is_none());
    let needs: Vec<_> = complete.flat_map(|(e, _)| e.needs()).copied().collect();
    let tools = Tools::find(workspace, &needs, &progress)?;
    let folder = RunFolder::create(workspace, &progress)?;
    let started = Instant::now();
    let mut identity = Identity::gather(workspace, &tools, profile);
    identity.write(folder.path())?;
    let context = Context {
        workspace,
        catalogue: &catalogue,
        tools: &tools,
        profile,
        run: &folder,
        progress: &progress,
    };
    let mut shares = Vec::new();
    for (engine, lacking) in engines {
        let started = Instant::now();
        let records = match lacking {
            Some(reason) => left_out(engine.name(), &catalogue, &reason),
            None => run_engine(engine, &context),
        };
        folder.append(&records)?;
        let share = Share {
            engine: engine.name(),
            seconds: started.elapsed().as_secs_f64(),
            records,
        };
        progress.line(&table::engine_line(&share));
        identity.engines.push(EngineTime {
            name: share.engine.to_owned(),
            what: engine.describe().to_owned(),
            seconds: share.seconds,
        });
        identity.write(folder.path())?;
        shares.push(share);
    }
    identity.seconds = Some(started.elapsed().as_secs_f64());
    identity.interrupted = child::interrupted();
    identity.write(folder.path())?;
    let place = if has_something_to_show(identity.interrupted, &shares) {
        folder.publish()?;
        "target/lab/latest".to_owned()
    } else {
        workspace.shown(folder.path())
    };
    let page = report::render(folder.path(), &catalogue);
    progress.finish();
    out::print(table::report(&catalogue, &shares, &place))?;
    out::line(Proven::load(workspace, &catalogue)?.headline(&catalogue))?;
    // Results without a page are results; the exit code tells about them.
    match page {
        Ok(_) => out::line(format_args!("report: {place}/report/index.html"))?,
        Err(error) => out::say(format_args!("no report: {error:#}")),
    }
    Ok(shares.iter().all(Share::is_green))
}

/// Whether a run may take the place of the one before it: not if it was stopped before any check.
fn has_something_to_show(interrupted: bool, shares: &[Share]) -> bool {
    !interrupted || shares.iter().any(Share::ran)
}

/// What an engine has to say that cannot run on this machine.
fn left_out(engine: &str, catalogue: &Catalogue, reason: &str) -> Vec<Record> {
    let skipped = |check| Record::check(engine, check, Outcome::Skipped).because(reason);
    let claimed = catalogue.claimed_by(engine);
    if claimed.is_empty() {
        return vec![skipped("all")];
    }
    let of = |id: &str| Record {
        contract: Some(id.to_owned()),
        ..skipped(CLAIMED)
    };
    claimed.into_iter().map(of).collect()
}

/// Whether an engine with these records was left out: it planted no canary, and nothing is red.
pub(crate) fn was_left_out<'a>(mut records: impl Iterator<Item = &'a Record>) -> bool {
    records.all(|record| record.kind == Kind::Check && record.outcome == Outcome::Skipped)
}

fn run_engine(engine: &dyn Engine, context: &Context<'_>) -> Vec<Record> {
    let name = engine.name();
    let stopped = || child::interrupted().then(|| "interrupted".to_owned());
    if let Some(reason) = stopped() {
        return judge(name, context.catalogue, Vec::new(), Some(reason));
    }
    match engine.unable(context) {
        Ok(None) => {}
        Ok(Some(why)) => return skipped(name, context.catalogue, &why),
        Err(error) => {
            let reason = one_line(&format!("{error:#}"), 300);
            return judge(name, context.catalogue, Vec::new(), Some(reason));
        }
    }
    let mut canary = match engine.canary(context) {
        Ok(canary) => canary.record(name),
        Err(error) => Record {
            kind: Kind::Canary,
            ..Record::check(name, "canary", Outcome::CanaryOff)
        }
        .because(one_line(&format!("{error:#}"), 300)),
    };
    if let Some(reason) = stopped() {
        canary.outcome = Outcome::NotRun;
        let canary = canary.because(&reason);
        return judge(name, context.catalogue, vec![canary], Some(reason));
    }
    let mut records = vec![canary];
    let mut why = Some("the canary was not caught".to_owned());
    if records[0].outcome == Outcome::Pass {
        records.extend(engine.checks(context).unwrap_or_else(|error| {
            let outcome = match stopped() {
                Some(_) => Outcome::NotRun,
                None => Outcome::Fail,
            };
            let reason = one_line(&format!("{error:#}"), 300);
            vec![Record::check(name, "engine", outcome).because(reason)]
        }));
        why = stopped();
    }
    judge(name, context.catalogue, records, why)
}

/// The records of an engine that this machine cannot run: nothing is claimed, and nothing is red.
fn skipped(engine: &str, catalogue: &Catalogue, why: &str) -> Vec<Record> {
    let skip = || Record::check(engine, "all", Outcome::Skipped).because(why);
    let mut records = vec![Record {
        kind: Kind::Canary,
        ..skip()
    }];
    records.extend(catalogue.claimed_by(engine).into_iter().map(|id| Record {
        contract: Some(id.to_owned()),
        ..skip()
    }));
    records
}

/// Completes what an engine said: checks that did not run, and claims that nothing backs.
///
/// `stopped` is why the engine did not run all of its checks, where that is known.
fn judge(
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
        let passed = mine().any(|record| record.outcome == Outcome::Pass);
        let red = mine().any(|record| !record.is_green());
        if passed || red {
            continue;
        }
        let reason = match &stopped {
            Some(reason) => reason.clone(),
            None if mine().next().is_some() => {
                "claimed by the catalogue, and every check with this id was skipped".to_owned()
            }
            None => "claimed by the catalogue, but no check with this id ran".to_owned(),
        };
        let mut record = Record::check(engine, CLAIMED, Outcome::NotRun).because(reason);
        record.contract = Some(id.to_owned());
        records.push(record);
    }
    if records.iter().all(|record| record.kind == Kind::Canary) {
        let reason = stopped.unwrap_or_else(|| "the engine ran no check".to_owned());
        records.push(Record::check(engine, "all", Outcome::NotRun).because(reason));
    }
    records
}

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn an_engine_that_cannot_run_here_is_green_and_says_why() {
        let records = skipped("race", &catalogue(), "no compiler for it");
        assert!(records.iter().all(Record::is_green));
        let ids: Vec<_> = records.iter().map(|r| r.contract.as_deref()).collect();
        assert_eq!(ids, [None, Some("REQ-03")]);
        let share = Share {
            engine: "race",
            seconds: 0.0,
            records,
        };
        assert_eq!(share.state(), "skipped");
    }

    fn judged(checks: Vec<Record>) -> Vec<Record> {
        judge(
            "race",
            &catalogue(),
            [vec![caught()], checks].concat(),
            None,
        )
    }

    fn green(records: &[Record]) -> bool {
        records.iter().all(Record::is_green)
    }

    #[test]
    fn a_claim_with_a_passing_check_is_green() {
        let records = judged(vec![of("REQ-03", Outcome::Pass)]);
        assert_eq!(records.len(), 2);
        assert!(green(&records));
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
    }

    #[test]
    fn an_engine_that_was_left_out_is_green_and_says_why() {
        for (engine, contract) in [("race", Some("REQ-03")), ("loom", None)] {
            let share = Share {
                engine,
                seconds: 0.0,
                records: left_out(engine, &catalogue(), "no compiler"),
            };
            assert_eq!(share.records.len(), 1);
            assert_eq!(share.records[0].contract.as_deref(), contract);
            assert!(share.is_green());
            assert_eq!(share.state(), "skipped");
            assert_eq!(share.skipped(), Some("no compiler"));
            assert!(!has_something_to_show(true, &[share]));
        }
    }

    #[test]
    fn an_engine_that_ran_is_not_left_out() {
        let share = Share {
            engine: "race",
            seconds: 0.0,
            records: judged(vec![of("REQ-03", Outcome::Skipped).because("one CPU")]),
        };
        assert_eq!(share.state(), "on");
        assert_eq!(share.skipped(), None);
        assert!(!share.is_green());
    }

    #[test]
    fn a_failing_check_is_reported_once() {
        let records = judged(vec![of("REQ-03", Outcome::Fail)]);
        assert_eq!(records.len(), 2);
        assert!(!green(&records));
    }

    #[test]
    fn a_missed_canary_leaves_every_claim_not_run() {
        let records = judge(
            "race",
            &catalogue(),
            vec![caught()],
            Some("the canary was not caught".to_owned()),
        );
        assert_eq!(records[1].outcome, Outcome::NotRun);
        assert_eq!(records[1].contract.as_deref(), Some("REQ-03"));
        assert_eq!(
            records[1].reason.as_deref(),
            Some("the canary was not caught")
        );
    }

    #[test]
    fn an_engine_that_ran_nothing_is_red() {
        let empty = Catalogue::default();
        let records = judge("race", &empty, vec![caught()], None);
        assert_eq!(records[1].outcome, Outcome::NotRun);
        assert!(!green(&records));
    }

    #[test]
    fn a_run_that_was_stopped_too_early_shows_nothing() {
        let share = |records| Share {
            engine: "race",
            seconds: 1.0,
            records,
        };
        let caught = || share(vec![caught(), of("REQ-03", Outcome::NotRun)]);
        let done = share(vec![of("REQ-03", Outcome::Fail)]);
        assert!(!has_something_to_show(true, &[]));
        assert!(!has_something_to_show(true, &[caught()]));
        assert!(has_something_to_show(true, &[done, caught()]));
        // Nobody stopped it: that nothing ran is the result.
        assert!(has_something_to_show(false, &[caught()]));
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
