//! Where work for the owner arrives, and where the owner parks.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::sync::{Condvar, Mutex};

/// How long the owner may park when there is nothing to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Not at all.
    No,
    /// At most this long.
    AtMost(Duration),
    /// Until there is something.
    Forever,
}

/// A queue of messages to the owner, and a wake flag, under one lock and one condition variable.
///
/// One lock for both is what makes a lost wake-up impossible: the owner decides to park while it
/// holds the lock under which every post and every signal is made.
#[derive(Debug)]
pub(crate) struct Mailbox<M> {
    state: Mutex<State<M>>,
    changed: Condvar,
}

#[derive(Debug)]
struct State<M> {
    messages: VecDeque<M>,
    /// Set by `signal`, cleared by the `collect` that returns.
    signalled: bool,
    /// The owner is gone: nothing is kept any more.
    closed: bool,
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

    /// Queues a message and wakes the owner. Any thread. After [`close`](Self::close) the message
    /// is dropped.
    pub(crate) fn post(&self, message: M) {
        let refused = {
            let mut state = self.state.lock();
            if state.closed {
                Some(message)
            } else {
                state.messages.push_back(message);
                self.changed.notify_one();
                None
            }
        };
        // Outside the lock: a message's drop is not our code.
        drop(refused);
    }

    /// Wakes the owner without a message: its current or next `collect` does not park. Any thread.
    pub(crate) fn signal(&self) {
        let mut state = self.state.lock();
        state.signalled = true;
        self.changed.notify_one();
    }

    /// Takes all messages in the order in which they were posted, after parking for `wait` if there
    /// are none and no signal is pending. Clears the signal. One thread: the owner.
    pub(crate) fn collect(&self, wait: Wait) -> VecDeque<M> {
        let until = match wait {
            Wait::No => Some(Instant::now()),
            // A moment too far away for the clock is never.
            Wait::AtMost(limit) => Instant::now().checked_add(limit),
            Wait::Forever => None,
        };
        let mut state = self.state.lock();
        while state.messages.is_empty() && !state.signalled {
            let Some(until) = until else {
                state = self.changed.wait(state);
                continue;
            };
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            state = self.changed.wait_timeout(state, left);
        }
        state.signalled = false;
        std::mem::take(&mut state.messages)
    }

    /// Drops what is queued and all that comes later. Signals stay harmless.
    pub(crate) fn close(&self) {
        let dropped = {
            let mut state = self.state.lock();
            state.closed = true;
            std::mem::take(&mut state.messages)
        };
        drop(dropped);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evt_04_a_signal_is_returned_on_once() {
        let mailbox: Mailbox<()> = Mailbox::new();
        mailbox.signal();
        mailbox.signal();
        assert!(mailbox.collect(Wait::Forever).is_empty());
        assert!(!mailbox.state.lock().signalled);
        assert!(mailbox.collect(Wait::No).is_empty());
    }

    #[test]
    fn messages_come_in_order_and_end_with_close() {
        let mailbox = Mailbox::new();
        mailbox.post(1);
        mailbox.post(2);
        assert_eq!(mailbox.collect(Wait::Forever), [1, 2]);
        mailbox.post(3);
        mailbox.close();
        mailbox.post(4);
        mailbox.signal();
        assert!(mailbox.collect(Wait::Forever).is_empty());
    }

    #[test]
    fn evt_10_a_bounded_wait_ends_and_a_distant_one_does_not_overflow() {
        let mailbox: Mailbox<()> = Mailbox::new();
        assert!(
            mailbox
                .collect(Wait::AtMost(Duration::from_millis(1)))
                .is_empty()
        );
        mailbox.signal();
        assert!(mailbox.collect(Wait::AtMost(Duration::MAX)).is_empty());
    }
}
