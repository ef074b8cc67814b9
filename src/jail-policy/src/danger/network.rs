//! Grants of the network by name that deserve a second look.

use jail_egress::{Authority, Host, Objection, objection};

use super::{Danger, DangerCode, secret};
use crate::grant::{Grant, NetworkGrant, ProxyCredentials, UpstreamProxy};
use crate::{Access, Entry, Severity, exposures, given};

pub(super) fn dangers(entry: &Entry, grant: &NetworkGrant) -> Vec<Danger> {
    match grant {
        NetworkGrant::Host { host, .. } => literal(entry, host).into_iter().collect(),
        NetworkGrant::Internet { .. } => vec![Danger::from_entry(
            entry,
            Severity::Note,
            DangerCode::WholeInternet,
            "the jail can send what it reads to any public host",
            "name the hosts that the program needs with `network-allow` instead",
        )],
        NetworkGrant::HostPort { to, .. } => vec![Danger::from_entry(
            entry,
            Severity::Note,
            DangerCode::ReachesHost,
            format!("the jail can use the service on port {to} of the host's loopback"),
            "services on the loopback often trust every client: check what this one does",
        )],
        NetworkGrant::Upstream { proxy } => sent(entry, proxy).into_iter().collect(),
        NetworkGrant::Secret(secret) => secret::of_secret(entry, secret),
        NetworkGrant::SecretSocket(socket) => vec![secret::of_socket(entry, socket)],
        NetworkGrant::Resolvers { .. }
        | NetworkGrant::Proxy
        | NetworkGrant::Exposed { .. }
        | NetworkGrant::Ask { .. }
        | NetworkGrant::Requests { .. }
        | NetworkGrant::Authorities { .. } => Vec::new(),
    }
}

/// A proxy gets whatever is where its credentials are said to be.
fn sent(entry: &Entry, proxy: &UpstreamProxy) -> Option<Danger> {
    let UpstreamProxy::At { host, port, credentials: Some(credentials), .. } = proxy else {
        return None;
    };
    let (what, from) = match credentials {
        ProxyCredentials::File { path } => (format!("what is in `{path}`"), Some(path)),
        ProxyCredentials::Variable { name } => (format!("the value of `{name}`"), None),
    };
    let exposed = from.map_or_else(Vec::new, |path| exposures(path, Access::ReadOnly));
    let severity = exposed.iter().map(|exposure| exposure.severity).min();
    let danger = Danger::from_entry(
        entry,
        severity.unwrap_or(Severity::Note),
        DangerCode::PassesSecret,
        format!("the proxy `{host}:{port}` is sent {what}"),
        "name a proxy that you trust, and credentials that are for it alone",
    );
    Some(Danger { from: from.cloned(), ..danger })
}

/// A rule may name an address that no name may lead to.
fn literal(entry: &Entry, host: &str) -> Option<Danger> {
    let Ok(Authority { host: Host::Address(address), .. }) = Authority::from_wire(host.as_bytes())
    else {
        return None;
    };
    let why = objection(address, &[])?;
    let what = format!("the jail can reach `{host}`, {why}");
    let (severity, code, fix) = match why {
        Objection::Metadata => (
            Severity::High,
            DangerCode::GrantsCredentials,
            "drop it: this address gives the machine's credentials to any program that asks",
        ),
        Objection::Own
        | Objection::Loopback
        | Objection::Unspecified
        | Objection::Private
        | Objection::LinkLocal
        | Objection::CarrierGrade
        | Objection::Multicast
        | Objection::Documentation
        | Objection::Benchmark
        | Objection::Reserved => (
            Severity::Note,
            DangerCode::ReachesPrivate,
            "name the ports that the program needs of it, and no others",
        ),
    };
    Some(Danger::from_entry(entry, severity, code, what, fix))
}

/// If hosts are named, one jail can write where another one may read, and the other way round: what
/// one reads, the other can send.
pub(super) fn relay(grants: &[Entry]) -> Option<Danger> {
    let named = |entry: &&Entry| matches!(&entry.grant, Grant::Network(NetworkGrant::Host { .. }));
    let shared = |entry: &Entry| match &entry.grant {
        Grant::Folder { access, stage, .. } => *access == Access::ReadWrite && stage.is_none(),
        Grant::BindArguments { access } => *access == Access::ReadWrite,
        grant => given(grant).iter().any(|(_, access)| *access == Access::ReadWrite),
    };
    let is_open = |entry: &Entry| {
        matches!(&entry.grant, Grant::HostNetwork | Grant::Network(NetworkGrant::Internet { .. }))
    };
    let entry = grants.iter().find(named)?;
    if grants.iter().any(is_open) || !grants.iter().any(shared) {
        return None;
    }
    Some(Danger::from_entry(
        entry,
        Severity::Note,
        DangerCode::RelaysThroughFiles,
        "another jail that can write the same folder can pass on what this one reads, to hosts that it may reach",
        "give jails that share a folder the same hosts",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Origin, Text};

    #[test]
    fn credentials_for_a_proxy_are_as_bad_as_the_file_that_they_are_in() {
        let found = |credentials| {
            let proxy =
                UpstreamProxy::At { host: "a.example".into(), port: 3128, tls: false, credentials };
            let grant = Grant::Network(NetworkGrant::Upstream { proxy });
            let by = Origin { combinator: "upstream-proxy".into(), index: 1 };
            crate::dangers(&[Entry { by, grant }], [])
        };
        let file = |path| Some(ProxyCredentials::File { path });
        let severities = |found: Vec<Danger>| -> Vec<_> {
            found.into_iter().map(|danger| (danger.code, danger.severity)).collect()
        };
        let key = found(file(Text::expanded("~/.ssh/id_ed25519")));
        assert!(key.iter().all(|it| it.what.contains("`a.example:3128` is sent")), "{key:?}");
        assert_eq!(severities(key), [(DangerCode::PassesSecret, Severity::High)]);
        let login = found(file(Text::literal("/etc/proxy-login")));
        assert_eq!(severities(login), [(DangerCode::PassesSecret, Severity::Note)]);
        assert!(found(None).is_empty());
    }
}
