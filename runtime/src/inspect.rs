//! State that no call shows, for harnesses: looked at between calls, and changed by nothing here.

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
    /// Ends of loads that no pump has seen.
    pub ended: usize,
    /// Events that were not drained.
    pub unread: usize,
    /// A signal is pending.
    pub signalled: bool,
    /// The time that the owner may sleep.
    pub next_wait: Wait,
    /// A provider is installed.
    pub provider: bool,
    /// A wake callback is installed.
    pub on_work: bool,
}

/// A session's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionState {
    /// Loads without an event so far.
    pub pending: usize,
    /// A retained buffer is attached.
    pub buffer: bool,
    /// The surface of later loads.
    pub surface: usize,
}

/// A request's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestState {
    /// The one who ended the load.
    pub winner: Option<Winner>,
    /// A cancellation callback waits.
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
        Some(self.requests.get(id).ok()?.inspect())
    }

    /// The least important records that a logger gets; `None` without one. Any thread.
    pub fn inspect_log(&self) -> Option<Level> {
        let wanted = |level: &Level| self.log.wants(*level);
        Level::ALL.into_iter().rfind(wanted)
    }
}
