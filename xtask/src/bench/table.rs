//! The table for people: each row with its cases, and whether goals are met.

use std::fmt::Write as _;

use cgolab::host::out::{columns, right};
use comfy_table::Cell;

use super::figures::{MISSED, SEARCH, Verdict};
use super::{CaseResult, Results, RowResult};

/// The header, the rows, and how many goals are met.
pub(super) fn text(results: &Results) -> String {
    let mut text = header(results);
    for row in &results.rows {
        let _ = write!(text, "\n{}", self::row(row));
    }
    let verdicts = || {
        let cases = results.rows.iter().flat_map(|row| &row.results);
        cases.flat_map(|case| &case.verdicts)
    };
    let met = verdicts().filter(|verdict| verdict.met).count();
    let _ = writeln!(text, "\n{met} of {} goals met", verdicts().count());
    text
}

/// A row with its cases, each on a line of its own.
pub(super) fn row(row: &RowResult) -> String {
    let mut text = format!("{}: {}\n", row.row.benchmark, row.row.title);
    let typical = match row.row.unit {
        SEARCH => "median",
        _ => "quartile",
    };
    let head = cells(row.row.unit, "best", typical, "ratio", "goal");
    let lines = row.results.iter().flat_map(|case| lines(row, case));
    for line in columns(std::iter::once(head).chain(lines)).lines() {
        let _ = writeln!(text, "  {line}");
    }
    for case in &row.results {
        let missed = case.verdicts.iter().filter(|verdict| !verdict.met);
        for why in missed.filter_map(|verdict| verdict.goal.because) {
            let _ = writeln!(text, "  {} missed because: {why}", case.case);
        }
    }
    text
}

/// The machine, and how calm it was.
fn header(results: &Results) -> String {
    let machine = &results.machine;
    let known = |text: &Option<String>| text.clone().unwrap_or_else(|| "unknown".to_owned());
    let load = results
        .load
        .map(|load| load.map_or_else(|| "?".to_owned(), |load| format!("{load:.1}")));
    format!(
        "{}, {}, {} cores\n{}, load {} before and {} after\n\
         {} passes; a ratio is of the second figures, to the first case or the goal's\n",
        known(&machine.cpu),
        machine.arch,
        machine.cores.unwrap_or(0),
        known(&machine.kernel),
        load[0],
        load[1],
        results.passes
    )
}

/// A case: its figures and its first goal, and one line more for each other goal.
fn lines(row: &RowResult, case: &CaseResult) -> Vec<[Cell; 5]> {
    let unit = row.row.unit;
    let (Some(best), Some(typical)) = (case.figures.best(unit), case.figures.typical(unit)) else {
        return vec![cells(case.case, "", "", "", "not measured")];
    };
    let first = row.results[0].figures.typical(unit);
    let ratio = match case.verdicts.first() {
        Some(verdict) if verdict.goal.against.is_some() => Some(verdict.is),
        // A quantity of nothing has no ratio.
        _ => first
            .filter(|first| *first > 0.0)
            .map(|first| typical / first),
    };
    // Of two that found nothing.
    let ratio = ratio.filter(|ratio| !ratio.is_nan());
    let name = match case.figures.found() {
        (all, found) if unit == SEARCH => format!("{} {found}/{all}", case.case),
        _ => case.case.to_owned(),
    };
    let mut goals = case.verdicts.iter().map(goal);
    let mut lines = vec![cells(
        &name,
        &figure(best),
        &figure(typical),
        &ratio.map_or_else(String::new, times),
        &goals.next().unwrap_or_default(),
    )];
    let others = case.verdicts.iter().skip(1).zip(goals);
    lines.extend(others.map(|(verdict, goal)| cells("", "", "", &times(verdict.is), &goal)));
    lines
}

/// A line of the table: figures stand on the right of their columns.
fn cells(case: &str, best: &str, quartile: &str, ratio: &str, goal: &str) -> [Cell; 5] {
    let (best, quartile, ratio) = (right(best), right(quartile), right(ratio));
    [Cell::new(case), best, quartile, ratio, Cell::new(goal)]
}

fn goal(verdict: &Verdict) -> String {
    let met = if verdict.met { "met" } else { "MISSED" };
    match verdict.goal.against {
        Some(other) => format!("{} × {other} {met}", verdict.goal.bound),
        None => format!("{} {met}", verdict.goal.bound),
    }
}

/// A ratio; one far below 1 keeps a digit that says something.
fn times(ratio: f64) -> String {
    match ratio {
        MISSED => "∞".to_owned(),
        0.0..0.1 => format!("{ratio:.4}"),
        ratio => format!("{ratio:.2}"),
    }
}

/// Three digits are all that such figures are good for.
fn figure(figure: f64) -> String {
    match figure {
        MISSED => "never".to_owned(),
        0.0 => "0".to_owned(),
        figure if figure < 10.0 => format!("{figure:.2}"),
        figure if figure < 100.0 => format!("{figure:.1}"),
        figure if figure < 1e6 => format!("{figure:.0}"),
        figure => format!("{:.2} M", figure / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::super::figures::Measured;
    use super::super::{Side, rows};
    use super::*;
    use cgolab::host::machine::Machine;

    fn results(rows: &[&'static rows::Row], measured: &Measured) -> Results {
        Results {
            started: String::new(),
            command: String::new(),
            commit: None,
            machine: Machine {
                cpu: Some("AMD EPYC Processor with a name that is long enough".to_owned()),
                kernel: Some("Linux 6.12.43+deb12-cloud-amd64".to_owned()),
                cores: Some(128),
                arch: "x86_64".to_owned(),
                ..Machine::default()
            },
            tools: Vec::new(),
            load: [Some(0.25), None],
            seconds: 2.0,
            passes: 7,
            rows: rows.iter().map(|row| row.judge(measured)).collect(),
        }
    }

    #[test]
    fn every_row_fits_into_80_columns() {
        for side in [Side::Native, Side::Go, Side::Fuzz] {
            let rows = rows::select(side, &[]).unwrap();
            let mut measured = Measured::default();
            for row in &rows {
                for (index, case) in row.cases.iter().enumerate() {
                    // The first case is the best of all: goals are missed, and say why.
                    let figure = 123_456.789 * if index == 0 { 1.0 } else { 100.0 };
                    measured.add(row.benchmark, case.name, row.unit, figure);
                }
            }
            let text = text(&results(&rows, &measured));
            assert!(!text.contains("not measured"), "{text}");
            for line in text.lines() {
                assert!(line.chars().count() <= 80, "{line}");
            }
        }
    }

    #[test]
    fn a_row_shows_ratios_and_goals() {
        let only = ["Fuzz".to_owned()];
        let rows = rows::select(Side::Native, &only).unwrap();
        let mut measured = Measured::default();
        for (case, figure) in [
            ("empty", 1e6),
            ("request_model", 4e5),
            ("request_lifecycle", 5e4),
        ] {
            measured.add("Fuzz", case, "execs/s", figure);
        }
        let text = text(&results(&rows, &measured));
        let lines: Vec<&str> = text.lines().skip(5).take(5).collect();
        assert_eq!(
            lines,
            [
                "  execs/s              best  quartile   ratio  goal",
                "  empty              1.00 M    1.00 M    1.00",
                "  request_model      400000    400000    0.40",
                "  request_lifecycle   50000     50000    0.12  ≥ 0.6 × request_model MISSED",
                "                                       0.0500  ≥ 0.1 × empty MISSED",
            ]
        );
        assert!(text.ends_with("\n0 of 2 goals met\n"), "{text}");
    }

    #[test]
    fn a_missed_goal_says_why() {
        let rows = rows::select(Side::Go, &["OwnerDo1".to_owned()]).unwrap();
        for (figure, why) in [(110.0, 0), (200.0, 1)] {
            let mut measured = Measured::default();
            measured.add("OwnerDo1", "locked-channel", "ns/op", 100.0);
            measured.add("OwnerDo1", "ours", "ns/op", figure);
            let text = text(&results(&rows, &measured));
            assert_eq!(text.matches("missed because: Do").count(), why, "{text}");
        }
    }

    #[test]
    fn what_was_not_measured_says_so() {
        let rows = rows::select(Side::Native, &["Fuzz".to_owned()]).unwrap();
        let text = text(&results(&rows, &Measured::default()));
        assert_eq!(text.matches("not measured").count(), 3, "{text}");
    }

    #[test]
    fn figures_have_three_digits() {
        assert_eq!(figure(0.0), "0");
        assert_eq!(figure(1.234), "1.23");
        assert_eq!(figure(28.84), "28.8");
        assert_eq!(figure(23_100.4), "23100");
        assert_eq!(figure(5_431_256.6), "5.43 M");
        assert_eq!(figure(MISSED), "never");
    }
}
