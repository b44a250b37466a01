//! The owner's mailbox: work for the owner arrives in it, and the owner parks at it.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::queue::take_out;
use crate::sync::{Condvar, Mutex, now};

/// The time that the owner may park when there is nothing to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// No time at all.
    No,
    /// At most this long.
    AtMost(Duration),
    /// Until there is something to do.
    Forever,
}

/// A queue of messages to the owner, and a wake flag, under one lock and one condition variable.
///
/// The common lock makes a lost wake-up impossible: the owner decides to park while it holds the lock under
/// which every post and every signal is made.
#[derive(Debug)]
pub(crate) struct Mailbox<M> {
    state: Mutex<State<M>>,
    changed: Condvar,
}

#[derive(Debug)]
struct State<M> {
    messages: VecDeque<M>,
    /// The wake flag. `signal` sets it, and the `collect` that returns clears it.
    signalled: bool,
    /// True if the owner has gone, after which no message is kept.
    closed: bool,
}

impl Wait {
    /// This wait, or until `moment` if that comes first.
    pub(crate) fn until(self, moment: Option<Instant>) -> Wait {
        let Some(moment) = moment else {
            return self;
        };
        let left = moment.saturating_duration_since(now());
        match self {
            Wait::No => Wait::No,
            Wait::AtMost(limit) => Wait::AtMost(limit.min(left)),
            Wait::Forever => Wait::AtMost(left),
        }
    }
}

impl<M> State<M> {
    fn is_idle(&self) -> bool {
        self.messages.is_empty() && !self.signalled
    }

    /// Reports whether work that comes now is an edge: the first work of an owner that is still there.
    fn is_edge(&self) -> bool {
        self.is_idle() && !self.closed
    }
}

impl<M> Mailbox<M> {
    pub(crate) fn new() -> Mailbox<M> {
        Mailbox {
            state: Mutex::new(State {
                messages: VecDeque::new(),
                signalled: false,
                closed: false,
            }),
            changed: Condvar::new(),
        }
    }

    /// Queues a message and wakes the owner. Any thread. After [`close`](Self::close) the message is dropped.
    /// Returns `true` for an edge, if there was nothing to do before.
    pub(crate) fn post(&self, message: M) -> bool {
        let (refused, edge) = {
            let mut state = self.state.lock();
            let edge = state.is_edge();
            let refused = if state.closed {
                Some(message)
            } else {
                state.messages.push_back(message);
                None
            };
            (refused, edge)
        };
        self.wake_up(edge);
        // Outside the lock: a message's drop is not our code.
        drop(refused);
        edge
    }

    /// Wakes the owner without a message: its current or next `collect` does not park. Any thread. Returns
    /// `true` for an edge, if there was nothing to do before.
    pub(crate) fn signal(&self) -> bool {
        let edge = {
            let mut state = self.state.lock();
            let edge = state.is_edge();
            state.signalled = true;
            edge
        };
        self.wake_up(edge);
        edge
    }

    /// Wakes the owner at an edge. Other work need not wake it, because it parks only when there is nothing to
    /// do. Called without the lock, which an owner that wakes takes first.
    fn wake_up(&self, edge: bool) {
        if edge {
            self.changed.notify_one();
        }
    }

    /// Reports whether a `collect` would have to wait.
    pub(crate) fn is_idle(&self) -> bool {
        self.state.lock().is_idle()
    }

    /// Takes at most `limit` messages, and at least one if there are any, in the order in which they were
    /// posted. If there are none and no signal is pending, it first parks, as long as `wait` allows. Clears the
    /// signal. Called by the owner only.
    pub(crate) fn collect(&self, wait: Wait, limit: usize) -> Vec<M> {
        let until = match wait {
            Wait::No => Some(now()),
            // A moment beyond the clock's range never comes.
            Wait::AtMost(limit) => now().checked_add(limit),
            Wait::Forever => None,
        };
        let mut state = self.state.lock();
        while state.is_idle() {
            let Some(until) = until else {
                state = self.changed.wait(state);
                continue;
            };
            let left = until.saturating_duration_since(now());
            if left.is_zero() {
                break;
            }
            state = self.changed.wait_timeout(state, left);
        }
        state.signalled = false;
        let count = state.messages.len().min(limit.max(1));
        state.messages.drain(..count).collect()
    }

    /// Drops the queued messages that are not wanted any more.
    pub(crate) fn discard(&self, unwanted: impl Fn(&M) -> bool) {
        let discarded = take_out(&mut self.state.lock().messages, unwanted);
        drop(discarded);
    }

    /// Drops all messages, queued ones and later ones. Signals stay harmless.
    pub(crate) fn close(&self) {
        let dropped = {
            let mut state = self.state.lock();
            state.closed = true;
            std::mem::take(&mut state.messages)
        };
        drop(dropped);
    }

    /// The number of queued messages, and `true` if a signal is pending.
    #[cfg(feature = "test-hooks")]
    pub(crate) fn inspect(&self) -> (usize, bool) {
        let state = self.state.lock();
        (state.messages.len(), state.signalled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: usize = usize::MAX;

    #[test]
    fn evt_04_a_signal_is_returned_on_once() {
        let mailbox: Mailbox<()> = Mailbox::new();
        assert!(mailbox.signal());
        assert!(!mailbox.signal(), "no edge: it was signalled before");
        assert!(mailbox.collect(Wait::Forever, ALL).is_empty());
        assert!(!mailbox.state.lock().signalled);
        assert!(mailbox.collect(Wait::No, ALL).is_empty());
    }

    #[test]
    fn messages_come_in_order_and_end_with_close() {
        let mailbox = Mailbox::new();
        assert!(mailbox.post(1));
        assert!(!mailbox.post(2), "no edge: there was a message before");
        assert_eq!(mailbox.collect(Wait::Forever, ALL), [1, 2]);
        assert!(mailbox.post(3));
        mailbox.close();
        assert!(!mailbox.post(4), "nobody is left to be woken");
        assert!(!mailbox.signal());
        assert!(mailbox.collect(Wait::Forever, ALL).is_empty());
    }

    #[test]
    fn evt_09_a_bounded_collect_takes_one_at_least_and_leaves_the_rest_in_order() {
        let mailbox = Mailbox::new();
        for message in 1..=3 {
            mailbox.post(message);
        }
        assert_eq!(mailbox.collect(Wait::Forever, 0), [1]);
        assert!(!mailbox.is_idle());
        assert_eq!(mailbox.collect(Wait::Forever, 1), [2]);
        assert_eq!(mailbox.collect(Wait::Forever, 2), [3]);
        assert!(mailbox.is_idle());
    }

    #[test]
    fn discarding_keeps_the_others_in_order() {
        let mailbox = Mailbox::new();
        for message in 1..=4 {
            mailbox.post(message);
        }
        mailbox.discard(|message| message % 2 == 0);
        assert_eq!(mailbox.collect(Wait::No, ALL), [1, 3]);
    }

    #[test]
    fn evt_10_a_bounded_wait_ends_and_a_distant_one_does_not_overflow() {
        let mailbox: Mailbox<()> = Mailbox::new();
        assert!(
            mailbox
                .collect(Wait::AtMost(Duration::from_millis(1)), ALL)
                .is_empty()
        );
        mailbox.signal();
        assert!(mailbox.collect(Wait::AtMost(Duration::MAX), ALL).is_empty());
    }
}
