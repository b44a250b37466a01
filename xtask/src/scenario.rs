//! `cargo lab replay` and its like start `courier-replay`, which links the library.
//!
//! It is a program of its own: `cargo lab` works while the library does not build.

use std::ffi::OsString;
use std::process::Command;

use anyhow::{Context as _, Result};
use clap::Args;

/// The arguments of a command, as they are.
#[derive(Args)]
pub(crate) struct Arguments {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<OsString>,
}

/// Runs a command of `courier-replay`, and returns its exit code.
pub(crate) fn run(command: &[&str], arguments: &Arguments) -> Result<u8> {
    let status = Command::new("cargo")
        .args(["run", "-q", "-p", "courier-replay", "--"])
        .args(command)
        .args(&arguments.arguments)
        .status()
        .context("cannot start cargo")?;
    // A signal has ended it, or cargo has built nothing.
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.unwrap_or(2))
}
