//! Where values are at launch: read once, before anything of the jail's is.
//!
//! Files and variables are read by the broker itself. A command may have to ask for a password: it
//! is run before there is a jail, in the launcher's foreground, by a process of its own
//! (`foreground`), and what it says comes through a socket, whose bytes stay in the kernel.

mod command;
mod file;
mod foreground;

use std::collections::BTreeMap;
use std::io;
use std::os::fd::OwnedFd;

use jail_plan::{Secret, SecretSource};
use rustix::net::{RecvFlags, recv};
use zeroize::{Zeroize as _, Zeroizing};

use crate::log;
use crate::start::Start;

pub(crate) use foreground::pass_on;

/// A value is not longer: it stands in a field of a request.
const VALUE_MAX: usize = 16 * 1024;

/// A value and, before it, the secret's name and a NUL byte: one message.
const MESSAGE_MAX: usize = VALUE_MAX + 4096;

/// A secret of the plan, with its value.
pub(crate) type WithValue = (Secret, Zeroizing<Vec<u8>>);

/// A value, if it is there at all.
type Read = Result<Option<Zeroizing<Vec<u8>>>, String>;

/// The values of all secrets. One that is missing and optional is left out.
///
/// `said` brings those that the process in the foreground has read.
pub(crate) fn read(
    start: &mut Start,
    secrets: &[Secret],
    said: Option<OwnedFd>,
) -> Result<Vec<WithValue>, String> {
    let mut said = said.map(receive).transpose().map_err(|error| format!("secrets: {error}"))?;
    let mut all = Vec::new();
    for secret in secrets {
        let read = match &secret.from {
            SecretSource::File(_) => from_file(start, secret),
            SecretSource::Variable(name) => Ok(variable(start, name)),
            SecretSource::Command(_) | SecretSource::Keyring(_) => {
                Ok(said.as_mut().and_then(|said| said.remove(&secret.name)))
            }
        };
        match read.map_err(|why| fault(start, secret, &why))? {
            Some(value) => all.push((secret.clone(), value)),
            None if secret.optional => {}
            None => return Err(fault(start, secret, &missing(secret))),
        }
    }
    start.variables.values_mut().for_each(|value| value.zeroize());
    Ok(all)
}

/// What is said about a secret: its name and its line in the spec.
fn fault(start: &Start, secret: &Secret, why: &str) -> String {
    let place = start.places.get(&secret.by).map(|place| format!(" ({place})"));
    format!("the secret `{}`{}: {why}", secret.name, place.unwrap_or_default())
}

fn missing(secret: &Secret) -> String {
    match &secret.from {
        SecretSource::File(_) => "its file is missing".into(),
        SecretSource::Variable(name) => format!("the variable {name} is not set"),
        SecretSource::Command(_) => "its command was not run".into(),
        SecretSource::Keyring(_) => "the keyring has no such entry".into(),
    }
}

fn from_file(start: &Start, secret: &Secret) -> Read {
    let path = start.files.get(&secret.name).ok_or("the launch did not say where its file is")?;
    let file::FileValue { value, is_open } = match file::read(path)? {
        Some(found) => found,
        None if secret.optional => return Ok(None),
        None => return Err(format!("{path}: there is no such file")),
    };
    if is_open {
        let why = format!("{path} can be read by other users; `chmod 600` keeps it yours");
        log::say(&start.name, &fault(start, secret, &why));
    }
    trimmed(value).map(Some)
}

/// One that is set to nothing is taken for one that is not set.
fn variable(start: &Start, name: &str) -> Option<Zeroizing<Vec<u8>>> {
    let value = start.variables.get(name).filter(|value| !value.is_empty())?;
    Some(Zeroizing::new(value.as_bytes().to_vec()))
}

/// A value without its final newline.
fn trimmed(mut value: Zeroizing<Vec<u8>>) -> Result<Zeroizing<Vec<u8>>, String> {
    let text = value.strip_suffix(b"\n").unwrap_or(&value);
    let length = text.strip_suffix(b"\r").unwrap_or(text).len();
    value.truncate(length);
    if value.is_empty() { Err("it is empty".into()) } else { Ok(value) }
}

/// What the process in the foreground has said, by the secret's name. It has ended.
fn receive(line: OwnedFd) -> io::Result<BTreeMap<String, Zeroizing<Vec<u8>>>> {
    let mut said = BTreeMap::new();
    let mut message = Zeroizing::new(vec![0; MESSAGE_MAX]);
    loop {
        let (count, _) = recv(&line, message.as_mut_slice(), RecvFlags::empty())?;
        let bytes = message.get(..count).unwrap_or_default();
        let Some(end) = bytes.iter().position(|byte| *byte == 0) else { return Ok(said) };
        let (name, value) = bytes.split_at(end);
        let value = Zeroizing::new(value.get(1..).unwrap_or_default().to_vec());
        said.insert(String::from_utf8_lossy(name).into_owned(), value);
    }
}

#[cfg(test)]
mod tests;
