//! Records with one cause, which are told together.

use crate::record::{Kind, Outcome, Record};

/// Records that have the same cause.
pub(crate) struct Gap<'a> {
    pub(crate) first: &'a Record,
    pub(crate) records: Vec<&'a Record>,
    pub(crate) contracts: Vec<&'a str>,
    checks: Vec<&'a str>,
}

impl Gap<'_> {
    /// The name of the check, or how many there are; none where no check is to blame.
    pub(crate) fn check(&self) -> Option<String> {
        if self.first.kind == Kind::Missing {
            return None;
        }
        Some(match self.checks.as_slice() {
            [check] => (*check).to_owned(),
            checks => format!("{} checks", checks.len()),
        })
    }
}

/// The records, worst first, those of one check together; all that an engine did not run, or skipped,
/// for one reason together.
pub(crate) fn group<'a>(records: &[&'a Record]) -> Vec<Gap<'a>> {
    let key = |record: &'a Record| {
        let check = match record.outcome {
            Outcome::NotRun | Outcome::Skipped => "",
            _ => &record.check,
        };
        let reason = &record.reason;
        (record.outcome, record.kind, &record.engine, check, reason)
    };
    let mut gaps: Vec<Gap<'a>> = Vec::new();
    for record in records {
        let at = gaps.iter().position(|gap| key(gap.first) == key(record));
        let at = at.unwrap_or_else(|| {
            gaps.push(Gap {
                first: record,
                records: Vec::new(),
                contracts: Vec::new(),
                checks: Vec::new(),
            });
            gaps.len() - 1
        });
        let gap = &mut gaps[at];
        gap.records.push(record);
        if !gap.checks.contains(&record.check.as_str()) {
            gap.checks.push(&record.check);
        }
        if let Some(id) = record.contract.as_deref()
            && !gap.contracts.contains(&id)
        {
            gap.contracts.push(id);
        }
    }
    gaps.sort_by_key(|gap| std::cmp::Reverse(gap.first.outcome.weight()));
    gaps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_with_one_cause_are_told_once_and_the_worst_first() {
        let not_run = |id| Record::missing("race", Some(id), Outcome::NotRun).because("it died");
        let failed = |id: &str| Record {
            contract: Some(id.to_owned()),
            ..Record::check("race", "test", Outcome::Fail).because("boom")
        };
        let skipped = |check| Record::check("layout", check, Outcome::Skipped).because("no clang");
        let records = [
            not_run("REQ-01"),
            failed("REQ-02"),
            not_run("REQ-03"),
            failed("REQ-04"),
            failed("REQ-04"),
            skipped("one"),
            skipped("two"),
        ];
        let red: Vec<&Record> = records.iter().collect();
        let groups: Vec<_> = group(&red)
            .iter()
            .map(|gap| (gap.first.outcome, gap.contracts.join(" "), gap.check()))
            .collect();
        assert_eq!(
            groups,
            [
                (
                    Outcome::Fail,
                    "REQ-02 REQ-04".to_owned(),
                    Some("test".to_owned())
                ),
                (Outcome::NotRun, "REQ-01 REQ-03".to_owned(), None),
                (Outcome::Skipped, String::new(), Some("2 checks".to_owned())),
            ]
        );
    }
}
