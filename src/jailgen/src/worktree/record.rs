//! What is recorded of the worktrees that were made: `many/worktrees/HASH.json` in the state
//! folder, which no jail can write.

use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::Identity;
use crate::files::Private;
use crate::nix::nar::short_hash;
use crate::state::State;

/// A worktree that was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Made {
    /// The name of its branch.
    pub name: String,
    /// Where it is, without links.
    pub folder: PathBuf,
    pub(super) identity: Identity,
    /// The folder that all worktrees of the repository share.
    pub common: PathBuf,
    pub(super) common_identity: Identity,
    /// The folder that the repository keeps for it.
    pub(super) administrative: PathBuf,
    /// The spec of its jail.
    pub spec: PathBuf,
    /// The commit that its branch began at; of an older branch, where it leaves HEAD.
    pub(super) begin: String,
    /// Whether the branch was made with it.
    pub(super) is_new_branch: bool,
}

impl Made {
    /// Whether the branch was there before, with what anybody has committed to it.
    #[must_use]
    pub fn has_older_branch(&self) -> bool {
        !self.is_new_branch
    }

    /// Whether the folder is the one that was made.
    #[must_use]
    pub fn is_there(&self) -> bool {
        Identity::at(&self.folder).is_ok_and(|found| found == self.identity)
    }

    pub(super) fn is_repository_there(&self) -> bool {
        Identity::at(&self.common).is_ok_and(|found| found == self.common_identity)
    }

    pub(super) fn write(&self, state: &State) -> io::Result<()> {
        let text = serde_json::to_vec_pretty(self)?;
        Private::create(&folder(state))?.write(&file(&self.folder), &text)
    }
}

/// All that were made and not removed, by their folders.
///
/// # Errors
/// The record cannot be read.
pub fn all(state: &State) -> io::Result<Vec<Made>> {
    let Some(folder) = Private::open(&folder(state))? else { return Ok(Vec::new()) };
    let mut all = Vec::new();
    for name in folder.names()? {
        let bytes = folder.read(&name)?.unwrap_or_default();
        let made = serde_json::from_slice::<Made>(&bytes);
        all.extend(made.ok().filter(|made| file(&made.folder) == name));
    }
    all.sort_by(|a, b| a.folder.cmp(&b.folder));
    Ok(all)
}

/// Those that a word of the command line means: by their name, or by their folder, if no name is
/// the word. A word without `/` is only a name: in a project, a jail can have made a link of any
/// name that leads to another one's folder.
///
/// # Errors
/// The record cannot be read.
pub fn find(state: &State, word: &Path) -> io::Result<Vec<Made>> {
    let all = all(state)?;
    let named: Vec<Made> =
        all.iter().filter(|made| Path::new(&made.name) == word).cloned().collect();
    if !named.is_empty() || !word.as_os_str().as_bytes().contains(&b'/') {
        return Ok(named);
    }
    let real = word.canonicalize().or_else(|_| std::path::absolute(word)).ok();
    Ok(all.into_iter().filter(|made| Some(&made.folder) == real.as_ref()).collect())
}

/// Forgets one.
///
/// # Errors
/// The record cannot be changed.
pub fn forget(state: &State, made: &Made) -> io::Result<()> {
    Private::create(&folder(state))?.remove(&file(&made.folder))
}

fn folder(state: &State) -> PathBuf {
    state.many().join("worktrees")
}

fn file(folder: &Path) -> OsString {
    format!("{}.json", short_hash(folder.as_os_str().as_bytes(), 24)).into()
}
