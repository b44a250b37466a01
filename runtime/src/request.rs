//! A request: a provider's hold on one load.

use crate::cancel_hook::OnCancel;
use crate::error::{Error, Word};
use crate::load::Load;
use crate::oneshot::Winner;
use crate::outcome::{Failure, Outcome};
use crate::owner_notifier::PendingUpcalls;
use crate::sync::{Arc, Mutex, MutexGuard};

/// A provider's answer to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Response {
    /// The resource.
    Bytes(Vec<u8>),
    /// The load fails with this text.
    Error(String),
}

/// A provider's hold on a load. It is completed at most once and released exactly once, on any thread.
#[derive(Debug)]
pub(crate) struct Request {
    load: Arc<Load>,
    /// Locked by the calls that a release waits for, and never during an upcall.
    hold: Mutex<Hold>,
}

/// The provider's right to the request. It ends before the handle does: a call that found the request in its
/// table before, and comes here after the end, is refused as if the handle were stale.
#[derive(Debug)]
enum Hold {
    Kept,
    /// Ended by a release, or because the provider did not want the request.
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

    /// Ends the load with the response. The error of a malformed response is returned, and also ends the load.
    pub(crate) fn complete(&self, response: Result<Response, Error>) -> Result<(), Error> {
        let (upcalls, result) = self.end_load(response)?;
        // The hook is not needed any more. Its drop is foreign code, so no lock is held here.
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

    /// Registers `hook` for the load's cancellation. Returns `true` if the load was cancelled before.
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

    /// Removes the hook; waits for its end if it runs on another thread.
    ///
    /// # Errors
    /// [`Word::Stale`] after the end of the hold. It waits in this case, too, like [`release`](Self::release).
    pub(crate) fn clear_on_cancel(&self) -> Result<(), Error> {
        let held = self.enter().map(drop);
        self.load.on_cancel.clear();
        held
    }

    pub(crate) fn surface(&self) -> Result<usize, Error> {
        let _hold = self.enter()?;
        Ok(self.load.surface)
    }

    /// The winner of the load, and whether a callback for its cancellation is set.
    #[cfg(feature = "test-hooks")]
    pub(crate) fn inspect(&self) -> (Option<Winner>, bool) {
        (self.load.winner(), self.load.on_cancel.is_set())
    }

    /// Ends the hold after calls that are running, fails the load if it is still pending, and waits for the
    /// cancellation callback. The caller then removes the request from its table and runs the upcalls.
    ///
    /// # Errors
    /// [`Word::Stale`] after the end of the hold. It waits in this case, too: a provider that releases a request
    /// that it did not want relies on the end of its callback.
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

    /// Ends the hold of a provider that does not want the request. The caller then removes the request from its
    /// table and serves the load. Returns `false` if the provider has ended the load, by a completion, after
    /// which it keeps the request, or by a release.
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
        // The loader serves only loads that no provider holds.
        Winner::Loader => released(),
    }
}
