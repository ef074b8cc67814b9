//! Opens paths on which no name is a symbolic link: by openat2(2), or one name at a time where a
//! filter refuses that call.
//!
//! The filter of a jail answers openat2(2) with ENOSYS, because it cannot read the mode that the
//! call gives a new file. So a stub that runs in a jail takes the longer way, under the same rules.

use alloc::vec::Vec;

use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{
    AtFlags, CWD, FileType, Mode, OFlags, ResolveFlags, StatxFlags, fstat, openat, openat2, statat,
    statx,
};
use rustix::io::Errno;

/// How far a path may lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Anywhere; an absolute path starts at the root.
    Anywhere,
    /// Below the folder. A path that leads out of it fails with `EXDEV`.
    Beneath,
    /// Below the folder, and on the folder's own mount.
    OnOneMount,
    /// The folder is the root, also for absolute paths and for `..`.
    InRoot,
}

impl Scope {
    fn flags(self) -> ResolveFlags {
        ResolveFlags::NO_SYMLINKS
            | match self {
                Self::Anywhere => ResolveFlags::empty(),
                Self::Beneath => ResolveFlags::BENEATH,
                Self::OnOneMount => ResolveFlags::BENEATH | ResolveFlags::NO_XDEV,
                Self::InRoot => ResolveFlags::IN_ROOT,
            }
    }
}

/// Opens what is at `path` in `folder`. It makes no file.
///
/// # Errors
/// Those of openat2(2): `ELOOP` if a name is a symbolic link, including the last one.
pub(crate) fn open(
    folder: impl AsFd,
    path: &[u8],
    flags: OFlags,
    scope: Scope,
) -> Result<OwnedFd, Errno> {
    open_at(folder.as_fd(), path, flags | OFlags::CLOEXEC, scope)
}

/// The same, once for all kinds of descriptors.
fn open_at(
    folder: BorrowedFd<'_>,
    path: &[u8],
    flags: OFlags,
    scope: Scope,
) -> Result<OwnedFd, Errno> {
    match in_one_call(folder, path, flags, scope) {
        Err(Errno::NOSYS) => by_steps(folder, path, flags, scope),
        other => other,
    }
}

#[expect(clippy::disallowed_methods, reason = "who calls this does without it where it is refused")]
fn in_one_call(
    folder: BorrowedFd<'_>,
    path: &[u8],
    flags: OFlags,
    scope: Scope,
) -> Result<OwnedFd, Errno> {
    openat2(folder, path, flags, Mode::empty(), scope.flags())
}

/// The same without openat2(2).
fn by_steps(
    folder: BorrowedFd<'_>,
    path: &[u8],
    flags: OFlags,
    scope: Scope,
) -> Result<OwnedFd, Errno> {
    if path.is_empty() {
        return Err(Errno::NOENT);
    }
    let mut walk = Walk::begin(folder, path, scope)?;
    let before = path.iter().rposition(|byte| *byte == b'/').map_or(0, |slash| slash + 1);
    let (folders, last) = path.split_at(before);
    folders.split(|byte| *byte == b'/').try_for_each(|name| walk.enter(name))?;
    match last {
        b"" | b"." | b".." => {
            walk.enter(last)?;
            openat(walk.here(), c".", flags, Mode::empty())
        }
        name => walk.checked(open_name(walk.here(), name, flags)?),
    }
}

/// A walk from folder to folder. Each is held open, so a rename meanwhile leads nowhere else.
struct Walk {
    scope: Scope,
    top: OwnedFd,
    below: Vec<OwnedFd>,
}

impl Walk {
    fn begin(folder: BorrowedFd<'_>, path: &[u8], scope: Scope) -> Result<Self, Errno> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let top = match (scope, path.starts_with(b"/")) {
            (Scope::Anywhere, true) => openat(CWD, c"/", flags, Mode::empty()),
            (Scope::Beneath | Scope::OnOneMount, true) => Err(Errno::XDEV),
            (Scope::InRoot, true) | (_, false) => openat(folder, c".", flags, Mode::empty()),
        }?;
        Ok(Self { scope, top, below: Vec::new() })
    }

    fn here(&self) -> &OwnedFd {
        self.below.last().unwrap_or(&self.top)
    }

    fn enter(&mut self, name: &[u8]) -> Result<(), Errno> {
        match (name, self.scope) {
            (b"" | b".", _) => return Ok(()),
            (b"..", Scope::Beneath | Scope::OnOneMount) => {
                return self.below.pop().map(drop).ok_or(Errno::XDEV);
            }
            (b"..", Scope::InRoot) => {
                self.below.pop();
                return Ok(());
            }
            (_, _) => {}
        }
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let next = self.checked(open_name(self.here(), name, flags)?)?;
        self.below.push(next);
        Ok(())
    }

    /// What was opened, if it is within the scope.
    fn checked(&self, opened: OwnedFd) -> Result<OwnedFd, Errno> {
        let is_far = match self.scope {
            Scope::OnOneMount => mount_of(&opened)? != mount_of(&self.top)?,
            Scope::Anywhere | Scope::Beneath | Scope::InRoot => false,
        };
        if is_far { Err(Errno::XDEV) } else { Ok(opened) }
    }
}

/// Opens one name, which is not a symbolic link.
fn open_name(folder: &OwnedFd, name: &[u8], flags: OFlags) -> Result<OwnedFd, Errno> {
    let is_link = |mode| FileType::from_raw_mode(mode) == FileType::Symlink;
    match openat(folder, name, flags | OFlags::NOFOLLOW, Mode::empty()) {
        // As a place, a link itself can be opened.
        Ok(opened) if flags.contains(OFlags::PATH) && is_link(fstat(&opened)?.st_mode) => {
            Err(Errno::LOOP)
        }
        // A link is not a folder either.
        Err(Errno::NOTDIR)
            if statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)
                .is_ok_and(|stat| is_link(stat.st_mode)) =>
        {
            Err(Errno::LOOP)
        }
        other => other,
    }
}

/// Which mount a place is in.
pub(crate) fn mount_of(place: impl AsFd) -> Result<u64, Errno> {
    statx(place, c"", AtFlags::EMPTY_PATH, StatxFlags::MNT_ID).map(|stat| stat.stx_mnt_id)
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    const SCOPES: [Scope; 4] = [Scope::Anywhere, Scope::Beneath, Scope::OnOneMount, Scope::InRoot];

    /// Divided by spaces; the first one is empty.
    const PATHS: &str = " / . .. a a/ a/. /a a/b a//b ./a/./b a/.. a/../a/b ../a ../../../.. \
        a/b/../../../x a/file a/file/ a/file/. a/file/.. a/file/x a/link a/link/ link link/b \
        link/../a a/away a/away/etc missing missing/x a/missing /proc /proc/self \
        /proc/self/root/etc a\0b";

    fn identity(opened: Result<OwnedFd, Errno>) -> Result<(u64, u64, u64), Errno> {
        let opened = opened?;
        let stat = fstat(&opened)?;
        Ok((stat.st_dev, stat.st_ino, mount_of(&opened)?))
    }

    #[test]
    fn both_ways_open_the_same_and_refuse_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let top = folder.path();
        fs::create_dir_all(top.join("a/b")).unwrap();
        fs::write(top.join("a/file"), "").unwrap();
        symlink("file", top.join("a/link")).unwrap();
        symlink("a", top.join("link")).unwrap();
        symlink("/", top.join("a/away")).unwrap();
        let root = openat(CWD, c"/", OFlags::PATH, Mode::empty()).unwrap();
        let top = openat(CWD, top, OFlags::PATH, Mode::empty()).unwrap();
        let readable = OFlags::RDONLY | OFlags::CLOEXEC;
        let place = OFlags::PATH | OFlags::CLOEXEC;
        for folder in [&top, &root] {
            for flags in [place, place | OFlags::DIRECTORY, readable, readable | OFlags::DIRECTORY]
            {
                for (path, scope) in
                    PATHS.split(' ').flat_map(|path| SCOPES.map(|scope| (path, scope)))
                {
                    let path = path.as_bytes();
                    let by_steps = identity(by_steps(folder.as_fd(), path, flags, scope));
                    let in_one = in_one_call(folder.as_fd(), path, flags, scope);
                    let name = std::string::String::from_utf8_lossy(path);
                    assert_eq!(by_steps, identity(in_one), "{name:?} {scope:?} {flags:?}");
                }
            }
        }
    }
}
