//! Secrets from a command or the keyring. A process of the broker's in the launcher's foreground
//! reads them before there is a jail, because it may have to ask for a password. No value enters
//! this process: the broker takes them from the socket.

use jail_plan::{Network, Secret, SecretSource};
use rustix::fd::OwnedFd;
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
use rustix::process::{Pid, WaitOptions, waitpid};

use super::broker::start_program;
use super::{Surroundings, start};
use crate::failure::{About, Problem};
use crate::host::{WritableTrees, ending, surroundings, wait};
use crate::signal;
use crate::spawn::Standing;

/// Reads them, if the plan has any. The broker reads what is returned.
pub(super) fn read(
    network: &Network,
    around: &Surroundings<'_>,
    trees: &WritableTrees<'_>,
    signals: &OwnedFd,
) -> Result<Option<OwnedFd>, Problem> {
    if !network.egress.secrets.iter().any(is_said) {
        return Ok(None);
    }
    let start = start::memory(around.plan, network, around.wrapper, around.caller)?;
    let (said, line) =
        socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)
            .about("a socket")?;
    let environment = surroundings(around.caller, trees);
    let (task, environment) = ("read", environment.as_slice());
    let process = start_program(
        (&network.broker, task),
        &[&start, &line],
        environment,
        around.mask,
        Standing::Attached,
    )?;
    // The end of the process is the end of its output.
    drop(line);
    while !wait(&process, signals).about("a process for secrets")? {
        // A terminal's signal has reached what runs there; any other is passed on.
        if ending(signals).is_some_and(|signalled| !signalled.by_kernel) {
            let _ = process.signal(signal::TERM);
        }
    }
    let how = waitpid(Pid::from_raw(process.number()), WaitOptions::empty());
    match how.about("a process for secrets")? {
        Some((_, status)) if status.exit_status() == Some(0) => Ok(Some(said)),
        Some(_) | None => Err(Problem::new("", "a secret could not be read")),
    }
}

fn is_said(secret: &Secret) -> bool {
    match &secret.from {
        SecretSource::Command(_) | SecretSource::Keyring(_) => true,
        SecretSource::File(_) | SecretSource::Variable(_) => false,
    }
}
