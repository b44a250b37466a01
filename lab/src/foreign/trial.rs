//! One engine on one module: canaries, builds, runs, and repeated runs without tests that ended the process.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use super::FOLDER;
use super::debugged;
use super::description::Library;
use super::engines::Engine;
use super::findings::{self, Open};
use super::known;
use super::module::{Module, Package, counted};
use super::outcome::{EngineOutcome, Finding, Severity, State, TestTrouble, Trouble, What};
use super::report::{LEAK, Place, Report};
use super::valgrind;
use crate::engine::canaries;
use crate::engine::native::{self, Linked};
use crate::engine::overlay::{Overlay, SETTLES, Tested};
use crate::host::child::{self, End, Finished, Task, interrupted, quoted};
use crate::host::load::under_load;
use crate::host::out::one_line;
use crate::host::progress::Progress;
use crate::host::taskset;
use crate::host::workspace::Workspace;

/// The limit of a test program if the module names none. It is Go's own limit, at which Go names the running
/// tests and prints the goroutines.
const LIMIT: Duration = Duration::from_secs(300);
/// The time that a program has to end after its own limit has passed. Then it is killed.
const GRACE: Duration = Duration::from_secs(30);
/// The time after which a build counts as hung. Builds of C may be long.
pub(super) const BUILD: Duration = Duration::from_secs(3600);
/// The greatest number of runs of one program. After each, one test that ended the process is left out.
const ROUNDS: usize = 25;
/// The package of planted mistakes.
const CANARIES: &str = "cgolab.example/canaries/detectors";
/// The greatest number of tests that run alone to find those that leak.
const ALONE: usize = 200;
/// Busy threads for each processor beside a control: with them a test is slower than the collector makes it.
const CONTROL_LOAD: usize = 8;

/// An engine, and the module that it runs on.
pub(super) struct Trial<'a> {
    pub(super) engine: &'static Engine,
    pub(super) module: &'a Module,
    pub(super) workspace: &'a Workspace,
    /// `.cgolab` of the module.
    pub(super) folder: &'a Path,
    pub(super) progress: &'a Progress,
    /// The outcome of the plain engine, if this is another one. Tests that are not green there are left out.
    pub(super) plain: Option<&'a EngineOutcome>,
    /// A time limit of a test program that is shorter than the module's.
    pub(super) limit: Option<Duration>,
    /// The time at which no further program begins.
    pub(super) deadline: Option<Instant>,
}

/// The result of a run of a test program.
pub(super) struct Ran {
    pub(super) finished: Finished,
    pub(super) text: String,
    pub(super) tests: Tests,
}

impl Ran {
    /// Reports whether it ended at a time limit, Go's own or ours.
    pub(super) fn timed_out(&self) -> bool {
        self.finished.end == End::TimedOut || self.text.contains("panic: test timed out after")
    }

    /// Reports whether it ended well, with every test that it began: a test or its C may end the program as if all
    /// had passed.
    pub(super) fn passed(&self) -> bool {
        self.finished.success() && (self.tests.complete || self.tests.open == Open::default())
    }

    /// The test that has not ended at the time limit, if it is the only one that ran.
    fn hangs(&self) -> Option<String> {
        let listed = self
            .text
            .lines()
            .skip_while(|line| *line != "\trunning tests:");
        let listed = listed.skip(1).map_while(|line| line.strip_prefix("\t\t"));
        let listed =
            listed.filter_map(|line| line.split_once(" (").map(|(name, _)| findings::top(name)));
        let mut running: BTreeSet<&str> = listed.collect();
        if running.is_empty() {
            // It did not end by itself, and has listed none.
            running = self.tests.open.0.iter().map(String::as_str).collect();
        }
        match running.len() {
            1 => running.pop_first().map(str::to_owned),
            _ => None,
        }
    }

    /// The reason for which a run that went well had no test.
    pub(super) fn why_nothing(&self) -> String {
        match (self.tests.skipped.len(), self.tests.complete) {
            (0, true) => "its test files have none".to_owned(),
            (0, false) => "its TestMain ends the program before them".to_owned(),
            (skipped, _) => format!(
                "all are skipped ({skipped}); set what they ask for, if need be as env in cgolab.toml"
            ),
        }
    }
}

/// The tests of a run, from the output of `-test.v`.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Tests {
    passed: BTreeSet<String>,
    pub(super) failed: BTreeSet<String>,
    skipped: BTreeSet<String>,
    open: Open,
    /// True if the program reached the end of its list.
    pub(super) complete: bool,
}

impl Tests {
    fn read(text: &str) -> Tests {
        let mut tests = Tests::default();
        for line in text.lines() {
            tests.open.read(line);
            if line.contains("=== RUN   ") {
                // The word that seemed to be the last was a test's own.
                tests.complete = false;
            } else if let Some((word, name)) = findings::ended(line) {
                match word {
                    "PASS" => tests.passed.insert(name.to_owned()),
                    "FAIL" => tests.failed.insert(name.to_owned()),
                    _ => tests.skipped.insert(name.to_owned()),
                };
            } else if line == "PASS" || line == "FAIL" {
                tests.complete = true;
            }
        }
        tests
    }

    /// Takes a test for one that kept the program from its end.
    fn blame(&mut self, test: Option<String>) {
        if let Some(test) = &test {
            self.passed.remove(test);
        }
        self.complete = false;
        self.open = Open(test.into_iter().collect());
    }

    pub(super) fn ran(&self) -> usize {
        self.passed.iter().filter(|it| *it != SETTLES).count() + self.failed.len()
    }
}

impl Trial<'_> {
    /// Proves the engine and runs it on every package.
    pub(super) fn run(&self) -> Result<EngineOutcome> {
        let started = Instant::now();
        let mut outcome = self.proven()?;
        if self.engine.is_plain() {
            let broken = self.module.broken.iter();
            outcome
                .trouble
                .extend(broken.map(|(path, why)| Trouble::not_built(path, why.clone())));
        }
        if outcome.state == State::On && self.engine.reads {
            self.vet(&mut outcome)?;
        } else if outcome.state == State::On {
            match self.library_lacks()? {
                // It is described: that it cannot be linked is no lack of this machine.
                Some(why) => self.note(Trouble::words(&self.module.path, &why), &mut outcome),
                None => self.try_packages(&mut outcome)?,
            }
        }
        if let Some(plain) = self.plain
            && !self.engine.reads
            && outcome.state == State::On
            && outcome.judged_nothing()
            && !plain.trouble.is_empty()
        {
            outcome.state = State::NotRun("nothing is left of what plain could not run".to_owned());
        }
        if interrupted() && outcome.state == State::On {
            outcome.state = State::Stopped;
        }
        outcome.seconds = started.elapsed().as_secs_f64();
        Ok(outcome)
    }

    fn try_packages(&self, outcome: &mut EngineOutcome) -> Result<()> {
        let packages = self.module.packages.iter();
        for package in
            packages.filter(|it| !self.plain.is_some_and(|plain| plain.runs_nothing_of(it)))
        {
            if self.is_over() {
                self.cut(package, "it was not begun", outcome);
                continue;
            }
            self.try_package(package, outcome)?;
        }
        Ok(())
    }

    /// Checks that the engine sees its canaries.
    pub(super) fn proven(&self) -> Result<EngineOutcome> {
        let started = Instant::now();
        let mut outcome = EngineOutcome::left_out(self.engine, State::On);
        let cache = self.cache();
        fs::create_dir_all(&cache).with_context(|| format!("cannot make {}", cache.display()))?;
        match self.lacking() {
            Some(why) => outcome.state = State::Unsupported(why),
            _ if self.engine.reads => self.prove_vet(&mut outcome)?,
            _ => self.prove(&mut outcome)?,
        }
        outcome.seconds = started.elapsed().as_secs_f64();
        Ok(outcome)
    }

    /// The need of the engine that this machine does not meet, for people.
    pub(super) fn lacking(&self) -> Option<String> {
        if self.engine.valgrind {
            return valgrind::lacking(self.module);
        }
        let processor = self.engine.way.one_processor.then(taskset::one_processor)?;
        processor.err().map(|why| format!("{why:#}"))
    }

    /// Builds the native library that the module's file describes; says what is wrong with it, if something is.
    pub(super) fn library_lacks(&self) -> Result<Option<String>> {
        let Some(library) = self.library() else {
            return Ok(None);
        };
        let log = self.log(&format!("native.{}", library.kind));
        let tell = |words: &str| self.progress.step(format!("{}: {words}", self.engine.id));
        let made = native::make(self.workspace, self.progress, &log, library.build, tell)?;
        let root = self.workspace.root();
        let why = match made.lacking(root, library.build, library.mark)? {
            Some(why) => Some(why),
            None => native::link(root, library.build)
                .err()
                .map(|why| format!("{why:#}")),
        };
        Ok(why.map(|why| format!("native.{}: {why}", library.kind)))
    }

    fn library(&self) -> Option<Library<'_>> {
        let asan = self.engine.way.options.contains(&"-asan");
        self.module.description.library(asan)
    }

    /// The tags and words with which Go links the library into a package. What is wrong with it was said
    /// when it was built.
    fn linked(&self, package: &Package) -> Linked {
        self.library()
            .filter(|_| package.path != CANARIES)
            .and_then(|it| native::link(self.workspace.root(), it.build).ok())
            .unwrap_or_default()
    }

    pub(super) fn cache(&self) -> PathBuf {
        self.folder.join("cache").join(self.engine.builds_as)
    }

    /// The same folder, from the module's.
    fn cache_in_module(&self) -> String {
        format!("{FOLDER}/cache/{}", self.engine.builds_as)
    }

    fn log(&self, name: &str) -> PathBuf {
        self.cache().join(format!("{name}.log"))
    }

    /// Builds the canaries with the engine's flags, and checks that it sees them.
    fn prove(&self, outcome: &mut EngineOutcome) -> Result<()> {
        self.progress.step(format!("{}: canaries", self.engine.id));
        let package = self.canaries()?;
        let program = match self.build(&package)? {
            Ok(program) => program,
            Err(why) => {
                outcome.state = match self.broken_by(&package)? {
                    Some(variable) => State::Off(format!("{variable} as it is set here: {why}")),
                    None => State::Unsupported(why),
                };
                return Ok(());
            }
        };
        outcome.state = self.sees(&package, &program, &mut outcome.limits)?;
        let unnamed = self.callers(&package).and_then(Result::err);
        outcome
            .limits
            .extend(unnamed.map(|why| valgrind::no_callers(&why)));
        Ok(())
    }

    /// The variable of the user without whose words a package builds that does not with them.
    fn broken_by(&self, package: &Package) -> Result<Option<&'static str>> {
        let mut module = self.module.clone();
        for (variable, default) in [
            ("CGO_CPPFLAGS", ""),
            ("CGO_CFLAGS", "-O2 -g"),
            ("CGO_CXXFLAGS", "-O2 -g"),
            ("CGO_LDFLAGS", "-O2 -g"),
        ] {
            let flags = &mut module.compilers.flags;
            let own = flags.insert(variable.to_owned(), default.to_owned());
            if own.is_none_or(|it| it == default) {
                continue;
            }
            let env = &mut module.description.env;
            env.insert(variable.to_owned(), default.to_owned());
            let without = Trial {
                module: &module,
                ..*self
            };
            if without.build(package)?.is_ok() {
                return Ok(Some(variable));
            }
        }
        Ok(None)
    }

    /// Checks whether a program of canaries ends as it must under this engine, and records the engine's known
    /// limits.
    pub(super) fn sees(
        &self,
        package: &Package,
        program: &Path,
        limits: &mut Vec<String>,
    ) -> Result<State> {
        let tools = self.module.tools();
        for canary in self.engine.way.canaries {
            let ran = self.test(package, program, &[self.only(canary.test)], canary.test)?;
            let passed = ran.finished.success() && ran.tests.passed.contains(canary.test);
            let unseen = canary.limit(tools).filter(|_| passed);
            limits.extend(unseen.map(|it| it.unseen.to_owned()));
            if let Some(why) = canary.missed(passed, &ran.text, &ran.finished.how(), tools) {
                return Ok(match interrupted() {
                    true => State::NotRun("interrupted".to_owned()),
                    false => State::Off(format!("{}: {why}", canary.test)),
                });
            }
        }
        Ok(State::On)
    }

    /// The package of planted mistakes.
    pub(super) fn canaries(&self) -> Result<Package> {
        let dir = canaries::detectors(&self.folder.join("cache"))?;
        Ok(Package {
            path: CANARIES.to_owned(),
            name: canaries::DETECTORS.to_owned(),
            dir,
            // No workspace of the user's has this module.
            env: &[("GOWORK", "off")],
            ..Package::default()
        })
    }

    /// Builds the tests of a package. The inner error is the compiler's line.
    pub(super) fn build(&self, package: &Package) -> Result<Result<PathBuf, String>> {
        let program = self.cache().join(format!("{}.test", package.file_name()));
        // An old program must never be taken for this build's.
        if program.exists() {
            fs::remove_file(&program)
                .with_context(|| format!("cannot remove {}", program.display()))?;
        }
        let log = self.log(&format!("{}.build", package.file_name()));
        let mut task = Task::new(self.workspace, "go", &log)
            .dir(&package.dir)
            .limit(BUILD);
        for (key, value) in &self.module.description.env {
            task = task.env(key, value);
        }
        for (key, value) in package.env {
            task = task.env(key, value);
        }
        let linked = self.linked(package);
        for (key, value) in self.build_env(&linked) {
            task = task.env(&key, value);
        }
        // What `go vet` says of a test is not the question here.
        task = task
            .args(["test", "-c", "-vet=off"])
            .args(self.engine.way.options);
        if let Some(overlay) = self.engine.way.overlay {
            let list = self.cache().join(list_name(overlay, package));
            let tested = Tested {
                name: package.name.clone(),
                dir: package.dir.clone(),
                external: package.external_tests,
            };
            overlay.write(&[tested], &list)?;
            task = task.args(["-overlay"]).args([&list]);
        }
        if let Some((env, list)) = self.callers(package).and_then(Result::ok) {
            for (key, value) in env {
                task = task.env(key, value);
            }
            task = task.args(["-overlay"]).args([&list]);
        }
        task = task.args(self.tags(package, &linked));
        task = task.args(["-o"]).args([&program]).args(["."]);
        let finished = task.run(self.progress, child::quiet)?;
        if finished.success() && program.exists() {
            return Ok(Ok(program));
        }
        if finished.success() {
            return Ok(Err(
                "go test -c made no program: the package has no tests here".to_owned(),
            ));
        }
        Ok(Err(match finished.end {
            End::Exited(_) => compiler_line(&finished.log_text()),
            _ => finished.how(),
        }))
    }

    /// The runtime that prints callers of C, if the engine needs one.
    fn callers(&self, package: &Package) -> Option<Result<valgrind::Callers>> {
        let needed = self.engine.valgrind;
        needed.then(|| valgrind::callers(&package.dir, &self.cache()))
    }

    /// The option that runs one test, and the last one if the engine adds it.
    pub(super) fn only(&self, test: &str) -> String {
        format!("-test.run={}", self.engine.way.pattern(test))
    }

    /// The option of `go` with all build tags of a package, if there are any.
    fn tags(&self, package: &Package, linked: &Linked) -> Option<String> {
        let own = package.tags.iter().chain(&linked.tags);
        self.engine.way.tags_option(own)
    }

    /// Variables of its builds.
    fn build_env(&self, linked: &Linked) -> Vec<(String, String)> {
        let compilers = &self.module.compilers;
        self.engine
            .way
            .build_env(compilers, linked.words.as_deref())
    }

    /// Runs a test program with these options.
    pub(super) fn test(
        &self,
        package: &Package,
        program: &Path,
        options: &[String],
        log: &str,
    ) -> Result<Ran> {
        self.wrapped(&[], package, program, options, log)
    }

    /// Runs a test program under triage, and returns the place of its report if the program died.
    pub(super) fn triage(
        &self,
        package: &Package,
        program: &Path,
        options: &[String],
    ) -> Result<Option<String>> {
        debugged::report(self.folder, &self.module.root, |wrapper| {
            self.wrapped(wrapper, package, program, options, "triage")?;
            Ok(())
        })
    }

    /// Runs a test program behind the words of another one.
    fn wrapped(
        &self,
        wrapper: &[String],
        package: &Package,
        program: &Path,
        options: &[String],
        log: &str,
    ) -> Result<Ran> {
        let log = self.log(&format!("{}.{log}", package.file_name()));
        let limit = self.limit(package);
        let mut words: Vec<String> = Vec::new();
        if self.engine.valgrind {
            words.extend(valgrind::words(&self.cache())?);
        }
        if self.engine.way.one_processor {
            words.extend(taskset::one_processor()?);
        }
        words.extend(wrapper.iter().cloned());
        words.push(program.display().to_string());
        words.extend([
            "-test.v".to_owned(),
            format!("-test.timeout={}s", limit.as_secs()),
        ]);
        words.extend(options.iter().cloned());
        let mut task = Task::new(self.workspace, &words[0], &log)
            .args(&words[1..])
            .dir(&package.dir)
            .limit(limit + GRACE)
            .alone();
        for (key, value) in &self.module.description.env {
            task = task.env(key, value);
        }
        for (key, value) in self.engine.way.env {
            task = task.env(key, value);
        }
        let finished = task.run(self.progress, child::quiet)?;
        let mut text = finished.log_text();
        let mut tests = Tests::read(&text);
        if finished.end == End::Flooded {
            tests.blame(noisiest(&text));
            text = shortened(&text);
            fs::write(&log, &text).with_context(|| format!("cannot write {}", log.display()))?;
        }
        Ok(Ran {
            tests,
            text,
            finished,
        })
    }

    fn try_package(&self, package: &Package, outcome: &mut EngineOutcome) -> Result<()> {
        let shown = package.relative(self.module);
        self.progress
            .step(format!("{}: go test -c {shown}", self.engine.id));
        let program = match self.build(package)? {
            Ok(program) => program,
            Err(why) => {
                if !interrupted() {
                    outcome.trouble.push(Trouble::not_built(&package.path, why));
                }
                return Ok(());
            }
        };
        let plainly = self
            .plain
            .map(EngineOutcome::plain_failures)
            .unwrap_or_default();
        let of_package = plainly
            .into_iter()
            .filter(|(path, _)| *path == package.path);
        let mut out: BTreeSet<String> = of_package.map(|(_, test)| test).collect();
        let mut passed = BTreeSet::new();
        let mut skipped = BTreeSet::new();
        let mut failures: BTreeMap<String, u32> = BTreeMap::new();
        let mut passes = 0;
        for pass in 1..=self.engine.repeat {
            passes = pass;
            self.progress.step(match self.engine.repeat {
                1 => format!("{}: {shown}", self.engine.id),
                all => format!("{}: {shown}, {pass} of {all}", self.engine.id),
            });
            let ended = self.until_complete(package, &program, &mut out, pass, outcome)?;
            passed.extend(ended.passed);
            skipped.extend(ended.skipped);
            for test in ended.failed {
                *failures.entry(test).or_default() += 1;
            }
            if !ended.complete || outcome.runs_nothing_of(package) {
                break;
            }
        }
        outcome.skipped += skipped.len();
        for (test, times) in failures {
            self.judge_failure(package, &program, &test, (times, passes), outcome)?;
        }
        if outcome
            .findings
            .iter()
            .any(|it| it.report.test.is_none() && it.package == package.path)
        {
            passed.retain(|it| it != SETTLES && !out.contains(it));
            self.attribute(package, &program, &passed, outcome)?;
        }
        Ok(())
    }

    /// Runs the program again, each time without the tests that ended it, until it reaches the end of its list.
    /// Returns the tests of all these runs that passed, and those that failed without ending it; complete if it came
    /// there.
    fn until_complete(
        &self,
        package: &Package,
        program: &Path,
        out: &mut BTreeSet<String>,
        pass: u32,
        outcome: &mut EngineOutcome,
    ) -> Result<Tests> {
        let mut all = Tests::default();
        for round in 1..=ROUNDS {
            if round > 1 && self.is_over() {
                let what = format!(
                    "it was not run again without {} that ended it",
                    counted(out.len(), "test")
                );
                self.cut(package, &what, outcome);
                break;
            }
            let skip = skip(out);
            let ran = self.test(package, program, &skip, &format!("{pass}.{round}"))?;
            all.passed.extend(ran.tests.passed.iter().cloned());
            all.failed.extend(ran.tests.failed.iter().cloned());
            all.skipped.extend(ran.tests.skipped.iter().cloned());
            outcome.tests = outcome.tests.max(ran.tests.ran());
            let reports = findings::read(&ran.text, self.module);
            let reported = !reports.is_empty();
            // Go's race detector and valgrind go on after a report: a death has a reason of its own.
            let explained = reports
                .iter()
                .any(|it| it.class != findings::RACE && !self.engine.valgrind);
            let blamed: BTreeSet<String> =
                reports.iter().filter_map(|it| it.test.clone()).collect();
            for report in reports {
                self.found(package, report, outcome);
            }
            if interrupted() {
                break;
            }
            // Go's testing prints PASS or FAIL in the end; a leak is told behind it.
            if ran.tests.complete || ran.passed() {
                all.complete = true;
                if valgrind::gave_up_on_leaks(&ran.text) {
                    let limit = format!("{}: {}", package.path, valgrind::NO_LEAKS);
                    outcome.limits.push(limit);
                    outcome.leaks_unsought += 1;
                } else if ran.tests.ran() == 0 && out.is_empty() && ran.finished.success() {
                    self.note(Trouble::nothing_ran(package, ran.why_nothing()), outcome);
                } else if !ran.finished.success() && ran.tests.failed.is_empty() && !reported {
                    let why = format!(
                        "all tests passed, and the program ended with {}",
                        ran.finished.how()
                    );
                    self.note(Trouble::package(package, &why), outcome);
                }
                break;
            }
            let test = match ran.timed_out() {
                true => ran.hangs(),
                false => culprit(&ran, &blamed),
            };
            let Some(test) = test else {
                self.note(self.without_culprit(package, &ran, out), outcome);
                break;
            };
            all.failed.remove(&test);
            if !explained {
                self.died(package, program, &test, &ran, outcome)?;
            }
            // A test that is skipped and ends the program all the same cannot be taken out.
            if !out.insert(test.clone()) || round == ROUNDS {
                let why = format!(
                    "given up after {round} runs: the program ends each time, the last time in {test}"
                );
                outcome.trouble.push(Trouble::package(package, &why));
                break;
            }
        }
        Ok(all)
    }

    /// Trouble with a package whose program ended early, and no test can be blamed for it.
    fn without_culprit(&self, package: &Package, ran: &Ran, out: &BTreeSet<String>) -> Trouble {
        if ran.timed_out() {
            let why = format!(
                "the test program does not end within {}; running then: {}",
                self.limit_in_words(package),
                match ran.tests.open.0.as_slice() {
                    [] => "no test".to_owned(),
                    tests => tests.join(" "),
                }
            );
            return Trouble::package(package, &why);
        }
        let words = one_line(&last_words(ran), 120);
        match ran.tests.ran() {
            0 if out.is_empty() => Trouble::nothing_ran(
                package,
                format!("its program ends before the first one: {words}"),
            ),
            _ => Trouble::package(
                package,
                &format!("the test program ended outside of any test: {words}"),
            ),
        }
    }

    /// Notes trouble once, and not where it is the same as plainly: it is told there.
    fn note(&self, trouble: Trouble, outcome: &mut EngineOutcome) {
        let mut told = outcome
            .trouble
            .iter()
            .chain(self.plain.iter().flat_map(|it| &it.trouble));
        if !told.any(|it| *it == trouble) {
            outcome.trouble.push(trouble);
        }
    }

    /// The time limit of a test program.
    fn limit(&self, package: &Package) -> Duration {
        let own = self.module.description.timeout;
        let of_module = own.filter(|_| package.path != CANARIES).unwrap_or(LIMIT);
        let limit = self.limit.map_or(of_module, |it| it.min(of_module));
        match self.engine.valgrind {
            true => limit * valgrind::SLOWER,
            false => limit,
        }
    }

    /// The time limit of a test program, and where it is set.
    fn limit_in_words(&self, package: &Package) -> String {
        format!(
            "{} s, which --timeout changes",
            self.limit(package).as_secs()
        )
    }

    /// Reports whether no further program is to begin.
    fn is_over(&self) -> bool {
        interrupted() || self.is_late()
    }

    fn is_late(&self) -> bool {
        self.deadline.is_some_and(|it| Instant::now() >= it)
    }

    /// Notes what of a package is left out because the time is over, if it is.
    fn cut(&self, package: &Package, what: &str, outcome: &mut EngineOutcome) {
        if self.is_late() && !interrupted() {
            let limit = format!("{}: no time was left: {what}", package.path);
            outcome.limits.push(limit);
            outcome.cut += 1;
        }
    }

    /// Notes a test that ended the process without a detector's report.
    fn died(
        &self,
        package: &Package,
        program: &Path,
        test: &str,
        ran: &Ran,
        outcome: &mut EngineOutcome,
    ) -> Result<()> {
        let timed_out = ran.timed_out();
        let death = findings::death(&ran.text, self.module).filter(|_| !timed_out);
        let why = match (&death, timed_out) {
            (_, true) => TestTrouble::TimedOut(self.limit_in_words(package)),
            (Some(report), _) => TestTrouble::Died(report.class.clone()),
            (None, _) if ran.finished.end == End::Flooded => TestTrouble::Died(ran.finished.how()),
            (None, _) => TestTrouble::Ended(ran.finished.how()),
        };
        match death.filter(|_| !self.engine.is_plain()) {
            Some(mut report) => {
                report.test = Some(test.to_owned());
                self.found(package, report, outcome);
            }
            None => {
                let mut trouble = Trouble::test(package, test, why);
                let died = matches!(trouble.what, What::Test(_, TestTrouble::Died(_)));
                if died || ran.finished.signal().is_some() {
                    trouble.report = self.described(package, program, test, outcome)?;
                }
                outcome.trouble.push(trouble);
            }
        }
        Ok(())
    }

    /// Has triage describe how a test ends its program, for the first ones.
    fn described(
        &self,
        package: &Package,
        program: &Path,
        test: &str,
        outcome: &EngineOutcome,
    ) -> Result<Option<String>> {
        let reports = outcome.trouble.iter().filter(|it| it.report.is_some());
        if !debugged::is_able(reports.count()) {
            return Ok(None);
        }
        self.progress.step(format!("triage of {test}"));
        self.triage(package, program, &[self.only(test)])
    }

    /// Judges a test that failed here, and not in the plain run before if this is another engine.
    fn judge_failure(
        &self,
        package: &Package,
        program: &Path,
        test: &str,
        (times, passes): (u32, u32),
        outcome: &mut EngineOutcome,
    ) -> Result<()> {
        let seen = outcome
            .findings
            .iter()
            .any(|it| it.package == package.path && it.report.test.as_deref() == Some(test));
        if seen {
            return Ok(());
        }
        if self.engine.is_plain() {
            let why = match times == passes {
                true => TestTrouble::Fails,
                false => TestTrouble::Flakes(times, passes),
            };
            outcome.trouble.push(Trouble::test(package, test, why));
        } else if self.is_provoked(package, program, test)? {
            let report = Report {
                class: "fails under a storm".to_owned(),
                test: Some(test.to_owned()),
                c: None,
                go: None,
                other: None,
                text: self.failure_text(package, test),
            };
            self.found(package, report, outcome);
        } else {
            let why = "it fails here and not plainly, and no detector spoke; it may have a time limit of its own";
            outcome.limits.push(format!("{test}: {why}"));
            outcome.perhaps_slow += 1;
        }
        Ok(())
    }

    /// Reports whether a test that fails here passes where it is as slow, and nothing else is changed.
    fn is_provoked(&self, package: &Package, program: &Path, test: &str) -> Result<bool> {
        let Some(control) = self.engine.control else {
            return Ok(false);
        };
        let control = Trial {
            engine: control,
            ..*self
        };
        let only = [control.only(test)];
        let ran = under_load(CONTROL_LOAD, || {
            control.test(package, program, &only, "control")
        })?;
        Ok(ran.finished.success())
    }

    /// The output of a failing test, from the log of the first run.
    fn failure_text(&self, package: &Package, test: &str) -> String {
        let log = self.log(&format!("{}.1.1", package.file_name()));
        findings::of_test(&child::read_lossy(&log), test)
    }

    fn found(&self, package: &Package, report: Report, outcome: &mut EngineOutcome) {
        outcome.findings.push(self.finding(package, report));
    }

    /// A report as a finding of this engine.
    pub(super) fn finding(&self, package: &Package, report: Report) -> Finding {
        Finding {
            engine: self.engine.id.to_owned(),
            package: package.path.clone(),
            severity: Severity::Error,
            tests: report.test.iter().cloned().collect(),
            // A knob's build is that of an engine.
            known: known::of(self.engine.builds_as, &report),
            command: self.command(package, report.test.as_deref(), 1),
            report,
            triage: None,
            within: String::new(),
        }
    }

    /// The shortest command that shows a finding again, with this many repetitions.
    pub(super) fn command(&self, package: &Package, test: Option<&str>, repeat: u32) -> String {
        let own = self.module.description.env.iter();
        let own = own.map(|(key, value)| (key.as_str(), value.as_str()));
        let way = self.engine.way.env.iter().copied();
        let linked = self.linked(package);
        let build = self.build_env(&linked);
        let build = build.iter().map(|(key, value)| (&**key, &**value));
        let set = own.chain(way).chain(build);
        let mut words: Vec<String> = set
            .map(|(key, value)| format!("{key}={}", quoted(value.as_ref())))
            .collect();
        if self.engine.way.one_processor {
            words.extend(taskset::one_processor().into_iter().flatten());
        }
        words.push("go test -vet=off".to_owned());
        if repeat > 1 {
            words.push(format!("-count={repeat}"));
        }
        words.extend(self.engine.way.options.iter().map(|it| (*it).to_owned()));
        words.extend(self.tags(package, &linked));
        if self.engine.valgrind {
            words.extend(valgrind::options(&self.cache_in_module()));
        }
        if let Some(overlay) = self.engine.way.overlay {
            words.push(format!(
                "-overlay={}/{}",
                self.cache_in_module(),
                list_name(overlay, package)
            ));
        }
        words.extend(test.map(|it| format!("-run '{}'", self.engine.way.pattern(it))));
        words.push(package.relative(self.module));
        words.join(" ")
    }

    /// Finds the tests that leak by running each alone, because the report of a leak names no caller in Go. What only
    /// such a run reports is a finding, too.
    fn attribute(
        &self,
        package: &Package,
        program: &Path,
        tests: &BTreeSet<String>,
        outcome: &mut EngineOutcome,
    ) -> Result<()> {
        let mut found: BTreeMap<String, (Report, Vec<String>)> = BTreeMap::new();
        let mut tried = 0;
        for test in tests.iter().take(ALONE) {
            if self.is_over() {
                break;
            }
            tried += 1;
            self.progress.step(format!(
                "{}: who leaks? {tried} of {}: {test}",
                self.engine.id,
                tests.len()
            ));
            let ran = self.test(package, program, &[self.only(test)], "alone")?;
            for report in findings::read(&ran.text, self.module) {
                let (_, tests) = found.entry(key(&report)).or_insert((report, Vec::new()));
                tests.push(test.clone());
            }
        }
        if tried < tests.len() {
            outcome.limits.push(format!(
                "{}: {tried} of {} tests were run alone to find those that leak",
                package.path,
                tests.len()
            ));
        }
        let mut known = BTreeSet::new();
        for finding in &mut outcome.findings {
            if finding.package != package.path {
                continue;
            }
            let key = key(&finding.report);
            if finding.report.test.is_none()
                && let Some((_, tests)) = found.get(&key)
            {
                finding.report.test = tests.first().cloned();
                finding.command = self.command(package, finding.report.test.as_deref(), 1);
                finding.tests.clone_from(tests);
            }
            known.insert(key);
        }
        found.retain(|key, _| !known.contains(key));
        for (mut report, tests) in found.into_values() {
            report.test = tests.first().cloned();
            let mut finding = self.finding(package, report);
            finding.tests = tests;
            outcome.findings.push(finding);
        }
        let all = tried == tests.len();
        let parts = fold_parts(&mut outcome.findings, &package.path, all);
        if parts > 0 {
            outcome.limits.push(format!(
                "{}: {} in code without lines, which no test alone shows, not told apart",
                package.path,
                counted(parts, "leak")
            ));
        }
        Ok(())
    }
}

/// Takes leaks out that no test alone shows, in code without lines: where tests leak, they are what the leaked things
/// hold, which differs from run to run. Without a test that leaks, or if not `all` were run alone, one stays, for all of
/// them. Returns the number of those that are gone.
fn fold_parts(findings: &mut Vec<Finding>, package: &str, all: bool) -> usize {
    let leaks = |it: &Finding| it.package == package && it.report.class == LEAK;
    let is_part = |it: &Finding| {
        let without_line = it
            .report
            .c
            .as_ref()
            .is_none_or(|place| place.line.is_none());
        leaks(it) && it.report.test.is_none() && without_line
    };
    let told = all
        && findings
            .iter()
            .any(|it| leaks(it) && it.report.test.is_some());
    let parts: Vec<Finding> = findings.extract_if(.., |it| is_part(it)).collect();
    let gone = parts.len();
    let Some(mut first) = parts.into_iter().next().filter(|_| !told) else {
        return gone;
    };
    if gone > 1 {
        // Which comes first differs, too.
        first.report.c = Some(Place {
            function: "code without lines".to_owned(),
            file: None,
            line: None,
            own: false,
        });
    }
    findings.push(first);
    gone - 1
}

/// The name of the file that `-overlay` takes.
fn list_name(overlay: Overlay, package: &Package) -> String {
    format!("{}.{}.json", package.file_name(), overlay.name())
}

/// The test that wrote most, if any did.
fn noisiest(text: &str) -> Option<String> {
    let mut open = Open::default();
    let mut written: BTreeMap<String, usize> = BTreeMap::new();
    for line in text.lines() {
        open.read(line);
        if let Some(test) = open.0.last() {
            *written.entry(test.clone()).or_default() += line.len();
        }
    }
    let most = written.into_iter().max_by_key(|(_, bytes)| *bytes);
    most.map(|(test, _)| test)
}

/// The start and the end of a text.
fn shortened(text: &str) -> String {
    const KEPT: usize = 64 << 10;
    let start = text.floor_char_boundary(KEPT);
    let end = text
        .ceil_char_boundary(text.len().saturating_sub(KEPT))
        .max(start);
    let left_out = end - start;
    format!(
        "{}\n… {left_out} bytes are left out\n{}",
        &text[..start],
        &text[end..]
    )
}

/// What two leaks have in common that are the same: class and stack, without addresses.
fn key(report: &Report) -> String {
    let no_address = |word: &&str| !word.starts_with("0x");
    let mut key = report.class.clone();
    for line in report.text.lines().skip(1) {
        key.push('\n');
        key.extend(line.split_whitespace().filter(no_address));
    }
    key
}

/// The test to be left out next: one that a report names, else the one that ran.
pub(super) fn culprit(ran: &Ran, blamed: &BTreeSet<String>) -> Option<String> {
    let open = &ran.tests.open;
    if let Some(test) = open.0.iter().rev().find(|it| blamed.contains(*it)) {
        return Some(test.clone());
    }
    let lines: Vec<&str> = ran.text.lines().collect();
    let death = findings::death_at(&lines).unwrap_or(lines.len());
    let open = open.about(&lines[death..]).map(str::to_owned);
    // A panic ends its test as failed before it ends the process.
    let failed = || {
        ran.text
            .lines()
            .filter_map(findings::ended)
            .filter(|(word, _)| *word == "FAIL")
            .map(|(_, it)| it.to_owned())
            .next_back()
    };
    open.or_else(failed)
}

/// The option that leaves tests out.
pub(super) fn skip(out: &BTreeSet<String>) -> Vec<String> {
    match out.len() {
        0 => Vec::new(),
        _ => vec![format!(
            "-test.skip=^({})$",
            out.iter().map(String::as_str).collect::<Vec<_>>().join("|")
        )],
    }
}

fn last_words(ran: &Ran) -> String {
    let last = ran.text.lines().rev().find(|line| !line.trim().is_empty());
    format!(
        "{}; {}",
        ran.finished.how(),
        last.unwrap_or("it printed nothing")
    )
}

/// The most informative line of a failed build.
pub(super) fn compiler_line(text: &str) -> String {
    let says = |line: &&str| {
        let line = line.to_lowercase();
        line.contains("error:")
            || line.contains("fatal")
            || line.contains("undefined")
            || line.contains("cannot find")
            || line.contains("not supported")
            || line.contains("unsupported")
            || line.contains("no required module")
    };
    let line = text.lines().find(says).or_else(|| {
        text.lines()
            .find(|line| !line.trim().is_empty() && !line.starts_with('#'))
    });
    one_line(line.unwrap_or("go prints no reason"), 160)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::foreign::engines::tests::row;

    #[test]
    fn the_test_that_writes_most_is_blamed_for_a_flood() {
        let text = "=== RUN   TestA\n--- PASS: TestA (0.00s)\n=== RUN   TestB\nmuch\n--- PASS: TestB (0.00s)\n\
                    === RUN   TestC\n--- PASS: TestC (0.00s)\nPASS\n";
        let mut tests = Tests::read(text);
        let most = noisiest(text);
        assert_eq!(most.as_deref(), Some("TestB"));
        tests.blame(most);
        assert!(!tests.complete && tests.ran() == 2);
        assert_eq!(tests.open.0, ["TestB"]);
        assert_eq!(noisiest("PASS\n"), None);
    }

    #[test]
    fn of_a_long_text_the_start_and_the_end_are_kept() {
        assert_eq!(shortened("short"), "short\n… 0 bytes are left out\n");
        let text = format!("start{}end", "é".repeat(1 << 20));
        let kept = shortened(&text);
        assert!(kept.starts_with("starté") && kept.ends_with("éend"));
        assert!(kept.len() < 140 << 10, "{}", kept.len());
        let left_out = text.len() - kept.matches('é').count() * 2 - 8;
        assert!(kept.contains(&format!("… {left_out} bytes are left out\n")));
    }

    #[test]
    fn only_the_last_word_ends_the_list_of_tests() {
        let complete = |text: &str| Tests::read(text).complete;
        assert!(complete("=== RUN   TestA\n--- PASS: TestA (0.00s)\nPASS\n"));
        assert!(!complete("=== RUN   TestA\nPASS\n=== RUN   TestB\n"));
    }

    #[test]
    fn tests_of_a_run_are_told_apart() {
        let text = "=== RUN   TestA\n=== RUN   TestA/x\n    --- PASS: TestA/x (0.00s)\n--- PASS: TestA (0.00s)\n\
            === RUN   TestB\n--- SKIP: TestB (0.00s)\n=== RUN   TestC\nprinted--- FAIL: TestC (0.00s)\n=== RUN   TestD\n";
        let tests = Tests::read(text);
        assert_eq!(tests.passed, ["TestA".to_owned()].into());
        assert_eq!(tests.skipped, ["TestB".to_owned()].into());
        assert_eq!(tests.failed, ["TestC".to_owned()].into());
        assert_eq!(tests.open.0, ["TestD"]);
        assert!(!tests.complete);
        assert!(Tests::read("=== RUN   TestA\n--- PASS: TestA (0.00s)\nPASS\n").complete);
        assert_eq!(tests.ran(), 2);
    }

    #[test]
    fn the_line_that_says_most_of_a_build_is_shown() {
        let text = "# a/b\nIn file included from x.go:3:\nx.h:1:10: fatal error: zmq.h: No such file or directory\n";
        assert_eq!(
            compiler_line(text),
            "x.h:1:10: fatal error: zmq.h: No such file or directory"
        );
        assert_eq!(
            compiler_line("# a/b\n-asan is not supported\n"),
            "-asan is not supported"
        );
        assert_eq!(compiler_line(""), "go prints no reason");
    }

    #[test]
    fn of_tests_in_parallel_the_one_whose_traceback_comes_first_ended_the_program() {
        use std::os::unix::process::ExitStatusExt as _;
        let text = "=== RUN   TestA\n=== RUN   TestB\npanic: no\n\ngoroutine 9 [running]:\n\
            a/b.TestA(0x1)\n\ngoroutine 8 [sleep]:\na/b.TestB(0x1)\n";
        let of = |text: &str, blamed: &[&str]| {
            let ran = Ran {
                finished: Finished {
                    end: End::Exited(std::process::ExitStatus::from_raw(512)),
                    seconds: 0.0,
                    command: String::new(),
                    log: PathBuf::new(),
                },
                text: text.to_owned(),
                tests: Tests::read(text),
            };
            culprit(&ran, &blamed.iter().map(|it| (*it).to_owned()).collect())
        };
        assert_eq!(of(text, &[]).as_deref(), Some("TestA"));
        // What was printed before the death is not about it, and what goes on later is not what began later.
        let (begun, died) = text.split_once("panic").unwrap();
        let logs = format!("{begun}a/b.TestB(0x1)\npanic{died}");
        assert_eq!(of(&logs, &[]).as_deref(), Some("TestA"));
        let goes_on = "=== RUN   TestA\n=== RUN   TestB\n=== CONT  TestA\n";
        assert_eq!(of(goes_on, &[]).as_deref(), Some("TestA"));
        // A report that names a test knows better.
        assert_eq!(of(text, &["TestB"]).as_deref(), Some("TestB"));
    }

    #[test]
    fn leaks_are_the_same_wherever_a_library_lies_in_memory() {
        let leak = |size: u32, address: &str, offset: &str| {
            key(&Report {
                class: "leak".to_owned(),
                test: None,
                c: None,
                go: None,
                other: None,
                text: format!(
                    "Direct leak of {size} byte(s) in 1 object(s) allocated from:\n    \
                     #0 {address} in malloc /x.c:3\n    #1 {address}  (/a/libb.so+{offset})"
                ),
            })
        };
        assert_eq!(leak(8, "0x7f1", "0x2e"), leak(16, "0x7f2", "0x2e"));
        assert_ne!(leak(8, "0x7f1", "0x2e"), leak(8, "0x7f1", "0x2f"));
    }

    #[test]
    fn where_the_time_is_over_nothing_begins_and_what_is_left_out_is_noted() {
        let folder = tempfile::tempdir().unwrap();
        let package = |path: &str| Package {
            path: path.to_owned(),
            ..Package::default()
        };
        let module = Module {
            packages: vec![package("a/b"), package("a/c")],
            ..Module::default()
        };
        let trial = Trial {
            engine: row("asan"),
            module: &module,
            workspace: &Workspace::at(folder.path()),
            folder: folder.path(),
            progress: &Progress::new(),
            plain: None,
            limit: None,
            deadline: Some(Instant::now()),
        };
        let mut outcome = EngineOutcome::left_out(trial.engine, State::On);
        trial.try_packages(&mut outcome).unwrap();
        assert_eq!(outcome.cut, 2);
        assert_eq!(outcome.limits[1], "a/c: no time was left: it was not begun");
        let tests = BTreeSet::from(["TestA".to_owned(), "TestB".to_owned()]);
        let (package, none) = (&module.packages[0], Path::new(""));
        trial
            .attribute(package, none, &tests, &mut outcome)
            .unwrap();
        assert_eq!(
            outcome.limits[2],
            "a/b: 0 of 2 tests were run alone to find those that leak"
        );
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn parts_of_what_a_test_leaks_are_no_findings() {
        let leak = |test: Option<&str>, line: Option<u32>| Finding {
            engine: "asan".to_owned(),
            package: "a/b".to_owned(),
            severity: Severity::Error,
            tests: Vec::new(),
            triage: None,
            within: String::new(),
            known: None,
            command: String::new(),
            report: Report {
                class: LEAK.to_owned(),
                test: test.map(str::to_owned),
                c: Some(Place {
                    function: "make".to_owned(),
                    file: line.map(|_| "a.c".to_owned()),
                    line,
                    own: false,
                }),
                go: None,
                other: None,
                text: String::new(),
            },
        };
        let folded = |mut found: Vec<Finding>| {
            let gone = fold_parts(&mut found, "a/b", true);
            (gone, found.len())
        };
        let part = || leak(None, None);
        assert_eq!(
            folded(vec![part(), leak(Some("TestA"), None), part()]),
            (2, 1)
        );
        // Nobody knows what they are part of: one stands for all. A line is a place of its own.
        assert_eq!(folded(vec![part(), leak(None, Some(3)), part()]), (1, 2));
        let mut elsewhere = vec![part(), leak(Some("TestA"), None)];
        assert_eq!(fold_parts(&mut elsewhere, "a/c", true), 0);
        // A test that was not run alone may be the one.
        let mut open = vec![part(), leak(Some("TestA"), None), part()];
        assert_eq!(fold_parts(&mut open, "a/b", false), 1);
        let place = open[1].report.c.as_ref().unwrap().shown();
        assert_eq!(place, "code without lines");
    }

    #[test]
    fn tests_are_left_out_by_their_whole_names() {
        assert_eq!(
            skip(&["TestA".to_owned(), "TestB".to_owned()].into()),
            ["-test.skip=^(TestA|TestB)$"]
        );
        assert!(skip(&BTreeSet::new()).is_empty());
    }
}
