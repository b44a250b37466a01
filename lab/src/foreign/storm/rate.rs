//! The rate of a failure.

/// A share of runs, and its 95 % interval after Wilson (1927), which is good for few runs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Rate {
    pub(super) share: f64,
    pub(super) low: f64,
    pub(super) high: f64,
}

impl Rate {
    pub(super) fn of(failed: u32, runs: u32) -> Rate {
        let (failed, runs) = (f64::from(failed), f64::from(runs));
        if runs == 0.0 {
            return Rate {
                share: 0.0,
                low: 0.0,
                high: 1.0,
            };
        }
        let z = 1.96_f64;
        let share = failed / runs;
        let middle = (share + z * z / (2.0 * runs)) / (1.0 + z * z / runs);
        let half = z / (1.0 + z * z / runs)
            * (share * (1.0 - share) / runs + z * z / (4.0 * runs * runs)).sqrt();
        Rate {
            share,
            low: (middle - half).max(0.0),
            high: (middle + half).min(1.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_those_of_wilson() {
        let near = |is: Rate, should: (f64, f64, f64)| {
            for (is, should) in [
                (is.share, should.0),
                (is.low, should.1),
                (is.high, should.2),
            ] {
                assert!((is - should).abs() < 0.001, "{is} is not {should}");
            }
        };
        near(Rate::of(5, 10), (0.5, 0.237, 0.763));
        near(Rate::of(0, 10), (0.0, 0.0, 0.278));
        near(Rate::of(20, 20), (1.0, 0.839, 1.0));
        near(Rate::of(0, 0), (0.0, 0.0, 1.0));
    }
}
