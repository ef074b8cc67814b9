//! Runs filters as the kernel does (bpf(4) and seccomp(2)): it returns their answer to a call
//! without making the call.

use super::Arch;

/// The input of a filter: `struct seccomp_data`. The address of the caller is 0, because
/// no filter of ours uses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Question {
    /// Whose numbering it is (`AUDIT_ARCH_…`).
    pub arch: u32,
    /// The number of the call.
    pub number: u32,
    /// The arguments of the system call.
    pub arguments: [u64; 6],
}

/// The result of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    /// It is carried out; perhaps the kernel logs it.
    CarriedOut,
    /// It fails with this number (errno(3)).
    Fails(u16),
    /// The process is killed, or gets a signal that kills those who do not expect it.
    Killed,
}

impl Question {
    /// A call in a processor's own numbering.
    #[must_use]
    pub fn new(arch: Arch, number: u32, arguments: [u64; 6]) -> Self {
        Self { arch: arch.audit(), number, arguments }
    }

    /// The word at `at`, which is a multiple of 4. Both processors are little-endian.
    fn word(&self, at: u32) -> Option<u32> {
        let half = |value: u64, high: bool| {
            let shifted = if high { value >> 32 } else { value & 0xffff_ffff };
            u32::try_from(shifted).ok()
        };
        match (at, at % 4) {
            (0, _) => Some(self.number),
            (4, _) => Some(self.arch),
            (8 | 12, _) => Some(0),
            (16..64, 0) => {
                let argument = self.arguments.get(usize::try_from((at - 16) / 8).ok()?)?;
                half(*argument, at % 8 == 4)
            }
            (_, _) => None,
        }
    }
}

// The answer of a filter, without the 16 bits of data (linux/seccomp.h).
pub(crate) const KIND: u32 = 0xffff_0000;
const ERRNO: u32 = 0x0005_0000;
const NOTIFY: u32 = 0x7fc0_0000;
pub(crate) const TRACE: u32 = 0x7ff0_0000;
const LOG: u32 = 0x7ffc_0000;
const ALLOW: u32 = 0x7fff_0000;
/// `SECCOMP_RET_KILL_THREAD`, which is also what the kernel makes of a division by 0.
const KILL: u32 = 0;

/// The result of a call under all of these filters, each in the kernel's form. `None`: one
/// of them is not a filter.
#[must_use]
pub fn fate(filters: &[Vec<u8>], question: &Question) -> Option<Fate> {
    let mut strictest = ALLOW;
    for filter in filters {
        let answer = answer(filter, question)?;
        // The kernel compares them in this way, as signed numbers: killing the process is below
        // zero. Of equal ones, the newest counts.
        let order = |answer: u32| (answer & KIND).cast_signed();
        if order(answer) <= order(strictest) {
            strictest = answer;
        }
    }
    Some(match strictest & KIND {
        ALLOW | LOG => Fate::CarriedOut,
        ERRNO => Fate::Fails(u16::try_from(strictest & !KIND).ok()?),
        // Without a tracer or a listener the call fails with ENOSYS (seccomp(2)).
        TRACE | NOTIFY => Fate::Fails(38),
        _ => Fate::Killed,
    })
}

struct Machine {
    a: u32,
    x: u32,
    memory: [u32; 16],
}

/// The answer of one filter. `None` if the kernel would not have accepted it.
pub(crate) fn answer(filter: &[u8], question: &Question) -> Option<u32> {
    let (instructions, _) = filter.as_chunks::<8>();
    let mut machine = Machine { a: 0, x: 0, memory: [0; 16] };
    let mut at = 0_usize;
    // Every jump is forward, so the program ends.
    loop {
        let [code, class, yes, no, k @ ..] = *instructions.get(at)?;
        let (code, k) = (u16::from_le_bytes([code, class]), u32::from_le_bytes(k));
        at += 1;
        match code & 7 {
            LOAD => machine.a = machine.load(code, k, question)?,
            LOAD_X => machine.x = machine.load(code, k, question)?,
            STORE => *machine.memory.get_mut(usize::try_from(k).ok()?)? = machine.a,
            STORE_X => *machine.memory.get_mut(usize::try_from(k).ok()?)? = machine.x,
            ARITHMETIC => match machine.arithmetic(code, k)? {
                Some(a) => machine.a = a,
                None => return Some(KILL),
            },
            JUMP if code & 0xf0 == 0 => at = at.checked_add(usize::try_from(k).ok()?)?,
            JUMP => at += usize::from(if machine.holds(code, k)? { yes } else { no }),
            RETURN => return Some(if code & 0x18 == 0x10 { machine.a } else { k }),
            _ if code & 0xf8 == 0x80 => machine.a = machine.x,
            _ => machine.x = machine.a,
        }
    }
}

// The classes of instructions (linux/bpf_common.h); the remaining one of the
// eight moves between A and X.
const LOAD: u16 = 0;
const LOAD_X: u16 = 1;
const STORE: u16 = 2;
const STORE_X: u16 = 3;
const ARITHMETIC: u16 = 4;
const JUMP: u16 = 5;
const RETURN: u16 = 6;

impl Machine {
    fn load(&self, code: u16, k: u32, question: &Question) -> Option<u32> {
        match code & 0xf8 {
            0x00 => Some(k),
            0x20 => question.word(k),
            0x60 => self.memory.get(usize::try_from(k).ok()?).copied(),
            // The length of the data.
            0x80 => Some(64),
            _ => None,
        }
    }

    fn operand(&self, code: u16, k: u32) -> u32 {
        if code & 8 == 0 { k } else { self.x }
    }

    /// `Some(None)` after a division by 0.
    fn arithmetic(&self, code: u16, k: u32) -> Option<Option<u32>> {
        let (a, b) = (self.a, self.operand(code, k));
        Some(match code & 0xf0 {
            0x00 => Some(a.wrapping_add(b)),
            0x10 => Some(a.wrapping_sub(b)),
            0x20 => Some(a.wrapping_mul(b)),
            0x30 => a.checked_div(b),
            0x40 => Some(a | b),
            0x50 => Some(a & b),
            0x60 => Some(a.wrapping_shl(b)),
            0x70 => Some(a.wrapping_shr(b)),
            0x80 => Some(a.wrapping_neg()),
            0xa0 => Some(a ^ b),
            _ => return None,
        })
    }

    fn holds(&self, code: u16, k: u32) -> Option<bool> {
        let b = self.operand(code, k);
        match code & 0xf0 {
            0x10 => Some(self.a == b),
            0x20 => Some(self.a > b),
            0x30 => Some(self.a >= b),
            0x40 => Some(self.a & b != 0),
            _ => None,
        }
    }
}
