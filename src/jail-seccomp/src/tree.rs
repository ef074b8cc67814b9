//! Writes a filter: the processor first, then a balanced tree over the numbers, arguments in its leaves.
//!
//! A list, as most filters are, compares up to three hundred times for a call that is not in it; the tree eight times.

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
    let mut program = vec![
        plain(LOAD, ARCH),
        Instruction { code: JUMP_EQUAL, yes: 1, no: 0, k: arch.audit() },
        // Calls of another processor's numbering (32-bit programs): the numbers below would mean something else.
        answer(Answer::Kill),
        plain(LOAD, NUMBER),
    ];
    program.extend(node(segments));
    program
}

/// Decides among segments; the number is loaded.
fn node(segments: &[Segment]) -> Vec<Instruction> {
    let (left, right) = segments.split_at(segments.len() / 2);
    match (left, right) {
        ([], []) => vec![answer(Answer::Kill)],
        ([], [only]) => leaf(&only.decision),
        (_, []) => node(left),
        (_, [first, ..]) => branch(JUMP_AT_LEAST, first.start, node(right), node(left)),
    }
}

fn leaf(decision: &Decision) -> Vec<Instruction> {
    match decision {
        Decision::Always(always) => vec![answer(*always)],
        Decision::If { condition: Condition { argument: index, mask, test }, yes, no } => {
            let mut block = vec![plain(LOAD, argument(*index))];
            if *mask != u32::MAX {
                block.push(plain(AND, *mask));
            }
            let (yes, no) = (leaf(yes), leaf(no));
            block.extend(match test {
                Test::OneOf(values) => one_of(values, &yes, no),
                Test::NoneOf(values) => one_of(values, &no, yes),
                Test::AnyBit(bits) => branch(JUMP_ANY_BIT, *bits, yes, no),
            });
            block
        }
    }
}

/// Compares with one value after the other; every one that fits leads to `yes`.
fn one_of(values: &[u32], yes: &[Instruction], no: Vec<Instruction>) -> Vec<Instruction> {
    match values {
        [] => no,
        [value, rest @ ..] => branch(JUMP_EQUAL, *value, yes.to_vec(), one_of(rest, yes, no)),
    }
}

/// `no` follows the comparison, and `yes` follows `no`. A jump over more than 255 instructions needs one of its own.
fn branch(code: u16, k: u32, yes: Vec<Instruction>, no: Vec<Instruction>) -> Vec<Instruction> {
    let mut block = match u8::try_from(no.len()) {
        Ok(length) => vec![Instruction { code, yes: length, no: 0, k }],
        Err(_) => {
            let length = u32::try_from(no.len()).unwrap_or(u32::MAX);
            vec![Instruction { code, yes: 0, no: 1, k }, plain(JUMP, length)]
        }
    };
    block.extend(no);
    block.extend(yes);
    block
}
