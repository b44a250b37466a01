//! Reads what a run of `go test -fuzz` printed.

/// The number of inputs that Go's fuzzer ran, from its last line about that:
/// `fuzz: elapsed: 3s, execs: 93208 (31063/sec), …`.
pub fn executions(text: &str) -> Option<u64> {
    let count = |line: &str| {
        let (_, rest) = line.split_once("execs: ")?;
        rest.split(' ').next()?.parse().ok()
    };
    text.lines().rev().find_map(count)
}

/// Reports whether the fuzzer failed only because its time was over: it sometimes takes that for a failure of the test.
pub fn time_was_over(text: &str) -> bool {
    let mut lines = text.lines();
    let failed = lines.any(|line| line.starts_with("--- FAIL: Fuzz"));
    failed
        && lines
            .next()
            .is_some_and(|line| line.trim() == "context deadline exceeded")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn executions_are_those_of_the_last_line() {
        let text = "fuzz: elapsed: 0s, gathering baseline coverage: 0/2 completed\n\
            fuzz: elapsed: 3s, execs: 100 (33/sec), new interesting: 1 (total: 3)\n\
            fuzz: elapsed: 6s, execs: 157029 (21271/sec), new interesting: 1 (total: 3)\nPASS\n";
        assert_eq!(executions(text), Some(157_029));
        assert_eq!(executions("PASS\n"), None);
        assert_eq!(executions(""), None);
    }

    #[test]
    fn the_end_of_the_time_is_no_failure_of_a_test() {
        let text = "fuzz: elapsed: 10s, execs: 516494 (42329/sec), new interesting: 5 (total: 5)\n\
            --- FAIL: FuzzX (10.05s)\n    context deadline exceeded\nFAIL\n";
        assert!(time_was_over(text));
        let own = text.replace("    context", "    x_test.go:3: context");
        assert!(!time_was_over(&own));
        assert!(!time_was_over("PASS\n"));
    }
}
