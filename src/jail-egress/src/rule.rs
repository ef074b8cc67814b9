//! One rule of a policy: a destination, its ports, and what is spoken there.

use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::address::{Objection, objection};
use super::authority::{Authority, AuthorityError, Host, port};
use super::name::Name;
use super::pattern::{Pattern, PatternError};

/// The ports of a rule that names none: HTTPS and HTTP.
const PORTS: [u16; 2] = [443, 80];

/// What may be reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Rule {
    /// The host and ports that it is about.
    pub destination: Destination,
    /// The TCP ports.
    pub ports: Vec<u16>,
    /// The protocol, where the rule names it; otherwise the port decides ([`Protocol::of_port`]).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<Protocol>,
    /// Which server names TLS may ask for.
    #[serde(default)]
    pub sni: Sni,
    /// Whether TXT records are looked up.
    #[serde(default)]
    pub txt: bool,
    /// The grant that it comes from, for the log.
    pub by: String,
}

/// Where a rule leads.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Destination {
    /// Hosts by name.
    Names(Pattern),
    /// An address, whatever range it is in.
    Address(IpAddr),
}

/// What is spoken on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Protocol {
    /// TLS: the client speaks first, and says which server it means.
    Tls,
    /// HTTP: the client speaks first, and says which host it means.
    Http,
    /// Anything. The server may speak first, so the broker does not wait for the client.
    Tcp,
}

/// Which server names TLS may ask for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sni {
    /// The name that was looked up.
    #[default]
    Same,
    /// Any, or none.
    Any,
}

/// Why something is not a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RuleError {
    /// The port is not one.
    Authority(AuthorityError),
    /// The host is not one.
    Pattern(PatternError),
    /// An address that leads nowhere from a jail, or back into it.
    Address(IpAddr, Objection),
}

impl fmt::Display for RuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Authority(error) => error.fmt(f),
            Self::Pattern(error) => error.fmt(f),
            Self::Address(address, Objection::Loopback) => write!(
                f,
                "the loopback of a jail is its own, so `{address}` is the jail itself: `use `allow-host-port` to reach a port of the host's loopback"
            ),
            Self::Address(address, objection) => {
                write!(f, "`{address}` is {objection}, to which no connection can be made")
            }
        }
    }
}

impl Protocol {
    /// The usual protocol of a port.
    #[must_use]
    pub const fn of_port(port: u16) -> Self {
        match port {
            443 | 993 => Self::Tls,
            80 => Self::Http,
            _ => Self::Tcp,
        }
    }
}

impl Rule {
    /// Parses a destination of a spec: `"example.com"`,
    /// `"*.example.com:8443"`, `"10.1.2.3:8080"`, `"[fd00::1]:22"`.
    ///
    /// # Errors
    /// When it is not a rule, or names a host that cannot be reached.
    pub fn parse(text: &str, by: impl Into<String>) -> Result<Self, RuleError> {
        let (destination, port) = if text.contains('*') { pattern(text)? } else { host(text)? };
        let ports = port.map_or_else(|| PORTS.to_vec(), |port| vec![port]);
        Ok(Self { destination, ports, protocol: None, sni: Sni::Same, txt: false, by: by.into() })
    }

    /// The protocol on one of its ports.
    #[must_use]
    pub fn protocol_on(&self, port: u16) -> Protocol {
        self.protocol.unwrap_or_else(|| Protocol::of_port(port))
    }

    /// Whether it is about this host.
    pub(crate) fn is_about(&self, host: &Host) -> bool {
        self.destination.is_about(host)
    }
}

impl Destination {
    /// Whether it is this host.
    pub(crate) fn is_about(&self, host: &Host) -> bool {
        match (self, host) {
            (Self::Names(pattern), Host::Name(name)) => pattern.matches(name),
            (Self::Address(own), Host::Address(address)) => *own == address.to_canonical(),
            (Self::Names(_), Host::Address(_)) | (Self::Address(_), Host::Name(_)) => false,
        }
    }
}

type Read = (Destination, Option<u16>);

fn pattern(text: &str) -> Result<Read, RuleError> {
    let (names, port) = match text.rsplit_once(':') {
        Some((names, digits)) => (names, Some(port(digits).map_err(RuleError::Authority)?)),
        None => (text, None),
    };
    Ok((Destination::Names(Pattern::parse(names).map_err(RuleError::Pattern)?), port))
}

fn host(text: &str) -> Result<Read, RuleError> {
    let Authority { host, port } =
        Authority::parse(text, Name::from_spec).map_err(RuleError::Authority)?;
    let destination = match host {
        Host::Name(name) if name.is_local() => {
            return Err(RuleError::Pattern(PatternError::Local(name)));
        }
        Host::Name(name) => Destination::Names(Pattern::Exactly(name)),
        Host::Address(address) => Destination::Address(reachable(address.to_canonical())?),
    };
    Ok((destination, port))
}

/// An address that a connection can be made to. A rule may name the host's network, or a cloud's
/// metadata service, on purpose.
fn reachable(address: IpAddr) -> Result<IpAddr, RuleError> {
    match objection(address, &[]) {
        Some(
            why @ (Objection::Loopback
            | Objection::Unspecified
            | Objection::Multicast
            | Objection::Benchmark),
        ) => Err(RuleError::Address(address, why)),
        _ => Ok(address),
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Names(pattern) => pattern.fmt(f),
            Self::Address(address) => Host::Address(*address).fmt(f),
        }
    }
}
