//! Words for the network by name.

use jail_plan::Spoken;

use super::cage::ports as listed;
use super::{Sentence, Subject, secret};
use crate::grant::{NetworkGrant, ProxyCredentials, UpstreamProxy};
use crate::text::Text;

/// What applies to every host that is named without a port.
const USUAL_PORTS: [u16; 2] = [443, 80];

/// Describes a part of the network by name.
pub(super) fn network(grant: &NetworkGrant) -> Sentence {
    let said = |how, what: String| Sentence::new(Subject::Network, how, what);
    match grant {
        NetworkGrant::Host { host, ports, spoken, any_sni, txt } => {
            said("by name", named(host, ports, *spoken, *any_sni, *txt))
                .note("TCP ports 443 and 80 unless others are named; no UDP")
        }
        NetworkGrant::Internet { ports } => {
            said("by name", format!("every public host, on TCP {}", several(ports)))
                .note("no private, local or link-local address, and no UDP")
        }
        NetworkGrant::Resolvers { servers } => said("names asked of", servers.join(", ")),
        NetworkGrant::Proxy => {
            said("proxy", "HTTP and SOCKS5 on the jail's loopback, by the same rules".into())
        }
        NetworkGrant::Upstream { proxy } => said("leaving by", upstream(proxy)),
        NetworkGrant::HostPort { from, to } if from == to => {
            said("the host's", format!("loopback port {to}"))
        }
        NetworkGrant::HostPort { from, to } => {
            said("the host's", format!("loopback port {to} as port {from} of the jail's"))
        }
        NetworkGrant::Exposed { from, to, count } => {
            said("open to the host", exposed(*from, *to, *count))
                .note("on the host's loopback: every user of the machine can connect")
        }
        NetworkGrant::Ask { command, seconds } => {
            let asked = match command.as_slice() {
                [] => "you, by a notification on the desktop".to_owned(),
                words => words.iter().map(Text::to_string).collect::<Vec<_>>().join(" "),
            };
            said("asks", format!("{asked}, before it refuses; for {seconds} s"))
        }
        NetworkGrant::Requests { host, methods, paths } => {
            said("requests", requests(host, methods, paths)).note("others get a 403")
        }
        NetworkGrant::Secret(secret) => {
            said("a secret", secret::put_in(secret)).note("the jail has a placeholder")
        }
        NetworkGrant::SecretSocket(socket) => said("a secret", secret::added(socket))
            .note("the broker adds the value, and the jail never has it"),
        NetworkGrant::Authorities { .. } => {
            said("ends TLS", "where requests are filtered or get a secret".into())
                .note("programs with built-in root certificates refuse it")
        }
    }
}

fn requests(host: &str, methods: &[String], paths: &[String]) -> String {
    let methods = if methods.is_empty() { "any method".to_owned() } else { methods.join(", ") };
    let paths = if paths.is_empty() { "any path".to_owned() } else { paths.join(", ") };
    format!("{methods} to {host}, {paths}")
}

fn named(host: &str, ports: &[u16], spoken: Option<Spoken>, any_sni: bool, txt: bool) -> String {
    let mut said = host.to_owned();
    if ports != USUAL_PORTS {
        said = format!("{said} on {}", several(ports));
    }
    let spoken = spoken.map(|spoken| match spoken {
        Spoken::Tls => "TLS",
        Spoken::Http => "HTTP",
        Spoken::Tcp => "any protocol",
    });
    let more = [spoken, any_sni.then_some("any server name"), txt.then_some("TXT records")];
    let more: Vec<&str> = more.into_iter().flatten().collect();
    if more.is_empty() { said } else { format!("{said} ({})", more.join(", ")) }
}

fn several(ports: &[u16]) -> String {
    let words = listed(ports);
    if ports.len() > 1 { words.replacen("port ", "ports ", 1) } else { words }
}

fn upstream(proxy: &UpstreamProxy) -> String {
    match proxy {
        UpstreamProxy::Variable { name } => format!("the proxy that ${name} names at launch"),
        UpstreamProxy::At { host, port, tls, credentials } => {
            let with = credentials.as_ref().map(|credentials| match credentials {
                ProxyCredentials::File { path } => format!(", with the credentials in {path}"),
                ProxyCredentials::Variable { name } => format!(", with the credentials in ${name}"),
            });
            let by = if *tls { " in TLS" } else { "" };
            format!("the proxy {host}:{port}{by}{}", with.unwrap_or_default())
        }
    }
}

fn exposed(from: u16, to: u16, count: u16) -> String {
    let last = |first: u16| first.saturating_add(count.saturating_sub(1));
    match (from, to, count) {
        (0, 0, 0 | 1) => "one free port, the same inside".into(),
        (0, 0, count) => format!("{count} free ports, the same inside"),
        (0, to, 0 | 1) => format!("port {to}, as one that is free there"),
        (0, to, _) => format!("ports {to} to {}, each as one that is free there", last(to)),
        (from, to, 0 | 1) if from == to => format!("port {to}"),
        (from, to, 0 | 1) => format!("port {to}, as port {from} there"),
        (from, to, _) if from == to => format!("ports {to} to {}", last(to)),
        (from, to, _) => {
            format!("ports {to} to {}, as ports {from} to {} there", last(to), last(from))
        }
    }
}
