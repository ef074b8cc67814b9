//! What the helper knows of agents' state besides the names in a plan
//! ([`crate::PrivateCopies`]). Only data; no I/O.

/// A file below the home folder that sessions share and that contains settings which run programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SharedFile {
    /// Its path in the home folder.
    pub path: &'static str,
    /// The agent's folder in which a jail has copies, relative to the home folder.
    pub of: &'static str,
    /// The settings in it that run a program, besides the keys that count in
    /// every such file ([`KEYS`]).
    pub runs: RunByValue,
    /// Why it is shared, and what it may contain.
    pub reason: &'static str,
}

/// Which values of a file run a program, or have one fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunByValue {
    /// Only keys count.
    Nothing,
    /// A text that starts with `!` is a command.
    AfterMark,
    /// A text is expanded as in a shell, with the output of commands.
    Expanded,
    /// An entry of the type `wellknown` is a server that settings are fetched from, and a variable.
    FetchedSettings,
}

/// Changes to these are reported.
pub const SHARED: &[SharedFile] = &[
    SharedFile {
        path: ".claude.json",
        of: ".claude",
        runs: RunByValue::Nothing,
        reason: "who is signed in to Claude Code; and servers, and which folders are trusted",
    },
    SharedFile {
        path: ".claude/.config.json",
        of: ".claude",
        runs: RunByValue::Nothing,
        reason: "as `~/.claude.json`",
    },
    SharedFile {
        path: ".copilot/config.json",
        of: ".copilot",
        runs: RunByValue::Nothing,
        reason: "who is signed in to Copilot; and which folders are trusted",
    },
    SharedFile {
        path: ".local/share/crush/crush.json",
        of: ".config/crush",
        runs: RunByValue::Expanded,
        reason: "models and keys of Crush; and anything that its configuration may say",
    },
    SharedFile {
        path: ".local/share/crush/providers.json",
        of: ".config/crush",
        runs: RunByValue::Expanded,
        reason: "providers that Crush has fetched, whose keys and addresses may run commands",
    },
    SharedFile {
        path: ".local/share/crush/hyper.json",
        of: ".config/crush",
        runs: RunByValue::Expanded,
        reason: "as `providers.json`",
    },
    SharedFile {
        path: ".config/cursor/cli-config.json",
        of: ".config/cursor",
        runs: RunByValue::Nothing,
        reason: "as `~/.cursor/cli-config.json`, where `XDG_CONFIG_HOME` is set",
    },
    SharedFile {
        path: ".cursor/cli-config.json",
        of: ".cursor",
        runs: RunByValue::Nothing,
        reason: "who is signed in to Cursor; and what may run without a question",
    },
    SharedFile {
        path: ".local/share/opencode/auth.json",
        of: ".local/share/opencode",
        runs: RunByValue::FetchedSettings,
        reason: "who is signed in to opencode; and servers that it fetches settings from",
    },
    SharedFile {
        path: ".pi/agent/auth.json",
        of: ".pi",
        runs: RunByValue::AfterMark,
        reason: "keys of pi, which may be what a command prints",
    },
];

/// The settings in them that count, at any depth. Case and `_` do not matter:
/// `aws_auth_refresh` is one of them.
pub const KEYS: [&str; 28] = [
    "allowedTools",
    "allowedUrls",
    "apiKeyHelper",
    "approvalMode",
    "awsAuthRefresh",
    "awsCredentialExport",
    "command",
    "deniedTools",
    "deniedUrls",
    "disableAllHooks",
    "disabledMcpServers",
    "disabledMcpjsonServers",
    "enableAllProjectMcpServers",
    "enabledMcpjsonServers",
    "enabledPlugins",
    "env",
    "extraKnownMarketplaces",
    "hasTrustDialogAccepted",
    "hooks",
    "lsp",
    "mcp",
    "mcpServers",
    "otelHeadersHelper",
    "permissions",
    "sandbox",
    "statusLine",
    "trusted_folders",
    "trustedFolders",
];

/// State that sessions share, that an agent writes as it works, and that its later sessions follow:
/// its memory, and what a user has approved. A copy would be gone with the jail, and this is kept
/// on purpose; so changes of it are reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Followed {
    /// The agent's folder in which a jail has copies, relative to the home folder.
    pub of: &'static str,
    /// Files in it, or folders with all that is in them, which end with a slash. In each part, one
    /// `*` stands for anything.
    pub pattern: &'static str,
    /// What later sessions make of it.
    pub reason: &'static str,
}

/// All that is known. Of one folder, what runs something comes first.
pub const FOLLOWED: &[Followed] = &[
    Followed {
        of: ".claude",
        pattern: "projects/*/memory/",
        reason: "notes of Claude Code's, which the next session in a project begins with",
    },
    Followed {
        of: ".codex",
        pattern: "*.config.toml",
        reason: "profiles of Codex, which may say anything that `config.toml` may",
    },
    Followed {
        of: ".codex",
        pattern: "memories/",
        reason: "notes of Codex', which each session begins with",
    },
    Followed {
        of: ".config/cursor",
        pattern: "projects/*/mcp-approvals.json",
        reason: "servers of a project that start without a question",
    },
    Followed {
        of: ".config/cursor",
        pattern: "projects/*/.workspace-trusted",
        reason: "folders whose own settings Cursor believes",
    },
    Followed {
        of: ".cursor",
        pattern: "projects/*/mcp-approvals.json",
        reason: "servers of a project that start without a question",
    },
    Followed {
        of: ".cursor",
        pattern: "projects/*/.workspace-trusted",
        reason: "folders whose own settings Cursor believes",
    },
    Followed {
        of: ".cursor",
        pattern: "projects/*/rules/",
        reason: "instructions that Cursor follows in a project",
    },
    Followed {
        of: ".gemini",
        pattern: "tmp/*/memory/",
        reason: "notes of Gemini's, which the next session in a project begins with",
    },
    Followed {
        of: ".hermes",
        pattern: "profiles/*/config.yaml",
        reason: "as `config.yaml`, of another profile",
    },
    Followed { of: ".hermes", pattern: "profiles/*/.env", reason: "as `.env`, of another profile" },
    Followed {
        of: ".hermes",
        pattern: "profiles/*/hooks/",
        reason: "as `hooks/`, of another profile",
    },
    Followed {
        of: ".hermes",
        pattern: "profiles/*/plugins/",
        reason: "as `plugins/`, of another profile",
    },
    Followed {
        of: ".hermes",
        pattern: "profiles/*/skills/",
        reason: "as `skills/`, of another profile",
    },
    Followed {
        of: ".hermes",
        pattern: "profiles/*/scripts/",
        reason: "as `scripts/`, of another profile",
    },
    Followed {
        of: ".hermes",
        pattern: "profiles/*/cron/",
        reason: "as `cron/`, of another profile",
    },
    Followed {
        of: ".hermes",
        pattern: "profiles/*/SOUL.md",
        reason: "as `SOUL.md`, of another profile",
    },
    Followed {
        of: ".hermes",
        pattern: "memories/",
        reason: "notes of Hermes', which each session begins with",
    },
    Followed {
        of: ".hermes",
        pattern: "profiles/*/memories/",
        reason: "as `memories/`, of another profile",
    },
    Followed {
        of: ".qwen",
        pattern: "memories/",
        reason: "notes of Qwen Code's about its user, which each session begins with",
    },
    Followed {
        of: ".qwen",
        pattern: "projects/*/memory/",
        reason: "notes of Qwen Code's, which the next session in a project begins with",
    },
];

/// A place in an agent's state that the agent itself writes when it starts: a change there is no
/// news, as far as this says. The jail's copy of it stays its own in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rewritten {
    /// The folder of the agent's that a jail has copies in, from the home folder on.
    pub of: &'static str,
    /// A file in it, or a folder with all that is in it, which ends with a slash.
    pub name: &'static str,
    /// Which changes are no news.
    pub when: NoNews,
    /// What the agent writes there, or why no program executes or believes it.
    pub reason: &'static str,
}

/// Which changes of a file are not reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoNews {
    /// Those of settings with these names, in a file in JSON: no program executes or believes what
    /// they say.
    Keys(&'static [&'static str]),
    /// Those that an earlier session has left in the same way, and that were reported then.
    Again,
    /// All: it is fetched again where it is missing.
    All,
}

/// What of agents' changes is not reported.
pub const REWRITTEN: &[Rewritten] = &[
    Rewritten {
        of: ".claude",
        name: "plugins/store/",
        when: NoNews::Keys(&["usage-rows-queued"]),
        reason: "Claude Code notes there for which session its statistics are sent",
    },
    Rewritten {
        of: ".codex",
        name: "models_cache.json",
        when: NoNews::All,
        reason: "Codex fetches it, and again when it is some minutes old",
    },
    Rewritten {
        of: ".codex",
        name: "skills/.system/",
        when: NoNews::Again,
        reason: "Codex writes the skills that it brings",
    },
    Rewritten {
        of: ".codex",
        name: ".tmp/plugins.sync.lock",
        when: NoNews::Again,
        reason: "Codex holds it while it fetches plugins",
    },
    Rewritten {
        of: ".config/opencode",
        name: "opencode.json",
        when: NoNews::Keys(&["$schema"]),
        reason: "opencode adds where editors find what the file may say",
    },
    Rewritten {
        of: ".config/opencode",
        name: "opencode.jsonc",
        when: NoNews::Keys(&["$schema"]),
        reason: "as `opencode.json`",
    },
    Rewritten {
        of: ".config/opencode",
        name: "config.json",
        when: NoNews::Keys(&["$schema"]),
        reason: "as `opencode.json`",
    },
    Rewritten {
        of: ".config/opencode",
        name: "tui.json",
        when: NoNews::Keys(&["$schema"]),
        reason: "as `opencode.json`",
    },
    Rewritten {
        of: ".cursor",
        name: "skills-cursor/",
        when: NoNews::Again,
        reason: "Cursor writes the skills that it brings",
    },
    Rewritten {
        of: ".qwen",
        name: "output-language.md",
        when: NoNews::Again,
        reason: "Qwen Code writes in which language it is to answer",
    },
];

/// Folders that agents fill with programs, or with what one session keeps for itself: what changes
/// there is not listed.
pub const FILLED: [&str; 18] = [
    "backups",
    "bin",
    "cache",
    "daemon",
    "file-history",
    "history",
    "ide",
    "local",
    "node",
    "node_modules",
    "pkg",
    "seed-admin",
    "session-env",
    "shell-snapshots",
    "shell_snapshots",
    "snapshot",
    "state",
    "tmp",
];
