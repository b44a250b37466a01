//! Runs `go test -json` in `go-harness`, for the engines that are builds of the Go tests.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};

use super::Context;
use super::ask::{Answer, Question, Sign};
use crate::host::child::{End, Finished, quiet, quoted, read_lossy};
use crate::host::out::one_line;
use crate::read::gotest::{self, Death, Run};
use crate::record::{self, Evidence, Outcome, Record};

/// Every package.
pub(super) const ALL: &str = "./...";

/// As many as make goroutines take turns, run side by side, and outnumber small machines.
pub(super) const PROCESSORS: &[u32] = &[1, 2, 4];

/// Format of `go list`: path, folder and test files of each package that has tests in this build.
const TEST_FILES: &str = "{{if or .TestGoFiles .XTestGoFiles}}{{.ImportPath}}\t{{.Dir}}\
    {{range .TestGoFiles}}\t{{.}}{{end}}{{range .XTestGoFiles}}\t{{.}}{{end}}{{end}}";

/// One way to build and run the Go tests.
pub(super) struct GoSuite {
    pub(super) engine: &'static str,
    /// Part of the names of log files.
    pub(super) log: String,
    pub(super) env: Vec<(&'static str, OsString)>,
    /// Options of `go test`, beside `-json`, `-count`, `-cpu` and `-shuffle`.
    pub(super) options: Vec<String>,
    /// What is tested.
    pub(super) packages: &'static str,
    /// Prefix of the tests that are run, if those are not all.
    pub(super) only: Option<&'static str>,
    pub(super) repetitions: u32,
    /// How many processors Go may use: the repetitions run with each. Empty leaves it to Go.
    pub(super) processors: &'static [u32],
    /// A new order of tests each time; the seed is part of the evidence.
    pub(super) shuffle: bool,
}

/// What a run left behind.
pub(super) struct Ran {
    pub(super) run: Run,
    pub(super) finished: Finished,
}

impl Ran {
    /// Why this run of a planted bug says nothing, if it ended in another way than the bug's.
    pub(super) fn unfit(&self) -> Option<String> {
        if self.finished.success() {
            Some("the planted bug passed".to_owned())
        } else if let Some(error) = self.run.build_error() {
            Some(format!("it did not build: {error}"))
        } else if !matches!(self.finished.end, End::Exited(_)) {
            Some(self.finished.how())
        } else {
            None
        }
    }

    /// How the run as a whole failed.
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
    /// Runs the canary in this folder below `internal/canary`.
    pub(super) fn canary(&self, context: &Context<'_>, folder: &str) -> Result<Ran> {
        self.canary_test(context, folder, ".")
    }

    /// Runs the tests of the canary in this folder that match `pattern`.
    pub(super) fn canary_test(
        &self,
        context: &Context<'_>,
        folder: &str,
        pattern: &str,
    ) -> Result<Ran> {
        let package = format!("./internal/canary/{folder}");
        let run = format!("-run={pattern}");
        // Of two -tags the last one counts, and a canary needs none but its own.
        let options = ["-json", "-count=1", "-tags=canary", &run, &package];
        self.run(context, &format!("{}.canary", self.log), &options, quiet)
    }

    /// Runs all tests, and gives the run beside its records.
    pub(super) fn checks(&self, context: &Context<'_>) -> Result<(Vec<Record>, Ran)> {
        let mut options = vec!["-json".to_owned()];
        options.extend(self.how_often());
        options.extend(self.shuffle.then(|| "-shuffle=on".to_owned()));
        options.extend(self.only.map(|only| format!("-run=^{only}")));
        options.push(self.packages.to_owned());
        let options: Vec<&str> = options.iter().map(String::as_str).collect();
        let ran = self.run(context, &self.log, &options, gotest::closing_line)?;
        let Ran { run, finished } = &ran;
        let log = context.run.shown_log(&finished.log);
        let mut records = run.records(
            self.engine,
            context.catalogue,
            self.repetitions * self.processors.len().max(1) as u32,
            record::cut(finished),
            |package, seed| Evidence {
                command: self.repeat(package, seed),
                log: Some(log.clone()),
                scenario: None,
            },
        );
        let explained = records.iter().any(|record| !record.is_green());
        let wrong = if finished.success() {
            // A tag or a pattern that names nothing: go test calls that ok.
            records
                .is_empty()
                .then(|| (Outcome::Fail, "no test ran".to_owned()))
        } else {
            (!explained).then(|| ran.failure())
        };
        if let Some((outcome, why)) = wrong {
            let mut record = Record::check(self.engine, "go test", outcome).because(why);
            record.evidence = context.evidence(finished);
            records.push(record);
        }
        Ok((records, ran))
    }

    /// Runs the tests whose names carry a contract in question, until each had its turn or one is red: a
    /// test that ends its process takes those behind it along.
    pub(super) fn ask(&self, context: &Context<'_>, question: &Question) -> Result<Vec<Answer>> {
        let mut left = self.tests(context, question)?;
        let mut answers = Vec::new();
        let mut round = 1;
        while !left.is_empty() {
            let mut options = vec!["-json".to_owned()];
            options.extend(self.how_often());
            options.extend(self.shuffle.then(|| "-shuffle=1".to_owned()));
            let names: BTreeSet<&str> = left.iter().map(|(_, name)| name.as_str()).collect();
            let names: Vec<&str> = names.into_iter().collect();
            options.push(format!("-run=^({})$", names.join("|")));
            let packages: BTreeSet<&String> = left.iter().map(|(package, _)| package).collect();
            options.extend(packages.into_iter().cloned());
            let options: Vec<&str> = options.iter().map(String::as_str).collect();
            let log = format!("{}.{}.{round}", self.log, question.log);
            let ran = self.run(context, &log, &options, quiet)?;
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

    /// Answers of a run, and the tests that had their turn in it.
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
        for record in records {
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
            let record = Record::check(self.engine, "go test", outcome).because(why);
            answers.push(Answer::of(&record));
        }
        (answers, ended)
    }

    /// Package and name of each test that is asked for, as far as it is in this build.
    fn tests(
        &self,
        context: &Context<'_>,
        question: &Question,
    ) -> Result<BTreeSet<(String, String)>> {
        let options = self
            .options
            .iter()
            .filter(|option| !option.starts_with("-exec="));
        let mut task = context.go(&format!("{}.{}.list.log", self.log, question.log), ["list"])?;
        for (key, value) in &self.env {
            task = task.env(key, value);
        }
        let out = context.log(&format!("{}.{}.list", self.log, question.log));
        let finished = task
            .args(options)
            .args(["-f", TEST_FILES, self.packages])
            .stdout_to(&out)
            .run(context.progress, quiet)?;
        ensure!(
            finished.success(),
            "go list {}: {}",
            self.packages,
            one_line(&finished.log_text(), 300)
        );
        let mut tests = BTreeSet::new();
        for line in read_lossy(&out).lines() {
            let mut words = line.split('\t');
            let (Some(package), Some(dir)) = (words.next(), words.next()) else {
                continue;
            };
            for file in words {
                let path = Path::new(dir).join(file);
                let text = fs::read_to_string(&path)
                    .with_context(|| format!("cannot read {}", path.display()))?;
                tests.extend(
                    names(&text)
                        .filter(|name| self.only.is_none_or(|only| name.starts_with(only)))
                        .filter(|name| {
                            question.concerns(&context.catalogue.contracts_in_name(name))
                        })
                        .map(|name| (package.to_owned(), name.to_owned())),
                );
            }
        }
        Ok(tests)
    }

    /// What a person reads while it runs.
    pub(super) fn step(&self) -> String {
        let order = self.shuffle.then(|| "-shuffle=on".to_owned());
        format!("{}: {}", self.engine, self.command(order, self.packages))
    }

    /// The command that repeats a package. The order of all its tests follows from the seed.
    fn repeat(&self, package: &str, seed: Option<&str>) -> String {
        let order = self
            .shuffle
            .then(|| format!("-shuffle={}", seed.unwrap_or("on")));
        format!("cd go-harness && {}", self.command(order, package))
    }

    fn command(&self, order: Option<String>, package: &str) -> String {
        let mut words: Vec<_> = self
            .env
            .iter()
            .map(|(key, value)| format!("{key}={}", quoted(value)))
            .collect();
        words.extend(["go".to_owned(), "test".to_owned()]);
        words.extend(self.options.iter().map(|option| quoted(option.as_ref())));
        words.extend(self.how_often());
        words.extend(order);
        words.extend(
            self.only
                .map(|only| quoted(format!("-run=^{only}").as_ref())),
        );
        words.push(package.to_owned());
        words.join(" ")
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
        log: &str,
        options: &[&str],
        show: fn(&str) -> Option<String>,
    ) -> Result<Ran> {
        let events = context.log(&format!("{log}.json"));
        let mut task = context.go(&format!("{log}.log"), ["test"])?;
        for (key, value) in &self.env {
            task = task.env(key, value);
        }
        let finished = task
            .args(&self.options)
            .args(options)
            .stdout_to(&events)
            .run(context.progress, show)?;
        let run = Run::read(&read_lossy(&events), &finished.log_text());
        fs::write(&finished.log, run.text())?;
        Ok(Ran { run, finished })
    }
}

/// A record as an answer. Repetitions that passed explain no crash.
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
            env: Vec::new(),
            options: vec!["-race".to_owned()],
            packages: ALL,
            only: None,
            repetitions: 3,
            processors: &[1, 4],
            shuffle: true,
        };
        assert_eq!(
            suite.repeat("p/q", Some("17")),
            "cd go-harness && go test -race -count=3 -cpu=1,4 -shuffle=17 p/q"
        );
        suite.shuffle = false;
        suite.processors = &[];
        suite.options = vec!["-exec=taskset -c 0".to_owned()];
        suite.env = vec![("GOEXPERIMENT", "cgocheck2".into())];
        assert_eq!(
            suite.repeat("p", None),
            "cd go-harness && GOEXPERIMENT=cgocheck2 go test '-exec=taskset -c 0' -count=3 p"
        );
    }
}
