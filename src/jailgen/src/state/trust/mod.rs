//! The trust store (`trust/` in the state folder): which specs were approved, which spec a path
//! stood for, and which trees a jail could ever write. No jail sees it. What cannot be read, or
//! matches nothing, is answered by a question.
//!
//! ```text
//! approvals/0123….json   what was approved of a spec, named after its place
//! paths/0123…            the place that a path of a spec led to, named after the path as it was
//! written trees/h-…, trees/p-…   written by the stub: which trees a jail could write worktrees/w-…
//! written by the stub: which working folder had which repository
//! ```

mod approval;
mod changes;
mod content;
mod presets;
mod trees;

use std::ffi::OsString;
use std::fs;
use std::path::{Component, Path, PathBuf};

use jail_plan::trust::{TREES, WORKTREES};
use sha2::{Digest as _, Sha256};

pub use approval::{Approval, Question, Verdict, Why, approvals, approve, forget_approval, judge};
pub(super) use approval::{content_of, leads_to};
pub(super) use content::Content;
pub use trees::{Tree, Trees, forget_tree, forget_worktree, trees, worktrees};

use super::State;

impl State {
    fn approvals(&self) -> PathBuf {
        self.trust().join("approvals")
    }

    fn trust_paths(&self) -> PathBuf {
        self.trust().join("paths")
    }

    fn trees(&self) -> PathBuf {
        self.root.join(TREES)
    }

    fn worktrees(&self) -> PathBuf {
        self.root.join(WORKTREES)
    }
}

/// Where a spec is: an absolute path without links.
#[must_use]
pub fn place(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| written(path))
}

/// A path as it is written, made absolute. Links in it are not followed.
#[must_use]
pub fn written(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.into());
    let mut plain = PathBuf::new();
    for part in absolute.components() {
        match part {
            Component::ParentDir => {
                plain.pop();
            }
            Component::CurDir => {}
            Component::Prefix(_) | Component::RootDir | Component::Normal(_) => plain.push(part),
        }
    }
    plain
}

/// The name of a file that is about a path: 128 bits of its hash.
pub(crate) fn key(path: &Path) -> OsString {
    let hash = Sha256::digest(path.as_os_str().as_encoded_bytes());
    let digits = hash.iter().take(16).map(|byte| format!("{byte:02x}"));
    digits.collect::<String>().into()
}

#[cfg(test)]
mod tests;
