//! What is to be looked at, and in which order. What is small comes before what is large, and of it
//! in turn what has happened last and what has waited for longest: a jail that makes much to look
//! at hides nothing behind it. What waits for too long ends the jail.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// When something is to be looked at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Due {
    pub(super) at: Instant,
    /// It has just got its name.
    pub(super) is_new: bool,
}

/// Paths, with the times when they are to be looked at.
#[derive(Default)]
pub(super) struct Queue {
    due: BTreeMap<Vec<u8>, (Due, u64)>,
    /// The same in order. What came later has the higher number.
    order: BTreeSet<(Instant, u64, Vec<u8>)>,
    /// What is large.
    waiting: BTreeMap<Vec<u8>, Due>,
    number: u64,
    is_oldest_next: bool,
}

impl Queue {
    /// What is there already is looked at no later for it.
    pub(super) fn put(&mut self, path: &[u8], mut due: Due) {
        if let Some(before) = self.waiting.remove(path) {
            due = Due { at: due.at.min(before.at), is_new: due.is_new || before.is_new };
        }
        if let Some((before, number)) = self.due.get(path).copied() {
            self.order.remove(&(before.at, number, path.to_vec()));
            due = Due { at: due.at.min(before.at), is_new: due.is_new || before.is_new };
        }
        self.number += 1;
        self.order.insert((due.at, self.number, path.to_vec()));
        self.due.insert(path.to_vec(), (due, self.number));
    }

    /// One that is due; of all, where the jail has ended.
    pub(super) fn take(&mut self, by: Option<Instant>) -> Option<(Vec<u8>, Due)> {
        let mut due = match by {
            None => self.order.range(..),
            Some(by) => self.order.range(..(by + Duration::from_nanos(1), 0, Vec::new())),
        };
        self.is_oldest_next = !self.is_oldest_next;
        let next = if self.is_oldest_next { due.next() } else { due.next_back() };
        let next = next?.clone();
        self.order.remove(&next);
        let (due, _) = self.due.remove(&next.2)?;
        Some((next.2, due))
    }

    /// It is large, and waits.
    pub(super) fn wait(&mut self, path: Vec<u8>, due: Due) {
        self.waiting.insert(path, due);
    }

    /// The large one that has waited for longest.
    pub(super) fn take_large(&mut self) -> Option<(Vec<u8>, Due)> {
        let (path, _) = self.waiting.iter().min_by_key(|(_, due)| due.at)?;
        self.waiting.remove_entry(&path.clone())
    }

    pub(super) fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.order.is_empty() && self.waiting.is_empty()
    }

    /// When the first is due, of those that do not wait.
    pub(super) fn next(&self) -> Option<Instant> {
        self.order.first().map(|(at, ..)| *at)
    }

    /// What has been due for longest, and since when.
    pub(super) fn oldest(&self) -> Option<(Instant, &[u8])> {
        let first = self.order.first().map(|(at, _, path)| (*at, path.as_slice()));
        let waiting = self.waiting.iter().map(|(path, due)| (due.at, path.as_slice()));
        waiting.chain(first).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_and_the_oldest_take_turns_and_what_waits_is_not_forgotten() {
        let now = Instant::now();
        let due = |seconds| Due { at: now + Duration::from_secs(seconds), is_new: false };
        let mut queue = Queue::default();
        for (path, seconds) in [("a", 1), ("b", 2), ("c", 9), ("d", 2), ("a", 5)] {
            queue.put(path.as_bytes(), due(seconds));
        }
        let take = |by: u64, queue: &mut Queue| {
            let taken = queue.take(Some(now + Duration::from_secs(by)));
            taken.map(|(path, due)| (String::from_utf8(path).expect("text"), due))
        };
        // It is as old as it was.
        let (first, waits) = take(5, &mut queue).expect("one");
        assert_eq!(first, "a");
        queue.wait(first.into_bytes(), waits);
        assert_eq!(take(5, &mut queue).map(|(path, _)| path).as_deref(), Some("d"));
        assert_eq!(queue.oldest().map(|(_, path)| path), Some(b"a".as_slice()));
        assert_eq!(take(5, &mut queue).map(|(path, _)| path).as_deref(), Some("b"));
        assert!(take(5, &mut queue).is_none());
        assert_eq!(queue.take_large().map(|(path, _)| path).as_deref(), Some(b"a".as_slice()));
        assert_eq!(queue.take(None).map(|(path, _)| path).as_deref(), Some(b"c".as_slice()));
    }
}
