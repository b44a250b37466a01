//! go, process, leak, guard: engines that are a choice of Go tests, and differ in nothing else.
//!
//! | engine | what it sees |
//! |---|---|
//! | go | what plain tests see, and the binding over a library that lies |
//! | process | how a whole process ends, and what it does with signals, threads and stacks |
//! | leak | native memory that an operation takes and does not give back |
//! | guard | memory that is touched after its loan has ended |

use anyhow::Result;

use super::gosuite::{ALL, GoSuite};
use super::{Canary, Context, Engine};
use crate::record::Record;
use crate::tools::Need;

/// The tag of tests that belong to one engine, and that plain `go test ./...` leaves out.
const TAG: &str = "-tags=lab";

/// An engine that runs Go tests.
pub(super) struct GoTests {
    name: &'static str,
    what: &'static str,
    canary: Planted,
    runs: &'static [Tests],
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
}

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
        },
        Tests {
            log: ".fake",
            options: &["-tags=courier_nolink,courier_fake"],
            packages: "./courier/internal/fakecourier",
        },
    ],
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
        },
        Tests {
            log: ".race",
            options: &["-race", TAG, "-run=^TestTHR10"],
            packages: "./internal/process",
        },
    ],
};

pub(super) static LEAK: GoTests = GoTests {
    name: "leak",
    what: "native allocations minus frees, over rounds of each operation",
    canary: Planted {
        check: "planted leaks",
        folder: "leak",
        says: &[
            "TestCanaryLost: the C heap has grown",
            "TestCanaryLostNowAndThen: the C heap has grown",
            "TestCanaryHeldByGo: the C heap has grown",
        ],
    },
    runs: &[Tests {
        log: "",
        options: &[TAG],
        packages: "./internal/leak",
    }],
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
    }],
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
        Ok(records)
    }
}

impl GoTests {
    fn suite(&self, tests: &Tests) -> GoSuite {
        GoSuite {
            engine: self.name,
            log: format!("{}{}", self.name, tests.log),
            env: Vec::new(),
            options: tests.options.to_vec(),
            packages: tests.packages,
            repetitions: 1,
            shuffle: false,
        }
    }
}
