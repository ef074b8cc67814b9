//! What of the user's session appears inside: sockets and devices that programs find by
//! variables or well-known places.
//!
//! Only a socket is bound as one: otherwise a variable that is empty or names a folder
//! would give all of `/run/user/UID` or `/tmp/.X11-unix` away, and a read-only mount
//! does not prevent connections.

mod cards;
mod sockets;

use alloc::string::String;
use alloc::vec::Vec;

use jail_plan::{Access, Service};
use rustix::fs::FileType;
use rustix::io::Errno;

use crate::failure::{About, Problem};
use crate::inside::Launch;
use crate::inside::bind::{self, Source};

/// What the host has of it. Empty if it has nothing.
pub(crate) fn sources(service: Service, launch: &Launch<'_>) -> Result<Vec<Source>, Problem> {
    match service {
        Service::Gpu => cards::graphics(launch),
        Service::Camera => cards::cameras(launch),
        Service::X11 => sockets::x11(launch),
        service @ (Service::Wayland
        | Service::Pulse
        | Service::Pipewire
        | Service::SshAgent
        | Service::GpgAgent
        | Service::NixDaemon
        | Service::SessionBus
        | Service::FilteredSessionBus
        | Service::FilteredSystemBus
        | Service::SystemBus) => {
            let found = sockets::candidates(service, launch.caller)
                .into_iter()
                .find_map(|(from, to)| socket(&from, &to, launch).transpose());
            Ok(found.transpose()?.into_iter().collect())
        }
    }
}

/// The nodes and folders of devices that a service binds unchanged.
pub(crate) fn devices(service: Service) -> Result<Vec<Vec<u8>>, Problem> {
    cards::nodes(service).map(|paths| paths.into_iter().map(String::into_bytes).collect())
}

/// A socket of the host, if there is one at this path: what is looked at is what is bound.
fn socket(from: &str, to: &str, launch: &Launch<'_>) -> Result<Option<Source>, Problem> {
    is_kind(from, FileType::Socket, launch)?
        .then(|| bind::source(from.as_bytes(), to.as_bytes(), Access::ReadOnly, launch))
        .transpose()
}

fn is_kind(path: &str, kind: FileType, launch: &Launch<'_>) -> Result<bool, Problem> {
    let place = match launch.paths.open(path.as_bytes()) {
        Ok(place) => place,
        Err(problem) if is_absent(&problem) => return Ok(false),
        Err(problem) => return Err(problem),
    };
    let stat = rustix::fs::fstat(&*place).about(path)?;
    Ok(FileType::from_raw_mode(stat.st_mode) == kind)
}

/// What the user may not access might as well be missing, for the payload.
fn is_absent(problem: &Problem) -> bool {
    problem.is(&[Errno::NOENT, Errno::NOTDIR, Errno::ACCESS])
}
