//! The places of the host that a policy grants, as they are at this launch, and which of them a run
//! used.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use jail_plan::{Expansion, HostText, Lookup};
use jail_policy::{Access, Grant, Origin, Policy, Text, given};

use super::calls::Want;

/// The most parts of a place that are remembered.
const PARTS_MAX: usize = 64;

/// What only the launch knows.
#[derive(Clone, Debug, Default)]
pub struct Launcher {
    /// The variables of the caller.
    pub variables: BTreeMap<String, String>,
    /// The working folder, without links.
    pub folder: PathBuf,
}

impl Launcher {
    /// The home folder.
    #[must_use]
    pub fn home(&self) -> Option<&Path> {
        self.variables.get("HOME").map(Path::new).filter(|home| home.is_absolute())
    }

    /// A place at this launch.
    fn resolved(&self, text: &Text) -> Option<PathBuf> {
        let written = text.as_str()?;
        let place = match text.expand {
            false => written.to_owned(),
            true => HostText::Expand(Expansion::parse(written).ok()?).resolve(self).ok()?,
        };
        Some(PathBuf::from(place)).filter(|place| place.is_absolute())
    }
}

impl Lookup for Launcher {
    fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }

    fn home(&self) -> Option<&str> {
        self.variable("HOME")
    }

    fn folder(&self) -> Option<String> {
        jail_plan::folder_name(self.folder.to_str()?)
    }
}

/// A place of the host in the jail.
#[derive(Clone, Debug)]
pub(super) struct Mount {
    pub(super) by: Origin,
    pub(super) from: PathBuf,
    pub(super) to: PathBuf,
    pub(super) is_writable: bool,
    /// What was done with it, and with which parts of it.
    pub(super) read: bool,
    pub(super) written: bool,
    pub(super) parts: BTreeSet<PathBuf>,
}

/// See the module.
#[derive(Clone, Debug, Default)]
pub(super) struct Mounts {
    pub(super) all: Vec<Mount>,
}

impl Mounts {
    pub(super) fn of_policy(policy: &Policy, launcher: &Launcher) -> Self {
        let mut all = Vec::new();
        for entry in &policy.grants {
            let is_writable = |access| match access {
                Access::ReadOnly => false,
                Access::ReadWrite | Access::Device => true,
            };
            let mut add = |from: PathBuf, to: Option<&Text>, access| {
                let to = to.and_then(|to| launcher.resolved(to)).unwrap_or_else(|| from.clone());
                let (by, parts) = (entry.by.clone(), BTreeSet::new());
                let is_writable = is_writable(access);
                all.push(Mount { by, from, to, is_writable, read: false, written: false, parts });
            };
            if let Grant::Folder { access, to, .. } = &entry.grant {
                add(launcher.folder.clone(), to.as_ref(), *access);
            }
            for (from, access) in given(&entry.grant) {
                if let Some(from) = launcher.resolved(&from) {
                    add(from, entry.grant.target(), access);
                }
            }
        }
        Self { all }
    }

    /// The one that a path inside is in: the deepest, and the last of several.
    fn index(&self, path: &Path) -> Option<usize> {
        let covers = self.all.iter().enumerate().filter(|(_, mount)| path.starts_with(&mount.to));
        covers.max_by_key(|(index, mount)| (mount.to.components().count(), *index)).map(|it| it.0)
    }

    /// The same.
    pub(super) fn covering(&self, path: &Path) -> Option<&Mount> {
        self.index(path).and_then(|index| self.all.get(index))
    }

    /// A program got what it wanted.
    pub(super) fn used(&mut self, path: &Path, want: Want) {
        let Some(mount) = self.index(path).and_then(|index| self.all.get_mut(index)) else {
            return;
        };
        match want {
            Want::Read | Want::Execute | Want::Connect => mount.read = true,
            Want::Write => mount.written = true,
        }
        if let Ok(below) = path.strip_prefix(&mount.to)
            && let Some(first) = below.components().next()
            && mount.parts.len() < PARTS_MAX
        {
            mount.parts.insert(Path::new(&first).to_path_buf());
        }
    }

    /// Whether nothing new can come of a path: it is the host's own, and this use of it is known.
    pub(super) fn is_settled(&self, path: &Path, want: Want) -> bool {
        let Some(mount) = self.covering(path).filter(|mount| mount.from == mount.to) else {
            return false;
        };
        let first = path.strip_prefix(&mount.to).ok().and_then(|below| below.components().next());
        let is_known = first.is_none_or(|first| mount.parts.contains(Path::new(&first)));
        match want {
            // Some of what may be written is kept from it all the same.
            Want::Write => false,
            Want::Read | Want::Execute | Want::Connect => is_known && mount.read,
        }
    }

    /// The places of the host that the jail may write, where links may be of its making.
    pub(super) fn writable(&self) -> Vec<PathBuf> {
        self.all.iter().filter(|mount| mount.is_writable).map(|mount| mount.from.clone()).collect()
    }
}
