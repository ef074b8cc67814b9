//! The network by name, in the line that says what a jail reaches.

use jail_policy::{Grant, NetworkGrant, sentence};

use super::summary::push;

/// Adds what a part of the network reaches to `networks`, and what else is there to know to `others`.
pub(super) fn add(networks: &mut Vec<String>, others: &mut Vec<String>, grant: &NetworkGrant) {
    let said = || sentence(&Grant::Network(grant.clone())).what;
    match grant {
        NetworkGrant::Host { .. } | NetworkGrant::Internet { .. } => push(networks, said()),
        NetworkGrant::HostPort { to, .. } => {
            push(networks, format!("port {to} of this machine's loopback"));
        }
        NetworkGrant::Exposed { .. } => {
            push(others, format!("whoever connects to its {}", said()));
        }
        NetworkGrant::Ask { command, .. } if !command.is_empty() => {
            push(others, "a command on the host, before a host is refused".into());
        }
        NetworkGrant::Ask { .. }
        | NetworkGrant::Resolvers { .. }
        | NetworkGrant::Proxy
        | NetworkGrant::Upstream { .. } => {}
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
