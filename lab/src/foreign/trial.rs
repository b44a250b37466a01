//! One engine on one module: canaries, builds, runs, and reruns without what ended the process.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use super::canaries::{self, SETTLES};
use super::engines::{Engine, Must, Overlay};
use super::findings::{self, Report};
use super::known;
use super::module::{Module, Package};
use super::outcome::{EngineOutcome, Finding, Severity, State, TestTrouble, Trouble};
use crate::host::child::{self, End, Finished, Task, interrupted};
use crate::host::out::one_line;
use crate::host::progress::Progress;
use crate::host::taskset;
use crate::host::workspace::Workspace;

/// Go's own limit of a test program, if the module names none: it tells the tests that run, and prints the
/// goroutines.
const LIMIT: Duration = Duration::from_secs(300);
/// What a program that does not heed its own limit gets beyond it.
const GRACE: Duration = Duration::from_secs(30);
/// A build of C may be long; one that is longer than this hangs.
const BUILD: Duration = Duration::from_secs(3600);
/// Runs of one program: each takes out one test that ended the process.
const ROUNDS: usize = 25;
/// Tests that are run alone to find who leaks.
const ALONE: usize = 200;

/// An engine, and what it is tried on.
pub(super) struct Trial<'a> {
    pub(super) engine: &'static Engine,
    pub(super) module: &'a Module,
    pub(super) workspace: &'a Workspace,
    /// `.cgolab` of the module.
    pub(super) folder: &'a Path,
    pub(super) progress: &'a Progress,
    /// The run of the plain engine, if this is another one: what is not green there is left out here.
    pub(super) plain: Option<&'a EngineOutcome>,
}

/// What a run of a test program left.
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

/// The tests of a run, as `-test.v` tells.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Tests {
    passed: BTreeSet<String>,
    pub(super) failed: BTreeSet<String>,
    skipped: BTreeSet<String>,
    /// Begun and not ended.
    open: Vec<String>,
    /// The program came to the end of its list.
    pub(super) complete: bool,
}

impl Tests {
    fn read(text: &str) -> Tests {
        let mut tests = Tests::default();
        for line in text.lines() {
            if let Some((_, name)) = line.split_once("=== RUN   ") {
                let name = findings::top(name).to_owned();
                if !tests.open.contains(&name) {
                    tests.open.push(name);
                }
            } else if let Some((word, name)) = findings::ended(line) {
                tests.open.retain(|it| it != name);
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
            for package in self
                .module
                .packages
                .iter()
                .filter(|it| !self.plain.is_some_and(|plain| plain.runs_nothing_of(it)))
            {
                if interrupted() {
                    break;
                }
                self.try_package(package, &mut outcome)?;
            }
        }
        if interrupted() && outcome.state == State::On {
            outcome.state = State::Stopped;
        }
        outcome.seconds = started.elapsed().as_secs_f64();
        Ok(outcome)
    }

    /// Looks whether the engine sees its canaries.
    pub(super) fn proven(&self) -> Result<EngineOutcome> {
        let started = Instant::now();
        let mut outcome = EngineOutcome::left_out(self.engine, State::On);
        let cache = self.cache();
        fs::create_dir_all(&cache).with_context(|| format!("cannot make {}", cache.display()))?;
        match self.engine.one_cpu.then(taskset::one_processor) {
            Some(Err(why)) => outcome.state = State::Unsupported(format!("{why:#}")),
            _ if self.engine.reads => self.prove_vet(&mut outcome)?,
            _ => self.prove(&mut outcome)?,
        }
        outcome.seconds = started.elapsed().as_secs_f64();
        Ok(outcome)
    }

    pub(super) fn cache(&self) -> PathBuf {
        self.folder.join("cache").join(self.engine.builds_as)
    }

    fn log(&self, name: &str) -> PathBuf {
        self.cache().join(format!("{name}.log"))
    }

    /// Builds the canaries with the engine's flags and looks whether it sees them.
    fn prove(&self, outcome: &mut EngineOutcome) -> Result<()> {
        self.progress.step(format!("{}: canaries", self.engine.id));
        let package = self.canaries()?;
        let program = match self.build(&package)? {
            Ok(program) => program,
            Err(why) => {
                outcome.state = State::Unsupported(why);
                return Ok(());
            }
        };
        for canary in self.engine.canaries {
            let ran = self.test(
                &package,
                &program,
                &[format!("-test.run={}", self.only(canary.test))],
                canary.test,
            )?;
            let passed = ran.finished.success() && ran.tests.passed.contains(canary.test);
            let why = match canary.must {
                Must::SayFrom { minor, limit, .. } if passed && self.module.minor() < minor => {
                    outcome.limits.push(limit.to_owned());
                    None
                }
                Must::Say(_) | Must::SayFrom { .. } if passed => {
                    Some("the planted mistake passed".to_owned())
                }
                Must::Say(text) | Must::SayFrom { text, .. } if !ran.text.contains(text) => {
                    Some(format!("it ended without `{text}`: {}", ran.finished.how()))
                }
                Must::Say(_) | Must::SayFrom { .. } => None,
                Must::StaySilent if passed => None,
                Must::StaySilent => Some("a known false alarm is not silenced".to_owned()),
                Must::Miss(limit) => {
                    if passed {
                        outcome.limits.push(limit.to_owned());
                    }
                    None
                }
            };
            if let Some(why) = why {
                outcome.state = match interrupted() {
                    true => State::NotRun("interrupted".to_owned()),
                    false => State::Off(format!("{}: {why}", canary.test)),
                };
                return Ok(());
            }
        }
        Ok(())
    }

    /// The package of planted mistakes.
    pub(super) fn canaries(&self) -> Result<Package> {
        canaries::write(&self.folder.join("cache").join("canaries"))
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
        for (key, value) in self.engine.env.iter().chain(package.env) {
            task = task.env(key, value);
        }
        for (key, value) in self.compiler_flags() {
            task = task.env(&key, value);
        }
        // What `go vet` says of a test is not the question here.
        task = task
            .args(["test", "-c", "-vet=off"])
            .args(self.engine.flags);
        if let Some(overlay) = self.engine.overlay {
            let list = canaries::overlay(overlay, package, &self.cache())?;
            task = task.args(["-overlay"]).args([&list]);
        }
        if !package.tags.is_empty() {
            task = task.args([format!("-tags={}", package.tags.join(","))]);
        }
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

    /// The pattern of one test, and of the last one if the engine adds it.
    fn only(&self, test: &str) -> String {
        match self.engine.overlay {
            Some(Overlay::Settle) => format!("^({test}|{SETTLES})$"),
            _ => format!("^{test}$"),
        }
    }

    /// The user's own flags and those that the engine adds.
    fn compiler_flags(&self) -> Vec<(String, String)> {
        let mut added: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        let gcc = self.engine.gcc.iter().filter(|_| self.module.gcc);
        for (key, words) in self.engine.compiler.iter().chain(gcc) {
            added.entry(key).or_default().push(words);
        }
        let with_own = |(key, words): (&str, Vec<&str>)| {
            let own = self.module.flags.get(key).map_or("", String::as_str);
            (
                key.to_owned(),
                format!("{own} {}", words.join(" ")).trim().to_owned(),
            )
        };
        added.into_iter().map(with_own).collect()
    }

    /// Runs a test program with these options.
    pub(super) fn test(
        &self,
        package: &Package,
        program: &Path,
        options: &[String],
        log: &str,
    ) -> Result<Ran> {
        let log = self.log(&format!("{}.{log}", package.file_name()));
        let limit = self.module.description.timeout.unwrap_or(LIMIT);
        let mut words: Vec<String> = Vec::new();
        if self.engine.one_cpu {
            words.extend(taskset::one_processor()?);
        }
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
        for (key, value) in self.engine.run_env {
            task = task.env(key, value);
        }
        let finished = task.run(self.progress, child::quiet)?;
        let text = finished.log_text();
        Ok(Ran {
            tests: Tests::read(&text),
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
        let mut failures: BTreeMap<String, u32> = BTreeMap::new();
        let mut passed = BTreeSet::new();
        for pass in 1..=self.engine.repeat {
            self.progress.step(match self.engine.repeat {
                1 => format!("{}: {shown}", self.engine.id),
                all => format!("{}: {shown}, {pass} of {all}", self.engine.id),
            });
            let tests = self.until_complete(package, &program, &mut out, pass, outcome)?;
            passed.extend(tests.passed);
            for test in tests.failed {
                *failures.entry(test).or_default() += 1;
            }
            if interrupted() || outcome.runs_nothing_of(package) {
                break;
            }
        }
        for (test, times) in failures {
            self.judge_failure(package, &test, times, outcome);
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

    /// Runs the program again and again, each time without the tests that ended it, until it comes to its
    /// end. Gives the tests of all these runs that passed, and those that failed without ending it.
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
            let skip = skip(out);
            let ran = self.test(package, program, &skip, &format!("{pass}.{round}"))?;
            all.passed.extend(ran.tests.passed.iter().cloned());
            all.failed.extend(ran.tests.failed.iter().cloned());
            outcome.tests = outcome.tests.max(ran.tests.ran());
            let reports = findings::read(&ran.text, self.module);
            let told = !reports.is_empty();
            let blamed: BTreeSet<String> =
                reports.iter().filter_map(|it| it.test.clone()).collect();
            for report in reports {
                self.found(package, report, outcome);
            }
            if interrupted() {
                break;
            }
            // Go's testing prints PASS or FAIL in the end; a leak is told behind it.
            if ran.tests.complete || (ran.finished.success() && ran.tests.open.is_empty()) {
                if ran.tests.ran() == 0 && out.is_empty() && ran.finished.success() {
                    outcome
                        .trouble
                        .push(Trouble::nothing_ran(package, ran.why_nothing()));
                } else if !ran.finished.success() && ran.tests.failed.is_empty() && !told {
                    let why = format!(
                        "all tests passed, and the program ended with {}",
                        ran.finished.how()
                    );
                    outcome.trouble.push(Trouble::package(package, &why));
                }
                break;
            }
            let Some(test) = culprit(&ran, &blamed) else {
                let words = one_line(&last_words(&ran), 120);
                outcome.trouble.push(match ran.tests.ran() {
                    0 if out.is_empty() => Trouble::nothing_ran(
                        package,
                        format!("its program ends before the first one: {words}"),
                    ),
                    _ => Trouble::package(
                        package,
                        &format!("the test program ended outside of any test: {words}"),
                    ),
                });
                break;
            };
            all.failed.remove(&test);
            if !told {
                self.died(package, &test, &ran, outcome);
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

    /// A test ended the process, and no detector spoke.
    fn died(&self, package: &Package, test: &str, ran: &Ran, outcome: &mut EngineOutcome) {
        let timed_out = ran.timed_out();
        let death = findings::death(&ran.text, self.module).filter(|_| !timed_out);
        let why = match (&death, timed_out) {
            (_, true) => TestTrouble::TimedOut,
            (Some(report), _) => TestTrouble::Died(report.class.clone()),
            (None, _) => TestTrouble::Ended(ran.finished.how()),
        };
        match death.filter(|_| !self.engine.is_plain()) {
            Some(mut report) => {
                report.test = Some(test.to_owned());
                self.found(package, report, outcome);
            }
            None => outcome.trouble.push(Trouble::test(package, test, why)),
        }
    }

    /// A test failed, which it does not do plainly.
    fn judge_failure(
        &self,
        package: &Package,
        test: &str,
        times: u32,
        outcome: &mut EngineOutcome,
    ) {
        let seen = outcome
            .findings
            .iter()
            .any(|it| it.package == package.path && it.report.test.as_deref() == Some(test));
        if seen {
            return;
        }
        if self.engine.failing_is_seeing {
            let report = Report {
                class: "fails under a storm".to_owned(),
                test: Some(test.to_owned()),
                c: None,
                go: None,
                text: self.failure_text(package, test),
            };
            self.found(package, report, outcome);
            return;
        }
        let why = match times == self.engine.repeat {
            true => TestTrouble::Fails,
            false => TestTrouble::Flakes(times, self.engine.repeat),
        };
        outcome.trouble.push(Trouble::test(package, test, why));
    }

    /// What a failing test printed, from the log of the first run.
    fn failure_text(&self, package: &Package, test: &str) -> String {
        let text = child::read_lossy(&self.log(&format!("{}.1.1", package.file_name())));
        let lines = text
            .lines()
            .skip_while(|line| !line.contains(&format!("=== RUN   {test}")));
        let end = format!("--- FAIL: {test} ");
        let mut kept: Vec<&str> = Vec::new();
        for line in lines {
            kept.push(line);
            if line.contains(&end) || kept.len() >= 40 {
                break;
            }
        }
        kept.join("\n")
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
            known: known::of(self.engine.id, &report),
            command: self.command(package, report.test.as_deref()),
            report,
        }
    }

    /// The shortest command that shows a finding again.
    fn command(&self, package: &Package, test: Option<&str>) -> String {
        let mut words: Vec<String> = self
            .engine
            .env
            .iter()
            .chain(self.engine.run_env)
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        for (key, value) in self.compiler_flags() {
            words.push(format!("{key}='{value}'"));
        }
        if self.engine.one_cpu {
            words.push("taskset -c 0".to_owned());
        }
        words.push("go test".to_owned());
        words.extend(self.engine.flags.iter().map(|it| (*it).to_owned()));
        if !package.tags.is_empty() {
            words.push(format!("-tags={}", package.tags.join(",")));
        }
        if let Some(overlay) = self.engine.overlay {
            words.push(format!(
                "-overlay=.cgolab/cache/{}/{}",
                self.engine.builds_as,
                canaries::list_name(overlay, package)
            ));
        }
        words.extend(test.map(|it| format!("-run '{}'", self.only(it))));
        words.push(package.relative(self.module));
        words.join(" ")
    }

    /// Finds those of the tests that leak, by running each alone: a leak has no caller in Go.
    fn attribute(
        &self,
        package: &Package,
        program: &Path,
        tests: &BTreeSet<String>,
        outcome: &mut EngineOutcome,
    ) -> Result<()> {
        let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (number, test) in tests.iter().take(ALONE).enumerate() {
            if interrupted() {
                break;
            }
            self.progress.step(format!(
                "{}: who leaks? {} of {}: {test}",
                self.engine.id,
                number + 1,
                tests.len()
            ));
            let ran = self.test(
                package,
                program,
                &[format!("-test.run={}", self.only(test))],
                "alone",
            )?;
            for report in findings::read(&ran.text, self.module) {
                let key = key(&report);
                found.entry(key).or_default().push(test.clone());
            }
        }
        for finding in &mut outcome.findings {
            if finding.package != package.path || finding.report.test.is_some() {
                continue;
            }
            if let Some(tests) = found.get(&key(&finding.report)) {
                finding.report.test = tests.first().cloned();
                finding.command = self.command(package, finding.report.test.as_deref());
                finding.tests.clone_from(tests);
            }
        }
        Ok(())
    }
}

/// What two leaks have in common that are the same: class and stack, without addresses.
fn key(report: &Report) -> String {
    let stack = report
        .text
        .lines()
        .skip(1)
        .map(|line| line.split(" in ").nth(1).unwrap_or(line));
    format!("{}\n{}", report.class, stack.collect::<Vec<_>>().join("\n"))
}

/// The test to be left out next: one that a report names, else the one that ran.
fn culprit(ran: &Ran, blamed: &BTreeSet<String>) -> Option<String> {
    let open = &ran.tests.open;
    if let Some(test) = open.iter().rev().find(|it| blamed.contains(*it)) {
        return Some(test.clone());
    }
    // Tests that run in parallel: the traceback of the one that died comes first.
    let in_trace = open
        .iter()
        .filter_map(|it| ran.text.find(&format!(".{it}(")).map(|at| (at, it)))
        .min();
    let open = in_trace.map(|(_, it)| it).or(open.last()).cloned();
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
fn skip(out: &BTreeSet<String>) -> Vec<String> {
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

/// The line of a failed build that says most.
fn compiler_line(text: &str) -> String {
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

    #[test]
    fn tests_of_a_run_are_told_apart() {
        let text = "=== RUN   TestA\n=== RUN   TestA/x\n    --- PASS: TestA/x (0.00s)\n--- PASS: TestA (0.00s)\n\
            === RUN   TestB\n--- SKIP: TestB (0.00s)\n=== RUN   TestC\nprinted--- FAIL: TestC (0.00s)\n=== RUN   TestD\n";
        let tests = Tests::read(text);
        assert_eq!(tests.passed, ["TestA".to_owned()].into());
        assert_eq!(tests.skipped, ["TestB".to_owned()].into());
        assert_eq!(tests.failed, ["TestC".to_owned()].into());
        assert_eq!(tests.open, ["TestD"]);
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
        assert_eq!(culprit(&ran, &BTreeSet::new()).as_deref(), Some("TestA"));
        // A report that names a test knows better.
        let blamed = BTreeSet::from(["TestB".to_owned()]);
        assert_eq!(culprit(&ran, &blamed).as_deref(), Some("TestB"));
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
