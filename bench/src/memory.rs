//! Bytes and allocations, counted by the allocator.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::hint::black_box;
use std::num::{NonZeroU32, NonZeroU64};
use std::sync::{Arc, Mutex};

use courier_core::oneshot::{OneShot, Winner};
use courier_core::{Courier, Decision, Id, LoadOptions, Provider, RuntimeOptions, WorkerKind};

use crate::measure::{Row, case, fixed};

/// Requests that are pending at once; one alone would be charged for the first growth of tables.
const REQUESTS: u32 = 4096;

/// The system's allocator, which counts for the thread that asks.
struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

thread_local! {
    static BYTES: Cell<i64> = const { Cell::new(0) };
    static ALLOCATIONS: Cell<i64> = const { Cell::new(0) };
}

// SAFETY: all is left to the system's allocator; the counters are plain numbers of this thread,
// which need no allocation and no destructor.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        BYTES.set(BYTES.get() + layout.size() as i64);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        BYTES.set(BYTES.get() - layout.size() as i64);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

/// Bytes that `make` leaves allocated.
fn bytes<R>(make: impl FnOnce() -> R) -> f64 {
    let before = BYTES.get();
    let made = black_box(make());
    let after = BYTES.get();
    drop(made);
    (after - before) as f64
}

fn allocations<R>(make: impl FnOnce() -> R) -> f64 {
    let before = ALLOCATIONS.get();
    black_box(make());
    (ALLOCATIONS.get() - before) as f64
}

pub(crate) fn rows() -> Vec<Row> {
    vec![
        Row {
            name: "PendingMemory",
            unit: "B",
            cases: vec![
                case("oneshot", fixed(bytes(oneshot::channel::<u64>))),
                case("ours", fixed(bytes(|| Arc::new(OneShot::new(7u64))))),
                case(
                    "ours-niche",
                    fixed(bytes(|| Arc::new(OneShot::new(NonZeroU64::MIN)))),
                ),
                case("ours-request", fixed(request())),
                case("tokio", fixed(bytes(tokio::sync::oneshot::channel::<u64>))),
                case(
                    "futures",
                    fixed(bytes(futures_channel::oneshot::channel::<u64>)),
                ),
            ],
        },
        Row {
            name: "OneshotAllocations",
            unit: "allocs/op",
            cases: vec![
                case("oneshot", fixed(allocations(oneshot::channel::<u64>))),
                case(
                    "ours",
                    fixed(allocations(|| {
                        OneShot::new(7u64).claim(Winner::Provider).unwrap()
                    })),
                ),
            ],
        },
    ]
}

/// All that a load costs whose request a provider keeps: load, request, their places in tables.
fn request() -> f64 {
    struct Keep(Arc<Mutex<Vec<Id>>>);
    impl Provider for Keep {
        fn provide(&self, request: Id, _url: &str) -> Decision {
            self.0.lock().unwrap().push(request);
            Decision::Handle
        }
    }
    let courier = Courier::new();
    let runtime = courier
        .runtime_create(&RuntimeOptions {
            workers: WorkerKind::Stepped,
            max_loads: NonZeroU32::new(REQUESTS).unwrap(),
            ..RuntimeOptions::default()
        })
        .unwrap();
    let session = courier.session_create(runtime).unwrap();
    // Memory that the provider keeps is not the runtime's.
    let kept = Arc::new(Mutex::new(Vec::with_capacity(REQUESTS as usize)));
    courier
        .runtime_set_provider(runtime, Box::new(Keep(Arc::clone(&kept))))
        .unwrap();
    let all = bytes(|| {
        for _ in 0..REQUESTS {
            courier
                .session_load(session, "app:x", &LoadOptions::default())
                .unwrap();
            courier.runtime_step(runtime).unwrap();
        }
    });
    for request in kept.lock().unwrap().drain(..) {
        courier.request_release(request).unwrap();
    }
    courier.session_destroy(session).unwrap();
    courier.runtime_destroy(runtime).unwrap();
    all / f64::from(REQUESTS)
}
