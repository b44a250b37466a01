//! The amount of everything that a run does.

use clap::ValueEnum;

/// The two sizes of a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Profile {
    /// Minutes on 2 warm cores: before a commit, and for pull requests.
    #[default]
    Quick,
    /// The depth of a night: more schedules, longer fuzzing with a kept corpus.
    Full,
}

impl Profile {
    /// The word after `--profile`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Profile::Quick => "quick",
            Profile::Full => "full",
        }
    }

    /// Seconds of fuzzing for each build, all targets together.
    pub(crate) fn fuzz_seconds(self) -> u64 {
        match self {
            Profile::Quick => 36,
            Profile::Full => 480,
        }
    }

    /// Returns true if fuzzing starts from the inputs that earlier runs found, and adds to them.
    pub(crate) fn keeps_corpus(self) -> bool {
        self == Profile::Full
    }

    /// Repetitions of each test of Go's where each time is another chance: under the race detector,
    /// and in a storm.
    pub(crate) fn storm_repetitions(self) -> u32 {
        match self {
            Profile::Quick => 1,
            Profile::Full => 10,
        }
    }
}
