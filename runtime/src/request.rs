//! A request: a provider's hold on one load.

use crate::cancel_hook::OnCancel;
use crate::error::{Error, Word};
use crate::load::{Failure, Load, Outcome};
use crate::oneshot::Winner;
use crate::owner_notifier::PendingUpcalls;
use crate::sync::{Arc, Mutex, MutexGuard};

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
    /// Locked by the calls that a release waits for. Never during an upcall.
    hold: Mutex<Hold>,
}

/// The provider's right to the request. It ends before the handle does: a call that found the request
/// in its table, and comes after the end, is told that the handle is stale.
#[derive(Debug)]
enum Hold {
    Kept,
    /// By a release, or because the provider did not want the request.
    Ended,
}

impl Request {
    pub(crate) fn new(load: Arc<Load>) -> Request {
        Request {
            load,
            hold: Mutex::new(Hold::Kept),
        }
    }

    /// Begins a call that a release waits for.
    ///
    /// # Errors
    /// [`Word::Stale`] after the end of the hold.
    fn enter(&self) -> Result<MutexGuard<'_, Hold>, Error> {
        let hold = self.hold.lock();
        match *hold {
            Hold::Kept => Ok(hold),
            Hold::Ended => Err(released()),
        }
    }

    /// Ends the load with the response, or with the error of a malformed one, which is returned and
    /// consumes the request all the same.
    pub(crate) fn complete(&self, response: Result<Response, Error>) -> Result<(), Error> {
        let (upcalls, result) = self.end_load(response)?;
        // Not needed any more. Its drop is foreign code.
        self.load.on_cancel.close();
        upcalls.run();
        result
    }

    fn end_load(
        &self,
        response: Result<Response, Error>,
    ) -> Result<(PendingUpcalls, Result<(), Error>), Error> {
        let _hold = self.enter()?;
        let ending = self.load.claim(Winner::Provider).map_err(too_late)?;
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

    pub(crate) fn is_cancelled(&self) -> Result<bool, Error> {
        let _hold = self.enter()?;
        Ok(matches!(
            self.load.winner(),
            Some(Winner::Cancel | Winner::Deadline)
        ))
    }

    /// Has `hook` called when the load is cancelled. `true` if it was before.
    pub(crate) fn on_cancel(&self, hook: OnCancel) -> Result<bool, Error> {
        self.load.on_cancel.set(hook, || {
            let _hold = self.enter()?;
            match self.load.winner() {
                None => Ok(false),
                Some(Winner::Cancel | Winner::Deadline) => Ok(true),
                Some(winner) => Err(too_late(winner)),
            }
        })
    }

    /// Takes the hook out, waiting for one that runs on another thread.
    ///
    /// # Errors
    /// [`Word::Stale`] after the end of the hold. Waits all the same, as [`release`](Self::release).
    pub(crate) fn clear_on_cancel(&self) -> Result<(), Error> {
        let held = self.enter().map(drop);
        self.load.on_cancel.clear();
        held
    }

    pub(crate) fn surface(&self) -> Result<usize, Error> {
        let _hold = self.enter()?;
        Ok(self.load.surface)
    }

    #[cfg(feature = "test-hooks")]
    pub(crate) fn inspect(&self) -> crate::inspect::RequestState {
        crate::inspect::RequestState {
            winner: self.load.winner(),
            on_cancel: self.load.on_cancel.is_set(),
        }
    }

    /// Ends the hold, after calls in flight, and fails the load if it is still pending; waits for a
    /// cancellation callback. The caller takes the request out of its table, and runs the upcalls then.
    ///
    /// # Errors
    /// [`Word::Stale`] after the end of the hold. Waits all the same: a provider that releases what it
    /// did not want may rely on its callback's end.
    pub(crate) fn release(&self) -> Result<Option<PendingUpcalls>, Error> {
        let dropped = self.drop_load();
        self.load.on_cancel.close();
        dropped
    }

    fn drop_load(&self) -> Result<Option<PendingUpcalls>, Error> {
        let mut hold = self.enter()?;
        *hold = Hold::Ended;
        let ending = self.load.claim(Winner::Provider).ok();
        Ok(ending.map(|ending| {
            ending.report(Outcome::failed(
                Failure::Dropped,
                "the provider released the request without completing it",
            ))
        }))
    }

    /// Ends the hold of a provider that does not want the request. The caller takes the request out of
    /// its table, and serves the load. `false` if the provider has ended the load, by a completion, in
    /// which case it keeps the request, or by a release.
    pub(crate) fn take_back(&self) -> bool {
        {
            let Ok(mut hold) = self.enter() else {
                return false;
            };
            if self.load.winner() == Some(Winner::Provider) {
                return false;
            }
            *hold = Hold::Ended;
        }
        self.load.on_cancel.close();
        true
    }
}

/// The refusal of a call that comes after the end of the hold.
fn released() -> Error {
    Error::new(Word::Stale, "the request handle was released")
}

/// The refusal of a call that comes after the end of the load.
fn too_late(winner: Winner) -> Error {
    match winner {
        Winner::Provider => Error::new(Word::Completed, "the request was completed before"),
        Winner::Cancel => Error::new(Word::Cancelled, "the load was cancelled"),
        Winner::Deadline => Error::new(Word::Expired, "the load's deadline has passed"),
        // It serves what no provider holds.
        Winner::Loader => released(),
    }
}
