//! Takes away what stands at a name that a program of the host may use, and nothing that another
//! program puts there at that moment. Between a look and an unlink(2), a name may come to stand for
//! something else. So what is there is first renamed to a name that no other program knows, and
//! then looked at again.

use std::io;
use std::os::fd::OwnedFd;

use rustix::fs::{AtFlags, RenameFlags, renameat, renameat_with, unlinkat};
use rustix::io::Errno;
use rustix::rand::{GetRandomFlags, getrandom};

use super::place::{Data, data};

/// Removes it, if it is still what was looked at.
///
/// # Errors
/// It is not, or cannot be renamed. Then the name has what was there; if that is not possible,
/// because something else stands there by now, `keep` is called with the name that it has.
pub(crate) fn take_away(
    folder: &OwnedFd,
    name: &[u8],
    before: &Data,
    keep: impl FnOnce(&[u8]) -> io::Result<()>,
) -> io::Result<()> {
    let aside = fresh_name()?;
    rename(folder, name, &aside)?;
    if data(folder, &aside).is_ok_and(|now| is_same(before, &now)) {
        return Ok(unlinkat(folder, aside.as_slice(), AtFlags::empty())?);
    }
    if rename(folder, &aside, name) == Err(Errno::EXIST) {
        keep(&aside)?;
        unlinkat(folder, aside.as_slice(), AtFlags::empty())?;
    }
    Err(Errno::AGAIN.into())
}

/// A rename changes the time that a payload cannot set (ctime), so the other one has to do. Who
/// sets that changes a file of its own.
fn is_same(before: &Data, now: &Data) -> bool {
    let look = |it: &Data| (it.device, it.stamp.inode, it.kind, it.stamp.size, it.modified);
    look(before) == look(now)
}

fn fresh_name() -> io::Result<Vec<u8>> {
    let mut random = [0; 8];
    getrandom(&mut random, GetRandomFlags::empty())?;
    Ok(format!(".jailgen-{:016x}", u64::from_le_bytes(random)).into_bytes())
}

/// Where nothing is.
fn rename(folder: &OwnedFd, from: &[u8], to: &[u8]) -> Result<(), Errno> {
    match renameat_with(folder, from, folder, to, RenameFlags::NOREPLACE) {
        // Some file systems cannot look and rename at once.
        Err(Errno::INVAL | Errno::NOSYS) if data(folder, to).is_ok() => Err(Errno::EXIST),
        Err(Errno::INVAL | Errno::NOSYS) => renameat(folder, from, folder, to),
        other => other,
    }
}
