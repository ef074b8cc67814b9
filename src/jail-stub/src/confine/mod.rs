//! What is taken away before the payload runs: capabilities, ways to gain privileges by executing,
//! resources, access to files beyond the mounts, system calls.

pub(crate) mod landlock;

mod limits;

use alloc::format;
use alloc::vec::Vec;

use jail_plan::{Plan, SeccompProgram};
use rustix::fs::{AtFlags, CWD, Mode, statat};
use rustix::io::Errno;
use rustix::thread::{
    CapabilitiesSecureBits, CapabilitySet, CapabilitySets, clear_ambient_capability_set,
    remove_capability_from_bounding_set, set_capabilities, set_capabilities_secure_bits,
    set_no_new_privs,
};

pub(crate) use limits::{Rlimits, set as limits};

use crate::base64;
use crate::failure::{About, Problem};
use crate::sys;

#[cfg(target_arch = "x86_64")]
const ARCH: &str = "x86_64";
#[cfg(target_arch = "aarch64")]
const ARCH: &str = "aarch64";

/// The longest program that the kernel accepts (BPF_MAXINSNS).
const INSTRUCTIONS_MAX: usize = 4096;

/// The compiler writes no such filter, so the plan was changed.
const BUILD_AGAIN: &str = "the wrapper is not as jailgen made it; build the jail again";

/// A filter, ready to be loaded.
pub(crate) struct Filter<'a> {
    name: &'a str,
    instructions: Vec<u64>,
}

/// The filters of `plan` for this processor, decoded. Each filter of the plan must exist for it.
pub(crate) fn filters(plan: &Plan) -> Result<Vec<Filter<'_>>, Problem> {
    for program in &plan.seccomp {
        let same = |other: &&SeccompProgram| other.name == program.name && other.arch == ARCH;
        if plan.seccomp.iter().find(same).is_none() {
            let cause =
                format!("the plan has this filter for {} only, and this is {ARCH}", program.arch);
            return Err(
                Problem::new(&program.name, cause).help("build the jail for this processor")
            );
        }
    }
    let mut filters = Vec::with_capacity(plan.seccomp.len());
    for program in plan.seccomp.iter().filter(|program| program.arch == ARCH) {
        filters.push(decode(program)?);
    }
    Ok(filters)
}

fn decode(program: &SeccompProgram) -> Result<Filter<'_>, Problem> {
    let name = &program.name;
    let text = match &program.in_set_group_id_folder {
        Some(instead) if is_folder_set_group_id()? => instead,
        Some(_) | None => &program.program,
    };
    let bytes = base64::decode(text)
        .ok_or_else(|| Problem::new(name, "the filter is not base64").help(BUILD_AGAIN))?;
    let (words, rest) = bytes.as_chunks::<8>();
    if !rest.is_empty() || words.is_empty() {
        return Err(Problem::new(
            name,
            "the filter is not a list of instructions of eight bytes each",
        )
        .help(BUILD_AGAIN));
    }
    if words.len() > INSTRUCTIONS_MAX {
        return Err(Problem::new(
            name,
            format!("the filter has {} instructions, more than {INSTRUCTIONS_MAX}", words.len()),
        )
        .help(BUILD_AGAIN));
    }
    // The plan has them in little-endian, as both processors do.
    let instructions = words.iter().map(|word| u64::from_le_bytes(*word)).collect();
    Ok(Filter { name, instructions })
}

/// Whether the working folder has the set-group-id bit. In a folder without it, no jail can set it:
/// the filter refuses that, and `mkdir(2)` only inherits it. But a jail that may write the folder
/// above can put one that has it here.
fn is_folder_set_group_id() -> Result<bool, Problem> {
    let stat = statat(CWD, c".", AtFlags::empty()).about(".")?;
    Ok(Mode::from_raw_mode(stat.st_mode).contains(Mode::SGID))
}

/// Takes away every way to gain a capability by executing something. Those of this
/// process stay until [`capabilities`].
pub(crate) fn bounds() -> Result<(), Problem> {
    keyring()?;
    set_no_new_privs(true).about("no_new_privs")?;
    for capability in 0..64 {
        match remove_capability_from_bounding_set(CapabilitySet::from_bits_retain(1 << capability))
        {
            Ok(()) => {}
            // The first one that this kernel does not know.
            Err(Errno::INVAL) => break,
            // Without CAP_SETPCAP, as in a jail without namespaces, no_new_privs must suffice.
            Err(Errno::PERM) => return Ok(()),
            Err(error) => return Err(Problem::errno("the bounding set", error)),
        }
    }
    set_capabilities_secure_bits(
        CapabilitiesSecureBits::NO_ROOT
            | CapabilitiesSecureBits::NO_ROOT_LOCKED
            | CapabilitiesSecureBits::NO_SETUID_FIXUP
            | CapabilitiesSecureBits::NO_SETUID_FIXUP_LOCKED
            | CapabilitiesSecureBits::KEEP_CAPS_LOCKED
            | CapabilitiesSecureBits::NO_CAP_AMBIENT_RAISE
            | CapabilitiesSecureBits::NO_CAP_AMBIENT_RAISE_LOCKED,
    )
    .about("securebits")
}

/// No namespace contains the keys of the user's session: the jail gets an empty
/// session keyring of its own.
fn keyring() -> Result<(), Problem> {
    match sys::join_new_keyring() {
        // The kernel has no keys, or a container's filter forbids them.
        Ok(()) | Err(Errno::NOSYS | Errno::PERM) => Ok(()),
        Err(Errno::DQUOT) => Err(Problem::errno("the session keyring", Errno::DQUOT).help(
            "you have as many keyrings as one user may have: `sudo sysctl kernel.keys.maxkeys=2000`",
        )),
        Err(error) => Err(Problem::errno("the session keyring", error)),
    }
}

/// Drops every capability for good.
pub(crate) fn capabilities() -> Result<(), Problem> {
    clear_ambient_capability_set().about("the ambient set")?;
    let none = CapabilitySet::empty();
    set_capabilities(None, CapabilitySets { effective: none, permitted: none, inheritable: none })
        .about("the capability sets")
}

/// Loads the filters. What follows in this process and in the payload is under all of them.
pub(crate) fn load(filters: &[Filter<'_>]) -> Result<(), Problem> {
    for filter in filters {
        sys::load_filter(&filter.instructions).about(filter.name).map_err(|problem| {
            match problem.is(&[Errno::INVAL]) {
                true => problem.help(
                    "the kernel takes no such program; if the spec brings it along, `add-seccomp` names a wrong file",
                ),
                false => problem,
            }
        })?;
    }
    Ok(())
}
