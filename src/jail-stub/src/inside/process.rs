//! The jail's own /proc, in which the kernel's switches cannot be turned.
//!
//! An ordinary user's payload could not turn them anyway. A launch by root maps 0 to 0, and then
//! the files below /proc/sys belong to the payload: it could write the host's core_pattern, which
//! runs a program as root (escapes.md D22).

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::ffi::CStr;

use jail_plan::{InsideOp, Namespace, Plan};
use rustix::fd::OwnedFd;
use rustix::fs::{Access, AtFlags, CWD, Mode, OFlags, accessat, openat, statat};
use rustix::io::Errno;
use rustix::mount::{FsOpenFlags, MountAttrFlags, MoveMountFlags, fsopen, mount_bind, move_mount};
use rustix::path::DecInt;
use rustix::rand::{GetRandomFlags, getrandom};

use crate::failure::{About, Problem};
use crate::inside::tree::{self, BindKind, Depth};
use crate::inside::{Launch, Root, join, quota};
use crate::namespaces::has;
use crate::sys::{self, Attributes};

/// Read-only for every process.
const SWITCHES: &[&str] = &["sys"];

/// Read-only if the payload is root: files that their owner may write and that
/// are not about a process.
const ROOT_SWITCHES: &[&str] = &[
    "acpi",
    "asound",
    "bus",
    "driver",
    "dynamic_debug",
    "fs",
    "irq",
    "latency_stats",
    "mtrr",
    "pressure",
    "scsi",
    "slabinfo",
    "sysrq-trigger",
    "timer_stats",
];

/// Empty for every process: how the host was started, and the keys of the user's session.
const SECRETS: &[&str] = &["cmdline", "keys"];

/// The place of the whole /proc, in a folder that the visible one covers.
const WHOLE: &str = "whole";

/// A switch that only the machine's root can turn.
const SWITCH: &str = "sys/kernel/core_pattern";

/// The boot id, which differs at each start of a machine and identifies it.
const BOOT_ID: &str = "sys/kernel/random/boot_id";

/// Empty if the payload is root: the kernel's memory, its addresses and its log.
const ROOT_SECRETS: &[&str] = &[
    "kallsyms",
    "kcore",
    "kmsg",
    "kpagecgroup",
    "kpagecount",
    "kpageflags",
    "sched_debug",
    "timer_list",
    "vmallocinfo",
];

/// The last process number that was assigned, in the PID namespace of the process that writes it.
const LAST_NUMBER: &CStr = c"sys/kernel/ns_last_pid";

/// The kernel starts again here when it has assigned the last number.
const NUMBER_MIN: u32 = 300;
/// How many numbers there are, on large machines and on others (proc_sys_kernel(5), pid_max).
const NUMBERS: [u32; 2] = [1 << 22, 1 << 15];

/// Puts a /proc at `path`.
///
/// As root it has some twenty mounts in it. Each is one mount(2) by names in /proc
/// itself, which costs half of what a clone and its attachment do; what all of them have
/// in common is set at once.
pub(crate) fn mount(path: &str, launch: &Launch<'_>, root: &mut Root) -> Result<(), Problem> {
    let tree = new().map_err(|error| problem(path, error))?;
    root.attach(&tree, path, BindKind::Folder)?;
    // Otherwise the second process does it.
    if !has(launch.plan, Namespace::Net) {
        let host = openat(CWD, c"/proc", OFlags::PATH | OFlags::CLOEXEC, Mode::empty());
        host.and_then(|host| Switches::from_plan(launch.plan).turn(&host))
            .about(Switches::PLACE)?;
    }
    let (switches, secrets): (&[&str], &[&str]) =
        if launch.payload() == 0 { (ROOT_SWITCHES, ROOT_SECRETS) } else { (&[], &[]) };
    tree::within(&tree, || {
        for name in SWITCHES.iter().chain(switches) {
            match mount_bind(*name, *name) {
                // Kernels have different ones.
                Err(Errno::NOENT) => {}
                other => other.about(&join(path, name))?,
            }
        }
        let secrets: Vec<&str> = SECRETS.iter().chain(secrets).copied().collect();
        cover(&tree, &secrets, root).about(path)?;
        other_boot_id(&tree, root).about(&join(path, BOOT_ID))
    })?;
    // All of it at once, and then the rest of /proc as it was.
    let all = Attributes { set: Attributes::READ_ONLY, clear: 0, recursive: true };
    sys::set_attributes(&tree, all).about(path)?;
    let rest = Attributes { set: 0, clear: Attributes::READ_ONLY, recursive: false };
    sys::set_attributes(&tree, rest).about(path)
}

/// Mounts a /proc with nothing covered below the place where [`mount`] then mounts the other one,
/// and so covers the way to it.
///
/// The kernel allows a new /proc in a mount namespace of fewer rights only if that has one already
/// that is fully visible (mount_namespaces(7)). It does not have to be reachable. In a nested
/// namespace the mount that covers the way is locked.
///
/// Through a new /proc the payload can do what the kernel lets its user do.
/// That is why root gets none.
pub(crate) fn mount_whole(path: &str, launch: &Launch<'_>, root: &mut Root) -> Result<(), Problem> {
    let tree = new().map_err(|error| problem(path, error))?;
    // Root may have other numbers here, so the kernel is asked as well.
    let turns_switches = accessat(&tree, SWITCH, Access::WRITE_OK, AtFlags::empty()).is_ok();
    if launch.caller.uid == 0 || turns_switches {
        return Ok(());
    }
    // Nothing is made in a folder of the host that may be here.
    root.tmpfs(path, 0, None)?;
    root.attach(&tree, &join(path, WHOLE), BindKind::Folder)
}

/// The kernel's settings for the jail's own namespaces, if it has a /proc.
pub(crate) struct Switches {
    /// Quotas are set.
    quotas: bool,
    /// Processes get numbers from a random one on.
    numbers: bool,
}

impl Switches {
    /// The report if that fails.
    pub(crate) const PLACE: &str = "/proc/sys/user";

    pub(crate) fn from_plan(plan: &Plan) -> Self {
        let has_proc = plan
            .inside
            .iter()
            .any(|step| matches!(step.op, InsideOp::Proc(_) | InsideOp::ProcForSandboxes(_)));
        // Without namespaces of its own, they would be the host's.
        let turns = |namespace| has_proc && has(plan, namespace);
        Self { quotas: turns(Namespace::User), numbers: turns(Namespace::Pid) }
    }

    /// Does it through `process`, any /proc whose switches can be written: the kernel decides by
    /// the process that opens them whose they are. It allocates nothing.
    pub(crate) fn turn(&self, process: &OwnedFd) -> Result<(), Errno> {
        if self.numbers {
            begin_anywhere(process);
        }
        if self.quotas { quota::set(process) } else { Ok(()) }
    }
}

/// Processes get numbers from a random one on. Programs call their files by their number, and
/// in all jails the program would have the same one, so that two of them in one folder would
/// share what is each one's own.
///
/// If that is not possible, as in a namespace that another process has made,
/// numbers begin as they do.
fn begin_anywhere(process: &OwnedFd) {
    let mut random = [0; 4];
    let Ok(4) = getrandom(&mut random, GetRandomFlags::NONBLOCK) else { return };
    let random = u32::from_ne_bytes(random);
    let file = openat(process, LAST_NUMBER, OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty());
    let Ok(file) = file else { return };
    for numbers in NUMBERS {
        let last = NUMBER_MIN + random % (numbers - 2 * NUMBER_MIN);
        // The kernel refuses one that is too large for it.
        if rustix::io::write(&file, DecInt::new(last).as_bytes()).is_ok() {
            return;
        }
    }
}

fn new() -> Result<OwnedFd, Errno> {
    let context = fsopen(c"proc", FsOpenFlags::FSOPEN_CLOEXEC)?;
    tree::finish(
        &context,
        MountAttrFlags::MOUNT_ATTR_NOSUID
            | MountAttrFlags::MOUNT_ATTR_NODEV
            | MountAttrFlags::MOUNT_ATTR_NOEXEC,
    )
}

/// Puts an empty file over these parts of /proc, which is the working folder.
/// Kernels have different ones.
///
/// The file is a new one, not /dev/null, which another process could have replaced (escapes.md
/// C22). Once it is mounted somewhere, it is bound from there.
fn cover(process: &OwnedFd, names: &[&str], root: &Root) -> Result<(), Errno> {
    root.with_file(b"", 0o444, |folder, empty| {
        let mut covered = None;
        for name in names {
            // Checked first, because afterwards the same error could be about the file.
            match statat(process, *name, AtFlags::SYMLINK_NOFOLLOW) {
                Err(Errno::NOENT) => continue,
                other => other?,
            };
            match covered {
                Some(first) => mount_bind(first, *name)?,
                None => {
                    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH;
                    let cover = tree::clone_child(folder, empty, Depth::One)?;
                    move_mount(cover, c"", process, *name, flags)?;
                }
            }
            covered = Some(*name);
        }
        Ok(())
    })
}

/// Gives the jail a boot id of its own. It stays the same in a jail, because programs use it to
/// decide whether a lock is stale.
fn other_boot_id(process: &OwnedFd, root: &Root) -> Result<(), Errno> {
    root.with_file(random_id()?.as_bytes(), 0o444, |folder, own| {
        let cover = tree::clone_child(folder, own, Depth::One)?;
        move_mount(cover, c"", process, BOOT_ID, MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH)
    })
}

/// A machine id (machine-id(5)): the same without dashes.
pub(crate) fn machine_id() -> Result<String, Errno> {
    random_id().map(|id| id.replace('-', ""))
}

/// A random id in the kernel's form (RFC 9562, version 4). The kernel's own file of such ids would
/// have to be made in the new /proc first, which costs as much as the rest of this.
fn random_id() -> Result<String, Errno> {
    let mut random = [0; 16];
    // This few bytes are never returned in part (getrandom(2)).
    getrandom(&mut random, GetRandomFlags::empty())?;
    let random = u128::from_be_bytes(random) & !(0xf << 76 | 0x3 << 62) | 0x4 << 76 | 0x2 << 62;
    let mut id = format!("{random:032x}\n");
    for dash in [8, 13, 18, 23] {
        id.insert(dash, '-');
    }
    Ok(id)
}

fn problem(path: &str, error: Errno) -> Problem {
    let problem = Problem::errno(path, error);
    if error == Errno::PERM {
        return problem.help(
            "/proc can be mounted only with an own PID namespace, and where the surrounding /proc is not covered: \
             containers cover parts of it; start the container with `--security-opt systempaths=unconfined`",
        );
    }
    problem
}
