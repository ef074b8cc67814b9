//! A path that a stage and a project do not have alike, and what is done about it.

use super::executed::Reason;
use super::place::{Found, Kind};

/// What is done about a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    /// Something that the project has not.
    New,
    /// A folder that the project has not.
    NewFolder,
    /// A file or link in the place of another one.
    Replace,
    /// Other permission bits of a folder.
    Mode,
    Delete,
    /// A folder, once it is empty.
    DeleteFolder,
    /// The project is so already.
    Same,
    /// Both sides have changed it: the stage's stands next to the project's.
    Aside,
    /// The stage has it deleted, and the project has changed it: the project's stays.
    Kept,
    /// It is never applied.
    Dropped(&'static str),
    /// It is left in the stage.
    Refused(&'static str),
    /// Git's own files: so many.
    Git(usize),
}

/// A path and what is done about it.
#[derive(Clone, Debug)]
pub(super) struct Change {
    /// In the stage.
    pub(super) path: Vec<u8>,
    /// In the project: another one where something is put aside.
    pub(super) to: Vec<u8>,
    pub(super) act: Act,
    /// What the stage has.
    pub(super) ours: Option<Found>,
    /// What the project has.
    pub(super) theirs: Option<Found>,
    /// The permission bits that are applied.
    pub(super) mode: u32,
    /// By what on the host it is executed or believed.
    pub(super) executed: Option<Reason>,
    /// Where it was before, of something that was renamed.
    pub(super) from: Option<Vec<u8>>,
}

impl Change {
    /// Whether something of the project would change.
    pub(super) fn is_done(&self) -> bool {
        match self.act {
            Act::New
            | Act::NewFolder
            | Act::Replace
            | Act::Mode
            | Act::Delete
            | Act::DeleteFolder
            | Act::Aside => true,
            Act::Same | Act::Kept | Act::Dropped(_) | Act::Refused(_) | Act::Git(_) => false,
        }
    }

    /// Whether bits are taken from the mode by which a program runs as another user.
    pub(super) fn has_special_bits(&self) -> bool {
        self.loses(|ours| ours.mode & 0o7000 != 0)
    }

    /// Whether bits are taken from the mode by which others could do more.
    pub(super) fn is_open_to_more(&self) -> bool {
        self.loses(|ours| ours.mode & 0o777 != self.mode)
    }

    fn loses(&self, what: impl FnOnce(&Found) -> bool) -> bool {
        let is_applied =
            matches!(self.act, Act::New | Act::NewFolder | Act::Replace | Act::Mode | Act::Aside);
        is_applied && self.ours.as_ref().is_some_and(|ours| ours.kind != Kind::Link && what(ours))
    }
}

/// The permission bits that are applied: none by which a program runs as another user, and none by
/// which the group or others may do more than now. What is new is open as far as the user's umask
/// says, and for writing to the owner alone.
pub(super) fn applied_mode(ours: &Found, theirs: Option<&Found>, umask: u32) -> u32 {
    let most = match theirs.filter(|theirs| theirs.kind == ours.kind) {
        // Who may read it may run it, if the owner may.
        Some(theirs) => 0o700 | theirs.mode & 0o077 | (theirs.mode & 0o044) >> 2,
        None => 0o755 & !umask,
    };
    ours.mode & 0o777 & most
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_group_and_others_may_do_no_more_than_before() {
        let found = |mode| Found {
            kind: Kind::File,
            mode,
            inode: 1,
            size: 0,
            modified: (0, 0),
            changed: (0, 0),
            owner: (0, 0),
        };
        for (ours, theirs, umask, expected) in [
            (0o644, None, 0o022, 0o644),
            (0o666, None, 0o022, 0o644),
            (0o4755, None, 0o077, 0o700),
            (0o644, None, 0o027, 0o640),
            (0o644, Some(0o600), 0o022, 0o600),
            (0o755, Some(0o640), 0o022, 0o750),
            (0o755, Some(0o644), 0o022, 0o755),
            (0o666, Some(0o664), 0o022, 0o664),
            (0o600, Some(0o644), 0o022, 0o600),
        ] {
            let theirs = theirs.map(found);
            let mode = applied_mode(&found(ours), theirs.as_ref(), umask);
            assert_eq!(mode, expected, "{ours:o} {theirs:?} {umask:o}");
        }
    }
}
