//! Fuzz tests of a package as targets of an engine: built with counters on both sides, and run as the engine says,
//! without the corpus, the findings and the report of a session.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use tempfile::TempDir;

use super::build::{self, Builder, How, Toolchain};
use super::clang::Clang;
use super::program::{Form, Program, empty};
use super::{Sanitizer, canaries, files_of};
use crate::engine::fuzz::{self, feedback::Feedback};
use crate::engine::libfuzzer::go::{self, FuzzTests, Tests, checked_in};
use crate::engine::native::Linked;
use crate::engine::way::Compilers;
use crate::foreign::module::{self, Package};
use crate::host::child::Task;
use crate::host::progress::Progress;
use crate::host::workspace::Workspace;

/// The builder of `cgolab fuzz`.
pub(crate) struct Suites;

impl FuzzTests for Suites {
    fn lacking(
        &self,
        folder: &Path,
        cache: &Path,
        sanitizer: fuzz::Sanitizer,
    ) -> Result<Option<String>> {
        let found = clang(folder, cache, own_sanitizer(sanitizer))?;
        Ok(found.err().map(|why| format!("{why:#}")))
    }

    fn ground<'a>(
        &self,
        workspace: &'a Workspace,
        progress: &'a Progress,
        folder: &Path,
        cache: &Path,
        sanitizer: fuzz::Sanitizer,
    ) -> Result<Box<dyn go::Ground + 'a>> {
        let settings = [&["env", "-json"], &Compilers::SETTINGS[..]].concat();
        let sanitizer = own_sanitizer(sanitizer);
        Ok(Box::new(Ground {
            workspace,
            progress,
            package: Package {
                path: workspace.shown(folder),
                dir: folder.to_owned(),
                ..Package::default()
            },
            cache: cache.to_owned(),
            clang: clang(folder, cache, sanitizer)??,
            toolchain: Toolchain::of(folder, cache)?,
            compilers: Compilers::read(&module::go(folder, &settings)?)?,
            how: How {
                sanitizer,
                cgocheck2: sanitizer == Sanitizer::Address,
                ..How::default()
            },
        }))
    }
}

/// Finds the compiler for a package, and makes the folder of its builds. The inner error is that there is none.
fn clang(folder: &Path, cache: &Path, sanitizer: Sanitizer) -> Result<Result<Clang>> {
    fs::create_dir_all(cache).with_context(|| format!("cannot make {}", cache.display()))?;
    let own = module::go(folder, &["env", "CC"])?;
    Ok(Clang::find(own.trim(), sanitizer, cache))
}

fn own_sanitizer(sanitizer: fuzz::Sanitizer) -> Sanitizer {
    match sanitizer {
        fuzz::Sanitizer::None => Sanitizer::None,
        fuzz::Sanitizer::Address => Sanitizer::Address,
    }
}

struct Ground<'a> {
    workspace: &'a Workspace,
    progress: &'a Progress,
    package: Package,
    cache: PathBuf,
    clang: Clang,
    toolchain: Toolchain,
    compilers: Compilers,
    how: How,
}

impl Ground<'_> {
    fn builder<'b>(&'b self, how: &'b How) -> Builder<'b> {
        Builder {
            workspace: self.workspace,
            progress: self.progress,
            clang: &self.clang,
            toolchain: &self.toolchain,
            compilers: &self.compilers,
            how,
        }
    }
}

impl go::Ground for Ground<'_> {
    fn checks(&self) -> &'static str {
        match self.how.cgocheck2 {
            true => "address+cgocheck2",
            false => self.how.sanitizer.name(),
        }
    }

    fn missed(&self) -> Result<Option<String>> {
        canaries::missed(&self.builder(&self.how), &self.cache)
    }

    fn build(
        &self,
        linked: &Linked,
        archives: Vec<PathBuf>,
        test: &str,
    ) -> Result<Result<Box<dyn Tests + '_>, String>> {
        let how = How {
            native: archives,
            ..self.how.clone()
        };
        let program = self.cache.join(format!("{}.fuzz", how.name()));
        let built = self
            .builder(&how)
            .build(&self.package, test, linked, &program)?;
        let built = match built {
            Ok(built) => built,
            Err(why) => return Ok(Err(why)),
        };
        if let Some(why) = built.counters.off() {
            return Ok(Err(why));
        }
        Ok(Ok(Box::new(Built {
            ground: self,
            built,
            env: BTreeMap::new(),
        })))
    }
}

struct Built<'a> {
    ground: &'a Ground<'a>,
    built: build::Built,
    env: BTreeMap<String, String>,
}

impl Built<'_> {
    fn program<'b>(&'b self, test: &'b str) -> Program<'b> {
        Program {
            workspace: self.ground.workspace,
            progress: self.ground.progress,
            clang: &self.ground.clang,
            path: &self.built.program,
            dir: &self.ground.package.dir,
            env: &self.env,
            logs: &self.ground.cache,
            test: Some(test),
            feedback: Feedback::All,
        }
    }
}

impl Tests for Built<'_> {
    fn summary(&self) -> Vec<String> {
        self.built.summary()
    }

    fn names(&self) -> Result<Vec<String>> {
        let program = Program {
            test: None,
            ..self.program("")
        };
        program.tests()
    }

    fn write_seeds(&self, test: &str, folder: &Path) -> Result<()> {
        empty(folder)?;
        let bytes = TempDir::new().context("cannot make a temporary folder")?;
        let checked_in = checked_in(&self.ground.package.dir, test);
        if !checked_in.exists() {
            return Ok(());
        }
        for seed in files_of(&checked_in)? {
            empty(bytes.path())?;
            self.program(test)
                .convert(&seed, Form::Bytes, bytes.path())?;
            let to = folder.join(seed.file_name().unwrap_or_default());
            let written = files_of(bytes.path())?;
            let written = written.first().context("an input has no form in bytes")?;
            fs::copy(written, &to).with_context(|| format!("cannot write {}", to.display()))?;
        }
        Ok(())
    }

    fn run(&self, test: &str, log: &Path) -> Task {
        self.program(test).task_to(&self.built.program, log)
    }
}
