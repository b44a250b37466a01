//! Runs a program under gdb, or without it where there is none, and collects all facts about its end.

use std::convert::Infallible;
use std::env;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::iter;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{self, Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use command_fds::{CommandFdExt as _, FdMapping};
use rustix::process::{Pid, Signal, getpgrp, kill_process, setpgid};
use serde::{Deserialize, Serialize};

use super::HUNG;
use super::lost_stop::{self, LostStop};
use super::messages::{self, Message};
use super::stopped::{Stopped, Why};
use super::traceback;
use crate::host::child::{interrupted, quoted, read_lossy};
use crate::host::descendants::Descendants;
use crate::host::out;

/// The script that gdb runs.
const SCRIPT: &str = include_str!("collect.py");

/// The number of bytes of output that are kept for the report: the last ones.
const KEPT: usize = 4 << 20;

/// The time that gdb gets to write its findings, and a program to end after it was asked to.
const PATIENCE: Duration = Duration::from_secs(60);

/// The variable with the path of the file that gets the process id of the program.
const PID: &str = "CGOLAB_TRIAGE_PID";

/// The variable with the number of the process group of the program.
const GROUP: &str = "CGOLAB_TRIAGE_GROUP";

/// The part of a report that a stripped program lacks.
const STRIPPED: &str = "names in native code, and which goroutine runs on which thread: the program is stripped; \
                        build it without -ldflags=-s and -ldflags=-w";

/// A program, and all that is known about its end.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Collected {
    /// The command that people typed.
    pub(super) typed: String,
    /// The program that ran.
    pub(super) program: PathBuf,
    pub(super) stopped: Stopped,
    /// Reasons for which the report has less than it could have.
    pub(super) missing: Vec<String>,
    pub(super) messages: Vec<Message>,
    /// The last part of its output.
    pub(super) output: String,
    pub(super) exit_code: Option<i32>,
    /// The signal that ended it.
    pub(super) signal: Option<String>,
    /// We ended it at its time limit.
    pub(super) hung: bool,
    /// We ended it because the user asked us to stop.
    pub(super) interrupted: bool,
    pub(super) seconds: f64,
    /// Version and settings of the build, from `go version -m`.
    pub(super) build: Vec<String>,
}

impl Collected {
    /// The exit code that a shell would show.
    pub(super) fn exit_code(&self) -> u8 {
        if self.interrupted {
            return 130;
        }
        if self.hung {
            return HUNG;
        }
        let of_signal = |name: &String| 128 + number(name).unwrap_or(6) as u8;
        match (self.exit_code, &self.signal) {
            (Some(code), _) => code as u8,
            (None, Some(signal)) => of_signal(signal),
            (None, None) => 1,
        }
    }

    /// The end in words.
    pub(super) fn how(&self) -> String {
        match (self.exit_code, &self.signal) {
            _ if self.interrupted => "stopped by Ctrl-C".to_owned(),
            _ if self.hung => "hung, and was ended".to_owned(),
            _ if self.stopped.why == Why::Attached => "runs on".to_owned(),
            (Some(code), _) => format!("exit code {code}"),
            (None, Some(signal)) => format!("ended by {signal}"),
            (None, None) => "end unknown: gdb lost the program".to_owned(),
        }
    }
}

/// A program to be watched.
pub(super) struct Program {
    path: PathBuf,
    args: Vec<OsString>,
}

impl Program {
    /// Finds the program of a command.
    pub(super) fn new(command: &[OsString]) -> Result<Program> {
        let (program, args) = command.split_first().context("no command")?;
        let path = which::which(program)
            .with_context(|| format!("there is no program `{}`", program.to_string_lossy()))?;
        Ok(Program {
            path,
            args: args.to_vec(),
        })
    }

    /// Runs it to its end, or until it has hung for this time.
    pub(super) fn watch(&self, hang: Option<Duration>) -> Result<Collected> {
        let mut collected = match self.debugger() {
            Ok(gdb) => match self.under_gdb(&gdb, hang)? {
                Watched::Seen(collected) => *collected,
                // It has not started yet: nothing runs twice.
                Watched::Refused(why) => {
                    self.alone(hang, format!("gdb cannot trace here: {why}"))?
                }
            },
            Err(why) => self.alone(hang, why)?,
        };
        collected.program = self.path.clone();
        collected.messages = messages::found(&collected.output);
        if collected.stopped.goroutines.is_empty() {
            collected.stopped.goroutines = traceback::goroutines(&collected.output);
        }
        collected.build = build(&self.path);
        let seen = !collected.stopped.threads.is_empty();
        if seen && !collected.stopped.knows_go && !collected.build.is_empty() {
            collected.missing.push(STRIPPED.to_owned());
        }
        Ok(collected)
    }

    /// The debugger, or the reason for which there is none for this program.
    fn debugger(&self) -> Result<PathBuf, String> {
        if !is_elf(&self.path) {
            return Err(
                "no native threads: the command is a script; give the program itself, \
                        or `go test …`"
                    .to_owned(),
            );
        }
        which::which("gdb").map_err(|_| {
            "no native threads: gdb is not installed (Debian and Ubuntu: apt install gdb)"
                .to_owned()
        })
    }

    fn under_gdb(&self, gdb: &Path, hang: Option<Duration>) -> Result<Watched> {
        let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
        let [seen, pid, errors] =
            ["seen", "pid", "gdb.errors"].map(|name| folder.path().join(name));
        // The shell puts the streams of the program in place: nothing of gdb's is in them.
        let wrapper = format!(
            "set exec-wrapper {} triage --begin >&3 2>&4 <&5 3>&- 4>&- 5<&- --",
            quoted(env::current_exe()?.as_os_str())
        );
        let shell = match env::var("SHELL") {
            Ok(shell) => format!("set environment SHELL {shell}"),
            Err(_) => "unset environment SHELL".to_owned(),
        };
        let mut command = gdb_command(gdb, folder.path(), &["-ex", &wrapper, "-ex", &shell])?;
        let (out, out_end) = io::pipe()?;
        let (err, err_end) = io::pipe()?;
        let mapping = |parent_fd: OwnedFd, child_fd| FdMapping {
            parent_fd,
            child_fd,
        };
        command
            .arg("--args")
            .arg(&self.path)
            .args(&self.args)
            .env("CGOLAB_TRIAGE_OUT", &seen)
            .env("CGOLAB_TRIAGE_SENDER", process::id().to_string())
            .env(PID, &pid)
            .env(GROUP, getpgrp().as_raw_nonzero().to_string())
            .env("SHELL", "/bin/sh")
            // Ctrl-C is for us and the program: it would stop the script.
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(File::create(folder.path().join("gdb"))?)
            .stderr(File::create(&errors)?)
            .fd_mappings(vec![
                mapping(out_end.into(), 3),
                mapping(err_end.into(), 4),
                mapping(io::stdin().as_fd().try_clone_to_owned()?, 5),
            ])?;
        crash_traceback(&mut command);
        let descendants = Descendants::of(&mut command);
        let started = Instant::now();
        let mut child = command.spawn().context("cannot start gdb")?;
        // The ends that the command holds would keep the pipes open.
        drop(command);
        let streams = Streams::follow(out, err);
        let number = || read_lossy(&pid).trim().parse::<i32>().ok();
        let own = fs::canonicalize(&self.path)?;
        // Until the wrapper has become the program, gdb takes a trap for a sign of its start; then it sets its
        // breakpoints, for which the program stands still.
        let begun = || {
            number().is_some_and(|number| {
                fs::read_link(format!("/proc/{number}/exe")).is_ok_and(|it| it == own)
                    && !lost_stop::stands_still(number)
            })
        };
        // The trap goes to the program: gdb stops it, looks, and ends it.
        let stop = || signal(number(), Signal::TRAP);
        let mut lost_stop = LostStop::of(child.id());
        let end = wait(&mut child, hang, begun, stop, || lost_stop.look(number()))?;
        end.leave_none(&descendants);
        let output = streams.end();
        let text = read_lossy(&seen);
        let stopped: Option<Stopped> = serde_json::from_str(&text).ok();
        if !pid.exists() {
            return Ok(Watched::Refused(refusal(
                &read_lossy(&errors),
                stopped.and_then(|it| it.reason),
            )));
        }
        let mut collected = Collected {
            output,
            hung: end.hung,
            interrupted: end.interrupted,
            seconds: started.elapsed().as_secs_f64(),
            ..Collected::default()
        };
        collected.stopped = stopped.unwrap_or_default();
        if collected.stopped.why == Why::Lost {
            let waited = "it waited for threads that did not stop".to_owned();
            let reason = collected.stopped.reason.clone();
            let reason = reason.or(end.status.is_none().then_some(waited));
            collected.missing.push(format!(
                "no native threads, and not how the program ended: gdb lost it: {}",
                refusal(&read_lossy(&errors), reason)
            ));
        }
        let mut last = seen.into_os_string();
        last.push(".end");
        let last: Stopped = serde_json::from_str(&read_lossy(Path::new(&last)))
            .unwrap_or_else(|_| collected.stopped.clone());
        collected.exit_code = last.exit_code;
        collected.signal = last.signal.filter(|_| last.exit_code.is_none());
        Ok(Watched::Seen(Box::new(collected)))
    }

    /// Runs it without a debugger. Goroutines and last words are then those that it prints itself.
    fn alone(&self, hang: Option<Duration>, missing: String) -> Result<Collected> {
        let (out, out_end) = io::pipe()?;
        let (err, err_end) = io::pipe()?;
        let mut command = Command::new(&self.path);
        command.args(&self.args).stdout(out_end).stderr(err_end);
        crash_traceback(&mut command);
        let descendants = Descendants::of(&mut command);
        let started = Instant::now();
        let mut child = command
            .spawn()
            .with_context(|| format!("cannot start {}", self.path.display()))?;
        drop(command);
        let streams = Streams::follow(out, err);
        let pid = i32::try_from(child.id()).ok();
        let end = wait(
            &mut child,
            hang,
            || true,
            || signal(pid, Signal::QUIT),
            || false,
        )?;
        end.leave_none(&descendants);
        Ok(Collected {
            output: streams.end(),
            missing: vec![missing],
            exit_code: end.status.and_then(|status| status.code()),
            signal: end.status.and_then(|status| status.signal()).map(name),
            hung: end.hung,
            interrupted: end.interrupted,
            seconds: started.elapsed().as_secs_f64(),
            ..Collected::default()
        })
    }
}

/// Describes a running process, which runs on.
pub(super) fn attach(pid: u32) -> Result<Collected> {
    let process = PathBuf::from(format!("/proc/{pid}"));
    if !process.exists() {
        bail!("there is no process {pid}");
    }
    let gdb = which::which("gdb").context(
        "a running process is seen with gdb; install it (Debian and Ubuntu: apt install gdb)",
    )?;
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    let seen = folder.path().join("seen");
    let errors = folder.path().join("gdb.errors");
    let started = Instant::now();
    let mut child = gdb_command(&gdb, folder.path(), &[])?
        .env("CGOLAB_TRIAGE_OUT", &seen)
        .env("CGOLAB_TRIAGE_ATTACH", pid.to_string())
        .stdin(Stdio::null())
        .stdout(File::create(folder.path().join("gdb"))?)
        .stderr(File::create(&errors)?)
        .spawn()
        .context("cannot start gdb")?;
    let mut lost_stop = LostStop::of(child.id());
    let look = || lost_stop.look(i32::try_from(pid).ok());
    wait(&mut child, Some(PATIENCE), || true, || {}, look)?;
    let Ok(stopped) = serde_json::from_str::<Stopped>(&read_lossy(&seen)) else {
        let says = read_lossy(&errors);
        let why = says
            .lines()
            .find(|line| line.contains("ptrace") || line.contains("rror"));
        bail!(
            "gdb cannot look at process {pid}: {}; a process of another user, or \
             /proc/sys/kernel/yama/ptrace_scope above 0, needs root",
            why.unwrap_or("it gives no reason")
        );
    };
    let program = fs::read_link(process.join("exe")).unwrap_or_default();
    Ok(Collected {
        build: build(&program),
        program,
        stopped,
        seconds: started.elapsed().as_secs_f64(),
        ..Collected::default()
    })
}

/// Becomes the program that gdb watches, in the process group that it would be in without gdb, which gives it a group
/// of its own: else it could not read from its terminal.
pub(super) fn begin(command: &[OsString]) -> Result<Infallible> {
    let variable = |name: &str| env::var(name).with_context(|| format!("{name} is not set"));
    let group = variable(GROUP)?.parse().ok().and_then(Pid::from_raw);
    setpgid(None, group).context("cannot join the process group of triage")?;
    fs::write(variable(PID)?, process::id().to_string()).context("cannot write the process id")?;
    let (program, args) = command.split_first().context("no command")?;
    let mut command = Command::new(program);
    command.args(args).env_remove(PID).env_remove(GROUP);
    Err(command.exec()).with_context(|| format!("cannot start {}", program.to_string_lossy()))
}

/// The reason for which gdb did not start a program or lost it, from its errors and from what it wrote for us.
fn refusal(errors: &str, written: Option<String>) -> String {
    let mut lines = errors.lines().filter(|line| !line.trim().is_empty());
    let telling = ["ptrace", "internal-error", "Fatal signal"];
    let one = errors
        .lines()
        .find(|line| telling.iter().any(|it| line.contains(it)));
    let reason = one.map(str::to_owned).or(written);
    reason
        .or(lines.next_back().map(str::to_owned))
        .unwrap_or_else(|| "it gives no reason".to_owned())
}

/// The result of starting a program under gdb.
enum Watched {
    Seen(Box<Collected>),
    /// It never started.
    Refused(String),
}

/// The command that runs gdb with the script in a folder. gdb applies the arguments `before` first.
fn gdb_command(gdb: &Path, folder: &Path, before: &[&str]) -> Result<Command> {
    let script = folder.join("collect.py");
    fs::write(&script, SCRIPT).with_context(|| format!("cannot write {}", script.display()))?;
    let mut command = Command::new(gdb);
    command
        .args([
            "-batch",
            "-nx",
            "-iex",
            "set debuginfod enabled off",
            "-iex",
            "set auto-load no",
        ])
        .args(before)
        .arg("-x")
        .arg(script);
    Ok(command)
}

/// Makes Go raise a signal when it dies, unless the user wants something else.
fn crash_traceback(command: &mut Command) {
    if env::var_os("GOTRACEBACK").is_none() {
        command.env("GOTRACEBACK", "crash");
    }
}

/// The end of a wait for a child.
struct Waited {
    /// None if it had to be killed.
    status: Option<ExitStatus>,
    hung: bool,
    interrupted: bool,
}

impl Waited {
    /// Ends the processes that a program which was stopped has left. One that ended by itself may leave a service.
    fn leave_none(&self, descendants: &Descendants) {
        if self.hung || self.interrupted || self.status.is_none() {
            descendants.end();
        }
    }
}

/// Waits for a child. If it hangs after it has begun, or the user wants to stop, this calls `stop` once, and kills the
/// child if it still does not end, or if `gives_up` says at some look that it never will.
fn wait(
    child: &mut Child,
    hang: Option<Duration>,
    begun: impl Fn() -> bool,
    stop: impl Fn(),
    mut gives_up: impl FnMut() -> bool,
) -> Result<Waited> {
    let mut waited = Waited {
        status: None,
        hung: false,
        interrupted: false,
    };
    let mut since: Option<Instant> = None;
    let mut asked: Option<Instant> = None;
    loop {
        if let Some(status) = child.try_wait().context("cannot wait for the program")? {
            waited.status = Some(status);
            waited.interrupted |= interrupted() || died_of_ctrl_c(status);
            return Ok(waited);
        }
        match asked {
            None => {
                since = since.or_else(|| begun().then(Instant::now));
                waited.interrupted = interrupted();
                let too_long = hang
                    .zip(since)
                    .is_some_and(|(it, since)| since.elapsed() >= it);
                waited.hung = too_long && !waited.interrupted;
                if waited.interrupted && since.is_none() {
                    kill(child)?;
                    return Ok(waited);
                }
                if waited.interrupted || waited.hung {
                    out::say(match waited.hung {
                        true => "triage: it hangs; looking at its goroutines and threads",
                        false => "triage: stopped; looking at its goroutines and threads",
                    });
                    stop();
                    asked = Some(Instant::now());
                }
            }
            Some(since) if since.elapsed() >= PATIENCE => {
                kill(child)?;
                return Ok(waited);
            }
            Some(_) => {}
        }
        if gives_up() {
            kill(child)?;
            return Ok(waited);
        }
        thread::sleep(Duration::from_millis(20));
    }
}

/// Reports whether a child died of a SIGINT that was for us, too. Ours is told by a thread that may be late.
fn died_of_ctrl_c(status: ExitStatus) -> bool {
    let told = || {
        thread::sleep(Duration::from_millis(5));
        interrupted()
    };
    status.signal() == Some(Signal::INT.as_raw()) && iter::repeat_with(told).take(40).any(|it| it)
}

/// Kills a child; gdb takes its program with it.
fn kill(child: &mut Child) -> Result<()> {
    child.kill().context("cannot end the program")?;
    child.wait().context("cannot wait for the program")?;
    Ok(())
}

fn signal(pid: Option<i32>, signal: Signal) {
    if let Some(pid) = pid.and_then(Pid::from_raw) {
        // It may have ended meanwhile.
        let _ = kill_process(pid, signal);
    }
}

/// The output streams of a program. They are passed on at once, and their last part is kept.
struct Streams(Vec<Receiver<Vec<u8>>>);

impl Streams {
    fn follow(out: impl Read + Send + 'static, err: impl Read + Send + 'static) -> Streams {
        Streams(vec![follow(out, io::stdout()), follow(err, io::stderr())])
    }

    /// The last parts of both, standard error behind standard output.
    fn end(self) -> String {
        let mut all = Vec::new();
        for stream in self.0 {
            // A grandchild that lives on may hold the pipe open: what it prints is not awaited.
            if let Ok(text) = stream.recv_timeout(Duration::from_secs(5)) {
                all.extend(text);
            }
        }
        String::from_utf8_lossy(&all).into_owned()
    }
}

fn follow(
    mut from: impl Read + Send + 'static,
    mut to: impl Write + Send + 'static,
) -> Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut kept = Vec::new();
        let mut buffer = vec![0; 64 << 10];
        while let Ok(count @ 1..) = from.read(&mut buffer) {
            // A reader that has left misses it; the report does not.
            let _ = to.write_all(&buffer[..count]).and_then(|()| to.flush());
            kept.extend_from_slice(&buffer[..count]);
            if kept.len() > 2 * KEPT {
                kept.drain(..kept.len() - KEPT);
            }
        }
        let _ = sender.send(kept);
    });
    receiver
}

/// Reports whether a file is a program that gdb can run.
fn is_elf(path: &Path) -> bool {
    let mut start = [0; 4];
    File::open(path)
        .and_then(|mut file| file.read_exact(&mut start))
        .is_ok()
        && start == *b"\x7fELF"
}

/// Version and build settings of a Go program. Empty without Go, or for another program.
fn build(program: &Path) -> Vec<String> {
    let said = Command::new("go")
        .args([OsStr::new("version"), OsStr::new("-m"), program.as_os_str()])
        .output();
    let Ok(said) = said else {
        return Vec::new();
    };
    let text = String::from_utf8_lossy(&said.stdout).into_owned();
    let mut lines = text.lines();
    let version = lines
        .next()
        .and_then(|line| line.rsplit_once(": "))
        .map(|(_, version)| version.to_owned());
    let settings = lines.filter_map(|line| {
        let mut words = line.trim().split('\t');
        match words.next() {
            // Defaults of every program of its Go version, and what is not set, tell nothing.
            Some("build") => words
                .next()
                .filter(|it| !it.starts_with("DefaultGODEBUG=") && !it.ends_with('='))
                .map(str::to_owned),
            Some("mod") => Some(format!("module {}", words.collect::<Vec<_>>().join(" "))),
            _ => None,
        }
    });
    version.into_iter().chain(settings).collect()
}

/// Signals that end programs.
const SIGNALS: [(&str, i32); 14] = [
    ("SIGHUP", 1),
    ("SIGINT", 2),
    ("SIGQUIT", 3),
    ("SIGILL", 4),
    ("SIGTRAP", 5),
    ("SIGABRT", 6),
    ("SIGBUS", 7),
    ("SIGFPE", 8),
    ("SIGKILL", 9),
    ("SIGUSR1", 10),
    ("SIGSEGV", 11),
    ("SIGPIPE", 13),
    ("SIGTERM", 15),
    ("SIGSYS", 31),
];

fn number(name: &str) -> Option<i32> {
    SIGNALS
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, number)| *number)
}

fn name(number: i32) -> String {
    match SIGNALS.iter().find(|(_, known)| *known == number) {
        Some((name, _)) => (*name).to_owned(),
        None => format!("signal {number}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watch(script: &str, hang: Option<Duration>) -> Collected {
        let command = ["/bin/sh", "-c", script].map(OsString::from);
        Program::new(&command)
            .unwrap()
            .alone(hang, "no debugger".to_owned())
            .unwrap()
    }

    #[test]
    fn without_a_debugger_the_end_and_the_output_are_known() {
        let ended = watch("echo out; echo err >&2; exit 3", None);
        assert_eq!(
            (ended.exit_code(), ended.output.as_str()),
            (3, "out\nerr\n")
        );
        assert_eq!(ended.missing, ["no debugger"]);
        let killed = watch("kill -SEGV $$", None);
        assert_eq!(
            (killed.exit_code(), killed.how()),
            (139, "ended by SIGSEGV".to_owned())
        );
    }

    #[test]
    fn what_hangs_is_ended_and_is_no_success() {
        let hung = watch("exec sleep 600", Some(Duration::from_millis(1)));
        assert!(hung.hung);
        assert_eq!(hung.exit_code(), HUNG);
    }

    #[test]
    fn the_time_of_a_program_that_has_not_begun_is_not_counted() {
        let mut child = Command::new("sleep").arg("0.2").spawn().unwrap();
        let never = || panic!("it is not asked to stop");
        let end = wait(&mut child, Some(Duration::ZERO), || false, never, || false).unwrap();
        assert!(!end.hung && end.status.is_some_and(|it| it.success()));
    }

    #[test]
    fn a_missing_program_is_named() {
        let error = Program::new(&["no-such-program-here".into()])
            .err()
            .unwrap();
        assert!(error.to_string().contains("no-such-program-here"));
    }

    #[test]
    fn names_and_numbers_of_signals_belong_together() {
        for (text, value) in SIGNALS {
            assert_eq!((number(text), name(value).as_str()), (Some(value), text));
        }
        assert_eq!(name(42), "signal 42");
    }

    #[test]
    fn what_ctrl_c_ends_has_the_exit_code_of_a_shell_whatever_else_is_known() {
        let ended = Collected {
            interrupted: true,
            hung: true,
            exit_code: Some(0),
            ..Collected::default()
        };
        assert_eq!(ended.exit_code(), 130);
        assert_eq!(ended.how(), "stopped by Ctrl-C");
    }

    #[test]
    fn the_reason_for_which_gdb_lost_a_program_is_not_what_it_says_last() {
        let broken = "linux-nat.c:1: internal-error: it is lost";
        let errors = format!("Function \"f\" not defined.\n{broken}\n\nA problem was detected.\n");
        let written = || Some("Remote connection closed".to_owned());
        assert_eq!(refusal(&errors, written()), broken);
        assert_eq!(
            refusal("A problem.\n\n", written()),
            "Remote connection closed"
        );
        assert_eq!(refusal("A problem.\n\n", None), "A problem.");
        assert_eq!(refusal("\n", None), "it gives no reason");
    }

    #[test]
    fn of_much_output_the_last_part_is_kept() {
        let lines = 2 * KEPT / 64 + 2000;
        let text: String = (0..lines).map(|it| format!("{it:063}\n")).collect();
        let from = io::Cursor::new(text.clone());
        let kept = follow(from, io::sink()).recv().unwrap();
        assert!((KEPT..=2 * KEPT).contains(&kept.len()), "{}", kept.len());
        assert!(text.as_bytes().ends_with(&kept));
    }
}
