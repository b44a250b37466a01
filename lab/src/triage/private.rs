//! The removal of private words from a report, so that it can be posted in public.

use std::env;
use std::ffi::OsString;
use std::process::Command;

use serde_json::Value;

use crate::host::child::quoted;

/// Parts of the names of variables that hold secrets.
const SECRET: [&str; 6] = ["TOKEN", "SECRET", "PASSWORD", "PASSWD", "KEY", "CREDENTIAL"];

/// The length from which on the value of such a variable is taken for a secret: `true` and `1` are none.
const SECRET_LENGTH: usize = 6;

/// Private words of this machine and its user, each with its replacement.
pub(super) struct Private {
    /// Folders and names, the longest first.
    words: Vec<(String, String)>,
    /// Lines of secrets, the longest first.
    secrets: Vec<(String, String)>,
    /// Values of variables in a command are shown.
    shows_values: bool,
}

impl Private {
    /// Replaces nothing.
    pub(super) fn leave() -> Private {
        Private {
            words: Vec::new(),
            secrets: Vec::new(),
            shows_values: true,
        }
    }

    /// Replaces the folders of the user and of Go, the names of user and machine, and the values of variables that
    /// hold secrets, of the environment and of a command as `env TOKEN=… program`.
    pub(super) fn of_this_machine(command: &[OsString]) -> Private {
        let var = |name: &str| env::var(name).ok();
        let go_env = |name: &str| var(name).or_else(|| said("go", &["env", name]));
        let here = env::current_dir().ok().map(|dir| dir.display().to_string());
        let host = rustix::system::uname()
            .nodename()
            .to_string_lossy()
            .into_owned();
        let user = var("USER").or_else(|| var("LOGNAME"));
        let words = [
            (go_env("GOMODCACHE"), "$GOMODCACHE"),
            (go_env("GOROOT"), "$GOROOT"),
            (here, "."),
            (Some(env::temp_dir().display().to_string()), "$TMPDIR"),
            (var("HOME"), "~"),
            (user, "user"),
            (said("id", &["-un"]), "user"),
            (Some(host), "host"),
        ];
        let of_environment = env::vars_os().map(|(name, value)| {
            let text = |it: OsString| it.to_string_lossy().into_owned();
            (text(name), text(value))
        });
        let of_command = command.iter().filter_map(|word| {
            let word = word.to_string_lossy();
            let (name, value) = assignment(&word)?;
            Some((name.to_owned(), value.to_owned()))
        });
        Private::of(&words, of_environment.chain(of_command))
    }

    fn of(
        words: &[(Option<String>, &str)],
        variables: impl Iterator<Item = (String, String)>,
    ) -> Private {
        let words = words
            .iter()
            .filter_map(|(word, name)| Some((word.clone()?, (*name).to_owned())))
            // A home of `/`: leaving that out would leave nothing.
            .filter(|(word, _)| word.contains(char::is_alphanumeric));
        let secrets = variables
            .filter(|(name, _)| SECRET.iter().any(|it| name.to_uppercase().contains(it)))
            .flat_map(|(name, value)| {
                // The output of a program may have one line of a key, and not the others.
                let lines: Vec<String> = value.lines().map(str::to_owned).collect();
                lines
                    .into_iter()
                    .map(move |line| (line, format!("${name}")))
            })
            .filter(|(line, _)| line.len() >= SECRET_LENGTH);
        Private {
            // A folder inside another one goes first.
            words: longest_first(words),
            secrets: longest_first(secrets),
            shows_values: false,
        }
    }

    /// A command in the form in which people type it, without values of variables.
    pub(super) fn command(&self, words: &[OsString]) -> String {
        let shown = |word: &OsString| match assignment(&word.to_string_lossy()) {
            Some((name, _)) if !self.shows_values => format!("{name}=…"),
            _ => quoted(word),
        };
        words.iter().map(shown).collect::<Vec<_>>().join(" ")
    }

    /// The text without the private words.
    pub(super) fn left_out(&self, text: &str) -> String {
        let mut text = text.to_owned();
        // A secret is one wherever it stands.
        for (secret, name) in &self.secrets {
            text = text.replace(secret, name);
        }
        for (word, name) in &self.words {
            text = replaced(&text, word, name);
        }
        text
    }

    /// The value with all its strings without the private words.
    pub(super) fn left_out_of_json(&self, value: Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.left_out(&text)),
            Value::Array(all) => all
                .into_iter()
                .map(|it| self.left_out_of_json(it))
                .collect(),
            Value::Object(fields) => fields
                .into_iter()
                .map(|(name, it)| (name, self.left_out_of_json(it)))
                .collect(),
            other => other,
        }
    }
}

fn longest_first(words: impl Iterator<Item = (String, String)>) -> Vec<(String, String)> {
    let mut words: Vec<_> = words.collect();
    words.sort_by_key(|(word, _)| std::cmp::Reverse(word.len()));
    words
}

/// Name and value of a word like `NAME=value`.
fn assignment(word: &str) -> Option<(&str, &str)> {
    let (name, value) = word.split_once('=')?;
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    is_name.then_some((name, value))
}

/// `text` with `name` in place of `word`, wherever `word` is not part of a longer name.
fn replaced(text: &str, word: &str, name: &str) -> String {
    let part_of_a_name = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(word) {
        let (before, from) = rest.split_at(at);
        let behind = &from[word.len()..];
        let begins_inside = before.chars().next_back().is_some_and(part_of_a_name);
        let ends_inside = behind.chars().next().is_some_and(part_of_a_name);
        out.push_str(before);
        out.push_str(if begins_inside || ends_inside {
            word
        } else {
            name
        });
        rest = behind;
    }
    out.push_str(rest);
    out
}

/// What a program prints, if it is there and says something.
fn said(program: &str, args: &[&str]) -> Option<String> {
    let said = Command::new(program).args(args).output().ok()?;
    let value = String::from_utf8_lossy(&said.stdout).trim().to_owned();
    (said.status.success() && !value.is_empty()).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(all: &[(&str, &str)]) -> impl Iterator<Item = (String, String)> {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        all.iter().map(owned).collect::<Vec<_>>().into_iter()
    }

    #[test]
    fn folders_and_names_are_left_out_and_longer_names_are_kept() {
        let words = [
            (Some("/home/anna".to_owned()), "~"),
            (Some("/home/anna/go/pkg/mod".to_owned()), "$GOMODCACHE"),
            (Some("anna".to_owned()), "user"),
            (Some("bob".to_owned()), "user"),
            (Some("/".to_owned()), "nothing"),
            (None, "nothing"),
        ];
        let private = Private::of(&words, variables(&[]));
        assert_eq!(
            private.left_out(
                "/home/anna/go/pkg/mod/x.go /home/anna/y.go anna: annals /home/annabel /x/bob/y bobs"
            ),
            "$GOMODCACHE/x.go ~/y.go user: annals /home/annabel /x/user/y bobs"
        );
        assert_eq!(Private::leave().left_out("/home/anna"), "/home/anna");
    }

    #[test]
    fn values_of_variables_with_secrets_are_left_out_and_short_ones_are_kept() {
        let private = Private::of(
            &[],
            variables(&[
                ("API_TOKEN", "hunter3"),
                ("PRIVATE_KEY", "first line\nlast \"line\""),
                ("DB_PASSWD", "abc123"),
                ("USE_PASSWORD", "false"),
                ("EDITOR", "emacsclient"),
            ]),
        );
        let text = "hunter3, abc123, first line, last \"line\", false, emacsclient";
        let without = "$API_TOKEN, $DB_PASSWD, $PRIVATE_KEY, $PRIVATE_KEY, false, emacsclient";
        assert_eq!(private.left_out(text), without);
        let quoted = r"\nfirst line\n prefix_hunter3";
        let without_them = r"\n$PRIVATE_KEY\n prefix_$API_TOKEN";
        assert_eq!(private.left_out(quoted), without_them);
        assert_eq!(
            private.left_out_of_json(serde_json::json!({"hunter3": [text, 7]})),
            serde_json::json!({"hunter3": [without, 7]})
        );
    }

    #[test]
    fn a_command_has_names_of_variables_and_no_values() {
        let words = ["env", "T=a b", "go", "test", "-run=^T", "./a=b"].map(OsString::from);
        let private = Private::of(&[], variables(&[]));
        assert_eq!(private.command(&words), "env T=… go test '-run=^T' ./a=b");
        assert_eq!(
            Private::leave().command(&words),
            "env 'T=a b' go test '-run=^T' ./a=b"
        );
    }
}
