//! Access to the process's instance for test harnesses, which hosts do not have.

use courier_core::{Courier, Live};

use crate::boundary::{COURIER, exchange_last_error};
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

/// A thread as the library sees it: what the runtime keeps of one, its diagnostic, and a planted panic.
#[derive(Debug, Default)]
pub struct Guise {
    thread: courier_core::Guise,
    here: Here,
}

/// What this crate keeps of a thread.
#[derive(Debug, Default)]
struct Here {
    last_error: String,
    panics_next: bool,
}

impl Guise {
    /// A thread that has not called the library yet.
    pub fn new() -> Guise {
        Guise::default()
    }

    /// Runs calls that are this thread's to the library.
    pub fn wear<R>(&mut self, calls: impl FnOnce() -> R) -> R {
        struct Worn<'a>(&'a mut Here);
        impl Drop for Worn<'_> {
            fn drop(&mut self) {
                self.0.exchange();
            }
        }
        self.here.exchange();
        let _worn = Worn(&mut self.here);
        self.thread.wear(calls)
    }
}

impl Here {
    /// Exchanges what is kept of the calling thread for this.
    fn exchange(&mut self) {
        self.last_error = exchange_last_error(std::mem::take(&mut self.last_error));
        self.panics_next = planted::exchange(self.panics_next);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boundary::{last_error, status};
    use crate::types::{COURIER_NATIVE_ERROR, COURIER_OK};
    use courier_core::{Error, Word};

    #[test]
    fn a_diagnostic_stays_with_the_guise() {
        let refused = || status(|| Err(Error::new(Word::Stale, "gone")));
        let length = || last_error().1;
        let (mut one, mut other) = (Guise::new(), Guise::new());
        status(|| Ok(()));
        one.wear(refused);
        assert!(one.wear(length) > 0);
        assert_eq!((length(), other.wear(length)), (0, 0));
        refused();
        assert_eq!(one.wear(length), length());
        assert_eq!(other.wear(length), 0);
    }

    #[test]
    fn a_planted_panic_stays_with_the_guise() {
        let call = || status(|| Ok(()));
        let (mut one, mut other) = (Guise::new(), Guise::new());
        one.wear(panic_in_next_call);
        assert_eq!((call(), other.wear(call)), (COURIER_OK, COURIER_OK));
        assert_eq!(one.wear(call), COURIER_NATIVE_ERROR);
    }
}
