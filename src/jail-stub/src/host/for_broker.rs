//! What the broker runs on the host, and what it reads there: nothing that a jail could have made, or could change while it runs.
//!
//! Who is asked before a host is refused decides with the user's rights what the jail reaches, and what is read as credentials is sent
//! to a proxy. The broker takes both by their paths, so no link on the way may be a jail's either.

use jail_plan::{Credentials, Network};
use rustix::io::Errno;

use super::trust::WritableTrees;
use super::walk::passed;
use crate::failure::Problem;

/// Refuses a network for which that does not hold.
pub(crate) fn check<'a>(
    network: &'a Network,
    trees: &WritableTrees<'_>,
) -> Result<(), (&'a str, Problem)> {
    let egress = &network.egress;
    if let Some(ask) = &egress.ask {
        let at = |problem| (ask.by.as_str(), problem);
        for (number, word) in ask.command.iter().enumerate() {
            match is_a_jails(word, trees) {
                // A word of a shell's may be a script, or no path at all; what is not there yet a jail could make.
                Err(problem) if number == 0 => return Err(at(problem)),
                Ok(false) | Err(_) => {}
                Ok(true) => return Err(at(refused(word, "it would be run on the host"))),
            }
        }
    }
    let upstream = egress.upstream.as_ref();
    match upstream.map(|upstream| (upstream, upstream.credentials.as_ref())) {
        Some((upstream, Some(Credentials::File(path)))) => {
            let at = |problem| (upstream.by.as_str(), problem);
            match is_a_jails(path, trees) {
                // The broker says that it is missing, and nothing is sent.
                Err(problem) if problem.is(&[Errno::NOENT]) => Ok(()),
                Err(problem) => Err(at(problem)),
                Ok(false) => Ok(()),
                Ok(true) => Err(at(refused(path, "what is there would be sent to the proxy"))),
            }
        }
        Some((_, Some(Credentials::Variable(_)) | None)) | None => Ok(()),
    }
}

/// Whether a jail could change what is found at an absolute path.
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
