//! The command `cgolab`.

use std::process::ExitCode;

use cgolab::cmd::{self, Cli};
use clap::FromArgMatches as _;

fn main() -> ExitCode {
    let matches = cmd::cli().get_matches();
    let cli = Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    cmd::conclude(|| cli.command.run())
}
