"""How long it takes to an agent's first request to the model: on the host and in its jail, in turns."""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import time

from .catalogue import Agent
from .isolation import User
from .model.script import Script
from .model.server import Model
from .screen import within
from .session import Stage, stage

ROUNDS = 9


def first_request(agent: Agent, at: Stage, launcher: list[str]) -> float:
    with Model(Script("true", "call_speed")) as model:
        agent.configure(at.home, model.url)
        at.own()
        become = {} if at.user.uid == os.getuid() else {"user": at.user.uid, "group": at.user.gid, "extra_groups": []}
        began = time.monotonic()
        process = subprocess.Popen(
            [*launcher, *agent.first, "run the command"],
            cwd=at.project,
            env=at.environment() | agent.environment(model.url),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            **become,
        )
        within(60, lambda: model.first is not None or process.poll() is not None)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    return (model.first or time.monotonic()) - began


def look(agent: Agent, user: User, outside: list[str], jail: list[str]) -> tuple[float, float]:
    """The medians, in seconds. A first run of each does not count: it makes what later ones find."""
    taken: dict[str, list[float]] = {"outside": [], "jail": []}
    with stage(user) as one, stage(user) as other:
        for turn in range(ROUNDS + 1):
            for where, at, launcher in (("outside", one, outside), ("jail", other, jail)):
                seconds = first_request(agent, at, launcher)
                if turn > 0:
                    taken[where].append(seconds)
    return statistics.median(taken["outside"]), statistics.median(taken["jail"])
