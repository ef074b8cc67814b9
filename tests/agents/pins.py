"""`--newest`: moves the pinned versions, of agents and of Playwright, to what npm has today, and notes the day."""

from __future__ import annotations

import datetime
import re
import subprocess
from pathlib import Path

from .install import say

HERE = Path(__file__).resolve().parent
CATALOGUE, BROWSER = HERE / "catalogue.py", HERE / "browser.py"
PIN = re.compile(r'(?P<key>npm=|PLAYWRIGHT = )"(?P<name>[^"]+)@(?P<version>[^"@]+)"')
DAY = re.compile(r'^PINNED = ".*"$', re.MULTILINE)


def newest(package: str) -> str:
    command = ["npm", "view", package, "version", "--no-update-notifier"]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def move() -> None:
    def moved(pin: re.Match[str]) -> str:
        name, before = pin["name"], pin["version"]
        now = newest(name)
        say(f"{name:32} {before} -> {now}" if now != before else f"{name:32} {now}")
        return f'{pin["key"]}"{name}@{now}"'

    BROWSER.write_text(PIN.sub(moved, BROWSER.read_text()))
    text = PIN.sub(moved, CATALOGUE.read_text())
    CATALOGUE.write_text(DAY.sub(f'PINNED = "{datetime.date.today().isoformat()}"', text))
