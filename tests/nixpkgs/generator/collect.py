"""From the catalogue and this machine to the description that the Nix side builds from.

The description says for each package what to copy from where, which of the copied files are
ELF files or scripts, and which library packages those need. It is data only (JSON): how it
is built stands in ../flake/machine.
"""

from __future__ import annotations

import fnmatch
import glob
import graphlib
import hashlib
import os
import platform
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import elf
from .catalogue import Package
from .dpkg import Dpkg

PROGRAM_FOLDERS = ("/usr/bin", "/bin", "/usr/sbin", "/sbin")

# The C library is a package of its own kind: all of it, and it needs nothing.
C_LIBRARY = "libc6"

C_LIBRARY_PROGRAMS = ("getconf", "iconv", "ldd", "locale")

# Interpreters that the stand-in has; scripts for others are not copied out of folders.
KNOWN_INTERPRETERS = ("sh", "bash", "dash", "node", "python3")

Json = dict[str, Any]


@dataclass
class Entry:
    """One package in the making."""

    name: str
    version: str
    files: dict[str, str] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    drop: list[str] = field(default_factory=list)
    """File name patterns that are left out of copied folders."""
    unwanted: list[str] = field(default_factory=list)
    """Places in the output that are removed again."""
    elf: dict[str, str] = field(default_factory=dict)
    """Where an ELF file ends up in the output, and where it comes from."""
    scripts: dict[str, str] = field(default_factory=dict)
    """Where a script ends up, and the name of its interpreter."""
    libraries: set[str] = field(default_factory=set)
    own_libraries: dict[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    main_program: str | None = None

    def to_json(self) -> Json:
        return {
            "pname": self.name,
            "version": self.version,
            "files": self.files,
            "links": self.links,
            "drop": self.drop,
            "unwanted": self.unwanted,
            "elf": sorted(self.elf),
            "scripts": self.scripts,
            "libraries": sorted(self.libraries),
            "ownLibraries": self.own_libraries,
            "environment": self.environment,
            "mainProgram": self.main_program,
        }


def collect(catalogue: tuple[Package, ...], dpkg: Dpkg) -> tuple[Json, list[str]]:
    """The description of this machine, and the attributes that it has no programs for."""
    programs: dict[str, Entry] = {}
    missing = []
    facts = _facts_about_the_machine()
    for package in catalogue:
        entry = _program_entry(package, dpkg, facts)
        if entry is None:
            missing.append(package.attribute)
        else:
            programs[package.attribute] = entry

    libraries = _library_entries(programs, dpkg)
    _take_own_libraries(catalogue, programs, libraries)
    _merge_cycles(programs, libraries)
    machine = {
        "system": f"{platform.machine()}-linux",
        "python": facts["python"],
        "cLibrary": _c_library_entry(dpkg).to_json(),
        "loader": facts["loader"],
        "programs": {name: entry.to_json() for name, entry in programs.items()},
        "libraries": {name: entry.to_json() for name, entry in libraries.items()},
    }
    return machine, missing


def _facts_about_the_machine() -> dict[str, str]:
    """What the catalogue's places in braces stand for, and the loader's file name."""
    node = shutil.which("node", path="/usr/bin") or shutil.which("node") or "/usr/bin/node"
    loaders = sorted(glob.glob("/lib64/ld-linux*.so.*") + glob.glob("/lib/ld-linux*.so.*"))
    if not loaders:
        raise SystemExit("no dynamic loader found: this machine's C library is not glibc")
    return {
        "python": os.path.basename(os.path.realpath("/usr/bin/python3")),
        "node": node,
        "node_prefix": str(Path(os.path.realpath(node)).parent.parent),
        "multiarch": f"{platform.machine()}-linux-gnu",
        "loader": os.path.basename(loaders[0]),
    }


def _find_program(name: str, facts: dict[str, str]) -> str | None:
    """Debian's own program; node alone may come from elsewhere."""
    for folder in PROGRAM_FOLDERS:
        if os.path.isfile(f"{folder}/{name}"):
            return f"{folder}/{name}"
    if name == "node" and os.path.isfile(facts["node"]):
        return facts["node"]
    return None


def _programs_of(package: Package, dpkg: Dpkg) -> list[str]:
    """The names of all programs in a Debian package."""
    return sorted(
        os.path.basename(path)
        for path in dpkg.files.get(package.debian, [])
        if os.path.dirname(path) in PROGRAM_FOLDERS and os.path.isfile(path)
    )


def _program_entry(package: Package, dpkg: Dpkg, facts: dict[str, str]) -> Entry | None:
    """One package of the catalogue, or None where the machine lacks what it is made from."""
    names = _programs_of(package, dpkg) if package.every_program else list(package.programs)
    found = {name: _find_program(name, facts) for name in names}
    data = {to.format(**facts): source.format(**facts) for to, source in package.files.items()}
    present = {to: source for to, source in data.items() if os.path.exists(source)}
    programs = {f"bin/{name}": source for name, source in found.items() if source is not None}
    if len(programs) < len(names) or (not programs and not present):
        return None

    entry = Entry(
        name=package.attribute,
        version=dpkg.version(package.debian) or "unpackaged",
        files=programs | present,
        environment=package.environment,
        drop=list(package.drop),
        main_program=package.main_program or package.attribute,
    )
    for to, source in entry.files.items():
        _look_into(entry, to, source)
    entry.links = {
        to.format(**facts): target.format(**facts)
        for to, target in package.links.items()
        if _link_leads_somewhere(entry, to.format(**facts), target.format(**facts))
    }
    if any(dpkg.owner(source) is None for source in programs.values()):
        # dpkg does not know this program, so its version says nothing about its content.
        entry.version = f"{entry.version}-{_content_hash(sorted(programs.values()))}"
    return entry


def _link_leads_somewhere(entry: Entry, link: str, target: str) -> bool:
    """Whether a link's target is among the copied files (npm is not everywhere)."""
    place = os.path.normpath(os.path.join(os.path.dirname(link), target))
    return any(place == to or place.startswith(f"{to}/") for to in entry.files)


def _look_into(entry: Entry, to: str, source: str) -> None:
    """Notes the ELF files and the scripts in one copied file or folder."""
    for place, path in _walk(to, source, entry.drop):
        what = elf.kind(path)
        if what == "elf":
            entry.elf[place] = path
        elif what == "script":
            interpreter = elf.interpreter(path)
            if interpreter in KNOWN_INTERPRETERS:
                entry.scripts[place] = interpreter
            elif os.path.isdir(source):
                # git's Perl scripts, for one: gitMinimal of nixpkgs has none either.
                entry.unwanted.append(place)


def _walk(to: str, source: str, drop: list[str]) -> list[tuple[str, str]]:
    """All regular files, as pairs of the place in the output and the path on the machine."""
    if not os.path.isdir(source):
        return [(to, source)]
    pairs = []
    for folder, folders, files in os.walk(source):
        folders[:] = sorted(name for name in folders if not _is_dropped(name, drop))
        for name in sorted(files):
            path = os.path.join(folder, name)
            if not os.path.islink(path) and not _is_dropped(name, drop):
                pairs.append((os.path.join(to, os.path.relpath(path, source)), path))
    return pairs


def _is_dropped(name: str, drop: list[str]) -> bool:
    return any(fnmatch.fnmatch(name, pattern) for pattern in drop)


def _content_hash(paths: list[str]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(Path(path).read_bytes())
    return digest.hexdigest()[:12]


def _library_entries(programs: dict[str, Entry], dpkg: Dpkg) -> dict[str, Entry]:
    """One package for each Debian package that has a needed library, and so on downwards."""
    libraries: dict[str, Entry] = {}
    todo = [(entry, path) for entry in programs.values() for path in entry.elf.values()]
    while todo:
        linked = elf.linked_libraries(sorted({path for _, path in todo}))
        new = []
        for entry, path in todo:
            for soname, library in linked.get(path, {}).items():
                owner = _library_owner(library, dpkg)
                if owner == C_LIBRARY:
                    continue
                other = libraries.setdefault(
                    owner, Entry(owner, dpkg.version(owner) or "unpackaged")
                )
                if other is not entry:
                    entry.libraries.add(owner)
                if f"lib/{soname}" not in other.files:
                    other.files[f"lib/{soname}"] = library
                    other.elf[f"lib/{soname}"] = library
                    new.append((other, library))
        todo = new
    return libraries


def _library_owner(library: str, dpkg: Dpkg) -> str:
    """The Debian package of a library, or the library's own name where dpkg does not know it."""
    return dpkg.owner(library) or os.path.basename(library).split(".so")[0]


def _take_own_libraries(
    catalogue: tuple[Package, ...], programs: dict[str, Entry], libraries: dict[str, Entry]
) -> None:
    """Makes the catalogue's `own_libraries` a part of their package instead of one of their own.

    Where some other package needs the library too, it stays one: the two could otherwise need
    each other.
    """
    for package in catalogue:
        entry = programs.get(package.attribute)
        for name in package.own_libraries:
            users = [
                other.name
                for other in [*programs.values(), *libraries.values()]
                if name in other.libraries
            ]
            if entry is None or users != [entry.name]:
                continue
            library = libraries.pop(name)
            entry.libraries |= library.libraries
            entry.libraries.discard(name)
            entry.own_libraries |= library.files


def _merge_cycles(programs: dict[str, Entry], libraries: dict[str, Entry]) -> None:
    """Joins library packages that need each other: Nix has no circular derivations."""
    while cycle := _find_cycle(libraries):
        kept, *others = sorted(cycle)
        for name in others:
            libraries[kept].files |= libraries[name].files
            libraries[kept].elf |= libraries[name].elf
            libraries[kept].libraries |= libraries.pop(name).libraries
        for entry in [*programs.values(), *libraries.values()]:
            if entry.libraries & set(others):
                entry.libraries = (entry.libraries - set(others)) | {kept}
        libraries[kept].libraries -= set(cycle)


def _find_cycle(libraries: dict[str, Entry]) -> set[str]:
    sorter = graphlib.TopologicalSorter(
        {name: entry.libraries for name, entry in libraries.items()}
    )
    try:
        sorter.prepare()
    except graphlib.CycleError as error:
        return set(error.args[1])
    return set()


def _c_library_entry(dpkg: Dpkg) -> Entry:
    """All libraries of libc6, not only those that are linked: some are opened by name.

    The programs that nixpkgs has in `glibc.bin` are here too; the Nix side sorts them out.
    """
    entry = Entry("glibc", dpkg.version(C_LIBRARY) or "unpackaged")
    for name in C_LIBRARY_PROGRAMS:
        path = f"/usr/bin/{name}"
        if os.path.isfile(path):
            entry.files[f"bin/{name}"] = path
            _look_into(entry, f"bin/{name}", path)
    for path in dpkg.files.get(C_LIBRARY, []):
        name = os.path.basename(path)
        if (
            ".so" in name
            and os.path.isfile(path)
            and "/gconv/" not in path
            and "/audit/" not in path
        ):
            entry.files[f"lib/{name}"] = path
    return entry
