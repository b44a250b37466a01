//! Access to the process's instance for test harnesses, which hosts do not have.

use std::cell::Cell;

use courier_core::{Courier, Live};

use crate::boundary::COURIER;

/// The process's instance, for inspection between calls.
pub fn instance() -> &'static Courier {
    &COURIER
}

/// The number of live handles of each kind.
pub fn live() -> Live {
    COURIER.live()
}

/// Forgets every id that was ever issued; `false` if something is live.
pub fn reset() -> bool {
    COURIER.reset()
}

/// The same as [`reset`], even if something is live, as after an interrupted test. No call may be running.
pub fn force_reset() {
    PANIC_NEXT.set(false);
    COURIER.force_reset();
}

/// The text of the panic that [`panic_in_next_call`] plants.
const PLANTED: &str = "planted";

thread_local! {
    static PANIC_NEXT: Cell<bool> = const { Cell::new(false) };
}

/// Makes the thread's next call of an export panic before it does anything: a bug in the library, as
/// far as a host can tell. Gives the panic's text.
pub fn panic_in_next_call() -> &'static str {
    PANIC_NEXT.set(true);
    PLANTED
}

pub(crate) fn panic_if_planted() {
    if PANIC_NEXT.take() {
        // Does not call the panic hook: nothing went wrong.
        std::panic::resume_unwind(Box::new(PLANTED));
    }
}
