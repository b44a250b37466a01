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
}
