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

mod addresses;
mod build;
mod campaign;
mod canaries;
mod chores;
mod clang;
mod clash;
mod counters;
mod crash;
mod program;
mod sanitizer;
mod session;
mod suite;
mod testing;
mod turns;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;

pub(crate) use self::campaign::{Wish as Campaign, campaign};
pub(crate) use self::turns::Fuzzers;

use self::clang::Clang;
pub(crate) use self::sanitizer::Sanitizer;
use self::session::{Found, files_of};
pub(crate) use self::suite::Suites;
use super::module;
use super::outcome::State;
use crate::host::out;
use crate::host::progress::Progress;
use crate::triage::duration;

/// Options of a build for fuzzing.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Options {
    /// The sanitizer that the target is built with.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) sanitizer: Sanitizer,
    /// In a module: check every Go pointer that is stored in memory of C.
    #[arg(long)]
    pub(crate) cgocheck2: bool,
    /// In a module: packages of Go with counters, as `go list` takes them, or `all`; without it those of the
    /// module and those with C.
    #[arg(long, value_name = "PACKAGE,…", value_delimiter = ',')]
    pub(crate) instrument: Vec<String>,
    /// In a module: an archive of C that clang has compiled with -fsanitize=fuzzer-no-link, to be linked in
    /// place of the package's own library; may be repeated.
    #[arg(long, value_name = "ARCHIVE")]
    pub(crate) native: Vec<PathBuf>,
}

/// A fuzz test, and how it is built.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Target {
    /// The package, as a folder or as `go list` takes it.
    #[arg(value_name = "PACKAGE")]
    pub(crate) package: String,
    /// The fuzz test.
    #[arg(long = "run", value_name = "FuzzX")]
    pub(crate) test: String,
    /// Options of the build.
    #[command(flatten)]
    pub(crate) options: Options,
}

/// Commands on a fuzz test besides fuzzing it.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Chore {
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
    /// Take inputs of folders into the corpus, and leave there what reaches something new.
    Merge {
        /// The fuzz test.
        #[command(flatten)]
        target: Target,
        /// Folders of inputs, of libFuzzer's or of Go's form; without any the corpus alone is reduced.
        #[arg(value_name = "FOLDER")]
        folders: Vec<PathBuf>,
    },
    /// Look for a smaller input with the same finding.
    Minimize {
        /// The fuzz test.
        #[command(flatten)]
        target: Target,
        /// The input, of either form.
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// The time to look.
        #[arg(long, value_name = "TIME", default_value = "60s", value_parser = time)]
        time: Duration,
    },
}

impl Chore {
    fn target(&self) -> &Target {
        match self {
            Chore::Replay { target, .. }
            | Chore::Merge { target, .. }
            | Chore::Minimize { target, .. } => target,
        }
    }

    /// Options of libFuzzer.
    fn libfuzzer(&self) -> &[String] {
        match self {
            Chore::Replay { libfuzzer, .. } => libfuzzer,
            Chore::Merge { .. } | Chore::Minimize { .. } => &[],
        }
    }
}

/// A time that libFuzzer can be given: it counts seconds.
pub(crate) fn time(text: &str) -> Result<Duration, String> {
    let time = duration(text)?;
    match (1..=1_000_000).contains(&time.as_secs()) {
        true => Ok(time),
        false => Err("give it from 1s to 1000000s, such as 60s".to_owned()),
    }
}

/// A session that the command line asks for.
#[derive(Debug)]
pub(crate) struct Wish {
    pub(crate) target: Target,
    pub(crate) time: Duration,
    pub(crate) fuzzers: Fuzzers,
    /// Build only, into this file.
    pub(crate) build_only: Option<PathBuf>,
    /// Options of libFuzzer.
    pub(crate) libfuzzer: Vec<String>,
}

/// The compiler with which `cgolab fuzz` works on this machine, or what it lacks. `folder` is for a trial.
pub(super) fn doctor(folder: &Path) -> Result<String> {
    let own = module::go(folder, &["env", "CC"])?;
    Ok(match Clang::find(own.trim(), Sanitizer::Address, folder) {
        Ok(clang) => format!("links libFuzzer with {}", clang.c),
        Err(why) => format!("{why:#}"),
    })
}

/// Fuzzes, and returns `true` if nothing is red.
///
/// # Errors
/// Nothing was judged: no clang, no such test, a test that does not build or does not come to F.Fuzz.
pub(crate) fn fuzz(wish: &Wish) -> Result<bool> {
    let progress = Progress::new();
    let found = Found::find(&wish.target, &progress)?;
    let session = found.of_target(&wish.target, &wish.libfuzzer, &progress)?;
    let built = session.build()?;
    if let (Some(place), None) = (&wish.build_only, built.counters.off()) {
        return session.keep(&built, place);
    }
    session.judged(&built, |program, engine| {
        if let Some(why) = session.missed()? {
            engine.state = State::Off(why);
            return Ok(());
        }
        let round = built.counters.round();
        session.fuzz_with(wish.fuzzers, program, round, wish.time, engine)
    })
}

/// Does a chore, and returns `true` if nothing is red.
///
/// # Errors
/// Nothing was judged: see [`fuzz`]; or an input that cannot be read.
pub(crate) fn chore(chore: &Chore) -> Result<bool> {
    let progress = Progress::new();
    let found = Found::find(chore.target(), &progress)?;
    let session = found.of_target(chore.target(), chore.libfuzzer(), &progress)?;
    let built = session.build()?;
    let program = session.program(&built);
    match chore {
        Chore::Replay { files, .. } => session.judged(&built, |program, engine| {
            session.replay(program, files, engine)
        }),
        Chore::Merge { folders, .. } => {
            out::line(session.merge(&program, folders)?)?;
            Ok(true)
        }
        Chore::Minimize { file, time, .. } => session.minimize(&program, file, *time),
    }
}
