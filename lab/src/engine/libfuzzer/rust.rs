//! Engines that are targets of cargo-fuzz: inputs under libFuzzer, with AddressSanitizer, and at night also
//! without. They are suites of the subject's description.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::{
    ASKED_SECONDS, SEED, Target, answer, builds_of, concerned, empty_folder, prepare_corpus,
    seconds,
};
use crate::engine::ask::{self, Answer, Question};
use crate::engine::fuzz::instrumented::Calls;
use crate::engine::fuzz::{
    Fuzzer, Sanitizer, artifact_folder, artifacts, corpus, known_target, seeds,
};
use crate::engine::{Canary, Context, Engine, cargo_error, not_built};
use crate::host::child::{self, Finished, Task, quiet};
use crate::host::tools::Need;
use crate::read::libfuzzer;
use crate::record::{self, Evidence, Outcome, Record};
use crate::subject::file::{FuzzTargets, SubjectFile, Suite};

/// Seconds in which the planted crash must be found. It takes about one.
const CANARY_SECONDS: u32 = 60;

/// An engine that is targets of cargo-fuzz.
pub(crate) struct Fuzzing {
    suite: FuzzTargets,
    build: ask::Build,
}

/// The engines that the subject has targets for.
pub(crate) fn engines(file: &SubjectFile) -> impl Iterator<Item = Fuzzing> {
    file.suite.iter().filter_map(|suite| match suite {
        Suite::Libfuzzer(suite) => Some(Fuzzing {
            suite: suite.clone(),
            build: ask::Build {
                folder: "fuzz".to_owned(),
                sources: suite.sources.clone(),
            },
        }),
        Suite::Go(_) | Suite::GoLibfuzzer(_) | Suite::Nextest(_) => None,
    })
}

impl Engine for Fuzzing {
    fn name(&self) -> &str {
        &self.suite.engine
    }

    fn describe(&self) -> &str {
        &self.suite.what
    }

    fn needs(&self) -> &[Need] {
        &[Need::C, Need::Cxx, Need::Fuzz]
    }

    fn canary(&self, context: &Context<'_>) -> Result<Canary> {
        let mut canary = Canary {
            check: "planted crash".to_owned(),
            missed: None,
            evidence: Evidence::default(),
            seconds: 0.0,
        };
        let planted = [&self.suite.canary.target];
        for target in self.suite.targets.keys().chain(planted) {
            known_target(context.workspace, target)?;
        }
        for sanitizer in builds_of(context.profile) {
            let fuzzer = self.fuzzer(context, *sanitizer)?;
            for proof in [builds, finds_the_crash] {
                let Proof { missed, finished } = proof(context, &self.suite, &fuzzer)?;
                canary.seconds += finished.seconds;
                canary.evidence = context.evidence(&finished);
                canary.missed = missed.map(|why| format!("sanitizer {}: {why}", sanitizer.name()));
                if canary.missed.is_some() {
                    return Ok(canary);
                }
            }
        }
        Ok(canary)
    }

    fn checks(&self, context: &Context<'_>) -> Result<Vec<Record>> {
        let mut records = Vec::new();
        for name in self.suite.targets.keys() {
            let corpus = prepare_corpus(context, name, corpus(name))?;
            for sanitizer in builds_of(context.profile) {
                let target = Target {
                    engine: self.name(),
                    name,
                    seconds: seconds(context, &self.suite.targets, name),
                    context,
                    build: &self.fuzzer(context, *sanitizer)?,
                };
                if child::interrupted() {
                    break; // What did not run is told by the catalogue.
                }
                records.extend(target.check_all(&corpus)?);
            }
        }
        Ok(records)
    }

    /// Builds without a sanitizer, because a sanitizer's report names no contract.
    fn ask(&self, context: &Context<'_>, question: &Question) -> Result<Vec<Answer>> {
        let mut answers = Vec::new();
        let folder = |target: &str| context.workspace.root().join(seeds(target));
        for name in concerned(context, &self.suite.targets, question, folder)? {
            context
                .progress
                .step(format!("{}: {name}, sanitizer none", self.name()));
            let corpus = empty_folder(context, name)?;
            let target = Target {
                engine: self.name(),
                name,
                seconds: ASKED_SECONDS,
                context,
                build: &self.fuzzer(context, Sanitizer::None)?,
            };
            answers.extend(target.check_all(&corpus)?.iter().map(answer));
        }
        Ok(answers)
    }

    fn build(&self) -> &ask::Build {
        &self.build
    }
}

impl super::Build for Fuzzer<'_> {
    fn sanitizer(&self) -> &'static str {
        self.sanitizer.name()
    }

    fn seeds(&self, target: &str) -> PathBuf {
        seeds(target)
    }

    fn run(
        &self,
        target: &str,
        inputs: &[PathBuf],
        options: &[&str],
        crashes: Option<&Path>,
        log: &Path,
    ) -> Task {
        let prefix = crashes.map(|it| format!("-artifact_prefix={}/", self.workspace.shown(it)));
        let options: Vec<&str> = options.iter().copied().chain(prefix.as_deref()).collect();
        Fuzzer::run(self, target, inputs, &options, log)
    }
}

impl Fuzzing {
    fn fuzzer<'a>(&'a self, context: &Context<'a>, sanitizer: Sanitizer) -> Result<Fuzzer<'a>> {
        Ok(Fuzzer {
            workspace: context.workspace,
            tool: context.tools.fuzz()?,
            sanitizer,
            rustc_wrapper: self.suite.rustc_wrapper.as_deref(),
        })
    }
}

/// One step of the proof that an engine's build works.
struct Proof {
    missed: Option<String>,
    finished: Finished,
}

/// Builds the targets, with the sanitizer that was asked for and no other.
fn builds(context: &Context<'_>, suite: &FuzzTargets, fuzzer: &Fuzzer<'_>) -> Result<Proof> {
    let sanitizer = fuzzer.sanitizer.name();
    context.progress.step(format!(
        "{}: cargo fuzz build, sanitizer {sanitizer}",
        suite.engine
    ));
    let log = context.log(&format!("{}.{sanitizer}.build.log", suite.engine));
    let finished = fuzzer.build(&log).run(context.progress, quiet)?;
    let missed = if finished.success() {
        is_not_what_it_says(context, suite, fuzzer)?
    } else {
        Some(match not_built(&finished) {
            Outcome::BuildFailed => format!("it did not build: {}", cargo_error(&finished)),
            _ => finished.how(),
        })
    };
    Ok(Proof { missed, finished })
}

/// The reason why a target was not built as requested, by the calls of the sanitizer and the counters in it.
fn is_not_what_it_says(
    context: &Context<'_>,
    suite: &FuzzTargets,
    fuzzer: &Fuzzer<'_>,
) -> Result<Option<String>> {
    let largest = suite.targets.iter().max_by_key(|(_, share)| **share);
    let (largest, _) = largest.context("the suite has no targets")?;
    let (engine, sanitizer) = (&suite.engine, fuzzer.sanitizer.name());
    let calls = Calls::count(&fuzzer.binary(largest)?, &suite.symbol)?;
    let log = context.log(&format!("{engine}.{sanitizer}.counters.log"));
    let build: &dyn super::Build = fuzzer;
    let started = build
        .run(largest, &[], &[super::NO_MUTATION], None, &log)
        .limit(Duration::from_secs(10 * 60))
        .run(context.progress, quiet)?;
    if !started.success() {
        let how = started.how();
        return Ok(Some(format!(
            "{largest} does not start ({how}); read {}",
            log.display()
        )));
    }
    let counters = libfuzzer::counters(&started.log_text());
    context.progress.line(&format!(
        "{engine}: sanitizer {sanitizer}: {counters} counters, {} checks of AddressSanitizer in the target, \
         {} of them in the subject",
        calls.all, calls.subject
    ));
    if counters == 0 {
        return Ok(Some(format!(
            "{largest} has no counters: libFuzzer would choose inputs blindly"
        )));
    }
    Ok(match fuzzer.sanitizer {
        Sanitizer::None => calls.too_many(),
        Sanitizer::Address => calls.too_few(),
    })
}

/// Fuzzes the canary from an empty corpus until it finds the planted crash.
fn finds_the_crash(
    context: &Context<'_>,
    suite: &FuzzTargets,
    fuzzer: &Fuzzer<'_>,
) -> Result<Proof> {
    let (engine, canary) = (&suite.engine, &suite.canary);
    let sanitizer = fuzzer.sanitizer.name();
    context.progress.step(format!(
        "{engine}: canary, a planted crash, sanitizer {sanitizer}"
    ));
    let crashes = context.log(&format!("{engine}.{sanitizer}.canary"));
    artifact_folder(&crashes)?;
    let empty = empty_folder(context, "canary")?;
    let limit = format!("-max_total_time={CANARY_SECONDS}");
    let options = [SEED, &limit];
    let log = context.log(&format!("{engine}.{sanitizer}.canary.log"));
    let build: &dyn super::Build = fuzzer;
    let finished = build
        .run(&canary.target, &[empty], &options, Some(&crashes), &log)
        .limit(Duration::from_secs(10 * 60))
        .run(context.progress, quiet)?;
    let text = finished.log_text();
    let missed = if record::cut(&finished).is_some() {
        Some(finished.how())
    } else if finished.success() {
        Some(format!(
            "the planted crash was not found in {CANARY_SECONDS} s"
        ))
    } else if !text.contains(&canary.says) {
        Some(format!(
            "it failed without saying `{}`: {}",
            canary.says,
            libfuzzer::failure(&text)
        ))
    } else if !artifacts(&crashes)
        .iter()
        .any(|path| has_canary_input(path, &canary.input))
    {
        Some("it failed and left no input that makes it fail".to_owned())
    } else {
        None
    };
    Ok(Proof { missed, finished })
}

fn has_canary_input(path: &Path, input: &str) -> bool {
    fs::read(path).is_ok_and(|bytes| bytes.starts_with(input.as_bytes()))
}
