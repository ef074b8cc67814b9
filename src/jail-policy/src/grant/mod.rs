//! What a spec can give or take. Every `match` over [`Grant`] is complete: a new one does not
//! compile until its row (`effect`), its words and the seal have answered for it.

mod effect;
mod kinds;
mod network;
mod secret;
mod texts;

use serde::{Deserialize, Serialize};

use crate::text::Text;
use crate::{
    Access, CallBase, Lifetime, Missing, Mode, Namespace, OnDeny, Reach, Service, Terminal,
};

pub use effect::HostUse;
pub use kinds::{Argument, GitSettings, IdKind, Limited, Phase, Scope, Wall, Writes, Zone};
pub use network::{NetworkGrant, ProxyCredentials, UpstreamProxy};
pub use secret::{Secret, SecretSocket, SecretSource, SecretTo};

/// One thing that is given or taken.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "kebab-case", deny_unknown_fields)]
pub enum Grant {
    /// The program that is started. The last one counts.
    Program {
        /// Its path inside.
        path: Text,
    },
    /// Its command line. The last one counts; without one, all arguments of the wrapper.
    Arguments {
        /// The arguments, in order.
        words: Vec<Argument>,
    },
    /// Something of the host appears in the jail.
    Bind {
        /// What, on the host.
        from: Text,
        /// Where, in the jail.
        to: Text,
        /// With which access.
        access: Access,
        /// What to do when it is missing at launch.
        missing: Missing,
    },
    /// The folder that the wrapper is started in appears in the jail, and the program starts there.
    Folder {
        /// With which access.
        access: Access,
        /// Where in the jail; absent: at its own place.
        to: Option<Text>,
        /// The stage that keeps what is written, by its name: the folder itself stays as it is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        stage: Option<String>,
    },
    /// The working folder may be the home folder.
    HomeAsFolder,
    /// What the worktrees of a git repository share, if the working folder is one of them:
    /// read-write, at its own place.
    Worktree,
    /// The root of the repository that the wrapper is started in is the working folder; the program
    /// starts where the wrapper was started.
    Project,
    /// What the jail can do to the settings of the repositories of the working folder. The last one
    /// counts.
    Git {
        /// How git's settings are treated.
        settings: GitSettings,
    },
    /// The jail does not see the content of files of the working folder that a glob matches and
    /// that git does not track. All globs of a policy are one list, of which the last match counts.
    Mask {
        /// The globs, in the form of gitignore(5), or [`jail_plan::mask::CREDENTIALS`] for the
        /// table of well-known names.
        globs: Vec<String>,
    },
    /// The jail has copies of what is in a folder that it may write, and can change the copies; the
    /// host's files stay unchanged.
    PrivateCopies {
        /// The folder, on the host.
        folder: Text,
        /// The names in it, with slashes between those of folders inside it, and one
        /// at the end of a folder's.
        names: Vec<String>,
    },
    /// What links among private copies lead to in the Nix store may be executed.
    FollowLinks,
    /// Every argument that is an existing path appears in the jail.
    BindArguments {
        /// With which access.
        access: Access,
    },
    /// Every path of a variable appears in the jail.
    BindVariable {
        /// The launcher's variable.
        variable: String,
        /// The text between two paths.
        separator: String,
        /// With which access.
        access: Access,
    },
    /// A folder of the host that is created (0700) when it is missing, and appears read-write.
    StateDirectory {
        /// Where on the host.
        path: Text,
        /// Where in the jail.
        to: Text,
    },
    /// A file of the host that appears read-write, and that its program creates (0600) when it is
    /// missing.
    StateFile {
        /// Where on the host.
        path: Text,
        /// Where in the jail.
        to: Text,
    },
    /// A folder of the host for each working folder, made (0700) if it
    /// is missing, appears read-write.
    FolderState {
        /// The folder on the host that contains these folders.
        path: Text,
        /// Where in the jail.
        to: Text,
    },
    /// A tree of the host appears at its own place, read-only, with the
    /// targets of its symbolic links.
    DeepBind {
        /// The path of the host.
        from: Text,
        /// What to do when it is missing at launch.
        missing: Missing,
    },
    /// Folders of the host, stacked, appear as one folder.
    Overlay {
        /// The folders, from the lowest up. They are never written to.
        lower: Vec<Text>,
        /// What happens to writes.
        writes: Writes,
        /// Where, in the jail.
        to: Text,
    },
    /// Something of the user's session on the host appears, if the host has it.
    Session {
        /// The service of the session.
        service: Service,
    },
    /// A message bus appears, through a proxy that lets only the named messages through.
    Bus {
        /// The service whose bus it is.
        service: Service,
        /// The proxy, a path on the host. It is not in the jail.
        proxy: Text,
        /// What is let through: `talk=org.example.*`.
        rules: Vec<String>,
    },
    /// What of the Nix store appears, read-only. The last one counts.
    Store {
        /// How much of the store.
        scope: Scope,
    },
    /// An empty folder in memory.
    Tmpfs {
        /// The place inside the jail.
        to: Text,
        /// Its permission bits.
        mode: Mode,
        /// Its size in bytes.
        size: Option<u64>,
    },
    /// A /proc that shows the jail's processes only.
    Proc {
        /// The place inside the jail.
        to: Text,
    },
    /// A minimal /dev.
    Dev {
        /// The place inside the jail.
        to: Text,
    },
    /// An empty folder that the launch makes.
    Directory {
        /// The place inside the jail.
        to: Text,
        /// Its permission bits.
        mode: Mode,
    },
    /// A file with this content.
    File {
        /// The place inside the jail.
        to: Text,
        /// What it contains. It is never expanded.
        content: Text,
        /// Its permission bits.
        mode: Mode,
    },
    /// A file with the content of a file of the host at launch.
    Copy {
        /// What, on the host.
        from: Text,
        /// Where, in the jail.
        to: Text,
        /// Lines that follow the content of the host's file.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        append: Option<String>,
        /// What to do when it is missing at launch.
        missing: Missing,
    },
    /// A symbolic link.
    Symlink {
        /// The place inside the jail.
        to: Text,
        /// What it points to.
        target: Text,
    },
    /// passwd, group and nsswitch.conf that name the calling user. Hosts are looked up in files,
    /// then by DNS.
    Accounts {
        /// The user's shell.
        shell: Text,
    },
    /// A git configuration with the name and the address of the user's own, if that has them.
    GitIdentity {
        /// The place inside the jail.
        to: Text,
    },
    /// A file that login shells of a cage read after the host's /etc/profile. It sets PATH as the
    /// policy does.
    LoginProfile {
        /// The file on the host.
        to: Text,
    },
    /// A machine id (machine-id(5)) that is made at each launch, for this jail alone.
    MachineId {
        /// The place inside the jail.
        to: Text,
    },
    /// The mount at a place becomes read-only, but not the mounts below it.
    RemountReadOnly {
        /// The place inside the jail.
        to: Text,
    },
    /// The jail's own POSIX message queues.
    Queues {
        /// The place inside the jail.
        to: Text,
    },
    /// A script on the host, with the user's rights. All of a jail run in one shell.
    HostScript {
        /// When the script runs.
        phase: Phase,
        /// The text of the script.
        script: Text,
        /// The shell, on the host.
        shell: Text,
    },
    /// A program in the jail that has a script run on the host, with the user's rights. Its
    /// arguments, input and output are the script's.
    Channel {
        /// The program's name.
        name: String,
        /// The text of the script.
        script: Text,
        /// The shell, on the host.
        shell: Text,
    },
    /// Web addresses are opened in the user's browser, on the host.
    OpenUrls,
    /// Dangerous sequences are removed from what the jail writes to its terminal,
    /// by a process of its own.
    TerminalFilter,
    /// What a session leaves that programs of the host would execute is moved
    /// aside until you approve it.
    Quarantine,
    /// What host programs execute of the working folder stays unchanged: what appears or
    /// changes is moved aside at once.
    Protect {
        /// In the form of gitignore(5), with `@KIND` for a kind of the table; one that starts with
        /// `!` is neither protected nor reported.
        globs: Vec<String>,
    },
    /// Where the program starts, if not in the working folder. The last one counts.
    StartIn {
        /// The folder, inside.
        path: Text,
    },
    /// A variable with a value.
    SetEnv {
        /// The name of the variable.
        name: String,
        /// The value to set.
        value: Text,
    },
    /// Variables and folders of PATH, as a development shell has them.
    DevShell {
        /// The file with the environment: `NAME=VALUE`, each followed by a NUL.
        environment: Text,
    },
    /// A variable with its value in the launcher.
    ForwardEnv {
        /// The name of the variable.
        name: String,
        /// What to do when the launcher lacks it.
        missing: Missing,
    },
    /// A variable is removed again.
    UnsetEnv {
        /// The name of the variable.
        name: String,
    },
    /// A folder in front of PATH.
    AddPath {
        /// The folder, inside.
        folder: Text,
    },
    /// The host name inside. The last one counts.
    Hostname {
        /// The name to give it.
        name: String,
    },
    /// The time zone inside. The last one counts; a variable `TZ` that is granted counts more.
    TimeZone {
        /// The time zone to use.
        zone: Zone,
    },
    /// A namespace that the jail shares with the host.
    ShareNamespace {
        /// The namespace that is shared.
        namespace: Namespace,
    },
    /// The host's network.
    HostNetwork,
    /// A part of the network by name.
    Network(NetworkGrant),
    /// No namespace and no mount of its own: the program sees the host as it is, and Landlock
    /// decides what it may do there.
    Cage {
        /// A second name of the command.
        alias: String,
        /// Whether sockets for datagrams (UDP) can be made. Landlock does not check them.
        datagrams: bool,
    },
    /// In a cage: what may be done beneath a place of the host.
    Reach {
        /// The path of the place.
        path: Text,
        /// What may be done there.
        reach: Reach,
        /// What to do when it is missing at launch.
        missing: Missing,
    },
    /// In a cage: a symbolic link on the host, made before the launch if nothing is there yet.
    StateLink {
        /// Where on the host.
        path: Text,
        /// Where it leads.
        to: Text,
    },
    /// In a cage: TCP ports.
    Ports {
        /// Those that may be connected to.
        connect: Vec<u16>,
        /// Those that may be bound.
        bind: Vec<u16>,
    },
    /// The base of the allowed system calls. The last one
    /// counts; without one, [`CallBase::Default`].
    SystemCalls {
        /// The list that the rules change.
        base: CallBase,
    },
    /// System calls that are allowed or refused besides (see [`jail_seccomp::Match`] for their
    /// form). The last one counts.
    CallRules {
        /// What is allowed.
        allow: Vec<String>,
        /// What is refused.
        deny: Vec<String>,
        /// What happens to what is refused.
        on_deny: Option<OnDeny>,
    },
    /// A filter of the spec's own, loaded in addition.
    Filter {
        /// The file with the filter, or the program that prints it, in the store.
        path: Text,
    },
    /// Namespaces and mounts inside, for programs that make a sandbox of their own.
    NestedSandbox,
    /// How much Landlock checks in addition to the mounts. The last one counts; without one,
    /// [`Wall::Writes`] as far as the kernel supports it.
    Wall {
        /// How much Landlock checks.
        wall: Wall,
    },
    /// The Landlock ABI below which the launch stops. The last one counts.
    LandlockAbi {
        /// At least this one.
        least: u32,
    },
    /// What the program may do with the terminal. The last one counts.
    Terminal {
        /// Which terminal the payload has.
        terminal: Terminal,
    },
    /// How long the jail may live. The last one counts.
    Lifetime {
        /// When the jail ends.
        lifetime: Lifetime,
    },
    /// A limit on a resource. The last one counts.
    Limit {
        /// The resource that is limited.
        resource: Limited,
        /// How much, in the unit of the resource.
        value: u64,
    },
    /// Limits that cannot be enforced as intended are enforced as far as possible.
    BestEffort,
    /// One of the caller's ids has another number inside. The last one of each kind counts.
    ShownId {
        /// Whether it is a user or a group.
        kind: IdKind,
        /// The id inside the jail.
        id: u32,
    },
    /// The program runs as a user of its own, on the host too. The last one counts.
    DedicatedUser {
        /// A system user, or the number of a range of the caller's subordinate ids.
        name: String,
    },
}
