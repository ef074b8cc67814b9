//! All unsafe code of this crate: the instruction that enters the kernel, and what is built on it.

mod started;

use std::arch::asm;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::{ptr, slice};

use syscalls::Sysno;

pub(crate) use started::is_output_closed;

/// SIGCHLD, which a parent gets when its child ends.
const SIGCHLD: usize = 17;

/// Makes a system call that was asked for, whatever it is.
///
/// It is for attempts, in a process that exists for one of them and ends right after it: a call may
/// change or end that process in any way that the kernel allows, and that is what is being tried.
pub(crate) fn try_call(number: usize, arguments: [usize; 6]) -> isize {
    // SAFETY: nothing of the process is relied on after an attempt but what `child::answer` has on
    // its stack; addresses among the arguments are those of buffers that the caller keeps, or the
    // attempt's own nonsense for the kernel to refuse.
    unsafe { enter(number, arguments) }
}

/// Makes another process with a copy of this one's memory: 0 in the child, its number in the
/// parent, else an error.
///
/// Not the C library's fork: that may use calls which a strict filter does not allow, and runs
/// handlers that are not needed.
pub(crate) fn fork() -> isize {
    // SAFETY: without CLONE_VM and with no stack given the child runs on its own copy of this
    // stack. The program has one thread, so no lock is held by a thread that the child lacks.
    unsafe { enter(id(Sysno::clone), [SIGCHLD, 0, 0, 0, 0, 0]) }
}

/// The version of the running kernel's Landlock: `landlock_create_ruleset(2)` with
/// `LANDLOCK_CREATE_RULESET_VERSION`.
pub(crate) fn landlock_version() -> isize {
    // SAFETY: with this flag the call takes no attributes: the address and the size are 0, as it
    // demands.
    unsafe { enter(id(Sysno::landlock_create_ruleset), [0, 0, 1, 0, 0, 0]) }
}

/// Maps the beginning of a file for reading and writing, as the file is and not a copy.
pub(crate) fn map(file: BorrowedFd<'_>, length: usize) -> Result<&'static mut [u8], isize> {
    const READ_AND_WRITE: usize = 1 | 2;
    const SHARED: usize = 1;
    let file = usize::try_from(file.as_raw_fd()).unwrap_or(usize::MAX);
    // SAFETY: the kernel chooses the address, so nothing of this process lies there.
    let at = unsafe { enter(id(Sysno::mmap), [0, length, READ_AND_WRITE, SHARED, file, 0]) };
    let address = usize::try_from(at).map_err(|_| at)?;
    // SAFETY: the kernel has mapped at least `length` bytes there for reading and writing, and
    // nothing takes them away before the process ends. Any byte that another process writes is a
    // valid one.
    Ok(unsafe { slice::from_raw_parts_mut(ptr::with_exposed_provenance_mut(address), length) })
}

/// Waits for a child; its status as wait4(2) has it, or an error below zero.
pub(crate) fn wait(child: usize) -> Result<u32, isize> {
    let mut status = 0_u32;
    let at = (&raw mut status).expose_provenance();
    loop {
        // SAFETY: `at` is the address of four bytes that live until the call is over; the last
        // argument may be null.
        let result = unsafe { enter(id(Sysno::wait4), [child, at, 0, 0, 0, 0]) };
        match result {
            // EINTR
            -4 => {}
            ..0 => return Err(result),
            _ => return Ok(status),
        }
    }
}

/// Ends this process without running what is registered for its end, which is the parent's.
pub(crate) fn exit(status: u8) -> ! {
    loop {
        // SAFETY: exit_group does not return, and takes no address.
        unsafe { enter(id(Sysno::exit_group), [usize::from(status), 0, 0, 0, 0, 0]) };
    }
}

fn id(call: Sysno) -> usize {
    usize::try_from(call.id()).unwrap_or_default()
}

/// Enters the kernel.
///
/// # Safety
/// The caller answers for the call: every address among the arguments is valid for what the call
/// does with it.
#[cfg(target_arch = "x86_64")]
unsafe fn enter(number: usize, [a, b, c, d, e, f]: [usize; 6]) -> isize {
    let result;
    // SAFETY: `syscall` overwrites rcx and r11 and nothing else that the compiler keeps; the rest
    // is the caller's promise.
    unsafe {
        asm!("syscall", inlateout("rax") number => result, in("rdi") a, in("rsi") b, in("rdx") c,
            in("r10") d, in("r8") e, in("r9") f, lateout("rcx") _, lateout("r11") _);
    }
    result
}

/// Enters the kernel.
///
/// # Safety
/// The caller answers for the call: every address among the arguments is valid for what the call
/// does with it.
#[cfg(target_arch = "aarch64")]
unsafe fn enter(number: usize, [a, b, c, d, e, f]: [usize; 6]) -> isize {
    let result;
    // SAFETY: `svc 0` overwrites x0 and nothing else that the compiler keeps; the rest is the
    // caller's promise.
    unsafe {
        asm!("svc 0", in("x8") number, inlateout("x0") a => result, in("x1") b, in("x2") c,
            in("x3") d, in("x4") e, in("x5") f);
    }
    result
}

/// getpid by the system call gate of 32-bit programs.
#[cfg(target_arch = "x86_64")]
pub(crate) fn getpid_by_gate() -> isize {
    let result: isize;
    // SAFETY: getpid takes no argument and touches no memory.
    unsafe {
        asm!("int 0x80", inlateout("rax") 20isize => result, lateout("r8") _, lateout("r9") _,
            lateout("r10") _, lateout("r11") _);
    }
    result
}
