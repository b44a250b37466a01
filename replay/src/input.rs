//! Scenarios as they are given: a text, a crash file of a fuzzer, or hexadecimal digits.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use courier_scenario::Op;
use courier_scenario::bytes::{self, MAX_STEPS, RECORD, from_hex};
use courier_scenario::explore::Operation as _;
use courier_scenario::explore::text::{self, BEGIN, Scenario};
use courier_scenario::oracle::without_refusals;

/// More than any scenario has, be it a text or bytes.
const MAX_LENGTH: u64 = 1 << 20;

/// Fuzz targets whose inputs are no scenarios.
const OTHER_TARGETS: [&str; 5] = [
    "hostile_ids",
    "abi_structs",
    "memory_views",
    "canary_crash",
    "empty",
];

/// The fuzz target that runs only the part of a scenario that nobody refuses.
const VALID_TARGET: &str = "valid_lifecycle";

/// Reads a scenario from a file, or from hexadecimal digits. `as_bytes` takes a file for bytes that looks like
/// a text.
///
/// # Errors
/// The mistake in it, and the way to mend it.
pub fn read(input: &str, as_bytes: bool) -> Result<Scenario<Op>> {
    let path = Path::new(input);
    if path.exists() {
        return of_file(path, as_bytes);
    }
    if input.is_empty() {
        bail!("there is no scenario: name a file, or give its hexadecimal digits");
    }
    if input.contains(['/', '.']) {
        bail!("there is no file {input}");
    }
    let steps = from_hex(input)
        .map_err(|error| anyhow::anyhow!("{error}, and there is no file of that name"))?;
    let digits = |number: usize| input.get(2 * number..2 * number + 2);
    let version = digits(0).and_then(|digits| u8::from_str_radix(digits, 16).ok());
    if let Some(version) = version
        && !(1..=Op::VERSION).contains(&version)
    {
        bail!(
            "these digits are of version {version}, and this program knows versions up to {}: use \
             the one that wrote them, or a newer one",
            Op::VERSION
        );
    }
    if !(input.len() / 2).saturating_sub(1).is_multiple_of(RECORD) {
        bail!("the digits are cut off: a step is {RECORD} bytes, after one byte of version");
    }
    if input.len() / 2 > 1 + MAX_STEPS * RECORD {
        bail!("more than {MAX_STEPS} steps, which is the longest scenario");
    }
    Ok(Scenario::from(steps))
}

fn of_file(path: &Path, as_bytes: bool) -> Result<Scenario<Op>> {
    let name = path.display();
    let file = File::open(path).with_context(|| format!("cannot open {name}"))?;
    let mut content = Vec::new();
    file.take(MAX_LENGTH + 1)
        .read_to_end(&mut content)
        .with_context(|| format!("cannot read {name}"))?;
    if content.len() as u64 > MAX_LENGTH {
        bail!("{name} is too long for a scenario, which has at most {MAX_STEPS} steps");
    }
    let is_scenario = path.extension().is_some_and(|ending| ending == BEGIN);
    if !as_bytes && (is_scenario || looks_like_text(&content)) {
        return text::parse(&content).map_err(|mistake| {
            let report = mistake.report(&name.to_string(), &content);
            anyhow::anyhow!("{}", report.trim_end().trim_start_matches("Error: "))
        });
    }
    let target = |target: &str| {
        let mut folders = path.components().rev().skip(1);
        folders.any(|part| part.as_os_str().to_str() == Some(target))
    };
    if let Some(other) = OTHER_TARGETS.into_iter().find(|other| target(other)) {
        bail!(
            "{name} is an input of the fuzz target {other}, and no scenario: run `cargo fuzz run \
             {other} {name}`"
        );
    }
    let steps = bytes::decode(&content);
    Ok(Scenario::from(if target(VALID_TARGET) {
        without_refusals(&steps)
    } else {
        steps
    }))
}

/// A text begins with a letter or a comment; bytes begin with their version, which is no character.
fn looks_like_text(content: &[u8]) -> bool {
    let begins = content.trim_ascii_start();
    begins.starts_with(BEGIN.as_bytes())
        || begins.starts_with(b"#")
        || !content.is_empty()
            && content
                .iter()
                .all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace())
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use tempfile::TempDir;

    use super::*;

    const STEPS: [u8; 9] = [2, 0, 0, 0, 0, 10, 0, 0, 0];

    fn file(name: &str, content: &[u8]) -> (TempDir, PathBuf) {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        (dir, path)
    }

    fn read_file(name: &str, content: &[u8]) -> Result<Scenario<Op>> {
        let (_dir, path) = file(name, content);
        read(path.to_str().unwrap(), false)
    }

    #[test]
    fn one_scenario_in_three_forms() {
        let scenario = Scenario::from(bytes::decode(&STEPS));
        let is = |read: Result<Scenario<Op>>| read.unwrap() == scenario;
        assert!(is(read("02000000000a000000", false)));
        assert!(is(read_file("crash-1", &STEPS)));
        assert!(is(read_file("a.scenario", scenario.to_string().as_bytes())));
        assert!(is(read_file("unnamed", scenario.to_string().as_bytes())));
        assert!(read_file("empty", &[]).unwrap().steps.is_empty());
    }

    /// Its target runs no step that is refused: the session of nobody, here.
    #[test]
    fn a_crash_file_is_read_as_its_target_reads_it() {
        let steps = [2, 10, 0, 0, 0];
        let valid = read_file("valid_lifecycle/crash-1", &steps).unwrap();
        assert!(valid.steps.is_empty());
        let any = read_file("request_lifecycle/crash-1", &steps).unwrap();
        assert_eq!(any.steps.len(), 1);
    }

    #[test]
    fn bytes_that_look_like_a_text_are_asked_about() {
        let (_dir, path) = file("crash-1", b"2000000000");
        let path = path.to_str().unwrap();
        assert_eq!(read(path, true).unwrap().steps.len(), 2);
        let error = read(path, false).unwrap_err().to_string();
        assert!(error.contains("this is not a scenario"), "{error}");
    }

    #[test]
    fn each_mistake_has_its_cure() {
        let long = format!("02{}", "00000000".repeat(MAX_STEPS + 1));
        let newer = format!("{:02}00000000", Op::VERSION + 1);
        let known = format!("versions up to {}", Op::VERSION);
        for (input, cure) in [
            (
                newer.as_str(),
                "use the one that wrote them, or a newer one",
            ),
            ("00", known.as_str()),
            ("020000", "cut off: a step is 4 bytes"),
            (&long, "more than 256 steps"),
            (
                "02000",
                "odd number of digits, and there is no file of that name",
            ),
            ("zz", "not hexadecimal, and there is no file"),
            ("", "name a file"),
            ("a/b", "there is no file a/b"),
            ("crash.bin", "there is no file crash.bin"),
        ] {
            let error = read(input, false).unwrap_err().to_string();
            assert!(error.contains(cure), "{input}: {error}");
        }
        let whole = Scenario::from(bytes::decode::<Op>(&STEPS)).to_string();
        for (name, content, cure) in [
            (
                "hostile_ids/crash-1",
                &STEPS[..],
                "`cargo fuzz run hostile_ids ",
            ),
            (
                "a.scenario",
                whole.trim_end_matches("end\n").as_bytes(),
                "the scenario is cut off",
            ),
            ("a", b"scenario 9\nend\n", "use the one that wrote it"),
            ("a", b"scenario 2\n0: Lod\nend\n", "did you mean `Load`?"),
            ("a", b"scenario 2\n\xff\nend\n", "not UTF-8"),
            ("a.scenario", b"\xff", "not UTF-8"),
            ("a", &vec![b' '; (MAX_LENGTH + 1) as usize], "too long"),
        ] {
            let error = read_file(name, content).unwrap_err().to_string();
            assert!(error.contains(cure), "{name}: {error}");
            assert!(error.contains(name), "{name}: {error}");
        }
        let directory = TempDir::new().unwrap();
        let error = read(directory.path().to_str().unwrap(), false).unwrap_err();
        assert!(error.to_string().contains("cannot read"), "{error}");
    }
}
