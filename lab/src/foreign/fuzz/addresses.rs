//! Names for the stack of a program that prints addresses alone, as one does that has no runtime of clang's.
//!
//! Functions, files and lines are read from the debug information of the files that are named in the stack.

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::Path;

use addr2line::{Loader, demangle_auto};

/// Gives each frame that is an address of a file its function, file and line. One in which the compiler has put
/// functions into each other becomes a line for each, the innermost first. All other lines stay as they are.
pub(super) fn named(text: &str) -> String {
    // One for each file, because it is read as a whole; none of a file that cannot be read.
    let mut loaders: HashMap<String, Option<Loader>> = HashMap::new();
    let mut named = |line: &str| {
        let frame = unnamed(line)?;
        let loader = loaders
            .entry(frame.file.to_owned())
            .or_insert_with(|| Loader::new(Path::new(frame.file)).ok());
        let places = places(loader.as_ref()?, frame.offset)?;
        let lines = places.iter().map(|it| format!("{} in {it}\n", frame.head));
        Some(lines.collect::<String>())
    };
    text.split_inclusive('\n')
        .map(|line| named(line).unwrap_or_else(|| line.to_owned()))
        .collect()
}

/// A frame without a name, such as `    #1 0x4019d3  (/m/program+0x19d3)`.
#[derive(Debug, PartialEq, Eq)]
struct Unnamed<'a> {
    /// What stands in front of the file.
    head: &'a str,
    file: &'a str,
    /// The address in the file's own terms.
    offset: u64,
}

fn unnamed(line: &str) -> Option<Unnamed<'_>> {
    let (head, rest) = line.split_once("  (")?;
    let (number, address) = head.trim_start().strip_prefix('#')?.split_once(" 0x")?;
    let (file, offset) = rest.trim_end().strip_suffix(')')?.rsplit_once("+0x")?;
    number.parse::<u32>().ok()?;
    u64::from_str_radix(address, 16).ok()?;
    let offset = u64::from_str_radix(offset, 16).ok()?;
    Some(Unnamed { head, file, offset })
}

/// The functions at an address, and their lines as far as these are known; `None` if nothing is.
fn places(loader: &Loader, offset: u64) -> Option<Vec<String>> {
    let mut frames = loader.find_frames(offset).ok()?;
    let mut places = Vec::new();
    while let Some(frame) = frames.next().ok()? {
        let function = match &frame.function {
            Some(function) => function.demangle().ok()?,
            None => demangle_auto(Cow::from(loader.find_symbol(offset)?), None),
        };
        let place = frame.location.and_then(|it| Some((it.file?, it.line?)));
        places.push(match place {
            Some((file, line)) => format!("{function} {file}:{line}"),
            None => function.into_owned(),
        });
    }
    (!places.is_empty()).then_some(places)
}

#[cfg(test)]
mod tests {
    use std::env;
    use std::fs;
    use std::process::Command;

    use object::{Object as _, ObjectSymbol as _};

    use super::*;

    #[inline(never)]
    fn named_by_its_address() -> u32 {
        line!()
    }

    #[test]
    fn frames_of_files_with_debug_information_get_their_names() {
        let line = named_by_its_address();
        let program = env::current_exe().unwrap();
        let data = fs::read(&program).unwrap();
        let file = object::File::parse(&*data).unwrap();
        let function = file
            .symbols()
            .find(|it| {
                it.name()
                    .is_ok_and(|it| it.contains("named_by_its_address"))
            })
            .unwrap();
        let (at, program) = (function.address(), program.display());
        let text = format!(
            "==7== ERROR\n    #0 0x5{at:x}  ({program}+0x{at:x})\n    #1 0x7  (/no such file+0x7)\n    #2 0x8\n"
        );
        let shown = named(&text);
        let lines: Vec<&str> = shown.lines().collect();
        let place = format!("    #0 0x5{at:x} in cgolab::");
        assert!(lines[1].starts_with(&place), "{shown}");
        assert!(lines[1].contains("::named_by_its_address "), "{shown}");
        // The compiler may count the function's first or last line.
        let ends = |line: u32| lines[1].ends_with(&format!("addresses.rs:{line}"));
        assert!((line - 1..=line + 1).any(ends), "{shown}");
        assert_eq!(lines[0], "==7== ERROR");
        assert_eq!(
            lines[2..],
            ["    #1 0x7  (/no such file+0x7)", "    #2 0x8"]
        );
    }

    #[test]
    fn a_function_inside_another_has_a_line_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let (source, library) = (folder.path().join("c.c"), folder.path().join("c.so"));
        let text = "static inline __attribute__((always_inline)) void inner(int *at) { *(volatile int *)at = 1; }\n\
            void outer(int *at) { inner(at); }\n";
        fs::write(&source, text).unwrap();
        let built = Command::new("cc")
            .args(["-g", "-O1", "-shared", "-fPIC", "-o"])
            .args([&library, &source])
            .status()
            .unwrap();
        assert!(built.success());
        let data = fs::read(&library).unwrap();
        let file = object::File::parse(&*data).unwrap();
        let outer = file.symbols().find(|it| it.name() == Ok("outer")).unwrap();
        let stacks = (0..outer.size()).map(|at| {
            let at = outer.address() + at;
            named(&format!(
                "    #3 0x{at:x}  ({}+0x{at:x})\n",
                library.display()
            ))
        });
        let both = |stack: &String| {
            let lines: Vec<&str> = stack.lines().collect();
            let place = |at: usize, function: &str, line: u32| {
                lines[at].contains(&format!(" in {function} "))
                    && lines[at].ends_with(&format!("c.c:{line}"))
            };
            lines.len() == 2 && place(0, "inner", 1) && place(1, "outer", 2)
        };
        let stacks: Vec<String> = stacks.collect();
        assert!(stacks.iter().any(both), "{stacks:#?}");
    }

    #[test]
    fn only_frames_without_a_name_are_looked_up() {
        let frame = unnamed("    #12 0x4019d3  (/m/a b/program+0x19d3)\n").unwrap();
        assert_eq!(frame.head, "    #12 0x4019d3");
        assert_eq!((frame.file, frame.offset), ("/m/a b/program", 0x19d3));
        for other in [
            "    #1 0x2 in c_abort /m/p/c.c:10:2",
            "    #1 0x2  (/lib/libc.so.6) (BuildId: 12)",
            "    #1 0x2  (/m/program+0xzz)",
            "goroutine 7  (/m/program+0x19d3)",
            "",
        ] {
            assert_eq!(unnamed(other), None, "{other}");
        }
    }
}
