//! The network by name, as grants.

use jail_plan::{Credentials, Network, Purpose, Upstream};
use jail_policy::{Grant, NetworkGrant, ProxyCredentials, Text, UpstreamProxy};
use jail_registry::names;

use super::Draft;

pub(super) fn add(draft: &mut Draft<'_>) {
    let Some(network) = &draft.plan.network else { return };
    for rule in &network.egress.rules {
        let grant = NetworkGrant::Host {
            host: rule.host.clone(),
            ports: rule.ports.clone(),
            spoken: rule.protocol,
            any_sni: rule.any_sni,
            txt: rule.txt,
        };
        draft.add(&rule.by, Grant::Network(grant));
    }
    of_all_hosts(draft, network);
    for port in &network.egress.host_ports {
        let grant = NetworkGrant::HostPort { from: port.from, to: port.to };
        draft.add(&port.by, Grant::Network(grant));
    }
    for exposed in &network.egress.exposed {
        let (from, to, count) = (exposed.from, exposed.to, exposed.count);
        draft.add(&exposed.by, Grant::Network(NetworkGrant::Exposed { from, to, count }));
    }
    super::requests::add(draft, network);
    if let Some(ask) = &network.egress.ask {
        let command = ask.command.iter().map(Text::literal).collect();
        let grant = NetworkGrant::Ask { command, seconds: ask.seconds };
        draft.add(&ask.by, Grant::Network(grant));
    }
}

/// What applies to every host. A plan does not contain the origins of some of it.
fn of_all_hosts(draft: &mut Draft<'_>, network: &Network) {
    let egress = &network.egress;
    if !egress.internet.is_empty() {
        let ports = egress.internet.clone();
        let by: &[&str] = &[names::INTERNET_PORTS, names::INTERNET];
        draft.add_of(by, Grant::Network(NetworkGrant::Internet { ports }));
    }
    if !egress.resolvers.is_empty() {
        let servers = egress.resolvers.clone();
        draft.add_of(&[names::DNS], Grant::Network(NetworkGrant::Resolvers { servers }));
    }
    if network.listeners.iter().any(|listener| listener.purpose == Purpose::Proxy) {
        draft.add_of(&[names::PROXY_VARIABLES], Grant::Network(NetworkGrant::Proxy));
    }
    if let Some(upstream) = &egress.upstream {
        let grant = NetworkGrant::Upstream { proxy: proxy(upstream) };
        draft.add(&upstream.by, Grant::Network(grant));
    }
}

fn proxy(upstream: &Upstream) -> UpstreamProxy {
    match &upstream.credentials {
        Some(Credentials::Variable(name)) if upstream.host.is_empty() => {
            UpstreamProxy::Variable { name: name.clone() }
        }
        credentials => UpstreamProxy::At {
            host: upstream.host.clone(),
            port: upstream.port,
            tls: upstream.tls,
            credentials: credentials.as_ref().map(|credentials| match credentials {
                Credentials::File(path) => ProxyCredentials::File { path: Text::literal(path) },
                Credentials::Variable(name) => ProxyCredentials::Variable { name: name.clone() },
            }),
        },
    }
}
