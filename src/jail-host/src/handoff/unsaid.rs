//! What was to be reported when a session ended, and was not, because its launcher was killed. It
//! is kept next to the ledger, where no jail can write, until it is approved.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use rustix::fs::{CWD, Mode, OFlags, openat};

use super::store::make;

/// The folder next to those of projects, whose names are longer.
const FOLDER: &str = "unsaid";

/// More such sessions are not shown.
const SESSIONS_MAX: usize = 100;

/// Where it is kept, opened before the process gives up its rights.
pub(crate) struct Unsaid(Option<OwnedFd>);

impl Unsaid {
    /// In the folder of the ledger; nowhere, where there is none.
    pub(crate) fn open(state: &Path) -> Self {
        Self(folder_of_state(state, FOLDER))
    }

    pub(crate) fn folder(&self) -> Option<&OwnedFd> {
        self.0.as_ref()
    }

    /// Keeps lines, in which everything is escaped.
    pub(crate) fn keep<'l>(&self, lines: impl Iterator<Item = &'l str>) -> io::Result<()> {
        let Some(folder) = &self.0 else { return Ok(()) };
        let text: String = lines.flat_map(|line| [line, "\n"]).collect();
        if text.is_empty() {
            return Ok(());
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let name = format!("{:020}.{:09}", now.as_secs(), now.subsec_nanos());
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let file = openat(folder, name, flags, Mode::RUSR | Mode::WUSR)?;
        File::from(file).write_all(text.as_bytes())
    }
}

/// A folder next to those of projects, made where it is missing. Nothing, where there is no state.
pub(crate) fn folder_of_state(state: &Path, name: &str) -> Option<OwnedFd> {
    let folder = state.join(name);
    let made = state.is_absolute() && make(state).and_then(|()| make(&folder)).is_ok();
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    made.then(|| openat(CWD, &folder, flags, Mode::empty()).ok()).flatten()
}

/// What is kept of some sessions, the last one's last.
pub(super) struct Kept {
    pub(super) lines: Vec<String>,
    files: Vec<PathBuf>,
}

impl Kept {
    /// Reads it.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub(super) fn read(state: &Path) -> io::Result<Self> {
        let mut files = files(state)?;
        files.drain(..files.len().saturating_sub(SESSIONS_MAX));
        let mut lines = Vec::new();
        for file in &files {
            let text = fs::read(file)?;
            lines.extend(String::from_utf8_lossy(&text).lines().map(str::to_owned));
        }
        Ok(Self { lines, files })
    }

    /// Takes away what was read, and nothing that came since or was too much to be read.
    ///
    /// # Errors
    /// Where that is refused.
    pub(super) fn approve(&self) -> io::Result<()> {
        self.files.iter().try_for_each(fs::remove_file)
    }
}

fn files(state: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(state.join(FOLDER)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other?,
    };
    let paths: io::Result<Vec<_>> = entries.map(|entry| Ok(entry?.path())).collect();
    let mut paths = paths?;
    paths.sort();
    Ok(paths)
}
