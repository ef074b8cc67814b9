//! The system call filters, as a plan holds them.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use jail_plan::{Access, SeccompProgram};
use jail_policy::{Entry, Grant, Policy};

use super::fold;
use super::{Request, SealError};
use jail_seccomp::{Arch, Base, Folder, Match, Sockets, cage_program};

/// The filters of a policy: its own first, then those that the spec brings along.
pub(super) fn filters(request: &Request<'_>) -> Result<Vec<SeccompProgram>, SealError> {
    let arch = known(request.arch)?;
    let policy = policy_from_grants(request.policy)?;
    let mut filters = vec![own(arch, &policy, working_folder(request.policy))?];
    for entry in &request.policy.grants {
        if let Grant::Filter { path } = &entry.grant {
            let path = path.to_string();
            let given = request.filters.iter().find(|(given, _)| *given == path);
            let Some((_, program)) = given else {
                let message = format!("the filter `{path}` was not read");
                return Err(SealError::at(request.policy, entry, message));
            };
            check(arch, program).map_err(|why| {
                SealError::at(request.policy, entry, format!("`{path}` is not a filter: {why}"))
                    .help("`add-seccomp` takes instructions of classic BPF for this processor, eight bytes each, or a program that prints them")
            })?;
            filters.push(filter(&path, request.arch, program));
        }
    }
    Ok(filters)
}

const STRICT: &str = "strict";

/// Whether the jail may write the folder that it is started in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorkingFolder {
    /// The jail may write it.
    Writable,
    /// It may not, or it is not granted at all.
    Closed,
}

/// What a policy grants of the working folder.
#[must_use]
pub fn working_folder(policy: &Policy) -> WorkingFolder {
    // In a cage with a workspace, that is the folder, wherever the cage is started.
    let is_elsewhere = |to: &Option<_>| fold::is_cage(policy) && to.is_some();
    let is_writable = policy.grants.iter().any(|entry| match &entry.grant {
        Grant::Folder { access, to, .. } => *access != Access::ReadOnly && !is_elsewhere(to),
        _ => false,
    });
    if is_writable { WorkingFolder::Writable } else { WorkingFolder::Closed }
}

/// The filter of a policy's own.
///
/// # Errors
/// When it is longer than the kernel takes.
pub fn own(
    arch: Arch,
    policy: &jail_seccomp::Policy,
    folder: WorkingFolder,
) -> Result<SeccompProgram, SealError> {
    let name = match policy.base {
        Base::Default => "default",
        Base::Strict { .. } => STRICT,
    };
    let in_set_group_id_folder = match folder {
        WorkingFolder::Closed => None,
        WorkingFolder::Writable => {
            let there = jail_seccomp::Policy { folder: Folder::SetGroupId, ..policy.clone() };
            Some(BASE64_STANDARD.encode(compiled(arch, &there)?))
        }
    };
    let everywhere = filter(name, arch.name(), &compiled(arch, policy)?);
    Ok(SeccompProgram { in_set_group_id_folder, ..everywhere })
}

fn compiled(arch: Arch, policy: &jail_seccomp::Policy) -> Result<Vec<u8>, SealError> {
    jail_seccomp::program(arch, policy).ok_or_else(|| {
        SealError::new("the system call filter is longer than the kernel takes")
            .help("give fewer conditions")
    })
}

/// Whether it is the own filter of a policy whose base is strict.
#[must_use]
pub fn is_strict(program: &SeccompProgram) -> bool {
    program.name == STRICT
}

/// What the grants say about system calls.
pub fn policy_from_grants(policy: &Policy) -> Result<jail_seccomp::Policy, SealError> {
    let mut calls = jail_seccomp::Policy::DEFAULT;
    for entry in &policy.grants {
        match &entry.grant {
            Grant::NestedSandbox => calls.nested_sandbox = true,
            Grant::SystemCalls { base } => calls.base = base.clone(),
            Grant::CallRules { allow, deny, on_deny } => {
                calls.allow = matches(policy, entry, allow)?;
                calls.deny = matches(policy, entry, deny)?;
                calls.on_deny = *on_deny;
            }
            _ => {}
        }
    }
    Ok(calls)
}

fn matches(policy: &Policy, entry: &Entry, texts: &[String]) -> Result<Vec<Match>, SealError> {
    let one = |text: &String| {
        Match::parse(text).map_err(|error| {
            SealError::at(policy, entry, format!("`{text}` does not name a system call: {error}"))
        })
    };
    texts.iter().map(one).collect()
}

/// Whether the kernel could take it, as far as that can be known without trying.
fn check(arch: Arch, program: &[u8]) -> Result<(), String> {
    let (instructions, rest) = program.as_chunks::<8>();
    if instructions.is_empty() && rest.is_empty() {
        return Err("it is empty".into());
    }
    if !rest.is_empty() {
        let bytes = program.len();
        return Err(format!("{bytes} bytes are not a list of instructions of eight bytes each"));
    }
    if instructions.len() > jail_seccomp::INSTRUCTIONS_MAX {
        let (found, most) = (instructions.len(), jail_seccomp::INSTRUCTIONS_MAX);
        return Err(format!("it has {found} instructions, and the kernel takes {most}"));
    }
    match jail_seccomp::meant_for(instructions) {
        Some(other) if other != arch => Err(format!("it is meant for {}", other.name())),
        Some(_) | None => Ok(()),
    }
}

/// What a cage needs in addition.
pub(super) fn cage_filter(arch: &str, datagrams: bool) -> Result<SeccompProgram, SealError> {
    Ok(filter("cage", arch, &cage_program(known(arch)?, sockets(datagrams))))
}

fn sockets(datagrams: bool) -> Sockets {
    if datagrams { Sockets::TcpAndUdp } else { Sockets::Tcp }
}

/// The sockets that a cage leaves; none where the policy makes no cage.
pub fn sockets_of(policy: &Policy) -> Option<Sockets> {
    policy.grants.iter().find_map(|entry| match &entry.grant {
        Grant::Cage { datagrams, .. } => Some(sockets(*datagrams)),
        _ => None,
    })
}

fn known(arch: &str) -> Result<Arch, SealError> {
    Arch::from_nix(arch).ok_or_else(|| {
        SealError::new(format!("there is no system call filter for `{arch}`"))
            .help("jails run on x86_64 and aarch64")
    })
}

fn filter(name: &str, arch: &str, program: &[u8]) -> SeccompProgram {
    let program = BASE64_STANDARD.encode(program);
    SeccompProgram { name: name.into(), arch: arch.into(), program, in_set_group_id_folder: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_of_ones_own_must_be_one() {
        let checked = |program: &[u8]| check(Arch::X86_64, program);
        let allow = [6, 0, 0, 0, 0, 0, 0xff, 0x7f];
        assert_eq!(checked(&allow), Ok(()));
        assert_eq!(checked(b""), Err("it is empty".into()));
        assert!(checked(&allow[..7]).unwrap_err().contains("7 bytes"));
        assert!(checked(&allow.repeat(4097)).unwrap_err().contains("4097 instructions"));
        assert_eq!(checked(&jail_seccomp::default_program(Arch::X86_64)), Ok(()));
        let foreign = jail_seccomp::default_program(Arch::Aarch64);
        assert_eq!(checked(&foreign), Err("it is meant for aarch64".into()));
    }
}
