//! The plan as a whole.

use alloc::string::String;
use alloc::vec::Vec;

use serde::Serialize;

use crate::expand::HostText;
use crate::json::{Error, FromJson, Value, from_value};
use crate::landlock::Landlock;
use crate::limits::{Cgroup, Limit, TimeLimit};
use crate::network::Network;
use crate::ops::{AfterOp, EnvOp, HostOp, InsideOp, Origin, Step};
use crate::record::{record, words};

/// The version of this format. A reader refuses every other one.
pub const VERSION: u32 = 3;

record! {
    /// A launch, operation by operation. The fields are in the order in which the stub uses them.
    pub struct Plan {
        /// [`VERSION`].
        pub version: u32,
        /// The command's name.
        pub name: String,
        /// The program for work on the host that the stub does not do itself. It is there
        /// exactly if there is such work.
        pub host: Option<Host>,
        /// On the host, before the clone.
        pub before: Vec<Step<HostOp>>,
        /// The control group that the jail is in; absent: the caller's.
        pub cgroup: Option<Cgroup>,
        /// The namespaces that the jail has of its own. Empty: none at all.
        pub namespaces: Vec<Namespace>,
        /// Who the payload is.
        pub ids: Ids,
        /// The network by name; absent: the host's, or only loopback, depending on `namespaces`.
        /// Needs the `net` namespace.
        pub network: Option<Network>,
        /// The store paths that [`InsideOp::StoreClosure`] puts in place.
        pub closure: Closure,
        /// Inside the namespaces, in this order.
        pub inside: Vec<Step<InsideOp>>,
        /// The host name inside; needs the `uts` namespace.
        pub hostname: Option<String>,
        /// The whole environment of the payload.
        pub env: Vec<Step<EnvOp>>,
        /// Where the payload starts.
        pub start: StartIn,
        /// The program, an absolute path inside, and its arguments.
        pub argv: Vec<Argument>,
        /// The payload's terminal.
        pub terminal: Terminal,
        /// How long the jail may live.
        pub lifetime: Lifetime,
        /// How long it may take.
        pub time: Option<TimeLimit>,
        /// Resource limits, set before the payload starts.
        pub limits: Vec<Limit>,
        /// What the kernel checks in addition to the mounts.
        pub landlock: Landlock,
        /// The system call filters, loaded in this order. Never empty.
        pub seccomp: Vec<SeccompProgram>,
        /// On the host, after the payload's end.
        pub after: Vec<Step<AfterOp>>,
    }
}

record! {
    /// The helper: a program on the host that does what takes more than system
    /// calls, with the user's rights.
    ///
    /// The stub starts it before everything else, has it perform its operations in `before`, and
    /// waits for its end after the payload's. See [`crate::helper`] for the protocol. It is started
    /// once more for each state file; see [`crate::follow`].
    pub struct Host {
        /// The program, an absolute path on the host.
        pub program: String,
        /// The shell that runs scripts, an absolute path on the host.
        pub shell: Option<String>,
    }
}

words! {
    /// A namespace that the jail has of its own (namespaces(7)).
    pub enum Namespace {
        /// cgroup_namespaces(7).
        "cgroup" Cgroup,
        /// ipc_namespaces(7).
        "ipc" Ipc,
        /// mount_namespaces(7).
        "mount" Mount,
        /// network_namespaces(7).
        "net" Net,
        /// pid_namespaces(7).
        "pid" Pid,
        /// user_namespaces(7).
        "user" User,
        /// uts_namespaces(7).
        "uts" Uts,
    }
}

impl Namespace {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Cgroup, Self::Ipc, Self::Mount, Self::Net, Self::Pid, Self::User, Self::Uts];
}

/// The user and group ids of the payload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ids {
    /// The caller's own, the only ones that exist inside.
    Caller,
    /// The caller's own under other numbers: outside they are unchanged.
    Shown(ShownIds),
    /// Those of a user of the jail's own, which gets access to the working folder and to
    /// what is bound read-write.
    Dedicated(DedicatedUser),
}

impl FromJson for Ids {
    fn blank() -> Self {
        Self::Caller
    }

    fn fill(&mut self, value: &Value<'_>) -> Result<(), Error> {
        *self = match value.form()? {
            ("caller", None) => Self::Caller,
            ("shown", Some(ids)) => Self::Shown(from_value(ids)?),
            ("dedicated", Some(user)) => Self::Dedicated(from_value(user)?),
            (_, _) => return Err(value.unknown()),
        };
        Ok(())
    }
}

record! {
    /// The numbers of the caller's ids inside. They need the `user` namespace.
    pub struct ShownIds {
        /// That of the user; absent: the caller's.
        pub uid: Option<u32>,
        /// That of the group; absent: the caller's.
        pub gid: Option<u32>,
        /// Who wanted it.
        pub by: Origin,
    }
}

record! {
    /// A user of the jail's own, on the host too.
    pub struct DedicatedUser {
        /// A system user, or the number of a range of the caller's subordinate ids.
        pub name: String,
        /// Who wanted it.
        pub by: Origin,
    }
}

record! {
    /// The store paths that exist inside.
    pub struct Closure {
        /// The store's folder, `/nix/store`, on the host and inside.
        pub store: String,
        /// A folder with an empty folder or file for each of `names`: mount points made in advance,
        /// so the launch makes none.
        pub skeleton: String,
        /// Base names of the store paths, sorted.
        pub names: Vec<String>,
    }
}

/// Where the payload starts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum StartIn {
    /// In the working folder, where [`crate::Folder`] put it.
    Folder,
    /// At this place inside.
    Path(HostText),
}

impl FromJson for StartIn {
    fn blank() -> Self {
        Self::Folder
    }

    fn fill(&mut self, value: &Value<'_>) -> Result<(), Error> {
        *self = match value.form()? {
            ("folder", None) => Self::Folder,
            ("path", Some(path)) => Self::Path(from_value(path)?),
            (_, _) => return Err(value.unknown()),
        };
        Ok(())
    }
}

/// One word of the payload's command line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Argument {
    /// A word of the plan.
    Text(HostText),
    /// All the arguments that the wrapper was given.
    All,
}

impl FromJson for Argument {
    fn blank() -> Self {
        Self::All
    }

    fn fill(&mut self, value: &Value<'_>) -> Result<(), Error> {
        *self = match value.form()? {
            ("all", None) => Self::All,
            ("text", Some(text)) => Self::Text(from_value(text)?),
            (_, _) => return Err(value.unknown()),
        };
        Ok(())
    }
}

words! {
    /// What the payload may do with the terminal.
    pub enum Terminal {
        /// It has one of its own, connected to the launcher's: keys arrive while the job is in the
        /// foreground, and job control works.
        "keep" Keep,
        /// The same, but it is not the payload's controlling terminal: no job control.
        "new-session" NewSession,
        /// It has the launcher's own; the filter refuses TIOCSTI and TIOCLINUX.
        "shared" Shared,
    }
}

words! {
    /// How long the jail may live.
    pub enum Lifetime {
        /// It ends with the process that started the wrapper.
        "launcher" Launcher,
        /// It ends with its payload.
        "payload" Payload,
    }
}

record! {
    /// A classic BPF program for seccomp(2).
    pub struct SeccompProgram {
        /// What the spec calls it.
        pub name: String,
        /// The processor that its numbers belong to, by Nix's name: `x86_64` or `aarch64`.
        pub arch: String,
        /// The instructions (`struct sock_filter`, little-endian, 8 bytes each) in base64 with
        /// padding (RFC 4648, section 4).
        pub program: String,
        /// The filter that is loaded instead if the working folder has the set-group-id bit, so
        /// folders in it can have it too.
        pub in_set_group_id_folder: Option<String>,
    }
}
