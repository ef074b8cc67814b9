//! Invariants of every known key.

use std::collections::BTreeSet;

use jail_egress::{Destination, Pattern, Rule};

use super::{KEYS, key};
use crate::{PRESETS, Preset};

fn pattern(host: &str) -> Pattern {
    match Rule::parse(host, "test").unwrap().destination {
        Destination::Names(pattern) => pattern,
        Destination::Address(address) => panic!("{address}"),
    }
}

#[test]
fn variables_are_unique_and_hosts_are_hosts_with_a_source() {
    let mut seen = BTreeSet::new();
    for key in KEYS {
        assert!(seen.insert(key.variable), "{}", key.variable);
        assert!(jail_policy::is_secret(key.variable), "{}", key.variable);
        assert!(!key.hosts.is_empty() && !key.places.is_empty(), "{}", key.variable);
        assert!(key.hosts.iter().all(|host| pattern(host).to_string() == **host), "{key:?}");
        assert!(key.source.starts_with("https://"), "{}", key.source);
        let is_known = |agent: &&&str| PRESETS.iter().any(|preset| preset.package == **agent);
        assert_eq!(key.agents.iter().find(|agent| !is_known(agent)), None, "{}", key.variable);
    }
    assert!(key("NOTHING").is_none());
}

#[test]
fn each_agent_reaches_the_hosts_of_its_own_keys() {
    let unreached = |preset: &&Preset| {
        let rules: Vec<Pattern> =
            preset.hosts().unwrap().all().map(|known| pattern(known.host)).collect();
        let hosts = preset.keys().flat_map(|key| key.hosts);
        let is_out = |host: &&&str| !rules.iter().any(|rule| rule.covers(&pattern(host)));
        hosts.filter(is_out).map(|host| format!("{}: {host}", preset.package)).collect::<Vec<_>>()
    };
    let unreached: Vec<String> =
        PRESETS.iter().copied().flat_map(|preset| unreached(&preset)).collect();
    assert_eq!(unreached, [""; 0]);
}
