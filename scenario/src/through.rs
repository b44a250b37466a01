//! Ways to call the library.

use std::fmt;

/// The driver of the library.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Through {
    /// Through its Rust API, with slots that retire after so many objects.
    Rust {
        /// `u32::MAX`: never.
        last_generation: u32,
    },
    /// Through its C ABI.
    C,
    /// Through its Go binding.
    Go,
}

/// The options that name it.
impl fmt::Display for Through {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Through::Rust {
                last_generation: u32::MAX,
            } => f.write_str("--through rust"),
            Through::Rust { last_generation } => {
                write!(f, "--through rust --last-generation {last_generation}")
            }
            Through::C => f.write_str("--through c"),
            Through::Go => f.write_str("--through go"),
        }
    }
}

/// The interface that a driver calls. Only in these points do they differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Interface {
    /// Every release says what it met; a provider can panic, which is logged.
    #[default]
    Rust,
    /// Releases are silent; a panic becomes, in a binding, a decision to fail.
    C,
    /// As C. Closed handles, a second completion and a call that would wait for itself are refused without a
    /// call of C; a second close is fine; after a panic a provider's request is closed.
    Go,
}
