//! Chores with inputs: replay, merge, minimise.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use super::super::module::counted;
use super::super::outcome::{EngineOutcome, Finding, State};
use super::super::report::shown;
use super::program::{Form, Links, Program, empty};
use super::session::{CORPUS, GRACE, SLOW, Session, files_of};
use crate::host::child::{End, interrupted};
use crate::host::out;
use crate::read::libfuzzer;

/// A smaller input with the same finding.
struct Smaller {
    /// The bytes of the input that it stands for, and its own.
    before: u64,
    now: u64,
    /// The input in Go's form.
    input: PathBuf,
    finding: Finding,
}

impl Session<'_> {
    /// Runs inputs of either form again.
    pub(super) fn replay(
        &self,
        program: &Program<'_>,
        files: &[PathBuf],
        engine: &mut EngineOutcome,
    ) -> Result<()> {
        for file in files {
            let input = self.as_bytes(program, file)?;
            let alone = self.alone(program, &input)?;
            engine.executions += 1;
            if alone.end == End::Interrupted {
                engine.state = State::Stopped;
                return Ok(());
            }
            if !alone.success() {
                engine.findings.push(self.finding(&alone, file)?);
            }
        }
        Ok(())
    }

    /// Takes the inputs of folders into the corpus, leaves there what reaches something that no other input does,
    /// and returns a line about it. If it is stopped, the corpus is what it was.
    pub(super) fn merge(&self, program: &Program<'_>, folders: &[PathBuf]) -> Result<String> {
        let (from, into) = (self.work.join("merge.from"), self.work.join("merge.into"));
        empty(&from)?;
        empty(&into)?;
        for folder in folders {
            let folder = absolute(folder)?;
            program.convert(&folder, Form::Bytes, &from)?;
        }
        let given = files_of(&from)?.len();
        let before = files_of(&self.corpus())?.len();
        self.progress.step("merge");
        let links = Links::of(program, &self.work)?;
        let mut options = vec!["-merge=1".to_owned(), format!("-timeout={SLOW}")];
        options.extend(
            ["merge.into", CORPUS, "merge.from"]
                .map(|name| links.work().join(name).display().to_string()),
        );
        let merged = links
            .program(program)
            .run(&options, None, None, GRACE, "merge")?;
        if interrupted() {
            return Ok("stopped: the corpus is as it was".to_owned());
        }
        if !merged.success() {
            bail!(
                "the merge failed, and the corpus is as it was: {}",
                libfuzzer::failure(&merged.log_text())
            );
        }
        self.replace_corpus(&into)?;
        fs::remove_dir_all(&from).with_context(|| format!("cannot remove {}", from.display()))?;
        let left = files_of(&self.corpus())?.len();
        Ok(format!(
            "the corpus has {}: {before} before, and {given} from elsewhere",
            counted(left, "input")
        ))
    }

    /// Looks for a smaller input with the same finding, and keeps it in Go's form. Returns `true` if it found one.
    pub(super) fn minimize(
        &self,
        program: &Program<'_>,
        file: &Path,
        time: Duration,
    ) -> Result<bool> {
        let input = self.as_bytes(program, file)?;
        let before = self.alone(program, &input)?;
        if before.success() {
            bail!("{} passes: there is nothing to minimise", file.display());
        }
        let signature = self.finding(&before, file)?.signature();
        match self.smaller(program, &input, &signature, time)? {
            Err(why) => {
                out::line(why)?;
                Ok(false)
            }
            Ok(smaller) => {
                out::line(format_args!(
                    "{} bytes before, {} now: {}\n{}\n   {}",
                    smaller.before,
                    smaller.now,
                    self.shown(&smaller.input),
                    shown(&smaller.finding.report),
                    smaller.finding.command
                ))?;
                Ok(true)
            }
        }
    }

    /// Puts a smaller input in the place of the one that a finding has in `testdata`, if there is one.
    pub(super) fn shrink(
        &self,
        program: &Program<'_>,
        finding: &mut Finding,
        time: Duration,
    ) -> Result<()> {
        let Some((_, name)) = finding.tests.first().and_then(|it| it.split_once('/')) else {
            return Ok(());
        };
        let large = self.testdata().join(name);
        let input = self.as_bytes(program, &large)?;
        if let Ok(smaller) = self.smaller(program, &input, &finding.signature(), time)? {
            self.progress.line(&format!(
                "{}: an input of {} bytes where there were {}",
                self.test, smaller.now, smaller.before
            ));
            if smaller.input != large {
                fs::remove_file(&large)
                    .with_context(|| format!("cannot remove {}", large.display()))?;
            }
            // What triage has told of the larger one is true of this one.
            *finding = Finding {
                triage: finding.triage.take(),
                ..smaller.finding
            };
        }
        Ok(())
    }

    /// Looks for a smaller input with a finding of this signature. The inner error says why there is none.
    fn smaller(
        &self,
        program: &Program<'_>,
        input: &Path,
        signature: &str,
        time: Duration,
    ) -> Result<Result<Smaller, String>> {
        let smaller = self.work.join("smaller");
        let _ = fs::remove_file(&smaller);
        fs::copy(input, self.work.join("input"))
            .with_context(|| format!("cannot copy {}", input.display()))?;
        let links = Links::of(program, &self.work)?;
        let options = vec![
            "-minimize_crash=1".to_owned(),
            format!("-max_total_time={}", time.as_secs().max(1)),
            format!("-timeout={SLOW}"),
            format!("-exact_artifact_path={}/smaller", links.work().display()),
            links.work().join("input").display().to_string(),
        ];
        self.progress
            .step(format!("{}: minimise for {time:.0?}", self.test));
        let limit = time + GRACE;
        links
            .program(program)
            .run(&options, None, None, limit, "minimize")?;
        let size = |file: &Path| fs::metadata(file).map(|it| it.len()).ok();
        let sizes = size(input).zip(size(&smaller));
        let Some((before, now)) = sizes.filter(|(before, now)| now < before) else {
            return Ok(Err("no smaller input was found".to_owned()));
        };
        let alone = self.alone(program, &smaller)?;
        let shows = match alone.success() {
            true => None,
            false => Some(self.finding(&alone, input)?),
        };
        if shows.as_ref().map(Finding::signature).as_deref() != Some(signature) {
            let shows = shows.map_or("nothing".to_owned(), |it| shown(&it.report));
            return Ok(Err(format!(
                "a smaller input shows something else: {shows}; it is left"
            )));
        }
        let written = program.convert(&smaller, Form::Go, &self.testdata())?;
        let input = written.into_iter().next().context("no input was written")?;
        Ok(Ok(Smaller {
            before,
            now,
            finding: self.finding(&alone, &input)?,
            input,
        }))
    }

    /// An input as a file of libFuzzer's form.
    fn as_bytes(&self, program: &Program<'_>, file: &Path) -> Result<PathBuf> {
        let folder = self.work.join("replay");
        empty(&folder)?;
        program.convert(&absolute(file)?, Form::Bytes, &folder)?;
        let input = files_of(&folder)?.into_iter().next();
        input.with_context(|| format!("{} is no file", file.display()))
    }
}

fn absolute(path: &Path) -> Result<PathBuf> {
    path.canonicalize()
        .with_context(|| format!("cannot read {}", path.display()))
}
