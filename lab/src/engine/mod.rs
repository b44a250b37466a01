//! The engines: each is a way to break contracts, and proves first that it is on.
//!
//! To add one, write a module with a type that implements [`Engine`], list it in [`BUILT`], and
//! see that its name is in [`crate::subject::catalogue::ENGINES`].

mod asan;
pub(crate) mod ask;
mod cgocheck2;
mod checker;
pub mod fuzz;
mod fuzz_abi;
mod gosuite;
mod gotests;
pub mod layout;
mod proptest;
mod race;
mod suite;

use std::path::PathBuf;

use anyhow::{Result, bail};

use self::ask::{Answer, Build, Question};
use crate::host::child::{self, Finished, Task};
use crate::host::progress::Progress;
use crate::host::tools::{Need, Tools};
use crate::host::workspace::Workspace;
use crate::record::profile::Profile;
use crate::record::results::RunFolder;
use crate::record::{self, Evidence, Kind, Outcome, Record};
use crate::subject::catalogue::{Catalogue, ENGINES};

/// A way to break contracts.
pub(crate) trait Engine: Sync {
    /// The name in the catalogue, in results and after `--only`.
    fn name(&self) -> &'static str;

    /// What runs, in one line for people.
    fn describe(&self) -> &'static str;

    /// The tools without which it cannot run.
    fn needs(&self) -> &'static [Need];

    /// Why this machine cannot run it, if it cannot: something that is fine to be without. Its
    /// checks are skipped then.
    fn unable(&self, _context: &Context<'_>) -> Result<Option<String>> {
        Ok(None)
    }

    /// Plants a bug outside of the subject and looks whether the engine sees it.
    ///
    /// An error means the same as a bug that was not caught.
    fn canary(&self, context: &Context<'_>) -> Result<Canary>;

    /// What it is stated not to see, each with a planted bug that it must miss. Called only after
    /// the canary was caught. See [`Kind::Limit`].
    fn limits(&self, _context: &Context<'_>) -> Result<Vec<Record>> {
        Ok(Vec::new())
    }

    /// Runs all checks. Called only after the canary was caught.
    fn checks(&self, context: &Context<'_>) -> Result<Vec<Record>>;

    /// Runs those checks that concern the contracts in question: `cargo lab faults` does, with and
    /// without a planted bug. No answer at all means that the engine has no check of them.
    fn ask(&self, context: &Context<'_>, question: &Question) -> Result<Vec<Answer>>;

    /// Target folder in which the subject is built for that.
    fn build(&self) -> Build;
}

/// Every engine that is built, in the order in which they run: those first that need no tool which has
/// to be built, and among them those that say something soon.
pub(crate) const BUILT: [&dyn Engine; 12] = [
    &gotests::GUARD,
    &gotests::LEAK,
    &gotests::PROCESS,
    &gotests::GO,
    &race::Race,
    &cgocheck2::Cgocheck2,
    &asan::Asan,
    &layout::Layout,
    &proptest::Proptest,
    &checker::LOOM,
    &checker::SHUTTLE,
    &fuzz_abi::FuzzAbi,
];

/// Variables that change what engines do; their values are written down.
pub(crate) const VARIABLES: [&str; 22] = [
    "CC",
    "CFLAGS",
    "CGO_CFLAGS",
    "CGO_LDFLAGS",
    "CXX",
    "COURIER_LOOM_BOUND",
    "COURIER_LOOM_LIMIT",
    "COURIER_SHUTTLE_ITERATIONS",
    "COURIER_SHUTTLE_SEED",
    "GOAMD64",
    "GOARCH",
    "GODEBUG",
    "GOEXPERIMENT",
    "GOFLAGS",
    "GOGC",
    "GOMAXPROCS",
    "GOTOOLCHAIN",
    "PROPTEST_CASES",
    "PROPTEST_RNG_SEED",
    "RUSTFLAGS",
    "CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS",
    "CARGO_PROFILE_RELEASE_OVERFLOW_CHECKS",
];

/// The names of the engines, in the order in which they run.
pub fn names() -> [&'static str; BUILT.len()] {
    BUILT.map(Engine::name)
}

/// The engines that `--only` names, in the order of [`BUILT`]; all of them if it names none.
pub(crate) fn select(only: &[String]) -> Result<Vec<&'static dyn Engine>> {
    let built = names();
    for name in only {
        if !built.contains(&name.as_str()) {
            let what = if ENGINES.contains(&name.as_str()) {
                "is planned and not built yet"
            } else {
                "is unknown"
            };
            bail!("engine `{name}` {what}; choose from {}", built.join(", "));
        }
    }
    Ok(BUILT
        .into_iter()
        .filter(|engine| only.is_empty() || only.iter().any(|name| name == engine.name()))
        .collect())
}

/// What an engine works with.
pub(crate) struct Context<'a> {
    pub(crate) workspace: &'a Workspace,
    pub(crate) catalogue: &'a Catalogue,
    pub(crate) tools: &'a Tools,
    pub(crate) profile: Profile,
    pub(crate) run: &'a RunFolder,
    pub(crate) progress: &'a Progress,
}

impl Context<'_> {
    fn log(&self, name: &str) -> PathBuf {
        self.run.log(name)
    }

    fn evidence(&self, finished: &Finished) -> Evidence {
        Evidence {
            command: finished.command.clone(),
            log: Some(self.run.shown_log(&finished.log)),
            scenario: None,
        }
    }

    /// A child of Cargo, with a log of this name.
    fn cargo<'b>(&self, log: &str, args: impl IntoIterator<Item = &'b str>) -> Task {
        Task::cargo(self.workspace, &self.log(log)).args(args)
    }

    /// A child of Go in `go-harness`, with a log of this name.
    fn go<'b>(&self, log: &str, args: impl IntoIterator<Item = &'b str>) -> Result<Task> {
        let go = self.tools.go()?;
        Ok(go
            .task(self.workspace, &self.log(log))
            .args(args)
            .dir(&self.workspace.go_dir()))
    }

    /// Builds the static library that Go links. The error is the record to report.
    fn native_library(&self, engine: &str) -> Result<Result<(), Record>> {
        self.progress.step("cargo build --release -p courier-ffi");
        let log = format!("{engine}.native.log");
        let finished = self
            .cargo(&log, ["build", "--release", "-p", "courier-ffi"])
            .run(self.progress, child::quiet)?;
        if finished.success() {
            return Ok(Ok(()));
        }
        Ok(Err(self.no_library(
            engine,
            &finished,
            cargo_error(&finished),
        )))
    }

    /// The record of a native library that Go cannot link.
    fn no_library(&self, engine: &str, build: &Finished, why: String) -> Record {
        let mut record = Record::check(engine, "native library", not_built(build)).because(why);
        record.evidence = self.evidence(build);
        record.seconds = build.seconds;
        record
    }
}

/// Whether the planted bug was caught.
#[derive(Debug)]
pub(crate) struct Canary {
    /// What was planted, as a check name.
    pub(crate) check: &'static str,
    /// Why it was not caught, if it was not.
    pub(crate) missed: Option<String>,
    pub(crate) evidence: Evidence,
    pub(crate) seconds: f64,
}

impl Canary {
    /// The record of this canary.
    pub(crate) fn record(self, engine: &str) -> Record {
        let outcome = match self.missed {
            None => Outcome::Pass,
            Some(_) => Outcome::CanaryOff,
        };
        Record {
            kind: Kind::Canary,
            reason: self.missed,
            seconds: self.seconds,
            evidence: self.evidence,
            ..Record::check(engine, self.check, outcome)
        }
    }
}

/// What it means that a child which should have built something did not succeed.
fn not_built(finished: &Finished) -> Outcome {
    record::cut(finished).unwrap_or(Outcome::BuildFailed)
}

/// The first error in a log of Cargo, or how the child ended.
fn cargo_error(finished: &Finished) -> String {
    finished
        .log_text()
        .lines()
        .find(|line| line.starts_with("error"))
        .map_or_else(|| finished.how(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_engine_is_known_to_the_catalogue() {
        for engine in BUILT {
            assert!(ENGINES.contains(&engine.name()), "{}", engine.name());
            assert!(!engine.describe().is_empty());
        }
    }

    const ALL: [&str; 12] = [
        "guard",
        "leak",
        "process",
        "go",
        "race",
        "cgocheck2",
        "asan",
        "layout",
        "proptest",
        "loom",
        "shuttle",
        "fuzz-abi",
    ];

    #[test]
    fn what_needs_a_tool_that_is_built_comes_after_what_needs_none() {
        let needs_one = |engine: &&&dyn Engine| {
            let mut needs = engine.needs().iter();
            needs.any(|need| need.built().is_some())
        };
        let without = BUILT.iter().take_while(|it| !needs_one(it)).count();
        assert!(without > 0);
        assert!(BUILT[without..].iter().all(|it| needs_one(&it)));
    }

    #[test]
    fn selection_keeps_the_order_and_names_what_it_does_not_know() {
        let names = |only: &[&str]| -> Result<Vec<&str>> {
            let only: Vec<String> = only.iter().map(|name| (*name).to_owned()).collect();
            Ok(select(&only)?.iter().map(|engine| engine.name()).collect())
        };
        assert_eq!(names(&[]).unwrap(), ALL);
        assert_eq!(names(&["layout", "race"]).unwrap(), ["race", "layout"]);
        let unknown = names(&["races"]).unwrap_err().to_string();
        assert_eq!(
            unknown,
            format!("engine `races` is unknown; choose from {}", ALL.join(", "))
        );
        let planned = names(&["vet"]).unwrap_err().to_string();
        assert!(planned.contains("planned and not built yet"), "{planned}");
    }

    #[test]
    fn a_missed_canary_is_off() {
        let canary = |missed: Option<&str>| {
            Canary {
                check: "planted race",
                missed: missed.map(str::to_owned),
                evidence: Evidence::default(),
                seconds: 1.0,
            }
            .record("race")
        };
        assert_eq!(canary(None).outcome, Outcome::Pass);
        let off = canary(Some("no report"));
        assert_eq!(off.kind, Kind::Canary);
        assert_eq!(off.outcome, Outcome::CanaryOff);
        assert_eq!(off.reason.as_deref(), Some("no report"));
    }
}
