//! Read access to state that no call shows, for harnesses that look at it between calls.

use crate::courier::Courier;
use crate::id::Id;
use crate::log::Level;
use crate::mailbox::Wait;
use crate::oneshot::Winner;

/// A runtime's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RuntimeState {
    /// Live sessions, by the runtime's own count.
    pub sessions: usize,
    /// Loads that count against its limit.
    pub loads: usize,
    /// Jobs that wait for a worker.
    pub jobs: usize,
    /// Ends of loads that no pump has collected.
    pub ended: usize,
    /// Events that were not drained.
    pub unread: usize,
    /// True if a signal is pending.
    pub signalled: bool,
    /// The time that the owner may sleep.
    pub next_wait: Wait,
    /// True if a provider is installed.
    pub provider: bool,
    /// True if a wake callback is installed.
    pub on_work: bool,
}

/// A session's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionState {
    /// Loads without an event so far.
    pub pending: usize,
    /// True if a buffer is attached.
    pub buffer: bool,
    /// The surface of later loads.
    pub surface: usize,
}

/// A request's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestState {
    /// The contender that ended the load.
    pub winner: Option<Winner>,
    /// True if a cancellation callback is set.
    pub on_cancel: bool,
}

impl Courier {
    /// A runtime's state; `None` unless it is live. Any thread.
    pub fn inspect_runtime(&self, id: Id) -> Option<RuntimeState> {
        let runtime = self.runtimes.get(id).ok()?;
        let next_wait = runtime.next_wait();
        let (ended, signalled) = runtime.notifier.mailbox.inspect();
        let owned = runtime.owned.lock();
        Some(RuntimeState {
            sessions: owned.sessions,
            loads: owned.loads as usize,
            jobs: runtime.workers.inspect(),
            ended,
            unread: owned.events.len(),
            signalled,
            next_wait,
            provider: runtime.provider.is_installed(),
            on_work: runtime.notifier.on_work.is_installed(),
        })
    }

    /// A session's state; `None` unless it is live. Any thread.
    pub fn inspect_session(&self, id: Id) -> Option<SessionState> {
        let session = self.sessions.get(id).ok()?;
        let (pending, surface) = session.inspect();
        Some(SessionState {
            pending,
            buffer: session.buffer.is_attached(),
            surface,
        })
    }

    /// A request's state; `None` unless it is live. Any thread.
    pub fn inspect_request(&self, id: Id) -> Option<RequestState> {
        let (winner, on_cancel) = self.requests.get(id).ok()?.inspect();
        Some(RequestState { winner, on_cancel })
    }

    /// The level of the least important records that the logger gets; `None` without a logger. Any thread.
    pub fn inspect_log(&self) -> Option<Level> {
        let wanted = |level: &Level| self.log.wants(*level);
        Level::ALL.into_iter().rfind(wanted)
    }
}
