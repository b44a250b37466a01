//! A storm for a terminal.

use std::collections::{BTreeMap, BTreeSet};

use comfy_table::Cell;

use super::knobs::NONE;
use super::rate::Rate;
use super::tally::{Count, Failure, Sign, Storm, Verdict};
use crate::foreign::module::{counted, counted_as};
use crate::foreign::report::{complaint, readable, shown};
use crate::host::out::{columns, right, wrapped, wrapped_command};

/// The whole storm. `order` has the names of the knobs.
pub(super) fn report(storm: &Storm, order: &[&str]) -> String {
    let head = [
        "knob",
        "runs",
        "failed",
        "time-outs",
        "95 % interval",
        "a minute",
    ];
    let counts = order.iter().map(|knob| (knob, storm.of(knob)));
    let rows = counts.filter(|(_, count)| count.runs > 0);
    let rows = rows.map(|(knob, count)| row(knob, &count));
    let table = columns(
        std::iter::once(head.map(str::to_owned))
            .chain(rows)
            .map(cells),
    );
    let mut notes = Vec::new();
    for (knob, why) in &storm.off {
        notes.push(format!("{knob}: OFF: {why}"));
    }
    for (word, knobs) in [
        ("no test runs", &storm.idle),
        ("does not build", &storm.not_built),
    ] {
        for (knob, package, why) in once(knobs) {
            notes.push(format!("{knob}: {package}: {word}: {why}"));
        }
    }
    for (knob, packages) in &storm.out {
        for (test, runs) in packages.values().flatten() {
            let why = match runs.timed_out {
                0 => "it ended its program each time",
                _ => "it does not end",
            };
            let why = format!(
                "left out after {}: {why}",
                counted(runs.runs as usize, "run")
            );
            notes.extend((runs.runs > 0).then(|| format!("{knob}: {test}: {why}")));
        }
    }
    for (knob, why) in &storm.unsupported {
        notes.push(format!("{knob}: unsupported here: {why}"));
    }
    let mut lines = vec![format!("\n{}", table.trim_end())];
    lines.extend(notes.iter().map(|note| wrapped(note, "")));
    for (number, failure) in (1..).zip(&storm.failures) {
        lines.push(String::new());
        let name = format!("{number}. {}", shown(&failure.first.report));
        lines.push(wrapped(&name, ""));
        lines.extend(story(storm, failure));
    }
    lines.push(String::new());
    lines.push(wrapped(&headline(storm), ""));
    lines.join("\n") + "\n"
}

/// Packages that are left out, each under the knobs that leave it out: one that is left out plainly stands there alone.
fn once(
    knobs: &BTreeMap<String, BTreeMap<String, String>>,
) -> impl Iterator<Item = (&str, &str, &str)> {
    let plainly = knobs.get(NONE);
    let is_plain = move |package| plainly.is_some_and(|it| it.contains_key(package));
    knobs.iter().flat_map(move |(knob, packages)| {
        let here = packages.iter();
        let here = here.filter(move |(package, _)| knob == NONE || !is_plain(*package));
        here.map(move |(package, why)| (knob.as_str(), package.as_str(), why.as_str()))
    })
}

fn row(knob: &str, count: &Count) -> [String; 6] {
    let Rate { low, high, .. } = count.rate();
    let minutes = count.seconds.max(0.001) / 60.0;
    [
        knob.to_owned(),
        count.runs.to_string(),
        count.failed.to_string(),
        count.timed_out.to_string(),
        format!("{:.1} … {:.1} %", low * 100.0, high * 100.0),
        format!("{:.1}", f64::from(count.failed) / minutes),
    ]
}

/// The cells of a row. Figures stand on the right of their columns.
fn cells([knob, figures @ ..]: [String; 6]) -> Vec<Cell> {
    let figures = figures.into_iter().map(right);
    std::iter::once(Cell::new(knob)).chain(figures).collect()
}

/// The indent of what is told of a failure.
const INDENT: &str = "   ";

/// The lines below the name of a failure.
fn story(storm: &Storm, failure: &Failure) -> Vec<String> {
    let told = |text: String| wrapped(&text, INDENT);
    let command = |text: &String| wrapped_command(text, INDENT);
    let mut lines = vec![told(failure.verdict(storm).words().to_owned())];
    let by = failure.by.iter().map(|(knob, times)| {
        let runs = failure.count(storm, knob).runs;
        let Rate { low, high, .. } = Rate::of(*times, runs);
        let (low, high) = (low * 100.0, high * 100.0);
        format!("{times} of {runs} ({low:.0} … {high:.0} %) under {knob}")
    });
    let says = complaint(&failure.first.report.text);
    let says = says.filter(|_| failure.sign == Sign::Test);
    lines.extend(says.map(|it| told(format!("it says: {}", readable(it)))));
    let known = failure.first.known.iter();
    lines.extend(known.map(|it| told(format!("{}, {}", it.reason, it.reference))));
    let accepted = failure.accepted.iter();
    lines.extend(accepted.map(|why| told(format!("accepted: {why}"))));
    lines.push(told(format!("seen: {}", by.collect::<Vec<_>>().join("; "))));
    if let Some((knob, rate)) = failure.likeliest(storm) {
        if failure.verdict(storm) != Verdict::Broken {
            let mut line = format!("likeliest under {knob}: {:.1} a minute", rate * 60.0);
            if let Some(factor) = against_none(storm, failure, rate) {
                line.push_str(&format!(", {factor}"));
            }
            lines.push(told(line));
        }
        lines.extend(failure.commands.get(knob).map(command));
    }
    if let Some(minimal) = &failure.minimal {
        lines.push(told(format!("smallest, {}:", minimal.found())));
        lines.push(command(&minimal.command));
    }
    let report = failure.report.iter();
    lines.extend(report.map(|it| format!("{INDENT}report: {it}")));
    lines
}

/// The rate of a failure, compared with the plain runs.
fn against_none(storm: &Storm, failure: &Failure, rate: f64) -> Option<String> {
    let plain = failure.count(storm, NONE);
    if plain.runs == plain.timed_out {
        return None;
    }
    let times = failure.by.get(NONE).copied().unwrap_or_default();
    // A failure that was never seen without a storm counts as one: that gives a bound.
    let most = f64::from(times.max(1)) / failure.seconds(storm, NONE);
    let factor = rate / most;
    match times {
        _ if factor < 2.0 => None,
        0 => Some(format!(
            "more than {factor:.0} times as often as without a storm"
        )),
        _ => Some(format!("{factor:.0} times as often as without a storm")),
    }
}

fn headline(storm: &Storm) -> String {
    let runs = counted(storm.runs() as usize, "run");
    let mut text = match storm.counting() {
        0 => format!("nothing failed in {runs}"),
        ways => format!(
            "{} in {runs}",
            counted_as(ways, "way to fail", "ways to fail")
        ),
    };
    let count = |is: fn(&Failure) -> bool| storm.failures.iter().filter(|it| is(it)).count();
    let known = count(|it| it.first.known.is_some());
    if known > 0 {
        text.push_str(&format!("; {}", counted(known, "known false alarm")));
    }
    let accepted = count(|it| it.first.known.is_none() && it.accepted.is_some());
    if accepted > 0 {
        text.push_str(&format!("; {accepted} accepted"));
    }
    let left_out = storm.unsupported.len() + storm.off.len();
    if left_out > 0 {
        text.push_str(&format!("; left out: {}", counted(left_out, "knob")));
    }
    let without = storm.without_tests();
    for (package, why) in &without {
        text.push_str(&format!("; no test of {package} ran: {why}"));
    }
    let not_built = once(&storm.not_built);
    let left_out = once(&storm.idle).chain(not_built).map(|it| it.1);
    let left_out: BTreeSet<&str> = left_out.filter(|it| !without.contains_key(*it)).collect();
    if !left_out.is_empty() {
        let count = counted(left_out.len(), "package");
        text.push_str(&format!("; {count} left out under a knob"));
    }
    if storm.interrupted {
        text.push_str("; stopped by Ctrl-C");
    }
    format!("{}: {text}, {:.0} s", storm.module, storm.seconds)
}

#[cfg(test)]
mod tests {
    use super::super::tally::tests::{count, failure, storm};
    use super::*;

    #[test]
    fn a_failure_is_told_with_its_likeliest_command_and_how_much_that_helps() {
        let counts = [("none", count(100, 1, 100.0)), ("race", count(9, 9, 9.0))];
        let storm = Storm {
            failures: vec![failure(&[("none", 1), ("race", 9)])],
            ..storm(&counts)
        };
        let text = report(&storm, &["none", "race"]);
        let table: Vec<&str> = text.lines().skip(1).take(3).collect();
        assert_eq!(
            table,
            [
                "knob  runs  failed  time-outs   95 % interval  a minute",
                "none   100       1          0     0.2 … 5.4 %       0.6",
                "race     9       9          0  70.1 … 100.0 %      60.0",
            ]
        );
        for words in [
            "race: go test",
            "1 way to fail in 109 runs",
            "9 of 9 (70 … 100 %) under race",
            "likeliest under race: 60.0 a minute, 100 times as often as without a storm",
        ] {
            assert!(text.contains(words), "{words}: {text}");
        }
    }

    #[test]
    fn a_failing_test_is_told_with_its_words_and_a_death_with_its_place() {
        let words = "=== RUN   TestA\n    a_test.go:7: no answer\n--- FAIL: TestA (0.00s)";
        let told = |sign| {
            let mut one = failure(&[("race", 1)]);
            one.sign = sign;
            words.clone_into(&mut one.first.report.text);
            story(&storm(&[("race", count(1, 1, 1.0))]), &one).join("\n")
        };
        assert!(told(Sign::Test).contains("\n   it says: a_test.go:7: no answer\n"));
        assert!(!told(Sign::Death).contains("it says"));
    }

    #[test]
    fn a_test_is_left_out_for_what_it_did() {
        let why = |count: Count| {
            let mut storm = storm(&[("none", count)]);
            storm.leave_out(&["none"], "a/b", "TestA");
            report(&storm, &["none"])
        };
        let died = why(count(5, 5, 1.0));
        assert!(
            died.contains("none: TestA: left out after 5 runs: it ended its program each time\n"),
            "{died}"
        );
        let hung = why(Count {
            timed_out: 1,
            ..count(1, 0, 9.0)
        });
        assert!(
            hung.contains("none: TestA: left out after 1 run: it does not end\n"),
            "{hung}"
        );
    }

    #[test]
    fn what_was_left_out_is_in_the_headline() {
        let storm = Storm {
            module: "a/b".to_owned(),
            off: BTreeMap::from([("race".to_owned(), "missed".to_owned())]),
            idle: BTreeMap::from([(
                "load".to_owned(),
                BTreeMap::from([("a/b".to_owned(), "skipped".to_owned())]),
            )]),
            ..storm(&[("none", count(3, 0, 3.0))])
        };
        let text = report(&storm, &["none", "race"]);
        assert!(text.contains("\nrace: OFF: missed\n"), "{text}");
        let last = text.rsplit("\n\n").next().unwrap();
        let last = last.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(
            last,
            "a/b: nothing failed in 3 runs; left out: 1 knob; 1 package left out under a knob, 0 s"
        );
    }
}
