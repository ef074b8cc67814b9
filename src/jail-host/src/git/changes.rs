//! What a jail has changed in its copy of a configuration. The copy is untrusted: it is read in
//! bounds and as a whole, or not at all.

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;

use jail_plan::git::{Setting, settings_of_whole};

use super::copies::Config;
use super::file;

/// Section, what it is about, and key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) section: Vec<u8>,
    pub(super) about: Option<Vec<u8>>,
    pub(super) key: Vec<u8>,
}

/// A key whose values have changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) key: Key,
    pub(super) before: Vec<Vec<u8>>,
    pub(super) now: Vec<Vec<u8>>,
}

/// All values of all keys, in their order.
pub(super) type Values = BTreeMap<Key, Vec<Vec<u8>>>;

/// What is no longer as it was. `None` where the copy is not a configuration that can be read.
pub(super) fn between_copies(config: &Config, folder: &OwnedFd) -> Option<Vec<Change>> {
    let now = file::read_in(folder, config.name.as_str()).ok()?;
    if now == config.before {
        return Some(Vec::new());
    }
    between(&config.before, &now)
}

/// What differs in two texts.
pub(super) fn between(before: &[u8], now: &[u8]) -> Option<Vec<Change>> {
    // What the user's file has that this reader does not understand is there before and now.
    let (before, mut now) = (values(before).unwrap_or_default(), values(now)?);
    let mut changes = Vec::new();
    for (key, before) in before {
        let now = now.remove(&key).unwrap_or_default();
        if before != now {
            changes.push(Change { key, before, now });
        }
    }
    changes.extend(now.into_iter().map(|(key, now)| Change { key, before: Vec::new(), now }));
    changes.sort_by(|one, other| one.key.cmp(&other.key));
    Some(changes)
}

/// The settings of a text, if all of it is understood.
pub(super) fn values(text: &[u8]) -> Option<Values> {
    let mut values = Values::new();
    for Setting { section, about, key, value } in settings_of_whole(text)? {
        values.entry(Key { section, about, key }).or_default().push(value);
    }
    Some(values)
}

impl Key {
    /// As git writes it, for messages and commands: `branch.topic.remote`.
    pub(super) fn shown(&self) -> String {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let about = self.about.as_deref().map(|about| text(about) + ".").unwrap_or_default();
        format!("{}.{about}{}", text(&self.section), text(&self.key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(before: &str, now: &str) -> Option<Vec<String>> {
        let changes = between(before.as_bytes(), now.as_bytes())?.into_iter();
        Some(
            changes
                .map(|one| format!("{} {}>{}", one.key.shown(), one.before.len(), one.now.len()))
                .collect(),
        )
    }

    #[test]
    fn what_was_added_changed_and_taken_away_is_a_change() {
        let before = "[user]\nname = a\n[core]\nbare = false\n[remote \"o\"]\nfetch = 1\n";
        let now = "[core]\nbare = false\n[User]\nNAME = b\n[remote \"o\"]\nfetch = 1\nfetch = 2\n[alias]\nx\n";
        assert_eq!(
            shown(before, now).unwrap(),
            ["alias.x 0>1", "remote.o.fetch 1>2", "user.name 1>1"]
        );
        assert_eq!(shown(before, before).unwrap(), [""; 0]);
        assert_eq!(shown(before, "").unwrap().len(), 3);
        assert_eq!(shown(before, "[a\n"), None);
    }
}
