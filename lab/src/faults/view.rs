//! Tables of faults: one row for each fault and engine, then sums.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use comfy_table::{Cell as TableCell, ContentArrangement, Table};

use super::cell::Verdict;
use super::file::LAYERS;
use super::plan::Planned;
use super::store::Cell;
use crate::host::out::{STYLE, WIDTH, right};

/// One fault and one engine.
pub(super) struct Row {
    fault: String,
    contract: String,
    layer: &'static str,
    engine: String,
    pub(super) verdict: Verdict,
    seconds: f64,
    /// From an earlier run.
    known: bool,
}

impl Row {
    pub(super) fn new(cell: &Planned<'_>, verdict: Verdict, seconds: f64) -> Row {
        Row {
            fault: cell.fault.id.clone(),
            contract: cell.fault.contract.clone(),
            layer: cell.fault.layer,
            engine: cell.engine.name().to_owned(),
            verdict,
            seconds,
            known: false,
        }
    }

    /// Makes the row of a cell that an earlier run finished.
    pub(super) fn finished(planned: &Planned<'_>) -> impl Fn(&Cell) -> Option<Row> {
        |cell| {
            let verdict = cell.verdict()?.clone();
            Some(Row {
                known: true,
                ..Row::new(planned, verdict, cell.seconds)
            })
        }
    }

    /// For the log, when it is finished.
    pub(super) fn line(&self) -> String {
        let Row {
            fault,
            contract,
            engine,
            verdict,
            seconds,
            ..
        } = self;
        format!(
            "{}: {engine} and {fault} ({contract}), {seconds:.1} s: {}",
            verdict.word(),
            verdict.details()
        )
    }
}

fn table<const N: usize>(header: [&str; N]) -> Table {
    let mut table = Table::new();
    table
        .load_style(STYLE)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(WIDTH)
        .set_header(header);
    table
}

/// The report of a run: what was not seen stands last, where people look.
pub(super) fn report(rows: &[Row], never_red: &[(String, String)]) -> String {
    let mut text = String::from("\n");
    let mut all = table(["fault", "contract", "engine", "", "s"]);
    for row in rows.iter().filter(|row| row.verdict.is_green()) {
        all.add_row([
            TableCell::new(&row.fault),
            TableCell::new(&row.contract),
            TableCell::new(&row.engine),
            TableCell::new(row.verdict.word()),
            right(format!("{:.1}", row.seconds)),
        ]);
    }
    if all.row_count() > 0 {
        let _ = writeln!(text, "{all}\n");
    }
    let _ = writeln!(text, "{}\n", sums(rows));
    for row in rows {
        if !row.verdict.is_green() {
            let _ = writeln!(
                text,
                "{} {} {} {}\n    {}",
                row.verdict.word(),
                row.contract,
                row.engine,
                row.fault,
                row.verdict.details()
            );
        }
    }
    for (engine, test) in never_red {
        let _ = writeln!(
            text,
            "never red: {engine} {test}; plant a fault that it sees"
        );
    }
    let (out, planted): (Vec<&Row>, Vec<&Row>) = rows
        .iter()
        .partition(|row| matches!(row.verdict, Verdict::Skipped(_)));
    let skipped = out.iter().map(|row| (&*row.engine, row.verdict.details()));
    for (engine, why) in BTreeMap::from_iter(skipped) {
        let _ = writeln!(text, "skipped: {engine}\n    {why}");
    }
    let detected = planted
        .iter()
        .filter(|row| row.verdict.is_detected())
        .count();
    let fresh: Vec<&&Row> = planted.iter().filter(|row| !row.known).collect();
    let seconds: f64 = fresh.iter().map(|row| row.seconds).sum();
    let took = match fresh.len() {
        0 => "none new".to_owned(),
        new => format!("{new} new in {seconds:.0} s"),
    };
    let _ = write!(text, "{detected} of {} detected; {took}", planted.len());
    if !out.is_empty() {
        let _ = write!(text, "; left out: {} skipped", out.len());
    }
    text.push('\n');
    text
}

/// Layer × engine: how many of how many were detected.
fn sums(rows: &[Row]) -> Table {
    let mut sums = table([
        "engine", LAYERS[0], LAYERS[1], LAYERS[2], LAYERS[3], LAYERS[4],
    ]);
    let mut engines: Vec<&str> = Vec::new();
    for row in rows {
        if !engines.contains(&row.engine.as_str()) {
            engines.push(&row.engine);
        }
    }
    for engine in engines {
        let mut cells = vec![TableCell::new(engine)];
        cells.extend(LAYERS.map(|layer| {
            let mine = || {
                rows.iter()
                    .filter(|row| row.engine == engine && row.layer == layer)
            };
            let detected = mine().filter(|row| row.verdict.is_detected()).count();
            match mine().count() {
                0 => right("·"),
                all => right(format!("{detected}/{all}")),
            }
        }));
        sums.add_row(cells);
    }
    sums
}

/// The faults, and what is known of each.
pub(super) fn list<'a>(cells: impl Iterator<Item = (Planned<'a>, Option<&'a Verdict>)>) -> String {
    let mut table = table(["fault", "layer", "contract", "engine", ""]);
    let mut faults: Vec<String> = Vec::new();
    for (cell, verdict) in cells {
        if !faults.contains(&cell.fault.id) {
            faults.push(cell.fault.id.clone());
        }
        table.add_row([
            cell.fault.id.as_str(),
            cell.fault.layer,
            &cell.fault.contract,
            cell.engine.name(),
            verdict.map_or("·", Verdict::word),
        ]);
    }
    format!("{table}\n\nfaults: {}\n", faults.len())
}
