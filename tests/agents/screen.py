"""A terminal for an agent's full-screen interface: an interactive shell that starts it, and fingers that press keys."""

from __future__ import annotations

import fcntl
import os
import re
import signal
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Callable

from .session import Stage

PROMPT = "at-the-prompt> "
# What programs ask a terminal, and what one without extras answers.
ANSWERS = (
    (re.compile(rb"\x1b\[6n"), b"\x1b[1;1R"),
    (re.compile(rb"\x1b\[0?c"), b"\x1b[?62;22c"),
    (re.compile(rb"\x1b\[>0?c"), b"\x1b[>0;276;0c"),
    (re.compile(rb"\x1b\[5n"), b"\x1b[0n"),
    (re.compile(rb"\x1b\]10;\?(\x07|\x1b\\)"), b"\x1b]10;rgb:ffff/ffff/ffff\x07"),
    (re.compile(rb"\x1b\]11;\?(\x07|\x1b\\)"), b"\x1b]11;rgb:0000/0000/0000\x07"),
)
ESCAPES = re.compile(rb"\x1b(\[[0-9;?>=<]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)|[PX^_].*?\x1b\\|.)")


class Screen:
    """A pseudo-terminal with a shell in it. Use as a context manager."""

    def __init__(self, at: Stage, environment: dict[str, str]):
        self.master, terminal = os.openpty()
        os.fchown(terminal, at.user.uid, at.user.gid)
        self.resize(40, 120)
        become = {} if at.user.uid == os.getuid() else {"user": at.user.uid, "group": at.user.gid, "extra_groups": []}
        self.shell = subprocess.Popen(
            ["/bin/bash", "--norc", "--noprofile", "-i"],
            cwd=at.project,
            env=environment | {"PS1": PROMPT, "HISTFILE": ""},
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
            **become,
        )
        os.close(terminal)
        self.output = b""
        self.changed = time.monotonic()
        self.closed = False
        threading.Thread(target=self.read, daemon=True).start()

    def __enter__(self) -> Screen:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
        for pid in descendants(self.shell.pid):
            end(pid)
        self.shell.kill()
        self.shell.wait()

    def read(self) -> None:
        answered = 0
        while not self.closed:
            try:
                data = os.read(self.master, 65536)
            except OSError:
                return
            if not data:
                return
            self.output += data
            self.changed = time.monotonic()
            begin = max(0, answered - 16)
            for question, answer in ANSWERS:
                for found in question.finditer(self.output, begin):
                    if found.end() > answered:
                        self.press(answer)
            answered = len(self.output)

    def press(self, keys: bytes) -> None:
        if not self.closed:
            try:
                os.write(self.master, keys)
            except OSError:
                pass

    def type(self, text: str) -> None:
        """As a person types it: programs take what comes at once for pasted text, in which Enter is a line break."""
        for letter in text.encode():
            self.press(bytes([letter]))
            time.sleep(0.004)
        time.sleep(0.5)
        self.press(b"\r")

    def resize(self, rows: int, columns: int) -> None:
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def close(self) -> None:
        """What a terminal that is closed does: the processes in it get SIGHUP."""
        if not self.closed:
            self.closed = True
            os.close(self.master)

    def mark(self) -> int:
        return len(self.output)

    def shows(self, text: str, since: int, seconds: float) -> bool:
        return within(seconds, lambda: text.encode() in self.output[since:])

    def paints(self, least: int, since: int, seconds: float) -> bool:
        return within(seconds, lambda: len(self.output) - since >= least)

    def settles(self, least: int, since: int, seconds: float) -> bool:
        """Something was painted, and nothing was for a while."""
        quiet = lambda: len(self.output) - since >= least and time.monotonic() - self.changed > 1.5  # noqa: E731
        return within(seconds, quiet) or len(self.output) - since >= least

    def tail(self) -> str:
        text = ESCAPES.sub(b" ", self.output[-6000:]).decode("utf-8", "replace")
        lines = [" ".join(line.split()) for line in re.split(r"[\r\n]", text)]
        return "\n".join(line for line in lines if line)[-1500:]


def within(seconds: float, is_so: Callable[[], bool]) -> bool:
    end = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def end(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def children(pid: int) -> list[int]:
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as file:
            return [int(word) for word in file.read().split()]
    except OSError:
        return []


def descendants(pid: int) -> list[int]:
    found = children(pid)
    return found + [below for child in found for below in descendants(child)]


def running(words: list[str]) -> bool:
    """Whether a process with this command line runs anywhere."""
    line = b"\0".join(word.encode() for word in words) + b"\0"
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/cmdline", "rb") as file:
                    if file.read() == line:
                        return True
            except OSError:
                continue
    return False
