//! Where programs on the host are started, with which variables, and where they are looked up.
//!
//! The stub has removed from every list what a jail could write; this does the same for lists that
//! scripts have changed. What runs alongside the jail starts in `/`, so nothing relative leads into
//! the project.
//! relative leads into the project.

#![expect(
    clippy::disallowed_methods,
    reason = "the caller's environment is read here once, and programs get what is left of it"
)]

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use jail_plan::{search, trust};
use rustix::fs::{CWD, Mode, OFlags, openat};

/// The variables of a program.
pub(crate) type Environment = BTreeMap<OsString, OsString>;

/// The folder that the jail was started in.
#[derive(Debug)]
pub(crate) struct Project {
    /// It is held open, so it stays the same folder when it is renamed.
    folder: OwnedFd,
    /// Its path, as the stub gives it.
    path: Option<PathBuf>,
    /// Its paths in variables of the launcher that would lead a handler into it.
    spellings: Vec<OsString>,
    /// The record of the trees that jails could ever write.
    trees: Option<PathBuf>,
}

impl Project {
    /// Holds the working folder open, and changes to `/`.
    pub(crate) fn leave() -> io::Result<Self> {
        let path = std::env::var_os(search::PROJECT).map(PathBuf::from);
        let project = Self::at(".", path.filter(|path| path.is_absolute()))?;
        std::env::set_current_dir("/")?;
        Ok(project)
    }

    /// The folder `folder`, whose path is `path`, absolute and without links.
    pub(crate) fn at(folder: impl AsRef<Path>, path: Option<PathBuf>) -> io::Result<Self> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let folder = openat(CWD, folder.as_ref(), flags, Mode::empty())?;
        let logical = std::env::var_os("PWD").map(PathBuf::from);
        // A folder that contains the home folder is not a project: everything of the
        // user's would lead into it.
        let home = std::env::home_dir().and_then(|home| home.canonicalize().ok());
        let holds_home = |path: &Path| home.as_ref().is_some_and(|home| home.starts_with(path));
        let spellings = [
            path.clone(),
            logical.filter(|logical| path.is_some() && logical.canonicalize().ok() == path),
        ];
        let spellings = spellings.into_iter().flatten().filter(|path| !holds_home(path));
        let spellings = spellings.map(PathBuf::into_os_string).collect();
        Ok(Self { folder, path, spellings, trees: trees() })
    }

    /// Its path, where it is known.
    pub(crate) fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// The folder itself.
    pub(crate) fn folder(&self) -> &OwnedFd {
        &self.folder
    }

    /// Whether a jail could write what is at `path`, which is absolute and without links: it is in
    /// the project, or in a tree of the record, which is searched by its path.
    fn is_writable(&self, path: &Path) -> bool {
        let in_project = !self.spellings.is_empty()
            && self.path.as_ref().is_some_and(|project| path.starts_with(project));
        let recorded = |trees: &PathBuf| path.ancestors().any(|folder| is_recorded(trees, folder));
        in_project || self.trees.as_ref().is_some_and(recorded)
    }

    /// Whether a value contains the path of the project, or of something in it, anywhere.
    fn is_in(&self, value: &OsStr) -> bool {
        self.spellings.iter().any(|path| mentions(value.as_bytes(), path.as_bytes()))
    }

    /// The variables of what runs alongside the jail. `exported` is what scripts have left, if
    /// there were any, and `launcher` what they started with. What a script sets itself stays,
    /// except for entries of its lists.
    pub(crate) fn of_handlers(
        &self,
        exported: &Environment,
        launcher: &Environment,
    ) -> Environment {
        let from = if exported.is_empty() { launcher } else { exported };
        let variables = from.iter().filter_map(|(name, value)| {
            Some((name.clone(), self.of_handler(name, value, launcher.get(name))?))
        });
        let mut variables: Environment = variables.collect();
        variables.remove(OsStr::new("OLDPWD"));
        variables.insert("PWD".into(), "/".into());
        variables.remove(OsStr::new(search::PROJECT));
        variables.extend(self.path.clone().map(|path| (search::PROJECT.into(), path.into())));
        variables
    }

    /// What a handler gets of a variable. `before` is the launcher's value.
    fn of_handler(
        &self,
        name: &OsStr,
        value: &OsString,
        before: Option<&OsString>,
    ) -> Option<OsString> {
        if before == Some(value) {
            return (!self.is_in(value)).then(|| value.clone());
        }
        if search::is_list(name.as_bytes()) {
            return self.clean(value, before);
        }
        Some(value.clone())
    }

    /// A list that a script has changed. The entries that the stub left in it stay.
    fn clean(&self, list: &OsStr, before: Option<&OsString>) -> Option<OsString> {
        let before: Vec<&[u8]> =
            before.map_or(Vec::new(), |list| list.as_bytes().split(|byte| *byte == b':').collect());
        let writable = |place: &[u8]| self.is_writable(Path::new(OsStr::from_bytes(place)));
        let kept = search::clean(list.as_bytes(), |entry| {
            before.contains(&entry)
                || search::passed(entry, link).is_ok_and(|places| {
                    places.is_some_and(|places| !places.iter().any(|place| writable(place)))
                })
        });
        kept.map(OsString::from_vec)
    }

    fn program(&self, name: &str, environment: &Environment) -> Option<PathBuf> {
        let found = if name.contains('/') {
            Path::new(name).is_absolute().then(|| PathBuf::from(name))
        } else {
            let path = environment.get(OsStr::new(search::PATH))?;
            std::env::split_paths(path)
                .map(|folder| folder.join(name))
                .find(|file| is_program(file))
        };
        found?.canonicalize().ok().filter(|real| is_program(real) && !self.is_writable(real))
    }
}

/// The surroundings of a program alongside the jail.
pub(crate) struct Surroundings {
    project: Arc<Project>,
    environment: Environment,
}

impl Surroundings {
    /// Those of handlers. `exported` is what scripts have left.
    pub(crate) fn of_handlers(project: &Arc<Project>, exported: &Environment) -> Self {
        let environment = project.of_handlers(exported, &std::env::vars_os().collect());
        Self { project: Arc::clone(project), environment }
    }

    /// A variable that is not empty.
    pub(crate) fn variable(&self, name: &str) -> Option<&OsStr> {
        self.environment
            .get(OsStr::new(name))
            .filter(|value| !value.is_empty())
            .map(OsString::as_os_str)
    }

    /// The program of this name, or at this absolute path, if it is not in the project. Links are
    /// followed, and the program itself is started.
    pub(crate) fn program(&self, name: &str) -> Option<PathBuf> {
        self.project.program(name, &self.environment)
    }

    /// A command with these variables. It starts in this process's folder, which is `/`.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env_clear().envs(&self.environment);
        command
    }
}

/// The place of the record. The stub has the same rule.
fn trees() -> Option<PathBuf> {
    let absolute = |path: &PathBuf| path.is_absolute();
    let state = std::env::var_os("XDG_STATE_HOME").map(PathBuf::from).filter(absolute);
    let home = || Some(std::env::home_dir().filter(absolute)?.join(".local/state"));
    Some(state.or_else(home)?.join("jailgen").join(trust::TREES))
}

/// What cannot be looked up counts as recorded.
fn is_recorded(trees: &Path, folder: &Path) -> bool {
    let name = trust::path_name(folder.as_os_str().as_bytes());
    match trees.join(name).symlink_metadata() {
        Ok(_) => true,
        Err(error) => error.kind() != io::ErrorKind::NotFound,
    }
}

/// The target of the link at a place.
fn link(place: &[u8]) -> io::Result<Option<Vec<u8>>> {
    match Path::new(OsStr::from_bytes(place)).read_link() {
        Ok(target) => Ok(Some(target.into_os_string().into_vec())),
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(None),
        Err(error) => Err(error),
    }
}

fn is_program(file: &Path) -> bool {
    file.metadata().is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
}

/// Whether `value` contains `path`, as a whole or as the start of a longer path.
fn mentions(value: &[u8], path: &[u8]) -> bool {
    let goes_on =
        |byte: &u8| byte.is_ascii_alphanumeric() || b"._-+".contains(byte) || !byte.is_ascii();
    value
        .windows(path.len())
        .enumerate()
        .any(|(at, window)| window == path && !value.get(at + path.len()).is_some_and(goes_on))
}

#[cfg(test)]
mod tests;
