//! How files are read that a jail may have written: regular ones, of a bounded length, and by a name in a folder that is held.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::path::Path;

use rustix::fs::{CWD, FileType, Mode, OFlags, fstat, openat};
use rustix::path::Arg;

/// No configuration, pointer or hook is longer.
pub(super) const BYTES_MAX: u64 = 1024 * 1024;

/// The content of a file. A symbolic link is followed, as git follows it.
pub(super) fn read(path: &Path) -> io::Result<Vec<u8>> {
    read_with(CWD, path, OFlags::empty())
}

/// The content of what has this name in `folder`, which is no symbolic link.
pub(super) fn read_in(folder: impl AsFd, name: impl Arg) -> io::Result<Vec<u8>> {
    read_with(folder, name, OFlags::NOFOLLOW)
}

fn read_with(folder: impl AsFd, name: impl Arg, more: OFlags) -> io::Result<Vec<u8>> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC | more;
    let file = File::from(openat(folder, name, flags, Mode::empty())?);
    let stat = fstat(&file)?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
    }
    let mut content = Vec::new();
    file.take(BYTES_MAX + 1).read_to_end(&mut content)?;
    if content.len() as u64 > BYTES_MAX {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it is larger than 1 MiB"));
    }
    Ok(content)
}
