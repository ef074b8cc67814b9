//! What counts in a normalised policy: a later mount that is certain to be there covers an
//! earlier one at the same place.

use std::collections::BTreeSet;

use jail_policy::{Entry, Grant, Namespace, Text, given, is_home, is_hosts_root};

/// The grants that no later one covers at the same place, in order.
pub(super) fn effective(grants: &[Entry]) -> Vec<&Entry> {
    let (mut covered, mut perhaps) = (BTreeSet::new(), BTreeSet::new());
    let mut kept: Vec<&Entry> = Vec::new();
    for entry in grants.iter().rev() {
        if let Some(target) = target(&entry.grant) {
            // What may be missing at launch covers nothing then, and the jail has what is under it.
            // What is the jail's own anyway is not worth a line.
            let is_own = given(&entry.grant).is_empty();
            if covered.contains(target) || is_own && perhaps.contains(target) {
                continue;
            }
            let covers = if entry.grant.is_certain() { &mut covered } else { &mut perhaps };
            covers.insert(target);
        }
        kept.push(entry);
    }
    kept.reverse();
    kept
}

/// Where in the jail something is put.
fn target(grant: &Grant) -> Option<&Text> {
    match grant {
        // The program starts in the working folder also where a later mount covers it, so it is
        // always shown.
        Grant::Folder { .. } => None,
        other => other.target(),
    }
}

/// What one might look for, and what is not there.
pub(super) fn absent(grants: &[&Entry]) -> Vec<&'static str> {
    let has = |wanted: &dyn Fn(&Grant) -> bool| grants.iter().any(|entry| wanted(&entry.grant));
    let shares = |wanted| {
        has(&|grant| matches!(grant, Grant::ShareNamespace { namespace } if *namespace == wanted))
    };
    if has(&|grant| matches!(grant, Grant::Cage { .. })) {
        return IN_A_CAGE.to_vec();
    }
    let mut absent = Vec::new();
    if !has(&is_hosts_root) {
        absent.push("other files of the host");
    }
    if !has(&|grant| is_host_home(grant)) {
        absent.push("the rest of the home folder");
    }
    if !has(&|grant| matches!(grant, Grant::HostNetwork)) && !shares(Namespace::Net) {
        absent.push(super::network::absent(grants.iter().map(|entry| &entry.grant)));
    }
    if !shares(Namespace::Pid) {
        absent.push("other processes (own numbers begin at random)");
    }
    absent.push("capabilities and setuid programs");
    if !has(&may_widen_calls) {
        absent.push("the system calls that the default filter refuses");
    }
    absent.push("the launcher's other variables and open files");
    absent
}

/// Whether more calls are allowed, or, as of a wrapper with rules of its spec's own, that is not
/// known.
fn may_widen_calls(grant: &Grant) -> bool {
    match grant {
        Grant::CallRules { allow, deny, on_deny } => {
            !allow.is_empty() || deny.is_empty() && on_deny.is_none()
        }
        _ => false,
    }
}

/// What a cage takes away.
const IN_A_CAGE: &[&str] = &[
    "the contents of other files of the host",
    "executing anything else",
    "other TCP ports",
    "signals to other processes, and a look into them",
    "abstract sockets, shared memory and message queues of the host",
    "capabilities and setuid programs",
    "the system calls that the default filter refuses",
    "the launcher's other variables and open files",
];

/// Whether the whole home folder, or all of the host, is granted.
fn is_host_home(grant: &Grant) -> bool {
    match grant {
        Grant::HomeAsFolder => true,
        Grant::StateDirectory { path, .. } => is_home(path),
        grant => grant.sources().into_iter().any(is_home),
    }
}
