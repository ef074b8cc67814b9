//! Which changes in private copies are reported: those by which a program of the host would execute
//! or believe something else than it did when the jail began, if they were not gone with the jail.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use jail_plan::private::{NoNews, REWRITTEN, Rewritten};
use rustix::fs::{AtFlags, statat};
use rustix::io::Errno;
use serde_json::Value;

use super::copies::{Config, Layer};
use super::familiar::Familiar;
use super::file;
use super::jsonc::settings;
use super::private::Folder;

/// So much of layers is read, to be compared.
const BYTES_MAX: u64 = 64 * 1024 * 1024;

/// The changes in one folder of an agent's.
pub(super) struct News<'f> {
    folder: &'f Folder,
    /// What the agent itself writes there.
    rewritten: Vec<&'static Rewritten>,
    familiar: &'f Familiar,
    left: Cell<u64>,
}

/// How a file is.
struct State {
    content: Vec<u8>,
    is_executable: bool,
}

impl<'f> News<'f> {
    pub(super) fn new(folder: &'f Folder, home: &Path, familiar: &'f Familiar) -> Self {
        let all = REWRITTEN.iter();
        let rewritten = all.filter(|entry| home.join(entry.of) == folder.named).collect();
        Self { folder, rewritten, familiar, left: Cell::new(BYTES_MAX) }
    }

    /// The name of a file that has a copy, and which of its settings are others.
    pub(super) fn of_file(&self, file: &Config, copies: &OwnedFd) -> Option<String> {
        let below = file.path.strip_prefix(&self.folder.held.path).unwrap_or(&file.path);
        let name = below.to_string_lossy().into_owned();
        let Ok(content) = file::read_in(copies, file.name.as_str()) else { return Some(name) };
        if content == file.before || self.is_fetched(below) {
            return None;
        }
        match self.settings(below, &file.before, &content) {
            // Written anew, with the same settings.
            Some(changed) if changed.is_empty() => None,
            Some(changed) => Some(format!("{name}: {}", changed.join(", "))),
            None => {
                (!self.is_again(below, &State { content, is_executable: false })).then_some(name)
            }
        }
    }

    /// Whether a file in a folder is another one. One that cannot be read is.
    pub(super) fn is_in_layer(&self, layer: &Layer, path: &Path) -> bool {
        let whole = layer.path.join(path);
        let Ok(below) = whole.strip_prefix(&self.folder.held.path) else { return true };
        let Ok(now) = self.read(&layer.changes, path) else { return true };
        let before = match self.read(&self.folder.held.folder, below) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                State { content: Vec::new(), is_executable: false }
            }
            Err(_) => return true,
            Ok(before) if before.content == now.content => {
                return before.is_executable != now.is_executable;
            }
            Ok(before) => before,
        };
        let is_settings = below.extension().is_some_and(|end| end == "json" || end == "jsonc");
        if is_settings && !now.is_executable {
            let changed = self.settings(below, &before.content, &now.content);
            if changed.is_some_and(|changed| changed.is_empty()) {
                return false;
            }
        }
        !self.is_again(below, &now)
    }

    /// The settings that are others, where both are files of settings.
    fn settings(&self, name: &Path, before: &[u8], now: &[u8]) -> Option<Vec<String>> {
        let (before, now): (BTreeMap<String, Value>, _) = (settings(before)?, settings(now)?);
        let no_news: Vec<&str> = self.rewritten(name).flat_map(keys).copied().collect();
        let keys = before.keys().chain(now.keys().filter(|key| !before.contains_key(*key)));
        let changed = keys.filter(|key| before.get(*key) != now.get(*key));
        Some(changed.filter(|key| !no_news.contains(&key.as_str())).cloned().collect())
    }

    /// Whether an earlier session has left the same, where the agent writes it each time.
    fn is_again(&self, name: &Path, now: &State) -> bool {
        let mut entries = self.rewritten(name).filter(|entry| entry.when == NoNews::Again);
        let path = self.folder.held.path.join(name);
        entries.next().is_some() && self.familiar.is_known(&path, now.is_executable, &now.content)
    }

    /// Whether it says nothing that is not fetched again.
    fn is_fetched(&self, name: &Path) -> bool {
        self.rewritten(name).any(|entry| entry.when == NoNews::All)
    }

    pub(super) fn is_rewritten(&self, name: &Path) -> bool {
        self.rewritten(name).next().is_some()
    }

    fn rewritten(&self, name: &Path) -> impl Iterator<Item = &'static Rewritten> {
        let is_it = move |entry: &&Rewritten| match entry.name.strip_suffix('/') {
            Some(folder) => name.starts_with(folder),
            None => name == Path::new(entry.name),
        };
        self.rewritten.iter().copied().filter(is_it)
    }

    fn read(&self, folder: impl AsFd, path: &Path) -> io::Result<State> {
        let (folder, name) = file::parent(folder, path)?;
        let found = statat(&folder, name, AtFlags::SYMLINK_NOFOLLOW)?;
        let content = file::read_in(&folder, name)?;
        let left = self.left.get().checked_sub(content.len() as u64).ok_or(Errno::FBIG)?;
        self.left.set(left);
        Ok(State { content, is_executable: found.st_mode & 0o100 != 0 })
    }
}

fn keys(entry: &Rewritten) -> &'static [&'static str] {
    match entry.when {
        NoNews::Keys(keys) => keys,
        NoNews::Again | NoNews::All => &[],
    }
}
