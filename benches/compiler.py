#!/usr/bin/env python3
"""Measures the compiler and a launch as a user meets them: whole processes, medians, and ratios within one run.

    benches/compiler.py [RUNS]

It takes the released jailgen (`make build`), the kit and the stand-in packages (`make bench` sees to all three). Times are
wall-clock milliseconds from before the exec to the return. Memory is the peak of the process, or this program's own if that
is more: the kernel counts from before the exec. A peer is indented; it runs in turns with what stands above it, so that what
the machine does besides meets both alike.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", PROJECT / "target"))
JAILGEN = TARGET / "release" / "jailgen"

# A jail with the packages that every agent has, whose payload does nothing: what is left is the launch.
COMMON = """
jail "jailed-nothing" "${pkgs.coreutils}/bin/true" (commonJailOptions ++ [ (add-pkg-deps commonPkgs) ])
"""


@dataclass
class Contender:
    """A command, and what was measured of it."""

    name: str
    command: list[str]
    before: list[str] | None = None
    times: list[float] = field(default_factory=list)
    peak: int = 0

    def run(self) -> None:
        """One run; anything but success ends the benchmark."""
        if self.before:
            subprocess.run(self.before, check=True)
        begin = time.perf_counter()
        process = subprocess.Popen(self.command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        _, status, usage = os.wait4(process.pid, 0)
        self.times.append((time.perf_counter() - begin) * 1000)
        self.peak = max(self.peak, usage.ru_maxrss)
        if status != 0:
            sys.exit(f"{self.name}: {process.stderr.read().decode(errors='replace')}")

    def median(self) -> float:
        """Milliseconds."""
        return statistics.median(self.times)


class Fresh(Contender):
    """A command whose last argument is a folder that never was: ext4 takes seconds to use a removed folder's inodes again, and a
    thousand files that take their places would pay for it."""

    def __init__(self, name: str, command: list[str], folder: Path) -> None:
        super().__init__(name, command)
        self.base, self.folder, self.runs = command, folder, 0

    def run(self) -> None:
        self.runs += 1
        self.command = [*self.base, str(self.folder / f"emitted-{self.runs}")]
        super().run()


def measure(runs: int, *contenders: Contender) -> None:
    """Runs the contenders in turns, and prints a row for each; ratios are to the first."""
    for turn in range(runs + 1):
        for contender in contenders:
            contender.run()
            if turn == 0:
                contender.times.clear()
    ours = contenders[0]
    for contender in contenders:
        peer = contender.name.startswith(" ")
        ratio = f"  {ours.median() / contender.median():.2f} of it above" if peer else ""
        ours = ours if peer else contender
        print(f"{contender.name:<44} {contender.median():9.2f} ms {contender.peak / 1024:7.1f} MB{ratio}")


def a_thousand_specs(folder: Path) -> list[str]:
    """Specs that differ in name and packages."""
    packages = ["curl", "jq", "git", "nodejs", "python3", "ripgrep", "wget", "less"]
    specs = []
    for number in range(1000):
        path = folder / f"agent-{number}.jail"
        extra = " ".join(packages[number % 5 : number % 5 + 3])
        path.write_text(f'makeJailedOpencode {{ name = "jailed-{number}"; extraPkgs = with pkgs; [ {extra} ]; }}\n')
        specs.append(str(path))
    return specs


def overrides() -> list[str]:
    """The stand-in packages, as the tests have them."""
    nixpkgs, agents = os.environ["STANDIN_NIXPKGS"], os.environ["STANDIN_LLM_AGENTS"]
    return ["--nixpkgs", f"path:{nixpkgs}", "--override-input", "llm-agents", f"path:{agents}"]


def build(folder: Path) -> str:
    """Builds the jail that does nothing; its wrapper's path."""
    spec = folder / "nothing.jail"
    spec.write_text(COMMON)
    link = folder / "nothing"
    subprocess.run([str(JAILGEN), "build", str(spec), "-o", str(link), *overrides()], check=True, capture_output=True)
    return str(link / "bin" / "jailed-nothing")


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 31
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["XDG_STATE_HOME"] = str(folder / "state")
        jailgen, example = str(JAILGEN), str(PROJECT / "examples" / "opencode.jail")
        fresh = ["rm", "-rf", str(folder / "emitted")]
        measure(
            runs,
            Contender("emit examples/opencode.jail", [jailgen, "emit", example, "-o", str(folder / "emitted")], fresh),
            Contender("check examples/opencode.jail", [jailgen, "check", example]),
            Contender("explain examples/opencode.jail", [jailgen, "explain", example]),
        )
        (folder / "specs").mkdir()
        thousand = [jailgen, "emit", *a_thousand_specs(folder / "specs"), "-o"]
        measure(max(3, runs // 6), Fresh("emit, a folder of 1,000 specs", thousand, folder))
        wrapper = build(folder)
        (folder / "project").mkdir()
        os.chdir(folder / "project")
        store_path = str(Path(wrapper).resolve().parent.parent)
        measure(
            runs,
            Contender("closure of a wrapper with the common packages", [jailgen, "closure", store_path, "--json"]),
            Contender("  nix path-info -r --json", ["nix", "path-info", "-r", "--json", store_path]),
        )
        measure(
            runs,
            Contender("launch with the common packages, `true`", [wrapper]),
            Contender("  `true` without a jail", ["/bin/true"]),
        )


if __name__ == "__main__":
    main()
