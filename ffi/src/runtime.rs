//! Runtimes: create, pump, step, destroy.

use std::ffi::c_char;
use std::mem::size_of;
use std::num::{NonZeroU8, NonZeroU32};
use std::path::PathBuf;
use std::ptr;
use std::time::Duration;

use courier_core::{Error, Id, RuntimeOptions, Wait, Word, WorkerKind};

use crate::args::{self, Growable};
use crate::boundary::{COURIER, status};
use crate::types::{courier_runtime, courier_status};

/// The kind of threads that run the loads of a runtime.
pub type courier_workers = i32;

/// Threads of the runtime's own.
pub const COURIER_WORKERS_THREADS: courier_workers = 1;
/// The owner thread, one load at a time, by courier_runtime_step.
pub const COURIER_WORKERS_STEPPED: courier_workers = 2;

/// Options of a new runtime. courier_runtime_options_init fills in the defaults.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct courier_runtime_options {
    /// sizeof(courier_runtime_options) of the header that the host was compiled with.
    pub size: u32,
    /// COURIER_WORKERS_THREADS (the default) or COURIER_WORKERS_STEPPED.
    pub workers: courier_workers,
    /// The number of worker threads, from 1 to 64; 2 is the default. Not read with stepped workers.
    pub worker_threads: u32,
    /// The number of loads that the runtime may have at once, from their start until their event is
    /// drained. It bounds all queues. 1024 is the default; 0 is refused.
    pub max_loads: u32,
    /// The directory under which `file:` URLs are resolved: a NUL-terminated path in UTF-8, borrowed
    /// for the call. NULL (the default): `file:` URLs are not served. An empty path is refused.
    pub root: *const c_char,
}

const MAX_WORKER_THREADS: u32 = 64;

// SAFETY: repr(C), begins with a u32, integers and a pointer.
unsafe impl Growable for courier_runtime_options {
    const MINIMUM: usize = 24;

    fn defaults() -> Self {
        courier_runtime_options {
            size: size_of::<Self>() as u32,
            workers: COURIER_WORKERS_THREADS,
            worker_threads: 2,
            max_loads: 1024,
            root: ptr::null(),
        }
    }
}

impl courier_runtime_options {
    /// # Safety
    /// `root` is null or a NUL-terminated string.
    unsafe fn parse(&self) -> Result<RuntimeOptions, Error> {
        let bad_value = |text: String| Err(Error::new(Word::BadValue, text));
        let workers = match self.workers {
            COURIER_WORKERS_STEPPED => WorkerKind::Stepped,
            COURIER_WORKERS_THREADS => {
                let threads = Some(self.worker_threads)
                    .filter(|threads| *threads <= MAX_WORKER_THREADS)
                    .and_then(|threads| NonZeroU8::new(threads as u8));
                let Some(threads) = threads else {
                    return bad_value(format!(
                        "options->worker_threads is {}, not between 1 and {MAX_WORKER_THREADS}",
                        self.worker_threads
                    ));
                };
                WorkerKind::Threads(threads)
            }
            other => return bad_value(format!("options->workers is {other}, which is unknown")),
        };
        let Some(max_loads) = NonZeroU32::new(self.max_loads) else {
            return bad_value("options->max_loads is 0".to_owned());
        };
        // SAFETY: the caller's promise.
        let root = unsafe { args::c_text(self.root, "options->root") }?;
        Ok(RuntimeOptions {
            workers,
            root: root.map(PathBuf::from),
            max_loads,
        })
    }
}

/// Fills `*options` with the defaults. `size` is the caller's sizeof(courier_runtime_options): a size
/// below this library's minimum is refused with [bad-size]; of a larger struct only the part that this
/// library knows is written. Any thread.
///
/// # Safety
/// `options` is NULL or valid for writing `size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn courier_runtime_options_init(
    options: *mut courier_runtime_options,
    size: u32,
) -> courier_status {
    // SAFETY: the caller's promise.
    status(|| unsafe { args::init_growable(options, size, "options") })
}

/// Creates a runtime and makes the calling thread its owner. Only the owner can destroy the runtime, and
/// must do so before the thread ends. A thread that owns a live runtime is refused with [owner-has-runtime].
/// `options` may be NULL for the defaults. A root directory that cannot be opened and listed is refused with
/// [bad-root]. Refused with [inside-callback] from inside a callback. Any thread.
///
/// # Safety
/// `options` is NULL or valid for reading as many bytes as its size field says, with a root as
/// documented there. `runtime` is NULL or valid for reading and writing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn courier_runtime_create(
    options: *const courier_runtime_options,
    runtime: *mut courier_runtime,
) -> courier_status {
    status(|| {
        let options = if options.is_null() {
            RuntimeOptions::default()
        } else {
            // SAFETY: the caller's promise.
            let options = unsafe { args::read_growable(options, "options") }?;
            // SAFETY: the caller's promise.
            unsafe { options.parse() }?
        };
        // SAFETY: the caller's promise.
        unsafe { args::create(runtime, "runtime", || COURIER.runtime_create(&options)) }
    })
}

/// Destroys a runtime. Loads that no worker has begun are discarded; running ones, calls of the provider
/// included, are waited for. Provider and wake callback are removed: when this returns COURIER_OK, no call
/// of them runs any more and none comes later. Blobs, wake sources and requests outlive the runtime, and
/// still have to be released. Refused with [live-children] while the runtime has sessions: the runtime is
/// intact then, and the call can be repeated. Owner thread.
#[unsafe(no_mangle)]
pub extern "C" fn courier_runtime_destroy(runtime: courier_runtime) -> courier_status {
    status(|| COURIER.runtime_destroy(Id::from_raw(runtime)))
}

/// Turns finished loads into events, at most `budget` of them but one at least, and writes to `*unread` the
/// number of events that wait to be drained. Loads whose deadline has passed end here. When there is nothing to
/// do, a positive `timeout_ms` waits at most that many milliseconds, a negative one without limit, and 0
/// not at all. With unread events it never waits, and never beyond the next deadline. It may return early
/// with nothing done. A signal of a wake source ends the wait and is cleared by the pump that returns. A
/// pump that leaves work behind calls the wake callback, and the next pump does not wait. Owner thread.
///
/// # Safety
/// `unread` is NULL or valid for writing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn courier_runtime_pump(
    runtime: courier_runtime,
    timeout_ms: i64,
    budget: u32,
    unread: *mut u32,
) -> courier_status {
    status(|| {
        args::not_null(unread, "unread")?;
        let wait = match u64::try_from(timeout_ms) {
            Ok(0) => Wait::No,
            Ok(limit) => Wait::AtMost(Duration::from_millis(limit)),
            Err(_) => Wait::Forever,
        };
        let count = COURIER.runtime_pump(Id::from_raw(runtime), wait, budget as usize)?;
        // SAFETY: not null, and the caller promises the rest.
        unsafe { unread.write(u32::try_from(count).unwrap_or(u32::MAX)) };
        Ok(())
    })
}

/// Writes to `*timeout_ms` how long a host with a loop of its own may sleep before it pumps. 0: not at all,
/// there is work or an unread event. Positive: so many milliseconds, until the next deadline. -1: without
/// limit. The wake callback ends the sleep. Owner thread.
///
/// # Safety
/// `timeout_ms` is NULL or valid for writing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn courier_runtime_next_timeout(
    runtime: courier_runtime,
    timeout_ms: *mut i64,
) -> courier_status {
    status(|| {
        args::not_null(timeout_ms, "timeout_ms")?;
        let timeout = match COURIER.runtime_next_wait(Id::from_raw(runtime))? {
            Wait::No => 0,
            Wait::Forever => -1,
            // Rounded up: a loop that wakes too early would spin.
            Wait::AtMost(limit) => {
                i64::try_from(limit.as_nanos().div_ceil(1_000_000)).unwrap_or(i64::MAX)
            }
        };
        // SAFETY: not null, and the caller promises the rest.
        unsafe { timeout_ms.write(timeout) };
        Ok(())
    })
}

/// Runs one load on the calling thread, the call of the provider included. Sets `*ran` to 1 if there was
/// one, and else to 0. Refused with [not-stepped] if the runtime has worker threads. Owner thread.
///
/// # Safety
/// `ran` is NULL or valid for writing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn courier_runtime_step(
    runtime: courier_runtime,
    ran: *mut u32,
) -> courier_status {
    status(|| {
        args::not_null(ran, "ran")?;
        let stepped = COURIER.runtime_step(Id::from_raw(runtime))?;
        // SAFETY: not null, and the caller promises the rest.
        unsafe { ran.write(u32::from(stepped)) };
        Ok(())
    })
}
