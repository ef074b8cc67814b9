"""Which programs of the machine become which packages of the stand-in nixpkgs.

A table, and nothing of this machine: whether the programs are there, and what they need, is
found out in `collect`. The attribute names and main programs are those of nixpkgs.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Package:
    """One package: an attribute of nixpkgs made from programs of one Debian package."""

    attribute: str
    """The name in nixpkgs."""

    debian: str
    """The Debian package that the programs come from: it gives the version."""

    programs: tuple[str, ...] = ()
    """Programs to copy to `bin`. One that is missing leaves the whole package out."""

    every_program: bool = False
    """Copy all programs of the Debian package instead of naming them."""

    files: dict[str, str] = field(default_factory=dict)
    """Other files and folders: where in the output, from where on the machine. `{python}` and
    `{node_prefix}` stand for what is found on the machine; a missing one is left out."""

    links: dict[str, str] = field(default_factory=dict)
    """Links to make: where in the output, and what it says."""

    main_program: str | None = None
    """`meta.mainProgram`, where it is not the attribute's name."""

    own_libraries: tuple[str, ...] = ()
    """Debian library packages that nixpkgs has as a part of this package: its `out`, beside a
    `bin`. So `lib.getBin` matters, and `${pkgs.jq.out}` is something else than `${pkgs.jq}`."""

    environment: dict[str, str] = field(default_factory=dict)
    """Variables whose values are places in the output, for programs that look for their data
    below a compiled-in /usr. The programs are wrapped to set them, if they are not set."""

    drop: tuple[str, ...] = ()
    """File name patterns to leave out of copied folders."""


CATALOGUE = (
    # What stdenv itself builds with comes first.
    Package("bash", "bash", ("bash",), links={"bin/sh": "bash"}),
    Package("coreutils", "coreutils", every_program=True, main_program="ls"),
    Package("gnused", "sed", ("sed",), main_program="sed"),
    Package("gnugrep", "grep", ("grep", "egrep", "fgrep"), main_program="grep"),
    Package("gawk", "gawk", ("gawk",), links={"bin/awk": "gawk"}),
    Package("findutils", "findutils", ("find", "xargs"), main_program="find"),
    Package("diffutils", "diffutils", ("diff", "cmp", "diff3", "sdiff"), main_program="diff"),
    Package("gnutar", "tar", ("tar",), main_program="tar"),
    Package("gzip", "gzip", ("gzip", "gunzip", "zcat")),
    Package("xz", "xz-utils", ("xz", "unxz")),
    Package("bzip2", "bzip2", ("bzip2", "bunzip2")),
    Package("gnupatch", "patch", ("patch",), main_program="patch"),
    # What an agent's jail commonly has.
    Package("curl", "curl", ("curl",), own_libraries=("libcurl4",)),
    Package("wget", "wget", ("wget",)),
    Package("jq", "jq", ("jq",), own_libraries=("libjq1",)),
    Package(
        "git",
        "git",
        ("git",),
        files={
            "libexec/git-core": "/usr/lib/git-core",
            "share/git-core": "/usr/share/git-core",
        },
        environment={
            "GIT_EXEC_PATH": "libexec/git-core",
            "GIT_TEMPLATE_DIR": "share/git-core/templates",
        },
        drop=("contrib",),
    ),
    Package("ripgrep", "ripgrep", ("rg",), main_program="rg"),
    Package(
        "which", "debianutils", ("which.debianutils",), links={"bin/which": "which.debianutils"}
    ),
    Package(
        "procps", "procps", ("ps", "pgrep", "pkill", "free", "top", "uptime"), main_program="ps"
    ),
    Package("ps", "procps", ("ps",)),
    Package("unzip", "unzip", ("unzip",)),
    Package("zip", "zip", ("zip",)),
    Package("less", "less", ("less",)),
    Package(
        "file",
        "file",
        ("file",),
        files={"share/misc/magic.mgc": "/usr/lib/file/magic.mgc"},
        environment={"MAGIC": "share/misc/magic.mgc"},
    ),
    Package("gnumake", "make", ("make",), main_program="make"),
    Package("hostname", "hostname", ("hostname",)),
    Package("fd", "fd-find", ("fdfind",), links={"bin/fd": "fdfind"}),
    Package("tree", "tree", ("tree",)),
    Package(
        "openssh", "openssh-client", ("ssh", "scp", "ssh-keygen", "ssh-add"), main_program="ssh"
    ),
    Package("openssl", "openssl", ("openssl",)),
    Package(
        "binutils",
        "binutils",
        ("ld", "as", "ar", "nm", "objdump", "readelf", "strip"),
        main_program="ld",
    ),
    Package("patchelf", "patchelf", ("patchelf",)),
    # Data.
    Package(
        "cacert",
        "ca-certificates",
        files={
            "etc/ssl/certs/ca-bundle.crt": "/etc/ssl/certs/ca-certificates.crt",
        },
    ),
    Package("tzdata", "tzdata", files={"share/zoneinfo": "/usr/share/zoneinfo"}),
    # Languages.
    Package(
        "nodejs",
        "nodejs",
        ("node",),
        files={"lib/node_modules/npm": "{node_prefix}/lib/node_modules/npm"},
        links={
            "bin/npm": "../lib/node_modules/npm/bin/npm-cli.js",
            "bin/npx": "../lib/node_modules/npm/bin/npx-cli.js",
        },
        main_program="node",
    ),
    Package(
        "python3",
        "python3",
        files={
            "bin/{python}": "/usr/bin/{python}",
            "lib/{python}": "/usr/lib/{python}",
        },
        links={"bin/python3": "{python}", "bin/python": "{python}"},
        # The tests of the standard library and what builds C modules: half of its size.
        drop=(
            "test",
            "tests",
            "idlelib",
            "turtledemo",
            "ensurepip",
            "config-3*",
            "sitecustomize.py",
        ),
    ),
    Package(
        "perl",
        "perl-base",
        ("perl",),
        files={"lib/perl5": "/usr/lib/{multiarch}/perl-base"},
        environment={"PERL5LIB": "lib/perl5"},
    ),
    # What jails are made, watched and tested with.
    Package("bubblewrap", "bubblewrap", ("bwrap",), main_program="bwrap"),
    Package("strace", "strace", ("strace",)),
    Package("socat", "socat", ("socat",)),
    Package("iproute2", "iproute2", ("ip", "ss"), main_program="ip"),
    Package(
        "util-linux",
        "util-linux",
        (
            "unshare",
            "ipcmk",
            "nsenter",
            "setpriv",
            "flock",
            "setsid",
            "prlimit",
            "getopt",
            "lsns",
            "findmnt",
            "mount",
        ),
        main_program="unshare",
    ),
    Package("dbus", "dbus-daemon", ("dbus-daemon", "dbus-run-session"), main_program="dbus-daemon"),
    Package("xdg-dbus-proxy", "xdg-dbus-proxy", ("xdg-dbus-proxy",)),
    # Clients of a desktop, and the X server that is a client of Wayland's.
    Package("wayland-utils", "wayland-utils", ("wayland-info",), main_program="wayland-info"),
    Package("wl-clipboard", "wl-clipboard", ("wl-copy", "wl-paste"), main_program="wl-copy"),
    Package("xdpyinfo", "x11-utils", ("xdpyinfo",)),
    Package("xkbcomp", "x11-xkb-utils", ("xkbcomp",)),
    Package("xkeyboard_config", "xkb-data", files={"share/X11/xkb": "/usr/share/X11/xkb"}),
    Package("xwayland", "xwayland", ("Xwayland",), main_program="Xwayland"),
    Package(
        "nix",
        "nix-bin",
        ("nix",),
        links={
            f"bin/{name}": "nix"
            for name in ("nix-build", "nix-instantiate", "nix-shell", "nix-store")
        },
    ),
)
