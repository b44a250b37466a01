//! The machinery with a toy subject: two functions of a shell script, and an engine that runs another one.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Result, bail};

use super::cell::Verdict;
use super::plan::Planned;
use super::proven::Proven;
use super::store::{self, Store};
use super::view::Row;
use super::{Planted, Wish, file, plant, view};
use crate::engine::ask::{Answer, Build, Question, Sign};
use crate::engine::fuzz::Sanitizer;
use crate::engine::libfuzzer::go::{FuzzTests, Ground};
use crate::engine::{Canary, Context, Engine, Engines, Subject};
use crate::host::child::quiet;
use crate::host::progress::Progress;
use crate::host::tools::Need;
use crate::host::workspace::Workspace;
use crate::record::Record;
use crate::subject::catalogue::Catalogue;
use crate::subject::file::SubjectFile;

const SUBJECT: &str = "add() { echo $(($1 + $2)); }\nsub() { echo $(($1 - $2)); }\n";

/// Exit code 3 stands for a subject that does not build, 9 for the outer limit.
const CHECK: &str = "\
sh -n runtime/subject.sh 2>/dev/null || exit 3
. runtime/subject.sh
[ \"$(add 1 2)\" = 3 ] && echo pass REQ-04 req_04_adds || echo fail REQ-04 req_04_adds
[ \"$(sub 3 2)\" = 1 ] && echo pass REQ-05 req_05_subtracts || echo fail REQ-05 req_05_subtracts
";

/// While this file is in the checkout, the engine stops in the middle of a question.
const KILL: &str = "kill";
/// While this file is in the checkout, somebody edits the subject during each question.
const EDIT: &str = "edit";
/// The questions that it was asked, one a line.
const ASKED: &str = "asked";

struct Toy {
    name: &'static str,
    build: Build,
}

impl Toy {
    fn of(name: &'static str, folder: &str) -> Toy {
        let build = Build {
            folder: folder.to_owned(),
            sources: ["runtime", "go-harness"].map(str::to_owned).to_vec(),
        };
        Toy { name, build }
    }
}

/// The toy has no fuzz tests.
struct NoFuzzTests;

impl FuzzTests for NoFuzzTests {
    fn lacking(&self, _: &Path, _: &Path, _: Sanitizer) -> Result<Option<String>> {
        unreachable!("it is not asked for")
    }

    fn ground<'a>(
        &self,
        _: &'a Workspace,
        _: &'a Progress,
        _: &Path,
        _: &Path,
        _: Sanitizer,
    ) -> Result<Box<dyn Ground + 'a>> {
        unreachable!("it is not asked for")
    }
}

fn toy() -> Toy {
    Toy::of("toy", "release")
}

impl Engine for Toy {
    fn name(&self) -> &str {
        self.name
    }

    fn describe(&self) -> &str {
        "a toy"
    }

    fn needs(&self) -> &[Need] {
        &[]
    }

    fn canary(&self, _: &Context<'_>) -> Result<Canary> {
        bail!("it is not asked for")
    }

    fn checks(&self, _: &Context<'_>) -> Result<Vec<Record>> {
        bail!("it is not asked for")
    }

    fn ask(&self, context: &Context<'_>, question: &Question) -> Result<Vec<Answer>> {
        let checkout = context.workspace.path("../..");
        let mut asked = fs::read_to_string(checkout.join(ASKED)).unwrap_or_default();
        asked.push_str(&question.log);
        asked.push('\n');
        fs::write(checkout.join(ASKED), asked)?;
        let log = context.run.log(&question.log);
        let finished = crate::host::child::Task::new(context.workspace, "sh", &log)
            .args(["go-harness/check.sh"])
            .run(context.progress, quiet)?;
        if checkout.join(EDIT).exists() {
            let subject = checkout.join("runtime/subject.sh");
            let text = fs::read_to_string(&subject)?;
            fs::write(subject, text + "# edited\n")?;
        }
        if question.broken.is_some() && checkout.join(KILL).exists() {
            bail!("killed");
        }
        let of = |contract: Option<&str>, check: &str, sign| Answer {
            contract: contract.map(str::to_owned),
            check: check.to_owned(),
            sign,
        };
        Ok(match finished.code() {
            Some(3) => vec![of(None, "toy", Sign::NotBuilt("syntax".to_owned()))],
            Some(9) => vec![of(None, "toy", Sign::TimedOut)],
            _ => finished
                .log_text()
                .lines()
                .filter_map(|line| {
                    let mut words = line.split(' ');
                    let sign = match words.next()? {
                        "pass" => Sign::Green,
                        "fail" => Sign::Red("wrong".to_owned()),
                        _ => return None,
                    };
                    Some(of(words.next(), words.next()?, sign))
                })
                .collect(),
        })
    }

    fn build(&self) -> &Build {
        &self.build
    }

    fn explores(&self) -> bool {
        true
    }
}

/// A checkout with the toy.
struct Checkout(tempfile::TempDir);

impl Checkout {
    fn new() -> Checkout {
        let checkout = Checkout(tempfile::tempdir().unwrap());
        let contract = |id: &str| {
            format!(
                "[[contract]]\nid = \"{id}\"\nsentence = \"x\"\nlayer = [\"native\"]\nsource = []\n\
                 claimed = []\nplanned = [\"go\"]\n"
            )
        };
        let contracts = ["REQ-04", "REQ-05"].map(contract).concat();
        checkout.put("contracts/req.toml", &format!("title = \"x\"\n{contracts}"));
        checkout.put("runtime/subject.sh", SUBJECT);
        checkout.put("go-harness/check.sh", CHECK);
        checkout
    }

    fn put(&self, path: &str, text: &str) {
        let path = self.0.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Adds a fault that puts `to` into the place of `from`, in the first line of the subject.
    fn fault(&self, id: &str, contract: &str, from: &str, to: &str) {
        let before = SUBJECT.lines().next().unwrap();
        let patch = format!(
            "diff --git a/runtime/subject.sh b/runtime/subject.sh\n--- a/runtime/subject.sh\n\
             +++ b/runtime/subject.sh\n@@ -1,2 +1,2 @@\n-{before}\n+{}\n {}\n",
            before.replace(from, to),
            SUBJECT.lines().nth(1).unwrap()
        );
        self.put(&format!("faults/{id}/fault.patch"), &patch);
        let about = format!(
            "contract = \"{contract}\"\nlayer = \"native\"\nengines = [\"toy\"]\nwhy = \"x\"\n"
        );
        self.put(&format!("faults/{id}/fault.toml"), &about);
    }

    fn workspace(&self) -> Workspace {
        Workspace::at(self.0.path())
    }

    fn subject(&self) -> Subject {
        Subject {
            file: SubjectFile::default(),
            catalogue: Catalogue::load(&self.workspace().path("contracts")).unwrap(),
            engines: Engines::only([toy(), Toy::of("other", "asan")]),
        }
    }

    fn run_with(&self, wish: &Wish) -> Result<Planted> {
        plant(&self.workspace(), &self.subject(), wish, &NoFuzzTests)
    }

    fn run(&self) -> Planted {
        self.run_with(&Wish::default()).unwrap()
    }

    fn verdicts(&self) -> Vec<Verdict> {
        self.run().rows.into_iter().map(|row| row.verdict).collect()
    }

    /// The questions since the last time.
    fn asked(&self) -> Vec<String> {
        let path = self.0.path().join(ASKED);
        let text = fs::read_to_string(&path).unwrap_or_default();
        let _ = fs::remove_file(path);
        text.lines().map(str::to_owned).collect()
    }
}

fn detected(check: &str) -> Verdict {
    Verdict::Detected(vec![check.to_owned()])
}

#[test]
fn a_planted_bug_is_seen_by_the_check_of_its_contract() {
    let checkout = Checkout::new();
    checkout.fault("wrong-sum", "REQ-04", "+", "*");
    let planted = checkout.run();
    assert!(planted.is_green());
    assert_eq!(planted.rows[0].verdict, detected("req_04_adds"));
    assert_eq!(checkout.asked(), ["control", "wrong-sum"]);
    // The checkout is as it was, and so is the copy.
    for place in ["", "target/_faults/"] {
        let path = checkout.0.path().join(place).join("runtime/subject.sh");
        assert_eq!(fs::read_to_string(path).unwrap(), SUBJECT);
    }
}

#[test]
fn a_weakened_check_makes_it_red_and_is_named() {
    let checkout = Checkout::new();
    checkout.fault("wrong-sum", "REQ-04", "+", "*");
    assert!(checkout.run().is_green());
    checkout.put("go-harness/check.sh", &CHECK.replace(" = 3 ]", " != x ]"));
    let planted = checkout.run();
    assert!(!planted.is_green());
    let report = view::report(&planted.rows, &planted.never_red);
    assert!(
        report.contains("MISSED REQ-04 toy wrong-sum\n    req_04_adds stayed green\n"),
        "{report}"
    );
    assert!(report.contains("0 of 1 detected"), "{report}");
}

#[test]
fn a_red_check_of_another_contract_is_not_enough() {
    let checkout = Checkout::new();
    checkout.fault("wrong-sum", "REQ-05", "+", "*");
    let verdicts = checkout.verdicts();
    assert_eq!(
        verdicts[0].details(),
        "no check of REQ-05 saw it, but req_04_adds did"
    );
}

#[test]
fn what_does_not_apply_build_or_end_is_not_seen() {
    let checkout = Checkout::new();
    checkout.fault("1-stale", "REQ-04", "+", "*");
    let patch = checkout.0.path().join("faults/1-stale/fault.patch");
    let stale = fs::read_to_string(&patch).unwrap().replace("echo", "ECHO");
    fs::write(patch, stale).unwrap();
    checkout.fault("2-syntax", "REQ-04", "}", "");
    checkout.fault("3-hangs", "REQ-04", "}", "}; exit 9");
    let verdicts = checkout.verdicts();
    assert!(
        matches!(&verdicts[0], Verdict::DoesNotApply(why) if why.starts_with("runtime/subject.sh: ")),
        "{verdicts:?}"
    );
    assert_eq!(verdicts[1], Verdict::BuildFailed("syntax".to_owned()));
    assert_eq!(verdicts[2], Verdict::TimedOut);
    assert!(verdicts.iter().all(|verdict| !verdict.is_green()));
}

#[test]
fn a_run_that_asked_no_engine_is_not_green() {
    let fault = file::tests::fault("x", "native", &["toy"]);
    let toy = toy();
    let cell = Planned {
        engine: &toy,
        fault: &fault,
    };
    let row = |verdict| Row::new(&cell, verdict, 0.0);
    let skipped = || row(Verdict::Skipped("no compiler".to_owned()));
    let planted = |rows| Planted {
        rows,
        never_red: Vec::new(),
    };
    assert!(!planted(vec![skipped()]).is_green());
    let rows = vec![row(detected("y")), skipped()];
    let report = view::report(&rows, &[]);
    let last = "1 of 1 detected; 1 new in 0 s; left out: 1 skipped\n";
    assert!(report.ends_with(last), "{report}");
    assert!(planted(rows).is_green());
}

#[test]
fn nothing_is_judged_where_the_control_is_red() {
    let checkout = Checkout::new();
    checkout.fault("wrong-sum", "REQ-04", "+", "*");
    checkout.put("go-harness/check.sh", &CHECK.replace(" = 3 ]", " = 4 ]"));
    let why = "req_04_adds is red without a fault: wrong";
    assert_eq!(checkout.verdicts(), [Verdict::ControlRed(why.to_owned())]);
    assert_eq!(checkout.asked(), ["control"]);
    // Not for ever: the next run looks again.
    assert_eq!(checkout.verdicts(), [Verdict::ControlRed(why.to_owned())]);
    assert_eq!(checkout.asked(), ["control"]);
}

#[test]
fn a_run_that_was_killed_goes_on_where_it_was() {
    let checkout = Checkout::new();
    checkout.fault("1-first", "REQ-04", "+", "*");
    let one = Wish {
        ids: vec!["1-first".to_owned()],
        ..Wish::default()
    };
    assert!(checkout.run_with(&one).unwrap().is_green());
    checkout.asked();
    checkout.fault("2-second", "REQ-04", "+", "-");
    checkout.put(KILL, "");
    assert!(checkout.run_with(&Wish::default()).is_err());
    assert_eq!(checkout.asked(), ["2-second"]);
    fs::remove_file(checkout.0.path().join(KILL)).unwrap();
    // A line that was being written.
    let cells = checkout.0.path().join("target/lab/faults.jsonl");
    let text = fs::read_to_string(&cells).unwrap();
    fs::write(&cells, format!("{text}{{\"key\":\"ab")).unwrap();
    assert_eq!(checkout.verdicts(), vec![detected("req_04_adds"); 2]);
    assert_eq!(checkout.asked(), ["2-second"]);
    assert_eq!(checkout.verdicts(), vec![detected("req_04_adds"); 2]);
    assert!(checkout.asked().is_empty());
    let again = Wish { again: true, ..one };
    assert!(checkout.run_with(&again).unwrap().is_green());
    assert_eq!(checkout.asked(), ["control", "1-first"]);
}

#[test]
fn the_control_of_the_next_build_is_without_the_faults_of_the_one_before() {
    let checkout = Checkout::new();
    checkout.fault("wrong-sum", "REQ-04", "+", "*");
    let about =
        "contract = \"REQ-04\"\nlayer = \"native\"\nengines = [\"toy\", \"other\"]\nwhy = \"x\"\n";
    checkout.put("faults/wrong-sum/fault.toml", about);
    assert_eq!(checkout.verdicts(), vec![detected("req_04_adds"); 2]);
    let asked = ["control", "wrong-sum"];
    assert_eq!(checkout.asked(), [asked, asked].concat());
}

#[test]
fn a_contract_is_proven_by_a_fault_that_was_caught() {
    let checkout = Checkout::new();
    checkout.fault("1-caught", "REQ-04", "+", "*");
    checkout.fault("2-missed", "REQ-05", "+", "-");
    let proven = || Proven::load(&checkout.workspace(), &checkout.subject()).unwrap();
    let pair = |id: &str| (id.to_owned(), "toy".to_owned());
    let planned = BTreeSet::from([pair("REQ-04"), pair("REQ-05")]);
    assert_eq!(
        proven(),
        Proven {
            planned: planned.clone(),
            caught: BTreeSet::new()
        }
    );
    checkout.run();
    let caught = BTreeSet::from([pair("REQ-04")]);
    assert_eq!(proven(), Proven { planned, caught });
}

#[test]
fn a_model_that_no_fault_turns_red_is_named_by_a_run_of_all() {
    let checkout = Checkout::new();
    checkout.fault("1-caught", "REQ-04", "+", "*");
    checkout.fault("2-missed", "REQ-05", "+", "-");
    let never_red = [("toy".to_owned(), "req_05_subtracts".to_owned())];
    assert_eq!(checkout.run().never_red, never_red);
    let one = Wish {
        ids: vec!["2-missed".to_owned()],
        ..Wish::default()
    };
    assert_eq!(checkout.run_with(&one).unwrap().never_red, []);
}

#[test]
fn sums_are_of_each_layer_and_a_list_has_what_is_known() {
    let faults = ["native", "go"].map(|layer| file::tests::fault("x", layer, &["toy"]));
    let toy = toy();
    let verdicts = [detected("y"), Verdict::TimedOut];
    let rows: Vec<Row> = faults
        .iter()
        .zip(verdicts)
        .map(|(fault, verdict)| {
            let cell = Planned {
                engine: &toy,
                fault,
            };
            Row::new(&cell, verdict, 0.0)
        })
        .collect();
    let cells = faults.iter().zip([Some(&rows[0].verdict), None]);
    let cells = cells.map(|(fault, verdict)| {
        (
            Planned {
                engine: &toy,
                fault,
            },
            verdict,
        )
    });
    let list = view::list(cells);
    let words: Vec<Option<&str>> = list
        .lines()
        .filter(|line| line.starts_with(" x "))
        .map(|line| line.split_whitespace().last())
        .collect();
    assert_eq!(words, [Some("detected"), Some("·")], "{list}");
    let report = view::report(&rows, &[]);
    let sums: Vec<&str> = report
        .lines()
        .filter(|line| line.contains('/'))
        .flat_map(str::split_whitespace)
        .collect();
    assert_eq!(sums, ["toy", "1/1", "·", "0/1", "·", "·"], "{report}");
}

#[test]
fn a_finished_cell_counts_only_for_what_it_was_made_of() {
    let checkout = Checkout::new();
    checkout.fault("wrong-sum", "REQ-04", "+", "*");
    checkout.run();
    checkout.asked();
    for path in ["runtime/subject.sh", "go-harness/check.sh", "Cargo.toml"] {
        let file = checkout.0.path().join(path);
        let text = fs::read_to_string(file).unwrap_or_default();
        checkout.put(path, &format!("{text}# changed\n"));
        checkout.run();
        assert_eq!(checkout.asked(), ["control", "wrong-sum"], "{path}");
    }
    checkout.put("README.md", "changed");
    checkout.fault("wrong-sum", "REQ-04", "+", "-");
    checkout.run();
    assert_eq!(
        checkout.asked(),
        ["wrong-sum"],
        "the fault alone is another one"
    );
    // The old ones are forgotten.
    assert_eq!(store::load(&checkout.workspace()).len(), 2);
}

#[test]
fn what_was_asked_of_a_subject_that_changed_meanwhile_is_not_kept() {
    let checkout = Checkout::new();
    checkout.fault("wrong-sum", "REQ-04", "+", "*");
    checkout.put(EDIT, "");
    assert!(checkout.run().is_green());
    assert!(store::load(&checkout.workspace()).is_empty());
    fs::remove_file(checkout.0.path().join(EDIT)).unwrap();
    checkout.asked();
    assert!(checkout.run().is_green());
    assert_eq!(checkout.asked(), ["control", "wrong-sum"]);
}

#[test]
fn two_at_once_are_refused() {
    let checkout = Checkout::new();
    checkout.fault("wrong-sum", "REQ-04", "+", "*");
    let wanted = BTreeSet::new();
    let first = Store::open(&checkout.workspace(), &wanted).unwrap();
    let refused = checkout.run_with(&Wish::default()).err().unwrap();
    assert!(
        refused
            .to_string()
            .contains("another `cargo lab faults` is at work"),
        "{refused}"
    );
    assert!(!Path::new(&checkout.0.path().join("target/_faults")).exists());
    drop(first);
    assert!(checkout.run().is_green());
}
