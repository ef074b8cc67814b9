//! `cage { … }`: what it takes, and its profiles. It is lowered in `lower/cage`.

use super::{Builder, Makes, optional, required};
use crate::packages::Brought;
use crate::signature::{Field, Param, Signature, Type};
use crate::words::Words;

/// The value of `bindTcp` that allows any port chosen by the kernel.
pub(crate) const EPHEMERAL: &str = "ephemeral";
/// What of the store may be executed. The first is meant unless one is given; so in the next.
pub(crate) const SCOPES: &[&str] = &["closure", "all"];
/// Whose /tmp a cage has.
pub(crate) const TMPS: &[&str] = &["private", "shared"];

/// The command is named `NAME-cage`: `claude-cage`.
pub const SUFFIX: &str = "-cage";

/// The packages that every cage has: a shell that may be executed, and the certificates
/// of the public authorities.
pub(super) const BRINGS: &[Brought] = &[Brought::BashInteractive, Brought::Cacert];

pub(super) const CAGE: Builder = Builder {
    name: "cage",
    since: "0.1.0",
    summary: "A cage: the host as it is, and Landlock around a program and all that it starts",
    signature: Signature { params: &[Param { name: "arguments", ty: Type::Fields(FIELDS) }] },
    example: "cage { name = \"claude\"; profile = \"aiAgent\"; argv = [ \"${agents.claude-code}/bin/claude\" ]; packages = [ pkgs.git ]; }",
    preset: None,
    makes: Makes::Cage,
};

/// A profile by name.
pub(crate) struct Profile {
    pub(crate) name: &'static str,
    /// The TCP ports that may be connected to.
    pub(crate) connect: &'static [u16],
    /// Whether datagrams are refused, whatever ports a spec adds.
    pub(crate) offline: bool,
}

/// The predefined profiles.
pub(crate) const PROFILES: &[Profile] = &[
    Profile { name: "aiAgent", connect: &[443, 22], offline: false },
    Profile { name: "devNet", connect: &[443, 22, 80, 8080, 3000, 5000], offline: false },
    Profile { name: "offline", connect: &[], offline: true },
];

const PATHS: Type = Type::List(&Type::Text);
const NAMES: Type = Type::List(&Type::Literal);
/// A path that must exist, or one that may be missing.
const TRIED: Type = Type::List(&Type::Either(&[
    Type::Text,
    Type::Fields(&[
        required("path", Type::Text, "the path"),
        optional("try", Type::Bool, "whether it may be missing"),
    ]),
]));
const PORTS: Type = Type::List(&Type::Integer);

const FIELDS: &[Field] = &[
    required(
        "name",
        Type::Literal,
        "the command is `NAME-cage` and `jailed-NAME`, its state `~/.local/state/jailgen/NAME`",
    ),
    required(
        "argv",
        PATHS,
        "the program, a path, and its own arguments; those of the command follow",
    ),
    optional(
        "packages",
        Type::List(&Type::Package),
        "packages on PATH, the first in front, whose closure may be executed",
    ),
    optional(
        "profile",
        Type::Either(&[Type::Word(Words::Profiles), Type::Fields(PROFILE), Type::Null]),
        "`\"offline\"`, `\"aiAgent\"` (TCP ports 443 and 22), `\"devNet\"` (80, 8080, 3000 and 5000 too), `null`, or a set of your own; lists of both are joined",
    ),
    optional(
        "workspace",
        Type::Fields(&[optional("path", Type::Text, "the folder")]),
        "`{ path = \"~/project\"; }`: the folder that it starts in and may write; the working folder unless given",
    ),
    FILESYSTEM,
    NIX_STORE,
    NETWORK,
    SSH,
    ENV,
    TOOLS,
    CONFIG_DIRS,
    TMP,
    SYSTEM_PROGRAMS,
];

/// The arguments of a profile of your own.
const PROFILE: &[Field] =
    &[FILESYSTEM, NIX_STORE, NETWORK, SSH, ENV, TOOLS, CONFIG_DIRS, TMP, SYSTEM_PROGRAMS];

const FILESYSTEM: Field = optional(
    "filesystem",
    Type::Fields(&[
        optional("ro", TRIED, "may be read"),
        optional("rox", TRIED, "may be read and executed"),
        optional("rw", TRIED, "may be read and written"),
        optional("rwx", TRIED, "may be read, written and executed"),
    ]),
    "paths by what may be done there: `ro`, `rox`, `rw`, `rwx`; `{ path = \"…\"; try = true; }` is left out if it is missing; `~`, `$HOME`, `$ORIG_HOME` (the real home) and `$VAR` are expanded",
);
const NIX_STORE: Field = optional(
    "nixStore",
    Type::Fields(&[
        optional("read", Type::Bool, "whether all of the store may be read"),
        optional("exec", Type::Word(Words::Given(SCOPES)), "`\"closure\"` or `\"all\"`"),
    ]),
    "`read` (true unless given): all of the store; `exec`: `\"closure\"` (unless given) or `\"all\"`",
);
const NETWORK: Field = optional(
    "network",
    Type::Fields(&[
        optional("connectTcp", PORTS, "ports that may be connected to"),
        optional(
            "bindTcp",
            Type::Either(&[PORTS, Type::Word(Words::Given(&[EPHEMERAL]))]),
            "ports that may be listened on, or `\"ephemeral\"`",
        ),
    ]),
    "TCP ports: `connectTcp`, `bindTcp`; `bindTcp = \"ephemeral\"` allows a port that the kernel chooses (port 0)",
);
const SSH: Field = optional(
    "ssh",
    Type::Fields(&[optional("agentForward", Type::Bool, "whether the agent can be used")]),
    "`agentForward`: the agent's socket and the known hosts, no key files. The cage can lock the agent and remove its keys, for you too",
);
const ENV: Field = optional(
    "env",
    Type::Fields(&[
        optional(
            "pass",
            NAMES,
            "variables with the values that they have where the cage is started",
        ),
        optional("set", Type::Map(&Type::Text), "variables with their values"),
        optional("appendPath", PATHS, "folders at the end of PATH"),
    ]),
    "`pass`: variables by name; `set`: by value; `appendPath`: folders at the end of PATH",
);
const TOOLS: Field = optional(
    "tools",
    Type::List(&Type::Word(Words::Agents)),
    "known agents, such as `claude-code`, whose state in the real home is used, read-write",
);
const CONFIG_DIRS: Field = optional(
    "configDirs",
    PATHS,
    "further state in the real home, read-write, made when missing; in the cage's own home a link leads there",
);
const TMP: Field = optional(
    "tmp",
    Type::Word(Words::Given(TMPS)),
    "`\"private\"` (unless given): a folder of the cage's own, named by TMPDIR; `\"shared\"`: the host's /tmp and /var/tmp, with the files and sockets of other programs",
);
const SYSTEM_PROGRAMS: Field = optional(
    "systemPrograms",
    Type::Bool,
    "the distribution's own programs may be executed, and come last in PATH: `/usr/bin`, `/bin`, and what they load",
);
