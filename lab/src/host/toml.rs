//! Places and messages of errors in TOML files, for one line that names both.

use std::ops::Range;

/// The line in which a span begins, from 1; the first one without a span.
pub fn line_of(text: &str, span: Option<Range<usize>>) -> usize {
    span.map_or(1, |span| {
        text[..span.start.min(text.len())].matches('\n').count() + 1
    })
}

/// The parser's message, on one line.
pub fn message(error: &toml::de::Error) -> String {
    error.message().trim().replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_counted_from_one() {
        let text = "a = 1\nb = 2\n";
        assert_eq!(line_of(text, None), 1);
        assert_eq!(line_of(text, Some(0..1)), 1);
        assert_eq!(line_of(text, Some(6..7)), 2);
        assert_eq!(line_of(text, Some(99..100)), 3, "past the end is the end");
        let error = toml::from_str::<toml::Table>("a = 1\nb =\n").unwrap_err();
        assert_eq!(line_of("a = 1\nb =\n", error.span()), 2);
        assert!(!message(&error).contains('\n'));
    }
}
