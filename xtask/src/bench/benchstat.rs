//! Judgement of the goals by benchstat: medians, how sure they are, and whether cases differ at all.

use std::fs;
use std::path::Path;

use anyhow::{Result, bail};

use super::Bench;
use super::rows::Row;
use cgolab::host::child::{self, quiet};
use cgolab::host::out::one_line;

/// Built by Go, which has it from the module proxy once and then from its cache. The version is one that
/// every Go since 1.18 can build.
const PROGRAM: &str = "golang.org/x/perf/cmd/benchstat@v0.0.0-20250106172127-400946f43c82";

/// A case, what goals compare it with, and the benchmarks in which they do.
#[derive(Debug, PartialEq)]
struct Comparison {
    base: &'static str,
    case: &'static str,
    unit: &'static str,
    benchmarks: Vec<&'static str>,
}

/// The command that compares all cases, for people.
pub(super) fn command(figures: &str) -> String {
    format!("go run {PROGRAM} -row .name -col /case {figures}")
}

/// The tables, or a line that says why there are none: figures that took minutes are not lost over it.
pub(super) fn compare(bench: &Bench<'_>, rows: &[&'static Row], figures: &Path) -> Result<String> {
    bench.progress.step("comparing with benchstat");
    let mut text = String::new();
    for comparison in comparisons(rows) {
        match table(bench, &comparison, figures)? {
            Ok(table) => text.push_str(&format!("\n{table}")),
            Err(why) => return Ok(format!("\nbenchstat: skipped, {why}\n")),
        }
    }
    Ok(text)
}

fn table(
    bench: &Bench<'_>,
    comparison: &Comparison,
    figures: &Path,
) -> Result<Result<String, String>> {
    let log = bench.folder.join("benchstat.log");
    let output = bench.folder.join("benchstat.txt");
    let task = bench
        .tools
        .go()?
        .task(bench.workspace, &log)
        .args(["run", PROGRAM])
        .args(comparison.args())
        .args([figures])
        .stdout_to(&output);
    let finished = task.run(bench.progress, quiet)?;
    if child::interrupted() {
        bail!("interrupted; the figures are in {}", figures.display());
    }
    if finished.success() {
        return Ok(Ok(fs::read_to_string(&output)?));
    }
    let said = finished.log_text();
    let last = said.lines().rfind(|line| !line.trim().is_empty());
    let last = one_line(last.unwrap_or("it says nothing"), 200);
    Ok(Err(format!("it failed ({}): {last}", finished.how())))
}

/// The comparisons that the goals of these rows need, each once.
fn comparisons(rows: &[&'static Row]) -> Vec<Comparison> {
    let mut comparisons: Vec<Comparison> = Vec::new();
    for row in rows {
        for case in row.cases {
            for base in case.goals.iter().filter_map(|goal| goal.against) {
                let same =
                    |c: &&mut Comparison| (c.base, c.case, c.unit) == (base, case.name, row.unit);
                match comparisons.iter_mut().find(same) {
                    Some(comparison) => comparison.benchmarks.push(row.benchmark),
                    None => comparisons.push(Comparison {
                        base,
                        case: case.name,
                        unit: row.unit,
                        benchmarks: vec![row.benchmark],
                    }),
                }
            }
        }
    }
    comparisons
}

impl Comparison {
    fn args(&self) -> Vec<String> {
        let Comparison {
            base, case, unit, ..
        } = self;
        let names = self.benchmarks.join(" OR ");
        let filter = format!(".unit:{unit} .name:({names}) /case:({base} OR {case})");
        let order = format!("/case@({base} {case})");
        // The machine stands above our own table.
        let machine = "goos,goarch,cpu,pkg";
        [
            "-filter", &filter, "-row", ".name", "-col", &order, "-ignore", machine,
        ]
        .map(str::to_owned)
        .to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Side, rows};
    use super::*;

    #[test]
    fn goals_of_the_same_cases_share_a_table() {
        let only = ["TokenLookup", "TokenLife", "Call"].map(str::to_owned);
        let comparison = |base, case, benchmarks: &[&'static str]| Comparison {
            base,
            case,
            unit: "ns/op",
            benchmarks: benchmarks.to_vec(),
        };
        assert_eq!(
            comparisons(&rows::select(Side::Go, &only).unwrap()),
            [
                comparison("raw", "ours", &["Call"]),
                comparison("cgo.Handle", "ours", &["TokenLookup", "TokenLife"]),
                comparison("cgo.Handle-cell", "ours-cell", &["TokenLife"]),
            ],
            "nothing for limits, which compare nothing"
        );
    }

    #[test]
    fn the_goals_case_is_the_first_column() {
        let comparison = Comparison {
            base: "cgo.Handle",
            case: "ours",
            unit: "ns/op",
            benchmarks: vec!["TokenLookup", "TokenLife"],
        };
        let args = comparison.args();
        assert_eq!(
            args[1],
            ".unit:ns/op .name:(TokenLookup OR TokenLife) /case:(cgo.Handle OR ours)"
        );
        assert_eq!(args[5], "/case@(cgo.Handle ours)");
    }
}
