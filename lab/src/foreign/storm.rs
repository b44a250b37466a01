//! `cgolab storm`: runs tests again and again under conditions that change the order of events, and says
//! under which of them they fail more often.
//!
//! Each condition is a row of [`KNOBS`]. All have their turn first; then time goes where failures come:
//! to the knob with the most failures a second, with every fourth run for another one, so that a rate
//! which is 0 by luck is not kept for ever.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use serde::{Deserialize, Serialize};

use super::engines::{COLLECTS, COMPILER, Engine, GENTLE_ASAN, NO_STACK, Overlay, ROW};
use super::findings;
use super::module::{Module, Package, counted, counted_as};
use super::outcome::Finding;
use super::trial::{Ran, Trial};
use super::{FOLDER, Folder};
use crate::host::child::{End, interrupted};
use crate::host::out;
use crate::host::progress::Progress;
use crate::host::workspace::Workspace;
use crate::triage::duration;

/// A wish of the command line.
#[derive(Debug, clap::Args)]
pub struct Wish {
    /// The module, or a folder in it.
    #[arg(value_name = "DIR", default_value = ".")]
    dir: PathBuf,
    /// Test these packages only, as `go list` takes them; without it all that have to do with C.
    #[arg(long, value_name = "PACKAGE,…", value_delimiter = ',')]
    packages: Vec<String>,
    /// Run these tests only, as `go test -run` takes them.
    #[arg(long, value_name = "REGEXP")]
    run: Option<String>,
    /// Storm for this time; builds are not counted, and a run that has begun is finished.
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = duration)]
    time: Duration,
    /// Stop at the first failure.
    #[arg(long)]
    until_fail: bool,
}

/// A plain build with the overlay of storms.
const PLAIN: Engine = Engine {
    builds_as: "storm",
    overlay: Some(Overlay::Storm),
    ..ROW
};

/// Conditions, the plainest first. The first is the measure of all others.
pub(super) const KNOBS: [Engine; 8] = [
    Engine {
        id: "none",
        what: "the tests as they are",
        ..PLAIN
    },
    Engine {
        id: "collector",
        what: "the collector runs all the time",
        run_env: &[COLLECTS],
        ..PLAIN
    },
    Engine {
        id: "collector, one CPU",
        what: "the same, and all threads share one processor",
        run_env: &[COLLECTS],
        one_cpu: true,
        ..PLAIN
    },
    Engine {
        id: "GOMAXPROCS=1",
        what: "one goroutine runs at a time",
        run_env: &[("GOMAXPROCS", "1")],
        ..PLAIN
    },
    Engine {
        id: "GOGC=1, clobberfree",
        what: "the collector runs often, and overwrites what it frees",
        run_env: &[("GOGC", "1"), ("GODEBUG", "clobberfree=1")],
        ..PLAIN
    },
    Engine {
        id: "race",
        what: "Go's race detector",
        builds_as: "race",
        flags: &["-race"],
        ..ROW
    },
    Engine {
        id: "asan, GOGC=1",
        what: "AddressSanitizer, and the collector runs often",
        run_env: &[GENTLE_ASAN, ("GOGC", "1")],
        ..ASAN
    },
    Engine {
        id: "asan, collector, one CPU",
        what: "AddressSanitizer, the collector runs all the time, on one processor",
        run_env: &[GENTLE_ASAN, COLLECTS],
        one_cpu: true,
        ..ASAN
    },
];

const ASAN: Engine = Engine {
    builds_as: "storm-asan",
    flags: &["-asan"],
    compiler: COMPILER,
    gcc: NO_STACK,
    overlay: Some(Overlay::Storm),
    ..ROW
};

/// Runs of a package under a knob.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Count {
    runs: u32,
    /// Runs that failed in another way than by a time-out.
    failed: u32,
    timed_out: u32,
    seconds: f64,
}

impl Count {
    /// Failures a second, with one of each that was not seen: a knob that was hardly tried is worth a try.
    fn promise(&self) -> f64 {
        f64::from(self.failed + 1) / (self.seconds + 1.0)
    }

    /// The share of runs that fail, and its 95 % interval after Wilson (1927), which is good for few runs.
    fn rate(&self) -> (f64, f64, f64) {
        let runs = f64::from(self.runs);
        if self.runs == 0 {
            return (0.0, 0.0, 1.0);
        }
        let z = 1.96_f64;
        let share = f64::from(self.failed) / runs;
        let middle = (share + z * z / (2.0 * runs)) / (1.0 + z * z / runs);
        let half = z / (1.0 + z * z / runs)
            * (share * (1.0 - share) / runs + z * z / (4.0 * runs * runs)).sqrt();
        (share, (middle - half).max(0.0), (middle + half).min(1.0))
    }
}

/// A way to fail, and what is known of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Failure {
    signature: String,
    first: Finding,
    /// How often under which knob.
    by: BTreeMap<String, u32>,
    /// The shortest command that sets each of these knobs.
    commands: BTreeMap<String, String>,
}

/// The verdict on a way to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// It fails in at least half of the runs without any storm.
    Broken,
    /// It fails without any storm, now and then.
    Rare,
    /// It was seen under a storm only.
    UnderStorm,
}

impl Verdict {
    fn words(self) -> &'static str {
        match self {
            Verdict::Broken => "fails without any storm: no rare order is needed",
            Verdict::Rare => "genuine: it fails without any storm, now and then",
            Verdict::UnderStorm => "genuine: a legal order of events, seen under a storm only",
        }
    }
}

/// What came of a storm.
#[derive(Debug, Default)]
struct Storm {
    /// By knob.
    counts: BTreeMap<&'static str, Count>,
    failures: Vec<Failure>,
    /// Knobs that cannot be built here, and why.
    unsupported: Vec<(&'static str, String)>,
    /// Packages of which no test ran, and why.
    idle: BTreeMap<String, String>,
    seconds: f64,
}

/// Storms and returns whether nothing failed.
///
/// # Errors
/// There is nothing to run: see [`super::run`]; or no test fits the pattern.
pub(crate) fn storm(wish: &Wish) -> Result<bool> {
    let progress = Progress::new();
    progress.step("looking at the module");
    let module = Module::find(&wish.dir, &wish.packages)?;
    let folder = Folder::open(&module.root)?;
    let workspace = Workspace::at(&module.root);
    for line in module.told() {
        progress.line(&line);
    }
    progress.line(&format!(
        "{}, {} for each round",
        counted(KNOBS.len(), "knob"),
        counted(module.packages.len(), "package")
    ));
    let storms = Storms {
        module: &module,
        workspace: &workspace,
        folder: &folder.path,
        progress: &progress,
        wish,
    };
    let storm = storms.run()?;
    let ran = storm.counts.values().any(|it| it.runs > 0);
    if let Some((package, why)) = storm.idle.first_key_value().filter(|_| !ran) {
        bail!("nothing to storm: no test of {package} ran: {why}");
    }
    let place = folder.path.join("storm.json");
    let json = serde_json::json!({
        "module": module.path,
        "go": module.go,
        "counts": storm.counts,
        "failures": storm.failures,
        "unsupported": storm.unsupported,
        "idle": storm.idle,
        "seconds": storm.seconds,
        "interrupted": interrupted(),
    });
    fs::write(&place, serde_json::to_string_pretty(&json)?)
        .with_context(|| format!("cannot write {}", place.display()))?;
    progress.finish();
    out::print(report(&module, &storm))?;
    out::line(format_args!("results: {FOLDER}/storm.json"))?;
    let timed_out = storm.counts.values().any(|it| it.timed_out > 0);
    // Whoever names tests knows that not every package has them.
    let judged = storm.idle.is_empty() || wish.run.is_some();
    Ok(storm.failures.is_empty() && judged && !timed_out && !interrupted())
}

/// What a storm works with.
struct Storms<'a> {
    module: &'a Module,
    workspace: &'a Workspace,
    folder: &'a Path,
    progress: &'a Progress,
    wish: &'a Wish,
}

/// The programs of a build, by the number of their package, or the line that says why there are none.
type Programs = Result<Vec<(usize, PathBuf)>, String>;

/// A package that was built for a knob.
struct Built<'a> {
    package: &'a Package,
    program: PathBuf,
}

impl Storms<'_> {
    fn trial(&self, knob: &'static Engine) -> Trial<'_> {
        Trial {
            engine: knob,
            module: self.module,
            workspace: self.workspace,
            folder: self.folder,
            progress: self.progress,
            plain: None,
        }
    }

    fn run(&self) -> Result<Storm> {
        let mut storm = Storm::default();
        let built = self.build(&mut storm)?;
        let started = Instant::now();
        let mut round = 0;
        while !interrupted() && (round < built.len() || started.elapsed() < self.wish.time) {
            let Some((knob, programs)) = next(&built, &storm, round) else {
                break;
            };
            round += 1;
            let idle: Vec<&str> = storm.idle.keys().map(String::as_str).collect();
            if programs
                .iter()
                .all(|it| idle.contains(&it.package.path.as_str()))
            {
                break;
            }
            for one in programs {
                self.once(knob, one, &mut storm)?;
                if interrupted() || (self.wish.until_fail && !storm.failures.is_empty()) {
                    storm.seconds = started.elapsed().as_secs_f64();
                    return Ok(storm);
                }
            }
        }
        storm.seconds = started.elapsed().as_secs_f64();
        Ok(storm)
    }

    /// Builds every package for every knob. Knobs that share a build share its programs.
    fn build(&self, storm: &mut Storm) -> Result<Vec<(&'static Engine, Vec<Built<'_>>)>> {
        let mut done: BTreeMap<&str, Programs> = BTreeMap::new();
        let mut built = Vec::new();
        for knob in &KNOBS {
            let trial = self.trial(knob);
            if !done.contains_key(knob.builds_as) {
                fs::create_dir_all(trial.cache())?;
                let mut programs = Ok(Vec::new());
                for (number, package) in self.module.packages.iter().enumerate() {
                    self.progress.step(format!(
                        "go test -c {} {}",
                        knob.flags.join(" "),
                        package.relative(self.module)
                    ));
                    match (trial.build(package)?, &mut programs) {
                        (Ok(program), Ok(programs)) => programs.push((number, program)),
                        (Err(why), programs) => *programs = Err(why),
                        _ => {}
                    }
                }
                done.insert(knob.builds_as, programs);
            }
            match &done[knob.builds_as] {
                Ok(programs) => {
                    let of = |(number, program): &(usize, PathBuf)| Built {
                        package: &self.module.packages[*number],
                        program: program.clone(),
                    };
                    built.push((knob, programs.iter().map(of).collect()));
                }
                Err(why) => storm.unsupported.push((knob.id, why.clone())),
            }
        }
        ensure!(
            built.iter().any(|(knob, _)| knob.id == KNOBS[0].id),
            "the tests do not build: {}",
            storm
                .unsupported
                .first()
                .map_or("go gives no reason", |(_, why)| why)
        );
        Ok(built)
    }

    /// Runs the tests of a package once under a knob.
    fn once(&self, knob: &'static Engine, one: &Built<'_>, storm: &mut Storm) -> Result<()> {
        let count = storm.counts.get(knob.id).cloned().unwrap_or_default();
        self.progress.step(format!(
            "{}: run {}, {} failed",
            knob.id,
            count.runs + 1,
            count.failed
        ));
        let options: Vec<String> = self
            .wish
            .run
            .iter()
            .map(|it| format!("-test.run={it}"))
            .collect();
        let trial = self.trial(knob);
        let ran = trial.test(one.package, &one.program, &options, "storm")?;
        if ran.finished.success() && ran.tests.ran() == 0 {
            let why = match &self.wish.run {
                Some(pattern) if ran.tests.complete => format!("none fits --run {pattern}"),
                _ => ran.why_nothing(),
            };
            storm.idle.insert(one.package.path.clone(), why);
            return Ok(());
        }
        let count = storm.counts.entry(knob.id).or_default();
        count.runs += 1;
        count.seconds += ran.finished.seconds;
        match ran.finished.end {
            End::Interrupted => {
                count.runs -= 1;
                return Ok(());
            }
            _ if ran.finished.success() => return Ok(()),
            _ if ran.timed_out() => {
                count.timed_out += 1;
                return Ok(());
            }
            _ => count.failed += 1,
        }
        let mut seen = BTreeSet::new();
        for report in failures(&ran, self.module) {
            let finding = trial.finding(one.package, report);
            let signature = finding.signature();
            if !seen.insert(signature.clone()) {
                continue;
            }
            let at = storm
                .failures
                .iter()
                .position(|it| it.signature == signature);
            let at = at.unwrap_or_else(|| {
                self.progress
                    .line(&format!("{}: {}", knob.id, shown(&finding)));
                storm.failures.push(Failure {
                    signature,
                    first: finding.clone(),
                    by: BTreeMap::new(),
                    commands: BTreeMap::new(),
                });
                storm.failures.len() - 1
            });
            let failure = &mut storm.failures[at];
            *failure.by.entry(knob.id.to_owned()).or_default() += 1;
            failure
                .commands
                .entry(knob.id.to_owned())
                .or_insert(finding.command);
        }
        Ok(())
    }
}

/// The knob whose turn it is.
fn next<'b>(
    built: &'b [(&'static Engine, Vec<Built<'b>>)],
    storm: &Storm,
    round: usize,
) -> Option<(&'static Engine, &'b [Built<'b>])> {
    let promise = |knob: &Engine| {
        storm
            .counts
            .get(knob.id)
            .map_or(f64::INFINITY, Count::promise)
    };
    let (knob, programs) = if round < built.len() || round % 4 == 3 {
        built.get(if round < built.len() {
            round
        } else {
            round / 4 % built.len()
        })?
    } else {
        built
            .iter()
            .max_by(|(a, _), (b, _)| promise(a).total_cmp(&promise(b)))?
    };
    Some((*knob, programs))
}

/// A failure in one line: its class, places and test.
fn shown(finding: &Finding) -> String {
    let report = &finding.report;
    let mut text = report.class.clone();
    for (word, place) in [("in", &report.c), ("in Go in", &report.go)] {
        if let Some(place) = place {
            text = format!("{text} {word} {}", place.shown());
        }
    }
    match &report.test {
        Some(test) => format!("{text}, {test}"),
        None => text,
    }
}

/// What a failed run has to say: reports, else its death, else the tests that failed.
fn failures(ran: &Ran, module: &Module) -> Vec<findings::Report> {
    let reports = findings::read(&ran.text, module);
    if !reports.is_empty() {
        return reports;
    }
    if let Some(death) = findings::death(&ran.text, module).filter(|_| !ran.tests.complete) {
        return vec![death];
    }
    let failed = |test: Option<&String>| findings::Report {
        class: if test.is_some() {
            "test fails".to_owned()
        } else {
            ran.finished.how()
        },
        test: test.cloned(),
        c: None,
        go: None,
        text: String::new(),
    };
    match ran.tests.failed.is_empty() {
        true => vec![failed(None)],
        false => ran
            .tests
            .failed
            .iter()
            .map(|test| failed(Some(test)))
            .collect(),
    }
}

/// The verdict on a failure.
fn verdict(failure: &Failure, counts: &BTreeMap<&'static str, Count>) -> Verdict {
    let plain = counts.get(KNOBS[0].id).cloned().unwrap_or_default();
    match failure.by.get(KNOBS[0].id) {
        Some(times) if times * 2 >= plain.runs => Verdict::Broken,
        Some(_) => Verdict::Rare,
        None => Verdict::UnderStorm,
    }
}

/// The knob under which a failure comes most often in a second.
fn likeliest<'a>(
    failure: &'a Failure,
    counts: &BTreeMap<&'static str, Count>,
) -> Option<(&'a str, f64)> {
    let rate = |(knob, times): (&'a String, &u32)| {
        let seconds = counts.get(knob.as_str())?.seconds.max(0.001);
        Some((knob.as_str(), f64::from(*times) / seconds))
    };
    failure
        .by
        .iter()
        .filter_map(rate)
        .max_by(|a, b| a.1.total_cmp(&b.1))
}

/// The storm for a terminal.
fn report(module: &Module, storm: &Storm) -> String {
    let mut lines = vec![
        String::new(),
        format!(
            "{:<26} {:>6} {:>7} {:>9}  {:<15} {:>9}",
            "knob", "runs", "failed", "time-outs", "95 % interval", "a minute"
        ),
    ];
    for knob in &KNOBS {
        let Some(count) = storm.counts.get(knob.id) else {
            continue;
        };
        let (_, low, high) = count.rate();
        lines.push(format!(
            "{:<26} {:>6} {:>7} {:>9}  {:>5.1} … {:>5.1} % {:>9.1}",
            knob.id,
            count.runs,
            count.failed,
            count.timed_out,
            low * 100.0,
            high * 100.0,
            f64::from(count.failed) / count.seconds.max(0.001) * 60.0
        ));
    }
    for (knob, why) in &storm.unsupported {
        lines.push(format!("{knob:<26} unsupported here: {why}"));
    }
    for (number, failure) in (1..).zip(&storm.failures) {
        lines.push(String::new());
        lines.push(format!("{number}. {}", shown(&failure.first)));
        lines.push(format!("   {}", verdict(failure, &storm.counts).words()));
        let by: Vec<String> = failure
            .by
            .iter()
            .map(|(knob, times)| format!("{times} under {knob}"))
            .collect();
        lines.push(format!("   seen: {}", by.join("; ")));
        if let Some((knob, rate)) = likeliest(failure, &storm.counts) {
            lines.push(format!(
                "   likeliest under {knob}: {:.1} a minute",
                rate * 60.0
            ));
            lines.extend(
                failure
                    .commands
                    .get(knob)
                    .map(|command| format!("   {command}")),
            );
        }
    }
    let runs: u32 = storm.counts.values().map(|it| it.runs).sum();
    let timed_out: u32 = storm.counts.values().map(|it| it.timed_out).sum();
    let mut headline = match storm.failures.len() {
        0 => format!("nothing failed in {}", counted(runs as usize, "run")),
        count => format!(
            "{} in {}",
            counted_as(count, "way to fail", "ways to fail"),
            counted(runs as usize, "run")
        ),
    };
    if timed_out > 0 {
        headline.push_str(&format!("; {timed_out} timed out, which says nothing"));
    }
    if !storm.unsupported.is_empty() {
        headline.push_str(&format!(
            "; left out: {}",
            counted(storm.unsupported.len(), "knob")
        ));
    }
    for (package, why) in &storm.idle {
        headline.push_str(&format!("; no test of {package} ran: {why}"));
    }
    if interrupted() {
        headline.push_str("; stopped by Ctrl-C");
    }
    lines.push(String::new());
    lines.push(format!(
        "{}: {headline}, {:.0} s",
        module.path, storm.seconds
    ));
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::foreign::findings::Report;
    use crate::foreign::outcome::Severity;

    fn count(runs: u32, failed: u32, seconds: f64) -> Count {
        Count {
            runs,
            failed,
            timed_out: 0,
            seconds,
        }
    }

    fn failure(by: &[(&str, u32)]) -> Failure {
        let report = Report {
            class: "SIGSEGV".to_owned(),
            test: Some("TestA".to_owned()),
            c: None,
            go: None,
            text: String::new(),
        };
        let first = Finding {
            engine: "none".to_owned(),
            package: "a/b".to_owned(),
            tests: Vec::new(),
            severity: Severity::Error,
            known: None,
            command: "go test".to_owned(),
            report,
        };
        let command = |knob: &str| (knob.to_owned(), format!("{knob}: go test"));
        Failure {
            signature: first.signature(),
            first,
            by: by
                .iter()
                .map(|(knob, times)| ((*knob).to_owned(), *times))
                .collect(),
            commands: by.iter().map(|(knob, _)| command(knob)).collect(),
        }
    }

    #[test]
    fn intervals_are_those_of_wilson() {
        let near = |is: (f64, f64, f64), should: (f64, f64, f64)| {
            for (is, should) in [(is.0, should.0), (is.1, should.1), (is.2, should.2)] {
                assert!((is - should).abs() < 0.001, "{is} is not {should}");
            }
        };
        near(count(10, 5, 1.0).rate(), (0.5, 0.237, 0.763));
        near(count(10, 0, 1.0).rate(), (0.0, 0.0, 0.278));
        near(count(20, 20, 1.0).rate(), (1.0, 0.839, 1.0));
        near(count(0, 0, 0.0).rate(), (0.0, 0.0, 1.0));
    }

    #[test]
    fn all_knobs_have_a_turn_and_then_the_one_that_fails_most() {
        let built: Vec<_> = KNOBS[..3].iter().map(|knob| (knob, Vec::new())).collect();
        let storm = Storm {
            counts: BTreeMap::from([
                (KNOBS[0].id, count(5, 0, 10.0)),
                (KNOBS[1].id, count(5, 4, 10.0)),
                (KNOBS[2].id, count(5, 1, 10.0)),
            ]),
            ..Storm::default()
        };
        let turns: Vec<&str> = (0..12)
            .map(|round| next(&built, &storm, round).unwrap().0.id)
            .collect();
        let (none, most, other) = (KNOBS[0].id, KNOBS[1].id, KNOBS[2].id);
        assert_eq!(turns[..3], [none, most, other]);
        assert_eq!(turns[4..8], [most, most, most, most]);
        // Every fourth goes round.
        assert_eq!((turns[3], turns[7], turns[11]), (none, most, other));
    }

    #[test]
    fn a_failure_is_told_by_whether_it_needs_a_storm() {
        let counts = BTreeMap::from([("none", count(10, 5, 10.0)), ("race", count(4, 1, 40.0))]);
        for (by, expected) in [
            (&[("none", 5)][..], Verdict::Broken),
            (&[("none", 1), ("race", 1)], Verdict::Rare),
            (&[("race", 1)], Verdict::UnderStorm),
        ] {
            assert_eq!(verdict(&failure(by), &counts), expected);
        }
    }

    #[test]
    fn the_likeliest_knob_is_that_with_most_failures_in_a_second() {
        let counts = BTreeMap::from([("none", count(10, 5, 1.0)), ("race", count(9, 9, 90.0))]);
        let failure = failure(&[("none", 1), ("race", 9)]);
        assert_eq!(likeliest(&failure, &counts).unwrap().0, "none");
        let storm = Storm {
            counts,
            failures: vec![failure],
            ..Storm::default()
        };
        let text = report(&Module::default(), &storm);
        assert!(text.contains("none: go test"), "{text}");
        assert!(text.contains("1 way to fail in 19 runs"), "{text}");
    }

    #[test]
    fn a_time_out_is_no_failure_and_no_success() {
        let mut timed_out = count(3, 0, 3.0);
        timed_out.timed_out = 1;
        let storm = Storm {
            counts: BTreeMap::from([("none", timed_out)]),
            ..Storm::default()
        };
        let text = report(&Module::default(), &storm);
        assert!(
            text.contains("nothing failed in 3 runs; 1 timed out, which says nothing"),
            "{text}"
        );
    }

    #[test]
    fn the_first_knob_is_no_storm_and_all_are_told_apart() {
        assert!(KNOBS[0].run_env.is_empty() && !KNOBS[0].one_cpu && KNOBS[0].flags.is_empty());
        let ids: BTreeSet<&str> = KNOBS.iter().map(|it| it.id).collect();
        assert_eq!(ids.len(), KNOBS.len());
    }
}
