//! A load, shared by those who may end it, and the right to end it.

use crate::cancel_hook::CancelHook;
use crate::id::Id;
use crate::log::Level;
use crate::oneshot::{OneShot, Winner};
use crate::outcome::{Ended, Outcome};
use crate::owner_notifier::{OwnerNotifier, PendingUpcalls};
use crate::retained_buffer::RetainedBuffer;
use crate::sync::Arc;

/// The right to end a load. The contender that claims it from the load's one-shot either
/// [reports](Self::report) an outcome, or drops it, which ends the load without an event.
#[derive(Debug)]
pub(crate) struct Ending {
    notifier: Arc<OwnerNotifier>,
    buffer: Arc<RetainedBuffer>,
    session: Id,
    load: u64,
}

impl Ending {
    /// Sends the outcome to the owner. The caller runs the upcalls when it holds no lock.
    pub(crate) fn report(self, outcome: Outcome) -> PendingUpcalls {
        let (session, load) = (self.session.to_raw(), self.load);
        if let Outcome::Completed(bytes) = &outcome {
            // Before the event, so that a host that sees the event finds the bytes in place.
            self.buffer.store(bytes);
        }
        let level = outcome.level();
        // Made here, because the outcome moves to the owner, and only if a logger reads it.
        let text = self
            .notifier
            .log
            .wants(level)
            .then(|| format!("load {load} of session {session:#x} {outcome}"));
        let edge = self.notifier.mailbox.post(Ended {
            session: self.session,
            load,
            outcome,
        });
        PendingUpcalls {
            notifier: self.notifier,
            edge,
            level,
            text,
        }
    }
}

/// A load, shared by its session, its job and its request.
#[derive(Debug)]
pub(crate) struct Load {
    /// The right to end it, which several contenders claim.
    end: OneShot<Ending>,
    /// The callback for its cancellation.
    pub(crate) on_cancel: CancelHook,
    /// The session's surface when the load was started.
    pub(crate) surface: usize,
}

impl Load {
    pub(crate) fn new(
        notifier: Arc<OwnerNotifier>,
        buffer: Arc<RetainedBuffer>,
        session: Id,
        load: u64,
        surface: usize,
    ) -> Load {
        let on_cancel = CancelHook::new(Arc::clone(&notifier.waits));
        Load {
            end: OneShot::new(Ending {
                notifier,
                buffer,
                session,
                load,
            }),
            on_cancel,
            surface,
        }
    }

    /// Takes the right to end the load, in the name of `contender`.
    ///
    /// # Errors
    /// The winner, if another contender was first.
    pub(crate) fn claim(&self, contender: Winner) -> Result<Ending, Winner> {
        self.end.claim(contender)
    }

    /// The contender that ended the load.
    pub(crate) fn winner(&self) -> Option<Winner> {
        self.end.winner()
    }

    /// Ends a load that nobody wants any more, and runs its cancellation callback. Without an outcome there
    /// is no event. The caller holds no lock.
    ///
    /// # Errors
    /// The winner, if another contender was first.
    pub(crate) fn abandon(
        &self,
        contender: Winner,
        outcome: Option<Outcome>,
    ) -> Result<(), Winner> {
        let ending = self.claim(contender)?;
        let notifier = Arc::clone(&ending.notifier);
        if let Some(outcome) = outcome {
            ending.report(outcome).run();
        }
        if let Err(panic) = self.on_cancel.fire() {
            let text = || format!("a cancellation callback panicked: {panic}");
            notifier.log.write(Level::Error, text);
        }
        Ok(())
    }
}
