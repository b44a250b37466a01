//! The part of a log that speaks about a check.
//!
//! Log text is written by the subject and by other people's tools: it may hold terminal codes,
//! control characters and text that changes its direction. Here it becomes plain lines; escaping
//! for HTML is the template's work.

/// Lines that an excerpt of a red record has at most, and of a green one.
const MOST: [usize; 2] = [100, 8];
/// Lines that are shown around one that names a red check.
const BEFORE: usize = 3;
const AFTER: usize = 12;
/// Lines that are shown after one that says what went wrong: a message with its steps or stacks.
const MESSAGE: usize = 70;
/// Lines of the end of a log that names nothing.
const TAIL: [usize; 2] = [30, 6];
/// Characters of a line.
const WIDTH: usize = 400;

/// Texts that say that something went wrong.
const TROUBLE: [&str; 12] = [
    "WARNING: DATA RACE",
    "ERROR: ",
    cgolab_note::BROKEN,
    "canary: ",
    "panicked at",
    "panic:",
    "fatal error:",
    "deadlock;",
    "deadly signal",
    "error: ",
    "error[",
    "--- FAIL",
];

/// The part of a log that is shown, or the reason why none is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Excerpt {
    /// The record names no log.
    NoLog,
    /// The file is not there.
    Missing,
    /// Nothing was written.
    Empty,
    Lines(Vec<Line>),
}

/// A line of an excerpt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    /// Counted from 1; 0 for a note about lines that were left out.
    pub(super) number: usize,
    pub(super) text: String,
    /// It names the check, or trouble, among lines that do not.
    pub(super) hit: bool,
}

/// Cuts out of `log` what speaks about the checks of these names.
///
/// Lines with a name count; around those of a red check its neighbours do too, as far as they do
/// not speak about another test. If no line has a name, trouble does; if there is none, the end
/// of the log is shown.
pub(super) fn excerpt(log: &str, names: &[&str], red: bool) -> Excerpt {
    let lines: Vec<String> = log.lines().map(plain).collect();
    if lines.iter().all(|line| line.trim().is_empty()) {
        return Excerpt::Empty;
    }
    let kind = usize::from(!red);
    let has = |at: usize, words: &[&str]| words.iter().any(|word| lines[at].contains(word));
    let with =
        |words: &[&str]| -> Vec<usize> { (0..lines.len()).filter(|at| has(*at, words)).collect() };
    let mut hits = with(names);
    if hits.is_empty() && red {
        hits = with(&TROUBLE);
    }
    let mut shown = vec![false; lines.len()];
    if hits.is_empty() {
        let first = lines.len().saturating_sub(TAIL[kind]);
        shown[first..].fill(true);
    }
    for hit in hits.iter().copied() {
        shown[hit] = true;
        if red {
            let foreign = |at: &usize| begins_test(&lines[*at]) && !has(*at, names);
            let mut left = AFTER;
            let after = (hit..lines.len()).take_while(|at| *at == hit || !foreign(at));
            for at in after {
                if has(at, &TROUBLE) {
                    left = left.max(MESSAGE);
                }
                shown[at] = !is_noise(&lines[at]);
                left -= 1;
                if left == 0 {
                    break;
                }
            }
            let before = (hit.saturating_sub(BEFORE)..hit).rev();
            for at in before.take_while(|at| !foreign(at)) {
                shown[at] = !is_noise(&lines[at]);
            }
        }
    }
    // Where nothing but hits is shown, marking them would say nothing.
    let marked = if red { hits.as_slice() } else { &[] };
    Excerpt::Lines(collect(&lines, &shown, marked, MOST[kind]))
}

/// Returns true if a test runner speaks here about the next test.
fn begins_test(line: &str) -> bool {
    let line = line.trim_start();
    [
        "=== RUN",
        "=== PAUSE",
        "=== CONT",
        "--- PASS",
        "--- FAIL",
        "--- SKIP",
    ]
    .iter()
    .chain(&["PASS [", "FAIL [", "SLOW [", "ABORT [", "SIGABRT [", "────"])
    .any(|word| line.starts_with(word))
}

/// Returns true if it is a stack frame of the standard library, which every panic has.
fn is_noise(line: &str) -> bool {
    let line = line.trim_start();
    let frame = line
        .split_once(": ")
        .filter(|(number, _)| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
        .map(|(_, function)| function);
    let library = [
        "core::", "std::", "__rustc", "<fn", "<alloc::", "<core::", "test::",
    ];
    line.starts_with("at /rustc/")
        || frame.is_some_and(|function| library.iter().any(|name| function.starts_with(name)))
}

/// The lines that are shown, with notes about what was left out.
fn collect(lines: &[String], shown: &[bool], hits: &[usize], most: usize) -> Vec<Line> {
    let wanted: Vec<usize> = (0..lines.len()).filter(|at| shown[*at]).collect();
    let mut result = Vec::new();
    let mut next = 0;
    for at in wanted.iter().copied().take(most) {
        if at > next {
            result.push(left_out(at - next));
        }
        result.push(Line {
            number: at + 1,
            text: lines[at].clone(),
            hit: hits.binary_search(&at).is_ok(),
        });
        next = at + 1;
    }
    if next < lines.len() {
        result.push(left_out(lines.len() - next));
    }
    result
}

fn left_out(count: usize) -> Line {
    let word = if count == 1 { "line" } else { "lines" };
    Line {
        number: 0,
        text: format!("⋯ {count} {word}"),
        hit: false,
    }
}

/// A line without terminal codes, with other control characters and changes of direction made
/// visible, and not too long.
pub(super) fn plain(line: &str) -> String {
    let mut text = String::with_capacity(line.len().min(WIDTH * 4));
    let mut count = 0;
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        if count >= WIDTH {
            text.push('…');
            break;
        }
        count += 1;
        match c {
            '\u{1b}' if chars.peek() == Some(&'[') => {
                chars.next();
                // Parameters, then one final byte.
                while chars.next().is_some_and(|c| !('@'..='~').contains(&c)) {}
            }
            '\t' => text.push_str("    "),
            '\r' if chars.peek().is_none() => {}
            c if c.is_control() || changes_direction(c) => text.extend(c.escape_unicode()),
            c => text.push(c),
        }
    }
    text
}

/// Characters that let a line look like another one.
fn changes_direction(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(excerpt: &Excerpt) -> Vec<usize> {
        match excerpt {
            Excerpt::Lines(lines) => lines.iter().map(|line| line.number).collect(),
            other => panic!("{other:?}"),
        }
    }

    fn log(lines: usize) -> Vec<String> {
        (1..=lines).map(|n| format!("line {n}")).collect()
    }

    #[test]
    fn a_green_check_shows_the_lines_that_name_it() {
        let mut lines = log(100);
        lines[9] = "--- PASS: TestREQ03 (0.00s)".to_owned();
        lines[49] = "--- PASS: TestREQ03 (0.01s)".to_owned();
        let found = excerpt(&lines.join("\n"), &["TestREQ03"], false);
        assert_eq!(numbers(&found), [0, 10, 0, 50, 0]);
        let Excerpt::Lines(lines) = found else {
            unreachable!()
        };
        assert_eq!(lines[0].text, "⋯ 9 lines");
        assert!(lines.iter().all(|line| !line.hit));
    }

    #[test]
    fn a_red_check_shows_its_neighbours() {
        let mut lines = log(100);
        lines[49] = "=== RUN   TestREQ03".to_owned();
        let found = numbers(&excerpt(&lines.join("\n"), &["TestREQ03"], true));
        assert_eq!(found[0], 0);
        assert_eq!(found[1], 50 - BEFORE);
        assert_eq!(found[found.len() - 2], 49 + AFTER);
        let Excerpt::Lines(found) = excerpt(&lines.join("\n"), &["TestREQ03"], true) else {
            unreachable!()
        };
        let marked: Vec<_> = found.iter().filter(|line| line.hit).collect();
        assert_eq!(marked.len(), 1);
        assert_eq!(marked[0].number, 50);
    }

    #[test]
    fn other_tests_are_left_out() {
        let mut lines = log(100);
        lines[46] = "--- PASS: TestREQ01 (0.00s)".to_owned();
        lines[49] = "=== RUN   TestREQ03".to_owned();
        lines[51] = "--- FAIL: TestREQ03 (0.00s)".to_owned();
        lines[53] = "=== RUN   TestREQ09".to_owned();
        let found = numbers(&excerpt(&lines.join("\n"), &["TestREQ03"], true));
        assert_eq!(found, [0, 48, 49, 50, 51, 52, 53, 0]);
    }

    #[test]
    fn a_message_is_shown_with_its_steps_and_without_the_librarys_frames() {
        let mut lines = log(200);
        lines[9] = "        FAIL [   0.2s] subject req_03_x".to_owned();
        lines[12] = "thread 'req_03_x' panicked at a.rs:1".to_owned();
        lines[59] = "   1: core::panicking::panic_fmt".to_owned();
        lines[60] = "             at /rustc/5980/library/core/src/panicking.rs:80:14".to_owned();
        lines[61] = "   2: subject::handle".to_owned();
        let found = numbers(&excerpt(&lines.join("\n"), &["req_03_x"], true));
        assert!(found.contains(&59), "{found:?}");
        assert!(!found.contains(&60) && !found.contains(&61), "{found:?}");
        assert!(found.contains(&62), "{found:?}");
        assert!(!found.contains(&150), "{found:?}");
    }

    #[test]
    fn trouble_is_found_where_no_name_is() {
        let mut lines = log(100);
        lines[29] = "thread 'x' panicked at a.rs:1".to_owned();
        let text = lines.join("\n");
        assert!(numbers(&excerpt(&text, &["other"], true)).contains(&30));
        // Not every line with such a word is trouble.
        let text_of_a_frame = text.replace("panicked at", "anyhow::error::msg");
        let found = numbers(&excerpt(&text_of_a_frame, &["other"], true));
        assert!(!found.contains(&30), "{found:?}");
        // A green record has no trouble to look for.
        let tail = numbers(&excerpt(&text, &["other"], false));
        assert_eq!(tail, [0, 95, 96, 97, 98, 99, 100]);
    }

    #[test]
    fn the_end_is_shown_where_nothing_is_found() {
        let found = numbers(&excerpt(&log(100).join("\n"), &["x"], true));
        assert_eq!(found.len(), 1 + TAIL[0]);
        assert_eq!(found.last(), Some(&100));
    }

    #[test]
    fn excerpts_are_bounded() {
        let many = "TestREQ03\n".repeat(1000);
        assert_eq!(
            numbers(&excerpt(&many, &["TestREQ03"], true)).len(),
            MOST[0] + 1
        );
        assert_eq!(
            numbers(&excerpt(&many, &["TestREQ03"], false)).len(),
            MOST[1] + 1
        );
        assert_eq!(plain(&"x".repeat(10_000)).chars().count(), WIDTH + 1);
    }

    #[test]
    fn nothing_is_empty() {
        assert_eq!(excerpt("", &["x"], true), Excerpt::Empty);
        assert_eq!(excerpt("\n \n", &["x"], true), Excerpt::Empty);
    }

    #[test]
    fn hostile_characters_become_visible() {
        assert_eq!(plain("\u{1b}[31;1mred\u{1b}[0m"), "red");
        assert_eq!(plain("a\0b"), "a\\u{0}b");
        assert_eq!(plain("a\u{202e}b"), "a\\u{202e}b");
        assert_eq!(plain("a\tb\r"), "a    b");
        assert_eq!(plain("\u{1b}]0;title\u{7}"), "\\u{1b}]0;title\\u{7}");
        assert_eq!(plain("\u{1b}["), "");
        // Escaping is the template's work.
        assert_eq!(plain("<b>"), "<b>");
    }
}
