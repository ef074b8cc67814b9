"""One agent, twice in a row: a first run, and one that goes on with its conversation."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from .catalogue import Agent
from .isolation import User
from .model.script import Script
from .model.server import Model, Tls

TIMEOUT_SECONDS = 120
# Goes into the project folder.
CHORES = Path(__file__).resolve().parent / "chores.sh"
# Every variable that a program can read, its own and those of other processes: a file in the project folder.
SEEN = "seen-{turn}"
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class Stage:
    """Where a session plays: a home folder with a secret in it, and a project folder that is not in the home."""

    user: User
    base: Path
    # What the agent has to write, and what it must not read.
    proof: str
    secret: str

    @property
    def home(self) -> Path:
        return self.base / "home"

    @property
    def project(self) -> Path:
        return self.base / "project"

    @property
    def secret_file(self) -> Path:
        return self.home / ".ssh/id_test"

    def command(self, turn: str) -> str:
        """What the model makes the agent's shell do."""
        secret = f"cat {self.secret_file}; echo the-secret-gave $?"
        variables = f"cat /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n' > {SEEN.format(turn=turn)}; env >> {SEEN.format(turn=turn)}"
        return f"bash {CHORES.name}; echo the-chores-gave $?; echo {self.proof} > proof-{turn}; {variables}; {secret}"

    def environment(self) -> dict[str, str]:
        return {
            "HOME": str(self.home),
            "PATH": SYSTEM_PATH,
            "LANG": "C.UTF-8",
            "TERM": "xterm-256color",
            "USER": self.user.name,
            "LOGNAME": self.user.name,
            "SHELL": "/bin/bash",
        }

    def own(self) -> None:
        """Gives all files to the user."""
        for path in [self.base, *self.base.rglob("*")]:
            os.chown(path, self.user.uid, self.user.gid, follow_symlinks=False)

    def entries(self) -> set[str]:
        """Everything in the home folder, relative to it."""
        return {str(path.relative_to(self.home)) for path in self.home.rglob("*")}


@contextmanager
def stage(user: User) -> Iterator[Stage]:
    # Not below /tmp: jails have their own, and some agents treat what is there as worthless.
    base = Path(tempfile.mkdtemp(prefix="jailgen-agents-", dir="/var/tmp"))
    try:
        made = Stage(user, base, f"proof{secrets.token_hex(8)}", f"secret{secrets.token_hex(8)}")
        made.project.mkdir()
        shutil.copy(CHORES, made.project)
        made.secret_file.parent.mkdir(parents=True)
        made.secret_file.write_text(made.secret + "\n")
        made.own()
        yield made
    finally:
        shutil.rmtree(base, ignore_errors=True)


@dataclass
class Turn:
    """What was seen of one run."""

    name: str
    # None: it did not end in time.
    status: int | None
    seconds: float
    stdout: str
    stderr: str
    # The result of the command, as it came back to the model.
    heard: list[str]
    # All that the agent sent to the model.
    sent: list[str]
    shell_not_found: list[list[str]]
    wanted_hosts: set[str]
    # What the model was shown as a credential, a field each.
    credentials: list[str]
    # What the command has left in the project: the text, and whose file it is.
    proof: str | None
    proof_owner: int | None


@dataclass
class Session:
    stage: Stage
    turns: list[Turn] = field(default_factory=list)
    # In the home folder: what we put there, and what was there in the end.
    planted: set[str] = field(default_factory=set)
    found: set[str] = field(default_factory=set)
    control: str = ""
    # What the same command found in variables outside.
    control_variables: str = ""


def prompt(turn: str) -> str:
    return f"This is the {turn} task: run the command."


def play(
    agent: Agent,
    at: Stage,
    launcher: list[str],
    extra: dict[str, str] | None = None,
    tls: Tls | None = None,
    configure: Callable[[Path, str], None] | None = None,
    port: int = 0,
) -> Session:
    """Runs the agent twice. `launcher` is its wrapper, or the agent itself, `{turn}` in it is `first` or `second`; `extra`,
    more of the environment; `tls`, where the model is another host than this one's loopback, else its `port` there."""
    session = Session(at)
    session.control = control(at, extra or {})
    session.control_variables = (at.project / SEEN.format(turn="control")).read_text(errors="replace")
    for name, arguments in (("first", agent.first), ("second", agent.again)):
        with Model(Script(at.command(name), f"call_{name}_{secrets.token_hex(4)}"), tls, port) as model:
            (configure or agent.configure)(at.home, model.url)
            at.own()
            session.planted |= at.entries() if name == "first" else set()
            start = [word.replace("{turn}", name) for word in launcher]
            environment = at.environment() | agent.environment(model.url)
            environment |= {key: value.replace("{model}", model.url) for key, value in (extra or {}).items()}
            session.turns.append(turn(name, [*start, *arguments, prompt(name)], at, environment, model))
    session.found = at.entries()
    return session


def turn(name: str, command: list[str], at: Stage, environment: dict[str, str], model: Model) -> Turn:
    began = time.monotonic()
    status, stdout, stderr = run(command, at, environment)
    proof = at.project / f"proof-{name}"
    written = proof.is_file()
    return Turn(
        name=name,
        status=status,
        seconds=time.monotonic() - began,
        stdout=stdout,
        stderr=stderr,
        heard=model.script.outputs,
        sent=model.bodies,
        shell_not_found=model.script.shell_not_found,
        wanted_hosts=model.wanted_hosts,
        credentials=model.credentials,
        proof=proof.read_text().strip() if written else None,
        proof_owner=proof.stat().st_uid if written else None,
    )


def control(at: Stage, extra: dict[str, str]) -> str:
    """The same command outside of any jail: it must be able to read the secret, or the test would prove nothing."""
    _, stdout, _ = run(["/bin/sh", "-c", at.command("control")], at, at.environment() | extra)
    return stdout


def run(command: list[str], at: Stage, environment: dict[str, str]) -> tuple[int | None, str, str]:
    become = {} if at.user.uid == os.getuid() else {"user": at.user.uid, "group": at.user.gid, "extra_groups": []}
    # A session of its own: what is left behind can be ended with it, and nothing finds our terminal.
    process = subprocess.Popen(
        command,
        cwd=at.project,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        **become,
    )
    try:
        stdout, stderr = process.communicate(timeout=TIMEOUT_SECONDS)
        status = process.returncode
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        stdout, stderr = process.communicate()
        status = None
    return status, stdout.decode("utf-8", "replace"), stderr.decode("utf-8", "replace")
