//! Engines under libFuzzer: targets make calls from an input, and an oracle in them judges.
//!
//! | module | targets |
//! |---|---|
//! | [`rust`] | of cargo-fuzz |
//! | [`go`] | fuzz tests of a Go package, with counters in Go and in the library |
//!
//! Each build first replays the seeds, which credits the contracts that the target says it checked, and is
//! then fuzzed. An input that makes the target fail runs again, alone and in a new process, before it is
//! reported; if it does not fail there, it is unstable.

pub(crate) mod go;
mod rust;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::Context;
use super::ask::{Answer, Question, Sign};
use super::fuzz::{GROW_SLOWLY, Sanitizer, artifact_folder, artifacts};
use crate::host::child::{self, Finished, Task, quiet};
use crate::read::libfuzzer;
use crate::read::notes::Notes;
use crate::record::profile::Profile;
use crate::record::{self, Outcome, Record};
use crate::subject::catalogue::Catalogue;

pub(super) use self::go::engines as of_go;
pub(super) use self::rust::engines as of_rust;

/// The builds that are fuzzed. The build without the sanitizer is several times faster. A full run fuzzes it
/// first, and gives the inputs that it found to the other one. A quick run leaves it out: a second build of
/// everything takes longer than the fuzzing, and the build with the sanitizer sees the same bugs.
fn builds_of(profile: Profile) -> &'static [Sanitizer] {
    match profile {
        Profile::Quick => &[Sanitizer::Address],
        Profile::Full => &[Sanitizer::None, Sanitizer::Address],
    }
}

/// Seconds that each target gets to find a planted bug that no seed shows.
const ASKED_SECONDS: u64 = 8;

/// The seed of libFuzzer, fixed so that a run can be repeated.
const SEED: &str = "-seed=1";
/// Option that runs the inputs in the folders, and makes no new ones.
const NO_MUTATION: &str = "-runs=0";
/// Option that limits one input to 25 seconds, far more than any takes on a busy machine.
const INPUT_LIMIT: &str = "-timeout=25";
/// The folder of seeds that were written for a build, from the root of the checkout.
const SEED_FOLDER: &str = "target/fuzz/seeds";
/// Variable that makes the target print the contracts that it checked.
const COUNTS: &str = "CGOLAB_COUNTS";

/// The answer that a record gives. An input that makes a target fail without breaking a rule of the oracle
/// shows a crash, and no broken contract.
fn answer(record: &Record) -> Answer {
    let mut answer = Answer::of(record);
    if let (Sign::Red(why), None) = (&answer.sign, &answer.contract) {
        answer.sign = Sign::Crashed(why.clone());
    }
    answer
}

/// An empty folder below `target/fuzz`, from the root of the checkout. Not in the folder of the
/// run: the command that is shown must work later, too.
fn empty_folder(context: &Context<'_>, name: &str) -> Result<PathBuf> {
    let shown = Path::new("target/fuzz/quick-corpus").join(name);
    let path = context.workspace.root().join(&shown);
    if path.exists() {
        fs::remove_dir_all(&path).with_context(|| format!("cannot empty {}", path.display()))?;
    }
    fs::create_dir_all(&path).with_context(|| format!("cannot create {}", path.display()))?;
    Ok(shown)
}

/// Prepares the folder of the corpus, which all builds share: `kept`, or an empty one.
fn prepare_corpus(context: &Context<'_>, target: &str, kept: PathBuf) -> Result<PathBuf> {
    if !context.profile.keeps_corpus() {
        return empty_folder(context, target);
    }
    let path = context.workspace.root().join(&kept);
    fs::create_dir_all(&path).with_context(|| format!("cannot create {}", path.display()))?;
    Ok(kept)
}

/// Targets in one build.
trait Build {
    /// The sanitizer in it.
    fn sanitizer(&self) -> &'static str;

    /// The folder of a target's checked-in inputs as bytes, from the root of the checkout.
    fn seeds(&self, target: &str) -> PathBuf;

    /// Runs a target: `inputs` are folders or files from the root of the checkout, `options` are libFuzzer's, and
    /// `crashes` is the folder for inputs that fail.
    fn run(
        &self,
        target: &str,
        inputs: &[PathBuf],
        options: &[&str],
        crashes: Option<&Path>,
        log: &Path,
    ) -> Task;
}

/// The targets of a suite, by their shares of the time.
type Shares = BTreeMap<String, u32>;

/// Seconds of a run for a target.
fn seconds(context: &Context<'_>, shares: &Shares, target: &str) -> u64 {
    let sum: u32 = shares.values().sum();
    let share = shares.get(target).copied().unwrap_or_default();
    let seconds = context.profile.fuzz_seconds() * u64::from(share) / u64::from(sum.max(1));
    // No time at all would be no limit.
    seconds.max(1)
}

/// The targets with a seed that is named for a contract in question. `seeds` is the folder of a target's seeds.
fn concerned<'a>(
    context: &Context<'_>,
    shares: &'a Shares,
    question: &Question,
    seeds: impl Fn(&str) -> PathBuf,
) -> Result<Vec<&'a String>> {
    let mut targets = Vec::new();
    for target in shares.keys() {
        let names = file_names(&seeds(target))?;
        let concerned =
            |name: &String| question.concerns(&context.catalogue.contracts_in_name(name));
        if names.iter().any(concerned) {
            targets.push(target);
        }
    }
    Ok(targets)
}

/// A target in one build.
struct Target<'a> {
    engine: &'a str,
    name: &'a str,
    /// Seconds that it is fuzzed.
    seconds: u64,
    context: &'a Context<'a>,
    build: &'a dyn Build,
}

impl Target<'_> {
    /// Replays the seeds and, if that is green, fuzzes.
    fn check_all(&self, corpus: &Path) -> Result<Vec<Record>> {
        let mut records = self.replay_seeds()?;
        let green = records.iter().all(Record::is_green);
        if green && !child::interrupted() {
            records.extend(self.fuzz(corpus)?);
        } else if !green {
            // It would die of the same seed at once, and say everything twice.
            let not_run = Record::check(self.engine, self.check("fuzz"), Outcome::NotRun);
            records.push(not_run.because("the replay of the seeds is not green"));
        }
        Ok(records)
    }

    /// Runs the checked-in inputs once, all in one process. If that fails, each runs alone, so that one broken
    /// contract does not hide another.
    fn replay_seeds(&self) -> Result<Vec<Record>> {
        let seeds = self.build.seeds(self.name);
        let names = file_names(&self.context.workspace.root().join(&seeds))?;
        let mut records = self.run("seeds", std::slice::from_ref(&seeds), &[NO_MUTATION], 0)?;
        if records.iter().any(is_of_a_crash) {
            let mut alone = Vec::new();
            for name in names.iter().take_while(|_| !child::interrupted()) {
                alone.extend(self.replay_seed(&seeds.join(name), name)?);
            }
            if alone.iter().any(|record| !record.is_green()) {
                records = alone;
            } else {
                records.extend(alone);
            }
        }
        if records.iter().all(Record::is_green) {
            let check = self.check("seed names");
            let idle = Record::check(self.engine, check, Outcome::Fail);
            records.extend(idle_seeds(self.context.catalogue, &names, &records, &idle));
        }
        Ok(records)
    }

    fn replay_seed(&self, seed: &Path, name: &str) -> Result<Vec<Record>> {
        let mut base = Record::check(
            self.engine,
            self.check(&format!("seed {name}")),
            Outcome::Pass,
        );
        let ended = self.run_alone(seed, &self.log(&format!("seed.{name}.log")))?;
        base.seconds = ended.seconds;
        base.evidence = self.context.evidence(&ended);
        let text = ended.log_text();
        if ended.success() {
            let notes = Notes::read(&text);
            return Ok(notes.credit(base, Vec::new(), |id| self.context.catalogue.contains(id)));
        }
        Ok(failed_alone(self.context.catalogue, base, &ended, &text))
    }

    /// Fuzzes for the seconds of the profile.
    fn fuzz(&self, corpus: &Path) -> Result<Vec<Record>> {
        let inputs = [corpus.to_path_buf(), self.build.seeds(self.name)];
        let limit = format!("-max_total_time={}", self.seconds);
        self.run("fuzz", &inputs, &[SEED, GROW_SLOWLY, &limit], self.seconds)
    }

    fn check(&self, what: &str) -> String {
        format!("{} {what}, sanitizer {}", self.name, self.build.sanitizer())
    }

    fn log(&self, what: &str) -> PathBuf {
        let (engine, name) = (self.engine, self.name);
        let sanitizer = self.build.sanitizer();
        self.context
            .log(&format!("{engine}.{name}.{sanitizer}.{what}"))
    }

    fn run(
        &self,
        what: &str,
        inputs: &[PathBuf],
        options: &[&str],
        seconds: u64,
    ) -> Result<Vec<Record>> {
        let context = self.context;
        let check = self.check(what);
        context.progress.step(format!("{}: {check}", self.engine));
        let crashes = self.log(&format!("{what}.crashes"));
        artifact_folder(&crashes)?;
        let mut all = options.to_vec();
        all.extend([INPUT_LIMIT, "-print_final_stats=1"]);
        let log = self.log(&format!("{what}.log"));
        let task = self
            .build
            .run(self.name, inputs, &all, Some(&crashes), &log);
        let finished = task
            .env(COUNTS, "1")
            .limit(Duration::from_secs(seconds + 15 * 60))
            .run(context.progress, libfuzzer::closing_line)?;
        let mut base = Record::check(self.engine, check, Outcome::Pass);
        base.seconds = finished.seconds;
        base.evidence = context.evidence(&finished);
        let text = finished.log_text();
        let found = artifacts(&crashes);
        if finished.success() || found.is_empty() || record::cut(&finished).is_some() {
            let records = without_crash(context.catalogue, base, &finished, &text);
            if finished.success() {
                self.report_speed(&records, seconds);
            }
            return Ok(records);
        }
        let mut records = Vec::new();
        for (number, crash) in found.iter().enumerate() {
            let log = self.log(&format!("{what}.crash-{}.log", number + 1));
            records.extend(self.replay_alone(&base, crash, &text, &log)?);
        }
        Ok(records)
    }

    /// Runs an input again that made the target fail, and returns the records of that.
    fn replay_alone(
        &self,
        base: &Record,
        crash: &Path,
        found: &str,
        log: &Path,
    ) -> Result<Vec<Record>> {
        let context = self.context;
        let replay = self.run_alone(Path::new(&context.workspace.shown(crash)), log)?;
        let mut base = base.clone();
        base.evidence = context.evidence(&replay);
        Ok(judge_crash(context.catalogue, base, found, &replay))
    }

    /// Runs one input in a process of its own.
    fn run_alone(&self, input: &Path, log: &Path) -> Result<Finished> {
        self.build
            .run(self.name, &[input.to_path_buf()], &[INPUT_LIMIT], None, log)
            .env(COUNTS, "1")
            .limit(Duration::from_secs(10 * 60))
            .run(self.context.progress, quiet)
    }

    fn report_speed(&self, records: &[Record], seconds: u64) {
        let executions = records.first().and_then(|record| record.executions);
        if let (Some(executions), true) = (executions, seconds > 0) {
            self.context.progress.line(&format!(
                "{}: {}, sanitizer {}: {executions} executions, {} a second",
                self.engine,
                self.name,
                self.build.sanitizer(),
                executions / seconds
            ));
        }
    }
}

/// The records of a run that left no input behind.
fn without_crash(
    catalogue: &Catalogue,
    mut base: Record,
    finished: &Finished,
    text: &str,
) -> Vec<Record> {
    base.executions = libfuzzer::executions(text);
    if finished.success() {
        let notes = Notes::read(text);
        let total = base.clone();
        let mut records = vec![total];
        if !notes.checked.is_empty() || notes.malformed.is_some() {
            records.extend(notes.credit(base, Vec::new(), |id| catalogue.contains(id)));
        }
        return records;
    }
    let (outcome, reason) = match record::cut(finished) {
        Some(cut) => (cut, finished.how()),
        None if !libfuzzer::started(text) => (Outcome::BuildFailed, libfuzzer::failure(text)),
        None => {
            let reason = format!("it failed and left no input: {}", libfuzzer::failure(text));
            (Outcome::Fail, reason)
        }
    };
    base.outcome = outcome;
    vec![base.because(reason)]
}

/// The records of an input that made the target fail, after it ran again alone.
fn judge_crash(
    catalogue: &Catalogue,
    mut base: Record,
    found: &str,
    replay: &Finished,
) -> Vec<Record> {
    let text = replay.log_text();
    if replay.success() {
        base.outcome = Outcome::Unstable;
        base.evidence.scenario = Notes::read(found).scenario;
        let reason = libfuzzer::failure(found);
        return vec![base.because(format!("1 of 2 failed: it passes alone; before: {reason}"))];
    }
    failed_alone(catalogue, base, replay, &text)
}

/// The records of an input that made the target fail in a process of its own.
fn failed_alone(
    catalogue: &Catalogue,
    mut base: Record,
    ended: &Finished,
    text: &str,
) -> Vec<Record> {
    let notes = Notes::read(text);
    let (outcome, reason) = match record::cut(ended) {
        Some(cut) => (cut, format!("while it was replayed alone: {}", ended.how())),
        None if !libfuzzer::started(text) => (Outcome::BuildFailed, libfuzzer::failure(text)),
        None => (
            Outcome::Fail,
            notes
                .disagreement()
                .unwrap_or_else(|| libfuzzer::failure(text)),
        ),
    };
    base.outcome = outcome;
    base.evidence.scenario = notes.scenario;
    base.because(reason)
        .for_contracts(&notes.broken, |id| catalogue.contains(id))
}

/// Reports whether an input made the target fail, rather than something else.
fn is_of_a_crash(record: &Record) -> bool {
    matches!(record.outcome, Outcome::Fail | Outcome::Unstable)
}

/// A failing record for each contract in the name of a seed that the replay did not check: the seed does not
/// reach the code that it was made for.
fn idle_seeds(
    catalogue: &Catalogue,
    names: &[String],
    replayed: &[Record],
    record: &Record,
) -> Vec<Record> {
    let mut idle = Vec::new();
    for name in names {
        for id in catalogue.contracts_in_name(name) {
            let checked = replayed
                .iter()
                .any(|record| record.contract.as_deref() == Some(id.as_str()));
            if !checked {
                idle.extend(
                    record
                        .clone()
                        .because(format!(
                            "seed {name} is named for {id}, and no seed checks that"
                        ))
                        .for_contracts(&[id], |id| catalogue.contains(id)),
                );
            }
        }
    }
    idle
}

/// The names of the files in a folder, in order; none if there is no folder.
fn file_names(dir: &Path) -> Result<Vec<String>> {
    if !dir.exists() {
        return Ok(Vec::new());
    }
    let entries = fs::read_dir(dir).with_context(|| format!("cannot read {}", dir.display()))?;
    let mut names: Vec<String> = entries
        .flatten()
        .map(|entry| entry.file_name().display().to_string())
        .collect();
    names.sort();
    Ok(names)
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::process::ExitStatusExt as _;
    use std::process::ExitStatus;

    use super::*;

    const ENGINE: &str = "fuzz-abi";
    use crate::host::child::End;

    fn catalogue() -> Catalogue {
        let dir = tempfile::tempdir().unwrap();
        let contract = |id: &str| {
            format!(
                "[[contract]]\nid = \"{id}\"\nsentence = \"x\"\nlayer = [\"abi\"]\nsource = []\n\
                 claimed = [\"fuzz-abi\"]\nplanned = []\n"
            )
        };
        let text = format!(
            "title = \"x\"\n{}{}",
            contract("REQ-04"),
            contract("REQ-05")
        );
        fs::write(dir.path().join("req.toml"), text).unwrap();
        Catalogue::load(dir.path()).unwrap()
    }

    fn base() -> Record {
        Record::check(ENGINE, "request_lifecycle fuzz", Outcome::Pass)
    }

    /// A child that ended with this code and left this log.
    fn finished(code: i32, text: &str) -> (tempfile::TempDir, Finished) {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("log");
        fs::write(&log, text).unwrap();
        let finished = Finished {
            end: End::Exited(ExitStatus::from_raw(code << 8)),
            seconds: 1.0,
            command: "cargo fuzz run".to_owned(),
            log,
        };
        (dir, finished)
    }

    fn seen(records: &[Record]) -> Vec<(Option<&str>, Outcome, Option<u64>)> {
        records
            .iter()
            .map(|r| (r.contract.as_deref(), r.outcome, r.executions))
            .collect()
    }

    #[test]
    fn a_run_without_crash_credits_its_ledger() {
        let text = "INFO: Seed: 1\nstat::number_of_executed_units: 100\n\
                    cgolab: executions=100\ncgolab: contract=REQ-04 checks=70\n";
        let (_dir, ended) = finished(0, text);
        let records = without_crash(&catalogue(), base(), &ended, text);
        assert_eq!(
            seen(&records),
            [
                (None, Outcome::Pass, Some(100)),
                (Some("REQ-04"), Outcome::Pass, Some(70)),
            ]
        );
        let silent = without_crash(&catalogue(), base(), &ended, "INFO: Seed: 1\n");
        assert_eq!(seen(&silent), [(None, Outcome::Pass, None)]);
    }

    #[test]
    fn a_crash_without_a_broken_rule_names_no_contract() {
        let sign = |contract: Option<&str>| {
            let record = Record {
                contract: contract.map(str::to_owned),
                ..Record::check(ENGINE, "x", Outcome::Fail).because("boom")
            };
            answer(&record).sign
        };
        assert_eq!(sign(None), Sign::Crashed("boom".to_owned()));
        assert_eq!(sign(Some("REQ-04")), Sign::Red("boom".to_owned()));
    }

    #[test]
    fn a_build_error_is_no_crash() {
        let text = "error: could not compile `targets`\n";
        let (_dir, ended) = finished(1, text);
        let records = without_crash(&catalogue(), base(), &ended, text);
        assert_eq!(records[0].outcome, Outcome::BuildFailed);
        let text = "INFO: Seed: 1\nERROR: libFuzzer: out-of-memory\n";
        let records = without_crash(&catalogue(), base(), &ended, text);
        assert_eq!(records[0].outcome, Outcome::Fail);
    }

    #[test]
    fn a_crash_is_reported_as_it_replays() {
        let found = "INFO: Seed: 1\ncgolab: broken=REQ-05\n==1== ERROR: libFuzzer: deadly signal\n";
        let (_dir, replay) = finished(
            1,
            "Running: crash-1\ncgolab: broken=REQ-04\ncgolab: scenario=--through c 0100\n\
             thread 'x' panicked at a.rs:1:1:\nsecond completion accepted\n",
        );
        let records = judge_crash(&catalogue(), base(), found, &replay);
        assert_eq!(seen(&records), [(Some("REQ-04"), Outcome::Fail, None)]);
        assert_eq!(
            records[0].evidence.scenario.as_deref(),
            Some("--through c 0100")
        );
        assert_eq!(
            records[0].reason.as_deref(),
            Some("second completion accepted")
        );
    }

    #[test]
    fn a_replay_that_did_not_start_is_no_failure_of_the_input() {
        let (_dir, replay) = finished(1, "error: could not compile `library`\n");
        let records = judge_crash(&catalogue(), base(), "INFO: Seed: 1\n", &replay);
        assert_eq!(seen(&records), [(None, Outcome::BuildFailed, None)]);
    }

    #[test]
    fn a_crash_that_passes_alone_is_unstable() {
        let found = "INFO: Seed: 1\ncgolab: scenario=--through c 01\n\
                     ==1== ERROR: libFuzzer: deadly signal\n";
        let (_dir, replay) = finished(0, "Running: crash-1\nExecuted crash-1 in 0 ms\n");
        let records = judge_crash(&catalogue(), base(), found, &replay);
        assert_eq!(seen(&records), [(None, Outcome::Unstable, None)]);
        let scenario = records[0].evidence.scenario.as_deref();
        assert_eq!(scenario, Some("--through c 01"));
        assert!(
            records[0]
                .reason
                .as_deref()
                .unwrap()
                .contains("passes alone")
        );
    }

    #[test]
    fn a_seed_must_check_what_it_is_named_for() {
        let mut checked = base();
        checked.contract = Some("REQ-04".to_owned());
        let names = ["REQ-04-twice", "REQ-05-late", "other"].map(String::from);
        let record = Record::check(ENGINE, "seed names", Outcome::Fail);
        let idle = idle_seeds(&catalogue(), &names, &[checked], &record);
        assert_eq!(seen(&idle), [(Some("REQ-05"), Outcome::Fail, None)]);
        assert!(idle[0].reason.as_deref().unwrap().contains("REQ-05-late"));
    }
}
