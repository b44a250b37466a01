//! Engines that run Rust tests of the subject under nextest: property tests, models under a checker that
//! explores schedules, comparisons of layouts.
//!
//! The subject's description lists them as suites. Models explore schedules only in the build of their
//! checker: a plain run of the same tests sees one schedule, and credits nothing here. A model prints how many
//! schedules it explored, and whether that was all of them.

use std::collections::BTreeSet;
use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result};

use super::ask::{self, Answer, Build, Question, Sign};
use super::{Canary, Context, Engine, cargo_error, native};
use crate::host::child::Finished;
use crate::host::file::write_if_new;
use crate::host::tools::Need;
use crate::read::nextest::{self, Case};
use crate::read::notes::Notes;
use crate::record::profile::Profile;
use crate::record::{self, Evidence, Outcome, Record};
use crate::subject::catalogue::Catalogue;
use crate::subject::file::{CanaryTest, NextestTests, SubjectFile, Suite, Tool};

/// nextest's exit code when at least one test failed.
const TEST_FAILED: i32 = 100;
/// nextest's exit code when no test was left to run.
const NO_TESTS: i32 = 4;
/// nextest's exit code when a test did not compile.
const BUILD_FAILED: i32 = 101;

const RUSTFLAGS: &str = "RUSTFLAGS";

/// An engine that runs suites of Rust tests.
pub(super) struct Rust {
    name: String,
    what: String,
    needs: Vec<Need>,
    build: Build,
    suites: Vec<NextestTests>,
}

/// The engines that the subject has suites of, in the order of its description.
pub(super) fn engines(file: &SubjectFile) -> Vec<Rust> {
    let mut engines: Vec<Rust> = Vec::new();
    for suite in &file.suite {
        let Suite::Nextest(tests) = suite else {
            continue;
        };
        match engines.iter_mut().find(|it| it.name == tests.engine) {
            Some(engine) => engine.add(tests),
            None => {
                let mut engine = Rust {
                    name: tests.engine.clone(),
                    what: String::new(),
                    needs: Vec::new(),
                    build: build_of(tests),
                    suites: Vec::new(),
                };
                engine.add(tests);
                engines.push(engine);
            }
        }
    }
    engines
}

/// The target folder of a suite.
fn build_of(tests: &NextestTests) -> Build {
    let release = tests
        .args
        .of(Profile::Quick)
        .is_some_and(|args| args.iter().any(|arg| arg == "--release"));
    let folder = match &tests.target {
        Some(target) => target.rsplit('/').next().unwrap_or_default(),
        None if release => "release",
        None => "debug",
    };
    Build {
        folder: folder.to_owned(),
        sources: tests.sources.clone(),
    }
}

impl Rust {
    fn add(&mut self, tests: &NextestTests) {
        if !self.what.is_empty() {
            self.what.push_str("; ");
        }
        self.what.push_str(&tests.what);
        let needs = tests.needs.iter().map(|tool| match tool {
            Tool::C => Need::C,
            Tool::Cxx => Need::Cxx,
            Tool::Go => Need::Go,
        });
        self.needs.extend(needs.chain([Need::Nextest]));
        self.needs.sort();
        self.needs.dedup();
        self.build.add_sources(&tests.sources);
        self.suites.push(tests.clone());
    }
}

impl Engine for Rust {
    fn name(&self) -> &str {
        &self.name
    }

    fn describe(&self) -> &str {
        &self.what
    }

    fn needs(&self) -> &[Need] {
        &self.needs
    }

    fn build(&self) -> &Build {
        &self.build
    }

    fn explores(&self) -> bool {
        self.suites.iter().any(|tests| tests.explores)
    }

    fn canary(&self, context: &Context<'_>) -> Result<Canary> {
        let mut all = Canary {
            check: String::new(),
            missed: None,
            evidence: Evidence::default(),
            seconds: 0.0,
        };
        for (tests, canary) in self
            .suites
            .iter()
            .filter_map(|it| Some((it, it.canary.as_ref()?)))
        {
            context
                .progress
                .step(format!("{}: canary, {}", self.name, canary.test));
            let found = Package::of(tests, context).canary(canary)?;
            all.seconds += found.seconds;
            all = Canary {
                seconds: all.seconds,
                ..found
            };
            if all.missed.is_some() {
                break;
            }
        }
        Ok(all)
    }

    fn checks(&self, context: &Context<'_>) -> Result<Vec<Record>> {
        let mut records = Vec::new();
        for tests in &self.suites {
            let package = Package::of(tests, context);
            match package.libraries()? {
                Some(record) => records.push(record),
                None => records.extend(package.checks()?),
            }
        }
        Ok(records)
    }

    fn ask(&self, context: &Context<'_>, question: &Question) -> Result<Vec<Answer>> {
        let mut answers = Vec::new();
        for tests in &self.suites {
            let mut package = Package::of(tests, context);
            // The same tests each time: a bug that is seen stays seen.
            let fixed = tests.fixed_env.iter();
            let fixed = fixed.map(|(key, value)| (key.clone(), OsString::from(value)));
            package.env.extend(fixed);
            match package.libraries()? {
                Some(record) => answers.push(Answer::of(&record)),
                None => answers.extend(package.ask(question)?),
            }
        }
        Ok(answers)
    }
}

/// A package of tests in a run.
struct Package<'a> {
    tests: &'a NextestTests,
    context: &'a Context<'a>,
    /// Added to the names of logs: the suites of an engine after the first.
    part: String,
    /// Variables that are part of the command.
    env: Vec<(String, OsString)>,
}

/// The result of a run of tests.
struct Ran {
    finished: Finished,
    /// Empty if the tests did not build.
    cases: Vec<Case>,
}

impl Ran {
    /// The compile error, if the tests did not build.
    fn not_built(&self) -> Option<String> {
        let failed = self.finished.code() == Some(BUILD_FAILED);
        failed.then(|| cargo_error(&self.finished))
    }
}

impl<'a> Package<'a> {
    fn of(tests: &'a NextestTests, context: &'a Context<'a>) -> Package<'a> {
        let same = context.file.suite.iter().filter_map(|suite| match suite {
            Suite::Nextest(other) if other.engine == tests.engine => Some(&**other),
            _ => None,
        });
        let number = same.take_while(|other| *other != tests).count();
        let mut env = Vec::new();
        if let Some(flags) = &tests.rustflags {
            let flags = rustflags(env::var_os(RUSTFLAGS).as_deref(), flags);
            env.push((RUSTFLAGS.to_owned(), flags));
        }
        // What the user sets is inherited anyway; named, it is part of the command that repeats the run.
        env.extend(tests.env.iter().filter_map(|(name, value)| {
            let ours = || Some(with_time(value.of(context.profile)?).into());
            Some((name.clone(), env::var_os(name).or_else(ours)?))
        }));
        Package {
            tests,
            context,
            part: match number {
                0 => String::new(),
                number => format!(".{}", number + 1),
            },
            env,
        }
    }

    /// Builds the native libraries that the tests need. Returns the record of the failure if one does not build.
    fn libraries(&self) -> Result<Option<Record>> {
        for kind in &self.tests.native {
            if let Err(record) = native::built(self.context, &self.tests.engine, kind, None)? {
                return Ok(Some(*record));
            }
        }
        Ok(None)
    }

    /// Runs an ignored test that must fail with its text.
    fn canary(&self, canary: &CanaryTest) -> Result<Canary> {
        let filter = format!("test({})", canary.test);
        let only_it = ["--run-ignored", "only", "-E", &filter].map(str::to_owned);
        let log = format!("{}.canary.log", self.tests.engine);
        let Ran { finished, .. } = self.run(&log, &only_it)?;
        let text = &canary.says;
        let missed = match finished.code() {
            Some(TEST_FAILED) if finished.log_text().contains(text.as_str()) => None,
            Some(TEST_FAILED) => Some(format!("the test failed without saying `{text}`")),
            Some(BUILD_FAILED) => Some(format!("it did not build: {}", cargo_error(&finished))),
            Some(0) => Some("the planted bug passed".to_owned()),
            _ => Some(format!("nextest: {}", cargo_error(&finished))),
        };
        Ok(Canary {
            check: canary.test.clone(),
            missed,
            evidence: self.context.evidence(&finished),
            seconds: finished.seconds,
        })
    }

    /// Runs all tests.
    fn checks(&self) -> Result<Vec<Record>> {
        let (context, engine) = (self.context, &self.tests.engine);
        let package = &self.tests.package;
        context
            .progress
            .step(format!("{engine}: cargo nextest run -p {package}"));
        let log = format!("{engine}{}.log", self.part);
        let only = self.filters(None);
        let ran = self.run(&log, &only)?;
        let finished = &ran.finished;
        let evidence = context.evidence(finished);
        let mut records = Vec::new();
        for case in &ran.cases {
            let evidence = Evidence {
                command: format!("{} -E 'test(={})'", evidence.command, case.name),
                ..evidence.clone()
            };
            records.extend(self.judge(case, &evidence));
        }
        let explained = records.iter().any(|record| !record.is_green());
        if !finished.success() && !explained {
            let (outcome, reason) = match (record::cut(finished), ran.not_built()) {
                (Some(cut), _) => (cut, finished.how()),
                (None, Some(error)) => (Outcome::BuildFailed, error),
                (None, None) => {
                    let reason = format!(
                        "nextest ended with {}: {}",
                        finished.how(),
                        cargo_error(finished)
                    );
                    (Outcome::Fail, reason)
                }
            };
            let mut record = Record::check(engine, "nextest", outcome).because(reason);
            record.evidence = evidence;
            records.push(record);
        }
        Ok(records)
    }

    /// Runs the tests that concern the contracts in question: all of them, if names do not tell.
    fn ask(&self, question: &Question) -> Result<Vec<Answer>> {
        let context = self.context;
        let mut options = Vec::new();
        if let Some(folder) = &self.tests.files {
            let folder = context.workspace.path(folder);
            let files = ask::files_concerned(&folder, context.catalogue, question)?;
            if files.is_empty() {
                return Ok(Vec::new());
            }
            options.extend(
                files
                    .into_iter()
                    .flat_map(|file| ["--test".to_owned(), file]),
            );
        }
        options.extend(self.filters(self.tests.named.then_some(question)));
        let log = format!("{}{}.{}.log", self.tests.engine, self.part, question.log);
        let ran = self.run(&log, &options)?;
        let end = |sign| {
            vec![Answer {
                contract: None,
                check: "nextest".to_owned(),
                sign,
            }]
        };
        if let Some(error) = ran.not_built() {
            return Ok(end(Sign::NotBuilt(error)));
        }
        if ran.finished.code() == Some(NO_TESTS) {
            return Ok(Vec::new());
        }
        let mut answers = Vec::new();
        for case in &ran.cases {
            for record in self.judge(case, &Evidence::default()) {
                let mut answer = Answer::of(&record);
                if case.outcome == Outcome::Fail && !nextest::says_why(case) {
                    answer.sign = Sign::Crashed(case.reason.clone().unwrap_or_default());
                }
                answers.push(answer);
            }
        }
        Ok(match (record::cut(&ran.finished), answers.is_empty()) {
            (Some(_), _) => end(Sign::TimedOut),
            (None, true) => end(Sign::NotRun(ran.finished.how())),
            (None, false) => answers,
        })
    }

    /// The records of one test.
    fn judge(&self, case: &Case, evidence: &Evidence) -> Vec<Record> {
        let records = match self.tests.explores {
            true => explored,
            false => nextest::records,
        };
        records(&self.tests.engine, self.context.catalogue, case, evidence)
    }

    /// The option for the tests of this suite, and those of them that concern a question.
    fn filters(&self, question: Option<&Question>) -> Vec<String> {
        let own = self.tests.only.as_ref().map(|only| format!("({only})"));
        let asked = question.map(|question| filter(&question.contracts));
        let both: Vec<String> = own.into_iter().chain(asked).collect();
        match both.is_empty() {
            true => Vec::new(),
            false => vec!["-E".to_owned(), both.join(" & ")],
        }
    }

    /// Runs the tests that the options `more` of nextest select; all of them if there are none.
    fn run(&self, log: &str, more: &[String]) -> Result<Ran> {
        let context = self.context;
        let junit = junit(context);
        if junit.exists() {
            // An old file must never be read as the result of this run.
            fs::remove_file(&junit)
                .with_context(|| format!("cannot remove {}", junit.display()))?;
        }
        let mut task = context
            .tools
            .nextest()?
            .task(context.workspace, &context.log(log));
        for (key, value) in &self.env {
            task = task.env(key, value);
        }
        task = task
            .args(["run", "-p", &self.tests.package])
            .args(profile(context)?)
            .args(self.tests.args.of(context.profile).into_iter().flatten());
        if let Some(target) = &self.tests.target {
            task = task.args(["--target-dir", target]);
        }
        let whole = more == self.filters(None);
        let finished = task.args(more).run(context.progress, |line| match whole {
            true => nextest::closing_line(line),
            false => None, // A planted bug fails on purpose; its lines would look like trouble.
        })?;
        let mut cases = Vec::new();
        // Written also when tests failed; not when the build did.
        if let Ok(xml) = fs::read_to_string(&junit) {
            fs::write(context.log(log).with_extension("junit.xml"), &xml)?;
            cases = nextest::read_junit(&xml)?;
            for case in &mut cases {
                // nextest passes our signal on; what it hits did not fail by itself.
                if let (Some(cut), true) = (record::cut(&finished), case.was_terminated()) {
                    case.outcome = cut;
                    case.reason = Some(finished.how());
                }
            }
        }
        Ok(Ran { finished, cases })
    }
}

/// nextest's filter of tests with one of these contracts in the name.
fn filter(contracts: &BTreeSet<String>) -> String {
    let names: Vec<String> = contracts
        .iter()
        .map(|id| id.to_ascii_lowercase().replace('-', "_"))
        .collect();
    format!("test(/(^|[^a-z0-9])({})(_|$)/)", names.join("|"))
}

/// The options that make nextest read the profile of this tool, beside what the subject configures.
fn profile(context: &Context<'_>) -> Result<[String; 4]> {
    let file = context.workspace.lab().join("nextest.toml");
    write_if_new(&file, include_str!("nextest.toml"))?;
    let words = [
        "--tool-config-file",
        &format!("cgolab:{}", file.display()),
        "--profile",
        "lab",
    ];
    Ok(words.map(str::to_owned))
}

/// The file to which nextest writes the results of profile `lab`, with any target folder.
fn junit(context: &Context<'_>) -> PathBuf {
    context.workspace.path("target/nextest/lab/junit.xml")
}

/// The records of a test that must explore schedules. One that explored none checks no contract, even if its
/// name carries one.
fn explored(engine: &str, catalogue: &Catalogue, case: &Case, evidence: &Evidence) -> Vec<Record> {
    let notes = Notes::read(&case.output);
    if case.outcome == Outcome::Pass && notes.model.is_none() && notes.malformed.is_none() {
        let mut record = Record::check(engine, &case.name, Outcome::Pass)
            .because("no model: it explored no schedules");
        record.seconds = case.seconds;
        record.evidence = evidence.clone();
        return vec![record];
    }
    nextest::records(engine, catalogue, case, evidence)
}

/// Our flags behind the user's.
fn rustflags(user: Option<&OsStr>, ours: &str) -> OsString {
    let mut flags = user.unwrap_or_default().to_owned();
    if !flags.is_empty() {
        flags.push(" ");
    }
    flags.push(ours);
    flags
}

/// A value in which `{time}` is replaced with the seconds since 1970, so that it differs in each run.
fn with_time(value: &str) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let seconds = now.map_or(0, |since| since.as_secs());
    value.replace("{time}", &seconds.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_wants_the_whole_id() {
        let contracts = BTreeSet::from(["EVT-01".to_owned(), "REQ-04".to_owned()]);
        assert_eq!(
            filter(&contracts),
            "test(/(^|[^a-z0-9])(evt_01|req_04)(_|$)/)"
        );
    }

    const CATALOGUE: &str = "title = \"x\"\n[[contract]]\nid = \"REQ-04\"\nsentence = \"x\"\n\
        layer = [\"native\"]\nsource = []\nclaimed = [\"loom\"]\nplanned = []\n";

    fn judged(output: &str, outcome: Outcome) -> Vec<Record> {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("req.toml"), CATALOGUE).unwrap();
        let case = Case {
            name: "req_04_second_completion".to_owned(),
            file: None,
            outcome,
            seconds: 1.0,
            reason: None,
            signal: None,
            output: output.to_owned(),
        };
        explored(
            "loom",
            &Catalogue::load(dir.path()).unwrap(),
            &case,
            &Evidence::default(),
        )
    }

    #[test]
    fn a_complete_model_credits_its_contract() {
        let output = "cgolab: executions=109\ncgolab: model=complete bound=2\n";
        let records = judged(output, Outcome::Pass);
        assert_eq!(records[0].contract.as_deref(), Some("REQ-04"));
        assert_eq!(records[0].executions, Some(109));
        assert_eq!(records[0].reason, None);
    }

    #[test]
    fn a_model_that_was_cut_off_says_so() {
        let output = "cgolab: executions=70000\ncgolab: model=cut-off bound=2\n";
        let records = judged(output, Outcome::Pass);
        assert_eq!(records[0].contract.as_deref(), Some("REQ-04"));
        assert_eq!(records[0].outcome, Outcome::CutOff);
    }

    #[test]
    fn a_sample_of_schedules_credits_its_contract_and_was_not_cut_off() {
        let records = judged(
            "cgolab: model=sampled seed=1\ncgolab: executions=4000\n",
            Outcome::Pass,
        );
        assert_eq!(records[0].contract.as_deref(), Some("REQ-04"));
        assert_eq!(records[0].executions, Some(4000));
        assert_eq!(records[0].outcome, Outcome::Pass);
    }

    #[test]
    fn a_test_that_explored_nothing_credits_nothing() {
        let records = judged("cgolab: executions=1\n", Outcome::Pass);
        assert_eq!(records[0].contract, None);
        assert!(records[0].is_green());
    }

    #[test]
    fn a_failing_model_blames_its_contract() {
        let records = judged("deadlock; threads = [..]\n", Outcome::Fail);
        assert_eq!(records[0].contract.as_deref(), Some("REQ-04"));
        assert_eq!(records[0].outcome, Outcome::Fail);
    }

    #[test]
    fn flags_of_the_user_are_kept() {
        assert_eq!(rustflags(None, "--cfg checked"), "--cfg checked");
        assert_eq!(
            rustflags(Some(OsStr::new("-C debuginfo=1")), "--cfg checked"),
            "-C debuginfo=1 --cfg checked"
        );
    }

    #[test]
    fn suites_of_one_engine_are_one_engine() {
        let suite = |package: &str, more: &str| {
            format!(
                "[[suite]]\nengine = \"x\"\nrunner = \"nextest\"\nwhat = \"{package}\"\n\
                 package = \"{package}\"\n{more}\n"
            )
        };
        let text = suite(
            "a",
            "args = [\"--release\"]\nneeds = [\"go\"]\nsources = [\"s\"]",
        ) + &suite(
            "b",
            "canary = { test = \"c\", says = \"d\" }\nsources = [\"s\", \"t\"]",
        );
        let engines = engines(&SubjectFile::parse(&text).unwrap());
        assert_eq!(engines.len(), 1);
        assert_eq!(engines[0].what, "a; b");
        assert_eq!(engines[0].needs, [Need::Go, Need::Nextest]);
        assert_eq!(engines[0].build.folder, "release");
        assert_eq!(engines[0].build.sources, ["s", "t"]);
    }

    #[test]
    fn a_value_may_be_another_one_each_time() {
        assert_eq!(with_time("7"), "7");
        assert!(with_time("{time}").parse::<u64>().is_ok());
    }
}
