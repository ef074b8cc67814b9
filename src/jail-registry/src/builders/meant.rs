//! The agent builder that was probably meant. Only the end of the names is compared, which is the
//! agent's: all builders start alike, and would seem near to each other.

use super::{BUILDERS, Builder};
use crate::suggest::{letters, nearest, respelt};

/// The prefixes of builders' names, and of names that people remember.
const BEGINNINGS: &[&str] = &["makejailed", "mkjailed", "makejail", "mkjail"];

/// The help for an unknown name that looks like a builder's. `None` if it does not.
#[must_use]
pub fn builder_meant(name: &str) -> Option<String> {
    let bare = letters(name);
    let agent = BEGINNINGS.iter().find_map(|beginning| bare.strip_prefix(beginning))?;
    Some(match of_agent(agent) {
        Some(builder) => format!("did you mean `{}`?", builder.name),
        None => {
            "for an agent that jailgen does not know there is `makeJailedAgent { name = \"…\"; pkg = pkgs.…; configPaths = [ … ]; }`".into()
        }
    })
}

/// The builder of an agent: by its own name, by a prefix of it, or by the nearest name.
fn of_agent(agent: &str) -> Option<&'static Builder> {
    let known: Vec<(String, &Builder)> = BUILDERS
        .iter()
        .filter_map(|builder| {
            Some((letters(builder.name).strip_prefix("makejailed")?.into(), builder))
        })
        .collect();
    let names = || known.iter().map(|(known, _)| known.as_str());
    let begins = |known: &&str| !agent.is_empty() && known.starts_with(agent);
    let shortest = || names().filter(begins).min_by_key(|known| known.len());
    let found = respelt(agent, names())
        .or_else(shortest)
        .or_else(|| nearest(agent, names()))
        .or_else(|| nearest(agent, names().filter_map(|known| beginning(known, agent.len()))))?;
    known.iter().find(|(known, _)| known.starts_with(found)).map(|(_, builder)| *builder)
}

/// The first `length` characters of a name, if they distinguish the agents.
fn beginning(known: &str, length: usize) -> Option<&str> {
    const ENOUGH: usize = 5;
    known.get(..length).filter(|_| length >= ENOUGH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_builder_is_found_by_its_agent() {
        let meant = |name: &str| builder_meant(name).unwrap_or_default();
        for (name, builder) in [
            ("makeJailedClaude", "makeJailedClaudeCode"),
            ("makejailedclaudecode", "makeJailedClaudeCode"),
            ("make-jailed-claude-code", "makeJailedClaudeCode"),
            ("mkJailedClaudeCode", "makeJailedClaudeCode"),
            ("makeJailedGemini", "makeJailedGeminiCli"),
            ("makeJailedOpenCode", "makeJailedOpencode"),
            ("makeJailedOpen", "makeJailedOpencode"),
            ("makeJailedOpencod", "makeJailedOpencode"),
            ("makeJailedCladue", "makeJailedClaudeCode"),
            ("makeJailedCopilot", "makeJailedCopilotCli"),
            ("makeJailedCursor", "makeJailedCursorAgent"),
            ("makeJailedAgnt", "makeJailedAgent"),
        ] {
            assert_eq!(meant(name), format!("did you mean `{builder}`?"), "{name}");
        }
        // It differs from another builder in one letter, but it is another agent.
        assert!(meant("makeJailedAider").contains("makeJailedAgent {"));
        assert!(meant("makeJailedFoo").contains("makeJailedAgent {"));
        assert_eq!(builder_meant("jail"), None);
        assert_eq!(builder_meant("add-pkg-deps"), None);
    }
}
