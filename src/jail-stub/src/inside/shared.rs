//! A file of the host that the payload may replace: a file of the jail's own, where there
//! can be one, else a bind.
//!
//! There can be one if the payload may write next to it: in a folder in memory, or in a persistent
//! home folder. If it may not, nothing can be renamed over it either, and a bind loses nothing.

use jail_plan::SharedFile;
use jail_plan::follow::Answer;
use rustix::fd::AsFd;
use rustix::fs::{StatVfsMountFlags, fstatvfs};
use rustix::io::Errno;

use crate::failure::{About, Problem};
use crate::host::{Identity, unconfined};
use crate::inside::point::Entry;
use crate::inside::{Launch, Root};

/// Has the file put in place. Returns whether that was possible.
pub(super) fn place(op: &SharedFile, launch: &Launch<'_>, root: &Root) -> Result<bool, Problem> {
    let Some(pair) = launch.shared.pair_for(op) else { return Ok(false) };
    let to = launch.caller.path(&op.to)?;
    let Entry { folder, name } = root.entry(to.as_str().as_bytes())?;
    if !takes_files(&*folder, root).about(to.as_str())? {
        return Ok(false);
    }
    let is_same_folder = Identity::from_file(&*folder)
        .and_then(|here| Ok(here == Identity::from_file(&pair.folder)?));
    if is_same_folder.about(to.as_str())? && name == pair.name {
        // The folder itself is granted, and the file in it is there already.
        return Ok(true);
    }
    let is_new = root.is_own(&*folder).about(to.as_str())?;
    match pair.place(&*folder, is_new)? {
        Answer::Done => Ok(true),
        Answer::Bound | Answer::Strange | Answer::Large => Ok(false),
        Answer::Failed(error) => Err(Problem::errno(to.as_str(), Errno::from_raw_os_error(error))),
        Answer::Unconfined(error) => Err(unconfined(Errno::from_raw_os_error(error))),
    }
}

/// Whether the payload will be able to make files there. The root itself is read-only in the end.
fn takes_files(folder: impl AsFd, root: &Root) -> Result<bool, Errno> {
    let is_read_only = fstatvfs(&folder)?.f_flag.contains(StatVfsMountFlags::RDONLY);
    Ok(!is_read_only && !root.is_bottom(folder)?)
}
