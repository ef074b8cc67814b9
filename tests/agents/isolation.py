"""A network with nothing in it but the loopback interface, and other users than root."""

from __future__ import annotations

import ctypes
import fcntl
import os
import pwd
import socket
import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path

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


def unshare(flags: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(flags) != 0:
        errno = ctypes.get_errno()
        raise OSError(errno, f"unshare: {os.strerror(errno)} (this test needs a network namespace of its own)")
