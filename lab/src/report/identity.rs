//! The command, the machine and the tools of a run: `run.json` in its folder.
//!
//! It is written when the run begins, after each engine and at the end, so that a run which was
//! killed still tells what it was.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::io;
use std::path::Path;

use anyhow::{Context as _, Result};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::host::machine::{Commit, Machine, Tool, commit, machine, ours, typed, versions};
use crate::host::tools::Tools;
use crate::host::workspace::Workspace;
use crate::record::profile::Profile;
use crate::verdict::{End, EngineFacts, Facts};

/// The file in the folder of a run.
pub(crate) const FILE: &str = "run.json";

/// Everything about a run that is not a result.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Identity {
    /// RFC 3339, in UTC.
    pub started: String,
    /// From begin to end; none while it runs, and for ever if it was killed.
    pub seconds: Option<f64>,
    /// The user asked to stop.
    pub interrupted: bool,
    /// The command as it was typed.
    pub command: String,
    /// The depth of the engines; none in a run of a version without profiles.
    pub profile: Option<String>,
    /// The commit, in a git checkout.
    pub commit: Option<Commit>,
    /// The machine that it ran on.
    pub machine: Machine,
    /// Tools that engines used.
    pub tools: Vec<Tool>,
    /// Variables that were set and that engines listen to.
    pub(crate) environment: BTreeMap<String, String>,
    /// The command that repeats a scenario, which is appended to it; none if the subject has none.
    pub(crate) replay: Option<String>,
    /// Lines on the contracts that planted bugs have proven; empty until the end.
    pub(crate) proven: String,
    /// The engines that were asked for, in the order in which they run.
    pub(crate) engines: Vec<EngineFacts>,
    /// The engines that nobody asked for.
    pub(crate) not_asked: Vec<String>,
}

impl Identity {
    /// Looks around. What cannot be found out stays empty; that is no reason not to run.
    pub(crate) fn gather(
        workspace: &Workspace,
        tools: &Tools,
        profile: Profile,
        variables: &[String],
    ) -> Identity {
        Identity {
            started: Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            command: typed(),
            profile: Some(profile.name().to_owned()),
            commit: commit(workspace.root()),
            machine: machine(),
            tools: versions(workspace, tools),
            environment: variables
                .iter()
                .filter_map(|key| Some((key.clone(), env::var(key).ok()?)))
                .collect(),
            ..Identity::default()
        }
    }

    /// The identity of the run in this folder. A run of a version that wrote none has only what
    /// the folder's name tells.
    pub(crate) fn read(folder: &Path) -> Result<Identity> {
        let path = folder.join(FILE);
        match fs::read_to_string(&path) {
            Ok(text) => serde_json::from_str(&text).with_context(|| {
                format!("{} was not written by `{}`", path.display(), ours("run"))
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Identity::default()),
            Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
        }
    }

    /// The facts of it that the verdict needs.
    pub(crate) fn facts(&self) -> Facts {
        Facts {
            end: if self.interrupted {
                End::Interrupted
            } else if !self.started.is_empty() && self.seconds.is_none() {
                End::Unknown
            } else {
                End::Complete
            },
            engines: self.engines.clone(),
            not_asked: self.not_asked.clone(),
        }
    }

    /// Writes it into the folder of its run.
    pub(crate) fn write(&self, folder: &Path) -> Result<()> {
        let path = folder.join(FILE);
        let mut text = serde_json::to_string_pretty(self)?;
        text.push('\n');
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let identity = Identity {
            started: "2026-01-02T03:04:05Z".to_owned(),
            seconds: Some(1.5),
            command: "cargo lab run".to_owned(),
            commit: Some(Commit {
                id: "abc".to_owned(),
                subject: "x".to_owned(),
                dirty: true,
            }),
            machine: machine(),
            tools: vec![Tool {
                name: "go".to_owned(),
                version: "go version go1.26.8 linux/amd64".to_owned(),
            }],
            ..Identity::default()
        };
        identity.write(dir.path()).unwrap();
        assert_eq!(Identity::read(dir.path()).unwrap(), identity);
    }

    #[test]
    fn the_profile_is_named_as_it_is_typed() {
        let dir = tempfile::tempdir().unwrap();
        let workspace = Workspace::at(dir.path());
        for (profile, typed) in [(Profile::Quick, "quick"), (Profile::Full, "full")] {
            let identity = Identity::gather(&workspace, &Tools::default(), profile, &[]);
            assert_eq!(identity.profile.as_deref(), Some(typed));
            assert!(<Profile as clap::ValueEnum>::from_str(typed, false).is_ok());
        }
    }

    #[test]
    fn an_older_run_has_no_identity_and_a_foreign_file_is_named() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(Identity::read(dir.path()).unwrap(), Identity::default());
        fs::write(dir.path().join(FILE), "{}").unwrap();
        assert_eq!(Identity::read(dir.path()).unwrap(), Identity::default());
        fs::write(dir.path().join(FILE), "[").unwrap();
        let error = Identity::read(dir.path()).unwrap_err().to_string();
        assert!(error.contains(FILE), "{error}");
    }
}
