//! All unsafe code of this crate: one system call, one function.

mod landlock;
mod memory;

pub(crate) use landlock::deny_all_files;
pub(crate) use memory::Locked;

use std::ffi::{c_int, c_long};
use std::io;
use std::os::fd::{FromRawFd, OwnedFd};
use std::ptr;

/// What came of [`fork`].
pub(crate) enum Forked {
    /// In the new process.
    Child,
    /// In the old one, with the number of the new one.
    Parent,
}

/// Makes a second process: fork(2). The broker has one thread until its runtime starts, and forks
/// before.
pub(crate) fn fork() -> io::Result<Forked> {
    // SAFETY: no other thread exists that could hold a lock (of the allocator, for one) which the
    // child would miss.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        0 => Ok(Forked::Child),
        _ => Ok(Forked::Parent),
    }
}

/// Takes over a descriptor that this process was started with.
pub(crate) fn inherited(number: c_int) -> io::Result<OwnedFd> {
    // SAFETY: the call only looks at the number, whatever it is.
    if unsafe { libc::fcntl(number, libc::F_SETFD, libc::FD_CLOEXEC) } == -1 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: it is open, as the call before has shown, and was made for this process by the one
    // that started it. The caller takes over each number once, before anything else is opened.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

/// Puts a filter over this process, for good: seccomp(2). It must be `no_new_privs`.
pub(crate) fn load_filter(program: &[u8]) -> io::Result<()> {
    let (instructions, _) = program.as_chunks::<8>();
    let filter: Vec<libc::sock_filter> = instructions.iter().map(instruction).collect();
    let len = u16::try_from(filter.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    let program = libc::sock_fprog { len, filter: filter.as_ptr().cast_mut() };
    let mode = c_long::from(libc::SECCOMP_SET_MODE_FILTER);
    // SAFETY: `program` says how many instructions `filter` has, and both outlive the call, which
    // only reads them.
    let done = unsafe { libc::syscall(libc::SYS_seccomp, mode, 0, ptr::from_ref(&program)) };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

fn instruction(bytes: &[u8; 8]) -> libc::sock_filter {
    let [a, b, jt, jf, k @ ..] = *bytes;
    libc::sock_filter { code: u16::from_le_bytes([a, b]), jt, jf, k: u32::from_le_bytes(k) }
}

/// Ends this process without running anything of the one that it was forked from: _exit(2).
pub(crate) fn exit_now(status: c_int) -> ! {
    // SAFETY: the call takes a number and does not return.
    unsafe { libc::_exit(status) }
}

/// Gives freed memory back to the kernel: malloc_trim(3). After a burst of connections it would
/// stay with the process.
#[cfg(target_env = "gnu")]
pub(crate) fn trim_memory() {
    // SAFETY: the call takes a number, and may be made at any time.
    unsafe { libc::malloc_trim(0) };
}

/// Other C libraries do so by themselves.
#[cfg(not(target_env = "gnu"))]
pub(crate) fn trim_memory() {}

/// Keeps the pages that a value lies in out of swap: mlock(2). Where the limit does not allow it,
/// the value is as safe as all other memory.
pub(crate) fn lock_memory<T: ?Sized>(value: &T) {
    let length = size_of_val(value);
    // SAFETY: the call changes no memory; the range is that of a value that exists.
    unsafe { libc::mlock(ptr::from_ref(value).cast(), length) };
}
