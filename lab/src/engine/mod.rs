//! The engines: each is a way to break contracts, and first proves that it works.
//!
//! | module | engines |
//! |---|---|
//! | [`way`], [`overlay`] | ways to build and run Go tests, and the mistakes that each must see |
//! | [`rows`], [`golang`] | such ways as engines of contracts: one row each |
//! | [`rust`] | suites of Rust tests that the subject describes |
//! | [`libfuzzer`] | targets of cargo-fuzz and fuzz tests of Go that the subject describes |
//! | [`vet`] | the rules of `go-harness/vet`, which read the subject's Go code |
//!
//! To add an engine that runs Go tests, add a row. Any other engine is a type that implements [`Engine`], and a
//! line in [`Engines::of`].

pub(crate) mod ask;
mod blame;
pub(crate) mod canaries;
pub mod fuzz;
mod golang;
mod gosuite;
pub(crate) mod libfuzzer;
pub(crate) mod native;
pub(crate) mod overlay;
mod rows;
mod rust;
pub(crate) mod vet;
pub(crate) mod way;

use std::path::{Path, PathBuf};

use anyhow::{Result, bail, ensure};

use self::ask::{Answer, Build, Question};
use self::libfuzzer::go::FuzzTests;
use crate::host::child::{Finished, Task};
use crate::host::progress::Progress;
use crate::host::tools::{Need, Tools};
use crate::host::workspace::{DESCRIPTION, Workspace};
use crate::record::profile::Profile;
use crate::record::results::RunFolder;
use crate::record::{self, Evidence, Kind, Outcome, Record};
use crate::subject::catalogue::Catalogue;
use crate::subject::file::{SubjectFile, Suite};

/// A way to break contracts.
pub(crate) trait Engine: Sync {
    /// The name in the catalogue, in results and after `--only`.
    fn name(&self) -> &str;

    /// One line for people about the tests that run.
    fn describe(&self) -> &str;

    /// The tools without which it cannot run.
    fn needs(&self) -> &[Need];

    /// The reason why this machine cannot run it, if it cannot. Its checks are skipped then, and the run is
    /// not red for it.
    fn unable(&self, _context: &Context<'_>) -> Result<Option<String>> {
        Ok(None)
    }

    /// Plants a bug outside of the subject, and checks that the engine sees it.
    ///
    /// An error means the same as a bug that was not caught.
    fn canary(&self, context: &Context<'_>) -> Result<Canary>;

    /// Records of the engine's stated limits. Each has a planted bug that the engine must miss. Called only
    /// after the canary was caught. See [`Kind::Limit`].
    fn limits(&self, _context: &Context<'_>) -> Result<Vec<Record>> {
        Ok(Vec::new())
    }

    /// Runs all checks. Called only after the canary was caught.
    fn checks(&self, context: &Context<'_>) -> Result<Vec<Record>>;

    /// Runs the checks of the contracts in question. `cargo lab faults` calls this with and without a planted
    /// bug. No answer means that the engine has no check of them.
    fn ask(&self, context: &Context<'_>, question: &Question) -> Result<Vec<Answer>>;

    /// The build of the subject that [`ask`](Self::ask) tests.
    fn build(&self) -> &Build;

    /// True if its tests are models, each of which some fault must turn red.
    fn explores(&self) -> bool {
        false
    }
}

/// Engines that contracts may name as planned, and that do not exist yet.
const PLANNED: [&str; 1] = ["xrace"];

/// Variables that change the work of engines. Reports contain their values, with those of the variables of the
/// subject's suites.
const VARIABLES: [&str; 16] = [
    "CC",
    "CFLAGS",
    "CGO_CFLAGS",
    "CGO_LDFLAGS",
    "CXX",
    "GOAMD64",
    "GOARCH",
    "GODEBUG",
    "GOEXPERIMENT",
    "GOFLAGS",
    "GOGC",
    "GOMAXPROCS",
    "GOTOOLCHAIN",
    "RUSTFLAGS",
    "CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS",
    "CARGO_PROFILE_RELEASE_OVERFLOW_CHECKS",
];

/// The engines of a subject, in the order in which they run: first those whose tools need not be built, and
/// among them those that give results soon.
pub(crate) struct Engines {
    all: Vec<Box<dyn Engine>>,
    variables: Vec<String>,
}

impl Engines {
    /// The engines that can run on the subject.
    pub(crate) fn of(file: &SubjectFile) -> Engines {
        let mut all: Vec<Box<dyn Engine>> = vec![Box::new(vet::Vet::of(file))];
        for engine in golang::engines(file) {
            all.push(Box::new(engine));
        }
        for engine in libfuzzer::of_go(file) {
            all.push(Box::new(engine));
        }
        for engine in rust::engines(file) {
            all.push(Box::new(engine));
        }
        for engine in libfuzzer::of_rust(file) {
            all.push(Box::new(engine));
        }
        let mut variables: Vec<String> = VARIABLES.map(str::to_owned).to_vec();
        for suite in &file.suite {
            if let Suite::Nextest(tests) = suite {
                variables.extend(tests.env.keys().chain(tests.fixed_env.keys()).cloned());
            }
        }
        variables.sort();
        variables.dedup();
        Engines { all, variables }
    }

    /// A list of these engines.
    #[cfg(test)]
    pub(crate) fn only<const N: usize>(engines: [impl Engine + 'static; N]) -> Engines {
        Engines {
            all: engines.map(|it| Box::new(it) as Box<dyn Engine>).into(),
            variables: Vec::new(),
        }
    }

    /// All of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &dyn Engine> {
        self.all.iter().map(|engine| &**engine)
    }

    /// Their names.
    pub(crate) fn names(&self) -> Vec<&str> {
        self.iter().map(Engine::name).collect()
    }

    /// Variables that change the work of the engines.
    pub(crate) fn variables(&self) -> &[String] {
        &self.variables
    }

    /// The names that contracts may use.
    pub(crate) fn known(&self) -> Vec<&str> {
        let rows = rows::ROWS.iter().map(|row| row.name);
        let mut known: Vec<&str> = rows.chain(PLANNED).chain(self.names()).collect();
        known.sort_unstable();
        known.dedup();
        known
    }

    /// Checks the names of engines in a description.
    fn check(&self, file: &SubjectFile) -> Result<()> {
        let rows = rows::ROWS.iter().map(|row| row.name);
        let of_go: Vec<&str> = [vet::NAME].into_iter().chain(rows).collect();
        for (number, suite) in file.suite.iter().enumerate() {
            let name = suite.engine();
            ensure!(
                !matches!(suite, Suite::Go(_)) || of_go.contains(&name),
                "{DESCRIPTION}: suite[{number}].engine: `{name}` runs no Go tests; choose from {}",
                of_go.join(", ")
            );
            if let Suite::Go(tests) = suite
                && name == vet::NAME
            {
                let runs = tests.storm || tests.only.is_some() || !tests.args.is_empty();
                ensure!(
                    !runs,
                    "{DESCRIPTION}: suite[{number}]: `{name}` reads source and runs no test; remove args, \
                     only and storm"
                );
            }
        }
        for (number, accept) in file.accept.iter().enumerate() {
            let known = |name: &String| self.names().contains(&name.as_str());
            ensure!(
                accept.engine.as_ref().is_none_or(known),
                "{DESCRIPTION}: accept[{number}].engine: choose from {}",
                self.names().join(", ")
            );
        }
        Ok(())
    }

    /// The engines that `--only` names, in their order; all of them if it names none.
    pub(crate) fn select(&self, only: &[String]) -> Result<Vec<&dyn Engine>> {
        let names = self.names();
        for name in only {
            if !names.contains(&name.as_str()) {
                let what = if PLANNED.contains(&name.as_str()) {
                    "is planned and not built yet"
                } else if self.known().contains(&name.as_str()) {
                    "has no suite in cgolab.toml"
                } else {
                    "is unknown"
                };
                bail!("engine `{name}` {what}; choose from {}", names.join(", "));
            }
        }
        Ok(self
            .iter()
            .filter(|engine| only.is_empty() || only.iter().any(|name| name == engine.name()))
            .collect())
    }
}

/// A subject: its description, its contracts, and the engines that can run on it.
pub struct Subject {
    pub(crate) file: SubjectFile,
    pub(crate) catalogue: Catalogue,
    pub(crate) engines: Engines,
}

impl Subject {
    /// Reads the subject of a checkout.
    ///
    /// # Errors
    /// Its description or its contracts are malformed, or name an engine that there is not.
    pub fn load(workspace: &Workspace) -> Result<Subject> {
        let file = SubjectFile::load(workspace.root())?;
        let engines = Engines::of(&file);
        engines.check(&file)?;
        let catalogue = Catalogue::of(workspace.root(), &file)?;
        catalogue.check_engines(&engines.known())?;
        Ok(Subject {
            file,
            catalogue,
            engines,
        })
    }

    /// The names of the engines that contracts may claim or plan.
    pub fn known_engines(&self) -> Vec<&str> {
        self.engines.known()
    }

    /// The names of the engines that can run.
    pub fn engine_names(&self) -> Vec<&str> {
        self.engines.names()
    }
}

/// The surroundings of an engine in a run: workspace, tools, subject, and the folder of results.
pub(crate) struct Context<'a> {
    pub(crate) workspace: &'a Workspace,
    pub(crate) file: &'a SubjectFile,
    pub(crate) catalogue: &'a Catalogue,
    pub(crate) tools: &'a Tools,
    pub(crate) profile: Profile,
    pub(crate) run: &'a RunFolder,
    pub(crate) progress: &'a Progress,
    pub(crate) fuzz_tests: &'a dyn FuzzTests,
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

    /// A child of Go in a folder, with a log of this name.
    fn go<'b>(
        &self,
        log: &str,
        dir: &Path,
        args: impl IntoIterator<Item = &'b str>,
    ) -> Result<Task> {
        let go = self.tools.go()?;
        let task = go.task(self.workspace, &self.log(log));
        Ok(task.args(args).dir(dir))
    }
}

/// The result of a canary.
#[derive(Debug)]
pub(crate) struct Canary {
    /// The planted bug, as the name of a check.
    pub(crate) check: String,
    /// The reason why it was not caught, if it was not.
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

/// The outcome of a failed build.
fn not_built(finished: &Finished) -> Outcome {
    record::cut(finished).unwrap_or(Outcome::BuildFailed)
}

/// The first error in a log, such as one of Cargo or of a C compiler; else how the child ended, and its last line.
fn cargo_error(finished: &Finished) -> String {
    let log = finished.log_text();
    let is_error = |line: &&str| line.starts_with("error") || line.contains("error: ");
    if let Some(error) = log.lines().find(is_error) {
        return error.trim().to_owned();
    }
    match log.lines().rfind(|line| !line.trim().is_empty()) {
        Some(last) => format!("{}: {}", finished.how(), last.trim()),
        None => finished.how(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::child::End;

    /// A description with a suite for each runner.
    fn file() -> SubjectFile {
        SubjectFile::parse(
            "[[suite]]\nengine = \"leak\"\nrunner = \"go\"\n\
             [[suite]]\nengine = \"fuzz-abi\"\nrunner = \"libfuzzer\"\nwhat = \"w\"\ntargets = { a = 1 }\n\
             symbol = \"a\"\ncanary = { target = \"c\", says = \"d\", input = \"e\" }\n\
             [[suite]]\nengine = \"loom\"\nrunner = \"nextest\"\nwhat = \"models\"\n\
             package = \"p\"\nenv = { BOUND = \"2\" }\ncanary = { test = \"c\", says = \"d\" }\n",
        )
        .unwrap()
    }

    const ALL: [&str; 8] = [
        "vet",
        "leak",
        "go",
        "race",
        "cgocheck2",
        "asan",
        "loom",
        "fuzz-abi",
    ];

    #[test]
    fn a_build_that_was_ended_is_no_failed_one() {
        let outcome = |end| not_built(&Finished::by(end));
        assert_eq!(outcome(End::TimedOut), Outcome::Timeout);
        assert_eq!(outcome(End::Interrupted), Outcome::NotRun);
        let exited = End::Exited(std::process::ExitStatus::default());
        assert_eq!(outcome(exited), Outcome::BuildFailed);
    }

    #[test]
    fn what_needs_a_tool_that_is_built_comes_after_what_needs_none() {
        let engines = Engines::of(&file());
        let needs_one = |engine: &dyn Engine| {
            let mut needs = engine.needs().iter();
            needs.any(|need| need.built().is_some())
        };
        let needing: Vec<bool> = engines.iter().map(needs_one).collect();
        assert!(needing.is_sorted() && !needing[0]);
        assert!(engines.iter().all(|engine| !engine.describe().is_empty()));
    }

    #[test]
    fn selection_keeps_the_order_and_names_what_it_does_not_know() {
        let engines = Engines::of(&file());
        let names = |only: &[&str]| -> Result<Vec<String>> {
            let only: Vec<String> = only.iter().map(|name| (*name).to_owned()).collect();
            let chosen = engines.select(&only)?;
            Ok(chosen.iter().map(|it| it.name().to_owned()).collect())
        };
        assert_eq!(names(&[]).unwrap(), ALL);
        assert_eq!(names(&["loom", "race"]).unwrap(), ["race", "loom"]);
        let unknown = names(&["races"]).unwrap_err().to_string();
        assert_eq!(
            unknown,
            format!("engine `races` is unknown; choose from {}", ALL.join(", "))
        );
        let planned = names(&["xrace"]).unwrap_err().to_string();
        assert!(planned.contains("planned and not built yet"), "{planned}");
        let absent = names(&["guard"]).unwrap_err().to_string();
        assert!(absent.contains("has no suite in cgolab.toml"), "{absent}");
    }

    #[test]
    fn an_unknown_engine_in_the_description_is_told() {
        let told = |text: &str| {
            let file = SubjectFile::parse(text).unwrap();
            Engines::of(&file).check(&file).unwrap_err().to_string()
        };
        let suite = told("[[suite]]\nengine = \"leek\"\nrunner = \"go\"\n");
        let says = "cgolab.toml: suite[0].engine: `leek` runs no Go tests; choose from vet, guard,";
        assert!(suite.starts_with(says), "{suite}");
        let read = told("[[suite]]\nengine = \"vet\"\nrunner = \"go\"\nonly = \"Test\"\n");
        let says = "cgolab.toml: suite[0]: `vet` reads source and runs no test; remove args, only";
        assert!(read.starts_with(says), "{read}");
        let accept = told("[[accept]]\nengine = \"rase\"\ntest = \"T\"\nreason = \"r\"\n");
        assert!(
            accept.starts_with("cgolab.toml: accept[0].engine: choose from vet, go"),
            "{accept}"
        );
    }

    #[test]
    fn variables_of_suites_are_written_down() {
        let engines = Engines::of(&file());
        for name in ["BOUND", "GOFLAGS"] {
            assert!(engines.variables().iter().any(|it| it == name), "{name}");
        }
    }

    #[test]
    fn a_missed_canary_is_off() {
        let canary = |missed: Option<&str>| {
            Canary {
                check: "planted race".to_owned(),
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
