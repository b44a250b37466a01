//! The proof that a binary has AddressSanitizer's checks in it, and in the subject's functions too.
//!
//! A linked runtime of the sanitizer proves little, because it is linked even if nothing calls it. So this
//! module counts calls in the machine code: instructions that lead exactly to one of its functions.

use std::collections::BTreeSet;
use std::fs;
use std::ops::Range;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use iced_x86::{Decoder, DecoderOptions, FlowControl};
use object::{Architecture, Object as _, ObjectSection as _, ObjectSymbol as _, SectionKind};

/// The least number of calls in an instrumented binary.
const CALLS: usize = 1000;
/// The least number of calls in the subject's own functions.
const SUBJECT_CALLS: usize = 100;
/// Prefix of the names of AddressSanitizer's reporting functions.
const REPORT: &str = "__asan_report_";

/// Calls of AddressSanitizer's reporting functions.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Calls {
    pub(crate) all: usize,
    pub(crate) subject: usize,
}

impl Calls {
    /// Counts them in a program. The name of every function of the subject contains `symbol`.
    pub(crate) fn count(binary: &Path, symbol: &str) -> Result<Calls> {
        let shown = binary.display();
        let bytes = fs::read(binary).with_context(|| format!("cannot read {shown}"))?;
        let file = object::File::parse(&*bytes)
            .with_context(|| format!("{shown} is no program that can be read"))?;
        let called = match file.architecture() {
            Architecture::X86_64 => called_on_x86_64,
            Architecture::Aarch64 => called_on_aarch64,
            other => bail!("calls cannot be counted in programs for {other:?}"),
        };
        let mut reports = BTreeSet::new();
        let mut subject = Vec::new();
        for function in file.symbols().filter(|it| it.is_definition()) {
            let name = function.name().unwrap_or_default();
            if name.starts_with(REPORT) {
                reports.insert(function.address());
            } else if name.contains(symbol) {
                subject.push(function.address()..function.address() + function.size());
            }
        }
        subject.sort_by_key(|function| function.start);
        let mut calls = Calls::default();
        for section in file.sections().filter(|s| s.kind() == SectionKind::Text) {
            let code = section
                .data()
                .with_context(|| format!("{shown} is cut off"))?;
            for (at, target) in called(code, section.address()) {
                if reports.contains(&target) {
                    calls.all += 1;
                    calls.subject += usize::from(is_in(&subject, at));
                }
            }
        }
        Ok(calls)
    }

    /// The reason why this cannot be a binary with the sanitizer, if it cannot.
    pub(crate) fn too_few(self) -> Option<String> {
        (self.all < CALLS || self.subject < SUBJECT_CALLS).then(|| {
            format!(
                "the binary with AddressSanitizer calls it {} times ({} in the subject); at least \
                 {CALLS} ({SUBJECT_CALLS}) were expected",
                self.all, self.subject
            )
        })
    }

    /// The reason why this cannot be a binary without the sanitizer, if it cannot.
    pub(crate) fn too_many(self) -> Option<String> {
        (self.all > 0).then(|| {
            format!(
                "the binary without sanitizer calls AddressSanitizer {} times",
                self.all
            )
        })
    }
}

/// Reports whether the address is in one of these functions, which are sorted.
fn is_in(functions: &[Range<u64>], address: u64) -> bool {
    let after = functions.partition_point(|function| function.start <= address);
    functions[..after]
        .last()
        .is_some_and(|function| function.contains(&address))
}

/// Addresses of the direct calls in this code, each with the address that it calls.
fn called_on_x86_64(code: &[u8], address: u64) -> Vec<(u64, u64)> {
    Decoder::with_ip(64, code, address, DecoderOptions::NONE)
        .iter()
        .filter(|instruction| instruction.flow_control() == FlowControl::Call)
        .map(|call| (call.ip(), call.near_branch_target()))
        .collect()
}

/// Addresses of the direct calls in this code, each with the address that it calls. Every instruction is a word.
fn called_on_aarch64(code: &[u8], address: u64) -> Vec<(u64, u64)> {
    /// `bl`, in the upper six bits.
    const CALL: u32 = 0b10_0101;
    (address..)
        .step_by(4)
        .zip(code.as_chunks().0)
        .map(|(at, bytes)| (at, u32::from_le_bytes(*bytes)))
        .filter(|(_, word)| word >> 26 == CALL)
        .map(|(at, word)| {
            // The lower 26 bits are a signed number of instructions.
            let distance = i64::from((word << 6).cast_signed() >> 6 << 2);
            (at, at.wrapping_add_signed(distance))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_lead_forwards_and_backwards() {
        // nop; call 0x1010; call 0x1000; mov eax, 0xe8; and a call that is cut off
        let x86_64 = b"\x90\xe8\x0a\0\0\0\xe8\xf5\xff\xff\xff\xb8\xe8\0\0\0\xe8\0";
        assert_eq!(
            called_on_x86_64(x86_64, 0x1000),
            [(0x1001, 0x1010), (0x1006, 0x1000)]
        );
        // nop; bl 0x1010; bl 0x1000; and a word that is cut off
        let aarch64 = b"\x1f\x20\x03\xd5\x03\0\0\x94\xfe\xff\xff\x97\x03\0";
        assert_eq!(
            called_on_aarch64(aarch64, 0x1000),
            [(0x1004, 0x1010), (0x1008, 0x1000)]
        );
    }

    #[test]
    fn the_caller_is_found_between_its_neighbours() {
        let functions = [0x10..0x20, 0x40..0x50];
        let found = [0x0f, 0x10, 0x1f, 0x20, 0x4f, 0x50].map(|at| is_in(&functions, at));
        assert_eq!(found, [false, true, true, false, true, false]);
        assert!(!is_in(&[], 0));
    }

    #[test]
    fn programs_without_the_sanitizer_do_not_call_it_and_text_is_no_program() {
        let test = std::env::current_exe().unwrap();
        assert_eq!(Calls::count(&test, "x_").unwrap(), Calls::default());
        let dir = tempfile::tempdir().unwrap();
        let text = dir.path().join("text");
        fs::write(&text, "text").unwrap();
        assert!(Calls::count(&text, "x_").is_err());
        assert!(Calls::count(&dir.path().join("nothing"), "x_").is_err());
    }

    #[test]
    fn both_builds_are_judged() {
        let calls = |all, subject| Calls { all, subject };
        assert!(calls(5000, 900).too_few().is_none());
        assert!(calls(5000, 3).too_few().is_some());
        assert!(calls(0, 0).too_few().is_some());
        assert!(calls(0, 0).too_many().is_none());
        assert!(calls(1, 0).too_many().unwrap().contains("1 times"));
    }
}
