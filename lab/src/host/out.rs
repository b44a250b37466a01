//! Standard output for people and programs, and errors beside it.
//!
//! A reader may leave early (`cargo lab contracts | head`). That is its right and no error; the
//! macros of the standard library would panic.

use std::fmt::Display;
use std::io::{self, ErrorKind, Write};

use anyhow::{Context as _, Result};
use comfy_table::{Cell, CellAlignment, ContentArrangement, LineStyle, Row, Table, TableStyle};
use textwrap::{Options, WordSplitter};

/// Width of everything that is printed.
pub const WIDTH: u16 = 80;

/// The look of printed tables: a line below the header, and no others.
pub const STYLE: TableStyle =
    TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));

/// A cell whose text stands on the right of its column, as figures do.
pub fn right(text: impl ToString) -> Cell {
    Cell::new(text).set_alignment(CellAlignment::Right)
}

/// Rows as aligned columns, two spaces apart and without lines. The text ends with a newline if there is a row.
pub fn columns(rows: impl IntoIterator<Item = impl Into<Row>>) -> String {
    let mut table = Table::new();
    table
        .load_style(TableStyle::new())
        .set_content_arrangement(ContentArrangement::Disabled)
        .add_rows(rows);
    if table.is_empty() {
        return String::new();
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table.trim_fmt() + "\n"
}

/// Prints text that ends with a newline, or nothing.
pub fn print(text: impl Display) -> Result<()> {
    write_to(&mut io::stdout().lock(), &text.to_string())
}

/// Prints text and a newline.
pub fn line(text: impl Display) -> Result<()> {
    write_to(&mut io::stdout().lock(), &format!("{text}\n"))
}

/// Says something on standard error. If that cannot be written, there is nobody to tell.
pub fn say(text: impl Display) {
    let _ = io::stderr()
        .lock()
        .write_all(format!("{text}\n").as_bytes());
}

fn write_to(stream: &mut impl Write, text: &str) -> Result<()> {
    match stream
        .write_all(text.as_bytes())
        .and_then(|()| stream.flush())
    {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(error).context("cannot write to standard output")
        }
        _ => Ok(()),
    }
}

/// Text cut to one line of at most `width` characters.
pub fn one_line(text: &str, width: usize) -> String {
    let joined = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if joined.chars().count() <= width {
        return joined;
    }
    let mut cut: String = joined.chars().take(width.saturating_sub(1)).collect();
    cut.truncate(cut.trim_end().len());
    cut.push('…');
    cut
}

/// Text in lines of at most [`WIDTH`] columns, each behind `indent`, those after the first two columns further in. A
/// word that is longer is broken, so that nothing of it is lost.
pub fn wrapped(text: &str, indent: &str) -> String {
    let further = format!("{indent}  ");
    let options = Options::new(WIDTH.into())
        .initial_indent(indent)
        .subsequent_indent(&further)
        .word_splitter(WordSplitter::NoHyphenation);
    let joined = text.split_whitespace().collect::<Vec<_>>().join(" ");
    textwrap::fill(&joined, options)
}

/// A shell command in lines of at most [`WIDTH`] columns that can be copied as a whole. A word that is longer stays
/// as it is.
pub fn wrapped_command(command: &str, indent: &str) -> String {
    // The end of a line, and its blank.
    let room = usize::from(WIDTH) - " \\".len();
    let mut lines = vec![indent.to_owned()];
    let mut quoted = false;
    for word in command.split(' ') {
        let line = lines.last_mut().expect("there is a first line");
        let starts = line.trim().is_empty();
        let fits = line.chars().count() + 1 + word.chars().count() <= room;
        if starts {
            line.push_str(word);
        } else if fits || quoted {
            // A line that ends within quotes would be part of the word.
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(format!("{indent}  {word}"));
        }
        quoted ^= word.matches('\'').count() % 2 == 1;
    }
    lines.join(" \\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Broken(ErrorKind);

    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Err(self.0.into())
        }
    }

    #[test]
    fn a_reader_that_left_is_no_error_and_a_full_disk_is_one() {
        let mut text = Vec::new();
        write_to(&mut text, "a\n").unwrap();
        assert_eq!(text, b"a\n");
        assert!(write_to(&mut Broken(ErrorKind::BrokenPipe), "a").is_ok());
        let error = write_to(&mut Broken(ErrorKind::StorageFull), "a").unwrap_err();
        assert!(error.to_string().contains("standard output"), "{error}");
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let text = columns([vec!["a", "bcd", "e"], vec!["fg", "h"]]);
        assert_eq!(text, "a   bcd  e\nfg  h\n");
        assert_eq!(columns([] as [Vec<&str>; 0]), "");
    }

    #[test]
    fn long_text_is_wrapped_and_nothing_of_it_is_lost() {
        let path = "/folder".repeat(20);
        let text = format!("not loaded: {path}: {}", "no such-file ".repeat(9));
        let lines = wrapped(&text, "   ");
        assert!(lines.lines().all(|it| it.chars().count() <= 80), "{lines}");
        assert!(lines.lines().all(|it| it.starts_with("   ")), "{lines}");
        let without = |text: &str| text.split_whitespace().collect::<String>();
        assert_eq!(without(&lines), without(&text));
        assert!(!lines.contains("such-\n"), "{lines}");
        assert_eq!(wrapped("a  b\n c", ""), "a b c");
    }

    #[test]
    fn a_long_command_has_lines_that_a_shell_joins() {
        let options = "-race -count=1 ".repeat(6);
        let command = format!(
            "echo {options}-run '^(Test A|{}Test B)$' .",
            "x ".repeat(30)
        );
        let lines = wrapped_command(&command, "   ");
        let said = |script: &str| {
            let shell = std::process::Command::new("sh")
                .args(["-c", script])
                .output();
            String::from_utf8(shell.unwrap().stdout).unwrap()
        };
        assert_eq!(said(&lines), said(&command));
        let long = |line: &&str| line.chars().count() > 80;
        let long: Vec<&str> = lines.lines().filter(long).collect();
        // The pattern is one word.
        assert!(lines.lines().count() > 2 && long.len() == 1, "{lines}");
        assert_eq!(wrapped_command("go test .", "   "), "   go test .");
    }

    #[test]
    fn long_text_is_cut_to_one_line() {
        assert_eq!(one_line(" a\n  b ", 10), "a b");
        assert_eq!(one_line("abcdef", 4), "abc…");
    }
}
