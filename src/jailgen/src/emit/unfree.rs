//! Unfree agents are allowed by name, and only those that a spec names.

use std::collections::BTreeSet;

use jail_policy::{Package, Piece};

use super::Spec;

/// Agents that nixpkgs calls unfree, by the name (`lib.getName`) that its predicate sees.
const AGENTS: [&str; 10] = [
    "amp",
    "amp-cli",
    "claude-code",
    "copilot-cli",
    "crush",
    "cursor-agent",
    "cursor-cli",
    "droid",
    "factory-cli",
    "github-copilot-cli",
];

/// The unfree agents that the specs name, sorted.
pub(super) fn named(specs: &[Spec]) -> BTreeSet<&'static str> {
    let policies = specs.iter().flat_map(|spec| &spec.policies);
    let texts = policies
        .flat_map(|policy| &policy.grants)
        .flat_map(|entry| crate::seal::texts(&entry.grant));
    let mut named = BTreeSet::new();
    for piece in texts.flat_map(|text| text.pieces()) {
        if let Piece::Package { package: Package::Symbolic { nix }, .. } = piece {
            named.extend(AGENTS.iter().copied().filter(|agent| selects(nix, agent)));
        }
    }
    named
}

/// Whether Nix source selects an attribute of this name, as in `agents.claude-code`.
fn selects(nix: &str, name: &str) -> bool {
    let in_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '\'');
    nix.match_indices(name).any(|(at, _)| {
        let before = nix.get(..at).unwrap_or_default();
        let after = nix.get(at + name.len()..).unwrap_or_default();
        before.ends_with(['.', '"']) && !after.starts_with(in_name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_attribute_names_count() {
        assert!(selects("agents.claude-code", "claude-code"));
        assert!(selects("(agents.claude-code.override { })", "claude-code"));
        assert!(selects("agents.\"claude-code\"", "claude-code"));
        assert!(!selects("agents.claude-code-acp", "claude-code"));
        assert!(!selects("agents.my-claude-code", "claude-code"));
        assert!(!selects("agents.example", "amp"));
    }
}
