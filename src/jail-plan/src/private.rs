//! What the helper knows of agents' state besides the names in a plan ([`crate::PrivateCopies`]). Only data; no I/O.

/// Files below the home folder that sessions share and that hold settings which run programs: what changed of these is reported.
pub const SHARED: [&str; 6] = [
    // Claude Code: who is signed in, and servers, and which folders are trusted.
    ".claude.json",
    ".claude/.config.json",
    // Copilot: who is signed in, and which folders are trusted.
    ".copilot/config.json",
    // Crush: models and keys, and anything else that its configuration may say.
    ".local/share/crush/crush.json",
    // Cursor: who is signed in, and what may be run unasked.
    ".cursor/cli-config.json",
    // Pi: keys, which may be what a command prints.
    ".pi/agent/auth.json",
];

/// The settings in them that count, wherever they stand.
pub const KEYS: [&str; 20] = [
    "allowedTools",
    "apiKeyHelper",
    "awsAuthRefresh",
    "awsCredentialExport",
    "command",
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
    "statusLine",
    "trusted_folders",
    "trustedFolders",
];

/// Folders that agents fill with programs, or with what one session keeps for itself: what changes there is not listed.
pub const FILLED: [&str; 13] = [
    "bin",
    "cache",
    "file-history",
    "history",
    "local",
    "node",
    "node_modules",
    "pkg",
    "session-env",
    "shell-snapshots",
    "shell_snapshots",
    "snapshot",
    "tmp",
];
