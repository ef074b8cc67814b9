//! What the broker's processes give up before the first byte from the jail is read.

mod calls;

use std::io;

use jail_seccomp::Arch;
use rustix::process::{
    DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit,
};
use rustix::thread::{
    CapabilitySet, CapabilitySets, clear_ambient_capability_set,
    remove_capability_from_bounding_set, set_capabilities, set_no_new_privs,
};

use crate::sys;

pub(crate) use calls::Calls;

#[cfg(target_arch = "x86_64")]
const ARCH: Arch = Arch::X86_64;
#[cfg(target_arch = "aarch64")]
const ARCH: Arch = Arch::Aarch64;

/// The most descriptors that are asked for: two for each of ten thousand connections, and the
/// listening sockets.
const FILES_MAX: u64 = 65_536;

/// What every process of the broker does first: no other process may inspect it, and it leaves no
/// core dump.
pub(crate) fn close_to_others() -> io::Result<()> {
    set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
    rustix::process::chdir("/")?;
    Ok(())
}

/// Raises the limit of open files as far as it may be, and says what it is.
pub(crate) fn raise_files() -> u64 {
    let limit = getrlimit(Resource::Nofile);
    let wanted = limit.maximum.unwrap_or(FILES_MAX).min(FILES_MAX);
    let raised = Rlimit { current: Some(wanted), maximum: limit.maximum };
    match setrlimit(Resource::Nofile, raised) {
        Ok(()) => wanted,
        Err(_) => limit.current.unwrap_or(FILES_MAX),
    }
}

/// Gives up all capabilities but `kept`, the right to gain any, all files, and all system calls but
/// those of `calls`.
pub(crate) fn give_up(kept: CapabilitySet, calls: Calls) -> io::Result<()> {
    give_up_rights(kept)?;
    // A change of capabilities by a process with another owner would have set it back.
    set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    sys::deny_all_files()?;
    sys::load_filter(&calls.program(ARCH)?)
}

/// Gives up all capabilities but `kept`, and the right to gain any.
pub(crate) fn give_up_rights(kept: CapabilitySet) -> io::Result<()> {
    give_up_capabilities(kept)?;
    Ok(set_no_new_privs(true)?)
}

fn give_up_capabilities(kept: CapabilitySet) -> io::Result<()> {
    // Without CAP_SETPCAP there is nothing to take from the bounding set, and nothing to gain by it
    // either: what executes no program gains no capability.
    let own = rustix::thread::capabilities(None)?;
    if own.effective.contains(CapabilitySet::SETPCAP) {
        for capability in CapabilitySet::all().iter().filter(|one| !kept.contains(*one)) {
            match remove_capability_from_bounding_set(capability) {
                // A kernel older than the capability.
                Ok(()) | Err(rustix::io::Errno::INVAL) => {}
                Err(error) => return Err(error.into()),
            }
        }
        clear_ambient_capability_set()?;
    }
    set_capabilities(
        None,
        CapabilitySets { effective: kept, permitted: kept, inheritable: CapabilitySet::empty() },
    )?;
    Ok(())
}
