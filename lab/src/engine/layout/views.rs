//! The three views of the layout.
//!
//! They are texts of the same form, one name a line (`field courier_event.kind 0 4`). Rust's comes
//! from the example `layout` of `courier-ffi`, C's from `ffi/tests/c/layout.c`, Go's from the test
//! `TestABI03GoLayout`, which prints its lines after `layout: `.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Result;

use super::{Finding, compiler_error};
use crate::engine::layout::header::{self, INCLUDE, View};
use crate::engine::{Context, cargo_error, not_built};
use crate::host::child::{self, Task, quiet};
use crate::host::out::one_line;
use crate::record::{Evidence, Outcome};

const PRINTER: &str = "ffi/tests/c/layout.c";

pub(super) fn rust_and_c_agree(context: &Context<'_>, name: &str) -> Result<Finding> {
    let rust = match rust_text(context, &format!("layout.{name}.rust.log"))? {
        Ok((_, text)) => text,
        Err(finding) => return Ok(finding),
    };
    let include = context.workspace.path(INCLUDE);
    Ok(
        match c_text(context, &include, &format!("layout.{name}.log"))? {
            Ok((evidence, c)) => Finding::fails_if(difference("C", &c, &rust), evidence),
            Err(finding) => finding,
        },
    )
}

pub(super) fn go_agrees(context: &Context<'_>, name: &str) -> Result<Finding> {
    let rust = match rust_text(context, &format!("layout.{name}.rust.log"))? {
        Ok((_, text)) => text,
        Err(finding) => return Ok(finding),
    };
    if let Err(record) = context.native_library("layout")? {
        return Ok(Finding::new(record.outcome, record.reason, record.evidence));
    }
    let finished = context
        .go(
            &format!("layout.{name}.log"),
            [
                "test",
                "-count=1",
                "-run",
                "^TestABI03GoLayout$",
                "-v",
                "./courier/internal/capi",
            ],
        )?
        .run(context.progress, quiet)?;
    let evidence = context.evidence(&finished);
    let log = finished.log_text();
    if log.contains("[build failed]") {
        let reason = last_message(&log);
        return Ok(Finding::new(Outcome::BuildFailed, reason, evidence));
    }
    let go = go_lines(&log);
    let reason = if go.is_empty() {
        Some(format!(
            "the test printed no layout: {}",
            last_message(&log)
        ))
    } else {
        difference("Go", &go, &rust)
    };
    let reason = reason.or_else(|| (!finished.success()).then(|| last_message(&log)));
    Ok(Finding::fails_if(reason, evidence))
}

/// What a child printed and its evidence, or the finding when it could not be built or run.
pub(super) type Printed = Result<(Evidence, String), Finding>;

pub(super) fn rust_text(context: &Context<'_>, log: &str) -> Result<Printed> {
    let out = context.log(&format!("{log}.out"));
    let finished = header::layout_task(context.workspace, View::Text, &context.log(log))
        .stdout_to(&out)
        .run(context.progress, quiet)?;
    let evidence = context.evidence(&finished);
    if finished.success() {
        return Ok(Ok((evidence, child::read_lossy(&out))));
    }
    let reason = cargo_error(&finished);
    Ok(Err(Finding::new(not_built(&finished), reason, evidence)))
}

/// Compiles the printer against the headers in `include` and runs it.
pub(super) fn c_text(context: &Context<'_>, include: &Path, log: &str) -> Result<Printed> {
    let shown = |path: &Path| context.workspace.shown(path);
    let printer = context.log(&format!("{log}.printer"));
    let compiled = context
        .tools
        .c()?
        .task(context.workspace, &context.log(log))
        .args(["-std=c11", "-I", &shown(include), PRINTER])
        .args(["-o", &shown(&printer)])
        .run(context.progress, quiet)?;
    let mut evidence = context.evidence(&compiled);
    if !compiled.success() {
        let reason = compiler_error(&compiled);
        return Ok(Err(Finding::new(not_built(&compiled), reason, evidence)));
    }
    let out = context.log(&format!("{log}.out"));
    let ran = Task::new(context.workspace, &printer, &context.log(log))
        .shown_as(shown(&printer))
        .stdout_to(&out)
        .run(context.progress, quiet)?;
    evidence.command = format!("{} && {}", evidence.command, ran.command);
    if !ran.success() {
        let reason = format!("the C layout printer ended with {}", ran.how());
        return Ok(Err(Finding::new(Outcome::Fail, reason, evidence)));
    }
    Ok(Ok((evidence, child::read_lossy(&out))))
}

/// Lines on which a view differs from Rust's, in one sentence; `None` if there are none.
pub(super) fn difference(who: &str, text: &str, rust: &str) -> Option<String> {
    let set = |text: &'_ str| -> BTreeSet<String> {
        text.lines()
            .map(|line| line.trim().to_owned())
            .filter(|line| !line.is_empty())
            .collect()
    };
    let (theirs, ours) = (set(text), set(rust));
    let name = |line: &str| line.split(' ').take(2).collect::<Vec<_>>().join(" ");
    let mut parts: Vec<String> = ours
        .difference(&theirs)
        .map(|line| {
            let same_name = |other: &&&String| name(other) == name(line);
            match theirs.iter().collect::<Vec<_>>().iter().find(same_name) {
                Some(other) => format!("Rust has `{line}`, {who} has `{other}`"),
                None => format!("`{line}` is missing in {who}"),
            }
        })
        .collect();
    parts.extend(
        theirs
            .iter()
            .filter(|line| !ours.iter().any(|other| name(other) == name(line)))
            .map(|line| format!("`{line}` is only in {who}")),
    );
    if ours.is_empty() {
        parts.push("Rust's layout text is empty".to_owned());
    }
    let more = parts.len().saturating_sub(4);
    parts.truncate(4);
    if more > 0 {
        parts.push(format!("{more} more"));
    }
    (!parts.is_empty()).then(|| parts.join("; "))
}

/// The layout lines in the output of the Go test.
fn go_lines(log: &str) -> String {
    log.lines()
        .filter_map(|line| Some(line.split_once("layout: ")?.1.to_owned() + "\n"))
        .collect()
}

/// The first line of `go test` output that says what went wrong.
fn last_message(log: &str) -> String {
    log.lines()
        .map(str::trim)
        .find(|line| {
            !line.is_empty()
                && !["#", "=== ", "--- ", "FAIL", "ok "]
                    .iter()
                    .any(|start| line.starts_with(start))
                && !line.contains("layout: ")
        })
        .map_or_else(|| "no message".to_owned(), |line| one_line(line, 300))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_name_both_sides() {
        let rust = "abi 1\nfield courier_event.kind 0 4\nconst COURIER_OK 0\n";
        assert_eq!(difference("C", rust, rust), None);
        assert_eq!(
            difference("C", &rust.replace("kind 0 4", "kind 12 4"), rust).unwrap(),
            "Rust has `field courier_event.kind 0 4`, C has `field courier_event.kind 12 4`"
        );
        assert_eq!(
            difference("Go", "abi 1\nfield courier_event.kind 0 4\n", rust).unwrap(),
            "`const COURIER_OK 0` is missing in Go"
        );
        assert_eq!(
            difference("Go", &format!("{rust}const COURIER_NEW 1\n"), rust).unwrap(),
            "`const COURIER_NEW 1` is only in Go"
        );
        assert!(difference("C", "", "").is_some());
    }

    #[test]
    fn many_differences_are_cut() {
        let rust: String = (0..9).map(|n| format!("const C{n} 0\n")).collect();
        let text = difference("C", "", &rust).unwrap();
        assert!(text.ends_with("; 5 more"), "{text}");
    }

    #[test]
    fn layout_lines_are_found_in_logged_and_in_printed_form() {
        let log = "=== RUN   TestABI03GoLayout\n    layout_test.go:20: layout: abi 1\n\
                   layout: const COURIER_OK 0\n--- PASS: TestABI03GoLayout (0.00s)\n";
        assert_eq!(go_lines(log), "abi 1\nconst COURIER_OK 0\n");
    }
}
