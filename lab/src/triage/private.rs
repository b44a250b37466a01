//! The removal of private words from a report, so that it can be posted in public.

use std::env;

/// Private words of this machine and its user, each with its replacement.
pub(super) struct Private(Vec<(String, &'static str)>);

impl Private {
    /// Replaces nothing.
    pub(super) fn leave() -> Private {
        Private(Vec::new())
    }

    /// Replaces the folders of the user and of Go, and the names of user and machine.
    pub(super) fn of_this_machine() -> Private {
        let var = |name: &str| env::var(name).ok();
        let go_root = var("GOROOT").or_else(|| go_env("GOROOT"));
        let module_cache = var("GOMODCACHE").or_else(|| go_env("GOMODCACHE"));
        let here = env::current_dir().ok().map(|dir| dir.display().to_string());
        let host = rustix::system::uname()
            .nodename()
            .to_string_lossy()
            .into_owned();
        Private::of(&[
            (module_cache, "$GOMODCACHE"),
            (go_root, "$GOROOT"),
            (here, "."),
            (Some(env::temp_dir().display().to_string()), "$TMPDIR"),
            (var("HOME"), "~"),
            (var("USER").or_else(|| var("LOGNAME")), "user"),
            (Some(host), "host"),
        ])
    }

    fn of(words: &[(Option<String>, &'static str)]) -> Private {
        let mut words: Vec<(String, &'static str)> = words
            .iter()
            .filter_map(|(word, name)| Some((word.clone()?, *name)))
            // A home of `/`, a user named `a`: leaving those out would leave nothing.
            .filter(|(word, _)| word.len() > 3)
            .collect();
        // A folder inside another one goes first.
        words.sort_by_key(|(word, _)| std::cmp::Reverse(word.len()));
        Private(words)
    }

    /// The text without the private words.
    pub(super) fn left_out(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (word, name) in &self.0 {
            text = replaced(&text, word, name);
        }
        text
    }
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

/// A setting of Go, if Go is there.
fn go_env(name: &str) -> Option<String> {
    let said = std::process::Command::new("go")
        .args(["env", name])
        .output()
        .ok()?;
    let value = String::from_utf8_lossy(&said.stdout).trim().to_owned();
    (said.status.success() && !value.is_empty()).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_and_names_are_left_out_and_longer_names_are_kept() {
        let words = [
            (Some("/home/anna".to_owned()), "~"),
            (Some("/home/anna/go/pkg/mod".to_owned()), "$GOMODCACHE"),
            (Some("anna".to_owned()), "user"),
            (Some("/".to_owned()), "nothing"),
            (None, "nothing"),
        ];
        let private = Private::of(&words);
        assert_eq!(
            private
                .left_out("/home/anna/go/pkg/mod/x.go /home/anna/y.go anna: annals /home/annabel"),
            "$GOMODCACHE/x.go ~/y.go user: annals /home/annabel"
        );
        assert_eq!(Private::leave().left_out("/home/anna"), "/home/anna");
    }
}
