//! The command line of the tool, and the meaning of its exit codes.

mod contracts;
mod doctor;
mod fuzz;
pub(crate) mod run;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Result, bail};
use clap::{CommandFactory as _, Parser, Subcommand};

use crate::engine::Engines;
use crate::faults;
use crate::faults::Wish;
use crate::foreign;
use crate::foreign::fuzz::Suites;
use crate::host::workspace::Workspace;
use crate::host::{child, out};
use crate::record::profile::Profile;
use crate::report;
use crate::subject::file::SubjectFile;
use crate::triage::{self, Wish as Watched};

/// Exit code when a requested check is red.
const RED: u8 = 1;
/// Exit code when nothing was judged: bad input, a missing tool, or a failure of the lab itself.
const CANNOT: u8 = 2;
/// Exit code when the user stopped the command.
const STOPPED: u8 = 130;

/// The meaning of exit codes, for the end of a help text.
pub const EXIT_CODES: &str = "\
Exit codes: 0 everything is green; 1 something is red; 2 the command could not do its work \
(bad input, missing tool), earlier results are intact; 130 stopped by Ctrl-C.";

const TRIAGE: &str = "\
Examples:
  cgolab triage -- go test -run TestX ./...
  cgolab triage --hang 2m -- ./program
  cgolab triage --pid 4242";

const FUZZ: &str = "\
Examples:
  cgolab fuzz ./parse --run FuzzParse --time 10m
  cgolab fuzz replay ./parse --run FuzzParse FILE";

/// Checks that a Go binding over a native library keeps its interop contracts.
#[derive(Debug, Parser)]
#[command(name = "cgolab", version, after_help = EXIT_CODES)]
pub struct Cli {
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

/// The command line of the tool, with what is known only at run time in its help.
pub fn cli() -> clap::Command {
    with_engines(Cli::command())
}

/// The commands of the tool.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run tests under every engine that applies: those of a Go module, or all checks of this checkout.
    ///
    /// Each engine first proves that it is on: it must catch a planted bug, its canary. If it
    /// does not, the engine reads OFF, nothing runs under it, and the run is red.
    ///
    /// In a Go module, tests run as they are, three times, and then under each engine. Each finding has its place
    /// in Go and in C, its test, and the command that shows it again. Needed are Go and a C compiler. Results:
    /// .cgolab/latest; of a run that was stopped, .cgolab/stopped.
    ///
    /// In a checkout whose cgolab.toml has suites or contracts, contract × engine is shown. A cold run builds
    /// everything, and nextest and cargo-fuzz when an engine needs them: up to 15 minutes on 2 cores, with the
    /// first verdicts after 3. A warm one takes about 5 minutes. Without a C++ compiler fuzz-abi is skipped, unless
    /// --only names it. Results: target/lab/latest, results.jsonl with logs beside it. Ctrl-C stops the children
    /// and writes what is known; if no check had run yet, into a folder in target/lab/runs, and latest stays what
    /// it was.
    ///
    /// The last line but one says how the run came out, and all that was left out of it. It is the
    /// same in every view.
    Run {
        /// A Go module, or a folder in it; without it the module or checkout of this folder.
        #[arg(value_name = "DIR")]
        dir: Option<PathBuf>,
        /// Run these engines only.
        #[arg(long, value_name = "ENGINE,…", value_delimiter = ',')]
        only: Vec<String>,
        /// In a checkout: the depth of all checks; quick takes about 5 minutes on 2 warm cores, full a part of the
        /// night.
        #[arg(long, value_enum, default_value_t)]
        profile: Profile,
        /// In a module: test these packages only, as `go list` takes them.
        #[arg(long, value_name = "PACKAGE,…", value_delimiter = ',')]
        packages: Vec<String>,
        /// In a module: begin no test program after this time, but those of plain; what is left out is named, and is
        /// not red.
        #[arg(long, value_name = "TIME", value_parser = triage::duration)]
        time: Option<Duration>,
        /// In a module: the time limit of one run of a test program; without it that of its cgolab.toml, else 5m.
        #[arg(long, value_name = "TIME", value_parser = triage::duration)]
        timeout: Option<Duration>,
        /// In a module: only findings that are not in this results.json are red.
        #[arg(long, value_name = "FILE")]
        baseline: Option<PathBuf>,
        /// In a module: warnings are red, too.
        #[arg(long)]
        strict: bool,
    },
    /// Write a cgolab.toml for a Go module, with what is found, all of it commented out.
    Init {
        /// The module, or a folder in it.
        #[arg(value_name = "DIR")]
        dir: Option<PathBuf>,
    },
    /// Read Go code that calls C, and report what breaks the rules: `cgolab vet ./...`.
    ///
    /// The analyzers are in this program and are built once with the Go that is here; all arguments are
    /// theirs: -rules lists them, -explain RULE tells of one, -fix, -json, -sarif.
    #[command(disable_help_flag = true)]
    Vet {
        /// Arguments of the analyzers, and packages.
        #[arg(
            trailing_var_arg = true,
            allow_hyphen_values = true,
            value_name = "ARGUMENT"
        )]
        args: Vec<OsString>,
    },
    /// Make a rare failure frequent: run tests under conditions that change the order of events.
    ///
    /// The tests of a Go module run again and again as they are, with the collector running all the time, on one
    /// processor, under sanitizers. Time goes where failures come. For each way to fail: how often under which
    /// condition, whether a storm is needed at all, and the shortest command that shows it.
    ///
    /// A run that times out is a way to fail of its own. Results: .cgolab/storm.json.
    Storm(foreign::storm::Wish),
    /// Watch a program, and write one report if it crashes, aborts or hangs.
    ///
    /// The report has the goroutines and all native threads, says which goroutine ran on which
    /// thread, who holds which lock and who waits for it, and what runtimes and sanitizers said. It is
    /// Markdown for an issue; JSON with the same lies beside it. Home folders, user and host names, and
    /// values of variables that hold secrets are left out unless --private is given.
    ///
    /// Output passes through, and the exit code is kept: 128 plus the signal's number for a program
    /// that a signal ended, 124 for one that hung.
    ///
    /// The command is a program, or `go test …`: then each test program is watched. Native threads
    /// are seen with gdb; without it the report says so, and has what Go prints.
    #[command(after_long_help = TRIAGE)]
    Triage(Watched),
    /// Fuzz a fuzz test of Go, with counters in Go and in C, or a target.
    ///
    /// With --run, in any Go module: FuzzX of PACKAGE runs as it is, in one program
    /// with libFuzzer. It needs clang. An input that fails is kept in
    /// testdata/fuzz/FuzzX, where go test replays it; the corpus and all else in
    /// .cgolab/. What follows `--` are options of libFuzzer.
    ///
    /// Without --run, TARGET of fuzz/Cargo.toml, and the plain command that does the
    /// same is shown. New inputs are kept in fuzz/corpus/TARGET; the checked-in ones
    /// in fuzz/seeds/TARGET are read too. Uses nightly if it is installed, else
    /// stable with RUSTC_BOOTSTRAP=1 for this one child. An input that makes the
    /// target fail is written to fuzz/artifacts/TARGET/, and the command that
    /// replays it is printed.
    #[command(after_long_help = FUZZ)]
    Fuzz(Box<fuzz::Args>),
    /// Plant known bugs in a copy of the subject, and look whether the engines see them.
    ///
    /// A fault is a folder in faults/: a patch, the contract that it breaks, and the engines that
    /// must turn red in a check of that contract, by that check's own word: a test, a rule of the
    /// oracle, a detector's report, a watchdog. What does not build, only crashes or only times out
    /// counts as nothing. The control is the same checks without a fault. A model of loom or shuttle
    /// that no fault turns red is named, and the command fails.
    ///
    /// The copy is target/_faults, with a target folder of its own; if the subject is a folder of a
    /// repository, all of that is copied. The first run builds everything, each fault takes a few
    /// seconds to half a minute. Logs are in the copy. What is finished is kept in
    /// target/lab/faults.jsonl and not done again, as long as sources, tests, fault and tools are
    /// the same.
    #[command(args_conflicts_with_subcommands = true)]
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
        /// Instead of planting any.
        #[command(subcommand)]
        command: Option<FaultsCommand>,
    },
    /// Show the tools that were found: version, place, and how to get what is missing.
    ///
    /// Installs nothing. Ends with the folder to put on PATH for the pinned tools.
    ///
    /// Outside of this repository it tries each engine of `run` on its planted mistakes, and says which of them
    /// work on this machine.
    Doctor,
    /// Make the HTML report of a run again, and print where it is.
    ///
    /// `run` writes it at its end, also when it is red or was stopped. This makes it
    /// from what lies in the folder of the run: of one that was killed, or one from elsewhere.
    Report {
        /// A run in target/lab/runs, or the folder of one; the latest if it is left out.
        run: Option<String>,
    },
    /// Print the contract catalogue and how well each contract is covered.
    ///
    /// exercised: a check with this id passed in the last `run` in which that engine ran
    /// its checks.
    ///
    /// claimed: a check is said to exist; without a passing one a run of the engine is red.
    ///
    /// planned: nothing yet.
    Contracts {
        /// Print JSON: an array of {id, sentence, layer, source, engines: {name: state}}.
        #[arg(long)]
        json: bool,
        /// One family only, such as REQ.
        #[arg(long)]
        family: Option<String>,
    },
}

/// Commands for faults besides planting them.
#[derive(Debug, Subcommand)]
pub enum FaultsCommand {
    /// Make patches fit the code again, where a merge can; say what to do by hand where not.
    Refresh {
        /// Faults by their folder's name; all if there are none.
        #[arg(value_name = "ID")]
        ids: Vec<String>,
    },
}

impl Command {
    /// Runs the command and returns its exit code.
    ///
    /// # Errors
    /// The command could not do its work: bad input or a missing tool.
    pub fn run(self) -> Result<u8> {
        match self {
            // It needs no checkout: any command can be watched.
            Command::Triage(wish) => triage::triage(&wish),
            Command::Init { dir } => {
                green(foreign::init(&dir.unwrap_or_else(|| PathBuf::from(".")))?)
            }
            Command::Doctor if !has_suites()? => green(foreign::doctor()?),
            Command::Storm(wish) => green(foreign::storm::storm(&wish)?),
            Command::Vet { args } => foreign::vet::command(&args),
            Command::Run {
                dir,
                only,
                packages,
                time,
                timeout,
                baseline,
                strict,
                ..
            } if dir.is_some() || !has_suites()? => green(foreign::run(&foreign::Wish {
                dir: dir.unwrap_or_else(|| PathBuf::from(".")),
                only,
                packages,
                time,
                timeout,
                baseline,
                strict,
            })?),
            Command::Run {
                packages,
                time,
                timeout,
                baseline,
                strict,
                ..
            } if !packages.is_empty()
                || time.or(timeout).is_some()
                || baseline.is_some()
                || strict =>
            {
                bail!(
                    "--packages, --time, --timeout, --baseline and --strict are for modules without suites of their own; \
                 name one as DIR"
                )
            }
            Command::Run { only, profile, .. } => {
                in_checkout(|workspace| run::run(workspace, &only, profile))
            }
            Command::Fuzz(args) => args.run(),
            Command::Faults {
                command: Some(FaultsCommand::Refresh { ids }),
                ..
            } => in_checkout(|workspace| faults::refresh(workspace, &ids).map(|()| true)),
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
                in_checkout(|workspace| match list {
                    true => faults::list(workspace, &wish).map(|()| true),
                    false => faults::faults(workspace, &wish, &Suites),
                })
            }
            Command::Doctor => in_checkout(doctor::doctor),
            Command::Report { run } => {
                in_checkout(|workspace| report::again(workspace, run.as_deref()).map(|()| true))
            }
            Command::Contracts { json, family } => in_checkout(|workspace| {
                contracts::print(workspace, family.as_deref(), json).map(|()| true)
            }),
        }
    }
}

/// The command line for a terminal of usual width, with the engines of the subject, or those of modules, listed in
/// the help of `run`.
pub fn with_engines(command: clap::Command) -> clap::Command {
    let file = Workspace::find().and_then(|workspace| SubjectFile::load(workspace.root()));
    let line = |name: &str, what: &str| format!("\n  {name}\n          {what}");
    // What is wrong with the description is told by the commands that need it.
    let engines: String = match file.ok().filter(of_checkout) {
        Some(file) => Engines::of(&file)
            .iter()
            .map(|engine| line(engine.name(), engine.describe()))
            .collect(),
        None => foreign::engines()
            .map(|(name, what)| line(name, what))
            .collect(),
    };
    command
        .max_term_width(out::WIDTH.into())
        .mut_subcommand("run", |run| run.after_help(format!("Engines:{engines}")))
}

/// Finds the checkout, runs the command in it, and gives the exit code for how that ended.
///
/// # Errors
/// There is no checkout, or the command could not do its work.
pub fn in_checkout(command: impl FnOnce(&Workspace) -> Result<bool>) -> Result<u8> {
    green(command(&workspace()?)?)
}

/// The checkout that contains the current folder.
fn workspace() -> Result<Workspace> {
    let file = described()?;
    let workspace = Workspace::find()?;
    Ok(match file.unwrap_or_default().go.first() {
        Some(module) => workspace.with_go_dir(&module.dir),
        None => workspace,
    })
}

/// Reports whether the current folder is in a checkout that has suites or contracts of its own: its
/// description says what runs. Elsewhere the tests of the Go module run.
fn has_suites() -> Result<bool> {
    Ok(described()?.as_ref().is_some_and(of_checkout))
}

/// The nearest description. A mistake in it is told first: a key that is not known may be the one that says what the
/// folder is.
fn described() -> Result<Option<SubjectFile>> {
    let folder = Workspace::described()?;
    folder.map(|it| SubjectFile::load(&it)).transpose()
}

fn of_checkout(file: &SubjectFile) -> bool {
    !file.suite.is_empty() || !file.contracts.is_empty()
}

/// The exit code of a command that could do its work.
fn green(is: bool) -> Result<u8> {
    Ok(if is { 0 } else { RED })
}

/// Watches for Ctrl-C, runs the command, and returns the exit code for the way in which it ended.
pub fn conclude(command: impl FnOnce() -> Result<u8>) -> ExitCode {
    let code = child::catch_interrupts().and_then(|()| command());
    // Also after Ctrl-C: the error may say what is left half done.
    if let Err(error) = &code {
        out::say(format!("error: {error:#}").replace('\n', " "));
    }
    match code {
        _ if child::interrupted() => ExitCode::from(STOPPED),
        Ok(code) => ExitCode::from(code),
        Err(_) => ExitCode::from(CANNOT),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        cli().debug_assert();
    }

    #[test]
    fn help_fits_a_terminal_and_fills_its_lines() {
        let mut cli = cli();
        cli.build();
        let mut helps = vec![cli.render_long_help().to_string()];
        helps.extend(
            cli.get_subcommands_mut()
                .map(|it| it.render_long_help().to_string()),
        );
        let width = usize::from(out::WIDTH);
        for help in helps {
            let about = help.lines().take_while(|line| !line.starts_with("Usage:"));
            let about: Vec<&str> = about.collect();
            for lines in about.windows(2).filter(|lines| !lines[0].is_empty()) {
                let next = lines[1].split_whitespace().next().unwrap_or_default();
                let fits = lines[0].chars().count() + 1 + next.chars().count() <= width;
                assert!(next.is_empty() || !fits, "broken too early: {lines:?}");
            }
            for line in help.lines() {
                assert!(line.chars().count() <= width, "{line}");
            }
        }
    }
}
