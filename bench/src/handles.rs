//! The handle tables beside two others that check a key's generation.
//!
//! A look-up checks the handle and keeps the object alive until it has been used. Ours goes
//! through the runtime's API: a blob's read for the look-up, a wake source's life for the cycle,
//! which is also a look-up of its runtime and a check of the thread.
//!
//! On two threads, both look up one object, and the words that both write pass from one processor to the other
//! and back. The peer has one such word, the count in its slot. We have two: the table's lock, and the count of
//! the object's `Arc`, which keeps it alive after the lock. Shards would spare the first where threads use
//! different objects, and here nothing: the object is one. They would split the list of free slots, too, and
//! with it the rule that the last slot released is reused first, by which stale ids meet newer objects early.
//! What a host looks handles up for is loads, which take a thread and a file.

use std::hint::black_box;
use std::sync::{Arc, Barrier, RwLock};
use std::thread;
use std::time::Instant;

use courier_core::{Courier, EventKind, Id, LoadOptions, RuntimeOptions, Wait, WorkerKind};
use sharded_slab::Slab;
use slotmap::{DefaultKey, SlotMap};

use crate::measure::{Row, Run, calls, case, timed};

const CONTENT: &[u8] = b"hello";

/// A courier with a runtime of this thread and a blob.
struct Ours {
    courier: Courier,
    runtime: Id,
    blob: Id,
}

impl Ours {
    fn new() -> Ours {
        let courier = Courier::new();
        let runtime = courier
            .runtime_create(&RuntimeOptions {
                workers: WorkerKind::Stepped,
                ..RuntimeOptions::default()
            })
            .unwrap();
        let session = courier.session_create(runtime).unwrap();
        courier
            .session_load(session, "data:,hello", &LoadOptions::default())
            .unwrap();
        courier.runtime_step(runtime).unwrap();
        courier.runtime_pump(runtime, Wait::No, usize::MAX).unwrap();
        let events = courier.runtime_drain_events(runtime, 1).unwrap();
        let EventKind::Completed(blob) = events[0].kind else {
            panic!("{events:?}");
        };
        Ours {
            courier,
            runtime,
            blob,
        }
    }

    fn get(&self) -> usize {
        self.courier.blob_read(self.blob, <[u8]>::len).unwrap()
    }
}

struct Slots {
    map: RwLock<SlotMap<DefaultKey, Vec<u8>>>,
    key: DefaultKey,
}

impl Slots {
    fn new() -> Slots {
        let mut map = SlotMap::new();
        let key = map.insert(CONTENT.to_vec());
        Slots {
            map: RwLock::new(map),
            key,
        }
    }

    fn get(&self) -> usize {
        self.map.read().unwrap()[self.key].len()
    }
}

struct Shards {
    slab: Slab<Vec<u8>>,
    key: usize,
}

impl Shards {
    fn new() -> Shards {
        let slab = Slab::new();
        let key = slab.insert(CONTENT.to_vec()).unwrap();
        Shards { slab, key }
    }

    fn get(&self) -> usize {
        self.slab.get(self.key).unwrap().len()
    }
}

pub(crate) fn rows() -> Vec<Row> {
    let row = |name, cases: [(&'static str, Run); 3]| Row {
        name,
        unit: "ns/op",
        cases: cases
            .into_iter()
            .map(|(name, run)| case(name, run))
            .collect(),
    };
    let (ours, slots, shards) = (Ours::new(), Slots::new(), Shards::new());
    let cycles = row(
        "HandleCycle",
        [
            (
                "sharded-slab",
                calls(move |_| {
                    let key = shards.slab.insert(Vec::new()).unwrap();
                    shards.slab.remove(key)
                }),
            ),
            (
                "ours",
                calls(move |_| {
                    let source = ours.courier.runtime_wake_source(ours.runtime).unwrap();
                    ours.courier.wake_source_release(source).unwrap();
                }),
            ),
            (
                "slotmap",
                calls(move |_| {
                    let key = slots.map.write().unwrap().insert(Vec::new());
                    slots.map.write().unwrap().remove(key)
                }),
            ),
        ],
    );
    let (ours, slots, shards) = (Ours::new(), Slots::new(), Shards::new());
    let gets = row(
        "HandleGet",
        [
            ("sharded-slab", calls(move |_| shards.get())),
            ("ours", calls(move |_| ours.get())),
            ("slotmap", calls(move |_| slots.get())),
        ],
    );
    let (ours, slots, shards) = (Ours::new(), Slots::new(), Shards::new());
    let shared_gets = row(
        "HandleGetTwoThreads",
        [
            ("sharded-slab", on_two_threads(move || shards.get())),
            ("ours", on_two_threads(move || ours.get())),
            ("slotmap", on_two_threads(move || slots.get())),
        ],
    );
    vec![cycles, gets, shared_gets]
}

/// Two threads look the same handle up; the figure is one look-up of one of them.
fn on_two_threads(get: impl Fn() -> usize + Send + Sync + 'static) -> Run {
    let get = Arc::new(get);
    timed(move |count| {
        let barrier = Barrier::new(2);
        let work = || {
            barrier.wait();
            let start = Instant::now();
            for _ in 0..count {
                black_box(get());
            }
            start.elapsed()
        };
        thread::scope(|scope| {
            let peer = scope.spawn(work);
            work().max(peer.join().unwrap())
        })
    })
}
