//! What is decided about a repository: which references move, and what that brings.

use super::super::executed::Reason;
use super::id::Id;
use super::objects::Kind;
use super::refs::Value;

/// What is decided about one repository.
#[derive(Debug, Default)]
pub(in super::super) struct Plan {
    pub(super) repository: Vec<u8>,
    pub(super) length: usize,
    /// Why nothing of it is applied.
    pub(super) refused: Option<String>,
    pub(super) moves: Vec<Move>,
    pub(super) head: Option<Head>,
    /// What is to be taken over.
    pub(super) wanted: Vec<(Id, Kind)>,
}

/// A reference that the stage has moved.
#[derive(Debug)]
pub(super) struct Move {
    /// In the stage.
    pub(super) name: Vec<u8>,
    /// In the project: another one where it is kept aside.
    pub(super) to: Vec<u8>,
    /// What the project has there.
    pub(super) before: Option<Id>,
    pub(super) after: Option<Id>,
    pub(super) how: How,
    /// The commits that it gains and loses.
    pub(super) ahead: usize,
    pub(super) behind: usize,
    /// What it brings that host programs execute or trust, once it is checked out.
    pub(super) executed: Vec<Brought>,
    /// `HEAD` leads to it, so that the next work on the work tree may write that.
    pub(super) is_checked_out: bool,
}

/// A path in commits, and who executes it.
pub(super) type Brought = (Vec<u8>, Reason);

/// What is done about it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum How {
    Moved,
    /// Both sides have moved it: the stage's gets a name of its own.
    Aside(&'static str),
    /// It is kept aside already.
    Kept(&'static str),
    Deleted,
    Refused(String),
}

/// What `HEAD` leads to.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) before: Value,
    pub(super) after: Value,
    /// The commits before and after, as they will be once the branches have moved.
    pub(super) commits: (Option<Id>, Option<Id>),
    pub(super) refused: Option<&'static str>,
    pub(super) executed: Vec<Brought>,
}

impl Plan {
    pub(in super::super) fn is_empty(&self) -> bool {
        self.refused.is_none() && self.moves.is_empty() && self.head.is_none()
    }

    /// Whether something of the project would change.
    pub(in super::super) fn is_done(&self) -> bool {
        let moves = self.moves.iter().any(|it| it.is_done());
        self.refused.is_none()
            && (moves || self.head.as_ref().is_some_and(|it| it.refused.is_none()))
    }
}

impl Move {
    pub(super) fn new(name: Vec<u8>, how: How) -> Self {
        let (to, executed) = (name.clone(), Vec::new());
        let (before, after, ahead, behind, is_checked_out) = (None, None, 0, 0, false);
        Self { name, to, before, after, how, ahead, behind, executed, is_checked_out }
    }

    pub(super) fn is_done(&self) -> bool {
        matches!(self.how, How::Moved | How::Aside(_) | How::Deleted)
    }
}
