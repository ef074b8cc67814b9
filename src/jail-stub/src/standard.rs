//! What the launcher passes as standard input, output and error: the payload gets it, and
//! nothing more through it.
//!
//! Through a folder everything near it can be opened (openat(2), `..`). A file that was opened for
//! reading can be opened again through /proc/self/fd, for writing, and its mode and attributes can
//! be changed through its descriptor: so the payload gets it from a read-only mount of that file
//! alone (escapes.md E22, E26).

use alloc::format;
use alloc::vec::Vec;

use jail_plan::{Namespace, Plan, Terminal};
use rustix::fd::{AsRawFd, BorrowedFd, OwnedFd};
use rustix::fs::{
    CWD, FileType, Mode, OFlags, SeekFrom, Stat, StatVfsMountFlags, fcntl_getfl, fstat, fstatvfs,
    major, minor, openat, seek,
};
use rustix::io::Errno;
use rustix::stdio::{dup2_stderr, dup2_stdin, dup2_stdout};

use crate::caller::Caller;
use crate::failure::{About, Problem};
use crate::host::{Identity, path_of};
use crate::inside::Root;
use crate::inside::tree::{self, Depth};
use crate::message::Message;
use crate::namespaces::has;
use crate::sys::{self, Attributes, Standard};

/// Memory devices, such as /dev/null (the kernel's devices.txt).
const MEMORY: u32 = 1;
/// `/dev/null`.
const NULL: (u32, u32) = (MEMORY, 3);
/// Consoles, and behind them serial lines, which are opened when a call comes in; pseudo-terminals.
const CONSOLES: (u32, u32) = (4, 63);
const PSEUDO_TERMINALS: core::ops::RangeInclusive<u32> = 136..=143;

/// The name under which [`crate::inside`] has the launcher's terminal in /dev.
const TERMINAL: &[u8] = b"/dev/console";

/// Those that the payload gets from a read-only mount. Without mounts of the
/// jail's own, there are none.
pub(crate) struct ReadOnly(Vec<Given>);

/// What the launcher has passed as one of them. A descriptor always refers to the same file.
struct Given {
    one: Standard,
    kind: FileType,
    device: u64,
    identity: Identity,
}

impl ReadOnly {
    /// Checks what the launcher has passed.
    pub(crate) fn from_plan(plan: &Plan, caller: &Caller<'_>) -> Result<Self, Problem> {
        let mut found = Vec::new();
        for one in Standard::ALL {
            let file = sys::standard(one);
            let flags = fcntl_getfl(file).about(name(one))?;
            let stat = fstat(file).about(name(one))?;
            let kind = FileType::from_raw_mode(stat.st_mode);
            if kind == FileType::Directory || flags.contains(OFlags::PATH) {
                return Err(Problem::new(
                    name(one),
                    "a folder, or a mere place, by which others can be opened",
                )
                .help("give the jail a file, a pipe or `/dev/null`"));
            }
            // The jail has one of its own in its place.
            let is_replaced = plan.terminal != Terminal::Shared
                && kind == FileType::CharacterDevice
                && is_terminal(stat.st_rdev);
            let has_mounts = has(plan, Namespace::Mount);
            if has_mounts && !is_replaced && gives_more(kind, &stat, flags, caller) {
                let mount = fstatvfs(file).about(name(one))?.f_flag;
                if !mount.contains(StatVfsMountFlags::RDONLY) {
                    let identity = Identity::from(&stat);
                    found.push(Given { one, kind, device: stat.st_rdev, identity });
                }
            }
        }
        Ok(Self(found))
    }

    /// Replaces files that are only read. The host's still exist under their names.
    pub(crate) fn reopen_files(&self) -> Result<(), Problem> {
        self.each(FileType::RegularFile, from_a_mount_of_its_own)?;
        self.each(FileType::BlockDevice, from_a_mount_of_its_own)
    }

    /// The same for devices, once the jail has its own: using those of a read-only
    /// /dev costs nothing more.
    pub(crate) fn reopen_devices(&self, root: &Root) -> Result<(), Problem> {
        self.each(FileType::CharacterDevice, |given| {
            let is_terminal = is_terminal(given.device);
            let name = if is_terminal {
                TERMINAL.to_vec()
            } else if (major(given.device), minor(given.device)) == NULL {
                // Most often it is this, and then /proc need not be asked.
                b"/dev/null".to_vec()
            } else {
                path_of(sys::standard(given.one))?
            };
            let reopened = match of_the_jail(given, &name, root)? {
                Some(place) => replace(given.one, &place),
                None => from_a_mount_of_its_own(given),
            };
            // That of another container has no name here, and a user of its own
            // may not open the caller's.
            if is_terminal { Ok(()) } else { reopened }
        })
    }

    fn each(
        &self,
        kind: FileType,
        reopen: impl Fn(&Given) -> Result<(), Errno>,
    ) -> Result<(), Problem> {
        for given in self.0.iter().filter(|given| given.kind == kind) {
            reopen(given).about(name(given.one)).map_err(|problem| {
                problem.help("it is a file that has no name here; give it through a pipe: `cat FILE | COMMAND`")
            })?;
        }
        Ok(())
    }

    /// Those that are read from an offset.
    pub(crate) fn descriptors(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        let files = self.0.iter().map(|given| sys::standard(given.one));
        files.filter(|file| seek(file, SeekFrom::Current(0)).is_ok())
    }

    /// Reports to the supervisor how far the jail has read, once it has ended.
    pub(crate) fn report(&self, channel: &OwnedFd) {
        for one in self.0.iter().map(|given| given.one) {
            if let Ok(offset) = seek(sys::standard(one), SeekFrom::Current(0)) {
                let _ = Message::Read(one as u8, offset).send(channel);
            }
        }
    }

    /// The launcher's file is set to the jail's position: the next command continues from there.
    pub(crate) fn follow(&self, number: u8, offset: u64) {
        if let Some(given) = self.0.iter().find(|given| given.one as u8 == number) {
            let _ = seek(sys::standard(given.one), SeekFrom::Start(offset));
        }
    }
}

fn name(one: Standard) -> &'static str {
    match one {
        Standard::Input => "standard input",
        Standard::Output => "standard output",
        Standard::Error => "standard error",
    }
}

/// Whether the descriptor allows more than it was opened for. A file without a name cannot be
/// reached in another way. Only its owner can change the mode of a device, and this affects every
/// user: root owns /dev/null, and a logged-in user owns the terminal, which others could read when
/// the jail has ended. A disk is both.
fn gives_more(kind: FileType, stat: &Stat, flags: OFlags, caller: &Caller<'_>) -> bool {
    match kind {
        FileType::RegularFile => stat.st_nlink > 0 && flags & OFlags::RWMODE == OFlags::RDONLY,
        FileType::CharacterDevice => {
            let is_one = major(stat.st_rdev) == MEMORY || is_terminal(stat.st_rdev);
            stat.st_uid == caller.uid && is_one
        }
        FileType::BlockDevice => {
            stat.st_uid == caller.uid || flags & OFlags::RWMODE == OFlags::RDONLY
        }
        FileType::Directory
        | FileType::Symlink
        | FileType::Fifo
        | FileType::Socket
        | FileType::Unknown => false,
    }
}

fn is_terminal(device: u64) -> bool {
    let (major, minor) = (major(device), minor(device));
    PSEUDO_TERMINALS.contains(&major) || (major == CONSOLES.0 && minor <= CONSOLES.1)
}

/// What has this name in the jail, if it is the same, can be opened, and
/// its mode cannot be changed.
fn of_the_jail(given: &Given, name: &[u8], root: &Root) -> Result<Option<OwnedFd>, Errno> {
    let Ok(place) = root.open(name) else { return Ok(None) };
    let is_same = Identity::from_file(&place)? == given.identity;
    let mount = fstatvfs(&place)?.f_flag;
    let fits =
        mount.contains(StatVfsMountFlags::RDONLY) && !mount.contains(StatVfsMountFlags::NODEV);
    Ok((is_same && fits).then_some(place))
}

fn from_a_mount_of_its_own(given: &Given) -> Result<(), Errno> {
    let file = sys::standard(given.one);
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let place = openat(CWD, path_of(file)?, flags, Mode::empty())?;
    if Identity::from_file(&place)? != given.identity {
        return Err(Errno::STALE);
    }
    let mount = tree::clone_tree(place, Depth::One)?;
    let set = Attributes::READ_ONLY | Attributes::NO_SUID;
    sys::set_attributes(&mount, Attributes { set, ..Attributes::default() })?;
    replace(given.one, &mount)?;
    if given.kind == FileType::BlockDevice {
        // A read-only mount does not prevent writing to a device: it is opened by this mount once.
        let set = Attributes::NO_DEVICES;
        sys::set_attributes(&mount, Attributes { set, ..Attributes::default() })?;
    }
    // The kernel waits for every processor when it takes the mount apart: that is
    // left to init's last steps.
    core::mem::forget(mount);
    Ok(())
}

/// Opens what is at `place` in the mode of the file, at the same offset, and
/// replaces the file with it.
fn replace(one: Standard, place: &OwnedFd) -> Result<(), Errno> {
    let file = sys::standard(one);
    let kept = OFlags::RWMODE | OFlags::NONBLOCK | OFlags::DIRECT | OFlags::NOATIME;
    let through = format!("/proc/self/fd/{}", place.as_raw_fd());
    let flags = (fcntl_getfl(file)? & kept) | OFlags::NOCTTY | OFlags::CLOEXEC;
    let new = openat(CWD, through, flags, Mode::empty())?;
    match seek(file, SeekFrom::Current(0)) {
        // A terminal.
        Err(Errno::SPIPE) => {}
        other => drop(seek(&new, SeekFrom::Start(other?))?),
    }
    match one {
        Standard::Input => dup2_stdin(new),
        Standard::Output => dup2_stdout(new),
        Standard::Error => dup2_stderr(new),
    }
}
