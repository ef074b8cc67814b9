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

    /// Whether bits are taken from the mode by which others could write.
    pub(super) fn is_writable_by_more(&self) -> bool {
        let theirs = self.theirs.as_ref();
        self.loses(|ours| ours.mode & 0o777 != applied_mode(ours, theirs))
    }

    fn loses(&self, what: impl FnOnce(&Found) -> bool) -> bool {
        let is_applied =
            matches!(self.act, Act::New | Act::NewFolder | Act::Replace | Act::Mode | Act::Aside);
        is_applied && self.ours.as_ref().is_some_and(|ours| ours.kind != Kind::Link && what(ours))
    }
}

/// The permission bits that are applied: none by which a program runs as another user, and none by
/// which others may write what they may not write now.
pub(super) fn applied_mode(ours: &Found, theirs: Option<&Found>) -> u32 {
    let before = theirs.filter(|theirs| theirs.kind == ours.kind).map_or(0, |theirs| theirs.mode);
    ours.mode & 0o777 & !(0o022 & !before)
}
