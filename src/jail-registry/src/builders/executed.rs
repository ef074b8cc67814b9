//! What agents execute or trust in their own state, each with the reason. A preset's jail has
//! copies of these. Sign-ins and conversations are not listed: they stay shared.

/// What an agent executes or trusts in a state folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Executed {
    /// The folder; a path with `~`.
    pub folder: &'static str,
    /// Names in it, each with the reason. A folder's name ends with a slash.
    pub names: &'static [(&'static str, &'static str)],
}

pub(super) static AMP: &[Executed] = &[
    Executed {
        folder: "~/.config/amp",
        names: &[
            ("settings.json", "it names servers, hooks and what may run without a question"),
            ("settings.jsonc", "as `settings.json`"),
            ("tools/", "programs that the agent runs as tools"),
            ("toolbox/", "programs that the agent runs as tools"),
            ("plugins/", "code that the agent loads"),
            ("commands/", "programs and prompts that it runs as commands"),
            ("skills/", "instructions, with programs, that it follows"),
            ("AGENTS.md", "instructions that it follows everywhere"),
            ("AGENT.md", "as `AGENTS.md`"),
        ],
    },
    Executed { folder: "~/.local/share/amp", names: &[("ide/", "editors that it connects to")] },
];

pub(super) static CLAUDE_CODE: &[Executed] = &[Executed {
    folder: "~/.claude",
    names: &[
        (
            "settings.json",
            "it names hooks, status lines, helpers for keys, and what may run without a question",
        ),
        ("settings.local.json", "the same where the agent is started in the home folder"),
        ("remote-settings.json", "settings of an organisation, as they were fetched last"),
        ("hooks/", "programs that settings name as hooks"),
        ("commands/", "prompts that run programs when they are called"),
        ("agents/", "agents with tools and hooks of their own"),
        ("skills/", "instructions, with programs and hooks"),
        ("plugins/", "hooks, servers and commands that are installed"),
        ("output-styles/", "instructions in place of the agent's own"),
        ("rules/", "instructions that it follows everywhere"),
        ("workflows/", "programs that it runs as workflows"),
        ("routines/", "prompts that run by themselves"),
        ("loop.md", "a prompt that runs again and again"),
        ("daemon.json", "settings of the agent that runs in the background"),
        ("daemon/", "what the agent that runs in the background keeps"),
        ("state/", "what may run without a question, for some ways to start it"),
        ("seed-admin/", "repositories for uploads, in which it runs git"),
        ("cowork_plugins/", "as `plugins/`"),
        ("ide/", "editors that it connects to"),
        ("policy-limits.json", "what an organisation does not allow, as it was fetched last"),
        ("backups/", "copies of `~/.claude.json`, for when that is damaged"),
        ("CLAUDE.md", "instructions that it follows everywhere"),
        ("keybindings.json", "keys that run commands"),
        ("scheduled_tasks.json", "prompts that run by themselves"),
        ("chrome/", "the program that a browser starts to talk to the agent"),
        ("agent-memory/", "instructions that its agents follow everywhere"),
        ("launch.json", "servers that it starts, where it is started in the home folder"),
        ("local/", "the agent itself, where it was installed there"),
        ("shell-snapshots/", "scripts that sessions read before each command"),
        ("session-env/", "scripts that sessions read before each command"),
    ],
}];

pub(super) static CODEX: &[Executed] = &[Executed {
    folder: "~/.codex",
    names: &[
        (
            "config.toml",
            "it names servers, programs to notify, and what may run without a question",
        ),
        ("managed_config.toml", "as `config.toml`"),
        ("environments.toml", "where, and by which programs, commands run"),
        (
            "cloud-config-bundle-cache.json",
            "settings of an organisation, as they were fetched last",
        ),
        ("models_cache.json", "instructions for each model, as they were fetched last"),
        ("automations/", "prompts that run by themselves"),
        ("hooks.json", "programs that run as hooks"),
        ("hooks/", "programs that run as hooks"),
        ("rules/", "which commands run without a question"),
        ("prompts/", "prompts that are called as commands"),
        ("skills/", "instructions, with programs"),
        ("agents/", "agents with settings of their own"),
        ("plugins/", "servers and skills that are installed"),
        ("vendor_imports/", "skills that were fetched"),
        ("packages/", "programs that it has installed, itself among them"),
        ("shell_snapshots/", "scripts that sessions read before each command"),
        ("tmp/", "links to programs that are first in the PATH of what it runs"),
        (".tmp/", "plugins as they are fetched"),
        ("AGENTS.md", "instructions that it follows everywhere"),
        ("AGENTS.override.md", "as `AGENTS.md`"),
        (".env", "variables of what it runs"),
    ],
}];

pub(super) static COPILOT_CLI: &[Executed] = &[Executed {
    folder: "~/.copilot",
    names: &[
        ("settings.json", "it names hooks, status lines and what may run without a question"),
        ("mcp-config.json", "servers that it starts"),
        ("lsp-config.json", "language servers that it starts"),
        ("permissions-config.json", "what may run without a question"),
        ("hooks/", "programs that run as hooks"),
        ("agents/", "agents with servers of their own"),
        ("skills/", "instructions, with programs"),
        ("extensions/", "code that it loads"),
        ("ide/", "editors that it connects to"),
        ("installed-plugins/", "hooks, servers and skills that are installed"),
        ("marketplace-cache/", "plugins as they are fetched"),
        ("instructions/", "instructions that it follows everywhere"),
        ("copilot-instructions.md", "instructions that it follows everywhere"),
        ("pkg/", "the agent itself, as it updates itself"),
    ],
}];

pub(super) static CRUSH: &[Executed] = &[Executed {
    folder: "~/.config/crush",
    names: &[
        ("crush.json", "it names servers, language servers, and commands that print keys"),
        (".crush.json", "as `crush.json`"),
        ("crushrc", "a script that it runs as its configuration"),
        ("commands/", "prompts that are called as commands"),
        ("skills/", "instructions, with programs"),
        ("hooks/", "programs that run as hooks"),
        ("CRUSH.md", "instructions that it follows everywhere"),
    ],
}];

pub(super) static CURSOR_AGENT: &[Executed] = &[
    Executed {
        folder: "~/.cursor",
        names: &[
            ("mcp.json", "servers that it starts"),
            ("sandbox.json", "how much of a sandbox the commands have that it runs"),
            ("hooks.json", "programs that run as hooks"),
            ("hooks/", "programs that settings name as hooks"),
            ("permissions.json", "what may run without a question"),
            ("rules/", "instructions that it follows everywhere"),
            ("commands/", "prompts that are called as commands"),
            ("agents/", "agents with instructions of their own"),
            ("skills/", "instructions, with programs"),
            ("skills-cursor/", "instructions, with programs, that it brings"),
            ("plugins/", "hooks, servers and rules that are installed"),
            ("extensions/", "code that the editor loads"),
            ("argv.json", "arguments of the editor"),
        ],
    },
    // It takes this folder where `XDG_CONFIG_HOME` is set.
    Executed {
        folder: "~/.config/cursor",
        names: &[
            ("mcp.json", "as in `~/.cursor`"),
            ("hooks.json", "as in `~/.cursor`"),
            ("permissions.json", "as in `~/.cursor`"),
        ],
    },
];

pub(super) static GEMINI_CLI: &[Executed] = &[Executed {
    folder: "~/.gemini",
    names: &[
        ("settings.json", "it names servers, hooks, tools and what may run without a question"),
        ("trustedFolders.json", "folders whose own settings it believes"),
        ("trusted_hooks.json", "hooks of projects that run without a question"),
        ("acknowledgments/", "agents of projects that it starts without a question"),
        ("policy_integrity.json", "which policies of projects it believes"),
        ("extension_integrity.json", "which extensions it believes are as they were installed"),
        ("mcp-server-enablement.json", "which servers it starts"),
        (".env", "variables of the agent and of what it runs"),
        ("extensions/", "servers, hooks and commands that are installed"),
        ("commands/", "prompts that run programs when they are called"),
        ("policies/", "which commands run without a question"),
        ("antigravity/", "servers and workflows of another program, Antigravity"),
        ("antigravity-cli/", "settings, hooks and servers of another program, Antigravity"),
        ("hooks/", "programs that settings name as hooks"),
        ("agents/", "agents with tools of their own"),
        ("skills/", "instructions, with programs"),
        ("tmp/bin/", "programs that it has downloaded and runs"),
        ("bin/", "programs that it has downloaded and runs"),
        ("history/", "repositories for checkpoints, in which it runs git"),
        ("GEMINI.md", "instructions that it follows everywhere"),
        ("memory.md", "instructions that it follows everywhere"),
        ("system.md", "instructions in place of its own"),
    ],
}];

pub(super) static GOOSE: &[Executed] = &[
    Executed {
        folder: "~/.config/goose",
        names: &[
            (
                "config.yaml",
                "it names the programs of extensions, and what may run without a question",
            ),
            ("permission.yaml", "what may run without a question"),
            ("permissions/", "what may run without a question"),
            ("custom_providers/", "where it sends what it is asked"),
            ("prompts/", "instructions in place of its own"),
            ("recipes/", "prompts with extensions of their own"),
            ("skills/", "instructions, with programs"),
            ("agents/", "agents with instructions of their own"),
            ("memory/", "instructions that it follows everywhere"),
            (".goosehints", "instructions that it follows everywhere"),
            ("AGENTS.md", "instructions that it follows everywhere"),
        ],
    },
    Executed {
        folder: "~/.local/share/goose",
        names: &[
            ("schedule.json", "recipes that run by themselves"),
            ("scheduled_recipes/", "recipes that run by themselves"),
        ],
    },
];

pub(super) static HERMES_AGENT: &[Executed] = &[Executed {
    folder: "~/.hermes",
    names: &[
        ("config.yaml", "it names servers, hooks and what may run without a question"),
        (".env", "variables of the agent and of what it runs"),
        ("hooks/", "programs that run as hooks"),
        ("agent-hooks/", "programs that settings name as hooks"),
        ("shell-hooks-allowlist.json", "hooks that run without a question"),
        ("plugins/", "code that it loads"),
        ("skills/", "instructions, with programs"),
        ("scripts/", "programs that its tasks run"),
        ("cron/", "tasks that run by themselves"),
        ("hermes-agent/", "the agent itself, where it was installed there"),
        ("node/", "programs that it has installed"),
        ("bin/", "programs that it has installed"),
        ("SOUL.md", "instructions that it follows everywhere"),
    ],
}];

pub(super) static OPENCODE: &[Executed] = &[
    Executed {
        folder: "~/.config/opencode",
        names: &[
            ("opencode.json", "it names servers, plugins and what may run without a question"),
            ("opencode.jsonc", "as `opencode.json`"),
            ("config.json", "as `opencode.json`"),
            ("tui.json", "it names plugins"),
            ("tui.jsonc", "as `tui.json`"),
            ("plugin/", "code that it loads"),
            ("plugins/", "code that it loads"),
            ("tool/", "code that it loads as tools"),
            ("tools/", "code that it loads as tools"),
            ("command/", "prompts that run programs when they are called"),
            ("commands/", "prompts that run programs when they are called"),
            ("agent/", "agents with permissions of their own"),
            ("agents/", "agents with permissions of their own"),
            ("mode/", "agents with permissions of their own"),
            ("modes/", "agents with permissions of their own"),
            ("skill/", "instructions, with programs"),
            ("skills/", "instructions, with programs"),
            ("package.json", "packages that it installs for plugins"),
            ("bun.lock", "packages that it installs for plugins"),
            ("node_modules/", "code that plugins load"),
            ("AGENTS.md", "instructions that it follows everywhere"),
        ],
    },
    Executed {
        folder: "~/.local/share/opencode",
        names: &[
            ("bin/", "programs that it has downloaded and runs"),
            ("snapshot/", "repositories for its undo, in which it runs git"),
        ],
    },
];

pub(super) static PI: &[Executed] = &[Executed {
    folder: "~/.pi",
    names: &[
        ("agent/settings.json", "it names extensions, packages and the shell"),
        ("agent/models.json", "it names commands that print keys"),
        ("agent/trust.json", "folders whose own settings it believes"),
        ("agent/keybindings.json", "keys of commands"),
        ("agent/extensions/", "code that it loads"),
        ("agent/hooks/", "code that it loads"),
        ("agent/tools/", "code that it loads as tools"),
        ("agent/skills/", "instructions, with programs"),
        ("agent/prompts/", "prompts that are called as commands"),
        ("agent/npm/", "packages that it loads"),
        ("agent/git/", "packages that it loads"),
        ("agent/bin/", "programs that it has downloaded and runs"),
        ("agent/AGENTS.md", "instructions that it follows everywhere"),
        ("agent/SYSTEM.md", "instructions in place of its own"),
        ("agent/APPEND_SYSTEM.md", "instructions that it follows everywhere"),
    ],
}];

pub(super) static QWEN_CODE: &[Executed] = &[Executed {
    folder: "~/.qwen",
    names: &[
        ("settings.json", "it names servers, hooks, tools and what may run without a question"),
        ("trustedFolders.json", "folders whose own settings it believes"),
        ("trusted_hooks.json", "hooks of projects that run without a question"),
        ("mcp-server-enablement.json", "which servers it starts"),
        ("mcpApprovals.json", "servers of projects that start without a question"),
        (".env", "variables of the agent and of what it runs"),
        ("extensions/", "servers, hooks and commands that are installed"),
        ("extension-store/", "extensions as they were fetched"),
        ("updates/", "the agent itself, as it updates itself"),
        ("bin/", "programs that it has installed"),
        ("locales/", "code that it loads as translations"),
        ("workflows/", "programs that it runs as workflows"),
        ("channels/cron.json", "prompts that run by themselves"),
        ("ide/", "editors that it connects to"),
        ("rules/", "instructions that it follows everywhere"),
        ("output-styles/", "instructions in place of its own"),
        ("memory.md", "instructions that it follows everywhere"),
        ("commands/", "prompts that run programs when they are called"),
        ("policies/", "which commands run without a question"),
        ("hooks/", "programs that settings name as hooks"),
        ("agents/", "agents with tools of their own"),
        ("skills/", "instructions, with programs"),
        ("tmp/bin/", "programs that it has downloaded and runs"),
        ("history/", "repositories for checkpoints, in which it runs git"),
        ("QWEN.md", "instructions that it follows everywhere"),
        ("system.md", "instructions in place of its own"),
        ("output-language.md", "instructions that it follows everywhere"),
    ],
}];
