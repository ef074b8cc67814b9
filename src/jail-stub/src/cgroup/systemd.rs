//! A scope of the user's systemd (root: the machine's), with a control group that is delegated to the caller.
//!
//! The supervisor moves into a group of the scope by itself, beside the jail's: systemd removes a scope when nobody is
//! in it any more, and what happened in the jail is read after the jail's end. It is asked over its own socket, so that
//! neither a bus nor a program (`systemd-run`) is needed.

use alloc::format;
use alloc::string::String;

use rustix::fd::OwnedFd;
use rustix::fs::{Mode, mkdirat};
use rustix::io::Errno;

use crate::caller::Caller;
use crate::cgroup::dbus::{Connection, Property, Refusal};
use crate::cgroup::tree::{self, Hierarchy, failed, none};
use crate::failure::Problem;

/// How long systemd may take, in pauses of a millisecond.
const PATIENCE: u32 = 5000;

/// The group of a new scope, or `None` where no systemd answers.
pub(super) fn scope(
    caller: &Caller<'_>,
    hierarchy: &Hierarchy,
) -> Result<Option<OwnedFd>, Problem> {
    let socket = match caller.uid {
        0 => String::from("/run/systemd/private"),
        uid => format!("/run/user/{uid}/systemd/private"),
    };
    let mut systemd = match Connection::open(&socket, caller.uid) {
        Ok(systemd) => systemd,
        Err(Errno::NOENT | Errno::CONNREFUSED | Errno::ACCESS) => return Ok(None),
        Err(error) => return Err(failed(&socket, error)),
    };
    let pid = rustix::process::getpid().as_raw_nonzero().get().cast_unsigned();
    let unit = format!("jailgen-{pid}.scope");
    let properties = [
        ("Description", Property::Text("a jail and its supervisor")),
        ("PIDs", Property::Numbers(&[pid])),
        ("Delegate", Property::Flag(true)),
        // Otherwise a scope that failed would stay, and its name with it.
        ("CollectMode", Property::Text("inactive-or-failed")),
    ];
    systemd.start_transient_unit(&unit, &properties).map_err(|refusal| match refusal {
        Refusal::Broken(error) => failed(&socket, error),
        Refusal::Told(words) => none(&format!("systemd says: {words}")),
    })?;
    let folder = hierarchy.open(&moved_into(&unit)?)?;
    mkdirat(&folder, "supervisor", Mode::from_raw_mode(0o755))
        .and_then(|()| tree::write(&folder, "supervisor/cgroup.procs", "0"))
        .map_err(|error| failed("the supervisor's control group", error))?;
    Ok(Some(folder))
}

/// Waits until this process is in the scope's group; its path.
fn moved_into(unit: &str) -> Result<String, Problem> {
    for _ in 0..PATIENCE {
        let own = Hierarchy::own()?;
        if own.rsplit('/').next() == Some(unit) {
            return Ok(own);
        }
        tree::pause();
    }
    Err(none("systemd has not moved this process into its scope"))
}
