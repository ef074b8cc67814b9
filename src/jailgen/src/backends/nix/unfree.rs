//! Unfree agents are allowed by name, and only those that a spec names.

use std::collections::BTreeSet;

use jail_policy::{Package, Piece};
use jail_registry::unfree_agents_in;

use super::Spec;

/// The unfree agents that the specs name, sorted.
pub(super) fn named(specs: &[Spec]) -> BTreeSet<&'static str> {
    let policies = specs.iter().flat_map(|spec| &spec.policies);
    let texts = policies
        .flat_map(|policy| &policy.grants)
        .flat_map(|entry| crate::seal::texts(&entry.grant));
    let mut named = BTreeSet::new();
    for piece in texts.flat_map(|text| text.pieces()) {
        if let Piece::Package { package: Package::Symbolic { nix }, .. } = piece {
            named.extend(unfree_agents_in(nix));
        }
    }
    named
}
