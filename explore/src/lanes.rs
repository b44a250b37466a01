//! Lanes: the threads that a scenario's steps run on, one at a time.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::operation::LANES;
use crate::stopped::Stopped;

/// Time after which a step counts as hung. Steps take microseconds; this is for machines
/// that have much else to do.
const WATCHDOG: Duration = Duration::from_secs(30);

type Task = Box<dyn FnOnce() + Send>;

/// Threads that take tasks, kept for as many scenarios as there are.
#[derive(Debug)]
pub struct Lanes {
    lanes: Vec<Lane>,
    /// A lane is stuck in a task and must not be waited for.
    stuck: bool,
}

#[derive(Debug)]
struct Lane {
    tasks: Sender<Task>,
    thread: JoinHandle<()>,
}

impl Lanes {
    /// Starts the threads.
    pub fn start() -> Lanes {
        let lanes = (0..LANES)
            .map(|number| {
                let (tasks, queue): (Sender<Task>, Receiver<Task>) = channel();
                let thread = thread::Builder::new()
                    .name(format!("lane-{number}"))
                    .spawn(move || queue.into_iter().for_each(|task| task()))
                    .expect("a scenario needs four threads");
                Lane { tasks, thread }
            })
            .collect();
        Lanes {
            lanes,
            stuck: false,
        }
    }

    /// Runs a task on a lane and waits for its result.
    ///
    /// # Errors
    /// The task panicked or hangs.
    pub fn run<R: Send + 'static>(
        &mut self,
        lane: u8,
        task: impl FnOnce() -> R + Send + 'static,
    ) -> Result<R, Stopped> {
        let result = self.start_on(lane, task);
        self.wait_for(&result)
    }

    /// Runs one task on each of several lanes, and waits for their results.
    ///
    /// # Errors
    /// One of them panicked or hangs.
    pub fn run_together<R: Send + 'static>(
        &mut self,
        tasks: Vec<(u8, impl FnOnce() -> R + Send + 'static)>,
    ) -> Result<Vec<R>, Stopped> {
        let results: Vec<_> = tasks
            .into_iter()
            .map(|(lane, task)| self.start_on(lane, task))
            .collect();
        results.iter().map(|result| self.wait_for(result)).collect()
    }

    fn start_on<R: Send + 'static>(
        &mut self,
        lane: u8,
        task: impl FnOnce() -> R + Send + 'static,
    ) -> Receiver<thread::Result<R>> {
        let (done, result) = channel();
        let task = move || {
            let outcome = catch_unwind(AssertUnwindSafe(task));
            // The receiver is gone only if the step has timed out.
            let _ = done.send(outcome);
        };
        self.lanes[usize::from(lane)]
            .tasks
            .send(Box::new(task))
            .expect("a lane takes tasks until it is dropped");
        result
    }

    fn wait_for<R>(&mut self, result: &Receiver<thread::Result<R>>) -> Result<R, Stopped> {
        match result.recv_timeout(WATCHDOG) {
            Ok(Ok(result)) => Ok(result),
            Ok(Err(payload)) => Err(Stopped::of_panic(&*payload)),
            Err(_) => {
                self.stuck = true;
                let text = format!("the call has not returned after {WATCHDOG:?}");
                Err(Stopped::hung(text))
            }
        }
    }
}

impl Drop for Lanes {
    fn drop(&mut self) {
        if self.stuck {
            return;
        }
        for Lane { tasks, thread } in self.lanes.drain(..) {
            drop(tasks);
            // Tasks contain their panics.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stopped::{holds, violated};

    #[test]
    fn a_lane_is_one_thread_and_lanes_are_different_ones() {
        let mut lanes = Lanes::start();
        let mut thread = |lane| lanes.run(lane, || thread::current().id()).unwrap();
        let ids: Vec<_> = (0..LANES).map(&mut thread).collect();
        assert_eq!(ids, (0..LANES).map(thread).collect::<Vec<_>>());
        for (index, id) in ids.iter().enumerate() {
            assert!(!ids[..index].contains(id), "{ids:?}");
        }
    }

    /// Each waits for the others: one after the other, they would never end.
    #[test]
    fn tasks_that_run_together_meet() {
        let barrier = std::sync::Arc::new(std::sync::Barrier::new(3));
        let tasks = (1..LANES).map(|lane| {
            let barrier = std::sync::Arc::clone(&barrier);
            let task = move || {
                barrier.wait();
                lane
            };
            (lane, task)
        });
        let results = Lanes::start().run_together(tasks.collect());
        assert_eq!(results, Ok(vec![1, 2, 3]));
    }

    #[test]
    fn a_task_that_panics_stops_its_step_and_not_its_lane() {
        let mut lanes = Lanes::start();
        let stopped = |contract, text: &str| Stopped {
            contract,
            text: text.to_owned(),
            hung: false,
        };
        assert_eq!(
            lanes.run::<()>(1, || violated("CNT-01", "too many".to_owned())),
            Err(stopped(Some("CNT-01"), "too many"))
        );
        assert_eq!(
            lanes.run(1, || holds("CNT-02", "the rest", 1, 2)),
            Err(stopped(Some("CNT-02"), "the rest: 2, not 1"))
        );
        // Does not call the panic hook, which would print it.
        let panic = || std::panic::resume_unwind(Box::new("out of luck"));
        assert_eq!(
            lanes.run::<()>(1, panic),
            Err(stopped(None, "the call panicked: out of luck"))
        );
        assert_eq!(lanes.run(1, || holds("CNT-02", "the rest", 1, 1)), Ok(()));
    }
}
