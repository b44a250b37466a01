//! The lab of cgolab: runs the engines that try to break a cgo interop library's contracts, and
//! shows what they found.
//!
//! In a checkout it is `cargo lab`; installed it is `cgolab`. Everything it runs are ordinary
//! commands that also work by hand; it adds the order, the proof that each engine is on, the
//! catalogue, and the results.
//!
//! Where to start reading: [`run`] for the flow, [`engine`] for what an engine is, [`record`]
//! for what comes out, [`verdict`] for what that means, [`catalogue`] for what must hold. [`child`] is the only place that starts
//! long processes.

#![forbid(unsafe_code)]
// They panic when the reader leaves; see `out`.
#![warn(clippy::print_stdout, clippy::print_stderr)]

mod bench;
mod catalogue;
mod child;
mod contracts;
mod coverage;
mod doctor;
mod engine;
mod faults;
mod fuzz;
mod gotest;
mod header;
mod ids;
mod matrix;
mod nextest;
mod notes;
mod out;
mod profile;
mod progress;
mod record;
mod report;
mod results;
mod run;
mod table;
mod taskset;
mod testcmd;
mod tools;
mod verdict;
mod workspace;

use std::process::ExitCode;

use anyhow::Result;
use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use crate::bench::Side;
use crate::faults::Wish;
use crate::fuzz::Sanitizer;
use crate::profile::Profile;
use crate::progress::Progress;
use crate::workspace::Workspace;

/// Something that was asked for is red.
const RED: u8 = 1;
/// Bad input, a missing tool, or the lab itself: nothing was judged.
const CANNOT: u8 = 2;
/// The user asked to stop.
const STOPPED: u8 = 130;

const AFTER_HELP: &str = "\
Exit codes: 0 everything is green; 1 something is red; 2 the command could not do its work
(bad input, missing tool), earlier results are intact; 130 stopped by Ctrl-C.

First steps:
  cargo lab doctor       which tools were found, and which are missing
  cargo lab run          all engines, with a table at the end
  cargo lab test         all tests, before a commit
  cargo lab contracts    what is promised, and what the last runs checked of it";

/// Checks that a Go binding over a native library keeps its interop contracts.
#[derive(Parser)]
#[command(name = "cgolab", bin_name = "cargo lab", version, after_help = AFTER_HELP)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the engines on the sample library and show contract × engine.
    ///
    /// Each engine first proves that it is on: it must catch a planted bug, its canary. If it
    /// does not, the engine reads OFF, its checks do not run, and the run is red.
    ///
    /// A cold run builds everything, and nextest and cargo-fuzz when an engine needs them: up to 15
    /// minutes on 2 cores, with the first verdicts after 3. A warm one takes about 5 minutes. Go 1.21
    /// or newer and a C compiler must be installed; without a C++ compiler fuzz-abi is skipped, unless
    /// --only names it.
    ///
    /// The last line says how the run came out, and all that was left out of it. It is the same in
    /// every view: this table, report/index.html, report/report.md, report/junit.xml.
    ///
    /// Results: target/lab/latest/results.jsonl, one record a line; logs beside it in logs/.
    /// Ctrl-C stops the children and writes what is known; if no check had run yet, into a folder
    /// in target/lab/runs, and latest stays what it was.
    #[command(verbatim_doc_comment)]
    Run {
        /// Run these engines only.
        #[arg(long, value_name = "ENGINE,…", value_delimiter = ',')]
        only: Vec<String>,
        /// How much of everything: quick takes about 5 minutes on 2 warm cores, full a part of the
        /// night.
        #[arg(long, value_enum, default_value_t)]
        profile: Profile,
    },
    /// Fuzz one target, and show the plain command that does the same.
    ///
    /// New inputs are kept in fuzz/corpus/TARGET; the checked-in ones in fuzz/seeds/TARGET are
    /// read too. Uses nightly if it is installed, else stable with RUSTC_BOOTSTRAP=1 for this one
    /// child. An input that makes the target fail is written to fuzz/artifacts/TARGET/, and the
    /// command that replays it is printed.
    #[command(verbatim_doc_comment)]
    Fuzz {
        /// A target of fuzz/Cargo.toml, such as request_lifecycle.
        target: String,
        /// How long to fuzz.
        #[arg(long, value_name = "N", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
        seconds: u64,
        /// What to build the target with.
        #[arg(long, value_enum, default_value_t)]
        sanitizer: Sanitizer,
    },
    /// Plant known bugs in a copy of the subject, and look whether the engines see them.
    ///
    /// A fault is a folder in faults/: a patch, the contract that it breaks, and the engines that
    /// must turn red in a check of that contract, by that check's own word: a test, a rule of the
    /// oracle, a detector's report, a watchdog. What does not build, only crashes or only times out
    /// counts as nothing. The control is the same checks without a fault. A model of loom or shuttle
    /// that no fault turns red is named, and the command fails.
    ///
    /// The copy is target/faults, with a target folder of its own: the first run builds everything,
    /// each fault takes a few seconds to half a minute. Logs: target/faults/target/lab/runs. What is
    /// finished is kept in target/lab/faults.jsonl and not done again, as long as sources, tests,
    /// fault and tools are the same.
    #[command(verbatim_doc_comment, args_conflicts_with_subcommands = true)]
    Faults {
        /// The faults to plant, by their folder's name; all if there are none.
        #[arg(value_name = "ID")]
        ids: Vec<String>,
        /// Ask these engines only.
        #[arg(long, value_name = "ENGINE,…", value_delimiter = ',')]
        only: Vec<String>,
        /// One fault of each engine and layer: a few minutes when warm.
        #[arg(long)]
        quick: bool,
        /// Do finished ones again.
        #[arg(long)]
        again: bool,
        /// Plant nothing; list the faults, and what is known of each.
        #[arg(long)]
        list: bool,
        #[command(subcommand)]
        command: Option<FaultsCommand>,
    },
    /// Show the tools that were found: version, place, and how to get what is missing.
    ///
    /// Installs nothing. Ends with the folder to put on PATH for the pinned tools.
    Doctor,
    /// Make the HTML report of a run again, and print where it is.
    ///
    /// `cargo lab run` writes it at its end, also when it is red or was stopped. This makes it
    /// from what lies in the folder of the run: of one that was killed, or one from elsewhere.
    #[command(verbatim_doc_comment)]
    Report {
        /// A run in target/lab/runs, or the folder of one; the latest if it is left out.
        run: Option<String>,
    },
    /// Run all tests of the project: nextest, doc tests, go vet, go test. Lock files are compared, too.
    ///
    /// Builds the static library in between, because the Go tests link it. All steps run even if
    /// one fails; the failing ones are named at the end. Logs: target/lab/test/.
    Test,
    /// Run the Go tests and list the statements of the binding that none of them runs.
    ///
    /// Red without a reason for each in go-harness/unreached.toml, and if a reason there is for
    /// nothing. Takes a minute. Profiles and logs: target/lab/coverage/.
    #[command(verbatim_doc_comment)]
    Coverage,
    /// Measure what our parts cost beside peers that do the same, and compare with the goals.
    ///
    /// Cases take turns in 7 passes (go: 28 shorter ones); goals are ratios of first quartiles within
    /// one run. A missed goal is not red: on a busy machine figures mean little. Takes 3 to 5 minutes
    /// when warm.
    ///
    /// Table on standard output; figures and logs: target/lab/bench/TIME/.
    #[command(verbatim_doc_comment)]
    Bench {
        /// The runtime and the engines, or the binding.
        side: Side,
        /// Measure these rows only.
        #[arg(long, value_name = "ROW,…", value_delimiter = ',')]
        only: Vec<String>,
        /// How long each case runs in one of 7 passes if it is an engine; a function runs a tenth of it.
        #[arg(long, value_name = "S", default_value_t = 2.0, value_parser = seconds)]
        seconds: f64,
    },
    /// Print the contract catalogue and how well each contract is covered.
    ///
    /// exercised: a check with this id passed in the last `cargo lab run` in which that engine ran
    /// its checks.
    /// claimed: a check is said to exist; without a passing one a run of the engine is red.
    /// planned: nothing yet.
    #[command(verbatim_doc_comment)]
    Contracts {
        /// As JSON: an array of {id, sentence, layer, source, engines: {name: state}}.
        #[arg(long)]
        json: bool,
        /// One family only, such as REQ.
        #[arg(long)]
        family: Option<String>,
    },
    /// Print the jobs of continuous integration, or run one of them here.
    ///
    /// They are written down in ci/matrix.toml: what runs when, on which toolchains. The
    /// workflows in .github read it through --github and call --run, nothing else.
    #[command(verbatim_doc_comment)]
    Matrix {
        /// As JSON for `strategy.matrix` of a GitHub workflow: the jobs of a pull request, or
        /// of a night.
        #[arg(long, value_name = "WHEN", conflicts_with = "run")]
        github: Option<matrix::When>,
        /// Run exactly this job's commands here, with its toolchains and variables.
        #[arg(long, value_name = "JOB")]
        run: Option<String>,
        /// Run all jobs of a pull request, or of a night, here, one after the other.
        #[arg(long, value_name = "WHEN", conflicts_with_all = ["run", "github"])]
        all: Option<matrix::When>,
    },
    /// Write the generated files: the C header, the layout lists, and the copies for cgo.
    ///
    /// They are checked in. Run it after a change of the C ABI and commit the result; files that
    /// are right already are not touched.
    Header {
        /// Write nothing; name the files that are not current and exit with 1.
        #[arg(long)]
        check: bool,
    },
}

#[derive(Subcommand)]
enum FaultsCommand {
    /// Make patches fit the code again, where a merge can; say what to do by hand where not.
    Refresh {
        /// Faults by their folder's name; all if there are none.
        #[arg(value_name = "ID")]
        ids: Vec<String>,
    },
}

fn main() -> ExitCode {
    let green = dispatch(parse().command);
    // Also after Ctrl-C: the error may say what is left half done.
    if let Err(error) = &green {
        out::say(format!("error: {error:#}").replace('\n', " "));
    }
    match green {
        _ if child::interrupted() => ExitCode::from(STOPPED),
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(RED),
        Err(_) => ExitCode::from(CANNOT),
    }
}

/// Reads the command line; ends the process for `--help` and for bad input.
fn parse() -> Cli {
    let engines: String = engine::BUILT
        .iter()
        .map(|engine| format!("\n  {:<9} {}", engine.name(), engine.describe()))
        .collect();
    let matches = Cli::command()
        .mut_subcommand("run", |run| run.after_help(format!("Engines:{engines}")))
        .get_matches();
    Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
}

/// A positive number of seconds, and no more than an hour.
fn seconds(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(seconds) if seconds > 0.0 && seconds <= 3600.0 => Ok(seconds),
        _ => Err("it takes a number above 0 and up to 3600".to_owned()),
    }
}

/// Runs the command and returns whether everything is green.
fn dispatch(command: Command) -> Result<bool> {
    let workspace = Workspace::find()?;
    child::catch_interrupts()?;
    match command {
        Command::Run { only, profile } => run::run(&workspace, &only, profile),
        Command::Fuzz {
            target,
            seconds,
            sanitizer,
        } => fuzz::command::fuzz(&workspace, &target, seconds, sanitizer),
        Command::Faults {
            command: Some(FaultsCommand::Refresh { ids }),
            ..
        } => faults::refresh(&workspace, &ids).map(|()| true),
        Command::Faults {
            ids,
            only,
            quick,
            again,
            list,
            command: None,
        } => {
            let wish = Wish {
                ids,
                only,
                quick,
                again,
            };
            if list {
                faults::list(&workspace, &wish).map(|()| true)
            } else {
                faults::faults(&workspace, &wish)
            }
        }
        Command::Doctor => doctor::doctor(&workspace),
        Command::Report { run } => {
            report::again(&workspace, run.as_deref())?;
            Ok(true)
        }
        Command::Test => testcmd::test(&workspace),
        Command::Coverage => coverage::coverage(&workspace),
        Command::Bench {
            side,
            only,
            seconds,
        } => bench::bench(&workspace, side, &only, seconds),
        Command::Contracts { json, family } => {
            contracts::print(&workspace, family.as_deref(), json)?;
            Ok(true)
        }
        Command::Matrix { github, run, all } => match (github, run, all) {
            (_, Some(job), _) => matrix::run(&workspace, &job),
            (_, _, Some(when)) => matrix::run_all(&workspace, when),
            (Some(when), _, _) => matrix::print_github(&workspace, when).map(|()| true),
            (None, None, None) => matrix::print(&workspace).map(|()| true),
        },
        Command::Header { check } => write_header(&workspace, check),
    }
}

fn write_header(workspace: &Workspace, check: bool) -> Result<bool> {
    let progress = Progress::new();
    progress.step("generating the header and the layout lists");
    let scratch = tempfile::tempdir()?;
    let files = header::generate(workspace, &progress, scratch.path())?;
    progress.finish();
    if check {
        let differences = header::differences(workspace, &files);
        for difference in &differences {
            out::line(difference)?;
        }
        if differences.is_empty() {
            out::line(format_args!(
                "all {} generated files are current",
                files.len()
            ))?;
        } else {
            out::line("not current; run `cargo lab header`")?;
        }
        return Ok(differences.is_empty());
    }
    let written = header::write(workspace, &files)?;
    for path in &written {
        out::line(format_args!("wrote {}", workspace.shown(path)))?;
    }
    if written.is_empty() {
        out::line(format_args!(
            "all {} generated files are current",
            files.len()
        ))?;
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
