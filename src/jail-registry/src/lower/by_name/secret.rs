//! `secret`, `secret-file` and `secret-socket`: values that the broker has and the jail does not.

use std::collections::BTreeMap;

use jail_egress::Authority;
use jail_plan::SecretPlace;
use jail_policy::{Grant, NetworkGrant, Secret, SecretSocket, SecretTo, Text};

use super::super::{Call, path};
use super::requests::is_token_byte;
use super::{authorities, literal, request_path, rule, source};
use crate::diagnostic::Code;
use crate::term::{Place, Placed, Value};

type Fields = BTreeMap<String, Placed>;

pub(crate) fn secret(call: &mut Call<'_, '_>) -> Option<()> {
    let fields = fields(call)?;
    let name = literal(fields.get("env")?)?;
    let to = source::variable(call, name, place_in(call, fields, "env"));
    let to = to.map(|()| SecretTo::Variable(name.to_owned()));
    let optional =
        matches!(fields.get("optional").map(|given| &given.value), Some(Value::Bool(true)));
    put_in(call, fields, to, optional)
}

pub(crate) fn secret_file(call: &mut Call<'_, '_>) -> Option<()> {
    let fields = fields(call)?;
    let (given, place) = (fields.get("path")?, place_in(call, fields, "path"));
    let Value::Text(text) = &given.value else { return None };
    let combinator = call.applied.combinator.clone();
    let faults = &mut call.state.diagnostics;
    let path = path::check(&combinator, text, path::Role::Target, place, faults);
    put_in(call, fields, path.map(SecretTo::File), false)
}

fn fields<'a>(call: &Call<'_, 'a>) -> Option<&'a Fields> {
    match call.value(0) {
        Some(Value::Attributes(fields)) => Some(fields),
        Some(_) | None => None,
    }
}

fn place_in(call: &Call<'_, '_>, fields: &Fields, name: &str) -> Option<Place> {
    fields.get(name).and_then(|given| given.place).or(call.place_of(0))
}

/// The arguments that both share. All of them are checked before the first
/// fault stops the combinator.
fn put_in(
    call: &mut Call<'_, '_>,
    fields: &Fields,
    to: Option<SecretTo>,
    optional: bool,
) -> Option<()> {
    let from = source::read(call, fields.get("from")?);
    let hosts = hosts(call, fields);
    let places = places(call, fields);
    let header = match fields.get("header") {
        Some(given) => header_name(call, given).map(Some),
        None => Some(None),
    };
    let (to, from, hosts, places, header) = (to?, from?, hosts?, places?, header?);
    let place = place_in(call, fields, "header");
    let is_in_header = |place: &SecretPlace| match place {
        SecretPlace::Header => true,
        SecretPlace::Basic => header.as_deref() == Some("authorization"),
        SecretPlace::Query | SecretPlace::Body => false,
    };
    if header.is_some() && !places.iter().any(is_in_header) {
        let message = "`header` names a header, and `places` has no `\"header\"`";
        call.error_at(Code::Contradiction, place, message.into(), "remove one of them");
        return None;
    }
    let at = place_in(call, fields, "hosts");
    let secret = Secret { to, from, hosts, places, header, optional };
    call.grant_at(at, Grant::Network(NetworkGrant::Secret(secret)));
    authorities::trust(call)
}

fn hosts(call: &mut Call<'_, '_>, fields: &Fields) -> Option<Vec<String>> {
    let place = place_in(call, fields, "hosts");
    let Value::List(elements) = &fields.get("hosts")?.value else { return None };
    if elements.is_empty() {
        let help = "name the hosts that the value is for, as in `[ \"api.example.com\" ]`";
        call.error_at(Code::BadSecret, place, "the secret has no hosts".into(), help);
        return None;
    }
    let read: Vec<_> = elements
        .iter()
        .map(|element| {
            let (text, place) = (literal(element)?, element.place.or(place));
            let rule = rule::by_name(call, text, place)?;
            if rule::has_port(text, &rule) {
                let message = format!(
                    "`{}` has a port, but a secret is for hosts",
                    jail_plan::one_line(text)
                );
                let help =
                    "remove the port: `network-allow` says which ports of a host can be reached";
                call.error_at(Code::BadPort, place, message, help);
                return None;
            }
            Some(rule.destination.to_string())
        })
        .collect();
    let mut hosts: Vec<String> = read.into_iter().collect::<Option<_>>()?;
    hosts.sort();
    hosts.dedup();
    Some(hosts)
}

/// The names of the parts of a request.
pub(crate) const PLACES: &[(&str, SecretPlace)] = &[
    ("header", SecretPlace::Header),
    ("basic", SecretPlace::Basic),
    ("query", SecretPlace::Query),
    ("body", SecretPlace::Body),
];

fn places(call: &mut Call<'_, '_>, fields: &Fields) -> Option<Vec<SecretPlace>> {
    const HELP: &str = "write some of `\"header\"`, `\"basic\"`, `\"query\"` and `\"body\"`, or remove it for `[ \"header\" ]`";
    let Some(given) = fields.get("places") else { return Some(vec![SecretPlace::Header]) };
    let place = given.place.or(call.place_of(0));
    let Value::List(elements) = &given.value else { return None };
    if elements.is_empty() {
        call.error_at(Code::BadSecret, place, "`places` is empty".into(), HELP);
        return None;
    }
    let read: Vec<_> = elements
        .iter()
        .map(|element| {
            let text = literal(element)?;
            let known = PLACES.iter().find(|(word, _)| *word == text);
            if known.is_none() {
                let message = format!("`{}` is not a part of a request", jail_plan::one_line(text));
                call.error_at(Code::UnknownSetting, element.place.or(place), message, HELP);
            }
            known.map(|(_, place)| *place)
        })
        .collect();
    let mut places: Vec<SecretPlace> = read.into_iter().collect::<Option<_>>()?;
    places.sort_unstable();
    places.dedup();
    Some(places)
}

/// Headers that control how, to whom and from whom a message is sent. A value there changes
/// more than the credentials.
const RESERVED: &[&str] = &[
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

fn header_name(call: &mut Call<'_, '_>, given: &Placed) -> Option<String> {
    let text = literal(given)?;
    let name = text.split(':').next().unwrap_or_default();
    if name.len() < text.len() {
        let message = format!("`{}` is more than the name of a header", jail_plan::one_line(text));
        let help = format!("write `\"{}\"`: the program sends the rest", jail_plan::one_line(name));
        call.error_at(Code::BadHeader, given.place.or(call.place_of(0)), message, &help);
        return None;
    }
    checked_name(call, name, given.place)
}

fn checked_name(call: &mut Call<'_, '_>, name: &str, place: Option<Place>) -> Option<String> {
    let place = place.or(call.place_of(0));
    let lower = name.to_ascii_lowercase();
    let shown = jail_plan::one_line(name);
    if name.is_empty() || !name.bytes().all(is_token_byte) {
        let help = "write it as in a request: `\"x-api-key\"`, `\"Authorization\"`";
        call.error_at(Code::BadHeader, place, format!("`{shown}` does not name a header"), help);
        return None;
    }
    if RESERVED.contains(&lower.as_str()) {
        let message =
            format!("the header `{shown}` says how a request is sent, and cannot hold a secret");
        let help = "name the header that the server reads the key from";
        call.error_at(Code::BadHeader, place, message, help);
        return None;
    }
    Some(lower)
}

pub(crate) fn secret_socket(call: &mut Call<'_, '_>) -> Option<()> {
    let fields = fields(call)?;
    let socket = socket(call, fields);
    let upstream = upstream(call, fields);
    let header = header_with_prefix(call, fields.get("header")?);
    let from = source::read(call, fields.get("from")?);
    let env = match fields.get("env") {
        Some(given) => {
            let name = literal(given)?;
            source::variable(call, name, place_in(call, fields, "env")).map(|()| Some(name))
        }
        None => Some(None),
    };
    let ((host, port, path), (header, prefix)) = (upstream?, header?);
    let (socket, from, env) = (socket?, from?, env?);
    // The port is chosen when all others are known.
    let listen = UNCHOSEN;
    let grant = SecretSocket { socket, from, host, port, path, header, prefix, listen };
    let place = place_in(call, fields, "socket");
    call.grant_at(place, Grant::Network(NetworkGrant::SecretSocket(grant)));
    if let Some(name) = env {
        call.grant(Grant::SetEnv { name: name.to_owned(), value: base_url(UNCHOSEN) });
    }
    Some(())
}

/// Represents a port that is not chosen yet.
pub(super) const UNCHOSEN: u16 = 0;

/// What a program gets as the address of the service.
pub(super) fn base_url(port: u16) -> Text {
    Text::literal(format!("http://127.0.0.1:{port}"))
}

/// The kernel's limit for the path of a socket (unix(7)).
const SOCKET_BYTES_MAX: usize = 107;

fn socket(call: &mut Call<'_, '_>, fields: &Fields) -> Option<String> {
    let (given, place) = (fields.get("socket")?, place_in(call, fields, "socket"));
    let Value::Text(text) = &given.value else { return None };
    let combinator = call.applied.combinator.clone();
    let faults = &mut call.state.diagnostics;
    let path = path::check(&combinator, text, path::Role::Target, place, faults)?;
    let path = path.as_str()?.to_owned();
    if path.len() > SOCKET_BYTES_MAX || path == "/" {
        let message = format!("`{}` cannot be the path of a socket", jail_plan::one_line(&path));
        let help = "a path of 107 bytes at most, as in `\"/run/anthropic.sock\"`";
        call.error_at(Code::BadSecret, place, message, help);
        return None;
    }
    Some(path)
}

/// The host, the port and the path of `https://…`.
fn upstream(call: &mut Call<'_, '_>, fields: &Fields) -> Option<(String, u16, String)> {
    const HELP: &str =
        "write it as `\"https://api.example.com\"` or `\"https://api.example.com/v1\"`";
    let (given, place) = (fields.get("upstream")?, place_in(call, fields, "upstream"));
    let text = literal(given)?;
    let shown = jail_plan::one_line(text);
    let mut refuse = |what: &str, help: &str| {
        call.error_at(Code::BadUpstream, place, format!("`{shown}` {what}"), help);
        None
    };
    let Some(rest) = text.strip_prefix("https://") else {
        return match text.starts_with("http://") {
            true => {
                refuse("is not encrypted, and every machine on the way could read the value", HELP)
            }
            false => refuse("is not the address of a server", HELP),
        };
    };
    let (authority, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
    if authority.contains('@') {
        // The address is not printed: it may be the key.
        let message = "the address contains credentials, which every user could read in the store";
        call.error_at(
            Code::SecretInSpec,
            place,
            message.into(),
            "remove them: `from` says where the value is",
        );
        return None;
    }
    let port = match Authority::from_wire(authority.as_bytes()) {
        Ok(Authority { port, .. }) => port.unwrap_or(443),
        Err(error) => return refuse(&format!("is not the address of a server: {error}"), HELP),
    };
    // `/v1/` and `/v1` are prefixes of the same paths.
    let path = path.trim_end_matches('/');
    if !path.is_empty()
        && let Err(fault) = request_path::exact(path)
    {
        return refuse(&format!("{} in its path", fault.what), &fault.help);
    }
    let host = rule::by_name(call, authority, place)?.destination.to_string();
    if host.starts_with("*.") {
        call.error_at(Code::BadUpstream, place, format!("`{shown}` is not a single server"), HELP);
        return None;
    }
    Some((host, port, path.to_owned()))
}

/// `x-api-key`, or `Authorization: Bearer `.
fn header_with_prefix(call: &mut Call<'_, '_>, given: &Placed) -> Option<(String, String)> {
    let text = literal(given)?;
    let (name, prefix) = text.split_once(':').unwrap_or((text, ""));
    let prefix = prefix.trim_start_matches(' ');
    let name = checked_name(call, name, given.place)?;
    if prefix.ends_with(|last: char| last.is_ascii_alphanumeric()) {
        let place = given.place.or(call.place_of(0));
        let message =
            format!("the value would follow `{}` without a space", jail_plan::one_line(prefix));
        let help = format!("write `\"{} \"`", jail_plan::one_line(text));
        call.error_at(Code::BadHeader, place, message, &help);
        return None;
    }
    if !prefix.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        let place = given.place.or(call.place_of(0));
        let message =
            format!("`{}` has characters that a header cannot have", jail_plan::one_line(text));
        let help =
            "write the name, `:` and the text before the value: `\"Authorization: Bearer \"`";
        call.error_at(Code::BadHeader, place, message, help);
        return None;
    }
    Some((name, prefix.to_owned()))
}
