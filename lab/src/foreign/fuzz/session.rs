//! A session: the module that was found, the build, libFuzzer's run, and findings of inputs that fail.

use std::collections::BTreeSet;
use std::fs;
use std::ops::AddAssign;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};

use super::super::debugged;
use super::super::engines::{Engine, ROW};
use super::super::module::{self, Module, Package, counted};
use super::super::outcome::{EngineOutcome, Finding, Outcome, Severity, State, Trouble};
use super::super::report::{Report, shown};
use super::super::{Folder, known, views};
use super::build::{Builder, Built, How, Toolchain};
use super::clang::Clang;
use super::program::{Form, Links, Program, running_input};
use super::{Options, Sanitizer, Target, canaries, crash};
use crate::engine::fuzz::feedback::{Feedback, turn};
use crate::engine::libfuzzer::go::checked_in;
use crate::engine::native::{self, Linked};
use crate::engine::way::PLAIN;
use crate::host::child::{self, End, Finished, Task, interrupted, quoted};
use crate::host::out;
use crate::host::progress::Progress;
use crate::host::workspace::Workspace;
use crate::read::libfuzzer;

/// Fuzzing as an engine of reports.
pub(super) const FUZZ: Engine = Engine {
    id: "fuzz",
    builds_as: "fuzz",
    what: "a fuzz test under libFuzzer, with counters in Go and in C",
    ..ROW
};

/// The time after which one input counts as hung, in seconds, unless the options say more.
pub(super) const SLOW: u64 = 25;
/// Time beyond that of the session after which libFuzzer counts as hung.
pub(super) const GRACE: Duration = Duration::from_secs(600);
/// Folders of a test.
pub(super) const CORPUS: &str = "corpus";
const SEEDS: &str = "seeds";
/// Inputs that failed and were not judged yet.
const ARTIFACTS: &str = "artifacts";
/// Inputs that failed, once they were judged.
const JUDGED: &str = "judged";
/// The input that runs.
const RUNNING: &str = "running";
/// The corpus while another takes its place.
const OLD_CORPUS: &str = "corpus.before";
/// Options of libFuzzer with which it starts itself again; the running input cannot be kept then.
const FORKING: [&str; 5] = [
    "-fork=",
    "-jobs=",
    "-workers=",
    "-merge=",
    "-minimize_crash=",
];

/// Options of libFuzzer that say how one run ends, or what it goes by.
const OF_ONE_RUN: [&str; 3] = ["-runs=", "-max_total_time=", "-use_value_profile="];

/// A turn has at least the time in which the corpus is read so many times.
const READINGS: u32 = 4;

/// The module and the compiler that were found.
pub(super) struct Found {
    /// When the command began to look at the module.
    started: Instant,
    /// A line about the module and the build.
    head: String,
    module: Module,
    folder: Folder,
    workspace: Workspace,
    clang: Clang,
    /// The folder of builds.
    cache: PathBuf,
    toolchain: Toolchain,
    linked: Linked,
    /// Archives with counters.
    archives: Vec<PathBuf>,
}

impl Found {
    /// The module of a fuzz test, with the one package that has it.
    pub(super) fn find(target: &Target, progress: &Progress) -> Result<Found> {
        ensure!(
            is_fuzz_test(&target.test),
            "--run {} names no fuzz test; it takes the whole name of one, such as FuzzParse",
            target.test
        );
        progress.step("looking at the module");
        let started = Instant::now();
        let folder = Path::new(&target.package);
        let module = match folder.is_dir() {
            true => Module::find(folder, &[".".to_owned()])?,
            false => Module::find(Path::new("."), std::slice::from_ref(&target.package))?,
        };
        ensure!(
            module.packages.len() == 1,
            "{} names {}; name the one that has {}",
            target.package,
            counted(module.packages.len(), "package"),
            target.test
        );
        Found::of(started, module, &target.options, progress)
    }

    /// What it takes to fuzz packages of a module, which the command began to look for at this time.
    pub(super) fn of(
        started: Instant,
        module: Module,
        options: &Options,
        progress: &Progress,
    ) -> Result<Found> {
        let folder = Folder::open(&module.root)?;
        let workspace = Workspace::at(&module.root);
        let cache = folder.path.join("cache/fuzz");
        fs::create_dir_all(&cache).with_context(|| format!("cannot make {}", cache.display()))?;
        let own = module::go(&module.root, &["env", "CC"])?;
        let clang = Clang::find(own.trim(), options.sanitizer, &cache)?;
        let mut tools = format!("{}, sanitizer {}", clang.c, options.sanitizer.name());
        if options.cgocheck2 {
            tools.push_str(", cgocheck2");
        }
        let head = module.head(&tools);
        progress.line(&out::wrapped(&head, ""));
        let archives = options.native.iter().map(|archive| {
            let found = archive.canonicalize();
            found.with_context(|| format!("cannot read {}", archive.display()))
        });
        let mut archives = archives.collect::<Result<Vec<_>>>()?;
        let (linked, described) = library(&module, &workspace, progress, &cache, options)?;
        archives.extend(described);
        Ok(Found {
            started,
            head,
            toolchain: Toolchain::of(&module.root, &cache)?,
            module,
            folder,
            workspace,
            clang,
            cache,
            linked,
            archives,
        })
    }

    /// The packages that were named.
    pub(super) fn packages(&self) -> &[Package] {
        &self.module.packages
    }

    /// Packages that cannot be loaded, with the reason.
    pub(super) fn broken(&self) -> &[(String, String)] {
        &self.module.broken
    }

    /// The session of a target.
    pub(super) fn of_target<'a>(
        &'a self,
        target: &Target,
        libfuzzer: &'a [String],
        progress: &'a Progress,
    ) -> Result<Session<'a>> {
        let package = &self.module.packages[0];
        self.session(package, &target.test, &target.options, libfuzzer, progress)
    }

    /// A session with a fuzz test of a package.
    pub(super) fn session<'a>(
        &'a self,
        package: &'a Package,
        test: &str,
        options: &Options,
        libfuzzer: &'a [String],
        progress: &'a Progress,
    ) -> Result<Session<'a>> {
        let work = self.folder.path.join("fuzz").join(package.file_name());
        let session = Session {
            found: self,
            package,
            test: test.to_owned(),
            libfuzzer,
            progress,
            how: How {
                sanitizer: options.sanitizer,
                cgocheck2: options.cgocheck2,
                instrument: options.instrument.clone(),
                native: self.archives.clone(),
            },
            work: work.join(test),
            turns: AtomicU32::new(0),
            speed: AtomicU64::new(0),
        };
        let old = session.work.join(OLD_CORPUS);
        if old.exists() && !session.corpus().exists() {
            fs::rename(&old, session.corpus())
                .with_context(|| format!("cannot rename {}", old.display()))?;
        }
        for folder in [
            session.corpus(),
            session.artifacts(),
            session.judged_inputs(),
        ] {
            fs::create_dir_all(&folder)
                .with_context(|| format!("cannot make {}", folder.display()))?;
        }
        Ok(session)
    }

    /// Publishes the outcome of these engines, and returns whether it is green.
    pub(super) fn publish(&self, engines: Vec<EngineOutcome>, progress: &Progress) -> Result<bool> {
        let mut outcome = Outcome::new(&self.module);
        // In place of the compiler of `go test`.
        outcome.summary[0].clone_from(&self.head);
        outcome.seconds = self.started.elapsed().as_secs_f64();
        outcome.interrupted = interrupted();
        outcome.engines = engines;
        outcome.fold(None, false);
        outcome.accept(&self.module.description);
        let place = self.folder.publish(&outcome, "fuzz")?;
        progress.finish();
        out::print(views::terminal::report(&outcome, &place))?;
        Ok(outcome.is_green())
    }
}

/// Builds the library that the module's file describes, if it does: for fuzzing, else as for engines of `run`. Also
/// returns its archives that must have counters.
fn library(
    module: &Module,
    workspace: &Workspace,
    progress: &Progress,
    cache: &Path,
    options: &Options,
) -> Result<(Linked, Vec<PathBuf>)> {
    let builds = &module.description.native;
    let asan = options.sanitizer == Sanitizer::Address;
    let Some((kind, mark)) = native::for_fuzzing(builds, asan) else {
        return Ok((Linked::default(), Vec::new()));
    };
    let build = &builds[kind];
    let root = workspace.root();
    let log = cache.join("native.log");
    let tell = |words: &str| progress.step(words);
    let made = native::make(workspace, progress, &log, build, tell)?;
    if let Some(why) = made.lacking(root, build, mark)? {
        bail!("the native library does not build: {why}");
    }
    let archives = native::counted_archives(root, kind, build)?;
    Ok((native::link(root, build)?, archives))
}

/// A fuzz test, and all that it takes to fuzz it.
pub(super) struct Session<'a> {
    pub(super) found: &'a Found,
    pub(super) package: &'a Package,
    pub(super) test: String,
    /// Options of libFuzzer from the command line.
    libfuzzer: &'a [String],
    pub(super) progress: &'a Progress,
    pub(super) how: How,
    /// The folder of the test in `.cgolab/fuzz`.
    pub(super) work: PathBuf,
    /// Turns that libFuzzer has had.
    turns: AtomicU32,
    /// Nanoseconds of an input, as the last turn had them.
    speed: AtomicU64,
}

impl Session<'_> {
    pub(super) fn corpus(&self) -> PathBuf {
        self.work.join(CORPUS)
    }

    pub(super) fn artifacts(&self) -> PathBuf {
        self.work.join(ARTIFACTS)
    }

    fn judged_inputs(&self) -> PathBuf {
        self.work.join(JUDGED)
    }

    /// Inputs that failed and were not judged yet. libFuzzer writes slow ones beside them.
    fn unjudged(&self) -> Result<BTreeSet<PathBuf>> {
        let mut found = files_of(&self.artifacts())?;
        found.retain(|path| !name(path).starts_with("slow-unit-"));
        Ok(found)
    }

    /// Go's own folder of inputs of the test.
    pub(super) fn testdata(&self) -> PathBuf {
        checked_in(&self.package.dir, &self.test)
    }

    /// A path from the folder of the module, as people type it.
    pub(super) fn shown(&self, path: &Path) -> String {
        self.found.workspace.shown(path)
    }

    fn builder<'b>(&'b self, how: &'b How) -> Builder<'b> {
        Builder {
            workspace: &self.found.workspace,
            progress: self.progress,
            clang: &self.found.clang,
            toolchain: &self.found.toolchain,
            compilers: &self.found.module.compilers,
            how,
        }
    }

    /// The planted mistake that fuzzing does not see here, with the reason.
    pub(super) fn missed(&self) -> Result<Option<String>> {
        self.progress.step("canaries");
        let how = How {
            sanitizer: self.how.sanitizer,
            cgocheck2: self.how.cgocheck2,
            ..How::default()
        };
        canaries::missed(&self.builder(&how), &self.found.cache)
    }

    /// Builds the package's tests, with this one as the one that runs. The inner error is the compiler's or the
    /// linker's.
    pub(super) fn try_build(&self) -> Result<Result<Built, String>> {
        self.progress.step(format!(
            "go test -c {} for {}",
            self.package.relative(&self.found.module),
            self.test
        ));
        let program = self.program_file();
        self.builder(&self.how)
            .build(self.package, &self.test, &self.found.linked, &program)
    }

    pub(super) fn build(&self) -> Result<Built> {
        match self.try_build()? {
            Ok(built) => Ok(built),
            Err(_) if interrupted() => bail!("interrupted"),
            Err(why) => bail!(
                "{} does not build with {}: {why}; read {}",
                self.package.path,
                self.found.clang.c,
                self.shown(&self.program_file().with_extension("build.log"))
            ),
        }
    }

    fn program_file(&self) -> PathBuf {
        let name = format!("{}.{}.fuzz", self.package.file_name(), self.how.name());
        self.found.cache.join(name)
    }

    /// Copies the program to where the user wants it.
    pub(super) fn keep(&self, built: &Built, place: &Path) -> Result<bool> {
        fs::copy(&built.program, place)
            .with_context(|| format!("cannot write {}", place.display()))?;
        self.progress.finish();
        out::line(format_args!(
            "wrote {}; run it in {}: it takes libFuzzer's options and folders of inputs",
            place.display(),
            self.package.dir.display()
        ))?;
        Ok(true)
    }

    pub(super) fn program<'a>(&'a self, built: &'a Built) -> Program<'a> {
        Program {
            workspace: &self.found.workspace,
            progress: self.progress,
            clang: &self.found.clang,
            path: &built.program,
            dir: &self.package.dir,
            env: &self.found.module.description.env,
            logs: &self.work,
            test: None,
            feedback: Feedback::All,
        }
    }

    /// The program of a build for another test of the package, which runs this one.
    pub(super) fn program_of<'a>(&'a self, built: &'a Built) -> Program<'a> {
        Program {
            test: Some(&self.test),
            ..self.program(built)
        }
    }

    /// The test with its package, which is left out if it is the module's own.
    pub(super) fn name(&self) -> String {
        let package = self.package.relative(&self.found.module);
        let package = package.trim_start_matches("./");
        match package {
            "." => self.test.clone(),
            _ => format!("{package}/{}", self.test),
        }
    }

    /// Runs the program if it has counters on both sides, publishes what came of it, and returns whether that is
    /// green.
    pub(super) fn judged(
        &self,
        built: &Built,
        run: impl FnOnce(&Program<'_>, &mut EngineOutcome) -> Result<()>,
    ) -> Result<bool> {
        let started = Instant::now();
        for line in built.summary() {
            self.progress.line(&out::wrapped(&line, ""));
        }
        let mut engine = EngineOutcome::left_out(&FUZZ, State::On);
        match built.counters.off() {
            Some(why) => engine.state = State::Off(why),
            None => run(&self.program(built), &mut engine)?,
        }
        engine.seconds = started.elapsed().as_secs_f64();
        self.found.publish(vec![engine], self.progress)
    }

    /// Fuzzes for so long, in rounds of turns, until something is found; tells in `engine` what came of it, and returns
    /// how many features were new. The round goes on where an earlier call has left it.
    pub(super) fn fuzz(
        &self,
        program: &Program<'_>,
        round: &[Feedback],
        time: Duration,
        engine: &mut EngineOutcome,
    ) -> Result<u64> {
        let known = engine.findings.len();
        if !self.begin(program, engine)? {
            return Ok(0);
        }
        if engine.findings.len() > known {
            engine.ended += 1;
            return Ok(0);
        }
        let started = Instant::now();
        let mut ran = Ran::default();
        if self.is_one_run() {
            ran = self.turn(program, Feedback::All, time, None, engine)?;
        } else {
            let ended = ends(engine);
            let first = self.turns.load(Ordering::Relaxed);
            for number in first.. {
                let left = time.saturating_sub(started.elapsed());
                let Some((feedback, share)) = turn(round, first, number, left, self.least()) else {
                    break;
                };
                self.turns.store(number + 1, Ordering::Relaxed);
                let this = self.turn(program, feedback, share, Some(number), engine)?;
                ran += this;
                self.keep_speed(this);
                // One that ends before its time does so by its options: the next one would do the same.
                let is_over = this.executions > 0 && this.seconds < share.as_secs_f64();
                if is_over || ends(engine) > ended || engine.state != State::On || interrupted() {
                    break;
                }
            }
        }
        self.progress.line(&format!(
            "{}: {} executions, {:.0} a second; {} in the corpus",
            self.test,
            ran.executions,
            ran.executions as f64 / ran.seconds.max(1.0),
            counted(files_of(&self.corpus())?.len(), "input")
        ));
        Ok(ran.features)
    }

    /// Writes the seeds, and judges what a session that was killed has left. Returns `false` if it was stopped.
    fn begin(&self, program: &Program<'_>, engine: &mut EngineOutcome) -> Result<bool> {
        match program.seeds(&self.work.join(SEEDS))? {
            Ok(line) => self.progress.line(&line),
            Err(_) if interrupted() => return Ok(false),
            Err(why) => bail!("{}", self.not_reached(program, &why)?),
        }
        self.recover(program, engine)?;
        Ok(true)
    }

    /// The least time of a turn, in which the corpus is read and more.
    fn least(&self) -> Duration {
        let inputs = files_of(&self.corpus()).map_or(0, |it| it.len());
        let inputs = u32::try_from(inputs).unwrap_or(u32::MAX);
        let input = Duration::from_nanos(self.speed.load(Ordering::Relaxed));
        input.saturating_mul(inputs).saturating_mul(READINGS)
    }

    /// Keeps the time of an input, if any ran.
    fn keep_speed(&self, ran: Ran) {
        if ran.executions > 0 {
            let nanos = ran.seconds * 1e9 / ran.executions as f64;
            self.speed.store(nanos as u64, Ordering::Relaxed);
        }
    }

    /// Whether the options of libFuzzer say how many inputs run, so that a search is over before its time.
    pub(super) fn has_so_many_runs(&self) -> bool {
        self.libfuzzer.iter().any(|it| it.starts_with("-runs="))
    }

    /// Whether the options of libFuzzer ask for something that turns would repeat or undo.
    fn is_one_run(&self) -> bool {
        let of_one_run = FORKING.iter().chain(&OF_ONE_RUN);
        let mut asked = self.libfuzzer.iter();
        asked.any(|it| of_one_run.clone().any(|start| it.starts_with(start)))
    }

    /// Runs libFuzzer once, and judges what it finds. `number` is that of the turn in this session, if there are
    /// others: equal seeds would have each change the same inputs in the same way.
    fn turn(
        &self,
        program: &Program<'_>,
        feedback: Feedback,
        time: Duration,
        number: Option<u32>,
        engine: &mut EngineOutcome,
    ) -> Result<Ran> {
        let words = feedback.words();
        self.progress
            .step(format!("{} for {time:.0?}, by {words}", self.test));
        let links = Links::of(program, &self.work)?;
        let options = self.options(&links.work(), time, feedback, number);
        let running = self.work.join(RUNNING);
        let forks = options
            .iter()
            .any(|it| FORKING.iter().any(|fork| it.starts_with(fork)));
        let limit = time + GRACE;
        let keeps = (!forks).then_some(&*running);
        let linked = Program {
            feedback,
            ..links.program(program)
        };
        let finished = linked.run(&options, keeps, stacks(&options), limit, "session")?;
        let text = finished.log_text();
        let executions = libfuzzer::executions(&text).unwrap_or(0);
        let executed = usize::try_from(executions).unwrap_or(usize::MAX);
        engine.executions = engine.executions.saturating_add(executed);
        let ran = Ran {
            executions,
            seconds: finished.seconds,
            features: libfuzzer::new_features(&text),
        };
        if finished.end == End::Interrupted {
            engine.state = State::Stopped;
            return Ok(ran);
        }
        // Of one side only: with all counters nothing at all would be reached.
        let one_sided = matches!(feedback, Feedback::Go | Feedback::C);
        let idle = one_sided && libfuzzer::reached_nothing(&text);
        if !finished.success()
            && !idle
            && self.unjudged()?.is_empty()
            && !self.keep_running("ended")?
        {
            let why = format!("libFuzzer failed: {}", libfuzzer::failure(&text));
            engine
                .trouble
                .push(Trouble::words(&self.package.path, &why));
        }
        let _ = fs::remove_file(&running);
        let artifacts = self.unjudged()?;
        engine.ended += usize::from(!artifacts.is_empty());
        for artifact in artifacts {
            self.judge(program, &artifact, &self.report(&finished), engine)?;
        }
        Ok(ran)
    }

    /// Judges what a session that was killed has left: inputs that failed, and the one that ran, which counts only
    /// if it fails again.
    fn recover(&self, program: &Program<'_>, engine: &mut EngineOutcome) -> Result<()> {
        const RAN: &str = "killed";
        self.keep_running(RAN)?;
        let _ = fs::remove_file(self.work.join(RUNNING));
        for artifact in self.unjudged()? {
            if name(&artifact) == RAN && self.alone(program, &artifact)?.success() {
                fs::remove_file(&artifact)
                    .with_context(|| format!("cannot remove {}", artifact.display()))?;
                continue;
            }
            let killed = Report {
                class: "a session that was killed".to_owned(),
                test: Some(self.test.clone()),
                c: None,
                go: None,
                other: None,
                text: String::new(),
            };
            self.judge(program, &artifact, &killed, engine)?;
        }
        Ok(())
    }

    /// Options of libFuzzer for a turn, with `work` as the folder of the test.
    fn options(
        &self,
        work: &Path,
        time: Duration,
        feedback: Feedback,
        turn: Option<u32>,
    ) -> Vec<String> {
        let in_work = |name: &str| work.join(name).display().to_string();
        let mut options = vec![
            format!("-artifact_prefix={}/", in_work(ARTIFACTS)),
            format!("-max_total_time={}", time.as_secs().max(1)),
            format!("-timeout={SLOW}"),
            "-print_final_stats=1".to_owned(),
        ];
        options.extend(feedback.option().map(str::to_owned));
        // The last of equal options counts.
        options.extend(self.libfuzzer.iter().cloned());
        if let (Some(seed), Some(turn)) = (seed(self.libfuzzer), turn) {
            options.push(format!("-seed={}", seed.wrapping_add(turn)));
        }
        // libFuzzer writes into the first folder.
        options.extend([CORPUS, SEEDS].map(in_work));
        options
    }

    /// The line for a test that does not come to F.Fuzz.
    fn not_reached(&self, program: &Program<'_>, why: &str) -> Result<String> {
        let test = &self.test;
        let tests = program.tests()?;
        if !tests.contains(test) {
            let tests = match tests.is_empty() {
                true => "it has no fuzz tests".to_owned(),
                false => format!("it has {}", tests.join(", ")),
            };
            let package = &self.package.path;
            return Ok(format!("{package} has no {test}; {tests}"));
        }
        Ok(format!(
            "{test} does not come to F.Fuzz, so that nothing can be fuzzed: {why}"
        ))
    }

    /// Keeps the input that ran when a process ended without an artifact, as with os.Exit, under this name. Returns
    /// false if none ran.
    fn keep_running(&self, name: &str) -> Result<bool> {
        let Some(input) = running_input(&self.work.join(RUNNING)) else {
            return Ok(false);
        };
        let path = self.artifacts().join(name);
        fs::write(&path, input).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(true)
    }

    /// Runs an input that failed alone, and adds what came of it to the outcome: a finding, or trouble with what
    /// was reported `before` if it passes. If this is stopped, the next session judges it.
    fn judge(
        &self,
        program: &Program<'_>,
        artifact: &Path,
        before: &Report,
        engine: &mut EngineOutcome,
    ) -> Result<()> {
        let alone = self.alone(program, artifact)?;
        if alone.end == End::Interrupted {
            return Ok(());
        }
        let judged = self.judged_inputs().join(name(artifact));
        if alone.success() {
            let why = format!(
                "{}: it failed once and passes alone; its input is {}",
                shown(before),
                self.shown(&judged)
            );
            engine
                .trouble
                .push(Trouble::words(&self.package.path, &why));
        } else {
            let written = program.convert(artifact, Form::Go, &self.testdata())?;
            let input = written.first().context("no input was written")?;
            let mut finding = self.finding(&alone, input)?;
            finding.triage = self.described(program, artifact, &finding, engine)?;
            engine.findings.push(finding);
        }
        fs::rename(artifact, &judged)
            .with_context(|| format!("cannot rename {}", artifact.display()))
    }

    pub(super) fn report(&self, finished: &Finished) -> Report {
        let text = finished.log_text();
        let (package, module) = (self.package, &self.found.module);
        crash::report(&text, finished, &self.test, package, module)
    }

    /// The finding of an input that has failed alone.
    pub(super) fn finding(&self, alone: &Finished, input: &Path) -> Result<Finding> {
        let report = self.report(alone);
        let package = self.package;
        let command = match self.fails_plainly(&report.class, input)? {
            true => format!(
                "go test -run '^{}$/^{}$' {}",
                self.test,
                name(input),
                package.relative(&self.found.module)
            ),
            false => self.command(input),
        };
        Ok(Finding {
            engine: FUZZ.id.to_owned(),
            package: package.path.clone(),
            severity: Severity::Error,
            tests: vec![format!("{}/{}", self.test, name(input))],
            known: known::of(FUZZ.id, &report),
            command,
            report,
            triage: None,
            within: String::new(),
        })
    }

    /// Has triage describe how an input ends the process, for the first ones.
    fn described(
        &self,
        program: &Program<'_>,
        input: &Path,
        finding: &Finding,
        engine: &EngineOutcome,
    ) -> Result<Option<String>> {
        let reports = engine.findings.iter().filter(|it| it.triage.is_some());
        let signature = finding.signature();
        let is_known = engine.findings.iter().any(|it| it.signature() == signature);
        let tells_all = crash::PRINTED.contains(&&*finding.report.class);
        if is_known || tells_all || !debugged::is_able(reports.count()) || interrupted() {
            return Ok(None);
        }
        self.progress.step(format!("triage of {}", name(input)));
        let (folder, root) = (&self.found.folder.path, &self.found.module.root);
        debugged::report(folder, root, |wrapper| {
            let options = [format!("-timeout={SLOW}"), input.display().to_string()];
            program.wrapped(wrapper, &options, GRACE)?;
            Ok(())
        })
    }

    /// Runs one input in a process of its own.
    pub(super) fn alone(&self, program: &Program<'_>, input: &Path) -> Result<Finished> {
        self.progress.step(format!("{} alone", name(input)));
        let mut options = vec![
            format!("-timeout={SLOW}"),
            format!("-artifact_prefix={}/again-", self.work.display()),
        ];
        let of_one_run =
            |it: &&String| it.starts_with("-timeout=") || it.starts_with("-rss_limit_mb=");
        options.extend(self.libfuzzer.iter().filter(of_one_run).cloned());
        let stacks = stacks(&options);
        options.push(input.display().to_string());
        program.run(&options, None, stacks, GRACE, "replay")
    }

    /// Reports whether `go test` without any help fails with an input.
    fn fails_plainly(&self, class: &str, input: &Path) -> Result<bool> {
        // `go test` reads inputs of its own folder, and would wait for the end of one that hangs.
        let waits = [crash::TIMEOUT, crash::MEMORY].contains(&class);
        if waits || input.parent() != Some(&*self.testdata()) {
            return Ok(false);
        }
        let pattern = format!("^{}$/^{}$", self.test, name(input));
        self.progress.step(format!("go test -run '{pattern}'"));
        let finished = self
            .go_test("plain", &["-count=1", "-timeout=60s", "-run", &pattern])
            .limit(GRACE)
            .run(self.progress, child::quiet)?;
        let built = !finished.log_text().contains(" failed]");
        // A variable or a tag is more than a plain command has.
        let linked = &self.found.linked;
        let plain = self.tags().is_none()
            && linked.words.is_none()
            && self.found.module.description.env.is_empty();
        Ok(plain && built && matches!(finished.end, End::Exited(status) if !status.success()))
    }

    /// `go test` on the package, as the module's description has it.
    pub(super) fn go_test(&self, log: &str, options: &[&str]) -> Task {
        let log = self.work.join(format!("{log}.log"));
        let mut task = Task::new(&self.found.workspace, "go", &log)
            .dir(&self.package.dir)
            .args(["test", "-vet=off"])
            .args(options)
            .args(self.tags());
        for (key, value) in &self.found.module.description.env {
            task = task.env(key, value);
        }
        let link = self.found.linked.words.as_deref();
        for (key, value) in PLAIN.build_env(&self.found.module.compilers, link) {
            task = task.env(&key, value);
        }
        task.args(["."])
    }

    /// The option of `go` with all build tags, if there are any.
    fn tags(&self) -> Option<String> {
        let tags = self.package.tags.iter();
        PLAIN.tags_option(tags.chain(&self.found.linked.tags))
    }

    /// Puts a folder in the place of the corpus. If this ends in between, the next session finds the old one.
    pub(super) fn replace_corpus(&self, by: &Path) -> Result<()> {
        let (corpus, old) = (self.corpus(), self.work.join(OLD_CORPUS));
        for (from, to) in [(&*corpus, &*old), (by, &corpus)] {
            fs::rename(from, to).with_context(|| format!("cannot rename {}", from.display()))?;
        }
        fs::remove_dir_all(&old).with_context(|| format!("cannot remove {}", old.display()))
    }

    /// The command of this tool that shows an input again.
    fn command(&self, input: &Path) -> String {
        let package = self.package.relative(&self.found.module);
        let check = if self.how.cgocheck2 {
            " --cgocheck2"
        } else {
            ""
        };
        format!(
            "cgolab fuzz replay {} --run {} --sanitizer {}{check} {}",
            quoted(package.as_ref()),
            self.test,
            self.how.sanitizer.name(),
            quoted(self.shown(input).as_ref())
        )
    }
}

/// What libFuzzer has done.
#[derive(Debug, Clone, Copy, Default)]
struct Ran {
    executions: u64,
    seconds: f64,
    /// Features that are new.
    features: u64,
}

impl AddAssign for Ran {
    fn add_assign(&mut self, other: Ran) {
        self.executions += other.executions;
        self.seconds += other.seconds;
        self.features += other.features;
    }
}

/// Reports whether Go takes a function of this name for a fuzz test: `Fuzz` itself, or `Fuzz` and then no small letter.
pub(super) fn is_fuzz_test(name: &str) -> bool {
    name.strip_prefix("Fuzz").is_some_and(|rest| {
        !rest.starts_with(char::is_lowercase)
            && rest.chars().all(|c| c.is_alphanumeric() || c == '_')
    })
}

/// What ends a search, counted.
fn ends(engine: &EngineOutcome) -> usize {
    engine.findings.len() + engine.trouble.len()
}

/// The seed in options of libFuzzer, which takes numbers of 32 bits, and the last of equal options. 0 is none.
fn seed(options: &[String]) -> Option<u32> {
    let mut options = options.iter().rev();
    let last = options.find_map(|it| it.strip_prefix("-seed="))?;
    last.parse().ok().filter(|seed| *seed > 0)
}

/// The seconds after which goroutines are printed: one before libFuzzer ends the process.
fn stacks(options: &[String]) -> Option<u64> {
    let timeout = options
        .iter()
        .rev()
        .find_map(|it| it.strip_prefix("-timeout=")?.parse::<u64>().ok());
    Some(timeout?.saturating_sub(1).max(1))
}

pub(super) fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().display().to_string()
}

pub(super) fn files_of(folder: &Path) -> Result<BTreeSet<PathBuf>> {
    let entries =
        fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    Ok(entries.flatten().map(|entry| entry.path()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goroutines_are_printed_before_the_last_time_limit() {
        let options = |words: &[&str]| {
            let words: Vec<String> = words.iter().map(|it| (*it).to_owned()).collect();
            stacks(&words)
        };
        assert_eq!(options(&["-timeout=25", "-runs=1", "-timeout=5"]), Some(4));
        assert_eq!(options(&["-timeout=1"]), Some(1));
        assert_eq!(options(&[]), None);
    }
}
