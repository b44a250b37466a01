//! The one door to threads, locks and atomics.
//!
//! Every other module takes its concurrency from here, so that a model checker can take the place
//! of the standard library without a change to the code it checks. A test in `tests/` refuses
//! `std::sync` and `std::thread` anywhere else in this crate.
//!
//! The same door leads to what the system may refuse: see [`refusal`].
//!
//! | cfg | backend | what it is for |
//! |---|---|---|
//! | none | the standard library | users |
//! | `courier_shuttle` | shuttle, through the same file | random schedules of many threads |
//! | `courier_loom` | loom | every schedule of two or three threads |
//!
//! The surface is what the runtime needs and no more:
//!
//! - [`Mutex::lock`] returns the guard. Poison is decided here, once: a panic while a lock is held
//!   cannot leave our state half-changed, because no critical section of this crate runs foreign
//!   code or can panic half-way, so the poison flag carries no news and is ignored.
//! - [`Condvar`] may wake spuriously, as everywhere: callers wait in a loop.
//! - [`now`] is the clock by which waits are limited: a model has its own.
//! - [`UnsafeCell`] is accessed through closures, so that a model checker sees each access.

/// The stack of the runtime's threads in bytes. Providers run on it, and may be code in a language that
/// has its own stacks (Go) or has not: half a mebibyte is generous for both.
pub const STACK_SIZE: usize = 512 * 1024;

pub mod refusal;

#[cfg(courier_loom)]
mod backend_loom;
#[cfg(not(courier_loom))]
mod backend_std;
#[cfg(all(feature = "test-hooks", not(courier_loom)))]
mod points;

#[cfg(courier_loom)]
pub use backend_loom::*;
#[cfg(not(courier_loom))]
pub use backend_std::*;
#[cfg(all(feature = "test-hooks", not(courier_loom)))]
pub use points::at_points;
