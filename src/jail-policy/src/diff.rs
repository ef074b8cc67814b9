//! What one policy grants that another does not.

use crate::normalise::normalise;
use crate::policy::Entry;

/// The difference between two policies. The origin of a grant makes no difference, nor
/// does its place in the spec.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// What only the second grants, in its order.
    pub added: Vec<Entry>,
    /// What only the first grants, in its order.
    pub removed: Vec<Entry>,
    /// Both grant the same, but in another order of mounts, or of folders in PATH.
    pub reordered: bool,
}

impl Difference {
    /// Whether the policies mean the same.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && !self.reordered
    }
}

/// What changes from `before` to `after`.
#[must_use]
pub fn diff(before: &[Entry], after: &[Entry]) -> Difference {
    let (before, after) = (normalise(before.to_vec()), normalise(after.to_vec()));
    let (added, kept) = split(&after, &before);
    let (removed, kept_before) = split(&before, &after);
    let reordered =
        kept.iter().map(|entry| &entry.grant).ne(kept_before.iter().map(|it| &it.grant));
    Difference { added, removed, reordered }
}

/// What `other` lacks of `entries`, and what it has.
fn split(entries: &[Entry], other: &[Entry]) -> (Vec<Entry>, Vec<Entry>) {
    let lacks = |entry: &Entry| !other.iter().any(|it| it.grant == entry.grant);
    entries.iter().cloned().partition(lacks)
}
