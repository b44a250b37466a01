//! Guises: what the library keeps of a thread, for a harness that plays several threads on one.
//!
//! A switch of threads takes microseconds, as long as a dozen calls. Where only one thread runs at a time anyway, a
//! harness need not switch: it puts on the guise of the other thread. Whatever the library keeps of a thread must be
//! here, or the threads that are played differ from real ones; a test of the harness compares them. Only the hook of
//! [`at_points`](crate::sync::at_points) stays with the real thread: it is the harness's own.

use crate::sync::thread::{self, ThreadId};
use crate::{log, upcall};

/// A thread as the library sees it. Not in use by a real thread, nor by another guise.
#[derive(Debug)]
pub struct Guise {
    id: Option<ThreadId>,
    inside: usize,
    delivering: bool,
}

impl Guise {
    /// A thread that has not called the library yet.
    ///
    /// # Panics
    /// When the system refuses another thread, from which the guise takes its identity.
    pub fn new() -> Guise {
        Guise {
            id: Some(thread::new_id()),
            inside: 0,
            delivering: false,
        }
    }

    /// Runs calls that are this thread's to the library.
    pub fn wear<R>(&mut self, calls: impl FnOnce() -> R) -> R {
        struct Worn<'a>(&'a mut Guise);
        impl Drop for Worn<'_> {
            fn drop(&mut self) {
                self.0.exchange();
            }
        }
        self.exchange();
        let _worn = Worn(self);
        calls()
    }

    /// Exchanges what is kept of the calling thread for this.
    fn exchange(&mut self) {
        self.id = thread::assume(self.id);
        self.inside = upcall::exchange_inside(self.inside);
        self.delivering = log::exchange_delivering(self.delivering);
    }
}

impl Default for Guise {
    fn default() -> Self {
        Guise::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::upcall::{Inside, refuse_inside};

    #[test]
    fn a_guise_is_another_thread_while_it_is_worn() {
        let me = thread::current_id();
        let (mut one, mut other) = (Guise::new(), Guise::new());
        let first = one.wear(thread::current_id);
        let second = other.wear(thread::current_id);
        assert!(first != me && second != me && first != second);
        assert_eq!(one.wear(thread::current_id), first);
        assert_eq!(thread::current_id(), me);
    }

    #[test]
    fn marks_stay_with_the_guise() {
        let (mut one, mut other) = (Guise::new(), Guise::new());
        let inside = one.wear(Inside::enter);
        assert!(one.wear(refuse_inside).is_err());
        assert!(other.wear(refuse_inside).is_ok());
        assert!(refuse_inside().is_ok());
        one.wear(|| drop(inside));
        assert!(one.wear(refuse_inside).is_ok());
    }

    #[test]
    fn it_is_taken_off_by_a_panic() {
        let me = thread::current_id();
        let mut guise = Guise::new();
        let panic = || guise.wear(|| std::panic::resume_unwind(Box::new("")));
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(panic));
        assert!(panicked.is_err());
        assert_eq!(thread::current_id(), me);
    }
}
