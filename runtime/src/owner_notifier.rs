//! The way from anywhere to the owner: the mailbox, and the upcalls that news for it lead to.

use crate::cancel_hook::Waits;
use crate::error::contain;
use crate::load::Ended;
use crate::log::{Level, Log};
use crate::mailbox::Mailbox;
use crate::sync::Arc;
use crate::upcall::Slot;

/// Tells a host with a loop of its own that the owner should pump.
///
/// Called on any thread when there was nothing to pump before and there is now, and by a pump that
/// left work behind; never while a lock of the runtime is held. From inside, requests, blobs and wake
/// sources may be used. A call may come although a pump has already done the work.
pub type OnWork = Box<dyn Fn() + Send + Sync>;

/// Shared by a runtime and all that reports to it; outlives it harmlessly.
#[derive(Debug)]
pub(crate) struct OwnerNotifier {
    pub(crate) mailbox: Mailbox<Ended>,
    pub(crate) on_work: Slot<OnWork>,
    pub(crate) log: Arc<Log>,
    /// Of the cancellation callbacks of the runtime's loads, and of all others.
    pub(crate) waits: Arc<Waits>,
}

impl OwnerNotifier {
    pub(crate) fn new(log: Arc<Log>, waits: Arc<Waits>) -> OwnerNotifier {
        OwnerNotifier {
            mailbox: Mailbox::new(),
            on_work: Slot::new(),
            log,
            waits,
        }
    }

    /// Tells the host's loop that there is work. No lock is held by the caller. Foreign code: a panic
    /// is contained and logged.
    pub(crate) fn call_on_work(&self) {
        if let Err(panic) = contain(|| self.on_work.call(|on_work| on_work())) {
            let text = || format!("the wake callback panicked: {panic}");
            self.log.write(Level::Error, text);
        }
    }

    /// As [`Mailbox::signal`], with the upcall that it leads to.
    pub(crate) fn signal(&self) {
        if self.mailbox.signal() {
            self.call_on_work();
        }
    }

    /// Ends everything: no upcall runs when this returns, and none comes later.
    pub(crate) fn close(&self) {
        self.mailbox.close();
        self.on_work.replace(None);
    }
}

/// The upcalls that a report leads to. Made by [`run`](Self::run), when the reporter has let go of
/// its locks.
#[must_use]
#[derive(Debug)]
pub(crate) struct PendingUpcalls {
    pub(crate) notifier: Arc<OwnerNotifier>,
    /// The owner has work and had none before.
    pub(crate) edge: bool,
    pub(crate) level: Level,
    /// The record, if somebody reads it.
    pub(crate) text: Option<String>,
}

impl PendingUpcalls {
    pub(crate) fn run(self) {
        if let Some(text) = self.text {
            self.notifier.log.write(self.level, || text);
        }
        if self.edge {
            self.notifier.call_on_work();
        }
    }
}
