//! Files of agents that sessions share, because they say who is signed in or what was talked about,
//! and that hold settings which run programs as well: what of these changed while a session ran is
//! reported. The files are untrusted: they are read in bounds.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use jail_plan::private::{KEYS, RunByValue, SHARED, SharedFile};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::{file, jsonc};

/// No such file is larger.
const BYTES_MAX: u64 = 16 * 1024 * 1024;
/// Settings lie no deeper.
const DEPTH_MAX: usize = 16;

/// A file, and how it was.
pub(super) struct Reported {
    pub(super) path: PathBuf,
    runs: RunByValue,
    before: io::Result<Vec<u8>>,
}

/// Those of an agent that has this state folder.
pub(super) fn reported(home: &Path, folder: &Path) -> Vec<Reported> {
    let all = SHARED.iter().filter(|shared| home.join(shared.of) == folder);
    let one = |shared: &SharedFile| {
        let path = home.join(shared.path);
        Reported { before: read(&path), path, runs: shared.runs }
    };
    all.map(one).collect()
}

/// Settings by which a program of the host would run something else, or something that it would
/// not have run.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Changed {
    /// New ones, and others.
    pub(super) other: Vec<String>,
    /// A list of what is refused, or a hook that looks at it, may be among these.
    pub(super) gone: Vec<String>,
}

impl Reported {
    /// What is not as it was. `None` where that is not known.
    pub(super) fn changed(&self) -> Option<Changed> {
        let (before, now) = match (&self.before, read(&self.path)) {
            (Ok(before), Ok(now)) if *before == now => return Some(Changed::default()),
            (Err(before), Err(now)) if is_missing(before) && is_missing(&now) => {
                return Some(Changed::default());
            }
            (Ok(before), Ok(now)) => (self.settings(before).unwrap_or_default(), now),
            (Err(error), Ok(now)) if is_missing(error) => (Settings::new(), now),
            (Ok(before), Err(error)) if is_missing(&error) => {
                (self.settings(before).unwrap_or_default(), Vec::new())
            }
            (_, _) => return None,
        };
        let now = self.settings(&now)?;
        let other = now.iter().filter(|(key, hash)| before.get(*key) != Some(*hash));
        let gone = before.keys().filter(|key| !now.contains_key(*key));
        Some(Changed {
            other: other.map(|(key, _)| key.clone()).collect(),
            gone: gone.cloned().collect(),
        })
    }

    fn settings(&self, text: &[u8]) -> Option<Settings> {
        let mut found = Settings::new();
        if text.trim_ascii().is_empty() {
            return Some(found);
        }
        let all = jsonc::value(text)?;
        collect(&all, self.runs, "", DEPTH_MAX, &mut found);
        Some(found)
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

fn collect(value: &Value, runs: RunByValue, place: &str, depth: usize, found: &mut Settings) {
    let Some(depth) = depth.checked_sub(1) else { return };
    match value {
        Value::Object(fields) if is_server(fields, runs) => add(place.into(), value, found),
        Value::Object(fields) => {
            for (key, value) in fields {
                let place = format!("{place}{}{key}", if place.is_empty() { "" } else { "." });
                match KEYS.iter().any(|counted| is_key(counted, key)) {
                    true => each(value, &place, found),
                    false => collect(value, runs, &place, depth, found),
                }
            }
        }
        Value::Array(values) => {
            values.iter().for_each(|value| collect(value, runs, place, depth, found));
        }
        Value::String(text) if is_command(text, runs) => {
            add(place.into(), value, found);
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The same key is written in several ways.
fn is_key(counted: &str, key: &str) -> bool {
    counted.eq_ignore_ascii_case(&key.replace(['_', '-'], "")) || counted.eq_ignore_ascii_case(key)
}

/// Whether an entry is a server that settings are fetched from.
fn is_server(fields: &serde_json::Map<String, Value>, runs: RunByValue) -> bool {
    let is_such = || fields.get("type").and_then(Value::as_str) == Some("wellknown");
    runs == RunByValue::FetchedSettings && is_such()
}

/// A setting of several has a line for each: a server, a hook.
fn each(value: &Value, place: &str, found: &mut Settings) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                add(format!("{place}.{key}"), value, found);
            }
        }
        Value::Null | Value::Bool(false) => {}
        Value::Array(values) if values.is_empty() => {}
        Value::Bool(true) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            add(place.into(), value, found);
        }
    }
}

fn is_command(text: &str, runs: RunByValue) -> bool {
    match runs {
        RunByValue::Nothing | RunByValue::FetchedSettings => false,
        RunByValue::AfterMark => text.starts_with('!'),
        RunByValue::Expanded => text.contains("$(") || text.contains('`'),
    }
}

/// Entries of one list have the same place: each of them counts.
fn add(place: String, value: &Value, found: &mut Settings) {
    let before = found.get(&place).copied().unwrap_or_default();
    let all = Sha256::new().chain_update(before).chain_update(value.to_string());
    found.insert(place, all.finalize().into());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(before: &str, now: &str) -> Vec<String> {
        changed_of(RunByValue::AfterMark, before, now)
    }

    fn changed_of(runs: RunByValue, before: &str, now: &str) -> Vec<String> {
        both(runs, before, now).other
    }

    fn both(runs: RunByValue, before: &str, now: &str) -> Changed {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.json");
        std::fs::write(&path, now).unwrap();
        of_file(runs, path, before).changed().unwrap()
    }

    fn of_file(runs: RunByValue, path: PathBuf, before: &str) -> Reported {
        Reported { path, runs, before: Ok(before.into()) }
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
        assert_eq!(changed("", now).len(), 5);
        // As Copilot writes it.
        let commented = "// This file is managed.\n{\"trustedFolders\": [\"/\"]}";
        assert_eq!(changed("", commented), ["trustedFolders"]);
    }

    #[test]
    fn what_was_taken_away_counts() {
        // It may be what stops something: a list of what is refused, or a hook that looks.
        let before =
            r#"{"permissions": {"deny": ["Bash(curl:*)"]}, "hooks": {"PreToolUse": [1]}, "n": 1}"#;
        let gone = ["hooks.PreToolUse", "permissions.deny"].map(String::from).to_vec();
        let all = Changed { other: Vec::new(), gone };
        for now in ["{}", "", r#"{"permissions": null, "hooks": false}"#, r#"{"hooks": []}"#] {
            assert_eq!(both(RunByValue::Nothing, before, now), all, "{now}");
        }
        let emptied = before.replace(r#"["Bash(curl:*)"]"#, "[]");
        assert_eq!(changed(before, &emptied), ["permissions.deny"]);
        let folder = tempfile::tempdir().unwrap();
        let gone = of_file(RunByValue::Nothing, folder.path().join("x.json"), before);
        assert_eq!(gone.changed(), Some(all));
        let mut unread = of_file(RunByValue::Nothing, folder.path().join("x.json"), "");
        unread.before = Err(io::Error::other("it is not a regular file"));
        assert_eq!(unread.changed(), None);
    }

    #[test]
    fn each_entry_of_a_list_counts() {
        let before = r#"{"l": [{"command": "x"}]}"#;
        for now in [
            r#"{"l": [{"command": "evil"}, {"command": "x"}]}"#,
            r#"{"l": [{"command": "x"}, {"command": "evil"}]}"#,
        ] {
            assert_eq!(changed(before, now), ["l.command"], "{now}");
        }
        assert_eq!(changed(r#"["!x"]"#, r#"["!evil", "!x"]"#).len(), 1);
    }

    #[test]
    fn values_that_run_something_count_where_an_agent_runs_them() {
        let expanded = |now| changed_of(RunByValue::Expanded, r#"[{"api_key": "$KEY"}]"#, now);
        assert_eq!(expanded(r#"[{"api_key": "$OTHER", "name": "!x"}]"#), [""; 0]);
        assert_eq!(expanded(r#"[{"api_key": "$(evil)"}]"#), ["api_key"]);
        assert_eq!(expanded(r#"[{"headers": {"x": "${Y:-`evil`}"}}]"#), ["headers.x"]);
        assert_eq!(expanded(r#"[{"AWS_auth_refresh": "evil"}]"#), ["AWS_auth_refresh"]);
        let key = r#"{"anthropic": {"type": "api", "key": "k"}}"#;
        let fetched = |now| changed_of(RunByValue::FetchedSettings, key, now);
        assert_eq!(fetched(r#"{"anthropic": {"type": "api", "key": "!$(l)"}}"#), [""; 0]);
        let server = r#"{"https://evil": {"type": "wellknown", "key": "X", "token": "y"}}"#;
        assert_eq!(fetched(server), ["https://evil"]);
        assert_eq!(changed_of(RunByValue::FetchedSettings, server, server), [""; 0]);
        // What a user has typed is in the history of some.
        let history = r#"{"projects": {"/p": {"history": ["!ls", "$(x)"]}}}"#;
        assert_eq!(changed_of(RunByValue::Nothing, "{}", history), [""; 0]);
    }

    #[test]
    fn what_cannot_be_read_is_not_known() {
        let path = PathBuf::from("/proc/self/nothing");
        assert_eq!(of_file(RunByValue::Nothing, path, "").changed(), Some(Changed::default()));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.json");
        std::fs::write(&path, "{").unwrap();
        assert_eq!(of_file(RunByValue::Nothing, path.clone(), "").changed(), None);
        std::fs::create_dir(folder.path().join("d")).unwrap();
        assert_eq!(of_file(RunByValue::Nothing, folder.path().join("d"), "").changed(), None);
        let deep = "[".repeat(100_000);
        std::fs::write(&path, deep).unwrap();
        assert_eq!(of_file(RunByValue::Nothing, path, "").changed(), None);
    }
}
