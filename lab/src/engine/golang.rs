//! An engine that is a row of [`super::rows`], on the Go tests that a subject's description names.

use std::collections::BTreeSet;
use std::env::consts::{ARCH, OS};
use std::ffi::OsString;

use anyhow::{Result, ensure};

use super::ask::{Answer, Build, Question, Sign};
use super::gosuite::{GoSuite, Invocation, Ran, SUITE, Tests};
use super::rows::{self, ROWS, Row, Storm};
use super::way::{self, Compilers, Tools, Way};
use super::{Canary, Context, Engine, canaries, native};
use crate::host::child;
use crate::host::out::one_line;
use crate::host::taskset;
use crate::host::tools::Need;
use crate::record::profile::Profile;
use crate::record::{self, Evidence, Kind, Outcome, Record};
use crate::subject::file::{self, Accept, GoTests, Releases, SubjectFile, Suite};

const TOOLCHAIN: &str = "GOTOOLCHAIN";

/// A row, applied to a subject.
pub(super) struct Golang {
    row: &'static Row,
    /// The tests that run in each build.
    tests: Vec<Tests>,
    /// The tests that run in storms.
    in_storms: Tests,
    releases: Option<Releases>,
    build: Build,
}

/// Tests with planted mistakes, ready to run.
struct PlantedTests {
    suite: GoSuite,
    invocation: Invocation,
}

impl PlantedTests {
    /// Runs one of them.
    fn run(&self, context: &Context<'_>, test: &str) -> Result<Ran> {
        self.suite.run_only(context, &self.invocation, test)
    }
}

impl Canary {
    /// Adds a run: its seconds, and its evidence in the place of that of the run before.
    fn add(&mut self, context: &Context<'_>, ran: &Ran) {
        self.seconds += ran.finished.seconds;
        self.evidence = context.evidence(&ran.finished);
    }
}

/// The engines that can run on the subject.
pub(super) fn engines(file: &SubjectFile) -> impl Iterator<Item = Golang> {
    ROWS.iter().filter_map(|row| Golang::of(row, file))
}

impl Golang {
    /// Applies a row to a subject; `None` if the subject has no tests for it.
    fn of(row: &'static Row, file: &SubjectFile) -> Option<Golang> {
        let tests = match row.tests {
            rows::Tests::All => tests_of(row.name, file),
            rows::Tests::Suites => suites(row.name, file, false),
        };
        if tests.is_empty() {
            return None;
        }
        let kind = native::kind(&file.native, row.native.kind);
        let releases = file.go.iter().find_map(|module| module.releases.clone());
        Some(Golang {
            row,
            in_storms: suites(row.name, file, true)
                .into_iter()
                .chain(tests.iter().cloned())
                .next()?,
            tests,
            releases: releases.filter(|_| row.releases),
            build: Build::of_go(file, kind),
        })
    }

    /// Every test in every build, with these variables of the native library.
    fn suites(&self, profile: Profile, linked: &native::Linked) -> Vec<GoSuite> {
        let mut suites = Vec::new();
        for tests in &self.tests {
            for build in self.row.builds {
                suites.push(self.suite(tests, &build.way, build.log, profile, linked));
            }
        }
        suites
    }

    fn suite(
        &self,
        tests: &Tests,
        way: &Way,
        log: &str,
        profile: Profile,
        linked: &native::Linked,
    ) -> GoSuite {
        let mut tests = tests.clone();
        tests.tags.extend(linked.tags.iter().cloned());
        tests.link.clone_from(&linked.words);
        GoSuite {
            engine: self.row.name,
            log: format!("{}{}{log}", self.row.name, tests.log),
            way: *way,
            repetitions: match self.row.repeated {
                true => profile.storm_repetitions(),
                false => 1,
            },
            processors: self.row.processors(),
            shuffle: self.row.repeated,
            tests,
        }
    }

    /// The planted mistakes in one way, or without the engine's experiment.
    fn planted(
        &self,
        context: &Context<'_>,
        way: &Way,
        log: &str,
        on: bool,
    ) -> Result<PlantedTests> {
        let dir = canaries::lay_out(context)?;
        let without = way.experiment.filter(|_| !on);
        let without = without.map(|name| way::experiment(name, false));
        let suite = GoSuite {
            engine: self.row.name,
            log: format!("{}.canary{log}", self.row.name),
            way: Way {
                experiment: way.experiment.filter(|_| on),
                ..*way
            },
            tests: Tests {
                dir: context.workspace.shown(&dir),
                packages: vec![format!("./{}", self.row.canary.folder)],
                tags: vec!["canary".to_owned()],
                // A go.work above the checkout does not know the module.
                env: [("GOWORK".to_owned(), "off".to_owned())]
                    .into_iter()
                    .chain(without)
                    .map(|(key, value)| (key, value.into()))
                    .collect(),
                ..Tests::default()
            },
            repetitions: 1,
            processors: &[],
            shuffle: false,
        };
        let invocation = suite.invocation(context)?;
        Ok(PlantedTests { suite, invocation })
    }

    /// The record of the tests with a release of Go.
    fn release(&self, name: &str, outcome: Outcome) -> Record {
        Record {
            contract: self.releases.as_ref().and_then(|it| it.contract.clone()),
            ..Record::check(self.row.name, name, outcome)
        }
    }

    /// Runs the tests with another release, which Go fetches. If Go cannot fetch it, they are skipped.
    fn with_release(
        &self,
        context: &Context<'_>,
        suite: &GoSuite,
        name: &str,
    ) -> Result<Vec<Record>> {
        let log = format!("{}.{name}.version.log", self.row.name);
        let finished = context
            .go(&log, &context.workspace.path(&suite.tests.dir), ["version"])?
            .env(TOOLCHAIN, name)
            .run(context.progress, child::quiet)?;
        if !finished.success() {
            // What we ended says nothing about whether the release can be had.
            let (outcome, why) = match record::cut(&finished) {
                Some(cut) => (cut, finished.how()),
                None => (Outcome::Skipped, one_line(&finished.log_text(), 200)),
            };
            let why = format!("not to be had: {why}");
            let mut record = self.release(name, outcome).because(why);
            record.evidence = context.evidence(&finished);
            return Ok(vec![record]);
        }
        let suite = with_toolchain(suite.clone(), name);
        self.again(context, &suite, |outcome| self.release(name, outcome))
    }

    /// The tests in a storm, or why this machine cannot make it.
    fn in_storm(
        &self,
        context: &Context<'_>,
        storm: &Storm,
        linked: &native::Linked,
    ) -> Result<GoSuite> {
        possible(&storm.way)?;
        let tests = &self.in_storms;
        let mut suite = self.suite(tests, &storm.way, storm.log, context.profile, linked);
        suite.repetitions = context.profile.storm_repetitions();
        suite.processors = storm.processors;
        suite.shuffle = true;
        Ok(suite)
    }

    /// Runs tests again whose contracts were credited before: those that pass become one record, made by `sum`.
    fn again(
        &self,
        context: &Context<'_>,
        suite: &GoSuite,
        sum: impl FnOnce(Outcome) -> Record,
    ) -> Result<Vec<Record>> {
        context.progress.step(suite.step());
        let (found, ran) = suite.checks(context)?;
        let (red, outcome, said) = summed(found, &context.file.accept);
        let mut record = sum(outcome).because(said);
        record.evidence = context.evidence(&ran.finished);
        record.seconds = ran.finished.seconds;
        Ok(red.into_iter().chain([record]).collect())
    }

    /// The answers of a suite, by the rule of the engine's word.
    fn answers(
        &self,
        context: &Context<'_>,
        suite: &GoSuite,
        question: &Question,
    ) -> Result<Vec<Answer>> {
        let found = suite.ask(context, question)?.into_iter();
        let word = &self.row.word;
        Ok(found.map(|it| word.answer(it, question)).collect())
    }
}

/// The red records of a run, its outcome without those that are accepted, and the counts for people.
fn summed(found: Vec<Record>, accepted: &[Accept]) -> (Vec<Record>, Outcome, String) {
    let count = |outcome| found.iter().filter(|it| it.outcome == outcome).count();
    let (passed, skipped) = (count(Outcome::Pass), count(Outcome::Skipped));
    let mut said = format!("{passed} of {} checks pass", found.len());
    if let Some(skip) = found.iter().find(|it| it.outcome == Outcome::Skipped) {
        let why = skip.reason.as_deref().unwrap_or("it does not say why");
        said.push_str(&format!(", {skipped} skipped: {why}"));
    }
    let red: Vec<_> = found.into_iter().filter(|it| !it.is_green()).collect();
    let known = |record: &&Record| accepted.iter().any(|it| it.fits(record));
    let known = red.iter().filter(known).count();
    if known > 0 {
        said.push_str(&format!(", {known} accepted"));
    }
    let outcome = if known == red.len() && passed > 0 {
        Outcome::Pass
    } else {
        Outcome::Fail
    };
    (red, outcome, said)
}

impl Engine for Golang {
    fn name(&self) -> &str {
        self.row.name
    }

    fn describe(&self) -> &str {
        self.row.what
    }

    fn needs(&self) -> &[Need] {
        rows::NEEDS
    }

    fn build(&self) -> &Build {
        &self.build
    }

    /// Runs a program without a bug. If that does not build or run, the engine is impossible here, and has not
    /// missed its canary.
    fn unable(&self, context: &Context<'_>) -> Result<Option<String>> {
        let Some(sound) = self.row.canary.sound else {
            return Ok(None);
        };
        if native::triple().is_none() {
            return Ok(Some(format!("not tried on {OS}/{ARCH}")));
        }
        let name = self.row.name;
        context
            .progress
            .step(format!("{name}: a program without a bug"));
        // As little as can be: the question is what the toolchain can do.
        let way = Way {
            overlay: None,
            ..self.row.builds[0].way
        };
        let ran = self
            .planted(context, &way, ".sound", true)?
            .run(context, sound)?;
        if ran.finished.success() {
            return Ok(None);
        }
        // We ended it: that says nothing about the machine.
        ensure!(
            record::cut(&ran.finished).is_none(),
            "{}",
            ran.finished.how()
        );
        let why = ran.run.build_error().unwrap_or_else(|| ran.finished.how());
        Ok(Some(format!("{name} does not work here: {why}")))
    }

    fn canary(&self, context: &Context<'_>) -> Result<Canary> {
        let planted = &self.row.canary;
        context
            .progress
            .step(format!("{}: canary, {}", self.row.name, planted.check));
        let mut canary = Canary {
            check: planted.check.to_owned(),
            missed: None,
            evidence: Evidence::default(),
            seconds: 0.0,
        };
        let tools = tools(context)?;
        if planted.silent_without {
            let plain = self.planted(context, &self.row.builds[0].way, ".without", false)?;
            for bug in planted.canaries {
                let ran = plain.run(context, bug.test)?;
                canary.add(context, &ran);
                if !ran.finished.success() {
                    let error = ran.run.build_error();
                    let why = error.unwrap_or_else(|| ran.finished.how());
                    canary.missed = Some(format!("it does not pass without the engine: {why}"));
                    return Ok(canary);
                }
            }
        }
        let builds = self.row.builds.iter();
        let builds = builds.map(|build| (&build.way, build.log, planted.canaries));
        // A storm that this machine cannot make is skipped, and says so.
        let storms = self
            .row
            .storms
            .iter()
            .filter(|it| possible(&it.way).is_ok());
        let storms = storms.map(|storm| (&storm.way, storm.log, storm.way.canaries));
        for (way, log, bugs) in builds.chain(storms).filter(|(.., bugs)| !bugs.is_empty()) {
            let tests = self.planted(context, way, log, true)?;
            for bug in bugs.iter().filter(|it| it.limit(tools).is_none()) {
                let ran = tests.run(context, bug.test)?;
                canary.add(context, &ran);
                let (passed, how) = (ran.finished.success(), ran.finished.how());
                let missed = || bug.missed(passed, ran.run.text(), &how, tools);
                if let Some(why) = ran.unfit().or_else(missed) {
                    canary.missed = Some(format!("{}: {why}", bug.test));
                    return Ok(canary);
                }
            }
        }
        Ok(canary)
    }

    fn limits(&self, context: &Context<'_>) -> Result<Vec<Record>> {
        let tools = tools(context)?;
        let stated = self.row.canary.canaries.iter();
        let stated = stated.filter_map(|bug| Some((bug.test, bug.limit(tools)?)));
        let mut records = Vec::new();
        for (test, limit) in stated {
            let step = format!("{}: limit, {test}", self.row.name);
            context.progress.step(step);
            let tests = self.planted(context, &self.row.builds[0].way, ".limit", true)?;
            let ran = tests.run(context, test)?;
            let (outcome, why) = if ran.run.text().contains(limit.says) {
                (Outcome::Fail, limit.seen.to_owned())
            } else if ran.finished.success() {
                (Outcome::Pass, limit.unseen.to_owned())
            } else {
                let cut = record::cut(&ran.finished);
                let why = ran.unfit().unwrap_or_else(|| ran.finished.how());
                (cut.unwrap_or(Outcome::BuildFailed), why)
            };
            let mut record = Record::check(self.row.name, test, outcome).because(why);
            record.kind = Kind::Limit;
            record.evidence = context.evidence(&ran.finished);
            record.seconds = ran.finished.seconds;
            records.push(record);
        }
        Ok(records)
    }

    fn checks(&self, context: &Context<'_>) -> Result<Vec<Record>> {
        let linked = match native::linked(context, self.row.name, &self.row.native)? {
            Ok(linked) => linked,
            Err(record) => return Ok(vec![*record]),
        };
        let suites = self.suites(context.profile, &linked);
        let mut records = Vec::new();
        for suite in &suites {
            context.progress.step(suite.step());
            let (found, ran) = suite.checks(context)?;
            let text = ran.run.text();
            let word = &self.row.word;
            records.extend(found.into_iter().map(|record| word.record(record, text)));
        }
        // No test has run, and none would under another condition.
        if records
            .iter()
            .all(|it| it.check == SUITE || it.outcome == Outcome::BuildFailed)
        {
            return Ok(records);
        }
        if let Some(releases) = &self.releases {
            let green = records.iter().all(Record::is_green)
                && records.iter().any(|it| it.outcome == Outcome::Pass);
            let own = if green { Outcome::Pass } else { Outcome::Fail };
            records.push(self.release("this Go", own));
            let newer = match context.profile {
                Profile::Quick => &[][..],
                Profile::Full => &releases.newer,
            };
            for name in [&releases.oldest].into_iter().chain(newer) {
                records.extend(self.with_release(context, &suites[0], name)?);
            }
        }
        for storm in self.row.storms {
            records.extend(match self.in_storm(context, storm, &linked) {
                Ok(suite) => self.again(context, &suite, |outcome| {
                    Record::check(self.row.name, storm.check, outcome)
                })?,
                Err(why) => {
                    let record = Record::check(self.row.name, storm.check, Outcome::Skipped);
                    vec![record.because(format!("{why:#}"))]
                }
            });
        }
        Ok(records)
    }

    /// Runs storms only if the plain runs have seen nothing.
    fn ask(&self, context: &Context<'_>, question: &Question) -> Result<Vec<Answer>> {
        let linked = match native::linked(context, self.row.name, &self.row.native)? {
            Ok(linked) => linked,
            Err(record) => return Ok(vec![Answer::of(&record)]),
        };
        let suites = self.suites(context.profile, &linked);
        let mut answers = Vec::new();
        for suite in &suites {
            answers.extend(self.answers(context, suite, question)?);
            if answers.iter().any(|it| question.is_answered_by(it)) {
                return Ok(answers);
            }
        }
        if let Some(releases) = &self.releases
            && let Some(contract) = &releases.contract
            && question.contracts.contains(contract)
        {
            let oldest = with_toolchain(suites[0].clone(), &releases.oldest);
            let found = self.answers(context, &oldest, question)?;
            answers = of_release(answers, found, contract, &releases.oldest);
        }
        for storm in self.row.storms {
            if let Ok(suite) = self.in_storm(context, storm, &linked) {
                let found = self.answers(context, &suite, question)?.into_iter();
                answers.extend(found.map(|answer| storm.names(answer)));
            }
        }
        Ok(answers)
    }
}

fn with_toolchain(mut suite: GoSuite, release: &str) -> GoSuite {
    suite.log = format!("{}.{release}", suite.log);
    suite.tests.env.push((TOOLCHAIN.to_owned(), release.into()));
    suite
}

/// The tests of an engine: its suites, or those of every module if there are none.
pub(super) fn tests_of(engine: &str, file: &SubjectFile) -> Vec<Tests> {
    let found = suites(engine, file, false);
    match found.is_empty() {
        true => of_modules(file),
        false => found,
    }
}

/// The suites of an engine, for storms or not.
fn suites(engine: &str, file: &SubjectFile, storm: bool) -> Vec<Tests> {
    let suites = file.suite.iter().filter_map(|suite| match suite {
        Suite::Go(tests) => Some(tests),
        Suite::Nextest(_) | Suite::Libfuzzer(_) | Suite::GoLibfuzzer(_) => None,
    });
    let ours = suites.filter(|it| it.engine == engine && it.storm == storm);
    ours.map(|tests| of_suite(tests, file)).collect()
}

/// The tests of every module.
fn of_modules(file: &SubjectFile) -> Vec<Tests> {
    let modules = match file.go.as_slice() {
        [] => vec![file::GoModule::default()],
        modules => modules.to_vec(),
    };
    let named = modules.len() > 1;
    let tests = modules.into_iter().enumerate().map(|(number, module)| {
        let log = match named {
            true => format!(".module-{}", number + 1),
            false => String::new(),
        };
        Tests {
            log,
            dir: module.dir,
            packages: module.packages,
            tags: module.tags,
            env: owned(&module.env),
            limit: module.timeout.map(|limit| limit.0),
            ..Tests::default()
        }
    });
    tests.collect()
}

/// The tests of a suite, in its module or the first one.
fn of_suite(suite: &GoTests, file: &SubjectFile) -> Tests {
    let module = match &suite.dir {
        Some(dir) => file.go.iter().find(|module| module.dir == *dir),
        None => file.go.first(),
    };
    let module = module.cloned().unwrap_or_default();
    Tests {
        log: suite.log.iter().map(|log| format!(".{log}")).collect(),
        dir: suite.dir.clone().unwrap_or(module.dir),
        packages: suite.packages.clone(),
        tags: module.tags.iter().chain(&suite.tags).cloned().collect(),
        env: owned(&module.env),
        args: suite.args.clone(),
        link: None,
        only: suite.only.clone(),
        limit: module.timeout.map(|limit| limit.0),
    }
}

fn owned(env: &std::collections::BTreeMap<String, String>) -> Vec<(String, OsString)> {
    let env = env.iter();
    env.map(|(key, value)| (key.clone(), value.into()))
        .collect()
}

/// The release of Go and the compiler with which canaries are built.
fn tools(context: &Context<'_>) -> Result<Tools> {
    let out = context.log("tools");
    let dir = context.workspace.go_dir();
    let finished = context
        .go("tools.log", &dir, ["env", "-json", Tools::RELEASE])?
        .args(Compilers::SETTINGS)
        .stdout_to(&out)
        .run(context.progress, child::quiet)?;
    ensure!(finished.success(), "go env: {}", finished.how());
    Tools::read(&child::read_lossy(&out))
}

/// Says in an error why this machine cannot run tests in a way.
fn possible(way: &Way) -> Result<()> {
    if way.one_processor {
        taskset::one_processor()?;
    }
    Ok(())
}

/// Adds the answers of the oldest release to those of this one. A test that is red only with the oldest
/// release also breaks the contract that promises that release.
fn of_release(
    mut answers: Vec<Answer>,
    found: Vec<Answer>,
    contract: &str,
    oldest: &str,
) -> Vec<Answer> {
    let red = |answer: &Answer| matches!(answer.sign, Sign::Red(_));
    let here: BTreeSet<String> = answers
        .iter()
        .filter(|answer| red(answer))
        .map(|answer| answer.check.clone())
        .collect();
    for answer in found {
        let by_release =
            answer.sign == Sign::Green || red(&answer) && !here.contains(&answer.check);
        if by_release {
            answers.push(Answer {
                contract: Some(contract.to_owned()),
                check: format!("{oldest} {}", answer.check),
                sign: answer.sign.clone(),
            });
        }
        answers.push(answer);
    }
    answers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_is_blamed_for_what_is_red_with_it_alone() {
        let answer = |check: &str, sign| Answer {
            contract: None,
            check: check.to_owned(),
            sign,
        };
        let red = || Sign::Red("x".to_owned());
        let here = vec![answer("both", red()), answer("old", Sign::Green)];
        let oldest = vec![answer("both", red()), answer("old", red())];
        let blamed: Vec<String> = of_release(here, oldest, "GOA-02", "go1.21.13")
            .into_iter()
            .filter(|it| it.contract.as_deref() == Some("GOA-02"))
            .map(|it| it.check)
            .collect();
        assert_eq!(blamed, ["go1.21.13 old"]);
    }

    #[test]
    fn what_is_accepted_turns_no_storm_red() {
        let of = |check: &str, outcome| Record::check("go", check, outcome);
        let text = "[[accept]]\nengine = \"go\"\ntest = \"TestX\"\nreason = \"known\"\n";
        let accepted = file(text).accept;
        let found = vec![
            of("pkg TestX", Outcome::Fail),
            of("pkg TestY", Outcome::Pass),
        ];
        let (red, outcome, said) = summed(found.clone(), &accepted);
        assert_eq!((red.len(), outcome), (1, Outcome::Pass));
        assert_eq!(said, "1 of 2 checks pass, 1 accepted");
        assert_eq!(summed(found.clone(), &[]).1, Outcome::Fail);
        let other = [found, vec![of("pkg TestZ", Outcome::Unstable)]].concat();
        assert_eq!(summed(other, &accepted).1, Outcome::Fail);
        let alone = vec![of("pkg TestX", Outcome::Fail)];
        assert_eq!(summed(alone, &accepted).1, Outcome::Fail, "nothing passed");
    }

    fn file(text: &str) -> SubjectFile {
        SubjectFile::parse(text).unwrap()
    }

    fn engine(name: &str, text: &str) -> Option<Golang> {
        engines(&file(text)).find(|engine| engine.name() == name)
    }

    #[test]
    fn a_subject_without_description_has_the_engines_that_need_no_suite() {
        let names: Vec<String> = engines(&file(""))
            .map(|engine| engine.name().to_owned())
            .collect();
        assert_eq!(names, ["go", "race", "cgocheck2", "asan"]);
        let go = engine("go", "").unwrap();
        assert_eq!(go.tests[0].packages, ["./..."]);
        assert_eq!(go.tests[0].dir, ".");
    }

    #[test]
    fn other_releases_are_for_engines_that_say_so() {
        let text = "[[go]]\n[go.releases]\noldest = \"go1.21.13\"\nnewer = []\n";
        let has_releases = |name: &str| engine(name, text).unwrap().releases.is_some();
        let names = ["go", "race", "cgocheck2", "asan"];
        assert_eq!(names.map(has_releases), [true, false, false, false]);
    }

    #[test]
    fn suites_take_the_place_of_modules_and_take_over_their_settings() {
        let text = "[[go]]\ndir = \"b\"\ntags = [\"t\"]\nenv = { KEY = \"v\" }\n[[suite]]\nengine = \"leak\"\n\
                    runner = \"go\"\nlog = \"x\"\ntags = [\"lab\"]\npackages = [\"./leak\"]\n";
        let leak = engine("leak", text).unwrap();
        assert_eq!(leak.tests.len(), 1);
        let suites = leak.suites(Profile::Quick, &native::Linked::default());
        assert_eq!(suites[0].log, "leak.x");
        assert_eq!(suites[0].tests.tags, ["t", "lab"]);
        assert_eq!(suites[0].tests.dir, "b");
        assert_eq!(suites[0].tests.env, [("KEY".to_owned(), "v".into())]);
        assert!(engine("guard", text).is_none());
    }

    #[test]
    fn each_build_has_its_own_logs() {
        let cgocheck2 = engine("cgocheck2", "").unwrap();
        let suites = cgocheck2.suites(Profile::Quick, &native::Linked::default());
        let logs: Vec<_> = suites.iter().map(|suite| suite.log.as_str()).collect();
        assert_eq!(logs, ["cgocheck2", "cgocheck2.race"]);
        assert_eq!(suites[1].way.options, ["-race"]);
        let experiments = suites.iter().map(|suite| suite.way.experiment);
        assert!(experiments.eq([Some("cgocheck2"); 2]));
    }
}
