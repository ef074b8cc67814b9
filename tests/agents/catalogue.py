"""The agents: where each comes from, how it is pointed at the fake model, and where it keeps its state.

All configuration is written into the agent's own state folders, so that the presets are tried as they are. Telemetry
and updates are switched off in the agents' own words. Agents that have no such file get variables (`environment`),
which their spec forwards into the jail.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

API_KEY = "not-a-key"
# When the versions below were the newest: `tests/agents/run --newest` moves them.
PINNED = "2026-11-30"


@dataclass(frozen=True)
class NodeScript:
    """A program for node: the file below `node_modules` that it starts with. All of `node_modules` is its package."""

    entry: str


@dataclass(frozen=True)
class OwnProgram:
    """An executable that needs nothing of its npm package: the file below `node_modules`.

    `{npm_cpu}` and `{cpu}` stand for the machine's processor as npm and as compilers spell it.
    """

    entry: str


@dataclass(frozen=True)
class Agent:
    # The attribute in `llm-agents`, and our name for it.
    name: str
    # The npm package with its version: pinned, so that a failure is ours and not last night's release.
    npm: str
    # The command, which is also what its wrapper starts.
    program: str
    package: NodeScript | OwnProgram
    # Expressions, the preset's first, all of which make the command `jailed-<name>`. `%VARIABLES%` stands for the names of the
    # environment below. A spec that allows hosts by name does not reach the model, which is on the loopback: see `keys.py`.
    specs: tuple[str, ...]
    # What the preset keeps on the host, below the home folder.
    state: tuple[str, ...]
    # Writes the agent's configuration: (home, address of the model).
    configure: Callable[[Path, str], None]
    # Arguments of a first run and of one that goes on with the same conversation; the prompt is put at the end.
    first: tuple[str, ...]
    again: tuple[str, ...]
    # Additional variables, given the model's address.
    environment: Callable[[str], dict[str, str]] = field(default=lambda _url: {})
    # Arguments of the full-screen interface, and what it would ask before it begins, answered: (home, project).
    screen: tuple[str, ...] = ()
    # What it shows when it takes a task.
    ready: str = ""
    accept: Callable[[Path, Path], None] = field(default=lambda _home, _project: None)


def with_options(agent: Agent, options: str) -> str:
    return agent.specs[0].removesuffix("}") + f"extraJailOptions = [ {options} ]; }}"


def strict(agent: Agent) -> str:
    """The preset with the filter that leaves a list of system calls only."""
    return with_options(agent, '(seccomp "strict")')


def full(agent: Agent) -> str:
    """The preset with Landlock for each grant."""
    return with_options(agent, '(landlock "full")')


def with_extras(agent: Agent) -> str:
    """The preset with what the tests of many projects need, and with the repository of a linked worktree."""
    return with_options(agent, "git-worktree").removesuffix("}") + "extraPkgs = [ pkgs.nodejs pkgs.python3 ]; }"


# The programs of `chores.sh`, and of agents.
CAGED = "bashInteractive coreutils git ripgrep gnugrep gnused findutils diffutils gnutar gzip"


def cage(agent: Agent) -> str:
    """The agent in a cage: the host as it is, and Landlock around it."""
    packages = " ".join(f"pkgs.{name}" for name in CAGED.split())
    return (
        f'cage {{ name = "{agent.name}"; profile = "aiAgent"; argv = [ "${{agents.{agent.name}}}/bin/{agent.program}" ]; '
        f'packages = [ {packages} ]; tools = [ "{agent.name}" ]; systemPrograms = true; env.pass = [ %VARIABLES% ]; }}'
    )


def accept_claude_code(home: Path, project: Path) -> None:
    trusted = {str(project): {"hasTrustDialogAccepted": True, "hasCompletedProjectOnboarding": True}}
    path = home / ".claude.json"
    known = json.loads(path.read_text()) if path.exists() else {}
    write_json(path, known | {"hasCompletedOnboarding": True, "theme": "dark", "projects": trusted})


def accept_codex(home: Path, project: Path) -> None:
    path = home / ".codex/config.toml"
    write(path, path.read_text() + f'\n[projects."{project}"]\ntrust_level = "trusted"\n')


def accept_copilot_cli(home: Path, project: Path) -> None:
    write_json(home / ".copilot/config.json", {"trustedFolders": [str(project)], "banner": "never"})


def accept_gemini_cli(home: Path, _project: Path) -> None:
    path = home / ".gemini/settings.json"
    settings = json.loads(path.read_text())
    write_json(path, settings | {"ide": {"hasSeenNudge": True}})


def write_json(path: Path, value: object) -> None:
    write(path, json.dumps(value, indent=2))


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def claude_code(home: Path, url: str) -> None:
    environment = {
        "ANTHROPIC_BASE_URL": url,
        "ANTHROPIC_AUTH_TOKEN": API_KEY,
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "DISABLE_AUTOUPDATER": "1",
    }
    write_json(home / ".claude/settings.json", {"env": environment, "permissions": {"allow": ["Bash"]}})


def opencode(home: Path, url: str) -> None:
    provider = {
        "npm": "@ai-sdk/openai-compatible",
        "options": {"baseURL": f"{url}/v1", "apiKey": API_KEY},
        "models": {"fake": {"name": "fake", "tool_call": True, "limit": {"context": 100000, "output": 8000}}},
    }
    config = {
        "model": "fake/fake",
        "small_model": "fake/fake",
        "provider": {"fake": provider},
        "enabled_providers": ["fake"],
        "autoupdate": False,
        "share": "disabled",
        "permission": "allow",
    }
    write_json(home / ".config/opencode/opencode.json", config)


def codex(home: Path, url: str) -> None:
    # The jail is the sandbox: codex's own needs user namespaces, which a jail does not give.
    write(
        home / ".codex/config.toml",
        f"""\
model = "gpt-5"
model_provider = "fake"
sandbox_mode = "danger-full-access"
approval_policy = "never"
check_for_update_on_startup = false

[analytics]
enabled = false

[feedback]
enabled = false

[model_providers.fake]
name = "fake"
base_url = "{url}/v1"
wire_api = "responses"
experimental_bearer_token = "{API_KEY}"
request_max_retries = 0
stream_max_retries = 0
""",
    )


def gemini_cli(home: Path, url: str) -> None:
    settings = {
        "security": {"auth": {"selectedType": "gemini-api-key"}},
        # A named model: the automatic choice would ask the model itself which one to take.
        "model": {"name": "gemini-2.5-pro"},
        "privacy": {"usageStatisticsEnabled": False},
        "telemetry": {"enabled": False},
        "general": {"enableAutoUpdate": False, "enableAutoUpdateNotification": False},
    }
    write_json(home / ".gemini/settings.json", settings)
    write(home / ".gemini/.env", f"GEMINI_API_KEY={API_KEY}\nGOOGLE_GEMINI_BASE_URL={url}\n")


def qwen_code(home: Path, url: str) -> None:
    settings = {
        "security": {"auth": {"selectedType": "openai"}},
        "model": {"name": "fake"},
        "privacy": {"usageStatisticsEnabled": False},
        "telemetry": {"enabled": False},
        "general": {"enableAutoUpdate": False, "disableAutoUpdate": True},
    }
    write_json(home / ".qwen/settings.json", settings)
    write(home / ".qwen/.env", f"OPENAI_API_KEY={API_KEY}\nOPENAI_BASE_URL={url}/v1\nOPENAI_MODEL=fake\n")


def pi(home: Path, url: str) -> None:
    provider = {
        "baseUrl": f"{url}/v1",
        "api": "openai-completions",
        "apiKey": API_KEY,
        "models": [{"id": "fake", "name": "fake"}],
    }
    write_json(home / ".pi/agent/models.json", {"providers": {"fake": provider}})
    settings = {"defaultProvider": "fake", "defaultModel": "fake", "enableInstallTelemetry": False}
    write_json(home / ".pi/agent/settings.json", settings)


def copilot_environment(url: str) -> dict[str, str]:
    return {
        "COPILOT_PROVIDER_BASE_URL": f"{url}/v1",
        "COPILOT_PROVIDER_TYPE": "openai",
        "COPILOT_PROVIDER_API_KEY": API_KEY,
        "COPILOT_MODEL": "gpt-5",
        "COPILOT_OFFLINE": "true",
        "COPILOT_AUTO_UPDATE": "false",
    }


AGENTS = (
    Agent(
        name="claude-code",
        npm="@anthropic-ai/claude-code@2.1.332",
        program="claude",
        package=OwnProgram("@anthropic-ai/claude-code-linux-{npm_cpu}/claude"),
        specs=("makeJailedClaudeCode { }",),
        state=(".claude", ".claude.json"),
        configure=claude_code,
        first=("--allowedTools", "Bash", "-p"),
        again=("--continue", "--allowedTools", "Bash", "-p"),
        # Its automatic mode asks a server of its own what may be run.
        screen=("--permission-mode", "acceptEdits", "--allowedTools", "Bash"),
        accept=accept_claude_code,
    ),
    Agent(
        name="codex",
        npm="@openai/codex@0.171.0",
        program="codex",
        package=OwnProgram("@openai/codex-linux-{npm_cpu}/vendor/{cpu}-unknown-linux-musl/bin/codex"),
        specs=("makeJailedCodex { }",),
        state=(".codex",),
        configure=codex,
        first=("exec", "--skip-git-repo-check"),
        again=("exec", "resume", "--skip-git-repo-check", "--last"),
        # The npm package of the program alone holds no background server.
        screen=("--no-daemon",),
        ready="Ask Codex",
        accept=accept_codex,
    ),
    Agent(
        name="copilot-cli",
        npm="@github/copilot@1.0.102",
        program="copilot",
        package=OwnProgram("@github/copilot-linux-{npm_cpu}/copilot"),
        specs=("makeJailedCopilotCli { fwdEnv = [ %VARIABLES% ]; }",),
        state=(".copilot",),
        configure=lambda _home, _url: None,
        first=("--allow-all-tools", "--allow-all-paths", "-p"),
        again=("--continue", "--allow-all-tools", "--allow-all-paths", "-p"),
        environment=copilot_environment,
        screen=("--allow-all-tools", "--allow-all-paths"),
        accept=accept_copilot_cli,
    ),
    Agent(
        name="gemini-cli",
        npm="@google/gemini-cli@0.61.0",
        program="gemini",
        package=NodeScript("@google/gemini-cli/bundle/gemini.js"),
        specs=("makeJailedGeminiCli { }",),
        state=(".gemini",),
        configure=gemini_cli,
        first=("--skip-trust", "--approval-mode", "yolo", "-p"),
        again=("--skip-trust", "--approval-mode", "yolo", "--resume", "latest", "-p"),
        screen=("--skip-trust", "--approval-mode", "yolo"),
        accept=accept_gemini_cli,
    ),
    Agent(
        name="opencode",
        npm="opencode-ai@1.18.33",
        program="opencode",
        package=OwnProgram("opencode-linux-{npm_cpu}/bin/opencode"),
        specs=("makeJailedOpencode { }",),
        state=(".config/opencode", ".local/share/opencode", ".local/state/opencode"),
        configure=opencode,
        first=("run",),
        again=("run", "--continue"),
        ready="Ask anything",
    ),
    Agent(
        name="pi",
        # The last of this name. Its successor, @earendil-works/pi-coding-agent, needs Node.js 22.
        npm="@mariozechner/pi-coding-agent@0.73.1",
        program="pi",
        package=NodeScript("@mariozechner/pi-coding-agent/dist/cli.js"),
        specs=("makeJailedPi { }",),
        state=(".pi",),
        configure=pi,
        first=("-p",),
        again=("--continue", "-p"),
    ),
    Agent(
        name="qwen-code",
        npm="@qwen-code/qwen-code@0.24.4",
        program="qwen",
        package=NodeScript("@qwen-code/qwen-code/cli.js"),
        specs=("makeJailedQwenCode { }",),
        state=(".qwen",),
        configure=qwen_code,
        first=("--yolo", "-p"),
        again=("--continue", "--yolo", "-p"),
        screen=("--yolo",),
    ),
)

# Agents with a preset that a package registry and a machine without logins cannot give, and why.
ABSENT = {
    "crush": "its npm package holds no program: the install step downloads one from a release page",
    "goose-cli": "it is on no package registry",
}
