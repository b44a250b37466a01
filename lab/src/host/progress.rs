//! Says what goes on: a moving line on a terminal, plain lines elsewhere. All of it on stderr.

use std::env;
use std::io::{self, IsTerminal as _};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::host::out;
use crate::host::out::one_line;

/// Time after which a plain log hears that a long step is still alive.
const HEARTBEAT: Duration = Duration::from_secs(60);

/// A moving line on a terminal, or plain lines.
pub struct Progress {
    /// Present on a terminal.
    bar: Option<ProgressBar>,
    step: Mutex<Step>,
}

struct Step {
    what: String,
    started: Instant,
    last_sign: Instant,
}

impl Default for Progress {
    fn default() -> Progress {
        Progress::new()
    }
}

impl Progress {
    /// A moving line if stderr is a terminal and `CI` is not set.
    pub fn new() -> Progress {
        let moving = io::stderr().is_terminal() && env::var_os("CI").is_none();
        Progress {
            bar: moving.then(spinner),
            step: Mutex::new(Step {
                what: String::new(),
                started: Instant::now(),
                last_sign: Instant::now(),
            }),
        }
    }

    /// Begins the next step.
    pub fn step(&self, what: impl Into<String>) {
        let what = what.into();
        match &self.bar {
            Some(bar) => {
                bar.reset_elapsed();
                bar.set_message(what.clone());
            }
            None => out::say(&what),
        }
        let now = Instant::now();
        *self.now() = Step {
            what,
            started: now,
            last_sign: now,
        };
    }

    /// A line that stays.
    pub fn line(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| out::say(line)),
            None => out::say(line),
        }
        self.now().last_sign = Instant::now();
    }

    /// Shows the last line of the running child beside the step, on a terminal.
    pub fn detail(&self, line: &str) {
        // Rules and empty lines say nothing.
        let speaks = line.contains(|c: char| c.is_alphanumeric());
        if let (Some(bar), true) = (&self.bar, speaks) {
            let line = one_line(line, 100);
            bar.set_message(format!("{} · {line}", self.now().what));
        }
    }

    /// Called often while a child runs: a plain log gets a line a minute.
    pub fn tick(&self) {
        let mut step = self.now();
        if self.bar.is_none() && step.last_sign.elapsed() >= HEARTBEAT {
            step.last_sign = Instant::now();
            let minutes = step.started.elapsed().as_secs() / 60;
            out::say(format_args!("  … {minutes} min: {}", step.what));
        }
    }

    fn now(&self) -> MutexGuard<'_, Step> {
        self.step.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the moving line away.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.finish();
    }
}

fn spinner() -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {elapsed:>4} {wide_msg}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}
