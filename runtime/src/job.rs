//! A load's way through a worker: to the provider, or to the runtime's own loader.

use url::Url;

use crate::error::contain;
use crate::id::Id;
use crate::load::Load;
use crate::loader::Loader;
use crate::log::Level;
use crate::oneshot::Winner;
use crate::outcome::{Failed, Failure, Outcome};
use crate::owner_notifier::OwnerNotifier;
use crate::provider::{Decision, ProviderSlot};
use crate::request::Request;
use crate::sync::Arc;
use crate::table::Table;

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
