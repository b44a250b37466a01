//! asan: the Go tests with AddressSanitizer in Go, C and Rust.
//!
//! `go test -asan` puts checks into Go and C, and poisons what is left of a Go object's memory. The
//! static library is built for it with the same checks, which call the one runtime that Go's link
//! brings. A compiler's flag for that is nightly's, so the child takes it with `RUSTC_BOOTSTRAP`.

use std::env::consts::{ARCH, OS};
use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};

use super::ask::{Answer, Build, Question};
use super::gosuite::{GoSuite, Ran};
use super::{Canary, Context, Engine, cargo_error};
use crate::engine::layout::header::NATIVE_LIBRARIES;
use crate::host::child;
use crate::host::tools::Need;
use crate::record::{self, Record};

const ENGINE: &str = "asan";

/// Its own: other flags in one folder would build everything anew each time.
const TARGET: &str = "target/asan";

/// What only the library's own code refers to when it has the checks in it.
const CHECK: &[u8] = b"__asan_report_load";

/// Part of every report: AddressSanitizer's, and LeakSanitizer's, which comes with it.
const REPORT: &str = "Sanitizer: ";

/// What a report begins with, and the test whose bug it is.
const PLANTED: [(&str, &str); 2] = [
    (
        "TestCanaryAsanReadsTooFar",
        "AddressSanitizer: use-after-poison",
    ),
    (
        "TestCanaryAsanUsesFreedMemory",
        "AddressSanitizer: heap-use-after-free",
    ),
];

pub(super) struct Asan;

impl Engine for Asan {
    fn name(&self) -> &'static str {
        ENGINE
    }

    fn describe(&self) -> &'static str {
        "go test -asan, with the library built for AddressSanitizer"
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::C, Need::Go]
    }

    /// A program without a bug comes first: where that does not build or run, nothing is missed.
    fn unable(&self, context: &Context<'_>) -> Result<Option<String>> {
        if triple().is_none() {
            return Ok(Some(format!("not tried on {OS}/{ARCH}")));
        }
        context.progress.step("asan: a program without a bug");
        let ran = canary(context, "plain", "^TestPlain$")?;
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
        Ok(Some(format!("go test -asan does not work here: {why}")))
    }

    fn canary(&self, context: &Context<'_>) -> Result<Canary> {
        context
            .progress
            .step("asan: canary, C that reads too far and too late");
        let mut missed = None;
        let mut seconds = 0.0;
        let mut evidence = None;
        // Each report ends the process.
        for (test, report) in PLANTED {
            let ran = canary(context, test, &format!("^{test}$"))?;
            seconds += ran.finished.seconds;
            evidence = Some(context.evidence(&ran.finished));
            missed = missed.or_else(|| ran.unfit()).or_else(|| {
                (!ran.run.text().contains(report))
                    .then(|| format!("{test} failed without saying `{report}`"))
            });
        }
        Ok(Canary {
            check: "planted overread",
            missed,
            evidence: evidence.unwrap_or_default(),
            seconds,
        })
    }

    fn checks(&self, context: &Context<'_>) -> Result<Vec<Record>> {
        let suite = match linked(context)? {
            Ok(suite) => suite,
            Err(record) => return Ok(vec![record]),
        };
        context.progress.step(suite.step());
        Ok(suite.checks(context)?.0)
    }

    /// Asks for reports only: a test's own assertion is for other engines to see.
    fn ask(&self, context: &Context<'_>, question: &Question) -> Result<Vec<Answer>> {
        let suite = match linked(context)? {
            Ok(suite) => suite,
            Err(record) => return Ok(vec![Answer::of(&record)]),
        };
        let answers = suite.ask(context, question)?.into_iter();
        Ok(answers.map(|answer| by_report(answer, question)).collect())
    }

    fn build(&self) -> Build {
        Build::Asan
    }
}

/// Takes a check's red for AddressSanitizer's word only if it reported. Leaks are reported when all tests
/// are through, which are those of one contract if no other was asked for.
fn by_report(mut answer: Answer, question: &Question) -> Answer {
    if answer.contract.is_none() && question.contracts.len() == 1 {
        answer.contract = question.contracts.first().cloned();
    }
    answer.only_with(REPORT)
}

/// The binding's tests with a library that has the checks in it. The inner error is the record to
/// report.
fn linked(context: &Context<'_>) -> Result<Result<GoSuite, Record>> {
    let library = match library(context)? {
        Ok(library) => library,
        Err(record) => return Ok(Err(record)),
    };
    let libraries = context.workspace.path(NATIVE_LIBRARIES);
    let libraries = fs::read_to_string(&libraries)
        .with_context(|| format!("cannot read {}", libraries.display()))?;
    let flags = format!("{} {}", library.display(), libraries.trim());
    let mut suite = suite("", "./courier/...");
    suite.options.push("-tags=courier_nolink".to_owned());
    suite.env.push(("CGO_LDFLAGS", flags.into()));
    Ok(Ok(suite))
}

fn suite(log: &str, packages: &'static str) -> GoSuite {
    GoSuite {
        engine: ENGINE,
        log: format!("{ENGINE}{log}"),
        env: Vec::new(),
        options: vec!["-asan".to_owned()],
        packages,
        only: None,
        repetitions: 1,
        processors: &[],
        shuffle: false,
    }
}

/// Runs one test of the canary's folder.
fn canary(context: &Context<'_>, log: &str, pattern: &str) -> Result<Ran> {
    suite(&format!(".{log}"), "").canary_test(context, ENGINE, pattern)
}

/// Rust's name for this machine, where the recipe is known to work. A build for a named target
/// leaves build scripts without the checks.
fn triple() -> Option<&'static str> {
    match (OS, ARCH) {
        ("linux", "x86_64") => Some("x86_64-unknown-linux-gnu"),
        ("linux", "aarch64") => Some("aarch64-unknown-linux-gnu"),
        _ => None,
    }
}

/// Builds the library with the checks. The inner error is the record to report.
fn library(context: &Context<'_>) -> Result<Result<PathBuf, Record>> {
    let triple = triple().context("unable() has let this machine through")?;
    context
        .progress
        .step("asan: cargo build --release -p courier-ffi, with AddressSanitizer");
    let build = ["build", "--release", "-p", "courier-ffi"];
    let finished = context
        .cargo(&format!("{ENGINE}.native.log"), build)
        .args(["--target", triple, "--target-dir", TARGET])
        .env("RUSTC_BOOTSTRAP", "1")
        .env("RUSTFLAGS", "-Zsanitizer=address -Zexternal-clangrt")
        .run(context.progress, child::quiet)?;
    let library = context
        .workspace
        .path(&format!("{TARGET}/{triple}/release/libcourier.a"));
    let why = if !finished.success() {
        cargo_error(&finished)
    } else if !has_checks(&library)? {
        "the library has no checks of AddressSanitizer in it".to_owned()
    } else {
        return Ok(Ok(library));
    };
    Ok(Err(context.no_library(ENGINE, &finished, why)))
}

fn has_checks(library: &PathBuf) -> Result<bool> {
    let bytes = fs::read(library).with_context(|| format!("cannot read {}", library.display()))?;
    Ok(bytes.windows(CHECK.len()).any(|window| window == CHECK))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::ask::Sign;

    #[test]
    fn a_leak_at_the_end_is_of_the_only_contract_that_was_asked_for() {
        let leak = |contracts: &[&str]| {
            let question = Question {
                contracts: contracts.iter().map(|id| (*id).to_owned()).collect(),
                broken: None,
                log: String::new(),
            };
            let answer = Answer {
                contract: None,
                check: "p/q".to_owned(),
                sign: Sign::Red("SUMMARY: AddressSanitizer: 24 byte(s) leaked".to_owned()),
            };
            by_report(answer, &question).contract
        };
        assert_eq!(leak(&["VAL-15"]).as_deref(), Some("VAL-15"));
        assert_eq!(leak(&["VAL-05", "VAL-15"]), None);
    }
}
