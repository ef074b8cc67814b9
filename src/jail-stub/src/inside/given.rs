//! Files that the broker fills and sockets that it answers on: made empty here, read-only
//! inside, and handed to it open.

use jail_plan::{Content, HostUse, InsideOp, Step};
use rustix::fd::OwnedFd;
use rustix::fs::OFlags;
use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};

use crate::failure::{About, Problem};
use crate::inside::{Built, Launch, order, refused, socket};

/// Puts them in their places, when [`refused`] puts its file there. If a place is in a
/// folder of the host's, there is no launch: nothing is made there, and the payload
/// would find something else.
pub(super) fn place(
    launch: &Launch<'_>,
    done: &[&Step<InsideOp>],
    next: Option<&InsideOp>,
    built: &Built<'_>,
) -> Result<(), Problem> {
    let Some(network) = launch.network.filter(|network| network.lacks_filled(next)) else {
        return Ok(());
    };
    for (content, path, given) in network.filled() {
        let path = launch.caller.path(path)?;
        let path = path.as_str();
        if is_hosts(launch, done, built, path.as_bytes()) {
            let words = "it lies in a folder of the host's, where the launch makes nothing";
            return Err(Problem::new(path, words));
        }
        given.put(match content {
            Content::Server(_) => server(path, built)?,
            Content::Authorities(_) | Content::TrustStore(_) | Content::Placeholder(_) => {
                refused::file(path, OFlags::WRONLY, &built.root)?
            }
        });
    }
    Ok(())
}

/// Whether a place inside is in a tree of the host's.
pub(super) fn is_hosts(
    launch: &Launch<'_>,
    done: &[&Step<InsideOp>],
    built: &Built<'_>,
    path: &[u8],
) -> bool {
    let places = &built.places;
    let found = places.folder.iter().chain(places.bound.iter().map(|bound| &bound.path));
    order::around(done, path, launch.caller)
        .is_some_and(|step| step.op.host_use() != HostUse::Nothing)
        || found.into_iter().any(|place| order::is_around(place, path))
}

fn server(path: &str, built: &Built<'_>) -> Result<OwnedFd, Problem> {
    let made = socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None);
    let made = made.about(path)?;
    socket::listen_at(&made, path, &built.root)?;
    Ok(made)
}
