//! Notes as lines, and lines as notes.

use std::fs;
use std::path::Path;

use cgolab_note::{BROKEN, Model, Note, PREFIX, find};
use proptest::prelude::*;

/// The notes of the file that Go's writer is tested against, too.
fn golden() -> Vec<Note> {
    vec![
        Note::checked("REQ-04", 123),
        Note::broken("REQ-104"),
        Note::Executions(u64::MAX),
        Note::Model(Model::Complete { bound: Some(2) }),
        Note::Model(Model::Complete { bound: None }),
        Note::Model(Model::CutOff { bound: Some(3) }),
        Note::Model(Model::Sampled { seed: u64::MAX }),
        Note::skipped("no clang\r\n\tor clang++ on PATH\n"),
        Note::scenario("--through c  0100=00 cgolab: ü"),
        Note::skipped(""),
    ]
}

#[test]
fn go_writes_the_same_lines() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let text = fs::read_to_string(root.join("go-harness/note/testdata/lines.txt")).unwrap();
    let written: Vec<String> = golden().iter().map(Note::to_string).collect();
    assert_eq!(written, text.lines().collect::<Vec<_>>());
    let read: Vec<Note> = text.lines().map(|line| line.parse().unwrap()).collect();
    assert_eq!(read, golden());
}

fn notes() -> impl Strategy<Value = Note> {
    let id = "[A-Z]{3}-[0-9]{2,3}|[^\\s]{1,9}";
    let bound = any::<Option<u64>>();
    prop_oneof![
        (id, any::<u64>()).prop_map(|(id, checks)| Note::checked(&id, checks)),
        id.prop_map(|id| Note::broken(&id)),
        any::<u64>().prop_map(Note::Executions),
        bound
            .clone()
            .prop_map(|bound| Note::Model(Model::Complete { bound })),
        bound.prop_map(|bound| Note::Model(Model::CutOff { bound })),
        any::<u64>().prop_map(|seed| Note::Model(Model::Sampled { seed })),
        any::<String>().prop_map(|why| Note::skipped(&why)),
        any::<String>().prop_map(|scenario| Note::scenario(&scenario)),
    ]
}

proptest! {
    // Nothing is written to disk when one fails.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_note_is_read_as_it_was_written(note in notes(), before in "[a-z_:. ]{0,20}") {
        let line = note.to_string();
        prop_assert_eq!(line.lines().count(), 1);
        prop_assert_eq!(line.parse(), Ok(note.clone()));
        let among = format!("{before}{line}\r");
        prop_assert_eq!(find(&among), Some(Ok(note)));
    }

    #[test]
    fn a_line_that_is_read_is_written_alike(line in "cgolab: (contract|broken|executions|model|skipped|scenario)=[a-z0-9= -]{0,20}") {
        if let Ok(note) = line.parse::<Note>() {
            prop_assert_eq!(note.to_string().parse(), Ok(note));
        }
    }
}

#[test]
fn a_malformed_note_is_refused() {
    for line in [
        "cgolab: model=compleet bound=2",
        "cgolab: model=complete",
        "cgolab: model=sampled seed=x",
        "cgolab: contract=REQ-04",
        "cgolab: contract= checks=1",
        "cgolab: contract=REQ-04 checks=-1",
        "cgolab: contract=REQ-04 checks=1 more",
        "cgolab: broken=",
        "cgolab: brocken=REQ-04",
        "cgolab: executions=many",
    ] {
        let refused = find(line).unwrap().unwrap_err();
        assert!(refused.to_string().contains(line), "{refused}");
        assert!(line.parse::<Note>().is_err(), "{line}");
    }
    assert!("executions=1".parse::<Note>().is_err());
}

#[test]
fn prose_is_no_note() {
    for line in [
        "",
        "ok",
        "cgolab:",
        "cgolab: ",
        "cgolab: every check passed",
        "cgolab: a = b",
        "executions=1",
    ] {
        assert_eq!(find(line), None, "{line}");
    }
}

#[test]
fn the_beginnings_are_those_of_the_lines() {
    let line = Note::broken("REQ-04").to_string();
    assert!(line.starts_with(PREFIX) && line.starts_with(BROKEN));
}

#[test]
#[should_panic(expected = "is no contract's id")]
fn an_id_is_one_word() {
    let _ = Note::broken("REQ-04 REQ-05");
}
