//! `cgolab storm`: runs tests again and again under conditions that change the order of events, and says
//! under which of them they fail more often.
//!
//! Each condition is a row of [`knobs`]. All have their turn first; then time goes where failures come:
//! to the knob with the most failures a second. Every fourth run is for another one, so that a rate which is 0 by
//! luck is not kept for ever, and half of these are plain: all others are measured against them.
//!
//! ```text
//!  knobs ──► canaries ──► rounds ──► tally ──► bisect ──► triage ──► report
//!            is each on?  adaptive   counts    smallest    on one
//!                                    kept      command     that died
//! ```
//!
//! A test that ends its program each time keeps those behind it from running, and is left out after some runs. One
//! that hangs is left out after the first, as long as none has come to its end: the time limit is long then.
//!
//! Programs run one at a time: a rate belongs to its knob only if nothing else changes what happens.

mod bisect;
mod knobs;
mod rate;
mod report;
mod tally;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};

use self::bisect::Minimal;
use self::knobs::{LOAD, NONE};
use self::rate::Rate;
use self::tally::{Failure, Sign, Storm};
use super::debugged::REPORTS;
use super::engines::Engine;
use super::findings;
use super::module::{Module, Package, counted};
use super::outcome::{Finding, State};
use super::report::{Report, shown};
use super::trial::{Ran, Trial, culprit, skip};
use super::{FOLDER, Folder};
use crate::engine::overlay::COLLECTS;
use crate::engine::way::{CHECKPTR, Way};
use crate::host::child::{End, interrupted};
use crate::host::load::under_load;
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
    /// Storm for this time; builds are not counted, and each condition has one turn however long that takes.
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = duration)]
    time: Duration,
    /// Stop at the first failure.
    #[arg(long)]
    until_fail: bool,
    /// Go on with the storm that was kept: its runs and failures count.
    #[arg(long)]
    resume: bool,
    /// Look for the smallest command that fails: fewer tests, fewer conditions, and how many repetitions it
    /// needs.
    #[arg(long)]
    bisect: bool,
}

/// Attempts to see a failure again under the debugger, where it is rarer.
const DEBUGGED: u32 = 5;
/// Runs in which a test ends its program before it is left out, without another end in between.
const ENOUGH: u32 = 5;
/// Runs of the smallest command, from which its rate is told.
const MEASURED: u32 = 10;
/// The shortest time limit of a package of which no run has come to its end. A longer storm gives it as long.
const PATIENCE: Duration = Duration::from_secs(120);
/// The time limit of a program that is known to hang, for triage.
const HANGS: Duration = Duration::from_secs(20);

/// Storms and returns whether nothing failed.
///
/// # Errors
/// There is nothing to run: see [`super::run`]; no test fits the pattern; or there is no storm to go on with.
pub(crate) fn storm(wish: &Wish) -> Result<bool> {
    let progress = Progress::new();
    progress.step("looking at the module");
    let module = Module::find(&wish.dir, &wish.packages)?;
    let knobs = knobs::all(&module.description.knobs)?;
    let folder = Folder::open(&module.root)?;
    let workspace = Workspace::at(&module.root);
    for line in module.summary() {
        progress.line(&out::wrapped(&line, ""));
    }
    progress.line(&format!(
        "{}, {} for each round",
        counted(knobs.len(), "knob"),
        counted(module.packages.len(), "package")
    ));
    let place = folder.path.join("storm.json");
    let storms = Storms {
        module: &module,
        workspace: &workspace,
        folder: &folder.path,
        progress: &progress,
        knobs: &knobs,
        place: &place,
        wish,
    };
    let storm = storms.run()?;
    let without = storm.without_tests();
    if let Some((package, why)) = without.first_key_value().filter(|_| storm.runs() == 0) {
        bail!("nothing to storm: no test of {package} ran: {why}");
    }
    progress.finish();
    if storm.runs() == 0 {
        out::line(format_args!(
            "{}: stopped before the first run",
            module.path
        ))?;
        return Ok(false);
    }
    let order: Vec<&str> = knobs.iter().map(|knob| knob.id).collect();
    out::print(report::report(&storm, &order))?;
    out::line(format_args!("results: {FOLDER}/storm.json"))?;
    // Whoever names tests knows that not every package has them.
    let judged = without.is_empty() || wish.run.is_some();
    Ok(storm.is_green() && judged)
}

/// A storm's surroundings.
struct Storms<'a> {
    module: &'a Module,
    workspace: &'a Workspace,
    folder: &'a Path,
    progress: &'a Progress,
    knobs: &'a [&'static Engine],
    /// The file of results.
    place: &'a Path,
    wish: &'a Wish,
}

/// The programs of a build, each with its package, or the compiler's line.
type Programs<'a> = Vec<(&'a Package, Result<PathBuf, String>)>;

/// A package that was built for a knob.
struct Built<'a> {
    package: &'a Package,
    program: PathBuf,
}

/// A knob, and the programs that run under it.
type Ready<'a> = (&'static Engine, Vec<Built<'a>>);

impl Storms<'_> {
    fn trial(&self, knob: &'static Engine) -> Trial<'_> {
        Trial {
            engine: knob,
            module: self.module,
            workspace: self.workspace,
            folder: self.folder,
            progress: self.progress,
            plain: None,
            limit: None,
            deadline: None,
        }
    }

    fn run(&self) -> Result<Storm> {
        let mut anew = Storm {
            module: self.module.path.clone(),
            go: self.module.go.clone(),
            ..Storm::default()
        };
        let built = self.build(&mut anew)?;
        if interrupted() {
            // What was kept knows more.
            anew.interrupted = true;
            return Ok(anew);
        }
        anew.subject = self.subject(&built)?;
        let mut storm = match self.wish.resume {
            false => anew,
            true => Storm {
                unsupported: anew.unsupported,
                off: anew.off,
                not_built: anew.not_built,
                idle: BTreeMap::new(),
                interrupted: false,
                ..Storm::resumed(self.place, &anew.subject)?
            },
        };
        let known = storm.failures.len();
        self.progress.step("storm");
        let started = Instant::now();
        let before = storm.seconds;
        let mut round = 0;
        let mut dying = Dying::default();
        'rounds: while !interrupted() {
            let Some((knob, programs)) = next(&built, &storm, round) else {
                break;
            };
            let had_its_turn = storm.of(knob.id).runs > 0;
            if had_its_turn && started.elapsed() >= self.wish.time {
                break;
            }
            round += 1;
            for one in programs {
                while !storm.is_idle(knob.id, &one.package.path) {
                    let ended = self.once(knob, one, &mut storm)?;
                    let ending = dying.seen(knob.id, &one.package.path, &ended);
                    let left_out = match &ending {
                        Some(test) => self.leave_out(knob, one, test, &mut storm)?,
                        None => false,
                    };
                    // There is no other test.
                    let stuck = ending.is_some() && !left_out;
                    if knob.id == NONE && ended.hopeless && !left_out {
                        self.spare_others(one, &mut storm);
                    }
                    storm.seconds = before + started.elapsed().as_secs_f64();
                    storm.interrupted = interrupted();
                    self.save(&storm)?;
                    if interrupted() || (self.wish.until_fail && storm.failures.len() > known) {
                        break 'rounds;
                    }
                    // In the first turn of a knob, tests that hide others are found out. Plainly, that is waited for:
                    // nothing is to be said of tests that never ran without a storm.
                    let is_late = started.elapsed() >= self.wish.time && knob.id != NONE;
                    if had_its_turn || ended.by.is_none() || stuck || is_late {
                        break;
                    }
                }
            }
        }
        storm.accept(&self.module.description.accept, self.knobs);
        self.look_closer(&built, &mut storm)?;
        storm.interrupted = interrupted();
        self.save(&storm)?;
        Ok(storm)
    }

    /// Keeps a storm that knows something: one that ran nothing does not take the place of another.
    fn save(&self, storm: &Storm) -> Result<()> {
        match storm.runs() {
            0 => Ok(()),
            _ => storm.save(self.place),
        }
    }

    /// Builds every package for every knob, which has to see its canaries first. Knobs that share a build
    /// share its programs.
    fn build(&self, storm: &mut Storm) -> Result<Vec<Ready<'_>>> {
        let mut done: BTreeMap<&str, Programs<'_>> = BTreeMap::new();
        let mut canaries: BTreeMap<&str, Result<PathBuf, String>> = BTreeMap::new();
        let mut ready = Vec::new();
        for knob in self.knobs {
            let trial = self.trial(knob);
            if let Some(why) = trial.lacking() {
                storm.unsupported.insert(knob.id.to_owned(), why);
                continue;
            }
            if !done.contains_key(knob.builds_as) {
                fs::create_dir_all(trial.cache())?;
                self.progress.step(format!("{}: canaries", knob.id));
                canaries.insert(knob.builds_as, trial.build(&trial.canaries()?)?);
                done.insert(knob.builds_as, self.programs(&trial)?);
            }
            let state = match &canaries[knob.builds_as] {
                Ok(program) => trial.sees(&trial.canaries()?, program, &mut Vec::new())?,
                Err(why) => State::Unsupported(why.clone()),
            };
            if interrupted() {
                break;
            }
            let mut built = Vec::new();
            for (package, program) in &done[knob.builds_as] {
                match program {
                    Ok(program) => built.push(Built {
                        package,
                        program: program.clone(),
                    }),
                    Err(why) => {
                        let packages = storm.not_built.entry(knob.id.to_owned()).or_default();
                        packages.insert(package.path.clone(), why.clone());
                    }
                }
            }
            match state {
                State::On => ready.push((*knob, built)),
                State::Off(why) => drop(storm.off.insert(knob.id.to_owned(), why)),
                State::Unsupported(why) | State::NotRun(why) => {
                    storm.not_built.remove(knob.id);
                    storm.unsupported.insert(knob.id.to_owned(), why);
                }
                State::Stopped => break,
            }
        }
        if let Some(why) = storm.off.get(NONE).or(storm.unsupported.get(NONE)) {
            bail!("plain runs, the measure of all others, are not possible: {why}");
        }
        let plain = ready.iter().find(|(knob, _)| knob.id == NONE);
        if let Some(why) = storm.not_built.get(NONE).and_then(|it| it.values().next()) {
            let some = plain.is_some_and(|(_, built)| !built.is_empty());
            ensure!(some, "the tests do not build: {why}");
        }
        Ok(ready)
    }

    /// Builds every package for a knob.
    fn programs(&self, trial: &Trial<'_>) -> Result<Programs<'_>> {
        let lacks = trial.library_lacks()?;
        let mut programs = Vec::new();
        for package in &self.module.packages {
            if interrupted() {
                break;
            }
            let options = trial.engine.way.options.iter().map(|it| format!("{it} "));
            self.progress.step(format!(
                "go test -c {}{}",
                options.collect::<String>(),
                package.relative(self.module)
            ));
            let program = match &lacks {
                Some(why) => Err(why.clone()),
                None => trial.build(package)?,
            };
            programs.push((package, program));
        }
        Ok(programs)
    }

    /// The identity of a storm: what was asked for, the knobs, and the programs.
    fn subject(&self, built: &[Ready<'_>]) -> Result<String> {
        let mut digest = DefaultHasher::new();
        self.wish.run.hash(&mut digest);
        let description = &self.module.description;
        (&description.env, description.timeout).hash(&mut digest);
        for knob in self.knobs {
            (knob.id, knob.way.env, knob.way.one_processor).hash(&mut digest);
        }
        // A knob that is off today is no other storm: the plain programs say what is tested.
        for one in built
            .iter()
            .filter(|(knob, _)| knob.id == NONE)
            .flat_map(|(_, it)| it)
        {
            let program = &one.program;
            let bytes =
                fs::read(program).with_context(|| format!("cannot read {}", program.display()))?;
            bytes.hash(&mut digest);
        }
        Ok(format!("{:016x}", digest.finish()))
    }

    /// Leaves a test out that ended its program each time, and reports whether it did: there must be others. A test
    /// that needs no knob is left out under all.
    fn leave_out(
        &self,
        knob: &'static Engine,
        one: &Built<'_>,
        test: &str,
        storm: &mut Storm,
    ) -> Result<bool> {
        let package = &one.package.path;
        let mut others = self.tests(knob, one)?;
        others.remove(test);
        if others.is_subset(&storm.left_out(knob.id, package)) {
            return Ok(false);
        }
        let knobs: Vec<&str> = match knob.id {
            NONE => self.knobs.iter().map(|it| it.id).collect(),
            id => vec![id],
        };
        storm.leave_out(&knobs, package, test);
        self.progress.line(&format!(
            "{}: {test} keeps its program from its end, and is left out from now on",
            knob.id
        ));
        Ok(true)
    }

    /// Leaves a package to plain runs, in which it hangs: under each other knob it would cost a time limit.
    fn spare_others(&self, one: &Built<'_>, storm: &mut Storm) {
        for knob in self.knobs.iter().filter(|it| it.id != NONE) {
            let idle = storm.idle.entry(knob.id.to_owned()).or_default();
            idle.insert(
                one.package.path.clone(),
                "it hangs without any storm".to_owned(),
            );
        }
    }

    /// The tests of a package that are asked for.
    fn tests(&self, knob: &'static Engine, one: &Built<'_>) -> Result<BTreeSet<String>> {
        let pattern = self.wish.run.as_deref().unwrap_or(".");
        let ran = self.program(knob, one, &[format!("-test.list={pattern}")], None)?;
        Ok(listed(&ran.text))
    }

    /// Runs the tests of a package once under a knob.
    fn once(&self, knob: &'static Engine, one: &Built<'_>, storm: &mut Storm) -> Result<Ended> {
        let count = storm.of(knob.id);
        self.progress.detail(&format!(
            "{}: run {}, {} failed",
            knob.id,
            count.runs + 1,
            count.failed
        ));
        let mut options = only(self.wish.run.as_deref());
        options.extend(skip(&storm.left_out(knob.id, &one.package.path)));
        let known = storm.limit(knob.id, &one.package.path);
        let limit = known.unwrap_or(PATIENCE.max(self.wish.time));
        let ran = self.program(knob, one, &options, Some(limit))?;
        if ran.finished.end == End::Interrupted {
            return Ok(Ended::default());
        }
        if let Some(pattern) = &self.wish.run
            && let Some(why) = refused(&ran.text)
        {
            bail!("--run {pattern} is not a pattern of tests: {why}");
        }
        if ran.passed() && ran.tests.ran() == 0 {
            let why = match &self.wish.run {
                Some(pattern) if ran.tests.complete => format!("none fits --run {pattern}"),
                _ => ran.why_nothing(),
            };
            let idle = storm.idle.entry(knob.id.to_owned()).or_default();
            idle.insert(one.package.path.clone(), why);
            return Ok(Ended::default());
        }
        let packages = storm.counts.entry(knob.id.to_owned()).or_default();
        let count = packages.entry(one.package.path.clone()).or_default();
        count.runs += 1;
        let hung = ran.timed_out();
        if hung {
            count.timed_out += 1;
            count.waited += ran.finished.seconds;
        } else {
            count.seconds += ran.finished.seconds;
        }
        if !hung && ran.tests.complete {
            count.longest = count.longest.max(ran.finished.seconds);
        }
        if ran.passed() {
            return Ok(Ended::default());
        }
        count.failed += u32::from(!hung);
        let ending = Ending::read(&ran, self.module);
        let found = self.findings(knob, one.package, ending.reports);
        for report in storm.add(knob.id, found, ending.sign) {
            self.progress.line(&format!("{}: {report}", knob.id));
        }
        Ok(Ended {
            by: ending.ended_by,
            hopeless: hung && known.is_none(),
        })
    }

    /// Runs a program under a knob, for the time that the module gives it or less.
    fn program(
        &self,
        knob: &'static Engine,
        one: &Built<'_>,
        options: &[String],
        limit: Option<Duration>,
    ) -> Result<Ran> {
        let trial = Trial {
            limit,
            ..self.trial(knob)
        };
        let run = || trial.test(one.package, &one.program, options, "storm");
        match knob.id {
            LOAD => under_load(2, run),
            _ => run(),
        }
    }

    fn findings(
        &self,
        knob: &'static Engine,
        package: &Package,
        reports: Vec<Report>,
    ) -> Vec<Finding> {
        let trial = self.trial(knob);
        let reports = reports.into_iter();
        reports.map(|it| trial.finding(package, it)).collect()
    }

    /// Looks for the smallest command of each failure, if that is wanted, and for a report on those that
    /// ended their program.
    fn look_closer(&self, built: &[Ready<'_>], storm: &mut Storm) -> Result<()> {
        let mut reports = 0;
        for at in 0..storm.failures.len() {
            if interrupted() {
                break;
            }
            let failure = &storm.failures[at];
            let Some((knob, _)) = failure.likeliest(storm) else {
                continue;
            };
            let Some((knob, programs)) = built.iter().find(|(it, _)| it.id == knob) else {
                continue;
            };
            let package = &failure.first.package;
            let Some(one) = programs.iter().find(|it| it.package.path == *package) else {
                continue;
            };
            let rate = Rate::of(failure.by[knob.id], failure.count(storm, knob.id).runs);
            let mut out = storm.left_out(knob.id, package);
            out.retain(|test| Some(test) != failure.first.report.test.as_ref());
            let sought = Sought {
                failure,
                one,
                out,
                limit: storm.limit(knob.id, package),
            };
            let minimal = match self.wish.bisect && knob.id != LOAD {
                true => self.smallest(knob, &sought, rate)?,
                false => None,
            };
            let report = match matches!(failure.sign, Sign::Death | Sign::Hang)
                && failure.report.is_none()
                && reports < REPORTS
            {
                true => self.triaged(knob, &sought)?,
                false => None,
            };
            reports += usize::from(report.is_some());
            let failure = &mut storm.failures[at];
            failure.minimal = minimal.or(failure.minimal.take());
            failure.report = report.or(failure.report.take());
        }
        Ok(())
    }

    /// The smallest command under which a failure comes, starting from a knob where it has this rate.
    fn smallest(
        &self,
        knob: &'static Engine,
        sought: &Sought<'_>,
        rate: Rate,
    ) -> Result<Option<Minimal>> {
        let Sought {
            failure, one, out, ..
        } = sought;
        let what = shown(&failure.first.report);
        self.progress
            .step(format!("the smallest command for {what}"));
        let tries = bisect::tries(rate);
        let mut all = self.tests(knob, one)?;
        all.retain(|test| !out.contains(test));
        let mut broken = None;
        let mut fails = |knob: &'static Engine, tests: Option<&BTreeSet<String>>| match self
            .comes(knob, sought, tests, tries)
        {
            Ok(comes) => comes,
            Err(error) => {
                broken.get_or_insert(error);
                false
            }
        };
        let tests = failure
            .first
            .report
            .test
            .as_ref()
            .and_then(|failing| bisect::tests(failing, &all, |tests| fails(knob, Some(tests))));
        let way = bisect::conditions(&knob.way, |way| fails(turned(knob, *way), tests.as_ref()));
        if let Some(error) = broken {
            return Err(error);
        }
        let knob = turned(knob, way);
        let mut failed = 0;
        let mut runs = 0;
        while runs < MEASURED && !interrupted() {
            failed += u32::from(self.comes(knob, sought, tests.as_ref(), 1)?);
            runs += 1;
        }
        if failed == 0 {
            return Ok(None);
        }
        let repeat = bisect::repetitions(Rate::of(failed, runs).share);
        let pattern = tests.as_ref().map(alternatives);
        // What lies beside the tests does nothing without its variable.
        let plain = !way.env.contains(&COLLECTS);
        let overlay = way.overlay.filter(|_| !plain);
        let shown = turned(knob, Way { overlay, ..way });
        let command = self.trial(shown);
        Ok(Some(Minimal {
            command: command.command(one.package, pattern.as_deref(), repeat),
            failed,
            runs,
            tests: tests.map(|it| it.len()),
        }))
    }

    /// Runs tests until a failure comes, at most this often, and returns whether it came.
    fn comes(
        &self,
        knob: &'static Engine,
        sought: &Sought<'_>,
        tests: Option<&BTreeSet<String>>,
        tries: u32,
    ) -> Result<bool> {
        let Sought { failure, one, .. } = sought;
        let named = tests.map(|tests| format!("^{}$", alternatives(tests)));
        let mut options = only(named.as_deref().or(self.wish.run.as_deref()));
        options.extend(skip(&sought.out));
        for run in 1..=tries {
            if interrupted() {
                break;
            }
            self.progress.detail(&format!("run {run} of {tries}"));
            let ran = self.program(knob, one, &options, sought.limit)?;
            let reports = Ending::read(&ran, self.module).reports;
            let found = self.findings(knob, one.package, reports);
            let same = |it: &Finding| it.signature() == failure.signature;
            if !ran.passed() && found.iter().any(same) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Lets triage look at a failure that keeps its program from its end, and returns the report's place.
    fn triaged(&self, knob: &'static Engine, sought: &Sought<'_>) -> Result<Option<String>> {
        let Sought { failure, one, .. } = sought;
        let limit = match failure.sign {
            // It is known to hang.
            Sign::Hang => sought.limit.map_or(HANGS, |it| it.min(HANGS)),
            _ => sought.limit.unwrap_or(PATIENCE),
        };
        let trial = Trial {
            limit: Some(limit),
            ..self.trial(knob)
        };
        let options = match &failure.first.report.test {
            Some(test) => vec![trial.only(test)],
            None => only(self.wish.run.as_deref()),
        };
        let what = shown(&failure.first.report);
        self.progress.step(format!("triage of {what}"));
        for _ in 0..DEBUGGED {
            if interrupted() {
                break;
            }
            if let Some(report) = trial.triage(one.package, &one.program, &options)? {
                return Ok(Some(report));
            }
        }
        Ok(None)
    }
}

/// A failure that is looked for again.
struct Sought<'a> {
    failure: &'a Failure,
    one: &'a Built<'a>,
    /// Tests that are left out.
    out: BTreeSet<String>,
    /// The time limit of a run, if it is shorter than the module's.
    limit: Option<Duration>,
}

/// The end of a run.
#[derive(Default)]
struct Ended {
    /// The test that kept the program from its end.
    by: Option<String>,
    /// True if it hung, and no run has come to its end before: another one would cost as much time.
    hopeless: bool,
}

/// Tests that ended their programs in the last runs, by knob and package, and how often in a row.
#[derive(Default)]
struct Dying(BTreeMap<(String, String), (String, u32)>);

impl Dying {
    /// Takes the end of a run; returns the test that has ended its program often enough.
    fn seen(&mut self, knob: &str, package: &str, ended: &Ended) -> Option<String> {
        let key = (knob.to_owned(), package.to_owned());
        let Some(test) = &ended.by else {
            self.0.remove(&key);
            return None;
        };
        let times = match self.0.get(&key) {
            Some((last, times)) if last == test => times + 1,
            _ => 1,
        };
        self.0.insert(key, (test.clone(), times));
        (times == ENOUGH || ended.hopeless).then(|| test.clone())
    }
}

/// The reason for which package testing refuses the pattern of `-run`, before any test.
fn refused(text: &str) -> Option<&str> {
    let line = text.lines().next()?;
    let why = line.strip_prefix("testing: invalid regexp")?;
    Some(why.split_once("): ").map_or(why, |(_, why)| why))
}

/// The knob of the next round: one that had no turn yet, else the one that fails most often, and every fourth
/// time a plain run and another one in turns. [`None`] if no test runs under any of them.
fn next<'b>(built: &'b [Ready<'b>], storm: &Storm, round: usize) -> Option<&'b Ready<'b>> {
    let runs = |(knob, programs): &&Ready<'_>| {
        let mut tests = programs.iter();
        tests.any(|it| !storm.is_idle(knob.id, &it.package.path))
    };
    let live: Vec<&Ready<'_>> = built.iter().filter(runs).collect();
    let promise = |(knob, _): &Ready<'_>| storm.of(knob.id).promise();
    let untried = live.iter().find(|(knob, _)| storm.of(knob.id).runs == 0);
    let chosen = match (untried, live.len()) {
        (Some(_), _) | (None, 0) => untried,
        (None, count) if round % 4 == 3 => {
            let mut plain = live.iter().filter(|(knob, _)| knob.id == NONE);
            let plain = plain.next().filter(|_| round % 8 == 3);
            plain.or(live.get(round / 8 % count))
        }
        (None, _) => live.iter().max_by(|a, b| promise(a).total_cmp(&promise(b))),
    };
    chosen.copied()
}

/// The option that runs the tests of a pattern; none for all.
fn only(pattern: Option<&str>) -> Vec<String> {
    let option = pattern.map(|it| format!("-test.run={it}"));
    option.into_iter().collect()
}

/// A knob with another way. It is kept as long as the program: a handful for each bisection.
fn turned(knob: &'static Engine, way: Way) -> &'static Engine {
    Box::leak(Box::new(Engine { way, ..*knob }))
}

/// Tests as a pattern: one of them.
fn alternatives(tests: &BTreeSet<String>) -> String {
    let names: Vec<&str> = tests.iter().map(String::as_str).collect();
    match names.as_slice() {
        [one] => (*one).to_owned(),
        several => format!("({})", several.join("|")),
    }
}

/// The tests that `-test.list` prints.
fn listed(text: &str) -> BTreeSet<String> {
    let names = text.lines().filter(|line| {
        let starts = ["Test", "Example", "Fuzz"];
        starts.iter().any(|start| line.starts_with(start)) && !line.contains(' ')
    });
    names.map(str::to_owned).collect()
}

/// The end of a failed run.
struct Ending {
    /// Reports of detectors, else its death, else the tests that failed.
    reports: Vec<Report>,
    sign: Sign,
    /// The test that ended the program, if its list did not come to its end.
    ended_by: Option<String>,
}

impl Ending {
    fn read(ran: &Ran, module: &Module) -> Ending {
        let reports = findings::read(&ran.text, module);
        let blamed = reports.iter().filter_map(|it| it.test.clone()).collect();
        let died = !ran.tests.complete;
        let ended_by = died.then(|| culprit(ran, &blamed)).flatten();
        let of = |sign, reports| Ending {
            reports,
            sign,
            ended_by: ended_by.clone(),
        };
        if !reports.is_empty() {
            return of(Sign::Report, reports);
        }
        let bare = |class: &str, test: Option<&String>| Report {
            class: class.to_owned(),
            test: test.cloned(),
            c: None,
            go: None,
            other: None,
            text: test.map_or_else(String::new, |it| findings::of_test(&ran.text, it)),
        };
        if ran.timed_out() {
            return of(Sign::Hang, vec![bare("does not end", ended_by.as_ref())]);
        }
        if let Some(mut death) = findings::death(&ran.text, module).filter(|_| died) {
            let sign = match death.class.starts_with(CHECKPTR) {
                true => Sign::Report,
                false => Sign::Death,
            };
            death.test = death.test.or_else(|| ended_by.clone());
            return of(sign, vec![death]);
        }
        if ran.finished.success() {
            let class = "ends its program as if all tests had passed";
            return of(Sign::Death, vec![bare(class, ended_by.as_ref())]);
        }
        if ran.finished.end == End::Flooded {
            let class = "writes too much";
            return of(Sign::Death, vec![bare(class, ended_by.as_ref())]);
        }
        let tests = ran.tests.failed.iter();
        let mut found: Vec<_> = tests.map(|test| bare("test fails", Some(test))).collect();
        if found.is_empty() {
            found.push(bare(&ran.finished.how(), ended_by.as_ref()));
        }
        let sign = if died { Sign::Death } else { Sign::Test };
        of(sign, found)
    }
}

#[cfg(test)]
mod tests {
    use super::knobs::KNOBS;
    use super::tally::tests::{count, storm};
    use super::*;

    #[test]
    fn all_knobs_have_a_turn_and_then_the_one_that_fails_most() {
        let package = Package {
            path: "a/b".to_owned(),
            ..Package::default()
        };
        let program = || Built {
            package: &package,
            program: PathBuf::new(),
        };
        let built: Vec<Ready<'_>> = KNOBS[..3].iter().map(|it| (it, vec![program()])).collect();
        let ids = [KNOBS[0].id, KNOBS[1].id, KNOBS[2].id];
        let [none, most, other] = ids;
        let of = |failed| count(5, failed, 10.0);
        let mut all = storm(&[(none, of(0)), (most, of(4)), (other, of(1))]);
        let turn = |storm: &Storm, round| next(&built, storm, round).map(|(knob, _)| knob.id);
        let turns: Vec<_> = (0..24).filter_map(|round| turn(&all, round)).collect();
        assert_eq!(turns[..3], [most, most, most]);
        // Every fourth is plain, or goes round.
        let fourth = [3, 7, 11, 15, 19, 23].map(|at| turns[at]);
        assert_eq!(fourth, [none, none, none, most, none, other]);
        let some = storm(&[(none, of(0)), (most, of(4))]);
        assert_eq!(turn(&some, 1), Some(other));
        // A package that runs no test under one knob has its turns under the others.
        let idle = || BTreeMap::from([("a/b".to_owned(), "skipped".to_owned())]);
        all.idle.insert(most.to_owned(), idle());
        assert_eq!(turn(&all, 0), Some(other));
        // Where no test runs plainly, others have that turn too.
        all.idle.insert(none.to_owned(), idle());
        assert_eq!(turn(&all, 3), Some(other));
        for knob in ids {
            all.idle.insert(knob.to_owned(), idle());
        }
        assert_eq!(turn(&all, 0), None);
    }

    /// Gives a storm, and a program that passes whatever it prints: its options, of which this is the last.
    fn with_program_that_prints(text: &str, test: impl FnOnce(&Storms<'_>, &Built<'_>)) {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let module = Module {
            root: root.to_path_buf(),
            ..Module::default()
        };
        let package = Package {
            path: "a/b".to_owned(),
            dir: root.to_path_buf(),
            ..Package::default()
        };
        let storms = Storms {
            module: &module,
            workspace: &Workspace::at(root),
            folder: root,
            progress: &Progress::new(),
            knobs: &[&KNOBS[0]],
            place: &root.join("storm.json"),
            wish: &Wish {
                dir: root.to_path_buf(),
                packages: Vec::new(),
                run: Some(format!("\n{text}")),
                time: Duration::ZERO,
                until_fail: false,
                resume: false,
                bisect: false,
            },
        };
        fs::create_dir_all(storms.trial(&KNOBS[0]).cache()).unwrap();
        let one = Built {
            package: &package,
            program: PathBuf::from("/bin/echo"),
        };
        test(&storms, &one);
    }

    #[test]
    fn a_test_that_ends_its_program_as_if_all_had_passed_has_failed() {
        with_program_that_prints("=== RUN   TestA", |storms, one| {
            let mut storm = Storm::default();
            let ended = storms.once(&KNOBS[0], one, &mut storm).unwrap();
            assert_eq!(ended.by.as_deref(), Some("TestA"));
            let [failure] = storm.failures.as_slice() else {
                panic!("{storm:?}");
            };
            let class = "ends its program as if all tests had passed";
            assert_eq!(failure.first.report.class, class);
            assert_eq!(storm.of(NONE).failed, 1);
            // Its time says nothing about that of all tests.
            assert_eq!(storm.limit(NONE, "a/b"), None);
            let sought = Sought {
                failure,
                one,
                out: BTreeSet::new(),
                limit: None,
            };
            assert!(storms.comes(&KNOBS[0], &sought, None, 1).unwrap());
        });
    }

    #[test]
    fn a_hang_is_hopeless_until_a_run_has_come_to_its_end() {
        let text = "=== RUN   TestA\npanic: test timed out after 1s";
        with_program_that_prints(text, |storms, one| {
            let mut storm = Storm::default();
            assert!(storms.once(&KNOBS[0], one, &mut storm).unwrap().hopeless);
            let packages = storm.counts.get_mut(NONE).unwrap();
            packages.get_mut("a/b").unwrap().longest = 1.0;
            let ended = storms.once(&KNOBS[0], one, &mut storm).unwrap();
            assert!(!ended.hopeless);
            assert_eq!(ended.by.as_deref(), Some("TestA"));
            let all = storm.of(NONE);
            assert_eq!((all.runs, all.failed, all.timed_out), (2, 0, 2));
            assert!(all.waited > 0.0 && all.seconds == 0.0);
            assert_eq!(storm.failures[0].sign, Sign::Hang);
        });
    }

    #[test]
    fn a_test_that_ends_its_program_often_enough_in_a_row_is_told_once() {
        let mut dying = Dying::default();
        let mut ended = |knob, test: Option<&str>, hopeless| {
            let by = test.map(str::to_owned);
            dying.seen(knob, "a/b", &Ended { by, hopeless })
        };
        assert_eq!(ended("race", Some("TestA"), true), Some("TestA".to_owned()));
        let mut seen = |knob, test| ended(knob, test, false);
        for _ in 1..ENOUGH {
            assert_eq!(seen("none", Some("TestA")), None);
            assert_eq!(seen("race", Some("TestB")), None);
        }
        assert_eq!(seen("none", Some("TestA")), Some("TestA".to_owned()));
        assert_eq!(seen("none", Some("TestA")), None);
        assert_eq!(seen("race", None), None);
        assert_eq!(seen("race", Some("TestB")), None);
    }

    #[test]
    fn tests_are_listed_and_named_by_one_pattern() {
        let text = "TestA\nExampleB\nFuzzC\nok  \tx\t0.1s\nTestless words\n";
        let tests = listed(text);
        assert_eq!(alternatives(&tests), "(ExampleB|FuzzC|TestA)");
        assert_eq!(alternatives(&["TestA".to_owned()].into()), "TestA");
    }
}
