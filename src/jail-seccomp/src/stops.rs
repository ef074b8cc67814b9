//! A filter that stops a process for its tracer at some calls and lets all others run at full
//! speed: the kernel skips the program for a number that is always allowed.
//!
//! Without a tracer the kernel answers such a call with ENOSYS (seccomp(2), `SECCOMP_RET_TRACE`),
//! so a process that gets away from the tracer can do less than before.

use super::Arch;
use super::bpf::{
    ARCH, Instruction, JUMP_ANY_BIT, JUMP_EQUAL, LOAD, NUMBER, RETURN, answer, argument, bytes,
    plain,
};
use super::decision::Answer;
use super::simulate::{KIND, TRACE};
use super::table::known;

/// A call at which the process stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StopAt {
    /// The name of the call. A processor may not have it.
    pub name: &'static str,
    /// An argument, by its index, and bits: where one of them is set, the process does not stop.
    pub unless: Option<(u8, u32)>,
}

/// The filter in the kernel's form. Other filters that are loaded decide as without it: what one of
/// them refuses or kills does not stop.
#[must_use]
pub fn stopping_program(arch: Arch, calls: &[StopAt]) -> Vec<u8> {
    // Calls of another processor's numbering: the default filter kills the process.
    let mut program = vec![
        plain(LOAD, ARCH),
        Instruction { code: JUMP_EQUAL, yes: 1, no: 0, k: arch.audit() },
        answer(Answer::Allow),
        plain(LOAD, NUMBER),
    ];
    for (number, call) in calls.iter().filter_map(|call| Some((number(arch, call.name)?, call))) {
        let stop = match call.unless {
            None => vec![plain(RETURN, TRACE)],
            Some((index, bits)) => vec![
                plain(LOAD, argument(index)),
                Instruction { code: JUMP_ANY_BIT, yes: 0, no: 1, k: bits },
                answer(Answer::Allow),
                plain(RETURN, TRACE),
            ],
        };
        let no = u8::try_from(stop.len()).unwrap_or(u8::MAX);
        program.push(Instruction { code: JUMP_EQUAL, yes: 0, no, k: number });
        program.extend(stop);
    }
    program.push(answer(Answer::Allow));
    bytes(&program)
}

/// Whether a filter in the kernel's form may stop for a tracer: a tracer that lets the process go
/// on would allow what fails without one.
#[must_use]
pub fn may_stop(program: &[u8]) -> bool {
    /// The answer is what was computed.
    const RETURN_A: u16 = 0x16;
    let (instructions, _) = program.as_chunks::<8>();
    instructions.iter().any(|[code, class, _, _, k @ ..]| {
        let (code, k) = (u16::from_le_bytes([*code, *class]), u32::from_le_bytes(*k));
        code == RETURN_A || code == RETURN && k & KIND == TRACE
    })
}

/// The number of a call, if the processor has it.
#[must_use]
pub fn number(arch: Arch, name: &str) -> Option<u32> {
    known(arch).find(|(_, known)| *known == name).map(|(number, _)| number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::{Question, answer};

    #[test]
    fn only_the_named_calls_stop_and_nothing_is_refused() {
        let calls = [
            StopAt { name: "execve", unless: None },
            StopAt { name: "faccessat2", unless: Some((3, 0x1000)) },
            StopAt { name: "no-such-call", unless: None },
        ];
        for arch in Arch::ALL {
            let program = stopping_program(arch, &calls);
            let of = |name: &str, flags: u64| {
                let number = number(arch, name).unwrap();
                answer(&program, &Question::new(arch, number, [0, 0, 0, flags, 0, 0]))
            };
            assert_eq!(of("execve", 0), Some(TRACE));
            assert_eq!(of("faccessat2", 0x100), Some(TRACE));
            assert_eq!(of("faccessat2", 0x1000), Some(0x7fff_0000));
            assert_eq!(of("read", 0), Some(0x7fff_0000));
            let foreign = Question { arch: 1, ..Question::new(arch, 59, [0; 6]) };
            assert_eq!(answer(&program, &foreign), Some(0x7fff_0000));
            assert!(may_stop(&program) && !may_stop(&crate::default_program(arch)));
        }
    }
}
