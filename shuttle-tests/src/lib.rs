//! Whole lives of courier's runtimes, with real workers and many threads, under random schedules.
//!
//! ```text
//! RUSTFLAGS="--cfg courier_shuttle" cargo test -p courier-shuttle --release --target-dir target/shuttle
//! ```
//!
//! loom explores every schedule of two or three threads; shuttle takes eight, and tries some
//! schedules of them: more threads, no proof. It sees races of logic only, because its atomics are
//! all sequentially consistent. In a build without the cfg the same tests run once, on real threads.
//!
//! Everything a test waits with comes from `courier_core::sync`, and nothing depends on the clock,
//! or a schedule could not be repeated. A schedule that fails is printed; `COURIER_SHUTTLE_REPLAY`
//! runs that one.

#[cfg(courier_shuttle)]
mod under_shuttle;

#[cfg(not(courier_shuttle))]
pub use courier_loom::model as explore;
#[cfg(courier_shuttle)]
pub use under_shuttle::explore;
