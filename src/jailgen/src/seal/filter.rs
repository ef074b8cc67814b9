//! The default system call filter, as a plan holds it.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use jail_plan::SeccompProgram;

use super::SealError;
use crate::seccomp::{Arch, Options, default_program};

/// The filter for a processor.
pub(super) fn default_filter(arch: &str) -> Result<SeccompProgram, SealError> {
    let known = Arch::from_nix(arch).ok_or_else(|| {
        SealError::new(format!("there is no system call filter for `{arch}`"))
            .help("jails run on x86_64 and aarch64")
    })?;
    let program = default_program(known, Options { nested_sandbox: false });
    Ok(SeccompProgram {
        name: "default".into(),
        arch: arch.into(),
        program: BASE64_STANDARD.encode(program),
    })
}
