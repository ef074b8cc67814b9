//! The keys, by their variables.

use super::KnownKey;

/// Agents that speak to whichever provider of models their user chose.
const ANY_PROVIDER: &[&str] =
    &["crush", "goose-cli", "hermes-agent", "opencode", "opencode2", "pi"];

const IN_HEADER: &[&str] = &["header"];

const fn provider(
    variable: &'static str,
    hosts: &'static [&'static str],
    source: &'static str,
) -> KnownKey {
    KnownKey { variable, hosts, places: IN_HEADER, agents: ANY_PROVIDER, source }
}

/// A token of GitHub, which git sends as a password.
const fn github(variable: &'static str) -> KnownKey {
    KnownKey {
        variable,
        hosts: &["api.github.com", "github.com"],

        places: &["header", "basic"],
        agents: &[],
        source: "https://cli.github.com/manual/gh_help_environment",
    }
}

/// All keys. A key that its program exchanges for another one at the same host is left out: the
/// host would be refused the other key.
pub static KEYS: &[KnownKey] = &[
    KnownKey {
        variable: "AMP_API_KEY",
        hosts: &["ampcode.com"],

        places: IN_HEADER,
        agents: &["amp"],
        source: "https://ampcode.com/manual",
    },
    KnownKey {
        variable: "ANTHROPIC_API_KEY",
        hosts: &["api.anthropic.com"],

        places: IN_HEADER,
        agents: &[
            "claude-code",
            "crush",
            "goose-cli",
            "hermes-agent",
            "opencode",
            "opencode2",
            "pi",
        ],
        source: "https://docs.claude.com/en/api/overview",
    },
    provider("DEEPSEEK_API_KEY", &["api.deepseek.com"], "https://api-docs.deepseek.com"),
    KnownKey {
        variable: "GEMINI_API_KEY",
        hosts: &["generativelanguage.googleapis.com"],

        places: IN_HEADER,
        agents: &["crush", "gemini-cli", "hermes-agent", "opencode", "opencode2", "pi"],
        source: "https://ai.google.dev/gemini-api/docs/api-key",
    },
    github("GH_TOKEN"),
    github("GITHUB_TOKEN"),
    provider("GROQ_API_KEY", &["api.groq.com"], "https://console.groq.com/docs/api-reference"),
    provider("MISTRAL_API_KEY", &["api.mistral.ai"], "https://docs.mistral.ai/api"),
    KnownKey {
        variable: "OPENAI_API_KEY",
        hosts: &["api.openai.com"],

        places: IN_HEADER,
        agents: &["codex", "crush", "goose-cli", "hermes-agent", "opencode", "opencode2", "pi"],
        source: "https://platform.openai.com/docs/api-reference/authentication",
    },
    provider(
        "OPENROUTER_API_KEY",
        &["openrouter.ai"],
        "https://openrouter.ai/docs/api-reference/authentication",
    ),
    provider("XAI_API_KEY", &["api.x.ai"], "https://docs.x.ai/docs/api-reference"),
];
