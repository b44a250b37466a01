//! The comparisons and the goals.
//!
//! Of each row the first case is what the others are compared with, unless a goal names another.
//! A goal that is missed for a reason has it here in short, for who reads the table; the whole of it stands
//! in the benchmark's source.

use anyhow::{Result, bail};
use serde::Serialize;

use super::figures::{self, Measured, SEARCH};
use super::goal::{Goal, at_least, at_most, limit};
use super::{CaseResult, RowResult, Side};

/// Cases that do the same.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    /// Its name in the output; `--only` takes it.
    pub(crate) benchmark: &'static str,
    pub(crate) title: &'static str,
    pub(crate) unit: &'static str,
    #[serde(skip)]
    pub(crate) source: Source,
    #[serde(skip)]
    pub(crate) cases: &'static [Case],
}

/// The source of the figures of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// The program of `bench/`.
    Program,
    /// libFuzzer, without sanitizer: the cases are targets.
    Fuzz,
    /// libFuzzer with AddressSanitizer.
    FuzzAsan,
    /// The model checker: the cases are bounds.
    Loom,
    /// A Go package, from `go-harness/`.
    Go(&'static str),
    /// The same on one processor.
    GoOneCpu(&'static str),
    /// A fuzz test of `bench/planted/`, which fuzzers search for its mistake: see [`search`](super::search).
    Planted {
        test: &'static str,
        /// The packages of Go with counters, if they are not those that `cgolab fuzz` chooses.
        instrument: Option<&'static str>,
    },
    /// The target `request_lifecycle`: the cases name the parts that are switched off.
    Parts,
}

/// One of the ways to do it.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) goals: &'static [Goal],
}

const fn case(name: &'static str, goals: &'static [Goal]) -> Case {
    Case { name, goals }
}

const fn peer(name: &'static str) -> Case {
    case(name, &[])
}

const FUZZ: &[Case] = &[
    peer("empty"),
    peer("request_model"),
    case(
        "request_lifecycle",
        &[
            at_least(0.6, "request_model").because("the model has no library to run"),
            at_least(0.1, "empty").because("an input is many calls, with files and threads"),
        ],
    ),
];

const NATIVE: &[Row] = &[
    Row {
        benchmark: "Oneshot",
        title: "create, send, receive, on one thread",
        unit: "ns/op",
        source: Source::Program,
        cases: &[
            peer("oneshot"),
            case("ours", &[at_most(1.0, "oneshot")]),
            case("ours-shared", &[at_most(1.0, "oneshot")]),
            peer("tokio"),
            peer("futures"),
            peer("mpsc"),
            peer("crossbeam"),
        ],
    },
    Row {
        benchmark: "OneshotAllocations",
        title: "the same, allocations",
        unit: "allocs/op",
        source: Source::Program,
        cases: &[peer("oneshot"), case("ours", &[limit(0.0)])],
    },
    Row {
        benchmark: "OneshotStream",
        title: "the same, sent by another thread",
        unit: "ns/op",
        source: Source::Program,
        cases: &[
            peer("oneshot-spinning"),
            case("ours-spinning", &[at_most(1.0, "oneshot-spinning")]),
            peer("oneshot"),
            peer("tokio"),
            peer("futures"),
        ],
    },
    Row {
        benchmark: "OneshotPing",
        title: "the receiver blocks (ours: a signal and a parked pump)",
        unit: "ns/op",
        source: Source::Program,
        cases: &[
            peer("oneshot"),
            case(
                "ours",
                &[at_most(1.0, "oneshot")
                    .because("a handle is looked up, and the flag is behind a lock")],
            ),
            peer("tokio"),
            peer("mpsc"),
        ],
    },
    Row {
        benchmark: "PendingMemory",
        title: "one that is pending; ours-request: load and tables too",
        unit: "B",
        source: Source::Program,
        cases: &[
            peer("oneshot"),
            case("ours", &[limit(32.0)]),
            case("ours-niche", &[limit(32.0)]),
            peer("ours-request"),
            peer("tokio"),
            peer("futures"),
        ],
    },
    Row {
        benchmark: "HandleCycle",
        title: "insert and remove (ours: a wake source's life)",
        unit: "ns/op",
        source: Source::Program,
        cases: &[peer("sharded-slab"), peer("ours"), peer("slotmap")],
    },
    Row {
        benchmark: "HandleGet",
        title: "check a handle and keep its object alive",
        unit: "ns/op",
        source: Source::Program,
        cases: &[
            peer("sharded-slab"),
            case("ours", &[at_most(1.0, "sharded-slab")]),
            peer("slotmap"),
        ],
    },
    Row {
        benchmark: "HandleGetTwoThreads",
        title: "the same on two threads at once",
        unit: "ns/op",
        source: Source::Program,
        cases: &[
            peer("sharded-slab"),
            case(
                "ours",
                &[at_most(1.0, "sharded-slab")
                    .because("a lock and a count change threads; of the peer, a count")],
            ),
            peer("slotmap"),
        ],
    },
    Row {
        benchmark: "ProptestSteps",
        title: "steps of scenarios that are made",
        unit: "steps/s",
        source: Source::Program,
        cases: &[
            peer("state-machine"),
            case("bytes", &[at_least(10.0, "state-machine")]),
        ],
    },
    Row {
        benchmark: "Fuzz",
        title: "inputs under libFuzzer",
        unit: "execs/s",
        source: Source::Fuzz,
        cases: FUZZ,
    },
    Row {
        benchmark: "FuzzAsan",
        title: "inputs under libFuzzer with AddressSanitizer",
        unit: "execs/s",
        source: Source::FuzzAsan,
        cases: FUZZ,
    },
    Row {
        benchmark: "Loom",
        title: "schedules of models with two threads, by bound",
        unit: "execs/s",
        source: Source::Loom,
        cases: &[peer("2"), peer("3"), peer("none")],
    },
];

const CAPI: Source = Source::Go("courier/internal/capi");
const COURIER: Source = Source::Go("courier");
const OWNER: Source = Source::Go("dev/bench");

const DISPATCHERS: &[Case] = &[
    peer("locked-channel"),
    case(
        "ours",
        &[at_most(1.2, "locked-channel").because("Do selects on two channels, and calls into C")],
    ),
    peer("golang.design"),
    peer("faiface"),
    peer("gopxl"),
    peer("unlocked-channel"),
];

const GO: &[Row] = &[
    Row {
        benchmark: "Call",
        title: "a call (ours: use count, window, status check, defer)",
        unit: "ns/op",
        source: COURIER,
        cases: &[
            peer("raw"),
            case(
                "ours",
                &[at_most(1.3, "raw").because("the window, a use count and two deferred calls")],
            ),
            peer("raw-in-window"),
            peer("empty-c-function"),
        ],
    },
    Row {
        benchmark: "Call",
        title: "the same, allocations",
        unit: "allocs/op",
        source: COURIER,
        cases: &[peer("raw"), case("ours", &[limit(0.0)])],
    },
    Row {
        benchmark: "FailingCall",
        title: "a call that fails (ours: its message is copied)",
        unit: "ns/op",
        source: CAPI,
        cases: &[
            peer("code-only"),
            case("ours", &[at_most(2.3, "code-only")]),
            peer("one-c-helper"),
        ],
    },
    Row {
        benchmark: "Buffer",
        title: "64 bytes go to C (ours: as argument)",
        unit: "ns/op",
        source: CAPI,
        cases: &[
            peer("without"),
            case("ours", &[at_most(1.15, "without")]),
            peer("pinner"),
            case("copied-to-c", &[at_most(1.15, "without")]),
        ],
    },
    Row {
        benchmark: "TokenLookup",
        title: "the callback behind a token (ours: stale ones are refused)",
        unit: "ns/op",
        source: CAPI,
        cases: &[
            peer("cgo.Handle"),
            case("ours", &[at_most(1.0, "cgo.Handle")]),
            peer("sharded-map"),
        ],
    },
    Row {
        benchmark: "TokenLookupParallel",
        title: "the same on all processors",
        unit: "ns/op",
        source: CAPI,
        cases: &[
            peer("cgo.Handle"),
            case("ours", &[at_most(1.0, "cgo.Handle")]),
            peer("sharded-map"),
        ],
    },
    Row {
        benchmark: "TokenLife",
        title: "new, look-up, delete (cell: with the word that C holds)",
        unit: "ns/op",
        source: CAPI,
        cases: &[
            peer("cgo.Handle"),
            case("ours", &[at_most(1.0, "cgo.Handle")]),
            peer("sharded-map"),
            peer("cgo.Handle-cell"),
            case("ours-cell", &[at_most(1.0, "cgo.Handle-cell")]),
        ],
    },
    Row {
        benchmark: "Callback",
        title: "C calls Go",
        unit: "ns/op",
        source: CAPI,
        cases: &[
            peer("empty"),
            case(
                "ours",
                &[at_most(1.3, "empty").because("panics are contained, and Goexit is told apart")],
            ),
            peer("cgo.Handle"),
            peer("ours-panicking"),
        ],
    },
    Row {
        benchmark: "OwnerDo1",
        title: "a job on the owner's thread, 1 caller",
        unit: "ns/op",
        source: OWNER,
        cases: DISPATCHERS,
    },
    Row {
        benchmark: "OwnerDo4",
        title: "the same, 4 callers",
        unit: "ns/op",
        source: OWNER,
        cases: DISPATCHERS,
    },
    Row {
        benchmark: "OwnerDo64",
        title: "the same, 64 callers",
        unit: "ns/op",
        source: OWNER,
        cases: DISPATCHERS,
    },
    Row {
        benchmark: "OwnerDoOneCPU",
        title: "the same, 1 caller, one processor",
        unit: "ns/op",
        source: Source::GoOneCpu("dev/bench"),
        cases: DISPATCHERS,
    },
    Row {
        benchmark: "OwnerPost",
        title: "a job is posted, and nobody waits",
        unit: "ns/op",
        source: OWNER,
        cases: &[
            peer("locked-channel"),
            case("ours", &[at_most(1.0, "locked-channel")]),
            peer("golang.design"),
            peer("faiface"),
            peer("gopxl"),
            peer("unlocked-channel"),
        ],
    },
    Row {
        benchmark: "OwnerInline",
        title: "a job from inside a job (ours: C is asked for the thread)",
        unit: "ns/op",
        source: COURIER,
        cases: &[
            peer("empty-call"),
            case("ours", &[at_most(1.2, "empty-call")]),
        ],
    },
];

/// Where Go has no gate, a search in turns needs its time; ten searches tell no more than this.
const C_ALONE: f64 = 1.5;

/// What searches for a planted mistake: see [`search`](super::search).
const SEARCHERS: &[Case] = &[
    peer("go-test-fuzz"),
    peer("c-only"),
    peer("linked"),
    case(
        "two-sided",
        &[
            at_most(1.0, "go-test-fuzz"),
            at_most(C_ALONE, "c-only").because("one turn of four does the same"),
        ],
    ),
];

const fn planted(
    benchmark: &'static str,
    title: &'static str,
    test: &'static str,
    cases: &'static [Case],
) -> Row {
    Row {
        benchmark,
        title,
        unit: SEARCH,
        source: Source::Planted {
            test,
            instrument: None,
        },
        cases,
    }
}

const FUZZERS: &[Row] = &[
    planted("InC", "a gate of 4 bytes in C", "FuzzInC", SEARCHERS),
    planted(
        "InCAsNumber",
        "a gate in C that compares a number",
        "FuzzInCAsNumber",
        SEARCHERS,
    ),
    planted("InGo", "a gate of 4 bytes in Go", "FuzzInGo", SEARCHERS),
    planted(
        "InCThenGo",
        "4 bytes in C, then 4 in Go",
        "FuzzInCThenGo",
        SEARCHERS,
    ),
    planted(
        "InGoThenC",
        "3 bytes in Go, then 3 in C",
        "FuzzInGoThenC",
        SEARCHERS,
    ),
    planted(
        "InGoBehindMuchC",
        "3 bytes in Go, behind 512 branches of C",
        "FuzzInGoBehindMuchC",
        SEARCHERS,
    ),
    Row {
        source: Source::Planted {
            test: "FuzzInCBehindMuchGo",
            instrument: Some("example.com/planted,encoding/json"),
        },
        ..planted(
            "InCBehindMuchGo",
            "3 bytes in C, behind encoding/json with counters",
            "FuzzInCBehindMuchGo",
            SEARCHERS,
        )
    },
    planted(
        "InGoBehindZstd",
        "a byte in Go, in a frame of zstd",
        "FuzzInGoBehindZstd",
        SEARCHERS,
    ),
    Row {
        benchmark: "Inputs",
        title: "inputs without a mistake, through C and Go",
        unit: "execs/s",
        source: Source::Planted {
            test: "FuzzNothing",
            instrument: None,
        },
        cases: &[
            peer("go-test-fuzz"),
            peer("c-only"),
            peer("linked"),
            case("two-sided", &[at_least(10.0, "go-test-fuzz")]),
            peer("two-sided-address"),
        ],
    },
    Row {
        benchmark: "Parts",
        title: "inputs of request_lifecycle",
        unit: "execs/s",
        source: Source::Parts,
        cases: &[
            peer("now"),
            peer("all-counters"),
            peer("without-played-threads"),
            peer("without-mutator"),
        ],
    },
];

/// The rows of a side that `only` names, or all.
pub(crate) fn select(side: Side, only: &[String]) -> Result<Vec<&'static Row>> {
    let rows = match side {
        Side::Native => NATIVE,
        Side::Go => GO,
        Side::Fuzz => FUZZERS,
    };
    for name in only {
        if !rows.iter().any(|row| row.benchmark == name) {
            let mut names: Vec<&str> = rows.iter().map(|row| row.benchmark).collect();
            names.dedup();
            bail!("row `{name}` is unknown; choose from {}", names.join(", "));
        }
    }
    let wanted = |row: &&Row| only.is_empty() || only.iter().any(|name| name == row.benchmark);
    Ok(rows.iter().filter(wanted).collect())
}

impl Row {
    /// The figures of this row, with verdicts.
    pub(crate) fn judge(&'static self, measured: &Measured) -> RowResult {
        let of = |case| measured.of(self.benchmark, case, self.unit);
        let typical = |case| of(case).typical(self.unit);
        let result = |case: &Case| {
            let verdict = |goal: &Goal| {
                figures::judge(*goal, typical(case.name)?, goal.against.and_then(typical))
            };
            CaseResult {
                case: case.name,
                figures: of(case.name),
                verdicts: case.goals.iter().filter_map(verdict).collect(),
            }
        };
        RowResult {
            row: self,
            results: self.cases.iter().map(result).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goals_name_cases_of_their_row() {
        for row in NATIVE.iter().chain(GO).chain(FUZZERS) {
            for goal in row.cases.iter().flat_map(|case| case.goals) {
                let known = |name| row.cases.iter().any(|case| case.name == name);
                assert!(goal.against.is_none_or(known), "{}: {goal:?}", row.title);
            }
        }
    }

    #[test]
    fn an_unknown_row_is_refused_with_the_known_ones() {
        let only = |name: &str| [name.to_owned()];
        assert_eq!(select(Side::Go, &only("Call")).unwrap().len(), 2);
        let error = select(Side::Go, &only("Fuzz")).unwrap_err().to_string();
        assert!(error.contains("`Fuzz` is unknown"), "{error}");
        assert!(error.contains("Call, FailingCall"), "{error}");
    }
}
