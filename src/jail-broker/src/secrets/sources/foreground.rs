//! The process that the launch starts before there is a jail: it runs commands and asks the
//! keyring, passes on what they say, and ends.

use std::os::fd::OwnedFd;

use jail_plan::{Secret, SecretSource};
use rustix::net::{SendFlags, send};
use zeroize::Zeroizing;

use super::{MESSAGE_MAX, Read, command, fault, missing, trimmed};
use crate::log;
use crate::start::Start;

/// The program that reads the keyring.
const KEYRING: &str = "secret-tool";

/// Reads what the plan has of these and sends it through `line`.
pub(crate) fn pass_on(start: OwnedFd, line: &OwnedFd, name: &mut String) -> Result<(), String> {
    let (start, network) =
        Start::read(start).map_err(|error| format!("what the supervisor says: {error}"))?;
    name.clone_from(&start.name);
    let secrets = &network.egress.secrets;
    let hidden: Vec<&str> = secrets.iter().filter_map(own_variable).collect();
    for secret in secrets {
        let said = said(secret, &hidden).map_err(|why| fault(&start, secret, &why))?;
        let Some(value) = said else { continue };
        let mut message = Zeroizing::new(Vec::with_capacity(MESSAGE_MAX));
        message.extend_from_slice(secret.name.as_bytes());
        message.push(0);
        message.extend_from_slice(&value);
        // Their reader does not run yet, so they must have room in the socket.
        send(line, &message, SendFlags::NOSIGNAL | SendFlags::DONTWAIT)
            .map_err(|error| fault(&start, secret, &format!("it cannot be passed on: {error}")))?;
    }
    Ok(())
}

fn own_variable(secret: &Secret) -> Option<&str> {
    match &secret.from {
        SecretSource::Variable(name) => Some(name),
        SecretSource::File(_) | SecretSource::Command(_) | SecretSource::Keyring(_) => None,
    }
}

fn said(secret: &Secret, hidden: &[&str]) -> Read {
    match &secret.from {
        SecretSource::File(_) | SecretSource::Variable(_) => Ok(None),
        SecretSource::Command(words) => {
            let said = run(words, hidden)?;
            if !said.status.success() {
                let program = words.first().map(String::as_str).unwrap_or_default();
                return Err(format!("`{program}` failed ({})", said.status));
            }
            trimmed(said.value).map(Some)
        }
        SecretSource::Keyring(attributes) => {
            let words = [KEYRING, "lookup"].map(String::from);
            let words: Vec<String> = words.into_iter().chain(attributes.iter().cloned()).collect();
            let said = run(&words, hidden)?;
            match (said.status.success(), secret.optional) {
                (true, _) => trimmed(said.value).map(Some),
                (false, true) => Ok(None),
                (false, false) => Err(missing(secret)),
            }
        }
    }
}

fn run(words: &[String], hidden: &[&str]) -> Result<command::CommandOutput, String> {
    let mut messages = Messages::default();
    let said = command::run(words, hidden, command::TIME_MAX, &mut |bytes| messages.show(bytes));
    messages.end();
    said
}

/// What a command says on standard error, for a terminal: as it comes, because it may ask for
/// something, and without anything that a terminal would obey.
#[derive(Default)]
struct Messages {
    /// The beginning of a character whose rest has not come.
    begun: Vec<u8>,
    is_in_line: bool,
}

impl Messages {
    fn show(&mut self, bytes: &[u8]) {
        log::show(&self.text(bytes));
    }

    fn text(&mut self, bytes: &[u8]) -> String {
        self.begun.extend_from_slice(bytes);
        let whole = match std::str::from_utf8(&self.begun) {
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            Ok(_) | Err(_) => self.begun.len(),
        };
        let whole: Vec<u8> = self.begun.drain(..whole).collect();
        let text = String::from_utf8_lossy(&whole);
        let lines: Vec<String> = text.split('\n').map(jail_plan::one_line).collect();
        self.is_in_line = lines.last().map_or(self.is_in_line, |line| !line.is_empty());
        lines.join("\n")
    }

    /// Nothing of ours stands behind a prompt.
    fn end(&self) {
        if self.is_in_line {
            log::show("\n");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_comes_as_it_is_said_and_no_terminal_obeys_it() {
        let mut messages = Messages::default();
        assert_eq!(messages.text(b"Password\xc3"), "Password");
        assert!(messages.is_in_line);
        assert_eq!(messages.text(b"\xa4: \n"), "ä: \n");
        assert!(!messages.is_in_line);
        let shown = messages.text(b"a\x1b]52;c;eA==\x07b\r\n");
        assert!(!shown.contains(['\x1b', '\x07', '\r']), "{shown:?}");
    }
}
