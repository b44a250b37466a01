//! The report: Markdown for an issue, and JSON.

use std::fmt::Write as _;

use serde::Serialize;

use super::collector::Collected;
use super::stopped::{Frame, Goroutine, Thread, known};
use super::story::{self, Class, Story};

/// The number of lines of the program's output that the report shows.
const OUTPUT_LINES: usize = 60;
/// The number of frames of a stack that the report shows.
const FRAMES: usize = 40;

/// A report as data: the story, and everything that it was made from.
#[derive(Serialize)]
pub(super) struct Json<'a> {
    pub(super) story: &'a Story,
    pub(super) program: &'a Collected,
}

/// The report as Markdown.
pub(super) fn markdown(story: &Story, program: &Collected) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = write_markdown(&mut text, story, program);
    text
}

fn write_markdown(text: &mut String, story: &Story, program: &Collected) -> std::fmt::Result {
    let stopped = &program.stopped;
    writeln!(text, "# {}\n", story.headline)?;
    writeln!(text, "| | |\n|---|---|")?;
    let mut row =
        |name: &str, value: &str| writeln!(text, "| {name} | {} |", value.replace('|', "\\|"));
    row(
        "class",
        &format!("`{}`: {}", class_id(story.class), story.class.words()),
    )?;
    row("command", &format!("`{}`", program.typed))?;
    row(
        "end",
        &format!("{}, after {:.1} s", program.how(), program.seconds),
    )?;
    if let Some(frame) = &story.native {
        row("native code", &format!("`{}`", story::shown(frame)))?;
    }
    if let Some(frame) = &story.go {
        row("Go code", &format!("`{}`", story::shown(frame)))?;
    }
    if let Some(thread) = story.thread {
        let who = match story.goroutine {
            Some(id) => format!("{thread}, which runs goroutine {id}"),
            None => format!("{thread}, which runs no goroutine"),
        };
        row("thread", &who)?;
    }
    if let Some(version) = &stopped.go_version {
        row("Go", version)?;
    }
    row("system", &system())?;
    row("cgolab", env!("CARGO_PKG_VERSION"))?;
    if !program.missing.is_empty() {
        writeln!(text, "\nNot in this report:\n")?;
        for missing in &program.missing {
            writeln!(text, "- {missing}")?;
        }
    }
    if !program.messages.is_empty() {
        writeln!(text, "\n## Last words\n\n```text")?;
        for message in &program.messages {
            writeln!(text, "{}", message.text)?;
        }
        writeln!(text, "```")?;
    }
    if !story.waits.is_empty() {
        writeln!(text, "\n## Who waits for whom\n")?;
        for wait in &story.waits {
            writeln!(text, "- {wait}")?;
        }
    }
    if !story.stack.is_empty() {
        writeln!(text, "\n## Stack\n\n```text")?;
        write_frames(text, &story.stack, 0)?;
        writeln!(text, "```")?;
    }
    write_goroutines(text, &stopped.goroutines, stopped.more_goroutines)?;
    write_threads(text, program)?;
    if !program.build.is_empty() {
        writeln!(text, "\n## Build\n\n```text")?;
        for line in &program.build {
            writeln!(text, "{line}")?;
        }
        writeln!(text, "```")?;
    }
    write_output(text, program)
}

fn class_id(class: Class) -> String {
    let value = serde_json::to_value(class).unwrap_or_default();
    value.as_str().unwrap_or_default().to_owned()
}

/// Operating system, release and processor.
fn system() -> String {
    let uname = rustix::system::uname();
    let word = |word: &std::ffi::CStr| word.to_string_lossy().into_owned();
    format!(
        "{} {} {}",
        word(uname.sysname()),
        word(uname.release()),
        word(uname.machine())
    )
}

fn write_frames(text: &mut String, frames: &[Frame], more: usize) -> std::fmt::Result {
    let mut shown: Vec<(String, usize)> = Vec::new();
    for frame in frames {
        let line = story::shown(frame);
        match shown.last_mut() {
            Some((last, count)) if *last == line => *count += 1,
            _ => shown.push((line, 1)),
        }
    }
    for (line, count) in shown.iter().take(FRAMES) {
        match count {
            1 => writeln!(text, "{line}")?,
            count => writeln!(text, "{line}    {count} times")?,
        }
    }
    match shown.len().saturating_sub(FRAMES) + more {
        0 => Ok(()),
        left => writeln!(text, "… {left} more frames"),
    }
}

/// Writes goroutines, those with the same state and stack as one. Goroutines of Go itself are only counted.
fn write_goroutines(text: &mut String, goroutines: &[Goroutine], more: usize) -> std::fmt::Result {
    let (own, of_go): (Vec<_>, Vec<_>) = goroutines
        .iter()
        .partition(|it| !story::is_of_go_itself(it));
    if goroutines.is_empty() {
        return Ok(());
    }
    writeln!(text, "\n## Goroutines\n\n```text")?;
    let mut groups: Vec<(&Goroutine, Vec<u64>)> = Vec::new();
    for goroutine in own {
        let same = |it: &&mut (&Goroutine, Vec<u64>)| {
            it.0.state == goroutine.state && it.0.frames == goroutine.frames
        };
        match groups.iter_mut().find(same) {
            Some((_, ids)) => ids.push(goroutine.id),
            None => groups.push((goroutine, vec![goroutine.id])),
        }
    }
    for (goroutine, ids) in groups {
        writeln!(text, "goroutine {} [{}]", numbers(&ids), goroutine.state)?;
        write_frames(text, &goroutine.frames, 0)?;
        writeln!(text)?;
    }
    writeln!(
        text,
        "{} of Go's runtime and of package testing are left out",
        of_go.len()
    )?;
    if more > 0 {
        writeln!(text, "{more} more were not read")?;
    }
    writeln!(text, "```")
}

/// Writes native threads, those with the same stack as one. Threads that run only Go's runtime are counted.
fn write_threads(text: &mut String, program: &Collected) -> std::fmt::Result {
    let stopped = &program.stopped;
    if stopped.threads.is_empty() {
        return Ok(());
    }
    writeln!(text, "\n## Native threads\n\n```text")?;
    let of_go = |thread: &&Thread| {
        known(&thread.frames)
            .iter()
            .all(|it| it.is_of_go_itself() || it.signal)
    };
    let (of_go, own): (Vec<_>, Vec<_>) = stopped.threads.iter().partition(of_go);
    let mut groups: Vec<(&Thread, Vec<u64>)> = Vec::new();
    for thread in own {
        match groups
            .iter_mut()
            .find(|it| known(&it.0.frames) == known(&thread.frames))
        {
            Some((_, ids)) => ids.push(thread.id),
            None => groups.push((thread, vec![thread.id])),
        }
    }
    for (thread, ids) in groups {
        let name = thread.name.as_deref().unwrap_or_default();
        let runs = match (ids.as_slice(), stopped.goroutine_of(thread.id)) {
            ([_], Some(id)) => format!(", goroutine {id}"),
            _ => String::new(),
        };
        writeln!(text, "thread {} \"{name}\"{runs}", numbers(&ids))?;
        write_frames(text, known(&thread.frames), thread.more)?;
        writeln!(text)?;
    }
    writeln!(
        text,
        "{} in which only Go's runtime is are left out",
        of_go.len()
    )?;
    writeln!(text, "```")
}

/// Writes the program's output from the first message about its death on, or else the last lines.
fn write_output(text: &mut String, program: &Collected) -> std::fmt::Result {
    let lines: Vec<&str> = program.output.lines().collect();
    if lines.is_empty() {
        return Ok(());
    }
    let first = program.messages.first().and_then(|message| {
        let start = message.text.split_whitespace().next()?;
        lines.iter().position(|line| line.contains(start))
    });
    let from = first.unwrap_or(lines.len().saturating_sub(OUTPUT_LINES));
    let to = lines.len().min(from + OUTPUT_LINES);
    writeln!(text, "\n## Output\n\n````text")?;
    for line in &lines[from..to] {
        writeln!(text, "{line}")?;
    }
    if to < lines.len() {
        writeln!(text, "… {} more lines", lines.len() - to)?;
    }
    writeln!(text, "````")
}

fn numbers(ids: &[u64]) -> String {
    ids.iter()
        .map(u64::to_string)
        .collect::<Vec<_>>()
        .join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::triage::messages;
    use crate::triage::stopped::Stopped;
    use crate::triage::stopped::tests::frame;

    #[test]
    fn a_report_has_all_that_is_known_and_what_is_missing() {
        let waits = |id| Goroutine {
            id,
            state: "chan receive".to_owned(),
            frames: vec![frame("a/b.wait")],
            ..Goroutine::default()
        };
        let program = Collected {
            typed: "go test ./...".to_owned(),
            signal: Some("SIGSEGV".to_owned()),
            output: "ok\nSIGSEGV: segmentation violation\nmore\n".to_owned(),
            messages: messages::found("SIGSEGV: segmentation violation"),
            missing: vec!["no native threads: gdb is not installed".to_owned()],
            build: vec!["go1.26.8".to_owned(), "-race=true".to_owned()],
            stopped: Stopped {
                goroutines: vec![
                    waits(5),
                    waits(6),
                    Goroutine {
                        id: 2,
                        frames: vec![frame("runtime.gopark")],
                        ..Goroutine::default()
                    },
                ],
                threads: vec![Thread {
                    id: 9,
                    name: Some("worker".to_owned()),
                    frames: vec![frame("f"); 3],
                    ..Thread::default()
                }],
                ..Stopped::default()
            },
            ..Collected::default()
        };
        let text = markdown(&story::of(&program).unwrap(), &program);
        for part in [
            "# memory fault on a native thread that Go does not know (SIGSEGV)",
            "| class | `fault-on-foreign-thread`",
            "`go test ./...`",
            "- no native threads: gdb is not installed",
            "goroutine 5, 6 [chan receive]",
            "1 of Go's runtime and of package testing are left out",
            "thread 9 \"worker\"\nf    3 times",
            "-race=true",
            "## Output\n\n````text\nSIGSEGV: segmentation violation\nmore",
        ] {
            assert!(text.contains(part), "no {part:?} in:\n{text}");
        }
    }
}
