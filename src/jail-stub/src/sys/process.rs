//! Calls that make, replace, confine and end processes.

use alloc::vec::Vec;
use core::arch::asm;
use core::ffi::{CStr, c_char, c_void};
use core::marker::PhantomData;
use core::mem::{MaybeUninit, size_of};
use core::ptr;

use rustix::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use rustix::io::Errno;
use rustix::process::WaitOptions;

use super::Futex;
use super::call::{check, enter, number};

/// The signal for the end of a child, in the low bits of the flags (clone(2)).
const SIGCHLD: usize = 17;
const CLONE_INTO_CGROUP: u64 = 0x2_0000_0000;
const CLONE_VM: usize = 0x100;
const CLONE_FILES: usize = 0x400;
const CLONE_VFORK: usize = 0x4000;
const CLONE_PIDFD: u64 = 0x1000;
const CLONE_CHILD_CLEARTID: usize = 0x20_0000;
const SECCOMP_SET_MODE_FILTER: usize = 1;

/// In which process [`clone`] returned.
#[derive(Debug)]
pub enum Cloned {
    /// In the new one.
    Child,
    /// In the old one; the number is the new one's, and the descriptor refers to it.
    Parent(i32, OwnedFd),
}

/// New namespaces, and nothing else that clone(2) can be asked for: no flag here lets
/// two processes share memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NewNamespaces(u64);

impl NewNamespaces {
    /// `CLONE_NEWNS`
    pub const MOUNT: Self = Self(0x0002_0000);
    /// `CLONE_NEWCGROUP`
    pub const CGROUP: Self = Self(0x0200_0000);
    /// `CLONE_NEWUTS`
    pub const UTS: Self = Self(0x0400_0000);
    /// `CLONE_NEWIPC`
    pub const IPC: Self = Self(0x0800_0000);
    /// `CLONE_NEWUSER`
    pub const USER: Self = Self(0x1000_0000);
    /// `CLONE_NEWPID`
    pub const PID: Self = Self(0x2000_0000);
    /// `CLONE_NEWNET`
    pub const NET: Self = Self(0x4000_0000);

    /// These and those.
    #[must_use]
    pub const fn and(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    /// These but for those.
    #[must_use]
    pub const fn without(self, others: Self) -> Self {
        Self(self.0 & !others.0)
    }
}

#[repr(C)]
#[derive(Default)]
struct CloneArguments {
    flags: u64,
    pidfd: u64,
    child_tid: u64,
    parent_tid: u64,
    exit_signal: u64,
    stack: u64,
    stack_size: u64,
    tls: u64,
    set_tid: u64,
    set_tid_size: u64,
    cgroup: u64,
}

/// Makes a child with a copy of this process's memory and the new namespaces, in the control group
/// `cgroup` where there is one: `clone3(2)`.
///
/// # Errors
/// Those of the call.
pub fn clone(namespaces: NewNamespaces, cgroup: Option<BorrowedFd<'_>>) -> Result<Cloned, Errno> {
    let (into_cgroup, cgroup) = match &cgroup {
        Some(cgroup) => (CLONE_INTO_CGROUP, u64::from(cgroup.as_raw_fd().cast_unsigned())),
        None => (0, 0),
    };
    let mut descriptor = -1i32;
    let arguments = CloneArguments {
        flags: namespaces.0 | into_cgroup | CLONE_PIDFD,
        pidfd: ptr::from_mut(&mut descriptor).expose_provenance() as u64,
        exit_signal: SIGCHLD as u64,
        cgroup,
        ..CloneArguments::default()
    };
    // SAFETY: no flag of `NewNamespaces` is CLONE_VM, and without a stack the child runs on a copy
    // of everything, as after fork(2), so both processes may go on from here. This program has one
    // thread, so no lock is held by a thread that the child lacks. The kernel writes an i32 to the
    // address of `descriptor`, in the parent's memory.
    let result = check(unsafe {
        enter(
            number::CLONE3,
            [ptr::from_ref(&arguments).expose_provenance(), size_of::<CloneArguments>(), 0, 0, 0],
        )
    })?;
    match i32::try_from(result) {
        Ok(0) => Ok(Cloned::Child),
        // SAFETY: the kernel has just made the descriptor for this process, where alone it is;
        // nothing else knows its number.
        Ok(pid) => Ok(Cloned::Parent(pid, unsafe { OwnedFd::from_raw_fd(descriptor) })),
        Err(_) => Err(Errno::OVERFLOW),
    }
}

/// Runs `child(argument)` in a new process that shares this one's memory, on `stack`; returns
/// when it has executed another program or ended: `clone(2)` with `CLONE_VM | CLONE_VFORK`,
/// which copies no page table.
///
/// # Errors
/// Those of the call.
pub fn spawn<T>(
    stack: &mut [MaybeUninit<u128>],
    child: fn(&T) -> !,
    argument: &T,
) -> Result<i32, Errno> {
    let start = Start { child, argument };
    let top = stack.as_mut_ptr_range().end;
    let flags = CLONE_VM | CLONE_VFORK | SIGCHLD;
    let arguments = clone_arguments(flags, top.expose_provenance(), 0);
    // SAFETY: the child gets a stack of its own, `stack`, whose end is 16-byte aligned
    // because its elements are u128; `enter_child` never returns into the frame that does not
    // exist there. The parent is suspended meanwhile (CLONE_VFORK), so the memory that both
    // share has one user at a time.
    let result = unsafe {
        call_clone(number::CLONE, arguments, enter_child::<T>, ptr::from_ref(&start).cast())
    };
    check(result).and_then(|pid| i32::try_from(pid).map_err(|_| Errno::OVERFLOW))
}

/// As [`spawn`], in the control group `cgroup` where there is one, and with a descriptor
/// of the process: `clone3(2)`.
///
/// # Errors
/// Those of the call.
pub fn spawn_in<T>(
    stack: &mut [MaybeUninit<u128>],
    child: fn(&T) -> !,
    argument: &T,
    cgroup: Option<BorrowedFd<'_>>,
) -> Result<(i32, OwnedFd), Errno> {
    let start = Start { child, argument };
    let (into_cgroup, cgroup) = match &cgroup {
        Some(cgroup) => (CLONE_INTO_CGROUP, u64::from(cgroup.as_raw_fd().cast_unsigned())),
        None => (0, 0),
    };
    let mut descriptor = -1i32;
    let arguments = CloneArguments {
        flags: CLONE_VM as u64 | CLONE_VFORK as u64 | CLONE_PIDFD | into_cgroup,
        pidfd: ptr::from_mut(&mut descriptor).expose_provenance() as u64,
        exit_signal: SIGCHLD as u64,
        stack: stack.as_mut_ptr().expose_provenance() as u64,
        stack_size: size_of_val(stack) as u64,
        cgroup,
        ..CloneArguments::default()
    };
    let pointer = ptr::from_ref(&arguments).expose_provenance();
    let call = [pointer, size_of::<CloneArguments>(), 0, 0, 0];
    // SAFETY: `arguments` has the layout of `struct clone_args` and lives across the call, and so
    // does the number that the kernel writes at `pidfd`. The child gets a stack of its own,
    // `stack`, whose end is 16-byte aligned because its elements are u128; `enter_child` never
    // returns into the frame that does not exist there. The parent is suspended meanwhile
    // (CLONE_VFORK), so the memory that both share has one user at a time.
    let result =
        unsafe { call_clone(number::CLONE3, call, enter_child::<T>, ptr::from_ref(&start).cast()) };
    let process = check(result).and_then(|pid| i32::try_from(pid).map_err(|_| Errno::OVERFLOW))?;
    // SAFETY: the call went well, so the kernel has opened this descriptor for us, and
    // nothing else knows of it.
    Ok((process, unsafe { OwnedFd::from_raw_fd(descriptor) }))
}

/// Runs `aside(argument)` in a process that shares this one's memory and descriptors while this one
/// runs `meanwhile`, and waits for its end: `clone(2)` with `CLONE_VM | CLONE_FILES`. `state` is
/// [`Futex::ENDED`] when it is gone, also when it never was.
///
/// # Safety
/// Both run at once, and the released stub's allocator has one user at a time: `aside`
/// must not allocate or free.
pub unsafe fn spawn_sharing_memory<T: Sync, R>(
    stack: &mut [MaybeUninit<u128>],
    aside: fn(&T) -> !,
    argument: &T,
    state: &Futex,
    meanwhile: impl FnOnce() -> R,
) -> (Result<(), Errno>, R) {
    /// Also when `meanwhile` panics, the process is gone before its stack and argument are.
    struct Ended(i32);
    impl Drop for Ended {
        fn drop(&mut self) {
            let pid = rustix::process::Pid::from_raw(self.0);
            while let Err(Errno::INTR) = rustix::process::waitpid(pid, WaitOptions::empty()) {}
        }
    }
    let start = Start { child: aside, argument };
    let top = stack.as_mut_ptr_range().end;
    let flags = CLONE_VM | CLONE_FILES | CLONE_CHILD_CLEARTID | SIGCHLD;
    let arguments = clone_arguments(flags, top.expose_provenance(), state.address());
    // SAFETY: the child has `stack` to itself, with a 16-byte aligned end, and never returns from
    // `enter_child`. `start` and what it refers to, and `state`, live until `Ended` has waited for
    // the child. `T` may be shared (`Sync`), and without CLONE_SETTLS and threads nothing else is.
    let result = unsafe {
        call_clone(number::CLONE, arguments, enter_child::<T>, ptr::from_ref(&start).cast())
    };
    match check(result).and_then(|pid| i32::try_from(pid).map_err(|_| Errno::OVERFLOW)) {
        Err(error) => {
            state.set(Futex::ENDED);
            (Err(error), meanwhile())
        }
        Ok(pid) => {
            let ended = Ended(pid);
            let result = meanwhile();
            drop(ended);
            (Ok(()), result)
        }
    }
}

struct Start<'a, T> {
    child: fn(&T) -> !,
    argument: &'a T,
}

extern "C" fn enter_child<T>(start: *const c_void) -> ! {
    // SAFETY: `spawn` and `spawn_sharing_memory` pass the address of their own `Start<T>`, which
    // they keep in place until the child is gone, and to which no process writes.
    let start = unsafe { &*start.cast::<Start<'_, T>>() };
    (start.child)(start.argument)
}

/// Leaves namespaces for new ones: `unshare(2)`.
///
/// # Errors
/// Those of the call.
pub fn unshare(namespaces: NewNamespaces) -> Result<(), Errno> {
    let flags = usize::try_from(namespaces.0).map_err(|_| Errno::INVAL)?;
    // SAFETY: the call takes a number. It is used for namespaces only, which no
    // memory of ours depends on.
    check(unsafe { enter(number::UNSHARE, [flags, 0, 0, 0, 0]) }).map(drop)
}

/// `clone(2)` or `clone3(2)`, whose child calls `entry(argument)` on its new stack.
///
/// # Safety
/// As for [`enter`]. The call's arguments name the aligned end of memory that nothing else uses
/// until the child is gone as its stack, and `argument` is what `entry` takes.
#[cfg(target_arch = "x86_64")]
unsafe fn call_clone(
    number: usize,
    arguments: [usize; 5],
    entry: extern "C" fn(*const c_void) -> !,
    argument: *const c_void,
) -> isize {
    let [a, b, c, d, e] = arguments;
    let result: isize;
    // SAFETY: in the parent this is an ordinary system call. In the child rsp is the end of
    // its stack, and control goes to `entry`, with its argument in rdi; it never comes back
    // to the code that follows.
    unsafe {
        asm!(
            "syscall",
            "test rax, rax",
            "jnz 2f",
            "xor ebp, ebp",
            "mov rdi, r12",
            "call r13",
            "ud2",
            "2:",
            inlateout("rax") number.cast_signed() => result,
            in("rdi") a, in("rsi") b, in("rdx") c, in("r10") d, in("r8") e,
            in("r12") argument, in("r13") entry,
            lateout("rcx") _, lateout("r11") _,
        );
    }
    result
}

/// `clone(2)` or `clone3(2)`, whose child calls `entry(argument)` on its new stack.
///
/// # Safety
/// As for the other processor: the call's arguments name the aligned end of unused memory as the
/// child's stack, and `argument` is what `entry` takes.
#[cfg(target_arch = "aarch64")]
unsafe fn call_clone(
    number: usize,
    arguments: [usize; 5],
    entry: extern "C" fn(*const c_void) -> !,
    argument: *const c_void,
) -> isize {
    let [a, b, c, d, e] = arguments;
    let result: isize;
    // SAFETY: in the parent this is an ordinary system call. In the child sp is the end of
    // its stack, and control goes to `entry`, with its argument in x0; it never comes back
    // to the code that follows.
    unsafe {
        asm!(
            "svc 0",
            "cbnz x0, 2f",
            "mov x29, xzr",
            "mov x0, x9",
            "blr x10",
            "brk 1",
            "2:",
            inlateout("x0") a.cast_signed() => result,
            in("x1") b, in("x2") c, in("x3") d, in("x4") e, in("x8") number,
            in("x9") argument, in("x10") entry,
        );
    }
    result
}

/// The order of clone(2)'s arguments is the processor's: flags, stack, the parent's number,
/// the child's, its storage.
#[cfg(target_arch = "x86_64")]
const fn clone_arguments(flags: usize, stack: usize, child_tid: usize) -> [usize; 5] {
    [flags, stack, 0, child_tid, 0]
}

/// As above; here the storage comes before the child's number.
#[cfg(target_arch = "aarch64")]
const fn clone_arguments(flags: usize, stack: usize, child_tid: usize) -> [usize; 5] {
    [flags, stack, 0, 0, child_tid]
}

/// Leaves the session keyring for a new and empty one:
/// `keyctl(2)` with `KEYCTL_JOIN_SESSION_KEYRING`.
///
/// # Errors
/// Those of the call; `ENOSYS` where the kernel has no keys.
pub fn join_new_keyring() -> Result<(), Errno> {
    const JOIN_SESSION_KEYRING: usize = 1;
    // SAFETY: the name is null, which asks for a keyring without one; the
    // call takes no other address.
    check(unsafe { enter(number::KEYCTL, [JOIN_SESSION_KEYRING, 0, 0, 0, 0]) }).map(drop)
}

/// Ends this process: `exit_group(2)`.
pub fn exit(status: i32) -> ! {
    loop {
        // SAFETY: the call takes a number and no address, and does not return.
        let _ = unsafe { enter(number::EXIT_GROUP, [status.cast_unsigned() as usize, 0, 0, 0, 0]) };
    }
}

/// Strings in the form that [`replace`] passes to the kernel.
pub struct StringList<'a> {
    /// Addresses of the strings, and a null at the end.
    pointers: Vec<*const c_char>,
    strings: PhantomData<&'a CStr>,
}

impl<'a> StringList<'a> {
    /// The list of `strings`, which it borrows.
    pub fn new(strings: impl Iterator<Item = &'a CStr>) -> Self {
        let mut pointers = Vec::new();
        strings.for_each(|string| pointers.push(string.as_ptr()));
        pointers.push(ptr::null());
        Self { pointers, strings: PhantomData }
    }
}

/// Replaces this process by another program and returns only to say why that failed: `execve(2)`.
#[must_use]
pub fn replace(program: &CStr, arguments: &StringList<'_>, environment: &StringList<'_>) -> Errno {
    // SAFETY: the program's name is NUL-terminated, and a `StringList` is a null-terminated
    // list of pointers to NUL-terminated strings that it borrows, so they live across the
    // call; the kernel copies them.
    let result = unsafe {
        enter(
            number::EXECVE,
            [
                program.as_ptr().expose_provenance(),
                arguments.pointers.as_ptr().expose_provenance(),
                environment.pointers.as_ptr().expose_provenance(),
                0,
                0,
            ],
        )
    };
    check(result).err().unwrap_or(Errno::IO)
}

/// Closes the descriptors `first..=last`: `close_range(2)`.
///
/// # Safety
/// No `OwnedFd` or `BorrowedFd` of the range is used afterwards in this process, and no destructor
/// of one runs: another file may have its number by then.
///
/// # Errors
/// Those of the call.
pub unsafe fn close_descriptors(first: u32, last: u32) -> Result<(), Errno> {
    // SAFETY: the call takes numbers; what it does to descriptors is the caller's to answer for.
    check(unsafe { enter(number::CLOSE_RANGE, [first as usize, last as usize, 0, 0, 0]) }).map(drop)
}

/// Closes every descriptor but these.
///
/// # Safety
/// As for [`close_descriptors`]: the list has all that is used afterwards.
///
/// # Errors
/// Those of `close_range(2)`.
pub unsafe fn close_all_but(kept: &[BorrowedFd<'_>]) -> Result<(), Errno> {
    let mut first = 0;
    // The next one that is kept, in order; there are few.
    let numbers = || kept.iter().map(|kept| kept.as_raw_fd().cast_unsigned());
    let next = |from: u32| numbers().filter(|kept| *kept >= from).min();
    while let Some(descriptor) = next(first) {
        if descriptor > first {
            // SAFETY: none of these is in the list, which has all that is used afterwards.
            unsafe { close_descriptors(first, descriptor - 1) }?;
        }
        first = descriptor + 1;
    }
    // SAFETY: as above.
    unsafe { close_descriptors(first, u32::MAX) }
}

/// The standard descriptor 0, 1 or 2. The launch makes sure that all three are open
/// before it opens anything else.
#[must_use]
pub fn standard(number: Standard) -> BorrowedFd<'static> {
    // SAFETY: nothing owns these descriptors, so borrowing them cannot outlive an owner; they are
    // open from the start of the launch, and after they are closed (on purpose, once the payload
    // runs) the kernel answers EBADF at worst.
    unsafe { BorrowedFd::borrow_raw(number as i32) }
}

/// The standard descriptors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standard {
    /// Descriptor 0.
    Input = 0,
    /// Descriptor 1.
    Output = 1,
    /// Descriptor 2.
    Error = 2,
}

impl Standard {
    /// All three, by their numbers.
    pub const ALL: [Self; 3] = [Self::Input, Self::Output, Self::Error];
}

#[repr(C)]
struct FilterProgram {
    length: u16,
    instructions: *const u64,
}

/// Puts this process and its later children under a filter of system calls: `seccomp(2)`.
/// `instructions` are `struct sock_filter`, eight bytes each.
///
/// # Errors
/// Those of the call; `EINVAL` also when there are more instructions than the kernel takes.
pub fn load_filter(instructions: &[u64]) -> Result<(), Errno> {
    let length = u16::try_from(instructions.len()).map_err(|_| Errno::INVAL)?;
    let program = FilterProgram { length, instructions: instructions.as_ptr() };
    // SAFETY: `program` has the layout of `struct sock_fprog`; its pointer is good for `length`
    // instructions of eight bytes. The kernel checks and copies them during the call.
    check(unsafe {
        enter(
            number::SECCOMP,
            [SECCOMP_SET_MODE_FILTER, 0, ptr::from_ref(&program).expose_provenance(), 0, 0],
        )
    })
    .map(drop)
}
