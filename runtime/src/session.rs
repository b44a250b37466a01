//! A session: a group of loads that ends together.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::error::{Error, Word};
use crate::load::Load;
use crate::oneshot::Winner;
use crate::retained_buffer::RetainedBuffer;
use crate::runtime::Runtime;
use crate::sync::{Arc, Mutex};

/// Options of a load.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LoadOptions {
    /// The time from the start of the load after which it fails with
    /// [`Failure::Expired`](crate::Failure::Expired), unless it has ended. Pumps end such loads, and park no
    /// longer than to the next deadline. With zero, the next pump ends the load.
    pub deadline: Option<Duration>,
}

/// Loads of one client. Used on the owner thread only; the lock is never contended and makes the
/// session shareable by id.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) runtime: Arc<Runtime>,
    /// The buffer that completed loads write their bytes to.
    pub(crate) buffer: Arc<RetainedBuffer>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// The number of the last load. Numbers start at 1 and are not reused.
    last: u64,
    /// Loads without an event so far. Ordered, so that a model checker can repeat an execution.
    pending: BTreeMap<u64, Pending>,
    /// An address that belongs to the host. Never followed.
    surface: usize,
}

#[derive(Debug)]
struct Pending {
    load: Arc<Load>,
    deadline: Option<Instant>,
}

impl Session {
    pub(crate) fn new(runtime: Arc<Runtime>) -> Session {
        Session {
            runtime,
            buffer: Arc::new(RetainedBuffer::new()),
            state: Mutex::new(State {
                last: 0,
                pending: BTreeMap::new(),
                surface: 0,
            }),
        }
    }

    /// Adds a load, which `make` creates from its number and the session's surface.
    pub(crate) fn start(
        &self,
        deadline: Option<Instant>,
        make: impl FnOnce(u64, usize) -> Load,
    ) -> (u64, Arc<Load>) {
        let mut state = self.state.lock();
        state.last += 1;
        let number = state.last;
        let load = Arc::new(make(number, state.surface));
        let pending = Pending {
            load: Arc::clone(&load),
            deadline,
        };
        state.pending.insert(number, pending);
        (number, load)
    }

    /// Finds a load that has not ended.
    pub(crate) fn pending(&self, number: u64) -> Result<Arc<Load>, Error> {
        let state = self.state.lock();
        if number == 0 || number > state.last {
            return Err(Error::new(
                Word::UnknownLoad,
                format!("the session has no load number {number}"),
            ));
        }
        let pending = state.pending.get(&number);
        pending
            .map(|pending| Arc::clone(&pending.load))
            .ok_or_else(|| ended(number))
    }

    /// Removes a load whose end became an event. Returns its deadline.
    pub(crate) fn finish(&self, number: u64) -> Option<Instant> {
        let finished = self.state.lock().pending.remove(&number);
        finished.and_then(|pending| pending.deadline)
    }

    /// Ends every pending load without an event, and returns their number. The caller holds no lock.
    pub(crate) fn cancel_all(&self) -> usize {
        let pending = std::mem::take(&mut self.state.lock().pending);
        for Pending { load, .. } in pending.values() {
            // Lost to a completion: that outcome is discarded with the session.
            let _ = load.abandon(Winner::Cancel, None);
        }
        pending.len()
    }

    /// The number of loads without an event so far, and the surface of later ones.
    #[cfg(feature = "test-hooks")]
    pub(crate) fn inspect(&self) -> (usize, usize) {
        let state = self.state.lock();
        (state.pending.len(), state.surface)
    }

    pub(crate) fn set_surface(&self, surface: usize) {
        self.state.lock().surface = surface;
    }
}

/// The refusal for a load that has ended.
pub(crate) fn ended(number: u64) -> Error {
    Error::new(Word::LoadEnded, format!("load {number} has ended"))
}
