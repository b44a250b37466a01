//! A load, from the job that offers it to the provider, to the outcome that ends it.

use std::fmt;

use url::Url;

use crate::cancel_hook::CancelHook;
use crate::error::contain;
use crate::id::Id;
use crate::loader::Loader;
use crate::log::Level;
use crate::oneshot::{OneShot, Winner};
use crate::owner_notifier::{OwnerNotifier, PendingUpcalls};
use crate::provider::{Decision, ProviderSlot};
use crate::request::Request;
use crate::retained_buffer::RetainedBuffer;
use crate::sync::Arc;
use crate::table::Table;

/// The reason why a load failed. The values are part of the C ABI; 0 means that it did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(i32)]
pub enum Failure {
    /// The provider answered with an error.
    Provider = 1,
    /// The provider released the request without completing it.
    Dropped = 2,
    /// The provider's response or decision was malformed.
    BadResponse = 3,
    /// Neither the provider nor the loader serves such a URL.
    Unsupported = 4,
    /// There is no such file.
    NotFound = 5,
    /// The path leads out of the root directory.
    OutsideRoot = 6,
    /// The system failed to read the file.
    Io = 7,
    /// No handle was left for the request or for the payload.
    Internal = 8,
    /// The `data:` URL is malformed.
    Malformed = 9,
    /// The load's deadline passed.
    Expired = 10,
}

/// A failure and its text for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failed {
    pub(crate) failure: Failure,
    pub(crate) text: String,
}

/// The result of a load.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Completed(Vec<u8>),
    Failed(Failed),
    Cancelled,
}

impl Outcome {
    pub(crate) fn failed(failure: Failure, text: impl Into<String>) -> Outcome {
        Outcome::Failed(Failed {
            failure,
            text: text.into(),
        })
    }

    /// The importance of the load's record in the log.
    fn level(&self) -> Level {
        match self {
            // The library itself failed, which may well be a bug.
            Outcome::Failed(failed) if failed.failure == Failure::Internal => Level::Error,
            Outcome::Failed(_) => Level::Warn,
            Outcome::Completed(_) | Outcome::Cancelled => Level::Debug,
        }
    }
}

/// The text of the load's record in the log.
impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Outcome::Completed(bytes) => write!(f, "completed with {} bytes", bytes.len()),
            Outcome::Failed(failed) => write!(f, "failed: {}", failed.text),
            Outcome::Cancelled => f.write_str("cancelled"),
        }
    }
}

/// The message to the owner that a load ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) session: Id,
    pub(crate) load: u64,
    pub(crate) outcome: Outcome,
}

/// The right to end a load. The contender that claims it from the load's one-shot either
/// [reports](Self::report) an outcome, or drops it, which ends the load without an event.
#[derive(Debug)]
pub(crate) struct Ending {
    notifier: Arc<OwnerNotifier>,
    buffer: Arc<RetainedBuffer>,
    session: Id,
    load: u64,
}

impl Ending {
    /// Sends the outcome to the owner. The caller runs the upcalls when it holds no lock.
    pub(crate) fn report(self, outcome: Outcome) -> PendingUpcalls {
        let (session, load) = (self.session.to_raw(), self.load);
        if let Outcome::Completed(bytes) = &outcome {
            // Before the event, so that a host that sees the event finds the bytes in place.
            self.buffer.store(bytes);
        }
        let level = outcome.level();
        // Made here, because the outcome moves to the owner, and only if a logger reads it.
        let text = self
            .notifier
            .log
            .wants(level)
            .then(|| format!("load {load} of session {session:#x} {outcome}"));
        let edge = self.notifier.mailbox.post(Ended {
            session: self.session,
            load,
            outcome,
        });
        PendingUpcalls {
            notifier: self.notifier,
            edge,
            level,
            text,
        }
    }
}

/// A load, shared by its session, its job and its request.
#[derive(Debug)]
pub(crate) struct Load {
    /// The right to end it, which several contenders claim.
    end: OneShot<Ending>,
    /// The callback for its cancellation.
    pub(crate) on_cancel: CancelHook,
    /// The session's surface when the load was started.
    pub(crate) surface: usize,
}

impl Load {
    pub(crate) fn new(
        notifier: Arc<OwnerNotifier>,
        buffer: Arc<RetainedBuffer>,
        session: Id,
        load: u64,
        surface: usize,
    ) -> Load {
        let on_cancel = CancelHook::new(Arc::clone(&notifier.waits));
        Load {
            end: OneShot::new(Ending {
                notifier,
                buffer,
                session,
                load,
            }),
            on_cancel,
            surface,
        }
    }

    /// Takes the right to end the load, in the name of `contender`.
    ///
    /// # Errors
    /// The winner, if another contender was first.
    pub(crate) fn claim(&self, contender: Winner) -> Result<Ending, Winner> {
        self.end.claim(contender)
    }

    /// The contender that ended the load.
    pub(crate) fn winner(&self) -> Option<Winner> {
        self.end.winner()
    }

    /// Ends a load that nobody wants any more, and runs its cancellation callback. Without an outcome there
    /// is no event. The caller holds no lock.
    ///
    /// # Errors
    /// The winner, if another contender was first.
    pub(crate) fn abandon(
        &self,
        contender: Winner,
        outcome: Option<Outcome>,
    ) -> Result<(), Winner> {
        let ending = self.claim(contender)?;
        let notifier = Arc::clone(&ending.notifier);
        if let Some(outcome) = outcome {
            ending.report(outcome).run();
        }
        if let Err(panic) = self.on_cancel.fire() {
            let text = || format!("a cancellation callback panicked: {panic}");
            notifier.log.write(Level::Error, text);
        }
        Ok(())
    }
}

/// A load that waits for a worker.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) load: Arc<Load>,
    /// The URL in the host's spelling, which the provider gets.
    pub(crate) text: String,
    pub(crate) url: Url,
}

/// The parts of a runtime that a worker needs to run jobs.
#[derive(Clone, Debug)]
pub(crate) struct JobRunner {
    pub(crate) requests: Arc<Table<Request>>,
    pub(crate) provider: Arc<ProviderSlot>,
    pub(crate) loader: Arc<Loader>,
    pub(crate) notifier: Arc<OwnerNotifier>,
}

impl JobRunner {
    /// Runs one job until the load has ended, or the provider has taken it.
    pub(crate) fn run(&self, job: Job) {
        if job.load.winner().is_some() {
            return;
        }
        if !self.provider.is_installed() {
            return self.load_itself(&job);
        }
        let request = match self.requests.insert(Request::new(Arc::clone(&job.load))) {
            Ok(request) => request,
            Err(error) => {
                let outcome = Outcome::failed(Failure::Internal, error.to_string());
                return end(&job.load, outcome);
            }
        };
        match self.ask(request, &job.text) {
            Decision::Handle => {}
            Decision::Pass => {
                if self.take_back(request) {
                    self.load_itself(&job);
                }
            }
            Decision::Fail(text) => {
                if self.take_back(request) {
                    end(&job.load, Outcome::failed(Failure::Provider, text));
                }
            }
            Decision::Unknown(number) => {
                if self.take_back(request) {
                    let text = format!("the provider made an unknown decision: {number}");
                    end(&job.load, Outcome::failed(Failure::BadResponse, text));
                }
            }
        }
    }

    /// Offers the load to the provider. A panic of this foreign code is contained and counts as a failure.
    fn ask(&self, request: Id, url: &str) -> Decision {
        let ask = || {
            self.provider
                .call(|provider| provider.provide(request, url))
        };
        match contain(ask) {
            // The provider was cleared meanwhile, which counts as a pass.
            Ok(decision) => decision.unwrap_or(Decision::Pass),
            Err(panic) => {
                let text = format!("the provider panicked: {panic}");
                self.notifier.log.write(Level::Error, || text.clone());
                Decision::Fail(text)
            }
        }
    }

    /// Ends the provider's hold on a request that it did not want. Returns `false` if the provider has ended
    /// the load.
    fn take_back(&self, request: Id) -> bool {
        // Stale if the provider released it, which has ended the load.
        let held = self.requests.get(request);
        // Only the thread that ends the hold removes the handle.
        held.is_ok_and(|held| held.take_back()) && self.requests.remove(request).is_ok()
    }

    fn load_itself(&self, job: &Job) {
        end(&job.load, outcome_of(|| self.loader.load(&job.url)));
    }
}

/// The outcome of the loader's work. A panic is contained and becomes a failure; else it would end the worker,
/// and the load would never end.
fn outcome_of(load: impl FnOnce() -> Result<Vec<u8>, Failed>) -> Outcome {
    match contain(load) {
        Ok(Ok(bytes)) => Outcome::Completed(bytes),
        Ok(Err(failed)) => Outcome::Failed(failed),
        Err(panic) => Outcome::failed(Failure::Internal, format!("the loader panicked: {panic}")),
    }
}

/// Ends a load in the loader's name, unless another contender was first.
fn end(load: &Load, outcome: Outcome) {
    if let Ok(ending) = load.claim(Winner::Loader) {
        ending.report(outcome).run();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn req_16_a_panic_of_the_loader_is_a_failure() {
        let outcome = outcome_of(|| panic!("planted"));
        let Outcome::Failed(failed) = outcome else {
            panic!("{outcome:?}");
        };
        assert_eq!(failed.failure, Failure::Internal);
        assert_eq!(failed.text, "the loader panicked: planted");
        // As the header says of the level.
        assert_eq!(Outcome::Failed(failed).level(), Level::Error);
    }
}
