//! The command `cgolab`.

use std::process::ExitCode;

use cgolab::cmd::{self, Command};
use clap::{CommandFactory as _, FromArgMatches as _, Parser};

/// Checks that a Go binding over a native library keeps its interop contracts.
#[derive(Parser)]
#[command(version, after_help = cmd::EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

fn main() -> ExitCode {
    let matches = cmd::with_engines(Cli::command()).get_matches();
    let cli = Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    cmd::conclude(|| cli.command.run())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        cmd::with_engines(Cli::command()).debug_assert();
    }
}
