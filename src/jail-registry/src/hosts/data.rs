//! The groups: registries and services first, then the agents, by their packages. Each host
//! has the page that names it.

use super::{HostGroup, KnownHost};

const fn host(host: &'static str, purpose: &'static str, source: &'static str) -> KnownHost {
    KnownHost { host, purpose, source }
}

/// A registry or a service.
const fn registry(
    name: &'static str,
    summary: &'static str,
    hosts: &'static [KnownHost],
) -> HostGroup {
    HostGroup { name, summary, hosts, groups: &[] }
}

/// An agent that speaks to the services of one company.
const fn agent(
    name: &'static str,
    summary: &'static str,
    hosts: &'static [KnownHost],
) -> HostGroup {
    HostGroup { name, summary, hosts, groups: &[] }
}

/// An agent that speaks to whichever provider of models its user chose.
const fn any_provider(
    name: &'static str,
    summary: &'static str,
    hosts: &'static [KnownHost],
) -> HostGroup {
    HostGroup { name, summary, hosts, groups: &["providers"] }
}

const GITHUB_META: &str = "https://docs.github.com/en/authentication/keeping-your-account-and-data-secure/about-githubs-ip-addresses";
const NPM: &str = "https://docs.npmjs.com/cli/v11/using-npm/registry";
const PYPI: &str = "https://docs.pypi.org/api/index-api/";
const CARGO: &str = "https://doc.rust-lang.org/cargo/reference/registry-index.html";
const CACHE: &str =
    "https://nixos.org/manual/nix/stable/command-ref/conf-file.html#conf-substituters";
const CLAUDE: &str = "https://code.claude.com/docs/en/network-config";
const CLAUDE_DATA: &str = "https://code.claude.com/docs/en/data-usage";
const CLAUDE_MCP: &str = "https://code.claude.com/docs/en/mcp";
const CODEX: &str = "https://developers.openai.com/codex/auth";
const COPILOT: &str = "https://docs.github.com/en/copilot/reference/copilot-allowlist-reference";
const CURSOR: &str = "https://cursor.com/docs/enterprise/network-configuration";
const GEMINI: &str =
    "https://github.com/google-gemini/gemini-cli/blob/main/docs/get-started/authentication.md";
const QWEN: &str = "https://qwenlm.github.io/qwen-code-docs/en/users/configuration/auth";
const AMP: &str = "https://ampcode.com/manual";
const CRUSH: &str = "https://github.com/charmbracelet/crush/blob/main/README.md";
const OPENCODE: &str = "https://opencode.ai/docs/network";
// Its program asks there; no page says so.
const OPENCODE_PACKAGE: &str = "https://www.npmjs.com/package/opencode-ai";
const HERMES: &str = "https://hermes-agent.nousresearch.com/docs/user-guide/configuration";
const PI: &str =
    "https://github.com/earendil-works/pi/blob/main/packages/coding-agent/docs/configuration.md";

/// All groups. Names are those that a spec writes after `@`.
pub static GROUPS: &[HostGroup] = &[
    registry(
        "crates",
        "the registry of Rust's crates",
        &[
            host("index.crates.io", "the index", CARGO),
            host("static.crates.io", "the crates", CARGO),
            host("crates.io", "searching", CARGO),
        ],
    ),
    registry(
        "github",
        "repositories on GitHub, over HTTPS and SSH",
        &[
            host("github.com", "git, and pages", GITHUB_META),
            host("github.com:22", "git over SSH", GITHUB_META),
            host("api.github.com", "the API", GITHUB_META),
            host("codeload.github.com", "archives", GITHUB_META),
            host("raw.githubusercontent.com", "single files", GITHUB_META),
            host("objects.githubusercontent.com", "large files", GITHUB_META),
            host("release-assets.githubusercontent.com", "files of releases", GITHUB_META),
        ],
    ),
    registry(
        "nixos",
        "the binary cache and the channels of NixOS",
        &[
            host("cache.nixos.org", "the binary cache", CACHE),
            host("channels.nixos.org", "channels", "https://channels.nixos.org"),
            host("releases.nixos.org", "what channels lead to", "https://releases.nixos.org"),
        ],
    ),
    registry(
        "npm",
        "the npm registry",
        &[host("registry.npmjs.org", "metadata and packages", NPM)],
    ),
    registry(
        "providers",
        "the APIs of providers of models",
        &[
            host("api.anthropic.com", "Anthropic", "https://docs.claude.com/en/api/overview"),
            host("api.openai.com", "OpenAI", "https://platform.openai.com/docs/api-reference"),
            host("generativelanguage.googleapis.com", "Google", "https://ai.google.dev/api"),
            host(
                "openrouter.ai",
                "OpenRouter",
                "https://openrouter.ai/docs/api-reference/overview",
            ),
            host("api.deepseek.com", "DeepSeek", "https://api-docs.deepseek.com"),
            host("api.groq.com", "Groq", "https://console.groq.com/docs/api-reference"),
            host("api.mistral.ai", "Mistral", "https://docs.mistral.ai/api"),
            host("api.x.ai", "xAI", "https://docs.x.ai/docs/api-reference"),
        ],
    ),
    registry(
        "pypi",
        "the Python Package Index",
        &[
            host("pypi.org", "the index", PYPI),
            host("files.pythonhosted.org", "the packages", PYPI),
        ],
    ),
    agent(
        "amp",
        "Amp",
        &[host("ampcode.com", "the service", AMP), host("*.ampcode.com", "the service", AMP)],
    ),
    agent(
        "claude-code",
        "Claude Code",
        &[
            host("api.anthropic.com", "the models", CLAUDE),
            host("claude.ai", "signing in with an account of claude.ai", CLAUDE),
            host("claude.com", "signing in", CLAUDE),
            host("platform.claude.com", "signing in with an account of the Console", CLAUDE),
            host("console.anthropic.com", "signing in, formerly", CLAUDE),
            host("mcp-proxy.anthropic.com", "connectors of claude.ai", CLAUDE_MCP),
            host("statsig.anthropic.com", "which features are on", CLAUDE_DATA),
            host("sentry.io", "reports of errors", CLAUDE_DATA),
        ],
    ),
    agent(
        "codex",
        "Codex",
        &[
            host("api.openai.com", "the models, with a key", CODEX),
            host("chatgpt.com", "the models, with an account of ChatGPT", CODEX),
            host("auth.openai.com", "signing in", CODEX),
        ],
    ),
    agent(
        "copilot-cli",
        "GitHub Copilot CLI",
        &[
            host("*.githubcopilot.com", "the models", COPILOT),
            host("github.com", "signing in", COPILOT),
            host("api.github.com", "who is signed in, and the API", COPILOT),
            host("copilot-proxy.githubusercontent.com", "suggestions", COPILOT),
            host("origin-tracker.githubusercontent.com", "suggestions", COPILOT),
            host("copilot-telemetry.githubusercontent.com", "telemetry", COPILOT),
            host("collector.github.com", "telemetry", COPILOT),
            host("default.exp-tas.com", "which features are on", COPILOT),
        ],
    ),
    any_provider(
        "crush",
        "Crush",
        &[host("catwalk.charm.sh", "the list of providers and models", CRUSH)],
    ),
    agent(
        "cursor-agent",
        "Cursor's agent",
        &[
            host("*.cursor.sh", "the service", CURSOR),
            host("*.cursorapi.com", "the service", CURSOR),
            host("*.cursor-cdn.com", "downloads", CURSOR),
            host("cursor.com", "signing in", CURSOR),
        ],
    ),
    agent(
        "gemini-cli",
        "Gemini CLI",
        &[
            host("generativelanguage.googleapis.com", "the models, with a key", GEMINI),
            host("cloudcode-pa.googleapis.com", "the models, with an account of Google", GEMINI),
            host("oauth2.googleapis.com", "signing in", GEMINI),
            host("accounts.google.com", "signing in", GEMINI),
        ],
    ),
    any_provider("goose-cli", "Goose", &[]),
    any_provider(
        "hermes-agent",
        "Hermes Agent",
        &[host("inference-api.nousresearch.com", "Nous Research's models", HERMES)],
    ),
    any_provider(
        "opencode",
        "opencode",
        &[
            host("models.opencode.ai", "the list of providers and models", OPENCODE_PACKAGE),
            host("models.dev", "the same, for older versions", OPENCODE),
            host("opencode.ai", "opencode's own service", OPENCODE),
        ],
    ),
    any_provider(
        "opencode2",
        "opencode 2",
        &[
            host("models.opencode.ai", "the list of providers and models", OPENCODE_PACKAGE),
            host("models.dev", "the same, for older versions", OPENCODE),
            host("opencode.ai", "opencode's own service", OPENCODE),
        ],
    ),
    any_provider("pi", "Pi", &[host("pi.dev", "Pi's own service", PI)]),
    agent(
        "qwen-code",
        "Qwen Code",
        &[
            host("chat.qwen.ai", "signing in", QWEN),
            host("portal.qwen.ai", "the models, with an account of Qwen", QWEN),
            host("dashscope.aliyuncs.com", "the models, with a key", QWEN),
            host("dashscope-intl.aliyuncs.com", "the same outside of China", QWEN),
        ],
    ),
];
