//! Files of agents that sessions share, because they say who is signed in or what was talked about, and that hold settings which run
//! programs as well: what of these changed while a session ran is reported. The files are untrusted: they are read in bounds.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use jail_plan::private::{KEYS, SHARED};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::file;

/// No such file is larger.
const BYTES_MAX: u64 = 16 * 1024 * 1024;
/// Settings lie no deeper.
const DEPTH_MAX: usize = 16;

/// A file, and how it was.
pub(super) struct Reported {
    pub(super) path: PathBuf,
    before: io::Result<Vec<u8>>,
}

/// Those of a state folder, or next to it: `~/.claude.json` belongs to `~/.claude`.
pub(super) fn reported(home: &Path, folder: &Path) -> Vec<Reported> {
    let paths = SHARED.iter().map(|shared| home.join(shared));
    let is_of =
        |path: &PathBuf| path.starts_with(folder) || path.with_extension("").as_path() == folder;
    paths.filter(is_of).map(|path| Reported { before: read(&path), path }).collect()
}

impl Reported {
    /// The settings that run programs and are others now. `None` where that is not known.
    pub(super) fn changed(&self) -> Option<Vec<String>> {
        let now = read(&self.path);
        let (before, now) = match (&self.before, now) {
            (_, Err(error)) if is_missing(&error) => return Some(Vec::new()),
            (Err(error), Ok(now)) if is_missing(error) => (Settings::new(), now),
            (Ok(before), Ok(now)) if *before == now => return Some(Vec::new()),
            (Ok(before), Ok(now)) => (settings(before).unwrap_or_default(), now),
            (_, _) => return None,
        };
        let now = settings(&now)?;
        let changed = now.iter().filter(|(key, hash)| before.get(*key) != Some(*hash));
        Some(changed.map(|(key, _)| key.clone()).collect())
    }
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    file::read_at_most(path, BYTES_MAX)
}

fn is_missing(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound
}

/// Settings by their place, each with a hash of what it is.
type Settings = BTreeMap<String, [u8; 32]>;

fn settings(text: &[u8]) -> Option<Settings> {
    let mut found = Settings::new();
    if text.trim_ascii().is_empty() {
        return Some(found);
    }
    collect(&serde_json::from_slice(text).ok()?, "", DEPTH_MAX, &mut found);
    Some(found)
}

fn collect(value: &Value, place: &str, depth: usize, found: &mut Settings) {
    let Some(depth) = depth.checked_sub(1) else { return };
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                let place = format!("{place}{}{key}", if place.is_empty() { "" } else { "." });
                match KEYS.iter().any(|counted| counted.eq_ignore_ascii_case(key)) {
                    true => each(value, &place, found),
                    false => collect(value, &place, depth, found),
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| collect(value, place, depth, found)),
        Value::String(text) if is_command(text) => drop(found.insert(place.into(), hash(value))),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// A setting of several has a line for each: a server, a hook.
fn each(value: &Value, place: &str, found: &mut Settings) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                found.insert(format!("{place}.{key}"), hash(value));
            }
        }
        Value::Null | Value::Bool(false) => {}
        Value::Array(values) if values.is_empty() => {}
        Value::Bool(true) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            found.insert(place.into(), hash(value));
        }
    }
}

/// Keys of some agents may be what a command prints.
fn is_command(text: &str) -> bool {
    text.starts_with('!') || text.contains("$(")
}

fn hash(value: &Value) -> [u8; 32] {
    Sha256::digest(value.to_string()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(before: &str, now: &str) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.json");
        std::fs::write(&path, now).unwrap();
        Reported { path, before: Ok(before.into()) }.changed().unwrap()
    }

    #[test]
    fn servers_hooks_and_trust_count_and_the_rest_does_not() {
        let before = r#"{"numStartups": 1, "projects": {"/p": {"history": []}}, "mcpServers": {"a": {"command": "x"}}}"#;
        assert_eq!(changed(before, before), [""; 0]);
        assert_eq!(changed(before, &before.replace('1', "2")), [""; 0]);
        let now = r#"{"mcpServers": {"a": {"command": "y"}, "b": {}}, "projects": {"/p": {"hasTrustDialogAccepted": true}},
            "key": "!sh x", "hooks": {}, "deep": [{"apiKeyHelper": "z"}]}"#;
        assert_eq!(
            changed(before, now),
            [
                "deep.apiKeyHelper",
                "key",
                "mcpServers.a",
                "mcpServers.b",
                "projects./p.hasTrustDialogAccepted"
            ]
        );
        // What was taken away runs nothing.
        assert_eq!(changed(now, "{}"), [""; 0]);
        assert_eq!(changed("", now).len(), 5);
    }

    #[test]
    fn what_cannot_be_read_is_not_known() {
        let path = PathBuf::from("/proc/self/nothing");
        assert_eq!(Reported { path, before: Ok(Vec::new()) }.changed(), Some(Vec::new()));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.json");
        std::fs::write(&path, "{").unwrap();
        assert_eq!(Reported { path: path.clone(), before: Ok(Vec::new()) }.changed(), None);
        std::fs::create_dir(folder.path().join("d")).unwrap();
        assert_eq!(
            Reported { path: folder.path().join("d"), before: Ok(Vec::new()) }.changed(),
            None
        );
        let deep = "[".repeat(100_000);
        std::fs::write(&path, deep).unwrap();
        assert_eq!(Reported { path, before: Ok(Vec::new()) }.changed(), None);
    }
}
