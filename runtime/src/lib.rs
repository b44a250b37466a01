//! The runtime of courier: an embeddable resource loader with a thread-affine owner.
//!
//! A host creates a [runtime](Courier::runtime_create) on a thread, which becomes its *owner
//! thread*, opens sessions in it, and loads resources by URL. Each load is offered to the host's
//! [provider](Provider) first and goes to the runtime's own loader when the provider passes.
//! Results come back as events, which the owner collects by pumping and draining.
//!
//! ```text
//!  owner thread                    worker (thread, or a step)             any thread
//!  ------------                    --------------------------             ----------
//!  session_load ──► job queue ──►  provider ──HANDLE──► request ────────► request_complete
//!                                     │ PASS                                    │
//!                                     ▼                                         │
//!                                   loader (data:, file: under root)            │
//!                                     │                                         │
//!  session_cancel ────────────────────┴──────► one-shot: one winner ◄───────────┘
//!                                                    │ outcome
//!  pump  ◄──────── mailbox (parks, wakes) ◄──────────┘
//!   │
//!  events ──► drain_events ──► blobs
//! ```
//!
//! # Handles
//!
//! Hosts name every object by an [`Id`]: a number that is checked at every use, and never names a newer
//! object than the one it was issued for. [`Courier`] owns the tables and is the whole public API; it is
//! `Sync`, and every method says which thread may call it. All methods check in the same order, so that the
//! refusal is predictable: arguments, liveness of the handle, thread, state.
//!
//! # Where to read
//!
//! | module | job |
//! |---|---|
//! | [`oneshot`] | the one end of a load among several contenders; the only `unsafe` of this crate |
//! | `outcome` | the ways in which a load ends, and the message that tells the owner |
//! | `mailbox` | parks and wakes the owner |
//! | `owner_notifier` | the mailbox, and the upcalls that work for the owner leads to |
//! | `upcall` | callbacks, and their replacement without a call of the old one |
//! | `job` | a load's way through a worker: to the provider, or to the loader |
//! | `retained_buffer` | writes to memory of the host |
//! | `table` | issues and refuses ids |
//! | `courier` | puts them together |
//! | [`sync`] | all locks, atomics and threads: no other module names `std::sync` or `std::thread` |
#![deny(unsafe_code)]

mod cancel_hook;
mod courier;
mod error;
mod event;
#[cfg(all(feature = "test-hooks", not(any(courier_loom, courier_shuttle))))]
mod guise;
mod id;
#[cfg(feature = "test-hooks")]
mod inspect;
mod job;
mod load;
mod loader;
mod log;
mod mailbox;
pub mod oneshot;
mod outcome;
mod owner_notifier;
mod provider;
mod queue;
mod request;
mod retained_buffer;
mod runtime;
mod session;
pub mod sync;
mod table;
mod upcall;
mod workers;

pub use cancel_hook::OnCancel;
pub use courier::{Courier, Live};
pub use error::{Error, Status, Word, contain};
pub use event::{Event, EventKind};
#[cfg(all(feature = "test-hooks", not(any(courier_loom, courier_shuttle))))]
pub use guise::Guise;
pub use id::{Id, Kind};
#[cfg(feature = "test-hooks")]
pub use inspect::{RequestState, RuntimeState, SessionState};
pub use log::{Level, Logger};
pub use mailbox::Wait;
pub use outcome::Failure;
pub use owner_notifier::OnWork;
pub use provider::{Decision, Provider};
pub use request::Response;
pub use retained_buffer::HostMemory;
pub use runtime::{RuntimeOptions, WorkerKind};
pub use session::LoadOptions;
