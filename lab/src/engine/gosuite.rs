//! Runs `go test -json` in a module of the subject, for the engines that are builds of the Go tests.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use super::Context;
use super::ask::{Answer, Question, Sign};
use super::overlay::{Overlay, SETTLES, Tested};
use super::way::{Compilers, Way};
use crate::host::child::{End, Finished, quiet, quoted, read_lossy};
use crate::host::out::one_line;
use crate::host::taskset;
use crate::host::workspace::DESCRIPTION;
use crate::read::gotest::{self, Death, Run};
use crate::record::{self, Evidence, Outcome, Record};

/// Format of `go list`: path, name, folder, number of external test files and test files of each package
/// that has tests in this build.
const TEST_FILES: &str = "{{if or .TestGoFiles .XTestGoFiles}}{{.ImportPath}}\t{{.Name}}\t{{.Dir}}\
    \t{{len .XTestGoFiles}}{{range .TestGoFiles}}\t{{.}}{{end}}{{range .XTestGoFiles}}\t{{.}}{{end}}{{end}}";

/// The name of a check that stands for all tests of a suite: none of them has run.
pub(super) const SUITE: &str = "go test";

/// Folder of overlays in that of results. Its leading underscore hides it from patterns such as `./...`.
const OVERLAYS: &str = "_overlays";

/// Go tests of the subject, as its description has them.
#[derive(Debug, Clone, Default)]
pub(super) struct Tests {
    /// Added to the name of the log.
    pub(super) log: String,
    /// The folder of the module, from the root of the checkout.
    pub(super) dir: String,
    pub(super) packages: Vec<String>,
    pub(super) tags: Vec<String>,
    pub(super) env: Vec<(String, OsString)>,
    /// Words for the linker.
    pub(super) link: Option<String>,
    /// Options of `go test`.
    pub(super) args: Vec<String>,
    /// Prefix of the tests that are run, if those are not all.
    pub(super) only: Option<String>,
    /// The time after which a run is ended, if it differs from the limit of all children.
    pub(super) limit: Option<Duration>,
}

impl Tests {
    /// The reason why a run without a failure has no test.
    fn absent(&self) -> String {
        let named = self
            .only
            .as_ref()
            .map_or_else(String::new, |only| format!(" named {only}…"));
        let packages = self.packages.join(" ");
        format!(
            "no test ran: {packages} has none{named}; write one, or mend the packages in {DESCRIPTION}"
        )
    }
}

/// One way to build and run Go tests.
#[derive(Debug, Clone)]
pub(super) struct GoSuite {
    pub(super) engine: &'static str,
    /// Part of the names of log files.
    pub(super) log: String,
    pub(super) way: Way,
    pub(super) tests: Tests,
    pub(super) repetitions: u32,
    /// The numbers of processors that Go may use; the repetitions run with each. If empty, Go decides.
    pub(super) processors: &'static [u32],
    /// A new order of tests each time; the seed is part of the evidence.
    pub(super) shuffle: bool,
}

/// The result of a run of `go test`.
pub(super) struct Ran {
    pub(super) run: Run,
    pub(super) finished: Finished,
}

/// Variables and options of `go test`, for every run of a suite alike.
pub(super) struct Invocation {
    env: Vec<(String, OsString)>,
    options: Vec<String>,
}

impl Ran {
    /// The reason why this run of a planted mistake proves nothing, if it did not end by its tests.
    pub(super) fn unfit(&self) -> Option<String> {
        if let Some(error) = self.run.build_error() {
            Some(format!("it did not build: {error}"))
        } else if !matches!(self.finished.end, End::Exited(_)) {
            Some(self.finished.how())
        } else {
            None
        }
    }

    /// Outcome and reason of a run that failed as a whole.
    fn failure(&self) -> (Outcome, String) {
        match (record::cut(&self.finished), self.run.build_error()) {
            (Some(cut), _) => (cut, self.finished.how()),
            (None, Some(error)) => (Outcome::BuildFailed, error),
            (None, None) => {
                let why = format!("{}: {}", self.finished.how(), self.run.first_message());
                (Outcome::Fail, why)
            }
        }
    }
}

impl GoSuite {
    /// Runs a test, once.
    pub(super) fn run_only(
        &self,
        context: &Context<'_>,
        invocation: &Invocation,
        test: &str,
    ) -> Result<Ran> {
        let mut options = vec![
            "-json".to_owned(),
            "-count=1".to_owned(),
            format!("-run={}", self.way.pattern(test)),
        ];
        options.extend(self.tests.packages.iter().cloned());
        let log = format!("{}.{test}", self.log);
        self.run(context, invocation, &log, &options, quiet)
    }

    /// Runs all tests, and gives the run beside its records.
    pub(super) fn checks(&self, context: &Context<'_>) -> Result<(Vec<Record>, Ran)> {
        let mut options = vec!["-json".to_owned()];
        options.extend(self.how_often());
        options.extend(self.shuffle.then(|| "-shuffle=on".to_owned()));
        let only = self.tests.only.iter();
        options.extend(only.map(|only| format!("-run=^{only}")));
        options.extend(self.tests.packages.iter().cloned());
        let invocation = self.invocation(context)?;
        let ran = self.run(
            context,
            &invocation,
            &self.log,
            &options,
            gotest::closing_line,
        )?;
        let Ran { run, finished } = &ran;
        let log = context.run.shown_log(&finished.log);
        let mut records = run.records(
            self.engine,
            context.catalogue,
            self.repetitions * self.processors.len().max(1) as u32,
            record::cut(finished),
            |package, seed| Evidence {
                command: self.repeat(&invocation, package, seed),
                log: Some(log.clone()),
                scenario: None,
            },
        );
        records.retain(|record| record.check != SETTLES);
        let explained = records.iter().any(|record| !record.is_green());
        let wrong = if finished.success() {
            // A tag or a pattern that names nothing: go test calls that ok.
            records
                .is_empty()
                .then(|| (Outcome::Fail, self.tests.absent()))
        } else {
            (!explained).then(|| ran.failure())
        };
        if let Some((outcome, why)) = wrong {
            let mut record = Record::check(self.engine, SUITE, outcome).because(why);
            record.evidence = context.evidence(finished);
            records.push(record);
        }
        Ok((records, ran))
    }

    /// Runs the tests whose names carry a contract in question, until each has run or one is red. This may take
    /// several processes, because a test that ends its process keeps later ones from running.
    pub(super) fn ask(&self, context: &Context<'_>, question: &Question) -> Result<Vec<Answer>> {
        let mut left = self.tests(context, question)?;
        let mut answers = Vec::new();
        if left.is_empty() {
            return Ok(answers);
        }
        let invocation = self.invocation(context)?;
        let mut round = 1;
        while !left.is_empty() {
            let mut options = vec!["-json".to_owned()];
            options.extend(self.how_often());
            options.extend(self.shuffle.then(|| "-shuffle=1".to_owned()));
            let names: BTreeSet<&str> = left.iter().map(|(_, name)| name.as_str()).collect();
            let names: Vec<&str> = names.into_iter().collect();
            let names = format!("({})", names.join("|"));
            options.push(format!("-run={}", self.way.pattern(&names)));
            let packages: BTreeSet<&String> = left.iter().map(|(package, _)| package).collect();
            options.extend(packages.into_iter().cloned());
            let log = format!("{}.{}.{round}", self.log, question.log);
            let ran = self.run(context, &invocation, &log, &options, quiet)?;
            let (found, ended) = self.answers(context, &ran);
            let before = left.len();
            left.retain(|(_, name)| !ended.contains(name));
            let stuck = left.len() == before;
            answers.extend(found);
            // What was red before its process died is enough to know.
            if answers.iter().any(|it| question.is_answered_by(it)) {
                break;
            }
            if stuck {
                answers.extend(left.into_iter().map(|(_, name)| Answer {
                    contract: None,
                    check: name,
                    sign: Sign::NotRun(ran.finished.how()),
                }));
                break;
            }
            round += 1;
        }
        Ok(answers)
    }

    /// Answers of a run, and the tests that it ran.
    fn answers(&self, context: &Context<'_>, ran: &Ran) -> (Vec<Answer>, BTreeSet<String>) {
        let records = ran.run.records(
            self.engine,
            context.catalogue,
            self.repetitions * self.processors.len().max(1) as u32,
            record::cut(&ran.finished),
            |_, _| Evidence::default(),
        );
        let mut ended = BTreeSet::new();
        let mut answers = Vec::new();
        for record in records.into_iter().filter(|it| it.check != SETTLES) {
            // It gets another turn.
            if record.outcome == Outcome::NotRun && record::cut(&ran.finished).is_none() {
                continue;
            }
            let test = record.check.split('/').next().unwrap_or_default();
            ended.insert(test.to_owned());
            answers.push(answer(&ran.run, &record));
        }
        if answers.is_empty() && !ran.finished.success() {
            let (outcome, why) = ran.failure();
            let record = Record::check(self.engine, SUITE, outcome).because(why);
            answers.push(Answer::of(&record));
        }
        (answers, ended)
    }

    /// Package and name of each requested test that is part of this build.
    fn tests(
        &self,
        context: &Context<'_>,
        question: &Question,
    ) -> Result<BTreeSet<(String, String)>> {
        let mut tests = BTreeSet::new();
        for package in self.packages(context, &format!("{}.{}", self.log, question.log))? {
            for file in package.files {
                let path = package.tested.dir.join(file);
                let text = fs::read_to_string(&path)
                    .with_context(|| format!("cannot read {}", path.display()))?;
                tests.extend(
                    names(&text)
                        .filter(|name| {
                            let only = self.tests.only.as_ref();
                            only.is_none_or(|only| name.starts_with(only.as_str()))
                        })
                        .filter(|name| {
                            question.concerns(&context.catalogue.contracts_in_name(name))
                        })
                        .map(|name| (package.path.clone(), name.to_owned())),
                );
            }
        }
        Ok(tests)
    }

    /// The packages that have tests in this build.
    fn packages(&self, context: &Context<'_>, log: &str) -> Result<Vec<Listed>> {
        let dir = context.workspace.path(&self.tests.dir);
        let mut task = context.go(&format!("{log}.list.log"), &dir, ["list"])?;
        // An experiment is a build tag, too.
        for (key, value) in &self.short().env {
            task = task.env(key, value);
        }
        let out = context.log(&format!("{log}.list"));
        let finished = task
            .args(self.way.options)
            .args(self.tags())
            .args(["-f", TEST_FILES])
            .args(&self.tests.packages)
            .stdout_to(&out)
            .run(context.progress, quiet)?;
        ensure!(
            finished.success(),
            "go list {}: {}",
            self.tests.packages.join(" "),
            one_line(&finished.log_text(), 300)
        );
        Ok(read_lossy(&out).lines().filter_map(Listed::read).collect())
    }

    /// Writes the files that the way lays beside the tests, and returns the option that names them.
    fn overlay(&self, context: &Context<'_>) -> Result<Option<String>> {
        let Some(overlay) = self.way.overlay else {
            return Ok(None);
        };
        let listed = self.packages(context, &format!("{}.overlay", self.log))?;
        let tested: Vec<Tested> = listed.into_iter().map(|it| it.tested).collect();
        let list = self.overlay_list(context, overlay);
        overlay.write(&tested, &list)?;
        Ok(Some(format!("-overlay={}", list.display())))
    }

    /// Its place is the same in each run: Go builds anew what has moved.
    fn overlay_list(&self, context: &Context<'_>, overlay: Overlay) -> PathBuf {
        let folder = context.workspace.lab().join(OVERLAYS).join(overlay.name());
        folder.join(format!("{}.json", self.log))
    }

    /// The user's compilers, if words are added to their flags.
    fn compilers(&self, context: &Context<'_>) -> Result<Compilers> {
        if self.way.compiler.is_empty() && self.tests.link.is_none() {
            return Ok(Compilers::default());
        }
        let out = context.log(&format!("{}.compilers", self.log));
        let dir = context.workspace.path(&self.tests.dir);
        let log = format!("{}.compilers.log", self.log);
        let mut task = context.go(&log, &dir, ["env", "-json"])?;
        for (key, value) in &self.tests.env {
            task = task.env(key, value);
        }
        let finished = task
            .args(Compilers::SETTINGS)
            .stdout_to(&out)
            .run(context.progress, quiet)?;
        ensure!(finished.success(), "go env: {}", finished.how());
        Compilers::read(&read_lossy(&out))
    }

    /// The line of progress that people read while it runs.
    pub(super) fn step(&self) -> String {
        let order = self.shuffle.then(|| "-shuffle=on".to_owned());
        format!(
            "{}: {}",
            self.engine,
            self.command(&self.short(), order, &self.tests.packages.join(" "))
        )
    }

    /// The command that repeats a package. The order of all its tests follows from the seed.
    fn repeat(&self, invocation: &Invocation, package: &str, seed: Option<&str>) -> String {
        let order = self
            .shuffle
            .then(|| format!("-shuffle={}", seed.unwrap_or("on")));
        let command = self.command(invocation, order, package);
        match self.tests.dir.as_str() {
            "." => command,
            dir => format!("cd {} && {command}", quoted(dir.as_ref())),
        }
    }

    fn command(&self, invocation: &Invocation, order: Option<String>, package: &str) -> String {
        let env = invocation.env.iter();
        let mut words: Vec<_> = env
            .map(|(key, value)| format!("{key}={}", quoted(value)))
            .collect();
        words.extend(["go".to_owned(), "test".to_owned()]);
        let options = invocation.options.iter();
        words.extend(options.map(|option| quoted(option.as_ref())));
        words.extend(self.how_often());
        words.extend(order);
        let only = self.tests.only.iter();
        words.extend(only.map(|only| quoted(format!("-run=^{only}").as_ref())));
        words.push(package.to_owned());
        words.join(" ")
    }

    fn tags(&self) -> Option<String> {
        self.way.tags_option(&self.tests.tags)
    }

    fn how_often(&self) -> Vec<String> {
        let mut options = vec![format!("-count={}", self.repetitions)];
        if !self.processors.is_empty() {
            let processors: Vec<_> = self.processors.iter().map(u32::to_string).collect();
            options.push(format!("-cpu={}", processors.join(",")));
        }
        options
    }

    fn run(
        &self,
        context: &Context<'_>,
        invocation: &Invocation,
        log: &str,
        options: &[String],
        show: fn(&str) -> Option<String>,
    ) -> Result<Ran> {
        let events = context.log(&format!("{log}.json"));
        let dir = context.workspace.path(&self.tests.dir);
        let mut task = context.go(&format!("{log}.log"), &dir, ["test"])?;
        if let Some(limit) = self.tests.limit {
            task = task.limit(limit);
        }
        for (key, value) in &invocation.env {
            task = task.env(key, value);
        }
        let finished = task
            .args(&invocation.options)
            .args(options)
            .stdout_to(&events)
            .run(context.progress, show)?;
        let run = Run::read(&read_lossy(&events), &finished.log_text());
        fs::write(&finished.log, run.text())?;
        Ok(Ran { run, finished })
    }

    /// Variables and options, with those that the machine and the packages decide: Go is asked for them, so
    /// that one serves all runs of the suite.
    pub(super) fn invocation(&self, context: &Context<'_>) -> Result<Invocation> {
        let mut more: Vec<String> = self.overlay(context)?.into_iter().collect();
        if self.way.one_processor {
            more.push(format!("-exec={}", taskset::one_processor()?.join(" ")));
        }
        Ok(self.with(&self.compilers(context)?, more))
    }

    /// The same without these, for people who watch.
    fn short(&self) -> Invocation {
        self.with(&Compilers::default(), Vec::new())
    }

    fn with(&self, compilers: &Compilers, more: Vec<String>) -> Invocation {
        let link = self.tests.link.as_deref();
        let set = self.way.build_env(compilers, link).into_iter();
        let set = set.map(|(key, value)| (key, value.into()));
        let way = self.way.env.iter();
        let way = way.map(|(key, value)| ((*key).to_owned(), value.into()));
        let options = self.way.options.iter().map(ToString::to_string);
        let options = options.chain(self.tests.args.iter().cloned());
        Invocation {
            env: self
                .tests
                .env
                .iter()
                .cloned()
                .chain(set)
                .chain(way)
                .collect(),
            options: options.chain(more).chain(self.tags()).collect(),
        }
    }
}

/// A package that `go list` tells, with [`TEST_FILES`].
struct Listed {
    path: String,
    tested: Tested,
    files: Vec<String>,
}

impl Listed {
    fn read(line: &str) -> Option<Listed> {
        let mut words = line.split('\t').map(str::to_owned);
        Some(Listed {
            path: words.next()?,
            tested: Tested {
                name: words.next()?,
                dir: words.next()?.into(),
                external: words.next()? != "0",
            },
            files: words.collect(),
        })
    }
}

/// The answer that a record gives. The output of repetitions that passed does not explain a crash.
fn answer(run: &Run, record: &Record) -> Answer {
    let mut answer = Answer::of(record);
    if matches!(record.outcome, Outcome::Fail | Outcome::Unstable) {
        let report = run.sanitizer_report(&record.check);
        match (report, run.death(&record.check)) {
            (Some(why), _) | (None, Some(Death::Told(why))) => answer.sign = Sign::Red(why),
            (None, Some(Death::Untold(why))) => answer.sign = Sign::Crashed(why),
            (None, None) => {}
        }
    }
    answer
}

/// The names of the tests in a file of Go.
fn names(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter_map(|line| {
        let name = line.strip_prefix("func ")?.split('(').next()?;
        let test = ["Test", "Example", "Fuzz"]
            .iter()
            .any(|start| name.starts_with(start));
        test.then_some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::super::way;
    use super::*;

    #[test]
    fn a_crash_says_nothing_in_a_later_repetition_either() {
        let event = |action: &str, more: &str| {
            format!(r#"{{"Action":"{action}","Package":"p","Test":"TestREQ04X"{more}}}"#) + "\n"
        };
        let crash = event("output", r#","Output":"SIGSEGV: segmentation violation\n""#);
        let died = event("run", "") + &crash;
        let again = event("run", "") + &event("pass", "") + &died;
        for (stream, outcome) in [(died, Outcome::Fail), (again, Outcome::Unstable)] {
            let run = Run::read(&stream, "");
            let record = Record::check("race", "TestREQ04X", outcome).because("it died");
            let why = "SIGSEGV: segmentation violation".to_owned();
            assert_eq!(answer(&run, &record).sign, Sign::Crashed(why));
        }
    }

    #[test]
    fn a_planted_mistake_that_was_ended_proves_nothing() {
        let ended = |end| Ran {
            run: Run::read("", ""),
            finished: Finished::by(end),
        };
        let why = "timed out after 0 s".to_owned();
        assert_eq!(ended(End::TimedOut).unfit(), Some(why));
        let exited = End::Exited(std::process::ExitStatus::default());
        assert_eq!(ended(exited).unfit(), None);
    }

    #[test]
    fn a_module_around_the_results_does_not_find_what_is_laid_beside_its_tests() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("go.mod"), "module m\n\ngo 1.21\n").unwrap();
        fs::write(root.path().join("m.go"), "package m\n").unwrap();
        let tested = Tested {
            name: "m".to_owned(),
            dir: root.path().to_owned(),
            external: false,
        };
        let list = root.path().join("target/lab").join(OVERLAYS).join("x.json");
        Overlay::Storm.write(&[tested], &list).unwrap();
        let mut go = std::process::Command::new("go");
        let output = go.args(["list", "./..."]).current_dir(root.path()).output();
        assert_eq!(String::from_utf8_lossy(&output.unwrap().stdout), "m\n");
    }

    #[test]
    fn the_tests_of_a_file_are_found_by_their_names() {
        let text = "func TestREQ04X(t *testing.T) {\n\tfunc() {}()\n}\n\
                    func helper(t *testing.T) {}\nfunc (x *T) TestREQ05Y() {}\n\
                    func FuzzREQ06Z(f *testing.F) {\n";
        assert_eq!(
            names(text).collect::<Vec<_>>(),
            ["TestREQ04X", "FuzzREQ06Z"]
        );
    }

    #[test]
    fn the_command_that_repeats_a_package_has_all_that_matters() {
        let mut suite = GoSuite {
            engine: "race",
            log: "race".to_owned(),
            way: way::RACE,
            tests: Tests {
                dir: "binding".to_owned(),
                packages: vec!["./...".to_owned()],
                ..Tests::default()
            },
            repetitions: 3,
            processors: &[1, 4],
            shuffle: true,
        };
        assert_eq!(
            suite.repeat(&suite.short(), "p/q", Some("17")),
            "cd binding && go test -race -count=3 -cpu=1,4 -shuffle=17 p/q"
        );
        suite.shuffle = false;
        suite.processors = &[];
        suite.way = way::CGOCHECK2;
        suite.tests.args = vec!["-run=a b".to_owned()];
        suite.tests.env = vec![("KEY".to_owned(), "value".into())];
        suite.tests.dir = ".".to_owned();
        suite.tests.tags = vec!["a".to_owned(), "b".to_owned()];
        assert_eq!(
            suite.repeat(&suite.short(), "p", None),
            "KEY=value GOEXPERIMENT=cgocheck2 go test '-run=a b' -tags=a,b -count=3 p"
        );
    }
}
