//! The results of a storm: runs of each knob, ways to fail, and the verdict on each.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde::{Deserialize, Serialize};

use super::bisect::Minimal;
use super::knobs::{LOAD, NONE, WATCHING};
use super::rate::Rate;
use crate::foreign::engines::Engine;
use crate::foreign::outcome::{Finding, accepting};
use crate::foreign::report::shown;
use crate::subject::file::Accept;
use crate::verdict::accept;

/// A program hangs if it runs for so many times as long as the longest run that came to its end…
const HUNG: u32 = 10;
/// … and for this time at least.
const SHORTEST: Duration = Duration::from_secs(10);

/// Runs under a knob.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Count {
    pub(super) runs: u32,
    /// Runs that failed in another way than by a time-out.
    pub(super) failed: u32,
    pub(super) timed_out: u32,
    /// The seconds of runs that ended by themselves.
    pub(super) seconds: f64,
    /// The seconds of runs that did not.
    pub(super) waited: f64,
    /// The seconds of the longest run that came to its end.
    pub(super) longest: f64,
}

impl Count {
    /// Failures a second, with one of each that was not seen: a knob that was hardly tried is worth a try.
    pub(super) fn promise(&self) -> f64 {
        f64::from(self.failed + 1) / (self.seconds + self.waited + 1.0)
    }

    /// The share of runs that fail, and its 95 % interval.
    pub(super) fn rate(&self) -> Rate {
        Rate::of(self.failed, self.runs)
    }
}

/// A way to fail, and what is known of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Failure {
    pub(super) signature: String,
    pub(super) first: Finding,
    /// How often under which knob.
    pub(super) by: BTreeMap<String, u32>,
    /// The shortest command that sets each of these knobs.
    pub(super) commands: BTreeMap<String, String>,
    pub(super) sign: Sign,
    /// The reason of an entry of the module's file that accepts it.
    pub(super) accepted: Option<String>,
    /// The smallest command that was found, if it was looked for.
    pub(super) minimal: Option<Minimal>,
    /// The report of triage on it, from the folder of results.
    pub(super) report: Option<String>,
}

/// The way in which a failure shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Sign {
    /// The report of a detector.
    Report,
    /// It ended its program, and no detector said why.
    Death,
    /// It ran into the time limit.
    Hang,
    /// A test that fails, or an exit code.
    Test,
}

/// The verdict on a way to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It fails in at least half of the runs without any storm.
    Broken,
    /// It fails without any storm, now and then.
    Rare,
    /// A detector reports it that leaves the order of events as it is.
    Overlooked,
    /// A detector reports it under a storm. Nothing says whether the storm is needed.
    Detected,
    /// A false alarm that is known.
    Known,
    /// It was not seen without a storm, but so few runs may pass by luck.
    TooFew,
    /// It fails if other threads want the processors, and in no other way.
    Contention,
    /// It runs into the time limit, not always, and in no other way.
    TimeOut,
    /// A test fails under a storm only. It may be that the storm makes it slow.
    Suspected,
    /// It was seen under a storm only.
    UnderStorm,
}

impl Verdict {
    pub(super) fn words(self) -> &'static str {
        match self {
            Verdict::Broken => "fails without any storm: no rare order is needed",
            Verdict::Rare => "genuine: it fails without any storm, now and then",
            Verdict::Overlooked => {
                "genuine: a detector reports it without any storm, and plain runs pass over it"
            }
            Verdict::Detected => "genuine: a detector reports it; the storm may not be needed",
            Verdict::Known => "a false alarm that is known",
            Verdict::TooFew => "seen under a storm only, in too few runs to say that it needs one",
            Verdict::Contention => "contention only: it fails on a busy machine, and never alone",
            Verdict::TimeOut => {
                "time-out only: it hangs, or the knob makes it slow; the report says what it waits for"
            }
            Verdict::Suspected => {
                "a test fails, seen under a storm only: a rare order, or a time limit of the test's own"
            }
            Verdict::UnderStorm => "genuine: a legal order of events, seen under a storm only",
        }
    }
}

impl Failure {
    /// The runs of its package under a knob in which its test was not left out.
    pub(super) fn count(&self, storm: &Storm, knob: &str) -> Count {
        let package = &self.first.package;
        let until = storm.out.get(knob).and_then(|it| it.get(package));
        let until = until.zip(self.first.report.test.as_ref());
        let until = until.and_then(|(tests, test)| tests.get(test));
        let all = || storm.counts.get(knob)?.get(package);
        until.or_else(all).cloned().unwrap_or_default()
    }

    /// The verdict on it.
    pub(super) fn verdict(&self, storm: &Storm) -> Verdict {
        let plain = self.count(storm, NONE);
        let as_it_is = |knob: &String| WATCHING.contains(&knob.as_str());
        match self.by.get(NONE) {
            _ if self.first.known.is_some() => Verdict::Known,
            Some(times) if times * 2 >= plain.runs => Verdict::Broken,
            _ if self.sign == Sign::Hang => Verdict::TimeOut,
            Some(_) => Verdict::Rare,
            None if self.sign == Sign::Report && self.by.keys().any(as_it_is) => {
                Verdict::Overlooked
            }
            None if self.sign == Sign::Report => Verdict::Detected,
            None if !self.needs_a_storm(storm) => Verdict::TooFew,
            None if self.by.keys().eq([LOAD]) => Verdict::Contention,
            None if self.sign == Sign::Test => Verdict::Suspected,
            None => Verdict::UnderStorm,
        }
    }

    /// Reports whether it is more frequent under a knob than it can be without any, by intervals that do not meet.
    fn needs_a_storm(&self, storm: &Storm) -> bool {
        let plain = self.count(storm, NONE);
        let most = Rate::of(0, plain.runs - plain.timed_out).high;
        let seen = self.by.iter();
        let mut seen = seen.map(|(knob, times)| Rate::of(*times, self.count(storm, knob).runs));
        seen.any(|it| it.low > most)
    }

    /// The seconds of the runs under a knob in which it could be seen.
    pub(super) fn seconds(&self, storm: &Storm, knob: &str) -> f64 {
        let Count {
            seconds, waited, ..
        } = self.count(storm, knob);
        let hangs = self.sign == Sign::Hang;
        (seconds + if hangs { waited } else { 0.0 }).max(0.001)
    }

    /// The knob under which it comes most often in a second, and how often. What fails without any needs none.
    pub(super) fn likeliest(&self, storm: &Storm) -> Option<(&str, f64)> {
        let broken = self.verdict(storm) == Verdict::Broken;
        let rates = self.by.iter().map(|(knob, times)| {
            let rate = f64::from(*times) / self.seconds(storm, knob);
            (knob.as_str(), rate)
        });
        let rates = rates.filter(|(knob, _)| !broken || *knob == NONE);
        rates.max_by(|a, b| a.1.total_cmp(&b.1))
    }
}

/// A storm, as it is kept between runs.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Storm {
    pub(super) module: String,
    pub(super) go: String,
    /// What was asked for, and a digest of the test programs: a storm goes on only where it left off.
    pub(super) subject: String,
    /// Runs by knob and package.
    pub(super) counts: BTreeMap<String, BTreeMap<String, Count>>,
    pub(super) failures: Vec<Failure>,
    /// Tests that ended their program each time, and the runs until they were left out, by knob and package.
    pub(super) out: BTreeMap<String, BTreeMap<String, BTreeMap<String, Count>>>,
    /// Knobs that cannot be built here, and why.
    pub(super) unsupported: BTreeMap<String, String>,
    /// Knobs that missed their canaries, and how.
    pub(super) off: BTreeMap<String, String>,
    /// Packages of which no test runs under a knob, and why, by knob.
    pub(super) idle: BTreeMap<String, BTreeMap<String, String>>,
    /// Packages that do not build for a knob, and the compiler's line, by knob.
    pub(super) not_built: BTreeMap<String, BTreeMap<String, String>>,
    pub(super) seconds: f64,
    pub(super) interrupted: bool,
}

impl Storm {
    /// Counts the failures of a run of one package, each way to fail once however often it was reported, and returns
    /// those that were not known, for people.
    pub(super) fn add(&mut self, knob: &str, found: Vec<Finding>, sign: Sign) -> Vec<String> {
        let mut new = Vec::new();
        let mut counted = BTreeSet::new();
        for finding in found {
            let signature = finding.signature();
            if !counted.insert(signature.clone()) {
                continue;
            }
            let same = |it: &Failure| it.signature == signature;
            let at = self.failures.iter().position(same).unwrap_or_else(|| {
                new.push(shown(&finding.report));
                self.failures.push(Failure {
                    signature,
                    first: finding.clone(),
                    by: BTreeMap::new(),
                    commands: BTreeMap::new(),
                    sign,
                    accepted: None,
                    minimal: None,
                    report: None,
                });
                self.failures.len() - 1
            });
            let failure = &mut self.failures[at];
            *failure.by.entry(knob.to_owned()).or_default() += 1;
            let command = failure.commands.entry(knob.to_owned());
            command.or_insert(finding.command);
        }
        new
    }

    /// Leaves a test out from now on under these knobs.
    pub(super) fn leave_out(&mut self, knobs: &[&str], package: &str, test: &str) {
        for knob in knobs {
            let runs = self.counts.get(*knob).and_then(|it| it.get(package));
            let runs = runs.cloned().unwrap_or_default();
            let packages = self.out.entry((*knob).to_owned()).or_default();
            let tests = packages.entry(package.to_owned()).or_default();
            tests.entry(test.to_owned()).or_insert(runs);
        }
    }

    /// The tests of a package that are left out under a knob.
    pub(super) fn left_out(&self, knob: &str, package: &str) -> BTreeSet<String> {
        let tests = self.out.get(knob).and_then(|it| it.get(package));
        tests
            .into_iter()
            .flat_map(|it| it.keys().cloned())
            .collect()
    }

    /// Reads a storm that was kept, to go on with it.
    pub(super) fn resumed(place: &Path, subject: &str) -> Result<Storm> {
        let text = fs::read_to_string(place)
            .with_context(|| format!("there is no storm to go on with: {}", place.display()))?;
        let storm: Storm = serde_json::from_str(&text)
            .with_context(|| format!("{} is of another cgolab; begin anew", place.display()))?;
        ensure!(
            storm.subject == subject,
            "{} is about other test programs, packages or tests; begin anew, without --resume",
            place.display()
        );
        Ok(storm)
    }

    /// Writes it beside what is there, and then in its place: a run that is killed loses nothing.
    pub(super) fn save(&self, place: &Path) -> Result<()> {
        let whole = || format!("cannot write {}", place.display());
        let new = place.with_extension("json.new");
        fs::write(&new, serde_json::to_string_pretty(self)?).with_context(whole)?;
        fs::rename(&new, place).with_context(whole)
    }

    /// All runs under a knob.
    pub(super) fn of(&self, knob: &str) -> Count {
        let mut all = Count::default();
        for count in self.counts.get(knob).into_iter().flat_map(BTreeMap::values) {
            all.runs += count.runs;
            all.failed += count.failed;
            all.timed_out += count.timed_out;
            all.seconds += count.seconds;
            all.waited += count.waited;
        }
        all
    }

    /// All runs.
    pub(super) fn runs(&self) -> u32 {
        self.counts.keys().map(|knob| self.of(knob).runs).sum()
    }

    /// The time limit of a package under a knob, from its longest run; [`None`] if none has come to its end.
    pub(super) fn limit(&self, knob: &str, package: &str) -> Option<Duration> {
        let longest = self.counts.get(knob)?.get(package)?.longest;
        let ended = longest > 0.0;
        ended.then(|| SHORTEST.max(Duration::from_secs_f64(longest) * HUNG))
    }

    /// Packages of which no test runs even without a storm.
    pub(super) fn without_tests(&self) -> BTreeMap<String, String> {
        self.idle.get(NONE).cloned().unwrap_or_default()
    }

    /// True if a package runs no test under a knob.
    pub(super) fn is_idle(&self, knob: &str, package: &str) -> bool {
        let packages = self.idle.get(knob);
        packages.is_some_and(|it| it.contains_key(package))
    }

    /// Marks failures that the module's file accepts. Knobs have the engines' names by which they are built.
    pub(super) fn accept(&mut self, entries: &[Accept], knobs: &[&Engine]) {
        for failure in &mut self.failures {
            let built = knobs.iter().filter(|it| failure.by.contains_key(it.id));
            let built: Vec<String> = built.map(|it| it.builds_as.to_owned()).collect();
            let finding = &failure.first;
            let mut fitting = accepting(entries, &finding.report, &built, &finding.tests);
            failure.accepted = fitting.next().map(|(_, entry)| accept::reason(entry));
        }
    }

    /// The number of failures that make the storm red.
    pub(super) fn counting(&self) -> usize {
        let red = |it: &&Failure| it.first.known.is_none() && it.accepted.is_none();
        self.failures.iter().filter(red).count()
    }

    /// True if nothing failed, every knob was on, every package was built for it, and it was not
    /// interrupted.
    pub(super) fn is_green(&self) -> bool {
        self.counting() == 0
            && self.off.is_empty()
            && self.not_built.is_empty()
            && !self.interrupted
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::foreign::known;
    use crate::foreign::outcome::Severity;
    use crate::foreign::report::Report;
    use crate::foreign::storm::knobs::KNOBS;
    use crate::subject::file::SubjectFile;

    pub(in crate::foreign::storm) fn count(runs: u32, failed: u32, seconds: f64) -> Count {
        Count {
            runs,
            failed,
            seconds,
            ..Count::default()
        }
    }

    pub(in crate::foreign::storm) fn failure(by: &[(&str, u32)]) -> Failure {
        let report = Report {
            class: "SIGSEGV".to_owned(),
            test: Some("TestA".to_owned()),
            c: None,
            go: None,
            other: None,
            text: String::new(),
        };
        let first = Finding {
            engine: "none".to_owned(),
            package: "a/b".to_owned(),
            tests: Vec::new(),
            severity: Severity::Error,
            known: None,
            command: "go test".to_owned(),
            report,
            triage: None,
            within: String::new(),
        };
        let command = |knob: &str| (knob.to_owned(), format!("{knob}: go test"));
        Failure {
            signature: first.signature(),
            first,
            by: by
                .iter()
                .map(|(knob, times)| ((*knob).to_owned(), *times))
                .collect(),
            commands: by.iter().map(|(knob, _)| command(knob)).collect(),
            sign: Sign::Death,
            accepted: None,
            minimal: None,
            report: None,
        }
    }

    /// A storm over the package of [`failure`].
    pub(in crate::foreign::storm) fn storm(counts: &[(&str, Count)]) -> Storm {
        let of = |(knob, count): &(&str, Count)| {
            let package = BTreeMap::from([("a/b".to_owned(), count.clone())]);
            ((*knob).to_owned(), package)
        };
        Storm {
            counts: counts.iter().map(of).collect(),
            ..Storm::default()
        }
    }

    #[test]
    fn a_run_counts_once_for_each_way_to_fail_however_often_it_is_reported() {
        let of = |test: &str, package: &str| {
            let mut finding = failure(&[]).first;
            finding.report.test = Some(test.to_owned());
            package.clone_into(&mut finding.package);
            finding
        };
        let mut storm = Storm::default();
        let twice = || vec![of("TestA", "a/b"), of("TestA", "a/b"), of("TestB", "a/b")];
        assert_eq!(storm.add("race", twice(), Sign::Death).len(), 2);
        assert!(storm.add("race", twice(), Sign::Death).is_empty());
        // The same name in another package is another failure.
        assert_eq!(
            storm
                .add("none", vec![of("TestA", "a/c")], Sign::Death)
                .len(),
            1
        );
        let by = storm.failures.iter().map(|it| &it.by);
        let by: Vec<_> = by
            .flatten()
            .map(|(knob, times)| (&**knob, *times))
            .collect();
        assert_eq!(by, [("race", 2), ("race", 2), ("none", 1)]);
    }

    #[test]
    fn runs_in_which_a_test_is_left_out_say_nothing_about_it() {
        let mut storm = storm(&[("none", count(5, 5, 10.0))]);
        storm.leave_out(&["none", "race"], "a/b", "TestA");
        storm.leave_out(&["race"], "a/b", "TestB");
        let all = storm
            .counts
            .get_mut("none")
            .unwrap()
            .get_mut("a/b")
            .unwrap();
        *all = count(90, 6, 99.0);
        let dies = failure(&[("none", 5)]);
        assert_eq!(dies.count(&storm, "none").runs, 5);
        assert_eq!(dies.count(&storm, "race").runs, 0);
        assert_eq!(dies.verdict(&storm), Verdict::Broken);
        let mut other = failure(&[("none", 1)]);
        other.first.report.test = Some("TestB".to_owned());
        assert_eq!(other.count(&storm, "none").runs, 90);
        // It is left out once.
        storm.leave_out(&["none"], "a/b", "TestA");
        assert_eq!(dies.count(&storm, "none").runs, 5);
        assert_eq!(storm.left_out("none", "a/b"), ["TestA".to_owned()].into());
        assert_eq!(storm.left_out("race", "a/b").len(), 2);
        assert!(storm.left_out("none", "a/c").is_empty());
    }

    #[test]
    fn a_failure_is_told_by_what_it_needs() {
        let mut storm = storm(&[
            ("none", count(10, 5, 10.0)),
            ("race", count(20, 12, 40.0)),
            ("load", count(20, 12, 40.0)),
        ]);
        // Runs of another package say nothing about it.
        let other = storm.counts.get_mut("none").unwrap();
        other.insert("a/c".to_owned(), count(90, 0, 9.0));
        for (by, expected) in [
            (&[("none", 5)][..], Verdict::Broken),
            (&[("none", 1), ("race", 1)], Verdict::Rare),
            (&[("race", 1)], Verdict::TooFew),
            (&[("load", 3)], Verdict::TooFew),
            (&[("race", 12)], Verdict::UnderStorm),
            (&[("load", 12), ("race", 1)], Verdict::UnderStorm),
            (&[("load", 12)], Verdict::Contention),
        ] {
            assert_eq!(failure(by).verdict(&storm), expected);
        }
        assert_eq!(storm.of("none").runs, 100);
    }

    #[test]
    fn plain_runs_that_hang_do_not_say_that_a_failure_needs_a_storm() {
        let of = |timed_out| {
            let none = Count {
                timed_out,
                ..count(10, 0, 10.0)
            };
            let storm = storm(&[("none", none), ("race", count(20, 12, 40.0))]);
            failure(&[("race", 12)]).verdict(&storm)
        };
        assert_eq!(of(0), Verdict::UnderStorm);
        assert_eq!(of(9), Verdict::TooFew);
    }

    #[test]
    fn time_that_was_waited_makes_a_knob_promise_less() {
        let waits = |waited| Count {
            waited,
            ..count(10, 5, 10.0)
        };
        assert!(waits(120.0).promise() < waits(0.0).promise());
        assert!(count(10, 5, 20.0).promise() < waits(0.0).promise());
    }

    #[test]
    fn what_a_detector_reports_is_no_question_of_order_alone() {
        let storm = storm(&[("none", count(10, 0, 10.0))]);
        let of = |by| Failure {
            sign: Sign::Report,
            ..failure(by)
        };
        let asan = "asan, GOGC=1";
        for (by, expected) in [
            (&[("race", 1)][..], Verdict::Overlooked),
            (&[(asan, 5), ("cgocheck2", 1)], Verdict::Overlooked),
            (&[(asan, 5)], Verdict::Detected),
            (&[("none", 10)], Verdict::Broken),
        ] {
            assert_eq!(of(by).verdict(&storm), expected);
        }
    }

    #[test]
    fn a_hang_and_a_failing_test_may_be_no_more_than_slow() {
        let storm = storm(&[
            ("none", count(10, 0, 10.0)),
            ("race", count(20, 12, 10.0)),
            ("load", count(20, 12, 10.0)),
        ]);
        let of = |sign, by: &[(&str, u32)]| {
            let one = Failure {
                sign,
                ..failure(by)
            };
            one.verdict(&storm)
        };
        assert_eq!(of(Sign::Hang, &[("race", 1)]), Verdict::TimeOut);
        assert_eq!(of(Sign::Hang, &[("none", 1)]), Verdict::TimeOut);
        assert_eq!(of(Sign::Hang, &[("none", 9)]), Verdict::Broken);
        assert_eq!(of(Sign::Test, &[("race", 1)]), Verdict::TooFew);
        assert_eq!(of(Sign::Test, &[("race", 12)]), Verdict::Suspected);
        assert_eq!(of(Sign::Test, &[("none", 1)]), Verdict::Rare);
        assert_eq!(of(Sign::Test, &[("load", 12)]), Verdict::Contention);
    }

    #[test]
    fn a_program_hangs_if_it_is_much_slower_than_its_slowest_run() {
        let mut storm = storm(&[("none", count(3, 0, 3.0))]);
        let limit = |storm: &Storm| storm.limit("none", "a/b");
        assert_eq!(limit(&storm), None);
        let packages = storm.counts.get_mut("none").unwrap();
        packages.get_mut("a/b").unwrap().longest = 0.1;
        assert_eq!(limit(&storm), Some(SHORTEST));
        let packages = storm.counts.get_mut("none").unwrap();
        packages.get_mut("a/b").unwrap().longest = 30.0;
        assert_eq!(limit(&storm), Some(Duration::from_secs(300)));
        assert_eq!(storm.limit("race", "a/b"), None);
    }

    #[test]
    fn an_accepted_failure_is_not_red_unless_another_build_has_it_too() {
        let text = "[[accept]]\nengine = \"race\"\ntest = \"TestA\"\nreason = \"known\"\n";
        let entries = SubjectFile::parse(text).unwrap().accept;
        let red = |by: &[(&str, u32)]| {
            let mut one = failure(by);
            one.first.tests = vec!["TestA".to_owned()];
            let mut storm = Storm {
                failures: vec![one],
                ..Storm::default()
            };
            storm.accept(&entries, &KNOBS.each_ref());
            storm.counting()
        };
        assert_eq!(red(&[("race", 1)]), 0);
        assert_eq!(red(&[("race", 1), ("collector", 1)]), 1);
    }

    #[test]
    fn a_known_false_alarm_is_told_and_not_red() {
        let report = Report {
            class: "CHECK failed".to_owned(),
            other: None,
            text: "CHECK failed: asan_thread.cpp:369".to_owned(),
            ..failure(&[]).first.report
        };
        let mut one = failure(&[("asan, GOGC=1", 3)]);
        one.first.known = known::of("storm-asan", &report);
        let storm = Storm {
            failures: vec![one],
            ..Storm::default()
        };
        assert_eq!(storm.failures[0].verdict(&storm), Verdict::Known);
        assert!(storm.is_green() && storm.counting() == 0);
    }

    #[test]
    fn the_likeliest_knob_is_that_with_most_failures_in_a_second() {
        let storm = storm(&[("none", count(10, 5, 1.0)), ("race", count(9, 9, 0.1))]);
        let likeliest = |none| {
            let failure = failure(&[("none", none), ("race", 9)]);
            failure.likeliest(&storm).unwrap().0.to_owned()
        };
        assert_eq!(likeliest(1), "race");
        // It fails in most plain runs: a knob that adds to it is luck.
        assert_eq!(likeliest(9), "none");
    }

    #[test]
    fn the_rate_of_a_hang_is_in_the_time_that_was_waited_for_it() {
        let hung = Count {
            runs: 2,
            timed_out: 2,
            waited: 20.0,
            ..Count::default()
        };
        let storm = storm(&[("none", count(10, 0, 10.0)), ("race", hung)]);
        let rate = |sign| {
            let one = Failure {
                sign,
                ..failure(&[("race", 2)])
            };
            one.likeliest(&storm).unwrap().1
        };
        assert_eq!(rate(Sign::Hang), 0.1);
        assert!(rate(Sign::Death) > 1.0);
    }

    #[test]
    fn a_storm_goes_on_only_with_the_same_programs() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("storm.json");
        let storm = Storm {
            subject: "programs".to_owned(),
            failures: vec![failure(&[("none", 1)])],
            ..storm(&[("none", count(3, 1, 2.0))])
        };
        let none = Storm::resumed(&place, "programs").unwrap_err().to_string();
        assert!(none.contains("there is no storm to go on with"), "{none}");
        storm.save(&place).unwrap();
        assert_eq!(Storm::resumed(&place, "programs").unwrap(), storm);
        let other = Storm::resumed(&place, "others").unwrap_err().to_string();
        assert!(other.contains("begin anew"), "{other}");
    }

    #[test]
    fn what_says_nothing_is_not_green() {
        assert!(Storm::default().is_green());
        for storm in [
            Storm {
                not_built: BTreeMap::from([("race".to_owned(), BTreeMap::new())]),
                ..Storm::default()
            },
            Storm {
                off: BTreeMap::from([("race".to_owned(), "missed".to_owned())]),
                ..Storm::default()
            },
            Storm {
                interrupted: true,
                ..Storm::default()
            },
            Storm {
                failures: vec![failure(&[("none", 1)])],
                ..Storm::default()
            },
        ] {
            assert!(!storm.is_green());
        }
    }
}
