//! Feedback by which libFuzzer keeps inputs, and the turns of a search of `cgolab fuzz` that goes by each of it.
//!
//! | feedback | an input is kept for | finds soon |
//! |---|---|---|
//! | [`Go`](Feedback::Go) | new counters of Go | a branch of Go behind much C, which otherwise is one among thousands |
//! | [`C`](Feedback::C) | new counters of C | a branch of C behind much Go, such as a decoder with counters |
//! | [`Compared`](Feedback::Compared) | new counters, and values that come nearer to what they are compared with | gates of many bytes, on either side |
//! | [`All`](Feedback::All) | new counters of Go or C: libFuzzer's own way | what lies deep in either |
//!
//! Each turn is a process of its own that reads the corpus which all write. Those of the first round have a second
//! each, of which libFuzzer makes two, and each round doubles them, so that half a minute sees all feedback and a long
//! search seldom reads the corpus; where that takes long, turns are longer. One side alone comes first: a new corpus
//! has nothing yet that the other has asked for. A program without C has no turns of one side: all counters are Go's.

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
    /// The counters of C alone.
    C,
}

/// The turns of a program with counters of Go and of C, in their order.
pub const TWO_SIDED: &[Feedback] = &[Feedback::Go, Feedback::C, Feedback::Compared, Feedback::All];
/// The turns of a program with counters of one side.
pub const ONE_SIDED: &[Feedback] = &[Feedback::Compared, Feedback::All];

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
        let side = match self {
            Feedback::Go => "go",
            Feedback::C => "c",
            Feedback::All | Feedback::Compared => return None,
        };
        Some(("CGOLAB_FUZZ_COUNTERS", side))
    }

    /// Words for people.
    pub fn words(self) -> &'static str {
        match self {
            Feedback::All => "all counters",
            Feedback::Compared => "all counters and compared values",
            Feedback::Go => "counters of Go",
            Feedback::C => "counters of C",
        }
    }
}

/// The feedback and the time of the turn with this number in a search that began with the turn `first` and has so much
/// left; none if that is less than a second, in which libFuzzer counts. It has at least the time that is said, if there
/// is so much.
pub fn turn(
    round: &[Feedback],
    first: u32,
    number: u32,
    left: Duration,
    least: Duration,
) -> Option<(Feedback, Duration)> {
    let length = round.len() as u32;
    let doubled = 2_u32
        .checked_pow((number - first) / length)
        .and_then(|it| FIRST.checked_mul(it));
    let time = doubled.unwrap_or(LONGEST).max(least).min(LONGEST).min(left);
    (time >= FIRST).then_some((round[(number % length) as usize], time))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The turns of a search, with their seconds.
    fn turns(round: &[Feedback], seconds: u64) -> Vec<(Feedback, u64)> {
        let mut left = Duration::from_secs(seconds);
        let mut turns = Vec::new();
        while let Some((feedback, time)) = turn(round, 0, turns.len() as u32, left, Duration::ZERO)
        {
            left -= time;
            turns.push((feedback, time.as_secs()));
        }
        turns
    }

    #[test]
    fn a_search_goes_by_one_after_the_other() {
        use Feedback::{All, C, Compared, Go};
        assert_eq!(turns(TWO_SIDED, 0), []);
        assert_eq!(turns(TWO_SIDED, 1), [(Go, 1)]);
        let (first, second) = (
            [(Go, 1), (C, 1), (Compared, 1), (All, 1)],
            [(Go, 2), (C, 2), (Compared, 1)],
        );
        assert_eq!(turns(TWO_SIDED, 9), [&first[..], &second].concat());
        let alone = [(Compared, 1), (All, 1), (Compared, 2), (All, 2)];
        assert_eq!(turns(ONE_SIDED, 6), alone);
    }

    #[test]
    fn a_long_search_has_long_turns_and_uses_its_time() {
        let all = turns(TWO_SIDED, 8 * 3600);
        assert_eq!(
            all.iter().map(|(_, seconds)| seconds).sum::<u64>(),
            8 * 3600
        );
        assert!(all.len() < 130, "{}", all.len());
        assert!(all.iter().all(|(_, seconds)| *seconds <= 300));
        let last = turn(TWO_SIDED, 0, u32::MAX, LONGEST, Duration::ZERO);
        assert_eq!(last, Some((Feedback::All, LONGEST)));
    }

    #[test]
    fn a_turn_has_time_for_more_than_to_read_the_corpus() {
        let seconds = Duration::from_secs;
        let second = |left, least| turn(TWO_SIDED, 0, 1, seconds(left), seconds(least));
        assert_eq!(second(60, 14), Some((Feedback::C, seconds(14))));
        assert_eq!(second(60, 900), Some((Feedback::C, seconds(60))));
        assert_eq!(second(900, 900), Some((Feedback::C, LONGEST)));
        assert_eq!(second(60, 0), Some((Feedback::C, seconds(1))));
    }

    #[test]
    fn a_search_goes_on_in_the_round_and_begins_with_short_turns() {
        let second = Duration::from_secs(1);
        let turns = |first: u32| {
            let numbers = first..first + 5;
            let turns = numbers.map(|it| turn(TWO_SIDED, first, it, LONGEST, second));
            turns.map(Option::unwrap).collect::<Vec<_>>()
        };
        use Feedback::{All, C, Compared, Go};
        let ones = [Compared, All, Go, C].map(|it| (it, second));
        assert_eq!(turns(2), [&ones[..], &[(Compared, 2 * second)]].concat());
    }

    #[test]
    fn each_feedback_is_a_switch_of_its_own() {
        let switch = |it: &Feedback| (it.option(), it.env().map(|(_, side)| side));
        let profile = Some("-use_value_profile=1");
        let switches: Vec<_> = TWO_SIDED.iter().map(switch).collect();
        assert_eq!(
            switches,
            [
                (None, Some("go")),
                (None, Some("c")),
                (profile, None),
                (None, None)
            ]
        );
    }
}
