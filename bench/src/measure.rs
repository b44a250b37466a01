//! Rows, cases, and how a case is timed.

use std::hint::black_box;
use std::time::{Duration, Instant};

/// Cases that do the same.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    /// Of the figures: `ns/op`, `B`, `allocs/op` or `steps/s`.
    pub(crate) unit: &'static str,
    pub(crate) cases: Vec<Case>,
}

/// One of the ways to do it.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) run: Run,
}

/// Measures for about that long and returns a figure.
pub(crate) type Run = Box<dyn FnMut(Duration) -> f64>;

pub(crate) fn case(name: &'static str, run: Run) -> Case {
    Case { name, run }
}

/// Nanoseconds of one operation; `work` does as many as it is told and says how long that took.
pub(crate) fn timed(mut work: impl FnMut(u64) -> Duration + 'static) -> Run {
    let mut count = 0;
    Box::new(move |limit| {
        if count == 0 {
            count = fitting(&mut work, limit);
        }
        work(count).as_nanos() as f64 / count as f64
    })
}

/// Nanoseconds of one call of `operation`.
pub(crate) fn calls<R>(mut operation: impl FnMut(u64) -> R + 'static) -> Run {
    timed(move |count| {
        let start = Instant::now();
        for number in 0..count {
            black_box(operation(black_box(number)));
        }
        start.elapsed()
    })
}

/// A figure that is the same each time.
pub(crate) fn fixed(figure: f64) -> Run {
    Box::new(move |_| figure)
}

/// Number of operations that last as long as `limit`.
fn fitting(work: &mut impl FnMut(u64) -> Duration, limit: Duration) -> u64 {
    let mut count = 1;
    loop {
        let took = work(count);
        if took >= limit / 16 {
            let fitting = count as f64 * limit.as_secs_f64() / took.as_secs_f64();
            return (fitting as u64).max(1);
        }
        count *= 4;
    }
}
