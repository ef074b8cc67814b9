//! Compiles the filters of system calls, ahead of time: a table that people can read, and a program
//! for the kernel.
//!
//! The default filter is a deny list: it leaves what agents and language runtimes need, and refuses
//! the families of calls that are used in known sandbox escapes. It decides by number in a balanced
//! tree. It checks arguments of rare calls, and of the frequent ones only those of `openat` and
//! `fcntl`: the kernel skips the program altogether for a number that is always allowed (seccomp(2)
//! keeps a bitmap of them).

#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod bpf;
mod cage;
mod condition;
mod decision;
mod policy;
mod segments;
mod set_id;
mod simulate;
mod stops;
mod strict;
mod table;
mod tree;

#[cfg(test)]
mod oracle;
#[cfg(test)]
mod tests;

pub use cage::Sockets;
pub use condition::{Condition, Match, MatchError, Test};
pub use decision::{Answer, Decision, Errno};
pub use policy::{Base, Call, OnDeny, Policy, calls};
pub use simulate::{Fate, Question, fate};
pub use stops::{StopAt, may_stop, number, stopping_program};
pub use table::{FAMILIES, Family, Folder, exists, names};

/// A processor, whose system calls have numbers of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arch {
    /// `x86_64`.
    X86_64,
    /// `aarch64`.
    Aarch64,
}

impl Arch {
    /// Both processors, for what is made or tested for each.
    pub const ALL: [Self; 2] = [Self::X86_64, Self::Aarch64];

    /// The processor of this name in Nix.
    #[must_use]
    pub fn from_nix(name: &str) -> Option<Self> {
        match name {
            "x86_64" => Some(Self::X86_64),
            "aarch64" => Some(Self::Aarch64),
            _ => None,
        }
    }

    /// What Nix calls it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64",
            Self::Aarch64 => "aarch64",
        }
    }

    /// Its number in `struct seccomp_data` (`linux/audit.h`).
    fn audit(self) -> u32 {
        match self {
            Self::X86_64 => 0xc000_003e,
            Self::Aarch64 => 0xc000_00b7,
        }
    }
}

/// The longest program that the kernel accepts (BPF_MAXINSNS).
pub const INSTRUCTIONS_MAX: usize = 4096;

/// The filter of a policy in the kernel's form: `struct sock_filter`, eight bytes each,
/// little-endian. `None` if it would be longer than the kernel accepts.
#[must_use]
pub fn program(arch: Arch, policy: &Policy) -> Option<Vec<u8>> {
    let program = tree::program(arch, &segments::segments(arch, policy));
    (program.len() <= INSTRUCTIONS_MAX).then(|| bpf::bytes(&program))
}

/// What the filter decides that a cage has in addition to the default one, call by call.
#[must_use]
pub fn cage_calls(arch: Arch, sockets: Sockets) -> Vec<Call> {
    policy::calls_by(arch, |name| cage::decision(name, sockets))
}

/// The filter that a cage has in addition to the default one.
#[must_use]
pub fn cage_program(arch: Arch, sockets: Sockets) -> Vec<u8> {
    bpf::bytes(&tree::program(arch, &segments::segments_of(arch, &cage_calls(arch, sockets))))
}

/// A filter that allows these uses of calls and answers every other call with EPERM, for a program
/// whose calls are all known. `None` if it would be longer than the kernel accepts.
#[must_use]
pub fn listed_program(arch: Arch, allowed: &[Match]) -> Option<Vec<u8>> {
    let calls = policy::calls_by(arch, |name| policy::listed(name, allowed));
    let program = tree::program(arch, &segments::segments_of(arch, &calls));
    (program.len() <= INSTRUCTIONS_MAX).then(|| bpf::bytes(&program))
}

/// The processor that a program checks first, if it does so in the usual way: a load of
/// the processor, a comparison.
#[must_use]
pub fn meant_for(instructions: &[[u8; 8]]) -> Option<Arch> {
    let [[0x20, 0, _, _, load @ ..], [0x15, 0, _, _, compare @ ..], ..] = instructions else {
        return None;
    };
    (u32::from_le_bytes(*load) == bpf::ARCH)
        .then(|| Arch::ALL.into_iter().find(|arch| arch.audit() == u32::from_le_bytes(*compare)))
        .flatten()
}

/// The filter that every jail has whose spec says nothing.
#[must_use]
pub fn default_program(arch: Arch) -> Vec<u8> {
    bpf::bytes(&tree::program(arch, &segments::segments(arch, &Policy::DEFAULT)))
}
