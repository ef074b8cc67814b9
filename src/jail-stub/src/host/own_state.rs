//! The folders in which jailgen keeps its own state (what was built and what is trusted) and its
//! user's settings. A jail that could write there would decide what the host runs next, so a wider
//! grant does not include them, and a grant of them stops the launch.

use alloc::string::String;
use alloc::vec::Vec;

use jail_plan::{JailPath, TRUSTED_STATE};
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{CWD, FileType, Mode, OFlags, fstat, openat};
use rustix::io::Errno;
use rustix::path::Arg;

use crate::caller::{Caller, StateFolder};
use crate::failure::{About, Problem};
use crate::host::path_of;
use crate::host::state;
use crate::host::trust::WritableTrees;
use crate::host::walk::{Identity, replaceable};
use crate::inside::tree::BindKind;
use crate::resolve::{self, Scope};

/// The state folder, or that of the settings.
pub(crate) struct OwnState {
    what: What,
    /// Its path, as the launcher gives it.
    named: Vec<u8>,
    is_there: bool,
    /// Where it really is.
    path: Vec<u8>,
    /// The folders that contain it, itself first: each folder, and the part of
    /// `path` that leads there.
    above: Vec<(Identity, usize)>,
    /// The folders that contain the symbolic links on the way to it, and the folders above those.
    links: Vec<Identity>,
}

/// What is kept there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    /// In some folders; cages have theirs next to them. A jail sees nothing of it.
    State,
    /// In the whole folder. It may be read: specs decide more than that.
    Settings,
}

impl OwnState {
    /// The state folder of the caller, if there is a folder for it.
    pub(crate) fn state(caller: &Caller<'_>) -> Result<Option<Self>, Problem> {
        caller.state_folder().map_or(Ok(None), |folder| Self::at(What::State, &folder, None))
    }

    /// The same, and the settings folder. A state folder that was found
    /// before is not looked up again.
    pub(crate) fn find(caller: &Caller<'_>, before: Option<Self>) -> Result<Vec<Self>, Problem> {
        let state = match before.filter(|own| own.is_there) {
            Some(known) => Some(known),
            None => Self::state(caller)?,
        };
        let settings = caller.settings_folder();
        let settings = settings
            .map_or(Ok(None), |folder| Self::at(What::Settings, &folder, state.as_ref()))?;
        Ok([state, settings].into_iter().flatten().collect())
    }

    /// `other` is one that was found just before.
    fn at(what: What, state: &StateFolder, other: Option<&Self>) -> Result<Option<Self>, Problem> {
        let named = state.path();
        if let (Ok(place), Some(path)) = (open_plain(&named), normal(&named)) {
            // It is there, and no link is on the way, as nearly always. Asking /proc for the path
            // would cost more than the rest of this.
            let above = upwards(&place, &path).about(&named)?;
            return Ok(Some(Self { what, named, is_there: true, path, above, links: Vec::new() }));
        }
        // The same for the part of the way that exists.
        let mut plain = normal(&state.base).filter(|base| base != b"/");
        let place = open_plain(&state.base).or_else(|_| {
            plain = None;
            open(CWD, &state.base)
        });
        let mut place = match place {
            Ok(place) => place,
            // A user who cannot go there cannot do so in a jail either.
            Err(Errno::NOENT | Errno::NOTDIR | Errno::ACCESS) => return Ok(None),
            Err(error) => return Err(Problem::errno(&state.base, error)),
        };
        let mut links = Vec::new();
        if plain.is_none() {
            links = replaceable(&state.base)?;
        }
        let mut missing = Vec::new();
        for name in state.below.split('/') {
            if missing.is_empty() {
                match next(&place, name).about(&named)? {
                    Next::Link => {
                        plain = None;
                        let path = path_of(&place).about(&named)?;
                        let above = upwards(&place, &path).about(&named)?;
                        links.extend(above.into_iter().map(|(found, _)| found));
                    }
                    Next::Folder => plain.iter_mut().for_each(|path| append(path, name)),
                    Next::Missing => {
                        append(&mut missing, name);
                        continue;
                    }
                }
                match open(&place, name) {
                    Ok(found) => {
                        place = found;
                        continue;
                    }
                    Err(Errno::NOENT | Errno::NOTDIR | Errno::ACCESS) => plain = None,
                    Err(error) => return Err(Problem::errno(&named, error)),
                }
            }
            append(&mut missing, name);
        }
        // Both are usually in the home folder, whose own folders are known then.
        let here = Identity::from_file(&place).about(&named)?;
        let known = plain.as_deref().and_then(|path| other?.known(path));
        let known = known.filter(|known| known.first().is_some_and(|(first, _)| *first == here));
        let mut path = plain.map_or_else(|| path_of(&place), Ok).about(&named)?;
        let above = match known {
            Some(known) => known.to_vec(),
            None => upwards(&place, &path).about(&named)?,
        };
        let is_there = missing.is_empty();
        path.extend(missing);
        Ok(Some(Self { what, named, is_there, path, above, links }))
    }

    /// What is at `path` and all folders that contain it, itself first, if that is known because
    /// the state folder is there and no link is on the way.
    pub(super) fn known(&self, path: &[u8]) -> Option<&[(Identity, usize)]> {
        if !self.is_there || !self.links.is_empty() || !self.path.starts_with(path) {
            return None;
        }
        let at = self.above.iter().position(|(_, length)| *length == path.len())?;
        self.above.get(at..)
    }

    /// How the state folder is reached from `place`, a folder that it lies in, if it is one.
    ///
    /// It is made where it is missing: nothing could cover it, and what a jail makes
    /// there the host would believe.
    ///
    /// # Errors
    /// `place` is, or lies in, what the host trusts; or a jail that may write there
    /// could lead jailgen elsewhere.
    pub(crate) fn below(
        &self,
        place: BorrowedFd<'_>,
        real: &dyn Fn() -> Result<Vec<u8>, Errno>,
        writes: bool,
        trees: &WritableTrees<'_>,
    ) -> Result<Option<&[u8]>, Problem> {
        if self.what == What::Settings && !writes {
            return Ok(None);
        }
        let stat = fstat(place).about(&self.named)?;
        let identity = Identity::from(&stat);
        let is_trusted = match (BindKind::from(&stat), self.is_there) {
            (BindKind::File | BindKind::Folder, false) => Ok(false),
            (BindKind::File, true) => real().map(|path| self.has_trusted_file(&path)),
            (BindKind::Folder, true) => self.is_trusted(place, identity),
        };
        if is_trusted.about(&self.named)? {
            return Err(self.refused());
        }
        if writes && self.links.contains(&identity) {
            let (cause, help) = match self.what {
                What::State => (
                    "a symbolic link leads to jailgen's own state, and the jail could replace it",
                    "grant less, or set XDG_STATE_HOME to the folder that the link leads to",
                ),
                What::Settings => (
                    "a symbolic link leads to jailgen's settings, and the jail could replace it",
                    "grant less, or grant it read-only",
                ),
            };
            return Err(Problem::new(&self.named, cause).help(help));
        }
        let Some((_, length)) = self.above.iter().find(|(above, _)| *above == identity) else {
            return Ok(None);
        };
        let rest = self.path.get(*length..).unwrap_or_default();
        if rest.is_empty() {
            return Err(self.refused());
        }
        if !self.is_there {
            state::directory(&self.named, trees)?;
        }
        Ok(Some(rest))
    }

    /// For callers that have no mounts of the jail's own for it.
    pub(crate) fn cannot_be_covered(&self) -> Problem {
        let cause = match self.what {
            What::State => "jailgen's own state lies in a folder that may be written here",
            What::Settings => "jailgen's settings lie in a folder that may be written here",
        };
        Problem::new(&self.named, cause)
            .help("grant folders next to it, one by one; a jail has it covered, a cage cannot")
    }

    /// Whether `place`, a folder, is the state folder, or in a part of it that the
    /// host executes or trusts.
    fn is_trusted(&self, place: BorrowedFd<'_>, identity: Identity) -> Result<bool, Errno> {
        let Some((itself, _)) = self.above.first() else { return Ok(false) };
        let trusted = |part: Identity| {
            let is = |name: &str| {
                let path = [self.named.as_slice(), b"/", name.as_bytes()].concat();
                Identity::at(path) == Ok(part)
            };
            TRUSTED_STATE.iter().copied().any(is)
        };
        let (mut here, mut part, mut up) = (identity, None, String::from("."));
        while here != *itself {
            up.push_str("/..");
            let next = match Identity::at_path(place, &*up) {
                // The caller can enter that folder, wherever it is.
                Err(Errno::ACCESS) => return Ok(false),
                other => other?,
            };
            if next == here {
                return Ok(false);
            }
            (here, part) = (next, Some(here));
        }
        Ok(self.what == What::Settings || part.is_none_or(trusted))
    }

    /// The same for the path of a file.
    fn has_trusted_file(&self, path: &[u8]) -> bool {
        let below = path.strip_prefix(self.path.as_slice());
        let mut names = below.unwrap_or_default().split(|byte| *byte == b'/').skip(1);
        if self.what == What::Settings {
            return names.next().is_some();
        }
        names.next().is_some_and(|name| TRUSTED_STATE.iter().any(|one| one.as_bytes() == name))
    }

    fn refused(&self) -> Problem {
        let (cause, help) = match self.what {
            What::State => (
                "jailgen keeps there what the host runs and trusts, so no jail may have it",
                "grant another folder; a copy of the file that is needed will do",
            ),
            What::Settings => (
                "jailgen's settings are there, which decide what the host runs, so no jail may write them",
                "grant it read-only",
            ),
        };
        Problem::new(&self.named, cause).help(help)
    }
}

fn open(folder: impl AsFd, name: impl Arg) -> Result<OwnedFd, Errno> {
    openat(folder, name, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
}

/// The same if no name on the way is a link.
fn open_plain(path: &[u8]) -> Result<OwnedFd, Errno> {
    resolve::open(CWD, path, OFlags::PATH | OFlags::DIRECTORY, Scope::Anywhere)
}

/// A path from the kernel, if it is one.
fn normal(path: &[u8]) -> Option<Vec<u8>> {
    let path = JailPath::parse(str::from_utf8(path).ok()?).ok()?;
    Some(path.as_str().as_bytes().to_vec())
}

fn append(path: &mut Vec<u8>, name: &str) {
    path.extend([b"/", name.as_bytes()].concat());
}

/// The next step on a way.
enum Next {
    Missing,
    Link,
    /// It is something else, which cannot be entered.
    Folder,
}

fn is_link(place: &OwnedFd) -> Result<bool, Errno> {
    Ok(FileType::from_raw_mode(fstat(place)?.st_mode) == FileType::Symlink)
}

fn next(folder: &OwnedFd, name: &str) -> Result<Next, Errno> {
    match openat(folder, name, OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty()) {
        Ok(found) if is_link(&found)? => Ok(Next::Link),
        Ok(_) => Ok(Next::Folder),
        Err(Errno::NOENT | Errno::NOTDIR | Errno::ACCESS) => Ok(Next::Missing),
        Err(error) => Err(error),
    }
}

/// A folder, whose path is `path`, and all folders that contain it, each with the length of its
/// path; that of the root is 0.
fn upwards(folder: &OwnedFd, path: &[u8]) -> Result<Vec<(Identity, usize)>, Errno> {
    let ends = (0..=path.len()).rev().filter(|end| matches!(path.get(*end), None | Some(b'/')));
    let mut above = Vec::new();
    let mut up = String::from(".");
    for end in ends {
        let identity = Identity::at_path(folder, &*up)?;
        above.push((identity, if path == b"/" { 0 } else { end }));
        up.push_str("/..");
    }
    Ok(above)
}
