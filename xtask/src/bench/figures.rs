//! Measured figures by benchmark, case and unit, and the judgement on them.

use std::collections::BTreeMap;

use serde::Serialize;

use super::goal::{Bound, Goal};

/// The figures of one case, one of each pass.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(crate) struct Figures(Vec<f64>);

/// Figures by benchmark, case and unit.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Measured(BTreeMap<(String, String, String), Figures>);

/// The judgement on a goal.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Verdict {
    #[serde(flatten)]
    pub(crate) goal: Goal,
    /// This case's quartile by the other's; the quartile itself if the goal is absolute.
    pub(crate) is: f64,
    pub(crate) met: bool,
}

/// The unit of searches: seconds until something is found.
pub(super) const SEARCH: &str = "s to find";

/// A search that found nothing; `null` in results.json.
pub(super) const MISSED: f64 = f64::INFINITY;

/// Returns true if more of a unit is better, as of things a second.
fn more_is_better(unit: &str) -> bool {
    unit.ends_with("/s")
}

impl Figures {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The figure at this part of the way from the best to the worst.
    fn at(&self, part: f64, unit: &str) -> Option<f64> {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        if more_is_better(unit) {
            sorted.reverse();
        }
        let position = part * (sorted.len().checked_sub(1)? as f64);
        let (below, above) = (position.floor(), position.ceil());
        let (low, high) = (sorted[below as usize], sorted[above as usize]);
        if low.total_cmp(&high).is_eq() {
            return Some(low);
        }
        Some(low + (high - low) * (position - below))
    }

    pub(crate) fn best(&self, unit: &str) -> Option<f64> {
        self.at(0.0, unit)
    }

    /// The figure that is compared. The first quartile, counted from the best: what else ran on the machine only makes
    /// worse. Of searches the median: they are luck, too.
    pub(crate) fn typical(&self, unit: &str) -> Option<f64> {
        self.at(if unit == SEARCH { 0.5 } else { 0.25 }, unit)
    }

    /// The number of figures, and of those that are no [`MISSED`] search.
    pub(crate) fn found(&self) -> (usize, usize) {
        let found = self.0.iter().filter(|figure| figure.is_finite());
        (self.0.len(), found.count())
    }
}

impl Measured {
    pub(crate) fn add(&mut self, benchmark: &str, case: &str, unit: &str, figure: f64) {
        let key = (benchmark.to_owned(), case.to_owned(), unit.to_owned());
        self.0.entry(key).or_default().0.push(figure);
    }

    /// Adds what stands in the output of benchmarks, in Go's format:
    /// `BenchmarkCall/case=raw-2  1000  28.8 ns/op  0 B/op  0 allocs/op`.
    pub(crate) fn read(&mut self, output: &str) {
        for line in output.lines() {
            let mut words = line.split_whitespace();
            let name = words.next().and_then(|word| word.strip_prefix("Benchmark"));
            let Some((benchmark, case)) = name.and_then(|name| name.split_once("/case=")) else {
                continue;
            };
            // Without the number of processors.
            let case = match case.rsplit_once('-') {
                Some((case, cpus)) if cpus.bytes().all(|byte| byte.is_ascii_digit()) => case,
                _ => case,
            };
            let words: Vec<&str> = words.skip(1).collect();
            for pair in words.chunks_exact(2) {
                if let Ok(figure) = pair[0].parse() {
                    self.add(benchmark, case, pair[1], figure);
                }
            }
        }
    }

    /// Empty if there are none.
    pub(crate) fn of(&self, benchmark: &str, case: &str, unit: &str) -> Figures {
        let key = (benchmark.to_owned(), case.to_owned(), unit.to_owned());
        self.0.get(&key).cloned().unwrap_or_default()
    }
}

/// Judges a figure by a goal; `other` is the figure of the case that the goal names.
pub(crate) fn judge(goal: Goal, figure: f64, other: Option<f64>) -> Option<Verdict> {
    let is = match goal.against {
        Some(_) => figure / other?,
        None => figure,
    };
    if is.is_nan() {
        // Neither found anything.
        return None;
    }
    let met = match goal.bound {
        Bound::AtMost(limit) => is <= limit,
        Bound::AtLeast(limit) => is >= limit,
    };
    Some(Verdict { goal, is, met })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(values: &[f64]) -> Figures {
        Figures(values.to_vec())
    }

    #[test]
    fn the_quartile_is_counted_from_the_best() {
        let seven = figures(&[7.0, 1.0, 3.0, 2.0, 5.0, 4.0, 6.0]);
        assert_eq!(seven.best("ns/op"), Some(1.0));
        assert_eq!(seven.typical("ns/op"), Some(2.5));
        assert_eq!(seven.best("execs/s"), Some(7.0));
        assert_eq!(seven.typical("execs/s"), Some(5.5));
        assert_eq!(figures(&[4.0]).typical("ns/op"), Some(4.0));
        assert_eq!(figures(&[]).typical("ns/op"), None);
    }

    #[test]
    fn a_search_has_a_median_and_may_miss() {
        let three = figures(&[MISSED, 1.0, 4.0]);
        assert_eq!(three.typical(SEARCH), Some(4.0));
        assert_eq!(three.found(), (3, 2));
        assert_eq!(figures(&[1.0, MISSED]).typical(SEARCH), Some(MISSED));
        assert_eq!(figures(&[MISSED; 4]).typical(SEARCH), Some(MISSED));
    }

    #[test]
    fn goals_are_judged_by_ratio_or_by_the_figure_itself() {
        let goal = |bound, against| Goal {
            bound,
            against,
            because: None,
        };
        let within = goal(Bound::AtMost(1.3), Some("raw"));
        assert!(judge(within, 13.0, Some(10.0)).unwrap().met);
        assert!(!judge(within, 14.0, Some(10.0)).unwrap().met);
        assert_eq!(judge(within, 14.0, Some(10.0)).unwrap().is, 1.4);
        assert_eq!(judge(within, 14.0, None), None, "nothing to compare with");
        assert!(judge(within, 14.0, Some(MISSED)).unwrap().met);
        assert!(!judge(within, MISSED, Some(14.0)).unwrap().met);
        assert_eq!(judge(within, MISSED, Some(MISSED)), None);
        let fast = goal(Bound::AtLeast(0.6), Some("model"));
        assert!(judge(fast, 6.0, Some(10.0)).unwrap().met);
        assert!(!judge(fast, 5.0, Some(10.0)).unwrap().met);
        let none = goal(Bound::AtMost(0.0), None);
        assert!(judge(none, 0.0, None).unwrap().met);
        assert!(!judge(none, 1.0, None).unwrap().met);
    }

    #[test]
    fn figures_are_read_from_gos_format() {
        let mut measured = Measured::default();
        measured.read(
            "goos: linux\n\
             BenchmarkCall/case=raw-2 \t 1000\t 28.80 ns/op\t 0 B/op\t 1 allocs/op\n\
             BenchmarkCall/case=raw-2 \t 1000\t 29.00 ns/op\t 0 B/op\t 1 allocs/op\n\
             BenchmarkCall/case=one-cpu 1 5 ns/op\n\
             BenchmarkCall/case=ours\n--- SKIP: BenchmarkOwner/case=x\n\
             BenchmarkAlone-2 1 2 ns/op\nok\n",
        );
        assert_eq!(measured.of("Call", "raw", "ns/op"), figures(&[28.8, 29.0]));
        assert_eq!(
            measured.of("Call", "raw", "allocs/op"),
            figures(&[1.0, 1.0])
        );
        assert_eq!(measured.of("Call", "one-cpu", "ns/op"), figures(&[5.0]));
        assert!(measured.of("Call", "ours", "ns/op").is_empty());
        assert_eq!(measured.0.len(), 4);
    }
}
