//! All that a jail may reach.

use serde::{Deserialize, Serialize};

use super::authority::Host;
use super::name::Name;
use super::rule::{Destination, Rule, Sni};

/// What a jail may reach of the network. Without rules and without [`Reach::Internet`]: nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Policy {
    /// The rules, in the order of the spec.
    pub rules: Vec<Rule>,
    /// What may be reached in addition to the rules.
    pub reach: Reach,
    /// What was taken away while the jail ran, and what of it was given back: the newest word about
    /// a host counts, whatever the rules say.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<Change>,
}

/// A word about some hosts while the jail runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "kebab-case", deny_unknown_fields)]
pub enum Change {
    /// They may not be reached, on no port.
    Denied(Destination),
    /// They may be reached again on these ports, if a rule allows it.
    GivenBack {
        /// The host and ports that it is about.
        destination: Destination,
        /// The TCP ports.
        ports: Vec<u16>,
    },
}

impl Change {
    fn destination(&self) -> &Destination {
        match self {
            Self::Denied(destination) | Self::GivenBack { destination, .. } => destination,
        }
    }
}

/// What may be reached in addition to the rules.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "kebab-case", deny_unknown_fields)]
pub enum Reach {
    /// Nothing: the rules are all.
    Rules,
    /// Every public name and address, on these ports.
    Internet {
        /// The TCP ports.
        ports: Vec<u16>,
    },
}

/// Two rules for the same hosts and port that do not say the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// The places of both in the list.
    pub rules: (usize, usize),
    /// The TCP port.
    pub port: u16,
}

impl Policy {
    /// The rule that counts for a host and a port: of those about both, the one that names the host
    /// most closely, then the first.
    pub(crate) fn rule(&self, host: &Host, port: u16) -> Option<&Rule> {
        if self.is_denied_on(host, port) {
            return None;
        }
        let closeness = |rule: &Rule| match &rule.destination {
            Destination::Names(pattern) => pattern.closeness(),
            Destination::Address(_) => (true, 0),
        };
        self.rules
            .iter()
            .filter(|rule| rule.is_about(host) && rule.ports.contains(&port))
            .reduce(|best, next| if closeness(next) > closeness(best) { next } else { best })
    }

    /// The ports on which a host may be reached; none: the host may not be reached at all.
    #[must_use]
    pub fn ports(&self, host: &Host) -> Vec<u16> {
        let about = self.rules.iter().filter(|rule| rule.is_about(host));
        let mut ports: Vec<u16> = about.flat_map(|rule| rule.ports.iter().copied()).collect();
        if let Reach::Internet { ports: all } = &self.reach
            && is_public(host)
        {
            ports.extend(all);
        }
        ports.sort_unstable();
        ports.dedup();
        ports.retain(|port| !self.is_denied_on(host, *port));
        ports
    }

    /// Takes hosts away, on all ports.
    pub fn deny(&mut self, destination: Destination) {
        self.changes.retain(|change| *change.destination() != destination);
        self.changes.push(Change::Denied(destination));
    }

    /// Adds a rule that counts before the others, and gives back what it is about.
    pub fn allow(&mut self, rule: Rule) {
        if !self.changes.is_empty() {
            let (destination, ports) = (rule.destination.clone(), rule.ports.clone());
            let change = Change::GivenBack { destination, ports };
            self.changes.retain(|old| *old != change);
            self.changes.push(change);
        }
        self.rules.insert(0, rule);
    }

    /// Whether a host was taken away, with all its ports.
    #[must_use]
    pub fn is_denied(&self, host: &Host) -> bool {
        let newest = self.changes.iter().rev().find(|change| change.destination().is_about(host));
        matches!(newest, Some(Change::Denied(_)))
    }

    /// Whether a port of a host was taken away.
    #[must_use]
    pub fn is_denied_on(&self, host: &Host, port: u16) -> bool {
        let about = self.changes.iter().filter(|change| change.destination().is_about(host));
        let is_about_port = |change: &&Change| match change {
            Change::Denied(_) => true,
            Change::GivenBack { ports, .. } => ports.contains(&port),
        };
        matches!(about.rev().find(is_about_port), Some(Change::Denied(_)))
    }

    /// Whether TXT records of a name are looked up.
    #[must_use]
    pub fn takes_txt(&self, name: &Name) -> bool {
        let host = Host::Name(name.clone());
        !self.is_denied(&host) && self.rules.iter().any(|rule| rule.txt && rule.is_about(&host))
    }

    /// Pairs of rules of which one would never count, though it says something else.
    #[must_use]
    pub fn conflicts(&self) -> Vec<Conflict> {
        let mut found = Vec::new();
        for (index, one) in self.rules.iter().enumerate() {
            for (before, other) in self.rules.iter().enumerate().take(index) {
                let differs = |port: &&u16| {
                    let protocol = one.protocol_on(**port);
                    protocol != other.protocol_on(**port) || one.sni != other.sni
                };
                if one.destination == other.destination
                    && let Some(port) =
                        one.ports.iter().filter(|port| other.ports.contains(port)).find(differs)
                {
                    found.push(Conflict { rules: (before, index), port: *port });
                }
            }
        }
        found
    }

    /// Whether any server name may be asked for, by the rule that counts.
    pub(crate) fn takes_any_sni(&self, host: &Host, port: u16) -> bool {
        self.rule(host, port).is_some_and(|rule| rule.sni == Sni::Any)
    }
}

/// Whether `internet` is about a host, as far as its name shows. What its name leads to is judged
/// when it is dialled.
pub(crate) fn is_public(host: &Host) -> bool {
    match host {
        Host::Name(name) => !name.is_local(),
        Host::Address(address) => super::address::objection(*address, &[]).is_none(),
    }
}
