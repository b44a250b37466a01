//! A panic on request at the boundary, for test harnesses.

use std::cell::Cell;

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

/// Sets whether the thread's next call panics, and gives whether it would have until now.
pub(crate) fn exchange(panics: bool) -> bool {
    PANIC_NEXT.replace(panics)
}

/// Makes the planted panic no longer pending.
pub(crate) fn forget() {
    PANIC_NEXT.set(false);
}

/// Panics if the thread's next call was asked to.
pub(crate) fn panic_if_planted() {
    if PANIC_NEXT.take() {
        // Does not call the panic hook: nothing went wrong.
        std::panic::resume_unwind(Box::new(PLANTED));
    }
}
