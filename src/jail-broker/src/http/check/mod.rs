//! What a request means, and what is wrong with one. No I/O.

use std::borrow::Cow;
use std::fmt;

use hyper::header::{
    CONNECTION, CONTENT_LENGTH, HOST, HeaderMap, HeaderName, HeaderValue, TE, TRANSFER_ENCODING,
    UPGRADE,
};
use hyper::http::request::Parts;
use hyper::http::uri::{PathAndQuery, Scheme, Uri};
use hyper::{Method, StatusCode, Version};
use jail_egress::{Authority, Host};
use percent_encoding::percent_decode_str;

use crate::field_names::may_be;

/// What a request to a proxy wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meant {
    /// A connection to a host.
    Tunnel(Host, u16),
    /// This one request carried to a host.
    Forward(Host, u16),
}

/// Why a request is not carried, whatever the policy says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// None, or more than one.
    HostFields,
    /// Two ways to say where the body ends.
    TwoLengths,
    /// A target that is not exactly `host:port`.
    Target,
    /// The target and `Host` differ.
    OtherHost,
    /// CONNECT to a server.
    NotProxy,
    /// A path to a proxy.
    NotServer,
}

impl Fault {
    pub(super) fn status(self) -> StatusCode {
        match self {
            Self::OtherHost => StatusCode::MISDIRECTED_REQUEST,
            Self::HostFields
            | Self::TwoLengths
            | Self::Target
            | Self::NotProxy
            | Self::NotServer => StatusCode::BAD_REQUEST,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::HostFields => "a request has one `Host` field",
            Self::TwoLengths => "a request says in one way where its body ends",
            Self::Target => "the target of the request is not `host:port`",
            Self::OtherHost => "the target of the request and its `Host` field differ",
            Self::NotProxy => "this is a server and not a proxy",
            Self::NotServer => "this is a proxy: a request to it names the host",
        })
    }
}

/// The value of `Host` of a request to a server, or in HTTP/2 of `:authority`. `usual` is the port
/// that is meant without one.
///
/// # Errors
/// What is wrong with the request.
pub fn server_request(parts: &Parts, usual: u16) -> Result<&[u8], Fault> {
    let host = one_host(&parts.headers)?;
    one_length(&parts.headers)?;
    if parts.method == Method::CONNECT {
        return Err(Fault::NotProxy);
    }
    let authority = parts.uri.authority().map(|authority| authority.as_str().as_bytes());
    match (authority, host) {
        // A server may be asked in a proxy's words (RFC 9112, 3.2.2).
        (Some(authority), Some(host)) if !is_same(authority, host, usual) => Err(Fault::OtherHost),
        (Some(_) | None, Some(host)) => Ok(host),
        (Some(authority), None) if parts.version == Version::HTTP_2 => Ok(authority),
        (Some(_) | None, None) => Err(Fault::HostFields),
    }
}

/// What a request to a proxy means.
///
/// # Errors
/// What is wrong with it.
pub fn proxy_request(parts: &Parts) -> Result<Meant, Fault> {
    one_length(&parts.headers)?;
    let host = one_host(&parts.headers)?;
    let target = parts.uri.authority().ok_or(Fault::NotServer)?.as_str().as_bytes();
    let Authority { host: to, port } = Authority::from_wire(target).map_err(|_| Fault::Target)?;
    if parts.method == Method::CONNECT {
        // What CONNECT's `Host` says decides nothing; clients leave the port out, or send another
        // one.
        return Ok(Meant::Tunnel(to, port.ok_or(Fault::Target)?));
    }
    if parts.uri.scheme() != Some(&Scheme::HTTP) {
        return Err(Fault::Target);
    }
    match host {
        Some(host) if !is_same(target, host, 80) => Err(Fault::OtherHost),
        Some(_) | None => Ok(Meant::Forward(to, port.unwrap_or(80))),
    }
}

fn one_host(headers: &HeaderMap) -> Result<Option<&[u8]>, Fault> {
    let mut values = headers.get_all(HOST).iter();
    let first = values.next().map(HeaderValue::as_bytes);
    if values.next().is_some() { Err(Fault::HostFields) } else { Ok(first) }
}

fn one_length(headers: &HeaderMap) -> Result<(), Fault> {
    let lengths = headers.get_all(CONTENT_LENGTH).iter().count();
    let is_chunked = headers.contains_key(TRANSFER_ENCODING);
    if lengths > 1 || (lengths == 1 && is_chunked) { Err(Fault::TwoLengths) } else { Ok(()) }
}

fn is_same(one: &[u8], other: &[u8], usual: u16) -> bool {
    match (Authority::from_wire(one), Authority::from_wire(other)) {
        (Ok(one), Ok(other)) => {
            one.host == other.host && one.port.unwrap_or(usual) == other.port.unwrap_or(usual)
        }
        (Err(_), _) | (_, Err(_)) => false,
    }
}

/// Fields that servers may take for the method of a request, for its target and for its host, in
/// the place of its own.
const METHODS: [&str; 3] = ["x-http-method", "x-http-method-override", "x-method-override"];
const TARGETS: [&str; 5] =
    ["x-forwarded-uri", "x-original-uri", "x-original-url", "x-rewrite-uri", "x-rewrite-url"];
const HOSTS: [&str; 4] = ["x-forwarded-host", "x-forwarded-server", "x-host", "x-original-host"];

/// A parameter of a query that frameworks take for the method of a POST.
const METHOD_PARAMETER: &str = "_method";

/// What servers may take for the method of a request: its own comes first.
pub(super) fn methods(parts: &Parts) -> impl Iterator<Item = Cow<'_, str>> {
    let query = parts.uri.query().unwrap_or_default();
    let parameters = query.split(['&', ';']).filter_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        let is_it = percent_decode_str(name).decode_utf8_lossy() == METHOD_PARAMETER;
        is_it.then(|| percent_decode_str(value).decode_utf8_lossy())
    });
    std::iter::once(parts.method.as_str())
        .chain(said(&parts.headers, &METHODS))
        .map(Cow::Borrowed)
        .chain(parameters)
}

/// The same for its path.
pub(super) fn paths(parts: &Parts) -> impl Iterator<Item = &str> {
    let others = said(&parts.headers, &TARGETS);
    let others = others.map(|target| target.split_once('?').map_or(target, |(path, _)| path));
    std::iter::once(parts.uri.path()).chain(others)
}

/// What servers may take for its host besides `Host`; of `Forwarded` (RFC 7239) the parameters that
/// are one.
pub(super) fn hosts(parts: &Parts) -> impl Iterator<Item = &str> {
    let forwarded = said(&parts.headers, &["forwarded"]).flat_map(|value| value.split([',', ';']));
    let hosts = forwarded.filter_map(|parameter| {
        let (name, host) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("host").then(|| host.trim().trim_matches('"'))
    });
    said(&parts.headers, &HOSTS).chain(hosts)
}

/// What cannot be read is neither a method nor a path nor a host.
fn said<'a>(headers: &'a HeaderMap, names: &'a [&str]) -> impl Iterator<Item = &'a str> {
    let fields = headers.iter().filter(|(field, _)| names.iter().any(|name| may_be(field, name)));
    fields.map(|(_, value)| value.to_str().unwrap_or_default().trim())
}

/// Fields that are for the next hop only (RFC 9110, 7.6.1), and those that ask for HTTP/2 on a
/// connection of HTTP/1.
const HOP: [&str; 7] = [
    "connection",
    "http2-settings",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "upgrade",
];

/// Whether a request or answer changes the connection to a WebSocket. There is no other protocol to
/// change to: of HTTP/2 the later requests would not be seen.
pub(super) fn is_web_socket(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(UPGRADE).iter();
    let is_it =
        values.next().is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"websocket"));
    is_it && values.next().is_none()
}

/// Whether a client takes fields behind the body, which the broker carries.
fn takes_trailers(headers: &HeaderMap) -> bool {
    let values = headers.get_all(TE).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|one| one.trim().eq_ignore_ascii_case("trailers"))
}

/// Makes the request or the answer what the next hop gets: no field for this hop only.
pub(super) fn for_next_hop(headers: &mut HeaderMap) {
    let web_socket = is_web_socket(headers);
    let trailers = takes_trailers(headers);
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        // It says where the body ends and which host it is for, whatever `Connection` names.
        .filter(|name| ![CONTENT_LENGTH, TRANSFER_ENCODING, HOST].contains(name))
        .collect();
    for name in named {
        headers.remove(name);
    }
    for name in HOP {
        headers.remove(name);
    }
    if trailers {
        headers.insert(TE, HeaderValue::from_static("trailers"));
    }
    if web_socket {
        headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    }
}

/// The target as a server gets it: the path alone.
pub(super) fn path_only(uri: &Uri) -> Uri {
    let path = uri.path_and_query().cloned();
    Uri::from(path.unwrap_or_else(|| PathAndQuery::from_static("/")))
}

#[cfg(test)]
mod tests;
