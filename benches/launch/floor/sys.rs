//! System calls without a library, and what the compiler wants of one.

use core::arch::asm;
use core::ffi::CStr;

#[cfg(target_arch = "x86_64")]
#[rustfmt::skip]
pub mod nr {
    pub const READ: usize = 0; pub const WRITE: usize = 1; pub const IOCTL: usize = 16; pub const SOCKET: usize = 41;
    pub const CLONE: usize = 56; pub const EXECVE: usize = 59; pub const WAIT4: usize = 61; pub const CHDIR: usize = 80;
    pub const FCHDIR: usize = 81; pub const UMASK: usize = 95; pub const GETEUID: usize = 107; pub const GETEGID: usize = 108;
    pub const SETPGID: usize = 109; pub const SETSID: usize = 112; pub const CAPSET: usize = 126;
    pub const PIVOT_ROOT: usize = 155; pub const PRCTL: usize = 157; pub const MOUNT: usize = 165;
    pub const UMOUNT2: usize = 166; pub const FUTEX: usize = 202; pub const EXIT: usize = 231; pub const KEYCTL: usize = 250;
    pub const OPENAT: usize = 257; pub const MKDIRAT: usize = 258; pub const MKNODAT: usize = 259;
    pub const FSTATAT: usize = 262; pub const UNLINKAT: usize = 263; pub const SYMLINKAT: usize = 266; pub const UNSHARE: usize = 272;
    pub const DUP3: usize = 292; pub const PRLIMIT: usize = 302; pub const SETNS: usize = 308; pub const SECCOMP: usize = 317;
}

#[cfg(target_arch = "aarch64")]
#[rustfmt::skip]
pub mod nr {
    pub const READ: usize = 63; pub const WRITE: usize = 64; pub const IOCTL: usize = 29; pub const SOCKET: usize = 198;
    pub const CLONE: usize = 220; pub const EXECVE: usize = 221; pub const WAIT4: usize = 260; pub const CHDIR: usize = 49;
    pub const FCHDIR: usize = 50; pub const UMASK: usize = 166; pub const GETEUID: usize = 175; pub const GETEGID: usize = 177;
    pub const SETPGID: usize = 154; pub const SETSID: usize = 157; pub const CAPSET: usize = 91;
    pub const PIVOT_ROOT: usize = 41; pub const PRCTL: usize = 167; pub const MOUNT: usize = 40;
    pub const UMOUNT2: usize = 39; pub const FUTEX: usize = 98; pub const EXIT: usize = 94; pub const KEYCTL: usize = 219;
    pub const OPENAT: usize = 56; pub const MKDIRAT: usize = 34; pub const MKNODAT: usize = 33;
    pub const FSTATAT: usize = 79; pub const UNLINKAT: usize = 35; pub const SYMLINKAT: usize = 36; pub const UNSHARE: usize = 97;
    pub const DUP3: usize = 24; pub const PRLIMIT: usize = 261; pub const SETNS: usize = 268; pub const SECCOMP: usize = 277;
}

pub const OPEN_TREE: usize = 428;
pub const MOVE_MOUNT: usize = 429;
pub const FSOPEN: usize = 430;
pub const FSCONFIG: usize = 431;
pub const FSMOUNT: usize = 432;
pub const CLONE3: usize = 435;
pub const CLOSE_RANGE: usize = 436;
pub const MOUNT_SETATTR: usize = 442;
pub const LANDLOCK_CREATE_RULESET: usize = 444;
pub const LANDLOCK_ADD_RULE: usize = 445;
pub const LANDLOCK_RESTRICT_SELF: usize = 446;

pub const CWD: usize = -100_isize as usize;
pub const PATH: usize = 0o10_000_000;
pub const CLOEXEC: usize = 0o2_000_000;
/// Of open_tree(2): a clone, and what is mounted below it too.
pub const TREE: usize = 1 | CLOEXEC;
pub const RECURSIVE: usize = 0x8000;
pub const BIND: usize = 4096;
/// mount_setattr(2).
pub const READ_ONLY: u64 = 1;
pub const NO_SUID: u64 = 2;
pub const NO_DEVICES: u64 = 4;
pub const NO_EXEC: u64 = 8;
pub const SIGCHLD: usize = 17;

static STACK: Stack = Stack(core::cell::UnsafeCell::new([0; 16 << 10]));
#[repr(align(16))]
pub struct Stack(core::cell::UnsafeCell<[u8; 16 << 10]>);
// SAFETY: one process runs on it at a time, and nothing else reads it.
unsafe impl Sync for Stack {}

pub fn enter(number: usize, a: [usize; 6]) -> isize {
    let result;
    // SAFETY: whatever the arguments point to outlives the call; nothing else of this
    // program depends on the memory.
    unsafe {
        #[cfg(target_arch = "x86_64")]
        asm!("syscall", inlateout("rax") number as isize => result, in("rdi") a[0], in("rsi") a[1], in("rdx") a[2],
            in("r10") a[3], in("r8") a[4], in("r9") a[5], out("rcx") _, out("r11") _);
        #[cfg(target_arch = "aarch64")]
        asm!("svc 0", in("x8") number, inlateout("x0") a[0] as isize => result, in("x1") a[1], in("x2") a[2], in("x3") a[3],
            in("x4") a[4], in("x5") a[5]);
    }
    result
}

/// Starts `f` as a process that shares this one's memory.
pub fn spawn_sharing_memory(flags: usize, f: extern "C" fn() -> !) -> usize {
    let stack = STACK.0.get().expose_provenance() + (16 << 10);
    let result: isize;
    // SAFETY: the child has a stack of its own and calls `f`, which never returns.
    unsafe {
        #[cfg(target_arch = "x86_64")]
        asm!("syscall", "test rax, rax", "jnz 2f", "xor ebp, ebp", "call {f}", "2:", f = in(reg) f,
            inlateout("rax") nr::CLONE as isize => result, in("rdi") flags, in("rsi") stack, in("rdx") 0, in("r10") 0,
            in("r8") 0, out("rcx") _, out("r11") _);
        #[cfg(target_arch = "aarch64")]
        asm!("svc 0", "cbnz x0, 2f", "blr {f}", "2:", f = in(reg) f, in("x8") nr::CLONE,
            inlateout("x0") flags as isize => result, in("x1") stack, in("x2") 0, in("x3") 0, in("x4") 0, out("x30") _);
    }
    done(line!(), result)
}

/// A call that has to succeed, with up to six arguments.
macro_rules! call {
    ($number:expr $(, $argument:expr)*) => {{
        done(line!(), enter($number, filled(&[$(Argument::from($argument).0),*])))
    }};
}

/// What is not given is 0.
#[inline(always)]
pub fn filled(given: &[usize]) -> [usize; 6] {
    let mut all = [0; 6];
    all[..given.len()].copy_from_slice(given);
    all
}

pub struct Argument(pub usize);
impl From<usize> for Argument {
    fn from(value: usize) -> Self {
        Self(value)
    }
}
impl From<&CStr> for Argument {
    fn from(value: &CStr) -> Self {
        Self(value.as_ptr().expose_provenance())
    }
}
impl<T> From<&[T]> for Argument {
    fn from(value: &[T]) -> Self {
        Self(value.as_ptr().expose_provenance())
    }
}

pub fn done(line: u32, result: isize) -> usize {
    if result < 0 {
        let (mut text, mut word) = ([0; 24], [0; 24]);
        for part in [
            b"floor: line ".as_slice(),
            number(line as usize, &mut text),
            b", error ",
            number(-result as usize, &mut word),
            b"\n",
        ] {
            enter(nr::WRITE, [2, part.as_ptr().expose_provenance(), part.len(), 0, 0, 0]);
        }
        exit(125)
    }
    result as usize
}

pub fn exit(status: usize) -> ! {
    loop {
        enter(nr::EXIT, [status, 0, 0, 0, 0, 0]);
    }
}

pub fn number(mut value: usize, text: &mut [u8]) -> &[u8] {
    let mut at = text.len();
    loop {
        at -= 1;
        text[at] = b'0' + (value % 10) as u8;
        value /= 10;
        if value == 0 {
            return &text[at..];
        }
    }
}

pub fn write_to(folder: usize, path: &CStr, text: &[u8]) {
    let file = call!(nr::OPENAT, folder, path, 1 | CLOEXEC);
    call!(nr::WRITE, file, text, text.len());
    call!(CLOSE_RANGE, file, file);
}

pub fn set(mount: usize, how: usize, set: u64, clear: u64, propagation: u64) {
    let attributes = [set, clear, propagation, 0];
    call!(MOUNT_SETATTR, mount, c"", 0x1000 | how, attributes.as_slice(), 32);
}

#[panic_handler]
pub fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    exit(126)
}

/// # Safety
/// As memcpy(3).
#[unsafe(no_mangle)]
unsafe extern "C" fn memcpy(to: *mut u8, from: *const u8, n: usize) -> *mut u8 {
    for at in 0..n {
        // SAFETY: the caller's promise.
        unsafe { to.add(at).write_volatile(from.add(at).read_volatile()) };
    }
    to
}

/// # Safety
/// As memset(3).
#[unsafe(no_mangle)]
unsafe extern "C" fn memset(to: *mut u8, byte: i32, n: usize) -> *mut u8 {
    for at in 0..n {
        // SAFETY: the caller's promise.
        unsafe { to.add(at).write_volatile(byte as u8) };
    }
    to
}

/// # Safety
/// As strlen(3).
#[unsafe(no_mangle)]
unsafe extern "C" fn strlen(string: *const u8) -> usize {
    let mut length = 0;
    // SAFETY: the caller's promise.
    while unsafe { string.add(length).read_volatile() } != 0 {
        length += 1;
    }
    length
}

/// The core library refers to the unwinder; nothing unwinds here.
#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() {}
