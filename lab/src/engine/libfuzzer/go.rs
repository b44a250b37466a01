//! Engines that are fuzz tests of a Go package: what goes through the binding goes through libFuzzer, with counters
//! in Go and in the library, with AddressSanitizer and cgocheck2, and at night also without. They are suites of the
//! subject's description, and are built as `cgolab fuzz` builds a test.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, Result, bail};

use super::{
    ASKED_SECONDS, SEED_FOLDER, Target, answer, builds_of, concerned, empty_folder, prepare_corpus,
    seconds,
};
use crate::engine::ask::{self, Answer, Question};
use crate::engine::fuzz::{Sanitizer, corpus};
use crate::engine::native::{self, Linked};
use crate::engine::{Canary, Context, Engine};
use crate::host::child::{self, Task};
use crate::host::progress::Progress;
use crate::host::tools::Need;
use crate::host::workspace::Workspace;
use crate::record::{Evidence, Outcome, Record};
use crate::subject::file::{GoFuzzTests, SubjectFile, Suite};

/// Seconds of one input after which all goroutines are printed; libFuzzer ends it a second later.
const STACKS_AFTER: &str = "24";

/// The builder of fuzz tests of Go. `cgolab fuzz` has it, which knows more than an engine: whoever runs engines
/// hands it over.
pub(crate) trait FuzzTests: Sync {
    /// The reason why there is no such build on this machine: it has no clang with libFuzzer and this sanitizer. A
    /// trial goes into `cache`.
    ///
    /// # Errors
    /// There is no Go for the folder.
    fn lacking(&self, folder: &Path, cache: &Path, sanitizer: Sanitizer) -> Result<Option<String>>;

    /// Looks at the package in a folder. With AddressSanitizer the build has cgocheck2, too. Files of builds go into
    /// `cache`.
    ///
    /// # Errors
    /// It cannot be built here: see [`lacking`](Self::lacking).
    fn ground<'a>(
        &self,
        workspace: &'a Workspace,
        progress: &'a Progress,
        folder: &Path,
        cache: &Path,
        sanitizer: Sanitizer,
    ) -> Result<Box<dyn Ground + 'a>>;
}

/// A package, and all that it takes to build its fuzz tests in one way.
pub(crate) trait Ground {
    /// The checks in the build.
    fn checks(&self) -> &'static str;

    /// The planted mistake that fuzzing does not see in this build, with the reason.
    fn missed(&self) -> Result<Option<String>>;

    /// Builds the tests with a library; `archives` are those of its parts that must have counters. The inner error
    /// says what is wrong with the code, or that a side has no counters.
    fn build(
        &self,
        linked: &Linked,
        archives: Vec<PathBuf>,
        test: &str,
    ) -> Result<Result<Box<dyn Tests + '_>, String>>;
}

/// Fuzz tests that were built into one program.
pub(crate) trait Tests {
    /// Lines about what the program sees.
    fn summary(&self) -> Vec<String>;

    /// The names of all fuzz tests in the program.
    fn names(&self) -> Result<Vec<String>>;

    /// Writes the checked-in inputs of a test into a folder as libFuzzer's bytes, under their names.
    fn write_seeds(&self, test: &str, folder: &Path) -> Result<()>;

    /// A run of libFuzzer on a test.
    fn run(&self, test: &str, log: &Path) -> Task;
}

/// Go's own folder of checked-in inputs of a fuzz test.
pub(crate) fn checked_in(package: &Path, test: &str) -> PathBuf {
    package.join("testdata/fuzz").join(test)
}

/// An engine that is fuzz tests of a Go package.
pub(crate) struct GoFuzzing {
    suite: GoFuzzTests,
    build: ask::Build,
}

/// The engines that the subject has such tests for.
pub(crate) fn engines(file: &SubjectFile) -> impl Iterator<Item = GoFuzzing> {
    file.suite.iter().filter_map(|suite| match suite {
        Suite::GoLibfuzzer(suite) => Some(GoFuzzing {
            suite: suite.clone(),
            build: ask::Build {
                // That of the library's build, if it is named for the engine: it is kept from fault to fault.
                folder: suite.engine.clone(),
                sources: suite.sources.clone(),
            },
        }),
        Suite::Go(_) | Suite::Nextest(_) | Suite::Libfuzzer(_) => None,
    })
}

impl Engine for GoFuzzing {
    fn name(&self) -> &str {
        &self.suite.engine
    }

    fn describe(&self) -> &str {
        &self.suite.what
    }

    fn needs(&self) -> &[Need] {
        &[Need::C, Need::Go]
    }

    /// gcc has no libFuzzer.
    fn unable(&self, context: &Context<'_>) -> Result<Option<String>> {
        let (folder, cache) = self.places(context);
        for sanitizer in builds_of(context.profile) {
            let why = context.fuzz_tests.lacking(&folder, &cache, *sanitizer)?;
            if why.is_some() {
                return Ok(why);
            }
        }
        Ok(None)
    }

    fn canary(&self, context: &Context<'_>) -> Result<Canary> {
        let mut canary = Canary {
            check: "planted mistakes in C and in Go".to_owned(),
            missed: None,
            evidence: Evidence::default(),
            seconds: 0.0,
        };
        for sanitizer in builds_of(context.profile) {
            let ground = self.ground(context, *sanitizer)?;
            context.progress.step(format!(
                "{}: canaries, sanitizer {}",
                self.name(),
                ground.checks()
            ));
            let started = Instant::now();
            let missed = ground.missed()?;
            canary.seconds += started.elapsed().as_secs_f64();
            canary.missed = missed.map(|why| format!("sanitizer {}: {why}", ground.checks()));
            if canary.missed.is_some() {
                break;
            }
        }
        Ok(canary)
    }

    fn checks(&self, context: &Context<'_>) -> Result<Vec<Record>> {
        let mut records = Vec::new();
        for sanitizer in builds_of(context.profile) {
            if child::interrupted() {
                break; // What did not run is told by the catalogue.
            }
            let ground = self.ground(context, *sanitizer)?;
            let build = match self.built(context, &*ground, *sanitizer)? {
                Ok(build) => build,
                Err(record) => {
                    records.push(*record);
                    continue;
                }
            };
            for name in self.suite.targets.keys() {
                if child::interrupted() {
                    break;
                }
                let own = self.own(name);
                let corpus = prepare_corpus(context, &own, corpus(&own))?;
                let seconds = seconds(context, &self.suite.targets, name);
                records.extend(
                    self.target(context, &build, name, seconds)
                        .check_all(&corpus)?,
                );
            }
        }
        Ok(records)
    }

    /// Builds without a sanitizer, as the engines of cargo-fuzz do.
    fn ask(&self, context: &Context<'_>, question: &Question) -> Result<Vec<Answer>> {
        let package = context.workspace.path(&self.suite.dir);
        let seeds = |target: &str| checked_in(&package, target);
        let concerned = concerned(context, &self.suite.targets, question, seeds)?;
        if concerned.is_empty() {
            return Ok(Vec::new());
        }
        let ground = self.ground(context, Sanitizer::None)?;
        let build = match self.built(context, &*ground, Sanitizer::None)? {
            Ok(build) => build,
            Err(record) => return Ok(vec![Answer::of(&record)]),
        };
        let mut answers = Vec::new();
        for name in concerned {
            let corpus = empty_folder(context, &self.own(name))?;
            let target = self.target(context, &build, name, ASKED_SECONDS);
            answers.extend(target.check_all(&corpus)?.iter().map(answer));
        }
        Ok(answers)
    }

    fn build(&self) -> &ask::Build {
        &self.build
    }
}

impl GoFuzzing {
    /// The name of a test's folders, which other engines may not have.
    fn own(&self, test: &str) -> String {
        format!("{}.{test}", self.name())
    }

    /// The folder of the package, and that of builds.
    fn places(&self, context: &Context<'_>) -> (PathBuf, PathBuf) {
        let folder = context.workspace.path(&self.suite.dir);
        (folder, context.workspace.lab().join(self.name()))
    }

    /// The place where the tests are built in this way.
    fn ground<'a>(
        &self,
        context: &Context<'a>,
        sanitizer: Sanitizer,
    ) -> Result<Box<dyn Ground + 'a>> {
        let (folder, cache) = self.places(context);
        let (workspace, progress) = (context.workspace, context.progress);
        context
            .fuzz_tests
            .ground(workspace, progress, &folder, &cache, sanitizer)
    }

    /// Builds the library and the tests, and writes their seeds. The inner error is the record to report.
    fn built<'a>(
        &self,
        context: &Context<'a>,
        ground: &'a (dyn Ground + 'a),
        sanitizer: Sanitizer,
    ) -> Result<Result<Built<'a>, Box<Record>>> {
        let builds = &context.file.native;
        let asan = sanitizer == Sanitizer::Address;
        let (linked, archives) = match native::for_fuzzing(builds, asan) {
            None => Default::default(),
            Some((kind, mark)) => match native::built(context, self.name(), kind, mark)? {
                Ok(linked) => {
                    let root = context.workspace.root();
                    (linked, native::counted_archives(root, kind, &builds[kind])?)
                }
                Err(record) => return Ok(Err(record)),
            },
        };
        let test = self.suite.targets.keys().next().context("no targets")?;
        context.progress.step(format!(
            "{}: go test -c {}, sanitizer {}",
            self.name(),
            self.suite.dir,
            ground.checks()
        ));
        let built = match ground.build(&linked, archives, test)? {
            Ok(built) => built,
            Err(why) => {
                let check = format!("build, sanitizer {}", ground.checks());
                let outcome = match child::interrupted() {
                    true => Outcome::NotRun,
                    false => Outcome::BuildFailed,
                };
                let failed = Record::check(self.name(), check, outcome);
                return Ok(Err(Box::new(failed.because(why))));
            }
        };
        for line in built.summary() {
            context.progress.line(&format!("{}: {line}", self.name()));
        }
        let names = built.names()?;
        if let Some(unknown) = self.suite.targets.keys().find(|it| !names.contains(it)) {
            bail!(
                "{} has no fuzz test {unknown}; it has {}",
                self.suite.dir,
                names.join(", ")
            );
        }
        let build = Built {
            workspace: context.workspace,
            engine: self.name().to_owned(),
            sanitizer: ground.checks(),
            tests: built,
        };
        for test in self.suite.targets.keys() {
            let folder = context
                .workspace
                .root()
                .join(super::Build::seeds(&build, test));
            build.tests.write_seeds(test, &folder)?;
        }
        Ok(Ok(build))
    }

    fn target<'a>(
        &'a self,
        context: &'a Context<'a>,
        build: &'a Built<'a>,
        name: &'a str,
        seconds: u64,
    ) -> Target<'a> {
        Target {
            engine: self.name(),
            name,
            seconds,
            context,
            build,
        }
    }
}

/// The tests in one build.
struct Built<'a> {
    workspace: &'a Workspace,
    engine: String,
    sanitizer: &'static str,
    tests: Box<dyn Tests + 'a>,
}

impl super::Build for Built<'_> {
    fn sanitizer(&self) -> &'static str {
        self.sanitizer
    }

    fn seeds(&self, target: &str) -> PathBuf {
        Path::new(SEED_FOLDER).join(&self.engine).join(target)
    }

    /// The program runs in the folder of its package, as `go test` has it, so that all paths are whole.
    fn run(
        &self,
        target: &str,
        inputs: &[PathBuf],
        options: &[&str],
        crashes: Option<&Path>,
        log: &Path,
    ) -> Task {
        let prefix = crashes.map(|it| format!("-artifact_prefix={}/", it.display()));
        let inputs = inputs.iter().map(|it| self.workspace.root().join(it));
        self.tests
            .run(target, log)
            // A test that hangs says where, before libFuzzer ends it.
            .env("CGOLAB_FUZZ_STACKS", STACKS_AFTER)
            .args(options)
            .args(prefix)
            .args(inputs)
    }
}
