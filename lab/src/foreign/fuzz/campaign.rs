//! A campaign: all fuzz tests of a module share the time, and those that reach more get more of it.
//!
//! ```text
//!             ┌─► every second turn: the test that has had the least time ──┐
//!  time left ─┤                                                             ├─► libFuzzer ─► features, findings
//!             └─► the others: the one that reached the most in its last one ┘
//! ```
//!
//! In a turn of a test libFuzzer has its own, with different feedback.
//!
//! All that a campaign finds is a file at once: libFuzzer writes inputs into the corpus, and those that fail into
//! the folder of inputs that nobody has judged. A campaign that is killed loses the turn that runs, and nothing else:
//! the next one judges first what it finds there. A test with a finding gets no more turns, because it would end on
//! the same input.

use std::collections::BTreeMap;
use std::fs;
use std::num::NonZero;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use super::super::module::Module;
use super::super::outcome::{EngineOutcome, State, Trouble};
use super::Options;
use super::build::Built;
use super::session::{FUZZ, Found, Session, is_fuzz_test};
use crate::host::child::interrupted;
use crate::host::progress::Progress;

/// The number of turns that a test has if all have the same time.
const TURNS: u32 = 6;
const SHORTEST: Duration = Duration::from_secs(10);
const LONGEST: Duration = Duration::from_secs(600);
/// The time to look for a smaller input of a finding.
const SHRINKING: Duration = Duration::from_secs(30);

/// A campaign that the command line asks for.
#[derive(Debug)]
pub(crate) struct Wish {
    /// The packages as `go list` takes them.
    pub(crate) packages: String,
    pub(crate) options: Options,
    /// The time to fuzz, without builds.
    pub(crate) time: Duration,
    /// The number of tests that run at the same time.
    pub(crate) jobs: NonZero<usize>,
    /// Options of libFuzzer.
    pub(crate) libfuzzer: Vec<String>,
}

/// Fuzzes all tests, and returns `true` if nothing is red.
///
/// # Errors
/// Nothing was judged: no clang, or no fuzz test.
pub(crate) fn campaign(wish: &Wish) -> Result<bool> {
    let progress = Progress::new();
    progress.step("looking at the module");
    let started = Instant::now();
    let module = Module::find(Path::new("."), std::slice::from_ref(&wish.packages))?;
    let found = Found::of(started, module, &wish.options, &progress)?;
    let mut sessions = Vec::new();
    for package in found.packages() {
        for test in fuzz_tests(&package.dir)? {
            let session =
                found.session(package, &test, &wish.options, &wish.libfuzzer, &progress)?;
            sessions.push(session);
        }
    }
    let Some(first) = sessions.first() else {
        bail!(
            "{} has no fuzz test, which is a func FuzzX(f *testing.F) in a _test.go file",
            wish.packages
        );
    };
    let mut lanes: Vec<Lane<'_>> = sessions.iter().map(Lane::of).collect();
    let mut programs = BTreeMap::new();
    match first.missed()? {
        Some(why) => {
            for lane in &mut lanes {
                lane.engine.state = State::Off(why.clone());
            }
        }
        None => {
            for session in &sessions {
                let package = session.package.path.as_str();
                if !programs.contains_key(package) {
                    programs.insert(package, Tests::build(session)?);
                }
            }
            for lane in &mut lanes {
                lane.begin(&programs[lane.session.package.path.as_str()]);
            }
        }
    }
    let lanes = fuzz(lanes, wish.time, wish.jobs.get())?;
    let mut engines = Vec::from_iter(unloaded(&found));
    for lane in lanes {
        engines.push(lane.end()?);
    }
    found.publish(engines, &progress)
}

/// The packages that cannot be loaded: whether they have fuzz tests is not known.
fn unloaded(found: &Found) -> Option<EngineOutcome> {
    let mut engine = EngineOutcome::left_out(&FUZZ, State::On);
    let broken = found.broken().iter();
    let trouble = broken.map(|(path, why)| Trouble::not_built(path, why.clone()));
    engine.trouble.extend(trouble);
    (!engine.trouble.is_empty()).then_some(engine)
}

/// The names of fuzz tests in the test files of a folder, also of files that build tags leave out.
fn fuzz_tests(dir: &Path) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).with_context(|| format!("cannot read {}", dir.display()))? {
        let path = entry?.path();
        if !path.to_string_lossy().ends_with("_test.go") {
            continue;
        }
        let text =
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        found.extend(text.lines().filter_map(fuzz_test).map(str::to_owned));
    }
    found.sort();
    Ok(found)
}

/// The name in `func FuzzX(f *testing.F) {`.
fn fuzz_test(line: &str) -> Option<&str> {
    let (name, parameters) = line.strip_prefix("func ")?.split_once('(')?;
    let is_one = is_fuzz_test(name) && parameters.contains("*testing.F)");
    is_one.then_some(name)
}

/// The tests of a package in one program.
struct Tests {
    built: Built,
    names: Vec<String>,
}

impl Tests {
    /// Builds those of the session's package. The inner error is the compiler's or the linker's.
    fn build(session: &Session<'_>) -> Result<Result<Tests, String>> {
        match session.try_build()? {
            Ok(built) => {
                let names = session.program(&built).tests()?;
                Ok(Ok(Tests { built, names }))
            }
            Err(why) => Ok(Err(why)),
        }
    }
}

/// A fuzz test in a campaign.
struct Lane<'a> {
    session: &'a Session<'a>,
    built: Option<&'a Built>,
    engine: EngineOutcome,
    share: Share,
}

/// What a test has had of the time, and what it made of it.
#[derive(Debug, Default, Clone, Copy)]
struct Share {
    time: Duration,
    /// New features in a second of the last turn.
    rate: f64,
    /// It waits for a turn.
    waits: bool,
}

impl Share {
    /// What it is after a turn that took so long and reached so many new features.
    fn after(self, took: Duration, features: u64, waits: bool) -> Share {
        Share {
            time: self.time + took,
            rate: features as f64 / took.as_secs_f64().max(1.0),
            waits,
        }
    }
}

impl<'a> Lane<'a> {
    fn of(session: &'a Session<'a>) -> Lane<'a> {
        let mut engine = EngineOutcome::left_out(&FUZZ, State::On);
        engine.engine = session.name();
        Lane {
            session,
            built: None,
            engine,
            share: Share::default(),
        }
    }

    /// Makes it wait for its first turn if this program of its package has it, and counters on both sides.
    fn begin(&mut self, tests: &'a Result<Tests, String>) {
        let Tests { built, names } = match tests {
            Ok(tests) => tests,
            Err(why) => {
                let trouble = Trouble::not_built(&self.session.package.path, why.clone());
                self.engine.trouble.push(trouble);
                return;
            }
        };
        if let Some(why) = built.counters.off() {
            self.engine.state = State::Off(why);
        } else if !names.contains(&self.session.test) {
            let why = "build tags leave out its file; `tags` in cgolab.toml sets them";
            self.engine.state = State::Unsupported(why.to_owned());
        } else {
            self.built = Some(built);
            self.share.waits = true;
        }
    }

    /// Looks for smaller inputs of findings, and reduces the corpus; returns the outcome.
    fn end(mut self) -> Result<EngineOutcome> {
        let Some(built) = self.built.filter(|_| self.engine.state == State::On) else {
            return Ok(self.engine);
        };
        let session = self.session;
        if self.share.time.is_zero()
            && self.engine.findings.is_empty()
            && self.engine.trouble.is_empty()
        {
            let state = match interrupted() {
                true => State::Stopped,
                false => State::NotRun("no time was left".to_owned()),
            };
            self.engine.state = state;
            return Ok(self.engine);
        }
        let program = session.program_of(built);
        for finding in &mut self.engine.findings {
            if interrupted() {
                break;
            }
            session.shrink(&program, finding, SHRINKING)?;
        }
        if self.engine.findings.is_empty() && !interrupted() {
            let merged = session.merge(&program, &[])?;
            session
                .progress
                .line(&format!("{}: {merged}", self.engine.engine));
        }
        Ok(self.engine)
    }
}

/// Gives turns to the lanes until the time is over, and returns them.
fn fuzz(lanes: Vec<Lane<'_>>, time: Duration, jobs: usize) -> Result<Vec<Lane<'_>>> {
    let waiting = lanes.iter().filter(|it| it.share.waits).count();
    let turn = turn(time, jobs, waiting);
    let started = Instant::now();
    let lanes = Mutex::new(lanes);
    thread::scope(|scope| {
        let workers: Vec<_> = (0..jobs.min(waiting))
            .map(|_| scope.spawn(|| work(&lanes, turn, || time.saturating_sub(started.elapsed()))))
            .collect();
        workers
            .into_iter()
            .try_for_each(|worker| match worker.join() {
                Ok(done) => done,
                Err(panic) => std::panic::resume_unwind(panic),
            })
    })?;
    Ok(lanes.into_inner().unwrap_or_else(PoisonError::into_inner))
}

/// The time of a turn.
fn turn(time: Duration, jobs: usize, tests: usize) -> Duration {
    let parts = u32::try_from(tests)
        .unwrap_or(u32::MAX)
        .saturating_mul(TURNS);
    let jobs = u32::try_from(jobs).unwrap_or(u32::MAX);
    (time.saturating_mul(jobs) / parts.max(1)).clamp(SHORTEST, LONGEST)
}

/// Gives turns to lanes that wait, until there is no time or none waits. A lane that another worker has comes back to
/// that worker, so that nobody needs to wait for it.
fn work(lanes: &Mutex<Vec<Lane<'_>>>, turn: Duration, left: impl Fn() -> Duration) -> Result<()> {
    let mut turns = 0_usize;
    loop {
        let share = turn.min(left());
        if share < Duration::from_secs(1) || interrupted() {
            return Ok(());
        }
        let (number, session, built, mut engine) = {
            let mut lanes = locked(lanes);
            let shares: Vec<Share> = lanes.iter().map(|it| it.share).collect();
            let Some(number) = next(&shares, turns) else {
                return Ok(());
            };
            let lane = &mut lanes[number];
            let Some(built) = lane.built else {
                return Ok(());
            };
            lane.share.waits = false;
            (number, lane.session, built, lane.engine.clone())
        };
        turns += 1;
        let started = Instant::now();
        let program = session.program_of(built);
        let reached = session.fuzz(&program, built.counters.round(), share, &mut engine);
        let took = started.elapsed();
        let features = reached.unwrap_or_else(|why| {
            let trouble = Trouble::words(&session.package.path, &format!("{why:#}"));
            engine.trouble.push(trouble);
            0
        });
        engine.seconds += took.as_secs_f64();
        let lane = &mut locked(lanes)[number];
        let quiet = engine.findings.is_empty() && engine.trouble.is_empty();
        let waits = quiet && !session.has_so_many_runs();
        lane.share = lane.share.after(took, features, waits);
        lane.engine = engine;
    }
}

fn locked<'l, 'a>(lanes: &'l Mutex<Vec<Lane<'a>>>) -> MutexGuard<'l, Vec<Lane<'a>>> {
    lanes.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The test that has the next turn of a worker who has given so many.
fn next(shares: &[Share], turns: usize) -> Option<usize> {
    let waiting = || (0..shares.len()).filter(|it| shares[*it].waits);
    let least = waiting().min_by_key(|it| shares[*it].time)?;
    if turns.is_multiple_of(2) || shares[least].time.is_zero() {
        return Some(least);
    }
    waiting().max_by(|a, b| shares[*a].rate.total_cmp(&shares[*b].rate))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(seconds: u64, rate: f64) -> Share {
        Share {
            time: Duration::from_secs(seconds),
            rate,
            waits: true,
        }
    }

    #[test]
    fn turns_go_to_those_with_little_time_and_to_those_that_reach_more() {
        let shares = [share(30, 0.5), share(20, 0.0), share(40, 2.0)];
        assert_eq!(next(&shares, 0), Some(1));
        assert_eq!(next(&shares, 1), Some(2));
        let mut busy = shares;
        busy[2].waits = false;
        assert_eq!(next(&busy, 1), Some(0));
        // Each has a first turn before any has a second one.
        let fresh = [share(30, 9.0), share(0, 0.0)];
        assert_eq!(next(&fresh, 1), Some(1));
        busy.iter_mut().for_each(|it| it.waits = false);
        assert_eq!(next(&busy, 0), None);
        assert_eq!(next(&[], 0), None);
    }

    #[test]
    fn turns_are_parts_of_the_time_within_bounds() {
        let of = |seconds, jobs, tests| turn(Duration::from_secs(seconds), jobs, tests).as_secs();
        assert_eq!(of(3600, 1, 10), 60);
        assert_eq!(of(3600, 2, 10), 120);
        assert_eq!(of(60, 1, 10), 10);
        assert_eq!(of(8 * 3600, 2, 2), 600);
        assert_eq!(of(60, 1, 0), 60);
    }

    #[test]
    fn a_share_has_the_time_of_all_turns_and_the_rate_of_the_last() {
        let ten = Duration::from_secs(10);
        let share = Share::default().after(ten, 500, true).after(ten, 20, true);
        assert_eq!((share.time, share.rate), (2 * ten, 2.0));
        assert!(share.waits && !share.after(ten, 1, false).waits);
    }

    #[test]
    fn fuzz_tests_are_known_by_their_first_line() {
        assert_eq!(fuzz_test("func FuzzSum(f *testing.F) {"), Some("FuzzSum"));
        assert_eq!(fuzz_test("func FuzzSum(f *testing.F)"), Some("FuzzSum"));
        assert_eq!(fuzz_test("func TestSum(t *testing.T) {"), None);
        assert_eq!(fuzz_test("func FuzzHelper(t *testing.T) {"), None);
        assert_eq!(fuzz_test("func Fuzzers(f *testing.F) {"), None);
        assert_eq!(fuzz_test("func Fuzz_a(f *testing.F) {"), Some("Fuzz_a"));
        assert_eq!(fuzz_test("func Fuzz(f *testing.F) {"), Some("Fuzz"));
        assert_eq!(fuzz_test("\t// func FuzzOld(f *testing.F) {"), None);
    }
}
