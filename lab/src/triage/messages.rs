//! Last words: what runtimes, sanitizers and C libraries print before a program dies.

use serde::{Deserialize, Serialize};

/// The kind of thing that a line reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum MessageKind {
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
    pub(super) kind: MessageKind,
    /// The line, without a prefix that changes from run to run.
    pub(super) text: String,
}

/// A text by which a kind of message is recognised.
struct Pattern {
    kind: MessageKind,
    /// True if the line must begin with the text; else it may contain it anywhere.
    begins: bool,
    text: &'static str,
}

const fn begins(kind: MessageKind, text: &'static str) -> Pattern {
    Pattern {
        kind,
        begins: true,
        text,
    }
}

const fn contains(kind: MessageKind, text: &'static str) -> Pattern {
    Pattern {
        kind,
        begins: false,
        text,
    }
}

/// All patterns, in the order of [`MessageKind`]; the first that matches a line counts.
const PATTERNS: [Pattern; 22] = [
    contains(MessageKind::Sanitizer, "Sanitizer: "),
    contains(MessageKind::Race, "WARNING: DATA RACE"),
    begins(MessageKind::Exception, "terminate called"),
    begins(MessageKind::Exception, "libc++abi: terminating"),
    contains(MessageKind::RustPanic, "' panicked at "),
    contains(MessageKind::RustPanic, ") panicked at "),
    begins(MessageKind::RustPanic, "fatal runtime error: "),
    contains(MessageKind::CLibrary, "Assertion `"),
    begins(MessageKind::CLibrary, "double free or corruption"),
    begins(MessageKind::CLibrary, "corrupted "),
    begins(MessageKind::CLibrary, "free(): "),
    begins(MessageKind::CLibrary, "malloc(): "),
    begins(MessageKind::CLibrary, "malloc_consolidate(): "),
    begins(MessageKind::CLibrary, "munmap_chunk(): "),
    begins(MessageKind::CLibrary, "realloc(): "),
    begins(MessageKind::CLibrary, "*** stack smashing detected ***"),
    begins(MessageKind::CLibrary, "*** buffer overflow detected ***"),
    begins(MessageKind::TestTimeout, "panic: test timed out"),
    begins(MessageKind::GoPanic, "panic: "),
    begins(MessageKind::GoFatal, "fatal error: "),
    begins(MessageKind::GoFatal, "runtime: goroutine stack exceeds"),
    begins(MessageKind::Signal, "SIG"),
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
        if pattern.kind == MessageKind::Signal && !is_signal(line) {
            continue;
        }
        let mut text = without_process(line).to_owned();
        // The text of a panic of Rust and of an exception is on the next line.
        let goes_on = matches!(
            pattern.kind,
            MessageKind::RustPanic | MessageKind::Exception
        );
        if let Some(next) = lines
            .peek()
            .filter(|next| goes_on && !next.trim().is_empty())
        {
            text = format!("{text} {}", next.trim());
        }
        let message = Message {
            kind: pattern.kind,
            text,
        };
        // Go raises other signals while it dies of the first.
        let later = message.kind == MessageKind::Signal
            && found.iter().any(|it| it.kind == MessageKind::Signal);
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
                .map(|it| (it.kind, it.text))
                .collect::<Vec<_>>()
        };
        for (text, kind, shown) in [
            (
                "==77==ERROR: AddressSanitizer: heap-use-after-free on address 0x1",
                MessageKind::Sanitizer,
                "ERROR: AddressSanitizer: heap-use-after-free on address 0x1",
            ),
            (
                "WARNING: DATA RACE",
                MessageKind::Race,
                "WARNING: DATA RACE",
            ),
            (
                "terminate called after throwing an instance of 'E'\n  what():  no",
                MessageKind::Exception,
                "terminate called after throwing an instance of 'E' what():  no",
            ),
            (
                "thread '<unnamed>' panicked at src/lib.rs:3:5:\nno such thing",
                MessageKind::RustPanic,
                "thread '<unnamed>' panicked at src/lib.rs:3:5: no such thing",
            ),
            (
                "thread '<unnamed>' (77) panicked at src/lib.rs:3:5:",
                MessageKind::RustPanic,
                "thread '<unnamed>' (77) panicked at src/lib.rs:3:5:",
            ),
            (
                "free(): invalid pointer",
                MessageKind::CLibrary,
                "free(): invalid pointer",
            ),
            (
                "x: a.c:3: f: Assertion `p' failed.",
                MessageKind::CLibrary,
                "x: a.c:3: f: Assertion `p' failed.",
            ),
            (
                "panic: test timed out after 2s",
                MessageKind::TestTimeout,
                "panic: test timed out after 2s",
            ),
            (
                "panic: no [recovered]",
                MessageKind::GoPanic,
                "panic: no [recovered]",
            ),
            (
                "fatal error: runtime: out of memory",
                MessageKind::GoFatal,
                "fatal error: runtime: out of memory",
            ),
            (
                "SIGSEGV: segmentation violation",
                MessageKind::Signal,
                "SIGSEGV: segmentation violation",
            ),
        ] {
            assert_eq!(of(text), [(kind, shown.to_owned())], "{text}");
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
