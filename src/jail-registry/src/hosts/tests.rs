//! Invariants of every group.

use std::collections::BTreeSet;

use jail_egress::Rule;

use super::{GROUPS, group};
use crate::PRESETS;

#[test]
fn names_are_unique_and_hosts_are_rules_with_a_source() {
    let mut seen = BTreeSet::new();
    for group in GROUPS {
        assert!(seen.insert(group.name), "`{}` is there twice", group.name);
        assert!(group.groups.iter().all(|name| super::group(name).is_some()), "{}", group.name);
        assert_ne!(group.all().count(), 0, "{}", group.name);
        let mut hosts = BTreeSet::new();
        for known in group.all() {
            assert!(hosts.insert(known.host), "{}: {}", group.name, known.host);
            let rule = Rule::parse(known.host, "test").map(|rule| rule.destination.to_string());
            let bare = known.host.split(':').next().unwrap();
            assert_eq!(rule.as_deref(), Ok(bare), "{}", group.name);
            assert!(known.source.starts_with("https://"), "{}", known.host);
            assert!(!known.purpose.is_empty(), "{}", known.host);
        }
    }
}

#[test]
fn each_agent_has_hosts() {
    for preset in PRESETS {
        assert!(preset.hosts().is_some(), "{}", preset.package);
    }
    assert!(group("nothing").is_none());
}
