"""`tests/agents/run`: installs the agents, compiles their presets, runs them and says what was seen."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from . import browser, checks, keys, matrix, pins, record
from .catalogue import ABSENT, AGENTS, Agent, strict
from .install import PROJECT, Standin, install, say
from .isolation import User, leave_the_network, users
from .jails import Compiler
from .session import Session, play, stage

# Outside the jail the fake model is the agents' proxy, too, so that it hears which hosts they would like to reach.
PROXY = {name: "{model}" for name in ("HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy")}
NO_PROXY = {"NO_PROXY": "127.0.0.1,localhost", "no_proxy": "127.0.0.1,localhost"}


def main() -> int:
    options = arguments()
    if options.newest:
        pins.move()
        return 0
    agents = tuple(agent for agent in AGENTS if not options.agents or agent.name in options.agents)
    options.cache.mkdir(parents=True, exist_ok=True)
    prepare(options)
    standin = Standin.read(options.standin)
    installed = install(() if options.browser else agents, options.cache, standin)
    compiler = Compiler(options.jailgen, options.kit, standin, installed, options.cache)
    if options.browser:
        return 0 if browser.check(compiler, options.cache, users(PROJECT)) else 1
    if options.keys:
        return use_keys(agents, compiler)
    if options.matrix:
        bench = matrix.prepare(agents, compiler, options.cache, standin, tuple(options.rows))
        people = users(PROJECT)
        leave_the_network()
        return 0 if matrix.run(bench, people) else 1
    jails = [] if options.outside_only else compile_all(agents, compiler)
    people = users(PROJECT)

    leave_the_network()
    if options.record:
        # The jails are of the lists before, so there is nothing to judge yet.
        return 0 if record.record(agents, people, compiler) else 1
    report: dict[str, dict] = {}
    for agent in agents:
        report[agent.name] = observe_outside(agent, installed.programs[agent.name], people[0])
    failed = 0
    for jail in jails:
        for user in people:
            failed += 0 if judge(jail, user, report[jail.agent.name]) else 1
    for name, reason in ABSENT.items():
        say(f"{name:12} not run: {reason}")
    (options.cache / "report.json").write_text(json.dumps(report, indent=2, sort_keys=True) + "\n")
    say(f"what each agent did stands in {options.cache / 'report.json'}")
    return 1 if failed or not all(entry["works outside"] for entry in report.values()) else 0


def use_keys(agents: tuple[Agent, ...], compiler: Compiler) -> int:
    """Runs the agents that have a key of their own against a model that wants to see it."""
    chosen = [keyed for keyed in keys.KEYED if keyed.agent in agents]
    say("compiling the specs with keys")
    wrappers = {keyed.name: compiler.compile(keyed.agent, keys.spec(keyed)) for keyed in chosen}
    people = users(PROJECT)
    leave_the_network()
    failed = 0
    with keys.machine({keyed.host for keyed in chosen}) as models:
        for keyed in chosen:
            for user in people:
                with stage(user) as at:
                    faults, session = keys.judge(keyed, wrappers[keyed.name], at, models[keyed.host])
                verdict = "FAILED" if faults else "the model saw the key, and nothing inside did"
                say(f"{keyed.name:12} {user.name:10} {verdict}   {seconds(session)}")
                for fault in faults:
                    say(f"    {fault}")
                if faults:
                    say(tails(session))
                    failed += 1
    return 1 if failed else 0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="tests/agents/run",
        description="Runs real agents, from their npm packages, in the jails of their presets, against a fake model.",
    )
    parser.add_argument("agents", nargs="*", metavar="AGENT", help=f"of {', '.join(a.name for a in AGENTS)}; all")
    parser.add_argument("--cache", type=Path, default=PROJECT / "target/agents", help="default: target/agents")
    parser.add_argument("--standin", type=Path, help="of scripts/make-standin; made in target/standin unless given")
    parser.add_argument("--jailgen", type=Path, help="the compiler; built unless given, with `make kit`")
    parser.add_argument("--kit", help="another kit than the compiler's own")
    parser.add_argument("--outside-only", action="store_true", help="no jails: do the agents themselves still run?")
    parser.add_argument("--keys", action="store_true", help="with a key each, and a model behind TLS (needs root)")
    parser.add_argument("--matrix", action="store_true", help="in every way that is known, and write docs/agents.md")
    parser.add_argument("--rows", action="append", default=[], metavar="PART", help="with --matrix: only rows with this in their names")
    parser.add_argument("--browser", action="store_true", help="Playwright and Chromium in examples/browser.jail, no agent")
    parser.add_argument("--newest", action="store_true", help="move the pinned versions to npm's newest, and do no more")
    parser.add_argument("--record", action="store_true", help="write the agents' lists of the strict filter anew")
    options = parser.parse_args()
    options.cache = options.cache.resolve()
    if (options.record or options.keys or options.matrix) and options.outside_only:
        parser.error("--record, --keys and --matrix need the jails")
    if options.keys and os.getuid() != 0:
        parser.error("--keys covers /etc/hosts for the time of the test, which needs root")
    unknown = set(options.agents) - {agent.name for agent in AGENTS}
    if unknown:
        parser.error(f"unknown agent: {', '.join(sorted(unknown))}")
    return options


def prepare(options: argparse.Namespace) -> None:
    """Makes what this test stands on, as far as the caller has not made it elsewhere."""
    for program in ["npm", "nix"]:
        if shutil.which(program) is None:
            sys.exit(f"tests/agents/run: there is no `{program}` in PATH")
    if options.standin is None:
        options.standin = PROJECT / "target/standin"
        say("making the stand-in nixpkgs")
        subprocess.run([PROJECT / "scripts/make-standin"], check=True, stdout=subprocess.DEVNULL)
    if options.jailgen is None and not options.outside_only:
        options.jailgen = Path(os.environ.get("CARGO_TARGET_DIR", PROJECT / "target")) / "release/jailgen"
        say("building jailgen and its kit")
        subprocess.run(["make", "--no-print-directory", "kit"], cwd=PROJECT, check=True, stdout=subprocess.DEVNULL)


@dataclass(frozen=True)
class Jail:
    agent: Agent
    spec: str
    wrapper: Path


def compile_all(agents: tuple[Agent, ...], compiler: Compiler) -> list[Jail]:
    say("compiling the presets")
    pairs = [(agent, spec) for agent in agents for spec in (*agent.specs, strict(agent))]
    return [Jail(agent, spec, compiler.compile(agent, spec)) for agent, spec in pairs]


def observe_outside(agent: Agent, program: Path, user: User) -> dict:
    """Runs the agent without a jail: does it work at all, and what does it leave behind?"""
    with stage(user) as at:
        session = play(agent, at, [str(program)], PROXY | NO_PROXY)
        works = checks.works_outside(session)
        say(f"{agent.name:12} outside    {'follows instructions' if works else 'DOES NOT WORK'}   {seconds(session)}")
        if not works:
            say(tails(session))
        return {
            "works outside": works,
            "wanted hosts": sorted(set().union(*(turn.wanted_hosts for turn in session.turns))),
            "kept in home, but not by the preset": checks.outermost(checks.foreign(agent, session)),
            "jails": {},
        }


def judge(jail: Jail, user: User, report: dict) -> bool:
    with stage(user) as at:
        session = play(jail.agent, at, [str(jail.wrapper)])
    faults = checks.faults_in_jail(jail.agent, session)
    shown = jail.spec.replace("%VARIABLES%", "…")
    report["jails"][f"{shown}, {user.name}"] = faults
    verdict = "ran its command; project written, secret unread, state kept and found again" if not faults else "FAILED"
    say(f"{jail.agent.name:12} {user.name:10} {verdict}   {seconds(session)}   ({shown})")
    for fault in faults:
        say(f"    {fault}")
    if faults:
        say(tails(session))
    return not faults


def seconds(session: Session) -> str:
    return " + ".join(f"{turn.seconds:.1f} s" for turn in session.turns)


def tails(session: Session) -> str:
    """The ends of what the agent said, for the reader of a failure."""
    lines = []
    for turn in session.turns:
        for name, text in (("stdout", turn.stdout), ("stderr", turn.stderr)):
            lines += [f"    {turn.name} run, {name}: {line}" for line in text.strip().splitlines()[-8:]]
    return "\n".join(lines)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except subprocess.CalledProcessError as error:
        # What went wrong stands above, in the program's own words.
        command = " ".join(map(str, error.cmd))
        sys.exit(f"tests/agents/run: `{command}` ended with status {error.returncode}")
