//! The instruction that enters the kernel, for the two processors that jailgen knows, and
//! the numbers of the calls.

use core::arch::asm;

use rustix::io::Errno;

#[cfg(target_arch = "x86_64")]
pub(super) mod number {
    pub(crate) const RT_SIGACTION: usize = 13;
    pub(crate) const RT_SIGPROCMASK: usize = 14;
    pub(crate) const IOCTL: usize = 16;
    pub(crate) const CLONE: usize = 56;
    pub(crate) const EXECVE: usize = 59;
    pub(crate) const KILL: usize = 62;
    pub(crate) const GETPGID: usize = 121;
    pub(crate) const EXIT_GROUP: usize = 231;
    pub(crate) const UNSHARE: usize = 272;
    pub(crate) const SIGNALFD4: usize = 289;
    pub(crate) const KEYCTL: usize = 250;
    pub(crate) const NAME_TO_HANDLE_AT: usize = 303;
    pub(crate) const SECCOMP: usize = 317;
    pub(crate) const PIDFD_SEND_SIGNAL: usize = 424;
    pub(crate) const CLONE3: usize = 435;
    pub(crate) const CLOSE_RANGE: usize = 436;
    pub(crate) const MOUNT_SETATTR: usize = 442;
    pub(crate) const LANDLOCK_CREATE_RULESET: usize = 444;
    pub(crate) const LANDLOCK_ADD_RULE: usize = 445;
    pub(crate) const LANDLOCK_RESTRICT_SELF: usize = 446;
}

#[cfg(target_arch = "aarch64")]
pub(super) mod number {
    pub(crate) const IOCTL: usize = 29;
    pub(crate) const SIGNALFD4: usize = 74;
    pub(crate) const EXIT_GROUP: usize = 94;
    pub(crate) const UNSHARE: usize = 97;
    pub(crate) const KILL: usize = 129;
    pub(crate) const RT_SIGACTION: usize = 134;
    pub(crate) const RT_SIGPROCMASK: usize = 135;
    pub(crate) const GETPGID: usize = 155;
    pub(crate) const KEYCTL: usize = 219;
    pub(crate) const CLONE: usize = 220;
    pub(crate) const EXECVE: usize = 221;
    pub(crate) const NAME_TO_HANDLE_AT: usize = 264;
    pub(crate) const SECCOMP: usize = 277;
    pub(crate) const PIDFD_SEND_SIGNAL: usize = 424;
    pub(crate) const CLONE3: usize = 435;
    pub(crate) const CLOSE_RANGE: usize = 436;
    pub(crate) const MOUNT_SETATTR: usize = 442;
    pub(crate) const LANDLOCK_CREATE_RULESET: usize = 444;
    pub(crate) const LANDLOCK_ADD_RULE: usize = 445;
    pub(crate) const LANDLOCK_RESTRICT_SELF: usize = 446;
}

/// Enters the kernel with up to five arguments and returns what it left in the result register.
///
/// # Safety
/// The caller answers for the call itself: that every argument which the kernel takes as an address
/// is valid for what the call does with it.
#[cfg(target_arch = "x86_64")]
pub(super) unsafe fn enter(number: usize, arguments: [usize; 5]) -> isize {
    let [a, b, c, d, e] = arguments;
    let result: isize;
    // SAFETY: `syscall` overwrites rcx and r11 and nothing else that the compiler keeps; the rest
    // is the caller's promise.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") number.cast_signed() => result,
            in("rdi") a, in("rsi") b, in("rdx") c, in("r10") d, in("r8") e,
            lateout("rcx") _, lateout("r11") _,
            options(nostack),
        );
    }
    result
}

/// Enters the kernel with up to five arguments and returns what it left in the result register.
///
/// # Safety
/// As for the other processor: every argument that the kernel takes as an
/// address is valid for the call.
#[cfg(target_arch = "aarch64")]
pub(super) unsafe fn enter(number: usize, arguments: [usize; 5]) -> isize {
    let [a, b, c, d, e] = arguments;
    let result: isize;
    // SAFETY: `svc 0` changes x0 only; the rest is the caller's promise.
    unsafe {
        asm!(
            "svc 0",
            inlateout("x0") a.cast_signed() => result,
            in("x8") number, in("x1") b, in("x2") c, in("x3") d, in("x4") e,
            options(nostack),
        );
    }
    result
}

/// The kernel returns an error as a small negative number.
pub(super) fn check(result: isize) -> Result<usize, Errno> {
    match i32::try_from(result) {
        Ok(small) if (-4095..0).contains(&small) => Err(Errno::from_raw_os_error(-small)),
        Ok(_) | Err(_) => Ok(result.cast_unsigned()),
    }
}
