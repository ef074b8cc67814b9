//! The hosts of a run, as its broker has logged them.

use std::collections::{BTreeMap, BTreeSet};

use super::advice::{Group, Risk, Wanted};
use crate::session::Line;

/// As many hosts are listed. The jail chooses their names, and how many there are.
const HOSTS_MAX: usize = 100;

/// The hosts that were reached, by the grant that allowed them.
pub(super) type Allowed = BTreeMap<String, BTreeSet<String>>;

/// What the broker says of a host that it refused.
#[derive(Default)]
struct Refused {
    ports: BTreeSet<u16>,
    reason: Option<String>,
    remedy: Option<String>,
}

/// A group for each host that was refused.
pub(super) fn groups(lines: &[Line]) -> Vec<Group> {
    let mut found: BTreeMap<String, Refused> = BTreeMap::new();
    for line in lines.iter().filter(|line| line.verdict == "refused") {
        let Some(host) = line.host.clone().or_else(|| line.address.clone()) else { continue };
        if found.len() >= HOSTS_MAX && !found.contains_key(&host) {
            continue;
        }
        let refused = found.entry(host).or_default();
        refused.ports.extend(line.port);
        if refused.reason.is_none() {
            refused.reason.clone_from(&line.reason);
        }
        if refused.remedy.is_none() {
            refused.remedy.clone_from(&line.remedy);
        }
    }
    found.into_iter().map(|(host, refused)| one(&host, refused)).collect()
}

fn one(host: &str, Refused { ports, reason, remedy }: Refused) -> Group {
    let ports: Vec<String> = ports.iter().map(u16::to_string).collect();
    let name = match ports.as_slice() {
        [] => host.to_owned(),
        ports => format!("{host}:{}", ports.join(",")),
    };
    let result = reason.unwrap_or_else(|| "refused".into());
    Group {
        title: format!("the host {host}"),
        wanted: vec![Wanted { name, result, programs: Vec::new() }],
        more: 0,
        grants: remedy.into_iter().collect(),
        risk: Risk::Medium,
        because: "what the jail reads, it can send there".into(),
    }
}

/// The hosts that were reached.
pub(super) fn allowed(lines: &[Line]) -> Allowed {
    let mut allowed = Allowed::new();
    for line in lines.iter().filter(|line| line.verdict == "allowed") {
        if let (Some(by), Some(host)) = (&line.by, &line.host) {
            allowed.entry(by.clone()).or_default().insert(host.clone());
        }
    }
    allowed
}
