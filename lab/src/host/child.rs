//! Runs a child process: output to a log file, limits of time and of output, no survivors.
//!
//! A child leads a process group. When it has ended, by itself or by us, what is left of the
//! group is ended too. A process that moved to a group of its own lives on, as nextest has its tests do, which
//! it ends itself; [`Task::alone`] is for programs that are not trusted with that.
//!
//! Output goes to files and is read back from there while the child runs. There is no pipe that
//! a forgotten grandchild could hold open, and the log is complete whatever happens to us.

use std::collections::BTreeMap;
use std::env;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use crate::host::descendants::Descendants;
use crate::host::progress::Progress;
use crate::host::workspace::Workspace;

/// Time for a child to end by itself after it was asked to. nextest takes up to 10 s to end its
/// tests.
const GRACE: Duration = Duration::from_secs(13);

/// Set once by Ctrl-C; every child is then ended and no other is started.
static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// Groups of children that were not waited for yet, by the number of their leader, and those of their
/// descendants that are ended with them.
static LIVING: Mutex<BTreeMap<u32, Option<Descendants>>> = Mutex::new(BTreeMap::new());

/// A panic while it was held has left nothing half done: each change of it is one call.
fn living() -> MutexGuard<'static, BTreeMap<u32, Option<Descendants>>> {
    LIVING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns true once the user has asked to stop.
pub fn interrupted() -> bool {
    // ORDERING: Relaxed. A lone flag that is polled; it publishes no other data.
    INTERRUPTED.load(Ordering::Relaxed)
}

/// Makes Ctrl-C and SIGTERM end the children and let the command write what it knows. The second
/// one ends the command and its children at once.
pub fn catch_interrupts() -> Result<()> {
    ctrlc::set_handler(|| {
        // ORDERING: Relaxed. See `interrupted`.
        if INTERRUPTED.swap(true, Ordering::Relaxed) {
            // Held until the end: a child that starts now would not be ended.
            let living = living();
            for (leader, descendants) in living.iter() {
                force(*leader, descendants.as_ref());
            }
            std::process::exit(130);
        }
    })
    .context("cannot watch for Ctrl-C")
}

/// The end of a child.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// By itself, with this status.
    Exited(ExitStatus),
    /// Ended by us at its time limit.
    TimedOut,
    /// Ended by us because it wrote too much.
    Flooded,
    /// Ended by us because the user asked to stop.
    Interrupted,
}

/// The end and the output of a child.
#[derive(Debug)]
pub struct Finished {
    /// The end it came to.
    pub end: End,
    /// Wall time.
    pub seconds: f64,
    /// The command as a person would type it in the root of the checkout.
    pub command: String,
    /// The file with its output.
    pub log: PathBuf,
}

impl Finished {
    /// One that came to this end, without a log.
    #[cfg(test)]
    pub(crate) fn by(end: End) -> Finished {
        Finished {
            end,
            seconds: 0.0,
            command: String::new(),
            log: PathBuf::new(),
        }
    }

    /// Reports whether it ended by itself, with code 0.
    pub fn success(&self) -> bool {
        matches!(self.end, End::Exited(status) if status.success())
    }

    /// The exit code, if it ended by itself and not by a signal.
    pub fn code(&self) -> Option<i32> {
        match self.end {
            End::Exited(status) => status.code(),
            End::TimedOut | End::Flooded | End::Interrupted => None,
        }
    }

    /// The signal that ended it, if it was not ours.
    #[cfg(unix)]
    pub fn signal(&self) -> Option<i32> {
        use std::os::unix::process::ExitStatusExt as _;
        match self.end {
            End::Exited(status) => status.signal(),
            End::TimedOut | End::Flooded | End::Interrupted => None,
        }
    }

    /// Elsewhere there are none.
    #[cfg(not(unix))]
    pub fn signal(&self) -> Option<i32> {
        None
    }

    /// "exit status: 1", "timed out", "wrote too much", "interrupted".
    pub fn how(&self) -> String {
        match self.end {
            End::Exited(status) => status.to_string(),
            End::TimedOut => format!("timed out after {:.0} s", self.seconds),
            End::Flooded => "wrote too much".to_owned(),
            End::Interrupted => "interrupted".to_owned(),
        }
    }

    /// The text of the log, as far as it can be read.
    pub fn log_text(&self) -> String {
        read_lossy(&self.log)
    }
}

/// The text of a file that a child wrote; empty if it cannot be read.
pub fn read_lossy(path: &Path) -> String {
    fs::read(path).map_or_else(
        |_| String::new(),
        |bytes| String::from_utf8_lossy(&bytes).into_owned(),
    )
}

/// The most bytes of a log: more fill the disk, and the memory of whoever reads them.
const FLOOD: u64 = 256 << 20;

/// A child to be run.
pub struct Task {
    command: Command,
    /// The program's name in the shown command.
    shown_program: OsString,
    /// Variables that matter to whoever repeats the command.
    shown_env: Vec<String>,
    root: PathBuf,
    dir: PathBuf,
    log: PathBuf,
    /// The file for standard output when that is not part of the log.
    stdout: Option<PathBuf>,
    limit: Duration,
    /// The most bytes of its log.
    most: u64,
    /// What descends from it is ended with it.
    alone: bool,
}

impl Task {
    /// `program` in the root of the checkout, with a limit of half an hour.
    pub fn new(workspace: &Workspace, program: impl AsRef<OsStr>, log: &Path) -> Task {
        let mut command = Command::new(&program);
        clean_environment(&mut command, workspace);
        Task {
            command,
            shown_program: program.as_ref().to_owned(),
            shown_env: Vec::new(),
            root: workspace.root().to_path_buf(),
            dir: workspace.root().to_path_buf(),
            log: log.to_path_buf(),
            stdout: None,
            limit: Duration::from_secs(30 * 60),
            most: FLOOD,
            alone: false,
        }
    }

    /// The Cargo that runs us.
    pub fn cargo(workspace: &Workspace, log: &Path) -> Task {
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        Task::new(workspace, cargo, log).shown_as("cargo")
    }

    /// Shows the program by another name than its path.
    pub fn shown_as(mut self, program: impl AsRef<OsStr>) -> Task {
        self.shown_program = program.as_ref().to_owned();
        self
    }

    /// Adds arguments.
    pub fn args<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Task {
        self.command.args(args);
        self
    }

    /// Sets a variable, which is part of the shown command.
    pub fn env(mut self, key: &str, value: impl AsRef<OsStr>) -> Task {
        self.shown_env
            .push(format!("{key}={}", quoted(value.as_ref())));
        self.command.env(key, value);
        self
    }

    /// Sets PATH. The command that is shown leaves it out.
    pub fn path(mut self, folders: &OsStr) -> Task {
        self.command.env("PATH", folders);
        self
    }

    /// Runs it in this folder.
    pub fn dir(mut self, dir: &Path) -> Task {
        self.dir = dir.to_path_buf();
        self
    }

    /// Keeps standard output apart from the log, for programs whose output is data.
    pub fn stdout_to(mut self, path: &Path) -> Task {
        self.stdout = Some(path.to_path_buf());
        self
    }

    /// Ends it after this time.
    pub fn limit(mut self, limit: Duration) -> Task {
        self.limit = limit;
        self
    }

    /// Ends with it whatever it has started, also in another group.
    pub fn alone(mut self) -> Task {
        self.alone = true;
        self
    }

    /// The command as a person would type it in the root of the checkout.
    pub fn shown(&self) -> String {
        let mut words = self.shown_env.clone();
        words.push(quoted(&self.shown_program));
        words.extend(self.command.get_args().map(quoted));
        let line = words.join(" ");
        match self.dir.strip_prefix(&self.root) {
            Ok(below) if below.as_os_str().is_empty() => line,
            Ok(below) => format!("cd {} && {line}", quoted(below.as_os_str())),
            Err(_) => format!("cd {} && {line}", quoted(self.dir.as_os_str())),
        }
    }

    /// Runs the child to its end. `show` turns each line of its output into the line to be
    /// printed, if any.
    ///
    /// An error means that the child could not be started or watched; how it ended is in the
    /// result.
    pub fn run(
        mut self,
        progress: &Progress,
        mut show: impl FnMut(&str) -> Option<String>,
    ) -> Result<Finished> {
        let command = self.shown();
        let log = create(&self.log)?;
        let (out, followed) = match &self.stdout {
            Some(path) => (create(path)?, path.clone()),
            None => (log.try_clone()?, self.log.clone()),
        };
        self.command
            .current_dir(&self.dir)
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(log);
        let descendants = self.alone.then(|| Descendants::of(&mut self.command));
        let started = Instant::now();
        let mut group = Group::start(&mut self.command, descendants)?;
        let mut tail = Tail::open(&followed)?;
        let mut print = |tail: &mut Tail, rest: bool| {
            for line in tail.lines(rest) {
                match show(&line) {
                    Some(text) => progress.line(&text),
                    None => progress.detail(&line),
                }
            }
        };
        let mut pause = Duration::from_millis(2);
        let end = loop {
            let floods = || fs::metadata(&self.log).is_ok_and(|it| it.len() > self.most);
            if group.leader_ended()? {
                let status = group.finish()?;
                // Whether it ended before this was seen is chance.
                break match floods() {
                    true => End::Flooded,
                    false => End::Exited(status),
                };
            }
            if interrupted() {
                group.end();
                break End::Interrupted;
            }
            if started.elapsed() >= self.limit {
                group.end();
                break End::TimedOut;
            }
            if floods() {
                group.end();
                break End::Flooded;
            }
            print(&mut tail, false);
            progress.tick();
            thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(50));
        };
        print(&mut tail, true);
        Ok(Finished {
            end,
            seconds: started.elapsed().as_secs_f64(),
            command,
            log: self.log,
        })
    }
}

/// Shows nothing of the output.
pub fn quiet(_line: &str) -> Option<String> {
    None
}

fn create(path: &Path) -> Result<File> {
    // Appending: standard output and error write to one file without overwriting each other.
    let _ = fs::remove_file(path);
    File::options()
        .create(true)
        .append(true)
        .open(path)
        .with_context(|| format!("cannot write {}", path.display()))
}

/// A word as a POSIX shell reads it, with quotes only where they are needed.
pub fn quoted(word: &OsStr) -> String {
    let word = word.to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-+=./,:@%~".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.into_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// Takes away what Cargo sets for the programs it runs, and fixes where children build.
pub fn clean_environment(command: &mut Command, workspace: &Workspace) {
    for (key, _) in env::vars_os() {
        let name = key.to_string_lossy();
        let from_cargo = name.starts_with("CARGO_PKG_")
            || name.starts_with("CARGO_MANIFEST_")
            || [
                "CARGO_BIN_NAME",
                "CARGO_CRATE_NAME",
                "CARGO_PRIMARY_PACKAGE",
                "OUT_DIR",
            ]
            .contains(&name.as_ref());
        if from_cargo {
            command.env_remove(&key);
        }
    }
    // `cargo run` puts the folders of its build first. A shared library of the subject in there would be
    // taken in place of the static one; what the user put into the variable stays.
    let exe = env::current_exe().unwrap_or_default();
    let target = workspace.target();
    for key in ["LD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH"] {
        if let Some(value) = env::var_os(key) {
            match without_build_folders(&value, &target, &exe) {
                Some(kept) => command.env(key, kept),
                None => command.env_remove(key),
            };
        }
    }
    command.env("CARGO_TARGET_DIR", target);
    // Logs are read by people and by us, never by a terminal.
    command.env("CARGO_TERM_COLOR", "never");
}

/// `value` without folders below `target` and without the one that holds `exe`, or `None` if
/// nothing is left.
fn without_build_folders(value: &OsStr, target: &Path, exe: &Path) -> Option<OsString> {
    let kept: Vec<PathBuf> = env::split_paths(value)
        .filter(|dir| {
            let holds_exe = exe.parent().is_some_and(|parent| dir.starts_with(parent));
            !dir.as_os_str().is_empty() && !dir.starts_with(target) && !holds_exe
        })
        .collect();
    if kept.is_empty() {
        return None;
    }
    env::join_paths(kept).ok()
}

/// A child that leads its own process group, so that its own children can be ended with it.
struct Group {
    child: Child,
    /// What is ended with it wherever it has moved to.
    descendants: Option<Descendants>,
    /// The child was waited for: its number may belong to somebody else now.
    finished: bool,
}

impl Group {
    fn start(command: &mut Command, descendants: Option<Descendants>) -> Result<Group> {
        // Held over the start: the second Ctrl-C finds every child that there is.
        let mut living = living();
        let child = own_group(command).spawn().with_context(|| {
            format!(
                "cannot start {}; is it installed and executable?",
                quoted(command.get_program())
            )
        })?;
        living.insert(child.id(), descendants.clone());
        Ok(Group {
            child,
            descendants,
            finished: false,
        })
    }

    /// Asks the whole group to end, and makes it end after [`GRACE`].
    fn end(&mut self) {
        self.ask();
        let asked = Instant::now();
        while asked.elapsed() < GRACE {
            if matches!(self.leader_ended(), Ok(true) | Err(_)) {
                break;
            }
            thread::sleep(Duration::from_millis(10));
        }
        let _ = self.finish();
    }

    /// Makes all that is left of the group and of its descendants end, and returns how its leader did.
    fn finish(&mut self) -> io::Result<ExitStatus> {
        self.force();
        self.finished = true;
        // From here on the number may be given to another process.
        living().remove(&self.child.id());
        self.child.wait()
    }

    /// Returns true if the leader has ended. It is left as a zombie, which keeps its number, and so the
    /// number of the group, from being given to another process before the group is signalled.
    #[cfg(unix)]
    fn leader_ended(&mut self) -> io::Result<bool> {
        use rustix::process::{WaitId, WaitIdOptions, waitid};
        let Some(leader) = leader(self.child.id()) else {
            return Ok(self.child.try_wait()?.is_some());
        };
        let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        match waitid(WaitId::Pid(leader), look) {
            Ok(status) => Ok(status.is_some()),
            Err(rustix::io::Errno::INTR) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    #[cfg(not(unix))]
    fn leader_ended(&mut self) -> io::Result<bool> {
        Ok(self.child.try_wait()?.is_some())
    }

    /// Asks the group to end.
    #[cfg(unix)]
    fn ask(&self) {
        signal_group(self.child.id(), rustix::process::Signal::TERM);
    }

    #[cfg(not(unix))]
    fn ask(&mut self) {
        self.force();
    }

    #[cfg(unix)]
    fn force(&self) {
        force(self.child.id(), self.descendants.as_ref());
    }

    #[cfg(not(unix))]
    fn force(&mut self) {
        let _ = self.child.kill();
        force(self.child.id(), self.descendants.as_ref());
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // Only when watching it failed.
        if !self.finished {
            let _ = self.finish();
        }
    }
}

/// Ends a group and the descendants of its leader at once.
fn force(number: u32, descendants: Option<&Descendants>) {
    // Elsewhere there are no groups: a child that goes on is left.
    #[cfg(unix)]
    signal_group(number, rustix::process::Signal::KILL);
    #[cfg(not(unix))]
    let _ = number;
    if let Some(descendants) = descendants {
        descendants.end();
    }
}

#[cfg(unix)]
fn leader(number: u32) -> Option<rustix::process::Pid> {
    rustix::process::Pid::from_raw(i32::try_from(number).ok()?)
}

#[cfg(unix)]
fn signal_group(number: u32, signal: rustix::process::Signal) {
    if let Some(group) = leader(number) {
        // It fails when the group is empty, which is what we want.
        let _ = rustix::process::kill_process_group(group, signal);
    }
}

#[cfg(unix)]
fn own_group(command: &mut Command) -> &mut Command {
    use std::os::unix::process::CommandExt as _;
    command.process_group(0)
}

#[cfg(not(unix))]
fn own_group(command: &mut Command) -> &mut Command {
    command
}

/// Reads the lines that were added to a file.
struct Tail {
    file: File,
    /// The beginning of a line whose end has not been written yet.
    partial: Vec<u8>,
}

impl Tail {
    fn open(path: &Path) -> io::Result<Tail> {
        Ok(Tail {
            file: File::open(path)?,
            partial: Vec::new(),
        })
    }

    /// The complete lines since the last call; with `rest` also an unfinished one.
    fn lines(&mut self, rest: bool) -> Vec<String> {
        // A read error shows itself as a silent log; the child goes on.
        let _ = self.file.read_to_end(&mut self.partial);
        let end = match self.partial.iter().rposition(|byte| *byte == b'\n') {
            _ if rest => self.partial.len(),
            Some(newline) => newline + 1,
            None => return Vec::new(),
        };
        let complete: Vec<u8> = self.partial.drain(..end).collect();
        String::from_utf8_lossy(&complete)
            .lines()
            .map(str::to_owned)
            .collect()
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn sh(dir: &Path, script: &str) -> Task {
        let workspace = Workspace::at(dir);
        Task::new(&workspace, "sh", &dir.join("log")).args(["-c", script])
    }

    #[test]
    fn output_is_logged_and_shown() {
        let dir = tempfile::tempdir().unwrap();
        let mut seen = Vec::new();
        let finished = sh(dir.path(), "echo one; echo two >&2; printf three; exit 3")
            .run(&Progress::new(), |line| {
                seen.push(line.to_owned());
                None
            })
            .unwrap();
        assert_eq!(finished.code(), Some(3));
        assert!(!finished.success());
        assert_eq!(seen, ["one", "two", "three"]);
        assert_eq!(finished.log_text(), "one\ntwo\nthree");
    }

    #[test]
    fn output_that_is_data_is_kept_apart() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("data");
        let finished = sh(dir.path(), "echo data; echo noise >&2")
            .stdout_to(&data)
            .run(&Progress::new(), quiet)
            .unwrap();
        assert_eq!(read_lossy(&data), "data\n");
        assert_eq!(finished.log_text(), "noise\n");
    }

    #[test]
    fn the_limit_ends_grandchildren_too() {
        let dir = tempfile::tempdir().unwrap();
        let finished = sh(dir.path(), "sleep 600 & echo $!; wait")
            .limit(Duration::from_millis(300))
            .run(&Progress::new(), quiet)
            .unwrap();
        assert_eq!(finished.end, End::TimedOut);
        assert_gone(&finished);
    }

    #[test]
    fn a_child_that_writes_without_end_is_ended() {
        let dir = tempfile::tempdir().unwrap();
        let mut task = sh(dir.path(), "echo $$; exec yes");
        task.most = 1 << 20;
        let finished = task.run(&Progress::new(), quiet).unwrap();
        assert_eq!(finished.end, End::Flooded);
        assert!(!finished.success() && finished.code().is_none());
        assert_eq!(finished.how(), "wrote too much");
        let mut task = sh(dir.path(), "echo much");
        task.most = 4;
        let finished = task.run(&Progress::new(), quiet).unwrap();
        assert_eq!(finished.end, End::Flooded);
    }

    #[test]
    fn what_a_child_leaves_behind_is_ended() {
        let dir = tempfile::tempdir().unwrap();
        let finished = sh(dir.path(), "sleep 600 & echo $!; exit 7")
            .run(&Progress::new(), quiet)
            .unwrap();
        assert_eq!(finished.code(), Some(7));
        assert_gone(&finished);
    }

    #[test]
    fn a_child_that_died_of_a_signal_says_so() {
        let dir = tempfile::tempdir().unwrap();
        let finished = sh(dir.path(), "echo $$; kill -SEGV $$")
            .run(&Progress::new(), quiet)
            .unwrap();
        assert_eq!((finished.code(), finished.signal()), (None, Some(11)));
        assert!(finished.how().contains("signal: 11"), "{}", finished.how());
        // Its number may be another's: an interrupt must not end that one.
        let number = finished.log_text().trim().parse().unwrap();
        assert!(!living().contains_key(&number));
    }

    #[test]
    fn what_we_ended_says_which_way() {
        assert_eq!(Finished::by(End::TimedOut).how(), "timed out after 0 s");
        assert_eq!(Finished::by(End::Interrupted).how(), "interrupted");
    }

    /// Expects that the process whose number was logged ends.
    fn assert_gone(finished: &Finished) {
        use rustix::process::{Pid, test_kill_process};
        let grandchild: i32 = finished.log_text().trim().parse().unwrap();
        let grandchild = Pid::from_raw(grandchild).unwrap();
        // It is gone, or a zombie until its new parent looks.
        let stat = PathBuf::from(format!("/proc/{}/stat", grandchild.as_raw_nonzero()));
        let deadline = Instant::now() + Duration::from_secs(10);
        while test_kill_process(grandchild).is_ok() && !read_lossy(&stat).contains(") Z ") {
            assert!(Instant::now() < deadline, "the grandchild survived");
            thread::sleep(Duration::from_millis(10));
        }
    }

    #[test]
    fn a_missing_program_is_an_error_that_names_it() {
        let dir = tempfile::tempdir().unwrap();
        let error = Task::new(
            &Workspace::at(dir.path()),
            "no-such-program",
            &dir.path().join("log"),
        )
        .run(&Progress::new(), quiet)
        .unwrap_err();
        assert!(error.to_string().contains("no-such-program"), "{error}");
    }

    #[test]
    fn the_shown_command_can_be_typed() {
        let dir = tempfile::tempdir().unwrap();
        let below = dir.path().join("go-harness");
        let task = sh(dir.path(), "a b").env("KEY", "x y").dir(&below);
        assert_eq!(task.shown(), "cd go-harness && KEY='x y' sh -c 'a b'");
    }

    #[test]
    fn words_are_quoted_where_needed() {
        let shown = |word: &str| quoted(OsStr::new(word));
        assert_eq!(shown("-count=3"), "-count=3");
        assert_eq!(shown("./..."), "./...");
        assert_eq!(shown("test(=x)"), "'test(=x)'");
        assert_eq!(shown("it's"), r"'it'\''s'");
        assert_eq!(shown(""), "''");
    }

    #[test]
    fn build_folders_leave_the_library_path() {
        let target = Path::new("/p/target");
        let exe = Path::new("/elsewhere/debug/cgolab");
        let kept = |value: &str| without_build_folders(OsStr::new(value), target, exe);
        assert_eq!(
            kept("/p/target/debug/deps:/p/target/debug:/usr/local/lib").unwrap(),
            "/usr/local/lib"
        );
        assert_eq!(kept("/elsewhere/debug/deps:/elsewhere/debug"), None);
        assert_eq!(kept(""), None);
    }

    #[test]
    fn lines_are_shown_when_they_are_complete() {
        use std::io::Write as _;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        let mut file = File::create(&path).unwrap();
        let mut tail = Tail::open(&path).unwrap();
        write!(file, "one\ntw").unwrap();
        assert_eq!(tail.lines(false), ["one"]);
        write!(file, "o").unwrap();
        assert!(tail.lines(false).is_empty());
        writeln!(file).unwrap();
        assert_eq!(tail.lines(false), ["two"]);
        write!(file, "end").unwrap();
        assert_eq!(tail.lines(true), ["end"]);
    }
}
