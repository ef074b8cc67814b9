//! What stands in git's own folder where nothing is, for as long as a jail runs: a mount needs something to lie over, and a jail
//! that finds nothing there could make it. Each means nothing to git, and is known by its content, so that what a killed session
//! has left is taken away by the next one. In the working tree nothing is ever made.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, AsRawFd};
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Mode, OFlags, linkat, mkdirat, openat, unlinkat};
use rustix::io::Errno;

use super::file;

/// Configurations and attributes have comments.
const COMMENT: &str = "# jailgen: a jail runs in this repository\n";

/// What stands at a place, if nothing else does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Placeholder {
    /// A file with a comment and nothing else.
    Comment,
    /// An empty list.
    Empty,
    /// The folder itself: git ends with an error where a `commondir` is empty.
    Here,
    /// An empty folder.
    Folder,
}

/// Whether something is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Made {
    /// The placeholder.
    Now,
    /// What was there already.
    Before,
    Not,
}

impl Placeholder {
    fn content(self) -> &'static str {
        match self {
            Self::Comment => COMMENT,
            Self::Here => ".\n",
            Self::Empty | Self::Folder => "",
        }
    }

    /// Makes it, if nothing is there. What the caller cannot make, a jail cannot either.
    pub(super) fn make(self, folder: impl AsFd, name: &Path) -> io::Result<Made> {
        let (folder, name) = match file::parent(folder, name) {
            // A link, or nothing, is where its folder should be.
            Err(Errno::LOOP | Errno::NOTDIR | Errno::NOENT) => return Ok(Made::Not),
            other => other?,
        };
        let made = match self {
            Self::Folder => mkdirat(&folder, name, Mode::from_raw_mode(0o755)),
            Self::Comment | Self::Empty | Self::Here => match self.write(&folder, name) {
                // The file system has no files without a name.
                Err(Errno::OPNOTSUPP | Errno::INVAL | Errno::ISDIR) => self.rename(&folder, name),
                other => other,
            },
        };
        match made {
            Ok(()) => Ok(Made::Now),
            Err(Errno::EXIST) => Ok(Made::Before),
            Err(Errno::ACCESS | Errno::PERM | Errno::ROFS) => Ok(Made::Not),
            Err(error) => Err(error.into()),
        }
    }

    /// The file has its content before it has its name: if this process is killed, it leaves nothing that git cannot read.
    fn write(self, folder: impl AsFd, name: &OsStr) -> Result<(), Errno> {
        let flags = OFlags::WRONLY | OFlags::TMPFILE | OFlags::CLOEXEC;
        let mode = Mode::from_raw_mode(0o644);
        let file = openat(&folder, c".", flags, mode)?;
        let mut file = File::from(file);
        let written = file.write_all(self.content().as_bytes());
        written.map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))?;
        let itself = format!("/proc/self/fd/{}", file.as_raw_fd());
        linkat(CWD, itself, folder, name, AtFlags::SYMLINK_FOLLOW)
    }

    fn rename(self, folder: impl AsFd, name: &OsStr) -> Result<(), Errno> {
        let mut other = name.to_owned();
        other.push(".jailgen");
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::CLOEXEC;
        let mode = Mode::from_raw_mode(0o644);
        let file = openat(&folder, &other, flags | OFlags::NOFOLLOW, mode)?;
        let written = File::from(file).write_all(self.content().as_bytes());
        written.map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))?;
        let renamed = linkat(&folder, &other, &folder, name, AtFlags::empty());
        let _ = unlinkat(folder, &other, AtFlags::empty());
        renamed
    }

    /// Takes it away, if it is one. A folder goes only where it is empty.
    pub(super) fn remove(self, folder: impl AsFd, name: &Path) {
        let Ok((folder, name)) = file::parent(folder, name) else { return };
        match self {
            // What is in the way of it is the user's.
            Self::Folder => {
                let _ = unlinkat(folder, name, AtFlags::REMOVEDIR);
            }
            Self::Comment | Self::Empty | Self::Here => {
                if file::read_in(&folder, name).is_ok_and(|is| is == self.content().as_bytes()) {
                    let _ = unlinkat(folder, name, AtFlags::empty());
                }
            }
        }
    }
}
