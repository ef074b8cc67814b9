//! The network by name: what its combinators mean. `settle` looks at all of
//! them together, at the end.

mod authorities;
mod collisions;
mod judged;
mod ports;
mod request_path;
mod requests;
mod rule;
mod secret;
mod settle;
mod source;
mod upstream;

use jail_policy::{Grant, NetworkGrant, Text};

use super::Call;
use crate::diagnostic::Code;
use crate::table::names;
use crate::table::network::certificates;
use crate::table::process::copy_if_there;
use crate::term::{Place, Placed, Value};

pub(crate) use ports::{exposed, host_port, internet_ports};
pub(crate) use requests::requests;
pub(crate) use secret::{PLACES, secret, secret_file, secret_socket};
pub(super) use settle::settle;
pub(crate) use upstream::upstream;

/// What a spec says about the network by name besides its grants: an empty list grants
/// nothing, and is not an error.
#[derive(Default)]
pub(super) struct ByName {
    /// The combinators that allow hosts by name, with their places, in order.
    said: Vec<(String, Option<Place>)>,
}

/// Points to the jail's own DNS server.
const RESOLV_CONF: &str = "nameserver 127.0.0.1\noptions edns0\n";

pub(crate) fn allow(call: &mut Call<'_, '_>) -> Option<()> {
    let elements = call.elements(0)?;
    says_by_name(call);
    // All hosts are checked before the first bad one stops the combinator.
    let rules: Vec<_> = elements.iter().map(|element| rule::read(call, element)).collect();
    let rules: Option<Vec<_>> = rules.into_iter().collect();
    for (place, grant) in rules?.into_iter().flatten() {
        call.grant_at(place, Grant::Network(grant));
    }
    // Without a host there is no network, and nothing to say about it.
    if elements.is_empty() { Some(()) } else { surroundings(call) }
}

pub(crate) fn internet(call: &mut Call<'_, '_>) -> Option<()> {
    says_by_name(call);
    // Ports that are named take precedence, wherever they are.
    if !call.grants().any(|grant| matches!(grant, Grant::Network(NetworkGrant::Internet { .. }))) {
        let ports = NetworkGrant::INTERNET_PORTS.to_vec();
        call.grant(Grant::Network(NetworkGrant::Internet { ports }));
    }
    surroundings(call)
}

pub(super) fn says_by_name(call: &mut Call<'_, '_>) {
    let said = (call.applied.combinator.clone(), call.applied.place);
    call.state.by_name.said.push(said);
}

/// The files that programs need to resolve names and to trust servers.
fn surroundings(call: &mut Call<'_, '_>) -> Option<()> {
    if !call.once("network by name") {
        return Some(());
    }
    call.grant_beneath(Grant::File {
        to: Text::literal("/etc/resolv.conf"),
        content: Text::literal(RESOLV_CONF),
        mode: 0o444,
    });
    copy_if_there(call, "/etc/services");
    certificates(call)
}

pub(crate) fn resolvers(call: &mut Call<'_, '_>) -> Option<()> {
    let elements = call.elements(0)?;
    let servers: Vec<_> = elements.iter().map(|element| resolver(call, element)).collect();
    let servers: Vec<String> = servers.into_iter().collect::<Option<_>>()?;
    if servers.is_empty() {
        let help = "name at least one, such as `\"9.9.9.9\"`, or remove `dns`";
        call.error(Code::BadResolver, 0, "`dns` names no server".into(), help);
        return None;
    }
    call.grant(Grant::Network(NetworkGrant::Resolvers { servers }));
    Some(())
}

fn resolver(call: &mut Call<'_, '_>, element: &Placed) -> Option<String> {
    use std::net::{IpAddr, SocketAddr};
    let text = literal(element)?;
    let with_port = |address: SocketAddr| (address.port() != 0).then(|| address.to_string());
    let address = text.parse().ok().map(|address: IpAddr| address.to_string());
    let server = address.or_else(|| text.parse().ok().and_then(with_port));
    if server.is_none() {
        let message = format!("`{}` is not an address of a DNS server", jail_plan::one_line(text));
        let help =
            "write an address, optionally with a port: `\"9.9.9.9\"`, `\"[2620:fe::fe]:53\"`";
        call.error_at(Code::BadResolver, element.place, message, help);
    }
    server
}

pub(crate) fn proxy_variables(call: &mut Call<'_, '_>) -> Option<()> {
    if !call.once(names::PROXY_VARIABLES) {
        return Some(());
    }
    call.grant(Grant::Network(NetworkGrant::Proxy));
    let port = NetworkGrant::PROXY_PORT;
    let http = format!("http://127.0.0.1:{port}");
    // `socks5h`: the proxy resolves names, because the client cannot.
    let socks = format!("socks5h://127.0.0.1:{port}");
    for (name, value) in [
        ("HTTP_PROXY", http.as_str()),
        ("HTTPS_PROXY", http.as_str()),
        ("ALL_PROXY", socks.as_str()),
        ("NO_PROXY", "localhost,127.0.0.1,::1"),
    ] {
        // curl reads `http_proxy` in lower case only; others read capitals only.
        for name in [name.to_owned(), name.to_lowercase()] {
            call.grant(Grant::SetEnv { name, value: Text::literal(value) });
        }
    }
    Some(())
}

/// After a longer wait, programs have given up.
const SECONDS_MAX: u16 = 30;

pub(crate) fn ask(call: &mut Call<'_, '_>) -> Option<()> {
    let Some(Value::Attributes(fields)) = call.value(0) else { return None };
    let command = match fields.get("command").map(|given| (&given.value, given.place)) {
        Some((Value::List(words), place)) => command(call, words, place)?,
        Some(_) | None => Vec::new(),
    };
    let seconds = match fields.get("seconds").map(|given| (&given.value, given.place)) {
        None => SECONDS_MAX,
        Some((Value::Integer(seconds), place)) => {
            let wanted = u16::try_from(*seconds).ok();
            let wanted = wanted.filter(|seconds| (1..=SECONDS_MAX).contains(seconds));
            if wanted.is_none() {
                let message = format!("a connection cannot wait for {seconds} seconds");
                let help = "from 1 to 30: programs do not wait longer";
                call.error_at(Code::BadLimit, place, message, help);
            }
            wanted?
        }
        Some(_) => return None,
    };
    call.grant(Grant::Network(NetworkGrant::Ask { command, seconds }));
    Some(())
}

fn command(call: &mut Call<'_, '_>, words: &[Placed], place: Option<Place>) -> Option<Vec<Text>> {
    let (Some(first), combinator) = (words.first(), call.applied.combinator.clone()) else {
        let help = "name a program, or remove `command` to be asked on the desktop";
        call.error_at(Code::RelativePath, place, "the command is empty".into(), help);
        return None;
    };
    let program = call.text_of(first)?;
    let at = first.place.or(place);
    let program = super::path::check(
        &combinator,
        &program,
        super::path::Role::Program,
        at,
        &mut call.state.diagnostics,
    )?;
    let rest: Option<Vec<Text>> = words.iter().skip(1).map(|word| call.text_of(word)).collect();
    let command: Vec<Text> = std::iter::once(program).chain(rest?).collect();
    if command.iter().any(|word| word.expand) {
        let message = "the command of `network-ask` must be known when the jail is built";
        let help = "write it without `noescape`; the command itself can read its variables";
        call.error_at(Code::ParamType, place, message.into(), help);
        return None;
    }
    Some(command)
}

/// A plain string of a list or a field.
fn literal(value: &Placed) -> Option<&str> {
    match &value.value {
        Value::Text(text) => text.as_str(),
        Value::Null
        | Value::Bool(_)
        | Value::Integer(_)
        | Value::Float(_)
        | Value::Package(_)
        | Value::List(_)
        | Value::Attributes(_)
        | Value::Permission(_)
        | Value::Path(_)
        | Value::Function => None,
    }
}
