//! Meetings: lanes that run at the same time are made to meet inside the library.
//!
//! At each [point](courier_core::sync::at_points) of the runtime a lane may stop until the others have
//! passed a few points: so one call runs through, or ends, while another stands between two locks. All
//! that a wrong guess costs is luck: a lane that waits for one that is blocked gives up, after a number
//! of turns and not after a time.

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// One lane in so many points stops.
const STOPS: u64 = 6;
/// A lane that stops waits until the others have passed fewer points than this.
const LONGEST: u64 = 12;
/// Turns after which a lane that stopped goes on: those it waits for may wait for a lock that it holds.
const PATIENCE: usize = 100;

/// The state that the lanes of one history share.
#[derive(Debug)]
pub(crate) struct Meeting {
    lanes: usize,
    arrived: AtomicUsize,
    /// Points that were passed by all of them.
    passed: AtomicUsize,
    /// Lanes that neither stand at a point nor have ended.
    running: AtomicUsize,
}

impl Meeting {
    pub(crate) fn of(lanes: usize) -> Meeting {
        Meeting {
            lanes,
            arrived: AtomicUsize::new(0),
            passed: AtomicUsize::new(0),
            running: AtomicUsize::new(lanes),
        }
    }

    /// Waits until every lane is on a processor, or was: waking a thread takes longer than a call.
    pub(crate) fn arrive(&self) {
        self.arrived.fetch_add(1, Ordering::SeqCst);
        while self.arrived.load(Ordering::SeqCst) < self.lanes {
            thread::yield_now();
        }
    }

    /// A lane is at a point. `luck` is its own.
    pub(crate) fn point(&self, luck: &Luck) {
        self.passed.fetch_add(1, Ordering::SeqCst);
        if luck.below(STOPS) != 0 || self.leave() == 0 {
            return;
        }
        let until = self.passed.load(Ordering::SeqCst) + 1 + luck.below(LONGEST) as usize;
        for _ in 0..PATIENCE {
            let passed = self.passed.load(Ordering::SeqCst);
            // Nobody runs any more: one of those who stand goes on.
            if passed >= until || self.running.load(Ordering::SeqCst) == 0 {
                break;
            }
            thread::yield_now();
        }
        self.running.fetch_add(1, Ordering::SeqCst);
    }

    /// A lane has ended.
    pub(crate) fn end(&self) {
        self.running.fetch_sub(1, Ordering::SeqCst);
    }

    /// Takes the lane out of those that run, unless it is the last one. Gives how many are left then.
    fn leave(&self) -> usize {
        let less = |running: usize| running.checked_sub(1).filter(|left| *left > 0);
        let before = self
            .running
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, less);
        before.map_or(0, |before| before - 1)
    }
}

/// Random numbers of one lane: `SplitMix64` (Steele, Lea, Flood, "Fast splittable pseudorandom number
/// generators", 2014).
#[derive(Debug)]
pub(crate) struct Luck(Cell<u64>);

impl Luck {
    /// The numbers of a lane in a history with this seed.
    pub(crate) fn of(seed: u64, lane: u8) -> Luck {
        let luck = Luck(Cell::new(seed ^ u64::from(lane).rotate_right(8)));
        luck.next();
        luck
    }

    fn below(&self, limit: u64) -> u64 {
        self.next() % limit
    }

    fn next(&self) -> u64 {
        let state = self.0.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
        self.0.set(state);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    /// Lanes with nothing in between: however they stop, all of them end.
    #[test]
    fn lanes_that_meet_all_end() {
        for seed in 0..50 {
            let meeting = Arc::new(Meeting::of(3));
            let lanes = (0..3).map(|lane| {
                let meeting = Arc::clone(&meeting);
                thread::spawn(move || {
                    let luck = Luck::of(seed, lane);
                    meeting.arrive();
                    (0..20).for_each(|_| meeting.point(&luck));
                    meeting.end();
                })
            });
            for lane in lanes.collect::<Vec<_>>() {
                lane.join().unwrap();
            }
            assert_eq!(meeting.passed.load(Ordering::SeqCst), 60);
            assert_eq!(meeting.running.load(Ordering::SeqCst), 0);
        }
    }
}
