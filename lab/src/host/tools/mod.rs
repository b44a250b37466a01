//! The tools that engines need: finds them, and brings the ones that Cargo can build.
//!
//! | module | tools | where from |
//! |---|---|---|
//! | [`system`] | compilers, Go | must be there; a run goes on without C++ |
//! | [`pinned`] | nextest, cargo-fuzz | `PATH` at exactly the pinned version, else the user's cache, else built into that cache |
//! | [`rust`] | the toolchain for fuzzing | nightly if it is installed, else stable told to take nightly's options |

pub mod pinned;
pub mod rust;
pub mod system;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow};

use crate::host::child::Task;
use crate::host::progress::Progress;
use crate::host::workspace::Workspace;

/// A tool that an engine or command needs; the slow ones come last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Need {
    /// A C compiler; cgo needs it too.
    C,
    /// A C++ compiler: libFuzzer is C++ and is built with the first target.
    Cxx,
    /// Go with cgo.
    Go,
    /// The pinned cargo-fuzz, and a toolchain for it. May take minutes.
    Fuzz,
    /// The pinned nextest. May take minutes.
    Nextest,
}

impl Need {
    /// The tool that the lab builds for itself, where the need is one.
    pub(crate) fn built(self) -> Option<pinned::Pinned> {
        match self {
            Need::Fuzz => Some(pinned::CARGO_FUZZ),
            Need::Nextest => Some(pinned::NEXTEST),
            Need::C | Need::Cxx | Need::Go => None,
        }
    }
}

/// A program, and the arguments that always come first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// Its file.
    pub path: PathBuf,
    /// Arguments before all others.
    pub args: Vec<String>,
    /// The name that people type.
    pub shown: OsString,
}

impl Program {
    /// A child that runs it in the root of the checkout.
    pub fn task(&self, workspace: &Workspace, log: &Path) -> Task {
        Task::new(workspace, &self.path, log)
            .shown_as(&self.shown)
            .args(&self.args)
    }
}

/// cargo-fuzz and the toolchain that it builds with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fuzz {
    /// cargo-fuzz itself.
    pub program: Program,
    /// The toolchain that builds targets.
    pub toolchain: rust::ForFuzzing,
}

/// The tools that were asked for.
#[derive(Debug, Clone, Default)]
pub struct Tools {
    c: Option<Program>,
    go: Option<Program>,
    fuzz: Option<Fuzz>,
    nextest: Option<Program>,
}

/// Why a run of all engines leaves out one that has these needs, if it does.
///
/// Of all tools a C++ compiler is the one that is often not there when the others are.
pub fn lacking(needs: &[Need]) -> Option<String> {
    let cxx = || system::find_cxx().err().map(|error| error.to_string());
    needs.contains(&Need::Cxx).then(cxx)?
}

impl Tools {
    /// Finds every tool in `needs`, or says what is missing and how to get it.
    pub fn find(workspace: &Workspace, needs: &[Need], progress: &Progress) -> Result<Tools> {
        let mut tools = Tools::default();
        tools.add(workspace, needs, progress)?;
        Ok(tools)
    }

    /// Finds those of `needs` that were not found before, or says what is missing and how to get it.
    pub(crate) fn add(
        &mut self,
        workspace: &Workspace,
        needs: &[Need],
        progress: &Progress,
    ) -> Result<()> {
        let mut needs = needs.to_vec();
        needs.sort();
        needs.dedup();
        for need in needs {
            match need {
                Need::C if self.c.is_none() => self.c = Some(system::find_c()?),
                Need::Cxx => drop(system::find_cxx()?),
                Need::Go if self.go.is_none() => self.go = Some(system::find_go(workspace)?),
                Need::Fuzz if self.fuzz.is_none() => {
                    self.fuzz = Some(Fuzz {
                        toolchain: rust::for_fuzzing(workspace),
                        program: pinned::CARGO_FUZZ.find_or_install(workspace, progress)?,
                    });
                }
                Need::Nextest if self.nextest.is_none() => {
                    self.nextest = Some(pinned::NEXTEST.find_or_install(workspace, progress)?);
                }
                Need::C | Need::Go | Need::Fuzz | Need::Nextest => {}
            }
        }
        Ok(())
    }

    /// The C compiler.
    ///
    /// # Errors
    /// It was not asked for.
    pub fn c(&self) -> Result<&Program> {
        self.c.as_ref().ok_or_else(|| undeclared("C"))
    }

    /// Go.
    ///
    /// # Errors
    /// It was not asked for.
    pub fn go(&self) -> Result<&Program> {
        self.go.as_ref().ok_or_else(|| undeclared("Go"))
    }

    /// cargo-fuzz.
    ///
    /// # Errors
    /// It was not asked for.
    pub fn fuzz(&self) -> Result<&Fuzz> {
        self.fuzz.as_ref().ok_or_else(|| undeclared("cargo-fuzz"))
    }

    /// nextest.
    ///
    /// # Errors
    /// It was not asked for.
    pub fn nextest(&self) -> Result<&Program> {
        self.nextest.as_ref().ok_or_else(|| undeclared("nextest"))
    }
}

fn undeclared(tool: &str) -> anyhow::Error {
    anyhow!("this engine uses {tool} without declaring that it needs it; this is a bug in the lab")
}
