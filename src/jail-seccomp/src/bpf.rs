//! Instructions of classic BPF that a system call filter needs (linux/filter.h).

use super::decision::{Answer, Errno};

/// One instruction, as the kernel takes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Instruction {
    pub(super) code: u16,
    /// How many instructions are skipped if the comparison holds.
    pub(super) yes: u8,
    /// And if not.
    pub(super) no: u8,
    pub(super) k: u32,
}

pub(super) const LOAD: u16 = 0x20;
pub(super) const AND: u16 = 0x54;
pub(super) const JUMP: u16 = 0x05;
pub(super) const JUMP_EQUAL: u16 = 0x15;
pub(super) const JUMP_AT_LEAST: u16 = 0x35;
pub(super) const JUMP_ANY_BIT: u16 = 0x45;
pub(super) const RETURN: u16 = 0x06;

/// Offsets in `struct seccomp_data`.
pub(super) const NUMBER: u32 = 0;
pub(super) const ARCH: u32 = 4;

/// The low half of an argument.
pub(super) fn argument(index: u8) -> u32 {
    16 + 8 * u32::from(index)
}

pub(super) fn plain(code: u16, k: u32) -> Instruction {
    Instruction { code, yes: 0, no: 0, k }
}

pub(super) fn answer(answer: Answer) -> Instruction {
    plain(RETURN, value(answer))
}

/// The value that a filter returns for an answer (linux/seccomp.h).
pub(crate) fn value(answer: Answer) -> u32 {
    match answer {
        Answer::Allow => 0x7fff_0000,
        Answer::Kill => 0x8000_0000,
        Answer::Log => 0x7ffc_0000,
        Answer::Errno(errno) => {
            0x0005_0000
                | match errno {
                    Errno::Perm => 1,
                    Errno::NoSys => 38,
                    Errno::ProtoNoSupport => 93,
                    Errno::AfNoSupport => 97,
                }
        }
    }
}

/// The program as the kernel takes it.
pub(super) fn bytes(program: &[Instruction]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(program.len() * 8);
    for Instruction { code, yes, no, k } in program {
        bytes.extend(code.to_le_bytes());
        bytes.extend([*yes, *no]);
        bytes.extend(k.to_le_bytes());
    }
    bytes
}
