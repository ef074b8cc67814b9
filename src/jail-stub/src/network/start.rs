//! What the broker gets when it starts: one JSON object in sealed memory, which no process can
//! change and which has no name.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::ffi::CStr;
use core::fmt::Write;

use jail_plan::{Credentials, Network, Origin, Plan, SecretSource, WrapperText};
use rustix::fd::OwnedFd;
use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
use rustix::io::{Errno, pwrite};
use rustix::rand::{GetRandomFlags, getrandom};

use crate::caller::{Caller, unset};
use crate::failure::{About, Problem};

/// The wrapper that was started.
#[derive(Clone, Copy)]
pub(crate) struct Started<'a> {
    pub(crate) path: &'a CStr,
    pub(crate) bytes: &'a [u8],
    pub(crate) text: WrapperText<'a>,
}

/// The object, sealed.
pub(super) fn memory(
    plan: &Plan,
    network: &Network,
    wrapper: Started<'_>,
    caller: &Caller<'_>,
) -> Result<OwnedFd, Problem> {
    let text = text(plan, network, wrapper, caller)?;
    sealed(text.as_bytes()).about("the broker's memory")
}

fn text(
    plan: &Plan,
    network: &Network,
    wrapper: Started<'_>,
    caller: &Caller<'_>,
) -> Result<String, Problem> {
    let mut text = String::from("{");
    member(&mut text, "wrapper", &path(wrapper.path)?);
    member(&mut text, "name", &plan.name);
    member(&mut text, "state", &lossy(&caller.state_folder()?.path()));
    member(&mut text, "session", &session().about("a name for the session")?);
    let places = origins(network).filter_map(|by| Some((by, wrapper.text.place(by)?)));
    object(&mut text, "places", places);
    object(&mut text, "variables", variables(network, caller)?.into_iter());
    object(&mut text, "files", files(network, caller)?.into_iter());
    // It was parsed as JSON before.
    let _ = write!(text, "\"plan_network\":{}}}", lossy(wrapper.text.network));
    Ok(text)
}

/// The origins of what the broker judges by, each once.
fn origins(network: &Network) -> impl Iterator<Item = &str> {
    let egress = &network.egress;
    let mut all: Vec<&Origin> = Vec::from([&network.by]);
    all.extend(egress.rules.iter().map(|rule| &rule.by));
    all.extend(egress.exposed.iter().map(|exposed| &exposed.by));
    all.extend(egress.host_ports.iter().map(|port| &port.by));
    all.extend(egress.upstream.iter().map(|upstream| &upstream.by));
    all.extend(egress.ask.iter().map(|ask| &ask.by));
    all.extend(egress.requests.iter().map(|rule| &rule.by));
    all.extend(egress.secrets.iter().map(|secret| &secret.by));
    all.extend(egress.sockets.iter().map(|socket| &socket.by));
    let mut all: Vec<&str> = all.into_iter().map(String::as_str).collect();
    jail_plan::sort(&mut all);
    all.dedup();
    all.into_iter()
}

/// The variables that contain credentials for a proxy, and secrets. The broker reports
/// a secret that is missing.
fn variables<'a>(
    network: &'a Network,
    caller: &Caller<'_>,
) -> Result<Vec<(&'a str, String)>, Problem> {
    let mut names = Vec::new();
    let upstream = network.egress.upstream.as_ref();
    if let Some(Credentials::Variable(name)) =
        upstream.and_then(|upstream| upstream.credentials.as_ref())
    {
        caller.value(name).ok_or_else(|| unset(name, name))?;
        names.push(name.as_str());
    }
    for secret in &network.egress.secrets {
        if let SecretSource::Variable(name) = &secret.from {
            names.push(name.as_str());
        }
    }
    jail_plan::sort(&mut names);
    names.dedup();
    let mut variables = Vec::new();
    for name in names {
        let Some(value) = caller.value(name) else { continue };
        let value = core::str::from_utf8(value);
        let value = value.map_err(|_| Problem::new(name, format!("`{name}` is not UTF-8")))?;
        variables.push((name, value.into()));
    }
    Ok(variables)
}

/// The files that contain secrets, by the secrets' names.
fn files<'a>(network: &'a Network, caller: &Caller<'_>) -> Result<Vec<(&'a str, String)>, Problem> {
    let mut files = Vec::new();
    for secret in &network.egress.secrets {
        if let SecretSource::File(path) = &secret.from {
            files.push((secret.name.as_str(), caller.path(path)?.as_str().into()));
        }
    }
    Ok(files)
}

/// The wrapper's absolute path.
fn path(path: &CStr) -> Result<String, Problem> {
    let bytes = path.to_bytes();
    if bytes.starts_with(b"/") {
        return Ok(lossy(bytes));
    }
    let folder = rustix::process::getcwd(Vec::new()).about("the working folder")?;
    Ok(lossy(&[folder.as_bytes(), b"/", bytes].concat()))
}

/// A name that people can type and that no other session has.
fn session() -> Result<String, Errno> {
    let mut random = [0; 4];
    // This few bytes are never returned in part (getrandom(2)).
    getrandom(&mut random, GetRandomFlags::empty())?;
    Ok(format!("{:08x}", u32::from_be_bytes(random)))
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into()
}

fn object<'a>(text: &mut String, name: &str, members: impl Iterator<Item = (&'a str, String)>) {
    quote(text, name);
    text.push_str(":{");
    for (name, value) in members {
        member(text, name, &value);
    }
    if text.ends_with(',') {
        text.pop();
    }
    text.push_str("},");
}

fn member(text: &mut String, name: &str, value: &str) {
    quote(text, name);
    text.push(':');
    quote(text, value);
    text.push(',');
}

/// A string of JSON.
fn quote(text: &mut String, string: &str) {
    text.push('"');
    for character in string.chars() {
        match character {
            '"' | '\\' => text.extend(['\\', character]),
            '\0'..='\x1f' => {
                let _ = write!(text, "\\u{:04x}", u32::from(character));
            }
            _ => text.push(character),
        }
    }
    text.push('"');
}

/// Memory with these bytes, which is read from its start and cannot be written.
fn sealed(bytes: &[u8]) -> Result<OwnedFd, Errno> {
    let memory = memfd_create(c"jailgen", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
    let mut at = 0;
    while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
        at += pwrite(&memory, rest, at as u64)?;
    }
    fcntl_add_seals(
        &memory,
        SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE | SealFlags::SEAL,
    )?;
    Ok(memory)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_stands_in_a_string_is_read_back_as_json() {
        for string in ["", "plain", "a\"b\\c", "\0\u{1}\n\u{1f}", "ä\u{2028}\u{7f}😀"] {
            let mut text = String::from("{");
            object(&mut text, string, [("a", "b".into()), (string, string.into())].into_iter());
            object(&mut text, "none", core::iter::empty());
            text.push_str("\"end\":null}");
            let read: serde_json::Value = serde_json::from_str(&text).expect(&text);
            assert_eq!(read[string][string], string);
            assert_eq!(read["none"], serde_json::json!({}));
        }
    }

    #[test]
    fn nobody_can_change_what_the_broker_reads() {
        let memory = sealed(b"text").unwrap();
        let mut read = [0; 8];
        assert_eq!(rustix::io::read(&memory, &mut read), Ok(4), "from its beginning");
        assert_eq!(pwrite(&memory, b"x", 0), Err(Errno::PERM));
        assert_eq!(rustix::fs::ftruncate(&memory, 0), Err(Errno::PERM));
        assert_eq!(fcntl_add_seals(&memory, SealFlags::empty()), Err(Errno::PERM));
    }
}
