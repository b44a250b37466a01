//! Access to the process's instance for test harnesses, which hosts do not have.

use courier_core::{Courier, Live};

use crate::boundary::COURIER;
use crate::planted;
pub use crate::planted::panic_in_next_call;

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
    planted::forget();
    COURIER.force_reset();
}
