//! `cargo lab`: the tool on this checkout, and the chores of this repository beside it.
//!
//! The tool's commands are [`cgolab::cmd`]'s. The chores serve nobody but the people who work on this
//! repository:
//!
//! | module | command | does |
//! |---|---|---|
//! | [`mod@test`] | `test` | runs every test |
//! | [`coverage`] | `coverage` | lists the statements of the Go binding that no test runs |
//! | [`mod@bench`] | `bench` | measures our parts beside their peers |
//! | [`matrix`] | `matrix` | prints or runs the jobs of continuous integration |
//! | [`modules`] | `modules` | runs the tool on public bindings, and compares |
//! | [`scenario`] | `replay`, `shrink`, `scenario` | starts what replays scenarios |
//! | [`header`] | `header` | writes the C header and the other generated files |

#![forbid(unsafe_code)]
// They panic when the reader leaves; see `cgolab::host::out`.
#![warn(clippy::print_stdout, clippy::print_stderr)]

mod bench;
mod coverage;
mod dist;
mod header;
mod matrix;
mod modules;
mod scenario;
mod test;

use std::process::ExitCode;

use anyhow::Result;
use cgolab::cmd;
use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use crate::bench::Side;

const FIRST_STEPS: &str = "\
First steps:
  cargo lab doctor       which tools were found, and which are missing
  cargo lab run          all engines, with a table at the end
  cargo lab test         all tests, before a commit
  cargo lab contracts    what is promised, and what the last runs checked of it";

/// Checks that a Go binding over a native library keeps its interop contracts.
#[derive(Parser)]
#[command(name = "cgolab", bin_name = "cargo lab", version)]
#[command(after_help = format!("{}\n\n{FIRST_STEPS}", cmd::EXIT_CODES))]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    #[command(flatten)]
    Tool(cmd::Command),
    /// Run all tests of the project: nextest, doc tests, go vet, go test. Lock files are compared, too.
    ///
    /// Builds the static library in between, because the Go tests link it. All steps run even if
    /// one fails; the failing ones are named at the end. Logs: target/lab/test/.
    Test,
    /// Run the Go tests and list the statements of the binding that none of them runs.
    ///
    /// Red without a reason for each in go-harness/unreached.toml, and if a reason there is for
    /// nothing. Takes a minute. Profiles and logs: target/lab/coverage/.
    Coverage,
    /// Measure what our parts cost beside peers that do the same, and compare with the goals.
    ///
    /// Cases take turns in 7 passes (go: 28 shorter ones); goals are ratios of first quartiles within
    /// one run. A missed goal is not red: on a busy machine figures mean little. Takes 3 to 5 minutes
    /// when warm.
    ///
    /// Table on standard output; figures and logs: target/lab/bench/TIME/.
    Bench {
        /// The runtime and the engines, the binding, or fuzzers.
        side: Side,
        /// Measure these rows only.
        #[arg(long, value_name = "ROW,…", value_delimiter = ',')]
        only: Vec<String>,
        /// Seconds that each case runs in one of 7 passes if it is an engine; a function runs a tenth of it. Of fuzz: the
        /// longest that a fuzzer searches in one of 10 trials [default: 2, of fuzz 20].
        #[arg(long, value_name = "S", value_parser = seconds)]
        seconds: Option<f64>,
    },
    /// Print the jobs of continuous integration, or run one of them here.
    ///
    /// They are written down in ci/matrix.toml: what runs when, on which toolchains. The
    /// workflows in .github read it through --github and call --run, nothing else.
    Matrix {
        /// Prints JSON for `strategy.matrix` of a GitHub workflow: the jobs of a pull request, or
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
    /// Run `cgolab run` on public bindings at pinned versions, and compare with what was found before.
    ///
    /// ci/modules.txt lists them; docs/strangers/ has each finding with its judgement. Red if a finding is new or
    /// gone, if an engine is in another state, or if nothing could be judged. Takes about an hour for all.
    Modules(modules::Wish),
    /// Build `cgolab` for people without Rust: one static program, with completions, man pages and
    /// notices of the licences of what is in it.
    ///
    /// It lies in target/shipped, and as an archive beside it. It is for Linux on amd64, and needs no shared
    /// library. Red if it does, or if it is larger than 15 MiB.
    Dist,
    /// Run a scenario through each of several drivers, and print its trace, or the first difference.
    ///
    /// `--help` explains the arguments. docs/scenarios.md has the text form.
    #[command(disable_help_flag = true)]
    Replay(scenario::Arguments),
    /// Print the smallest scenario that breaks the same contract through the same driver.
    ///
    /// `--help` explains the arguments.
    #[command(disable_help_flag = true)]
    Shrink(scenario::Arguments),
    /// Print a scenario as text, or as a program.
    ///
    /// `--help` explains the arguments. docs/scenarios.md has the text form.
    #[command(disable_help_flag = true)]
    Scenario(scenario::Arguments),
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

fn main() -> ExitCode {
    let matches = cmd::with_engines(Cli::command()).get_matches();
    let cli = Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    cmd::conclude(|| cli.command.run())
}

/// A positive number of seconds, and no more than an hour.
fn seconds(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(seconds) if seconds > 0.0 && seconds <= 3600.0 => Ok(seconds),
        _ => Err("it takes a number above 0 and up to 3600".to_owned()),
    }
}

impl Command {
    /// Runs the command and returns its exit code.
    fn run(self) -> Result<u8> {
        match self {
            Command::Tool(command) => command.run(),
            Command::Test => cmd::in_checkout(test::test),
            Command::Coverage => cmd::in_checkout(coverage::coverage),
            Command::Bench {
                side,
                only,
                seconds,
            } => cmd::in_checkout(|workspace| bench::bench(workspace, side, &only, seconds)),
            Command::Matrix { github, run, all } => {
                cmd::in_checkout(|workspace| match (github, run, all) {
                    (_, Some(job), _) => matrix::run(workspace, &job),
                    (_, _, Some(when)) => matrix::run_all(workspace, when),
                    (Some(when), _, _) => matrix::print_github(workspace, when).map(|()| true),
                    (None, None, None) => matrix::print(workspace).map(|()| true),
                })
            }
            Command::Modules(wish) => {
                cmd::in_checkout(|workspace| modules::modules(workspace, &wish))
            }
            Command::Dist => cmd::in_checkout(dist::dist),
            Command::Replay(arguments) => scenario::run(&["replay"], &arguments),
            Command::Shrink(arguments) => scenario::run(&["shrink"], &arguments),
            Command::Scenario(arguments) => scenario::run(&["scenario"], &arguments),
            Command::Header { check } => {
                cmd::in_checkout(|workspace| header::command(workspace, check))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        cmd::with_engines(Cli::command()).debug_assert();
    }
}
