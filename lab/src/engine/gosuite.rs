//! Runs `go test -json` in `go-harness`, for the engines that are builds of the Go tests.

use std::ffi::OsString;
use std::fs;

use anyhow::Result;

use super::Context;
use crate::child::{End, Finished, quiet, quoted, read_lossy};
use crate::gotest::{self, Run};
use crate::record::{Evidence, Outcome, Record};

/// Every package.
pub(super) const ALL: &str = "./...";

/// As many as make goroutines take turns, run side by side, and outnumber small machines.
pub(super) const PROCESSORS: &[u32] = &[1, 2, 4];

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
        match (self.finished.cut(), self.run.build_error()) {
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
        options.push(self.packages.to_owned());
        let options: Vec<&str> = options.iter().map(String::as_str).collect();
        let ran = self.run(context, &self.log, &options, gotest::closing_line)?;
        let Ran { run, finished } = &ran;
        let log = context.run.shown_log(&finished.log);
        let mut records = run.records(
            self.engine,
            context.catalogue,
            self.repetitions * self.processors.len().max(1) as u32,
            finished.cut(),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_that_repeats_a_package_has_all_that_matters() {
        let mut suite = GoSuite {
            engine: "race",
            log: "race".to_owned(),
            env: Vec::new(),
            options: vec!["-race".to_owned()],
            packages: ALL,
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
