"""Which files are ELF or scripts, and which libraries the ELF files are linked with."""

from __future__ import annotations

import os
import re
import subprocess

# ldd's "name => path (address)". The loader's own line has no arrow and the vdso no path.
LINKED_LIBRARY = re.compile(r"^\s+(\S+) => (/\S+) \(")

# Well below the limit for the arguments of one command.
FILES_PER_CALL = 500


def kind(path: str) -> str | None:
    """`"elf"`, `"script"` or None, by the first bytes."""
    try:
        with open(path, "rb") as file:
            start = file.read(4)
    except OSError:
        return None
    if start == b"\x7fELF":
        return "elf"
    if start[:2] == b"#!" and os.access(path, os.X_OK):
        return "script"
    return None


def interpreter(path: str) -> str:
    """The program that a script's first line names, `python3` for each version of it."""
    with open(path, "rb") as file:
        first_line = file.readline(256).decode("utf-8", "replace")
    names = [os.path.basename(word) for word in first_line.removeprefix("#!").split()]
    if names[:1] == ["env"]:
        names = names[1:]
    name = names[0] if names else ""
    return "python3" if re.fullmatch(r"python(3(\.\d+)?)?", name) else name


def linked_libraries(paths: list[str]) -> dict[str, dict[str, str]]:
    """For each ELF file its libraries, direct and indirect: soname to path.

    One `ldd` for many files. Indirect ones do no harm: the build shrinks each file's RPATH to
    what it really needs.
    """
    libraries: dict[str, dict[str, str]] = {}
    for start in range(0, len(paths), FILES_PER_CALL):
        libraries.update(_ldd(paths[start : start + FILES_PER_CALL]))
    return libraries


def _ldd(paths: list[str]) -> dict[str, dict[str, str]]:
    # ldd names the files in its output only when there are several.
    listing = subprocess.run(
        ["ldd", *paths, paths[0]], capture_output=True, text=True, check=False
    ).stdout
    libraries: dict[str, dict[str, str]] = {}
    current = ""
    for line in listing.splitlines():
        if not line.startswith(("\t", " ")):
            current = line.removesuffix(":")
            libraries.setdefault(current, {})
        elif match := LINKED_LIBRARY.match(line):
            libraries[current][match[1]] = match[2]
    return libraries
