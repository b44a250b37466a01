//! `cargo lab header`: the generated files are written, or compared.
//!
//! | module | holds |
//! |---|---|
//! | [`generate`] | the generated files, and how they are made |
//! | `checks` | tests: they are current, headers compile, and Rust, C and Go see the same bytes |

#[cfg(test)]
mod checks;
mod generate;

use anyhow::Result;
use cgolab::host::out;
use cgolab::host::progress::Progress;
use cgolab::host::workspace::Workspace;

/// `cargo lab header`: writes the generated files, or compares them, and returns whether all are current.
pub(crate) fn command(workspace: &Workspace, check: bool) -> Result<bool> {
    let progress = Progress::new();
    progress.step("generating the header and the layout lists");
    let scratch = tempfile::tempdir()?;
    let files = generate::generate(workspace, &progress, scratch.path())?;
    progress.finish();
    if check {
        let differences = generate::differences(workspace, &files);
        for difference in &differences {
            out::line(difference)?;
        }
        if differences.is_empty() {
            out::line(format_args!(
                "all {} generated files are current",
                files.len()
            ))?;
        } else {
            out::line("not current; run `cargo lab header`")?;
        }
        return Ok(differences.is_empty());
    }
    let written = generate::write(workspace, &files)?;
    for path in &written {
        out::line(format_args!("wrote {}", workspace.shown(path)))?;
    }
    if written.is_empty() {
        out::line(format_args!(
            "all {} generated files are current",
            files.len()
        ))?;
    }
    Ok(true)
}
