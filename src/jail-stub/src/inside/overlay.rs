//! Stacked folders of the host (overlayfs). The kernel reads and writes them with the rights of the
//! user who launches, and checks the payload's access on the merged files.
//!
//! The folders are opened by the rules for everything of the host, and given to the kernel by
//! descriptor: no name is resolved twice. In what a payload may have written, `userxattr` makes the
//! kernel follow nothing that leads elsewhere: such overlays know neither redirects nor metadata
//! that stands for another file's content (overlayfs.rst, "Unprivileged mounts").

use alloc::format;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;

use jail_plan::{Access, Changes, HostText, KeptOverlay, Layers as Wanted, Stage};
use rustix::fd::{AsFd, AsRawFd, OwnedFd};
use rustix::fs::{AtFlags, FileType, Mode, OFlags, mkdirat, openat, statat};
use rustix::io::Errno;
use rustix::mount::{FsOpenFlags, MountAttrFlags, fsconfig_set_flag, fsconfig_set_string, fsopen};

use crate::failure::{About, Problem};
use crate::inside::listing::names;
use crate::inside::tree::{self, BindKind, Depth};
use crate::inside::{Launch, Root};
use crate::sys::Attributes;

/// The longest string that fsconfig(2) takes.
const STRING_MAX: usize = 255;

/// The folders to stack, found before there is a root to put them in.
pub(crate) struct Layers {
    /// The lowest first; at least one.
    lower: Vec<Rc<OwnedFd>>,
    writes: Writes,
    /// Places in it at which nothing of the host may be visible.
    covered: Vec<Vec<u8>>,
}

/// Where writes go.
enum Writes {
    Refused,
    Memory,
    Kept { upper: Rc<OwnedFd>, work: Rc<OwnedFd> },
}

/// Opens the folders of an overlay.
pub(crate) fn find(wanted: Wanted<'_>, launch: &Launch<'_>) -> Result<Layers, Problem> {
    let to = launch.caller.path(wanted.to)?;
    let mut covered = Vec::new();
    let mut folder = |path: &HostText, access| {
        let path = launch.caller.path(path)?;
        let place = launch.paths.open(path.as_str().as_bytes())?;
        if BindKind::from_file(&*place).about(path.as_str())? == BindKind::File {
            return Err(Problem::errno(path.as_str(), Errno::NOTDIR)
                .help("an overlay is made of folders; bind a file by `ro-bind`"));
        }
        let (from, to) = (path.as_str().as_bytes(), to.as_str().as_bytes());
        covered.extend(launch.own_state_in(&*place, from, access, to)?);
        Ok(place)
    };
    let writes = match wanted.changes {
        Changes::Kept(KeptOverlay { upper, work, .. }) => Writes::Kept {
            upper: folder(upper, Access::ReadWrite)?,
            work: {
                let place = folder(work, Access::ReadWrite)?;
                let path = launch.caller.path(work)?;
                refuse_others(&*place, path.as_str())?;
                place
            },
        },
        Changes::Memory => Writes::Memory,
        Changes::Refused => Writes::Refused,
    };
    let lower = wanted.lower.iter().map(|path| folder(path, Access::ReadOnly));
    let lower = lower.collect::<Result<_, _>>()?;
    Ok(Layers { lower, writes, covered })
}

/// What the kernel makes in its work folder, each a folder that no user may open.
const KERNELS: [&[u8]; 2] = [b"index", b"work"];

/// Refuses a work folder that is not empty: the kernel removes the entry `work`
/// there, with all its content.
fn refuse_others(place: impl AsFd, path: &str) -> Result<(), Problem> {
    // With more names than the kernel makes, it is not empty either.
    let names = match names(&place, KERNELS.len()) {
        Err(Errno::FBIG) => return Err(not_empty(path)),
        names => names.about(path)?,
    };
    for name in names {
        let data = statat(&place, name.as_slice(), AtFlags::SYMLINK_NOFOLLOW).about(path)?;
        let is_folder = FileType::from_raw_mode(data.st_mode) == FileType::Directory;
        if !(KERNELS.contains(&name.as_slice()) && is_folder && data.st_mode & 0o777 == 0) {
            return Err(not_empty(path));
        }
    }
    Ok(())
}

fn not_empty(path: &str) -> Problem {
    Problem::new(path, "the folder is not empty, and the kernel would remove what is in it")
        .help("name an empty folder, or one that is not there yet, for the kernel to work in")
}

impl Layers {
    /// Mounts it at `to`.
    pub(crate) fn attach(self, to: &str, root: &mut Root) -> Result<(), Problem> {
        let tree = match (&self.writes, self.lower.as_slice()) {
            // The kernel needs two folders if nothing is written; a single one needs no overlay.
            (Writes::Refused, [only]) => tree::clone_tree(&**only, Depth::One)
                .and_then(|tree| {
                    tree::confine(&tree, Attributes::READ_ONLY)?;
                    Ok(tree)
                })
                .map_err(|error| refused(to, error))?,
            (Writes::Refused, lower) => mount(lower, None, to)?,
            (Writes::Memory, lower) => {
                let (upper, work) = in_memory(lower, to, root)?;
                mount(lower, Some((&upper, &work)), to)?
            }
            (Writes::Kept { upper, work }, lower) => mount(lower, Some((upper, work)), to)?,
        };
        root.attach(tree, to, BindKind::Folder)?;
        let access = match self.writes {
            Writes::Refused => Access::ReadOnly,
            Writes::Memory => Access::ReadWrite,
            Writes::Kept { .. } => {
                root.is_writable(to.into());
                Access::ReadWrite
            }
        };
        self.covered.iter().try_for_each(|covered| root.cover(covered, access))
    }
}

/// The folders for changes in memory. They are below the overlay's own mount, where no process can
/// reach them: older kernels require them to be mounted somewhere.
fn in_memory(
    lower: &[Rc<OwnedFd>],
    to: &str,
    root: &mut Root,
) -> Result<(OwnedFd, OwnedFd), Problem> {
    // The merged folder looks like the topmost one, whose owner can write in it in any case.
    let mode = match lower.last() {
        Some(top) => rustix::fs::fstat(&**top).about(to)?.st_mode & 0o1077 | 0o700,
        None => 0o700,
    };
    root.tmpfs(to, 0o700, None)?;
    let memory = root.open(to.as_bytes())?;
    let folder = |name, mode| {
        mkdirat(&memory, name, Mode::from_raw_mode(mode))?;
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::DIRECTORY | OFlags::CLOEXEC;
        openat(&memory, name, flags, Mode::empty())
    };
    Ok((folder(c"upper", mode).about(to)?, folder(c"work", 0o700).about(to)?))
}

/// The working folder below a layer that takes what is written.
pub(super) fn staged(
    stage: &Stage,
    (folder, has_state): (OwnedFd, bool),
    path: &[u8],
    launch: &Launch<'_>,
) -> Result<OwnedFd, Problem> {
    if has_state {
        return Err(Problem::new(
            path,
            "jailgen's state lies in the folder, and its stage would too",
        )
        .help("let XDG_STATE_HOME name another folder"));
    }
    let open = |text| launch.paths.open(launch.caller.path(text)?.as_str().as_bytes());
    let (upper, work) = (open(&stage.upper)?, open(&stage.work)?);
    mount(&[Rc::new(folder)], Some((&upper, &work)), &String::from_utf8_lossy(path))
}

/// A detached overlay; read-only without a folder for changes.
pub(super) fn mount(
    lower: &[Rc<OwnedFd>],
    changes: Option<(&OwnedFd, &OwnedFd)>,
    to: &str,
) -> Result<OwnedFd, Problem> {
    let context = match fsopen(c"overlay", FsOpenFlags::FSOPEN_CLOEXEC) {
        Err(Errno::NODEV) => {
            return Err(Problem::new(to, "this kernel has no overlayfs")
                .help("Linux 5.11 or newer with overlayfs: `sudo modprobe overlay`; `jailgen doctor` says more"));
        }
        other => other.about(to)?,
    };
    let mut read_only = MountAttrFlags::MOUNT_ATTR_RDONLY;
    let configured = layers(&context, lower).and_then(|()| {
        fsconfig_set_flag(context.as_fd(), c"userxattr")?;
        if let Some((upper, work)) = changes {
            read_only = MountAttrFlags::empty();
            fsconfig_set_string(context.as_fd(), c"upperdir", through(upper))?;
            fsconfig_set_string(context.as_fd(), c"workdir", through(work))?;
        }
        let confined = MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NODEV;
        tree::finish(&context, confined | read_only)
    });
    configured.map_err(|error| refused(to, error))
}

/// The kernel expects the topmost folder first. Only newer kernels (6.5) accept many one by one.
fn layers(context: &OwnedFd, lower: &[Rc<OwnedFd>]) -> Result<(), Errno> {
    let paths: Vec<String> = lower.iter().rev().map(|folder| through(folder)).collect();
    let joined = paths.join(":");
    if joined.len() <= STRING_MAX {
        return fsconfig_set_string(context.as_fd(), c"lowerdir", joined);
    }
    for path in paths {
        fsconfig_set_string(context.as_fd(), c"lowerdir+", path)?;
    }
    Ok(())
}

fn through(folder: &OwnedFd) -> String {
    format!("/proc/self/fd/{}", folder.as_raw_fd())
}

fn refused(to: &str, error: Errno) -> Problem {
    let problem = Problem::errno(to, error);
    match error {
        Errno::PERM => problem.help("an ordinary user can mount overlays from Linux 5.11 on; `jailgen doctor` says more"),
        Errno::INVAL | Errno::LOOP | Errno::BUSY | Errno::XDEV => problem.help(
            "the folders of an overlay lie next to each other, with nothing mounted below them, and the two for changes in one file system \
             that has extended attributes",
        ),
        Errno::STALE => problem.help("the folder for changes belongs to other folders; take an empty one, and an empty one for `work`"),
        _ => problem,
    }
}
