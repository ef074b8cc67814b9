//! Writes a filter: the processor first, then a balanced tree over the numbers, arguments in its
//! leaves.
//!
//! A list, as most filters are, compares up to three hundred times for a call that is not in
//! it; the tree eight times. It is written from its end, because jumps only go forward. A
//! target of several branches is written once, so the kernel, which translates the filter at
//! each launch, has half as much to do.

use super::Arch;
use super::bpf::{
    AND, ARCH, Instruction, JUMP, JUMP_ANY_BIT, JUMP_AT_LEAST, JUMP_EQUAL, LOAD, NUMBER, answer,
    argument, plain,
};
use super::condition::{Condition, Test};
use super::decision::{Answer, Decision};
use super::segments::Segment;

/// The filter of these segments.
pub(super) fn program(arch: Arch, segments: &[Segment]) -> Vec<Instruction> {
    let mut program = Backwards::default();
    let decided = program.node(&segments.iter().collect::<Vec<_>>());
    // What is decided last is written last, so it follows; a single leaf may be further away.
    program.follow(decided);
    program.push(plain(LOAD, NUMBER));
    // Calls of another processor's numbering (32-bit programs): the numbers below would mean
    // something else.
    program.push(answer(Answer::Kill));
    program.push(Instruction { code: JUMP_EQUAL, yes: 1, no: 0, k: arch.audit() });
    program.push(plain(LOAD, ARCH));
    program.written.reverse();
    program.written
}

/// The position of an instruction, counted from the end.
type Place = usize;

/// A program that is written from its end.
#[derive(Default)]
struct Backwards<'a> {
    written: Vec<Instruction>,
    /// Where each decision starts that has been written already.
    known: Vec<(&'a Decision, Place)>,
}

impl<'a> Backwards<'a> {
    /// Decides among segments; the number is loaded.
    fn node(&mut self, segments: &[&'a Segment]) -> Place {
        if let Some(at) = exception(segments)
            && let [before @ .., only, _] = segments.get(..at + 2).unwrap_or_default()
        {
            let rest = [before, segments.get(at + 2..).unwrap_or_default()].concat();
            let (yes, no) = (self.leaf(&only.decision), self.node(&rest));
            return self.branch(JUMP_EQUAL, only.start, yes, no);
        }
        let (left, right) = segments.split_at(segments.len() / 2);
        match (left, right) {
            ([], []) => self.push(answer(Answer::Kill)),
            ([], [only]) => self.leaf(&only.decision),
            (_, []) => self.node(left),
            (_, [first, ..]) => {
                let (yes, no) = (self.node(right), self.node(left));
                self.branch(JUMP_AT_LEAST, first.start, yes, no)
            }
        }
    }

    fn leaf(&mut self, decision: &'a Decision) -> Place {
        if let Some((_, place)) = self.known.iter().rev().find(|(known, _)| *known == decision)
            && self.is_near(*place)
        {
            return *place;
        }
        let place = match decision {
            Decision::Always(always) => self.push(answer(*always)),
            Decision::If { condition: Condition { argument: index, mask, test }, yes, no } => {
                let (yes, no) = (self.leaf(yes), self.leaf(no));
                let test = match test {
                    Test::OneOf(values) => self.one_of(values, yes, no),
                    Test::NoneOf(values) => self.one_of(values, no, yes),
                    Test::AnyBit(bits) => self.branch(JUMP_ANY_BIT, *bits, yes, no),
                };
                self.follow(test);
                if *mask != u32::MAX {
                    self.push(plain(AND, *mask));
                }
                self.push(plain(LOAD, argument(*index)))
            }
        };
        self.known.push((decision, place));
        place
    }

    /// Compares with one value after the other; each match leads to `yes`.
    fn one_of(&mut self, values: &[u32], yes: Place, no: Place) -> Place {
        values.iter().rev().fold(no, |no, value| self.branch(JUMP_EQUAL, *value, yes, no))
    }

    /// A comparison that leads to one of two places.
    fn branch(&mut self, code: u16, k: u32, yes: Place, no: Place) -> Place {
        let (mut yes, mut no) = (yes, no);
        loop {
            match (u8::try_from(self.between(yes)), u8::try_from(self.between(no))) {
                (Ok(yes), Ok(no)) => return self.push(Instruction { code, yes, no, k }),
                // A jump over more than 255 instructions needs one of its own.
                (Err(_), _) => yes = self.jump(yes),
                (_, Err(_)) => no = self.jump(no),
            }
        }
    }

    /// Makes what is at `place` follow the next instruction.
    fn follow(&mut self, place: Place) {
        if self.between(place) > 0 {
            self.jump(place);
        }
    }

    fn jump(&mut self, place: Place) -> Place {
        let length = u32::try_from(self.between(place)).unwrap_or(u32::MAX);
        self.push(plain(JUMP, length))
    }

    fn push(&mut self, instruction: Instruction) -> Place {
        self.written.push(instruction);
        self.written.len() - 1
    }

    /// How many instructions the next one has to jump over to get to a place.
    fn between(&self, place: Place) -> usize {
        self.written.len() - 1 - place
    }

    /// Whether a comparison that is written soon can reach a place. If not, its target is written
    /// again, which for most is no longer than a jump.
    fn is_near(&self, place: Place) -> bool {
        self.between(place) < NEAR
    }
}

/// Of the 255 that a comparison can jump over: in between are one side of it and
/// the jumps that it needs.
const NEAR: usize = 200;

/// In so few segments, single numbers are compared one after the other: one comparison for a number
/// that would need two if the ranges before and after it were distinguished.
const FEW: usize = 5;

/// The segment among few that is one number between two segments of one decision.
fn exception(segments: &[&Segment]) -> Option<usize> {
    if segments.len() > FEW {
        return None;
    }
    let is_one = |three: &[&Segment]| match three {
        [before, only, after] => before.decision == after.decision && after.start == only.start + 1,
        _ => false,
    };
    segments.windows(3).position(is_one).map(|before| before + 1)
}
