//! Reads what a libFuzzer run printed.

use std::path::Path;

use crate::host::out::one_line;

/// Returns true if the target started at all; if not, something did not build.
pub fn started(text: &str) -> bool {
    text.lines()
        .any(|line| line.starts_with("INFO: Seed:") || line.starts_with("Running: "))
}

/// Returns true if it ended since no input had reached a counter, as it does before clang 15. Later ones go on.
pub fn reached_nothing(text: &str) -> bool {
    text.lines()
        .any(|line| line.starts_with("ERROR: no interesting inputs were found."))
}

/// The number of counters that a target said it has when it started: `INFO: Loaded 1 modules   (7977 inline 8-bit
/// counters): …`.
pub fn counters(text: &str) -> u64 {
    let number = |line: &str| -> Option<u64> {
        let (_, rest) = line.strip_prefix("INFO: Loaded ")?.split_once('(')?;
        let (number, rest) = rest.split_once(' ')?;
        rest.starts_with("inline 8-bit counters").then_some(())?;
        number.parse().ok()
    };
    text.lines().filter_map(number).sum()
}

/// The number of inputs that ran.
pub fn executions(text: &str) -> Option<u64> {
    let after = |line: &str, start: &str| -> Option<u64> {
        line.strip_prefix(start)?
            .split_whitespace()
            .next()?
            .parse()
            .ok()
    };
    text.lines().rev().find_map(|line| {
        after(line, "stat::number_of_executed_units:").or_else(|| after(line, "Done "))
    })
}

/// Why the target failed, in one line: what the target or the sanitizer said before libFuzzer
/// only says that there was a signal.
pub fn failure(text: &str) -> String {
    let lines = || text.lines().map(str::trim);
    // The summary names the place, and no addresses that are others each time.
    let sanitizer = || {
        let summary = lines().find_map(|line| line.strip_prefix("SUMMARY: "));
        summary.filter(|summary| !summary.starts_with("libFuzzer:"))
    };
    panic(text)
        .or_else(sanitizer)
        .or_else(|| lines().find(|line| line.contains("ERROR: AddressSanitizer:")))
        .or_else(|| lines().find(|line| line.contains("ERROR: libFuzzer:")))
        .or_else(|| lines().rfind(|line| line.starts_with("error")))
        .map_or_else(
            || "no message".to_owned(),
            |line| one_line(without_process(line), 300),
        )
}

/// The text of the last panic: the line after "panicked at".
fn panic(text: &str) -> Option<&str> {
    let mut lines = text.lines();
    let mut message = None;
    while let Some(line) = lines.next() {
        if line.contains("panicked at ") {
            message = lines.next().or(message);
        }
    }
    message.map(str::trim).filter(|line| !line.is_empty())
}

/// Without the number of the process, which is another one each time: `==123== ERROR`.
fn without_process(line: &str) -> &str {
    match line
        .strip_prefix("==")
        .and_then(|rest| rest.split_once("=="))
    {
        Some((number, rest)) if number.bytes().all(|byte| byte.is_ascii_digit()) => rest.trim(),
        _ => line,
    }
}

/// The number of features that a run reached beyond those of the inputs that it began with.
pub fn new_features(text: &str) -> u64 {
    let features = |line: &str| {
        let (_, rest) = line.strip_prefix('#')?.split_once(" ft: ")?;
        rest.split(' ').next()?.parse::<u64>().ok()
    };
    let mut from_there = text
        .lines()
        .skip_while(|line| !line.contains("\tINITED "))
        .filter_map(features);
    let first = from_there.next().unwrap_or(0);
    from_there.max().unwrap_or(first).saturating_sub(first)
}

/// The inputs that made the target fail, as libFuzzer wrote them.
pub fn written(text: &str) -> Vec<&Path> {
    text.lines()
        .filter_map(|line| Some(line.split_once("Test unit written to ")?.1.trim()))
        .filter(|path| !path.contains("slow-unit-"))
        .map(Path::new)
        .collect()
}

/// Returns this line in the form that people see while the target runs, if they want to see it.
pub fn closing_line(line: &str) -> Option<String> {
    let shown = ["SUMMARY: ", cgolab_note::BROKEN, "error"]
        .iter()
        .any(|start| line.starts_with(start))
        || line.contains("ERROR: libFuzzer:");
    shown.then(|| line.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_before_clang_15_a_run_ends_when_nothing_is_reached() {
        let rest =
            "no interesting inputs were found. Is the code instrumented for coverage? Exiting.";
        assert!(reached_nothing(&format!("#2\n\nERROR: {rest}\n")));
        let goes_on = "WARNING: no interesting inputs were found so far.\n";
        assert!(!reached_nothing(goes_on));
    }

    const CRASH: &str = "\
INFO: Running with entropic power schedule (0xFF, 100).
INFO: Seed: 1
#2\tINITED cov: 4 ft: 4 corp: 1/1b exec/s: 0 rss: 33Mb
cgolab: broken=REQ-04
==4242== ERROR: libFuzzer: deadly signal
SUMMARY: libFuzzer: deadly signal
artifact_prefix='c/'; Test unit written to c/crash-1
stat::number_of_executed_units: 4242
stat::average_exec_per_sec:     0
";

    #[test]
    fn counters_are_those_that_the_target_loaded() {
        let loaded = "INFO: Loaded 1 modules   (7977 inline 8-bit counters): 7977 [0x1, 0x2),\n\
            INFO: Loaded 1 PC tables (7977 PCs): 7977 [0x1,0x2),\n";
        assert_eq!(counters(loaded), 7977);
        assert_eq!(counters(CRASH), 0);
    }

    #[test]
    fn executions_are_counted() {
        assert_eq!(executions(CRASH), Some(4242));
        assert_eq!(
            executions("Done 1317242 runs in 21 second(s)\n"),
            Some(1_317_242)
        );
        assert_eq!(executions("Done with it\n"), None);
    }

    #[test]
    fn the_failure_is_what_says_most() {
        assert_eq!(failure(CRASH), "ERROR: libFuzzer: deadly signal");
        let panic = "thread '<unnamed>' (7) panicked at x.rs:1:2:\nthe model disagrees\n";
        assert_eq!(failure(&format!("{panic}{CRASH}")), "the model disagrees");
        let asan = "==7==ERROR: AddressSanitizer: heap-use-after-free on address 0x1\n";
        assert_eq!(
            failure(asan),
            "ERROR: AddressSanitizer: heap-use-after-free on address 0x1"
        );
        let summary = "SUMMARY: AddressSanitizer: heap-use-after-free a.rs:3:4 in f\n";
        assert_eq!(
            failure(&format!("{asan}{summary}")),
            "AddressSanitizer: heap-use-after-free a.rs:3:4 in f"
        );
        assert_eq!(
            failure("error: could not compile `x`"),
            "error: could not compile `x`"
        );
        assert_eq!(failure(""), "no message");
    }

    #[test]
    fn inputs_are_found_where_they_were_written() {
        let slow = "artifact_prefix='c/'; Test unit written to c/slow-unit-2\n";
        let found = format!("{slow}{CRASH}");
        assert_eq!(written(&found), [Path::new("c/crash-1")]);
    }

    #[test]
    fn features_count_from_where_the_run_began() {
        let text = "#7\tpulse  cov: 9 ft: 90 corp: 3/3b\n#9\tINITED cov: 4 ft: 40 corp: 2/2b exec/s: 0\n\
            #10\tNEW    cov: 5 ft: 52 corp: 3/3b\n#60\tDONE   cov: 5 ft: 53 corp: 3/3b\n";
        assert_eq!(new_features(text), 13);
        assert_eq!(new_features(CRASH), 0);
        assert_eq!(new_features(""), 0);
    }

    #[test]
    fn a_build_error_is_no_start() {
        assert!(started(CRASH));
        assert!(started("Running: crash-1\n"));
        assert!(!started("error: could not compile `x`\n"));
    }

    #[test]
    fn progress_is_not_news() {
        assert!(closing_line("#1024\tNEW    cov: 9 ft: 10").is_none());
        assert!(closing_line("==1== ERROR: libFuzzer: timeout after 25 seconds").is_some());
        assert!(closing_line("cgolab: broken=REQ-04").is_some());
    }
}
