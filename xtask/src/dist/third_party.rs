//! `THIRD-PARTY.txt`: all that the program has in it of others, with the texts of their licences.
//!
//! Packages bring their texts in their own sources. The Go code in the program is of this repository; modules that
//! it imports are fetched by Go where it is built.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use cgolab::host::child::Task;
use cgolab::host::progress::Progress;
use cgolab::host::workspace::Workspace;
use serde::Deserialize;

use super::{TARGET, output};

/// Packages under the MIT licence that bring no text, with the notice of their sources.
const WITHOUT_TEXT: [(&str, &str); 3] = [
    (
        "iced-x86",
        "Copyright (C) 2018-present iced project and contributors",
    ),
    ("include_dir", "Copyright (c) Michael Bryan"),
    ("include_dir_macros", "Copyright (c) Michael Bryan"),
];
/// The C library of the target, which is linked into the program.
const MUSL: (&str, &str) = ("musl", "Copyright © 2005-2020 Rich Felker, et al.");
/// The notices of Rust's standard library, in an installed toolchain and beside the program.
const STANDARD: (&str, &str) = ("share/doc/rust/COPYRIGHT-library.html", "RUST-LIBRARY.html");
/// Beginnings of the names of files with a licence.
const NAMES: [&str; 5] = ["LICENSE", "LICENCE", "COPYING", "COPYRIGHT", "UNLICENSE"];

/// A package as `cargo metadata` describes it.
#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    license: Option<String>,
    repository: Option<String>,
    id: String,
    manifest_path: PathBuf,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

/// Writes the file, and the notices of Rust's standard library beside it.
pub(super) fn write(
    workspace: &Workspace,
    progress: &Progress,
    logs: &Path,
    folder: &Path,
) -> Result<()> {
    let tree = output(
        Task::cargo(workspace, &logs.join("tree.log")).args([
            "tree", "--locked", "-p", "cgolab", "--target", TARGET, "-e", "normal", "--prefix",
            "none", "--format", "{p}",
        ]),
        &logs.join("tree"),
        progress,
    )?;
    let used: BTreeSet<(&str, &str)> = tree
        .lines()
        .filter_map(|line| {
            let mut words = line.split(' ');
            Some((words.next()?, words.next()?.trim_start_matches('v')))
        })
        .collect();
    let metadata = output(
        Task::cargo(workspace, &logs.join("metadata.log")).args([
            "metadata",
            "--locked",
            "--format-version",
            "1",
        ]),
        &logs.join("metadata"),
        progress,
    )?;
    let metadata: Metadata =
        serde_json::from_str(&metadata).context("cargo metadata says what cannot be read")?;
    let text = text(&metadata.packages, &used)?;
    fs::write(folder.join("THIRD-PARTY.txt"), text).context("cannot write THIRD-PARTY.txt")?;
    let sysroot = output(
        Task::new(workspace, "rustc", &logs.join("sysroot.log")).args(["--print", "sysroot"]),
        &logs.join("sysroot"),
        progress,
    )?;
    let notices = Path::new(sysroot.trim()).join(STANDARD.0);
    fs::copy(&notices, folder.join(STANDARD.1))
        .with_context(|| format!("cannot copy {}", notices.display()))?;
    Ok(())
}

/// The packages that are used and were not written here, and the text of each licence once.
fn text(packages: &[Package], used: &BTreeSet<(&str, &str)>) -> Result<String> {
    let mut lines = vec![format!("{}: MIT; https://musl.libc.org", MUSL.0)];
    let mut texts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    texts.insert(mit(MUSL.1), vec![MUSL.0.to_owned()]);
    for package in packages {
        let is_used = used.contains(&(package.name.as_str(), package.version.as_str()));
        if !is_used || package.id.contains("path+") {
            continue;
        }
        let name = format!("{} {}", package.name, package.version);
        let Some(licence) = &package.license else {
            bail!("{name} states no licence");
        };
        let place = package.repository.as_deref().unwrap_or("crates.io");
        lines.push(format!("{name}: {licence}; {place}"));
        for text in licences(package, licence)? {
            texts.entry(text).or_default().push(name.clone());
        }
    }
    lines.sort();
    let mut text = format!(
        "cgolab has these packages in it, each under its own licence. Notices of Rust's standard library are in {}.\n\n{}\n",
        STANDARD.1,
        lines.join("\n")
    );
    for (licence, names) in texts {
        text.push_str(&format!(
            "\n{}\n{}\n\n{licence}\n",
            "=".repeat(80),
            names.join(", ")
        ));
    }
    Ok(text)
}

/// The texts that a package brings, or the one that its sources name.
fn licences(package: &Package, licence: &str) -> Result<Vec<String>> {
    let folder = package.manifest_path.parent().unwrap_or(Path::new("."));
    let mut files = Vec::new();
    for entry in
        fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?
    {
        let path = entry?.path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .to_uppercase();
        if path.is_file() && NAMES.iter().any(|start| name.starts_with(start)) {
            files.push(path);
        }
    }
    files.sort();
    if !files.is_empty() {
        let read = |path: PathBuf| {
            let text = fs::read_to_string(&path);
            let text = text.with_context(|| format!("cannot read {}", path.display()))?;
            Ok(text.trim().to_owned())
        };
        return files.into_iter().map(read).collect();
    }
    let known = WITHOUT_TEXT.iter().find(|(name, _)| *name == package.name);
    match known.filter(|_| licence == "MIT") {
        Some((_, notice)) => Ok(vec![mit(notice)]),
        None => bail!(
            "{} {} brings no text of its licence, {licence}; see WITHOUT_TEXT",
            package.name,
            package.version
        ),
    }
}

/// The MIT licence with somebody's notice.
fn mit(notice: &str) -> String {
    let own = include_str!("../../../LICENSE-MIT").trim();
    let (_, terms) = own.split_once("\n\n").unwrap_or(("", own));
    format!("{notice}\n\n{terms}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A package with these files in its folder.
    fn package(
        folder: &Path,
        name: &str,
        licence: Option<&str>,
        files: &[(&str, &str)],
    ) -> Package {
        let folder = folder.join(name);
        fs::create_dir_all(&folder).unwrap();
        for (file, text) in files {
            fs::write(folder.join(file), text).unwrap();
        }
        Package {
            name: name.to_owned(),
            version: "1.0.0".to_owned(),
            license: licence.map(str::to_owned),
            repository: None,
            id: match name {
                "own" => "path+own".to_owned(),
                _ => format!("registry+{name}"),
            },
            manifest_path: folder.join("Cargo.toml"),
        }
    }

    #[test]
    fn each_text_stands_once_behind_the_packages_that_bring_it() {
        let dir = tempfile::tempdir().unwrap();
        let of = |name, licence, files: &[(&str, &str)]| package(dir.path(), name, licence, files);
        let packages = [
            of(
                "a",
                Some("MIT"),
                &[("LICENSE-MIT", "the terms\n"), ("README", "no licence")],
            ),
            of(
                "b",
                Some("MIT OR Apache-2.0"),
                &[("license", "\nthe terms"), ("COPYING", "more")],
            ),
            of("include_dir", Some("MIT"), &[]),
            of("unused", None, &[]),
            of("own", None, &[]),
        ];
        let used = ["a", "b", "include_dir", "own"].map(|name| (name, "1.0.0"));
        let text = text(&packages, &used.into()).unwrap();
        let heads: Vec<&str> = text.lines().take_while(|it| !it.starts_with('=')).collect();
        assert_eq!(
            heads[2..],
            [
                "a 1.0.0: MIT; crates.io",
                "b 1.0.0: MIT OR Apache-2.0; crates.io",
                "include_dir 1.0.0: MIT; crates.io",
                "musl: MIT; https://musl.libc.org",
                "",
            ]
        );
        for part in [
            "\na 1.0.0, b 1.0.0\n\nthe terms\n",
            "\nb 1.0.0\n\nmore\n",
            "\nmusl\n\nCopyright © 2005-2020 Rich Felker, et al.\n\nPermission is hereby granted",
            "\ninclude_dir 1.0.0\n\nCopyright (c) Michael Bryan\n\nPermission is hereby granted",
        ] {
            assert!(text.contains(part), "no {part:?}: {text}");
        }
        assert_eq!(text.matches("the terms").count(), 1, "{text}");
        assert!(!text.contains("cgolab contributors"), "{text}");
    }

    #[test]
    fn a_package_without_a_licence_or_its_text_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        for (name, licence, says) in [
            ("none", None, "none 1.0.0 states no licence"),
            (
                "bare",
                Some("MIT"),
                "bare 1.0.0 brings no text of its licence, MIT; see WITHOUT_TEXT",
            ),
            // The notice is that of another licence.
            (
                "iced-x86",
                Some("BSD-3-Clause"),
                "iced-x86 1.0.0 brings no text of its licence, BSD-3-Clause; see WITHOUT_TEXT",
            ),
        ] {
            let packages = [package(dir.path(), name, licence, &[])];
            let error = text(&packages, &BTreeSet::from([(name, "1.0.0")])).unwrap_err();
            assert_eq!(error.to_string(), says);
        }
    }
}
