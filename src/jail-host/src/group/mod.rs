//! The jail's control group (cgroups(7), version 2), made before there is a jail.
//!
//! If systemd runs, it is below what systemd delegates, else below what the caller may write
//! already. This process speaks only to systemd, writes below the groups' mount and nowhere else,
//! and hands the group over by descriptors: the stub has the jail cloned into it, reads what
//! happened in it, and removes it.

mod dbus;
mod systemd;
mod tree;
mod walls;

use std::io;
use std::os::fd::OwnedFd;

use jail_plan::Controlled;
use jail_plan::errand::Group;
use jail_plan::helper::Refusal;
use rustix::fs::{AtFlags, Mode, mkdirat, unlinkat};
use rustix::io::Errno;

use self::systemd::Systemd;
use self::tree::{Hierarchy, Tree};
use crate::errand::{Done, Errand, failed};

/// The only request, and its reply.
pub(crate) fn serve(errand: &Errand) -> io::Result<()> {
    let Some((packet, None)) = errand.hear()? else { return Ok(()) };
    let wanted =
        Group::decode(&packet).ok_or_else(|| io::Error::other("the stub sent no packet"))?;
    errand.reply(make(&wanted))
}

fn make(wanted: &Group) -> Result<Done, Refusal> {
    let hierarchy = Hierarchy::find(wanted.supervisor)?;
    let systemd = Systemd::connect()?;
    walls::close(&hierarchy).map_err(|error| tree::failed("the process that makes it", error))?;
    let tree = match systemd {
        Some(systemd) => {
            let folder = systemd.scope(&hierarchy)?;
            Tree { folder, name: "jail".into() }
        }
        None => tree::delegated(&hierarchy)?,
    };
    tree::enable(&tree.folder, wanted.limits.iter().map(|(resource, _)| controller(*resource)))?;
    let Tree { folder: parent, name } = tree;
    mkdirat(&parent, &*name, Mode::from_raw_mode(0o755)).map_err(|error| failed(&name, error))?;
    match limited(wanted, &parent, &name) {
        Ok(folder) => Ok((name.into_bytes(), vec![parent, folder])),
        Err(refusal) => {
            let _ = unlinkat(&parent, &*name, AtFlags::REMOVEDIR);
            Err(refusal)
        }
    }
}

/// The group, with its limits.
fn limited(wanted: &Group, parent: &OwnedFd, name: &str) -> Result<OwnedFd, Refusal> {
    let folder = tree::open(parent, name).map_err(|error| failed(name, error))?;
    for (resource, value) in &wanted.limits {
        set(&folder, *resource, *value, wanted.others)?;
    }
    Ok(folder)
}

/// The controller of a resource, as the kernel calls it.
fn controller(resource: Controlled) -> &'static str {
    match resource {
        Controlled::Memory => "memory",
        Controlled::Pids => "pids",
        Controlled::Cpu => "cpu",
    }
}

fn set(folder: &OwnedFd, resource: Controlled, value: u64, others: u64) -> Result<(), Refusal> {
    let write = |file: &str, value: String| {
        tree::write(folder, file, &value).map_err(|error| failed(file, error))
    };
    let write_if_there = |file: &str, value: &str| match tree::write(folder, file, value) {
        Err(Errno::NOENT) | Ok(()) => Ok(()),
        Err(error) => Err(failed(file, error)),
    };
    match resource {
        Controlled::Memory => {
            write("memory.max", value.to_string())?;
            // Kernels without swap accounting have no such file; then none of
            // the jail's swap is counted.
            write_if_there("memory.swap.max", "0")?;
            // A jail that lost one of its processes would go on in an undefined state.
            write_if_there("memory.oom.group", "1")
        }
        Controlled::Pids => write("pids.max", value.saturating_add(others).to_string()),
        // Microseconds of processor time in each tenth of a second.
        Controlled::Cpu => write("cpu.max", format!("{} 100000", value.saturating_mul(1000))),
    }
}
