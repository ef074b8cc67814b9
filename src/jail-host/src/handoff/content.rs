//! What of a file's content counts: the whole of it, or the parts that something executes.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};

use super::git_config;

/// A part of a file that counts by itself: the file as a whole where it has no name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Part {
    /// Such as `core.fsmonitor` or `scripts.postinstall`.
    pub(super) name: String,
    /// What it says, in short.
    pub(super) says: String,
    pub(super) hash: String,
}

/// What is read of a value for people.
const SAYS_MAX: usize = 80;

impl Part {
    fn from_value(name: String, value: &str) -> Self {
        let says = value.chars().take(SAYS_MAX).collect();
        Self { name, says, hash: hash(value.as_bytes()) }
    }

    /// The whole of a file.
    pub(super) fn whole(bytes: &[u8]) -> Self {
        Self { name: String::new(), says: String::new(), hash: hash(bytes) }
    }
}

/// How a file is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// As it is.
    Whole,
    /// The keys of a configuration of git.
    GitConfig,
    /// The scripts of a package.
    Scripts,
}

/// The parts that count. What cannot be read counts as a whole.
pub(super) fn parts(form: Form, bytes: &[u8]) -> Vec<Part> {
    let found = match form {
        Form::Whole => None,
        Form::GitConfig => git_config::counted_keys(bytes).map(|keys| {
            keys.into_iter()
                .map(|(key, values)| Part::from_value(key, &values.join("\n")))
                .collect()
        }),
        Form::Scripts => scripts(bytes),
    };
    found.unwrap_or_else(|| vec![Part::whole(bytes)])
}

/// The scripts of a `package.json`.
fn scripts(bytes: &[u8]) -> Option<Vec<Part>> {
    #[derive(serde::Deserialize)]
    struct Package {
        #[serde(default)]
        scripts: BTreeMap<String, String>,
    }
    let package: Package = serde_json::from_slice(bytes).ok()?;
    let scripts = package.scripts.into_iter();
    Some(
        scripts
            .map(|(name, script)| Part::from_value(format!("scripts.{name}"), &script))
            .collect(),
    )
}

/// SHA-256, in hexadecimal.
pub(crate) fn hash(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut text = String::with_capacity(64);
    for byte in Sha256::digest(bytes) {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(form: Form, text: &str) -> Vec<String> {
        parts(form, text.as_bytes()).into_iter().map(|part| part.name).collect()
    }

    #[test]
    fn of_a_package_its_scripts_count_and_nothing_else() {
        let text = r#"{"version": "1", "scripts": {"test": "a", "postinstall": "b"}}"#;
        assert_eq!(names(Form::Scripts, text), ["scripts.postinstall", "scripts.test"]);
        assert_eq!(names(Form::Scripts, r#"{"version": "2"}"#), [""; 0]);
        // What another reader might understand counts as a whole; so does what has two readings.
        for odd in
            ["{", r#"{"scripts": []}"#, r#"{"scripts": {}, "scripts": {"a": "b"}}"#, "// x\n{}"]
        {
            assert_eq!(names(Form::Scripts, odd), [""], "{odd}");
        }
    }

    #[test]
    fn hashes_are_known_values() {
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(hash(b""), empty);
    }
}
