//! The default system call filter, as a plan holds it.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use jail_plan::SeccompProgram;

use super::SealError;
use crate::seccomp::{Arch, Options, Sockets, cage_program, default_program};

/// The filter for a processor.
pub(super) fn default_filter(arch: &str) -> Result<SeccompProgram, SealError> {
    let program = default_program(known(arch)?, Options { nested_sandbox: false });
    Ok(filter("default", arch, &program))
}

/// What a cage needs beside it.
pub(super) fn cage_filter(arch: &str, datagrams: bool) -> Result<SeccompProgram, SealError> {
    let sockets = if datagrams { Sockets::TcpAndUdp } else { Sockets::Tcp };
    Ok(filter("cage", arch, &cage_program(known(arch)?, sockets)))
}

fn known(arch: &str) -> Result<Arch, SealError> {
    Arch::from_nix(arch).ok_or_else(|| {
        SealError::new(format!("there is no system call filter for `{arch}`"))
            .help("jails run on x86_64 and aarch64")
    })
}

fn filter(name: &str, arch: &str, program: &[u8]) -> SeccompProgram {
    let program = BASE64_STANDARD.encode(program);
    SeccompProgram { name: name.into(), arch: arch.into(), program }
}
