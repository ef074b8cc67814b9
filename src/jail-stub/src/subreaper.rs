//! What a payload leaves behind if there is no PID namespace that would end with it.
//!
//! The jail's init becomes a subreaper: it adopts orphans below it (prctl(2),
//! PR_SET_CHILD_SUBREAPER), so in the end everything that is left is a child of its own. Only a
//! process that init may not signal could escape this: there is none, because the payload
//! cannot become another user.
//!
//! The payload may kill init, which is under the same rules. So the supervisor, which it cannot
//! reach, is a subreaper too. If one of the two is killed, the other one ends what is left.

use alloc::vec::Vec;

use rustix::buffer::spare_capacity;
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{CWD, Mode, OFlags, SeekFrom, openat, seek};
use rustix::io::{Errno, read};
use rustix::process::{WaitOptions, set_child_subreaper, wait};

use crate::failure::{About, Problem};
use crate::signal;
use crate::sys;

/// How much of the kernel's list is read at once: some ten thousand numbers.
const LIST_MAX: usize = 64 * 1024;

/// The list of this process's children, if the kernel keeps one.
pub(crate) struct Subreaper {
    children: OwnedFd,
}

impl Subreaper {
    /// Becomes the parent of what will be orphaned below this process. Called while
    /// /proc can still be opened.
    pub(crate) fn collect() -> Result<Self, Problem> {
        const LIST: &str = "/proc/thread-self/children";
        set_child_subreaper(Some(rustix::process::getpid())).about("the orphans")?;
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        let children = openat(CWD, LIST, flags, Mode::empty()).about(LIST)?;
        Ok(Self { children })
    }

    /// Ends them by their numbers, which are not reused until this process has waited for them,
    /// and processes that it adopts when they end, until nothing is left except one that is
    /// `spared`. Processes that have ended are waited for before the list is read again,
    /// because each is an entry of it.
    pub(crate) fn end(&self, spared: Option<i32>) {
        let mut list = Vec::with_capacity(LIST_MAX);
        loop {
            self.read(&mut list);
            let is_left = |child: &i32| Some(*child) != spared;
            if spared.is_some() && !numbers(&list).any(|child| is_left(&child)) {
                return;
            }
            for child in numbers(&list).filter(is_left) {
                let _ = sys::kill(child, signal::KILL);
            }
            if let Err(Errno::CHILD) = wait(WaitOptions::empty()) {
                return;
            }
            while let Ok(Some(_)) = wait(WaitOptions::NOHANG) {}
        }
    }

    /// As much of the list as there is room for.
    fn read(&self, list: &mut Vec<u8>) {
        list.clear();
        if seek(&self.children, SeekFrom::Start(0)).is_err() {
            return;
        }
        while list.len() < list.capacity() {
            match read(&self.children, spare_capacity(list)) {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            }
        }
    }
}

impl AsFd for Subreaper {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.children.as_fd()
    }
}

/// The numbers in a list of children. A blank follows each (proc_pid_children(5)): a number that is
/// cut off is that of another process.
fn numbers(list: &[u8]) -> impl Iterator<Item = i32> {
    let whole = list.iter().rposition(|byte| *byte == b' ').unwrap_or_default();
    let words = list.get(..whole).unwrap_or_default().split(|byte| *byte == b' ');
    words.filter_map(|word| core::str::from_utf8(word).ok()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_that_is_cut_off_is_nobodys() {
        for (list, expected) in [
            ("", &[][..]),
            ("12 ", &[12]),
            ("12 345 ", &[12, 345]),
            ("12 345 67", &[12, 345]),
            ("12", &[]),
        ] {
            assert_eq!(numbers(list.as_bytes()).collect::<Vec<_>>(), expected, "{list}");
        }
    }
}
