//! A lost wake-up that only some schedules show: the planted bug that proves a checker to be on.
//!
//! Ignored in ordinary runs. The lab runs it by name, under loom and under shuttle, and each time it must
//! die of a deadlock.
#![cfg(any(courier_loom, courier_shuttle))]

use courier_core::sync::{Arc, Condvar, Mutex, thread};
use courier_loom::model;

/// Threads beside the one that waits: as many as the checker is used for.
const PEERS: usize = if cfg!(courier_shuttle) { 5 } else { 1 };

#[test]
#[ignore = "a planted fault, run by the lab to prove that the engine finds one"]
fn canary_lost_wake_up() {
    model(|| {
        let ready = Arc::new((Mutex::new(0), Condvar::new()));
        let peers: Vec<_> = (0..PEERS)
            .map(|_| {
                let ready = Arc::clone(&ready);
                let body = move || {
                    *ready.0.lock() += 1;
                    ready.1.notify_one();
                };
                thread::spawn("peer".to_owned(), body).unwrap()
            })
            .collect();
        // The fault: the count is read under one lock and waited for under another, and the last
        // notification may come in between.
        while *ready.0.lock() < PEERS {
            drop(ready.1.wait(ready.0.lock()));
        }
        for peer in peers {
            peer.join().unwrap();
        }
    });
}
