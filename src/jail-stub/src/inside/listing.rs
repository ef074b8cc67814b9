//! The names in a folder of the host, with bounds: the launch walks trees that it does not know.

use alloc::vec;
use alloc::vec::Vec;

use rustix::fd::AsFd;
use rustix::fs::{Mode, OFlags, RawDir, openat};
use rustix::io::Errno;

const BUFFER: usize = 32 * 1024;

/// The names in the folder at `place`, sorted, without `.` and `..`.
///
/// # Errors
/// Those of opening and reading it; `EFBIG` if there are more than `bound`.
pub(crate) fn names(place: impl AsFd, bound: usize) -> Result<Vec<Vec<u8>>, Errno> {
    // A place (`O_PATH`) cannot be read, but `.` in it is the same folder.
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let folder = openat(place, c".", flags, Mode::empty())?;
    let mut buffer = vec![core::mem::MaybeUninit::uninit(); BUFFER];
    let mut entries = RawDir::new(&folder, &mut buffer);
    let mut names = Vec::new();
    while let Some(entry) = entries.next() {
        let name = entry?.file_name().to_bytes().to_vec();
        if name == b"." || name == b".." {
            continue;
        }
        if names.len() >= bound {
            return Err(Errno::FBIG);
        }
        names.push(name);
    }
    jail_plan::sort(&mut names);
    Ok(names)
}
