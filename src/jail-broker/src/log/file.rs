//! The log's file: one for each session, of which the oldest half goes when it is full; and the
//! oldest files go when there are many.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::Path;

/// A session's log is not longer.
const FILE_MAX: u64 = 2 * 1024 * 1024;

/// As many sessions of a jail are kept.
const SESSIONS_MAX: usize = 20;

/// The log of a session, opened before the broker gives up its rights.
pub(crate) struct LogFile {
    file: File,
    length: u64,
    number: u64,
}

impl LogFile {
    /// Makes `FOLDER/SESSION.jsonl`, and removes the oldest of those that are there.
    pub(crate) fn create(folder: &Path, session: &str) -> io::Result<Self> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        remove_oldest(folder);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(true).mode(0o600);
        options.custom_flags(libc::O_NOFOLLOW | libc::O_CLOEXEC);
        let file = options.open(folder.join(format!("{session}.jsonl")))?;
        Ok(Self { file, length: 0, number: 0 })
    }

    /// Appends the line that is made of its number.
    pub(crate) fn append(&mut self, line: impl FnOnce(u64) -> String) -> io::Result<()> {
        let line = line(self.number);
        self.number += 1;
        if self.length + line.len() as u64 > FILE_MAX {
            self.forget_half()?;
        }
        self.file.write_all_at(line.as_bytes(), self.length)?;
        self.length += line.len() as u64;
        Ok(())
    }

    /// The newest whole lines within so many bytes.
    pub(crate) fn tail(&self, bytes: usize) -> Vec<u8> {
        let from = self.length.saturating_sub(bytes as u64);
        self.lines_from(from).unwrap_or_default()
    }

    fn forget_half(&mut self) -> io::Result<()> {
        let kept = self.lines_from(self.length - FILE_MAX / 2)?;
        self.file.write_all_at(&kept, 0)?;
        self.length = kept.len() as u64;
        self.file.set_len(self.length)
    }

    /// The first line that begins after `from`, and all after it.
    fn lines_from(&self, from: u64) -> io::Result<Vec<u8>> {
        let size = usize::try_from(self.length - from).map_err(io::Error::other)?;
        let mut bytes = vec![0; size];
        self.file.read_exact_at(&mut bytes, from)?;
        if from > 0 {
            let first = bytes.iter().position(|byte| *byte == b'\n').map_or(size, |end| end + 1);
            bytes.drain(..first);
        }
        Ok(bytes)
    }
}

fn remove_oldest(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let mut logs: Vec<_> = entries
        .flatten()
        .filter(|entry| entry.path().extension().is_some_and(|end| end == "jsonl"))
        .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
        .collect();
    logs.sort();
    let too_many = (logs.len() + 1).saturating_sub(SESSIONS_MAX);
    for (_, path) in logs.into_iter().take(too_many) {
        // Another launch of the same jail may have been faster.
        drop(fs::remove_file(path));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_log_keeps_its_newest_lines() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = LogFile::create(folder.path(), "s").unwrap();
        let filler = "x".repeat(1000);
        for _ in 0..10_000 {
            log.append(|number| format!("{number} {filler}\n")).unwrap();
        }
        let text = fs::read_to_string(folder.path().join("s.jsonl")).unwrap();
        assert!(text.len() as u64 <= FILE_MAX && text.len() as u64 >= FILE_MAX / 2 - 2000);
        let numbers: Vec<u64> =
            text.lines().map(|line| line.split_once(' ').unwrap().0.parse().unwrap()).collect();
        assert_eq!(numbers.last(), Some(&9999));
        assert!(numbers.is_sorted_by(|a, b| a + 1 == *b));
        assert_eq!(log.tail(1500), format!("9999 {filler}\n").as_bytes());
    }

    #[test]
    fn the_oldest_sessions_go() {
        let folder = tempfile::tempdir().unwrap();
        for session in 0..30 {
            LogFile::create(folder.path(), &format!("s{session:02}")).unwrap();
        }
        let left = fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(left, SESSIONS_MAX);
        assert!(folder.path().join("s29.jsonl").exists());
    }
}
