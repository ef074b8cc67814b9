//! The network by name, in the line that says what a jail reaches.

use jail_policy::{Grant, NetworkGrant, sentence};

use super::summary::Summary;

/// Adds what a part of the network reaches.
pub(super) fn add(summary: &mut Summary, grant: &NetworkGrant) {
    let said = || sentence(&Grant::Network(grant.clone())).what;
    match grant {
        NetworkGrant::Host { .. } => summary.hosts.push(said()),
        NetworkGrant::Internet { .. } => summary.networks.push(said()),
        NetworkGrant::HostPort { to, .. } => {
            summary.networks.push(format!("port {to} of this machine's loopback"));
        }
        NetworkGrant::Exposed { .. } => {
            summary.reaches(format!("clients of its {}", said()));
        }
        NetworkGrant::Ask { command, .. } if !command.is_empty() => {
            summary.reaches("a command on the host, before a host is refused");
        }
        // It sees which hosts the jail talks to, and what is not encrypted.
        NetworkGrant::Upstream { .. } => summary.reaches(said()),
        NetworkGrant::SecretSocket(socket) => {
            summary.hosts.push(format!("{} through {}", socket.host, socket.socket));
        }
        // Their hosts are there by rules of their own.
        NetworkGrant::Requests { .. }
        | NetworkGrant::Secret(_)
        | NetworkGrant::Authorities { .. }
        | NetworkGrant::Ask { .. }
        | NetworkGrant::Resolvers { .. }
        | NetworkGrant::Proxy => {}
    }
}

/// What is not there of the network, where there is something of it by name.
pub(super) fn absent<'a>(grants: impl Iterator<Item = &'a Grant>) -> &'static str {
    let parts: Vec<&NetworkGrant> = grants
        .filter_map(|grant| match grant {
            Grant::Network(part) => Some(part),
            _ => None,
        })
        .collect();
    let is_public = |part: &&NetworkGrant| matches!(part, NetworkGrant::Internet { .. });
    if parts.iter().any(is_public) {
        "other ports, the local network, the host's loopback, and UDP"
    } else if parts.iter().any(|part| part.reaches_hosts()) {
        "other hosts, the local network and the host's loopback among them, and UDP"
    } else if parts.iter().any(|part| part.is_reason()) {
        "any other network, and the rest of the host's loopback"
    } else {
        "any network, the host's loopback included"
    }
}
