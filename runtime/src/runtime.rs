//! A runtime: what one owner thread owns.

use std::collections::VecDeque;
use std::num::NonZeroU8;
use std::path::PathBuf;

use crate::error::{Error, Word};
use crate::id::Id;
use crate::load::{Ended, Job, JobRunner, Outcome};
use crate::loader::Loader;
use crate::mailbox::Mailbox;
use crate::provider::{self, ProviderSlot};
use crate::request::Request;
use crate::sync::thread::{self, ThreadId};
use crate::sync::{Arc, Mutex};
use crate::table::Table;
use crate::workers::Workers;

/// How a new runtime is set up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuntimeOptions {
    /// Who runs the loads.
    pub workers: WorkerKind,
    /// The directory that `file:` URLs are resolved under. Without one they are not served.
    pub root: Option<PathBuf>,
}

impl Default for RuntimeOptions {
    /// Two worker threads, no root directory.
    fn default() -> Self {
        RuntimeOptions {
            workers: WorkerKind::Threads(NonZeroU8::MIN.saturating_add(1)),
            root: None,
        }
    }
}

/// Who runs the loads of a runtime.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorkerKind {
    /// This many threads of the runtime's own.
    Threads(NonZeroU8),
    /// The owner, one job at a time, by [`runtime_step`](crate::Courier::runtime_step).
    Stepped,
}

/// The end of a load as the owner keeps it until it is drained.
#[derive(Debug)]
pub(crate) struct QueuedEvent {
    pub(crate) session: Id,
    pub(crate) load: u64,
    pub(crate) outcome: Outcome,
}

#[derive(Debug)]
pub(crate) struct Runtime {
    owner: ThreadId,
    pub(crate) mailbox: Arc<Mailbox<Ended>>,
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
}

impl Runtime {
    /// A runtime owned by the calling thread, with its workers running.
    pub(crate) fn start(
        workers: WorkerKind,
        loader: Loader,
        requests: Arc<Table<Request>>,
    ) -> Result<Runtime, Error> {
        let provider = Arc::new(ProviderSlot::new());
        let runner = JobRunner {
            requests,
            provider: Arc::clone(&provider),
            loader: Arc::new(loader),
        };
        let workers = match workers {
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
            mailbox: Arc::new(Mailbox::new()),
            provider,
            workers,
            runner,
            owned: Mutex::new(Owned {
                sessions: 0,
                events: VecDeque::new(),
            }),
        })
    }

    /// The checks of every owner-thread call: the thread first, then that it is not made from
    /// inside a provider call.
    pub(crate) fn check_owner(&self) -> Result<(), Error> {
        if thread::current_id() != self.owner {
            return Err(Error::new(
                Word::WrongThread,
                "this call belongs to the thread that created the runtime",
            ));
        }
        provider::refuse_inside()
    }

    /// Ends everything that runs: no job and no provider call is left when this returns.
    ///
    /// Destroying a runtime calls it; dropping the last reference would not do, since a refused
    /// call on another thread can hold one for a moment and end it later, over there.
    pub(crate) fn shut_down(&self) {
        self.workers.shut_down();
        self.provider.replace(None);
        self.mailbox.close();
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        self.shut_down();
    }
}
