//! Feedback by which libFuzzer keeps inputs, and the turns of a search of `cgolab fuzz` that goes by each of it.
//!
//! | feedback | an input is kept for | finds soon |
//! |---|---|---|
//! | [`Go`](Feedback::Go) | new counters of Go | a branch of Go behind much C, which otherwise is one among thousands |
//! | [`Compared`](Feedback::Compared) | new counters, and values that come nearer to what they are compared with | gates of many bytes, on either side |
//! | [`All`](Feedback::All) | new counters of Go or C: libFuzzer's own way | what lies deep in either |
//!
//! Each turn is a process of its own that reads the corpus which all write. Those of the first round have a second
//! each, of which libFuzzer makes two, and each round doubles them, so that half a minute sees all feedback and a long
//! search seldom reads the corpus. Go's counters come first: a new corpus has nothing yet that C alone has asked for.

use std::time::Duration;

/// Feedback by which libFuzzer keeps inputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Feedback {
    /// The counters of both sides.
    All,
    /// The counters of both sides, and how near values are that the program compares: libFuzzer's value profile.
    Compared,
    /// The counters of Go alone.
    Go,
}

/// Turns in their order.
const ROUND: [Feedback; 3] = [Feedback::Go, Feedback::Compared, Feedback::All];
/// The time of a turn of the first round, which is the least that libFuzzer takes, and the most that one has.
const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(300);

impl Feedback {
    /// The option of libFuzzer for it.
    pub fn option(self) -> Option<&'static str> {
        (self == Feedback::Compared).then_some("-use_value_profile=1")
    }

    /// The variable for it, which programs of `cgolab fuzz` read before `main`.
    pub fn env(self) -> Option<(&'static str, &'static str)> {
        (self == Feedback::Go).then_some(("CGOLAB_FUZZ_COUNTERS", "go"))
    }

    /// Words for people.
    pub fn words(self) -> &'static str {
        match self {
            Feedback::All => "counters of Go and C",
            Feedback::Compared => "counters and compared values",
            Feedback::Go => "counters of Go",
        }
    }
}

/// The feedback and the time of a turn, counted from 0, of a search that has so much left; none if that is less than a
/// second, in which libFuzzer counts.
pub fn turn(number: usize, left: Duration) -> Option<(Feedback, Duration)> {
    let round = u32::try_from(number / ROUND.len()).unwrap_or(u32::MAX);
    let doubled = 2_u32
        .checked_pow(round)
        .and_then(|it| FIRST.checked_mul(it));
    let time = doubled.unwrap_or(LONGEST).min(LONGEST).min(left);
    (time >= FIRST).then_some((ROUND[number % ROUND.len()], time))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The turns of a search, with their seconds.
    fn turns(seconds: u64) -> Vec<(Feedback, u64)> {
        let mut left = Duration::from_secs(seconds);
        let mut turns = Vec::new();
        while let Some((feedback, time)) = turn(turns.len(), left) {
            left -= time;
            turns.push((feedback, time.as_secs()));
        }
        turns
    }

    #[test]
    fn a_short_search_goes_by_everything_once() {
        use Feedback::{All, Compared, Go};
        assert_eq!(turns(0), []);
        assert_eq!(turns(1), [(Go, 1)]);
        assert_eq!(
            turns(8),
            [
                (Go, 1),
                (Compared, 1),
                (All, 1),
                (Go, 2),
                (Compared, 2),
                (All, 1)
            ]
        );
    }

    #[test]
    fn a_long_search_has_long_turns_and_uses_its_time() {
        let all = turns(8 * 3600);
        assert_eq!(
            all.iter().map(|(_, seconds)| seconds).sum::<u64>(),
            8 * 3600
        );
        assert!(all.len() < 130, "{}", all.len());
        assert!(all.iter().all(|(_, seconds)| *seconds <= 300));
        let last = turn(usize::MAX, LONGEST).map(|(_, time)| time);
        assert_eq!(last, Some(LONGEST));
    }

    #[test]
    fn each_feedback_is_a_switch_of_its_own() {
        let switches = ROUND.map(|it| (it.option().is_some(), it.env().is_some()));
        assert_eq!(switches, [(false, true), (true, false), (false, false)]);
    }
}
