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

/// A thread as the library sees it: what the runtime keeps of one, and its diagnostic.
#[derive(Debug, Default)]
pub struct Guise {
    thread: courier_core::Guise,
    last_error: String,
}

impl Guise {
    /// A thread that has not called the library yet.
    pub fn new() -> Guise {
        Guise::default()
    }

    /// Runs calls that are this thread's to the library.
    pub fn wear<R>(&mut self, calls: impl FnOnce() -> R) -> R {
        struct Worn<'a>(&'a mut String);
        impl Worn<'_> {
            fn exchange(&mut self) {
                *self.0 = exchange_last_error(std::mem::take(self.0));
            }
        }
        impl Drop for Worn<'_> {
            fn drop(&mut self) {
                self.exchange();
            }
        }
        let Guise { thread, last_error } = self;
        let mut worn = Worn(last_error);
        worn.exchange();
        thread.wear(calls)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boundary::{last_error, status};
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
}
