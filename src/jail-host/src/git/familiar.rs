//! Which changes of agents' files were reported before: each is known by a hash, and the hashes are
//! kept next to the ledger, where no jail can write. Only what agents write anew in each session
//! ([`REWRITTEN`]) is kept.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use jail_plan::private::{NoNews, REWRITTEN};
use sha2::{Digest as _, Sha256};

use super::file;
use super::find::FoundRepository;
use crate::handoff::unsaid::folder_of_state;

/// The folder next to those of projects.
const FOLDER: &str = "familiar";
/// What is in it.
const FILE: &str = "known";
/// No more are kept.
const KNOWN_MAX: usize = 4096;

/// What earlier sessions have left, and this one.
pub(super) struct Familiar {
    folder: Option<OwnedFd>,
    known: BTreeSet<String>,
    /// What this session has left, and was not known.
    new: RefCell<Vec<String>>,
}

impl Familiar {
    /// Reads what is known, before this process gives up its rights. Nothing is, where there is no
    /// state, or it cannot be read.
    pub(super) fn open(state: &Path, found: &FoundRepository) -> Self {
        let mut all = REWRITTEN.iter().filter(|entry| entry.when == NoNews::Again);
        let is_needed = all.any(|entry| {
            let folder = found.home.join(entry.of);
            found.private.iter().any(|private| private.named == folder)
        });
        let folder = if is_needed { folder_of_state(state, FOLDER) } else { None };
        let text = folder.as_ref().and_then(|folder| file::read_in(folder, FILE).ok());
        let text = String::from_utf8(text.unwrap_or_default()).unwrap_or_default();
        let known = text.lines().map(str::to_owned).collect();
        Self { folder, known, new: RefCell::default() }
    }

    /// Where it is kept.
    pub(super) fn folder(&self) -> Option<&OwnedFd> {
        self.folder.as_ref()
    }

    /// Whether a file with this content was reported before. It is, from now on.
    pub(super) fn is_known(&self, path: &Path, is_executable: bool, content: &[u8]) -> bool {
        let hash = Sha256::new()
            .chain_update(path.as_os_str().as_bytes())
            .chain_update([0, u8::from(is_executable)])
            .chain_update(content);
        let hash: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        let is_known = self.known.contains(&hash);
        if !is_known {
            self.new.borrow_mut().push(hash);
        }
        is_known
    }

    /// Keeps what is new. Without it, the same is reported once more.
    pub(super) fn keep(&self) {
        let new = self.new.take();
        if let Some(folder) = self.folder.as_ref().filter(|_| !new.is_empty()) {
            let all = new.iter().chain(&self.known).take(KNOWN_MAX);
            let text: String = all.flat_map(|hash| [hash, "\n"]).collect();
            let _ = file::replace(folder, FILE, text.as_bytes());
        }
    }
}
