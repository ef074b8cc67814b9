//! A folder of git of this program's own, for a question about a worktree: with the objects and
//! the index of the real one, and without its configurations and attributes. A jail can have
//! written those, also in the moment after somebody has looked at them.

use std::fs;
use std::io;
use std::process::Command;

use tempfile::TempDir;

use super::Made;
use crate::files::read_regular;

/// It is removed when it is dropped.
#[derive(Debug)]
pub(super) struct Apart(TempDir);

impl Apart {
    /// With `commit` as HEAD, and with what the repository ignores by a file of its own.
    pub(super) fn new(made: &Made, commit: &str, object_format: &str) -> io::Result<Self> {
        let folder = tempfile::tempdir()?;
        let path = folder.path();
        let is_word = |word: &str| word.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if !is_word(commit) || !is_word(object_format) {
            return Err(io::ErrorKind::InvalidData.into());
        }
        fs::create_dir(path.join("refs"))?;
        fs::create_dir(path.join("info"))?;
        fs::write(path.join("HEAD"), format!("{commit}\n"))?;
        let config = format!(
            "[core]\n\trepositoryformatversion = 1\n\tbare = false\n[extensions]\n\tobjectFormat = {object_format}\n"
        );
        fs::write(path.join("config"), config)?;
        // Without it, more files count as not committed.
        let exclude = read_regular(&made.common.join("info/exclude")).unwrap_or_default();
        fs::write(path.join("info/exclude"), exclude)?;
        Ok(Self(folder))
    }

    /// Has git work with it.
    pub(super) fn set(&self, command: &mut Command, made: &Made) {
        command.env("GIT_DIR", self.0.path()).env("GIT_WORK_TREE", &made.folder);
        command.env("GIT_OBJECT_DIRECTORY", made.common.join("objects"));
        command.env("GIT_INDEX_FILE", made.administrative.join("index"));
    }
}
