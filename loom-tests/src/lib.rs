//! Models of courier's concurrency, each explored by a checker.
//!
//! | checker | models | schedules |
//! |---|---|---|
//! | loom | all of `tests/` but `lives.rs`: one race of two or three threads | every one within a bound |
//! | shuttle | `tests/lives.rs`: whole lives of runtimes, six to eight threads | random ones, no proof |
//!
//! ```text
//! RUSTFLAGS="--cfg courier_loom" cargo test -p courier-loom --release --target-dir target/loom
//! RUSTFLAGS="--cfg courier_shuttle" cargo test -p courier-loom --release --target-dir target/shuttle
//! ```
//!
//! The lab runs the same, with debug assertions, and each model in a process of its own. A build without
//! either cfg runs every model once, on real threads, which proves little and keeps them compiling.
//!
//! Everything that a model waits with comes from [`courier_core::sync`], and nothing depends on the clock,
//! or a schedule could not be repeated. Assertions stand on the model's main thread, because the runtime
//! contains a panic inside a provider.
//!
//! A model for loom has one to three operations in each thread, capacities of one or two, no spinning, and
//! no time but its own, which moves when a thread waits (`timed_model`). It runs twice, without and with
//! spurious wake-ups. loom ends a model with success when it reaches its own limits, so [`model`] counts the
//! executions and says whether the model is complete or was cut off.
//!
//! shuttle sees races of logic only, because its atomics are all sequentially consistent. It prints a
//! schedule that fails, which `COURIER_SHUTTLE_REPLAY` runs again.

use std::time::Duration;

use courier_core::sync::{Arc, Mutex, thread};
use courier_core::{
    Courier, Decision, Event, EventKind, Id, Level, Live, LoadOptions, Logger, Provider, Response,
    RuntimeOptions, Wait, Word, WorkerKind,
};

#[cfg(not(any(courier_loom, courier_shuttle)))]
mod plain;
#[cfg(courier_loom)]
mod under_loom;
#[cfg(courier_shuttle)]
mod under_shuttle;
mod watch;

#[cfg(not(any(courier_loom, courier_shuttle)))]
pub use plain::{model, timed_model};
#[cfg(courier_loom)]
pub use under_loom::{model, timed_model};
#[cfg(courier_shuttle)]
pub use under_shuttle::model;
pub use watch::{Bell, Count, Watch};

/// Options of a load that expires at the next pump.
pub const EXPIRED: LoadOptions = LoadOptions {
    deadline: Some(Duration::ZERO),
};

/// A provider or a logger that is a closure.
#[derive(Debug)]
pub struct FromFn<F>(pub F);

impl<F: Fn(Id) -> Decision + Send + Sync> Provider for FromFn<F> {
    fn provide(&self, request: Id, _: &str) -> Decision {
        (self.0)(request)
    }
}

impl<F: Fn(&str) + Send + Sync> Logger for FromFn<F> {
    fn log(&self, _: Level, text: &str) {
        (self.0)(text);
    }
}

/// A runtime with stepped workers on the calling thread, and a session in it.
#[derive(Clone, Debug)]
pub struct Fixture {
    /// The library.
    pub courier: Arc<Courier>,
    /// The runtime, owned by the thread that made the fixture.
    pub runtime: Id,
    /// A session of it.
    pub session: Id,
}

impl Fixture {
    /// A fixture with stepped workers.
    pub fn new() -> Fixture {
        Fixture::with_workers(WorkerKind::Stepped)
    }

    /// A fixture with workers of this kind.
    pub fn with_workers(workers: WorkerKind) -> Fixture {
        Fixture::in_courier(Arc::new(Courier::new()), workers)
    }

    /// A fixture with stepped workers, and slots that retire after `last_generation` objects.
    pub fn with_last_generation(last_generation: u32) -> Fixture {
        let courier = Courier::with_last_generation(last_generation);
        Fixture::in_courier(Arc::new(courier), WorkerKind::Stepped)
    }

    /// A fixture in an instance of the library that others use, too.
    pub fn in_courier(courier: Arc<Courier>, workers: WorkerKind) -> Fixture {
        let options = RuntimeOptions {
            workers,
            ..RuntimeOptions::default()
        };
        let runtime = courier.runtime_create(&options).unwrap();
        let session = courier.session_create(runtime).unwrap();
        Fixture {
            courier,
            runtime,
            session,
        }
    }

    /// Starts a load and has a provider keep its request. Returns both.
    pub fn kept_request(&self) -> (u64, Id) {
        self.kept_request_of(&LoadOptions::default())
    }

    /// The same as [`kept_request`](Self::kept_request), for a load with these options.
    pub fn kept_request_of(&self, options: &LoadOptions) -> (u64, Id) {
        let kept = Arc::new(Mutex::new(None));
        let keeper = Arc::clone(&kept);
        self.provider(move |request| {
            *keeper.lock() = Some(request);
            Decision::Handle
        });
        let load = self.load_with("app:x", options);
        assert!(self.courier.runtime_step(self.runtime).unwrap());
        self.courier.runtime_clear_provider(self.runtime).unwrap();
        let request = kept.lock().take();
        (load, request.expect("the provider was called"))
    }

    /// Installs a provider.
    pub fn provider(&self, provide: impl Fn(Id) -> Decision + Send + Sync + 'static) {
        let provider = Box::new(FromFn(provide));
        self.courier
            .runtime_set_provider(self.runtime, provider)
            .unwrap();
    }

    /// Starts a load without a deadline.
    pub fn load(&self, url: &str) -> u64 {
        self.load_with(url, &LoadOptions::default())
    }

    /// Starts a load.
    pub fn load_with(&self, url: &str, options: &LoadOptions) -> u64 {
        self.courier
            .session_load(self.session, url, options)
            .unwrap()
    }

    /// A blob with five bytes.
    pub fn blob(&self) -> Id {
        let (_, request) = self.kept_request();
        self.courier.request_complete(request, bytes()).unwrap();
        self.courier.request_release(request).unwrap();
        match self.events()[0].kind {
            EventKind::Completed(blob) => blob,
            ref other => panic!("{other:?}"),
        }
    }

    /// A wake source of the runtime.
    pub fn wake_source(&self) -> Id {
        self.courier.runtime_wake_source(self.runtime).unwrap()
    }

    /// Installs a wake callback.
    pub fn on_work(&self, on_work: impl Fn() + Send + Sync + 'static) {
        self.courier
            .runtime_set_on_work(self.runtime, Some(Box::new(on_work)))
            .unwrap();
    }

    /// Cancels a load. Returns `true` if it was in time.
    pub fn cancel(&self, load: u64) -> bool {
        match self.courier.session_cancel(self.session, load) {
            Ok(()) => true,
            Err(error) => {
                assert_eq!(error.word(), Word::LoadEnded);
                false
            }
        }
    }

    /// Releases the blobs of the events, and ends session and runtime.
    pub fn close(&self, events: Vec<Event>) {
        for event in events {
            if let EventKind::Completed(blob) | EventKind::Failed(_, blob) = event.kind {
                self.courier.blob_release(blob).unwrap();
            }
        }
        // Stale if the model ended it.
        let _ = self.courier.session_destroy(self.session);
        self.courier.runtime_destroy(self.runtime).unwrap();
    }

    /// The same as [`close`](Self::close); checks in addition that nothing is left.
    pub fn end(&self, events: Vec<Event>) {
        self.close(events);
        assert_eq!(self.courier.live(), Live::default());
    }

    /// Pumps without a budget. Returns the number of unread events.
    pub fn pump(&self, wait: Wait) -> usize {
        self.courier
            .runtime_pump(self.runtime, wait, usize::MAX)
            .unwrap()
    }

    /// Pumps without waiting, and drains the events.
    pub fn events(&self) -> Vec<Event> {
        self.pump(Wait::No);
        self.courier.runtime_drain_events(self.runtime, 9).unwrap()
    }

    /// Runs `task` on a thread of the model.
    pub fn spawn(&self, task: impl FnOnce(&Fixture) + Send + 'static) -> thread::JoinHandle<()> {
        let fixture = self.clone();
        thread::spawn("peer".to_owned(), move || task(&fixture)).unwrap()
    }
}

impl Default for Fixture {
    fn default() -> Self {
        Fixture::new()
    }
}

/// A response that completes a load with a few bytes.
pub fn bytes() -> Result<Response, courier_core::Error> {
    Ok(Response::Bytes(b"bytes".to_vec()))
}
