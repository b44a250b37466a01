//! The host's provider, and quiescent replacement.
//!
//! Workers call the provider while the owner may replace or clear it. Replacing returns only when
//! no call of the old provider runs any more, and none starts later; the old provider has been
//! dropped by then. So a host may free what its callback uses as soon as the call has returned.

use std::cell::Cell;

use crate::error::{Error, Word};
use crate::id::Id;
use crate::sync::{Arc, Condvar, Mutex, thread_local};

/// What a provider answers when it is offered a load.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Not mine: the runtime's loader goes on. The provider keeps nothing, unless it has completed
    /// the request already, which then counts as [`Handle`](Decision::Handle).
    Pass,
    /// Mine: the provider keeps the request, completes it now, later, or on another thread, and
    /// releases it exactly once.
    Handle,
    /// The load fails with this text. The provider keeps nothing, unless it has completed the
    /// request already.
    Fail(String),
    /// A number that this library does not know. Treated as a failure.
    Unknown(i32),
}

/// The host's chance to serve a load.
///
/// Called on worker threads, several at once, or on the owner thread inside a step; never while a
/// lock of the runtime is held. From inside, requests, blobs and wake sources may be used; calls
/// that belong to the owner thread are refused, also when the step runs on it.
pub trait Provider: Send + Sync {
    /// Decides about one load. `url` is the text that the host passed.
    fn provide(&self, request: Id, url: &str) -> Decision;
}

/// The place in a runtime where a provider is installed.
#[derive(Debug)]
pub(crate) struct ProviderSlot {
    state: Mutex<State>,
    call_ended: Condvar,
}

#[derive(Debug)]
struct State {
    installed: Option<Arc<Installed>>,
    /// Raised by every replacement: tells the calls of one provider from those of the next.
    epoch: u64,
    /// The epochs of the running calls.
    running: Vec<u64>,
}

thread_local! {
    /// How many provider calls the thread is inside of.
    #[cfg_attr(
        not(courier_loom),
        expect(clippy::missing_const_for_thread_local, reason = "loom knows no such form")
    )]
    static INSIDE: Cell<usize> = Cell::new(0);
}

/// Refuses a call that is made from inside a provider call, of whatever runtime, on the same thread.
pub(crate) fn refuse_inside() -> Result<(), Error> {
    if INSIDE.with(Cell::get) > 0 {
        return Err(Error::new(
            Word::InsideCallback,
            "this call may not be made from inside a provider call",
        ));
    }
    Ok(())
}

/// A trait object inside a sized struct, which is what a model checker's `Arc` can hold.
struct Installed(Box<dyn Provider>);

impl std::fmt::Debug for Installed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Installed(..)")
    }
}

impl ProviderSlot {
    pub(crate) fn new() -> ProviderSlot {
        ProviderSlot {
            state: Mutex::new(State {
                installed: None,
                epoch: 0,
                running: Vec::new(),
            }),
            call_ended: Condvar::new(),
        }
    }

    /// Installs, replaces or (with `None`) clears the provider, and waits for the old one's calls.
    ///
    /// The caller has checked [`refuse_inside`]: waiting for oneself would never end.
    pub(crate) fn replace(&self, provider: Option<Box<dyn Provider>>) {
        let mut state = self.state.lock();
        let old = std::mem::replace(
            &mut state.installed,
            provider.map(|provider| Arc::new(Installed(provider))),
        );
        state.epoch += 1;
        let epoch = state.epoch;
        while state.running.iter().any(|call| *call < epoch) {
            state = self.call_ended.wait(state);
        }
        drop(state);
        // The last reference: calls let go of theirs before they count as ended. Dropped outside
        // the lock, because a provider's drop is foreign code.
        drop(old);
    }

    /// Asks the installed provider. Without one, the answer is [`Decision::Pass`].
    pub(crate) fn call(&self, request: Id, url: &str) -> Decision {
        let call = {
            let mut state = self.state.lock();
            let Some(provider) = state.installed.clone() else {
                return Decision::Pass;
            };
            let epoch = state.epoch;
            state.running.push(epoch);
            INSIDE.with(|inside| inside.set(inside.get() + 1));
            Call {
                slot: self,
                epoch,
                provider: Some(provider),
            }
        };
        let provider = call.provider.as_ref().expect("taken only by drop");
        provider.0.provide(request, url)
    }

    /// Whether a provider is installed: without one, no request needs to be made.
    pub(crate) fn is_installed(&self) -> bool {
        self.state.lock().installed.is_some()
    }
}

/// A running call; its drop ends it, also when the provider panics.
struct Call<'a> {
    slot: &'a ProviderSlot,
    epoch: u64,
    provider: Option<Arc<Installed>>,
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        drop(self.provider.take());
        INSIDE.with(|inside| inside.set(inside.get() - 1));
        let mut state = self.slot.state.lock();
        let position = state.running.iter().position(|call| *call == self.epoch);
        state
            .running
            .swap_remove(position.expect("a running call is listed"));
        self.slot.call_ended.notify_all();
    }
}
