//! A session: a group of loads that ends together.

use std::collections::BTreeMap;

use crate::error::{Error, Word};
use crate::load::Load;
use crate::oneshot::Winner;
use crate::runtime::Runtime;
use crate::sync::{Arc, Mutex};

/// Loads of one client. Used on the owner thread only; the lock is never contended and makes the
/// session shareable by id.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) runtime: Arc<Runtime>,
    loads: Mutex<Loads>,
}

#[derive(Debug)]
struct Loads {
    /// The number of the last load. Numbers start at 1 and are not reused.
    last: u64,
    /// Loads without an event so far. Ordered, so that a model checker can repeat what it saw.
    pending: BTreeMap<u64, Arc<Load>>,
}

impl Session {
    pub(crate) fn new(runtime: Arc<Runtime>) -> Session {
        Session {
            runtime,
            loads: Mutex::new(Loads {
                last: 0,
                pending: BTreeMap::new(),
            }),
        }
    }

    /// Numbers a new load, made by `make`.
    pub(crate) fn start(&self, make: impl FnOnce(u64) -> Load) -> (u64, Arc<Load>) {
        let mut loads = self.loads.lock();
        loads.last += 1;
        let number = loads.last;
        let load = Arc::new(make(number));
        loads.pending.insert(number, Arc::clone(&load));
        (number, load)
    }

    /// Finds a load to cancel it.
    pub(crate) fn pending(&self, number: u64) -> Result<Arc<Load>, Error> {
        let loads = self.loads.lock();
        if number == 0 || number > loads.last {
            return Err(Error::new(
                Word::UnknownLoad,
                format!("the session has no load number {number}"),
            ));
        }
        loads
            .pending
            .get(&number)
            .cloned()
            .ok_or_else(|| ended(number))
    }

    /// Forgets a load whose end became an event.
    pub(crate) fn finish(&self, number: u64) {
        self.loads.lock().pending.remove(&number);
    }

    /// Ends every pending load without an event.
    pub(crate) fn cancel_all(&self) {
        let pending = std::mem::take(&mut self.loads.lock().pending);
        for load in pending.values() {
            // Lost to a completion: that outcome finds no session and is discarded too.
            let _ = load.claim(Winner::Cancel);
        }
    }
}

/// The refusal for a load that has ended.
pub(crate) fn ended(number: u64) -> Error {
    Error::new(Word::LoadEnded, format!("load {number} has ended"))
}
