//! Compiles the filters of system calls, ahead of time: a table that people can read, and a program for the kernel.
//!
//! The default filter is a deny list: what agents and language runtimes need stays, and the families that sandboxes were
//! left through do not. It decides by number in a balanced tree; arguments are looked at on cold calls only, because the
//! kernel skips the program altogether for a number that is always allowed (seccomp(2) keeps a bitmap of them).

mod bpf;
mod cage;
mod table;
mod tree;

#[cfg(test)]
mod tests;

pub use cage::Sockets;
pub use table::{Answer, Call, Errno, FAMILIES, Family, Rule, calls};

/// A processor, whose system calls have numbers of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arch {
    /// `x86_64`.
    X86_64,
    /// `aarch64`.
    Aarch64,
}

impl Arch {
    /// Both.
    pub const ALL: [Self; 2] = [Self::X86_64, Self::Aarch64];

    /// The processor that Nix calls so.
    #[must_use]
    pub fn from_nix(name: &str) -> Option<Self> {
        match name {
            "x86_64" => Some(Self::X86_64),
            "aarch64" => Some(Self::Aarch64),
            _ => None,
        }
    }

    /// What `struct seccomp_data` calls it (`linux/audit.h`).
    fn audit(self) -> u32 {
        match self {
            Self::X86_64 => 0xc000_003e,
            Self::Aarch64 => 0xc000_00b7,
        }
    }
}

/// What a spec may lift.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Namespaces and mounts inside, for programs that make a sandbox of their own (`allow-nested-sandbox`).
    pub nested_sandbox: bool,
}

/// The filter that a cage has beside the default one.
#[must_use]
pub fn cage_program(arch: Arch, sockets: Sockets) -> Vec<u8> {
    bpf::bytes(&tree::program(arch, &table::segments_by(arch, |name| cage::rule(name, sockets))))
}

/// The default filter as the kernel takes it: `struct sock_filter`, eight bytes each, little-endian.
#[must_use]
pub fn default_program(arch: Arch, options: Options) -> Vec<u8> {
    bpf::bytes(&tree::program(arch, &table::segments(arch, options)))
}
