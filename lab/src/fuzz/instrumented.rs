//! Whether a binary has AddressSanitizer's checks in it, and in the subject's functions too.
//!
//! That the sanitizer's runtime is linked proves little: it also is when nothing calls it. So the
//! calls are counted, in the disassembly.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;

use anyhow::{Context as _, Result};

/// Calls that an instrumented binary has at least.
const CALLS: usize = 1000;
/// Calls that the subject's own functions have at least.
const SUBJECT_CALLS: usize = 100;
/// In the name of every function of the subject.
const SUBJECT: &str = "courier";

/// Calls of AddressSanitizer's reporting functions.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Calls {
    pub(crate) all: usize,
    pub(crate) subject: usize,
}

impl Calls {
    /// Counts them in the output of objdump.
    pub(crate) fn count(disassembly: &Path) -> Result<Calls> {
        let file = File::open(disassembly)
            .with_context(|| format!("cannot read {}", disassembly.display()))?;
        let mut calls = Calls::default();
        let mut in_subject = false;
        for line in BufReader::new(file).split(b'\n') {
            let line = line?;
            let line = String::from_utf8_lossy(&line);
            if let Some(name) = function(&line) {
                in_subject = name.contains(SUBJECT);
            } else if line.contains("<__asan_report_") {
                calls.all += 1;
                calls.subject += usize::from(in_subject);
            }
        }
        Ok(calls)
    }

    /// Why this cannot be a binary with the sanitizer, if it cannot.
    pub(crate) fn too_few(self) -> Option<String> {
        (self.all < CALLS || self.subject < SUBJECT_CALLS).then(|| {
            format!(
                "the binary with AddressSanitizer calls it {} times ({} in the subject); at least \
                 {CALLS} ({SUBJECT_CALLS}) were expected",
                self.all, self.subject
            )
        })
    }

    /// Why this cannot be a binary without the sanitizer, if it cannot.
    pub(crate) fn too_many(self) -> Option<String> {
        (self.all > 0).then(|| {
            format!(
                "the binary without sanitizer calls AddressSanitizer {} times",
                self.all
            )
        })
    }
}

/// The name in the heading of a function: `0000000000001234 <name>:`.
fn function(line: &str) -> Option<&str> {
    let (address, name) = line.split_once(" <")?;
    let digits = address.bytes().all(|byte| byte.is_ascii_hexdigit());
    (!address.is_empty() && digits).then_some(())?;
    name.strip_suffix(">:")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
prog:     file format elf64-x86-64

Disassembly of section .text:

0000000000001000 <_RNvCs_7courier6submit>:
    1000:\tcall   113530 <__asan_report_load8>
    1005:\tcall   113530 <__asan_memset>
    100a:\tbl     113530 <__asan_report_store1>

0000000000002000 <main>:
    2000:\tcall   113530 <__asan_report_load8>
    2005:\tjmp    1000 <_RNvCs_7courier6submit>
    200a:\tcall   113530 <__asan_report_load8>

0000000000113530 <__asan_report_load8>:
";

    #[test]
    fn calls_are_counted_by_who_calls() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("dis");
        std::fs::write(&path, TEXT).unwrap();
        let calls = Calls::count(&path).unwrap();
        assert_eq!(calls, Calls { all: 4, subject: 2 });
        assert!(Calls::count(&dir.path().join("nothing")).is_err());
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
