//! Memory that stays in this process: it is not swapped out, no core has it, no child gets it, and
//! it is zero when it is given back.

use std::io;
use std::ops::{Deref, DerefMut};
use std::ptr::{self, NonNull};
use std::slice;

use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mlock, mmap_anonymous, munmap};
use zeroize::Zeroize as _;

/// Pages of its own.
pub(crate) struct Locked {
    at: NonNull<u8>,
    length: usize,
}

// SAFETY: no thread knows the pages but through this value, and it gives them out as any owned
// bytes are.
unsafe impl Send for Locked {}

// SAFETY: a shared borrow of it only reads the pages.
unsafe impl Sync for Locked {}

impl Locked {
    /// This many bytes, all zero.
    pub(crate) fn new(length: usize) -> io::Result<Self> {
        // The kernel maps no empty range.
        let length = length.max(1);
        let locked = Self { at: map(length)?, length };
        locked.lock()?;
        for advice in [Advice::LinuxDontDump, Advice::LinuxWipeOnFork] {
            locked.advise(advice)?;
        }
        Ok(locked)
    }

    /// It is not written to a swap device: mlock(2).
    fn lock(&self) -> io::Result<()> {
        // SAFETY: the pages are this value's own and mapped until it is dropped; the call changes
        // nothing that stands in them.
        Ok(unsafe { mlock(self.at.as_ptr().cast(), self.length) }?)
    }

    /// madvise(2) with an advice that leaves the bytes as they are in this process.
    fn advise(&self, advice: Advice) -> io::Result<()> {
        // SAFETY: the pages are this value's own, and both advices that it is called with are about
        // cores and children only.
        Ok(unsafe { madvise(self.at.as_ptr().cast(), self.length, advice) }?)
    }
}

/// New pages: mmap(2).
fn map(length: usize) -> io::Result<NonNull<u8>> {
    let (read_write, private) = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE);
    // SAFETY: without an address the kernel chooses one at which nothing is mapped.
    let at = unsafe { mmap_anonymous(ptr::null_mut(), length, read_write, private) }?;
    NonNull::new(at.cast()).ok_or_else(|| io::ErrorKind::OutOfMemory.into())
}

impl Deref for Locked {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: so many bytes are mapped at the address and the kernel made them zero; they can
        // be changed through this value only, which is borrowed.
        unsafe { slice::from_raw_parts(self.at.as_ptr(), self.length) }
    }
}

impl DerefMut for Locked {
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: as for reading, and the borrow is the only one.
        unsafe { slice::from_raw_parts_mut(self.at.as_ptr(), self.length) }
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        self.zeroize();
        // SAFETY: the pages are this value's own, and no borrow of them outlives it. A failure
        // would leave zeros mapped.
        let _ = unsafe { munmap(self.at.as_ptr().cast(), self.length) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The flags that the kernel has for the mapping that begins at an address.
    fn flags(at: usize) -> String {
        let maps = std::fs::read_to_string("/proc/self/smaps").unwrap();
        let from = maps.find(&format!("\n{at:x}-")).expect("a mapping of its own");
        let line = maps.get(from..).unwrap().lines().find(|line| line.starts_with("VmFlags"));
        line.unwrap().to_owned() + " "
    }

    #[test]
    fn it_is_locked_and_no_core_and_no_child_has_it() {
        let mut locked = Locked::new(5).unwrap();
        locked.copy_from_slice(b"value");
        let flags = flags(locked.at.as_ptr() as usize);
        for flag in [" lo ", " dd ", " wf "] {
            assert!(flags.contains(flag), "{flags}");
        }
        assert_eq!(&*locked, b"value");
    }

    #[test]
    fn nothing_takes_a_page_too() {
        assert_eq!(&*Locked::new(0).unwrap(), b"\0");
    }
}
