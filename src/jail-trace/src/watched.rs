//! What a watcher gets, and what it may ask of a process that waits for it.

use std::path::PathBuf;

use crate::{Call, sys};

/// The kernel reads no longer paths (PATH_MAX).
const PATH_MAX: usize = 4096;

/// Memory is there or not in parts of this size, on both processors at least.
const PAGE: u64 = 4096;

/// Gets the calls at which a filter stops the processes of a jail.
pub trait Watcher {
    /// The stub has been started, as this process.
    fn started(&mut self, supervisor: i32);
    /// A process is about to make a call.
    fn entered(&mut self, process: Process, call: &Call<'_>) -> Interest;
    /// The call is over: its result, or an error number below 0.
    fn left(&mut self, process: Process, result: i64);
    /// A process or a thread has ended.
    fn gone(&mut self, process: i32);
}

/// Whether the result of a call is of interest. One that is not costs half as much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interest {
    /// [`Watcher::left`] gets it.
    Result,
    /// It does not.
    Nothing,
}

/// A process that is stopped. All that is read of it is what the jail put there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Process(i32);

impl Process {
    pub(crate) fn new(number: i32) -> Self {
        Self(number)
    }

    /// The number of the process or thread, outside.
    #[must_use]
    pub fn number(self) -> i32 {
        self.0
    }

    /// The bytes of its memory at an address up to a zero byte, if there is one where the kernel
    /// would look for it.
    #[must_use]
    pub fn text(self, address: u64) -> Option<Vec<u8>> {
        let mut text = Vec::new();
        while text.len() < PATH_MAX {
            let at = address.checked_add(u64::try_from(text.len()).ok()?)?;
            // What follows may not be there.
            let part = self.memory(at, usize::try_from(PAGE - at % PAGE).ok()?);
            if part.is_empty() {
                return None;
            }
            let end = part.iter().position(|byte| *byte == 0);
            text.extend(part.into_iter().take(end.unwrap_or(usize::MAX)));
            if end.is_some() {
                return (text.len() < PATH_MAX).then_some(text);
            }
        }
        None
    }

    /// So many bytes of its memory, or as many as there are.
    #[must_use]
    pub fn memory(self, address: u64, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count.min(PATH_MAX)];
        let count = sys::read(self.0, address, &mut bytes);
        bytes.truncate(count);
        bytes
    }

    /// Its working folder, as the jail calls it.
    #[must_use]
    pub fn folder(self) -> Option<PathBuf> {
        std::fs::read_link(format!("/proc/{}/cwd", self.0)).ok()
    }

    /// What a descriptor leads to, as the jail calls it.
    #[must_use]
    pub fn descriptor(self, number: i32) -> Option<PathBuf> {
        std::fs::read_link(format!("/proc/{}/fd/{number}", self.0)).ok()
    }
}
