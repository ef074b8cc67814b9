//! The agents that jailgen knows: data, with the source of each.

/// An agent: its package and what it keeps on the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preset {
    /// The command's name, unless the spec gives another one.
    pub command: &'static str,
    /// Its attribute in the `llm-agents` input.
    pub package: &'static str,
    /// What it keeps on the host; paths with `~`.
    pub state: &'static [State],
    /// What it executes or trusts of that.
    pub executed: &'static [Executed],
    /// The arguments that come before the caller's.
    pub arguments: &'static [&'static str],
    /// Variables that it needs in a jail, each with the reason.
    pub variables: &'static [Variable],
    /// The caches that its jail has, because it is slow without them.
    pub caches: &'static [&'static str],
    /// The page that documents it.
    pub source: &'static str,
}

/// A variable that an agent has in a jail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// Its value.
    pub value: VariableValue,
    /// What the agent does with it, for the docs.
    pub reason: &'static str,
}

/// What such a variable is set to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VariableValue {
    /// Always this.
    Text(&'static str),
    /// The name of the jail's command.
    CommandName,
}

/// Something that an agent keeps on the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// A folder, by its path that begins with `~`.
    Directory(&'static str),
    /// A file, by its path that begins with `~`.
    File(&'static str),
}

use State::{Directory, File};

use super::executed::{self, Executed};

/// A file that an agent keeps next to its folder, and also finds in the folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Movable {
    /// The agent's name, for messages.
    pub agent: &'static str,
    /// The folder of the agent's state.
    pub folder: &'static str,
    /// Its file, next to the folder.
    pub file: &'static str,
    /// The file that it uses instead, if that exists.
    pub inside: &'static str,
    /// The content that it accepts as an empty file.
    pub first: &'static str,
}

/// All that are known.
pub static MOVABLE: &[Movable] = &[Movable {
    agent: "Claude Code",
    folder: "~/.claude",
    file: "~/.claude.json",
    inside: "~/.claude/.config.json",
    first: "{}\n",
}];

/// All of them, by package.
pub static PRESETS: &[&Preset] = &[
    &AMP,
    &CLAUDE_CODE,
    &CODEX,
    &COPILOT_CLI,
    &CRUSH,
    &CURSOR_AGENT,
    &GEMINI_CLI,
    &GOOSE,
    &HERMES_AGENT,
    &OPENCODE,
    &OPENCODE2,
    &PI,
    &QWEN_CODE,
];

pub(super) static AMP: Preset = Preset {
    command: "jailed-amp",
    package: "amp",
    state: &[Directory("~/.config/amp"), Directory("~/.local/share/amp")],
    executed: executed::AMP,
    arguments: &[],
    variables: &[],
    caches: &[],
    source: "https://ampcode.com/manual",
};

pub(super) static CLAUDE_CODE: Preset = Preset {
    command: "jailed-claude-code",
    package: "claude-code",
    state: &[Directory("~/.claude"), File("~/.claude.json")],
    executed: executed::CLAUDE_CODE,
    arguments: &[],
    variables: &[
        Variable {
            name: "IS_SANDBOX",
            value: VariableValue::Text("1"),
            reason: "as root, Claude Code takes `--dangerously-skip-permissions` only in a sandbox",
        },
        Variable {
            name: "CLAUDE_CODE_RESUME_HINT_COMMAND",
            value: VariableValue::CommandName,
            reason: "when Claude Code ends, it prints this command, which is the jail's, for resuming the session",
        },
    ],
    caches: &[],
    source: "https://code.claude.com/docs/en/settings",
};

pub(super) static CODEX: Preset = Preset {
    command: "jailed-codex",
    package: "codex",
    state: &[Directory("~/.codex")],
    // The jail is its sandbox. Its own would need user namespaces, and without
    // them every command fails.
    executed: executed::CODEX,
    arguments: &["-c", "sandbox_mode=danger-full-access"],
    variables: &[],
    caches: &[],
    source: "https://github.com/openai/codex/blob/main/docs/config.md",
};

pub(super) static COPILOT_CLI: Preset = Preset {
    command: "jailed-copilot-cli",
    package: "copilot-cli",
    state: &[Directory("~/.copilot")],
    executed: executed::COPILOT_CLI,
    arguments: &[],
    variables: &[],
    caches: &["copilot"],
    source: "https://docs.github.com/en/copilot/reference/copilot-cli-reference/cli-config-dir-reference",
};

pub(super) static CRUSH: Preset = Preset {
    command: "jailed-crush",
    package: "crush",
    state: &[Directory("~/.config/crush"), Directory("~/.local/share/crush")],
    executed: executed::CRUSH,
    arguments: &[],
    variables: &[],
    caches: &[],
    source: "https://github.com/charmbracelet/crush#configuration",
};

pub(super) static CURSOR_AGENT: Preset = Preset {
    command: "jailed-cursor-agent",
    package: "cursor-agent",
    // Its configuration, and its sign-ins.
    state: &[Directory("~/.cursor"), Directory("~/.config/cursor")],
    executed: executed::CURSOR_AGENT,
    arguments: &[],
    variables: &[],
    caches: &[],
    source: "https://cursor.com/docs/cli/reference/configuration",
};

pub(super) static GEMINI_CLI: Preset = Preset {
    command: "jailed-gemini-cli",
    package: "gemini-cli",
    state: &[Directory("~/.gemini")],
    executed: executed::GEMINI_CLI,
    arguments: &[],
    variables: &[],
    caches: &[],
    source: "https://github.com/google-gemini/gemini-cli/blob/main/docs/get-started/configuration.md",
};

pub(super) static GOOSE: Preset = Preset {
    command: "jailed-goose",
    package: "goose-cli",
    state: &[
        Directory("~/.config/goose"),
        Directory("~/.local/share/goose"),
        Directory("~/.local/state/goose"),
    ],
    executed: executed::GOOSE,
    arguments: &[],
    variables: &[],
    caches: &[],
    source: "https://block.github.io/goose/docs/guides/logs",
};

pub(super) static HERMES_AGENT: Preset = Preset {
    command: "jailed-hermes-agent",
    package: "hermes-agent",
    state: &[Directory("~/.hermes")],
    executed: executed::HERMES_AGENT,
    arguments: &[],
    variables: &[],
    caches: &[],
    source: "https://hermes-agent.nousresearch.com/docs/user-guide/configuration",
};

pub(super) static OPENCODE: Preset = Preset {
    command: "jailed-opencode",
    package: "opencode",
    state: &[
        Directory("~/.config/opencode"),
        Directory("~/.local/share/opencode"),
        Directory("~/.local/state/opencode"),
    ],
    executed: executed::OPENCODE,
    arguments: &[],
    variables: &[],
    caches: &["opencode"],
    source: "https://opencode.ai/docs/config",
};

// It keeps its state in the folders of the first opencode.
pub(super) static OPENCODE2: Preset = Preset {
    command: "jailed-opencode2",
    package: "opencode2",
    state: OPENCODE.state,
    executed: OPENCODE.executed,
    arguments: &[],
    variables: &[],
    caches: OPENCODE.caches,
    source: OPENCODE.source,
};

pub(super) static PI: Preset = Preset {
    command: "jailed-pi",
    package: "pi",
    state: &[Directory("~/.pi")],
    executed: executed::PI,
    arguments: &[],
    variables: &[],
    caches: &[],
    source: "https://github.com/earendil-works/pi/blob/main/packages/coding-agent/docs/configuration.md",
};

pub(super) static QWEN_CODE: Preset = Preset {
    command: "jailed-qwen-code",
    package: "qwen-code",
    state: &[Directory("~/.qwen")],
    executed: executed::QWEN_CODE,
    arguments: &[],
    variables: &[],
    caches: &[],
    source: "https://qwenlm.github.io/qwen-code-docs/en/users/configuration/settings",
};
