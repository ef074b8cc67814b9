"""A network with nothing in it but the loopback interface, and other users than root."""

from __future__ import annotations

import ctypes
import fcntl
import os
import pwd
import socket
import struct
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

CLONE_NEWNS = 0x00020000
CLONE_NEWUSER = 0x10000000
CLONE_NEWNET = 0x40000000
SIOCSIFFLAGS = 0x8914
IFF_UP = 1


@dataclass(frozen=True)
class User:
    name: str
    uid: int
    gid: int

    @staticmethod
    def named(entry: pwd.struct_passwd) -> User:
        return User(entry.pw_name, entry.pw_uid, entry.pw_gid)


def users(project: Path) -> list[User]:
    """Root and an ordinary user where we are root, else the user that we are."""
    ourselves = User.named(pwd.getpwuid(os.getuid()))
    if ourselves.uid != 0:
        return [ourselves]
    name = os.environ.get("JAILGEN_TEST_USER", "jailtest")
    # Makes the user.
    subprocess.run([project / "scripts/as-user", "true"], check=True)
    return [ourselves, User.named(pwd.getpwnam(name))]


def leave_the_network() -> None:
    """Moves this process and its children into a network namespace of their own.

    Whatever an agent, or a mistake of ours, would like to reach: it is not there. The jails of the presets share the
    launcher's network, which is this one.
    """
    uid, gid = os.getuid(), os.getgid()
    if uid == 0:
        unshare(CLONE_NEWNET)
    else:
        unshare(CLONE_NEWUSER | CLONE_NEWNET)
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1")
        Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))


def leave_the_files() -> None:
    """Gives root mounts of its own, so that files of the machine can be covered for this process and its children."""
    unshare(CLONE_NEWNS)
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)


@contextmanager
def a_neighbour(address: str, own: str) -> Iterator[Path]:
    """A network with one address, next to ours, in which `own` is ours. For root; gives the file of its namespace."""
    sleeper = subprocess.Popen(["unshare", "--net", "sleep", "infinity"])
    try:
        namespace = Path(f"/proc/{sleeper.pid}/ns/net")
        while namespace.exists() and os.readlink(namespace) == os.readlink("/proc/self/ns/net"):
            time.sleep(0.01)
        inside = ["nsenter", "--target", str(sleeper.pid), "--net"]
        for command in (
            ["ip", "link", "add", "near", "type", "veth", "peer", "name", "far", "netns", str(sleeper.pid)],
            ["ip", "address", "add", f"{own}/24", "dev", "near"],
            ["ip", "link", "set", "near", "up"],
            [*inside, "ip", "address", "add", f"{address}/24", "dev", "far"],
            [*inside, "ip", "link", "set", "far", "up"],
        ):
            subprocess.run(command, check=True)
        yield namespace
    finally:
        sleeper.kill()
        sleeper.wait()


@contextmanager
def entered(network: Path) -> Iterator[None]:
    """This thread is in another network for a while: what it binds stays there."""
    with open("/proc/thread-self/ns/net") as ours, network.open() as theirs:
        set_namespace(theirs.fileno())
        try:
            yield
        finally:
            set_namespace(ours.fileno())


def set_namespace(descriptor: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(descriptor, CLONE_NEWNET) != 0:
        errno = ctypes.get_errno()
        raise OSError(errno, f"setns: {os.strerror(errno)}")


def unshare(flags: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(flags) != 0:
        errno = ctypes.get_errno()
        raise OSError(errno, f"unshare: {os.strerror(errno)} (this test needs a network namespace of its own)")
