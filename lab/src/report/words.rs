//! The page's classes of states, and how numbers are written. The words of states are the verdict's.

use crate::record::Outcome;
use crate::verdict::{CellState, ContractState, RunState};

/// A state that the page shows in a look of its own.
pub(super) trait Look {
    /// The CSS class, and the value of a filter.
    fn class(&self) -> &'static str;
}

impl Look for RunState {
    fn class(&self) -> &'static str {
        match self {
            RunState::Passed => "green",
            RunState::Partial => "partial",
            RunState::Red => "red",
            RunState::Nothing | RunState::Stopped => "stopped",
        }
    }
}

impl Look for ContractState {
    fn class(&self) -> &'static str {
        match self {
            ContractState::Broken => "broken",
            ContractState::NotExercised => "unexercised",
            ContractState::Exercised => "exercised",
            ContractState::Skipped => "skipped",
            ContractState::Elsewhere => "elsewhere",
            ContractState::Planned => "planned",
            ContractState::Unclaimed => "unclaimed",
        }
    }
}

impl Look for Outcome {
    fn class(&self) -> &'static str {
        match self {
            Outcome::Pass => "pass",
            Outcome::CutOff => "cut-off",
            Outcome::Fail => "fail",
            Outcome::Skipped => "skip",
            Outcome::NotRun => "not-run",
            Outcome::CanaryOff => "off",
            Outcome::Timeout => "timeout",
            Outcome::Unstable => "unstable",
            Outcome::BuildFailed => "build",
        }
    }
}

impl Look for CellState {
    fn class(&self) -> &'static str {
        match self {
            CellState::Ran(outcome) => outcome.class(),
            CellState::Planned => "planned",
            CellState::Nothing => "nothing",
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
