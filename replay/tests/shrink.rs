//! Shrinking with programs that only claim to run a scenario: they break, die and hold as a script says.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use courier_replay::shrink::{Build, Often, smallest};
use courier_scenario::explore::text;
use courier_scenario::through::Through;
use tempfile::TempDir;

const ONCE: Often = Often { times: 1, of: 1 };

const BROKEN: &str = r#"echo '{"Broken":{"contracts":["REQ-20"],"report":"it broke"}}'"#;
const OTHER: &str = r#"echo '{"Broken":{"contracts":["REQ-04"],"report":"it broke"}}'"#;
const HELD: &str = r#"echo '"Held"'"#;

const LONG: &str = "scenario 2\n0: RuntimeCreate\n0: SessionCreate\n3: Signal source=7\n\
                    0: Load session=0 url=App deadline=Far\n0: Cancel session=0 load=1\n0: Pump\nend\n";

struct Scripts(TempDir);

impl Scripts {
    /// A build whose program does this with the text, which is in `$text`.
    fn build(&self, name: &str, does: &str) -> Build {
        let path = self.0.path().join(name);
        fs::write(&path, format!("#!/bin/sh\ntext=$(cat)\n{does}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        Build::of(path)
    }
}

fn shrunk(build: &Build, committed: Option<&Build>, often: Often) -> Result<String, String> {
    let scenario = text::parse(LONG.as_bytes()).unwrap();
    let through = [Through::C];
    let shrunk = smallest(scenario, &through, build, committed, 1, often);
    shrunk
        .map(|shrunk| shrunk.to_string())
        .map_err(|error| error.to_string())
}

/// One test: a script that is being written cannot be run, and another thread may hold it open.
#[test]
fn what_breaks_is_kept_and_nothing_else() {
    let scripts = Scripts(TempDir::new().unwrap());
    // Another contract than that of the whole scenario is another failure.
    let breaks = format!(
        "case $text in *SessionCreate*Cancel*) {BROKEN};; *Cancel*) {OTHER};; *) {HELD};; esac"
    );
    let breaks = scripts.build("breaks", &breaks);
    let smallest = "scenario 3\n0: SessionCreate runtime=0\n0: Cancel session=0 load=0\nend\n";
    let same = shrunk(&breaks, None, ONCE).unwrap();
    assert!(
        same.starts_with("# REQ-20 --through c: 2 of 6 steps, after "),
        "{same}"
    );
    assert!(same.contains("# The library is as committed: "), "{same}");
    assert!(same.ends_with(smallest), "{same}");

    // The committed library breaks where no runtime is: such a scenario says nothing of the change.
    let clean = format!("case $text in *RuntimeCreate*) {HELD};; *) {BROKEN};; esac");
    let clean = scripts.build("clean", &clean);
    let held = shrunk(&breaks, Some(&clean), ONCE).unwrap();
    assert!(
        held.contains("as it is committed does what it should"),
        "{held}"
    );
    assert!(held.contains("3 of 6 steps"), "{held}");
    assert!(held.contains("0: RuntimeCreate"), "{held}");
    let broken_too = shrunk(&breaks, Some(&breaks), ONCE).unwrap();
    assert!(
        broken_too.contains("breaks a contract there, too"),
        "{broken_too}"
    );
    assert!(broken_too.ends_with(smallest), "{broken_too}");

    let dies = format!("case $text in *Signal*) kill -9 $$;; *) {HELD};; esac");
    let died = shrunk(&scripts.build("dies", &dies), None, ONCE).unwrap();
    assert!(
        died.starts_with("# died --through c: 1 of 6 steps"),
        "{died}"
    );
    assert!(died.ends_with("0: Signal source=0\nend\n"), "{died}");

    let holds = shrunk(&scripts.build("holds", HELD), None, ONCE).unwrap_err();
    assert_eq!(
        holds,
        "the scenario holds --through c: there is nothing to shrink"
    );

    // It breaks in every second run only.
    let turns = "if [ -e $0.turn ]; then rm $0.turn; else touch $0.turn; ";
    let turns = scripts.build("turns", &format!("{turns} {BROKEN}; exit; fi; {HELD}"));
    let twice = |times| shrunk(&turns, None, Often { times, of: 4 });
    assert!(twice(2).unwrap().contains("1 of 6 steps"));
    fs::remove_file(scripts.0.path().join("turns.turn")).unwrap_or_default();
    let never = twice(3).unwrap_err();
    assert!(
        never.contains("not 3 times of 4: give more --tries"),
        "{never}"
    );
}
