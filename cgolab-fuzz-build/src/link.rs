//! Flags for the linker. An archive of Go has none of what its packages ask for.

use std::path::Path;

/// The flags that the link needs: without libraries that Rust provides, without the runtime of a sanitizer, which rustc
/// brings, and without those for the compiler that are in CGO_LDFLAGS unless somebody sets it.
pub(crate) fn wanted(flags: &[String], provided: &[String]) -> Vec<String> {
    let is_provided = |flag: &str| library(flag).is_some_and(|it| provided.iter().any(|p| p == it));
    flags
        .iter()
        .filter(|flag| {
            !["-fsanitize", "-O", "-g"]
                .iter()
                .any(|it| flag.starts_with(it))
        })
        .filter(|flag| !is_provided(flag))
        .cloned()
        .collect()
}

/// The name of the library that a flag links: `x` of `-lx`, `-l:libx.a`, `/a/libx.a`, `libx.so.1`.
fn library(flag: &str) -> Option<&str> {
    let file = match flag.strip_prefix("-l") {
        Some(name) => match name.strip_prefix(':') {
            Some(file) => file,
            None => return Some(name),
        },
        None if flag.starts_with('-') => return None,
        None => Path::new(flag).file_name()?.to_str()?,
    };
    let name = file.strip_prefix("lib")?;
    let end = name.find(".a").or_else(|| name.find(".so"))?;
    Some(&name[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn provided_libraries_and_runtimes_of_sanitizers_are_left_out() {
        let flags = [
            "-L/a/target/release",
            "-lframes",
            "-l:libframes.a",
            "/a/target/release/libframes.a",
            "/a/libframes.so.1",
            "-fsanitize=address",
            "-O2",
            "-g",
            "-lframes2",
            "/a/libother.a",
            "-lm",
            "-Wl,-z,now",
        ]
        .map(str::to_owned);
        let wanted = wanted(&flags, &["frames".to_owned()]);
        let left = [
            "-L/a/target/release",
            "-lframes2",
            "/a/libother.a",
            "-lm",
            "-Wl,-z,now",
        ];
        assert_eq!(wanted, left);
    }
}
