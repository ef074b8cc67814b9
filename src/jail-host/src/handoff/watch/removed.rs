//! Protected files that are removed or renamed. What git does not have is put back from the copy of
//! what was there; what it has, it takes away itself when it checks out another branch, so that is
//! only reported when the session ends.

use std::io;
use std::time::{Duration, Instant};

use rustix::io::Errno;

use super::guard::Guard;
use super::queue::Due;
use crate::handoff::held;
use crate::handoff::report::shown;

/// A program that replaces a file removes it first.
pub(super) const GRACE: Duration = Duration::from_millis(300);

impl Guard<'_> {
    /// A name has gone, of a file or of a folder.
    pub(super) fn has_gone(&mut self, path: &[u8]) {
        let at = Instant::now() + GRACE;
        for path in self.known.below(path) {
            self.put_off(&path, Due { at, is_new: false });
        }
    }

    /// Nothing is at a protected path: what there is to say.
    pub(super) fn missing(&mut self, path: &[u8], due: Due) -> io::Result<Option<String>> {
        if due.is_new {
            self.moves.add_gone(path)?;
        }
        if self.is_lost_to_git(path) {
            self.removed.insert(path.to_vec());
            return Ok(None);
        }
        let Some((mode, bytes)) = self.known.original(path) else {
            let was_there = self.known.was_there(path) && self.removed.insert(path.to_vec());
            return Ok(was_there.then(|| self.not_back(path, "there is no copy of it")));
        };
        let written = held::write_new_with_folders(self.place, path, mode, bytes);
        match written {
            Ok(()) => {}
            // It is there again.
            Err(error) if Errno::from_io_error(&error) == Some(Errno::EXIST) => {
                self.put_off(path, Due { at: Instant::now(), is_new: false });
                return Ok(None);
            }
            Err(error) => {
                // Something else is on the way; it is tried again when the session ends.
                let is_new = self.removed.insert(path.to_vec());
                return Ok(is_new.then(|| self.not_back(path, &error.to_string())));
            }
        }
        self.removed.remove(path);
        self.moves.add(path)?;
        let (shown, reason) = (shown(path), self.reason_in_brackets(path));
        Ok(Some(format!(
            "`{shown}` is protected{reason}, was removed or renamed while the jail runs, and is there again; if you removed it, do so when the jail has ended"
        )))
    }

    /// Whether git has the content that was there.
    fn is_lost_to_git(&self, path: &[u8]) -> bool {
        self.known.has_original_in_git(self.place, path)
    }

    fn not_back(&self, path: &[u8], why: &str) -> String {
        let (shown, reason) = (shown(path), self.reason_in_brackets(path));
        format!(
            "`{shown}` is protected{reason}, was removed or renamed while the jail runs, and is not put back: {why}"
        )
    }

    /// The session has ended: what is still missing. What has a copy goes where `jailgen handoff
    /// restore` finds it.
    pub(super) fn finish(&mut self) -> io::Result<Vec<String>> {
        let mut lines = Vec::new();
        for path in std::mem::take(&mut self.removed) {
            if self.is_there(&path) {
                continue;
            }
            let (shown, reason) = (shown(&path), self.reason_in_brackets(&path));
            let more = match self.known.original(&path) {
                _ if self.is_lost_to_git(&path) => "git has it",
                Some((mode, bytes)) => {
                    held::keep(&self.store, &path, mode, bytes)?;
                    "`jailgen handoff restore` brings it back"
                }
                None => "there is no copy of it",
            };
            lines.push(format!(
                "`{shown}` is protected{reason}, and was removed or renamed in the session; {more}"
            ));
        }
        Ok(lines)
    }
}
