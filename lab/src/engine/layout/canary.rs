//! The planted bug: a header with two fields of a struct in each other's place.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Result;

use super::views::{c_text, difference, rust_text};
use crate::engine::layout::header::{self, INCLUDE};
use crate::engine::{Canary, Context};
use crate::record::Evidence;

/// The struct, and the two fields that are swapped: different sizes, so that offsets move.
const CANARY_STRUCT: &str = "courier_event";
const CANARY_FIELDS: [&str; 2] = ["kind", "session"];

/// Plants the bug and compares the views.
pub(super) fn canary(context: &Context<'_>) -> Result<Canary> {
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
}
