//! Linked worktrees of git in which jails work: made, described and removed.
//!
//! What a jail wrote is not believed: where a worktree and its repository are is what this program
//! has recorded when it made them, and git runs no program that a repository names.

mod apart;
mod git;
mod pointer;
mod record;
mod removal;

use std::io;
use std::path::{Path, PathBuf};

use git::At;
pub use git::Git;
pub use record::{Made, all, find, forget};
pub use removal::{Branch, Removed, remove};

/// Why something about a worktree cannot be done.
#[derive(Debug, thiserror::Error)]
pub enum WorktreeError {
    #[error("git was not found in PATH, outside of what jails can write")]
    NoGit,
    #[error("`{}` is not in a repository of git", .0.display())]
    NoRepository(PathBuf),
    #[error("the repository `{}`, which `.git` names, does not belong to this folder: nothing there names it", .0.display())]
    Pointer(PathBuf),
    #[error("the repository has no commit yet, so there is nothing to check out")]
    NoCommit,
    #[error("`{0}` is no name of a branch")]
    Name(String),
    #[error("there is no commit `{0}`")]
    From(String),
    #[error("`{}` exists already", .0.display())]
    Exists(PathBuf),
    #[error("the repository `{}` lies in another one's: `--folder` says where the worktree belongs", .0.display())]
    Place(PathBuf),
    #[error("git: {0}")]
    Git(String),
    #[error("`{}`: {error}", path.display())]
    Io { path: PathBuf, error: io::Error },
}

/// A folder or file by its identity, whatever is put in its place later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Identity {
    device: u64,
    inode: u64,
}

impl Identity {
    pub(crate) fn of(data: &std::fs::Metadata) -> Self {
        use std::os::unix::fs::MetadataExt as _;
        Self { device: data.dev(), inode: data.ino() }
    }

    fn at(path: &Path) -> io::Result<Self> {
        path.symlink_metadata().map(|data| Self::of(&data))
    }
}

/// A worktree that is wanted.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// The name of its branch.
    pub name: &'a str,
    /// The spec of the jail that will work in it.
    pub spec: &'a Path,
    /// Where a new branch begins.
    pub from: Option<&'a str>,
    /// Where it belongs; next to the repository by default.
    pub folder: Option<&'a Path>,
}

/// A repository, of which worktrees are made.
#[derive(Debug)]
pub struct Repository {
    git: Git,
    /// The folder that all its worktrees share.
    common: PathBuf,
}

impl Repository {
    /// The one that contains `folder`, a path without links.
    ///
    /// # Errors
    /// See [`WorktreeError`].
    pub fn open(git: Git, folder: &Path) -> Result<Self, WorktreeError> {
        let words = ["rev-parse", "--path-format=absolute", "--git-common-dir"];
        let common = git.line(At::Folder(folder), &words);
        let common = common.map_err(|_| WorktreeError::NoRepository(folder.into()))?;
        let common = Path::new(&common).canonicalize();
        let common = common.map_err(|error| WorktreeError::Io { path: folder.into(), error })?;
        if !pointer::is_mutual(folder, &common) {
            return Err(WorktreeError::Pointer(common));
        }
        Ok(Self { git, common })
    }

    fn at(&self) -> At<'_> {
        At::Repository(&self.common)
    }

    /// The git that looks at it.
    #[must_use]
    pub fn git(&self) -> &Git {
        &self.git
    }

    /// Its shared folder.
    #[must_use]
    pub fn common(&self) -> &Path {
        &self.common
    }

    /// Where a worktree of this name belongs.
    ///
    /// # Errors
    /// The repository lies in another one's `.git`.
    pub fn folder(&self, name: &str) -> Result<PathBuf, WorktreeError> {
        let main = match self.common.file_name() {
            Some(last) if last == ".git" => self.common.parent().unwrap_or(&self.common),
            Some(_) | None => &self.common,
        };
        if main.components().any(|part| part.as_os_str() == ".git") {
            return Err(WorktreeError::Place(self.common.clone()));
        }
        let mut all = main.as_os_str().to_owned();
        all.push(".worktrees");
        Ok(Path::new(&all).join(name.replace('/', "-")))
    }

    /// Makes a worktree, and records it first of all: what is not recorded is not removed.
    ///
    /// # Errors
    /// See [`WorktreeError`].
    pub fn add(
        &self,
        state: &crate::state::State,
        wanted: Wanted<'_>,
    ) -> Result<Made, WorktreeError> {
        let Wanted { name, spec, from, folder } = wanted;
        let branch = format!("refs/heads/{name}");
        if name.starts_with('-') || !self.git.is_good(self.at(), &["check-ref-format", &branch]) {
            return Err(WorktreeError::Name(name.into()));
        }
        let folder = folder.map_or_else(|| self.folder(name), |folder| Ok(folder.to_owned()))?;
        if folder.symlink_metadata().is_ok() {
            return Err(WorktreeError::Exists(folder));
        }
        let existing = self.commit(&branch);
        let begin = match (&existing, from) {
            (Some(_), Some(_)) => {
                return Err(WorktreeError::Git(format!("the branch `{name}` exists already")));
            }
            // What the branch has already may be of a jail, too.
            (Some(commit), None) => {
                let words = ["merge-base", "--end-of-options", commit, "HEAD"];
                self.git.line(self.at(), &words).unwrap_or_else(|_| commit.clone())
            }
            (None, Some(from)) => {
                self.commit(from).ok_or_else(|| WorktreeError::From(from.into()))?
            }
            (None, None) => self.commit("HEAD").ok_or(WorktreeError::NoCommit)?,
        };
        if let Some(parent) = folder.parent() {
            std::fs::create_dir_all(parent)
                .map_err(|error| WorktreeError::Io { path: parent.into(), error })?;
        }
        let path = folder.to_str().ok_or_else(|| {
            WorktreeError::Git(format!("`{}` is no text in UTF-8", folder.display()))
        })?;
        let add = ["worktree", "add", "--quiet", "--no-track"];
        match &existing {
            Some(_) => self.git.run(self.at(), &[&add[..3], &["--", path, name]].concat())?,
            None => {
                self.git.run(self.at(), &[&add[..], &["-b", name, "--", path, &begin]].concat())?
            }
        };
        let failed = |error| WorktreeError::Io { path: folder.clone(), error };
        let real = folder.canonicalize().map_err(failed)?;
        let administrative =
            self.git.line(At::Folder(&real), &["rev-parse", "--absolute-git-dir"])?;
        let administrative = Path::new(&administrative).canonicalize().map_err(failed)?;
        if administrative.parent() != Some(&self.common.join("worktrees")) {
            return Err(WorktreeError::Pointer(administrative));
        }
        let made = Made {
            name: name.into(),
            identity: Identity::at(&real).map_err(failed)?,
            folder: real,
            common_identity: Identity::at(&self.common).map_err(failed)?,
            common: self.common.clone(),
            administrative,
            spec: crate::state::trust::place(spec),
            begin,
            is_new_branch: existing.is_none(),
        };
        made.write(state).map_err(failed)?;
        Ok(made)
    }

    fn commit(&self, name: &str) -> Option<String> {
        // `HEAD` is that of the main worktree.
        self.git.commit_of(self.at(), &format!("{name}^{{commit}}"))
    }
}

/// What is known of a worktree.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Condition {
    /// Whether the folder is the one that was made.
    pub is_there: bool,
    /// How many commits its branch has since it was made.
    pub commits: Option<u64>,
    /// Whether the repository's HEAD has all of them.
    pub is_merged: Option<bool>,
    /// How many files are changed or new, and not committed.
    pub uncommitted: Option<u64>,
}

impl Condition {
    /// Looks at a worktree.
    #[must_use]
    pub fn of(made: &Made, git: &Git) -> Self {
        if !made.is_repository_there() {
            return Self { is_there: made.is_there(), ..Self::default() };
        }
        let at = At::Repository(&made.common);
        let branch = format!("refs/heads/{}", made.name);
        let merged = ["merge-base", "--is-ancestor", &branch, "HEAD"];
        Self {
            is_there: made.is_there(),
            commits: Self::commits(made, git),
            is_merged: git.commit_of(at, &branch).map(|_| git.is_good(at, &merged)),
            uncommitted: Self::uncommitted(made, git),
        }
    }

    /// How many commits its branch has since it was made, and nothing else.
    #[must_use]
    pub fn commits(made: &Made, git: &Git) -> Option<u64> {
        if !made.is_repository_there() {
            return None;
        }
        let range = format!("{}..refs/heads/{}", made.begin, made.name);
        let words = ["rev-list", "--count", "--end-of-options", &range];
        git.line(At::Repository(&made.common), &words).ok()?.parse().ok()
    }

    /// How many files are changed or new, and nothing else.
    #[must_use]
    pub fn uncommitted(made: &Made, git: &Git) -> Option<u64> {
        let is_there = made.is_repository_there() && made.is_there();
        is_there.then(|| git.uncommitted(made)).flatten()
    }
}
