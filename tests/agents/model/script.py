"""What the fake model says: first one shell command, then, once its output has come back, a last sentence.

This file knows nothing of HTTP or of any wire format: an interface reads a request into an `Ask`, this decides the
`Reply`, and the interface writes it out again.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

FINAL_TEXT = "The command was run."
IDLE_TEXT = "A short session."

# The names under which agents offer a shell, in the order in which we prefer them.
SHELL_TOOLS = ("exec_command", "run_shell_command", "Bash", "bash", "shell", "shell_command", "local_shell")
# The argument that takes the command line.
COMMAND_KEYS = ("command", "cmd")


@dataclass(frozen=True)
class Tool:
    """A tool as the agent offers it: its name and the JSON schema of its arguments."""

    name: str
    schema: dict


@dataclass(frozen=True)
class Ask:
    """One request of an agent, without the dress of its wire format."""

    tools: list[Tool]
    # (call id, output) of each tool result in the conversation.
    results: list[tuple[str, str]]


@dataclass(frozen=True)
class ToolCall:
    id: str
    name: str
    arguments: dict


@dataclass(frozen=True)
class Text:
    text: str


Reply = ToolCall | Text


@dataclass
class Script:
    """One run of an agent: the command it has to run, and what came back from it."""

    command: str
    # Different in each run, so that a continued conversation does not take the last run's result for this one's.
    call_id: str
    # The output of the command, as the agent reported it.
    outputs: list[str] = field(default_factory=list)
    # Names of the tools offered where no shell was found among them: the test shows them.
    shell_not_found: list[list[str]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def reply(self, ask: Ask) -> Reply:
        """Decides the next answer. Requests without tools are an agent's small talk (a title for the session)."""
        with self.lock:
            heard = [output for call_id, output in ask.results if call_id == self.call_id]
            if heard:
                self.outputs = heard
                return Text(FINAL_TEXT)
            if not ask.tools:
                return Text(IDLE_TEXT)
            call = self.shell_call(ask.tools)
            if call is None:
                self.shell_not_found.append([tool.name for tool in ask.tools])
                return Text("No shell was offered.")
            return call

    def shell_call(self, tools: list[Tool]) -> ToolCall | None:
        by_name = {tool.name: tool for tool in tools}
        for name in SHELL_TOOLS:
            if name in by_name:
                return ToolCall(self.call_id, name, shell_arguments(by_name[name].schema, self.command))
        return None


def shell_arguments(schema: dict, command: str) -> dict:
    """Fills the required arguments of a shell tool: the command in its place, something harmless in the others."""
    properties = schema.get("properties", {})
    arguments = {}
    for key in schema.get("required", []):
        arguments[key] = harmless(properties.get(key, {}))
    for key in COMMAND_KEYS:
        if key in properties:
            takes_list = properties[key].get("type") == "array"
            arguments[key] = ["bash", "-c", command] if takes_list else command
    return arguments


def harmless(schema: dict) -> object:
    """A value of the schema's type."""
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type")
    if kind == "boolean":
        return False
    if kind in ("number", "integer"):
        return 60
    if kind == "array":
        return []
    if kind == "object":
        return {}
    return "run the command"
