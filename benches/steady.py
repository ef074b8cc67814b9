#!/usr/bin/env python3
"""Measures what programs take while they run: without a jail, under bubblewrap with the same mounts, and in a compiled jail.

    benches/steady.py [ROUNDS]
    benches/steady.py --grant 'landlock "full"' [ROUNDS]

With a grant it compares two jails: one as it is, and one that has this grant too.

It takes what benches/compiler.py takes, the machine's own git, cc and make, and a bubblewrap: the first of BWRAP (separated
by colons), else that of PATH. It has no filter, and the jail has all its layers. In each round every workload runs once in
each of the three, in changing order, so that what the machine does besides meets all alike; the ratios are medians over the
rounds. Each run is timed inside, by the shell that starts it: the launch is another benchmark's.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import compiler

SYSTEM = ["/usr", "/bin", "/lib", "/lib64"]
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "GIT_OPTIONAL_LOCKS": "0"}

SPEC = """
jail "jailed-steady" pkgs.bashInteractive [
  mount-cwd
  %s
]
"""
NAME = "jailed-steady"

FOLDERS, FILES = 200, 100
SOURCES = 24

# One loop for each of the calls that programs make most; the number of rounds is an argument.
LOOPS = r"""
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int count, char **words) {
    struct stat stats;
    char bytes[16];
    for (long left = count > 2 ? atol(words[2]) : 0; left > 0; left--) {
        if (!strcmp(words[1], "getpid")) {
            syscall(SYS_getpid);
        } else if (!strcmp(words[1], "stat")) {
            if (stat("tree/d0/f0.c", &stats)) return 1;
        } else {
            int file = open("tree/d0/f0.c", O_RDONLY);
            if (file < 0 || read(file, bytes, sizeof bytes) < 0 || close(file)) return 1;
        }
    }
    return 0;
}
"""

# A second branch that lacks a part, and the way back.
GIT = """rm -rf work && git clone -q --branch small tree work && cd work && git checkout -q -b other && git rm -q -r d0 d1 d2 d3 &&
git -c user.name=bench -c user.email=bench@localhost commit -q -m other && git checkout -q small && git diff --stat other"""

WORKLOADS = {
    "git status, 20,000 files": "git -C tree status --porcelain",
    "git clone, commit, checkout": GIT,
    f"make, {SOURCES} files in C": "make -s -B -j2 -C build",
    # There is none: grep stops at the first one where its output is /dev/null.
    "grep -r, 20,000 files": "! grep -r needle tree",
    "find, 20,000 files": "find tree -type f -size +1k",
    "300 processes, one by one": "for one in {1..300}; do /usr/bin/true; done",
    "  getpid": "./loops getpid 400000",
    "  stat": "./loops stat 200000",
    "  open, read, close": "./loops open 100000",
}


@dataclass
class Way:
    """A way to run a shell, and what each workload took in each round, in microseconds."""

    name: str
    command: list[str]
    times: dict[str, list[int]] = field(default_factory=dict)

    def run(self, workload: str, script: str) -> None:
        """One run, timed by the shell itself; anything but success ends the benchmark."""
        # The shell writes its time with a dot or a comma, as the language has it.
        timed = f"begin=${{EPOCHREALTIME//[.,]/}}; {{ {script}; }} >/dev/null && echo $((${{EPOCHREALTIME//[.,]/}} - begin))"
        environment = {**os.environ, **ENVIRONMENT}
        done = subprocess.run([*self.command, "-c", timed], env=environment, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            sys.exit(f"{self.name}: {workload}: {done.stderr}")
        self.times.setdefault(workload, []).append(int(done.stdout))


def write_project(folder: Path) -> None:
    """A repository of many small files, a program of some sources, and the loops."""
    tree = folder / "tree"
    for number in range(FOLDERS):
        below = tree / f"d{number}"
        below.mkdir(parents=True)
        for file in range(FILES):
            (below / f"f{file}.c").write_text(f"int f{number}_{file}(void) {{ return {file}; }}\n" * (1 + file % 40))
    identity = ["-c", "user.name=bench", "-c", "user.email=bench@localhost"]
    commit = [*identity, "commit", "-q", "-m"]
    few = [f"d{number}" for number in range(FOLDERS // 10)]
    # Git would otherwise pack the objects in the background, while they are cloned.
    quiet = ["config", "gc.auto", "0"]
    steps = (["init", "-q"], quiet, ["add", *few], [*commit, "few"], ["branch", "small"], ["add", "."], [*commit, "all"])
    for words in steps:
        subprocess.run(["git", "-C", str(tree), *words], check=True)
    build = folder / "build"
    build.mkdir()
    names = [f"s{number}" for number in range(SOURCES)]
    for name in names:
        (build / f"{name}.c").write_text(f"#include <stdio.h>\n#include <stdlib.h>\nint {name}(void) {{ return puts(\"{name}\"); }}\n")
    objects = " ".join(f"{name}.o" for name in names)
    # In the jail there are no links of /etc/alternatives.
    cc = os.path.realpath(shutil.which("cc") or sys.exit("no cc: install a compiler"))
    (build / "Makefile").write_text(f"all.a: {objects}\n\tar rc $@ $^\n%.o: %.c\n\t{cc} -O1 -c -o $@ $<\n")
    (folder / "loops.c").write_text(LOOPS)
    subprocess.run([cc, "-O2", "-o", str(folder / "loops"), str(folder / "loops.c")], check=True)


def build_wrapper(folder: Path, more: str = "") -> Path:
    """Builds the jail, perhaps with one more grant; its wrapper's path."""
    grants = [f'(readonly "{path}")' for path in SYSTEM if os.path.exists(path)]
    grants += [f'(set-env "{name}" "{value}")' for name, value in ENVIRONMENT.items()]
    name = f"{NAME}-more" if more else NAME
    spec = folder / f"{name}.jail"
    spec.write_text((SPEC % "\n  ".join([*grants, more and f"({more})"])).replace(NAME, name))
    link = folder / f"result-{name}"
    command = [str(compiler.JAILGEN), "build", str(spec), "-o", str(link), *compiler.overrides()]
    subprocess.run(command, check=True, capture_output=True)
    return (link / "bin" / name).resolve()


def shells(plan: dict) -> list[str]:
    """Where the jail's shell may be."""
    store = plan["closure"]["store"]
    return [f"{store}/{name}/bin/bash" for name in plan["closure"]["names"]]


def host_text(text: str | dict) -> str:
    """A text of a plan, as it is here; the spec above asks for nothing that this does not expand."""
    return text if isinstance(text, str) else os.path.expanduser(os.path.expandvars(text["expand"]))


def bubblewrap(plan: dict, project: Path) -> list[str]:
    """The same mounts and namespaces, and nothing else."""
    candidates = [*os.environ.get("BWRAP", "").split(":"), shutil.which("bwrap") or ""]
    program = next((path for path in candidates if path and os.path.exists(path)), None)
    if program is None:
        sys.exit("no bubblewrap: install it, or name it in BWRAP")
    words = [program, "--unshare-all", "--die-with-parent"]
    for path in plan["closure"]["names"]:
        path = f"{plan['closure']['store']}/{path}"
        words += ["--ro-bind", path, path]
    for op in plan["inside"]:
        ((kind, op),) = op.items()
        if kind in ("tmpfs", "proc", "dev"):
            words += [f"--{kind}", host_text(op["to"])]
        elif kind == "bind":
            bind = "--ro-bind-try" if op["access"] == "ro" else "--bind-try"
            words += [bind, host_text(op["from"]), host_text(op["to"])]
    return [*words, "--bind", str(project), str(project), "--chdir", str(project)]


def measure(rounds: int, ways: list[Way]) -> None:
    """Every workload in every way, once a round; the first round is for the caches."""
    for turn in range(rounds + 1):
        for workload, script in WORKLOADS.items():
            for step in range(len(ways)):
                ways[(turn + step) % len(ways)].run(workload, script)
    for way in ways:
        for times in way.times.values():
            del times[0]


def middle(way: Way, workload: str) -> float:
    """The median, in milliseconds."""
    return statistics.median(way.times[workload]) / 1000


def ratio(ours: Way, theirs: Way, workload: str) -> float:
    """The median of the ratios, round by round."""
    rounds = zip(ours.times[workload], theirs.times[workload])
    return statistics.median(one / max(other, 1) for one, other in rounds)


def report(ways: list[Way], pairs: list[tuple[Way, Way]]) -> None:
    """Milliseconds of each, and the ratios of these pairs."""
    titles = [f"{ours.name}/{theirs.name}" for ours, theirs in pairs]
    print(f"{'':<28}", *(f"{way.name:>10}" for way in ways), *(f"{title:>18}" for title in titles))
    for workload in WORKLOADS:
        middles = [f"{middle(way, workload):10.1f}" for way in ways]
        ratios = [f"{ratio(ours, theirs, workload):18.3f}" for ours, theirs in pairs]
        print(f"{workload:<28}", *middles, *ratios)


def beside_bubblewrap(folder: Path, project: Path, rounds: int) -> None:
    """No jail, bubblewrap and a jail."""
    wrapper = build_wrapper(folder)
    plan = json.JSONDecoder().raw_decode(wrapper.read_text().split("\n", 2)[2])[0]
    shell = next(path for path in shells(plan) if os.path.exists(path))
    native = Way("native", [shell])
    bwrap = Way("bwrap", [*bubblewrap(plan, project), shell])
    jail = Way("jail", [str(wrapper)])
    measure(rounds, [native, bwrap, jail])
    report([native, bwrap, jail], [(jail, bwrap), (jail, native), (bwrap, native)])


def beside_another(folder: Path, grant: str, rounds: int) -> None:
    """A jail, and one with a grant more."""
    jail = Way("jail", [str(build_wrapper(folder))])
    more = Way("more", [str(build_wrapper(folder, grant))])
    measure(rounds, [jail, more])
    report([jail, more], [(more, jail)])


def main() -> None:
    parser = argparse.ArgumentParser(description="Measures what programs take while they run.")
    parser.add_argument("--grant", help="compare a jail with one that has this grant too")
    parser.add_argument("rounds", nargs="?", type=int, default=21)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        os.environ["XDG_STATE_HOME"] = str(folder / "state")
        project = folder / "project"
        project.mkdir()
        write_project(project)
        os.chdir(project)
        if given.grant:
            beside_another(folder, given.grant, given.rounds)
        else:
            beside_bubblewrap(folder, project, given.rounds)


if __name__ == "__main__":
    main()
