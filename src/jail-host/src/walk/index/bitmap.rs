//! Bitmaps of a split index: words of which runs of equal ones are
//! written once (EWAH, gitformat-bitmap(5)).

use std::collections::VecDeque;

use super::{number, take};

/// The words as they are written: a run may represent more words than a file can hold.
#[derive(Default)]
pub(super) struct Bitmap {
    runs: VecDeque<Run>,
    /// How many words there were in the runs before.
    gone: u64,
}

/// Words that are all zeros or all ones, and then words as they are.
struct Run {
    is_set: bool,
    equal: u64,
    words: Vec<u64>,
}

impl Bitmap {
    pub(super) fn read(rest: &mut &[u8]) -> Option<Self> {
        let _bits = number(rest)?;
        let mut left = number(rest)?;
        let mut runs = VecDeque::new();
        while let Some(after) = left.checked_sub(1) {
            let head = word(rest)?;
            let count = u32::try_from(head >> 33).ok()?;
            left = after.checked_sub(count)?;
            let words = (0..count).map(|_| word(rest)).collect::<Option<_>>()?;
            runs.push_back(Run { is_set: head & 1 == 1, equal: (head >> 1) & 0xffff_ffff, words });
        }
        let _last = number(rest)?;
        Some(Self { runs, gone: 0 })
    }

    /// Whether a bit is set. Bits are asked for in ascending order.
    pub(super) fn has(&mut self, bit: u64) -> bool {
        let word = bit / 64;
        while let Some(run) = self.runs.front() {
            let at = word.saturating_sub(self.gone);
            if at < run.equal {
                return run.is_set;
            }
            let at = usize::try_from(at - run.equal).ok();
            if let Some(word) = at.and_then(|at| run.words.get(at)) {
                return word >> (bit % 64) & 1 == 1;
            }
            self.gone += run.equal + u64::try_from(run.words.len()).unwrap_or(u64::MAX);
            self.runs.pop_front();
        }
        false
    }
}

fn word(rest: &mut &[u8]) -> Option<u64> {
    take(rest, 8)?.try_into().ok().map(u64::from_be_bytes)
}
