//! Secrets: in the place of each value the broker has a canary, which must be in no variable, no
//! file, no memory and no answer inside.

use jail_plan::{Content, GivenTo, Network, Plan, Purpose};

use super::{Judged, names};
use crate::audit::canaries::{Canary, secrets};
use crate::audit::host::Host;
use crate::audit::seen::{Seen, written};

/// What is tried.
pub(in crate::audit) fn attempts(plan: &Plan, host: &Host) -> Vec<Vec<String>> {
    let Some(network) = plan.network.as_ref().filter(|_| !host.canaries.is_empty()) else {
        return Vec::new();
    };
    let asks = servers(network).into_iter().map(|(kind, name)| ["ask".into(), kind.into(), name]);
    let reads = placeholders(network, host).into_iter().map(|(_, words)| words.to_vec());
    let asks = asks.map(|words| words.to_vec());
    std::iter::once(search(&host.canaries)).chain(asks).chain(reads).collect()
}

/// Canaries go in backwards, so that they are not inside because of the search.
fn search(canaries: &[Canary]) -> Vec<String> {
    let texts = canaries.iter().map(|canary| canary.text.chars().rev().collect());
    let files = canaries.iter().filter_map(|canary| canary.file);
    let files = files.map(|(device, inode)| format!("={device}:{inode}"));
    std::iter::once("search".into()).chain(texts).chain(files).collect()
}

/// What the broker answers with at a socket or a port of the jail's.
fn servers(network: &Network) -> Vec<(&'static str, String)> {
    let sockets = network.egress.sockets.iter();
    let ports = network.listeners.iter().filter(|listener| match listener.purpose {
        Purpose::Proxy | Purpose::SecretSocket => true,
        Purpose::Dns | Purpose::Address | Purpose::HostPort => false,
    });
    let sockets = sockets.map(|socket| ("unix", socket.socket.clone()));
    sockets.chain(ports.map(|port| ("tcp", format!("{}:{}", port.address, port.port)))).collect()
}

/// For each secret with a placeholder inside what reads it.
fn placeholders<'a>(network: &'a Network, host: &Host) -> Vec<(&'a str, [String; 2])> {
    let of_given = |given: &'a jail_plan::Given| {
        let Content::Placeholder(secret) = &given.content else { return None };
        let words = match &given.to {
            GivenTo::Variable(name) => ["variable".into(), name.clone()],
            GivenTo::File(path) => ["read".into(), written(path, &host.home)],
        };
        Some((secret.as_str(), words))
    };
    network.given.iter().filter_map(of_given).collect()
}

pub(super) fn judge(seen: &Seen<'_>) -> Judged {
    let Some(network) = seen.plan.network.as_ref() else {
        return Judged::Passed("the spec has none".into());
    };
    let canaries = &seen.host.canaries;
    if canaries.len() != secrets(seen.plan).count() {
        return Judged::Failed("no canary was put in the place of a value".into());
    }
    if canaries.is_empty() {
        return Judged::Passed("the spec has none".into());
    }
    let Some([looked, found @ ..]) = seen.list(&search(canaries).join(" ")) else {
        return Judged::Failed("nothing was searched".into());
    };
    let mut wrong: Vec<String> = found.iter().map(|line| place(canaries, line)).collect();
    let servers = servers(network);
    wrong.extend(answered(seen, canaries, &servers));
    wrong.extend(without_placeholder(seen, network, canaries));
    if !wrong.is_empty() {
        return Judged::Failed(wrong.join("; "));
    }
    let own: Vec<&str> = canaries.iter().map(|canary| canary.secret.as_str()).collect();
    let servers = match servers.len() {
        0 => String::new(),
        count => format!(", the answers of {count} servers of the broker's"),
    };
    Judged::Passed(format!(
        "no value of {} is inside: searched the variables, {looked}{servers}",
        names(&own)
    ))
}

/// A line of what was found, in words.
fn place(canaries: &[Canary], line: &str) -> String {
    let (number, place) = line.split_once(' ').unwrap_or_default();
    let number: usize = number.parse().unwrap_or(usize::MAX);
    if let Some(canary) = canaries.get(number) {
        return format!("the value of {} is in {place}", canary.secret);
    }
    let mut files = canaries.iter().filter(|canary| canary.file.is_some());
    match files.nth(number.saturating_sub(canaries.len())) {
        Some(canary) => format!("the file that {} is read from is {place}", canary.secret),
        None => format!("not an answer: {line}"),
    }
}

fn answered(seen: &Seen<'_>, canaries: &[Canary], servers: &[(&str, String)]) -> Vec<String> {
    let mut wrong = Vec::new();
    for (kind, name) in servers {
        let answer = seen.text(&format!("ask {kind} {name}"));
        let Some(answer) = answer.filter(|answer| !answer.is_empty()) else {
            wrong.push(format!("nothing answers at {name}"));
            continue;
        };
        let told = canaries.iter().filter(|canary| answer.contains(&canary.text));
        wrong.extend(
            told.map(|canary| format!("{name} answers with the value of {}", canary.secret)),
        );
    }
    wrong
}

/// The control: the broker had the canary, and gave what it makes of it.
fn without_placeholder(seen: &Seen<'_>, network: &Network, canaries: &[Canary]) -> Vec<String> {
    let mut wrong = Vec::new();
    for (secret, words) in placeholders(network, seen.host) {
        let canary = canaries.iter().find(|canary| canary.secret == secret);
        let length = canary.map(|canary| canary.text.len());
        let own = seen.text(&words.join(" ")).map(str::len);
        if own != length {
            wrong.push(format!(
                "{secret} has no placeholder: {}",
                seen.answer_in_words(&words.join(" "))
            ));
        }
    }
    wrong
}
