//! A system call filter for a process that needs few calls: any call that is not in
//! the list ends the process.

use std::mem::offset_of;

use rustix::io::Errno;

use super::check;

/// The number of this processor in `struct seccomp_data` (linux/audit.h).
#[cfg(target_arch = "x86_64")]
const ARCH: u32 = 0xc000_003e;
#[cfg(target_arch = "aarch64")]
const ARCH: u32 = 0xc000_00b7;

/// Puts this process under a filter that allows these calls, with any arguments.
pub(crate) fn allow_only(calls: &[libc::c_long]) -> Result<(), Errno> {
    let mut program = program(calls).ok_or(Errno::INVAL)?;
    let length = u16::try_from(program.len()).map_err(|_| Errno::INVAL)?;
    let program = libc::sock_fprog { len: length, filter: program.as_mut_ptr() };
    // SAFETY: the pointer is good for `len` instructions, which the kernel checks
    // and copies during the call.
    check(unsafe {
        libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, 0_u32, &raw const program)
    })
    .map(drop)
}

/// Loads the word at an offset (`BPF_LD | BPF_W | BPF_ABS`).
const LOAD: u16 = 0x20;
/// Jumps by whether the word is this one (`BPF_JMP | BPF_JEQ | BPF_K`).
const IS: u16 = 0x15;
/// Answers (`BPF_RET | BPF_K`).
const ANSWER: u16 = 0x06;

fn program(calls: &[libc::c_long]) -> Option<Vec<libc::sock_filter>> {
    let step = |code, k| libc::sock_filter { code, jt: 0, jf: 0, k };
    let load = |offset: usize| Some(step(LOAD, u32::try_from(offset).ok()?));
    let end = step(ANSWER, libc::SECCOMP_RET_KILL_PROCESS);
    let mut program = vec![
        load(offset_of!(libc::seccomp_data, arch))?,
        libc::sock_filter { jt: 1, ..step(IS, ARCH) },
        end,
        load(offset_of!(libc::seccomp_data, nr))?,
    ];
    for call in calls {
        let is_another = libc::sock_filter { jf: 1, ..step(IS, u32::try_from(*call).ok()?) };
        program.extend([is_another, step(ANSWER, libc::SECCOMP_RET_ALLOW)]);
    }
    program.push(end);
    Some(program)
}
