//! Every path that CI and the scripts name is there. A cache key over a file that does not exist is
//! no error anywhere: it is the same key for ever.

use std::fs;
use std::path::{Path, PathBuf};

/// Named there, and made by what is run.
const MADE: [&str; 2] = ["target/", "fuzz/corpus"];

/// The checkout; none in a published crate.
fn root() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    root.join(".github/workflows").is_dir().then_some(root)
}

/// The files that name paths, with their text.
fn sources(root: &Path) -> Vec<(String, String)> {
    let mut paths = vec![root.join(".ci/run"), root.join("ci/matrix.toml")];
    for folder in [".github/workflows", "scripts"] {
        let entries = fs::read_dir(root.join(folder)).unwrap();
        paths.extend(entries.map(|entry| entry.unwrap().path()));
    }
    let read = |path: PathBuf| {
        let name = path.strip_prefix(root).unwrap().display().to_string();
        (name, fs::read_to_string(&path).unwrap())
    };
    paths.into_iter().map(read).collect()
}

/// The arguments of `hashFiles` in a line of a workflow.
fn hashed(line: &str) -> Vec<&str> {
    let Some((_, rest)) = line.split_once("hashFiles(") else {
        return Vec::new();
    };
    let arguments = rest.split_once(')').map_or(rest, |(inside, _)| inside);
    arguments
        .split(',')
        .map(|argument| argument.trim().trim_matches('\''))
        .collect()
}

/// The words of a line that are paths in a checkout, by their look.
fn words(line: &str) -> Vec<&str> {
    let line = line.trim();
    if line.starts_with('#') {
        return Vec::new();
    }
    line.split(|c: char| c.is_whitespace() || "\"'`()[]{},;=".contains(c))
        .filter(|word| word.contains('/'))
        .filter(|word| {
            let path = |c: char| c.is_ascii_alphanumeric() || "._-/*".contains(c);
            // Addresses, versions, variables and homes have other characters in them.
            word.chars().all(path) && !word.starts_with('/')
        })
        // A platform, as Go writes it.
        .filter(|word| !word.starts_with("linux/"))
        // A module's name begins with a host.
        .filter(|word| !word.split('/').next().unwrap_or_default().contains(".co"))
        .collect()
}

/// The folder that a line enters first.
fn entered(line: &str) -> Option<&str> {
    let (_, rest) = line.split_once("cd ")?;
    // A script that starts at the root of the checkout.
    let rest = rest.strip_prefix("\"$(dirname \"$0\")/../").unwrap_or(rest);
    let folder = rest.split_whitespace().next()?.trim_end_matches('"');
    folder
        .chars()
        .next()?
        .is_ascii_alphanumeric()
        .then_some(folder)
}

/// Returns true if a path is there; a pattern must match something.
fn is_there(folder: &Path, path: &str) -> bool {
    let (known, rest) = match path.find("*").or_else(|| path.find("...")) {
        Some(at) => path.split_at(at),
        None => (path, ""),
    };
    let found = folder.join(known);
    if rest.is_empty() {
        return found.exists();
    }
    // The last part before the pattern may be the beginning of a name.
    let (parent, start) = known.rsplit_once('/').unwrap_or(("", known));
    fs::read_dir(folder.join(parent)).is_ok_and(|mut entries| {
        entries.any(|entry| {
            let name = entry.unwrap().file_name();
            name.to_string_lossy().starts_with(start)
        })
    })
}

/// Paths that a file names and that are not there.
fn missing(root: &Path, text: &str) -> Vec<String> {
    let mut missing = Vec::new();
    // A command may go on in the next line.
    for line in text.replace("\\\n", " ").lines() {
        let from = entered(line).map_or(root.to_owned(), |folder| root.join(folder));
        let named = words(line)
            .into_iter()
            .filter(|word| !MADE.iter().any(|made| word.starts_with(made)))
            .filter(|word| !is_there(root, word) && !is_there(&from, word));
        let hashed = hashed(line).into_iter().filter(|it| !is_there(root, it));
        missing.extend(named.chain(hashed).map(str::to_owned));
        missing.extend(
            entered(line)
                .filter(|it| !is_there(root, it))
                .map(str::to_owned),
        );
    }
    missing
}

#[test]
fn every_path_that_ci_and_the_scripts_name_is_there() {
    let Some(root) = root() else { return };
    let mut named = 0;
    for (file, text) in sources(&root) {
        named += text.lines().map(|line| words(line).len()).sum::<usize>();
        let missing = missing(&root, &text);
        assert!(
            missing.is_empty(),
            "{file} names what is not there: {missing:?}"
        );
    }
    assert!(named > 20, "only {named} paths were recognised");
}

/// The paths in backquotes of a text that begin with a folder of the checkout. `my-…` and capitals stand for the
/// reader's own names.
fn quoted<'a>(root: &Path, text: &'a str) -> Vec<&'a str> {
    let in_quotes = text.split('`').skip(1).step_by(2);
    in_quotes
        .filter(|word| {
            let first = word.split('/').next().unwrap_or_default();
            words(word) == [*word]
                && !["target", ".."].contains(&first)
                && root.join(first).is_dir()
        })
        .filter(|word| !word.contains("my-") && !word.contains("/ID/"))
        .collect()
}

#[test]
fn every_path_that_the_documents_name_is_there() {
    let Some(root) = root() else { return };
    let mut files = vec![root.join("README.md"), root.join("CONTRIBUTING.md")];
    let docs = fs::read_dir(root.join("docs")).unwrap();
    files.extend(docs.map(|entry| entry.unwrap().path()));
    files.retain(|file| file.extension().is_some_and(|it| it == "md"));
    let mut named = 0;
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        for path in quoted(&root, &text) {
            named += 1;
            // A folder of the tool may be named from its source.
            let found = is_there(&root, path) || is_there(&root.join("lab/src"), path);
            assert!(
                found,
                "{} names `{path}`, which is not there",
                file.display()
            );
        }
    }
    assert!(named > 30, "only {named} paths were recognised");
    let gone = "see `lab/src/gone.rs`, `faults/my-fault`, `a/b` and `cargo lab run`";
    assert_eq!(quoted(&root, gone), ["lab/src/gone.rs"]);
}

#[test]
fn a_path_that_is_not_there_is_recognised() {
    let Some(root) = root() else { return };
    for (line, path) in [
        (
            "key: ${{ hashFiles('Cargo.lock', 'lab/src/tools.rs') }}",
            "lab/src/tools.rs",
        ),
        ("key: ${{ hashFiles('Cargo.lok') }}", "Cargo.lok"),
        ("key: ${{ hashFiles('labs/**') }}", "labs/**"),
        ("    \"scripts/gofmd\",", "scripts/gofmd"),
        (
            "uses: ./.github/workflows/matrx.yml",
            "./.github/workflows/matrx.yml",
        ),
        ("cargo fmt --manifest-path fuz/Cargo.toml", "fuz/Cargo.toml"),
        ("cd go-harnes && go vet ./...", "go-harnes"),
        ("cd go-harness && go test ./couriers", "./couriers"),
        (
            "cd \"$(dirname \"$0\")/../go-harness/vets\" && exec go run ./internal/corpus",
            "go-harness/vets",
        ),
    ] {
        assert!(missing(&root, line).contains(&path.to_owned()), "{line}");
    }
    for line in [
        "uses: actions/checkout@v5",
        "cd go-harness && go vet -tags=bench ./... && go test ./courier",
        "go run honnef.co/go/tools/cmd/staticcheck@v0.8.2 -matrix ./...",
        "cd \"$(dirname \"$0\")/../go-harness/vet\" && exec go run ./internal/corpus",
        "(cd go-harness && go vet \\\n    ./courier ./courier/internal/...)",
        "~/.cargo/registry",
        "key: ${{ hashFiles('Cargo.lock', 'lab/**') }}",
    ] {
        assert!(missing(&root, line).is_empty(), "{line}");
    }
}

/// Steps of `.ci/run` are written down in `ci/matrix.toml` and nowhere else.
#[test]
fn the_script_for_a_desk_has_no_list_of_its_own() {
    let Some(root) = root() else { return };
    let text = fs::read_to_string(root.join(".ci/run")).unwrap();
    let commands: Vec<&str> = text
        .lines()
        .filter(|line| {
            !["#", "set ", "cd ", "export "]
                .iter()
                .any(|start| line.starts_with(start))
        })
        .collect();
    assert_eq!(commands, ["exec cargo lab matrix --all pull"], "{text}");
}
