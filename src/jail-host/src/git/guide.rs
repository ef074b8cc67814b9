//! The commands that take settings over: words of a shell, whatever a value says.

use super::changes::Change;

/// `git config branch.topic.remote origin`.
pub(super) fn command(change: &Change) -> String {
    let value = change.now.first().map(|value| String::from_utf8_lossy(value).into_owned());
    format!("git config {} {}", word(&change.key.shown()), word(&value.unwrap_or_default()))
}

/// The text as one word of a shell.
fn word(text: &str) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_./:@%+,=".contains(c);
    if !text.is_empty() && text.chars().all(fits) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_one_word() {
        for (text, expected) in [
            ("origin", "origin"),
            ("", "''"),
            ("Zoë O'Neil $(x)", "'Zoë O'\\''Neil $(x)'"),
            ("a;b", "'a;b'"),
            ("+refs/heads/*:x", "'+refs/heads/*:x'"),
        ] {
            assert_eq!(word(text), expected);
        }
    }
}
