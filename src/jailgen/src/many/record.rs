//! The record of a batch of runs, in a folder of jailgen's state that no jail can write.
//!
//! ```text
//! many/jailed-x-1a2b…/lock          locked while the batch runs
//! many/jailed-x-1a2b…/done.jsonl    a line for each run that has ended
//! many/jailed-x-1a2b…/logs/NAME     what the run of an item has printed
//! many/jailed-x-1a2b…/plans/        the plans of those that run
//! ```

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::Memory;
use crate::files::create_private;
use crate::nix::nar::short_hash;
use crate::state::State;

/// As many batches are kept, with their logs.
const BATCHES_MAX: usize = 20;

/// A record is not longer, by far.
const RECORD_MAX: u64 = 256 << 20;

/// The runs of one jail with the same arguments in the same folder.
#[derive(Debug)]
pub struct Batch {
    folder: PathBuf,
    _lock: File,
}

/// A run that has ended.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Done {
    /// [`super::Item::key`].
    pub key: String,
    /// [`super::Item::name`].
    pub name: String,
    /// The exit status; none where a signal has ended it.
    pub status: Option<i32>,
    pub signal: Option<i32>,
    /// How long it took.
    pub seconds: f64,
    pub memory: Option<Memory>,
    /// The hosts that it was refused.
    pub refused: Vec<String>,
    /// How many files it has changed in its stage, or has not committed in its worktree.
    pub changed: Option<u64>,
    /// How many commits the branch of its worktree has.
    pub commits: Option<u64>,
}

impl Done {
    /// Whether it has ended by itself, with status 0.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.status == Some(0)
    }
}

/// Why there is no batch.
#[derive(Debug, thiserror::Error)]
pub enum BatchError {
    #[error("the same runs are being made already, by another `jailgen run --each`")]
    Runs,
    #[error("`{}`: {error}", path.display())]
    Io { path: PathBuf, error: io::Error },
}

impl Batch {
    /// The batch that these words describe, for this process alone.
    ///
    /// # Errors
    /// See [`BatchError`].
    pub fn open(state: &State, jail: &str, words: &[&[u8]]) -> Result<Self, BatchError> {
        let words: Vec<u8> = words.iter().flat_map(|word| framed(word)).collect();
        let folder = state.many().join(format!("{jail}-{}", short_hash(&words, 16)));
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |error| BatchError::Io { path, error }
        };
        for folder in [&folder, &folder.join("logs"), &folder.join("plans")] {
            create_private(folder).map_err(failed(folder))?;
        }
        let lock = lock(&folder.join("lock")).map_err(failed(&folder))?.ok_or(BatchError::Runs)?;
        // Of a batch that was killed.
        let plans = folder.join("plans");
        fs::remove_dir_all(&plans).and_then(|()| create_private(&plans)).map_err(failed(&plans))?;
        forget_oldest(&state.many(), &folder);
        Ok(Self { folder, _lock: lock })
    }

    /// Where the outputs of its runs are.
    #[must_use]
    pub fn logs(&self) -> PathBuf {
        self.folder.join("logs")
    }

    /// Where the plans of its runs are.
    #[must_use]
    pub fn plans(&self) -> PathBuf {
        self.folder.join("plans")
    }

    /// What has ended, by the keys of the items: the last run of each.
    ///
    /// # Errors
    /// It cannot be read. A line that was broken off counts as none.
    pub fn done(&self) -> io::Result<BTreeMap<String, Done>> {
        let file = match File::open(self.record()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
            file => file?,
        };
        let mut text = Vec::new();
        file.take(RECORD_MAX).read_to_end(&mut text)?;
        let lines = text.split(|byte| *byte == b'\n');
        let done = lines.filter_map(|line| serde_json::from_slice::<Done>(line).ok());
        Ok(done.map(|done| (done.key.clone(), done)).collect())
    }

    /// Forgets what has ended.
    ///
    /// # Errors
    /// It cannot be removed.
    pub fn begin(&self) -> io::Result<()> {
        match fs::remove_file(self.record()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Writes down that a run has ended.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn add(&self, done: &Done) -> io::Result<()> {
        // A line that was broken off before must not swallow this one.
        let mut line = b"\n".to_vec();
        serde_json::to_writer(&mut line, done)?;
        line.push(b'\n');
        let mut options = OpenOptions::new();
        options.append(true).create(true).mode(0o600);
        options.open(self.record())?.write_all(&line)
    }

    fn record(&self) -> PathBuf {
        self.folder.join("done.jsonl")
    }
}

/// A word behind its length, so that no two lists of words are the same text.
fn framed(word: &[u8]) -> Vec<u8> {
    [word.len().to_string().as_bytes(), b":", word].concat()
}

/// The lock, or nothing if another process has it.
fn lock(path: &Path) -> io::Result<Option<File>> {
    let mut options = OpenOptions::new();
    let file = options.write(true).create(true).truncate(false).mode(0o600).open(path)?;
    match file.try_lock() {
        Ok(()) => {
            // The batches are sorted by it.
            file.set_modified(SystemTime::now())?;
            Ok(Some(file))
        }
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Removes the oldest batches but `own`, and none that runs. What cannot be removed stays.
fn forget_oldest(all: &Path, own: &Path) {
    let entries = fs::read_dir(all).into_iter().flatten().flatten();
    let mut others: Vec<(SystemTime, PathBuf)> = entries
        .map(|entry| entry.path())
        .filter(|folder| folder != own)
        .filter_map(|folder| Some((folder.join("lock").metadata().ok()?.modified().ok()?, folder)))
        .collect();
    others.sort();
    let too_many = (others.len() + 1).saturating_sub(BATCHES_MAX);
    for (_, folder) in others.into_iter().take(too_many) {
        if let Ok(Some(_lock)) = lock(&folder.join("lock")) {
            let _ = fs::remove_dir_all(&folder);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn done(key: &str, status: i32) -> Done {
        Done { key: key.into(), name: key.into(), status: Some(status), ..Done::default() }
    }

    #[test]
    fn the_last_run_of_an_item_counts_and_a_broken_line_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let state = State::at(folder.path());
        let batch = Batch::open(&state, "jailed-x", &[b"a", b"b"]).unwrap();
        assert!(matches!(Batch::open(&state, "jailed-x", &[b"a", b"b"]), Err(BatchError::Runs)));
        assert!(Batch::open(&state, "jailed-x", &[b"ab", b""]).is_ok(), "another batch");
        batch.add(&done("1", 1)).unwrap();
        batch.add(&done("2", 0)).unwrap();
        fs::OpenOptions::new()
            .append(true)
            .open(batch.record())
            .unwrap()
            .write_all(b"{\"key\":\"3\",\"na")
            .unwrap();
        batch.add(&done("1", 0)).unwrap();
        let found = batch.done().unwrap();
        assert_eq!(found.values().cloned().collect::<Vec<_>>(), [done("1", 0), done("2", 0)]);
        batch.begin().unwrap();
        assert!(batch.done().unwrap().is_empty());
    }

    #[test]
    fn the_oldest_batches_go_and_none_that_runs() {
        let folder = tempfile::tempdir().unwrap();
        let state = State::at(folder.path());
        let first = Batch::open(&state, "first", &[]).unwrap();
        for number in 0..BATCHES_MAX + 5 {
            Batch::open(&state, &format!("x{number:02}"), &[]).unwrap();
        }
        let names = fs::read_dir(state.many()).unwrap();
        let names: Vec<_> = names.map(|name| name.unwrap().file_name()).collect();
        assert!(names.len() <= BATCHES_MAX + 1, "{names:?}");
        assert!(first.logs().exists());
    }
}
