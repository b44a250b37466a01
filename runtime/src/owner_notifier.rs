//! The path from any thread to the owner: its mailbox, and the upcalls that new work leads to.

use crate::cancel_hook::Waits;
use crate::error::contain;
use crate::log::{Level, Log};
use crate::mailbox::Mailbox;
use crate::outcome::Ended;
use crate::sync::Arc;
use crate::upcall::Slot;

/// A wake callback, which tells a host with a loop of its own that the owner should pump.
///
/// Called on any thread when there was nothing to pump before and there is now, and by a pump that
/// left work behind; never while a lock of the runtime is held. From inside, requests, blobs and wake
/// sources may be used. A call may come although a pump has already done the work.
pub type OnWork = Box<dyn Fn() + Send + Sync>;

/// Mailbox and callbacks of one owner. Loads and wake sources share it with the runtime, and may outlive that.
#[derive(Debug)]
pub(crate) struct OwnerNotifier {
    pub(crate) mailbox: Mailbox<Ended>,
    pub(crate) on_work: Slot<OnWork>,
    pub(crate) log: Arc<Log>,
    /// The waits for cancellation callbacks, of this runtime and all others.
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

    /// Calls the wake callback. The caller holds no lock. A panic of this foreign code is contained and logged.
    pub(crate) fn call_on_work(&self) {
        if let Err(panic) = contain(|| self.on_work.call(|on_work| on_work())) {
            let text = || format!("the wake callback panicked: {panic}");
            self.log.write(Level::Error, text);
        }
    }

    /// The same as [`Mailbox::signal`], with the upcall that it leads to.
    pub(crate) fn signal(&self) {
        if self.mailbox.signal() {
            self.call_on_work();
        }
    }

    /// Closes the mailbox and removes the wake callback: no call of it runs when this returns, and none comes
    /// later.
    pub(crate) fn close(&self) {
        self.mailbox.close();
        self.on_work.replace(None);
    }
}

/// The upcalls that the end of a load leads to. The reporter [runs](Self::run) them after it has released its
/// locks.
#[must_use]
#[derive(Debug)]
pub(crate) struct PendingUpcalls {
    pub(crate) notifier: Arc<OwnerNotifier>,
    /// True if the owner has work and had none before.
    pub(crate) edge: bool,
    pub(crate) level: Level,
    /// The text of the record, if a logger reads it.
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
