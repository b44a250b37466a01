//! Workers, which run the jobs that an owner queues.
//!
//! There are two kinds. *Threads* run jobs as they come. *Stepped* workers run nothing by themselves: the
//! host runs one job at a time, so that the order of events follows from its calls alone and is reproducible.

use std::collections::VecDeque;
use std::io;
use std::num::NonZeroU8;

use crate::queue::take_out;
use crate::sync::refusal::{Step, step};
use crate::sync::thread::{self, JoinHandle};
use crate::sync::{Arc, Condvar, Mutex};

/// Jobs that wait for a worker.
#[derive(Debug)]
struct Queue<J> {
    state: Mutex<QueueState<J>>,
    changed: Condvar,
}

#[derive(Debug)]
struct QueueState<J> {
    jobs: VecDeque<J>,
    closed: bool,
}

impl<J> Queue<J> {
    fn push(&self, job: J) {
        self.state.lock().jobs.push_back(job);
        self.changed.notify_one();
    }

    fn try_pop(&self) -> Option<J> {
        self.state.lock().jobs.pop_front()
    }

    /// Waits for a job; `None` when the queue is closed.
    fn pop(&self) -> Option<J> {
        let mut state = self.state.lock();
        loop {
            if state.closed {
                return None;
            }
            if let Some(job) = state.jobs.pop_front() {
                return Some(job);
            }
            state = self.changed.wait(state);
        }
    }

    fn discard(&self, unwanted: impl Fn(&J) -> bool) {
        let discarded = take_out(&mut self.state.lock().jobs, unwanted);
        drop(discarded);
    }

    fn close(&self) {
        let unrun = {
            let mut state = self.state.lock();
            state.closed = true;
            std::mem::take(&mut state.jobs)
        };
        self.changed.notify_all();
        // Outside the lock: a job's drop is not our code.
        drop(unrun);
    }
}

/// A queue of jobs, and the threads that run them, if there are any.
#[derive(Debug)]
pub(crate) struct Workers<J> {
    queue: Arc<Queue<J>>,
    stepped: bool,
    /// The threads that have not been joined.
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl<J: Send + 'static> Workers<J> {
    /// Workers without threads: the caller of [`take`](Self::take) runs the jobs.
    pub(crate) fn stepped() -> Workers<J> {
        Workers {
            stepped: true,
            queue: Arc::new(Queue {
                state: Mutex::new(QueueState {
                    jobs: VecDeque::new(),
                    closed: false,
                }),
                changed: Condvar::new(),
            }),
            threads: Mutex::new(Vec::new()),
        }
    }

    /// Workers with `count` threads that pass each job to `run`, which must not panic.
    ///
    /// # Errors
    /// The operating system's, when it refuses a thread. Threads that have started are joined first.
    pub(crate) fn threads<F>(count: NonZeroU8, run: F) -> io::Result<Workers<J>>
    where
        F: Fn(J) + Clone + Send + 'static,
    {
        let workers = Workers {
            stepped: false,
            ..Workers::stepped()
        };
        for number in 0..count.get() {
            let queue = Arc::clone(&workers.queue);
            let run = run.clone();
            let body = move || {
                while let Some(job) = queue.pop() {
                    run(job);
                }
            };
            let name = format!("courier-worker-{number}");
            // Joins outside the lock that joining takes.
            let thread = step(Step::Thread)
                .and_then(|()| thread::spawn(name, body))
                .inspect_err(|_| workers.shut_down())?;
            workers.threads.lock().push(thread);
        }
        Ok(workers)
    }
}

impl<J> Workers<J> {
    /// Queues a job.
    pub(crate) fn push(&self, job: J) {
        self.queue.push(job);
    }

    /// Removes the next job, for a caller that runs it itself.
    pub(crate) fn take(&self) -> Option<J> {
        self.queue.try_pop()
    }

    /// The number of jobs that wait.
    #[cfg(feature = "test-hooks")]
    pub(crate) fn inspect(&self) -> usize {
        self.queue.state.lock().jobs.len()
    }

    /// Drops the queued jobs that are not wanted any more.
    pub(crate) fn discard(&self, unwanted: impl Fn(&J) -> bool) {
        self.queue.discard(unwanted);
    }

    /// Reports whether the caller runs the jobs.
    pub(crate) fn is_stepped(&self) -> bool {
        self.stepped
    }

    /// Discards the jobs that have not begun, and waits for the others. Later jobs do not run. May be called
    /// again.
    pub(crate) fn shut_down(&self) {
        self.queue.close();
        let threads = std::mem::take(&mut *self.threads.lock());
        for thread in threads {
            // A job that panicked has reported itself; there is nobody to pass the panic on to.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shutting_down_discards_unrun_jobs() {
        let job = Arc::new(());
        let workers = Workers::stepped();
        workers.push(Arc::clone(&job));
        workers.push(Arc::clone(&job));
        workers.push(Arc::new(()));
        workers.discard(|other| !Arc::ptr_eq(other, &job));
        assert!(workers.take().is_some());
        assert_eq!(Arc::strong_count(&job), 2);
        workers.shut_down();
        assert_eq!(Arc::strong_count(&job), 1);
        workers.shut_down();
    }

    #[test]
    fn threads_run_what_is_pushed_and_are_joined() {
        let done = Arc::new(Mutex::new(0));
        let seen = Arc::new(Condvar::new());
        let run = {
            let (done, seen) = (Arc::clone(&done), Arc::clone(&seen));
            move |job: u32| {
                *done.lock() += job;
                seen.notify_all();
            }
        };
        let workers = Workers::threads(NonZeroU8::new(2).unwrap(), run).unwrap();
        workers.push(1);
        workers.push(2);
        let mut sum = done.lock();
        while *sum != 3 {
            sum = seen.wait(sum);
        }
        drop(sum);
        workers.shut_down();
        assert_eq!(Arc::strong_count(&done), 1, "the threads are gone");
    }
}
