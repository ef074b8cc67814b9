//! A file of the host that the payload may replace: a file of the jail's own, where there can be one, else a bind.
//!
//! There can be one where the payload may write beside it: in a folder in memory, or in a home folder that is kept. Where it
//! may not, nothing can be renamed over it either, and a bind loses nothing.

use jail_plan::SharedFile;
use rustix::fd::AsFd;
use rustix::fs::{StatVfsMountFlags, fstatvfs};
use rustix::io::{Errno, fcntl_dupfd_cloexec};

use crate::failure::{About, Problem};
use crate::host::{Fault, Pair, Side, Signature};
use crate::inside::point::Entry;
use crate::inside::{Launch, Root};

/// Puts the file in place; whether that could be done.
pub(super) fn place(op: &SharedFile, launch: &Launch<'_>, root: &Root) -> Result<bool, Problem> {
    // Both files belong to the caller, which another user's payload could not keep so.
    let (Some(pair), None) = (launch.shared.of(op), &launch.dedicated) else { return Ok(false) };
    let to = launch.caller.path(&op.to)?;
    let Entry { folder, name } = root.entry(to.as_str().as_bytes())?;
    let folder = fcntl_dupfd_cloexec(&*folder, 3).about(to.as_str())?;
    if !takes_files(&folder, root).about(to.as_str())? {
        return Ok(false);
    }
    let inside = Side { folder, name };
    if inside.is(&pair.outside).about(to.as_str())? {
        // The folder itself is granted, and the file in it is there already.
        return Ok(true);
    }
    let left = match put(pair, launch.payload(), &inside, root) {
        // Something is mounted there, and the file goes over it.
        Err(Fault::Failed(Errno::BUSY)) => return Ok(false),
        // It has grown meanwhile, or is another one.
        Err(Fault::Large | Fault::Strange) => return Ok(false),
        Err(Fault::Failed(error)) => return Err(Problem::errno(to.as_str(), error)),
        Ok(left) => left,
    };
    launch.shared.placed(pair, &inside.folder, left).about(to.as_str())?;
    Ok(true)
}

/// Whether the payload will be able to make files there. The root itself is read-only in the end.
fn takes_files(folder: impl AsFd, root: &Root) -> Result<bool, Errno> {
    let is_read_only = fstatvfs(&folder)?.f_flag.contains(StatVfsMountFlags::RDONLY);
    Ok(!is_read_only && !root.is_bottom(folder)?)
}

/// As what it is there.
fn put(pair: &Pair<'_>, owner: u32, inside: &Side, root: &Root) -> Result<Signature, Fault> {
    let (content, _) = pair.outside.read(owner)?;
    if !root.is_own(&inside.folder)? {
        // A home folder that is kept has what an earlier launch left. What is another file is not thrown away.
        match inside.read(owner) {
            Ok((there, seen)) if there == content => return Ok(seen),
            Err(_) if inside.is_missing() => {}
            Ok(_) | Err(_) => inside.put_aside()?,
        }
    }
    Ok(inside.replace(&content, pair.mode)?)
}
