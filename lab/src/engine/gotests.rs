//! go, process, leak, guard: engines that are a choice of Go tests, and differ in nothing else.
//!
//! | engine | what it sees |
//! |---|---|
//! | go | what plain tests see, and the binding over a library that lies |
//! | process | how a whole process ends, and what it does with signals, threads and stacks |
//! | leak | native memory that an operation takes and does not give back; goroutines that stay |
//! | guard | memory that is touched after its loan has ended |

use std::collections::BTreeSet;

use anyhow::Result;

use super::ask::{Answer, Build, Question, Sign};
use super::gosuite::{ALL, GoSuite, PROCESSORS};
use super::{Canary, Context, Engine};
use crate::host::child;
use crate::host::out::one_line;
use crate::host::taskset;
use crate::host::tools::Need;
use crate::record::profile::Profile;
use crate::record::{self, Outcome, Record};

/// The tag of tests that belong to one engine, and that plain `go test ./...` leaves out.
const TAG: &str = "-tags=lab";

/// An engine that runs Go tests.
pub(super) struct GoTests {
    name: &'static str,
    what: &'static str,
    canary: Planted,
    runs: &'static [Tests],
    /// What the binding's tests go through besides.
    storms: &'static [Storm],
    /// The first run is repeated with other releases of Go.
    releases: bool,
    /// The crash that the engine is there to bring about: what it says is the engine's word.
    crash: Option<&'static str>,
}

/// The bugs in a folder below `internal/canary`.
struct Planted {
    check: &'static str,
    folder: &'static str,
    /// What the report of each bug says.
    says: &'static [&'static str],
}

/// One `go test`.
struct Tests {
    /// Added to the name of the log.
    log: &'static str,
    options: &'static [&'static str],
    packages: &'static str,
    only: Option<&'static str>,
}

/// The binding's tests once more, shuffled and repeated, where rare orders of events are less rare.
struct Storm {
    check: &'static str,
    log: &'static str,
    /// All threads of the process share one, unlike those of one P.
    one_processor: bool,
    env: &'static [(&'static str, &'static str)],
    processors: &'static [u32],
}

const STORMS: &[Storm] = &[
    // It runs all the time, stops the world for it, and leaves nothing to read in what it has freed.
    Storm {
        check: "storm: the collector never rests",
        log: ".collector",
        one_processor: false,
        env: &[("GODEBUG", "clobberfree=1,gcstoptheworld=1"), ("GOGC", "1")],
        processors: PROCESSORS,
    },
    // Threads of the library and threads in C have to take turns, too.
    Storm {
        check: "storm: one processor for all threads",
        log: ".one-cpu",
        one_processor: true,
        env: &[],
        processors: &[],
    },
];

/// The promise that every release of Go will do.
const RELEASES: &str = "GOA-02";
/// The oldest release that the binding promises to work with.
const OLDEST: &str = "go1.21.13";
/// The others, up to the newest.
const NEWER: [&str; 6] = [
    "go1.22.12",
    "go1.23.12",
    "go1.24.13",
    "go1.25.1",
    "go1.26.8",
    "go1.27.0",
];

pub(super) static GO: GoTests = GoTests {
    name: "go",
    what: "go test over the binding, and over a library that lies",
    canary: Planted {
        check: "planted failure",
        folder: "failure",
        says: &["canary: a failing test"],
    },
    runs: &[
        Tests {
            log: "",
            options: &[],
            packages: ALL,
            only: None,
        },
        Tests {
            log: ".fake",
            options: &["-tags=courier_nolink,courier_fake"],
            packages: "./courier/internal/fakecourier",
            only: None,
        },
    ],
    storms: STORMS,
    releases: true,
    crash: None,
};

pub(super) static PROCESS: GoTests = GoTests {
    name: "process",
    what: "child processes: exits, panics, signals, threads, stacks",
    canary: Planted {
        check: "planted abort",
        folder: "process",
        says: &["SIGABRT: abort"],
    },
    runs: &[
        Tests {
            log: "",
            options: &[TAG],
            packages: "./internal/process",
            only: None,
        },
        Tests {
            log: ".race",
            options: &["-race", TAG],
            packages: "./internal/process",
            only: Some("TestTHR10"),
        },
    ],
    storms: &[],
    releases: false,
    crash: None,
};

pub(super) static LEAK: GoTests = GoTests {
    name: "leak",
    what: "native allocations minus frees, over rounds of each operation; goroutines left behind",
    canary: Planted {
        check: "planted leaks",
        folder: "leak",
        says: &[
            "TestCanaryLost: the C heap has grown",
            "TestCanaryLostNowAndThen: the C heap has grown",
            "TestCanaryHeldByGo: the C heap has grown",
        ],
    },
    runs: &[
        Tests {
            log: "",
            options: &[TAG],
            packages: "./internal/leak",
            only: None,
        },
        // A module of its own, with tests that prove themselves that they see one.
        Tests {
            log: ".goroutines",
            options: &["-C=goroutines"],
            packages: ALL,
            only: None,
        },
    ],
    storms: &[],
    releases: false,
    crash: None,
};

pub(super) static GUARD: GoTests = GoTests {
    name: "guard",
    what: "borrowed memory that nobody can touch when the loan is over",
    canary: Planted {
        check: "planted borrowers",
        folder: "guard",
        says: &[
            "TestCanaryReadsLater: the child ended with code 2",
            "TestCanaryReadsTooFar: the child ended with code 2",
        ],
    },
    runs: &[Tests {
        log: "",
        options: &[TAG],
        packages: "./guard",
        only: None,
    }],
    storms: &[],
    releases: true,
    // An access that a page refuses.
    crash: Some(", code 2"),
};

impl Engine for GoTests {
    fn name(&self) -> &'static str {
        self.name
    }

    fn describe(&self) -> &'static str {
        self.what
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::C, Need::Go]
    }

    fn canary(&self, context: &Context<'_>) -> Result<Canary> {
        let planted = &self.canary;
        context
            .progress
            .step(format!("{}: canary, {}", self.name, planted.check));
        let ran = self.suite(&self.runs[0]).canary(context, planted.folder)?;
        let missed = ran.unfit().or_else(|| {
            let text = ran.run.text();
            let silent = planted.says.iter().find(|says| !text.contains(**says))?;
            Some(format!("it failed without saying `{silent}`"))
        });
        Ok(Canary {
            check: planted.check,
            missed,
            evidence: context.evidence(&ran.finished),
            seconds: ran.finished.seconds,
        })
    }

    fn checks(&self, context: &Context<'_>) -> Result<Vec<Record>> {
        if let Err(record) = context.native_library(self.name)? {
            return Ok(vec![record]);
        }
        let mut records = Vec::new();
        for tests in self.runs {
            let suite = self.suite(tests);
            context.progress.step(suite.step());
            records.extend(suite.checks(context)?.0);
        }
        if self.releases {
            let green = records.iter().all(Record::is_green)
                && records.iter().any(|it| it.outcome == Outcome::Pass);
            let own = if green { Outcome::Pass } else { Outcome::Fail };
            records.push(self.release("this Go", own));
            let newer = match context.profile {
                Profile::Quick => &[][..],
                Profile::Full => &NEWER,
            };
            for name in [OLDEST].iter().chain(newer) {
                records.extend(self.with_release(context, name)?);
            }
        }
        for storm in self.storms {
            records.extend(self.storm(context, storm)?);
        }
        Ok(records)
    }

    /// Storms are asked when calm has seen nothing.
    fn ask(&self, context: &Context<'_>, question: &Question) -> Result<Vec<Answer>> {
        if let Err(record) = context.native_library(self.name)? {
            return Ok(vec![Answer::of(&record)]);
        }
        let mut answers = Vec::new();
        for tests in self.runs {
            let found = self.suite(tests).ask(context, question)?.into_iter();
            answers.extend(found.map(|answer| match self.crash {
                Some(crash) => answer.where_crash_is(crash),
                None => answer,
            }));
            if answers.iter().any(|it| question.is_answered_by(it)) {
                return Ok(answers);
            }
        }
        if self.releases && question.contracts.contains(RELEASES) {
            let oldest = self.ask_oldest(context, question)?;
            answers = of_release(answers, oldest);
        }
        for storm in self.storms {
            if let Ok(suite) = self.in_storm(context, storm) {
                answers.extend(suite.ask(context, question)?);
            }
        }
        Ok(answers)
    }

    fn build(&self) -> Build {
        Build::Release
    }
}

impl GoTests {
    /// Runs the tests with the oldest release.
    fn ask_oldest(&self, context: &Context<'_>, question: &Question) -> Result<Vec<Answer>> {
        let mut suite = self.suite(&self.runs[0]);
        suite.log = format!("{}.{OLDEST}", self.name);
        suite.env.push(("GOTOOLCHAIN", OLDEST.into()));
        suite.ask(context, question)
    }

    /// Says of a release whether the tests pass with it.
    fn release(&self, name: &str, outcome: Outcome) -> Record {
        Record {
            contract: Some(RELEASES.to_owned()),
            ..Record::check(self.name, name, outcome)
        }
    }

    /// Runs the tests with another release, which Go fetches. Where it cannot, they are skipped.
    fn with_release(&self, context: &Context<'_>, name: &'static str) -> Result<Vec<Record>> {
        let finished = context
            .go(&format!("{}.{name}.version.log", self.name), ["version"])?
            .env("GOTOOLCHAIN", name)
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
        let mut suite = self.suite(&self.runs[0]);
        suite.log = format!("{}.{name}", self.name);
        suite.env.push(("GOTOOLCHAIN", name.into()));
        self.again(context, &suite, |outcome| self.release(name, outcome))
    }

    /// Runs the binding's tests in a storm.
    fn storm(&self, context: &Context<'_>, storm: &Storm) -> Result<Vec<Record>> {
        match self.in_storm(context, storm) {
            Ok(suite) => self.again(context, &suite, |outcome| {
                Record::check(self.name, storm.check, outcome)
            }),
            Err(why) => {
                let record = Record::check(self.name, storm.check, Outcome::Skipped);
                Ok(vec![record.because(format!("{why:#}"))])
            }
        }
    }

    /// The binding's tests in a storm, or why this machine cannot make it.
    fn in_storm(&self, context: &Context<'_>, storm: &Storm) -> Result<GoSuite> {
        let mut suite = self.suite(&self.runs[0]);
        suite.log = format!("{}{}", self.name, storm.log);
        suite.env = storm.env.iter().map(|(key, v)| (*key, v.into())).collect();
        if storm.one_processor {
            let command = taskset::one_processor()?;
            suite.options.push(format!("-exec={}", command.join(" ")));
        }
        suite.packages = "./courier/...";
        suite.repetitions = context.profile.storm_repetitions();
        suite.processors = storm.processors;
        suite.shuffle = true;
        Ok(suite)
    }

    /// Runs tests that have been credited already: what passes is one record, made by `sum`.
    fn again(
        &self,
        context: &Context<'_>,
        suite: &GoSuite,
        sum: impl FnOnce(Outcome) -> Record,
    ) -> Result<Vec<Record>> {
        context.progress.step(suite.step());
        let (found, ran) = suite.checks(context)?;
        let count = |outcome| found.iter().filter(|it| it.outcome == outcome).count();
        let (passed, skipped) = (count(Outcome::Pass), count(Outcome::Skipped));
        let mut said = format!("{passed} of {} checks pass", found.len());
        if let Some(skip) = found.iter().find(|it| it.outcome == Outcome::Skipped) {
            let why = skip.reason.as_deref().unwrap_or("it does not say why");
            said.push_str(&format!(", {skipped} skipped: {why}"));
        }
        let red: Vec<_> = found.into_iter().filter(|it| !it.is_green()).collect();
        let outcome = if red.is_empty() && passed > 0 {
            Outcome::Pass
        } else {
            Outcome::Fail
        };
        let mut record = sum(outcome).because(said);
        record.evidence = context.evidence(&ran.finished);
        record.seconds = ran.finished.seconds;
        Ok(red.into_iter().chain([record]).collect())
    }

    fn suite(&self, tests: &Tests) -> GoSuite {
        GoSuite {
            engine: self.name,
            log: format!("{}{}", self.name, tests.log),
            env: Vec::new(),
            options: tests.options.iter().map(ToString::to_string).collect(),
            packages: tests.packages,
            only: tests.only,
            repetitions: 1,
            processors: &[],
            shuffle: false,
        }
    }
}

/// Adds the answers of the oldest release to those of this one. A test that is red with the oldest alone
/// breaks the promise to it, too.
fn of_release(mut answers: Vec<Answer>, oldest: Vec<Answer>) -> Vec<Answer> {
    let red = |answer: &Answer| matches!(answer.sign, Sign::Red(_));
    let here: BTreeSet<String> = answers
        .iter()
        .filter(|answer| red(answer))
        .map(|answer| answer.check.clone())
        .collect();
    for answer in oldest {
        let by_release =
            answer.sign == Sign::Green || red(&answer) && !here.contains(&answer.check);
        if by_release {
            answers.push(Answer {
                contract: Some(RELEASES.to_owned()),
                check: format!("{OLDEST} {}", answer.check),
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
        let blamed: Vec<String> = of_release(here, oldest)
            .into_iter()
            .filter(|it| it.contract.as_deref() == Some(RELEASES))
            .map(|it| it.check)
            .collect();
        assert_eq!(blamed, [format!("{OLDEST} old")]);
    }
}
