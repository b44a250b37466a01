//! Notes: the lines by which a test tells cgolab what it checked, one fact a line.
//!
//! | line | meaning |
//! |---|---|
//! | `cgolab: contract=REQ-04 checks=123` | the contract was checked that often |
//! | `cgolab: broken=REQ-04` | this contract does not hold |
//! | `cgolab: executions=512` | cases, inputs or schedules that ran |
//! | `cgolab: model=complete bound=2` | every schedule with so many preemptions was explored |
//! | `cgolab: model=cut-off bound=none` | the search ended early, and found nothing until then |
//! | `cgolab: model=sampled seed=1` | random schedules ran, as many as were asked for |
//! | `cgolab: skipped=no clang on PATH` | the test did nothing, for this reason |
//! | `cgolab: scenario=--through c 0100` | the failing scenario, as the replayer takes it |
//!
//! A test prints a note on a line of its own, to either stream:
//!
//! ```
//! use cgolab_note::Note;
//!
//! println!("{}", Note::checked("REQ-04", 123)); // cgolab: contract=REQ-04 checks=123
//! ```
//!
//! A note that was written is read as the same note. The package `note` in `go-harness/` writes the same
//! lines from Go; both are tested against `go-harness/note/testdata/lines.txt`. [`tool`] finds what a test needs, and
//! notes that it did nothing without.

pub mod tool;

use std::fmt;
use std::str::FromStr;

/// Beginning of every note.
pub const PREFIX: &str = "cgolab: ";
/// Beginning of a note that a contract does not hold.
pub const BROKEN: &str = "cgolab: broken=";

/// A fact that a test tells about itself. Displays as its line, without the line break.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// A contract, and how often it was checked.
    Checked(Id, u64),
    /// A contract that does not hold.
    Broken(Id),
    /// Number of cases, inputs or schedules that ran. Several notes of one process add up.
    Executions(u64),
    /// End of a search through schedules.
    Model(Model),
    /// Reason why the test did nothing.
    Skipped(Text),
    /// Failing scenario. The last one of a process counts: shrinking comes last.
    Scenario(Text),
}

impl Note {
    /// Notes that a contract was checked so often.
    ///
    /// # Panics
    /// If `contract` is not one word.
    pub fn checked(contract: &str, checks: u64) -> Note {
        Note::Checked(Id::of(contract), checks)
    }

    /// Notes that a contract does not hold.
    ///
    /// # Panics
    /// If `contract` is not one word.
    pub fn broken(contract: &str) -> Note {
        Note::Broken(Id::of(contract))
    }

    /// Notes that the test did nothing.
    pub fn skipped(why: &str) -> Note {
        Note::Skipped(Text::of(why))
    }

    /// Notes the failing scenario.
    pub fn scenario(scenario: &str) -> Note {
        Note::Scenario(Text::of(scenario))
    }

    /// Reads what stands behind the prefix.
    fn read(note: &str) -> Option<Note> {
        let (key, value) = note.split_once('=')?;
        match key {
            "skipped" => return Some(Note::skipped(value)),
            "scenario" => return Some(Note::scenario(value)),
            _ => {}
        }
        let words: Vec<(&str, &str)> = note
            .split_whitespace()
            .map(|word| word.split_once('='))
            .collect::<Option<_>>()?;
        Some(match words[..] {
            [("contract", id), ("checks", checks)] => {
                Note::Checked(Id::read(id)?, checks.parse().ok()?)
            }
            [("broken", id)] => Note::Broken(Id::read(id)?),
            [("executions", count)] => Note::Executions(count.parse().ok()?),
            [("model", "complete"), ("bound", bound)] => Note::Model(Model::Complete {
                bound: read_bound(bound)?,
            }),
            [("model", "cut-off"), ("bound", bound)] => Note::Model(Model::CutOff {
                bound: read_bound(bound)?,
            }),
            [("model", "sampled"), ("seed", seed)] => Note::Model(Model::Sampled {
                seed: seed.parse().ok()?,
            }),
            _ => return None,
        })
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(PREFIX)?;
        match self {
            Note::Checked(id, checks) => write!(f, "contract={id} checks={checks}"),
            Note::Broken(id) => write!(f, "broken={id}"),
            Note::Executions(count) => write!(f, "executions={count}"),
            Note::Model(model) => model.fmt(f),
            Note::Skipped(why) => write!(f, "skipped={why}"),
            Note::Scenario(scenario) => write!(f, "scenario={scenario}"),
        }
    }
}

impl FromStr for Note {
    type Err = Malformed;

    fn from_str(line: &str) -> Result<Note, Malformed> {
        let note = line.strip_prefix(PREFIX).and_then(Note::read);
        note.ok_or_else(|| Malformed(line.to_owned()))
    }
}

/// Finds the note in a line of output. It need not be at the start: libtest writes `test name ... ` before
/// what a test prints, and Go's `t.Log` the file and line. Text behind the prefix that names no key is
/// prose, and no note.
///
/// ```
/// use cgolab_note::{Note, find};
///
/// let line = "test req_04 ... cgolab: executions=512";
/// assert_eq!(find(line), Some(Ok(Note::Executions(512))));
/// assert_eq!(find("ok"), None);
/// ```
pub fn find(line: &str) -> Option<Result<Note, Malformed>> {
    let start = line.find(PREFIX)?;
    let (key, _) = line[start + PREFIX.len()..].split_once('=')?;
    let named = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_lowercase());
    named.then(|| line[start..].trim_end().parse())
}

/// End of a search through the schedules of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Model {
    /// Every schedule within the bound was explored.
    Complete {
        /// Preemptions that a schedule may have; none: any number.
        bound: Option<u64>,
    },
    /// The search ended early, and found nothing until then.
    CutOff {
        /// Preemptions that a schedule may have; none: any number.
        bound: Option<u64>,
    },
    /// Random schedules ran, as many as were asked for.
    Sampled {
        /// Seed of the random numbers.
        seed: u64,
    },
}

impl fmt::Display for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (word, bound) = match self {
            Model::Sampled { seed } => return write!(f, "model=sampled seed={seed}"),
            Model::Complete { bound } => ("complete", bound),
            Model::CutOff { bound } => ("cut-off", bound),
        };
        match bound {
            Some(bound) => write!(f, "model={word} bound={bound}"),
            None => write!(f, "model={word} bound=none"),
        }
    }
}

fn read_bound(text: &str) -> Option<Option<u64>> {
    match text {
        "none" => Some(None),
        number => number.parse().ok().map(Some),
    }
}

/// Id of a contract: one word, such as `REQ-04`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Id(String);

impl Id {
    fn of(text: &str) -> Id {
        Id::read(text).unwrap_or_else(|| panic!("{text:?} is no contract's id: it takes one word"))
    }

    fn read(text: &str) -> Option<Id> {
        let word = !text.is_empty() && !text.contains(char::is_whitespace);
        word.then(|| Id(text.to_owned()))
    }

    /// Returns the id.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Text in one line: its words, with one space between them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text(String);

impl Text {
    fn of(text: &str) -> Text {
        Text(text.split_whitespace().collect::<Vec<_>>().join(" "))
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A malformed note: the right beginning, and a rest that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed(String);

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` is no note; the documentation of the crate cgolab-note lists them",
            self.0
        )
    }
}

impl std::error::Error for Malformed {}
