//! Stops that gdb asks threads for, and that they are never told of.
//!
//! gdb stops all threads when one has something to tell: it sends each a SIGSTOP, and waits without a limit. When
//! anybody sends the program a SIGCONT, Linux takes each SIGSTOP back that a thread has not seen yet (signal(7)). gdb
//! would then wait for ever, and the thread that has stopped with it.
//!
//! A SIGSTOP that was taken back is sent again. A thread that has just begun may have ended without it, which confuses
//! gdb 13 for good.

use std::collections::BTreeSet;
use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// The time that threads get to stop.
const PATIENCE: Duration = Duration::from_millis(300);

/// The time that gdb gets to do anything.
const GIVE_UP: Duration = Duration::from_secs(10);

/// The time that a thread gets to see a signal, in looks of a millisecond.
const LOOKS: usize = 50;

/// How often threads are asked again, before one at least stops standing still.
const REPEATS: u32 = 10;

/// A watch over one gdb, which is asked to look from time to time.
pub(super) struct LostStop {
    gdb: u32,
    waits: Option<Waits>,
}

/// A gdb for which threads of its program stand still.
struct Waits {
    /// The processor time that gdb has had, user and system: it has done nothing since if this is the same.
    worked: (String, String),
    since: Instant,
    /// Threads that run on, and since when these are the ones.
    lost: BTreeSet<i32>,
    lost_since: Instant,
    /// How often they were asked again.
    repeated: u32,
}

impl LostStop {
    pub(super) fn of(gdb: u32) -> LostStop {
        LostStop { gdb, waits: None }
    }

    /// Repeats each SIGSTOP that was taken back from a thread of a program, and reports whether gdb will never go on.
    pub(super) fn look(&mut self, program: Option<i32>) -> bool {
        let seen = program.and_then(|program| self.seen(program));
        self.judge(seen)
    }

    /// Compares what is so now with what was so before.
    fn judge(&mut self, seen: Option<Waits>) -> bool {
        let before = self.waits.take();
        let Some(mut waits) = seen else {
            return false;
        };
        if let Some(before) = before {
            waits.repeated = before.repeated;
            if waits.worked == before.worked {
                waits.since = before.since;
                if waits.lost == before.lost {
                    waits.lost_since = before.lost_since;
                }
            }
        }
        if !waits.lost.is_empty() && waits.lost_since.elapsed() >= PATIENCE {
            waits.lost_since = Instant::now();
            waits.repeated += 1;
            waits.lost.iter().copied().for_each(stop);
        }
        let gives_up = waits.repeated > REPEATS || waits.since.elapsed() >= GIVE_UP;
        self.waits = Some(waits);
        gives_up
    }

    /// What is so now; `None` if no thread stands still.
    fn seen(&self, program: i32) -> Option<Waits> {
        let threads = fs::read_dir(format!("/proc/{program}/task")).ok()?;
        let threads: Vec<(i32, Status)> = threads
            .filter_map(|entry| {
                let thread = entry.ok()?.file_name().to_str()?.parse().ok()?;
                Some((thread, read(&format!("{program}/task/{thread}"))?))
            })
            .collect();
        let now = Instant::now();
        Some(Waits {
            lost: lost(&threads)?,
            worked: worked(self.gdb)?,
            since: now,
            lost_since: now,
            repeated: 0,
        })
    }
}

/// The threads that run on while others stand still; `None` if none does.
fn lost(threads: &[(i32, Status)]) -> Option<BTreeSet<i32>> {
    let one_stands = threads.iter().any(|(_, it)| it.stands_still());
    let lost = threads.iter().filter(|(_, it)| it.runs_on());
    one_stands.then(|| lost.map(|(thread, _)| *thread).collect())
}

/// Reports whether a debugger has stopped a thread.
pub(super) fn stands_still(thread: i32) -> bool {
    read(&thread.to_string()).is_some_and(|it| it.stands_still())
}

/// The processor time of all threads of a process, user and system.
fn worked(process: u32) -> Option<(String, String)> {
    times(&fs::read_to_string(format!("/proc/{process}/stat")).ok()?)
}

/// The times in the text of `/proc/PID/stat` (proc_pid_stat(5)).
fn times(stat: &str) -> Option<(String, String)> {
    // The name, which may have blanks and brackets, is the second field; user and system time are the 14th and 15th.
    let mut fields = stat.rsplit_once(") ")?.1.split(' ').skip(11);
    Some((fields.next()?.to_owned(), fields.next()?.to_owned()))
}

/// Stops a thread that a debugger follows.
fn stop(thread: i32) {
    let pid = Pid::from_raw(thread);
    // It may have ended meanwhile. Of the threads of its program this one is asked first, and the next one cannot be
    // asked before it has seen it: a process has each signal once.
    if pid.is_none_or(|pid| kill_process(pid, Signal::STOP).is_err()) {
        return;
    }
    for _ in 0..LOOKS {
        if read(&thread.to_string()).is_none_or(|it| !it.will_stop()) {
            return;
        }
        thread::sleep(Duration::from_millis(1));
    }
}

/// The `/proc/…/status` of a process or thread.
struct Status(String);

fn read(name: &str) -> Option<Status> {
    fs::read_to_string(format!("/proc/{name}/status"))
        .ok()
        .map(Status)
}

impl Status {
    fn field(&self, name: &str) -> Option<&str> {
        let line = self.0.lines().find_map(|line| line.strip_prefix(name));
        line.map(str::trim)
    }

    /// Reports whether its state is one of these letters.
    fn is_in(&self, states: &str) -> bool {
        let state = self.field("State:").and_then(|it| it.chars().next());
        state.is_some_and(|it| states.contains(it))
    }

    /// Reports whether a SIGSTOP waits to be seen.
    fn will_stop(&self) -> bool {
        let stop = 1 << (Signal::STOP.as_raw() - 1);
        ["SigPnd:", "ShdPnd:"].into_iter().any(|name| {
            let mask = self.field(name).map(|it| u64::from_str_radix(it, 16));
            mask.is_none_or(|it| it.is_ok_and(|it| it & stop != 0))
        })
    }

    fn stands_still(&self) -> bool {
        self.is_in("t")
    }

    fn runs_on(&self) -> bool {
        self.is_in("RSD") && !self.will_stop()
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use rustix::process::{WaitOptions, waitpid};

    use super::*;

    fn status(state: &str, own: &str, shared: &str) -> Status {
        Status(format!(
            "Name:\tx\nState:\t{state}\nSigPnd:\t{own}\nShdPnd:\t{shared}\n"
        ))
    }

    #[test]
    fn a_thread_that_stands_or_will_stop_has_lost_nothing() {
        let (none, stop) = ("0000000000000000", "0000000000040000");
        assert!(status("S (sleeping)", none, none).runs_on());
        assert!(status("R (running)", "0000000000000400", none).runs_on());
        assert!(!status("t (tracing stop)", none, none).runs_on());
        assert!(!status("Z (zombie)", none, none).runs_on());
        assert!(!status("S (sleeping)", stop, none).runs_on());
        assert!(!status("S (sleeping)", none, stop).runs_on());
        assert!(!Status(String::new()).runs_on());
    }

    #[test]
    fn the_times_of_a_process_are_found_behind_any_name_and_grow_with_its_work() {
        let stat = "7 (a) b (c) R 1 7 7 0 -1 4194304 91 0 0 0 14 15 0 0 20 0 3 0 812 9 9";
        assert_eq!(times(stat), Some(("14".to_owned(), "15".to_owned())));
        assert_eq!(times("7 (cut off) R 1 7"), None);
        let here = std::process::id();
        let (before, started) = (worked(here), Instant::now());
        assert!(before.is_some());
        while worked(here) == before {
            assert!(started.elapsed() < Duration::from_secs(60), "{before:?}");
        }
    }

    #[test]
    fn threads_are_lost_if_they_run_on_while_another_stands() {
        let none = "0000000000000000";
        let [stands, runs] =
            ["t (tracing stop)", "S (sleeping)"].map(|it| move || status(it, none, none));
        assert_eq!(lost(&[(1, stands()), (2, runs())]), Some([2].into()));
        assert_eq!(lost(&[(1, stands())]), Some(BTreeSet::new()));
        assert_eq!(lost(&[(1, runs()), (2, runs())]), None);
    }

    /// An instant of which no time has passed, however slow a test is.
    fn fresh() -> Instant {
        Instant::now() + Duration::from_secs(3600)
    }

    fn passed(time: Duration) -> Instant {
        Instant::now().checked_sub(time).unwrap()
    }

    fn waits(worked: &str, lost: &[i32], since: Instant) -> Waits {
        Waits {
            worked: (worked.to_owned(), String::new()),
            since,
            lost: lost.iter().copied().collect(),
            lost_since: since,
            repeated: 0,
        }
    }

    #[test]
    fn a_gdb_that_does_nothing_while_threads_stand_is_given_up() {
        let judge = |since, now| {
            let mut watch = LostStop::of(0);
            watch.waits = Some(waits("1", &[], since));
            watch.judge(now)
        };
        let now = |worked| Some(waits(worked, &[], fresh()));
        assert!(judge(passed(GIVE_UP), now("1")));
        assert!(!judge(passed(GIVE_UP), now("2")));
        assert!(!judge(passed(GIVE_UP), None));
        assert!(!judge(fresh(), now("1")));
    }

    #[test]
    fn threads_that_stay_lost_are_asked_again_and_at_last_given_up() {
        // No thread has this number.
        let lost = [i32::MAX];
        let mut watch = LostStop::of(0);
        let mut asked = |worked, lost: &[i32], since| {
            if let Some(before) = &mut watch.waits {
                before.lost_since = since;
            }
            let gives_up = watch.judge(Some(waits(worked, lost, fresh())));
            let repeated = watch.waits.as_ref().map(|it| it.repeated);
            (repeated.unwrap(), gives_up)
        };
        let patience = passed(PATIENCE);
        assert_eq!(asked("1", &lost, patience), (0, false));
        assert_eq!(asked("1", &lost, fresh()), (0, false));
        // Where gdb works, or other threads are lost, time begins anew.
        assert_eq!(asked("2", &lost, patience), (0, false));
        assert_eq!(asked("2", &[], patience), (0, false));
        assert_eq!(asked("2", &lost, patience), (0, false));
        for times in 1..=REPEATS {
            assert_eq!(asked("2", &lost, patience), (times, false));
        }
        assert_eq!(asked("2", &lost, patience), (REPEATS + 1, true));
    }

    #[test]
    fn what_is_lost_is_stopped_after_all() {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let number = i32::try_from(child.id()).unwrap();
        let lost = |since| waits("1", &[number], since);
        let mut watch = LostStop::of(0);
        watch.waits = Some(lost(passed(PATIENCE)));
        watch.judge(Some(lost(fresh())));
        let (_, status) = waitpid(Pid::from_raw(number), WaitOptions::UNTRACED)
            .unwrap()
            .unwrap();
        assert!(status.stopped(), "{status:?}");
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
