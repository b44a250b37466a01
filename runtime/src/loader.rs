//! The runtime's own loader: `data:` URLs, and `file:` URLs under a root directory.
//!
//! The directory is opened once, when the runtime is created, and every path is resolved beneath
//! that open directory by `cap-std`: neither `..` (written, percent-encoded or behind `%2F`) nor a
//! symbolic link can lead out, even if the tree is changed meanwhile.

use std::io::{self, Read};
use std::path::Path;

use cap_std::ambient_authority;
use cap_std::fs::{Dir, OpenOptions, OpenOptionsExt};
use data_url::DataUrl;
use url::Url;

use crate::error::{Error, Word};
use crate::outcome::{Failed, Failure};
use crate::sync::refusal::{Step, step};

#[derive(Debug)]
pub(crate) struct Loader {
    root: Option<Dir>,
}

impl Loader {
    /// Opens the root directory. Without one, no `file:` URL is served.
    ///
    /// # Errors
    /// [`Word::BadRoot`] with the path and the system's reason.
    pub(crate) fn open(root: Option<&Path>) -> Result<Loader, Error> {
        let root = match root {
            None => None,
            Some(path) => Some(open_dir(path).map_err(|error| {
                Error::new(
                    Word::BadRoot,
                    format!(
                        "cannot open the root directory {path:?}: {error}; name one that exists and can be listed"
                    ),
                )
            })?),
        };
        Ok(Loader { root })
    }

    /// Reads the resource that `url` names.
    pub(crate) fn load(&self, url: &Url) -> Result<Vec<u8>, Failed> {
        let fail = |failure, text: String| Err(Failed { failure, text });
        if url.scheme() == "data" {
            return decode_data(url);
        }
        if url.scheme() != "file" {
            return fail(Failure::Unsupported, format!("nobody serves {url}"));
        }
        let Some(root) = &self.root else {
            return fail(
                Failure::Unsupported,
                format!("{url}: this runtime has no root directory"),
            );
        };
        // Fails for a URL with a host: another machine's file.
        let Ok(path) = url.to_file_path() else {
            return fail(Failure::Unsupported, format!("{url} is not a local path"));
        };
        let relative = path.strip_prefix("/").unwrap_or(&path);
        read_file(root, relative).map_err(|error| {
            let failure = classify(&error);
            let text = match failure {
                Failure::OutsideRoot => format!("{url} leads out of the root directory"),
                _ => format!("{url}: {error}"),
            };
            Failed { failure, text }
        })
    }
}

fn decode_data(url: &Url) -> Result<Vec<u8>, Failed> {
    let failed = |why: &dyn std::fmt::Debug| Failed {
        failure: Failure::Malformed,
        text: format!("the data: URL is malformed: {why:?}"),
    };
    let data = DataUrl::process(url.as_str()).map_err(|error| failed(&error))?;
    // The URL's fragment is no part of the resource.
    let (bytes, _fragment) = data.decode_to_vec().map_err(|error| failed(&error))?;
    Ok(bytes)
}

fn open_dir(path: &Path) -> io::Result<Dir> {
    if path.as_os_str().is_empty() {
        return Err(io::Error::other("the path is empty"));
    }
    step(Step::OpenRoot)?;
    let dir = Dir::open_ambient_dir(path, ambient_authority())?;
    // Opening is allowed without the right to read; finding that out at the first load is late.
    step(Step::ListRoot)?;
    dir.entries()?;
    Ok(dir)
}

fn read_file(root: &Dir, path: &Path) -> io::Result<Vec<u8>> {
    // Without O_NONBLOCK, opening a FIFO would block the worker until somebody writes to it. It does
    // nothing to regular files.
    let mut options = OpenOptions::new();
    options.read(true).custom_flags(libc::O_NONBLOCK);
    step(Step::OpenFile)?;
    let mut file = root.open_with(path, &options)?;
    step(Step::FileKind)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    let mut bytes = Vec::new();
    step(Step::ReadFile)?;
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn classify(error: &io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Failure::NotFound,
        // cap-std reports an escape with this kind and without a system error number; a file that
        // the system does not let us read has one.
        io::ErrorKind::PermissionDenied if error.raw_os_error().is_none() => Failure::OutsideRoot,
        _ => Failure::Io,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    fn load(loader: &Loader, url: &str) -> Result<Vec<u8>, Failure> {
        loader
            .load(&Url::parse(url).unwrap())
            .map_err(|failed| failed.failure)
    }

    #[test]
    fn files_under_the_root_are_served_and_nothing_else() {
        let outer = tempfile::tempdir().unwrap();
        fs::write(outer.path().join("secret"), "secret").unwrap();
        let root = outer.path().join("root");
        fs::create_dir_all(root.join("dir")).unwrap();
        fs::write(root.join("a b.txt"), "hello").unwrap();
        fs::write(root.join("dir/empty"), "").unwrap();
        symlink("a b.txt", root.join("inside")).unwrap();
        symlink("../secret", root.join("relative")).unwrap();
        symlink(outer.path().join("secret"), root.join("absolute")).unwrap();
        symlink("..", root.join("up")).unwrap();
        let loader = Loader::open(Some(&root)).unwrap();

        assert_eq!(load(&loader, "file:///a%20b.txt").unwrap(), b"hello");
        assert_eq!(load(&loader, "file:///dir/empty").unwrap(), b"");
        assert_eq!(load(&loader, "file:///inside").unwrap(), b"hello");
        // The URL standard removes these dots before anything is opened.
        assert_eq!(load(&loader, "file:///../secret"), Err(Failure::NotFound));
        for escape in [
            "..%2Fsecret",
            "dir%2F..%2F..%2Fsecret",
            "relative",
            "absolute",
            "up/secret",
        ] {
            let url = format!("file:///{escape}");
            let refused = loader.load(&Url::parse(&url).unwrap()).unwrap_err();
            assert_eq!(refused.failure, Failure::OutsideRoot, "{url}");
            // The system's own words are about permission, which is not what is wrong.
            assert!(
                refused.text.ends_with("leads out of the root directory"),
                "{}",
                refused.text
            );
        }
        assert_eq!(load(&loader, "file:///missing"), Err(Failure::NotFound));
        assert_eq!(load(&loader, "file:///inside/x"), Err(Failure::NotFound));
        assert_eq!(load(&loader, "file:///dir"), Err(Failure::Io));
        assert_eq!(load(&loader, "file:///a%00b"), Err(Failure::Io));
        assert_eq!(load(&loader, "file://host/a"), Err(Failure::Unsupported));
        assert_eq!(load(&loader, "app:thing"), Err(Failure::Unsupported));
    }

    #[test]
    fn a_file_that_the_system_refuses_is_not_outside_the_root() {
        let refused = io::Error::from_raw_os_error(13);
        assert_eq!(refused.kind(), io::ErrorKind::PermissionDenied);
        assert_eq!(classify(&refused), Failure::Io);
        let ours = io::Error::from(io::ErrorKind::PermissionDenied);
        assert_eq!(classify(&ours), Failure::OutsideRoot);
    }

    #[test]
    fn data_urls_are_served_without_a_root() {
        let loader = Loader::open(None).unwrap();
        for (url, bytes) in [
            ("data:,hello", &b"hello"[..]),
            ("data:,", b""),
            ("data:text/plain,a%20b%FF#fragment", b"a b\xff"),
            ("data:;base64,aGVsbG8=", b"hello"),
        ] {
            assert_eq!(load(&loader, url).unwrap(), bytes, "{url}");
        }
        for url in ["data:no-comma", "data:;base64,a"] {
            assert_eq!(load(&loader, url), Err(Failure::Malformed), "{url}");
        }
    }

    #[test]
    fn without_a_root_no_file_is_served() {
        let loader = Loader::open(None).unwrap();
        assert_eq!(load(&loader, "file:///a"), Err(Failure::Unsupported));
    }

    #[test]
    fn a_root_that_is_empty_missing_or_a_file_is_refused_with_its_path() {
        let file = tempfile::NamedTempFile::new().unwrap();
        for path in [Path::new(""), Path::new("/nowhere/at/all"), file.path()] {
            let error = Loader::open(Some(path)).unwrap_err();
            assert_eq!(error.word(), Word::BadRoot);
            assert!(error.to_string().contains(&format!("{path:?}")), "{error}");
        }
    }
}
