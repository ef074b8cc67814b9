//! `host:port` as clients and specs write it, and nothing else.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::name::{Name, NameError};

/// A host, and perhaps a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authority {
    /// The host, in its one form.
    pub host: Host,
    /// The port, where it is written.
    pub port: Option<u16>,
}

/// A host by its name, or by its address.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Host {
    /// By its name.
    Name(Name),
    /// By its address: four decimal numbers, or an IPv6 address in brackets.
    Address(IpAddr),
}

/// Why something is not `host:port`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthorityError {
    /// A port that is not a decimal number from 1 to 65535.
    Port,
    /// Brackets without an IPv6 address in them.
    Address,
    /// The host is not a name.
    Name(NameError),
}

impl fmt::Display for AuthorityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Port => f.write_str("a port is a number from 1 to 65535"),
            Self::Address => f.write_str("expected an IPv6 address between `[` and `]`"),
            Self::Name(error) => error.fmt(f),
        }
    }
}

impl Authority {
    /// Reads what a client sends: in CONNECT, in a request's target or in `Host`.
    ///
    /// # Errors
    /// When anything stands there but a host and a port: a user, a path, a zone, a number in
    /// another form.
    pub fn from_wire(bytes: &[u8]) -> Result<Self, AuthorityError> {
        let text =
            std::str::from_utf8(bytes).map_err(|_| AuthorityError::Name(NameError::Character))?;
        Self::parse(text, |name| Name::from_wire(name.as_bytes()))
    }

    /// Reads the host and port of a spec.
    pub(crate) fn parse(
        text: &str,
        name: impl FnOnce(&str) -> Result<Name, NameError>,
    ) -> Result<Self, AuthorityError> {
        if let Some(rest) = text.strip_prefix('[') {
            let (inner, rest) = rest.split_once(']').ok_or(AuthorityError::Address)?;
            let address: Ipv6Addr = inner.parse().map_err(|_| AuthorityError::Address)?;
            let port = match rest.strip_prefix(':') {
                Some(digits) => Some(port(digits)?),
                None if rest.is_empty() => None,
                None => return Err(AuthorityError::Address),
            };
            return Ok(Self { host: Host::Address(address.into()), port });
        }
        let (host, port) = match text.rsplit_once(':') {
            Some((host, digits)) => (host, Some(port(digits)?)),
            None => (text, None),
        };
        let host = match host.parse::<Ipv4Addr>() {
            Ok(address) => Host::Address(address.into()),
            Err(_) => Host::Name(name(host).map_err(AuthorityError::Name)?),
        };
        Ok(Self { host, port })
    }
}

/// A port in the one form that every parser reads the same way: no sign, no leading zero.
pub(crate) fn port(digits: &str) -> Result<u16, AuthorityError> {
    let is_plain = digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0');
    digits.parse().ok().filter(|_| is_plain).ok_or(AuthorityError::Port)
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => name.fmt(f),
            Self::Address(IpAddr::V4(address)) => address.fmt(f),
            Self::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
        }
    }
}
