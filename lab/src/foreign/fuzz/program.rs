//! A fuzz test that was built, and its ways of running.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use tempfile::TempDir;

use super::addresses;
use super::clang::Clang;
use crate::engine::fuzz::feedback::Feedback;
use crate::host::child::{self, Finished, Task};
use crate::host::out::one_line;
use crate::host::progress::Progress;
use crate::host::workspace::Workspace;

/// Time after which a run that only looks counts as hung.
const SHORT: Duration = Duration::from_secs(300);

/// A form of an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// The bytes that libFuzzer changes.
    Bytes,
    /// Go's own text, which `go test` replays.
    Go,
}

/// A program, and where it runs: in the folder of its package, as `go test` has it.
pub(super) struct Program<'a> {
    pub(super) workspace: &'a Workspace,
    pub(super) progress: &'a Progress,
    pub(super) clang: &'a Clang,
    pub(super) path: &'a Path,
    pub(super) dir: &'a Path,
    /// Variables of the module's own description.
    pub(super) env: &'a BTreeMap<String, String>,
    /// The folder of logs.
    pub(super) logs: &'a Path,
    /// The fuzz test, where it is another one than that of the build.
    pub(super) test: Option<&'a str>,
    /// What libFuzzer goes by.
    pub(super) feedback: Feedback,
}

impl Program<'_> {
    fn task(&self, log: &str) -> Task {
        self.task_of(self.path, log)
    }

    /// The task of a program in the place of this one.
    fn task_of(&self, program: &Path, log: &str) -> Task {
        self.task_to(program, &self.logs.join(format!("{log}.log")))
    }

    /// The task of a program in the place of this one, with a log wherever it may be.
    pub(super) fn task_to(&self, program: &Path, log: &Path) -> Task {
        let mut task = Task::new(self.workspace, program, log)
            .dir(self.dir)
            .limit(SHORT)
            .alone();
        for (key, value) in self.env {
            task = task.env(key, value);
        }
        if let Some(folders) = self.clang.path() {
            task = task.path(&folders);
        }
        if let Some(test) = self.test {
            task = task.env("CGOLAB_FUZZ_TARGET", test);
        }
        if let Some((key, value)) = self.feedback.env() {
            task = task.env(key, value);
        }
        task
    }

    /// Writes the seeds of the test into an empty folder, and returns a line about it. The inner error says why
    /// the test does not come to F.Fuzz.
    pub(super) fn seeds(&self, out: &Path) -> Result<Result<String, String>> {
        empty(out)?;
        let finished = self
            .task("seeds")
            .env("CGOLAB_FUZZ_CONVERT", "seeds")
            .env("CGOLAB_FUZZ_OUT", out)
            .run(self.progress, child::quiet)?;
        let text = finished.log_text();
        let told = text
            .lines()
            .find_map(|line| line.split_once("cgolab: target="));
        Ok(match told {
            Some((_, told)) if finished.success() => Ok(told.to_owned()),
            _ => Err(why_not(&text, &finished)),
        })
    }

    /// Writes an input, or all in a folder, in another form into a folder, and returns what it wrote as Go's
    /// text.
    pub(super) fn convert(&self, from: &Path, form: Form, out: &Path) -> Result<Vec<PathBuf>> {
        fs::create_dir_all(out).with_context(|| format!("cannot make {}", out.display()))?;
        let how = match form {
            Form::Bytes => "bytes",
            Form::Go => "go",
        };
        let finished = self
            .task("convert")
            .env("CGOLAB_FUZZ_CONVERT", how)
            .env("CGOLAB_FUZZ_IN", from)
            .env("CGOLAB_FUZZ_OUT", out)
            .run(self.progress, child::quiet)?;
        let text = finished.log_text();
        ensure!(
            finished.success(),
            "cannot read the input: {}",
            one_line(last_line(&text), 300)
        );
        let written = text
            .lines()
            .filter_map(|line| line.strip_prefix("cgolab: wrote="));
        Ok(written.map(PathBuf::from).collect())
    }

    /// Runs libFuzzer with these options. `running` is a file for the input that runs, and after `stacks`
    /// seconds of one input all goroutines are printed. Frames that are addresses get their names, in the log, too.
    pub(super) fn run(
        &self,
        options: &[String],
        running: Option<&Path>,
        stacks: Option<u64>,
        limit: Duration,
        log: &str,
    ) -> Result<Finished> {
        let mut task = self.task(log).args(options).limit(limit);
        if let Some(running) = running {
            task = task.env("CGOLAB_FUZZ_RUNNING", running);
        }
        if let Some(seconds) = stacks {
            task = task.env("CGOLAB_FUZZ_STACKS", seconds.to_string());
        }
        let finished = task.run(self.progress, child::quiet)?;
        let text = finished.log_text();
        let named = addresses::named(&text);
        if named != text {
            fs::write(&finished.log, named)
                .with_context(|| format!("cannot write {}", finished.log.display()))?;
        }
        Ok(finished)
    }

    /// Runs libFuzzer with these options behind the words of another program.
    pub(super) fn wrapped(
        &self,
        wrapper: &[String],
        options: &[String],
        limit: Duration,
    ) -> Result<Finished> {
        self.task_of(Path::new(&wrapper[0]), "triage")
            .args(&wrapper[1..])
            .args([self.path])
            .args(options)
            .limit(limit)
            .run(self.progress, child::quiet)
    }

    /// The names of all fuzz tests in the program.
    pub(super) fn tests(&self) -> Result<Vec<String>> {
        let finished = self
            .task("list")
            .args(["-test.list=^Fuzz"])
            .run(self.progress, child::quiet)?;
        let text = finished.log_text();
        let names = text.lines().filter(|line| line.starts_with("Fuzz"));
        Ok(names.map(str::to_owned).collect())
    }
}

/// The last line that a program printed, without the name of who did.
fn last_line(text: &str) -> &str {
    let last = text.lines().last().unwrap_or("it says nothing");
    last.strip_prefix("cgolab: ").unwrap_or(last)
}

/// The reason for which a test does not come to F.Fuzz, from what it printed.
fn why_not(text: &str, finished: &Finished) -> String {
    let said = |line: &&str| {
        let line = line.trim();
        let noise = ["=== ", "cgolab: ", "PASS", "FAIL", "exit status"];
        !line.is_empty() && !noise.iter().any(|start| line.starts_with(start))
    };
    let lines: Vec<&str> = text.lines().filter(said).take(4).collect();
    match lines.is_empty() {
        true => format!("it prints nothing and ends with {}", finished.how()),
        false => one_line(&lines.join("; "), 400),
    }
}

/// Makes a folder that has nothing in it.
pub(super) fn empty(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)
            .with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))
}

/// The input that ran when the process ended, from the file that always has it.
pub(super) fn running_input(file: &Path) -> Option<Vec<u8>> {
    let bytes = fs::read(file).ok()?;
    let (length, data) = bytes.split_first_chunk::<8>()?;
    let length = usize::try_from(u64::from_ne_bytes(*length)).ok()?;
    // The length counts one more, so that 0 means that nothing runs.
    data.get(..length.checked_sub(1)?).map(<[u8]>::to_vec)
}

/// Links without blanks in their paths: where libFuzzer starts itself again it writes paths without quotes.
pub(super) struct Links {
    folder: TempDir,
    target: PathBuf,
}

impl Links {
    pub(super) fn of(program: &Program<'_>, work: &Path) -> Result<Links> {
        let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
        let target = folder.path().join("target");
        for (to, link) in [(program.path, &target), (work, &folder.path().join("work"))] {
            std::os::unix::fs::symlink(to, link)
                .with_context(|| format!("cannot make {}", link.display()))?;
        }
        Ok(Links { folder, target })
    }

    pub(super) fn work(&self) -> PathBuf {
        self.folder.path().join("work")
    }

    pub(super) fn program<'a>(&'a self, of: &Program<'a>) -> Program<'a> {
        Program {
            path: &self.target,
            ..*of
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_input_that_ran_is_read_and_none_where_nothing_did() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("running");
        let read = |length: u64| {
            let bytes = [&length.to_ne_bytes()[..], b"abc"].concat();
            fs::write(&file, bytes).unwrap();
            running_input(&file)
        };
        assert_eq!(read(0), None);
        assert_eq!(read(1), Some(Vec::new()));
        assert_eq!(read(3), Some(b"ab".to_vec()));
        assert_eq!(read(9), None);
        assert_eq!(running_input(folder.path()), None);
    }
}
