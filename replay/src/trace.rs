//! Traces: what children told of one scenario, and where they differ.

use std::fmt;
use std::io::{Read as _, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::RecvTimeoutError;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use courier_scenario::Op;
use courier_scenario::explore::text::Scenario;
use courier_scenario::through::Through;
use wait_timeout::ChildExt as _;

use crate::child::Message;
use crate::detector::REPORTED;
use crate::golang;
use crate::lines::lines_of;

/// Time without a word after which a child counts as hung. Its own watchdog, which knows the call, comes first.
pub const PATIENCE: Duration = Duration::from_secs(3 * golang::PATIENCE.as_secs());

/// One scenario through one driver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// The driver.
    pub through: Through,
    /// The steps that began, the teardown's too, each with its result if it had one.
    pub steps: Vec<TracedStep>,
    /// The end.
    pub end: End,
}

/// A step and its result, if it had one.
pub type TracedStep = (String, Option<String>);

/// The end of a trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// The library did what the model says.
    Held,
    /// It did not.
    Broken {
        /// The contracts in question, the most likely one first.
        contracts: Vec<String>,
        /// The report of the judge.
        report: String,
    },
    /// The process ended in the middle, in this way.
    Died(String),
    /// It said nothing for too long.
    Hung,
}

impl End {
    /// The contract in question; the way to die, where the process told of none.
    pub fn signature(&self) -> Option<&str> {
        match self {
            End::Held => None,
            End::Broken { contracts, .. } => Some(contracts.first().map_or("broken", |id| id)),
            End::Died(_) => Some("died"),
            End::Hung => Some("hung"),
        }
    }
}

impl Trace {
    /// Runs a scenario in a child, which is `program` with its arguments.
    ///
    /// # Errors
    /// It cannot be started, or has refused the scenario.
    pub fn of(
        mut program: Command,
        through: Through,
        scenario: &Scenario<Op>,
        patience: Duration,
    ) -> Result<Trace> {
        let mut child = program
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {:?}", program.get_program()))?;
        let mut steps = child.stdin.take().expect("it is piped");
        // A child that does not read ends without a trace, which tells.
        let _ = steps.write_all(scenario.to_string().as_bytes());
        drop(steps);
        let errors = {
            let mut stderr = child.stderr.take().expect("it is piped");
            thread::spawn(move || {
                let mut text = String::new();
                let _ = stderr.read_to_string(&mut text);
                text
            })
        };
        let mut trace = Trace {
            through,
            steps: Vec::new(),
            end: End::Hung,
        };
        let end = |child: &mut Child| {
            let _ = child.kill();
            let _ = child.wait();
        };
        match trace.follow(&mut child, patience) {
            // Of no use any more, be it that a call of its hangs.
            Followed::Ended => end(&mut child),
            Followed::Silent => {
                end(&mut child);
                trace.end = End::Hung;
            }
            Followed::Gone => {
                // It has closed its output, and may hang all the same.
                let Some(status) = child.wait_timeout(patience)? else {
                    end(&mut child);
                    trace.end = End::Hung;
                    return Ok(trace);
                };
                let errors = errors.join().unwrap_or_default();
                let said = errors.trim();
                if trace.steps.is_empty() && status.code() == Some(2) {
                    bail!("{}", said.strip_prefix("error: ").unwrap_or(said));
                }
                let said = match status.code() {
                    Some(REPORTED) => said,
                    _ => last_line(said),
                };
                trace.end = End::Died(format!("{status}: {said}"));
            }
        }
        Ok(trace)
    }

    fn follow(&mut self, child: &mut Child, patience: Duration) -> Followed {
        let told = lines_of(child.stdout.take().expect("it is piped"));
        loop {
            let line = match told.recv_timeout(patience) {
                Ok(line) => line,
                Err(RecvTimeoutError::Timeout) => return Followed::Silent,
                Err(RecvTimeoutError::Disconnected) => return Followed::Gone,
            };
            // What the library itself prints is none of ours.
            let Ok(message) = serde_json::from_str(&line) else {
                continue;
            };
            self.end = match message {
                Message::Step(step) => {
                    self.steps.push((step, None));
                    continue;
                }
                Message::Saw(saw) => {
                    if let Some((_, result)) = self.steps.last_mut() {
                        *result = Some(saw);
                    }
                    continue;
                }
                Message::Held => End::Held,
                Message::Broken { contracts, report } => End::Broken { contracts, report },
            };
            return Followed::Ended;
        }
    }
}

/// The way in which a child's output came to its end.
enum Followed {
    Ended,
    Silent,
    Gone,
}

fn last_line(text: &str) -> &str {
    text.lines().next_back().unwrap_or("without a word")
}

/// Traces of one scenario. Displays each step with what was seen, and then the verdict.
#[derive(Clone, Debug)]
pub struct Comparison {
    traces: Vec<Trace>,
    /// Steps of the scenario, without those of its teardown.
    length: usize,
}

impl Comparison {
    /// Compares traces of a scenario.
    pub fn of(scenario: &Scenario<Op>, traces: Vec<Trace>) -> Comparison {
        Comparison {
            traces,
            length: scenario.steps.len(),
        }
    }

    /// `true` if the library did in each what the model says.
    pub fn holds(&self) -> bool {
        self.traces.iter().all(|trace| trace.end == End::Held)
    }

    /// The first step that one of them did not end well, or the number of steps.
    fn first_broken(&self) -> usize {
        let broken = self.traces.iter().filter(|trace| trace.end != End::Held);
        let last = broken.map(|trace| trace.steps.len().saturating_sub(1));
        last.min().unwrap_or(self.length)
    }

    fn write_step(&self, f: &mut fmt::Formatter<'_>, at: usize) -> fmt::Result {
        let seen = |trace: &Trace| trace.steps.get(at).cloned();
        let mut groups: Vec<(Option<TracedStep>, Vec<Through>)> = Vec::new();
        for trace in &self.traces {
            let saw = seen(trace);
            match groups.iter_mut().find(|(other, _)| *other == saw) {
                Some((_, through)) => through.push(trace.through),
                None => groups.push((saw, vec![trace.through])),
            }
        }
        let alone = groups.len() == 1;
        let mut shown: Option<String> = None;
        for (saw, through) in groups {
            let Some((step, saw)) = saw else { continue };
            if shown.as_ref() != Some(&step) {
                writeln!(f, "{step}")?;
            }
            shown = Some(step);
            let saw = saw.unwrap_or_else(|| "no result".to_owned());
            if alone {
                writeln!(f, "     {saw}")?;
            } else {
                writeln!(f, "     {}: {saw}", names(&through))?;
            }
        }
        Ok(())
    }
}

fn names(through: &[Through]) -> String {
    let name = |through: &Through| {
        let options = through.to_string();
        options.trim_start_matches("--through ").to_owned()
    };
    let names: Vec<_> = through.iter().map(name).collect();
    names.join(", ")
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let broken = self.first_broken();
        for at in 0..self.length.min(broken) {
            self.write_step(f, at)?;
        }
        if self.holds() {
            let all: Vec<_> = self.traces.iter().map(|trace| trace.through).collect();
            let differ = self.differing();
            write!(f, "held through {}", names(&all))?;
            return match (all.len(), differ) {
                (1, _) => writeln!(f),
                (_, 0) => writeln!(f, "; all traces are equal"),
                (_, steps) => writeln!(
                    f,
                    "; {steps} of {} steps differ as the interfaces do, by their models",
                    self.length
                ),
            };
        }
        if broken >= self.length {
            writeln!(f, "and then, in the teardown:")?;
        }
        self.write_step(f, broken)?;
        for trace in &self.traces {
            let name = names(&[trace.through]);
            match &trace.end {
                End::Held => writeln!(f, "through {name}: held")?,
                End::Broken { report, .. } => writeln!(f, "through {name}: {report}")?,
                End::Died(how) => writeln!(f, "through {name}: the process died: {how}")?,
                End::Hung => writeln!(f, "through {name}: the process hung")?,
            }
        }
        Ok(())
    }
}

impl Comparison {
    /// Steps of the scenario that not all traces have alike.
    fn differing(&self) -> usize {
        let (first, others) = self.traces.split_first().expect("there is a trace");
        let differs = |at: &usize| {
            let same = |other: &Trace| other.steps.get(*at) == first.steps.get(*at);
            !others.iter().all(same)
        };
        (0..self.length).filter(differs).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The trace of a child that behaves as this script of a shell does.
    fn trace(script: &str, patience: Duration) -> Result<Trace> {
        let mut shell = Command::new("sh");
        shell.args(["-c", script]);
        Trace::of(shell, Through::C, &Scenario::from(Vec::new()), patience)
    }

    fn echo(message: &Message) -> String {
        format!("echo '{}';", serde_json::to_string(message).unwrap())
    }

    fn begun() -> String {
        echo(&Message::Step("0: One".to_owned()))
            + &echo(&Message::Saw("Done".to_owned()))
            + &echo(&Message::Step("0: Two".to_owned()))
    }

    fn steps() -> Vec<TracedStep> {
        let done = Some("Done".to_owned());
        vec![("0: One".to_owned(), done), ("0: Two".to_owned(), None)]
    }

    #[test]
    fn a_child_that_dies_in_a_step_leaves_its_trace() {
        let died = trace(&(begun() + "echo out of luck >&2; kill -9 $$"), PATIENCE).unwrap();
        assert_eq!(died.steps, steps());
        let how = "signal: 9 (SIGKILL): out of luck".to_owned();
        assert_eq!(died.end, End::Died(how));
        assert_eq!(died.end.signature(), Some("died"));
    }

    /// It says nothing any more, however long anybody waits.
    #[test]
    fn a_child_that_hangs_is_ended() {
        for script in ["exec tail -f /dev/null", "exec sleep infinity >&-"] {
            let hung = trace(script, Duration::from_millis(1)).unwrap();
            assert_eq!(hung.end, End::Hung, "{script}");
        }
    }

    #[test]
    fn a_child_that_refuses_the_scenario_is_an_error() {
        let refused = trace("echo error: no such driver >&2; exit 2", PATIENCE);
        assert_eq!(refused.unwrap_err().to_string(), "no such driver");
    }

    #[test]
    fn what_the_library_prints_is_no_part_of_a_trace() {
        let broken = Message::Broken {
            contracts: vec!["REQ-04".to_owned()],
            report: "it broke".to_owned(),
        };
        let script = format!(
            "{} echo hello; {} exec tail -f /dev/null",
            begun(),
            echo(&broken)
        );
        let trace = trace(&script, PATIENCE).unwrap();
        assert_eq!(trace.steps, steps());
        assert_eq!(trace.end.signature(), Some("REQ-04"));
    }

    fn trace_of(through: Through, results: &[&str], end: End) -> Trace {
        let step = |(at, saw): (usize, &&str)| {
            let saw = (!saw.is_empty()).then(|| (*saw).to_owned());
            (format!("0: Step{at}"), saw)
        };
        Trace {
            through,
            steps: results.iter().enumerate().map(step).collect(),
            end,
        }
    }

    fn compared(length: usize, traces: Vec<Trace>) -> (bool, String) {
        let comparison = Comparison { traces, length };
        (comparison.holds(), comparison.to_string())
    }

    #[test]
    fn equal_traces_are_shown_once_and_what_differs_beside_each_other() {
        let held = |through, results: &[&str]| trace_of(through, results, End::Held);
        let equal = vec![
            held(Through::C, &["a", "b", "teardown"]),
            held(Through::Go, &["a", "b", "another"]),
        ];
        let text = "0: Step0\n     a\n0: Step1\n     b\nheld through c, go; all traces are equal\n";
        assert_eq!(compared(2, equal), (true, text.to_owned()));
        let other = vec![
            held(Through::C, &["a", "b"]),
            held(Through::Go, &["a", "x"]),
        ];
        let text = "0: Step0\n     a\n0: Step1\n     c: b\n     go: x\n\
                    held through c, go; 1 of 2 steps differ as the interfaces do, by their models\n";
        assert_eq!(compared(2, other), (true, text.to_owned()));
    }

    #[test]
    fn the_first_broken_step_is_the_last_that_is_shown() {
        let broken = End::Broken {
            contracts: vec!["REQ-04".to_owned()],
            report: "it broke".to_owned(),
        };
        let traces = vec![
            trace_of(Through::C, &["a", "b", "c"], End::Held),
            trace_of(Through::Go, &["a", ""], End::Died("signal: 6".to_owned())),
            trace_of(Through::C, &["a", "b", "x"], broken),
        ];
        let text = "0: Step0\n     a\n0: Step1\n     c, c: b\n     go: no result\n\
                    through c: held\nthrough go: the process died: signal: 6\n\
                    through c: it broke\n";
        assert_eq!(compared(3, traces), (false, text.to_owned()));
    }
}
