//! The estimate of a run's time, printed before the run begins.

use super::Asked;
use crate::host::tools::pinned::Pinned;
use crate::host::workspace::Workspace;
use crate::record::profile::Profile;
use crate::report::Identity;
use crate::verdict::EngineFacts;

/// The number of engines whose time is printed; those that take longest come first.
const NAMED: usize = 4;

/// The estimate in one line: the time that the engines took last, and the tools that must be built first.
pub(super) fn estimate(workspace: &Workspace, engines: &[Asked<'_>], profile: Profile) -> String {
    let complete = engines.iter().filter(|asked| asked.lacking.is_none());
    let mut needs: Vec<_> = complete.flat_map(|it| it.engine.needs()).copied().collect();
    needs.sort();
    needs.dedup();
    let missing: Vec<Pinned> = needs
        .into_iter()
        .filter_map(|need| need.built())
        .filter(|tool| !matches!(tool.find(), Ok(Some(_))))
        .collect();
    let last = Identity::read(&workspace.lab().join("latest")).unwrap_or_default();
    // Other depths take other times.
    let last = if last.profile.as_deref() == Some(profile.name()) {
        last.engines
    } else {
        Vec::new()
    };
    let names: Vec<&str> = engines.iter().map(|asked| asked.engine.name()).collect();
    line(&names, profile, &last, &missing)
}

fn line(engines: &[&str], profile: Profile, last: &[EngineFacts], missing: &[Pinned]) -> String {
    let count = match engines {
        [one] => (*one).to_owned(),
        all => format!("{} engines", all.len()),
    };
    let of = |name: &str| last.iter().find(|facts| facts.name == name)?.seconds;
    let known: Option<Vec<(f64, &str)>> = engines
        .iter()
        .map(|name| Some((of(name)?, *name)))
        .collect();
    let mut text = match (known, profile) {
        (Some(mut times), _) => {
            times.sort_by(|one, other| other.0.total_cmp(&one.0));
            let total: f64 = times.iter().map(|(seconds, _)| seconds).sum();
            let longest = times.iter().take(NAMED);
            let longest: Vec<String> = longest
                .map(|(seconds, name)| format!("{name} {seconds:.0} s"))
                .collect();
            match engines {
                [_] => format!("{count}, {total:.0} s last time"),
                _ => format!("{count}, {total:.0} s last time: {}, …", longest.join(", ")),
            }
        }
        (None, Profile::Quick) => {
            format!("{count}; what was not built before is built: up to 15 minutes on 2 cores")
        }
        (None, Profile::Full) => format!("{count}, full: a part of the night"),
    };
    let tools: Vec<String> = missing
        .iter()
        .map(|tool| format!("{} ({})", tool.name, tool.patience))
        .collect();
    if !tools.is_empty() {
        text.push_str("; built once: ");
        text.push_str(&tools.join(", "));
    }
    text
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::engine::Engines;
    use crate::host::tools::pinned::NEXTEST;
    use crate::subject::file::SubjectFile;

    fn last(times: &[(&str, f64)]) -> Vec<EngineFacts> {
        let facts = |(name, seconds): &(&str, f64)| EngineFacts {
            name: (*name).to_owned(),
            seconds: Some(*seconds),
            ..EngineFacts::default()
        };
        times.iter().map(facts).collect()
    }

    #[test]
    fn a_first_run_says_what_is_built() {
        assert_eq!(
            line(
                &["go", "loom"],
                Profile::Quick,
                &last(&[("go", 1.0)]),
                &[NEXTEST]
            ),
            "2 engines; what was not built before is built: up to 15 minutes on 2 cores; \
             built once: cargo-nextest (2 to 4 minutes on 2 cores)"
        );
    }

    #[test]
    fn only_a_run_of_the_same_depth_tells_how_long_it_takes() {
        let dir = tempfile::tempdir().unwrap();
        let workspace = Workspace::at(dir.path());
        let latest = workspace.lab().join("latest");
        fs::create_dir_all(&latest).unwrap();
        let full = Identity {
            profile: Some("full".to_owned()),
            engines: last(&[("go", 20.0)]),
            ..Identity::default()
        };
        full.write(&latest).unwrap();
        let engines = Engines::of(&SubjectFile::default());
        let go = Asked {
            engine: engines.iter().find(|it| it.name() == "go").unwrap(),
            lacking: None,
        };
        let says = |profile| estimate(&workspace, std::slice::from_ref(&go), profile);
        assert_eq!(says(Profile::Full), "go, 20 s last time");
        assert!(!says(Profile::Quick).contains("last time"));
    }

    #[test]
    fn a_later_run_says_what_took_long() {
        let last = last(&[("go", 20.4), ("fuzz-abi", 100.0), ("loom", 3.0)]);
        assert_eq!(
            line(&["go", "fuzz-abi"], Profile::Quick, &last, &[]),
            "2 engines, 120 s last time: fuzz-abi 100 s, go 20 s, …"
        );
        assert_eq!(
            line(&["loom"], Profile::Quick, &last, &[]),
            "loom, 3 s last time"
        );
    }
}
