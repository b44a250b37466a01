//! State that no call shows: what the model says of it, and what a library has.
//!
//! Compared after each step; after a refused one also with a copy from before. Objects are in the order
//! of their ordinals; released ones have no state.

use courier_core::{Courier, Id, Level, Live, RequestState, SessionState, Wait};

use crate::op::SOON;

/// Everything that a harness can know between two calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// The number of live handles.
    pub live: Live,
    /// The least important records that the log callback gets.
    pub log: Option<Level>,
    /// Runtimes.
    pub runtimes: Vec<Option<Runtime>>,
    /// Sessions.
    pub sessions: Vec<Option<SessionState>>,
    /// Requests.
    pub requests: Vec<Option<RequestState>>,
}

/// A runtime's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Runtime {
    /// Live sessions, by the runtime's own count.
    pub sessions: usize,
    /// Loads that count against its limit.
    pub loads: usize,
    /// Jobs that wait.
    pub jobs: usize,
    /// Ends that no pump has seen.
    pub ended: usize,
    /// Events that were not drained.
    pub unread: usize,
    /// A signal is pending.
    pub signalled: bool,
    /// The time that the owner may sleep.
    pub next: Next,
    /// A provider is installed.
    pub provider: bool,
    /// A wake callback is installed.
    pub wake: bool,
}

/// The time that an owner's loop may sleep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Not at all.
    Now,
    /// At most [`SOON`].
    Soon,
    /// Until a deadline that no scenario reaches.
    Later,
    /// Without limit.
    Never,
}

impl Next {
    /// The class of a wait.
    pub fn of(wait: Wait) -> Next {
        match wait {
            Wait::No => Next::Now,
            Wait::AtMost(limit) if limit <= SOON => Next::Soon,
            Wait::AtMost(_) => Next::Later,
            Wait::Forever => Next::Never,
        }
    }

    /// The wait that was seen, without the time that has passed: what is soon may be due by now.
    pub(crate) fn without_passed_time(self, expected: Next) -> Next {
        match (self, expected) {
            (Next::Now, Next::Soon) => Next::Soon,
            _ => self,
        }
    }
}

impl State {
    /// The state of a library whose objects have these ids.
    pub(crate) fn of(
        courier: &Courier,
        runtimes: &[Id],
        sessions: &[Id],
        requests: &[Id],
    ) -> State {
        let runtime = |id: &Id| {
            let state = courier.inspect_runtime(*id)?;
            Some(Runtime {
                sessions: state.sessions,
                loads: state.loads,
                jobs: state.jobs,
                ended: state.ended,
                unread: state.unread,
                signalled: state.signalled,
                next: Next::of(state.next_wait),
                provider: state.provider,
                wake: state.on_work,
            })
        };
        State {
            live: courier.live(),
            log: courier.inspect_log(),
            runtimes: runtimes.iter().map(runtime).collect(),
            sessions: sessions
                .iter()
                .map(|id| courier.inspect_session(*id))
                .collect(),
            requests: requests
                .iter()
                .map(|id| courier.inspect_request(*id))
                .collect(),
        }
    }

    /// See [`Next::without_passed_time`].
    pub(crate) fn without_passed_time(mut self, expected: &State) -> State {
        for (is, should) in self.runtimes.iter_mut().zip(&expected.runtimes) {
            if let (Some(is), Some(should)) = (is, should) {
                is.next = is.next.without_passed_time(should.next);
            }
        }
        self
    }
}
