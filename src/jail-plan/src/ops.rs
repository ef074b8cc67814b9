//! The operations of a plan. Each is a [`Step`], which says by which applied combinator it came to be, so that a failure can name it.
//!
//! JSON: `{"by": "readonly#2", "bind": {"from": "/a", "to": "/b", "access": "ro", "missing": "fail"}}`.

use alloc::string::String;
use alloc::vec::Vec;

use serde::Serialize;

use crate::expand::HostText;
use crate::json::{Choice, Error, FromJson, Value};
use crate::plan::Namespace;
use crate::record::{choice, words};

/// Which applied combinator wanted something: `mount-cwd#3` is the fourth one of the term, counted depth first.
pub type Origin = String;

/// Permission bits of something that the launch creates.
pub type Mode = u32;

/// An operation, and who wanted it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Step<Op> {
    /// Who wanted it.
    pub by: Origin,
    /// What is done.
    #[serde(flatten)]
    pub op: Op,
}

impl<Op> Step<Op> {
    /// `op`, wanted by `by`.
    pub fn new(by: impl Into<Origin>, op: Op) -> Self {
        Self { by: by.into(), op }
    }
}

impl<Op: Choice> FromJson for Step<Op> {
    fn blank() -> Self {
        Self { by: Origin::new(), op: Op::first() }
    }

    fn fill(&mut self, value: &Value<'_>) -> Result<(), Error> {
        let (by, word, op) = value.step()?;
        self.by.fill(by)?;
        self.op = Op::choose(value, word, op)?;
        Ok(())
    }
}

words! {
    /// What may be done with what is bound.
    pub enum Access {
        /// Read and execute.
        "ro" ReadOnly,
        /// Read, write and execute.
        "rw" ReadWrite,
        /// As `rw`, and device nodes work (everything else is mounted `nodev`).
        "dev" Device,
    }
}

words! {
    /// Something of the user's session on the host that programs find by variables or by well-known places. Which of it a
    /// launch finds, and where, is the stub's `inside/session`; what the host lacks is left out, and reported.
    pub enum Service {
        /// The socket of the Wayland compositor.
        "wayland" Wayland,
        /// The socket of the X server, and the cookie that it wants.
        "x11" X11,
        /// The socket of the sound server, as PulseAudio's clients find it.
        "pulse" Pulse,
        /// The socket of PipeWire.
        "pipewire" Pipewire,
        /// The socket of the SSH agent; no keys.
        "ssh-agent" SshAgent,
        /// The restricted socket of the GnuPG agent; no keys.
        "gpg-agent" GpgAgent,
        /// The Nix daemon's socket.
        "nix-daemon" NixDaemon,
        /// The session's message bus, unfiltered.
        "session-bus" SessionBus,
        /// The session's message bus through the proxy that the helper has started ([`Bus`]).
        "filtered-session-bus" FilteredSessionBus,
        /// The machine's, in the same way.
        "filtered-system-bus" FilteredSystemBus,
        /// The machine's message bus, unfiltered.
        "system-bus" SystemBus,
        /// The devices of graphics and compute cards, and what the kernel says about them.
        "gpu" Gpu,
        /// The devices of cameras.
        "camera" Camera,
    }
}

words! {
    /// What becomes of settings of git that are changed inside.
    pub enum GitChanges {
        /// They stay in the jail's copies, and are reported.
        "reported" Reported,
        /// Harmless ones are taken over, and the others are reported.
        "merged" Merged,
        /// Nothing of a repository can be changed inside.
        "refused" Refused,
    }
}

words! {
    /// What happens when a source does not exist at launch.
    pub enum Missing {
        /// The launch stops.
        "fail" Fail,
        /// The operation is left out.
        "skip" Skip,
    }
}

macro_rules! operations {
    ($(#[$doc:meta] $name:ident { $( $(#[$field_doc:meta])+ $field:ident : $type:ty, )* })*) => { $(
        $crate::record::record! {
            #[$doc]
            pub struct $name {
                $( $(#[$field_doc])+ pub $field: $type, )*
            }
        }
    )* };
}

operations! {
    /// Refuses a working folder that would give too much away: `/`, the home folder, or an ancestor of it.
    RefuseFolder {
        /// The home folder itself is granted (`allow-home-cwd`); `/` and its other ancestors never are.
        home_allowed: bool,
    }
    /// Creates a folder of the agent's own state on the host, mode 0700, with missing parents.
    StateDirectory {
        /// Where on the host.
        path: HostText,
    }
    /// Makes missing folders above a file of state, and the file, mode 0600, where it is bound or named by a rule; else its program does.
    StateFile {
        /// Where on the host.
        path: HostText,
    }
    /// Makes a symbolic link on the host, mode 0700 for missing parents. What is there already stays.
    StateLink {
        /// Where on the host.
        path: HostText,
        /// Where it leads.
        to: HostText,
    }
    /// Compares what a host program would execute or believe in the working folder before and after the session.
    HandOff {
        /// What is not approved is moved aside when the payload has ended.
        quarantine: bool,
    }
    /// Binds something of the host. Folders are bound with what is mounted below them.
    Bind {
        /// What, on the host.
        from: HostText,
        /// Where, in the jail.
        to: HostText,
        /// With which access.
        access: Access,
        /// What to do when `from` is missing.
        missing: Missing,
    }
    /// Binds the folder that the wrapper was started in, which was opened before anything else.
    Folder {
        /// Where in the jail; at its own place when absent.
        to: Option<HostText>,
        /// With which access.
        access: Access,
    }
    /// Binds every argument that is an existing path, at its own place.
    BindArguments {
        /// With which access.
        access: Access,
    }
    /// Binds every path of a variable, at its own place.
    BindVariable {
        /// The variable of the launcher.
        variable: String,
        /// What stands between two paths.
        separator: String,
        /// With which access.
        access: Access,
    }
    /// Binds a tree of the host read-only, at its own place, with what its symbolic links lead to in their stead.
    Deep {
        /// What, on the host.
        from: HostText,
        /// What to do when `from` is missing.
        missing: Missing,
    }
    /// A file of the host and one of the jail's own that follow each other, so that either can be replaced; else a bind.
    SharedFile {
        /// What, on the host.
        from: HostText,
        /// Where, in the jail.
        to: HostText,
    }
    /// Folders of the host, one over the other, as one folder (overlayfs).
    Overlay {
        /// The folders, the lowest first. Nothing is written to them.
        lower: Vec<HostText>,
        /// Where, in the jail.
        to: HostText,
    }
    /// The same, with a folder of the host that keeps what is changed.
    KeptOverlay {
        /// The folders, the lowest first. Nothing is written to them.
        lower: Vec<HostText>,
        /// The folder on top, which is written to.
        upper: HostText,
        /// A folder in the same file system that the kernel works in.
        work: HostText,
        /// Where, in the jail.
        to: HostText,
    }
    /// Keeps apart what git on the host runs or believes: configuration and hooks are copies, pointers read-only.
    Git {
        /// Where the copies are in the jail.
        to: HostText,
        /// What becomes of settings that are changed.
        changes: GitChanges,
    }
    /// Puts an empty file over each file of the working folder that a glob matches and that git does not have, once all is in place.
    Mask {
        /// As gitignore(5) has them. All of a plan are one list.
        globs: Vec<String>,
    }
    /// Keeps what host programs execute of the working folder as it is: what appears or changes is moved aside (see [`crate::handoff`]).
    Protect {
        /// As gitignore(5) has them; `@KIND` for a kind of the table, and with `!` in front what is neither protected nor reported.
        globs: Vec<String>,
    }
    /// Copies of what lies in a folder that the jail may write: the jail changes the copies, and the host's stay as they are.
    PrivateCopies {
        /// Where the copies are in the jail.
        to: HostText,
        /// The folder, on the host.
        folder: HostText,
        /// What in it, each a name or several with slashes between them: that of a folder ends with one.
        names: Vec<String>,
    }
    /// Binds something of the user's session, at its own place, where the host has it.
    Session {
        /// The service of the session.
        service: Service,
    }
    /// An empty folder in memory.
    Tmpfs {
        /// The place inside the jail.
        to: HostText,
        /// Its permission bits.
        mode: Mode,
        /// At most so many bytes; the kernel's default (half of the memory) when absent.
        size: Option<u64>,
    }
    /// An empty folder.
    Directory {
        /// The place inside the jail.
        to: HostText,
        /// Its permission bits.
        mode: Mode,
    }
    /// A file with this content.
    File {
        /// The place inside the jail.
        to: HostText,
        /// What it contains.
        content: String,
        /// Its permission bits.
        mode: Mode,
    }
    /// A file with the content that a file of the host has at launch; symlinks are followed on the host.
    Copy {
        /// What, on the host.
        from: HostText,
        /// Where, in the jail.
        to: HostText,
        /// Lines that follow what the host's file has.
        append: Option<String>,
        /// What to do when `from` is missing.
        missing: Missing,
    }
    /// A symbolic link.
    Symlink {
        /// The place inside the jail.
        to: HostText,
        /// What it points to.
        target: String,
    }
    /// passwd, group and nsswitch.conf in /etc that name the calling user.
    Accounts {
        /// The user's shell.
        shell: String,
    }
    /// A script, run by the host's shell with the user's rights.
    Script {
        /// The text of the script.
        script: String,
    }
    /// A program inside that has a script run outside: its arguments, input, output and exit status are the script's.
    Channel {
        /// The program's name inside.
        name: String,
        /// The text of the script.
        script: String,
    }
    /// A message bus through a proxy that lets through what is named, in a jail of its own.
    Bus {
        /// Which bus: [`Service::FilteredSessionBus`] or [`Service::FilteredSystemBus`].
        service: Service,
        /// The proxy, a path on the host.
        proxy: String,
        /// What is let through: `talk=org.example.*`.
        rules: Vec<String>,
    }
    /// A variable with a value.
    Set {
        /// The name of the variable.
        name: String,
        /// The value to set.
        value: HostText,
    }
    /// A variable with the value that it has in the launcher.
    Forward {
        /// The name of the variable.
        name: String,
        /// What to do when the launcher lacks it.
        missing: Missing,
    }
}

choice! {
    /// An operation on the host, with the user's rights, before the clone.
    pub enum HostOp {
        /// See [`RefuseFolder`].
        "refuse-folder" RefuseFolder(RefuseFolder),
        /// Makes the root of the repository that the working folder lies in the working folder. The program starts where it was.
        "enter-project" EnterProject,
        /// See [`StateDirectory`].
        "state-directory" StateDirectory(StateDirectory),
        /// See [`StateFile`].
        "state-file" StateFile(StateFile),
        /// See [`StateLink`].
        "state-link" StateLink(StateLink),
        /// Done by the helper (see [`crate::Host`]). What the script leaves in variables that the plan mentions counts from here on.
        "script" Script(Script),
        /// Done by the helper, from here to the payload's end. See [`Bus`].
        "bus" Bus(Bus),
        /// Done by the helper, from the payload's start to its end. See [`Channel`].
        "channel" Channel(Channel),
        /// Done by the helper, from the payload's start to its end: web addresses are opened in the user's browser.
        "open-urls" OpenUrls,
        /// Done by a process of its own, from before the launch to its end: dangerous sequences are taken out of what the jail writes
        /// to its terminal (see [`crate::terminal`]).
        "filter-terminal" FilterTerminal,
        /// Done by a process of its own, from the clone until the payload has ended (see [`crate::handoff`]).
        "hand-off" HandOff(HandOff),
    }
}

choice! {
    /// An operation on the host after the payload's end, whatever ended it. All are done by the helper (see [`crate::Host`]).
    pub enum AfterOp {
        /// In the same shell as the scripts before.
        "script" Script(Script),
    }
}

choice! {
    /// An operation inside the new namespaces, on the jail's own root, before capabilities are dropped.
    pub enum InsideOp {
        /// See [`Bind`].
        "bind" Bind(Bind),
        /// See [`Folder`].
        "folder" Folder(Folder),
        /// Binds, read-write and at its own place, what the worktrees of a repository share, if the working folder is one.
        "worktree" Worktree,
        /// See [`Git`].
        "git" Git(Git),
        /// See [`Protect`].
        "protect" Protect(Protect),
        /// See [`Mask`].
        "mask" Mask(Mask),
        /// See [`PrivateCopies`].
        "private-copies" PrivateCopies(PrivateCopies),
        /// See [`BindArguments`].
        "bind-arguments" BindArguments(BindArguments),
        /// See [`BindVariable`].
        "bind-variable" BindVariable(BindVariable),
        /// See [`Deep`].
        "bind-deep" Deep(Deep),
        /// See [`SharedFile`].
        "shared-file" SharedFile(SharedFile),
        /// See [`Overlay`]. It is read-only.
        "overlay-read-only" OverlayReadOnly(Overlay),
        /// See [`Overlay`]. What is changed is kept in memory, and gone with the jail.
        "overlay-in-memory" OverlayInMemory(Overlay),
        /// See [`KeptOverlay`].
        "overlay-kept" OverlayKept(KeptOverlay),
        /// See [`Session`].
        "session" Session(Session),
        /// Puts the store paths of [`crate::Closure`] in place, read-only.
        "store-closure" StoreClosure,
        /// See [`Tmpfs`].
        "tmpfs" Tmpfs(Tmpfs),
        /// A /proc here that shows the jail's processes only, with the kernel's switches read-only or hidden.
        "proc" Proc(HostText),
        /// A minimal /dev here, read-only in the end: null zero full random urandom tty, own devpts and shm, the usual links.
        "dev" Dev(HostText),
        /// The same, and below it, out of reach, a whole one: the kernel lets a sandbox inside mount its own only if one that
        /// is fully visible exists. For an ordinary user's launch.
        "proc-for-sandboxes" ProcForSandboxes(HostText),
        /// See [`Directory`].
        "directory" Directory(Directory),
        /// See [`File`].
        "file" File(File),
        /// See [`struct@Copy`].
        "copy" Copy(Copy),
        /// See [`Symlink`].
        "symlink" Symlink(Symlink),
        /// See [`Accounts`].
        "accounts" Accounts(Accounts),
        /// A configuration of git, here, with the name and the address in the user's own, where that has them.
        "git-identity" GitIdentity(HostText),
        /// A machine id (machine-id(5)) here, made at each launch.
        "machine-id" MachineId(HostText),
        /// Makes the mount at this place read-only, but not what is mounted below it.
        "remount-read-only" RemountReadOnly(HostText),
        /// Brings the loopback interface up in the jail's own network namespace.
        "loopback" Loopback,
        /// The socket on which the helper answers what channels ask, here.
        "host-socket" HostSocket(HostText),
        /// The jail's own POSIX message queues (mq_overview(7)), here.
        "queues" Queues(HostText),
        /// Here, and nowhere else, is done what the host's scripts added to `RUNTIME_ARGS`.
        "runtime-arguments" RuntimeArguments,
    }
}

choice! {
    /// What the host's scripts add to a launch.
    pub enum Change {
        /// One more operation inside, where [`InsideOp::RuntimeArguments`] stands.
        "inside" Inside(InsideOp),
        /// One more variable, or another value of one.
        "set" Set(Set),
        /// A variable less.
        "unset" Unset(String),
        /// No variable at all, so far.
        "clear" Clear,
        /// Another place to start in.
        "start" Start(HostText),
        /// Another host name.
        "hostname" Hostname(String),
        /// A namespace is shared with the host.
        "share" Share(Namespace),
        /// A namespace is the jail's own.
        "own" Own(Namespace),
        /// The caller's user id has this number inside.
        "uid" Uid(u32),
        /// The caller's group id has this number inside.
        "gid" Gid(u32),
    }
}

choice! {
    /// One variable of the payload's environment, which is built from nothing. Names are unique within a plan.
    pub enum EnvOp {
        /// See [`Set`].
        "set" Set(Set),
        /// See [`Forward`].
        "forward" Forward(Forward),
    }
}

impl EnvOp {
    /// The variable's name.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Set(Set { name, .. }) | Self::Forward(Forward { name, .. }) => name,
        }
    }
}
