"""The specs of the agents, compiled by jailgen."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from .catalogue import Agent, cage, full, strict, with_extras
from .install import PROJECT, Installed, Standin


@dataclass(frozen=True)
class Compiler:
    """How jailgen is called: the program, the kit if another than its own is wanted, and where the inputs are."""

    program: Path
    kit: str | None
    standin: Standin
    installed: Installed
    cache: Path

    def compile(self, agent: Agent, spec: str) -> Path:
        """Compiles one of an agent's specs to its wrapper."""
        return self.compile_file(self.spec_file(agent, spec), f"jailed-{agent.name}")

    def compile_file(self, file: Path, name: str) -> Path:
        """Compiles a spec to the wrapper of this name."""
        folder = self.cache / "jails" / file.stem
        folder.mkdir(parents=True, exist_ok=True)
        link = folder / "result"
        command = [self.program, "--quiet", "build", file, "-o", link]
        command += ["--override-input", "nixpkgs", f"path:{self.standin.nixpkgs}"]
        command += ["--override-input", "llm-agents", f"path:{self.installed.flake}"]
        command += ["--kit", self.kit] if self.kit else []
        environment = os.environ | {"XDG_STATE_HOME": str(folder / "state")}
        subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
        return link.resolve() / "bin" / name

    def folder(self, agent: Agent, spec: str) -> Path:
        # Each spec has a state folder of its own: two that make a command of the same name would be refused.
        return self.cache / "jails" / self.spec_file(agent, spec).stem

    def tracer(self, agent: Agent, state: Path, report: Path) -> list[str]:
        """What runs an agent's strict jail and reports its system calls; `state` becomes the state folder of the run."""
        spec = strict(agent)
        shutil.copytree(self.folder(agent, spec) / "state", state, symlinks=True)
        trace = [self.program, "trace", self.spec_file(agent, spec), "--json", "-o", report, "--"]
        return ["env", f"XDG_STATE_HOME={state}", *map(str, trace)]

    def spec_file(self, agent: Agent, spec: str) -> Path:
        if spec.endswith(".jail"):
            return PROJECT / spec
        variables = " ".join(f'"{name}"' for name in agent.environment(""))
        kinds = {strict(agent): "strict", full(agent): "full", cage(agent): "cage", with_extras(agent): "extras"}
        kind = kinds.get(spec, "keys" if "secrets" in spec else "preset")
        file = self.cache / "specs" / f"{agent.name}-{kind}{self.installed.node}.jail"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(spec.replace("%VARIABLES%", variables) + "\n")
        return file
