//! layout: the header is current and compiles, Rust, C and Go see the same bytes, and the library is what
//! its header says.
//!
//! | module | checks |
//! |---|---|
//! | [`headers`] | the generated files are current; the headers compile |
//! | [`views`] | sizes, offsets and values are equal in Rust, C and Go |
//! | [`canary`] | none: it swaps two fields, and the views must differ |
//!
//! The tests of courier-ffi are run as well, of the release build: from outside (`ffi/tests/abi`) hosts in C,
//! what a linker finds, what the header's declarations are made of; and those in its modules, of how raw
//! pointers are read and the boundary is crossed.

mod canary;
pub mod header;
mod headers;
mod views;

use std::time::Instant;

use anyhow::Result;

use super::ask::{Answer, Build, Question};
use super::suite::Suite;
use super::{Canary, Context, Engine};
use crate::host::child::Finished;
use crate::host::out::one_line;
use crate::host::tools::Need;
use crate::read::nextest;
use crate::record::{Evidence, Outcome, Record};

const ENGINE: &str = "layout";

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
const CHECKS: [(&str, Check); 8] = [
    ("abi_02_header_is_current", headers::header_is_current),
    ("abi_02_header_compiles_as_c11", headers::compiles_as_c11),
    (
        "abi_02_header_compiles_in_clang",
        headers::compiles_in_clang,
    ),
    (
        "abi_02_header_compiles_as_cpp17",
        headers::compiles_as_cpp17,
    ),
    ("abi_02_copy_is_equal", headers::copy_is_equal),
    ("abi_03_rust_and_c_agree", views::rust_and_c_agree),
    ("abi_03_go_agrees", views::go_agrees),
    (
        "abi_07_native_libraries_are_current",
        headers::native_libraries_are_current,
    ),
];

impl Engine for Layout {
    fn name(&self) -> &'static str {
        ENGINE
    }

    fn describe(&self) -> &'static str {
        "the C header, layouts as Rust, C and Go see them, hosts in C, exports and linking"
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::C, Need::Go, Need::Nextest]
    }

    fn canary(&self, context: &Context<'_>) -> Result<Canary> {
        canary::canary(context)
    }

    fn checks(&self, context: &Context<'_>) -> Result<Vec<Record>> {
        let mut records = Vec::new();
        for (name, check) in CHECKS {
            context.progress.step(format!("layout: {name}"));
            records.extend(record(context, name, check));
        }
        records.extend(tests().checks(context, |case, evidence| {
            nextest::records(self.name(), context.catalogue, case, evidence)
        })?);
        Ok(records)
    }

    fn ask(&self, context: &Context<'_>, question: &Question) -> Result<Vec<Answer>> {
        let mut answers = Vec::new();
        for (name, check) in CHECKS {
            if question.concerns(&context.catalogue.contracts_in_name(name)) {
                answers.extend(record(context, name, check).iter().map(Answer::of));
            }
        }
        answers.extend(tests().ask(context, question, |case, evidence| {
            nextest::records(self.name(), context.catalogue, case, evidence)
        })?);
        Ok(answers)
    }

    fn build(&self) -> Build {
        Build::Release
    }
}

/// The records of a check.
fn record(context: &Context<'_>, name: &str, check: Check) -> Vec<Record> {
    let started = Instant::now();
    // A check that could not be made says nothing about the contract.
    let finding = check(context, name).unwrap_or_else(|error| {
        Finding::new(
            Outcome::NotRun,
            one_line(&format!("{error:#}"), 300),
            Evidence::default(),
        )
    });
    let mut record = Record::check(ENGINE, name, finding.outcome);
    record.reason = finding.reason;
    record.evidence = finding.evidence;
    record.seconds = started.elapsed().as_secs_f64();
    let ids = context.catalogue.contracts_in_name(name);
    record.for_contracts(&ids, |id| context.catalogue.contains(id))
}

/// The tests of the C ABI. Of the release build: that is what Go links.
fn tests() -> Suite {
    Suite {
        engine: ENGINE,
        package: "courier-ffi",
        env: Vec::new(),
        options: vec!["--release", "--lib", "--test", "abi"],
        target: None,
        named: true,
        files: None,
    }
}

fn compiler_error(finished: &Finished) -> String {
    finished
        .log_text()
        .lines()
        .find(|line| line.contains("error"))
        .map_or_else(|| finished.how(), |line| one_line(line, 300))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_names_carry_known_forms_of_ids() {
        let families = ["ABI".to_owned()];
        for (name, _) in CHECKS {
            assert_eq!(
                crate::subject::ids::contracts_in_name(name, &families).len(),
                1,
                "{name}"
            );
        }
    }
}
