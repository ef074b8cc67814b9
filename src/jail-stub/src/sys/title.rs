//! The memory that the kernel shows as a process's command line.

use rustix::fs::{CWD, Mode, OFlags, openat};

/// The memory that /proc/PID/cmdline shows of this process. Nothing refers to it any more.
pub struct CommandLine {
    start: usize,
    length: usize,
}

impl CommandLine {
    /// The memory of `length` bytes at `start`.
    ///
    /// # Safety
    /// It is this process's command line, writable, and code that still needs the
    /// arguments has copied them.
    #[must_use]
    pub const unsafe fn new(start: usize, length: usize) -> Self {
        Self { start, length }
    }

    /// The place that the kernel reports, for a program whose start is not ours. The
    /// arguments are copied already.
    #[must_use]
    pub fn of_this_process() -> Self {
        let none = Self { start: 0, length: 0 };
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        let Ok(file) = openat(CWD, c"/proc/self/stat", flags, Mode::empty()) else { return none };
        // The kernel returns all of it at the first call.
        let mut bytes = [0; 4096];
        let length = rustix::io::read(&file, &mut bytes).unwrap_or(0);
        let Ok(text) = core::str::from_utf8(bytes.get(..length).unwrap_or_default()) else {
            return none;
        };
        // Field 2 is the name in parentheses, 48 and 49 are the bounds (proc_pid_stat(5)).
        let mut fields = text.rsplit(')').next().unwrap_or_default().split_whitespace().skip(45);
        let mut bound = || fields.next().and_then(|field| field.parse::<usize>().ok());
        match (bound(), bound()) {
            (Some(start), Some(end)) if start < end => Self { start, length: end - start },
            _ => none,
        }
    }

    /// Shows `title` instead, cut to the room that there is.
    pub fn show(&self, title: &str) {
        let bytes = title.bytes().chain(core::iter::repeat(0)).take(self.length);
        // The last byte stays NUL: anything else would make the kernel show
        // what follows, the environment.
        for (at, byte) in bytes.take(self.length.saturating_sub(1)).enumerate() {
            let place = core::ptr::with_exposed_provenance_mut::<u8>(self.start + at);
            // SAFETY: `place` lies within the command line, which is writable and to
            // which nothing refers (`new`).
            unsafe { place.write_volatile(byte) };
        }
    }
}
