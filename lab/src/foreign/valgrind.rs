//! Tests under valgrind's memcheck: the words before the test program, and the reports that it writes.
//!
//! Reports are XML in the log of the test program, so that the test that ran stands before each. Their stacks end
//! where Go calls C. Go's runtime, with a few words changed, asks valgrind for the number of its reports before and
//! after each call of C, and prints the goroutine where there are more.

use std::env::consts::{ARCH, OS};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow};
use roxmltree::{Document, Node};

use super::module::Module;
use super::report::{
    CALL_OF_C, Place, Report, culprit, first_own, goroutine, leak_class, relative,
};
use super::toolchain::{Edit, Toolchain, edited, lay};
use crate::engine::canaries::SOURCES;
use crate::host::file::write_if_new;

/// Reports that are not wanted, with reasons.
const SILENCED: &str = include_str!("valgrind.supp");
const SILENCED_NAME: &str = "valgrind.supp";

/// Options that decide what is reported. A report makes a test program end with a code of its own, which
/// only leaks that are certain do among leaks.
const OPTIONS: [&str; 5] = [
    "--leak-check=full",
    "--show-leak-kinds=definite",
    "--errors-for-leak-kinds=definite",
    "--num-callers=30",
    "--error-exitcode=99",
];

/// The oldest minor release of Go that tells valgrind about its memory.
const OLDEST: u32 = 25;

/// The factor by which a test may be slower here.
pub(super) const SLOWER: u32 = 4;

/// The first line of a report, and its last.
pub(super) const BEGIN: &str = "<error>";
pub(super) const END: &str = "</error>";

/// The reason why no test can run under valgrind here, for people.
pub(super) fn lacking(module: &Module) -> Option<String> {
    if OS != "linux" || !["x86_64", "aarch64"].contains(&ARCH) {
        return Some(format!("Go does not work with valgrind on {OS}/{ARCH}"));
    }
    if module.minor() < OLDEST {
        return Some(format!(
            "{} does not tell valgrind about its memory; Go 1.{OLDEST} does",
            module.go
        ));
    }
    which::which("valgrind")
        .is_err()
        .then(|| "valgrind is not on PATH; install it from your system's packages".to_owned())
}

/// The words before a test program. Silenced reports are written into the folder.
pub(super) fn words(folder: &Path) -> Result<Vec<String>> {
    let silenced = folder.join(SILENCED_NAME);
    write_if_new(&silenced, SILENCED)?;
    let mut words = vec!["valgrind".to_owned()];
    words.extend(OPTIONS.map(str::to_owned));
    words.extend([
        format!("--suppressions={}", silenced.display()),
        // What a child says would stand in the midst of a report.
        "--child-silent-after-fork=yes".to_owned(),
        "--error-limit=no".to_owned(),
        "--xml=yes".to_owned(),
        "--xml-fd=1".to_owned(),
    ]);
    Ok(words)
}

const CALLS: [Edit; 2] = [
    Edit {
        function: "func cgocall(fn, arg unsafe.Pointer) int32 {",
        old: "\terrno := asmcgocall(fn, arg)\n",
        new: "\tbefore := cgolabErrors(); errno := asmcgocall(fn, arg)\n",
    },
    Edit {
        function: "func cgocall(fn, arg unsafe.Pointer) int32 {",
        old: "\n\texitsyscall()\n",
        new: "\n\texitsyscall(); cgolabReturned(before, fn)\n",
    },
];

/// Variables of a build whose runtime prints callers of C, and the list that `-overlay` takes.
pub(super) type Callers = (Vec<(&'static str, OsString)>, PathBuf);

/// Lays a runtime that prints callers of C over the toolchain that Go chooses in the folder of a package.
///
/// # Errors
/// The runtime has another shape.
pub(super) fn callers(dir: &Path, cache: &Path) -> Result<Callers> {
    let toolchain = Toolchain::of(dir, cache)?;
    let runtime = toolchain.root.join("src/runtime");
    let place = runtime.join("cgocall.go");
    let text =
        fs::read_to_string(&place).with_context(|| format!("cannot read {}", place.display()))?;
    let text = edited(&text, &CALLS, str::to_owned).map_err(|why| {
        anyhow!("runtime/cgocall.go has another shape than that of Go 1.25 to 1.27: {why}")
    })?;
    let more = SOURCES.get_file("overlays/callers.go.txt");
    let more = more
        .and_then(|it| it.contents_utf8())
        .expect("it is in the program");
    let list = cache.join("callers.json");
    let files = [
        (place, text),
        (runtime.join("zz_cgolab.go"), more.to_owned()),
    ];
    lay(files, &cache.join("callers"), &list)?;
    Ok((toolchain.env, list))
}

/// The lack in the results then, for people.
pub(super) fn no_callers(why: &anyhow::Error) -> String {
    format!("a report in C does not name its caller in Go: {why:#}")
}

/// The goroutines that were printed behind calls of C, by their place in the output.
pub(super) struct Calls<'a>(Vec<(usize, &'a [&'a str])>);

impl<'a> Calls<'a> {
    pub(super) fn read(lines: &'a [&'a str]) -> Calls<'a> {
        let heads = lines.iter().enumerate();
        let heads = heads.filter(|(_, line)| line.starts_with(CALL_OF_C));
        let call = |(at, _): (usize, &&str)| {
            let rest = &lines[at + 1..];
            let frames = rest
                .iter()
                .skip_while(|line| !line.starts_with("goroutine "));
            let blank = rest.len() - frames.clone().count();
            let length = frames.take_while(|line| !line.is_empty()).count();
            (at, &rest[..blank + length])
        };
        Calls(heads.map(call).collect())
    }

    /// The goroutine whose call of C ended behind a report at this place. Of several it is the first that called the
    /// function of this wrapper of cgo; one that was told before is not told again.
    fn of(&self, report: usize, wrapper: Option<&str>) -> Option<&'a [&'a str]> {
        let wrapper = wrapper.map(|name| format!("._Cfunc_{name}("));
        let fits = |(_, call): &&(usize, &[&str])| {
            let calls = |wrapper: &String| call.iter().any(|line| line.contains(wrapper));
            wrapper.as_ref().is_none_or(calls)
        };
        let (before, after) = self
            .0
            .split_at(self.0.partition_point(|(at, _)| *at < report));
        let found = after
            .iter()
            .find(fits)
            .or_else(|| before.iter().rfind(fits));
        found.map(|(_, call)| *call)
    }
}

/// Reports whether valgrind ended in its search for leaks, which comes after the last test.
pub(super) fn gave_up_on_leaks(output: &str) -> bool {
    output.contains("vgMemCheck_detect_memory_leaks): the 'impossible' happened")
}

/// The lack in the results of a package then, for people.
pub(super) const NO_LEAKS: &str =
    "leaks were not looked for: Go's collector ran, and valgrind ends in its search after that";

/// Options of `go test` that do the same, for people, in the folder of the module. A program that is not kept
/// has no names of functions.
pub(super) fn options(folder_in_module: &str) -> [String; 2] {
    let silenced = format!("'--suppressions=$PWD/{folder_in_module}/{SILENCED_NAME}'");
    [
        format!("-o={folder_in_module}/again.test"),
        format!("-exec \"valgrind -q {} {silenced}\"", OPTIONS.join(" ")),
    ]
}

/// A report from its lines, which are at this place of the output; nothing if they are something else.
pub(super) fn report(
    lines: &[&str],
    at: usize,
    test: Option<String>,
    calls: &Calls<'_>,
    module: &Module,
) -> Option<Report> {
    let text = lines.join("\n");
    // Output of the test may stand before the report, in the same line.
    let text = &text[text.find(BEGIN)?..];
    let text = &text[..text.find(END)? + END.len()];
    let document = Document::parse(text).ok()?;
    let error = document.root_element();
    let kind = word(error, "kind")?;
    let leak = kind.starts_with("Leak_");
    let what = word(error, "what").or_else(|| word(child(error, "xwhat")?, "text"))?;
    let stacks: Vec<Stack<'_>> = error
        .children()
        .filter(|it| it.has_tag_name("stack"))
        .map(stack)
        .collect();
    // The first stack is that of the access; what follows tells of the memory.
    let (go, c) = sides(&stacks.first()?.frames, module);
    let wrapper = c
        .last()
        .and_then(|it| Some(it.function.split_once("_Cfunc_")?.1));
    let call = stacks[0]
        .called_by_go
        .then(|| calls.of(at, wrapper))
        .flatten();
    let go = match call.filter(|_| !leak) {
        Some(call) => goroutine(call, module),
        None => first_own(go, module),
    };
    Some(Report {
        class: match leak {
            true => leak_class(&c).to_owned(),
            false => class(kind).to_owned(),
        },
        // Leaks are told when all tests have ended.
        test: test.filter(|_| !leak),
        c: culprit(&c),
        go,
        other: None,
        text: shown(what, word(error, "auxwhat"), &stacks),
    })
}

/// The class of a kind of error, in the words of people.
fn class(kind: &str) -> &str {
    match kind {
        "UninitCondition" | "UninitValue" => "use of uninitialised memory",
        "SyscallParam" => "uninitialised memory given to the system",
        "ClientCheck" => "failed check",
        "InvalidRead" => "invalid read",
        "InvalidWrite" => "invalid write",
        "InvalidJump" => "invalid jump",
        "InvalidFree" => "invalid or second free",
        "MismatchedFree" => "free by another allocator",
        "Overlap" => "copy onto itself",
        "FishyValue" => "impossible size",
        "InvalidMemPool" => "invalid memory pool",
        other => other,
    }
}

/// The report for people, without addresses.
fn shown(what: &str, about: Option<&str>, stacks: &[Stack<'_>]) -> String {
    let mut lines = Vec::new();
    for (number, stack) in stacks.iter().enumerate() {
        match (number, about) {
            (0, _) => lines.push(what.to_owned()),
            (1, Some(about)) => lines.push(about.to_owned()),
            _ => lines.push("then".to_owned()),
        }
        lines.extend(
            stack
                .frames
                .iter()
                .map(|it| format!("   at {}", it.shown())),
        );
    }
    if let (1, Some(about)) = (stacks.len(), about) {
        lines.push(about.to_owned());
    }
    lines.join("\n")
}

/// The frames of Go in a stack, and those of C.
fn sides(stack: &[Frame<'_>], module: &Module) -> (Vec<Place>, Vec<Place>) {
    let (mut go, mut c) = (Vec::new(), Vec::new());
    let mut calls_by_go = false;
    // Outermost first: Go calls its own assembly directly, and C never.
    for frame in stack.iter().rev() {
        calls_by_go = frame.is_go() || (calls_by_go && frame.is_assembly());
        let side = if calls_by_go { &mut go } else { &mut c };
        side.push(frame.place(module));
    }
    go.reverse();
    c.reverse();
    (go, c)
}

/// A frame of a stack.
struct Frame<'a> {
    /// The function, or the program where it has none.
    function: &'a str,
    dir: Option<&'a str>,
    file: Option<&'a str>,
    line: Option<u32>,
}

impl Frame<'_> {
    /// Reports whether it is of Go. C in the preamble of a file of Go is in that file too, but has no package
    /// before its name.
    fn is_go(&self) -> bool {
        let in_package = self
            .function
            .split('.')
            .nth(1)
            .is_some_and(|second| !["part", "isra", "constprop", "cold"].contains(&second));
        let in_go = self.file.is_some_and(|file| file.ends_with(".go"));
        in_package && (in_go || self.is_assembly())
    }

    fn is_assembly(&self) -> bool {
        self.file.is_some_and(|file| file.ends_with(".s"))
    }

    fn place(&self, module: &Module) -> Place {
        let file = self.file.map(|file| match self.dir {
            Some(dir) => Path::new(dir).join(file),
            None => PathBuf::from(file),
        });
        let own = file.as_ref().is_some_and(|it| it.starts_with(&module.root));
        Place {
            function: self.function.to_owned(),
            own: own && !self.function.starts_with("_cgo_"),
            file: file.map(|it| relative(&it, &module.root)),
            line: self.line,
        }
    }

    fn shown(&self) -> String {
        match (self.file, self.line) {
            (Some(file), Some(line)) => format!("{} ({file}:{line})", self.function),
            _ => self.function.to_owned(),
        }
    }
}

/// A stack, up to where Go calls C: valgrind does not find the way from C's stack to Go's, and what it takes for
/// frames there are none.
struct Stack<'a> {
    frames: Vec<Frame<'a>>,
    called_by_go: bool,
}

fn stack<'a>(stack: Node<'a, '_>) -> Stack<'a> {
    let frames = stack.children().filter(|it| it.has_tag_name("frame"));
    let frame = |it: Node<'a, '_>| Frame {
        function: word(it, "fn")
            .or_else(|| word(it, "obj"))
            .unwrap_or("unknown"),
        dir: word(it, "dir"),
        file: word(it, "file"),
        line: word(it, "line").and_then(|line| line.parse().ok()),
    };
    let mut frames: Vec<Frame<'a>> = frames.map(frame).collect();
    let call = |it: &Frame<'_>| it.function.starts_with("runtime.asmcgocall");
    let call = frames.iter().position(call);
    frames.truncate(call.unwrap_or(frames.len()));
    Stack {
        frames,
        called_by_go: call.is_some(),
    }
}

fn child<'a, 'd>(of: Node<'a, 'd>, name: &str) -> Option<Node<'a, 'd>> {
    of.children().find(|it| it.has_tag_name(name))
}

fn word<'a>(of: Node<'a, '_>, name: &str) -> Option<&'a str> {
    child(of, name)?.text()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::foreign::findings;
    use crate::foreign::toolchain::tests::keep_lines;

    fn module() -> Module {
        Module {
            root: "/m".into(),
            path: "a/b".to_owned(),
            go: "go1.26.8".to_owned(),
            ..Module::default()
        }
    }

    fn frame(function: &str, dir: &str, file: &str, line: u32) -> String {
        format!(
            "<frame>\n<ip>0x1</ip>\n<obj>/t/b.test</obj>\n<fn>{function}</fn>\n<dir>{dir}</dir>\n\
             <file>{file}</file>\n<line>{line}</line>\n</frame>\n"
        )
    }

    fn error(kind: &str, what: &str, stacks: &[&[String]], about: &str) -> String {
        let stacks: Vec<String> = stacks
            .iter()
            .map(|frames| format!("<stack>\n{}</stack>\n", frames.concat()))
            .collect();
        let (first, rest) = stacks.split_first().unwrap();
        format!(
            "<error>\n<kind>{kind}</kind>\n{what}\n{first}{about}\n{}</error>\n",
            rest.concat()
        )
    }

    #[test]
    fn an_access_in_c_has_its_place_the_c_function_and_the_test() {
        let access = [
            frame("used.part.0", "/m", "b.go", 7),
            frame("_cgo_1_Cfunc_used", "/tmp/go-build", "cgo-gcc-prolog", 3),
            frame("runtime.asmcgocall.abi0", "/go/runtime", "asm_amd64.s", 9),
            frame("runtime.newproc.abi0", "/go/runtime", "asm.s", 9),
        ];
        let freed = [
            frame("free", "/x", "vg.c", 1),
            frame("done", "/m/c", "w.c", 9),
        ];
        let output = format!(
            "=== RUN   TestA\n    printed{}",
            error(
                "InvalidRead",
                "<what>Invalid read of size 1</what>",
                &[&access, &freed],
                "<auxwhat>Address 0x1 is 3 bytes inside a block of size 24 free'd</auxwhat>",
            )
        );
        let found = findings::read(&output, &module());
        assert_eq!(found.len(), 1, "{found:#?}");
        let report = &found[0];
        assert_eq!(
            (report.class.as_str(), report.test.as_deref()),
            ("invalid read", Some("TestA"))
        );
        assert_eq!(report.c.as_ref().unwrap().shown(), "used.part.0 (b.go:7)");
        assert_eq!(report.go, None);
        assert_eq!(
            report.text,
            "Invalid read of size 1\n   at used.part.0 (b.go:7)\n   at _cgo_1_Cfunc_used (cgo-gcc-prolog:3)\n\
             Address 0x1 is 3 bytes inside a block of size 24 free'd\n   at free (vg.c:1)\n   at done (w.c:9)"
        );
    }

    #[test]
    fn an_access_in_c_has_the_caller_whose_call_it_was() {
        let access = |function: &str| {
            let frames = [
                frame("used", "/m", "b.go", 7),
                frame(
                    &format!("_cgo_1_Cfunc_{function}"),
                    "/tmp/go-build",
                    "cgo-gcc-prolog",
                    3,
                ),
                frame("runtime.asmcgocall.abi0", "/go/runtime", "asm_amd64.s", 9),
            ];
            error("InvalidRead", "<what>Invalid read</what>", &[&frames], "")
        };
        let caller = |function: &str, line: u32| {
            format!(
                "\n{CALL_OF_C}\n\ngoroutine 7 [running]:\na/b._Cfunc_{function}(0x1)\n\t_cgo_gotypes.go:9 +0x1\n\
                 a/b.F()\n\t/m/b.go:{line} +0x1\n\n"
            )
        };
        let found = |output: &str| -> Vec<Option<u32>> {
            let found = findings::read(output, &module());
            found.iter().map(|it| it.go.as_ref()?.line).collect()
        };
        // Another goroutine's call ended first.
        let first = [access("used"), caller("other", 30), caller("used", 40)].concat();
        assert_eq!(found(&first), [Some(40)]);
        // A second report of one call: the caller was told behind the first.
        let second = [&first, &access("used"), &caller("other", 50)]
            .map(String::as_str)
            .concat();
        assert_eq!(found(&second), [Some(40), Some(40)]);
        // By a way that is not cgo's: whoever comes next.
        let purego = access("used").replace("_cgo_1_Cfunc_used", "read");
        assert_eq!(found(&[purego, caller("other", 30)].concat()), [Some(30)]);
        // A thread of the library's own.
        let thread = access("used").replace("runtime.asmcgocall.abi0", "start_thread");
        assert_eq!(found(&[thread, caller("used", 30)].concat()), [None]);
    }

    #[test]
    fn the_runtime_keeps_its_lines() {
        keep_lines(&CALLS);
    }

    #[test]
    fn what_go_does_with_memory_that_nobody_wrote_has_its_place_in_go() {
        let frames = [
            frame("memeqbody", "/go/internal", "equal.s", 2),
            frame("runtime.memequal", "/go/internal", "equal.s", 1),
            frame("a/b.(*T).Same.func1", "/m", "b.go", 30),
        ];
        let what = "<what>Conditional jump or move depends on uninitialised value(s)</what>";
        let block = error("UninitCondition", what, &[&frames], "");
        let lines: Vec<&str> = block.lines().collect();
        let report = report(&lines, 0, None, &Calls(Vec::new()), &module()).unwrap();
        assert_eq!(report.class, "use of uninitialised memory");
        assert_eq!(report.go.unwrap().shown(), "a/b.(*T).Same (b.go:30)");
        assert_eq!(report.c, None);
    }

    #[test]
    fn leaks_belong_to_no_test_and_those_of_go_are_named() {
        let of = |frames: &[String]| {
            let what = "<xwhat>\n<text>9 bytes in 1 blocks are definitely lost</text>\n</xwhat>";
            let block = error("Leak_DefinitelyLost", what, &[frames], "");
            let lines: Vec<&str> = block.lines().collect();
            report(
                &lines,
                0,
                Some("TestLast".to_owned()),
                &Calls(Vec::new()),
                &module(),
            )
            .unwrap()
        };
        let by_go = of(&[
            frame("malloc", "/x", "vg.c", 1),
            frame(
                "_cgo_1_Cfunc__Cmalloc",
                "/tmp/go-build",
                "cgo-gcc-prolog",
                3,
            ),
        ]);
        assert_eq!(by_go.class, "leak of C.CString, C.CBytes or C.malloc");
        let by_c = of(&[
            frame("malloc", "/x", "vg.c", 1),
            frame("made", "/m/c", "w.c", 4),
        ]);
        assert_eq!(by_c.class, "leak");
        assert_eq!(by_c.c.unwrap().shown(), "made (c/w.c:4)");
        assert_eq!(by_c.test, None);
    }

    #[test]
    fn markup_that_a_test_prints_is_no_report_and_hides_none() {
        let real = error(
            "InvalidFree",
            "<what>Invalid free()</what>",
            &[&[frame("free", "/x", "vg.c", 1)]],
            "",
        );
        let output = format!("<error>no such order</error>\n<error>\nopen\n{real}");
        let found = findings::read(&output, &module());
        let classes: Vec<&str> = found.iter().map(|it| it.class.as_str()).collect();
        assert_eq!(classes, ["invalid or second free"]);
    }

    #[test]
    fn an_older_go_is_told_what_is_missing() {
        let old = Module {
            go: "go1.24.3".to_owned(),
            ..module()
        };
        let why = lacking(&old).unwrap_or_default();
        assert!(
            why.contains("go1.24.3 does not tell valgrind") || why.contains("does not work"),
            "{why}"
        );
    }

    #[test]
    fn each_silenced_report_has_its_reason() {
        let mut reason = false;
        for line in SILENCED.lines().skip(1) {
            match line.chars().next() {
                Some('#') => reason = true,
                Some('{') => assert!(std::mem::take(&mut reason), "an entry has no reason"),
                _ => {}
            }
        }
    }
}
