//! The policy is an ordered fold: what comes later covers what came earlier. Only what is left is told.

use jail_policy::{Entry, Grant, Namespace, Text};

/// What the later grants leave of the earlier ones, in order.
pub(super) fn effective(grants: &[Entry]) -> Vec<&Entry> {
    let mut kept: Vec<&Entry> = Vec::with_capacity(grants.len());
    for entry in grants {
        if let Some(slot) = slot(&entry.grant) {
            kept.retain(|earlier| self::slot(&earlier.grant).as_ref() != Some(&slot));
        }
        kept.push(entry);
    }
    kept.retain(|entry| !matches!(entry.grant, Grant::UnsetEnv { .. }));
    kept
}

/// What only one grant can occupy: the later one wins.
#[derive(PartialEq)]
enum Slot<'a> {
    Program,
    Arguments,
    Folder,
    Store,
    Hostname,
    TimeZone,
    Terminal,
    Lifetime,
    Variable(&'a str),
    Place(&'a Text),
}

fn slot(grant: &Grant) -> Option<Slot<'_>> {
    match grant {
        Grant::Program { .. } => Some(Slot::Program),
        Grant::Arguments { .. } => Some(Slot::Arguments),
        Grant::Folder { .. } => Some(Slot::Folder),
        Grant::Store { .. } => Some(Slot::Store),
        Grant::Hostname { .. } => Some(Slot::Hostname),
        Grant::TimeZone { .. } => Some(Slot::TimeZone),
        Grant::Terminal { .. } => Some(Slot::Terminal),
        Grant::Lifetime { .. } => Some(Slot::Lifetime),
        Grant::SetEnv { name, .. } | Grant::ForwardEnv { name, .. } | Grant::UnsetEnv { name } => {
            Some(Slot::Variable(name))
        }
        Grant::Bind { to, .. }
        | Grant::StateDirectory { to, .. }
        | Grant::StateFile { to, .. }
        | Grant::Tmpfs { to, .. }
        | Grant::Proc { to }
        | Grant::Dev { to }
        | Grant::Directory { to, .. }
        | Grant::File { to, .. }
        | Grant::Copy { to, .. }
        | Grant::Symlink { to, .. } => Some(Slot::Place(to)),
        Grant::HomeAsFolder
        | Grant::BindArguments { .. }
        | Grant::BindVariable { .. }
        | Grant::Accounts { .. }
        | Grant::AddPath { .. }
        | Grant::ShareNamespace { .. }
        | Grant::HostNetwork => None,
    }
}

/// What one might look for, and what is not there.
pub(super) fn absent(grants: &[&Entry]) -> Vec<&'static str> {
    let has = |wanted: &dyn Fn(&Grant) -> bool| grants.iter().any(|entry| wanted(&entry.grant));
    let shares = |wanted| {
        has(&|grant| matches!(grant, Grant::ShareNamespace { namespace } if *namespace == wanted))
    };
    let mut absent = vec!["other files of the host"];
    if !has(&|grant| is_host_home(grant)) {
        absent.push("the rest of the home folder");
    }
    if !has(&|grant| matches!(grant, Grant::HostNetwork)) && !shares(Namespace::Net) {
        absent.push("any network, the host's loopback included");
    }
    if !shares(Namespace::Pid) {
        absent.push("other processes");
    }
    absent.push("capabilities and setuid programs");
    absent.push("the launcher's other variables and open files");
    absent
}

/// Whether the whole home folder, or all of the host, is granted.
fn is_host_home(grant: &Grant) -> bool {
    match grant {
        Grant::HomeAsFolder => true,
        Grant::Bind { from, .. } => {
            let path = from.to_string();
            matches!(path.trim_end_matches('/'), "" | "~" | "$HOME" | "${HOME}" | "/home" | "/root")
        }
        _ => false,
    }
}
