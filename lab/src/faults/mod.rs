//! `cargo lab faults`: plants bugs in a copy of the subject, and looks whether the engines see them.
//!
//! A check that was never red is not a check. Each fault breaks one contract; the engines that it
//! names must turn red in a test with that contract's id. The same tests on the copy without a fault
//! are the control: they must be green, or nothing is judged.

mod file;
mod scratch;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write as _};
use std::time::Duration;

use self::file::Fault;
use self::scratch::Scratch;
use crate::catalogue::Catalogue;
use crate::child;
use crate::engine::suite::{Ran, Suite};
use crate::engine::{self, Context, Engine};
use crate::nextest::Case;
use crate::out;
use crate::profile::Profile;
use crate::progress::Progress;
use crate::record::{Outcome, one_line};
use crate::results::RunFolder;
use crate::table::WIDTH;
use crate::tools::Tools;
use crate::workspace::Workspace;
use anyhow::{Context as _, Result, bail, ensure};

/// For building and running the tests of one fault. A fault that makes a test hang is to be seen by
/// the test: what this ends counts as nothing.
const LIMIT: Duration = Duration::from_secs(10 * 60);

/// Each fault is one more build: what changes is not optimised. What is repeated in it, the model
/// checker, still is.
const QUICK_BUILD: [&str; 6] = [
    "--config",
    "profile.release.package.courier-core.opt-level=0",
    "--config",
    "profile.release.package.courier-loom.opt-level=0",
    "--config",
    "profile.release.package.courier-shuttle.opt-level=0",
];

/// Red tests of one fault that are named.
const SHOWN: usize = 3;

/// What came of one fault and one engine.
#[derive(Debug, PartialEq)]
enum Verdict {
    /// These tests of the contract turned red.
    Detected(Vec<String>),
    /// None did. Why that may be.
    Missed(String),
    DoesNotApply(String),
    BuildFailed(String),
    Timeout,
}

impl Verdict {
    fn word(&self) -> &'static str {
        match self {
            Verdict::Detected(_) => "detected",
            Verdict::Missed(_) => "MISSED",
            Verdict::DoesNotApply(_) => "does not apply",
            Verdict::BuildFailed(_) => "build failed",
            Verdict::Timeout => "timeout",
        }
    }

    /// The tests, or why there are none.
    fn details(&self) -> String {
        match self {
            Verdict::Detected(tests) => {
                let (shown, more) = tests.split_at(tests.len().min(SHOWN));
                let mut lines = shown.join("\n    ");
                if !more.is_empty() {
                    let _ = write!(lines, "\n    and {} more", more.len());
                }
                lines
            }
            Verdict::Missed(why) | Verdict::DoesNotApply(why) | Verdict::BuildFailed(why) => {
                one_line(why, 300)
            }
            Verdict::Timeout => format!("no end after {} s", LIMIT.as_secs()),
        }
    }
}

/// One line of the table, and what stands below it.
struct Row {
    fault: String,
    contract: String,
    engine: &'static str,
    verdict: Verdict,
    seconds: f64,
}

/// Plants the faults that `ids` names, or all, for the engines that `only` names, or all that can
/// be asked. Returns whether every one was seen.
pub(crate) fn faults(workspace: &Workspace, only: &[String], ids: &[String]) -> Result<bool> {
    let catalogue = Catalogue::load(&workspace.path("contracts"))?;
    let all = file::load(&workspace.path("faults"), &catalogue)?;
    for id in ids {
        ensure!(
            all.iter().any(|fault| fault.id == *id),
            "there is no fault `{id}`; the folders in faults/ are their names"
        );
    }
    let chosen = |fault: &&Fault| ids.is_empty() || ids.contains(&fault.id);
    let progress = Progress::new();
    let copy = Scratch::of(workspace);
    // Before the run's folder is made in it: only a checkout has a catalogue to keep.
    copy.lay_out(&BTreeMap::new())?;
    let mut rows = Vec::new();
    let mut never_red = Vec::new();
    for engine in engine::select(only)? {
        let faults: Vec<&Fault> = all
            .iter()
            .filter(chosen)
            .filter(|fault| fault.about.engines.iter().any(|name| name == engine.name()))
            .collect();
        if faults.is_empty() {
            continue;
        }
        let suite = engine.named_tests(Profile::Quick);
        let mut suite = suite.context("file::read has let this engine through")?;
        suite.limit = Some(LIMIT);
        suite.options.extend(QUICK_BUILD);
        let tools = Tools::find(workspace, engine.needs(), &progress)?;
        let folder = RunFolder::create(copy.workspace(), &progress)?;
        let planting = Planting {
            engine,
            suite,
            copy: &copy,
            context: Context {
                workspace: copy.workspace(),
                catalogue: &catalogue,
                tools: &tools,
                profile: Profile::Quick,
                run: &folder,
                progress: &progress,
            },
        };
        let tests = planting.control()?;
        let mut green: BTreeSet<String> = tests.iter().map(|test| test.name.clone()).collect();
        for fault in faults {
            let row = planting.plant(fault, &tests)?;
            if child::interrupted() {
                bail!("stopped; the faults before it: {} seen", rows.len());
            }
            progress.line(&row.to_string());
            if let Verdict::Detected(tests) = &row.verdict {
                tests.iter().for_each(|test| {
                    green.remove(test);
                });
            }
            rows.push(row);
        }
        if ids.is_empty() {
            never_red.extend(green.into_iter().map(|test| (engine.name(), test)));
        }
    }
    progress.finish();
    ensure!(!rows.is_empty(), "no fault names one of these engines");
    report(&rows, &never_red)
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:<38} {:<8} {:<8} {:<14} {:>7.1}\n    {}",
            self.fault,
            self.contract,
            self.engine,
            self.verdict.word(),
            self.seconds,
            self.verdict.details()
        )
    }
}

/// An engine at work on the copy.
struct Planting<'a> {
    engine: &'static dyn Engine,
    suite: Suite,
    copy: &'a Scratch<'a>,
    context: Context<'a>,
}

impl Planting<'_> {
    /// Runs all tests without a fault, and returns them.
    fn control(&self) -> Result<Vec<Case>> {
        let name = self.engine.name();
        self.context
            .progress
            .step(format!("{name}: control, all tests without a fault"));
        let ran = self.suite.run(&self.context, &format!("{name}.log"), &[])?;
        if let Some(case) = ran.cases.iter().find(|case| case.outcome != Outcome::Pass) {
            bail!(
                "{name}: {} is red without a fault; nothing was judged",
                case.name
            );
        }
        ensure!(
            ran.finished.success(),
            "{name}: the tests did not run without a fault ({}; log: {}); nothing was judged",
            ran.not_built().unwrap_or_else(|| ran.finished.how()),
            ran.finished.log.display()
        );
        Ok(ran.cases)
    }

    /// Runs those of the tests that the fault names, and takes the fault out again.
    fn plant(&self, fault: &Fault, tests: &[Case]) -> Result<Row> {
        let name = self.engine.name();
        self.context.progress.step(format!("{name}: {}", fault.id));
        let (verdict, seconds) = match fault.apply(self.copy.original().root()) {
            Err(error) => (Verdict::DoesNotApply(format!("{error:#}")), 0.0),
            Ok(changed) => {
                self.copy.lay_out(&changed)?;
                let log = format!("{name}.{}.log", fault.id);
                let options = options(fault, tests, self.context.catalogue);
                let options: Vec<&str> = options.iter().map(String::as_str).collect();
                let ran = self.suite.run(&self.context, &log, &options)?;
                // The next engine's control has no fault in it.
                self.copy.lay_out(&BTreeMap::new())?;
                let verdict = judge(&ran, &fault.about.contract, self.context.catalogue);
                (verdict, ran.finished.seconds)
            }
        };
        Ok(Row {
            fault: fault.id.clone(),
            contract: fault.about.contract.clone(),
            engine: name,
            verdict,
            seconds,
        })
    }
}

/// nextest's options for those of the tests that the fault names. Files without any are not built.
fn options(fault: &Fault, tests: &[Case], catalogue: &Catalogue) -> Vec<String> {
    let concerned = || {
        tests
            .iter()
            .filter(|test| fault.concerns(&catalogue.contracts_in_name(&test.name)))
    };
    let files: BTreeSet<&str> = concerned()
        .filter_map(|test| test.file.as_deref())
        .collect();
    let mut options: Vec<String> = files
        .into_iter()
        .flat_map(|file| ["--test".to_owned(), file.to_owned()])
        .collect();
    let names: Vec<String> = concerned()
        .map(|test| format!("test(={})", test.name))
        .collect();
    // One that matches nothing is refused by nextest, and so told.
    let filter = if names.is_empty() {
        "none()".to_owned()
    } else {
        names.join(" + ")
    };
    options.extend(["-E".to_owned(), filter]);
    options
}

/// Whether a test with the contract's id turned red.
fn judge(ran: &Ran, contract: &str, catalogue: &Catalogue) -> Verdict {
    if let Some(error) = ran.not_built() {
        return Verdict::BuildFailed(error);
    }
    let red: Vec<_> = ran
        .cases
        .iter()
        .filter(|case| case.outcome == Outcome::Fail)
        .map(|case| case.name.clone())
        .collect();
    let of_contract = |name: &String| {
        let ids = catalogue.contracts_in_name(name);
        ids.iter().any(|id| id == contract)
    };
    if red.iter().any(of_contract) {
        return Verdict::Detected(red);
    }
    let timeout = |outcome| outcome == Outcome::Timeout;
    if ran.finished.cut().is_some_and(timeout) || ran.cases.iter().any(|case| timeout(case.outcome))
    {
        return Verdict::Timeout;
    }
    Verdict::Missed(if !red.is_empty() {
        format!("no test of {contract} saw it, but {} did", red.join(", "))
    } else if ran.cases.is_empty() {
        format!("no test ran: nextest ended with {}", ran.finished.how())
    } else {
        format!("{} tests passed", ran.cases.len())
    })
}

fn report(rows: &[Row], never_red: &[(&str, String)]) -> Result<bool> {
    out::line(format_args!(
        "\n{:<38} {:<8} {:<8} {:<14} {:>7}",
        "fault", "contract", "engine", "", "seconds"
    ))?;
    out::line("─".repeat(WIDTH.into()))?;
    for row in rows {
        out::line(row)?;
    }
    let seen = |row: &&Row| matches!(row.verdict, Verdict::Detected(_));
    let detected = rows.iter().filter(seen).count();
    out::line(format_args!("\n{detected} of {} detected", rows.len()))?;
    for (engine, test) in never_red {
        out::line(format_args!(
            "never red: {engine} {test}; plant a fault that it sees"
        ))?;
    }
    Ok(detected == rows.len() && never_red.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::child::{End, Finished};

    fn ran(code: i32, cases: &[(&str, Outcome)]) -> Ran {
        use std::os::unix::process::ExitStatusExt as _;
        let case = |(name, outcome): &(&str, Outcome)| Case {
            name: (*name).to_owned(),
            file: None,
            outcome: *outcome,
            seconds: 1.0,
            reason: None,
            signal: None,
            output: String::new(),
        };
        Ran {
            finished: Finished {
                end: End::Exited(std::process::ExitStatus::from_raw(code << 8)),
                seconds: 1.0,
                command: String::new(),
                log: "/nowhere".into(),
            },
            cases: cases.iter().map(case).collect(),
        }
    }

    fn judged(code: i32, cases: &[(&str, Outcome)]) -> Verdict {
        let dir = tempfile::tempdir().unwrap();
        let contracts: String = ["REQ-04", "REQ-05"]
            .iter()
            .map(|id| {
                format!(
                    "[[contract]]\nid = \"{id}\"\nsentence = \"x\"\nlayer = [\"native\"]\n\
                     source = []\nclaimed = [\"loom\"]\nplanned = []\n"
                )
            })
            .collect();
        std::fs::write(
            dir.path().join("req.toml"),
            format!("title = \"x\"\n{contracts}"),
        )
        .unwrap();
        judge(
            &ran(code, cases),
            "REQ-04",
            &Catalogue::load(dir.path()).unwrap(),
        )
    }

    #[test]
    fn only_a_red_test_of_the_contract_detects() {
        let both = [("req_04_x", Outcome::Fail), ("req_05_y", Outcome::Fail)];
        let names = both.map(|(name, _)| name.to_owned());
        assert_eq!(judged(100, &both), Verdict::Detected(names.to_vec()));
        let Verdict::Missed(why) = judged(100, &both[1..]) else {
            panic!("seen by a test of another contract");
        };
        assert_eq!(why, "no test of REQ-04 saw it, but req_05_y did");
        let Verdict::Missed(why) = judged(0, &[("req_04_x", Outcome::Pass)]) else {
            panic!("a green test detects nothing");
        };
        assert_eq!(why, "1 tests passed");
    }

    #[test]
    fn what_did_not_run_to_its_end_detects_nothing() {
        assert!(matches!(judged(101, &[]), Verdict::BuildFailed(_)));
        // nextest: no test matches the filter.
        assert!(matches!(judged(4, &[]), Verdict::Missed(_)));
        let slow = [("req_04_x", Outcome::Timeout)];
        assert_eq!(judged(100, &slow), Verdict::Timeout);
    }
}
