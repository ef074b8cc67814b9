//! The floor of a launch: the kernel calls that a jail of this benchmark is
//! made of, and nothing else.
//!
//! It reads no plan, looks nothing up, checks nothing that it made and reports nothing; what fails
//! ends it. What it takes is the kernel's, and a launcher can only come near.
//! `floor PATHS FOLDER`, started in FOLDER/project. `floor.rs` next to this folder compiles it,
//! without a standard library.

#![no_std]
#![no_main]

#[macro_use]
mod sys;

use core::arch::global_asm;
use core::ffi::{CStr, c_char};
use core::sync::atomic::{AtomicU32, AtomicUsize, Ordering::SeqCst};

use sys::*;

static FILTER: Aligned<[u8; include_bytes!(env!("FLOOR_FILTER")).len()]> =
    Aligned(*include_bytes!(env!("FLOOR_FILTER")));

#[repr(align(8))]
struct Aligned<T>(T);

/// What the second process makes, and what it gets.
static PROC: AtomicUsize = AtomicUsize::new(0);
static NETWORK: AtomicUsize = AtomicUsize::new(0);
static MADE: AtomicU32 = AtomicU32::new(WAIT);
static ORDER: AtomicU32 = AtomicU32::new(WAIT);
const WAIT: u32 = 0;
const DETACH: u32 = 1;
const END: u32 = 2;

#[cfg(target_arch = "x86_64")]
global_asm!(".globl _start", "_start:", "mov rdi, rsp", "and rsp, -16", "call {begin}", "ud2", begin = sym begin);
#[cfg(target_arch = "aarch64")]
global_asm!(".globl _start", "_start:", "mov x0, sp", "and sp, x0, #-16", "bl {begin}", "brk 1", begin = sym begin);

/// As the tree of the host that it is: no devices, no set-user-id, private.
fn bound(from: &CStr, more: u64) -> usize {
    let tree = call!(OPEN_TREE, CWD, from, TREE | RECURSIVE);
    set(tree, RECURSIVE, NO_SUID | NO_DEVICES | more, 0, 1 << 18);
    tree
}

fn attach(tree: usize, folder: usize, name: &CStr) {
    call!(MOVE_MOUNT, tree, c"", folder, name, 4);
    call!(CLOSE_RANGE, tree, tree);
}

fn filesystem(kind: &CStr, options: &[(&CStr, &CStr)], attributes: u64) -> usize {
    let context = call!(FSOPEN, kind, 1);
    for (key, value) in options {
        call!(FSCONFIG, context, 1, *key, *value, 0);
    }
    call!(FSCONFIG, context, 6, 0, 0, 0);
    let mount = call!(FSMOUNT, context, 1, attributes as usize);
    call!(CLOSE_RANGE, context, context);
    mount
}

/// A folder of the root's own filesystem that is a mount of its own.
fn part(folder: usize, name: &CStr, mode: usize) -> usize {
    call!(nr::MKDIRAT, folder, name, mode);
    let tree = call!(OPEN_TREE, folder, name, TREE);
    call!(MOVE_MOUNT, tree, c"", folder, name, 4);
    tree
}

/// # Safety
/// `stack` is the initial stack pointer: the argument count, and so many pointers to strings.
unsafe extern "C" fn begin(stack: *const usize) -> ! {
    // SAFETY: the caller's promise; the benchmark gives two arguments.
    let (paths, folder) = unsafe {
        let argument = |index: usize| CStr::from_ptr(*stack.add(1 + index).cast::<*const c_char>());
        (argument(1), argument(2))
    };
    let paths = paths.to_bytes().iter().fold(0, |sum, digit| sum * 10 + usize::from(digit - b'0'));
    let (uid, gid) = (call!(nr::GETEUID), call!(nr::GETEGID));
    // Mounts, control groups, names, IPC, users, processes.
    let clone: [u64; 11] = [0x3e02_0000, 0, 0, 0, SIGCHLD as u64, 0, 0, 0, 0, 0, 0];
    if call!(CLONE3, clone.as_slice(), 88) == 0 {
        first(uid, gid, paths, folder);
    }
    let mut status = [0_u32];
    call!(nr::WAIT4, usize::MAX, status.as_mut_slice() as &[u32], 0, 0);
    exit((status[0] >> 8) as usize)
}

fn first(uid: usize, gid: usize, paths: usize, folder: &CStr) -> ! {
    call!(nr::PRCTL, 1, 9);
    call!(nr::SETSID);
    PROC.store(call!(nr::OPENAT, CWD, c"/proc", PATH | CLOEXEC), SeqCst);
    let aside = spawn_sharing_memory(0x100 | 0x400 | SIGCHLD, network);
    ids(uid, gid);
    call!(nr::PRCTL, 4, 0);
    call!(nr::UMASK, 0);
    let root = build(uid, paths, folder);
    call!(nr::FCHDIR, root);
    call!(nr::PIVOT_ROOT, c".", c".");
    match MADE.load(SeqCst) {
        // It is still busy with the network.
        WAIT => {
            call!(nr::UMOUNT2, c"/", 2);
        }
        _ => wake(&ORDER, DETACH),
    }
    call!(nr::CHDIR, c"/");
    call!(nr::KEYCTL, 1, 0);
    call!(nr::PRCTL, 38, 1);
    for capability in 0..=40 {
        call!(nr::PRCTL, 24, capability);
    }
    call!(nr::PRCTL, 28, 0xef);
    landlock(folder);
    wait_while(&MADE, WAIT);
    if ORDER.load(SeqCst) == WAIT {
        wake(&ORDER, END);
    }
    call!(nr::SETNS, NETWORK.load(SeqCst), 0x4000_0000);
    call!(nr::PRLIMIT, 0, 4, [1_u64, 1].as_slice(), 0);
    call!(nr::PRCTL, 47, 4);
    call!(nr::CAPSET, [0x2008_0522_u32, 0].as_slice(), [0_u32; 6].as_slice());
    let filter = [(FILTER.0.len() / 8) as u64, FILTER.0.as_ptr().expose_provenance() as u64];
    call!(nr::SECCOMP, 1, 0, filter.as_slice());
    call!(nr::WAIT4, aside, 0, 0, 0);
    let payload = spawn_sharing_memory(0x100 | 0x4000 | SIGCHLD, payload);
    call!(CLOSE_RANGE, 0, 0xffff_ffff);
    let mut status = [0_u32];
    call!(nr::WAIT4, payload, status.as_mut_slice() as &[u32], 0, 0);
    exit((status[0] >> 8) as usize)
}

extern "C" fn payload() -> ! {
    call!(nr::SETPGID, 0, 0);
    call!(CLOSE_RANGE, 3, 0xffff_ffff);
    call!(nr::UMASK, 0o22);
    let arguments = [c"/payload".as_ptr().expose_provenance(), 0];
    call!(nr::EXECVE, c"/payload", arguments.as_slice(), &arguments[1..]);
    exit(125)
}

/// The second process: the network namespace, in parallel with everything else, and then it
/// takes the host's root off.
extern "C" fn network() -> ! {
    let own = call!(nr::OPENAT, PROC.load(SeqCst), c"self/ns", PATH | CLOEXEC);
    call!(nr::UNSHARE, 0x4000_0000);
    NETWORK.store(call!(nr::OPENAT, own, c"net", CLOEXEC), SeqCst);
    let socket = call!(nr::SOCKET, 2, 2 | CLOEXEC, 0);
    let mut up = [0_u8; 40];
    (up[0], up[1], up[16]) = (b'l', b'o', 1);
    call!(nr::IOCTL, socket, 0x8914, up.as_slice());
    wake(&MADE, 1);
    if wait_while(&ORDER, WAIT) == DETACH {
        call!(nr::UMOUNT2, c"/", 2);
    }
    exit(0)
}

fn wake(word: &AtomicU32, value: u32) {
    word.store(value, SeqCst);
    call!(nr::FUTEX, word.as_ptr().expose_provenance(), 1, 1);
}

/// Until the word has another value: that.
fn wait_while(word: &AtomicU32, value: u32) -> u32 {
    loop {
        match word.load(SeqCst) {
            now if now == value => {
                let word = word.as_ptr().expose_provenance();
                enter(nr::FUTEX, [word, 0, value as usize, 0, 0, 0]);
            }
            now => return now,
        }
    }
}

fn ids(uid: usize, gid: usize) {
    write_to(CWD, c"/proc/self/setgroups", b"deny");
    for (file, id) in [(c"/proc/self/uid_map", uid), (c"/proc/self/gid_map", gid)] {
        let (mut text, mut digits) = ([b' '; 48], [0; 24]);
        let id = number(id, &mut digits);
        text[..id.len()].copy_from_slice(id);
        text[id.len() + 1..][..id.len()].copy_from_slice(id);
        text[2 * id.len() + 2] = b'1';
        write_to(CWD, file, &text[..2 * id.len() + 3]);
    }
}

fn build(uid: usize, paths: usize, folder: &CStr) -> usize {
    let payload = bound(c"../tiny", READ_ONLY);
    let project = bound(c".", 0);
    let root = filesystem(c"tmpfs", &[(c"mode", c"755")], NO_SUID | NO_DEVICES);
    call!(MOVE_MOUNT, root, c"", CWD, c"/", 4);
    if paths > 0 {
        closure(root, paths, folder);
    }
    call!(nr::MKNODAT, root, c"payload", 0o100_644, 0);
    attach(payload, root, c"payload");
    part(root, c"tmp", 0o1777);
    processes(root, uid);
    let devices = devices(root);
    let mut path = [0; 256];
    let project_place = place(root, folder, b"/project", &mut path);
    attach(project, root, project_place);
    set(root, 0, READ_ONLY, 0, 0);
    set(devices, 0, READ_ONLY, 0, 0);
    let null = call!(nr::OPENAT, root, c"dev/null", CLOEXEC);
    call!(nr::DUP3, null, 0, 0);
    root
}

/// Makes `folder` and `name` below `root`; the path from there.
fn place<'a>(root: usize, folder: &CStr, name: &[u8], path: &'a mut [u8; 256]) -> &'a CStr {
    let mut length = 0;
    for byte in folder.to_bytes()[1..].iter().chain(name).copied().chain([0]) {
        if byte == b'/' || byte == 0 {
            path[length] = 0;
            enter(nr::MKDIRAT, [root, path.as_ptr().expose_provenance(), 0o755, 0, 0, 0]);
        }
        path[length] = byte;
        length += 1;
    }
    CStr::from_bytes_until_nul(path).unwrap_or(c"")
}

fn closure(root: usize, paths: usize, folder: &CStr) {
    let store = call!(nr::OPENAT, CWD, c"../store", PATH | CLOEXEC);
    let skeleton = call!(OPEN_TREE, CWD, c"../skeleton", TREE);
    let mut path = [0; 256];
    let at = place(root, folder, b"/store", &mut path);
    call!(MOVE_MOUNT, skeleton, c"", root, at, 4);
    let mut name = *b"00000000000000000000000000000000-package-1.0\0";
    for index in 0..paths {
        let mut digits = [0; 24];
        let digits = number(index, &mut digits);
        name[32 - digits.len()..32].copy_from_slice(digits);
        let name = CStr::from_bytes_until_nul(&name).unwrap_or(c"");
        attach(call!(OPEN_TREE, store, name, TREE | 0x100), skeleton, name);
    }
    set(skeleton, RECURSIVE, READ_ONLY | NO_SUID | NO_DEVICES, 0, 1 << 18);
}

/// What is bound over itself or covered in /proc, for everybody and for root;
/// kernels have different ones.
const SWITCHES: &[&CStr] = &[c"sys"];
const ROOT_SWITCHES: &[&CStr] = &[
    c"acpi",
    c"asound",
    c"bus",
    c"driver",
    c"dynamic_debug",
    c"fs",
    c"irq",
    c"latency_stats",
    c"mtrr",
    c"pressure",
    c"scsi",
    c"slabinfo",
    c"sysrq-trigger",
    c"timer_stats",
];
const SECRETS: &[&CStr] = &[c"keys"];
const ROOT_SECRETS: &[&CStr] = &[
    c"kallsyms",
    c"kcore",
    c"kmsg",
    c"kpagecgroup",
    c"kpagecount",
    c"kpageflags",
    c"sched_debug",
    c"timer_list",
    c"vmallocinfo",
];

fn processes(root: usize, uid: usize) {
    let tree = filesystem(c"proc", &[], NO_SUID | NO_DEVICES | NO_EXEC);
    call!(nr::MKDIRAT, root, c"proc", 0o755);
    call!(MOVE_MOUNT, tree, c"", root, c"proc", 4);
    for (own, users) in [
        (c"sys/user/max_inotify_instances", c"/proc/sys/fs/inotify/max_user_instances"),
        (c"sys/user/max_inotify_watches", c"/proc/sys/fs/inotify/max_user_watches"),
    ] {
        let (file, mut text) = (call!(nr::OPENAT, CWD, users, CLOEXEC), [0_u8; 32]);
        call!(nr::READ, file, text.as_mut_slice() as &[u8], 32);
        call!(CLOSE_RANGE, file, file);
        write_to(tree, own, b"64");
    }
    write_to(tree, c"sys/kernel/ns_last_pid", b"12345");
    let (switches, secrets) =
        if uid == 0 { (ROOT_SWITCHES, ROOT_SECRETS) } else { (&[][..], &[][..]) };
    let before = call!(nr::OPENAT, CWD, c".", PATH | CLOEXEC);
    call!(nr::FCHDIR, tree);
    for name in SWITCHES.iter().chain(switches) {
        enter(nr::MOUNT, [Argument::from(*name).0, Argument::from(*name).0, 0, BIND, 0, 0]);
    }
    cover(root, tree, b"", c"cmdline");
    for name in SECRETS.iter().chain(secrets) {
        let mut stat = [0_u64; 18];
        // A mount(2) that fails at its target takes a millisecond.
        let found =
            [tree, Argument::from(*name).0, stat.as_mut_ptr().expose_provenance(), 0x100, 0, 0];
        if enter(nr::FSTATAT, found) == 0 {
            call!(nr::MOUNT, c"cmdline", *name, 0, BIND, 0);
        }
    }
    call!(nr::UNLINKAT, root, c".floor", 0);
    cover(root, tree, b"ae1e54e3-066e-408b-b6eb-29b6823e95b9\n", c"sys/kernel/random/boot_id");
    call!(nr::UNLINKAT, root, c".floor", 0);
    call!(nr::FCHDIR, before);
    set(tree, RECURSIVE, READ_ONLY, 0, 1 << 18);
    set(tree, 0, 0, READ_ONLY, 1 << 18);
}

/// Mounts a new file with this text over `name`. Only what has a name can be bound
/// again, so it has one for now.
fn cover(root: usize, folder: usize, text: &[u8], name: &CStr) {
    let file = call!(nr::OPENAT, root, c".floor", 0o301 | CLOEXEC, 0o444);
    if !text.is_empty() {
        call!(nr::WRITE, file, text, text.len());
    }
    call!(CLOSE_RANGE, file, file);
    attach(call!(OPEN_TREE, root, c".floor", TREE), folder, name);
}

fn devices(root: usize) -> usize {
    let folder = part(root, c"dev", 0o755);
    let before = call!(nr::OPENAT, CWD, c".", PATH | CLOEXEC);
    call!(nr::FCHDIR, folder);
    for (device, name) in [
        (c"/dev/null", c"null"),
        (c"/dev/zero", c"zero"),
        (c"/dev/full", c"full"),
        (c"/dev/random", c"random"),
        (c"/dev/urandom", c"urandom"),
        (c"/dev/tty", c"tty"),
    ] {
        call!(nr::MKNODAT, folder, name, 0o100_644, 0);
        call!(nr::MOUNT, device, name, 0, BIND, 0);
    }
    call!(nr::FCHDIR, before);
    set(folder, RECURSIVE, READ_ONLY | NO_SUID, 0, 1 << 18);
    set(folder, 0, 0, READ_ONLY, 1 << 18);
    for (target, name) in [
        (c"/proc/self/fd", c"fd"),
        (c"/proc/self/fd/0", c"stdin"),
        (c"/proc/self/fd/1", c"stdout"),
        (c"/proc/self/fd/2", c"stderr"),
        (c"pts/ptmx", c"ptmx"),
    ] {
        call!(nr::SYMLINKAT, target, folder, name);
    }
    call!(nr::MKDIRAT, folder, c"pts", 0o755);
    let terminals =
        filesystem(c"devpts", &[(c"ptmxmode", c"0666"), (c"mode", c"0620")], NO_SUID | NO_EXEC);
    attach(terminals, folder, c"pts");
    part(folder, c"shm", 0o1777);
    folder
}

/// The rights of linux/landlock.h by their bits: all but to execute; to write as
/// well as to read; to read.
fn landlock(folder: &CStr) {
    let files = match call!(LANDLOCK_CREATE_RULESET, 0, 0, 1) {
        2 => 0x3ffe,
        3 | 4 => 0x7ffe,
        5..9 => 0xfffe,
        _ => 0x1_fffe,
    };
    // Of ABI 6: abstract sockets and signals.
    let rules = call!(LANDLOCK_CREATE_RULESET, [files, 0, 3].as_slice(), 24);
    let allow = |place: usize, rights: u64| {
        // The structure is packed: eight bytes of rights, four of the descriptor.
        let rule = [rights & files, place as u64];
        enter(LANDLOCK_ADD_RULE, [rules, 1, Argument::from(rule.as_slice()).0, 0, 0, 0]);
    };
    let mut path = [0; 256];
    let name = b"/project\0";
    path[..folder.count_bytes()].copy_from_slice(folder.to_bytes());
    path[folder.count_bytes()..][..name.len()].copy_from_slice(name);
    let project = CStr::from_bytes_until_nul(&path).unwrap_or(c"");
    for (place, rights) in [
        (c"/payload", 4),
        (c"/tmp", 0x7ffe),
        (c"/proc", 0x7ffe),
        (c"/dev", 0xfffe),
        (project, 0x7ffe),
        (c"/", 0xc),
    ] {
        let place = call!(nr::OPENAT, CWD, place, PATH | CLOEXEC);
        allow(place, rights);
        call!(CLOSE_RANGE, place, place);
    }
    allow(0, 4);
    allow(2, 0xc002);
    call!(LANDLOCK_RESTRICT_SELF, rules, 0);
}
