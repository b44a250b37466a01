//! The words of the page: what cells and contracts say, and how numbers are written.

use crate::record::{Outcome, Record};

/// How a contract came out of the run, worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Standing {
    /// A check of it failed, or failed at times.
    Broken,
    /// A check of it should have passed and nothing did.
    NotExercised,
    /// A check of it passed, and none is red.
    Exercised,
    /// Engines of this run claim it, and none could run on this machine.
    Skipped,
    /// Only engines that were not part of this run claim it.
    Elsewhere,
    /// No engine claims it yet.
    Planned,
}

impl Standing {
    pub(super) const ALL: [Standing; 6] = [
        Standing::Broken,
        Standing::NotExercised,
        Standing::Exercised,
        Standing::Skipped,
        Standing::Elsewhere,
        Standing::Planned,
    ];

    pub(super) fn class(self) -> &'static str {
        match self {
            Standing::Broken => "broken",
            Standing::NotExercised => "unexercised",
            Standing::Exercised => "exercised",
            Standing::Skipped => "skipped",
            Standing::Elsewhere => "elsewhere",
            Standing::Planned => "planned",
        }
    }

    pub(super) fn word(self) -> &'static str {
        match self {
            Standing::Broken => "broken",
            Standing::NotExercised => "claimed, not exercised",
            Standing::Exercised => "exercised",
            Standing::Skipped => "skipped",
            Standing::Elsewhere => "left to engines outside of this run",
            Standing::Planned => "only planned",
        }
    }
}

/// What a cell of the matrix says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Said {
    Outcome(Outcome),
    /// It passed as far as it went.
    CutOff,
    /// Nothing ran, and nothing had to.
    Planned,
    Nothing,
}

impl Said {
    pub(super) fn of(record: &Record) -> Said {
        if record.is_cut_off() {
            Said::CutOff
        } else {
            Said::Outcome(record.outcome)
        }
    }

    /// The CSS class, and the value of the filter.
    pub(super) fn class(self) -> &'static str {
        match self {
            Said::Outcome(Outcome::Pass) => "pass",
            Said::Outcome(Outcome::Fail) => "fail",
            Said::Outcome(Outcome::Skipped) => "skip",
            Said::Outcome(Outcome::NotRun) => "not-run",
            Said::Outcome(Outcome::CanaryOff) => "off",
            Said::Outcome(Outcome::Timeout) => "timeout",
            Said::Outcome(Outcome::Unstable) => "unstable",
            Said::Outcome(Outcome::BuildFailed) => "build",
            Said::CutOff => "cut-off",
            Said::Planned => "planned",
            Said::Nothing => "nothing",
        }
    }

    pub(super) fn word(self) -> &'static str {
        match self {
            Said::Outcome(Outcome::Pass) => "pass",
            Said::Outcome(Outcome::Fail) => "FAIL",
            Said::Outcome(Outcome::Skipped) => "skipped",
            Said::Outcome(Outcome::NotRun) => "not run",
            Said::Outcome(Outcome::CanaryOff) => "canary OFF",
            Said::Outcome(Outcome::Timeout) => "timeout",
            Said::Outcome(Outcome::Unstable) => "unstable",
            Said::Outcome(Outcome::BuildFailed) => "build failed",
            Said::CutOff => "cut off",
            Said::Planned => "planned",
            Said::Nothing => "",
        }
    }
}

/// A duration as people say it, on one line.
pub(super) fn time(seconds: f64) -> String {
    match seconds {
        // Go counts in hundredths.
        s if s < 0.0095 => "<\u{a0}10\u{a0}ms".to_owned(),
        s if s < 0.9995 => format!("{:.0}\u{a0}ms", s * 1000.0),
        s if s < 99.95 => format!("{s:.1}\u{a0}s"),
        s => format!("{:.1}\u{a0}min", s / 60.0),
    }
}

/// A large number with thin spaces between thousands.
pub(super) fn number(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

/// Bytes in gibibytes.
pub(super) fn memory(bytes: u64) -> String {
    const GIB: u64 = 1 << 30;
    format!("{}.{} GiB", bytes / GIB, bytes % GIB * 10 / GIB)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_numbers_are_readable() {
        assert_eq!(time(0.0), "<\u{a0}10\u{a0}ms");
        assert_eq!(time(0.31), "310\u{a0}ms");
        assert_eq!(time(7.46), "7.5\u{a0}s");
        assert_eq!(time(127.0), "2.1\u{a0}min");
        assert_eq!(number(999), "999");
        assert_eq!(number(1_234_567), "1\u{202f}234\u{202f}567");
        assert_eq!(memory(8_124_592 * 1024), "7.7 GiB");
    }
}
