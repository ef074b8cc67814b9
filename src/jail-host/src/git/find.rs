//! Finds the repositories that a jail may write, and every place in and around them that it may not
//! change; and what else it has copies of.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use jail_plan::GitChanges;
use jail_plan::git::{About, Guarded, How, Outside, PLACES_MAX};
use jail_plan::private::SHARED;

use super::Refusal;
use super::file;
use super::links::Unfollowed;
use super::named::{Named, Names, normal};
use super::private::Folder;
use super::repository::{Repository, is_repository};
use super::room::Room;
use super::stored::Stored;
use super::way::{self, Way};

/// Submodules lie in each other no deeper, and a name of one has no more parts.
const DEPTH_MAX: usize = 8;
/// No more folders of git are held.
const REPOSITORIES_MAX: usize = 512;

/// What was found.
pub(super) struct FoundRepository {
    pub(super) changes: GitChanges,
    /// The working folder; empty where the jail may not write it.
    pub(super) folder: PathBuf,
    /// What the jail may write.
    pub(super) roots: Vec<PathBuf>,
    pub(super) places: Vec<Guarded>,
    /// What each of the places is about.
    pub(super) about: Vec<About>,
    pub(super) repositories: Vec<Repository>,
    /// The folders of programs' state.
    pub(super) private: Vec<Folder>,
    /// Links of programs' state that are not followed.
    pub(super) unfollowed: Vec<Unfollowed>,
    /// The user's home folder.
    pub(super) home: PathBuf,
    /// What cannot be held, because nothing is there.
    pub(super) missing: Vec<(&'static str, PathBuf)>,
    /// Paths of the store that state leads to, and of which it is not known what they need.
    pub(super) unasked: Vec<PathBuf>,
    /// Paths of the store that lead out of it, or cannot be read.
    pub(super) withheld: Vec<PathBuf>,
    /// State leads to more of the store than the jail sees.
    pub(super) is_cut: bool,
    /// Files that are read-only, because there was no room for copies of them.
    pub(super) squeezed: Vec<PathBuf>,
}

impl FoundRepository {
    /// The folders of git.
    pub(super) fn folders(&self) -> impl Iterator<Item = &OwnedFd> {
        self.repositories.iter().map(|repository| &repository.held.folder)
    }

    /// Takes the placeholders away.
    pub(super) fn clear(&self) {
        self.repositories.iter().for_each(|repository| repository.held.clear());
        self.private.iter().for_each(|folder| folder.held.clear());
    }
}

/// Looks at the working folder and at the repository of its worktree.
pub(super) fn find(outside: &Outside) -> Result<FoundRepository, Refusal> {
    let path = |bytes: &[u8]| PathBuf::from(OsStr::from_bytes(bytes));
    let (folder, repository) = (path(&outside.folder), path(&outside.repository));
    let roots = [&folder, &repository].into_iter().filter(|root| root.is_absolute());
    let mut search = Search {
        about: About::Git,
        states: SHARED.iter().map(|shared| path(&outside.home).join(shared.path)).collect(),
        seen: BTreeSet::new(),
        found: FoundRepository {
            changes: outside.changes,
            folder: folder.clone(),
            roots: roots.cloned().collect(),
            places: Vec::new(),
            about: Vec::new(),
            private: Vec::new(),
            unfollowed: Vec::new(),
            home: path(&outside.home),
            repositories: Vec::new(),
            missing: Vec::new(),
            unasked: Vec::new(),
            withheld: Vec::new(),
            is_cut: false,
            squeezed: Vec::new(),
        },
        room: Room::HALF,
        stored: Stored::default(),
        beside: BTreeSet::new(),
    };
    let done = search.folder(&folder).and_then(|()| match repository.is_absolute() {
        true => search.repository(&repository, None),
        false => Ok(()),
    });
    let done = done.and_then(|()| {
        search.about = About::Private;
        // A link of one may lead into another.
        for private in &outside.private {
            search.state(private);
        }
        outside.private.iter().try_for_each(|private| search.private(private))?;
        search.add_stored(outside);
        Ok(())
    });
    match done {
        Ok(()) => Ok(search.found),
        Err(refusal) => {
            search.found.clear();
            Err(refusal)
        }
    }
}

pub(super) struct Search {
    /// What is looked for now.
    about: About,
    /// What programs have in their state folders that is kept apart, or that sessions share.
    pub(super) states: Vec<PathBuf>,
    seen: BTreeSet<PathBuf>,
    pub(super) found: FoundRepository,
    /// For copies of files.
    room: Room,
    pub(super) stored: Stored,
    /// Which of the places nothing names: they lie next to programs.
    pub(super) beside: BTreeSet<usize>,
}

impl Search {
    /// What of git is in the working folder: `.git`, as what it may be, and the folder itself where
    /// that is a bare repository.
    fn folder(&mut self, folder: &Path) -> Result<(), Refusal> {
        if !folder.is_absolute() {
            return Ok(());
        }
        let git = folder.join(".git");
        match git.symlink_metadata() {
            Ok(found) if found.is_dir() => self.repository(&git, Some(folder))?,
            Ok(found) if found.is_file() => self.pointer(folder, &git)?,
            Ok(_) => self.link(&git, Some(folder))?,
            // A folder that only looks like a repository, next to a real one, is part of the
            // working tree.
            Err(_) if is_repository(folder) => self.repository(folder, None)?,
            Err(_) => {}
        }
        Ok(())
    }

    /// The `.git` file of a worktree or a submodule, and what it leads to where the jail may write
    /// that.
    fn pointer(&mut self, folder: &Path, git: &Path) -> Result<(), Refusal> {
        self.keep(How::ReadOnly, git)?;
        let text = file::read(git).unwrap_or_default();
        let Some(target) = text.strip_prefix(b"gitdir: ") else { return Ok(()) };
        let target = normal(&folder.join(OsStr::from_bytes(target.trim_ascii_end())));
        // What a repository keeps of a worktree is not a folder of git by itself, and says where
        // that is.
        let common = file::read(&target.join("commondir")).ok();
        let common = common.map(|text| target.join(OsStr::from_bytes(text.trim_ascii_end())));
        let git = common.map_or(target, |common| normal(&common));
        match is_repository(&git) && self.is_writable(&git) {
            true => self.repository(&git, Some(folder)),
            false => Ok(()),
        }
    }

    /// A symbolic link, which stays what it is, and what it leads to.
    fn link(&mut self, git: &Path, folder: Option<&Path>) -> Result<(), Refusal> {
        self.keep(How::ReadOnly, git)?;
        match fs::canonicalize(git) {
            Ok(real) if real.is_dir() && self.is_writable(&real) => self.repository(&real, folder),
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// A folder of git, those of its submodules, and what its configuration names.
    fn repository(&mut self, path: &Path, tree: Option<&Path>) -> Result<(), Refusal> {
        // An earlier jail may have made a link on the way.
        let real = fs::canonicalize(path).map_err(|error| failed(path, &error))?;
        let path = real.as_path();
        if !self.is_below(path) {
            return Ok(());
        }
        if !self.seen.insert(path.to_path_buf()) {
            return Ok(());
        }
        if self.found.changes == GitChanges::Refused {
            return self.keep(How::ReadOnly, path);
        }
        if self.seen.len() > REPOSITORIES_MAX {
            return Err(refusal(path, "more submodules lie there than are kept apart"));
        }
        let repository = Repository::open(path).map_err(|error| failed(path, &error))?;
        let kept = repository.kept().map_err(|error| failed(path, &error))?;
        for (how, path) in kept {
            self.keep_or_link(how, &path)?;
        }
        self.worktrees(&repository)?;
        self.modules(&path.join("modules"), DEPTH_MAX)?;
        self.found.repositories.push(repository);
        self.named(path, tree)
    }

    /// The `.git` files of its worktrees, where these lie in what the jail may write.
    fn worktrees(&mut self, repository: &Repository) -> Result<(), Refusal> {
        for child in repository.children.iter().map(|child| repository.path().join(child)) {
            let text = file::read_below(&child.join("gitdir"), &self.found.roots);
            let Ok(text) = text else { continue };
            let git = normal(&child.join(OsStr::from_bytes(text.trim_ascii_end())));
            if git.symlink_metadata().is_ok_and(|found| found.is_file()) {
                self.keep(How::ReadOnly, &git)?;
            }
        }
        Ok(())
    }

    /// The folders of git below a folder of modules: their names may have several parts.
    fn modules(&mut self, folder: &Path, depth: usize) -> Result<(), Refusal> {
        let Some(depth) = depth.checked_sub(1) else { return Ok(()) };
        if !fs::canonicalize(folder).is_ok_and(|real| self.is_below(&real)) {
            return Ok(());
        }
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                continue;
            }
            match is_repository(&path) {
                true => self.repository(&path, None)?,
                false => self.modules(&path, depth)?,
            }
        }
        Ok(())
    }

    /// What the configuration of a folder of git, and the user's own, names where the jail may
    /// write.
    fn named(&mut self, path: &Path, tree: Option<&Path>) -> Result<(), Refusal> {
        let home = self.found.home.clone();
        let mut names = Names::new(&home, tree.unwrap_or(path));
        let own = ["config", "config.worktree"].map(|name| path.join(name));
        let users = [".gitconfig", ".config/git/config"].map(|name| home.join(name));
        for config in own.iter().chain(&users).chain([&PathBuf::from("/etc/gitconfig")]) {
            names.read(config).map_err(|error| failed(config, &error))?;
        }
        for named in names.named {
            match &named {
                Named::Included(path) => self.mentioned("include.path", How::ReadOnly, path)?,
                Named::Attributes(path) => {
                    self.mentioned("core.attributesFile", How::ReadOnly, path)?;
                }
                Named::Hooks(path) => {
                    let how = if ignores_itself(path) { How::Copy } else { How::ReadOnly };
                    self.mentioned("core.hooksPath", how, path)?;
                }
                Named::Tree(path) => {
                    let git = path.join(".git");
                    if git.symlink_metadata().is_ok_and(|found| found.is_file()) {
                        self.mentioned("core.worktree", How::ReadOnly, &git)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// What a setting names, if the jail may write it; each link on the way is kept, too.
    fn mentioned(&mut self, key: &'static str, how: How, path: &Path) -> Result<(), Refusal> {
        let Some(path) = self.keep_way(path)? else { return Ok(()) };
        if path.symlink_metadata().is_ok() {
            return self.keep_or_link(how, &path);
        }
        if self.is_writable(&path) {
            self.found.missing.push((key, path));
        }
        Ok(())
    }

    /// The same for what may be a symbolic link: that stays one, and what it leads to is kept where
    /// the jail may write it.
    pub(super) fn keep_or_link(&mut self, how: How, path: &Path) -> Result<(), Refusal> {
        // A copy lies over a link as well as over a file.
        if how == How::Link || !path.is_symlink() {
            self.keep(how, path)?;
        } else {
            self.keep(How::ReadOnly, path)?;
        }
        match fs::canonicalize(path) {
            Ok(real) if real != path && how == How::Link => self.keep(How::ReadOnly, &real),
            Ok(real) if real != path => self.keep(how, &real),
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// Keeps the links on the way to a path: that path without them. Nothing, where they do not
    /// end.
    pub(super) fn keep_way(&mut self, path: &Path) -> Result<Option<PathBuf>, Refusal> {
        let Some(Way { links, real }) = way::to(path) else { return Ok(None) };
        links.iter().try_for_each(|link| self.keep_place(How::ReadOnly, link))?;
        Ok(Some(real))
    }

    /// Keeps what is at a path, and the links on the way there.
    pub(super) fn keep(&mut self, how: How, path: &Path) -> Result<(), Refusal> {
        match self.keep_way(path)? {
            Some(path) => self.keep_place(how, &path),
            None => Ok(()),
        }
    }

    fn keep_place(&mut self, how: How, path: &Path) -> Result<(), Refusal> {
        let is_kept =
            || self.found.places.iter().any(|place| place.path == path.as_os_str().as_bytes());
        if !self.is_writable(path) || is_kept() {
            return Ok(());
        }
        if self.found.places.len() >= PLACES_MAX {
            return Err(refusal(path, "more lies there than can be kept apart"));
        }
        let how = if how == How::Link { self.copied_if_there_is_room(path)? } else { how };
        let path = path.as_os_str().to_owned().into_vec();
        self.found.places.push(Guarded { how, path });
        self.found.about.push(self.about);
        Ok(())
    }

    /// A copy, where there is room for it. Else a file of a program's is read-only; git cannot work
    /// with such a configuration.
    fn copied_if_there_is_room(&mut self, path: &Path) -> Result<How, Refusal> {
        let size = path.symlink_metadata().map_or(0, |found| found.len());
        match (self.room.take(size), self.about) {
            (Some(()), _) => Ok(How::Link),
            (None, About::Private) => {
                self.found.squeezed.push(path.to_path_buf());
                Ok(How::ReadOnly)
            }
            (None, About::Git) => Err(refusal(
                path,
                "the configurations of this repository and its submodules are larger than 64 MiB, which is what one launch copies",
            )),
        }
    }

    /// Whether the jail may write what has this name: a link on the way may lead elsewhere.
    pub(super) fn is_writable(&self, path: &Path) -> bool {
        let above = path.ancestors().skip(1).find_map(|above| fs::canonicalize(above).ok());
        self.is_below(path)
            && (self.found.roots.iter().any(|root| root == path)
                || above.is_some_and(|above| self.is_below(&above)))
    }

    fn is_below(&self, path: &Path) -> bool {
        self.found.roots.iter().any(|root| path.starts_with(root))
    }
}

/// Whether a folder of hooks is one that a tool makes in the working tree and git does not see, as
/// husky does.
fn ignores_itself(folder: &Path) -> bool {
    file::read(&folder.join(".gitignore")).is_ok_and(|text| text.trim_ascii() == b"*")
}

pub(super) fn failed(path: &Path, error: &io::Error) -> Refusal {
    let cause = match error.kind() {
        io::ErrorKind::WouldBlock => {
            "another session holds a lock on this folder, and does not give it back".to_owned()
        }
        _ => error.to_string(),
    };
    refusal(path, &cause)
}

pub(super) fn refusal(path: &Path, cause: &str) -> Refusal {
    let help = "see what is there; `allow-git-config` gives the jail a repository as it is, and `writableSettings = true` an agent's settings";
    [path.to_string_lossy().into_owned(), cause.to_owned(), help.to_owned()]
}
