//! Last words: what runtimes, sanitizers and C libraries print before a program dies.

use serde::{Deserialize, Serialize};

/// The kind of thing that a line reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Said {
    /// A sanitizer's report.
    Sanitizer,
    /// A race that Go's detector reports.
    Race,
    /// A C++ exception that nobody caught.
    Exception,
    /// A panic of Rust.
    RustPanic,
    /// glibc's checks of the heap, the stack, an assertion.
    CLibrary,
    /// The time limit of `go test`.
    TestTimeout,
    /// A panic of Go.
    GoPanic,
    /// An error from which Go's runtime does not recover.
    GoFatal,
    /// A signal, in Go's words.
    Signal,
}

/// A line that says why a program died.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Message {
    pub(super) said: Said,
    /// The line, without a prefix that changes from run to run.
    pub(super) text: String,
}

/// A text by which a kind of message is recognised.
struct Pattern {
    said: Said,
    /// True if the line must begin with the text; else it may contain it anywhere.
    begins: bool,
    text: &'static str,
}

const fn begins(said: Said, text: &'static str) -> Pattern {
    Pattern {
        said,
        begins: true,
        text,
    }
}

const fn contains(said: Said, text: &'static str) -> Pattern {
    Pattern {
        said,
        begins: false,
        text,
    }
}

/// All patterns, in the order of [`Said`]; the first that matches a line counts.
const PATTERNS: [Pattern; 22] = [
    contains(Said::Sanitizer, "Sanitizer: "),
    contains(Said::Race, "WARNING: DATA RACE"),
    begins(Said::Exception, "terminate called"),
    begins(Said::Exception, "libc++abi: terminating"),
    contains(Said::RustPanic, "' panicked at "),
    contains(Said::RustPanic, ") panicked at "),
    begins(Said::RustPanic, "fatal runtime error: "),
    contains(Said::CLibrary, "Assertion `"),
    begins(Said::CLibrary, "double free or corruption"),
    begins(Said::CLibrary, "corrupted "),
    begins(Said::CLibrary, "free(): "),
    begins(Said::CLibrary, "malloc(): "),
    begins(Said::CLibrary, "malloc_consolidate(): "),
    begins(Said::CLibrary, "munmap_chunk(): "),
    begins(Said::CLibrary, "realloc(): "),
    begins(Said::CLibrary, "*** stack smashing detected ***"),
    begins(Said::CLibrary, "*** buffer overflow detected ***"),
    begins(Said::TestTimeout, "panic: test timed out"),
    begins(Said::GoPanic, "panic: "),
    begins(Said::GoFatal, "fatal error: "),
    begins(Said::GoFatal, "runtime: goroutine stack exceeds"),
    begins(Said::Signal, "SIG"),
];

/// The messages in a program's output, each once, in the order in which they were printed.
pub(super) fn found(output: &str) -> Vec<Message> {
    let mut found: Vec<Message> = Vec::new();
    let mut lines = output.lines().peekable();
    while let Some(line) = lines.next() {
        let line = line.trim_end();
        let fits = |pattern: &&Pattern| match pattern.begins {
            true => line.starts_with(pattern.text),
            false => line.contains(pattern.text),
        };
        let Some(pattern) = PATTERNS.iter().find(fits) else {
            continue;
        };
        // "SIGSEGV: segmentation violation", not a word of somebody's own.
        if pattern.said == Said::Signal && !is_signal(line) {
            continue;
        }
        let mut text = without_process(line).to_owned();
        // The text of a panic of Rust and of an exception is on the next line.
        let goes_on = matches!(pattern.said, Said::RustPanic | Said::Exception);
        if let Some(next) = lines
            .peek()
            .filter(|next| goes_on && !next.trim().is_empty())
        {
            text = format!("{text} {}", next.trim());
        }
        let message = Message {
            said: pattern.said,
            text,
        };
        // Go raises other signals while it dies of the first.
        let later = message.said == Said::Signal && found.iter().any(|it| it.said == Said::Signal);
        if !later && !found.contains(&message) {
            found.push(message);
        }
    }
    found
}

fn is_signal(line: &str) -> bool {
    line.split_once(": ").is_some_and(|(name, _)| {
        name.len() > 3
            && name
                .chars()
                .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit())
    })
}

/// A sanitizer's line without `==1234==`.
fn without_process(line: &str) -> &str {
    match line
        .strip_prefix("==")
        .and_then(|rest| rest.split_once("=="))
    {
        Some((digits, rest)) if digits.bytes().all(|b| b.is_ascii_digit()) => rest.trim_start(),
        _ => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_words_are_told_apart() {
        let of = |text: &str| {
            found(text)
                .into_iter()
                .map(|it| (it.said, it.text))
                .collect::<Vec<_>>()
        };
        for (text, said, shown) in [
            (
                "==77==ERROR: AddressSanitizer: heap-use-after-free on address 0x1",
                Said::Sanitizer,
                "ERROR: AddressSanitizer: heap-use-after-free on address 0x1",
            ),
            ("WARNING: DATA RACE", Said::Race, "WARNING: DATA RACE"),
            (
                "terminate called after throwing an instance of 'E'\n  what():  no",
                Said::Exception,
                "terminate called after throwing an instance of 'E' what():  no",
            ),
            (
                "thread '<unnamed>' panicked at src/lib.rs:3:5:\nno such thing",
                Said::RustPanic,
                "thread '<unnamed>' panicked at src/lib.rs:3:5: no such thing",
            ),
            (
                "thread '<unnamed>' (77) panicked at src/lib.rs:3:5:",
                Said::RustPanic,
                "thread '<unnamed>' (77) panicked at src/lib.rs:3:5:",
            ),
            (
                "free(): invalid pointer",
                Said::CLibrary,
                "free(): invalid pointer",
            ),
            (
                "x: a.c:3: f: Assertion `p' failed.",
                Said::CLibrary,
                "x: a.c:3: f: Assertion `p' failed.",
            ),
            (
                "panic: test timed out after 2s",
                Said::TestTimeout,
                "panic: test timed out after 2s",
            ),
            (
                "panic: no [recovered]",
                Said::GoPanic,
                "panic: no [recovered]",
            ),
            (
                "fatal error: runtime: out of memory",
                Said::GoFatal,
                "fatal error: runtime: out of memory",
            ),
            (
                "SIGSEGV: segmentation violation",
                Said::Signal,
                "SIGSEGV: segmentation violation",
            ),
        ] {
            assert_eq!(of(text), [(said, shown.to_owned())], "{text}");
        }
    }

    #[test]
    fn what_a_program_says_about_itself_is_none() {
        for text in [
            "SIGNAL lost: no",
            "do not panic: it is fine",
            "Signals: 3",
            "",
            "SIG: x",
        ] {
            assert_eq!(found(text), [], "{text}");
        }
    }

    #[test]
    fn what_is_printed_again_is_told_once() {
        let signals = found("SIGSEGV: segmentation violation\nSIGQUIT: quit\n");
        assert_eq!(signals.len(), 1);
        assert_eq!(signals[0].text, "SIGSEGV: segmentation violation");
        assert_eq!(found("WARNING: DATA RACE\nWARNING: DATA RACE\n").len(), 1);
    }
}
