//! Costs of the runtime's parts, beside peers that do the same. `cargo lab bench native` runs it
//! and judges the figures; by hand: `courier-bench SECONDS PASSES [ROW…]`.
//!
//! Each row compares cases. A pass measures every case of a row once, the next pass in the other
//! order, so that what else happens on the machine meets all of them. Figures are printed one a
//! line in Go's format for benchmarks, which `benchstat` reads too:
//!
//! ```text
//! BenchmarkOneshot/case=ours 1 4.21 ns/op
//! ```
//!
//! Only the public API of the runtime is used: what is measured is what a caller pays.

mod generate;
mod handles;
mod measure;
mod memory;
mod oneshot;

use std::time::Duration;

use measure::{Case, Row};

fn rows() -> Vec<Row> {
    let mut rows = oneshot::rows();
    rows.extend(memory::rows());
    rows.extend(handles::rows());
    rows.push(generate::row());
    rows
}

fn main() {
    let mut args = std::env::args().skip(1);
    let mut number = |what| -> f64 {
        let text = args.next().unwrap_or_default();
        text.parse()
            .unwrap_or_else(|_| panic!("{text:?} is no number of {what}"))
    };
    let seconds = Duration::from_secs_f64(number("seconds"));
    let passes = number("passes") as usize;
    let only: Vec<String> = args.collect();
    for mut row in rows() {
        if !only.is_empty() && !only.iter().any(|name| name == row.name) {
            continue;
        }
        for pass in 0..passes {
            for index in in_turn(row.cases.len(), pass) {
                let Case { name, run } = &mut row.cases[index];
                let figure = run(seconds);
                println!("Benchmark{}/case={name} 1 {figure} {}", row.name, row.unit);
            }
        }
    }
}

/// The order of the cases in a pass: forth in one, back in the next.
fn in_turn(cases: usize, pass: usize) -> impl Iterator<Item = usize> {
    let back = pass % 2 == 1;
    (0..cases).map(move |index| if back { cases - 1 - index } else { index })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passes_go_forth_and_back() {
        assert_eq!(in_turn(3, 0).collect::<Vec<_>>(), [0, 1, 2]);
        assert_eq!(in_turn(3, 1).collect::<Vec<_>>(), [2, 1, 0]);
        assert_eq!(in_turn(3, 2).collect::<Vec<_>>(), [0, 1, 2]);
    }

    /// Nothing is timed here: every case does its work once.
    #[test]
    fn every_case_runs() {
        for mut row in rows() {
            for Case { name, run } in &mut row.cases {
                let figure = run(Duration::from_micros(1));
                assert!(figure.is_finite(), "{}/{name}: {figure}", row.name);
            }
        }
    }
}
