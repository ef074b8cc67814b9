//! Compares what is there with what was there. It decides what is reported, and reads nothing
//! itself.

use std::collections::{BTreeMap, BTreeSet};

use super::place::Stamp;
use super::record::{Content, Key, Known, length_of};
use super::store::RECORD_MAX;
use super::tree::Seen;

/// What is known of a project.
#[derive(Clone, Debug, Default)]
pub(super) struct Records {
    /// What was there when the first session of those that run began; nothing before the first one.
    pub(super) before: Option<Known>,
    /// What sessions left that is not approved.
    pub(super) waiting: Known,
    pub(super) approved: Known,
    /// A session runs, or was ended without a word.
    pub(super) is_open: bool,
}

/// How something differs from what was there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    New,
    Changed,
    /// It was changed while the launch wrote down what is there.
    Unclear,
    /// It was there before.
    Gone,
}

/// Something that a session left.
#[derive(Clone, Debug)]
pub(super) struct Left<'a> {
    pub(super) seen: &'a Seen,
    pub(super) change: Change,
    /// An earlier session left it.
    pub(super) is_earlier: bool,
}

impl<'a> Left<'a> {
    /// Something that is not there any more.
    pub(super) fn gone(seen: &'a Seen) -> Self {
        Self { seen, change: Change::Gone, is_earlier: false }
    }
}

impl Records {
    /// Whether it is approved, or as it was.
    fn is_known(&self, seen: &Seen) -> bool {
        self.approved.has(seen) || self.before.as_ref().is_some_and(|before| before.has(seen))
    }

    /// All that differs.
    pub(super) fn left<'a>(&self, seen: &'a [Seen]) -> Vec<Left<'a>> {
        let unknown = seen.iter().filter(|seen| !self.is_known(seen));
        let left = unknown.map(|seen| Left {
            seen,
            change: self.change(seen),
            is_earlier: self.waiting.has(seen),
        });
        left.collect()
    }

    /// The paths of what was there before and is not seen any more.
    pub(super) fn gone(&self, seen: &[Seen]) -> BTreeSet<Vec<u8>> {
        let there: BTreeSet<&Vec<u8>> = seen.iter().map(|seen| &seen.path).collect();
        let before = self.before.iter().flat_map(|before| before.0.keys());
        before.map(|(path, _)| path).filter(|path| !there.contains(path)).cloned().collect()
    }

    /// What is to be reported when no session runs: what the user has changed since is the user's
    /// own.
    pub(super) fn still_left<'a>(&self, seen: &'a [Seen]) -> Vec<Left<'a>> {
        let mut left = self.left(seen);
        if !self.is_open {
            left.retain(|left| self.waiting.0.contains_key(&left.seen.key()));
        }
        left
    }

    fn change(&self, seen: &Seen) -> Change {
        match &self.before {
            Some(before) if before.0.contains_key(&seen.key()) => Change::Changed,
            // It was read as a whole before and is read in parts now, or the other way round.
            Some(before) if before.has_otherwise(seen) => Change::Changed,
            Some(_) | None if seen.is_late && self.before.is_none() => Change::Unclear,
            Some(_) | None => Change::New,
        }
    }

    /// Begins a session, the only one of the project: what is there is what was there before, but
    /// for what waits, and for what the session could have changed already.
    pub(super) fn begin(&mut self, seen: &[Seen]) {
        let still: Vec<Key> = self.still_left(seen).iter().map(|left| left.seen.key()).collect();
        let mut waiting = BTreeMap::new();
        let mut before = BTreeMap::new();
        for seen in seen {
            let key = seen.key();
            let old = self.before.as_ref().and_then(|before| before.0.get(&key)).cloned();
            if still.contains(&key) {
                before.extend(old.map(|old| (key.clone(), old)));
                waiting.insert(key, seen.content());
            } else if seen.is_late && !self.is_known(seen) {
                before.extend(old.map(|old| (key, old)));
            } else {
                let mut content = seen.content();
                // Within one tick of the clock it can be changed again, so its times do not say
                // later that it was not.
                if seen.is_late {
                    content.stamp = Stamp::default();
                }
                before.insert(key, content);
            }
        }
        self.before = Some(Known(before));
        self.waiting = Known(waiting);
        self.is_open = true;
    }

    /// Ends a session: what it left waits.
    pub(super) fn end(&mut self, left: &[Left<'_>]) {
        self.waiting =
            Known(left.iter().map(|left| (left.seen.key(), left.seen.content())).collect());
    }

    /// Approves what was left; what it was before counts no more.
    pub(super) fn approve(&mut self, left: &[&Left<'_>]) {
        /// The oldest paths go, in the order of their names.
        const APPROVED_MAX: usize = 50_000;
        for left in left {
            self.approved.0.insert(left.seen.key(), left.seen.content());
            self.waiting.0.remove(&left.seen.key());
        }
        let mut length = self.approved.length();
        while self.approved.0.len() > APPROVED_MAX || length > RECORD_MAX {
            let Some((key, content)) = self.approved.0.pop_first() else { return };
            length = length.saturating_sub(length_of(&key, &content));
        }
    }
}

impl Known {
    fn has_otherwise(&self, seen: &Seen) -> bool {
        let whole: Key = (seen.path.clone(), String::new());
        if !seen.part.name.is_empty() {
            return self.0.contains_key(&whole);
        }
        let next: Option<(&Key, &Content)> = self.0.range(whole..).next();
        next.is_some_and(|((path, _), _)| *path == seen.path)
    }
}

#[cfg(test)]
mod tests {
    use super::super::content::Part;
    use super::super::names::Names;
    use super::*;

    #[test]
    fn what_the_session_could_have_changed_already_is_read_again_whatever_its_times_say() {
        let stamp = Stamp { changed: (1, 2), inode: 3, size: 1 };
        let seen = |is_late| Seen {
            path: b"f".to_vec(),
            counted: Names::new().found("executable"),
            stamp,
            part: Part::whole(b"x"),
            is_built: false,
            is_late,
        };
        let mut records = Records::default();
        records.begin(&[seen(false)]);
        let unchanged = |records: &Records| {
            records.before.as_ref().is_some_and(|before| before.unchanged(b"f", stamp).is_some())
        };
        assert!(unchanged(&records));
        records.is_open = false;
        records.begin(&[seen(true)]);
        assert!(!unchanged(&records));
        assert!(records.left(&[seen(true)]).is_empty(), "it is what it was");
    }
}
