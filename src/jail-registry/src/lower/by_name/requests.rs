//! `http-allow`: requests to a host that are judged one by one.

use std::collections::BTreeMap;

use jail_policy::{Grant, NetworkGrant, Spoken};

use super::super::Call;
use super::{authorities, literal, request_path, rule, says_by_name, surroundings};
use crate::diagnostic::Code;
use crate::term::{Place, Placed, Value};

pub(crate) fn requests(call: &mut Call<'_, '_>) -> Option<()> {
    let (text, place) = (call.literal(0)?, call.place_of(0));
    let Some(Value::Attributes(fields)) = call.value(1) else { return None };
    says_by_name(call);
    let host = rule::by_name(call, text, place);
    let methods = list(call, fields, "methods", method);
    let paths = list(call, fields, "paths", path);
    let (rule, methods, paths) = (host?, methods?, paths?);
    let host = rule.destination.to_string();
    // On 443 and 80, TLS and HTTP are usual. On a port that is named, it is TLS.
    let spoken = rule::has_port(text, &rule).then_some(Spoken::Tls).filter(|_| rule.ports != [80]);
    let reached = NetworkGrant::Host {
        host: host.clone(),
        ports: rule.ports,
        spoken,
        any_sni: false,
        txt: false,
    };
    call.grant_at(place, Grant::Network(reached));
    call.grant_at(place, Grant::Network(NetworkGrant::Requests { host, methods, paths }));
    surroundings(call)?;
    authorities::trust(call)
}

/// The strings of a field, each checked. There are none if it is not given.
fn list(
    call: &mut Call<'_, '_>,
    fields: &BTreeMap<String, Placed>,
    name: &str,
    check: fn(&mut Call<'_, '_>, &str, Option<Place>) -> Option<()>,
) -> Option<Vec<String>> {
    let Some(given) = fields.get(name) else { return Some(Vec::new()) };
    let Value::List(elements) = &given.value else { return None };
    if elements.is_empty() {
        let message = format!("`{name}` is empty, so no request is allowed");
        let help = "name some, or remove it to allow all";
        call.error_at(Code::BadRequest, given.place, message, help);
        return None;
    }
    let read: Vec<_> = elements
        .iter()
        .map(|element| {
            let text = literal(element)?;
            check(call, text, element.place.or(given.place)).map(|()| text.to_owned())
        })
        .collect();
    let mut read: Vec<String> = read.into_iter().collect::<Option<_>>()?;
    read.sort();
    read.dedup();
    Some(read)
}

/// The longest method.
const METHOD_MAX: usize = 32;

/// A method (RFC 9110, 9.1). Upper and lower case are different methods.
fn method(call: &mut Call<'_, '_>, text: &str, place: Option<Place>) -> Option<()> {
    let shown = jail_plan::one_line(text);
    // The methods that the broker accepts: letters and dashes.
    let is_method = (1..=METHOD_MAX).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'-');
    let (what, help) = match text.to_ascii_uppercase().as_str() {
        "CONNECT" => ("opens a tunnel, in which requests are not filtered", "leave it out"),
        "TRACE" => ("makes the server send the request back, including secrets", "leave it out"),
        "*" => ("is not a method", "remove `methods` to allow all"),
        _ if !is_method => ("is not a method", "write it as in a request: `\"GET\"`"),
        _ if text.bytes().any(|byte| byte.is_ascii_lowercase()) => {
            let upper = format!("write `\"{}\"`", text.to_ascii_uppercase());
            let message = format!("`{shown}` is not in upper case, as methods are");
            call.error_at(Code::BadRequest, place, message, &upper);
            return None;
        }
        _ => return Some(()),
    };
    call.error_at(Code::BadRequest, place, format!("`{shown}` {what}"), help);
    None
}

fn path(call: &mut Call<'_, '_>, text: &str, place: Option<Place>) -> Option<()> {
    request_path::pattern(text)
        .map_err(|fault| {
            let message = format!("the path `{}` {}", jail_plan::one_line(text), fault.what);
            call.error_at(Code::BadRequest, place, message, &fault.help);
        })
        .ok()
}

/// A byte of a token (RFC 9110, 5.6.2), which the name of a header is.
pub(super) fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}
