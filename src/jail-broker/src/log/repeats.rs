//! Lines that say the same again: they are counted, so that a program that does one thing over and
//! over does not fill the log with it.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use hickory_proto::rr::RecordType;

use super::line::Line;

/// For so long after a line the same is counted.
const COUNTED: Duration = Duration::from_secs(30);

/// As many lines are compared with.
const KNOWN_MAX: usize = 256;

/// The newest lines, the oldest first.
#[derive(Default)]
pub(super) struct Repeats(VecDeque<Known>);

struct Known {
    line: Line<'static>,
    /// What was asked for, where a name was looked up.
    kind: Option<RecordType>,
    since: Instant,
    times: u64,
}

/// A line that was written, and how often it would have been again.
pub(super) type Again = (Line<'static>, u64);

impl Repeats {
    /// Whether the same line was written a moment ago. A program that looks a name up asks for its
    /// addresses of each family, which is once: only questions of the first type count.
    pub(super) fn is_again(
        &mut self,
        line: &Line<'_>,
        kind: Option<RecordType>,
        now: Instant,
    ) -> bool {
        let is_it =
            |known: &&mut Known| known.line == *line && now.duration_since(known.since) < COUNTED;
        if let Some(known) = self.0.iter_mut().rev().find(is_it) {
            known.times += u64::from(known.kind == kind);
            return true;
        }
        self.0.push_back(Known { line: line.to_owned(), kind, since: now, times: 0 });
        false
    }

    /// What is to be written by now: the time of these lines is over, or there are too many.
    pub(super) fn over(&mut self, now: Instant) -> Vec<Again> {
        let is_over = |known: &Known| now.duration_since(known.since) >= COUNTED;
        let by_time = self.0.iter().take_while(|known| is_over(known)).count();
        let too_many = self.0.len().saturating_sub(KNOWN_MAX);
        ended(self.0.drain(..by_time.max(too_many)))
    }

    /// All that is left, at the end.
    pub(super) fn all(&mut self) -> Vec<Again> {
        ended(self.0.drain(..))
    }
}

fn ended(known: impl Iterator<Item = Known>) -> Vec<Again> {
    known.filter(|known| known.times > 0).map(|known| (known.line, known.times)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::line::Verdict;
    use super::*;

    fn line(host: &'static str) -> Line<'static> {
        Line { host: Some(host.into()), ..Line::new(Verdict::Refused) }
    }

    #[test]
    fn the_same_line_is_counted_for_a_while_and_then_written_again() {
        let (mut repeats, begun) = (Repeats::default(), Instant::now());
        let mut at = |host, seconds| {
            let now = begun + Duration::from_secs(seconds);
            (repeats.is_again(&line(host), None, now), repeats.over(now))
        };
        assert_eq!(at("a.test", 0), (false, vec![]));
        assert_eq!(at("a.test", 1), (true, vec![]));
        assert_eq!(at("b.test", 2), (false, vec![]));
        assert_eq!(at("a.test", 29), (true, vec![]));
        assert_eq!(at("a.test", 30), (false, vec![(line("a.test"), 2)]));
        assert_eq!(at("a.test", 31), (true, vec![]));
        assert_eq!(repeats.all(), [(line("a.test"), 1)]);
    }

    #[test]
    fn the_two_questions_of_one_look_up_are_one() {
        let (mut repeats, now) = (Repeats::default(), Instant::now());
        for (kind, is_again) in [(RecordType::AAAA, false), (RecordType::A, true)] {
            assert_eq!(repeats.is_again(&line("a.test"), Some(kind), now), is_again);
        }
        assert_eq!(repeats.all(), []);
        for kind in [RecordType::A, RecordType::AAAA].repeat(3) {
            repeats.is_again(&line("a.test"), Some(kind), now);
        }
        assert_eq!(repeats.all(), [(line("a.test"), 2)]);
    }

    #[test]
    fn many_lines_are_not_kept_without_bound() {
        let (mut repeats, now) = (Repeats::default(), Instant::now());
        for number in 0..10 * KNOWN_MAX {
            let host = format!("n{number}.test");
            let line = Line { host: Some(host.as_str().into()), ..Line::new(Verdict::Refused) };
            for is_again in [false, true] {
                assert_eq!(repeats.is_again(&line, None, now), is_again);
            }
            let over = repeats.over(now);
            assert_eq!(over.len(), usize::from(number >= KNOWN_MAX));
            assert!(over.iter().all(|(_, times)| *times == 1));
        }
        assert_eq!(repeats.all().len(), KNOWN_MAX);
    }
}
