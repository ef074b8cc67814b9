//! Requests and secrets, checked when the whole spec is known: which hosts may be reached at all,
//! and on which ports servers listen.

use std::collections::BTreeSet;

use jail_egress::{Destination, Pattern, Protocol, Rule};
use jail_policy::{Grant, NetworkGrant, Secret};

use super::super::{Granted, Lowering};
use super::collisions;
use super::secret::{UNCHOSEN, base_url};
use super::settle::{
    egress_rule, has_host_network, is_host_network, network, place_of, reaches_hosts, wanted,
};
use crate::diagnostic::{Code, Diagnostic};
use crate::keys;
use crate::table::names;
use crate::term::Place;

pub(super) fn settle(state: &mut Lowering<'_>) {
    if has_host_network(state) {
        without_a_broker(state);
    } else {
        unreachable_hosts(state);
    }
    wider_rules(state);
    unjudged_ports(state);
    collisions::settle(state);
    forwarded_keys(state);
    choose_ports(state);
}

/// Whether only a broker between the jail and a host can do it.
pub(super) fn needs_a_broker(grant: &NetworkGrant) -> bool {
    match grant {
        NetworkGrant::Secret(_)
        | NetworkGrant::SecretSocket(_)
        | NetworkGrant::Requests { .. }
        | NetworkGrant::Authorities { .. } => true,
        NetworkGrant::Host { .. }
        | NetworkGrant::Internet { .. }
        | NetworkGrant::Resolvers { .. }
        | NetworkGrant::Proxy
        | NetworkGrant::Upstream { .. }
        | NetworkGrant::HostPort { .. }
        | NetworkGrant::Exposed { .. }
        | NetworkGrant::Ask { .. } => false,
    }
}

pub(super) fn place(state: &Lowering<'_>, granted: &Granted) -> Option<Place> {
    let named = granted.named.as_ref().and_then(|named| named.place);
    named.or_else(|| place_of(state, &granted.entry.by))
}

/// The error of two places that conflict, with the later one first.
pub(super) fn contradiction(
    message: String,
    (one, other): (Option<Place>, Option<Place>),
    label: &str,
    help: &str,
) -> Diagnostic {
    let (later, first) = if one > other { (one, other) } else { (other, one) };
    let fault = Diagnostic::error(Code::Contradiction, later, message).help(help);
    match first {
        Some(first) => fault.secondary(first, label),
        None => fault,
    }
}

/// Under the host's network connections do not go through a broker.
fn without_a_broker(state: &mut Lowering<'_>) {
    let Some(shared) = state.grants.iter().find(|granted| is_host_network(granted)) else { return };
    let (whole, at) = (shared.entry.by.combinator.clone(), place_of(state, &shared.entry.by));
    let mut faults = Vec::new();
    for granted in &state.grants {
        // A rule for requests names a host, which has been reported already.
        let name = match network(granted) {
            Some(NetworkGrant::Secret(_) | NetworkGrant::SecretSocket(_)) => {
                &granted.entry.by.combinator
            }
            _ => continue,
        };
        let message = format!(
            "`{name}` needs the network by name: under `{whole}` there is no broker between the jail and a host"
        );
        let help = format!(
            "name the hosts with `{}` instead of `{whole}`, or with `allowedHosts` in a builder",
            names::NETWORK_ALLOW
        );
        let places = (place(state, granted), at);
        faults.push(contradiction(message, places, "the host's network is granted here", &help));
    }
    state.diagnostics.extend(faults);
}

/// A rule for hosts by name, as it was granted.
struct Allowed {
    pattern: Pattern,
    rule: Rule,
    place: Option<Place>,
    combinator: String,
}

fn allowed(state: &Lowering<'_>) -> Vec<Allowed> {
    let of_granted = |granted: &Granted| {
        let rule = egress_rule(network(granted)?)?;
        let Destination::Names(pattern) = rule.destination.clone() else { return None };
        let combinator = granted.entry.by.combinator.clone();
        Some(Allowed { pattern, rule, place: place(state, granted), combinator })
    };
    state.grants.iter().filter_map(of_granted).collect()
}

pub(super) fn secrets<'s>(
    state: &'s Lowering<'_>,
) -> impl Iterator<Item = (&'s Secret, &'s Granted, Option<Place>)> {
    state.grants.iter().filter_map(move |granted| match network(granted) {
        Some(NetworkGrant::Secret(secret)) => Some((secret, granted, place(state, granted))),
        _ => None,
    })
}

pub(super) fn pattern(host: &str) -> Option<Pattern> {
    Pattern::parse(host).ok()
}

/// A secret goes only to hosts that the network allows, and never over plain HTTP.
fn unreachable_hosts(state: &mut Lowering<'_>) {
    let rules = allowed(state);
    let internet = state.grants.iter().filter_map(network).find_map(|grant| match grant {
        NetworkGrant::Internet { ports } => Some(ports.clone()),
        _ => None,
    });
    let mut faults = Vec::new();
    for (secret, granted, place) in secrets(state) {
        for host in &secret.hosts {
            let Some(wanted) = pattern(host) else { continue };
            let about: Vec<&Allowed> =
                rules.iter().filter(|rule| rule.pattern.covers(&wanted)).collect();
            let public = internet.iter().flatten().any(|port| is_tls(Protocol::of_port(*port)));
            if public && about.is_empty() || about.iter().any(|allowed| speaks_tls(&allowed.rule)) {
                continue;
            }
            let name = &granted.entry.by.combinator;
            faults.push(unreachable(state, name, host, place, &about, &rules));
        }
    }
    state.diagnostics.extend(faults);
}

fn speaks_tls(rule: &Rule) -> bool {
    rule.ports.iter().any(|port| is_tls(rule.protocol_on(*port)))
}

const fn is_tls(protocol: Protocol) -> bool {
    matches!(protocol, Protocol::Tls)
}

fn unreachable(
    state: &Lowering<'_>,
    name: &str,
    host: &str,
    place: Option<Place>,
    about: &[&Allowed],
    rules: &[Allowed],
) -> Diagnostic {
    let allow = names::NETWORK_ALLOW;
    let (message, help, first) = match (about.first(), rules.first()) {
        (Some(allowed), _) => (
            format!("`{name}` puts a value only into TLS, and nothing speaks TLS to `{host}`"),
            "allow the host on port 443, or say `tls = true` for the port that uses it".to_owned(),
            allowed.place,
        ),
        (None, Some(rule)) => (
            format!("`{name}` is for `{host}`, which the network does not allow"),
            format!(
                "add `\"{host}\"` to the hosts that may be reached, or remove it from the hosts of the secret"
            ),
            rule.place,
        ),
        (None, None) if reaches_hosts(state) => (
            format!("`{name}` is for `{host}`, but no port for TLS may be reached"),
            "allow port 443 too".to_owned(),
            None,
        ),
        (None, None) => (
            format!("`{name}` is for `{host}`, but the jail can reach no host"),
            format!("name the host: `({allow} [ \"{host}\" ])`"),
            None,
        ),
    };
    let fault = Diagnostic::error(Code::SecretHost, place, message).help(help);
    match first {
        Some(first) => fault.secondary(first, "these hosts may be reached"),
        None => fault,
    }
}

/// A host whose requests are judged, although another rule allows all requests to it.
fn wider_rules(state: &mut Lowering<'_>) {
    let rules = allowed(state);
    let judged: Vec<(Pattern, String, Option<Place>)> = state
        .grants
        .iter()
        .filter_map(|granted| match network(granted)? {
            NetworkGrant::Requests { host, .. } => {
                Some((pattern(host)?, host.clone(), place(state, granted)))
            }
            _ => None,
        })
        .collect();
    let mut seen = BTreeSet::new();
    let mut faults = Vec::new();
    for (judged, host, at) in &judged {
        for plain in rules.iter().filter(|rule| rule.combinator != names::HTTP_ALLOW) {
            let shares_port = rules
                .iter()
                .filter(|rule| rule.combinator == names::HTTP_ALLOW && rule.pattern == *judged)
                .flat_map(|rule| &rule.rule.ports)
                .any(|port| plain.rule.ports.contains(port));
            if !judged.covers(&plain.pattern) || !shares_port || !seen.insert((plain.place, host)) {
                continue;
            }
            let (plain_host, name) = (&plain.rule.destination, &plain.combinator);
            let judges = names::HTTP_ALLOW;
            let message = format!(
                "`{name}` allows every request to `{plain_host}`, and `{judges}` only some to `{host}`"
            );
            let help = format!(
                "take `{plain_host}` from the list of `{name}`: `{judges}` makes the host reachable"
            );
            faults.push(contradiction(message, (*at, plain.place), "allowed here", &help));
        }
    }
    state.diagnostics.extend(faults);
}

/// A host whose requests are judged, although ports on which nothing can be judged are open to
/// every host that the spec names.
fn unjudged_ports(state: &mut Lowering<'_>) {
    let opened = state.grants.iter().find_map(|granted| match network(granted)? {
        NetworkGrant::Internet { ports }
            if granted.entry.by.combinator == names::INTERNET_PORTS =>
        {
            let raw = |port: &&u16| Protocol::of_port(**port) == Protocol::Tcp;
            let ports: Vec<u16> = ports.iter().filter(raw).copied().collect();
            (!ports.is_empty()).then_some((ports, place(state, granted)))
        }
        _ => None,
    });
    let Some((mut ports, opened)) = opened else { return };
    let judged = state.grants.iter().find_map(|granted| match network(granted)? {
        NetworkGrant::Requests { host, .. } => Some((host.clone(), place(state, granted))),
        _ => None,
    });
    let Some((host, at)) = judged else { return };
    ports.sort_unstable();
    let numbers: Vec<String> = ports.iter().map(ToString::to_string).collect();
    let plural = if ports.len() == 1 { "" } else { "s" };
    let said = format!("port{plural} {}", numbers.join(" and "));
    let opens = names::INTERNET_PORTS;
    let message = format!("`{opens}` opens {said} of `{host}` too, where no request is judged");
    let help = format!(
        "take {said} from `{opens}`, and name the hosts that need more: `({} [ \"other.example.com:{}\" ])`",
        names::NETWORK_ALLOW,
        ports.first().copied().unwrap_or_default()
    );
    let label = if at > opened { "opened here" } else { "judged here" };
    state.diagnostics.push(contradiction(message, (opened, at), label, &help));
}

/// A key that is passed on although the broker could insert it.
fn forwarded_keys(state: &mut Lowering<'_>) {
    let has_network = |granted: &Granted| is_host_network(granted) || network(granted).is_some();
    if !state.grants.iter().any(has_network) {
        return;
    }
    let warnings: Vec<Diagnostic> = state
        .grants
        .iter()
        .filter_map(|granted| {
            let Grant::ForwardEnv { name, .. } = &granted.entry.grant else { return None };
            let key = keys::key(name)?;
            let by = &granted.entry.by.combinator;
            let message =
                format!("`{by}` gives the jail the value of `{name}`, which can stay outside");
            let help = format!(
                "write `{}`: the program then has a placeholder, and needs the network by name",
                key.secret()
            );
            let place = place(state, granted);
            Some(Diagnostic::warning(Code::ForwardsKey, place, message).help(help))
        })
        .collect();
    state.diagnostics.extend(warnings);
}

/// The first port that is tried, next to that of the proxy.
const FIRST_PORT: u16 = NetworkGrant::PROXY_PORT + 1;

/// Each server gets the first port of the jail's loopback that nothing else uses, also no server of
/// the jail that is exposed.
fn choose_ports(state: &mut Lowering<'_>) {
    let mut taken: BTreeSet<u16> = BTreeSet::new();
    for grant in state.grants.iter().filter_map(network) {
        taken.extend(wanted(grant));
        if let NetworkGrant::Exposed { to, count, .. } = grant {
            taken.extend((0..*count).filter_map(|more| to.checked_add(more)));
        }
    }
    let mut free = (FIRST_PORT..).filter(|port| !taken.contains(port));
    let mut chosen = Vec::new();
    for granted in &mut state.grants {
        let Grant::Network(NetworkGrant::SecretSocket(socket)) = &mut granted.entry.grant else {
            continue;
        };
        if let (UNCHOSEN, Some(port)) = (socket.listen, free.next()) {
            socket.listen = port;
            chosen.push((granted.entry.by.clone(), port));
        }
    }
    for granted in &mut state.grants {
        let Grant::SetEnv { value, .. } = &mut granted.entry.grant else { continue };
        if *value == base_url(UNCHOSEN)
            && let Some((_, port)) = chosen.iter().find(|(by, _)| *by == granted.entry.by)
        {
            *value = base_url(*port);
        }
    }
}
