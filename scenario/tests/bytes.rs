//! The bytes form, record by record: seeds, and scenarios that were printed long ago, keep their meaning.

use std::fmt::Write as _;

use courier_scenario::explore::text::{self, Scenario};
use courier_scenario::{Op, Step, bytes};
use proptest::prelude::*;

/// Operands that wrap around in lists of different lengths.
const OPERANDS: [[u8; 3]; 4] = [[1, 2, 3], [11, 12, 13], [200, 101, 77], [255, 254, 253]];

/// The version, a record, its lane and operation, and what they are written as.
fn lines() -> String {
    let mut text = String::new();
    for version in [1, 2, 3] {
        for operation in 0..32u8 {
            for (index, operands) in OPERANDS.into_iter().enumerate() {
                // Each of the eight lane numbers with each operation's numbers over all.
                let lane = (operation + index as u8) % 8;
                let head = operation | lane << 5;
                let [first, second, third] = operands;
                let steps: Vec<Step> = bytes::decode(&[version, head, first, second, third]);
                let [step] = steps[..] else {
                    panic!("one record is one step: {steps:?}");
                };
                let written = bytes::to_hex(&steps);
                writeln!(
                    text,
                    "{version} {head:02x}{first:02x}{second:02x}{third:02x} {} {:?} {written}",
                    step.lane, step.op
                )
                .expect("writing to a String cannot fail");
            }
        }
    }
    text
}

#[test]
fn every_record_keeps_its_meaning() {
    let (is, should) = (lines(), include_str!("bytes.txt"));
    for (is, should) in is.lines().zip(should.lines()) {
        assert_eq!(is, should);
    }
    assert_eq!(is.lines().count(), should.lines().count());
}

proptest! {
    // Nothing is written to disk when one fails.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_survive_the_text_form(input: Vec<u8>) {
        let scenario = Scenario::<Op>::from(bytes::decode(&input));
        let written = scenario.to_string();
        let read = text::parse(written.as_bytes());
        prop_assert_eq!(&read, &Ok(scenario));
        prop_assert_eq!(read.unwrap().to_string(), written);
    }
}

/// The records that are written down above, whose text is as old as they are.
#[test]
fn every_record_survives_the_text_form() {
    for line in include_str!("bytes.txt").lines() {
        let (_, written) = line.rsplit_once(' ').unwrap();
        let scenario = Scenario::<Op>::from(bytes::from_hex(written).unwrap());
        let read = text::parse(scenario.to_string().as_bytes());
        assert_eq!(read, Ok(scenario), "{line}");
    }
}
