//! The project's folder, held by its descriptor: everything in it is opened below it, and a link is
//! followed only where that is asked for, and never out of it (openat2(2)).

use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;

use rustix::fs::{
    AtFlags, FileType, Mode, OFlags, RawDir, ResolveFlags, Stat, StatxFlags, fstat, openat,
    openat2, readlinkat, statx,
};
use rustix::io::Errno;

/// The folder.
pub(crate) struct Place {
    folder: OwnedFd,
    /// Where it is, for links that name it.
    pub(crate) path: Vec<u8>,
}

/// Whether links on the way are followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Links {
    Refused,
    /// As long as they stay in the project.
    Within,
}

/// As many links as the kernel follows (path_resolution(7)).
const LINKS_MAX: usize = 40;

/// How a path leads to something in the project.
pub(crate) struct Route {
    /// The links on the way, and the folders that it leads into and out of again, each with device
    /// and inode.
    pub(crate) held: Vec<(Vec<u8>, (u64, u64))>,
    /// What is at its end, which is no link, and where.
    pub(crate) end: (Vec<u8>, Stat),
}

/// What shows whether a file was changed: a payload can set neither of the first two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) struct Stamp {
    pub(crate) changed: (i64, u32),
    pub(crate) inode: u64,
    pub(crate) size: u64,
}

/// What stands at a name.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Data {
    pub(crate) stamp: Stamp,
    pub(crate) device: (u32, u32),
    /// A payload can set this one.
    pub(crate) modified: (i64, u32),
    pub(crate) mode: u32,
    pub(crate) kind: FileType,
    /// How many names it has.
    pub(crate) names: u32,
}

/// A name of a folder. File systems that do not say the kind have it looked up.
pub(crate) struct Entry {
    pub(crate) name: Vec<u8>,
    pub(crate) kind: FileType,
}

/// A pipe does not stop it.
const FILE: OFlags = OFlags::RDONLY.union(OFlags::NONBLOCK).union(OFlags::NOCTTY);
const BELOW: ResolveFlags = ResolveFlags::BENEATH.union(ResolveFlags::NO_MAGICLINKS);

impl Place {
    pub(crate) fn new(folder: OwnedFd, path: Vec<u8>) -> Self {
        Self { folder, path }
    }

    fn open(&self, path: &[u8], flags: OFlags, links: Links) -> Result<OwnedFd, Errno> {
        let resolve = match links {
            // Another file system may be one that does not answer.
            Links::Refused => BELOW | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_XDEV,
            Links::Within => BELOW | ResolveFlags::NO_XDEV,
        };
        let path = if path.is_empty() { b"." } else { path };
        match (resolved(&self.folder, path, flags, resolve), links) {
            // In a jail the filter answers so. Without this call no link is followed.
            (Err(Errno::NOSYS), Links::Refused) => self.by_names(path, flags),
            (result, _) => result,
        }
    }

    /// The same, name by name.
    fn by_names(&self, path: &[u8], flags: OFlags) -> Result<OwnedFd, Errno> {
        let mut names = path.split(|byte| *byte == b'/');
        let last = names.next_back().unwrap_or(b".");
        let enter = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut folder = openat(&self.folder, c".", enter, Mode::empty())?;
        for name in names {
            folder = openat(&folder, name, enter, Mode::empty())?;
        }
        openat(&folder, last, flags | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())
    }

    pub(crate) fn open_folder(&self, path: &[u8], links: Links) -> Result<OwnedFd, Errno> {
        self.open(path, OFlags::RDONLY | OFlags::DIRECTORY, links)
    }

    /// A file, without following a link.
    pub(crate) fn open_file(&self, path: &[u8]) -> Result<OwnedFd, Errno> {
        self.open(path, FILE, Links::Refused)
    }

    /// What is at a path, whatever it is, only to be looked at.
    pub(crate) fn open_path(&self, path: &[u8]) -> Result<OwnedFd, Errno> {
        self.open(path, OFlags::PATH | OFlags::NOFOLLOW, Links::Refused)
    }

    /// A folder, for what is in it by its name. One that cannot be listed can be entered.
    pub(super) fn enter(&self, path: &[u8]) -> Result<OwnedFd, Errno> {
        self.open(path, OFlags::PATH | OFlags::DIRECTORY, Links::Refused)
    }

    /// The folder that something is in, and its name there.
    pub(super) fn parent<'p>(&self, path: &'p [u8]) -> Result<(OwnedFd, &'p [u8]), Errno> {
        let (above, name) = split(path);
        Ok((self.enter(above)?, name))
    }

    /// The content of a regular file, and what it is; `None` for the content of a larger one.
    pub(crate) fn read(
        &self,
        path: &[u8],
        most: u64,
        links: Links,
    ) -> Result<(Data, Option<Vec<u8>>), Errno> {
        content(&self.open(path, FILE, links)?, most)
    }

    /// What a path leads to in the project, and the links on the way: also by way of links that
    /// name the project's folder, or that leave it and come back.
    pub(crate) fn route(&self, path: &[u8]) -> Option<Route> {
        let (mut held, mut links) = (Vec::new(), 0);
        // Without links, and absolute.
        let mut way: Vec<Vec<u8>> = names(&self.path);
        let mut ahead = names(path);
        ahead.reverse();
        while let Some(name) = ahead.pop() {
            if name == b".." {
                // It has to be there, too.
                if let Some(below) = self.below(&way) {
                    let stat = fstat(self.open_path(&below).ok()?).ok()?;
                    held.push((below, (stat.st_dev, stat.st_ino)));
                }
                way.pop();
                continue;
            }
            way.push(name);
            // What lies outside cannot be looked at from here.
            let Some(below) = self.below(&way) else { continue };
            let found = self.open_path(&below).ok()?;
            let stat = fstat(&found).ok()?;
            if FileType::from_raw_mode(stat.st_mode) != FileType::Symlink {
                continue;
            }
            held.push((below, (stat.st_dev, stat.st_ino)));
            links += 1;
            if links > LINKS_MAX {
                return None;
            }
            let target = readlinkat(&found, c"", Vec::new()).ok()?.into_bytes();
            match target.starts_with(b"/") {
                true => way.clear(),
                false => drop(way.pop()),
            }
            ahead.extend(names(&target).into_iter().rev());
        }
        let end = self.below(&way)?;
        let stat = fstat(self.open_path(&end).ok()?).ok()?;
        Some(Route { held, end: (end, stat) })
    }

    /// The path below the project of what has these names, if it lies in it.
    fn below(&self, way: &[Vec<u8>]) -> Option<Vec<u8>> {
        let own = names(&self.path);
        let below = way.strip_prefix(own.as_slice()).filter(|below| !below.is_empty())?;
        Some(below.join(b"/".as_slice()))
    }

    /// Who owns a folder, or the nearest one around it that can be reached.
    pub(crate) fn owner(&self, path: &[u8]) -> Option<u32> {
        let mut path = path;
        loop {
            let opened = self.open(path, OFlags::PATH | OFlags::DIRECTORY, Links::Refused);
            match opened.and_then(fstat) {
                Ok(stat) => return Some(stat.st_uid),
                Err(Errno::ACCESS) if !path.is_empty() => {
                    let slash = path.iter().rposition(|byte| *byte == b'/').unwrap_or_default();
                    path = path.get(..slash).unwrap_or_default();
                }
                Err(_) => return None,
            }
        }
    }

    /// Whether a link leads out of the project, or would once what it names is there.
    pub(crate) fn leads_out(&self, path: &[u8], target: &[u8]) -> bool {
        let opened = match target.strip_prefix(self.path.as_slice()) {
            Some(rest) if rest.starts_with(b"/") => {
                self.open(rest.get(1..).unwrap_or_default(), OFlags::PATH, Links::Within)
            }
            Some(_) | None if target.starts_with(b"/") => return true,
            Some(_) | None => self.open(path, OFlags::PATH, Links::Within),
        };
        match opened {
            // It may be another mount that stops the way, and not the edge of the project.
            Err(Errno::XDEV) => resolved(&self.folder, path, OFlags::PATH, BELOW).is_err(),
            // What cannot be judged is reported.
            Err(Errno::NOSYS) => target.split(|byte| *byte == b'/').any(|name| name == b".."),
            Err(_) | Ok(_) => false,
        }
    }
}

/// The names in a path.
fn names(path: &[u8]) -> Vec<Vec<u8>> {
    let names = path.split(|byte| *byte == b'/');
    names.filter(|name| !matches!(*name, b"" | b".")).map(<[u8]>::to_vec).collect()
}

/// The folders above a path, the outermost first.
pub(crate) fn folders_above(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    let slashes = path.iter().enumerate().filter(|(_, byte)| **byte == b'/');
    slashes.filter_map(|(at, _)| path.get(..at))
}

/// A path as the folder and the name in it.
pub(crate) fn split(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().rposition(|byte| *byte == b'/') {
        Some(slash) => {
            (path.get(..slash).unwrap_or_default(), path.get(slash + 1..).unwrap_or_default())
        }
        None => (b"", path),
    }
}

#[expect(clippy::disallowed_methods, reason = "where it is refused there is another way")]
fn resolved(
    folder: &OwnedFd,
    path: &[u8],
    flags: OFlags,
    resolve: ResolveFlags,
) -> Result<OwnedFd, Errno> {
    // It may be changed meanwhile by programs of the host (EAGAIN).
    for _ in 0..3 {
        match openat2(folder, path, flags | OFlags::CLOEXEC, Mode::empty(), resolve) {
            Err(Errno::AGAIN | Errno::INTR) => {}
            other => return other,
        }
    }
    Err(Errno::AGAIN)
}

/// The content of a file that is open, if it is a regular one, and what it is; `None` for the
/// content of a larger one.
pub(crate) fn content(file: &OwnedFd, most: u64) -> Result<(Data, Option<Vec<u8>>), Errno> {
    let data = data(file, b"")?;
    if data.kind != FileType::RegularFile || data.stamp.size > most {
        return Ok((data, None));
    }
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let mut bytes = Vec::with_capacity(usize::try_from(data.stamp.size).unwrap_or(0) + 1);
    loop {
        match rustix::io::read(file, rustix::buffer::spare_capacity(&mut bytes)) {
            Err(Errno::INTR) => {}
            Err(error) => return Err(error),
            Ok(0) => return Ok((data, Some(bytes))),
            Ok(_) if bytes.len() > most => return Ok((data, None)),
            Ok(_) => bytes.reserve(4096),
        }
    }
}

/// What stands at a name of a folder; at the folder itself, where the name is empty.
pub(crate) fn data(folder: &OwnedFd, name: &[u8]) -> Result<Data, Errno> {
    let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::EMPTY_PATH | AtFlags::NO_AUTOMOUNT;
    let wanted = StatxFlags::TYPE
        | StatxFlags::MODE
        | StatxFlags::NLINK
        | StatxFlags::INO
        | StatxFlags::SIZE
        | StatxFlags::MTIME
        | StatxFlags::CTIME;
    let data = statx(folder, name, flags, wanted)?;
    let mode = u32::from(data.stx_mode);
    Ok(Data {
        stamp: Stamp {
            changed: (data.stx_ctime.tv_sec, data.stx_ctime.tv_nsec),
            inode: data.stx_ino,
            size: data.stx_size,
        },
        device: (data.stx_dev_major, data.stx_dev_minor),
        modified: (data.stx_mtime.tv_sec, data.stx_mtime.tv_nsec),
        mode,
        kind: FileType::from_raw_mode(mode),
        names: data.stx_nlink,
    })
}

/// Where the link at a name leads.
pub(crate) fn target(folder: &OwnedFd, name: &[u8]) -> Result<Vec<u8>, Errno> {
    readlinkat(folder, name, Vec::new()).map(std::ffi::CString::into_bytes)
}

/// The names of a folder, at most so many: whether those are all.
pub(crate) fn entries(folder: &OwnedFd, most: usize) -> Result<(Vec<Entry>, bool), Errno> {
    let mut buffer = [MaybeUninit::uninit(); 32 * 1024];
    let mut listing = RawDir::new(folder, &mut buffer);
    let mut entries = Vec::new();
    while let Some(entry) = listing.next() {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if name == b"." || name == b".." {
            continue;
        }
        if entries.len() >= most {
            return Ok((entries, false));
        }
        let kind = match entry.file_type() {
            FileType::Unknown => data(folder, name).map_or(FileType::Unknown, |data| data.kind),
            kind => kind,
        };
        entries.push(Entry { name: name.to_vec(), kind });
    }
    Ok((entries, true))
}
