"""What an agent is given besides: a server that speaks MCP, and a hook. Both are scripts in the project, so that they run where it does."""

from __future__ import annotations

import json
from pathlib import Path

from .catalogue import Agent, write, write_json

HOOK = "hook-ran"
SERVER = "mcp-ran"

# It answers what agents ask before they offer its tool to the model. `TOKEN` is its name.
MCP_SERVER = """\
echo started > %PROJECT%/%RAN%
answer() { printf '{"jsonrpc":"2.0","id":%s,"result":%s}\\n' "$1" "$2"; }
while IFS= read -r line; do
  id=$(jq -c '.id // empty' <<<"$line")
  test -n "$id" || continue
  case $(jq -r .method <<<"$line") in
    initialize)
      version=$(jq -c '.params.protocolVersion' <<<"$line")
      answer "$id" '{"protocolVersion":'"$version"',"capabilities":{"tools":{}},"serverInfo":{"name":"probe","version":"1"}}'
      ;;
    tools/list)
      answer "$id" '{"tools":[{"name":"%TOKEN%","description":"It answers.","inputSchema":{"type":"object","properties":{}}}]}'
      ;;
    *) answer "$id" '{}' ;;
  esac
done
"""


def write_server(project: Path, token: str) -> list[str]:
    script = MCP_SERVER.replace("%TOKEN%", token).replace("%PROJECT%", str(project)).replace("%RAN%", SERVER)
    write(project / "mcp.sh", script)
    return ["bash", str(project / "mcp.sh")]


def merge(path: Path, more: dict) -> None:
    write_json(path, (json.loads(path.read_text()) if path.exists() else {}) | more)


def with_server(agent: Agent, home: Path, command: list[str]) -> bool:
    """Names the server in the agent's settings. False: this test does not know how."""
    one = {"command": command[0], "args": command[1:]}
    match agent.name:
        case "claude-code":
            merge(home / ".claude.json", {"mcpServers": {"probe": {"type": "stdio", **one}}})
        case "codex":
            path = home / ".codex/config.toml"
            lines = f"\n[mcp_servers.probe]\ncommand = {json.dumps(command[0])}\nargs = {json.dumps(command[1:])}\n"
            write(path, path.read_text() + lines)
        case "copilot-cli":
            entry = {"type": "local", "tools": ["*"], **one}
            write_json(home / ".copilot/mcp-config.json", {"mcpServers": {"probe": entry}})
        case "gemini-cli" | "qwen-code":
            folder = {"gemini-cli": ".gemini", "qwen-code": ".qwen"}[agent.name]
            merge(home / folder / "settings.json", {"mcpServers": {"probe": one | {"trust": True}}})
        case "opencode":
            merge(home / ".config/opencode/opencode.json", {"mcp": {"probe": {"type": "local", "command": command}}})
        case _:
            return False
    return True


def with_hook(agent: Agent, home: Path, project: Path) -> bool:
    """Has the agent run a program before a command, or after a turn. False: this test does not know how."""
    command = f"echo ran > '{project}/{HOOK}'"
    hook = [{"matcher": "*", "hooks": [{"type": "command", "command": command}]}]
    match agent.name:
        case "claude-code":
            merge(home / ".claude/settings.json", {"hooks": {"PreToolUse": hook}})
        case "codex":
            path = home / ".codex/config.toml"
            write(path, f"notify = {json.dumps(['bash', '-c', command])}\n{path.read_text()}")
        case "copilot-cli":
            entry = {"type": "command", "bash": command, "timeoutSec": 30}
            write_json(home / ".copilot/hooks/probe.json", {"version": 1, "hooks": {"preToolUse": [entry]}})
        case "gemini-cli":
            more = {"hooks": {"BeforeTool": hook}, "hooksConfig": {"enabled": True}}
            merge(home / ".gemini/settings.json", more)
        case "qwen-code":
            merge(home / ".qwen/settings.json", {"hooks": {"PreToolUse": hook}})
        case "opencode":
            body = f"import {{ writeFileSync }} from 'node:fs'\nwriteFileSync({json.dumps(f'{project}/{HOOK}')}, 'ran\\n')\n"
            write(home / ".config/opencode/plugin/probe.js", body + "export const Probe = async () => ({})\n")
        case "pi":
            body = f"import {{ writeFileSync }} from 'node:fs'\nwriteFileSync({json.dumps(f'{project}/{HOOK}')}, 'ran\\n')\n"
            write(home / ".pi/agent/extensions/probe.ts", body + "export default function (_pi: unknown) {}\n")
        case _:
            return False
    return True
