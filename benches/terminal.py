#!/usr/bin/env python3
"""Measures a terminal: what a program writes until it is read, and a key until its echo; without a jail and in one.

    benches/terminal.py [ROUNDS]

It takes what benches/steady.py takes. The jail has a terminal of its own, between which and this program, which stands for the
terminal that people look at, the supervisor copies. A bare relay does the same with no jail and nothing else: what it reaches is
what a second terminal leaves. Each round starts every way, in changing order. JAIL_STUB names further stubs to run the same
wrapper with, separated by colons.
"""

from __future__ import annotations

import os
import pty
import statistics
import subprocess
import sys
import tempfile
import time
import tty
from dataclasses import dataclass, field
from pathlib import Path

import steady

BYTES = 32 << 20
KEYS = 400

# Lines as a compiler prints them, as often as they have so many bytes; or each byte back that comes.
PROGRAM = r"""
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

int main(int count, char **words) {
    struct termios modes;
    static char lines[4096];
    tcgetattr(0, &modes);
    cfmakeraw(&modes);
    tcsetattr(0, TCSANOW, &modes);
    for (size_t at = 0; at < sizeof lines; at++) lines[at] = at % 64 == 63 ? '\n' : 'a' + at % 26;
    if (write(1, "!", 1) != 1) return 1;
    char byte;
    if (count > 1) {
        if (read(0, &byte, 1) != 1) return 1;
        for (long left = atol(words[1]); left > 0;) {
            ssize_t done = write(1, lines, left < (long)sizeof lines ? left : sizeof lines);
            if (done < 0) return 1;
            left -= done;
        }
        return read(0, &byte, 1) != 1;
    }
    while (read(0, &byte, 1) == 1 && byte != 'q') {
        if (write(1, &byte, 1) != 1) return 1;
    }
    return 0;
}
"""

# A program on a terminal of its own, between which and the one that this was started on bytes are copied.
RELAY = r"""
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

static char bytes[65536];

/* Whether there may be more. */
static int copy(int from, int to) {
    ssize_t length = read(from, bytes, sizeof bytes);
    for (ssize_t done = 0; done < length;) {
        ssize_t some = write(to, bytes + done, length - done);
        struct pollfd wait = {to, POLLOUT, 0};
        if (some < 0) poll(&wait, 1, -1);
        done += some > 0 ? some : 0;
    }
    return length > 0;
}

int main(int count, char **words) {
    struct termios modes;
    int inside, status;
    tcgetattr(0, &modes);
    pid_t program = forkpty(&inside, NULL, &modes, NULL);
    if (program == 0) execv(words[1], words + 1);
    cfmakeraw(&modes);
    tcsetattr(0, TCSANOW, &modes);
    fcntl(inside, F_SETFL, O_RDWR | O_NONBLOCK);
    fcntl(0, F_SETFL, O_RDWR | O_NONBLOCK);
    struct pollfd ready[2] = {{inside, POLLIN, 0}, {0, POLLIN, 0}};
    while (count > 1 && poll(ready, 2, -1) > 0 && !(ready[0].revents & POLLHUP)) {
        if (ready[1].revents) copy(0, inside);
        if (ready[0].revents) for (int more = 16; more > 0 && copy(inside, 1); more--);
    }
    waitpid(program, &status, 0);
    return WEXITSTATUS(status);
}
"""


@dataclass
class Way:
    """A way to run the program, and what was measured: megabytes a second, and microseconds for each key."""

    name: str
    command: list[str]
    output: list[float] = field(default_factory=list)
    echo: list[float] = field(default_factory=list)

    def start(self, *arguments: str) -> tuple[int, int]:
        """The process, in a session of its own on a new terminal, and the terminal's other side; once it says that it runs."""
        process, terminal = pty.fork()
        if process == 0:
            os.execv(self.command[0], [*self.command, *arguments])
        tty.setraw(terminal)
        told = b""
        while not told.endswith(b"!"):
            try:
                told += os.read(terminal, 4096)
            except OSError:
                sys.exit(f"{self.name}: {told.decode(errors='replace')}")
        return process, terminal

    def end(self, process: int, terminal: int) -> None:
        """Lets the program end, and says if it did not do well."""
        os.write(terminal, b"q")
        if os.waitpid(process, 0)[1] != 0:
            sys.exit(f"{self.name}: the program failed")
        os.close(terminal)

    def write(self) -> None:
        """Reads everything that the program writes."""
        process, terminal = self.start(str(BYTES))
        begin = time.perf_counter()
        os.write(terminal, b"g")
        left = BYTES
        while left > 0:
            left -= len(os.read(terminal, 65536))
        self.output.append(BYTES / (time.perf_counter() - begin) / 1e6)
        self.end(process, terminal)

    def type(self) -> None:
        """Types keys, each after the echo of the one before."""
        process, terminal = self.start()
        times = []
        for _ in range(KEYS):
            begin = time.perf_counter()
            os.write(terminal, b"x")
            os.read(terminal, 16)
            times.append((time.perf_counter() - begin) * 1e6)
            time.sleep(0.0005)
        self.echo.append(statistics.median(times))
        self.end(process, terminal)


def compile_in(project: Path, name: str, source: str) -> str:
    """A static program."""
    program, text = project / name, project / f"{name}.c"
    text.write_text(source)
    subprocess.run(["cc", "-O2", "-static", "-o", str(program), str(text), "-lutil"], check=True)
    return str(program)


def ways(folder: Path, project: Path) -> list[Way]:
    """Without a jail, and in the jail with each stub."""
    program, relay = (compile_in(project, *one) for one in (("terminal", PROGRAM), ("relay", RELAY)))
    wrapper = steady.build_wrapper(folder)
    inside = ["-c", 'exec ./terminal "$@"', "bash"]
    found = [Way("no jail", [program]), Way("bare relay", [relay, program]), Way("jail", [str(wrapper), *inside])]
    first, rest = wrapper.read_text().split("\n", 1)
    for number, stub in enumerate(filter(None, os.environ.get("JAIL_STUB", "").split(":"))):
        other = folder / f"{steady.NAME}-{number}"
        other.write_text(f"#!{stub}\n{rest}")
        other.chmod(0o755)
        found.append(Way(f"stub {number}", [str(other), *inside]))
    return found


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 11
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        os.environ["XDG_STATE_HOME"] = str(folder / "state")
        project = folder / "project"
        project.mkdir()
        found = ways(folder, project)
        os.chdir(project)
        for turn in range(rounds):
            for step in range(len(found)):
                way = found[(turn + step) % len(found)]
                way.write()
                way.type()
    direct = found[0]
    print(f"{'':<10} {'MB/s':>8} {'to no jail':>11} {'echo, us':>10} {'more':>8}")
    for way in found:
        share = statistics.median(one / other for one, other in zip(way.output, direct.output))
        more = statistics.median(one - other for one, other in zip(way.echo, direct.echo))
        middle, echo = statistics.median(way.output), statistics.median(way.echo)
        print(f"{way.name:<10} {middle:8.1f} {share:11.2f} {echo:10.1f} {more:8.1f}")


if __name__ == "__main__":
    main()
