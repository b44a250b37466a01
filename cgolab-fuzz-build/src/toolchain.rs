//! Go as it is set up for a folder, and its commands.

use std::collections::HashMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::job::Job;
use crate::packages::FIELDS;

/// Variables whose change has the archive built again. cargo-fuzz tells of the sanitizer by RUSTFLAGS.
pub(crate) const VARIABLES: [&str; 29] = [
    "CARGO_ENCODED_RUSTFLAGS",
    "CC",
    "CGO_CFLAGS",
    "CGO_CFLAGS_ALLOW",
    "CGO_CPPFLAGS",
    "CGO_CXXFLAGS",
    "CGO_ENABLED",
    "CGO_LDFLAGS",
    "CGO_LDFLAGS_ALLOW",
    "CXX",
    "GO111MODULE",
    "GOAMD64",
    "GOARCH",
    "GOARM64",
    "GOENV",
    "GOEXPERIMENT",
    "GOFLAGS",
    "GOMODCACHE",
    "GOOS",
    "GOPATH",
    "GOROOT",
    "GOTOOLCHAIN",
    "GOWORK",
    "PATH",
    "PKG_CONFIG",
    "PKG_CONFIG_LIBDIR",
    "PKG_CONFIG_PATH",
    "PKG_CONFIG_SYSROOT_DIR",
    "RUSTFLAGS",
];

/// The first release of Go that is supported: 1.22.
const OLDEST: u32 = 22;

/// Choices that all commands of Go share.
#[derive(Debug)]
pub(crate) struct Settings {
    /// Folder of the package.
    pub(crate) folder: PathBuf,
    /// True for AddressSanitizer.
    pub(crate) address: bool,
    /// Build tags of the user.
    pub(crate) tags: Vec<String>,
    /// True for checks of Go pointers in C memory.
    pub(crate) cgocheck2: bool,
}

/// Go in a folder.
#[derive(Debug)]
pub(crate) struct Go {
    pub(crate) settings: Settings,
    /// Printed by `go env -json`.
    env: HashMap<String, String>,
}

impl Go {
    /// Asks the `go` on PATH for its settings in the folder.
    pub(crate) fn find(settings: Settings) -> Result<Go> {
        let mut command = Command::new("go");
        command.args(["env", "-json"]).current_dir(&settings.folder);
        let env = serde_json::from_str(&output(&mut command)?)
            .context("`go env -json` printed what cannot be read")?;
        Ok(Go { settings, env })
    }

    fn env(&self, name: &str) -> &str {
        self.env.get(name).map_or("", String::as_str)
    }

    /// Fails if this Go cannot build for the target, in words that say what to change.
    pub(crate) fn fits(&self, job: &Job) -> Result<()> {
        let version = self.env("GOVERSION");
        if minor(version).is_some_and(|minor| minor < OLDEST) {
            bail!(
                "{version} is too old: install Go 1.{OLDEST} or newer from https://go.dev/dl, or let Go fetch one with \
                GOTOOLCHAIN=auto"
            );
        }
        let (os, arch) = (self.env("GOOS"), self.env("GOARCH"));
        if os != "linux" || arch != job.goarch {
            bail!(
                "Cargo builds for {}, Go for {os}/{arch}: set GOOS=linux GOARCH={}, and CC to a C compiler for it",
                job.target,
                job.goarch
            );
        }
        let flags = words("GOFLAGS", self.env("GOFLAGS"))?;
        let is_on = |name: &str| {
            flags.iter().any(|flag| {
                flag.trim_start_matches('-') == name || flag.ends_with(&format!("-{name}=true"))
            })
        };
        for name in ["race", "msan"] {
            if is_on(name) {
                bail!(
                    "GOFLAGS has -{name}, which no program of Rust can hold: unset it; `cgolab fuzz --sanitizer \
                    race|memory` fuzzes Go with it"
                );
            }
        }
        if is_on("asan") && !self.settings.address {
            bail!(
                "GOFLAGS has -asan, and Rust is built without: use `cargo fuzz run --sanitizer address`, which adds it \
                to Go, too"
            );
        }
        Ok(())
    }

    /// Describes the package and all that it imports.
    pub(crate) fn list(&self) -> Result<String> {
        let mut command = self.command("list")?;
        output(command.args(["-deps", &format!("-json={FIELDS}"), "."]))
    }

    /// The packages that a pattern matches.
    pub(crate) fn matches(&self, pattern: &str) -> Result<Vec<String>> {
        let mut command = self.command("list")?;
        let printed = output(command.args(["-f", "{{.ImportPath}}", "--", pattern]))
            .with_context(|| format!("instrument: `{pattern}` is no pattern of packages"))?;
        Ok(printed.lines().map(str::to_owned).collect())
    }

    /// Builds the archive, with counters in these packages, and in C if its compiler is clang.
    pub(crate) fn build(&self, archive: &Path, instrumented: &[String], clang: bool) -> Result<()> {
        let mut command = self.command("build")?;
        command.args(["-buildmode=c-archive", "-buildvcs=false"]);
        let counters = |package: &String| format!("-gcflags={package}=-d=libfuzzer");
        command.args(instrumented.iter().map(counters));
        if clang {
            for name in ["CGO_CFLAGS", "CGO_CXXFLAGS"] {
                let flags = format!("{} -fsanitize=fuzzer-no-link", self.env(name));
                command.env(name, flags);
            }
        }
        output(command.arg("-o").arg(archive).arg("."))?;
        Ok(())
    }

    /// A command of Go with what all of them need for the same view of the packages.
    fn command(&self, name: &str) -> Result<Command> {
        let mut command = Command::new("go");
        let tags = tags(&words("GOFLAGS", self.env("GOFLAGS"))?, &self.settings.tags);
        command
            .arg(name)
            .arg(format!("-tags={tags}"))
            .current_dir(&self.settings.folder)
            .env("CGO_ENABLED", "1");
        if self.settings.address {
            command.arg("-asan");
        }
        if self.settings.cgocheck2 {
            command.env("GOEXPERIMENT", with(self.env("GOEXPERIMENT"), "cgocheck2"));
        }
        Ok(command)
    }

    /// Places whose files do not change.
    pub(crate) fn known_places(&self) -> Vec<PathBuf> {
        let places = ["GOROOT", "GOMODCACHE"].map(|name| PathBuf::from(self.env(name)));
        let set = places.into_iter().filter(|it| !it.as_os_str().is_empty());
        set.map(|it| it.canonicalize().unwrap_or(it)).collect()
    }

    /// The files that choose versions of modules, apart from the modules' own.
    pub(crate) fn module_files(&self) -> Vec<PathBuf> {
        let mut files = Vec::new();
        for name in ["GOMOD", "GOWORK"] {
            let path = Path::new(self.env(name));
            files.extend([path.to_owned(), path.with_extension("sum")]);
            files.push(path.with_extension("work.sum"));
            files.extend(path.parent().map(|it| it.join("vendor/modules.txt")));
        }
        files.retain(|file| file.is_file());
        files.sort();
        files.dedup();
        files
    }

    /// The C compiler of Go.
    pub(crate) fn compiler(&self) -> &str {
        self.env("CC")
    }

    /// Returns true if that is a clang.
    pub(crate) fn compiles_with_clang(&self) -> bool {
        let Ok(words) = words("CC", self.compiler()) else {
            return false;
        };
        let Some((program, args)) = words.split_first() else {
            return false;
        };
        let version = Command::new(program).args(args).arg("--version").output();
        version.is_ok_and(|it| String::from_utf8_lossy(&it.stdout).contains("clang version"))
    }

    /// Flags for the linker in CGO_LDFLAGS.
    pub(crate) fn ldflags(&self) -> Vec<String> {
        words("CGO_LDFLAGS", self.env("CGO_LDFLAGS")).unwrap_or_default()
    }

    /// Asks pkg-config for the flags of libraries.
    pub(crate) fn pkg_config(&self, names: &[String]) -> Result<Vec<String>> {
        let program = match self.env("PKG_CONFIG") {
            "" => "pkg-config",
            program => program,
        };
        let printed = output(
            Command::new(program)
                .args(["--libs", "--"])
                .args(names)
                .current_dir(&self.settings.folder),
        )?;
        words("the output of pkg-config", printed.trim())
    }
}

/// The number behind `go1.` in a version such as `go1.26.8`; none for what is no release.
fn minor(version: &str) -> Option<u32> {
    let (_, rest) = version.split_once("go1.")?;
    let end = rest.find(|c: char| !c.is_ascii_digit());
    rest[..end.unwrap_or(rest.len())].parse().ok()
}

/// Build tags: ours, those in GOFLAGS, which the option would hide, and the user's.
fn tags(goflags: &[String], own: &[String]) -> String {
    let mut tags = vec!["libfuzzer"];
    for flag in goflags {
        let value = flag.trim_start_matches('-').strip_prefix("tags=");
        tags.extend(value.iter().flat_map(|it| it.split([',', ' '])));
    }
    tags.extend(own.iter().map(String::as_str));
    tags.retain(|tag| !tag.is_empty());
    tags.join(",")
}

/// A list with commas, with one more word.
fn with(list: &str, word: &str) -> String {
    match list {
        "" => word.to_owned(),
        list => format!("{list},{word}"),
    }
}

fn words(what: &str, text: &str) -> Result<Vec<String>> {
    shlex::split(text).with_context(|| format!("{what} has a quote without an end: {text}"))
}

/// Runs a command and returns what it prints. Fails with what it says.
fn output(command: &mut Command) -> Result<String> {
    let shown = shown(command);
    let output = match command.output() {
        Ok(output) => output,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let program = command.get_program().display().to_string();
            let cure = match program.as_str() {
                "go" => format!("install Go 1.{OLDEST} or newer from https://go.dev/dl"),
                _ => "a package of Go asks for it; install it".to_owned(),
            };
            bail!("no `{program}` on PATH: {cure}")
        }
        Err(error) => return Err(error).with_context(|| format!("cannot run `{shown}`")),
    };
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let folder = command.get_current_dir().unwrap_or(Path::new("."));
        bail!(
            "in {}, `{shown}` failed:\n{}",
            folder.display(),
            said.trim()
        );
    }
    String::from_utf8(output.stdout).with_context(|| format!("`{shown}` printed what is no UTF-8"))
}

/// A command as a shell takes it.
fn shown(command: &Command) -> String {
    let words = [command.get_program()]
        .into_iter()
        .chain(command.get_args());
    let quoted = words.map(|word| {
        let word = word.display().to_string();
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_=+:,./@".contains(c);
        match shlex::try_quote(&word) {
            Ok(quoted) if !word.chars().all(plain) => quoted.into_owned(),
            _ => word,
        }
    });
    quoted.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn go(env: &[(&str, &str)], address: bool) -> Go {
        let plain = [
            ("GOVERSION", "go1.26.8"),
            ("GOOS", "linux"),
            ("GOARCH", "amd64"),
        ];
        Go {
            settings: Settings {
                folder: "/".into(),
                address,
                tags: vec!["mine".to_owned()],
                cgocheck2: true,
            },
            env: plain
                .iter()
                .chain(env)
                .map(|(name, value)| (name.to_string(), value.to_string()))
                .collect(),
        }
    }

    fn fits(env: &[(&str, &str)], address: bool) -> Result<()> {
        go(env, address).fits(&Job {
            manifest_dir: "/fuzz".into(),
            out_dir: "/out".into(),
            target: "x86_64-unknown-linux-gnu".to_owned(),
            goarch: "amd64",
            address,
        })
    }

    #[test]
    fn a_release_that_is_too_old_is_refused() {
        for old in ["go1.21.13", "go1.4"] {
            let text = fits(&[("GOVERSION", old)], false).unwrap_err().to_string();
            assert!(text.starts_with(&format!("{old} is too old")), "{text}");
            assert!(text.contains("Go 1.22"), "{text}");
        }
        for good in [
            "go1.22.0",
            "go1.27rc1",
            "devel go1.28-f00 linux/amd64",
            "mine",
        ] {
            fits(&[("GOVERSION", good)], false).unwrap();
        }
    }

    #[test]
    fn another_architecture_is_refused_with_the_variables_to_set() {
        let text = fits(&[("GOARCH", "arm64")], false).unwrap_err().to_string();
        assert!(text.contains("Go for linux/arm64"), "{text}");
        assert!(text.contains("GOARCH=amd64"), "{text}");
    }

    #[test]
    fn detectors_in_goflags_that_rust_cannot_hold_are_refused() {
        for (flags, name) in [
            ("-race", "-race"),
            ("-mod=mod -msan=true", "-msan"),
            ("-asan", "-asan"),
        ] {
            let text = fits(&[("GOFLAGS", flags)], false).unwrap_err().to_string();
            assert!(text.starts_with(&format!("GOFLAGS has {name}")), "{text}");
        }
        fits(&[("GOFLAGS", "-asan")], true).unwrap();
        fits(&[("GOFLAGS", "-race=false -tags=race -mod=mod")], false).unwrap();
        assert!(fits(&[("GOFLAGS", "'-race")], false).is_err());
    }

    #[test]
    fn all_commands_have_the_tags_of_goflags_and_the_detectors() {
        let command = |address| {
            let env = [
                ("GOFLAGS", "-mod=mod -tags=a,b"),
                ("GOEXPERIMENT", "nodwarf5"),
            ];
            go(&env, address).command("list").unwrap()
        };
        let args = |address| {
            let command = command(address);
            let args = command.get_args().map(|it| it.display().to_string());
            args.collect::<Vec<_>>()
        };
        assert_eq!(args(false), ["list", "-tags=libfuzzer,a,b,mine"]);
        assert_eq!(args(true), ["list", "-tags=libfuzzer,a,b,mine", "-asan"]);
        let variables: HashMap<String, String> = command(false)
            .get_envs()
            .filter_map(|(name, value)| {
                Some((name.display().to_string(), value?.display().to_string()))
            })
            .collect();
        assert_eq!(variables["GOEXPERIMENT"], "nodwarf5,cgocheck2");
        assert_eq!(variables["CGO_ENABLED"], "1");
    }

    #[test]
    fn a_program_that_is_not_there_is_one_message() {
        let text = output(&mut Command::new("cgolab-no-such-tool"))
            .unwrap_err()
            .to_string();
        assert!(
            text.starts_with("no `cgolab-no-such-tool` on PATH: "),
            "{text}"
        );
    }

    #[test]
    fn a_command_that_fails_is_shown_with_what_it_said() {
        let mut command = Command::new("sh");
        command
            .args(["-c", "echo it broke >&2; exit 1"])
            .current_dir("/");
        let text = output(&mut command).unwrap_err().to_string();
        let wanted = "in /, `sh -c 'echo it broke >&2; exit 1'` failed:\nit broke";
        assert_eq!(text, wanted);
    }
}
