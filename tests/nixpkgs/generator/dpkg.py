"""What dpkg knows: which package owns a file, which version it has, what it consists of.

Read from dpkg's own text files in one go: asking `dpkg -S` for each of some hundred
libraries would take most of the generator's time.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

ADMIN_FOLDER = Path("/var/lib/dpkg")

# On a merged /usr these are links, and a package may list a file under either name.
MERGED = ("/bin/", "/sbin/", "/lib/", "/lib64/")


@dataclass(frozen=True)
class Dpkg:
    """dpkg's database, as far as it is needed here."""

    owners: dict[str, str]
    files: dict[str, list[str]]
    versions: dict[str, str]

    @staticmethod
    def of_this_machine() -> Dpkg:
        owners: dict[str, str] = {}
        files: dict[str, list[str]] = {}
        for listing in sorted((ADMIN_FOLDER / "info").glob("*.list")):
            package = listing.stem.split(":")[0]
            paths = listing.read_text(encoding="utf-8").splitlines()
            files.setdefault(package, []).extend(paths)
            for path in paths:
                owners[path] = package
        return Dpkg(owners, files, _versions((ADMIN_FOLDER / "status").read_text(encoding="utf-8")))

    def owner(self, path: str) -> str | None:
        """The package that a file belongs to, through links and a merged /usr."""
        for name in (path, os.path.realpath(path)):
            for spelling in _spellings(name):
                if spelling in self.owners:
                    return self.owners[spelling]
        return None

    def version(self, package: str) -> str | None:
        """The installed version without its epoch, in characters that a store path may have."""
        version = self.versions.get(package)
        if version is None:
            return None
        return re.sub(r"[^0-9A-Za-z.+-]", "-", version.split(":", 1)[-1])


def _spellings(path: str) -> list[str]:
    """A path as it is, with /usr in front, and without it."""
    spellings = [path]
    if path.startswith(MERGED):
        spellings.append("/usr" + path)
    if path.startswith(tuple("/usr" + folder for folder in MERGED)):
        spellings.append(path.removeprefix("/usr"))
    return spellings


def _versions(status: str) -> dict[str, str]:
    """The versions of the packages that are fully installed."""
    versions = {}
    for paragraph in status.split("\n\n"):
        fields = dict(re.findall(r"^(Package|Status|Version): (.*)$", paragraph, re.MULTILINE))
        if fields.get("Status", "").endswith(" installed") and "Version" in fields:
            versions[fields["Package"]] = fields["Version"]
    return versions
