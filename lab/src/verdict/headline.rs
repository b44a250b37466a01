//! The run in one line. It never says that all is well where something was left out.

use super::engine::{EngineRun, EngineState};
use super::{End, RunState, Verdict};
use crate::record::{Kind, Outcome};

/// Something that did not run, and whose absence is not red.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LeftOut<'a> {
    /// An engine that this machine cannot run.
    Engine(&'a str),
    /// Checks of engines that ran.
    Checks(usize),
    /// Models that found nothing as far as they went.
    CutOff(usize),
    /// Engines that nobody asked for.
    NotAsked(usize),
}

impl LeftOut<'_> {
    fn words(self) -> String {
        let count = |count: usize, what: &str| match count {
            1 => format!("1 {what}"),
            count => format!("{count} {what}s"),
        };
        match self {
            LeftOut::Engine(name) => format!("{name} {}", EngineState::Skipped.word()),
            LeftOut::Checks(n) => format!("{} {}", count(n, "check"), Outcome::Skipped.word()),
            LeftOut::CutOff(n) => format!("{} {}", count(n, "model"), Outcome::CutOff.word()),
            LeftOut::NotAsked(n) => format!("{} not asked for", count(n, "engine")),
        }
    }
}

/// All that was left out and is not red.
pub(super) fn left_out<'a>(not_asked: &[String], engines: &[EngineRun<'a>]) -> Vec<LeftOut<'a>> {
    let mut left_out: Vec<LeftOut<'a>> = engines
        .iter()
        .filter(|engine| engine.state == EngineState::Skipped)
        .map(|engine| LeftOut::Engine(engine.name))
        .collect();
    let ran = || {
        let skipped = |engine: &&EngineRun<'_>| engine.state == EngineState::Skipped;
        engines.iter().filter(move |engine| !skipped(engine))
    };
    let sum = |outcome| ran().map(|engine| engine.count(outcome)).sum();
    let counted = [
        (sum(Outcome::Skipped), LeftOut::Checks as fn(usize) -> _),
        (sum(Outcome::CutOff), LeftOut::CutOff),
        (not_asked.len(), LeftOut::NotAsked),
    ];
    left_out.extend(
        counted
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, kind)| kind(count)),
    );
    left_out
}

pub(super) fn headline(verdict: &Verdict<'_>) -> String {
    let red = red(&verdict.engines);
    let mut text = match (verdict.state, verdict.end) {
        (RunState::Passed, _) => "every check passed".to_owned(),
        (RunState::Partial, _) => "every check that ran passed".to_owned(),
        (RunState::Red, _) => format!("RED: {}", red.join(", ")),
        (RunState::Nothing, _) => "NOTHING RAN".to_owned(),
        (RunState::Stopped, end) => {
            let how = match end {
                End::Interrupted => "STOPPED before the end",
                _ => "STOPPED: the run did not come to its end",
            };
            let red = if red.is_empty() {
                String::new()
            } else {
                format!("; {}", red.join(", "))
            };
            format!("{how}{red}")
        }
    };
    let left_out: Vec<String> = verdict.left_out.iter().map(|it| it.words()).collect();
    if !left_out.is_empty() {
        text.push_str("; left out: ");
        text.push_str(&left_out.join(", "));
    }
    text
}

/// Everything that is red, in a few words each: engines by name, checks by number.
fn red(engines: &[EngineRun<'_>]) -> Vec<String> {
    let mut told: Vec<String> = engines
        .iter()
        .filter(|engine| matches!(engine.state, EngineState::Off | EngineState::NotRun))
        .map(|engine| format!("{} {}", engine.name, engine.state.word()))
        .collect();
    let checks = || engines.iter().flat_map(EngineRun::checks);
    for outcome in [
        Outcome::Fail,
        Outcome::Unstable,
        Outcome::BuildFailed,
        Outcome::Timeout,
        Outcome::CanaryOff,
        Outcome::NotRun,
    ] {
        let count = checks().filter(|it| it.outcome == outcome).count();
        if count > 0 {
            told.push(format!("{count} {}", outcome.word()));
        }
    }
    let silent = |outcome| checks().filter(move |it| it.outcome == outcome && !it.is_green());
    let unexplained = silent(Outcome::Skipped).count();
    if unexplained > 0 {
        told.push(format!("{unexplained} skipped without a reason"));
    }
    // Of the other engines it has been said that they are not on.
    let on = engines.iter().filter(|engine| engine.state.is_on());
    let missing = on
        .clone()
        .flat_map(|engine| &engine.records)
        .filter(|record| record.kind == Kind::Missing && !record.is_green())
        .count();
    if missing > 0 {
        told.push(format!("{missing} claimed and not exercised"));
    }
    for engine in on {
        for limit in engine.limits().filter(|limit| !limit.is_green()) {
            let word = limit.outcome.word();
            told.push(format!("the limit of {}: {word}", engine.name));
        }
    }
    told
}
