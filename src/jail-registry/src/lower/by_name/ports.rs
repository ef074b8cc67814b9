//! Ports: of public hosts, of the host's loopback, of the jail.

use jail_policy::{Grant, NetworkGrant};

use super::super::Call;
use super::{says_by_name, surroundings};
use crate::diagnostic::Code;
use crate::term::{Place, Placed, Value};

const PORT: &str = "a port is a number from 1 to 65535";

/// Checks a port number.
fn port(call: &mut Call<'_, '_>, number: i64, place: Option<Place>) -> Option<u16> {
    let port = u16::try_from(number).ok().filter(|port| *port != 0);
    if port.is_none() {
        call.error_at(Code::BadPort, place, format!("`{number}` is not a port"), PORT);
    }
    port
}

/// The ports of a list, in one order: the usual ones as usual, others sorted.
pub(super) fn list(
    call: &mut Call<'_, '_>,
    elements: &[Placed],
    place: Option<Place>,
) -> Option<Vec<u16>> {
    let read: Vec<_> = elements
        .iter()
        .map(|element| match element.value {
            Value::Integer(number) => port(call, number, element.place.or(place)),
            _ => None,
        })
        .collect();
    let mut ports: Vec<u16> = read.into_iter().collect::<Option<_>>()?;
    ports.sort_unstable();
    ports.dedup();
    if ports.is_empty() {
        let help = "name one, or remove the list";
        call.error_at(Code::BadPort, place, "the list of ports is empty".into(), help);
        return None;
    }
    for usual in [&[443, 80][..], &NetworkGrant::INTERNET_PORTS] {
        if ports.len() == usual.len() && usual.iter().all(|port| ports.contains(port)) {
            return Some(usual.to_vec());
        }
    }
    Some(ports)
}

pub(crate) fn internet_ports(call: &mut Call<'_, '_>) -> Option<()> {
    let elements = call.elements(0)?;
    says_by_name(call);
    let ports = list(call, elements, call.place_of(0))?;
    call.forget(|grant| matches!(grant, Grant::Network(NetworkGrant::Internet { .. })));
    call.grant(Grant::Network(NetworkGrant::Internet { ports }));
    surroundings(call)
}

pub(crate) fn host_port(call: &mut Call<'_, '_>) -> Option<()> {
    let (from, to) = match call.value(0)? {
        Value::Integer(number) => {
            let port = port(call, *number, call.place_of(0))?;
            (port, port)
        }
        _ => mapped(call)?,
    };
    call.grant_at(call.place_of(0), Grant::Network(NetworkGrant::HostPort { from, to }));
    Some(())
}

pub(crate) fn exposed(call: &mut Call<'_, '_>) -> Option<()> {
    let grant = match call.value(0)? {
        Value::Integer(number) => {
            let port = port(call, *number, call.place_of(0))?;
            NetworkGrant::Exposed { from: port, to: port, count: 1 }
        }
        Value::Text(_) => named(call)?,
        _ => {
            let (from, to) = mapped(call)?;
            NetworkGrant::Exposed { from, to, count: 1 }
        }
    };
    call.grant_at(call.place_of(0), Grant::Network(grant));
    Some(())
}

/// `{ from; to; }`.
fn mapped(call: &mut Call<'_, '_>) -> Option<(u16, u16)> {
    let Some(Value::Attributes(fields)) = call.value(0) else { return None };
    let whole = call.place_of(0);
    let mut field = |name: &str| {
        let given = fields.get(name)?;
        let Value::Integer(number) = given.value else { return None };
        port(call, number, given.place.or(whole))
    };
    let (from, to) = (field("from"), field("to"));
    Some((from?, to?))
}

/// `"ephemeral"`, or a range.
fn named(call: &mut Call<'_, '_>) -> Option<NetworkGrant> {
    const RANGE_MAX: u16 = 256;
    let text = call.literal(0)?;
    if text == "ephemeral" {
        return Some(NetworkGrant::Exposed { from: 0, to: 0, count: 1 });
    }
    let bound = |digits: &str| {
        let is_plain = digits.bytes().all(|byte| byte.is_ascii_digit());
        digits.parse::<u16>().ok().filter(|port| is_plain && *port != 0)
    };
    let range = text.split_once('-').and_then(|(first, last)| Some((bound(first)?, bound(last)?)));
    let count = range.and_then(|(first, last)| last.checked_sub(first)?.checked_add(1));
    match (range, count) {
        (Some((first, _)), Some(count)) if count <= RANGE_MAX => {
            Some(NetworkGrant::Exposed { from: first, to: first, count })
        }
        _ => {
            let message = format!("`{}` is not a range of ports", jail_plan::one_line(text));
            let help = "write the first and the last, as in `\"3000-3010\"`, 256 at most; or `\"ephemeral\"`";
            call.error(Code::BadPort, 0, message, help);
            None
        }
    }
}
