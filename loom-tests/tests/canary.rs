//! Proof that the engine is on: a lost wake-up that only some schedules show.
//!
//! Ignored in ordinary runs. The lab runs it by name, under loom, and wants it to die of a deadlock.
#![cfg(courier_loom)]

use courier_core::sync::{Arc, Condvar, Mutex, thread};
use courier_loom::model;

#[test]
#[ignore = "a planted fault, run by the lab to prove that the engine finds one"]
fn canary_lost_wake_up() {
    model(|| {
        let ready = Arc::new((Mutex::new(false), Condvar::new()));
        let peer = {
            let ready = Arc::clone(&ready);
            thread::spawn("peer".to_owned(), move || {
                *ready.0.lock() = true;
                ready.1.notify_one();
            })
        };
        // The fault: the flag is read under one lock and waited for under another, and the
        // notification may come in between.
        let is_ready = *ready.0.lock();
        if !is_ready {
            drop(ready.1.wait(ready.0.lock()));
        }
        peer.unwrap().join().unwrap();
    });
}
