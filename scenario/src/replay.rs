//! A scenario and the driver that it is for, as the arguments of `--example replay`.
//!
//! A step that breaks through one interface need not break through another, and slots that retire need not
//! behave as slots that do not: a report names both, and the replay takes them.

use std::fmt;

use cgolab_explore::bytes::{from_hex, to_hex};

use crate::Step;
use crate::through::Through;

/// The steps that a replay runs, and their driver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replay {
    /// The driver.
    pub through: Through,
    /// The scenario.
    pub steps: Vec<Step>,
}

/// The arguments that [`Replay::parse`] reads.
impl fmt::Display for Replay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.through, to_hex(&self.steps))
    }
}

impl Replay {
    /// The command line of the example.
    pub const COMMAND: &str = "cargo run -q -p courier-scenario --example replay --";

    /// The arguments of the example.
    pub const USAGE: &str = "--through rust|c [--last-generation N] HEX";

    /// Reads arguments. Without `--through` nothing is run: the wrong driver would say nothing.
    ///
    /// # Errors
    /// The mistake in them.
    pub fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Replay, String> {
        let (mut through, mut last_generation, mut steps) = (None, None, None);
        let mut arguments = arguments.into_iter();
        while let Some(argument) = arguments.next() {
            let mut value = || {
                let value = arguments.next();
                value.ok_or_else(|| format!("{argument} wants a value"))
            };
            match argument.as_str() {
                "--through" => through = Some(value()?),
                "--last-generation" => {
                    let number = value()?;
                    let number: u32 = number
                        .parse()
                        .map_err(|_| format!("{number} is not a generation"))?;
                    last_generation = Some(number.max(1));
                }
                hex => steps = Some(from_hex(hex)?),
            }
        }
        let through = match (through.as_deref(), last_generation) {
            (Some("rust"), generation) => Through::Rust {
                last_generation: generation.unwrap_or(u32::MAX),
            },
            (Some("c"), None) => Through::C,
            (Some("c"), Some(_)) => return Err("slots retire through rust only".to_owned()),
            (other, _) => return Err(format!("--through is rust or c, not {other:?}")),
        };
        let steps = steps.ok_or("there is no scenario")?;
        Ok(Replay { through, steps })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &str) -> Result<Replay, String> {
        Replay::parse(arguments.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn what_is_printed_is_read_as_the_same_driver_and_scenario() {
        let steps: Vec<Step> = from_hex("02000000000a000000").unwrap();
        for through in [
            Through::C,
            Through::Rust { last_generation: 2 },
            Through::Rust {
                last_generation: u32::MAX,
            },
        ] {
            let steps = steps.clone();
            let replay = Replay { through, steps };
            assert_eq!(parse(&replay.to_string()), Ok(replay));
        }
    }

    #[test]
    fn a_scenario_without_a_driver_is_refused() {
        parse("02").unwrap_err();
        parse("--through go 02").unwrap_err();
        parse("--through c --last-generation 2 02").unwrap_err();
        parse("--through c").unwrap_err();
        parse("02 --through").unwrap_err();
    }
}
