//! layout: the header is current and compiles, and Rust, C and Go see the same bytes.
//!
//! The three views are texts of the same form, one name a line (`field courier_event.kind 0 4`).
//! Rust's comes from the example `layout` of `courier-ffi`, C's from `ffi/tests/c/layout.c`, Go's
//! from the test `TestABI03GoLayout`, which prints its lines after `layout: `.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, Result};

use super::{Canary, Context, Engine, not_built};
use crate::child::{self, Finished, Task, quiet};
use crate::header::{self, CAPI, INCLUDE, View};
use crate::record::{Evidence, Outcome, Record, one_line};
use crate::tools::{Need, Program, system};

const PRINTER: &str = "ffi/tests/c/layout.c";
/// Strict enough that a header which passes compiles in anybody's project.
const WARNINGS: [&str; 4] = ["-Wall", "-Wextra", "-Werror", "-pedantic"];

/// The struct of the canary, and the two fields that it swaps: different sizes, so that offsets
/// move.
const CANARY_STRUCT: &str = "courier_event";
const CANARY_FIELDS: [&str; 2] = ["kind", "session"];

pub(super) struct Layout;

/// What a check found.
struct Finding {
    outcome: Outcome,
    reason: Option<String>,
    evidence: Evidence,
}

impl Finding {
    fn new(outcome: Outcome, reason: impl Into<Option<String>>, evidence: Evidence) -> Finding {
        Finding {
            outcome,
            reason: reason.into(),
            evidence,
        }
    }

    /// Pass, or fail for this reason.
    fn fails_if(reason: Option<String>, evidence: Evidence) -> Finding {
        let outcome = match reason {
            None => Outcome::Pass,
            Some(_) => Outcome::Fail,
        };
        Finding::new(outcome, reason, evidence)
    }
}

type Check = fn(&Context<'_>, &str) -> Result<Finding>;

/// Names carry the contract ids, as test names do.
const CHECKS: [(&str, Check); 6] = [
    ("abi_02_header_is_current", header_is_current),
    ("abi_02_header_compiles_as_c11", header_compiles_as_c11),
    ("abi_02_header_compiles_as_cpp17", header_compiles_as_cpp17),
    ("abi_02_copy_is_equal", copy_is_equal),
    ("abi_03_rust_and_c_agree", rust_and_c_agree),
    ("abi_03_go_agrees", go_agrees),
];

impl Engine for Layout {
    fn name(&self) -> &'static str {
        "layout"
    }

    fn describe(&self) -> &'static str {
        "the C header, and sizes, offsets and values as Rust, C and Go see them"
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::C, Need::Go]
    }

    fn canary(&self, context: &Context<'_>) -> Result<Canary> {
        context.progress.step("layout: canary, two fields swapped");
        let started = Instant::now();
        let log = "layout.canary.log";
        let (missed, evidence) = match planted_swap(context)? {
            Err(reason) => (Some(reason), Evidence::default()),
            Ok(include) => {
                let rust = rust_text(context, "layout.canary.rust.log")?;
                let c = c_text(context, &include, log)?;
                match (rust, c) {
                    (Ok((_, rust)), Ok((evidence, c))) => {
                        let seen = difference("C", &c, &rust);
                        let named = seen.as_deref().is_some_and(|text| {
                            CANARY_FIELDS
                                .iter()
                                .any(|field| text.contains(&format!("{CANARY_STRUCT}.{field} ")))
                        });
                        let missed = match seen {
                            Some(_) if named => None,
                            Some(text) => Some(format!("the swap was not named: {text}")),
                            None => Some("the swapped header looked equal".to_owned()),
                        };
                        (missed, evidence)
                    }
                    (Err(finding), _) | (_, Err(finding)) => {
                        let why = finding.reason.unwrap_or_default();
                        (Some(format!("it did not build: {why}")), finding.evidence)
                    }
                }
            }
        };
        Ok(Canary {
            check: "two fields swapped",
            missed,
            evidence,
            seconds: started.elapsed().as_secs_f64(),
        })
    }

    fn checks(&self, context: &Context<'_>) -> Result<Vec<Record>> {
        let mut records = Vec::new();
        for (name, check) in CHECKS {
            context.progress.step(format!("layout: {name}"));
            let started = Instant::now();
            let finding = check(context, name).unwrap_or_else(|error| {
                Finding::new(
                    Outcome::Fail,
                    one_line(&format!("{error:#}"), 300),
                    Evidence::default(),
                )
            });
            let mut record = Record::check(self.name(), name, finding.outcome);
            record.reason = finding.reason;
            record.evidence = finding.evidence;
            record.seconds = started.elapsed().as_secs_f64();
            let ids = context.catalogue.contracts_in_name(name);
            records.extend(record.for_contracts(&ids, |id| context.catalogue.contains(id)));
        }
        Ok(records)
    }
}

fn header_is_current(context: &Context<'_>, name: &str) -> Result<Finding> {
    let scratch = tempfile::tempdir()?;
    let mut files = header::generate(context.workspace, context.progress, scratch.path())?;
    // The copies have a check of their own.
    files.retain(|file| !(file.path.starts_with(CAPI) && file.path.ends_with(".h")));
    let differences = header::differences(context.workspace, &files);
    let reason = differences
        .first()
        .map(|first| format!("{first}; run `cargo lab header`"));
    let evidence = lines_as_evidence(context, name, "cargo lab header --check", &differences)?;
    Ok(Finding::fails_if(reason, evidence))
}

fn copy_is_equal(context: &Context<'_>, name: &str) -> Result<Finding> {
    let mut differences = Vec::new();
    for header in headers(context)? {
        let file = header.file_name().unwrap_or_default().display().to_string();
        let copy = context.workspace.path(CAPI).join(&file);
        let read =
            |path: &Path| fs::read(path).with_context(|| format!("cannot read {}", path.display()));
        if read(&header)? != read(&copy)? {
            differences.push(format!("{CAPI}/{file} differs from {INCLUDE}/{file}"));
        }
    }
    let reason = differences
        .first()
        .map(|first| format!("{first}; run `cargo lab header`"));
    let evidence = lines_as_evidence(context, name, "cargo lab header --check", &differences)?;
    Ok(Finding::fails_if(reason, evidence))
}

fn header_compiles_as_c11(context: &Context<'_>, name: &str) -> Result<Finding> {
    header_compiles(context, name, context.tools.c()?, &["-std=c11"])
}

fn header_compiles_as_cpp17(context: &Context<'_>, name: &str) -> Result<Finding> {
    match system::find_cxx() {
        Ok(cxx) => header_compiles(context, name, &cxx, &["-std=c++17", "-x", "c++"]),
        Err(why) => Ok(Finding::new(
            Outcome::Skipped,
            why.to_string(),
            Evidence::default(),
        )),
    }
}

/// Compiles each header alone and all of them twice.
fn header_compiles(
    context: &Context<'_>,
    name: &str,
    compiler: &Program,
    language: &[&str],
) -> Result<Finding> {
    let mut sources = Vec::new();
    let mut write = |suffix: &str, text: &str| -> Result<()> {
        let path = context.log(&format!("layout.{name}.{suffix}.c"));
        // A header of macros alone would leave nothing to compile.
        fs::write(&path, format!("{text}typedef int cgolab_not_empty;\n"))?;
        sources.push(path);
        Ok(())
    };
    let mut both = String::new();
    for header in headers(context)? {
        let file = header.file_name().unwrap_or_default().display().to_string();
        let line = format!("#include \"{file}\"\n");
        write(&file, &line)?;
        both.push_str(&line);
    }
    write("twice", &both.repeat(2))?;
    let finished = compiler
        .task(
            context.workspace,
            &context.log(&format!("layout.{name}.log")),
        )
        .args(language)
        .args(WARNINGS)
        .args(["-fsyntax-only", "-I", INCLUDE])
        .args(&sources)
        .run(context.progress, quiet)?;
    let reason = (!finished.success()).then(|| compiler_error(&finished));
    Ok(Finding::fails_if(reason, context.evidence(&finished)))
}

fn rust_and_c_agree(context: &Context<'_>, name: &str) -> Result<Finding> {
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

fn go_agrees(context: &Context<'_>, name: &str) -> Result<Finding> {
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
type Printed = Result<(Evidence, String), Finding>;

fn rust_text(context: &Context<'_>, log: &str) -> Result<Printed> {
    let out = context.log(&format!("{log}.out"));
    let finished = header::layout_task(context.workspace, View::Text, &context.log(log))
        .stdout_to(&out)
        .run(context.progress, quiet)?;
    let evidence = context.evidence(&finished);
    if finished.success() {
        return Ok(Ok((evidence, child::read_lossy(&out))));
    }
    let reason = super::cargo_error(&finished);
    Ok(Err(Finding::new(not_built(&finished), reason, evidence)))
}

/// Compiles the printer against the headers in `include` and runs it.
fn c_text(context: &Context<'_>, include: &Path, log: &str) -> Result<Printed> {
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

/// Writes the headers with two fields of one struct swapped. The inner error says why it cannot.
///
/// Freshly generated ones: a stale header in the checkout is for the checks to find.
fn planted_swap(context: &Context<'_>) -> Result<Result<PathBuf, String>> {
    let scratch = tempfile::tempdir()?;
    let files = match header::generate(context.workspace, context.progress, scratch.path()) {
        Ok(files) => files,
        Err(error) => return Ok(Err(format!("it did not build: {error:#}"))),
    };
    // Among the logs: the header that was seen as broken is evidence.
    let include = context.log("layout.canary.include");
    fs::create_dir_all(&include)?;
    let mut planted = false;
    for file in files.iter().filter(|file| file.path.starts_with(INCLUDE)) {
        let [one, other] = CANARY_FIELDS;
        let swapped = swap_fields(&file.text, CANARY_STRUCT, one, other);
        planted |= swapped.is_some();
        let name = Path::new(&file.path).file_name().unwrap_or_default();
        fs::write(include.join(name), swapped.as_ref().unwrap_or(&file.text))?;
    }
    if planted {
        return Ok(Ok(include));
    }
    Ok(Err(format!(
        "the header has no struct {CANARY_STRUCT} with fields {}",
        CANARY_FIELDS.join(" and ")
    )))
}

/// The text of a header with two fields of a struct in each other's place.
fn swap_fields(header: &str, name: &str, one: &str, other: &str) -> Option<String> {
    let mut lines: Vec<&str> = header.lines().collect();
    let start = lines
        .iter()
        .position(|line| line.contains(&format!("struct {name} {{")))?;
    let length = lines[start..]
        .iter()
        .position(|line| line.trim_start().starts_with('}'))?;
    let field = |field: &str| {
        let end = format!(" {field};");
        lines[start..start + length]
            .iter()
            .position(|line| {
                let code = line.trim();
                code.ends_with(&end) && !code.starts_with(['/', '*'])
            })
            .map(|below| start + below)
    };
    let (one, other) = (field(one)?, field(other)?);
    lines.swap(one, other);
    Some(lines.join("\n") + "\n")
}

/// Lines on which a view differs from Rust's, in one sentence; `None` if there are none.
fn difference(who: &str, text: &str, rust: &str) -> Option<String> {
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

fn headers(context: &Context<'_>) -> Result<Vec<PathBuf>> {
    let dir = context.workspace.path(INCLUDE);
    let entries = fs::read_dir(&dir)
        .with_context(|| format!("cannot read {INCLUDE}; run `cargo lab header`"))?;
    let mut headers = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "h") {
            headers.push(path);
        }
    }
    headers.sort();
    anyhow::ensure!(
        !headers.is_empty(),
        "{INCLUDE} holds no header; run `cargo lab header`"
    );
    Ok(headers)
}

fn lines_as_evidence(
    context: &Context<'_>,
    name: &str,
    command: &str,
    lines: &[String],
) -> Result<Evidence> {
    let log = context.log(&format!("layout.{name}.log"));
    fs::write(&log, lines.join("\n"))?;
    Ok(Evidence {
        command: command.to_owned(),
        log: Some(context.run.shown_log(&log)),
        scenario: None,
    })
}

fn compiler_error(finished: &Finished) -> String {
    finished
        .log_text()
        .lines()
        .find(|line| line.contains("error"))
        .map_or_else(|| finished.how(), |line| one_line(line, 300))
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

    const HEADER: &str = "\
/* struct courier_event is below; its kind; matters */
typedef struct courier_view {
  size_t session;
} courier_view;

typedef struct courier_event {
  /**
   * Says the kind;
   */
  courier_event_kind kind;
  // The session;
  courier_failure failure;
  courier_session session;
} courier_event;
";

    #[test]
    fn two_fields_change_places() {
        let swapped = swap_fields(HEADER, "courier_event", "kind", "session").unwrap();
        let fields: Vec<_> = swapped
            .lines()
            .filter(|line| line.starts_with("  courier_"))
            .map(str::trim)
            .collect();
        assert_eq!(
            fields,
            [
                "courier_session session;",
                "courier_failure failure;",
                "courier_event_kind kind;"
            ]
        );
        assert_eq!(
            swap_fields(&swapped, "courier_event", "kind", "session").unwrap(),
            HEADER
        );
    }

    #[test]
    fn a_swap_that_is_impossible_says_so() {
        assert!(swap_fields(HEADER, "courier_nothing", "kind", "session").is_none());
        assert!(swap_fields(HEADER, "courier_event", "kind", "nothing").is_none());
        assert!(swap_fields("", "courier_event", "kind", "session").is_none());
    }

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

    #[test]
    fn check_names_carry_known_forms_of_ids() {
        let families = ["ABI".to_owned()];
        for (name, _) in CHECKS {
            assert_eq!(
                crate::ids::contracts_in_name(name, &families).len(),
                1,
                "{name}"
            );
        }
    }
}
