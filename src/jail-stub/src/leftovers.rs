//! What a payload leaves behind where there is no PID namespace that would end with it.
//!
//! The jail's first process is made the one that orphans below it fall to (prctl(2), PR_SET_CHILD_SUBREAPER), so all that is
//! left is its own children in the end. A process that gets away is one that this process may not signal: there is none,
//! because the payload cannot become anybody else.
//!
//! The payload may kill the first process, which is under the same rules. So the supervisor, which it cannot reach, is such a
//! process too. Whoever of the two is killed, the other one ends what is left.

use alloc::string::String;

use rustix::fd::{AsRawFd, OwnedFd};
use rustix::fs::{CWD, Mode, OFlags, SeekFrom, openat, seek};
use rustix::io::Errno;
use rustix::process::{WaitOptions, set_child_subreaper, wait};

use crate::failure::{About, Problem};
use crate::host;
use crate::sys;

const KILL: i32 = 9;
/// Nobody has that many children; the kernel's list is read in one piece.
const LIST_MAX: usize = 1 << 20;

/// The list of this process's children, where the kernel keeps one.
pub(crate) struct Leftovers {
    children: OwnedFd,
}

impl Leftovers {
    /// Takes what will be orphaned below this process. Called while /proc can still be opened.
    pub(crate) fn collect() -> Result<Self, Problem> {
        const LIST: &str = "/proc/thread-self/children";
        set_child_subreaper(Some(rustix::process::getpid())).about("the orphans")?;
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        let children = openat(CWD, LIST, flags, Mode::empty()).about(LIST)?;
        Ok(Self { children })
    }

    pub(crate) fn descriptor(&self) -> i32 {
        self.children.as_raw_fd()
    }

    /// Ends them, and what falls to this process when they end, until nothing is left.
    pub(crate) fn end(&self) {
        loop {
            for child in self.list() {
                let _ = sys::kill(child, KILL);
            }
            if let Err(Errno::CHILD) = wait(WaitOptions::empty()) {
                return;
            }
        }
    }

    fn list(&self) -> alloc::vec::Vec<i32> {
        let read = seek(&self.children, SeekFrom::Start(0))
            .and_then(|_| host::read_to_end(&self.children, LIST_MAX));
        let text = read.ok().and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default();
        text.split_whitespace().filter_map(|number| number.parse().ok()).collect()
    }
}
