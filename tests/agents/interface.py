"""An agent's full-screen interface, from its start to the end, however that comes."""

from __future__ import annotations

import os
import secrets
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from .catalogue import Agent
from .model.script import Script
from .model.server import Model
from .screen import PROMPT, Screen, children, descendants, running, within
from .session import CHORES, Stage

# What is looked at, in the words of the table.
START, TOOL, RESIZE, SUSPEND, INTERRUPT, EXIT, KILLED, CLOSED = ROWS = (
    "interface: start",
    "interface: a command",
    "interface: another size",
    "interface: Ctrl-Z, fg",
    "interface: Ctrl-C",
    "interface: exit",
    "interface: SIGKILL",
    "interface: closed terminal",
)
WORKS = "yes"
NOT_RUN = "the command was not run"
# A program that asks for more than it has painted before this is not up.
LEAST = 300


class Interface:
    """One start of an agent in a terminal."""

    def __init__(self, agent: Agent, at: Stage, launcher: list[str], screen: Screen, script: Script):
        self.agent, self.at, self.screen, self.script = agent, at, screen, script
        self.command = " ".join([*launcher, *agent.screen])
        self.turns = 0

    def start(self) -> str:
        since = self.screen.mark()
        self.screen.type(self.command)
        ready = self.screen.shows(self.agent.ready, since, 45)
        if not ready or not self.screen.settles(LEAST + len(self.command), since, 45):
            return "it does not get ready"
        return WORKS if self.job() else "it ended"

    def job(self) -> int | None:
        return next(iter(children(self.screen.shell.pid)), None)

    def ask(self, command: str) -> None:
        """Types a task, upon which the model wants this command to be run."""
        self.turns += 1
        self.script.command, self.script.call_id = command, f"call_{self.turns}_{secrets.token_hex(4)}"
        self.script.outputs = []
        self.screen.type("run the command")

    def tool(self) -> str:
        proof = self.at.project / "proof-of-interface"
        self.ask(f"echo {self.at.proof} > {proof.name}; cat {self.at.secret_file}; echo the-secret-gave $?")
        if not within(30, lambda: bool(self.script.outputs)):
            return NOT_RUN
        within(20, lambda: self.screen.changed and proof.exists())
        self.screen.settles(0, self.screen.mark(), 8)
        return WORKS if proof.read_text().strip() == self.at.proof else "it wrote something else"

    def resize(self) -> str:
        since = self.screen.mark()
        self.screen.resize(33, 97)
        return WORKS if self.screen.paints(100, since, 8) else "it was not painted anew"

    def suspend(self) -> str:
        since = self.screen.mark()
        # Gemini wants it twice, and soon.
        self.screen.press(b"\x1a")
        if not self.screen.shows(PROMPT, since, 1.5):
            self.screen.press(b"\x1a")
        if not self.screen.shows(PROMPT, since, 5):
            return "it is not suspended"
        since = self.screen.mark()
        self.screen.type("fg")
        return WORKS if self.screen.paints(LEAST, since, 10) and self.job() else "it did not come back"

    def busy(self) -> list[str]:
        """A command that would run for long, once it runs."""
        # Not `sleep`, which Claude Code refuses to wait for.
        words = ["tail", "-s", str(86400 + secrets.randbelow(10**6)), "-f", CHORES.name]
        self.ask(" ".join(words))
        return words if within(30, lambda: running(words)) else []

    def interrupt(self) -> str:
        words = self.busy()
        if not words:
            return NOT_RUN
        for _ in range(2):
            self.screen.press(b"\x03")
            if within(6, lambda: not running(words)):
                self.screen.settles(0, self.screen.mark(), 8)
                return WORKS
        self.screen.press(b"\x1b")
        self.screen.press(b"\x1b")
        ended = within(8, lambda: not running(words))
        self.screen.settles(0, self.screen.mark(), 8)
        return "with Esc" if ended else "the command goes on"

    def exit(self) -> str:
        since = 0 if self.job() is None else self.screen.mark()
        for _ in range(4):
            if self.job() is None:
                break
            self.screen.press(b"\x03")
            within(2, lambda: self.job() is None)
        if self.job() is not None:
            self.screen.type("/quit")
        if not within(15, lambda: self.job() is None):
            return "it does not end"
        if not self.screen.shows(PROMPT, since, 5):
            return "no prompt afterwards"
        since = self.screen.mark()
        # A terminal in raw mode has none of these.
        self.screen.type("echo modes:$(stty -a | tr ' ' '\\n' | grep -cx 'echo\\|icanon\\|isig')")
        return WORKS if self.screen.shows("modes:3", since, 5) else "the terminal is not as before"

    def killed(self) -> str:
        words = self.busy()
        if not words:
            return NOT_RUN
        os.kill(self.job() or 0, signal.SIGKILL)
        return WORKS if within(10, lambda: not running(words)) else "the command goes on"

    def closed(self) -> str:
        words = self.busy()
        if not words:
            return NOT_RUN
        left = descendants(self.screen.shell.pid)
        self.screen.close()
        if not within(20, lambda: not running(words)):
            return "the command goes on"
        ended = within(10, lambda: not any(os.path.exists(f"/proc/{pid}") for pid in left))
        return WORKS if ended else "it goes on"


@contextmanager
def begun(agent: Agent, at: Stage, launcher: list[str], port: int) -> Iterator[Interface]:
    """The agent's configuration is written; nothing is started yet."""
    with Model(Script("true", "call_0"), port=port) as model:
        agent.configure(at.home, model.url)
        agent.accept(at.home, at.project)
        at.own()
        environment = at.environment() | agent.environment(model.url)
        with Screen(at, environment) as screen:
            yield Interface(agent, at, launcher, screen, model.script)


def look(agent: Agent, at: Stage, launcher: list[str], port: int = 0) -> tuple[dict[str, str], str]:
    """The verdict of each row, and the end of what was shown where one is not as it should be."""
    verdicts: dict[str, str] = {}
    shown = ""
    rounds = (
        ((TOOL, "tool"), (RESIZE, "resize"), (SUSPEND, "suspend"), (INTERRUPT, "interrupt"), (EXIT, "exit")),
        ((KILLED, "killed"),),
        ((CLOSED, "closed"),),
    )
    for steps in rounds:
        with begun(agent, at, launcher, port) as interface:
            verdicts[START] = interface.start()
            if verdicts[START] != WORKS:
                return verdicts, interface.screen.tail()
            for row, step in steps:
                verdicts[row] = getattr(interface, step)()
                if verdicts[row] != WORKS:
                    shown += f"\n--- {row}: {verdicts[row]}\n{interface.screen.tail()}"
                if row in (EXIT, KILLED, CLOSED) or verdicts[row] == NOT_RUN:
                    break
                if interface.job() is None:
                    # Ctrl-C ends some as a whole.
                    verdicts[EXIT] = interface.exit()
                    break
    return verdicts, shown
