"""`--record`: writes the agents' lists of the strict filter, from what `jailgen trace` sees of them in their jails."""

from __future__ import annotations

import json
import os
import textwrap
from pathlib import Path

from . import checks
from .catalogue import Agent
from .install import PROJECT, say
from .isolation import User
from .jails import Compiler
from .session import play, stage

LISTS = PROJECT / "src/jail-seccomp/src/strict"
WIDTH = 100


def record(agents: tuple[Agent, ...], people: list[User], compiler: Compiler) -> bool:
    """Whether all of them could be recorded. The lists count from the next build of jailgen on."""
    everybody = names(LISTS / "everybody.list")
    seen: set[str] = set()
    worked = True
    for agent in agents:
        calls: set[str] = set()
        for user in people:
            of_user, faults = observe(agent, user, compiler)
            calls |= of_user
            for fault in faults:
                say(f"{agent.name:12} {user.name:10} traced: {fault}")
            worked = worked and not faults
        write(agent, calls - everybody)
        say(f"{agent.name:12} recorded {len(calls)} system calls, {len(calls - everybody)} of them its own")
        seen |= calls
    say(f"on everybody.list, and called by none of these: {' '.join(sorted(everybody - seen))}")
    return worked


def observe(agent: Agent, user: User, compiler: Compiler) -> tuple[set[str], list[str]]:
    """The calls of both runs, and what went wrong in them."""
    with stage(user) as at:
        tracer = compiler.tracer(agent, at.base / "state", at.base / "{turn}.json")
        at.own()
        session = play(agent, at, tracer)
        reports = [at.base / f"{turn.name}.json" for turn in session.turns]
        faults = checks.faults_in_jail(agent, session)
        faults += [f"{report.name} was not written" for report in reports if not report.is_file()]
        found = [json.loads(report.read_text()) for report in reports if report.is_file()]
    return {call["name"] for report in found for call in report["calls"] if call["name"]}, faults


def names(file: Path) -> set[str]:
    lines = [line for line in file.read_text().splitlines() if not line.startswith("#")]
    return set(" ".join(lines).split())


def write(agent: Agent, calls: set[str]) -> None:
    head = f"""\
# What {agent.npm} and the commands that it started called in addition to everybody.list, in the jail of its preset.
# Recorded with `tests/agents/run --record {agent.name}`, on {os.uname().machine}.
"""
    body = textwrap.fill(" ".join(sorted(calls)), WIDTH, break_on_hyphens=False)
    (LISTS / f"{agent.name}.list").write_text(head + body + "\n")
