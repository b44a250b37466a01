//! The files that scenarios load: a directory with a root inside it and a secret beside the root.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// What `hello.txt` holds.
pub const HELLO: &[u8] = b"hello, world\n";
/// What `dir/naïve name` holds: bytes that are not text.
pub const ENCODED: &[u8] = b"\x00\xff\n";

/// What [`Url::Data`](crate::op::Url::Data) holds.
pub const DATA: &[u8] = b"plain text";
/// What [`Url::DataBase64`](crate::op::Url::DataBase64) holds: bytes that are not text.
pub const DATA_BASE64: &[u8] = b"\x00\x01\xff";

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
