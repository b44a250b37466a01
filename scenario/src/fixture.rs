//! Contents that the model, the drivers and the library's files share.
//!
//! Files are in a directory with a root inside it and a secret beside the root.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// The content of `hello.txt`.
pub const HELLO: &[u8] = b"hello, world\n";
/// The content of `dir/naïve name`: bytes that are not text.
pub const ENCODED: &[u8] = b"\x00\xff\n";

/// The content of [`Url::Data`](crate::op::Url::Data).
pub const DATA: &[u8] = b"plain text";
/// The content of [`Url::DataBase64`](crate::op::Url::DataBase64): bytes that are not text.
pub const DATA_BASE64: &[u8] = b"\x00\x01\xff";

/// The bytes that a scripted provider serves inline.
pub const SERVED: &[u8] = b"served inline";
/// The bytes of [`Answer::Bytes`](crate::op::Answer::Bytes).
pub const ANSWER: &[u8] = b"an answer";
/// The text of [`Answer::Error`](crate::op::Answer::Error).
pub const ANSWER_ERROR: &str = "no such thing \u{2026}";
/// The number of [`Behaviour::Unknown`](crate::op::Behaviour::Unknown).
pub const UNKNOWN_DECISION: i32 = 77;

/// Files in a temporary directory, removed on drop.
#[derive(Debug)]
pub struct Fixture {
    directory: TempDir,
}

impl Fixture {
    /// Writes the files.
    ///
    /// # Errors
    /// The file system's.
    pub fn new() -> io::Result<Fixture> {
        let directory = TempDir::with_prefix("courier-scenario-")?;
        let outer = directory.path();
        let root = outer.join("root");
        fs::create_dir_all(root.join("dir"))?;
        fs::write(root.join("hello.txt"), HELLO)?;
        fs::write(root.join("empty"), b"")?;
        fs::write(root.join("dir/na\u{ef}ve name"), ENCODED)?;
        symlink("hello.txt", root.join("link-inside"))?;
        // A link that is followed must find something: were it broken, "not found" would hide it.
        fs::write(outer.join("secret"), b"secret")?;
        symlink("../secret", root.join("link-outside"))?;
        symlink("..", root.join("up"))?;
        Ok(Fixture { directory })
    }

    /// The root directory for runtimes.
    pub fn root(&self) -> PathBuf {
        self.outer().join("root")
    }

    fn outer(&self) -> &Path {
        self.directory.path()
    }
}
