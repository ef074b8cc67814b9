//! How often something was moved aside, put back, or gone before it could be looked at: more than a
//! bound ends the jail.

use std::collections::BTreeSet;
use std::io;
use std::time::{Duration, Instant};

use crate::handoff::place::split;
use crate::handoff::report::shown;

/// More often nothing is moved aside: whatever runs there does not stop. What a tool writes into
/// one folder in one go counts once.
const MOVES_MAX: usize = 20;
const IN_ONE_GO: Duration = Duration::from_secs(1);
/// At most this many files are moved aside in all.
const FILES_MAX: usize = 200;
/// What appears and is gone before it can be looked at counts, too: a host program may have been
/// quicker.
const GONE_MAX: usize = 200;

/// What was moved aside or put back.
#[derive(Default)]
pub(super) struct Moves {
    count: usize,
    paths: BTreeSet<Vec<u8>>,
    /// The folder of the last one that counted, and when.
    last: Option<(Vec<u8>, Instant)>,
    gone: usize,
}

impl Moves {
    /// Something was moved aside, or put back.
    ///
    /// # Errors
    /// The jail is to end.
    pub(super) fn add(&mut self, path: &[u8]) -> io::Result<()> {
        let folder = split(path).0;
        let is_again = !self.paths.insert(path.to_vec());
        let is_in_one_go = (self.last.as_ref())
            .is_some_and(|(last, at)| last == folder && at.elapsed() < IN_ONE_GO);
        if is_again || !is_in_one_go {
            self.count += 1;
            self.last = Some((folder.to_vec(), Instant::now()));
        }
        match self.count > MOVES_MAX || self.paths.len() > FILES_MAX {
            false => Ok(()),
            true => Err(io::Error::other(format!(
                "protected files were made, changed or removed more than {MOVES_MAX} times, or more than {FILES_MAX} of them, `{}` last: the jail is ended",
                shown(path)
            ))),
        }
    }

    /// Something was there, and is gone.
    ///
    /// # Errors
    /// The jail is to end.
    pub(super) fn add_gone(&mut self, path: &[u8]) -> io::Result<()> {
        self.gone += 1;
        match self.gone > GONE_MAX {
            false => Ok(()),
            true => Err(io::Error::other(format!(
                "protected files appeared and went more than {GONE_MAX} times, `{}` last: the jail is ended",
                shown(path)
            ))),
        }
    }
}
