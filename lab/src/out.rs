//! What people and programs read: standard output, and errors beside it.
//!
//! A reader may leave early (`cargo lab contracts | head`). That is its right and no error; the
//! macros of the standard library would panic.

use std::fmt::Display;
use std::io::{self, ErrorKind, Write};

use anyhow::{Context as _, Result};

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
}
