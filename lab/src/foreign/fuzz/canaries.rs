//! Planted mistakes that show that fuzzing works here: inputs that must crash with a known report, and gates that
//! only a fuzzer with counters on that side passes, or one that sees what functions of C's library compare.

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, bail};

use super::Sanitizer;
use super::build::{Builder, How};
use super::crash;
use super::program::{Form, Program, empty};
use crate::engine::canaries;
use crate::engine::fuzz::feedback::Feedback;
use crate::engine::native::Linked;
use crate::foreign::findings;
use crate::foreign::module::{Module, Package};
use crate::foreign::report::{PANIC, Report, shown};
use crate::host::child::{Finished, interrupted};

/// A planted mistake.
struct Canary {
    test: &'static str,
    /// The class and the function of its report.
    class: &'static str,
    function: &'static str,
    /// The build that sees it.
    seen: fn(&How) -> bool,
    /// It lies behind a gate, which is searched for from nothing.
    searched: bool,
}

const CANARIES: [Canary; 7] = [
    Canary {
        test: "FuzzNativeBranch",
        class: "abort",
        function: "native_branch",
        seen: |_| true,
        searched: true,
    },
    Canary {
        test: "FuzzNativeCompare",
        class: "abort",
        function: "native_compare",
        seen: |_| true,
        searched: true,
    },
    Canary {
        test: "FuzzGoBranch",
        class: PANIC,
        function: "goBranch",
        seen: |_| true,
        searched: true,
    },
    Canary {
        test: "FuzzOverRead",
        class: "use-after-poison",
        function: "over_read",
        seen: |how| how.sanitizer == Sanitizer::Address,
        searched: false,
    },
    Canary {
        test: "FuzzUnpinned",
        class: "unpinned Go pointer stored in C memory",
        function: "unpinned",
        seen: |how| how.cgocheck2,
        searched: false,
    },
    Canary {
        test: "FuzzUnset",
        class: "use-of-uninitialized-value",
        function: "unset",
        seen: |how| how.sanitizer == Sanitizer::Memory,
        searched: false,
    },
    Canary {
        test: "FuzzRaced",
        class: findings::RACE,
        function: "raced",
        seen: |how| how.sanitizer == Sanitizer::Race,
        searched: false,
    },
];

/// Options of a search. A gate of three bytes takes 1,000 to 600,000 runs with counters on its side, and without them
/// more than these. A comparison of eight bytes takes 400 to 2,000 (clang 19, each build, three seeds), and more than
/// these where libFuzzer learns nothing of it.
const SEARCH: [&str; 3] = ["-seed=1", "-runs=2000000", "-max_len=8"];
/// The time after which a search counts as hung.
const LIMIT: Duration = Duration::from_secs(300);

/// Builds the planted mistakes as a target is built, below `folder`, and returns the first that is not seen, with
/// the reason.
pub(super) fn missed(builder: &Builder<'_>, folder: &Path) -> Result<Option<String>> {
    let dir = canaries::fuzz_tests(folder)?;
    let root = dir.parent().unwrap_or(&dir).to_owned();
    let package = Package {
        path: "cgolab.example/canaries/fuzz".to_owned(),
        name: "fuzz".to_owned(),
        dir,
        // No workspace of the user's has this module.
        env: &[("GOWORK", "off")],
        ..Package::default()
    };
    let program = folder.join(format!("canaries.{}.fuzz", builder.how.name()));
    let built = match builder.build(&package, CANARIES[0].test, &Linked::default(), &program)? {
        Ok(built) => built,
        Err(_) if interrupted() => return Ok(None),
        Err(why) => bail!("cannot fuzz here: a target with planted mistakes does not build: {why}"),
    };
    if let Some(why) = built.counters.off() {
        return Ok(Some(why));
    }
    let module = Module {
        root,
        path: "cgolab.example/canaries".to_owned(),
        ..Module::default()
    };
    let env = Default::default();
    for canary in CANARIES.iter().filter(|it| (it.seen)(builder.how)) {
        let program = Program {
            workspace: builder.workspace,
            progress: builder.progress,
            clang: builder.clang,
            path: &built.program,
            dir: &package.dir,
            env: &env,
            logs: folder,
            test: Some(canary.test),
            feedback: Feedback::All,
        };
        let report = |ended: &Finished| {
            crash::report(&ended.log_text(), ended, canary.test, &package, &module)
        };
        let inputs = folder.join("canaries.inputs");
        empty(&inputs)?;
        let text = package.dir.join("inputs").join(canary.test);
        program.convert(&text, Form::Bytes, &inputs)?;
        let prefix = format!("-artifact_prefix={}/found-", inputs.display());
        let input = super::files_of(&inputs)?
            .into_iter()
            .map(|it| it.display().to_string());
        let options: Vec<String> = [prefix.clone()].into_iter().chain(input).collect();
        let alone = program.run(&options, None, None, LIMIT, "canaries.input")?;
        if interrupted() {
            return Ok(None);
        }
        if let Some(why) = canary.missed(alone.success(), &report(&alone)) {
            return Ok(Some(format!("its input {why}")));
        }
        if canary.searched {
            let options: Vec<String> = SEARCH.iter().map(|it| (*it).to_owned()).collect();
            let options: Vec<String> = [prefix].into_iter().chain(options).collect();
            let found = program.run(&options, None, None, LIMIT, "canaries.search")?;
            if interrupted() {
                return Ok(None);
            }
            if let Some(why) = canary.missed(found.success(), &report(&found)) {
                return Ok(Some(format!("a search {why}")));
            }
        }
    }
    Ok(None)
}

impl Canary {
    /// The reason for which a run has not shown it.
    fn missed(&self, passed: bool, report: &Report) -> Option<String> {
        if passed {
            return Some(format!(
                "does not show the planted mistake of {}",
                self.test
            ));
        }
        let mut places = [&report.c, &report.go].into_iter().flatten();
        let there = places.any(|place| place.function.contains(self.function));
        (report.class != self.class || !there).then(|| {
            format!(
                "shows {} in place of the planted mistake of {}: {} in {}",
                shown(report),
                self.test,
                self.class,
                self.function
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::foreign::report::Place;

    #[test]
    fn a_canary_is_seen_by_its_class_and_function() {
        let report = |class: &str, function: &str| Report {
            class: class.to_owned(),
            test: None,
            c: Some(Place {
                function: function.to_owned(),
                file: None,
                line: None,
                own: true,
            }),
            go: None,
            other: None,
            text: String::new(),
        };
        let missed = |passed, class, function| {
            CANARIES[0]
                .missed(passed, &report(class, function))
                .is_some()
        };
        assert!(!missed(false, "abort", "native_branch"));
        assert!(missed(true, "abort", "native_branch"));
        assert!(missed(false, "SEGV", "native_branch"));
        assert!(missed(false, "abort", "other"));

        let mut nowhere = report("abort", "");
        nowhere.c = None;
        assert!(CANARIES[0].missed(false, &nowhere).is_some());
    }

    #[test]
    fn each_build_has_its_canaries() {
        let seen = |sanitizer, cgocheck2| {
            let how = How {
                sanitizer,
                cgocheck2,
                ..How::default()
            };
            CANARIES.iter().filter(|it| (it.seen)(&how)).count()
        };
        assert_eq!(seen(Sanitizer::None, false), 3);
        assert_eq!(seen(Sanitizer::Address, false), 4);
        assert_eq!(seen(Sanitizer::Address, true), 5);
        assert_eq!(seen(Sanitizer::Memory, false), 4);
        assert_eq!(seen(Sanitizer::Race, false), 4);
    }
}
