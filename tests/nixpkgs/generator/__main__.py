"""Command line: `python3 -m generator OUTPUT`, run in tests/nixpkgs."""

import argparse
import json
import sys
from pathlib import Path

from .catalogue import CATALOGUE
from .collect import collect
from .dpkg import Dpkg


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="generator",
        description="Describes this machine's programs and libraries for the stand-in nixpkgs.",
    )
    parser.add_argument("output", nargs="?", type=Path, help="the JSON file to write")
    parser.add_argument(
        "--debian-packages",
        action="store_true",
        help="only list the Debian packages that the catalogue copies programs from",
    )
    arguments = parser.parse_args()
    if arguments.debian_packages:
        print("\n".join(sorted({package.debian for package in CATALOGUE})))
        return 0
    if arguments.output is None:
        parser.error("the JSON file to write is missing")

    machine, missing = collect(CATALOGUE, Dpkg.of_this_machine())
    text = json.dumps(machine, indent=1, sort_keys=True) + "\n"
    arguments.output.write_text(text, encoding="utf-8")
    if missing:
        print(f"left out, not on this machine: {' '.join(missing)}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
