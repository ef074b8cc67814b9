#!/usr/bin/env python3
"""Measures `jailgen eval` next to `nix-instantiate`: whole processes, in turns, medians, and ratios within one run.

    benches/evaluator.py [RUNS]

The expressions of tests/oracle are run one by one, once by each, so that their starts count as a user meets them. Then those
that compute. It takes the released jailgen (`make build`).
"""

from __future__ import annotations

import os
import subprocess
import sys
import time

from compiler import JAILGEN, PROJECT, Contender, measure

ORACLE = PROJECT / "tests" / "oracle"

HEAVY = {
    "fib 24": "let fib = n: if n < 2 then n else fib (n - 1) + fib (n - 2); in fib 24",
    "foldl' over 200,000 elements": "builtins.foldl' (a: b: a + b) 0 (builtins.genList (x: x) 200000)",
    "sorting 50,000 strings": "builtins.length (builtins.sort (a: b: a < b) "
    "(builtins.genList (n: builtins.hashString \"md5\" (toString n)) 50000))",
}

OURS = [str(JAILGEN), "eval", "--json", "-E"]
NIX = ["nix-instantiate", "--eval", "--strict", "--json", "-E"]


def cases() -> list[str]:
    """The expressions of the tables."""
    found = []
    for table in sorted(ORACLE.glob("*.cases")):
        for paragraph in table.read_text().split("\n\n"):
            lines = [line for line in paragraph.splitlines() if not line.startswith("#")]
            if any(line.strip() for line in lines):
                found.append("\n".join(lines))
    return found


def run(command: list[str], expression: str) -> tuple[float, int]:
    """Milliseconds and kilobytes of one run. That an expression fails is a result like any other."""
    begin = time.perf_counter()
    process = subprocess.Popen([*command, expression], cwd=ORACLE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, _, usage = os.wait4(process.pid, 0)
    return (time.perf_counter() - begin) * 1000, usage.ru_maxrss


def whole_set() -> None:
    """Every case by each, in turns."""
    expressions = cases()
    totals, peaks = [0.0, 0.0], [0, 0]
    for expression in expressions:
        for index, command in enumerate((OURS, NIX)):
            took, peak = run(command, expression)
            totals[index] += took
            peaks[index] = max(peaks[index], peak)
    name = f"eval, {len(expressions)} expressions one by one"
    print(f"{name:<44} {totals[0]:9.0f} ms {peaks[0] / 1024:7.1f} MB")
    print(f"{'  nix-instantiate':<44} {totals[1]:9.0f} ms {peaks[1] / 1024:7.1f} MB  {totals[0] / totals[1]:.2f} of it above")


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 11
    whole_set()
    for name, expression in HEAVY.items():
        measure(
            runs,
            Contender(f"eval, {name}", [*OURS, expression]),
            Contender("  nix-instantiate", [*NIX, expression]),
        )


if __name__ == "__main__":
    main()
