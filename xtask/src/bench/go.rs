//! Measures the benchmarks of `go-harness/`: one process a pass, so that cases take turns.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::figures::Measured;
use super::rows::{Row, Source};
use super::{Bench, GO_PASSES, PASSES};
use cgolab::host::child::{Task, quiet};
use cgolab::host::taskset;
use cgolab::host::tools::Need;

pub(super) const NEEDS: [Need; 2] = [Need::C, Need::Go];

/// The build tag of benchmarks, and of the C code that only they need.
const TAG: &str = "bench";

/// The test binary of a package, and which processors it may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Binary {
    package: &'static str,
    one_cpu: bool,
}

/// Measures these rows; what the benchmarks print goes to the file `figures`, of all passes.
pub(super) fn measure(
    bench: &Bench<'_>,
    rows: &[&'static Row],
    figures: &Path,
) -> Result<Measured> {
    let binaries = binaries(rows);
    bench.progress.step("building the native library");
    let native = Task::cargo(bench.workspace, &bench.folder.join("native.log")).args([
        "build",
        "--release",
        "-p",
        "courier-ffi",
    ]);
    bench.succeeded(native.run(bench.progress, quiet)?)?;
    let packages: BTreeSet<&str> = binaries.keys().map(|binary| binary.package).collect();
    for package in &packages {
        build(bench, package)?;
    }
    let mut output = String::new();
    for pass in 0..GO_PASSES {
        bench
            .progress
            .step(format!("measuring, pass {} of {GO_PASSES}", pass + 1));
        for (binary, benchmarks) in &binaries {
            output.push_str(&run(bench, *binary, benchmarks, pass)?);
        }
    }
    for package in &packages {
        // Megabytes that the next run builds again.
        let _ = fs::remove_file(test_binary(bench, package));
    }
    fs::write(figures, &output).with_context(|| format!("cannot write {}", figures.display()))?;
    let mut measured = Measured::default();
    measured.read(&output);
    Ok(measured)
}

/// The binaries that these rows come from, and the benchmarks that are wanted of each.
fn binaries(rows: &[&'static Row]) -> BTreeMap<Binary, Vec<&'static str>> {
    let mut binaries: BTreeMap<Binary, Vec<&str>> = BTreeMap::new();
    for row in rows {
        let (package, one_cpu) = match row.source {
            Source::Go(package) => (package, false),
            Source::GoOneCpu(package) => (package, true),
            _ => continue,
        };
        let benchmarks = binaries.entry(Binary { package, one_cpu }).or_default();
        if !benchmarks.contains(&row.benchmark) {
            benchmarks.push(row.benchmark);
        }
    }
    binaries
}

/// The name of a package in the name of a file.
fn file_name(package: &str) -> String {
    package.replace('/', "-")
}

fn test_binary(bench: &Bench<'_>, package: &str) -> PathBuf {
    bench.folder.join(format!("{}.test", file_name(package)))
}

fn build(bench: &Bench<'_>, package: &str) -> Result<()> {
    bench
        .progress
        .step(format!("building the benchmarks of go-harness/{package}"));
    let log = bench
        .folder
        .join(format!("{}-build.log", file_name(package)));
    let task = bench
        .tools
        .go()?
        .task(bench.workspace, &log)
        .args(["test", "-c", "-tags", TAG, "-o"])
        .args([test_binary(bench, package)])
        .dir(&bench.workspace.go_dir().join(package));
    bench.succeeded(task.run(bench.progress, quiet)?)?;
    Ok(())
}

/// Runs the benchmarks once and returns the output of this pass.
fn run(bench: &Bench<'_>, binary: Binary, benchmarks: &[&str], pass: usize) -> Result<String> {
    let path = test_binary(bench, binary.package);
    let cpus = if binary.one_cpu { "-one-cpu" } else { "" };
    let log = bench
        .folder
        .join(format!("{}{cpus}.log", file_name(binary.package)));
    let seconds = bench.seconds / 10.0 * PASSES as f64 / GO_PASSES as f64;
    let mut task = if binary.one_cpu {
        let [program, options @ ..] = taskset::one_processor().context(
            "one row wants one processor; leave it out with --only if it cannot have that",
        )?;
        Task::new(bench.workspace, program, &log)
            .args(options)
            .args([&path])
    } else {
        Task::new(bench.workspace, &path, &log)
    };
    task = task
        .args([
            "-test.run=^$".to_owned(),
            format!("-test.bench=^Benchmark({})$", benchmarks.join("|")),
            format!("-test.benchtime={seconds}s"),
            "-test.benchmem".to_owned(),
        ])
        .args((pass % 2 == 1).then_some("-back"))
        .dir(&bench.workspace.go_dir().join(binary.package));
    let finished = bench.succeeded(task.run(bench.progress, quiet)?)?;
    Ok(finished.log_text())
}

#[cfg(test)]
mod tests {
    use super::super::{Side, rows};
    use super::*;

    #[test]
    fn rows_of_one_package_share_a_process() {
        let all = binaries(&rows::select(Side::Go, &[]).unwrap());
        let packages: Vec<_> = all.keys().map(|b| (b.package, b.one_cpu)).collect();
        assert_eq!(
            packages,
            [
                ("courier", false),
                ("courier/internal/capi", false),
                ("dev/bench", false),
                ("dev/bench", true),
            ]
        );
        let courier = Binary {
            package: "courier",
            one_cpu: false,
        };
        let rows = ["Call", "OwnerInline"];
        assert_eq!(all[&courier], rows, "Call once, although it has two rows");
    }
}
