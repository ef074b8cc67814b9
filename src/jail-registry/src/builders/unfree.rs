//! Unfree agents. They are allowed by name, and only if a spec names them.

/// Agents that nixpkgs calls unfree, by the name (`lib.getName`) that its predicate sees.
pub static UNFREE_AGENTS: &[&str] = &[
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

/// The agents that Nix source selects, as in `agents.claude-code`.
pub fn unfree_agents_in(nix: &str) -> impl Iterator<Item = &'static str> {
    UNFREE_AGENTS.iter().copied().filter(|agent| selects(nix, agent))
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
