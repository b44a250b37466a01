//! One-shot completion with named contenders.
//!
//! Provider, loader, cancel and deadline can all end a load, on any threads and at the same time. A [`OneShot`]
//! holds the right to end it, and gives it away exactly once: [`claim`](OneShot::claim) returns the content to
//! one winner, and the name of the winner to every other contender. The holder of the content needs no lock for
//! the rest.
//!
//! # Protocol
//!
//! One atomic byte, written once:
//!
//! | from | event | to | who may touch the content |
//! |---|---|---|---|
//! | `PENDING` | `claim(w)` | `w` | that caller, once, to take it |
//! | `PENDING` | drop | – | drop, which has exclusive access |
//! | `w` | `claim(v)` | `w` (unchanged) | nobody: the content is gone |
//! | `w` | drop | – | drop finds the cell empty |
//!
//! Impossible: from one winner to another, and back to `PENDING`.
//!
//! The shape (a state byte whose transition grants exclusive access to a cell) is that of the
//! `oneshot` crate; the named winners and the several contenders are ours.
#![expect(
    unsafe_code,
    reason = "the state byte grants the exclusive access that the borrow checker cannot see"
)]

use crate::sync::UnsafeCell;
use crate::sync::atomic::{AtomicU8, Ordering};

/// The contender that ended it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Winner {
    /// The provider, which completed or released its request.
    Provider = 1,
    /// The runtime's own loader.
    Loader = 2,
    /// A cancel, or the end of the session.
    Cancel = 3,
    /// The load's deadline.
    Deadline = 4,
}

/// The state in which nobody has claimed the content. Not a [`Winner`].
const PENDING: u8 = 0;

impl Winner {
    fn from_state(state: u8) -> Option<Winner> {
        match state {
            PENDING => None,
            1 => Some(Winner::Provider),
            2 => Some(Winner::Loader),
            3 => Some(Winner::Cancel),
            4 => Some(Winner::Deadline),
            other => unreachable!("one-shot state {other}"),
        }
    }
}

/// A cell whose content exactly one of several contenders gets.
#[derive(Debug)]
pub struct OneShot<T> {
    state: AtomicU8,
    /// Full iff `state` is `PENDING`, apart from the moment in which the winner takes it out.
    content: UnsafeCell<Option<T>>,
}

// SAFETY: shared references reach `content` only through `claim`, where the state byte grants one
// caller access once. The content moves to that caller's thread, hence `T: Send`; no reference to a
// `T` is ever shared, hence `T: Sync` is not needed.
unsafe impl<T: Send> Sync for OneShot<T> {}

impl<T> OneShot<T> {
    /// A pending one-shot that holds `content`.
    pub fn new(content: T) -> OneShot<T> {
        OneShot {
            state: AtomicU8::new(PENDING),
            content: UnsafeCell::new(Some(content)),
        }
    }

    /// Takes the content in the name of `contender`. Any thread. Contenders that learn the winner also see
    /// everything that it did before its claim.
    ///
    /// # Errors
    /// The winner, if another contender was first.
    pub fn claim(&self, contender: Winner) -> Result<T, Winner> {
        // ORDERING: the content needs none: it came to this thread with the one-shot itself, and
        // only the winner touches it. Release on success pairs with the Acquire on failure here and
        // in `winner`: whoever learns who won also sees what the winner did before.
        let claimed = self.state.compare_exchange(
            PENDING,
            contender as u8,
            Ordering::Release,
            Ordering::Acquire,
        );
        match claimed {
            Ok(_) => Ok(self.content.with_mut(|content| {
                // SAFETY: the state leaves PENDING once, and this call made it leave: no other
                // claim reaches this line, and drop needs exclusive access to `self`.
                let content = unsafe { &mut *content };
                content.take().expect("a pending one-shot is full")
            })),
            Err(state) => Err(Winner::from_state(state).expect("a lost claim has a winner")),
        }
    }

    /// The winner, or `None` while it is pending. Any thread. `None` may be outdated when it is returned; a
    /// winner never changes.
    pub fn winner(&self) -> Option<Winner> {
        // ORDERING: Acquire pairs with the winner's Release in `claim`.
        Winner::from_state(self.state.load(Ordering::Acquire))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::Arc;

    /// Counts drops: the content goes to the winner or is dropped with the cell, never both.
    #[derive(Debug)]
    struct Counted(Arc<()>);

    const ALL: [Winner; 3] = [Winner::Provider, Winner::Loader, Winner::Cancel];

    #[test]
    fn req_04_every_second_claim_loses_and_learns_the_winner() {
        for first in ALL {
            for second in ALL {
                let count = Arc::new(());
                let oneshot = OneShot::new(Counted(Arc::clone(&count)));
                assert_eq!(oneshot.winner(), None);
                let content = oneshot.claim(first).unwrap();
                assert_eq!(oneshot.claim(second).unwrap_err(), first);
                assert_eq!(oneshot.winner(), Some(first));
                assert_eq!(Arc::strong_count(&count), 2);
                drop(oneshot);
                assert_eq!(Arc::strong_count(&content.0), 2);
            }
        }
    }

    #[test]
    fn an_unclaimed_content_is_dropped_once_with_its_cell() {
        let count = Arc::new(());
        drop(OneShot::new(Counted(Arc::clone(&count))));
        assert_eq!(Arc::strong_count(&count), 1);
    }
}
