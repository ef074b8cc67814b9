//! The network by name, as the launch makes it: routes and sockets in the jail's namespace, and
//! what the broker judges by.
//!
//! Which sockets listen in the jail, and where. Those of the table exist before the payload starts;
//! the broker has the others made when a name is first looked up, by its socket factory.
//!
//! | what may be reached | IPv4 | IPv6 | made |
//! |---|---|---|---|
//! | a name, exact or behind a wildcard | an address of 198.18.0.0/15, each port of the rule | one of fd6a:6169:6c00::/64, the same | when it is looked up |
//! | an address of IPv4 that a rule names | that address, each port | – | at launch |
//! | an address of IPv6 that a rule names | – | that address, each port (`IPV6_FREEBIND`) | at launch |
//! | `internet` | 0.0.0.0, each of its ports | ::, the same (`IPV6_V6ONLY`) | at launch |
//! | the jail's DNS server | 127.0.0.1:53, UDP and TCP | – | at launch |
//! | `proxy-variables` | 127.0.0.1:3128 | – | at launch |
//! | `allow-host-port` | 127.0.0.1, the port | ::1, the port | at launch |
//! | `expose-port` | – (the broker connects to the jail's loopback) | – | – |
//! | `secret-socket` | 127.0.0.1, a port that nothing else has | – | at launch |
//!
//! One socket listens on a port of one address: on a port of `internet` the wildcard takes the
//! connections to names and to the addresses of rules too, and the broker distinguishes them by the
//! address that they came to. What no row names has no route.

use std::net::IpAddr;

use jail_egress::{Authority, Host, Objection, special_ranges};
use jail_plan::{
    Ask, Credentials, Egress, EgressRule, Exposed, HostPort, HostText, Listener, Network, Purpose,
    Transport, Upstream,
};
use jail_policy::{NetworkGrant, ProxyCredentials, UpstreamProxy};

use super::super::SealError;
use super::super::text::Reader;
use super::requests::Judged;

/// Addresses that stand for names. RFC 2544 keeps the one range for benchmarks, RFC 4193 gives the
/// other to every network.
pub(super) const SYNTHETIC: [&str; 2] = ["198.18.0.0/15", "fd6a:6169:6c00::/64"];

/// The first of each, which the loopback interface has: without an address the C library takes a
/// family for absent.
const OWN_ADDRESSES: [&str; 2] = ["198.18.0.1", "fd6a:6169:6c00::1"];

/// Where the jail's DNS server and proxy are, and the host's ports.
const LOOPBACK: [&str; 2] = ["127.0.0.1", "::1"];

/// Every address of IPv4, in two halves: a route to all of them would be the default route. And
/// what IPv6 has of public ones.
const PUBLIC: [&str; 3] = ["0.0.0.0/1", "128.0.0.0/1", "2000::/3"];

/// The kernel passes on 253 descriptors at once, and a few of those are not sockets.
const SOCKETS_MAX: usize = 240;

/// What of the network by name a policy grants.
#[derive(Default)]
pub(super) struct ByName {
    by: Option<String>,
    rules: Vec<EgressRule>,
    internet: Vec<u16>,
    resolvers: Vec<String>,
    has_proxy: bool,
    upstream: Option<Upstream>,
    exposed: Vec<Exposed>,
    host_ports: Vec<HostPort>,
    ask: Option<Ask>,
    judged: Judged,
}

impl ByName {
    /// Takes one part in.
    pub(super) fn add(&mut self, read: Reader<'_>, grant: &NetworkGrant) -> Result<(), SealError> {
        let by = read.entry.by.to_string();
        if grant.is_reason() {
            self.by.get_or_insert_with(|| by.clone());
        }
        match grant {
            NetworkGrant::Host { host, ports, spoken, any_sni, txt } => {
                let (host, ports) = (host.clone(), ports.clone());
                let (any_sni, txt) = (*any_sni, *txt);
                self.rules.push(EgressRule { host, ports, protocol: *spoken, any_sni, txt, by });
            }
            NetworkGrant::Internet { ports } => self.internet.clone_from(ports),
            NetworkGrant::Resolvers { servers } => self.resolvers.clone_from(servers),
            NetworkGrant::Proxy => self.has_proxy = true,
            NetworkGrant::Upstream { proxy } => self.upstream = Some(upstream(read, proxy, by)?),
            NetworkGrant::HostPort { from, to } => {
                self.host_ports.push(HostPort { from: *from, to: *to, by });
            }
            NetworkGrant::Exposed { from, to, count } => {
                self.exposed.push(Exposed { from: *from, to: *to, count: *count, by });
            }
            NetworkGrant::Ask { command, seconds } => {
                let command = command.iter().map(|word| read.literal(word));
                let command = command.collect::<Result<_, _>>()?;
                self.ask = Some(Ask { command, seconds: *seconds, by });
            }
            NetworkGrant::Requests { host, methods, paths } => {
                self.judged.requests(host, methods, paths, by);
            }
            NetworkGrant::Secret(secret) => self.judged.secret(read, secret, by)?,
            NetworkGrant::SecretSocket(socket) => self.judged.socket(read, socket, by)?,
            NetworkGrant::Authorities { bundle } => self.judged.authorities(read, bundle, by)?,
        }
        Ok(())
    }

    /// Has Java trust what other programs do. Whether that is more than what every Java trusts.
    pub(super) fn trust_store(&mut self) -> bool {
        self.judged.trust_store()
    }

    /// The plan's record; none where nothing is a reason for one.
    pub(super) fn finish(self, broker: &str) -> Result<Option<Network>, SealError> {
        let Some(by) = self.by.clone() else { return Ok(None) };
        if broker.is_empty() {
            return Err(SealError::new(
                "the network by name needs `jail-broker`, which this kit does not have",
            )
            .help("build with a kit of this version of jailgen"));
        }
        let listeners = self.listeners();
        if listeners.len() > SOCKETS_MAX {
            let count = listeners.len();
            return Err(SealError::new(format!(
                "the addresses, ports and host ports of the spec need {count} sockets, and a jail can be given {SOCKETS_MAX}"
            ))
            .help("name hosts by their names: those need no socket before they are looked up"));
        }
        let names = if self.reaches_hosts() { OWN_ADDRESSES.as_slice() } else { &[] };
        let (local, unreachable) = (self.local(), self.unreachable());
        let Judged { requests, secrets, sockets, given } = self.judged;
        Ok(Some(Network {
            broker: broker.to_owned(),
            local,
            unreachable,
            addresses: names.iter().map(|address| (*address).to_owned()).collect(),
            listeners,
            egress: Egress {
                rules: self.rules,
                internet: self.internet,
                resolvers: self.resolvers,
                upstream: self.upstream,
                exposed: self.exposed,
                host_ports: self.host_ports,
                ask: self.ask,
                requests,
                secrets,
                sockets,
            },
            given,
            by,
        }))
    }

    fn reaches_hosts(&self) -> bool {
        !self.rules.is_empty() || !self.internet.is_empty()
    }

    /// The addresses that rules name, each with the ports of all of them.
    fn literals(&self) -> impl Iterator<Item = (IpAddr, &EgressRule)> {
        self.rules.iter().filter_map(|rule| Some((literal(&rule.host)?, rule)))
    }

    /// What is local to the jail. The ranges of names come first: the broker takes the first of
    /// each family for them.
    fn local(&self) -> Vec<String> {
        let mut local = Vec::new();
        if self.reaches_hosts() {
            local.extend(SYNTHETIC.map(str::to_owned));
        }
        if !self.internet.is_empty() {
            local.extend(PUBLIC.map(str::to_owned));
        }
        for (address, _) in self.literals() {
            let prefix = whole(address);
            if !local.contains(&prefix) {
                local.push(prefix);
            }
        }
        local
    }

    /// What of the public halves is not public. Loopback has a route of its own, and so has what a
    /// rule names.
    fn unreachable(&self) -> Vec<String> {
        if self.internet.is_empty() {
            return Vec::new();
        }
        let local = self.local();
        let ranges = special_ranges().filter(|(_, _, why)| *why != Objection::Loopback);
        let prefixes = ranges.map(|(first, bits, _)| format!("{first}/{bits}"));
        prefixes.filter(|prefix| !local.contains(prefix)).collect()
    }

    fn listeners(&self) -> Vec<Listener> {
        let mut listeners: Vec<Listener> = Vec::new();
        let mut add = |purpose, transport, address: &str, port| {
            let listener = Listener { purpose, transport, address: address.to_owned(), port };
            if !listeners.contains(&listener) {
                listeners.push(listener);
            }
        };
        let [loopback, _] = LOOPBACK;
        if self.reaches_hosts() {
            add(Purpose::Dns, Transport::Udp, loopback, 53);
            add(Purpose::Dns, Transport::Tcp, loopback, 53);
        }
        if self.has_proxy {
            add(Purpose::Proxy, Transport::Tcp, loopback, NetworkGrant::PROXY_PORT);
        }
        for port in &self.internet {
            for wildcard in ["0.0.0.0", "::"] {
                add(Purpose::Address, Transport::Tcp, wildcard, *port);
            }
        }
        for (address, rule) in self.literals() {
            // The wildcard is there already, and takes what comes to this address too.
            for port in rule.ports.iter().filter(|port| !self.internet.contains(port)) {
                add(Purpose::Address, Transport::Tcp, &address.to_string(), *port);
            }
        }
        for port in &self.host_ports {
            for address in LOOPBACK {
                add(Purpose::HostPort, Transport::Tcp, address, port.from);
            }
        }
        for socket in &self.judged.sockets {
            add(Purpose::SecretSocket, Transport::Tcp, loopback, socket.listen);
        }
        listeners
    }
}

/// The address that a rule names, where it names one.
fn literal(host: &str) -> Option<IpAddr> {
    match Authority::from_wire(host.as_bytes()) {
        Ok(Authority { host: Host::Address(address), .. }) => Some(address),
        Ok(Authority { host: Host::Name(_), .. }) | Err(_) => None,
    }
}

/// The prefix of one address.
fn whole(address: IpAddr) -> String {
    let bits = if address.is_ipv4() { 32 } else { 128 };
    format!("{address}/{bits}")
}

fn upstream(read: Reader<'_>, proxy: &UpstreamProxy, by: String) -> Result<Upstream, SealError> {
    let (host, port, tls, credentials) = match proxy {
        UpstreamProxy::At { host, port, tls, credentials } => {
            let credentials = credentials.as_ref().map(|credentials| match credentials {
                ProxyCredentials::File { path } => match read.path(path)? {
                    HostText::Literal(path) => Ok(Credentials::File(path)),
                    HostText::Expand(_) | HostText::PerFolder(_) => {
                        Err(read.error(format!("`{path}` must be known when the jail is built")))
                    }
                },
                ProxyCredentials::Variable { name } => Ok(Credentials::Variable(name.clone())),
            });
            (host.clone(), *port, *tls, credentials.transpose()?)
        }
        UpstreamProxy::Variable { name } => {
            (String::new(), 0, false, Some(Credentials::Variable(name.clone())))
        }
    };
    Ok(Upstream { host, port, tls, credentials, by })
}
