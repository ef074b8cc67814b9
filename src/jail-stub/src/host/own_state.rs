//! Where jailgen keeps its own state: what was built, and what is trusted. A jail that could write there would decide what the
//! host runs next; so a wider grant does not hold it, and a grant of it stops the launch.

use alloc::vec::Vec;

use jail_plan::TRUSTED_STATE;
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{CWD, FileType, Mode, OFlags, fstat, openat};
use rustix::io::Errno;
use rustix::path::Arg;

use crate::caller::Caller;
use crate::failure::{About, Problem};
use crate::host::path_of;
use crate::host::state;
use crate::host::trust::WritableTrees;
use crate::host::walk::Identity;

/// The state folder.
pub(crate) struct OwnState {
    /// As the launcher names it.
    named: Vec<u8>,
    /// Where it really is.
    path: Vec<u8>,
    is_there: bool,
    /// What it lies in, itself first: each folder, and how much of `path` leads there.
    above: Vec<(Identity, usize)>,
    /// The folders that hold the symbolic links on the way to it, and what lies above those.
    links: Vec<Identity>,
}

impl OwnState {
    /// The state folder of the caller; nothing where there is no folder that it could be in.
    pub(crate) fn find(caller: &Caller<'_>) -> Result<Option<Self>, Problem> {
        let Ok(state) = caller.state_folder() else { return Ok(None) };
        let named = state.path();
        let mut place = match open(CWD, &state.base) {
            Ok(place) => place,
            // Who cannot go there cannot do so in a jail either.
            Err(Errno::NOENT | Errno::NOTDIR | Errno::ACCESS) => return Ok(None),
            Err(error) => return Err(Problem::errno(&state.base, error)),
        };
        let (mut missing, mut links) = (Vec::new(), Vec::new());
        for name in state.below.split('/') {
            if missing.is_empty() {
                if is_link(&place, name).about(&named)? {
                    links
                        .extend(upwards(&place).about(&named)?.into_iter().map(|(found, _)| found));
                }
                match open(&place, name) {
                    Ok(found) => {
                        place = found;
                        continue;
                    }
                    Err(Errno::NOENT | Errno::NOTDIR | Errno::ACCESS) => {}
                    Err(error) => return Err(Problem::errno(&named, error)),
                }
            }
            missing.extend([b"/", name.as_bytes()].concat());
        }
        let above = upwards(&place).about(&named)?;
        let is_there = missing.is_empty();
        let path = [path_of(&place).about(&named)?, missing].concat();
        Ok(Some(Self { named, path, is_there, above, links }))
    }

    /// How the state folder is reached from `place`, a folder that it lies in, if it is one.
    ///
    /// It is made where it is missing: nothing could cover it, and what a jail makes there the host would believe.
    ///
    /// # Errors
    /// `place` is, or lies in, what the host trusts; or a jail that may write there could lead jailgen elsewhere.
    pub(crate) fn below(
        &self,
        place: impl AsFd,
        writes: bool,
        trees: &WritableTrees<'_>,
    ) -> Result<Option<&[u8]>, Problem> {
        let identity = Identity::of(&place).about(&self.named)?;
        let path = path_of(&place).about(&self.named)?;
        if self.is_trusted(&path) {
            return Err(refused(&path));
        }
        if writes && self.links.contains(&identity) {
            return Err(Problem::new(
                &self.named,
                "a symbolic link leads to jailgen's own state, and the jail could replace it",
            )
            .help("grant less, or set XDG_STATE_HOME to the folder that the link leads to"));
        }
        let Some((_, length)) = self.above.iter().find(|(above, _)| *above == identity) else {
            return Ok(None);
        };
        let rest = self.path.get(*length..).unwrap_or_default();
        if rest.is_empty() {
            return Err(refused(&path));
        }
        if !self.is_there {
            state::directory(&self.named, trees)?;
        }
        Ok(Some(rest))
    }

    /// For who has no mounts of the jail's own to do it with.
    pub(crate) fn cannot_be_covered(&self) -> Problem {
        Problem::new(&self.named, "jailgen's own state lies in a folder that may be written here")
            .help("grant folders beside it, one by one; a jail has it covered, a cage cannot")
    }

    /// Whether a path of the host is the state folder, or lies in a part of it that the host runs or believes.
    fn is_trusted(&self, path: &[u8]) -> bool {
        let Some(rest) = path.strip_prefix(self.path.as_slice()) else { return false };
        match rest.strip_prefix(b"/") {
            Some(rest) => {
                let first = rest.split(|byte| *byte == b'/').next().unwrap_or_default();
                TRUSTED_STATE.iter().any(|trusted| trusted.as_bytes() == first)
            }
            None => rest.is_empty(),
        }
    }
}

fn refused(path: &[u8]) -> Problem {
    Problem::new(path, "jailgen keeps there what the host runs and trusts, so no jail may have it")
        .help("grant another folder; a copy of the file that is needed will do")
}

fn open(folder: impl AsFd, name: impl Arg) -> Result<OwnedFd, Errno> {
    openat(folder, name, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
}

fn is_link(folder: &OwnedFd, name: &str) -> Result<bool, Errno> {
    match openat(folder, name, OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty()) {
        Ok(found) => Ok(FileType::from_raw_mode(fstat(found)?.st_mode) == FileType::Symlink),
        Err(Errno::NOENT | Errno::NOTDIR | Errno::ACCESS) => Ok(false),
        Err(error) => Err(error),
    }
}

/// A folder and all that it lies in, each with the length of its path; that of the root is 0.
fn upwards(folder: &OwnedFd) -> Result<Vec<(Identity, usize)>, Errno> {
    let path = path_of(folder)?;
    let ends = (0..=path.len()).rev().filter(|end| matches!(path.get(*end), None | Some(b'/')));
    let mut above = Vec::new();
    let mut place = open(folder, ".")?;
    for end in ends {
        above.push((Identity::of(&place)?, if path == b"/" { 0 } else { end }));
        place = open(&place, "..")?;
    }
    Ok(above)
}
