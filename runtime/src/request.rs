//! A request: a provider's hold on one load.

use crate::cancel_hook::OnCancel;
use crate::error::{Error, Word};
use crate::load::{Failure, Load, Outcome};
use crate::oneshot::Winner;
use crate::outlet::Notice;
use crate::sync::{Arc, Mutex};

/// What a provider answers to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Response {
    /// The resource.
    Bytes(Vec<u8>),
    /// The load fails with this text.
    Error(String),
}

/// The provider's end of a load. Completed at most once, released exactly once, on any thread.
#[derive(Debug)]
pub(crate) struct Request {
    load: Arc<Load>,
    /// Held by the calls that a release waits for. Never during an upcall.
    calls: Mutex<()>,
}

impl Request {
    pub(crate) fn new(load: Arc<Load>) -> Request {
        Request {
            load,
            calls: Mutex::new(()),
        }
    }

    /// Ends the load with the response, or with the error of a malformed one, which is returned and
    /// consumes the request all the same.
    pub(crate) fn complete(&self, response: Result<Response, Error>) -> Result<(), Error> {
        let (notice, result) = self.end_load(response)?;
        // Not needed any more. Its drop is foreign code.
        self.load.on_cancel.close();
        notice.send();
        result
    }

    fn end_load(
        &self,
        response: Result<Response, Error>,
    ) -> Result<(Notice, Result<(), Error>), Error> {
        let _call = self.calls.lock();
        let ending = self
            .load
            .claim(Winner::Provider)
            .map_err(|winner| match winner {
                Winner::Provider => Error::new(Word::Completed, "the request was completed before"),
                Winner::Cancel => Error::new(Word::Cancelled, "the load was cancelled"),
                Winner::Deadline => Error::new(Word::Expired, "the load's deadline has passed"),
                Winner::Loader => Error::new(Word::LoadEnded, "the load has ended"),
            })?;
        let (outcome, result) = match response {
            Ok(Response::Bytes(bytes)) => (Outcome::Completed(bytes), Ok(())),
            Ok(Response::Error(text)) => (Outcome::failed(Failure::Provider, text), Ok(())),
            Err(error) => (
                Outcome::failed(Failure::BadResponse, error.to_string()),
                Err(error),
            ),
        };
        Ok((ending.report(outcome), result))
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        let _call = self.calls.lock();
        matches!(self.load.winner(), Some(Winner::Cancel | Winner::Deadline))
    }

    /// Has `hook` called when the load is cancelled. `true` if it was before.
    pub(crate) fn on_cancel(&self, hook: OnCancel) -> Result<bool, Error> {
        self.load.on_cancel.set(hook, || self.load.winner())
    }

    /// Takes the hook out, waiting for one that runs on another thread.
    pub(crate) fn clear_on_cancel(&self) {
        self.load.on_cancel.clear();
    }

    pub(crate) fn surface(&self) -> usize {
        self.load.surface
    }

    #[cfg(feature = "test-hooks")]
    pub(crate) fn inspect(&self) -> crate::inspect::RequestState {
        crate::inspect::RequestState {
            winner: self.load.winner(),
            on_cancel: self.load.on_cancel.is_set(),
        }
    }

    /// Called once, by whoever took the request out of its table: waits for calls in flight, a
    /// cancellation callback included, and fails the load if it is still pending.
    pub(crate) fn released(&self) {
        let dropped = {
            let _call = self.calls.lock();
            let ending = self.load.claim(Winner::Provider).ok();
            ending.map(|ending| {
                ending.report(Outcome::failed(
                    Failure::Dropped,
                    "the provider released the request without completing it",
                ))
            })
        };
        self.load.on_cancel.close();
        if let Some(notice) = dropped {
            notice.send();
        }
    }
}
