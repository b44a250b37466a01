//! `cgolab fuzz`: an ordinary fuzz test of Go under libFuzzer, with counters in Go and in C, in one program.
//!
//! ```text
//!  package ──► go test -c ──► clang -fsanitize=fuzzer ──► libFuzzer ──► crash ──► finding
//!  unedited    as an archive,  links it                    corpus        runs      testdata/fuzz,
//!              testing laid                                              alone     a command
//!              over
//! ```
//!
//! The test program is the real one, with TestMain and all test files. Package testing is laid over with a copy
//! in which F.Fuzz hands the test to libFuzzer ([`testing`]). Nothing is written into the module but Go's own
//! form of an input that fails, in `testdata/fuzz/FuzzX`, where `go test` replays it, and `.cgolab/`.
//!
//! Start reading in [`fuzz`]; the Go and C that is laid over is in `lab/fuzz`.

mod build;
mod canaries;
mod clang;
mod counters;
mod crash;
mod program;
mod session;
mod testing;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;

use self::session::{Found, files_of, link_words};
use super::outcome::State;
use crate::engine::fuzz::Sanitizer;
use crate::host::progress::Progress;

/// Options of a build for fuzzing.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// The sanitizer that the target is built with.
    #[arg(long, value_enum, default_value_t)]
    pub sanitizer: Sanitizer,
    /// In a module: check every Go pointer that is stored in memory of C.
    #[arg(long)]
    pub cgocheck2: bool,
    /// In a module: packages of Go with counters, as `go list` takes them, or `all`; without it those of the
    /// module and those with C.
    #[arg(long, value_name = "PACKAGE,…", value_delimiter = ',')]
    pub instrument: Vec<String>,
}

/// A fuzz test, and how it is built.
#[derive(Debug, Clone, clap::Args)]
pub struct Target {
    /// The package, as a folder or as `go list` takes it.
    #[arg(value_name = "PACKAGE")]
    pub package: String,
    /// The fuzz test.
    #[arg(long = "run", value_name = "FuzzX")]
    pub test: String,
    /// Options of the build.
    #[command(flatten)]
    pub options: Options,
}

/// Commands on a fuzz test besides fuzzing it.
#[derive(Debug, clap::Subcommand)]
pub enum Chore {
    /// Run inputs again, each in a process of its own.
    Replay {
        /// The fuzz test.
        #[command(flatten)]
        target: Target,
        /// Inputs: bytes of libFuzzer, or texts of testdata/fuzz.
        #[arg(value_name = "FILE", required = true)]
        files: Vec<PathBuf>,
        /// Options of libFuzzer, such as -timeout=5.
        #[arg(last = true, value_name = "OPTION")]
        libfuzzer: Vec<String>,
    },
}

/// A session that the command line asks for.
#[derive(Debug)]
pub(crate) struct Wish {
    pub(crate) target: Target,
    pub(crate) time: Duration,
    /// Build only, into this file.
    pub(crate) build_only: Option<PathBuf>,
    /// Options of libFuzzer.
    pub(crate) libfuzzer: Vec<String>,
}

/// Fuzzes, and returns `true` if nothing is red.
///
/// # Errors
/// Nothing was judged: no clang, no such test, a test that does not build or does not come to F.Fuzz.
pub(crate) fn fuzz(wish: &Wish) -> Result<bool> {
    let progress = Progress::new();
    let found = Found::find(&wish.target, &progress)?;
    let session = found.session(&wish.target, &wish.libfuzzer, &progress)?;
    let built = session.build()?;
    if let (Some(place), None) = (&wish.build_only, built.counters.off()) {
        return session.keep(&built, place);
    }
    session.judged(&built, |program, engine| {
        if let Some(why) = session.missed()? {
            engine.state = State::Off(why);
            return Ok(());
        }
        session.fuzz(program, wish.time, engine)
    })
}

/// Does a chore, and returns `true` if nothing is red.
///
/// # Errors
/// Nothing was judged: see [`fuzz`]; or an input that cannot be read.
pub(crate) fn chore(chore: &Chore) -> Result<bool> {
    let progress = Progress::new();
    match chore {
        Chore::Replay {
            target,
            files,
            libfuzzer,
        } => {
            let found = Found::find(target, &progress)?;
            let session = found.session(target, libfuzzer, &progress)?;
            let built = session.build()?;
            session.judged(&built, |program, engine| {
                session.replay_all(program, files, engine)
            })
        }
    }
}
