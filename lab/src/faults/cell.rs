//! A cell: the verdict on one fault and one engine.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use crate::engine::ask::{Answer, Sign};
use crate::host::out::one_line;

/// Red checks of one fault that are named.
const SHOWN: usize = 3;

/// Verdict on one fault and one engine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "verdict", content = "details")]
pub(super) enum Verdict {
    /// These checks turned red by their own word; at least one is of the contract.
    Detected(Vec<String>),
    /// None did, for this reason.
    Missed(String),
    /// The process fell over, and no check said why.
    Crashed(String),
    DoesNotApply(String),
    BuildFailed(String),
    /// Only the outer limit ended it.
    TimedOut,
    /// The checks are red without the fault.
    ControlRed(String),
    /// This machine cannot run the engine.
    Skipped(String),
}

impl Verdict {
    pub(super) fn word(&self) -> &'static str {
        match self {
            Verdict::Detected(_) => "detected",
            Verdict::Missed(_) => "MISSED",
            Verdict::Crashed(_) => "CRASHED",
            Verdict::DoesNotApply(_) => "DOES NOT APPLY",
            Verdict::BuildFailed(_) => "BUILD FAILED",
            Verdict::TimedOut => "TIMED OUT",
            Verdict::ControlRed(_) => "CONTROL RED",
            Verdict::Skipped(_) => "skipped",
        }
    }

    /// The checks, or why there are none.
    pub(super) fn details(&self) -> String {
        match self {
            Verdict::Detected(checks) => {
                let (shown, more) = checks.split_at(checks.len().min(SHOWN));
                let mut text = shown.join(", ");
                if !more.is_empty() {
                    let _ = write!(text, " and {} more", more.len());
                }
                text
            }
            Verdict::Missed(why)
            | Verdict::Crashed(why)
            | Verdict::DoesNotApply(why)
            | Verdict::BuildFailed(why)
            | Verdict::ControlRed(why)
            | Verdict::Skipped(why) => one_line(why, 300),
            Verdict::TimedOut => {
                "the outer limit ended it, and no check said that it hangs".to_owned()
            }
        }
    }

    pub(super) fn is_detected(&self) -> bool {
        matches!(self, Verdict::Detected(_))
    }

    /// True if `cargo lab faults` may end with exit code 0 in spite of it.
    pub(super) fn is_green(&self) -> bool {
        matches!(self, Verdict::Detected(_) | Verdict::Skipped(_))
    }

    /// True if the same key always gives this verdict. One that depends on load or on a missing tool is not kept.
    pub(super) fn lasts(&self) -> bool {
        matches!(
            self,
            Verdict::Detected(_)
                | Verdict::Missed(_)
                | Verdict::Crashed(_)
                | Verdict::BuildFailed(_)
        )
    }
}

/// Judges the answers with the fault planted: only a check of the contract that turned red by its own
/// word detects it.
pub(super) fn judge(answers: &[Answer], contract: &str) -> Verdict {
    let mut red = BTreeSet::new();
    let mut others = BTreeSet::new();
    for answer in answers {
        if matches!(answer.sign, Sign::Red(_)) {
            if answer.contract.as_deref() == Some(contract) {
                red.insert(answer.check.clone());
            } else {
                others.insert(answer.check.clone());
            }
        }
    }
    if !red.is_empty() {
        let first: Vec<String> = red.iter().cloned().collect();
        let more = others.difference(&red).cloned();
        return Verdict::Detected(first.into_iter().chain(more).collect());
    }
    let first = |what: fn(&Sign) -> Option<String>| answers.iter().find_map(|it| what(&it.sign));
    if let Some(error) = first(|sign| match sign {
        Sign::NotBuilt(why) => Some(why.clone()),
        _ => None,
    }) {
        return Verdict::BuildFailed(error);
    }
    if answers.iter().any(|it| it.sign == Sign::TimedOut) {
        return Verdict::TimedOut;
    }
    // Of a test and its subtests the last one tells most.
    let crash = answers.iter().rev().find_map(|it| match &it.sign {
        Sign::Crashed(why) => Some(format!("{}: {why}", it.check)),
        _ => None,
    });
    if let Some(crash) = crash {
        return Verdict::Crashed(crash);
    }
    if !others.is_empty() {
        let others: Vec<String> = others.into_iter().collect();
        let why = format!(
            "no check of {contract} saw it, but {} did",
            others.join(", ")
        );
        return Verdict::Missed(why);
    }
    if let Some(why) = first(|sign| match sign {
        Sign::NoReport(why) => Some(format!("a test failed without the engine's report: {why}")),
        Sign::NotRun(why) => Some(format!("not run: {why}")),
        _ => None,
    }) {
        return Verdict::Missed(why);
    }
    let mine: Vec<&Answer> = answers
        .iter()
        .filter(|it| it.contract.as_deref() == Some(contract))
        .collect();
    Verdict::Missed(match mine.as_slice() {
        [] => format!("the engine has no check of {contract}"),
        checks => {
            let names: Vec<&str> = checks.iter().map(|it| it.check.as_str()).collect();
            let (shown, more) = names.split_at(names.len().min(SHOWN));
            let more = match more.len() {
                0 => String::new(),
                count => format!(" and {count} more"),
            };
            format!("{}{more} stayed green", shown.join(", "))
        }
    })
}

/// The control of one contract: the checks that are green without a fault.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Control {
    Green(Vec<String>),
    Red(String),
}

/// Judges the answers without a fault. What belongs to no contract concerns them all.
pub(super) fn control(answers: &[Answer], contract: &str) -> Control {
    let mut green = BTreeSet::new();
    for answer in answers {
        let mine = answer.contract.as_deref() == Some(contract);
        if answer.contract.is_some() && !mine {
            continue;
        }
        match &answer.sign {
            Sign::Green => {
                if mine {
                    green.insert(answer.check.clone());
                }
            }
            Sign::Skipped => {}
            Sign::Red(why)
            | Sign::NoReport(why)
            | Sign::Crashed(why)
            | Sign::NotBuilt(why)
            | Sign::NotRun(why) => {
                return Control::Red(format!("{} is red without a fault: {why}", answer.check));
            }
            Sign::TimedOut => {
                return Control::Red(format!("{} timed out without a fault", answer.check));
            }
        }
    }
    Control::Green(green.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(contract: Option<&str>, check: &str, sign: Sign) -> Answer {
        Answer {
            contract: contract.map(str::to_owned),
            check: check.to_owned(),
            sign,
        }
    }

    fn red(contract: &str, check: &str) -> Answer {
        answer(Some(contract), check, Sign::Red("x".to_owned()))
    }

    #[test]
    fn only_a_red_check_of_the_contract_detects() {
        let both = [red("REQ-05", "a"), red("REQ-04", "b")];
        let names = vec!["b".to_owned(), "a".to_owned()];
        assert_eq!(judge(&both, "REQ-04"), Verdict::Detected(names));
        let other = judge(&both[..1], "REQ-04");
        assert_eq!(other.details(), "no check of REQ-04 saw it, but a did");
        let green = [answer(Some("REQ-04"), "b", Sign::Green)];
        assert_eq!(judge(&green, "REQ-04").details(), "b stayed green");
        let many = ["a", "b", "c", "d", "e"].map(|it| answer(Some("REQ-04"), it, Sign::Green));
        assert_eq!(
            judge(&many, "REQ-04").details(),
            "a, b, c and 2 more stayed green"
        );
        assert_eq!(
            judge(&[], "REQ-04").details(),
            "the engine has no check of REQ-04"
        );
        let unnamed = [answer(None, "c", Sign::Red("x".to_owned()))];
        assert!(matches!(judge(&unnamed, "REQ-04"), Verdict::Missed(_)));
    }

    #[test]
    fn details_are_one_line() {
        let skipped = Verdict::Skipped("no compiler\ninstall one".to_owned());
        assert_eq!(skipped.details(), "no compiler install one");
    }

    #[test]
    fn what_no_check_said_detects_nothing() {
        let of = |sign| judge(&[answer(Some("REQ-04"), "b", sign)], "REQ-04");
        let why = || "x".to_owned();
        assert_eq!(of(Sign::NotBuilt(why())), Verdict::BuildFailed(why()));
        assert_eq!(of(Sign::TimedOut), Verdict::TimedOut);
        assert_eq!(
            of(Sign::Crashed(why())),
            Verdict::Crashed("b: x".to_owned())
        );
        assert!(matches!(of(Sign::NoReport(why())), Verdict::Missed(_)));
        assert!(matches!(of(Sign::NotRun(why())), Verdict::Missed(_)));
        assert!(matches!(of(Sign::Skipped), Verdict::Missed(_)));
        for sign in [Sign::NotBuilt(why()), Sign::TimedOut, Sign::Crashed(why())] {
            assert!(!of(sign).is_green());
        }
    }

    #[test]
    fn a_control_is_red_with_what_belongs_to_no_contract() {
        let green = answer(Some("REQ-04"), "b", Sign::Green);
        let both = [green.clone(), red("REQ-05", "a")];
        assert_eq!(
            control(&both, "REQ-04"),
            Control::Green(vec!["b".to_owned()])
        );
        assert_eq!(
            control(&both, "REQ-05"),
            Control::Red("a is red without a fault: x".to_owned())
        );
        let unnamed = answer(None, "p", Sign::NotBuilt("x".to_owned()));
        assert!(matches!(
            control(&[green, unnamed], "REQ-04"),
            Control::Red(_)
        ));
        assert_eq!(control(&[], "REQ-04"), Control::Green(Vec::new()));
    }
}
