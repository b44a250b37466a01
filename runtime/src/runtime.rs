//! A runtime: sessions, loads and events of one owner thread.

use std::collections::{BTreeSet, VecDeque};
use std::num::{NonZeroU8, NonZeroU32};
use std::path::PathBuf;
use std::time::Instant;

use crate::error::{Error, Word};
use crate::id::Id;
use crate::job::{Job, JobRunner};
use crate::loader::Loader;
use crate::mailbox::Wait;
use crate::outcome::Outcome;
use crate::owner_notifier::OwnerNotifier;
use crate::provider::ProviderSlot;
use crate::request::Request;
use crate::sync::thread::{self, ThreadId};
use crate::sync::{Arc, Mutex, now};
use crate::table::Table;
use crate::upcall;
use crate::workers::Workers;

/// Options of a new runtime.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuntimeOptions {
    /// The kind of threads that run the loads.
    pub workers: WorkerKind,
    /// The directory that `file:` URLs are resolved under. Without one they are not served.
    pub root: Option<PathBuf>,
    /// The number of loads that there may be at once, from their start until their event is drained. It
    /// bounds every queue of the runtime.
    pub max_loads: NonZeroU32,
}

impl Default for RuntimeOptions {
    /// Two worker threads, no root directory, 1024 loads.
    fn default() -> Self {
        RuntimeOptions {
            workers: WorkerKind::Threads(NonZeroU8::MIN.saturating_add(1)),
            root: None,
            max_loads: NonZeroU32::MIN.saturating_add(1023),
        }
    }
}

/// The kind of threads that run the loads of a runtime.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorkerKind {
    /// This many threads of the runtime's own.
    Threads(NonZeroU8),
    /// The owner, one job at a time, by [`runtime_step`](crate::Courier::runtime_step).
    Stepped,
}

/// The end of a load, which the owner keeps until it is drained.
#[derive(Debug)]
pub(crate) struct QueuedEvent {
    pub(crate) session: Id,
    pub(crate) load: u64,
    pub(crate) outcome: Outcome,
}

#[derive(Debug)]
pub(crate) struct Runtime {
    owner: ThreadId,
    pub(crate) notifier: Arc<OwnerNotifier>,
    pub(crate) provider: Arc<ProviderSlot>,
    pub(crate) workers: Workers<Job>,
    pub(crate) runner: JobRunner,
    /// Used on the owner thread only; the lock is never contended and makes the runtime shareable
    /// by id.
    pub(crate) owned: Mutex<Owned>,
}

#[derive(Debug)]
pub(crate) struct Owned {
    pub(crate) sessions: usize,
    pub(crate) events: VecDeque<QueuedEvent>,
    /// The number of loads whose event is not drained. A load is in at most one of job queue, mailbox and
    /// events, so that this number bounds them all.
    pub(crate) loads: u32,
    max_loads: u32,
    /// Deadlines of loads: moment, session, number. The earliest comes first.
    pub(crate) deadlines: BTreeSet<(Instant, Id, u64)>,
}

impl Owned {
    /// Counts a load that starts.
    ///
    /// # Errors
    /// [`Word::QueueFull`].
    pub(crate) fn begin_load(&mut self) -> Result<(), Error> {
        if self.loads == self.max_loads {
            return Err(Error::new(
                Word::QueueFull,
                format!(
                    "the runtime has {} loads, which is its limit; drain events first",
                    self.loads
                ),
            ));
        }
        self.loads += 1;
        Ok(())
    }

    /// Uncounts loads whose event was drained or will never be.
    pub(crate) fn end_loads(&mut self, count: usize) {
        self.loads -= u32::try_from(count).expect("no more than were begun");
    }

    /// Removes and returns the loads whose deadline has passed.
    pub(crate) fn take_due(&mut self) -> Vec<(Id, u64)> {
        let mut due = Vec::new();
        while let Some((deadline, session, load)) = self.deadlines.first().copied()
            && deadline <= now()
        {
            self.deadlines.pop_first();
            due.push((session, load));
        }
        due
    }
}

impl Runtime {
    /// A runtime owned by the calling thread, with its workers running.
    pub(crate) fn start(
        options: &RuntimeOptions,
        loader: Loader,
        requests: Arc<Table<Request>>,
        notifier: OwnerNotifier,
    ) -> Result<Runtime, Error> {
        let provider = Arc::new(ProviderSlot::new());
        let notifier = Arc::new(notifier);
        let runner = JobRunner {
            requests,
            provider: Arc::clone(&provider),
            loader: Arc::new(loader),
            notifier: Arc::clone(&notifier),
        };
        let workers = match options.workers {
            WorkerKind::Stepped => Workers::stepped(),
            WorkerKind::Threads(count) => {
                let runner = runner.clone();
                Workers::threads(count, move |job| runner.run(job)).map_err(|error| {
                    Error::new(
                        Word::System,
                        format!("cannot start a worker thread: {error}"),
                    )
                })?
            }
        };
        Ok(Runtime {
            owner: thread::current_id(),
            notifier,
            provider,
            workers,
            runner,
            owned: Mutex::new(Owned {
                sessions: 0,
                events: VecDeque::new(),
                loads: 0,
                max_loads: options.max_loads.get(),
                deadlines: BTreeSet::new(),
            }),
        })
    }

    /// The checks of every owner-thread call: the thread first, then that it is not made from
    /// inside a callback.
    pub(crate) fn check_owner(&self) -> Result<(), Error> {
        if thread::current_id() != self.owner {
            return Err(Error::new(
                Word::WrongThread,
                "this call belongs to the thread that created the runtime",
            ));
        }
        upcall::refuse_inside()
    }

    /// The time that the owner may sleep before it pumps.
    pub(crate) fn next_wait(&self) -> Wait {
        let owned = self.owned.lock();
        if !owned.events.is_empty() || !self.notifier.mailbox.is_idle() {
            return Wait::No;
        }
        let deadline = owned.deadlines.first().map(|(deadline, ..)| *deadline);
        match Wait::Forever.until(deadline) {
            Wait::AtMost(limit) if limit.is_zero() => Wait::No,
            wait => wait,
        }
    }

    /// Drops the jobs of loads that were ended before a worker took them. They would stay in the queue beyond
    /// the limit of loads, which counts a load only until its event is drained.
    pub(crate) fn discard_ended_jobs(&self) {
        self.workers.discard(|job| job.load.winner().is_some());
    }

    /// Ends all jobs and upcalls: none is left when this returns.
    ///
    /// Called when the runtime is destroyed, and not in its drop: a refused call on another thread may hold the
    /// last reference for a moment, and would then run the drop later, and on that thread.
    pub(crate) fn shut_down(&self) {
        self.workers.shut_down();
        self.provider.replace(None);
        self.notifier.close();
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        self.shut_down();
    }
}
