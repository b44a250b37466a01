//! The C ABI of courier.
//!
//! A thin layer over `courier-core`: it checks pointers, sizes and text, translates ids and errors,
//! and contains panics. Behaviour lives in the core. `include/courier.h` is generated from this
//! crate's doc comments, which are therefore written for C programmers.
//!
//! One file per family of functions. `boundary` wraps every export, `args` reads and writes raw pointers,
//! and `layout` lets Rust, C and Go compare their views of the ABI.

#![expect(
    non_camel_case_types,
    reason = "types have the names that C programmers see"
)]

#[cfg(not(target_pointer_width = "64"))]
compile_error!("the sizes that the ABI's structs begin with are those of 64-bit machines");

mod args;
mod boundary;
pub mod layout;
#[cfg(feature = "test-hooks")]
mod planted;
#[cfg(feature = "test-hooks")]
pub mod test_hooks;

// The header has them in this order; the empty lines keep rustfmt from sorting.
mod types;

mod library;

mod runtime;

mod session;

mod event;

mod blob;

mod provider;

mod request;

mod wake;

mod log;

pub use blob::*;
pub use event::*;
pub use library::*;
pub use log::*;
pub use provider::*;
pub use request::*;
pub use runtime::*;
pub use session::*;
pub use types::*;
pub use wake::*;
