"""`--matrix`: agents at work in every way that this test knows, and docs/agents.md, which says what was seen."""

from __future__ import annotations

import datetime
import platform
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from . import checks, circumstances, interface, speed
from .catalogue import ABSENT, AGENTS, Agent, NodeScript, cage, full, strict, with_extras
from .install import PROJECT, Installed, Standin, install, say
from .interface import WORKS
from .isolation import User
from .jails import Compiler
from .session import play, stage

PAGE = PROJECT / "docs/agents.md"
COLUMNS = OUTSIDE, JAIL, STRICT, FULL, CAGE = ("outside", "jail", "strict", "full", "cage")
NODES = ("22", "24")
# A cage opens ports, and its profile this one.
CAGE_PORT = 443
EXTRAS = "extras"
SPEED = "seconds to the first request"


def headless(who: str) -> str:
    return f"headless, as {who}"


def on_node(major: str) -> str:
    return f"headless, Node {major}"


ROWS = (
    headless("root"),
    headless("a user"),
    *(on_node(major) for major in NODES),
    *interface.ROWS,
    *circumstances.ALL,
    SPEED,
)


@dataclass
class Bench:
    """What the runs need, made before the network is left."""

    agents: tuple[Agent, ...]
    installed: Installed
    # By agent and column; and by agent and what a further jail is for.
    jails: dict[tuple[str, str], list[str]]
    jailgen: str
    # Parts of the rows' names that are wanted; all, if there are none.
    wanted: tuple[str, ...]

    def wants(self, *rows: str) -> bool:
        return not self.wanted or any(part in row for part in self.wanted for row in rows)


def prepare(
    agents: tuple[Agent, ...], compiler: Compiler, cache: Path, standin: Standin, wanted: tuple[str, ...]
) -> Bench:
    jails: dict[tuple[str, str], list[str]] = {}
    say("compiling the presets")
    for agent in agents:
        jails[agent.name, OUTSIDE] = [str(compiler.installed.programs[agent.name])]
        specs = ((JAIL, agent.specs[0]), (STRICT, strict(agent)), (FULL, full(agent)), (CAGE, cage(agent)))
        for column, spec in (*specs, (EXTRAS, with_extras(agent))):
            jails[agent.name, column] = [str(compiler.compile(agent, spec))]
    scripts = tuple(agent for agent in agents if isinstance(agent.package, NodeScript))
    for major in NODES if scripts else ():
        other = Compiler(compiler.program, compiler.kit, standin, install(scripts, cache, standin, major), cache)
        for agent in scripts:
            for column, spec in ((JAIL, agent.specs[0]), (STRICT, strict(agent))):
                jails[agent.name, f"{column}{major}"] = [str(other.compile(agent, spec))]
    return Bench(agents, compiler.installed, jails, compiler.program.resolve().parent.name, wanted)


def run(bench: Bench, people: list[User]) -> bool:
    """Whether all that works outside works in the jails, too."""
    for agent in bench.agents:
        seen = Seen(agent, bench)
        look_headless(agent, bench, people, seen)
        if bench.wants(*interface.ROWS):
            look_at_screens(agent, bench, people[-1], seen)
        for row in filter(bench.wants, circumstances.ALL):
            jail = EXTRAS if row in circumstances.WITH_EXTRAS else JAIL
            for column, launcher in ((OUTSIDE, OUTSIDE), (JAIL, jail)):
                seen.put(row, column, circumstances.look(agent, people[-1], row, bench.jails[agent.name, launcher]))
        if bench.wants(SPEED):
            look_at_speed(agent, bench, people[-1], seen)
    results = read_page()
    return all(not worse(results[agent.name]["cells"]) for agent in bench.agents)


def look_at_speed(agent: Agent, bench: Bench, user: User, seen: Seen) -> None:
    outside, jail = speed.look(agent, user, bench.jails[agent.name, OUTSIDE], bench.jails[agent.name, JAIL])
    seen.put(SPEED, OUTSIDE, f"{outside:.2f}")
    seen.put(SPEED, JAIL, f"{jail:.2f} ({jail / outside:.2f})")


def look_headless(agent: Agent, bench: Bench, people: list[User], seen: Seen) -> None:
    for user in people:
        row = headless("root" if user.uid == 0 else "a user")
        for column in (JAIL, STRICT, FULL, CAGE) if bench.wants(row) else ():
            seen.put(row, column, session(agent, user, bench.jails[agent.name, column], CAGE_PORT if column == CAGE else 0))
    for major in NODES if isinstance(agent.package, NodeScript) else ():
        for column in (JAIL, STRICT) if bench.wants(on_node(major)) else ():
            seen.put(on_node(major), column, session(agent, people[-1], bench.jails[agent.name, f"{column}{major}"], 0))


def session(agent: Agent, user: User, launcher: list[str], port: int) -> str:
    with stage(user) as at:
        faults = checks.faults_in_jail(agent, play(agent, at, launcher, port=port))
    return "; ".join(faults) or WORKS


def look_at_screens(agent: Agent, bench: Bench, user: User, seen: Seen) -> None:
    for column in (OUTSIDE, JAIL, STRICT):
        with stage(user) as at:
            verdicts, shown = interface.look(agent, at, bench.jails[agent.name, column])
        for row, verdict in verdicts.items():
            seen.put(row, column, verdict)
        if shown and column != OUTSIDE:
            say(shown)


class Seen:
    """What was seen of an agent."""

    def __init__(self, agent: Agent, bench: Bench):
        self.agent, self.bench = agent, bench
        # What rows that are not looked at now were.
        before = read_page().get(agent.name, {})
        is_same = bench.wanted and before.get("version") == agent.npm.rpartition("@")[2]
        self.cells: dict[str, dict[str, str]] = before["cells"] if is_same else {}

    def put(self, row: str, column: str, verdict: str) -> None:
        self.cells.setdefault(row, {})[column] = shown(verdict)
        say(f"{self.agent.name:12} {column:8} {row}: {verdict}")
        self.keep()

    def keep(self) -> None:
        """What other agents' runs have left stays, each with its day."""
        entry = {
            "version": self.agent.npm.rpartition("@")[2],
            "day": datetime.date.today().isoformat(),
            "runtime": f"Node {node_version()}" if isinstance(self.agent.package, NodeScript) else "its own",
            "jailgen": self.bench.jailgen,
            "kernel": platform.release().split("-")[0],
            "cells": self.cells,
        }
        write_page(read_page() | {self.agent.name: entry})


def node_version() -> str:
    return subprocess.run(["node", "--version"], check=True, capture_output=True, text=True).stdout.strip().lstrip("v")


def worse(cells: dict[str, dict[str, str]]) -> list[str]:
    """The rows in which something does not work in a jail that works outside, or was not tried there."""
    rows = []
    for row, columns in cells.items():
        outside = columns.get(OUTSIDE, WORKS)
        others = [verdict for column, verdict in columns.items() if column != OUTSIDE]
        if row != SPEED and outside == WORKS and any(one not in (WORKS, circumstances.NOT_KNOWN) for one in others):
            rows.append(row)
    return rows


HEAD = """\
<!-- Written by `make test-agents`, and not by hand. -->

# Agents at work

What was seen of real agents in the jails of their presets, with a model of the test's own that wants commands run
([how](../tests/agents/README.md)). Each table is of one agent. `make test-agents` runs them and writes this page.

| column | |
|---|---|
| outside | without a jail: what does not work there says nothing about the jail |
| jail | the preset: `makeJailedClaudeCode { }` |
| strict | with `extraJailOptions = [ (seccomp "strict") ]` |
| full | with `extraJailOptions = [ (landlock "full") ]` |
| cage | a cage with the profile `aiAgent` and `systemPrograms = true` |

An empty cell was not run. "Headless" is two sessions: a command with files, archives and git, and a second session that goes on with the
first; a secret in the home folder stays unread, and nothing is printed of what the agent writes in each session. The other rows are runs of an
ordinary user. The last row holds medians of 9 runs in turns, and in brackets how many times as long it takes in the jail.
"""


def write_page(results: dict[str, dict]) -> None:
    lines = [HEAD]
    for agent in AGENTS:
        entry = results.get(agent.name)
        lines += ["", f"## {agent.name}", ""] if entry else ["", f"## {agent.name}", "", "Not run."]
        if entry:
            lines += table(entry)
    lines += ["", "## Not here", ""]
    lines += [f"- {name}: {reason}." for name, reason in ABSENT.items()]
    PAGE.write_text("\n".join(lines).replace("\n\n\n", "\n\n") + "\n")


def table(entry: dict) -> list[str]:
    of = f"Version {entry['version']}, {entry['day']}, runtime: {entry['runtime']}, Linux {entry['kernel']}"
    build = "" if entry["jailgen"] == "release" else f", jailgen's helper from a build of the profile `{entry['jailgen']}`"
    lines = [f"{of}{build}.", "", f"| | {' | '.join(COLUMNS)} |", f"|---|{'---|' * len(COLUMNS)}"]
    for row in ROWS:
        cells = entry["cells"].get(row, {})
        if cells:
            lines.append(f"| {row} | {' | '.join(cells.get(column, '') for column in COLUMNS)} |")
    return lines


def shown(verdict: str) -> str:
    """A cell: nothing in it can end it."""
    text = verdict.replace("|", "/").replace("`", "'").replace("\n", " ").strip()
    return text if len(text) <= 80 else f"{text[:79]}…"


FACTS = re.compile(
    r"Version (?P<version>.+?), (?P<day>[0-9-]+), runtime: (?P<runtime>.+?), Linux (?P<kernel>[0-9.]+)"
    r"(, jailgen's helper from a build of the profile `(?P<jailgen>.+)`)?\."
)


def read_page() -> dict[str, dict]:
    """What earlier runs have written there, by agent: the page is the only place where that is kept."""
    results: dict[str, dict] = {}
    for section in PAGE.read_text().split("\n## ")[1:] if PAGE.exists() else []:
        name, *lines = section.splitlines()
        facts = next(filter(None, map(FACTS.fullmatch, lines)), None)
        if facts:
            rows = [line.strip("|").split(" | ") for line in lines if line.startswith("| ")][1:]
            cells = {row.strip(): dict(zip(COLUMNS, map(str.strip, columns))) for row, *columns in rows}
            filled = {row: {where: it for where, it in columns.items() if it} for row, columns in cells.items()}
            results[name] = facts.groupdict() | {"jailgen": facts["jailgen"] or "release", "cells": filled}
    return results
