//! What the broker gives the jail before its payload starts: files that the launch has made and
//! this fills, and variables.
//!
//! The answer to the launch is one message: `g`, and then the variables, `NAME=VALUE` with a NUL
//! between two of them.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, IoSlice, Read, Write};
use std::os::fd::{AsFd, OwnedFd};

use jail_plan::{Content, Given, GivenTo, Network, Secret};
use rustix::net::{SendAncillaryBuffer, SendFlags, sendmsg};

use crate::authority::Authority;
use crate::secrets::sources::WithValue;

/// A file of roots is not longer.
const ROOTS_MAX: u64 = 8 << 20;

/// All variables together: the launch takes no more.
const VARIABLES_MAX: usize = 64 * 1024;

/// What is given is made of.
pub(crate) struct Sources<'a> {
    /// There, where something that is given needs it.
    pub(crate) authority: Option<&'a Authority>,
    /// The placeholder of each secret.
    pub(crate) placeholders: &'a BTreeMap<String, Vec<u8>>,
}

/// How many descriptors the launch hands over for it.
pub(crate) fn count(given: &[Given]) -> usize {
    given.iter().filter(|one| matches!(one.to, GivenTo::File(_))).count()
}

/// Takes the secrets that are missing out of the plan, with the variables that they would give, and
/// says their names. Their files are there already, and stay empty.
pub(crate) fn leave_out_missing(network: &mut Network, read: &[WithValue]) -> Vec<String> {
    let is_there = |secret: &Secret| read.iter().any(|(one, _)| one.name == secret.name);
    let (kept, missing): (Vec<_>, Vec<_>) = network.egress.secrets.drain(..).partition(is_there);
    network.egress.secrets = kept;
    let missing: Vec<String> = missing.into_iter().map(|secret| secret.name).collect();
    network.given.retain(|one| match (&one.content, &one.to) {
        (Content::Placeholder(name), GivenTo::Variable(_)) => !missing.contains(name),
        (Content::Placeholder(_), GivenTo::File(_))
        | (Content::Authorities(_) | Content::TrustStore(_) | Content::Server(_), _) => true,
    });
    missing
}

/// Whether it needs an authority.
pub(crate) fn needs_authority(given: &[Given]) -> bool {
    given.iter().any(|one| matches!(one.content, Content::Authorities(_) | Content::TrustStore(_)))
}

/// Fills everything, and says so to the launch, which waits. What listens is given back, by its
/// path.
///
/// # Errors
/// What cannot be given, for the user: then there is no payload.
pub(crate) fn give(
    given: &[Given],
    descriptors: Vec<OwnedFd>,
    sources: &Sources<'_>,
    channel: &OwnedFd,
) -> Result<BTreeMap<String, OwnedFd>, String> {
    if given.is_empty() {
        return Ok(BTreeMap::new());
    }
    let mut message = b"g".to_vec();
    let mut servers = BTreeMap::new();
    let mut descriptors = descriptors.into_iter();
    for one in given {
        match (&one.content, &one.to) {
            (Content::Server(path), GivenTo::File(_)) => {
                let socket = descriptors.next().ok_or("the launch handed over too little")?;
                servers.insert(path.clone(), socket);
            }
            (Content::Server(path), GivenTo::Variable(_)) => {
                return Err(format!("the server at {path} is not a variable"));
            }
            (_, GivenTo::File(path)) => {
                let file = descriptors.next().ok_or("the launch handed over too little")?;
                let written = File::from(file).write_all(&content(&one.content, sources)?);
                let path = path.source();
                written.map_err(|error| format!("{path} in the jail: {error}"))?;
            }
            (_, GivenTo::Variable(name)) => {
                if message.len() > 1 {
                    message.push(0);
                }
                let value = content(&one.content, sources)?;
                message.extend([name.as_bytes(), b"=", &value].concat());
            }
        }
    }
    if message.len() > VARIABLES_MAX {
        return Err(format!("variables are given {VARIABLES_MAX} bytes at most together"));
    }
    say(channel, &message).map_err(|error| format!("to the launch: {error}"))?;
    Ok(servers)
}

fn say(channel: &OwnedFd, message: &[u8]) -> io::Result<()> {
    let parts = [IoSlice::new(message)];
    let mut nothing = SendAncillaryBuffer::default();
    sendmsg(channel.as_fd(), &parts, &mut nothing, SendFlags::NOSIGNAL)?;
    Ok(())
}

fn content(content: &Content, sources: &Sources<'_>) -> Result<Vec<u8>, String> {
    let authority = || sources.authority.ok_or("there is no authority");
    match content {
        Content::Authorities(path) => Ok(authority()?.bundle(&roots(path)?)),
        Content::TrustStore(path) => {
            let store = authority()?.trust_store(&roots(path)?);
            store.map_err(|error| format!("{path}: {error}"))
        }
        Content::Placeholder(name) => match sources.placeholders.get(name) {
            Some(placeholder) if !placeholder.contains(&0) => Ok(placeholder.clone()),
            Some(_) | None => Err(format!("the secret `{name}` has no placeholder")),
        },
        Content::Server(path) => Err(format!("the server at {path} is not text")),
    }
}

fn roots(path: &str) -> Result<Vec<u8>, String> {
    let mut roots = Vec::new();
    let read = File::open(path).and_then(|file| file.take(ROOTS_MAX).read_to_end(&mut roots));
    read.map_err(|error| format!("the certificates of authorities: {path}: {error}"))?;
    Ok(roots)
}

#[cfg(test)]
mod tests;
