//! Upcalls: calls of callbacks that the host installs, replaces and clears.
//!
//! A callback may run on any thread while the host replaces or clears it. The replacement returns only when
//! no call of the old callback runs any more, and none starts later; the old callback has been dropped by
//! then. So a host may free the data of its callback as soon as the replacement has returned.
//!
//! No lock of the runtime is held during an upcall. A thread is marked while it is inside one: calls that
//! would wait for the upcall, and calls of owner threads, are refused there.

use std::cell::Cell;
use std::fmt;

use crate::error::{Error, Word};
use crate::sync::{Arc, Condvar, Mutex, thread_local};

thread_local! {
    /// The number of upcalls that the thread is inside of.
    #[cfg_attr(
        not(any(courier_loom, courier_shuttle)),
        expect(clippy::missing_const_for_thread_local, reason = "loom knows no such form")
    )]
    static INSIDE: Cell<usize> = Cell::new(0);
}

/// Marks the thread as inside an upcall until it is dropped.
#[derive(Debug)]
pub(crate) struct Inside(());

impl Inside {
    pub(crate) fn enter() -> Inside {
        INSIDE.with(|inside| inside.set(inside.get() + 1));
        Inside(())
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        INSIDE.with(|inside| inside.set(inside.get() - 1));
    }
}

/// Sets the thread's number of upcalls, and gives the number until now.
#[cfg(all(feature = "test-hooks", not(any(courier_loom, courier_shuttle))))]
pub(crate) fn exchange_inside(number: usize) -> usize {
    INSIDE.with(|inside| inside.replace(number))
}

/// Refuses a call that is made from inside an upcall of any runtime on the same thread.
pub(crate) fn refuse_inside() -> Result<(), Error> {
    if INSIDE.with(Cell::get) > 0 {
        return Err(Error::new(
            Word::InsideCallback,
            "this call may not be made from inside a callback",
        ));
    }
    Ok(())
}

/// The place where one callback is installed. `C` is sized, because loom's `Arc` holds nothing else; a
/// callback that is a trait object is boxed.
pub(crate) struct Slot<C> {
    state: Mutex<State<C>>,
    call_ended: Condvar,
}

struct State<C> {
    installed: Option<Arc<C>>,
    /// The number of replacements, which distinguishes calls of the old callback from those of the new one.
    epoch: u64,
    /// The epochs of the running calls.
    running: Vec<u64>,
}

impl<C> Slot<C> {
    pub(crate) fn new() -> Slot<C> {
        Slot {
            state: Mutex::new(State {
                installed: None,
                epoch: 0,
                running: Vec::new(),
            }),
            call_ended: Condvar::new(),
        }
    }

    /// Installs, replaces or (with `None`) clears the callback, and waits for the old one's calls.
    ///
    /// The caller has checked [`refuse_inside`], because a wait for its own upcall would never end.
    pub(crate) fn replace(&self, callback: Option<C>) {
        let mut state = self.state.lock();
        let old = std::mem::replace(&mut state.installed, callback.map(Arc::new));
        state.epoch += 1;
        let epoch = state.epoch;
        while state.running.iter().any(|call| *call < epoch) {
            state = self.call_ended.wait(state);
        }
        drop(state);
        // The last reference: each call drops its own before it counts as ended. Dropped outside the
        // lock, because a callback's drop is foreign code.
        drop(old);
    }

    /// Calls the callback; `None` if there is none.
    pub(crate) fn call<R>(&self, upcall: impl FnOnce(&C) -> R) -> Option<R> {
        let call = {
            let mut state = self.state.lock();
            let callback = state.installed.clone()?;
            let epoch = state.epoch;
            state.running.push(epoch);
            Call {
                slot: self,
                epoch,
                callback: Some(callback),
                _inside: Inside::enter(),
            }
        };
        Some(upcall(call.callback.as_ref().expect("taken only by drop")))
    }

    /// Reports whether a callback is installed.
    pub(crate) fn is_installed(&self) -> bool {
        self.state.lock().installed.is_some()
    }
}

impl<C> fmt::Debug for Slot<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state.lock();
        f.debug_struct("Slot")
            .field("installed", &state.installed.is_some())
            .field("epoch", &state.epoch)
            .field("running", &state.running)
            .finish_non_exhaustive()
    }
}

/// A running call, which ends when this is dropped, even if the callback panics.
struct Call<'a, C> {
    slot: &'a Slot<C>,
    epoch: u64,
    callback: Option<Arc<C>>,
    _inside: Inside,
}

impl<C> Drop for Call<'_, C> {
    fn drop(&mut self) {
        drop(self.callback.take());
        let mut state = self.slot.state.lock();
        let position = state.running.iter().position(|call| *call == self.epoch);
        state
            .running
            .swap_remove(position.expect("a running call is listed"));
        self.slot.call_ended.notify_all();
    }
}
