//! Known false alarms of Go's releases and of tools, each with a public reference: `known.toml`.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::report::Report;

const TEXT: &str = include_str!("known.toml");

/// A false alarm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Known {
    /// The engines that raise it.
    engines: Vec<String>,
    /// Part of its class.
    class: String,
    /// Part of its text, if the class alone does not identify it.
    #[serde(default)]
    says: String,
    /// The reason why it is no mistake of the module.
    pub(super) reason: String,
    /// A public page about it.
    pub(super) reference: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    known: Vec<Known>,
}

/// The list. A test parses it, so that the one in a binary is well-formed.
static KNOWN: LazyLock<Vec<Known>> = LazyLock::new(|| {
    toml::from_str::<File>(TEXT)
        .map(|file| file.known)
        .unwrap_or_default()
});

/// The entry for a report of an engine, if it is a known false alarm.
pub(super) fn of(engine: &str, report: &Report) -> Option<Known> {
    let fits = |known: &&Known| {
        known.engines.iter().any(|it| it == engine)
            && report.class.contains(&known.class)
            && report.text.contains(&known.says)
    };
    KNOWN.iter().find(fits).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::foreign::engines::ENGINES;

    #[test]
    fn the_file_can_be_read_and_each_entry_has_a_reference() {
        let file: File = toml::from_str(TEXT).unwrap();
        assert!(!file.known.is_empty());
        for known in file.known {
            assert!(known.reference.starts_with("https://"), "{known:?}");
            assert!(!known.reason.is_empty());
            for engine in &known.engines {
                assert!(ENGINES.iter().any(|it| it.id == engine), "{engine}");
            }
        }
    }

    #[test]
    fn only_what_fits_in_all_is_known() {
        let report = |class: &str, text: &str| Report {
            class: class.to_owned(),
            test: None,
            c: None,
            go: None,
            other: None,
            text: text.to_owned(),
        };
        assert!(
            of(
                "asan",
                &report("CHECK failed", "CHECK failed: asan_thread.cpp:371")
            )
            .is_some()
        );
        assert!(
            of(
                "race",
                &report("CHECK failed", "CHECK failed: asan_thread.cpp:371")
            )
            .is_none()
        );
        assert!(of("asan", &report("CHECK failed", "CHECK failed: other.cpp:1")).is_none());
        assert!(of("asan", &report("heap-use-after-free", "")).is_none());
    }
}
