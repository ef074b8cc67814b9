"""`--browser`: Playwright with Debian's Chromium in the jail of examples/browser.jail, as an ordinary user."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from .install import PROJECT, npm_install, say
from .isolation import User
from .jails import Compiler
from .session import run, stage

# When it was the newest: `--newest` moves it with the agents.
PLAYWRIGHT = "playwright-core@1.65.1"
EXAMPLE = PROJECT / "examples/browser.jail"
PAGE = Path(__file__).resolve().parent / "browser/page.mjs"
SANDBOXED = "You are adequately sandboxed"


def check(compiler: Compiler, cache: Path, users: list[User]) -> bool:
    """Whether the page is tested, and Chromium's sandbox is one: outside, in the jail, and not without the grant."""
    if shutil.which("chromium", path="/usr/bin") is None:
        sys.exit("tests/agents/run: --browser needs Debian's `chromium`")
    modules = npm_install("playwright-core", PLAYWRIGHT, cache)
    without = cache / "specs/browser-without.jail"
    without.parent.mkdir(parents=True, exist_ok=True)
    text = EXAMPLE.read_text().replace("  allow-nested-sandbox\n", "")
    without.write_text(text.replace('"jailed-browser"', '"jailed-browser-without"'))
    jailed = compiler.compile_file(EXAMPLE, "jailed-browser")
    refused = compiler.compile_file(without, "jailed-browser-without")
    good = True
    for name, launcher, works in (("outside", "node", True), ("jail", jailed, True), ("without", refused, False)):
        for user in (user for user in users if user.uid != 0):
            with stage(user) as at:
                shutil.copy(PAGE, at.project)
                shutil.copytree(modules, at.project / "node_modules", symlinks=True)
                at.own()
                status, stdout, stderr = run([str(launcher), PAGE.name], at, at.environment())
                is_sandboxed = SANDBOXED in stdout and "title 42" in stdout and (at.project / "page.png").exists()
            as_it_must = (status == 0 and is_sandboxed) if works else (status != 0 and "No usable sandbox" in stderr)
            say(f"chromium     {user.name:10} {name}: {'as it must be' if as_it_must else 'FAILED'}")
            if not as_it_must:
                say(f"{stdout[-1000:]}\n{stderr[-2000:]}")
            good = good and as_it_must
    return good
