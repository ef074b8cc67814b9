//! What stands in git's own folder, and in that of a program's state, where nothing is, for as long
//! as a jail runs: a mount needs something to lie over, and a jail that finds nothing there could
//! make it. Each means nothing to the program, and is known by its content, or by its mode, so that
//! what a killed session has left is taken away by the next one. In the working tree nothing is
//! ever made.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rustix::fs::{
    AtFlags, CWD, FileType, Mode, OFlags, fchmod, fstat, linkat, mkdirat, openat, statat, unlinkat,
};
use rustix::io::Errno;

use super::file;
use crate::handoff::aside::take_away;
use crate::handoff::place::data;
use crate::sys::name_of;

/// Configurations and attributes have comments.
const COMMENT: &str = "# jailgen: a jail runs in this repository\n";

/// Settings with nothing in them, in a form that no program writes.
const NOTHING_SET: &str = "{ }\n \n\n \n";
/// Nothing but white space, in the same way.
const NOTHING: &str = "\n \n\n \n";

/// Of a folder, which no other program makes so: the bit has no effect for the one user who may
/// write there.
const MARK: u32 = 0o1700;

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
    /// The same, with a mark by which it is known.
    MarkedFolder,
    /// A file of settings in JSON.
    Settings,
    /// Any other text.
    Text,
}

impl Placeholder {
    /// For a file of this name.
    pub(super) fn of_file(name: &Path) -> Self {
        let ending = name.extension().and_then(OsStr::to_str).unwrap_or_default();
        match ending.starts_with("json") {
            true => Self::Settings,
            false => Self::Text,
        }
    }
}

/// Whether something is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Made {
    /// The placeholder, which was made just now.
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
            Self::Settings => NOTHING_SET,
            Self::Text => NOTHING,
            Self::Empty | Self::Folder | Self::MarkedFolder => "",
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
            Self::MarkedFolder => make_marked(&folder, name),
            Self::Comment | Self::Empty | Self::Here | Self::Settings | Self::Text => {
                match self.write(&folder, name) {
                    // The file system has no files without a name.
                    Err(Errno::OPNOTSUPP | Errno::INVAL | Errno::ISDIR) => {
                        self.rename(&folder, name)
                    }
                    other => other,
                }
            }
        };
        match made {
            Ok(()) => Ok(Made::Now),
            Err(Errno::EXIST) => Ok(Made::Before),
            Err(Errno::ACCESS | Errno::PERM | Errno::ROFS) => Ok(Made::Not),
            Err(error) => Err(error.into()),
        }
    }

    /// The file has its content before it has its name: if this process is killed, it leaves
    /// nothing that git cannot read.
    fn write(self, folder: impl AsFd, name: &OsStr) -> Result<(), Errno> {
        let flags = OFlags::WRONLY | OFlags::TMPFILE | OFlags::CLOEXEC;
        let mode = Mode::from_raw_mode(0o644);
        let file = openat(&folder, c".", flags, mode)?;
        let mut file = File::from(file);
        let written = file.write_all(self.content().as_bytes());
        written.map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))?;
        linkat(CWD, name_of(&file), folder, name, AtFlags::SYMLINK_FOLLOW)
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
            Self::MarkedFolder => remove_marked(&folder, name),
            Self::Comment | Self::Empty | Self::Here | Self::Settings | Self::Text => {
                let Ok(before) = data(&folder, name.as_bytes()) else { return };
                if file::read_in(&folder, name).is_ok_and(|is| is == self.content().as_bytes()) {
                    // What a program saves there at this moment stays; it has replaced what it
                    // saved just before.
                    let _ = take_away(&folder, name.as_bytes(), &before, |_| Ok(()));
                }
            }
        }
    }
}

/// The folder has its mark from the beginning: a process that is killed leaves no other one.
fn make_marked(folder: impl AsFd, name: &OsStr) -> Result<(), Errno> {
    mkdirat(folder, name, Mode::from_raw_mode(MARK))
}

/// Takes a marked folder away where it is empty. One that somebody has put something into loses its
/// mark.
fn remove_marked(folder: impl AsFd, name: &OsStr) {
    let is_marked =
        |mode: u32| FileType::from_raw_mode(mode) == FileType::Directory && mode & 0o7777 == MARK;
    let found = statat(&folder, name, AtFlags::SYMLINK_NOFOLLOW);
    if !found.is_ok_and(|stat| is_marked(stat.st_mode))
        || unlinkat(&folder, name, AtFlags::REMOVEDIR).is_ok()
    {
        return;
    }
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let Ok(opened) = openat(&folder, name, flags, Mode::empty()) else { return };
    if fstat(&opened).is_ok_and(|stat| is_marked(stat.st_mode)) {
        let _ = fchmod(&opened, Mode::RWXU);
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::Barrier;
    use std::thread;

    use super::*;

    #[test]
    fn settings_that_a_program_saves_at_that_moment_stay() {
        let folder = tempfile::tempdir().unwrap();
        let opened = File::open(folder.path()).unwrap();
        let (name, path) = (Path::new("settings.json"), folder.path().join("settings.json"));
        for round in 0..3000 {
            assert_eq!(Placeholder::Settings.make(&opened, name).unwrap(), Made::Now);
            let begin = Barrier::new(2);
            thread::scope(|threads| {
                threads.spawn(|| {
                    let new = folder.path().join("new");
                    fs::write(&new, "{}").unwrap();
                    begin.wait();
                    (0..round % 100 * 10).for_each(|_| std::hint::spin_loop());
                    fs::rename(&new, &path).unwrap();
                });
                begin.wait();
                Placeholder::Settings.remove(&opened, name);
            });
            assert_eq!(fs::read_to_string(&path).unwrap_or_default(), "{}", "{round}");
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "{round}");
            fs::remove_file(&path).unwrap();
        }
    }
}
