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

    /// Takes the inputs of folders into the corpus, and leaves there what reaches something that no other input
    /// does. If it is stopped, the corpus is what it was.
    pub(super) fn merge(&self, program: &Program<'_>, folders: &[PathBuf]) -> Result<()> {
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
            return Ok(());
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
        out::line(format_args!(
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
        let smaller = self.work.join("smaller");
        let _ = fs::remove_file(&smaller);
        fs::copy(&input, self.work.join("input"))
            .with_context(|| format!("cannot copy {}", input.display()))?;
        let links = Links::of(program, &self.work)?;
        let options = vec![
            "-minimize_crash=1".to_owned(),
            format!("-max_total_time={}", time.as_secs().max(1)),
            format!("-timeout={SLOW}"),
            format!("-exact_artifact_path={}/smaller", links.work().display()),
            links.work().join("input").display().to_string(),
        ];
        self.progress.step(format!("minimise for {time:.0?}"));
        let limit = time + GRACE;
        links
            .program(program)
            .run(&options, None, None, limit, "minimize")?;
        let size = |file: &Path| fs::metadata(file).map(|it| it.len()).ok();
        let sizes = size(&input).zip(size(&smaller));
        let Some((large, small)) = sizes.filter(|(large, small)| small < large) else {
            out::line("no smaller input was found")?;
            return Ok(false);
        };
        let after = self.alone(program, &smaller)?;
        let finding: Option<Finding> = match after.success() {
            true => None,
            false => Some(self.finding(&after, file)?),
        };
        match finding {
            Some(finding) if finding.signature() == signature => {}
            other => {
                let shows = other.map_or("nothing".to_owned(), |it| shown(&it.report));
                out::line(format_args!(
                    "a smaller input shows something else: {shows}; it is left"
                ))?;
                return Ok(false);
            }
        }
        let written = program.convert(&smaller, Form::Go, &self.testdata())?;
        let written = written.first().context("no input was written")?;
        let finding = self.finding(&after, written)?;
        out::line(format_args!(
            "{large} bytes before, {small} now: {}\n{}\n   {}",
            self.shown(written),
            shown(&finding.report),
            finding.command
        ))?;
        Ok(true)
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
