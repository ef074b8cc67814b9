//! The jail's copies: files and folders in a folder in memory that it gets, each named by the
//! number of its place.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use jail_plan::git::{About, CHANGES, COVER, How, LAYERS, WORK};
use rustix::fs::{
    AtFlags, CWD, FileType, Mode, OFlags, Stat, chmodat, fchmod, fstat, mkdirat, openat,
    readlinkat, statat, symlinkat,
};
use rustix::io::Errno;

use super::Refusal;
use super::file;
use super::find::{FoundRepository, refusal};
use super::links::{LOOKS_MAX, Unfollowed};
use super::private_report;
use super::room::Room;

/// Hooks do not lie deeper.
const DEPTH_MAX: usize = 4;

/// All copies, and what they were at first.
pub(super) struct Copies {
    pub(super) folder: OwnedFd,
    pub(super) configs: Vec<Config>,
    pub(super) hooks: Vec<Hooks>,
    /// The copies of files that are no configurations of git.
    pub(super) files: Vec<Config>,
    pub(super) layers: Vec<Layer>,
    /// Links in layers that are not followed.
    pub(super) unfollowed: Vec<Unfollowed>,
    /// Not all that links lead to in the store is there.
    pub(super) is_cut: bool,
}

/// What a jail changes in a folder.
pub(super) struct Layer {
    /// Where what it changes is. Opened before something lies over it.
    pub(super) changes: OwnedFd,
    pub(super) path: PathBuf,
    /// Which folder that is.
    pub(super) identity: Option<(u64, u64)>,
    /// What is there before the jail begins: copies of what links lead to.
    pub(super) before: Vec<(PathBuf, Signature)>,
}

/// The copy of a file: of a configuration, mostly.
pub(super) struct Config {
    /// Its name in the folder.
    pub(super) name: String,
    /// What it is a copy of.
    pub(super) path: PathBuf,
    pub(super) before: Vec<u8>,
    /// Which file that is.
    pub(super) identity: Option<(u64, u64)>,
}

/// The copy of a folder of hooks.
pub(super) struct Hooks {
    pub(super) name: String,
    pub(super) path: PathBuf,
    /// Its files, each with what shows that it was changed: a program cannot set the time.
    pub(super) before: Vec<(Vec<u8>, Signature)>,
}

/// Inode, time of the last change, length.
pub(super) type Signature = (u64, i64, u64, i64);

/// How copies are made.
pub(super) struct Copier<'f> {
    /// What the jail may write. Nothing else is copied, but what links lead to in the store.
    pub(super) roots: &'f [PathBuf],
    /// The copies belong to another user than the one who makes them.
    pub(super) other_user: bool,
    /// What the jail does not see. An earlier one may have put it, or a link to it, where copies
    /// are made of.
    masked: &'f BTreeSet<(u64, u64)>,
    /// Room for files that lie at a place each.
    files: Room,
    /// The same for hooks, and for what links into the store lead to.
    pub(super) room: Room,
    /// How many names of the host's folders may still be looked at, to find links.
    pub(super) looks: usize,
    pub(super) unfollowed: Vec<Unfollowed>,
    pub(super) is_cut: bool,
}

impl Copies {
    /// Makes them in `folder`.
    pub(super) fn make(
        found: &FoundRepository,
        folder: OwnedFd,
        other_user: bool,
        masked: &BTreeSet<(u64, u64)>,
    ) -> Result<Self, Refusal> {
        let mut copier = Copier {
            roots: &found.roots,
            other_user,
            masked,
            files: Room::HALF,
            room: Room::HALF,
            looks: LOOKS_MAX,
            unfollowed: Vec::new(),
            is_cut: false,
        };
        let (mut configs, mut hooks) = (Vec::new(), Vec::new());
        let (mut files, mut layers) = (Vec::new(), Vec::new());
        for (number, (place, about)) in found.places.iter().zip(&found.about).enumerate() {
            let (name, path) = (number.to_string(), Path::new(OsStr::from_bytes(&place.path)));
            let failed = |error: io::Error| refused(path, &error);
            match place.how {
                How::ReadOnly | How::Stored | How::StoredPrograms => {}
                How::Link => {
                    let before = match about {
                        About::Git => copier.file(path, &folder, &name).map(Some),
                        About::Private => copier.private(path, &folder, &name),
                    };
                    let Some(before) = before.map_err(failed)? else { continue };
                    let (path, identity) = (path.to_path_buf(), identity(path));
                    let copies = match about {
                        About::Git => &mut configs,
                        About::Private => &mut files,
                    };
                    copies.push(Config { name, path, before, identity });
                }
                How::Layer => {
                    let changes = copier.layer(path, &folder, &name).map_err(failed)?;
                    copier.follow(path, &changes).map_err(failed)?;
                    let before = private_report::files(&changes);
                    let (path, identity) = (path.to_path_buf(), identity(path));
                    layers.push(Layer { changes, path, identity, before });
                }
                How::Copy => {
                    copier.folder(path, &folder, OsStr::new(&name), DEPTH_MAX).map_err(failed)?;
                    let before = signatures(&folder, &name);
                    hooks.push(Hooks { name, path: path.to_path_buf(), before });
                }
            }
        }
        if other_user {
            // It is only a place for this process, whose own mode fchmod(2) does not set.
            chmodat(&folder, c".", Mode::from_raw_mode(0o777), AtFlags::empty())
                .map_err(|error| refused(Path::new("a folder"), &error.into()))?;
        }
        let Copier { unfollowed, is_cut, .. } = copier;
        Ok(Self { folder, configs, hooks, files, layers, unfollowed, is_cut })
    }
}

impl Copier<'_> {
    /// A configuration. What is not a file is an empty one, and so is what is masked, and the
    /// target of a link that the jail cannot write.
    pub(super) fn file(
        &mut self,
        from: &Path,
        folder: &OwnedFd,
        name: &str,
    ) -> io::Result<Vec<u8>> {
        let content = match file::open_below(from, self.roots) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Ok(file) if self.is_masked(&file)? => Vec::new(),
            other => file::read_whole(other?)?,
        };
        // What the search has found to fit has grown meanwhile.
        self.files.take(content.len() as u64).ok_or_else(no_room)?;
        // A program that settings name can be executed.
        let mode = fs::metadata(from).map_or(0o644, |found| found.permissions().mode() & 0o755);
        self.create(folder, OsStr::new(name), mode | 0o600)?.write_all(&content)?;
        Ok(content)
    }

    /// The folders for what is changed in one of the host's; that for the changes looks like it.
    fn layer(&self, from: &Path, to: &OwnedFd, name: &str) -> io::Result<OwnedFd> {
        let mode = if self.other_user { 0o777 } else { 0o755 };
        let make = |folder: &OwnedFd, name: &str, mode| -> io::Result<OwnedFd> {
            match mkdirat(folder, name, Mode::from_raw_mode(mode)) {
                Err(Errno::EXIST) => {}
                other => other?,
            }
            let made = open_folder(folder, OsStr::new(name))?;
            fchmod(&made, Mode::from_raw_mode(mode))?;
            Ok(made)
        };
        let layers = make(to, LAYERS, mode)?;
        make(&layers, COVER, 0o555)?;
        let layer = make(&layers, name, mode)?;
        make(&layer, WORK, mode)?;
        let look = statat(CWD, from, AtFlags::SYMLINK_NOFOLLOW)?.st_mode & 0o777 | 0o700;
        make(&layer, CHANGES, if self.other_user { 0o777 } else { look })
    }

    fn folder(&mut self, from: &Path, to: &OwnedFd, name: &OsStr, depth: usize) -> io::Result<()> {
        let Some(depth) = depth.checked_sub(1) else {
            return Err(io::Error::other("folders lie too deep in it"));
        };
        mkdirat(to, name, Mode::from_raw_mode(0o755))?;
        let to = open_folder(to, name)?;
        if self.other_user {
            fchmod(&to, Mode::from_raw_mode(0o777))?;
        }
        for entry in fs::read_dir(from)? {
            let entry = entry?;
            let (path, name, kind) = (entry.path(), entry.file_name(), entry.file_type()?);
            self.room.take(0).ok_or_else(no_room)?;
            if kind.is_dir() {
                self.folder(&path, &to, &name, depth)?;
            } else if kind.is_symlink() {
                symlinkat(readlinkat(CWD, &path, Vec::new())?, &to, &name)?;
            } else if kind.is_file() && !is_sample(&name) {
                self.hook(&path, &to, &name)?;
            }
        }
        Ok(())
    }

    fn hook(&mut self, from: &Path, to: &OwnedFd, name: &OsStr) -> io::Result<()> {
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let from = File::from(openat(CWD, from, flags, Mode::empty())?);
        if !file::is_below(&from, self.roots)? {
            return Err(io::Error::other("something else was put in its place during the launch"));
        }
        if self.is_masked(&from)? {
            return Ok(());
        }
        let mode = fstat(&from)?.st_mode & 0o755;
        let mut to = self.create(to, name, mode)?;
        let copied = io::copy(&mut from.take(self.room.bytes() + 1), &mut to)?;
        self.room.take(copied).ok_or_else(no_room)
    }

    fn is_masked(&self, file: &File) -> io::Result<bool> {
        let found = fstat(file)?;
        Ok(self.masked.contains(&(found.st_dev, found.st_ino)))
    }

    pub(super) fn create(&self, folder: &OwnedFd, name: &OsStr, mode: u32) -> io::Result<File> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let file = openat(folder, name, flags, Mode::from_raw_mode(0o600))?;
        // An owner that is another user can do so only by the rights of others; in the jail there
        // is no other user.
        let mode =
            if self.other_user { mode | (mode & 0o700) >> 3 | (mode & 0o700) >> 6 } else { mode };
        fchmod(&file, Mode::from_raw_mode(mode))?;
        Ok(File::from(file))
    }
}

/// Which file is there: device and inode.
pub(super) fn identity(path: &Path) -> Option<(u64, u64)> {
    let found = statat(CWD, path, AtFlags::SYMLINK_NOFOLLOW).ok()?;
    Some((found.st_dev, found.st_ino))
}

/// Git comes with samples, which it does not run.
fn is_sample(name: &OsStr) -> bool {
    name.as_bytes().ends_with(b".sample")
}

pub(super) fn open_folder(folder: impl AsFd, name: &OsStr) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(openat(folder, name, flags, Mode::empty())?)
}

/// The files of a folder of hooks.
pub(super) fn signatures(folder: &OwnedFd, name: &str) -> Vec<(Vec<u8>, Signature)> {
    let Ok(hooks) = open_folder(folder, OsStr::new(name)) else { return Vec::new() };
    let Ok(entries) = rustix::fs::Dir::read_from(&hooks) else { return Vec::new() };
    let mut found = Vec::new();
    for entry in entries.flatten().take(FILES_MAX) {
        let Ok(stat) = statat(&hooks, entry.file_name(), AtFlags::SYMLINK_NOFOLLOW) else {
            continue;
        };
        if FileType::from_raw_mode(stat.st_mode) != FileType::Directory {
            found.push((entry.file_name().to_bytes().to_vec(), signature_of(&stat)));
        }
    }
    found.sort();
    found
}

/// What shows that a file was changed.
pub(super) fn signature(folder: impl AsFd, name: &OsStr) -> Option<Signature> {
    statat(folder, name, AtFlags::SYMLINK_NOFOLLOW).ok().map(|found| signature_of(&found))
}

/// The same of what was looked at.
pub(super) fn signature_of(found: &Stat) -> Signature {
    (found.st_ino, found.st_ctime, found.st_ctime_nsec, found.st_size)
}

/// No more of them are looked at.
const FILES_MAX: usize = 256;

/// There is more than is copied for one launch.
fn no_room() -> io::Error {
    io::Error::other(
        "there is more to copy than 64 MiB, or 4,096 files, which is what one launch copies: remove what is not needed there",
    )
}

fn refused(path: &Path, error: &io::Error) -> Refusal {
    refusal(path, &error.to_string())
}
