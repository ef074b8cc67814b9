"""Where and how agents are started, besides once in an ordinary folder: each a function that gives a verdict."""

from __future__ import annotations

import json
import secrets
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from . import extras
from .catalogue import Agent, write
from .interface import WORKS
from .isolation import User
from .model.script import Script
from .model.server import Model
from .screen import Screen, running, within
from .session import Stage, run, stage

Verdict = str
NOT_KNOWN = "no such setting is known"


def once(agent: Agent, at: Stage, launcher: list[str], command: str, also: Callable[[], None] = lambda: None) -> tuple[Verdict, Model]:
    """One headless run in which the model wants `command`; `also`, what is changed in the configuration."""
    with Model(Script(command, f"call_{secrets.token_hex(4)}")) as model:
        agent.configure(at.home, model.url)
        also()
        at.own()
        status, _, stderr = run([*launcher, *agent.first, "run the command"], at, at.environment() | agent.environment(model.url))
    if status != 0:
        last = (stderr.strip().splitlines() or [""])[-1]
        return f"status {status}: {last[:80]}", model
    return (WORKS if model.script.outputs else "the command was not run"), model


def writes(agent: Agent, at: Stage, launcher: list[str], folder: Path) -> Verdict:
    """The command's file is in the folder in which the agent was started."""
    moved = At(at.user, at.base, at.proof, at.secret, folder)
    verdict, _ = once(agent, moved, launcher, f"echo {at.proof} > proof; git status --short > status")
    if verdict != WORKS:
        return verdict
    written = (folder / "proof").read_text().strip() if (folder / "proof").exists() else ""
    return WORKS if written == at.proof else "its file is not there"


class At(Stage):
    """A stage whose project is elsewhere."""

    def __init__(self, user: User, base: Path, proof: str, secret: str, folder: Path):
        super().__init__(user, base, proof, secret)
        object.__setattr__(self, "folder", folder)

    @property
    def project(self) -> Path:
        return self.folder  # type: ignore[attr-defined]


def git(folder: Path, *words: str) -> str:
    own = ["-c", "user.name=x", "-c", "user.email=x@example.com", "-c", "safe.directory=*"]
    return subprocess.run(["git", *own, *words], cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


def odd_path(agent: Agent, at: Stage, launcher: list[str]) -> Verdict:
    folder = at.base / "pro ject, ä 'é' 日本"
    folder.mkdir()
    return writes(agent, at, launcher, folder)


def subfolder(agent: Agent, at: Stage, launcher: list[str]) -> Verdict:
    git(at.project, "init", "--quiet")
    folder = at.project / "src/deep"
    folder.mkdir(parents=True)
    return writes(agent, at, launcher, folder)


def worktree(agent: Agent, at: Stage, launcher: list[str]) -> Verdict:
    """It can commit in a linked worktree, with the user's name."""
    git(at.project, "init", "--quiet")
    git(at.project, "commit", "--quiet", "--allow-empty", "-m", "first")
    folder = at.base / "tree"
    git(at.project, "worktree", "add", "--quiet", str(folder), "-b", "other")
    write(at.home / ".gitconfig", "[user]\n\tname = Somebody\n\temail = s@example.com\n")
    moved = At(at.user, at.base, at.proof, at.secret, folder)
    verdict, model = once(agent, moved, launcher, "git commit --quiet --allow-empty -m second && git log --oneline")
    if verdict != WORKS:
        return verdict
    author = git(folder, "log", "-1", "--format=%s %an")
    return WORKS if author == "second Somebody" else f"no commit: {model.script.outputs[0][-80:]}"


def parallel(agent: Agent, at: Stage, launcher: list[str], number: int) -> Verdict:
    """So many at once, in the same folder and with the same state."""
    with Model(Script("sleep 1; echo one >> both", "call_both")) as model:
        agent.configure(at.home, model.url)
        at.own()
        environment = at.environment() | agent.environment(model.url)
        command = [*launcher, *agent.first, "run the command"]
        with ThreadPoolExecutor() as pool:
            ended = list(pool.map(lambda _: run(command, at, environment), range(number)))
    lines = (at.project / "both").read_text().split() if (at.project / "both").exists() else []
    statuses = [status for status, _, _ in ended]
    return WORKS if statuses == [0] * number and lines == ["one"] * number else f"statuses {statuses}, {len(lines)} commands"


def links(agent: Agent, at: Stage, launcher: list[str]) -> Verdict:
    """Its settings are links into the Nix store."""

    def link() -> None:
        for entry in sorted(at.entries()):
            path = at.home / entry
            if path.is_symlink() or not path.is_file() or ".ssh" in entry:
                continue
            command = ["nix", "store", "add-path", "--name", f"jailgen-test{path.suffix}", str(path)]
            kept = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
            path.unlink()
            path.symlink_to(kept)

    verdict, model = once(agent, at, launcher, "echo linked", link)
    linked = [path for path in at.home.rglob("*") if path.is_symlink() and str(path.readlink()).startswith("/nix/store/")]
    if not linked:
        return NOT_KNOWN
    return verdict


def no_state(agent: Agent, at: Stage, launcher: list[str]) -> Verdict:
    """In a home folder with nothing in it, its interface comes up: it asks who it is for."""
    at.own()
    # A spec that passes variables on wants them.
    with Screen(at, at.environment() | agent.environment("http://127.0.0.1:9")) as screen:
        since = screen.mark()
        screen.type(" ".join([*launcher, *agent.screen]))
        return WORKS if screen.settles(500, since, 40) else "nothing is shown"


def server(agent: Agent, at: Stage, launcher: list[str]) -> Verdict:
    """The model is offered the tool of a server that speaks MCP."""
    token = f"token{secrets.token_hex(8)}"
    command = extras.write_server(at.project, token)
    known = []
    verdict, model = once(agent, at, launcher, "sleep 2", lambda: known.append(extras.with_server(agent, at.home, command)))
    if not known[0]:
        return NOT_KNOWN
    if verdict != WORKS or any(token in body for body in model.bodies):
        return verdict
    return "it was started, and the model not told" if (at.project / extras.SERVER).exists() else "it was not started"


def hook(agent: Agent, at: Stage, launcher: list[str]) -> Verdict:
    known = []
    verdict, _ = once(agent, at, launcher, "sleep 1", lambda: known.append(extras.with_hook(agent, at.home, at.project)))
    if not known[0]:
        return NOT_KNOWN
    return verdict if (at.project / extras.HOOK).exists() or verdict != WORKS else "it did not run"


def tests(agent: Agent, at: Stage, launcher: list[str]) -> Verdict:
    """With node and python among its packages, it runs a project's tests."""
    write(at.project / "package.json", json.dumps({"scripts": {"test": "node --test"}}))
    write(at.project / "x.test.js", "require('node:test')('one', () => {})\n")
    write(at.project / "test_x.py", "import unittest\nclass X(unittest.TestCase):\n    def test(self): pass\n")
    verdict, model = once(agent, at, launcher, "npm test && python3 -m unittest && echo passed > passed")
    return verdict if (at.project / "passed").exists() or verdict != WORKS else f"they failed: {model.script.outputs[0][-100:]}"


def left_behind(agent: Agent, at: Stage, launcher: list[str]) -> Verdict:
    """What a command starts in the background is gone with the agent."""
    words = ["tail", "-s", str(86400 + secrets.randbelow(10**6)), "-f", str(at.project / "chores.sh")]
    verdict, _ = once(agent, at, launcher, f"setsid {' '.join(words)} >/dev/null 2>&1 & sleep 0.5; echo begun")
    if verdict != WORKS:
        return verdict
    return WORKS if within(5, lambda: not running(words)) else "it goes on"


WORKTREE = "a linked worktree, with `git-worktree`"
TESTS = "`extraPkgs`: npm test, unittest"
ALL: dict[str, Callable[[Agent, Stage, list[str]], Verdict]] = {
    "two at once": partial(parallel, number=2),
    "three at once": partial(parallel, number=3),
    WORKTREE: worktree,
    "a folder of a repository": subfolder,
    "a path with blanks and other letters": odd_path,
    "settings that are links into the store": links,
    "no state at all": no_state,
    "an MCP server": server,
    "a hook, or an extension": hook,
    "what it leaves running ends": left_behind,
    TESTS: tests,
}
# These want more than the preset has.
WITH_EXTRAS = (WORKTREE, TESTS)


def look(agent: Agent, user: User, row: str, launcher: list[str]) -> Verdict:
    with stage(user) as at:
        return ALL[row](agent, at, launcher)
