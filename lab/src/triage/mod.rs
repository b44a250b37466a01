//! `cgolab triage`: one report on a program that crashed, aborted or hangs, with its goroutines and all
//! native threads.
//!
//! ```text
//!  command ──► collector ──► stopped ──► story ──► paper ──► page
//!  to be       runs gdb on   the stacks  the class  Markdown, HTML
//!  watched     the program   that it saw and why    JSON
//! ```
//!
//! A debugger collects everything from outside, because a process that is about to die cannot be relied on to
//! describe itself. The program's output passes through unchanged, and its exit code is kept.
//! Start reading in [`story`], which makes the summary at the head of a report.

mod collector;
mod lost_stop;
mod messages;
mod page;
mod paper;
mod private;
pub(crate) mod stopped;
mod story;
pub(crate) mod traceback;

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};

use self::collector::{Collected, Program};
use self::private::Private;
use self::story::Story;
use crate::host::out;

/// Exit code for a program that was stopped because it hung, the same as that of `timeout`.
const HUNG: u8 = 124;

/// The options of the command line.
#[derive(Debug, clap::Args)]
pub struct Wish {
    /// Look at a running process, and let it run on.
    #[arg(long, value_name = "PID", conflicts_with = "command")]
    pub pid: Option<u32>,
    /// Describe and end a program that still runs after this time. Without it, only Go's own -timeout
    /// of tests and Ctrl-C end a program that hangs.
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub hang: Option<Duration>,
    /// Write reports into this folder.
    #[arg(long, value_name = "DIR", default_value = ".cgolab/triage")]
    pub out: PathBuf,
    /// Leave home folders, user and host names, and secrets of the environment and the command in the report.
    #[arg(long)]
    pub private: bool,
    /// Collect only, into this file. The command passes this to itself under `go test -exec`.
    #[arg(long, value_name = "FILE", hide = true)]
    pub collect_into: Option<PathBuf>,
    /// Become the command, for gdb. The command passes this to itself.
    #[arg(long, hide = true)]
    pub begin: bool,
    /// The command to watch: a program, or `go test …`.
    #[arg(last = true, value_name = "COMMAND")]
    pub command: Vec<OsString>,
}

/// Reads a length of time: `90s`, `10m`, `1h30m`, or a number of seconds.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    if let Ok(seconds) = text.parse::<u64>() {
        return Ok(Duration::from_secs(seconds));
    }
    let span: jiff::Span = text
        .parse()
        .map_err(|_| "not a length of time; write 90s, 10m or 1h30m".to_owned())?;
    Duration::try_from(
        span.to_duration(jiff::SpanRelativeTo::days_are_24_hours())
            .map_err(|error| error.to_string())?,
    )
    .map_err(|_| "a length of time is positive".to_owned())
}

/// Watches the command, or looks at the process, writes reports, and returns the exit code of the
/// command.
///
/// # Errors
/// There is nothing to watch: a command that cannot be started, a process that is not there or may not
/// be traced.
pub fn triage(wish: &Wish) -> Result<u8> {
    if let Some(pid) = wish.pid {
        let collected = collector::attach(pid)?;
        write_reports(wish, vec![collected])?;
        return Ok(0);
    }
    ensure!(
        !wish.command.is_empty(),
        "nothing to watch; write `cgolab triage -- COMMAND` or `cgolab triage --pid PID`"
    );
    if wish.begin {
        match collector::begin(&wish.command)? {}
    }
    if let Some(file) = &wish.collect_into {
        let collected = Program::new(&wish.command)?.watch(wish.hang)?;
        let code = collected.exit_code();
        let file = free_name(file);
        fs::write(&file, serde_json::to_vec(&collected)?)
            .with_context(|| format!("cannot write {}", file.display()))?;
        return Ok(code);
    }
    if is_go_test(&wish.command) {
        return go_test(wish);
    }
    let collected = Program::new(&wish.command)?.watch(wish.hang)?;
    let code = collected.exit_code();
    write_reports(wish, vec![collected])?;
    Ok(code)
}

/// Reports whether a command is `go test`.
fn is_go_test(command: &[OsString]) -> bool {
    let program = command.first().map(Path::new).and_then(Path::file_name);
    program == Some(OsStr::new("go")) && command.get(1).is_some_and(|word| word == "test")
}

/// Runs `go test` with this command around each test program, and reports on those that did not end by
/// themselves.
///
/// With `-o` the programs keep the symbols that `go test` strips otherwise.
fn go_test(wish: &Wish) -> Result<u8> {
    let own = ["-exec", "--exec", "-o", "--o", "-c", "--c"];
    for word in &wish.command[2..] {
        let word = word.to_string_lossy();
        let name = word.split('=').next().unwrap_or_default();
        if name == "-args" || name == "--args" {
            break;
        }
        if own.contains(&name) {
            bail!("triage runs the tests itself: leave {name} out of the `go test` command");
        }
    }
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    let programs = folder.path().join("programs");
    fs::create_dir(&programs)?;
    let found = folder.path().join("found");
    fs::create_dir(&found)?;
    let mut wrapper = vec![env::current_exe()?.into_os_string()];
    wrapper.push("triage".into());
    if let Some(hang) = wish.hang {
        wrapper.extend(["--hang".into(), hang.as_secs().to_string().into()]);
    }
    wrapper.extend(["--collect-into".into(), found.join("program").into()]);
    wrapper.push("--".into());
    let mut command = Command::new(&wish.command[0]);
    let mut output = programs.into_os_string();
    output.push("/");
    command
        .arg("test")
        .arg("-exec")
        .arg(
            wrapper
                .iter()
                .map(|word| go_quoted(word))
                .collect::<Vec<_>>()
                .join(" "),
        )
        .arg("-o")
        .arg(output)
        .args(&wish.command[2..]);
    let status = command
        .status()
        .context("cannot start go; is it installed and on PATH?")?;
    let mut collected: Vec<Collected> = Vec::new();
    let mut files: Vec<PathBuf> = fs::read_dir(&found)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    files.sort();
    for file in files {
        let one = serde_json::from_slice(&fs::read(&file)?)
            .with_context(|| format!("cannot read {}", file.display()))?;
        collected.push(one);
    }
    write_reports(wish, collected)?;
    Ok(status
        .code()
        .and_then(|code| u8::try_from(code).ok())
        .unwrap_or(1))
}

/// A word, quoted for `go test -exec`, which knows quotes of one kind and no escapes.
fn go_quoted(word: &OsStr) -> String {
    let word = word.to_string_lossy();
    match (word.contains(' '), word.contains('\'')) {
        (false, false) => word.into_owned(),
        (_, false) => format!("'{word}'"),
        (_, true) => format!("\"{word}\""),
    }
}

/// A name beside `file` that is not taken: several test programs run at the same time.
fn free_name(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(format!(".{}.json", std::process::id()));
    PathBuf::from(name)
}

/// Writes one report for each program that did not end by itself, and says where it is.
fn write_reports(wish: &Wish, mut collected: Vec<Collected>) -> Result<()> {
    let private = match wish.private {
        true => Private::leave(),
        false => Private::of_this_machine(&wish.command),
    };
    let typed = match wish.pid {
        Some(pid) => format!("cgolab triage --pid {pid}"),
        None => private.command(&wish.command),
    };
    for one in &mut collected {
        one.typed.clone_from(&typed);
    }
    let stories: Vec<(Story, &Collected)> = collected
        .iter()
        .filter_map(|one| Some((story::of(one)?, one)))
        .collect();
    if stories.is_empty() {
        let why = collected.iter().map(Collected::how).collect::<Vec<_>>();
        out::say(match why.as_slice() {
            [] => "triage: no program ran; no report".to_owned(),
            why => format!(
                "triage: nothing crashed or hung ({}); no report",
                why.join(", ")
            ),
        });
        return Ok(());
    }
    make_folder(&wish.out)?;
    for (story, one) in stories {
        let name = free_report(&wish.out)?;
        let markdown = private.left_out(&paper::markdown(&story, one));
        let headline = private.left_out(&story.headline);
        let page = page::render(&headline, &markdown)?;
        fs::write(name.with_extension("html"), page)
            .with_context(|| format!("cannot write {}", name.display()))?;
        fs::write(name.with_extension("md"), markdown)?;
        let json = private.left_out_of_json(serde_json::to_value(paper::Json {
            story: &story,
            program: one,
        })?);
        fs::write(
            name.with_extension("json"),
            serde_json::to_string_pretty(&json)?,
        )?;
        out::say(format!("triage: {headline}"));
        out::say(format!(
            "triage: report {}",
            name.with_extension("md").display()
        ));
    }
    Ok(())
}

/// Makes the folder of reports; git does not see what is in it.
fn make_folder(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| {
        format!(
            "cannot make {}; choose another folder with --out",
            folder.display()
        )
    })?;
    let above = folder
        .parent()
        .filter(|above| above.file_name() == Some(OsStr::new(".cgolab")));
    let ignore = above.unwrap_or(folder).join(".gitignore");
    if !ignore.exists() {
        fs::write(&ignore, "*\n").with_context(|| format!("cannot write {}", ignore.display()))?;
    }
    Ok(())
}

/// A path without an ending, named after the time, that no report has.
fn free_report(folder: &Path) -> Result<PathBuf> {
    let now = jiff::Zoned::now().strftime("%Y%m%d-%H%M%S").to_string();
    for number in 1..1000 {
        let name = folder.join(match number {
            1 => now.clone(),
            number => format!("{now}-{number}"),
        });
        if !name.with_extension("md").exists() {
            return Ok(name);
        }
    }
    bail!("{} is full of reports of this second", folder.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_are_read_as_people_write_them() {
        for (text, seconds) in [("90", 90), ("90s", 90), ("10m", 600), ("1h30m", 5400)] {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        assert!(duration("soon").unwrap_err().contains("90s"));
        assert!(duration("-5s").is_err());
    }

    #[test]
    fn go_test_is_known_by_its_words() {
        let words = |text: &str| text.split(' ').map(OsString::from).collect::<Vec<_>>();
        assert!(is_go_test(&words("go test ./...")));
        assert!(is_go_test(&words("/usr/local/go/bin/go test")));
        assert!(!is_go_test(&words("go run .")));
        assert!(!is_go_test(&words("gotest test")));
    }

    #[test]
    fn words_of_the_wrapper_are_quoted_as_go_splits_them() {
        assert_eq!(go_quoted("a".as_ref()), "a");
        assert_eq!(go_quoted("a b".as_ref()), "'a b'");
        assert_eq!(go_quoted("it's".as_ref()), "\"it's\"");
    }

    #[test]
    fn a_second_report_does_not_take_the_place_of_the_first() {
        let folder = tempfile::tempdir().unwrap();
        let first = free_report(folder.path()).unwrap();
        fs::write(first.with_extension("md"), "").unwrap();
        let second = free_report(folder.path()).unwrap();
        assert_ne!(first, second);
    }
}
