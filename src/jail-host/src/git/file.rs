//! How files are read that a jail may have written: regular ones, of a bounded length, and by a
//! name in a folder that is held.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use rustix::fs::{
    AtFlags, CWD, FileType, Mode, OFlags, fstat, openat, readlinkat, renameat, unlinkat,
};
use rustix::io::Errno;
use rustix::path::Arg;

use crate::sys::name_of;

/// No configuration, pointer or hook is longer.
pub(super) const BYTES_MAX: u64 = 1024 * 1024;

/// The content of a file. A symbolic link is followed, as git follows it.
pub(super) fn read(path: &Path) -> io::Result<Vec<u8>> {
    read_at_most(path, BYTES_MAX)
}

/// The same for a file that may be longer, or is to be shorter.
pub(super) fn read_at_most(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    read_from(open(CWD, path, OFlags::empty())?, most)
}

/// The same, where it is below one of `roots`: an earlier jail may have made a link that leads out
/// of what it could write.
pub(super) fn read_below(path: &Path, roots: &[PathBuf]) -> io::Result<Vec<u8>> {
    read_whole(open_below(path, roots)?)
}

/// The file, to be looked at first.
pub(super) fn open_below(path: &Path, roots: &[PathBuf]) -> io::Result<File> {
    let file = open(CWD, path, OFlags::empty())?;
    match is_below(&file, roots)? {
        true => Ok(file),
        false => Err(io::Error::new(io::ErrorKind::NotFound, "a link leads out of the project")),
    }
}

/// Whether the first bytes of a regular file are these.
pub(super) fn begins_with(path: &Path, begin: &[u8]) -> bool {
    let begins = || {
        let file = open(CWD, path, OFlags::NOFOLLOW)?;
        if FileType::from_raw_mode(fstat(&file)?.st_mode) != FileType::RegularFile {
            return Ok(false);
        }
        let mut read = Vec::new();
        file.take(begin.len() as u64).read_to_end(&mut read)?;
        Ok::<_, io::Error>(read == begin)
    };
    begins().unwrap_or(false)
}

/// The content of a file, if it is not too long.
pub(super) fn read_whole(file: File) -> io::Result<Vec<u8>> {
    read_from(file, BYTES_MAX)
}

/// Whether what was opened is below one of `roots`. Nothing that a jail does meanwhile makes it so.
pub(super) fn is_below(opened: impl AsFd, roots: &[PathBuf]) -> io::Result<bool> {
    let real = path_of(opened)?;
    Ok(roots.iter().any(|root| real.starts_with(root)))
}

/// Where what was opened is.
pub(super) fn path_of(opened: impl AsFd) -> io::Result<PathBuf> {
    // The filter of a confined process allows this call, and not the one of the standard library.
    Ok(OsString::from_vec(readlinkat(CWD, name_of(&opened), Vec::new())?.into_bytes()).into())
}

/// The folder in `folder` that a name of several parts lies in, and its last part. No link is
/// followed on the way.
pub(super) fn parent(folder: impl AsFd, name: &Path) -> Result<(OwnedFd, &OsStr), Errno> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut parent = openat(folder, c".", flags, Mode::empty())?;
    for part in name.parent().into_iter().flatten() {
        parent = openat(&parent, part, flags, Mode::empty())?;
    }
    Ok((parent, name.file_name().ok_or(Errno::INVAL)?))
}

/// The content of what has this name in `folder`, which is not a symbolic link.
pub(super) fn read_in(folder: impl AsFd, name: impl Arg) -> io::Result<Vec<u8>> {
    read_from(open(folder, name, OFlags::NOFOLLOW)?, BYTES_MAX)
}

/// Writes a file anew, whole or not at all.
pub(super) fn replace(folder: &OwnedFd, name: &str, text: &[u8]) -> io::Result<()> {
    let fresh = format!("{name}.new");
    match unlinkat(folder, &*fresh, AtFlags::empty()) {
        Err(Errno::NOENT) | Ok(()) => {}
        Err(error) => return Err(error.into()),
    }
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
    let file = openat(folder, &*fresh, flags, Mode::RUSR | Mode::WUSR)?;
    File::from(file).write_all(text)?;
    Ok(renameat(folder, &*fresh, folder, name)?)
}

fn open(folder: impl AsFd, name: impl Arg, more: OFlags) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC | more;
    Ok(File::from(openat(folder, name, flags, Mode::empty())?))
}

fn read_from(file: File, most: u64) -> io::Result<Vec<u8>> {
    let stat = fstat(&file)?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
    }
    let mut content = Vec::new();
    file.take(most + 1).read_to_end(&mut content)?;
    if content.len() as u64 > most {
        let cause = format!("it is larger than {} MiB", most / (1024 * 1024));
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, cause));
    }
    Ok(content)
}
