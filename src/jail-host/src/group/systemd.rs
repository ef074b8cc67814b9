//! A scope of the user's systemd (root: the machine's), with a control group that is
//! delegated to the caller.
//!
//! The supervisor is moved into a group of the scope, next to the jail's: systemd removes a scope
//! when no process is in it any more, and what happened in the jail is read after the jail's end.
//! systemd is asked over its own socket, so neither a bus nor a program (`systemd-run`) is needed.

use std::os::fd::OwnedFd;
use std::thread;
use std::time::Duration;

use jail_plan::helper::Refusal;
use rustix::fs::{Mode, mkdirat};
use rustix::io::Errno;

use super::dbus::{Connection, Property, Refused};
use super::tree::{self, Hierarchy, failed, none};

/// How long systemd may take to move a process.
const PATIENCE: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(1);

/// A manager that answers.
pub(super) struct Systemd {
    socket: String,
    connection: Connection,
}

impl Systemd {
    /// The caller's manager; `None` if there is none.
    pub(super) fn connect() -> Result<Option<Self>, Refusal> {
        let uid = rustix::process::geteuid().as_raw();
        let socket = match uid {
            0 => String::from("/run/systemd/private"),
            uid => format!("/run/user/{uid}/systemd/private"),
        };
        match Connection::open(&socket, uid) {
            Ok(connection) => Ok(Some(Self { socket, connection })),
            Err(Errno::NOENT | Errno::CONNREFUSED | Errno::ACCESS) => Ok(None),
            Err(error) => Err(failed(&socket, error)),
        }
    }

    /// The group of a new scope, with the supervisor in a group of its own.
    pub(super) fn scope(mut self, hierarchy: &Hierarchy) -> Result<OwnedFd, Refusal> {
        let pid = hierarchy.supervisor;
        let unit = format!("jailgen-{pid}.scope");
        let properties = [
            ("Description", Property::Text("a jail and its supervisor")),
            ("PIDs", Property::Numbers(&[pid])),
            ("Delegate", Property::Flag(true)),
            // Otherwise a scope that failed would stay, and its name would stay taken.
            ("CollectMode", Property::Text("inactive-or-failed")),
        ];
        self.connection.start_transient_unit(&unit, &properties).map_err(
            |refused| match refused {
                Refused::Broken(error) => failed(&self.socket, error),
                Refused::Answer(words) => none(&format!("systemd says: {words}")),
            },
        )?;
        let folder = hierarchy.open(&moved_into(&unit, hierarchy)?)?;
        mkdirat(&folder, "supervisor", Mode::from_raw_mode(0o755))
            .and_then(|()| tree::write(&folder, "supervisor/cgroup.procs", &pid.to_string()))
            .map_err(|error| failed("the supervisor's control group", error))?;
        Ok(folder)
    }
}

/// Waits until the supervisor is in the scope's group, and returns its path.
fn moved_into(unit: &str, hierarchy: &Hierarchy) -> Result<String, Refusal> {
    for _ in 0..PATIENCE.as_millis() {
        let own = hierarchy.of_supervisor()?;
        if own.rsplit('/').next() == Some(unit) {
            return Ok(own);
        }
        thread::sleep(PAUSE);
    }
    Err(none("systemd has not moved this process into its scope"))
}
