//! Threads, locks and atomics for all other modules.
//!
//! Because they come from here alone, a model checker can replace the standard library without a change to
//! the code that it checks. A test in `tests/` refuses `std::sync` and `std::thread` anywhere else in this
//! crate.
//!
//! Steps that the system may refuse are here, too: see [`refusal`].
//!
//! | cfg | backend | purpose |
//! |---|---|---|
//! | none | the standard library | users |
//! | `courier_shuttle` | shuttle, through the same file | random schedules of many threads |
//! | `courier_loom` | loom | every schedule of two or three threads |
//!
//! The interface has only what the runtime needs:
//!
//! - [`Mutex::lock`] returns the guard and ignores poison, here once for all: no critical section of this
//!   crate runs foreign code or can panic half-way, so a panic never leaves state half-changed.
//! - [`Condvar`] may wake spuriously, as everywhere: callers wait in a loop.
//! - [`now`] is the clock by which waits are limited: a model has its own.
//! - [`UnsafeCell`] is accessed through closures, so that a model checker sees each access.

/// The stack size of the runtime's threads, in bytes. Providers run on it, with stacks of their own (Go) or
/// without: half a mebibyte is generous for both.
pub const STACK_SIZE: usize = 524_288;

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
