//! The sanitizers that a fuzz test is built with, and what each takes of Go, of clang and of the linker.

use std::ffi::OsString;

use anyhow::{Result, bail};
use clap::ValueEnum;

use super::clang::Clang;
use crate::engine::fuzz;

/// A sanitizer that a fuzz test of Go is built with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Sanitizer {
    /// No sanitizer, which is the fastest.
    None,
    /// AddressSanitizer: sees bad accesses of the heap and the stack, and is several times slower.
    #[default]
    Address,
    /// MemorySanitizer, in a module: sees decisions by memory of C that nobody has set; all of C must be compiled
    /// with it, or what other code sets counts as not set.
    Memory,
    /// Go's race detector, in a module: sees two goroutines at one variable, one of which writes; C is not looked at.
    Race,
}

impl Sanitizer {
    /// The word after `--sanitizer`.
    pub(super) fn name(self) -> &'static str {
        match self {
            Sanitizer::None => "none",
            Sanitizer::Address => "address",
            Sanitizer::Memory => "memory",
            Sanitizer::Race => "race",
        }
    }

    /// The one of a target of cargo-fuzz.
    ///
    /// # Errors
    /// There is no such build of a target.
    pub(crate) fn of_target(self) -> Result<fuzz::Sanitizer> {
        match self {
            Sanitizer::None => Ok(fuzz::Sanitizer::None),
            Sanitizer::Address => Ok(fuzz::Sanitizer::Address),
            Sanitizer::Memory | Sanitizer::Race => bail!(
                "--sanitizer {} is for a fuzz test of Go, named by --run; a target takes none or address",
                self.name()
            ),
        }
    }

    /// The option of `go test` that has Go's code checked.
    pub(super) fn of_go(self) -> Option<&'static str> {
        match self {
            Sanitizer::None => None,
            Sanitizer::Address => Some("-asan"),
            Sanitizer::Memory => Some("-msan"),
            Sanitizer::Race => Some("-race"),
        }
    }

    /// The option with which `go test -fuzz` has the checks of this sanitizer, if it can. AddressSanitizer and
    /// MemorySanitizer are in the program with libFuzzer only.
    pub(super) fn of_gos_fuzzer(self) -> Option<&'static str> {
        (self == Sanitizer::Race).then(|| self.of_go()).flatten()
    }

    /// What is to be said of `go test -fuzz`, which runs without this sanitizer.
    pub(super) fn missing_in_gos_fuzzer(self) -> String {
        match self.of_go().is_some() && self.of_gos_fuzzer().is_none() {
            true => format!(", without --sanitizer {}", self.name()),
            false => String::new(),
        }
    }

    /// The option of clang that has C checked. The race detector looks at Go only.
    pub(super) fn of_c(self) -> &'static str {
        match self {
            Sanitizer::None | Sanitizer::Race => "",
            Sanitizer::Address => " -fsanitize=address",
            Sanitizer::Memory => " -fsanitize=memory",
        }
    }

    /// The words with which clang links libFuzzer, and the sanitizer's runtime if Go does not bring it.
    ///
    /// # Errors
    /// This compiler has no libFuzzer: the message says what to install.
    pub(super) fn link(self, clang: &Clang) -> Result<Vec<OsString>> {
        Ok(match self {
            Sanitizer::None => vec!["-fsanitize=fuzzer".into()],
            Sanitizer::Address => vec!["-fsanitize=fuzzer,address".into()],
            Sanitizer::Memory => vec!["-fsanitize=fuzzer,memory".into()],
            // Go brings the runtime of its race detector. It defines functions that clang's runtimes define, too, and
            // works at a fixed address only. So libFuzzer, which is C++, comes without any of them.
            Sanitizer::Race => vec![
                "-no-pie".into(),
                // Whole, because what it calls is in archives behind it.
                "-Wl,--whole-archive".into(),
                clang.runtime("fuzzer")?.into(),
                // What memcmp and its like compare teaches libFuzzer, as it does with the other runtimes.
                clang.runtime("fuzzer_interceptors")?.into(),
                "-Wl,--no-whole-archive".into(),
                // The race detector has this function, too, and prints nothing of C.
                "-Wl,--wrap=__sanitizer_print_stack_trace".into(),
                "-lstdc++".into(),
                "-lm".into(),
            ],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gos_own_fuzzer_says_which_checks_it_lacks() {
        for sanitizer in [Sanitizer::None, Sanitizer::Race] {
            assert_eq!(sanitizer.missing_in_gos_fuzzer(), "");
        }
        for sanitizer in [Sanitizer::Address, Sanitizer::Memory] {
            let said = sanitizer.missing_in_gos_fuzzer();
            assert!(said.ends_with(sanitizer.name()), "{said}");
            assert_eq!(sanitizer.of_gos_fuzzer(), None);
        }
        assert_eq!(Sanitizer::Race.of_gos_fuzzer(), Some("-race"));
    }

    #[test]
    fn a_target_is_built_with_two_of_them() {
        for sanitizer in [Sanitizer::None, Sanitizer::Address] {
            assert_eq!(sanitizer.of_target().unwrap().name(), sanitizer.name());
        }
        for sanitizer in [Sanitizer::Memory, Sanitizer::Race] {
            let error = sanitizer.of_target().unwrap_err().to_string();
            assert!(
                error.contains(sanitizer.name()) && error.contains("--run"),
                "{error}"
            );
        }
    }
}
