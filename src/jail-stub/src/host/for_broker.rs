//! Checks what the broker runs and reads on the host: a jail must not have made it, nor be able to
//! change it while it runs.
//!
//! The command that is asked before a host is refused decides, with the user's rights, what the
//! jail reaches, and what is read as credentials is sent to a proxy. The broker uses both by their
//! paths, so no link on the way may be a jail's either.

use alloc::string::String;

use jail_plan::{Credentials, Network, SecretSource};
use rustix::io::Errno;

use super::trust::WritableTrees;
use super::walk::passed;
use crate::caller::Caller;
use crate::failure::Problem;

/// Refuses a network for which this is not so.
pub(crate) fn check<'a>(
    network: &'a Network,
    caller: &Caller<'_>,
    trees: &WritableTrees<'_>,
) -> Result<(), (&'a str, Problem)> {
    let egress = &network.egress;
    if let Some(ask) = &egress.ask {
        check_command(&ask.command, trees).map_err(|problem| (ask.by.as_str(), problem))?;
    }
    if let Some(upstream) = &egress.upstream
        && let Some(Credentials::File(path)) = &upstream.credentials
    {
        let what = "what is there would be sent to the proxy";
        check_file(path, what, trees).map_err(|problem| (upstream.by.as_str(), problem))?;
    }
    for secret in &egress.secrets {
        let checked = match &secret.from {
            SecretSource::File(path) => caller.path(path).and_then(|path| {
                check_file(path.as_str(), "what is there would be sent as your key", trees)
            }),
            SecretSource::Command(words) => check_command(words, trees),
            SecretSource::Variable(_) | SecretSource::Keyring(_) => Ok(()),
        };
        checked.map_err(|problem| (secret.by.as_str(), problem))?;
    }
    Ok(())
}

fn check_command(command: &[String], trees: &WritableTrees<'_>) -> Result<(), Problem> {
    for (number, word) in command.iter().enumerate() {
        match is_a_jails(word, trees) {
            // A word of a shell may be a script, or not a path at all. A jail could make a file
            // that does not exist yet.
            Err(problem) if number == 0 => return Err(problem),
            Ok(false) | Err(_) => {}
            Ok(true) => return Err(refused(word, "it would be run on the host")),
        }
    }
    Ok(())
}

fn check_file(path: &str, what: &str, trees: &WritableTrees<'_>) -> Result<(), Problem> {
    match is_a_jails(path, trees) {
        // The broker reports that it is missing, and nothing is sent.
        Err(problem) if problem.is(&[Errno::NOENT]) => Ok(()),
        Err(problem) => Err(problem),
        Ok(false) => Ok(()),
        Ok(true) => Err(refused(path, what)),
    }
}

/// Whether a jail could change what is at an absolute path.
fn is_a_jails(path: &str, trees: &WritableTrees<'_>) -> Result<bool, Problem> {
    if !path.starts_with('/') {
        return Ok(false);
    }
    passed(path.as_bytes(), trees).map(|passed| trees.first_in(&passed).is_some())
}

fn refused(path: &str, what: &str) -> Problem {
    Problem::new(path, ["it lies where a jail could write, and ", what].concat())
        .help("keep it in a folder that no jail is given for writing")
}
