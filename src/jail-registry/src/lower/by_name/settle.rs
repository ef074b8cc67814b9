//! Checks that depend on all that a spec says about the network:
//! contradictions, and what has no effect.

use std::collections::{BTreeMap, BTreeSet};

use jail_egress::{Policy, Protocol, Reach, Rule, Sni};
use jail_policy::{Grant, Missing, Namespace, NetworkGrant, Origin, Spoken, Text};

use super::super::finish::with_first;
use super::super::{Granted, Lowering};
use super::{authorities, judged};
use crate::diagnostic::{Code, Diagnostic};
use crate::term::Place;

pub(in crate::lower) fn settle(state: &mut Lowering<'_>) {
    contradict_host_network(state);
    if has_host_network(state) {
        under_host_network(state);
    } else if !reaches_hosts(state) {
        without_hosts(state);
    }
    contradicting_rules(state);
    authorities::settle(state);
    judged::settle(state);
    taken_ports(state);
}

pub(super) fn network(granted: &Granted) -> Option<&NetworkGrant> {
    match &granted.entry.grant {
        Grant::Network(grant) => Some(grant),
        _ => None,
    }
}

pub(super) fn is_host_network(granted: &Granted) -> bool {
    matches!(
        granted.entry.grant,
        Grant::HostNetwork | Grant::ShareNamespace { namespace: Namespace::Net }
    )
}

pub(super) fn has_host_network(state: &Lowering<'_>) -> bool {
    state.grants.iter().any(is_host_network)
}

pub(super) fn reaches_hosts(state: &Lowering<'_>) -> bool {
    state.grants.iter().filter_map(network).any(NetworkGrant::reaches_hosts)
}

pub(super) fn place_of(state: &Lowering<'_>, by: &Origin) -> Option<Place> {
    state.places.get(by).copied()
}

/// All of the host's network and a list of hosts contradict each other, even if the list is empty:
/// it is not clear which is meant.
fn contradict_host_network(state: &mut Lowering<'_>) {
    let Some(shared) = state.grants.iter().find(|granted| is_host_network(granted)) else { return };
    let (whole, at) = (shared.entry.by.combinator.clone(), place_of(state, &shared.entry.by));
    let Some((name, place)) = state.by_name.said.first().cloned() else { return };
    let message = format!(
        "`{whole}` and `{name}` contradict each other: the host's network reaches every host"
    );
    // The later one is where the reader looks.
    let (later, first) = if at > place { (at, place) } else { (place, at) };
    let help = format!("remove `{whole}` to allow only what `{name}` names, or remove `{name}`");
    let fault = Diagnostic::error(Code::Contradiction, later, message).help(help);
    state.diagnostics.push(with_first(fault, first));
}

/// What belongs to the network by name has no effect under the host's
/// network, except for DNS servers.
fn under_host_network(state: &mut Lowering<'_>) {
    let servers = state.grants.iter().rev().filter_map(network).find_map(|grant| match grant {
        NetworkGrant::Resolvers { servers } => Some(servers.clone()),
        _ => None,
    });
    let by = state
        .grants
        .iter()
        .rfind(|granted| matches!(network(granted), Some(NetworkGrant::Resolvers { .. })));
    if let (Some(servers), Some(by)) = (servers, by.map(|granted| granted.entry.by.clone())) {
        name_servers(state, &servers, &by);
        let is_it =
            |granted: &Granted| matches!(network(granted), Some(NetworkGrant::Resolvers { .. }));
        state.grants.retain(|granted| !is_it(granted));
    }
    if state.by_name.said.is_empty() {
        let why = "does nothing under the host's network, which includes all of that";
        drop_idle(
            state,
            why,
            "remove it, or name hosts with `network-allow` instead of the host's network",
        );
    }
}

/// /etc/resolv.conf then lists these servers instead of the host's.
fn name_servers(state: &mut Lowering<'_>, servers: &[String], by: &Origin) {
    let is_port = |server: &String| server.parse::<std::net::IpAddr>().is_err();
    if let Some(server) = servers.iter().find(|server| is_port(server)) {
        let message = format!("`{server}` names a port, but /etc/resolv.conf has no ports");
        let help = "name the server alone; under `network-allow` and `internet` it may have a port";
        let place = place_of(state, by);
        state.diagnostics.push(Diagnostic::error(Code::BadResolver, place, message).help(help));
        return;
    }
    let lines: String = servers.iter().map(|server| format!("nameserver {server}\n")).collect();
    let to = Text::literal("/etc/resolv.conf");
    let file = Grant::File { to: to.clone(), content: Text::literal(lines), mode: 0o444 };
    let copied = Grant::Copy { from: to.clone(), to, append: None, missing: Missing::Skip };
    // It replaces the copy, so what the spec itself puts there covers it.
    for granted in &mut state.grants {
        if granted.entry.grant == copied {
            granted.entry.grant = file.clone();
            granted.entry.by = by.clone();
        }
    }
}

/// Without hosts, there is no name to look up and no connection to refuse.
fn without_hosts(state: &mut Lowering<'_>) {
    let why = "does nothing without a host to reach";
    drop_idle(state, why, "name hosts with `network-allow`, or use `internet`; or remove it");
}

/// Removes what has no effect, with a warning for each.
fn drop_idle(state: &mut Lowering<'_>, why: &str, help: &str) {
    let is_shared = has_host_network(state);
    // What needs a host by name and has none is an error, which says more.
    let is_idle =
        |grant: &NetworkGrant| !judged::needs_a_broker(grant) && (!grant.is_reason() || is_shared);
    let idle: BTreeMap<Origin, Option<Place>> = state
        .grants
        .iter()
        .filter(|granted| network(granted).is_some_and(is_idle))
        .map(|granted| (granted.entry.by.clone(), place_of(state, &granted.entry.by)))
        .collect();
    for (by, place) in &idle {
        let message = format!("`{}` {why}", by.combinator);
        state
            .diagnostics
            .push(Diagnostic::warning(Code::WithoutEffect, *place, message).help(help));
    }
    state.grants.retain(|granted| !idle.contains_key(&granted.entry.by));
}

/// Two rules for one host and port that differ.
fn contradicting_rules(state: &mut Lowering<'_>) {
    let rules = state.grants.iter().filter_map(|granted| {
        let rule = egress_rule(network(granted)?)?;
        let place = granted.named.as_ref().and_then(|named| named.place);
        Some((rule, place.or_else(|| place_of(state, &granted.entry.by))))
    });
    let (rules, places): (Vec<Rule>, Vec<Option<Place>>) = rules.unzip();
    let policy = Policy { rules, reach: Reach::Rules, changes: Vec::new() };
    let mut faults = Vec::new();
    let mut seen = BTreeSet::new();
    for conflict in policy.conflicts() {
        let (first, later) = conflict.rules;
        // A rule that contradicts several others is reported once.
        if !seen.insert(later) {
            continue;
        }
        let Some(rule) = policy.rules.get(later) else { continue };
        let message = format!(
            "port {} of `{}` is named twice, with different `sni`, `tls` or `tcp`",
            conflict.port, rule.destination
        );
        let place = |index: usize| places.get(index).copied().flatten();
        let fault = Diagnostic::error(Code::Contradiction, place(later), message)
            .help("remove one of them: only the first would count");
        faults.push(with_first(fault, place(first)));
    }
    state.diagnostics.extend(faults);
}

/// A grant as a rule. `None` if it is not a rule.
pub(super) fn egress_rule(grant: &NetworkGrant) -> Option<Rule> {
    let NetworkGrant::Host { host, ports, spoken, any_sni, txt } = grant else { return None };
    let mut rule = Rule::parse(host, String::new()).ok()?;
    rule.ports.clone_from(ports);
    rule.protocol = spoken.map(|spoken| match spoken {
        Spoken::Tls => Protocol::Tls,
        Spoken::Http => Protocol::Http,
        Spoken::Tcp => Protocol::Tcp,
    });
    rule.sni = if *any_sni { Sni::Any } else { Sni::Same };
    rule.txt = *txt;
    Some(rule)
}

/// A port of the jail's loopback that two servers need.
fn taken_ports(state: &mut Lowering<'_>) {
    let mut taken: BTreeMap<u16, Taken<'_>> = BTreeMap::new();
    if reaches_hosts(state) {
        let who = "the jail's DNS server".to_owned();
        taken.insert(53, Taken { who, place: None, grant: None });
    }
    let mut faults = Vec::new();
    for granted in &state.grants {
        let Some(grant) = network(granted) else { continue };
        let by = &granted.entry.by;
        let named = granted.named.as_ref().and_then(|named| named.place);
        let who = format!("`{}`", by.combinator);
        for port in wanted(grant) {
            let place = named.or_else(|| place_of(state, by));
            let now = Taken { who: who.clone(), place, grant: Some(grant) };
            match taken.get(&port) {
                None => drop(taken.insert(port, now)),
                // The same rule is given twice.
                Some(first) if first.grant == now.grant => {}
                Some(first) => faults.push(both_want(port, first, &now)),
            }
        }
    }
    state.diagnostics.extend(faults);
}

/// Who has a port.
struct Taken<'a> {
    who: String,
    place: Option<Place>,
    grant: Option<&'a NetworkGrant>,
}

fn both_want(port: u16, first: &Taken<'_>, now: &Taken<'_>) -> Diagnostic {
    let (one, other) = (&first.who, &now.who);
    let message =
        format!("port {port} of the jail's loopback is used twice, by {one} and by {other}");
    let help = "give `allow-host-port` another port inside: `{ from = 15432; to = 5432; }`";
    with_first(Diagnostic::error(Code::Contradiction, now.place, message).help(help), first.place)
}

/// The ports on which the broker listens on 127.0.0.1. Those of public hosts
/// are taken on all addresses.
pub(super) fn wanted(grant: &NetworkGrant) -> Vec<u16> {
    match grant {
        NetworkGrant::Internet { ports } => ports.clone(),
        NetworkGrant::Proxy => vec![NetworkGrant::PROXY_PORT],
        NetworkGrant::HostPort { from, .. } => vec![*from],
        NetworkGrant::SecretSocket(socket) => vec![socket.listen],
        NetworkGrant::Host { .. }
        | NetworkGrant::Resolvers { .. }
        | NetworkGrant::Upstream { .. }
        | NetworkGrant::Exposed { .. }
        | NetworkGrant::Ask { .. }
        | NetworkGrant::Requests { .. }
        | NetworkGrant::Secret(_)
        | NetworkGrant::Authorities { .. } => Vec::new(),
    }
}
