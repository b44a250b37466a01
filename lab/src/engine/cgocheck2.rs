//! cgocheck2: the Go tests in a build that checks each store of a Go pointer into other memory.
//!
//! `GOEXPERIMENT=cgocheck2` makes the compiler put a check before every such store. It is built
//! with and without the race detector, because that is how users run it too, and because both
//! change what the compiler writes.

use std::env;
use std::ffi::{OsStr, OsString};

use anyhow::Result;

use super::ask::{Answer, Build, Question, Sign};
use super::gosuite::{ALL, GoSuite};
use super::{Canary, Context, Engine};
use crate::record::{Outcome, Record, one_line};
use crate::tools::Need;

/// What the checker says, after "unpinned " since Go 1.21.
const REPORT: &str = "Go pointer stored into non-Go memory";

/// The promise that the checker watches, whichever test it interrupts.
const CONTRACT: &str = "VAL-04";

pub(super) struct Cgocheck2;

impl Engine for Cgocheck2 {
    fn name(&self) -> &'static str {
        "cgocheck2"
    }

    fn describe(&self) -> &'static str {
        "go test in a GOEXPERIMENT=cgocheck2 build, without and with -race"
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::C, Need::Go]
    }

    fn canary(&self, context: &Context<'_>) -> Result<Canary> {
        let folder = "cgocheck";
        context
            .progress
            .step("cgocheck2: canary, a Go pointer in a page from mmap");
        // Without the checker it must pass: then only the checker can be what ends it.
        let plain = build(Checker::Off, Race::Off).canary(context, folder)?;
        let mut seconds = plain.finished.seconds;
        let mut evidence = context.evidence(&plain.finished);
        let mut missed = (!plain.finished.success()).then(|| {
            let why = plain
                .run
                .build_error()
                .unwrap_or_else(|| plain.finished.how());
            format!("it does not pass without the checker either: {why}")
        });
        for race in [Race::Off, Race::On] {
            if missed.is_some() {
                break;
            }
            let ran = build(Checker::On, race).canary(context, folder)?;
            seconds += ran.finished.seconds;
            evidence = context.evidence(&ran.finished);
            missed = ran.unfit().or_else(|| {
                (!ran.run.text().contains(REPORT))
                    .then(|| format!("it failed without saying `{REPORT}`"))
            });
        }
        Ok(Canary {
            check: "planted Go pointer",
            missed,
            evidence,
            seconds,
        })
    }

    fn checks(&self, context: &Context<'_>) -> Result<Vec<Record>> {
        if let Err(record) = context.native_library(self.name())? {
            return Ok(vec![record]);
        }
        let mut records = Vec::new();
        for race in [Race::Off, Race::On] {
            let suite = build(Checker::On, race);
            context.progress.step(suite.step());
            let (found, ran) = suite.checks(context)?;
            records.extend(
                found
                    .into_iter()
                    .map(|record| blame(record, ran.run.text())),
            );
        }
        Ok(records)
    }

    /// The checker speaks for one promise, whichever test it interrupts, and for no other.
    fn ask(&self, context: &Context<'_>, question: &Question) -> Result<Vec<Answer>> {
        if let Err(record) = context.native_library(self.name())? {
            return Ok(vec![Answer::of(&record)]);
        }
        let mut answers = Vec::new();
        for race in [Race::Off, Race::On] {
            let found = build(Checker::On, race).ask(context, question)?;
            answers.extend(found.into_iter().map(by_checker));
        }
        Ok(answers)
    }

    fn build(&self) -> Build {
        Build::Release
    }
}

/// A report of the checker ends the process: what reads as a crash is its word.
fn by_checker(mut answer: Answer) -> Answer {
    match &answer.sign {
        Sign::Crashed(why) | Sign::Red(why) if why.contains(REPORT) => {
            answer.sign = Sign::Red(why.clone());
            answer.contract = Some(CONTRACT.to_owned());
            answer
        }
        _ => answer.only_with(REPORT),
    }
}

/// A test that the checker ended says nothing about its own contract: the checker's is broken.
fn blame(mut record: Record, text: &str) -> Record {
    let by_checker = matches!(record.outcome, Outcome::Fail | Outcome::Unstable)
        && record
            .reason
            .as_deref()
            .is_some_and(|why| why.contains(REPORT));
    if !by_checker {
        return record;
    }
    record.contract = Some(CONTRACT.to_owned());
    record.outcome = Outcome::Fail; // It has no false reports, so it is never unstable.
    let offence = offence(text).map_or_else(String::new, |place| format!(", {place}"));
    record.because(format!("{REPORT}{offence}"))
}

/// Where the program stored the pointer: the first frame below the checker's own.
fn offence(text: &str) -> Option<String> {
    let (_, after) = text.split_once(REPORT)?;
    let mut lines = after
        .lines()
        .skip_while(|line| !line.starts_with("goroutine "));
    loop {
        let frame = lines.next()?;
        let place = frame.trim_start() != frame;
        if place
            || frame.is_empty()
            || frame.starts_with("goroutine ")
            || frame.starts_with("runtime.")
        {
            continue;
        }
        let function = frame.rsplit('/').next().unwrap_or(frame);
        let function = function.split_once('(').map_or(function, |(name, _)| name);
        let file = lines.next().unwrap_or_default().trim();
        let file = file.split_whitespace().next().unwrap_or_default();
        let file = file.rsplit('/').next().unwrap_or_default();
        return Some(one_line(&format!("by {function} ({file})"), 200));
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Checker {
    Off,
    On,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Race {
    Off,
    On,
}

impl Race {
    fn option(self) -> Option<&'static str> {
        (self == Race::On).then_some("-race")
    }
}

fn build(checker: Checker, race: Race) -> GoSuite {
    let user = env::var_os("GOEXPERIMENT");
    let mut log = "cgocheck2".to_owned();
    if checker == Checker::Off {
        log.push_str(".plain");
    }
    if race == Race::On {
        log.push_str(".race");
    }
    GoSuite {
        engine: "cgocheck2",
        log,
        env: vec![("GOEXPERIMENT", experiment(user.as_deref(), checker))],
        options: race.option().into_iter().map(str::to_owned).collect(),
        packages: ALL,
        only: None,
        repetitions: 1,
        processors: &[],
        shuffle: false,
    }
}

/// The user's experiments, and the checker on or off whatever the user had.
fn experiment(user: Option<&OsStr>, checker: Checker) -> OsString {
    let mut value = user.unwrap_or_default().to_owned();
    if !value.is_empty() {
        value.push(",");
    }
    value.push(match checker {
        Checker::Off => "nocgocheck2",
        Checker::On => "cgocheck2",
    });
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_the_checkers_word_and_a_plain_failure_is_not() {
        let answer = |sign| {
            by_checker(Answer {
                contract: Some("REQ-18".to_owned()),
                check: "TestREQ18X".to_owned(),
                sign,
            })
        };
        let report = format!("fatal error: unpinned {REPORT}");
        let reported = answer(Sign::Crashed(report.clone()));
        assert_eq!(reported.contract.as_deref(), Some(CONTRACT));
        assert_eq!(reported.sign, Sign::Red(report));
        let why = "got 3".to_owned();
        assert_eq!(answer(Sign::Red(why.clone())).sign, Sign::NoReport(why));
        let crash = Sign::Crashed("SIGSEGV".to_owned());
        assert_eq!(answer(crash.clone()).sign, crash);
    }

    const CRASH: &str = "\
write of unpinned Go pointer 0x108d14b820b8 to non-Go memory 0x7f6b26409000
fatal error: unpinned Go pointer stored into non-Go memory

runtime stack:
runtime.throw({0x5a7392?, 0x12ca?})
\t/usr/local/go/src/runtime/panic.go:1229 +0x48 fp=0x7fff777c9f38
runtime.cgoCheckPtrWrite.func1()
\t/usr/local/go/src/runtime/cgocheck.go:67 +0x85

goroutine 18 gp=0x108d14baa1e0 m=0 mp=0x6f30e0 [running]:
runtime.systemstack_switch()
\t/usr/local/go/src/runtime/asm_amd64.s:516 +0x8
runtime.cgoCheckPtrWrite(0x7f6b26409000, 0x108d14b820b8)
\t/usr/local/go/src/runtime/cgocheck.go:65 +0xe5
github.com/cgolab/cgolab/go-harness/courier/internal/capi.NewCell(0x108d14bd4248)
\t/home/x/go-harness/courier/internal/capi/callback.go:44 +0x108 fp=0x108d14b8bf58
testing.tRunner(0x108d14bd4248, 0x5aa198)
";

    #[test]
    fn a_report_names_where_the_pointer_was_stored() {
        assert_eq!(
            offence(CRASH).as_deref(),
            Some("by capi.NewCell (callback.go:44)")
        );
        assert_eq!(offence("panic: boom"), None);
        assert_eq!(offence(REPORT), None);
    }

    #[test]
    fn a_report_is_a_failure_of_the_promise_that_is_watched() {
        let mut crashed = Record::check("cgocheck2", "TestCBK01", Outcome::Fail).because(
            "the test process died: fatal error: unpinned Go pointer stored into non-Go memory",
        );
        crashed.contract = Some("CBK-01".to_owned());
        let blamed = blame(crashed.clone(), CRASH);
        assert_eq!(blamed.contract.as_deref(), Some(CONTRACT));
        assert_eq!(blamed.outcome, Outcome::Fail);
        assert_eq!(
            blamed.reason.as_deref(),
            Some("Go pointer stored into non-Go memory, by capi.NewCell (callback.go:44)")
        );
        assert_eq!(blame(crashed.clone(), "").reason.as_deref(), Some(REPORT));
        let other = crashed.because("got 2, want 1");
        assert_eq!(blame(other.clone(), CRASH), other);
    }

    #[test]
    fn experiments_of_the_user_are_kept() {
        assert_eq!(experiment(None, Checker::On), "cgocheck2");
        assert_eq!(experiment(None, Checker::Off), "nocgocheck2");
        assert_eq!(
            experiment(Some(OsStr::new("jsonv2,cgocheck2")), Checker::Off),
            "jsonv2,cgocheck2,nocgocheck2"
        );
    }

    #[test]
    fn each_build_has_its_own_logs() {
        assert_eq!(build(Checker::Off, Race::Off).log, "cgocheck2.plain");
        assert_eq!(build(Checker::On, Race::Off).log, "cgocheck2");
        let raced = build(Checker::On, Race::On);
        assert_eq!(raced.log, "cgocheck2.race");
        assert_eq!(raced.options, ["-race"]);
    }
}
