#!/usr/bin/env python3
"""Measures `jailgen eval` next to `nix-instantiate`: whole processes, in turns, medians, and ratios.

    benches/evaluator.py [RUNS]

The expressions of tests/oracle are run one by one, once by each, so that their starts count as a user meets them. Then those
that compute. It takes the released jailgen (`make build`).
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time

from compiler import JAILGEN, PROJECT

ORACLE = PROJECT / "tests" / "oracle"

HEAVY = {
    "fib 27": "let fib = n: if n < 2 then n else fib (n - 1) + fib (n - 2); in fib 27",
    "ackermann 2 300": "let a = m: n: if m == 0 then n + 1 else if n == 0 then a (m - 1) 1 else a (m - 1) (a m (n - 1)); in a 2 300",
    "foldl' over 500,000 elements": "builtins.foldl' (a: b: a + b) 0 (builtins.genList (x: x) 500000)",
    "map and filter of 300,000": "builtins.length (builtins.filter (x: x > 5) (map (x: x * 2) (builtins.genList (x: x) 300000)))",
    "concatMap of 100,000": "builtins.length (builtins.concatMap (x: [ x x x ]) (builtins.genList (x: x) 100000))",
    "concatLists, pairwise": "builtins.length (builtins.foldl' (a: b: a ++ [ b ]) [ ] (builtins.genList (x: x) 4000))",
    "sorting 50,000 strings": "builtins.length (builtins.sort (a: b: a < b) "
    "(builtins.genList (n: builtins.hashString \"md5\" (toString n)) 50000))",
    "sorting 20,000 integers": "let next = x: (x * 1103515245 + 12345) - ((x * 1103515245 + 12345) / 65536) * 65536; in "
    "builtins.length (builtins.sort builtins.lessThan (builtins.genList next 20000))",
    "building a string by concatStrings": "builtins.stringLength (builtins.concatStringsSep \",\" "
    "(map toString (builtins.genList (x: x) 200000)))",
    "building a string by +": "builtins.stringLength (builtins.foldl' (a: b: a + \"x\") \"\" (builtins.genList (x: x) 10000))",
    "deep recursion, 9,000 calls": "let f = n: if n == 0 then 0 else 1 + f (n - 1); in "
    "builtins.foldl' (a: b: a + f 9000) 0 (builtins.genList (x: x) 20)",
    "a loop of 300,000 calls": "let f = n: acc: if n == 0 then acc else f (n - 1) (acc + n); in "
    "builtins.foldl' (a: b: a + f 3000 0) 0 (builtins.genList (x: x) 100)",
    "genericClosure over 50,000": "builtins.length (builtins.genericClosure { startSet = [ { key = 0; } ]; "
    "operator = { key }: if key < 50000 then [ { key = key + 1; } { key = key / 2; } ] else [ ]; })",
    "JSON, there and back": "let v = builtins.genList (x: { a = x; b = [ x \"y\" null ]; }) 30000; in "
    "builtins.length (builtins.fromJSON (builtins.toJSON v))",
    "replaceStrings in a megabyte": "builtins.stringLength (builtins.replaceStrings [ \"a\" \"bc\" \"d\" ] [ \"1\" \"22\" \"\" ] "
    "(builtins.concatStringsSep \"\" (builtins.genList (x: \"xxabcdxyz\") 100000)))",
    "regular expressions, 20,000 matches": "builtins.length (builtins.filter (x: builtins.match \"([a-z]+)-([0-9]+)\" x != null) "
    "(builtins.genList (x: \"name-${toString x}\") 20000))",
    "splitting a long string": "builtins.length (builtins.split \",\" "
    "(builtins.concatStringsSep \",\" (builtins.genList toString 50000)))",
    "sets: listToAttrs and attrNames": "builtins.length (builtins.attrNames (builtins.listToAttrs "
    "(builtins.genList (x: { name = \"n${toString x}\"; value = x; }) 50000)))",
    "sets: // one by one": "builtins.length (builtins.attrNames (builtins.foldl' (a: b: a // { ${\"n${toString b}\"} = b; }) { } "
    "(builtins.genList (x: x) 1500)))",
    "mapAttrs, deeply evaluated": "let v = builtins.listToAttrs (builtins.genList (x: { name = \"n${toString x}\"; value = x; }) 50000); "
    "in builtins.deepSeq (builtins.mapAttrs (n: x: [ n (x + 1) ]) v) 1",
    "a fixed point of 2,000 attributes": "let fix = f: let x = f x; in x; names = builtins.genList (x: x) 2000; in "
    "(fix (self: builtins.listToAttrs (map (n: { name = \"n${toString n}\"; "
    "value = if n == 0 then 0 else self.\"n${toString (n - 1)}\" + 1; }) names))).n1999",
}

# No expression may take more than this of Nix's time or memory.
MOST = 2.0

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
    over = [name for name, expression in HEAVY.items() if not is_within(name, expression, runs)]
    if over:
        print(f"more than {MOST} times what Nix takes: {', '.join(over)}")


def is_within(name: str, expression: str, runs: int) -> bool:
    """Whether an expression takes no more than it may. It is processor time: one thread computes, so it is what a user waits for
    on a machine that does nothing else, and it is nearly the same on one that does. That a process starts is in both."""
    results: tuple[list[float], list[float]] = ([], [])
    peaks = [0, 0]
    for _ in range(runs):
        for index, command in enumerate((OURS, NIX)):
            took, peak = processor(command, expression)
            results[index].append(took)
            peaks[index] = max(peaks[index], peak)
    ours, nix = (statistics.median(times) for times in results)
    print(f"{'eval, ' + name:<44} {ours:9.2f} ms {peaks[0] / 1024:7.1f} MB")
    print(f"{'  nix-instantiate':<44} {nix:9.2f} ms {peaks[1] / 1024:7.1f} MB  {ours / nix:.2f} of it above", flush=True)
    return ours <= MOST * nix and peaks[0] <= MOST * peaks[1]


def processor(command: list[str], expression: str) -> tuple[float, int]:
    """Milliseconds of processor time, and kilobytes. Anything but success ends the benchmark."""
    process = subprocess.Popen([*command, expression], cwd=ORACLE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        sys.exit(f"{command[0]} failed: {expression}")
    return (usage.ru_utime + usage.ru_stime) * 1000, usage.ru_maxrss


if __name__ == "__main__":
    main()
