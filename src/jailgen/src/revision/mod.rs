//! Files of a revision of a repository of git, as the sources of a spec. Nothing is checked out,
//! and nothing of the repository's configuration is read: git works in a folder of our own that
//! borrows the objects and the names of the repository.

mod git;

#[cfg(test)]
mod tests;

use std::io;
use std::path::{Component, Path, PathBuf};

use jail_lang::{EntryKind, FILE_BYTES_MAX, SourceError, Sources};

use self::git::{Git, Object};
use crate::compile::{Compiled, compile_from};

/// Why a revision cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum RevisionError {
    /// The folder is in no repository.
    #[error("`{0}` is not in a git repository")]
    NoRepository(PathBuf),
    /// Its names of revisions are kept in another way.
    #[error(
        "the repository keeps its references in the `reftable` format, which jailgen does not read"
    )]
    Reftable,
    /// There is no such revision.
    #[error("`{0}` is not a revision of this repository, or is incomplete here")]
    Unknown(String),
    /// The path leads out of the repository.
    #[error("`{0}` is not in the repository")]
    Outside(String),
    /// The system says no, or git does.
    #[error("the repository cannot be read: {0}")]
    Io(#[from] io::Error),
}

/// Compiles the spec `path` as it is in a revision. A path that begins with `./` or `../` is that
/// of `folder`, as git has it, and any other one of the repository's root. `program` is git.
///
/// # Errors
/// See [`RevisionError`]. A spec that is not there is a diagnostic.
pub fn compile(
    program: &Path,
    folder: &Path,
    revision: &str,
    path: &str,
) -> Result<Compiled, RevisionError> {
    let (git, root) = Git::borrow(program, folder)?;
    let from = if path.starts_with("./") || path.starts_with("../") {
        let below = folder.strip_prefix(&root);
        below.map_err(|_| RevisionError::NoRepository(folder.into()))?.to_owned()
    } else {
        PathBuf::new()
    };
    let place = plain(&from.join(path)).ok_or_else(|| RevisionError::Outside(path.into()))?;
    let tree = git.tree(revision)?.ok_or_else(|| RevisionError::Unknown(revision.into()))?;
    let base = place.parent().unwrap_or(Path::new("")).to_owned();
    let unreadable = || RevisionError::Outside(path.into());
    let base = base.to_str().ok_or_else(unreadable)?.to_owned();
    let root = if base.is_empty() { root } else { root.join(&base) };
    let root = root.to_str().ok_or_else(unreadable)?.to_owned();
    let sources = RevisionSources { git, tree, base, root };
    // As git would take it again, and with the file's name at its end.
    let shown = Path::new(&format!("{revision}:.")).join(&place);
    Ok(compile_from(&sources, &shown))
}

/// Without `.` and `..`; nothing where it leads out.
fn plain(path: &Path) -> Option<PathBuf> {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => plain.pop().then_some(())?,
            Component::Normal(_) => plain.push(part),
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(plain)
}

struct RevisionSources {
    git: Git,
    /// The name of the revision's tree.
    tree: String,
    /// The spec's folder in it.
    base: String,
    /// The same on disk, where paths of the spec are absolute.
    root: String,
}

impl RevisionSources {
    /// A path of the spec, in the repository.
    fn below(&self, path: &str) -> Result<String, SourceError> {
        let outside = || SourceError::Outside(path.to_owned());
        let rest = path.strip_prefix(&self.root).ok_or_else(outside)?;
        match rest.strip_prefix('/') {
            None if rest.is_empty() => Ok(self.base.clone()),
            None => Err(outside()),
            Some(rest) if self.base.is_empty() => Ok(rest.to_owned()),
            Some(rest) => Ok(format!("{}/{rest}", self.base)),
        }
    }

    fn object(&self, below: &str, path: &str) -> Result<Option<Object>, SourceError> {
        let io =
            |error: io::Error| SourceError::Io { path: path.into(), message: error.to_string() };
        self.git.object(&format!("{}:{below}", self.tree), FILE_BYTES_MAX).map_err(io)
    }

    fn entries(
        &self,
        below: &str,
        path: &str,
    ) -> Result<Option<Vec<(String, EntryKind)>>, SourceError> {
        match self.object(below, path)? {
            Some(Object::Tree(entries)) => Ok(Some(entries)),
            Some(Object::Blob(_) | Object::Large) | None => Ok(None),
        }
    }
}

impl Sources for RevisionSources {
    fn root(&self) -> &str {
        &self.root
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, SourceError> {
        match self.kind(path)? {
            Some(EntryKind::Regular) => {}
            Some(EntryKind::Symlink) => return Err(SourceError::Link(path.into())),
            Some(EntryKind::Directory | EntryKind::Unknown) => {
                return Err(SourceError::NotRegular(path.into()));
            }
            None => return Err(SourceError::Missing(path.into())),
        }
        match self.object(&self.below(path)?, path)? {
            Some(Object::Blob(bytes)) => Ok(bytes),
            Some(Object::Large) => Err(SourceError::TooLarge { path: path.into() }),
            Some(Object::Tree(_)) | None => Err(SourceError::Missing(path.into())),
        }
    }

    fn kind(&self, path: &str) -> Result<Option<EntryKind>, SourceError> {
        let below = self.below(path)?;
        if below.is_empty() {
            return Ok(Some(EntryKind::Directory));
        }
        let (folder, name) = below.rsplit_once('/').unwrap_or(("", &below));
        let entries = self.entries(folder, path)?.unwrap_or_default();
        Ok(entries.into_iter().find(|(other, _)| other == name).map(|(_, kind)| kind))
    }

    fn list(&self, path: &str) -> Result<Vec<(String, EntryKind)>, SourceError> {
        let mut entries = self
            .entries(&self.below(path)?, path)?
            .ok_or_else(|| SourceError::Missing(path.into()))?;
        entries.sort_by(|(one, _), (other, _)| one.cmp(other));
        Ok(entries)
    }
}
