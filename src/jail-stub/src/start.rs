//! The start of the released program: the part of a C library that it needs.
//!
//! An entry point, the memory functions that the compiler calls, an allocator that never gives
//! memory back, and what happens on a panic. All unsafe code of the program outside `sys` is here.

extern crate alloc;

use alloc::ffi::CString;
use alloc::vec::Vec;
use core::alloc::{GlobalAlloc, Layout};
use core::arch::{asm, global_asm};
use core::cell::UnsafeCell;
use core::ffi::{CStr, c_char};
use core::fmt::Write;
use core::panic::PanicInfo;

use jail_stub::sys;
use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous};

// The kernel enters here with the stack pointer at the argument count and nothing else set (the
// ABI's "process initialization"). The stack is aligned for a call, and the frame pointer is
// cleared to end stack traces.
#[cfg(target_arch = "x86_64")]
global_asm!(
    ".globl _start",
    "_start:",
    "xor ebp, ebp",
    "mov rdi, rsp",
    "and rsp, -16",
    "call {begin}",
    "ud2",
    begin = sym begin,
);

#[cfg(target_arch = "aarch64")]
global_asm!(
    ".globl _start",
    "_start:",
    "mov x29, xzr",
    "mov x30, xzr",
    "mov x0, sp",
    "and sp, x0, #-16",
    "bl {begin}",
    "brk 1",
    begin = sym begin,
);

/// Reads the arguments and the environment off the initial stack and runs the launch.
extern "C" fn begin(stack: *const usize) -> ! {
    MEMORY.begin();
    // SAFETY: `_start` passes the initial stack pointer: there is the argument count, then so many
    // pointers and a null, then the environment's pointers and a null. The strings stay where they
    // are for the life of the process.
    let (arguments, environment) = unsafe {
        let count = *stack;
        let first = stack.add(1).cast::<*const c_char>();
        (strings(first), strings(first.add(count + 1)))
    };
    let start = arguments.first().map_or(0, |first| first.as_ptr().expose_provenance());
    let end = arguments.last().map_or(0, |last| last.as_ptr().addr() + last.count_bytes() + 1);
    let arguments: Vec<CString> = arguments.into_iter().map(CString::from).collect();
    // SAFETY: the arguments' strings lie one after the other on the initial stack, which is
    // writable, and are copied now.
    let command_line = unsafe { sys::CommandLine::new(start, end - start) };
    let arguments: Vec<&CStr> = arguments.iter().map(CString::as_c_str).collect();
    sys::exit(i32::from(jail_stub::run(&arguments, &environment, command_line)))
}

/// The strings of a null-terminated list.
///
/// # Safety
/// `list` points to such a list of pointers to NUL-terminated strings that live and
/// stay unchanged for ever.
unsafe fn strings(mut list: *const *const c_char) -> Vec<&'static CStr> {
    let mut strings = Vec::new();
    // SAFETY: the list ends with a null pointer, where the loop ends, so each step stays within it.
    unsafe {
        while !(*list).is_null() {
            strings.push(CStr::from_ptr(*list));
            list = list.add(1);
        }
    }
    strings
}

/// Memory for a launch: a small arena in the program's zero pages, then chunks from the kernel.
/// Only the last piece can grow or be freed, because a launch needs little and ends soon.
///
/// What is free is recorded on the arena's own first page: each page that is touched costs a launch
/// some microseconds, in each of its two processes.
#[repr(C)]
struct Bump {
    free: UnsafeCell<Free>,
    arena: UnsafeCell<[u8; ARENA]>,
}

struct Free {
    next: usize,
    end: usize,
}

const ARENA: usize = 256 * 1024;

// SAFETY: the program has one thread. The child that shares its memory (`sys::spawn`) runs while
// the parent is suspended.
unsafe impl Sync for Bump {}

#[global_allocator]
static MEMORY: Bump =
    Bump { free: UnsafeCell::new(Free { next: 0, end: 0 }), arena: UnsafeCell::new([0; ARENA]) };

impl Bump {
    /// Before the first allocation. The page is written before it is read, which
    /// is one fault and not two.
    fn begin(&self) {
        let next = self.arena.get().expose_provenance();
        // SAFETY: the program has one thread, which has no other reference to this yet.
        unsafe { *self.free.get() = Free { next, end: next + ARENA } };
    }
}

impl Free {
    fn take(&mut self, layout: Layout) -> usize {
        // An alignment is a power of two. A division by it would be a large part of this function.
        let start = (self.next + layout.align() - 1) & !(layout.align() - 1);
        match start.checked_add(layout.size()) {
            Some(after) if after <= self.end => {
                self.next = after;
                start
            }
            Some(_) => self.chunk(layout),
            None => 0,
        }
    }

    /// A new chunk; 0 when the kernel has no more.
    fn chunk(&mut self, layout: Layout) -> usize {
        let size = (layout.size() + layout.align()).next_multiple_of(4 * ARENA);
        let how = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE);
        // SAFETY: with a null address and without MAP_FIXED the kernel chooses a
        // place that nothing occupies.
        let Ok(start) = (unsafe { mmap_anonymous(core::ptr::null_mut(), size, how.0, how.1) })
        else {
            return 0;
        };
        self.next = start.expose_provenance();
        self.end = self.next + size;
        self.take(layout)
    }
}

// SAFETY: pieces are taken from memory that nothing else uses, at increasing addresses, so
// they do not overlap; only the piece at the end is ever taken back or changed in size.
// Alignment is kept by rounding up.
unsafe impl GlobalAlloc for Bump {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: one thread, and no allocation happens while this reference lives.
        let free = unsafe { &mut *self.free.get() };
        core::ptr::with_exposed_provenance_mut(free.take(layout))
    }

    // A call takes fewer bytes than the inlined function, in some two hundred places.
    #[inline(never)]
    unsafe fn dealloc(&self, piece: *mut u8, layout: Layout) {
        // SAFETY: as in `alloc`.
        let free = unsafe { &mut *self.free.get() };
        if piece.addr() + layout.size() == free.next {
            free.next = piece.addr();
        }
    }

    unsafe fn realloc(&self, piece: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: as in `alloc`; the reference ends before the next allocation.
        let free = unsafe { &mut *self.free.get() };
        if piece.addr() + layout.size() == free.next && piece.addr() + size <= free.end {
            free.next = piece.addr() + size;
            return piece;
        }
        // SAFETY: the caller promises a valid alignment and a size that does not overflow.
        let new = unsafe { self.alloc(Layout::from_size_align_unchecked(size, layout.align())) };
        if !new.is_null() {
            // SAFETY: both pieces hold at least the smaller of the two sizes, and a new
            // piece overlaps no old one.
            unsafe { core::ptr::copy_nonoverlapping(piece, new, layout.size().min(size)) };
        }
        new
    }
}

/// A bug. It is reported in one line, and nothing that was not checked has been started.
#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    struct Stderr;
    impl Write for Stderr {
        fn write_str(&mut self, text: &str) -> core::fmt::Result {
            let _ = rustix::io::write(sys::standard(sys::Standard::Error), text.as_bytes());
            Ok(())
        }
    }
    let _ = writeln!(Stderr, "jail-stub: this is a bug in jail-stub: {info}");
    sys::exit(125)
}

/// The prebuilt core library refers to the unwinder; nothing unwinds here.
#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() {}

#[unsafe(no_mangle)]
extern "C" fn _Unwind_Resume() -> ! {
    sys::exit(125)
}

// The memory functions that the compiler calls. They are written with instructions of their
// own, because a loop would be compiled into a call of the very function that it stands in.
// Most pieces are names of a few bytes, for which the processor's own loop takes longer to
// begin than these take in all.

/// Up to so many bytes are read at once, and then written.
const FEW: usize = 32;

/// Copies a few bytes: from both ends, and what is in the middle twice.
///
/// # Safety
/// Both pieces are `n` bytes, at most [`FEW`]; they may overlap.
#[inline(always)]
unsafe fn copy_few(to: *mut u8, from: *const u8, n: usize) {
    /// # Safety
    /// Both pieces are `n` bytes, at least one `T` and at most two.
    #[inline(always)]
    unsafe fn ends<T: Copy>(to: *mut u8, from: *const u8, n: usize) {
        let last = n - size_of::<T>();
        // SAFETY: both places begin within the pieces, and a `T` ends within them. All is read
        // before anything is written.
        unsafe {
            let first: T = from.cast::<T>().read_unaligned();
            let rest: T = from.add(last).cast::<T>().read_unaligned();
            to.cast::<T>().write_unaligned(first);
            to.add(last).cast::<T>().write_unaligned(rest);
        }
    }
    // SAFETY: each form is used for the lengths that it is for.
    unsafe {
        match n {
            0 => {}
            1 => to.write(from.read()),
            2..4 => ends::<u16>(to, from, n),
            4..8 => ends::<u32>(to, from, n),
            8..16 => ends::<u64>(to, from, n),
            16.. => ends::<u128>(to, from, n),
        }
    }
}

/// # Safety
/// As memcpy(3): both pieces are `n` bytes and do not overlap.
#[unsafe(no_mangle)]
unsafe extern "C" fn memcpy(to: *mut u8, from: *const u8, n: usize) -> *mut u8 {
    if n <= FEW {
        // SAFETY: the same promise.
        unsafe { copy_few(to, from, n) };
        return to;
    }
    #[cfg(target_arch = "x86_64")]
    // SAFETY: `rep movsb` copies exactly the `n` bytes that the caller vouches for.
    unsafe {
        asm!("rep movsb", inout("rcx") n => _, inout("rdi") to => _, inout("rsi") from => _,
            options(nostack, preserves_flags));
    }
    #[cfg(target_arch = "aarch64")]
    // SAFETY: the loop copies exactly the `n` bytes that the caller vouches for.
    unsafe {
        asm!("cbz {n}, 3f", "2:", "ldrb {b:w}, [{from}], #1", "strb {b:w}, [{to}], #1",
            "subs {n}, {n}, #1", "b.ne 2b", "3:", n = inout(reg) n => _, to = inout(reg) to => _,
            from = inout(reg) from => _, b = out(reg) _, options(nostack));
    }
    to
}

/// # Safety
/// As memmove(3): both pieces are `n` bytes; they may overlap.
#[unsafe(no_mangle)]
unsafe extern "C" fn memmove(to: *mut u8, from: *const u8, n: usize) -> *mut u8 {
    if n <= FEW {
        // SAFETY: the same promise.
        unsafe { copy_few(to, from, n) };
        return to;
    }
    if to.addr().wrapping_sub(from.addr()) >= n {
        // SAFETY: the destination does not begin within the source, so copying upwards reads every
        // byte before it is overwritten.
        return unsafe { memcpy(to, from, n) };
    }
    #[cfg(target_arch = "x86_64")]
    // SAFETY: copies the same `n` bytes downwards; the direction flag is cleared
    // again, as the ABI wants it.
    unsafe {
        asm!("std", "rep movsb", "cld", inout("rcx") n => _,
            inout("rdi") to.add(n).wrapping_sub(1) => _,
            inout("rsi") from.add(n).wrapping_sub(1) => _, options(nostack));
    }
    #[cfg(target_arch = "aarch64")]
    // SAFETY: copies the same `n` bytes downwards.
    unsafe {
        asm!("cbz {n}, 3f", "2:", "ldrb {b:w}, [{from}, #-1]!", "strb {b:w}, [{to}, #-1]!",
            "subs {n}, {n}, #1", "b.ne 2b", "3:", n = inout(reg) n => _,
            to = inout(reg) to.add(n) => _, from = inout(reg) from.add(n) => _, b = out(reg) _,
            options(nostack));
    }
    to
}

/// # Safety
/// As memset(3): the piece is `n` bytes.
#[unsafe(no_mangle)]
unsafe extern "C" fn memset(to: *mut u8, byte: i32, n: usize) -> *mut u8 {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: `rep stosb` writes exactly the `n` bytes that the caller vouches for.
    unsafe {
        asm!("rep stosb", inout("rcx") n => _, inout("rdi") to => _, in("eax") byte,
            options(nostack, preserves_flags));
    }
    #[cfg(target_arch = "aarch64")]
    // SAFETY: the loop writes exactly the `n` bytes that the caller vouches for.
    unsafe {
        asm!("cbz {n}, 3f", "2:", "strb {b:w}, [{to}], #1", "subs {n}, {n}, #1", "b.ne 2b", "3:",
            n = inout(reg) n => _, to = inout(reg) to => _, b = in(reg) byte, options(nostack));
    }
    to
}

/// # Safety
/// As memcmp(3): both pieces are `n` bytes.
#[unsafe(no_mangle)]
unsafe extern "C" fn memcmp(a: *const u8, b: *const u8, n: usize) -> i32 {
    let mut at = 0;
    while at + 8 <= n {
        // SAFETY: eight bytes from `at` on are within both pieces.
        let (a, b) = unsafe {
            (a.add(at).cast::<u64>().read_unaligned(), b.add(at).cast::<u64>().read_unaligned())
        };
        if a != b {
            return if u64::from_be(a) < u64::from_be(b) { -1 } else { 1 };
        }
        at += 8;
    }
    for at in at..n {
        // SAFETY: `at` is below `n`. Read as volatile, so that the loop is not
        // turned into a call of memcmp.
        let (a, b) = unsafe { (a.add(at).read_volatile(), b.add(at).read_volatile()) };
        if a != b {
            return i32::from(a) - i32::from(b);
        }
    }
    0
}

/// # Safety
/// As bcmp(3): both pieces are `n` bytes.
#[unsafe(no_mangle)]
unsafe extern "C" fn bcmp(a: *const u8, b: *const u8, n: usize) -> i32 {
    // SAFETY: the same promise.
    unsafe { memcmp(a, b, n) }
}

/// # Safety
/// As strlen(3): the string ends with a NUL.
#[unsafe(no_mangle)]
unsafe extern "C" fn strlen(string: *const c_char) -> usize {
    let mut length = 0;
    // SAFETY: the loop ends at the NUL at the latest. Read as volatile, so that it is not
    // turned into a call of strlen.
    while unsafe { string.add(length).read_volatile() } != 0 {
        length += 1;
    }
    length
}
