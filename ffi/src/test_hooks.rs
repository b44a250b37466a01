//! What a harness may know of the process's instance, and hosts may not.

use courier_core::Live;

use crate::boundary::COURIER;

/// How many handles of each kind are live.
pub fn live() -> Live {
    COURIER.live()
}

/// Forgets every id that was ever issued; `false` if something is live.
pub fn reset() -> bool {
    COURIER.reset()
}
