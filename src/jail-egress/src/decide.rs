//! The verdict on each step of a connection.

use std::fmt;
use std::net::IpAddr;

use super::address::{Objection, objection};
use super::authority::{Authority, Host};
use super::name::Name;
use super::policy::{Policy, Reach, is_public};
use super::rule::{Destination, Protocol, Rule};

/// What is to be judged. `host` and `port` are what the program in the jail connected to.
#[derive(Clone, Copy, Debug)]
pub enum Request<'a> {
    /// A name is looked up. No resolver is asked before the verdict: a query is a message too.
    Lookup(&'a Name),
    /// A connection was accepted.
    Connect {
        /// The host, in its one form.
        host: &'a Host,
        /// The TCP port.
        port: u16,
    },
    /// A connection to this address is to be made for it.
    Dial {
        /// The host, in its one form.
        host: &'a Host,
        /// The TCP port.
        port: u16,
        /// What the host's name was resolved to, or the host's address itself.
        address: IpAddr,
        /// The addresses of all interfaces of the machine.
        own: &'a [IpAddr],
    },
    /// The client began TLS, and asks for this server.
    Tls {
        /// The host, in its one form.
        host: &'a Host,
        /// The TCP port.
        port: u16,
        /// The server name of the ClientHello as it stands there, where there is one.
        sni: Option<&'a [u8]>,
    },
    /// The client sent a request of HTTP, with this `Host`.
    Http {
        /// The host, in its one form.
        host: &'a Host,
        /// The TCP port.
        port: u16,
        /// The value of the one `Host` field, or `:authority`.
        value: &'a [u8],
        /// The port that is meant where it names none: 80, or 443 under TLS.
        usual: u16,
    },
}

/// What becomes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It goes on.
    Allowed {
        /// What is spoken.
        protocol: Protocol,
        /// The grant that allows it.
        by: String,
    },
    /// It does not.
    Refused(Refusal),
}

/// Why something is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// No rule is about the host.
    Host,
    /// The host may be reached, on other ports.
    Port,
    /// The name leads to an address that no name may lead to.
    Address(Objection),
    /// TLS asks for another server.
    OtherServer,
    /// TLS does not name a server.
    NoServer,
    /// HTTP names another host.
    OtherHost,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host => f.write_str("no rule allows this host"),
            Self::Port => f.write_str("no rule allows this port of the host"),
            Self::Address(objection) => write!(f, "the name leads to {objection}"),
            Self::OtherServer => f.write_str("TLS names another server"),
            Self::NoServer => f.write_str("TLS does not name a server"),
            Self::OtherHost => f.write_str("HTTP names another host"),
        }
    }
}

/// What allows a host under `internet`, where no rule of the spec is about it.
pub const INTERNET: &str = "internet";

/// Judges a request.
#[must_use]
pub fn decide(policy: &Policy, request: &Request<'_>) -> Verdict {
    match *request {
        Request::Lookup(name) => lookup(policy, name),
        Request::Connect { host, port } => connect(policy, host, port),
        Request::Dial { host, port, address, own } => {
            then(connect(policy, host, port), || dial(policy, host, port, address, own))
        }
        Request::Tls { host, port, sni } => {
            then(connect(policy, host, port), || tls(policy, host, port, sni))
        }
        Request::Http { host, port, value, usual } => {
            then(connect(policy, host, port), || http(host, port, value, usual))
        }
    }
}

/// An allowed step is refused where the next check objects.
fn then(verdict: Verdict, check: impl FnOnce() -> Option<Refusal>) -> Verdict {
    match verdict {
        Verdict::Refused(_) => verdict,
        Verdict::Allowed { .. } => check().map_or(verdict, Verdict::Refused),
    }
}

fn lookup(policy: &Policy, name: &Name) -> Verdict {
    let host = Host::Name(name.clone());
    match policy.ports(&host).first() {
        Some(port) => connect(policy, &host, *port),
        None => Verdict::Refused(Refusal::Host),
    }
}

fn connect(policy: &Policy, host: &Host, port: u16) -> Verdict {
    if let Some(rule) = policy.rule(host, port) {
        return Verdict::Allowed { protocol: rule.protocol_on(port), by: rule.by.clone() };
    }
    match &policy.reach {
        Reach::Internet { ports }
            if is_public(host) && ports.contains(&port) && !policy.is_denied_on(host, port) =>
        {
            Verdict::Allowed { protocol: Protocol::of_port(port), by: INTERNET.into() }
        }
        Reach::Internet { .. } | Reach::Rules if policy.ports(host).is_empty() => {
            Verdict::Refused(Refusal::Host)
        }
        Reach::Internet { .. } | Reach::Rules => Verdict::Refused(Refusal::Port),
    }
}

fn dial(
    policy: &Policy,
    host: &Host,
    port: u16,
    address: IpAddr,
    own: &[IpAddr],
) -> Option<Refusal> {
    let address = address.to_canonical();
    match host {
        // A connection by address goes to that address and to no other.
        Host::Address(asked) if asked.to_canonical() != address => Some(Refusal::Host),
        _ if policy.is_denied_on(&Host::Address(address), port) => Some(Refusal::Host),
        _ if is_granted(policy, address, port) => None,
        _ => objection(address, own).map(Refusal::Address),
    }
}

/// Whether a rule names the address itself.
fn is_granted(policy: &Policy, address: IpAddr, port: u16) -> bool {
    policy
        .rules
        .iter()
        .any(|rule| rule.destination == Destination::Address(address) && rule.ports.contains(&port))
}

fn tls(policy: &Policy, host: &Host, port: u16, sni: Option<&[u8]>) -> Option<Refusal> {
    let asked = sni.map(Name::from_wire);
    // A host that was taken away is not reached by its address or behind another's name either.
    if let Some(Ok(asked)) = &asked
        && policy.is_denied_on(&Host::Name(asked.clone()), port)
    {
        return Some(Refusal::Host);
    }
    let Host::Name(name) = host else { return None };
    if policy.takes_any_sni(host, port) {
        return None;
    }
    match asked {
        None => Some(Refusal::NoServer),
        Some(Ok(asked)) if asked == *name => None,
        Some(Ok(_) | Err(_)) => Some(Refusal::OtherServer),
    }
}

fn http(host: &Host, port: u16, value: &[u8], usual: u16) -> Option<Refusal> {
    let is_same = Authority::from_wire(value)
        .is_ok_and(|asked| asked.host == *host && asked.port.unwrap_or(usual) == port);
    (!is_same).then_some(Refusal::OtherHost)
}

/// Whether a rule can be about a host.
fn is_nameable(host: &Host) -> bool {
    Rule::parse(&host.to_string(), "").is_ok()
}

impl Refusal {
    /// The grant that would allow it, as a line of a spec; `None` where no grant should.
    #[must_use]
    pub fn remedy(self, host: &Host, port: u16) -> Option<String> {
        match self {
            // A rule cannot name it.
            Self::Host | Self::Port if !is_nameable(host) => None,
            Self::Host | Self::Port => {
                let port =
                    if matches!(port, 80 | 443) { String::new() } else { format!(":{port}") };
                Some(format!("(network-allow [ \"{host}{port}\" ])"))
            }
            Self::OtherServer | Self::NoServer => Some(format!(
                "(network-allow [ {{ host = \"{host}\"; ports = [ {port} ]; sni = \"any\"; }} ])"
            )),
            Self::Address(_) | Self::OtherHost => None,
        }
    }
}
