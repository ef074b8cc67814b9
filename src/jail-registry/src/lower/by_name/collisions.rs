//! Secrets that conflict with each other or with something else: one place holds one thing.

use jail_policy::{Grant, HostUse, NetworkGrant, Secret, SecretTo, Text};

use super::super::Lowering;
use super::judged::{contradiction, pattern, place, secrets};
use super::settle::network;

pub(super) fn settle(state: &mut Lowering<'_>) {
    said_twice(state);
    two_servers(state);
    values_too(state);
    in_host_folders(state);
}

/// Two secrets in one place: the broker could not know which one is meant.
fn said_twice(state: &mut Lowering<'_>) {
    let all: Vec<_> = secrets(state).collect();
    let mut faults = Vec::new();
    for (index, (later, granted, at)) in all.iter().enumerate() {
        for (first, earlier, from) in all.get(..index).unwrap_or_default() {
            if granted.entry.grant == earlier.entry.grant {
                continue;
            }
            let message = if first.to == later.to {
                format!("`{}` is the placeholder of two secrets", later.to)
            } else if let (Some(header), Some(host)) =
                (same_header(first, later), same_host(first, later))
            {
                format!(
                    "`{}` and `{}` are both for the header `{header}` of `{host}`, which holds one",
                    first.to, later.to
                )
            } else {
                continue;
            };
            let help = "remove one of them, or give each its own hosts";
            faults.push(contradiction(message, (*at, *from), "first granted here", help));
        }
    }
    state.diagnostics.extend(faults);
}

/// Two servers at one place.
fn two_servers(state: &mut Lowering<'_>) {
    let all: Vec<_> = state
        .grants
        .iter()
        .filter_map(|granted| match network(granted) {
            Some(NetworkGrant::SecretSocket(socket)) => {
                Some((&socket.socket, place(state, granted)))
            }
            _ => None,
        })
        .collect();
    let mut faults = Vec::new();
    for (index, (socket, at)) in all.iter().enumerate() {
        let first = all.iter().take(index).find(|(first, _)| first == socket);
        if let Some((_, first)) = first {
            let message = format!("two servers would listen at `{socket}`");
            let help = "give one of them another socket";
            faults.push(contradiction(message, (*at, *first), "first granted here", help));
        }
    }
    state.diagnostics.extend(faults);
}

fn same_header<'s>(one: &'s Secret, other: &Secret) -> Option<&'s str> {
    one.header.as_deref().filter(|header| other.header.as_deref() == Some(header))
}

fn same_host<'s>(one: &'s Secret, other: &Secret) -> Option<&'s str> {
    one.hosts.iter().map(String::as_str).find(|host| {
        let Some(own) = pattern(host) else { return false };
        let others = other.hosts.iter().filter_map(|host| pattern(host));
        others.into_iter().any(|other| own.covers(&other) || other.covers(&own))
    })
}

/// A variable with a placeholder that is also given a value.
fn values_too(state: &mut Lowering<'_>) {
    let mut faults = Vec::new();
    for (secret, granted, at) in secrets(state) {
        let SecretTo::Variable(variable) = &secret.to else { continue };
        let other = state.grants.iter().find(|granted| match &granted.entry.grant {
            Grant::SetEnv { name, .. } | Grant::ForwardEnv { name, .. } => name == variable,
            _ => false,
        });
        let Some(other) = other else { continue };
        let (name, secret) = (&other.entry.by.combinator, &granted.entry.by.combinator);
        let message = format!(
            "`{variable}` has the placeholder of a `{secret}`, and `{name}` gives it a value"
        );
        let help = format!("leave `{name}` out: the value then stays outside");
        faults.push(contradiction(message, (at, place(state, other)), "first granted here", &help));
    }
    state.diagnostics.extend(faults);
}

/// The launch makes what the broker gives in the jail's own files. Nothing is made
/// in a folder of the host's.
fn in_host_folders(state: &mut Lowering<'_>) {
    let mut faults = Vec::new();
    for granted in &state.grants {
        let given = match network(granted) {
            Some(NetworkGrant::Secret(Secret { to: SecretTo::File(path), .. })) => path.clone(),
            Some(NetworkGrant::SecretSocket(socket)) => Text::literal(socket.socket.as_str()),
            _ => continue,
        };
        let around = state.grants.iter().find(|other| {
            let folder = other.entry.grant.target().filter(|_| is_hosts(&other.entry.grant));
            folder.is_some_and(|folder| lies_in(&given, folder))
        });
        let Some(around) = around else { continue };
        let (name, by) = (&granted.entry.by.combinator, &around.entry.by.combinator);
        let message =
            format!("`{name}` would make `{given}` in a folder of the host's, which `{by}` grants");
        let help = "name another place, such as `\"/run/secrets/name\"`, and configure the program to use it";
        let places = (place(state, granted), place(state, around));
        faults.push(contradiction(message, places, "first granted here", help));
    }
    state.diagnostics.extend(faults);
}

/// Whether something of the host appears there, for certain or perhaps.
fn is_hosts(grant: &Grant) -> bool {
    match grant.host_use() {
        HostUse::Path { .. }
        | HostUse::Tree { .. }
        | HostUse::State(_)
        | HostUse::FolderState(_)
        | HostUse::Layers { .. }
        | HostUse::Folder { .. } => true,
        HostUse::Nothing
        | HostUse::Copied { .. }
        | HostUse::StateFile(_)
        | HostUse::Link
        | HostUse::Beneath { .. }
        | HostUse::Home
        | HostUse::Repository
        | HostUse::Arguments(_)
        | HostUse::Variable { .. }
        | HostUse::Identity
        | HostUse::Session(_)
        | HostUse::Bus
        | HostUse::Store(_)
        | HostUse::Value(_)
        | HostUse::Namespace(_)
        | HostUse::Network
        | HostUse::ByName(_)
        | HostUse::Ports { .. }
        | HostUse::Cage { .. }
        | HostUse::Calls(_)
        | HostUse::Terminal
        | HostUse::Script
        | HostUse::Channel(_)
        | HostUse::Browser => false,
    }
}

/// Whether a place is a folder or inside it, as both are written.
fn lies_in(place: &Text, folder: &Text) -> bool {
    let plain = |text: &Text| text.to_string().trim_matches('"').trim_end_matches('/').to_owned();
    let (place_text, folder_text) = (plain(place), plain(folder));
    let rest = place_text.strip_prefix(&folder_text);
    place.expand == folder.expand
        && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
