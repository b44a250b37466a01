//! The log for people: one callback for the whole instance.
//!
//! Records come from any thread, several at once. They are for reading only: programs learn outcomes from
//! statuses and events.

use std::cell::Cell;

use crate::error::contain;
use crate::sync::atomic::{AtomicU8, Ordering};
use crate::sync::{Mutex, thread_local};
use crate::upcall::Slot;

/// The importance of a record. The values are part of the C ABI.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Level {
    /// A contained panic: a bug in a callback, or in the loader.
    Error = 1,
    /// A load failed.
    Warn = 2,
    /// A runtime came or went.
    Info = 3,
    /// A load completed or was cancelled.
    Debug = 4,
}

impl Level {
    /// All of them, the most important first.
    pub const ALL: [Level; 4] = [Level::Error, Level::Warn, Level::Info, Level::Debug];
}

/// A receiver of records.
///
/// Called on any thread, several at once; never while a lock of the library is held. From inside,
/// requests, blobs and wake sources may be used; records of these calls are not delivered.
pub trait Logger: Send + Sync {
    /// Receives one record. `text` is one line without a line break.
    fn log(&self, level: Level, text: &str);
}

/// The limit at which nothing is delivered. Not a [`Level`], and below all of them.
const OFF: u8 = 0;

thread_local! {
    /// True while the thread delivers a record.
    #[cfg_attr(
        not(any(courier_loom, courier_shuttle)),
        expect(clippy::missing_const_for_thread_local, reason = "loom knows no such form")
    )]
    static DELIVERING: Cell<bool> = Cell::new(false);
}

/// Sets whether the thread delivers a record, and gives whether it did until now.
#[cfg(all(feature = "test-hooks", not(any(courier_loom, courier_shuttle))))]
pub(crate) fn exchange_delivering(delivers: bool) -> bool {
    DELIVERING.with(|delivering| delivering.replace(delivers))
}

#[derive(Debug)]
pub(crate) struct Log {
    /// The least important level that is delivered, or `OFF`. A hint that saves making texts that nobody
    /// reads.
    limit: AtomicU8,
    slot: Slot<Sink>,
    /// Held while one logger takes the place of another, so that `limit` is that of the last one.
    replacing: Mutex<()>,
}

struct Sink {
    limit: Level,
    logger: Box<dyn Logger>,
}

impl Log {
    pub(crate) fn new() -> Log {
        Log {
            limit: AtomicU8::new(OFF),
            slot: Slot::new(),
            replacing: Mutex::new(()),
        }
    }

    /// Installs, replaces or (with `None`) clears the logger, and waits for the old one's calls.
    ///
    /// The caller has checked that it is not inside an upcall.
    pub(crate) fn replace(&self, logger: Option<(Level, Box<dyn Logger>)>) {
        let _replacing = self.replacing.lock();
        let limit = logger.as_ref().map_or(OFF, |(limit, _)| *limit as u8);
        self.slot
            .replace(logger.map(|(limit, logger)| Sink { limit, logger }));
        // ORDERING: Relaxed: a hint. Who sees an old value misses a record or makes one in vain; the
        // slot decides what is delivered.
        self.limit.store(limit, Ordering::Relaxed);
    }

    /// Reports whether a record would be delivered. A hint, for callers that have yet to make the text.
    pub(crate) fn wants(&self, level: Level) -> bool {
        // ORDERING: Relaxed: a hint, as in `replace`.
        level as u8 <= self.limit.load(Ordering::Relaxed) && !DELIVERING.with(Cell::get)
    }

    /// Delivers a record, if the logger wants its level. The caller holds no lock.
    pub(crate) fn write(&self, level: Level, text: impl FnOnce() -> String) {
        if !self.wants(level) {
            return;
        }
        let text = text();
        let deliver = || {
            self.slot.call(|sink| {
                if level <= sink.limit {
                    let _delivering = Delivering::enter();
                    sink.logger.log(level, &text);
                }
            })
        };
        // Foreign code: a panic is contained. There is nobody left to tell.
        let _ = contain(deliver);
    }
}

/// Marks the thread as delivering until it is dropped, even if the logger panics.
struct Delivering(());

impl Delivering {
    fn enter() -> Delivering {
        DELIVERING.with(|delivering| delivering.set(true));
        Delivering(())
    }
}

impl Drop for Delivering {
    fn drop(&mut self) {
        DELIVERING.with(|delivering| delivering.set(false));
    }
}
