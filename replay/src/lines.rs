//! Lines that a child writes, read on a thread of their own, so that waiting for one can have a limit.

use std::io::{BufRead as _, BufReader};
use std::process::ChildStdout;
use std::sync::mpsc::{Receiver, channel};
use std::thread;

/// The lines of an output. The thread ends with the output, or when nobody receives any more.
pub(crate) fn lines_of(output: ChildStdout) -> Receiver<String> {
    let (line, lines) = channel();
    thread::spawn(move || {
        for text in BufReader::new(output).lines().map_while(Result::ok) {
            if line.send(text).is_err() {
                return;
            }
        }
    });
    lines
}
