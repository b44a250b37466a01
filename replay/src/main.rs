//! Replays, shrinks and translates scenarios of courier: what `cargo lab replay` and its like start.
//!
//! Exit code 0: the library did what the model says; 1: it did not, and the report says where; 2: the
//! arguments are not right, or something is missing.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use clap::{Args, Parser, Subcommand, ValueEnum};
use courier_replay::detector::Detector;
use courier_replay::shrink::{Build, Often, smallest};
use courier_replay::trace::{Comparison, Trace};
use courier_replay::{child, input, program};
use courier_scenario::Op;
use courier_scenario::explore::text::{self, Scenario};
use courier_scenario::through::Through;

/// Replays, shrinks and translates scenarios of courier.
#[derive(Parser)]
#[command(name = "courier-replay", bin_name = "cargo lab")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run a scenario through each of several drivers, and print its trace, or the first difference.
    Replay {
        #[command(flatten)]
        input: Input,
        #[command(flatten)]
        drivers: Drivers,
    },
    /// Print the smallest scenario that breaks the same contract through the same driver.
    ///
    /// Where the library differs from what is committed, that is built, too, in target/lab/clean: the smallest
    /// scenario holds there.
    Shrink {
        #[command(flatten)]
        input: Input,
        #[command(flatten)]
        drivers: Drivers,
        /// A scenario is tried so often, where lanes meet at a barrier.
        #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
        tries: u64,
        /// And has failed if so many of the tries did.
        #[arg(long, value_name = "K", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
        times: u64,
    },
    /// Print a scenario as text, or as a program that needs no lab.
    Scenario {
        #[command(flatten)]
        input: Input,
        /// The form.
        #[arg(long, value_enum, default_value_t = Form::Text)]
        to: Form,
    },
    /// Run the scenario on standard input through one driver, and tell of it in JSON.
    #[command(hide = true)]
    One {
        #[command(flatten)]
        drivers: Drivers,
        /// The program that drives the Go binding.
        #[arg(long)]
        go: Option<PathBuf>,
    },
}

#[derive(Args)]
struct Input {
    /// A text, a crash file of a fuzz target, or hexadecimal digits.
    #[arg(value_name = "FILE|CRASH|HEX")]
    scenario: String,
    /// Take the file for bytes, though it looks like a text.
    #[arg(long)]
    bytes: bool,
}

impl Input {
    fn read(&self) -> Result<Scenario<Op>> {
        input::read(&self.scenario, self.bytes)
    }
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    Text,
    C,
    Go,
    Rust,
}

#[derive(Args)]
struct Drivers {
    /// The interfaces to drive: rust and c by default, and go for builds that are Go's.
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    through: Vec<Interface>,
    /// The build to drive. All but plain end the process at the first report of a detector, which has seen a
    /// planted mistake before. Valgrind is for rust and c, the others are Go's.
    #[arg(long, value_enum, value_name = "BUILD", default_value_t)]
    build: Detector,
    /// The number of objects after which a slot of handles retires, through rust.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    last_generation: Option<u32>,
    /// How often the steps behind a barrier are run.
    #[arg(long, value_name = "N", default_value_t = 64)]
    runs: u64,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Interface {
    Rust,
    C,
    Go,
}

impl Drivers {
    fn through(&self) -> Result<Vec<Through>> {
        if self.last_generation.is_some() && self.through != [Interface::Rust] {
            bail!("slots retire with --through rust only: leave --last-generation out");
        }
        let by_default = match self.build {
            Detector::Plain | Detector::Valgrind => vec![Interface::Rust, Interface::C],
            Detector::Race | Detector::Cgocheck2 | Detector::Asan => vec![Interface::Go],
        };
        let interfaces = match self.through.is_empty() {
            true => by_default,
            false => self.through.clone(),
        };
        let through = |interface: &Interface| match interface {
            Interface::Rust => Through::Rust {
                last_generation: self.last_generation.unwrap_or(u32::MAX),
            },
            Interface::C => Through::C,
            Interface::Go => Through::Go,
        };
        let through: Vec<Through> = interfaces.iter().map(through).collect();
        if let Some(blind) = through.iter().find(|it| !self.build.sees(**it)) {
            bail!(
                "--build {} does not go with `{blind}`: leave one of them out",
                self.build.name()
            );
        }
        Ok(through)
    }

    fn traces(&self, scenario: &Scenario<Op>) -> Result<Vec<Trace>> {
        let through = self.through()?;
        let build = Build::ours(&workspace(), &through, self.build)?;
        let trace = |through| build.trace(through, scenario, self.runs);
        through.into_iter().map(trace).collect()
    }
}

/// The checkout that this program was built in.
fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn run(command: Command) -> Result<ExitCode> {
    match command {
        Command::Replay { input, drivers } => {
            let scenario = input.read()?;
            let comparison = Comparison::of(&scenario, drivers.traces(&scenario)?);
            print!("{comparison}");
            Ok(ExitCode::from(u8::from(!comparison.holds())))
        }
        Command::Shrink {
            input,
            drivers,
            tries,
            times,
        } => {
            let (scenario, through) = (input.read()?, drivers.through()?);
            let build = Build::ours(&workspace(), &through, drivers.build)?;
            let committed = Build::committed(&workspace(), &through, drivers.build)?;
            let often = Often { times, of: tries };
            if times > tries {
                bail!("--times {times} is more than --tries {tries}");
            }
            let shrunk = smallest(
                scenario,
                &through,
                &build,
                committed.as_ref(),
                drivers.runs,
                often,
            )?;
            print!("{shrunk}");
            Ok(ExitCode::SUCCESS)
        }
        Command::Scenario { input, to } => {
            let scenario = input.read()?;
            if to != Form::Text && !scenario.together.is_empty() {
                bail!("a program has no order to judge by: leave the barrier out");
            }
            match to {
                Form::Text => print!("{scenario}"),
                Form::C => print!("{}", program::to_c(&scenario)),
                Form::Rust => print!("{}", program::to_rust(&scenario)),
                Form::Go => print!("{}", program::to_go(&scenario)),
            }
            Ok(ExitCode::SUCCESS)
        }
        Command::One { drivers, go } => {
            let mut source = Vec::new();
            std::io::stdin().read_to_end(&mut source)?;
            let scenario = text::parse(&source)
                .map_err(|mistake| anyhow::anyhow!("{}", mistake.report("the input", &source)))?;
            let through = drivers.through()?;
            let through = through.first().context("--through names a driver")?;
            child::run(&scenario, *through, go, drivers.runs)?;
            Ok(ExitCode::SUCCESS)
        }
    }
}
