//! `cargo lab bench`: what our parts cost beside peers that do the same.
//!
//! | module | holds |
//! |---|---|
//! | [`rows`] | what is compared, and the goals |
//! | [`native`] | measures `bench/`, fuzz targets and a loom model |
//! | [`go`] | measures the benchmarks of `go-harness/` |
//! | [`search`] | measures how fast fuzzers find the mistakes of `bench/planted/`, and what parts of targets are worth |
//! | [`figures`] | reads Go's format for benchmarks, which all of them speak; minimum and quartile |
//! | [`benchstat`] | has benchstat compare what `go` measured |
//! | [`table`] | what people see |
//!
//! Figures of one machine say little about another, and a busy machine is another machine. So a
//! goal is a ratio of two cases that took turns in one run, and a missed one is no failure.

mod benchstat;
mod figures;
mod go;
mod goal;
mod native;
mod rows;
mod search;
mod table;

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail, ensure};
use clap::ValueEnum;
use jiff::Timestamp;
use serde::Serialize;

use self::figures::{Figures, Verdict};
use self::rows::Row;
use cgolab::host::child::{self, Finished};
use cgolab::host::machine::{self, Commit, Machine, Tool};
use cgolab::host::out;
use cgolab::host::progress::Progress;
use cgolab::host::tools::Tools;
use cgolab::host::workspace::Workspace;
use cgolab::read::libfuzzer;
use cgolab::record::results::fresh_dir;

/// Number of measurements of each case.
const PASSES: usize = 7;

/// The same in Go, where a pass takes a quarter of the time: of many short ones, some are not disturbed by
/// what else the machine does.
const GO_PASSES: usize = 4 * PASSES;

/// Which side is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Side {
    /// The runtime, and the engines that drive it.
    Native,
    /// The binding and its owner helper.
    Go,
    /// Fuzzers: the time to planted mistakes, and inputs a second.
    Fuzz,
}

impl Side {
    /// Measurements of each case.
    fn passes(self) -> usize {
        match self {
            Side::Native => PASSES,
            Side::Go => GO_PASSES,
            Side::Fuzz => search::TRIALS,
        }
    }

    /// Seconds of a case in a pass, where nobody says how many.
    fn seconds(self) -> f64 {
        match self {
            Side::Native | Side::Go => 2.0,
            Side::Fuzz => 20.0,
        }
    }
}

/// The needs of a measurement.
struct Bench<'a> {
    workspace: &'a Workspace,
    tools: &'a Tools,
    progress: &'a Progress,
    /// Of this run: logs and results.
    folder: PathBuf,
    /// Seconds that an engine runs in each pass; a function takes a tenth.
    seconds: f64,
}

/// `results.json`.
#[derive(Serialize)]
struct Results {
    started: String,
    command: String,
    commit: Option<Commit>,
    machine: Machine,
    tools: Vec<Tool>,
    /// Runnable threads of the machine, over the last minute, before and after.
    load: [Option<f64>; 2],
    seconds: f64,
    passes: usize,
    rows: Vec<RowResult>,
}

/// A row and what was measured of it.
#[derive(Serialize)]
struct RowResult {
    #[serde(flatten)]
    row: &'static Row,
    results: Vec<CaseResult>,
}

#[derive(Serialize)]
struct CaseResult {
    case: &'static str,
    figures: Figures,
    verdicts: Vec<Verdict>,
}

/// Measures the rows of a side that `only` names, or all, and prints the table.
///
/// Returns whether everything could be measured.
pub(crate) fn bench(
    workspace: &Workspace,
    side: Side,
    only: &[String],
    seconds: Option<f64>,
) -> Result<bool> {
    let rows = rows::select(side, only)?;
    let progress = Progress::new();
    let needs = match side {
        Side::Native => native::needs(&rows),
        Side::Go => go::NEEDS.to_vec(),
        Side::Fuzz => search::NEEDS.to_vec(),
    };
    let tools = Tools::find(workspace, &needs, &progress)?;
    let parent = workspace.lab().join("bench");
    fs::create_dir_all(&parent)
        .with_context(|| format!("cannot create {}; is it writable?", parent.display()))?;
    let time = Timestamp::now();
    let folder = fresh_dir(&parent, &time.strftime("%Y-%m-%dT%H-%M-%SZ").to_string())?;
    let bench = Bench {
        workspace,
        tools: &tools,
        progress: &progress,
        folder,
        seconds: seconds.unwrap_or_else(|| side.seconds()),
    };
    let figures = bench.folder.join("figures.txt");
    let before = load();
    let measured = match side {
        Side::Native => native::measure(&bench, &rows)?,
        Side::Go => go::measure(&bench, &rows, &figures)?,
        Side::Fuzz => search::measure(&bench, &rows)?,
    };
    let results = Results {
        started: time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        command: machine::typed(),
        commit: machine::commit(workspace.root()),
        machine: machine::machine(),
        tools: machine::versions(workspace, &tools),
        load: [before, load()],
        seconds: bench.seconds,
        passes: side.passes(),
        rows: rows.iter().map(|row| row.judge(&measured)).collect(),
    };
    let path = bench.folder.join("results.json");
    let mut text = serde_json::to_string_pretty(&results)?;
    text.push('\n');
    fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    let compared = match side {
        Side::Native | Side::Fuzz => String::new(),
        Side::Go => benchstat::compare(&bench, &rows, &figures)?,
    };
    progress.finish();
    out::print(table::text(&results))?;
    out::print(compared)?;
    if side == Side::Go {
        let command = benchstat::command(&workspace.shown(&figures));
        out::line(format_args!("\nall cases: {command}"))?;
    }
    out::line(format_args!("results in {}", workspace.shown(&path)))?;
    Ok(results.rows.iter().all(RowResult::is_measured))
}

impl RowResult {
    /// Reports whether each case has figures.
    fn is_measured(&self) -> bool {
        self.results.iter().all(|case| !case.figures.is_empty())
    }
}

impl Bench<'_> {
    /// Fails if a child did.
    fn succeeded(&self, finished: Finished) -> Result<Finished> {
        if child::interrupted() {
            bail!("interrupted; nothing was written");
        }
        ensure!(
            finished.success(),
            "{} failed ({}): {}; read {}",
            finished.command,
            finished.how(),
            libfuzzer::failure(&finished.log_text()),
            self.workspace.shown(&finished.log)
        );
        Ok(finished)
    }
}

/// The order of cases in a pass: forth in one, back in the next, so that what else happens on the
/// machine meets all of them.
fn in_turn<T: Copy>(cases: &[T], pass: usize) -> Vec<T> {
    let mut cases = cases.to_vec();
    if pass % 2 == 1 {
        cases.reverse();
    }
    cases
}

/// The machine's load over the last minute, where that can be read.
fn load() -> Option<f64> {
    let text = fs::read_to_string("/proc/loadavg").ok()?;
    text.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_measured_when_all_of_its_cases_are() {
        let row = rows::select(Side::Go, &["Call".to_owned()]).unwrap()[0];
        let mut measured = figures::Measured::default();
        let (last, others) = row.cases.split_last().unwrap();
        for case in others {
            measured.add(row.benchmark, case.name, row.unit, 1.0);
        }
        assert!(!row.judge(&measured).is_measured());
        measured.add(row.benchmark, last.name, row.unit, 1.0);
        assert!(row.judge(&measured).is_measured());
    }

    #[test]
    fn passes_go_forth_and_back() {
        assert_eq!(in_turn(&["a", "b", "c"], 0), ["a", "b", "c"]);
        assert_eq!(in_turn(&["a", "b", "c"], 1), ["c", "b", "a"]);
    }
}
