//! The operations of a plan. Each is a [`Step`], which records the applied combinator that it comes
//! from, so a failure can name it.
//!
//! JSON: `{"by": "readonly#2", "bind": {"from": "/a", "to": "/b",
//! "access": "ro", "missing": "fail"}}`.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use serde::Serialize;

use crate::expand::HostText;
use crate::json::{Choice, Error, FromJson, Value};
use crate::record::{choice, words};
use crate::service::Service;

/// The applied combinator that an operation comes from: `mount-cwd#3` is the fourth one of the
/// term, counted depth first.
pub type Origin = String;

/// Permission bits of something that the launch creates.
pub type Mode = u32;

/// An operation, and its origin.
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
        /// As `rw`, and device nodes work. Everything else is mounted `nodev`.
        "dev" Device,
    }
}

words! {
    /// What becomes of settings of git that are changed inside.
    pub enum GitChanges {
        /// They stay in the jail's copies, and are reported.
        "reported" Reported,
        /// Harmless ones are copied to the host's, and the others are reported.
        "merged" Merged,
        /// Nothing of a repository can be changed inside.
        "refused" Refused,
    }
}

words! {
    /// What happens if a source does not exist at launch.
    pub enum Missing {
        /// The launch stops.
        "fail" Fail,
        /// The operation is left out.
        "skip" Skip,
    }
}

macro_rules! operations {
    ($($(#[$doc:meta])+ $name:ident { $( $(#[$field_doc:meta])+ $field:ident : $type:ty, )* })*) => { $(
        $crate::record::record! {
            $(#[$doc])+
            pub struct $name {
                $( $(#[$field_doc])+ pub $field: $type, )*
            }
        }
    )* };
}

operations! {
    /// Refuses a working folder that would give too much away: `/`, the home
    /// folder, or an ancestor of it.
    RefuseFolder {
        /// Whether the home folder itself is granted (`allow-home-cwd`); `/` and its
        /// other ancestors never are.
        home_allowed: bool,
    }
    /// Creates a folder of the agent's own state on the host, mode 0700, with missing parents.
    StateDirectory {
        /// Where on the host.
        path: HostText,
    }
    /// Makes missing folders above a file of state, and the file, mode 0600, if it is bound or a
    /// rule names it. Otherwise its program makes it.
    StateFile {
        /// Where on the host.
        path: HostText,
    }
    /// Makes a symbolic link on the host, mode 0700 for missing parents.
    /// What is there already stays.
    StateLink {
        /// Where on the host.
        path: HostText,
        /// Where it leads.
        to: HostText,
    }
    /// Compares what a host program would execute or trust in the working folder
    /// before and after the session.
    HandOff {
        /// Whether what is not approved is moved aside when the payload has ended.
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
    /// Binds the folder that the wrapper was started in. It was opened before anything else.
    Folder {
        /// Where in the jail; absent: at its own place.
        to: Option<HostText>,
        /// With which access.
        access: Access,
        /// Where what is written is kept; absent: in the folder itself.
        stage: Option<Stage>,
    }
    /// Folders of jailgen's state that keep what a jail writes to its working folder (see
    /// [`crate::stage`]).
    Stage {
        /// What is written.
        upper: HostText,
        /// Where the kernel works, in the same file system.
        work: HostText,
        /// What the working folder was when the jail began to write.
        base: HostText,
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
        /// The text between two paths.
        separator: String,
        /// With which access.
        access: Access,
    }
    /// Binds a tree of the host read-only, at its own place, with the targets of its
    /// symbolic links in their stead.
    Deep {
        /// What, on the host.
        from: HostText,
        /// What to do when `from` is missing.
        missing: Missing,
    }
    /// A file of the host and one of the jail's own that are kept the same, so either can be
    /// replaced. If that is not possible, a bind.
    SharedFile {
        /// What, on the host.
        from: HostText,
        /// Where, in the jail.
        to: HostText,
    }
    /// Folders of the host, stacked as one folder (overlayfs).
    Overlay {
        /// The folders, from the lowest up. They are never written to.
        lower: Vec<HostText>,
        /// Where, in the jail.
        to: HostText,
    }
    /// The same, with a folder of the host that keeps the changes.
    KeptOverlay {
        /// The folders, from the lowest up. They are never written to.
        lower: Vec<HostText>,
        /// The folder on top, which is written to.
        upper: HostText,
        /// A folder in the same file system that the kernel works in.
        work: HostText,
        /// Where, in the jail.
        to: HostText,
    }
    /// Keeps apart what git on the host executes or trusts: configuration and hooks are
    /// copies, pointers are read-only.
    Git {
        /// The folder of the copies in the jail.
        to: HostText,
        /// What happens to settings that are changed.
        changes: GitChanges,
    }
    /// Puts an empty file over each file of the working folder that a glob matches and that git
    /// does not track, once everything is in place.
    Mask {
        /// In the form of gitignore(5). All globs of a plan are one list.
        globs: Vec<String>,
    }
    /// Keeps what host programs execute of the working folder unchanged: what appears or changes is
    /// moved aside (see [`crate::handoff`]).
    Protect {
        /// In the form of gitignore(5), with `@KIND` for a kind of the table; one that starts with
        /// `!` is neither protected nor reported.
        globs: Vec<String>,
    }
    /// Copies of what is in a folder that the jail may write: the jail changes the copies, and the
    /// host's files stay unchanged.
    PrivateCopies {
        /// The folder of the copies in the jail.
        to: HostText,
        /// The folder, on the host.
        folder: HostText,
        /// The names in it, with slashes between those of folders inside it. That of a
        /// folder ends with a slash.
        names: Vec<String>,
    }
    /// Binds something of the user's session, at its own place, if the host has it.
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
        /// Its size in bytes; absent: the kernel's default (half of the memory).
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
    /// A file with the content of a file of the host at launch; symlinks are followed on the host.
    Copy {
        /// What, on the host.
        from: HostText,
        /// Where, in the jail.
        to: HostText,
        /// Lines that follow the content of the host's file.
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
    /// A program inside that has a script run outside. Its arguments, input, output and exit
    /// status are the script's.
    Channel {
        /// The program's name inside.
        name: String,
        /// The text of the script.
        script: String,
    }
    /// A message bus through a proxy in a jail of its own, which lets only
    /// the named messages through.
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
    /// A variable with its value in the launcher.
    Forward {
        /// The name of the variable.
        name: String,
        /// What to do if the launcher lacks it.
        missing: Missing,
    }
}

impl Bind {
    /// What to write instead of a grant whose source is missing, so that it can be pasted.
    #[must_use]
    pub fn remedy(&self) -> String {
        let left_out = "a `try-…` grant is left out where its source is missing";
        if self.access != Access::ReadWrite || self.from != self.to {
            return format!("make it, or let it be missing: {left_out}");
        }
        let source = self.from.source();
        let path = match &self.from {
            HostText::Literal(_) => format!("\"{source}\""),
            HostText::Expand(_) | HostText::PerFolder(_) => format!("(noescape \"{source}\")"),
        };
        format!(
            "write `(state-dir {path})`, which makes the folder, or let it be missing: {left_out}"
        )
    }
}

choice! {
    /// An operation on the host, with the user's rights, before the clone.
    pub enum HostOp {
        /// See [`RefuseFolder`].
        "refuse-folder" RefuseFolder(RefuseFolder),
        /// Makes the root of the repository around the working folder the working folder. The
        /// program starts where it was.
        "enter-project" EnterProject,
        /// See [`StateDirectory`].
        "state-directory" StateDirectory(StateDirectory),
        /// See [`StateFile`].
        "state-file" StateFile(StateFile),
        /// See [`StateLink`].
        "state-link" StateLink(StateLink),
        /// Done by the helper: a configuration of git is written on the host, the machine's with
        /// the name and the address in the user's own.
        "git-identity" GitIdentity(HostText),
        /// Done by the helper: a file for login shells is written on the host, which sets PATH as
        /// the plan does.
        "login-profile" LoginProfile(HostText),
        /// Done by the helper (see [`crate::Host`]). What the script leaves in variables that the
        /// plan mentions counts from here on.
        "script" Script(Script),
        /// Done by the helper, from here to the payload's end. See [`Bus`].
        "bus" Bus(Bus),
        /// Done by the helper, from the payload's start to its end. See [`Channel`].
        "channel" Channel(Channel),
        /// Done by the helper, from the payload's start to its end: web addresses are
        /// opened in the user's browser.
        "open-urls" OpenUrls,
        /// Done by a process of its own, from before the launch to its end: dangerous sequences are
        /// removed from what the jail writes to its terminal (see [`crate::terminal`]).
        "filter-terminal" FilterTerminal,
        /// Done by a process of its own, from the clone until the payload
        /// has ended (see [`crate::handoff`]).
        "hand-off" HandOff(HandOff),
    }
}

choice! {
    /// An operation on the host after the payload's end, however it ended. The helper performs all
    /// of them (see [`crate::Host`]).
    pub enum AfterOp {
        /// In the same shell as the scripts before.
        "script" Script(Script),
    }
}

choice! {
    /// An operation inside the new namespaces, on the jail's own root,
    /// before capabilities are dropped.
    pub enum InsideOp {
        /// See [`Bind`].
        "bind" Bind(Bind),
        /// See [`Folder`].
        "folder" Folder(Folder),
        /// Binds, read-write and at its own place, what the worktrees of a repository share, if
        /// the working folder is one.
        "worktree" Worktree,
        /// See [`Git`].
        "git" Git(Git),
        /// See [`Protect`].
        "protect" Protect(Protect),
        /// See [`Mask`].
        "mask" Mask(Mask),
        /// See [`PrivateCopies`].
        "private-copies" PrivateCopies(PrivateCopies),
        /// The jail may execute what links among private copies lead to in the Nix store.
        "follow-links" FollowLinks,
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
        /// See [`Overlay`]. Changes stay in memory, and are gone with the jail.
        "overlay-in-memory" OverlayInMemory(Overlay),
        /// See [`KeptOverlay`].
        "overlay-kept" OverlayKept(KeptOverlay),
        /// See [`Session`].
        "session" Session(Session),
        /// Puts the store paths of [`crate::Closure`] in place, read-only.
        "store-closure" StoreClosure,
        /// See [`Tmpfs`].
        "tmpfs" Tmpfs(Tmpfs),
        /// A /proc here that shows only the jail's processes, with the kernel's
        /// switches read-only or hidden.
        "proc" Proc(HostText),
        /// A minimal /dev here, read-only in the end: null zero full random urandom tty, its own
        /// devpts and shm, the usual links.
        "dev" Dev(HostText),
        /// The same, and below it a complete one that cannot be reached: the kernel lets a sandbox
        /// inside mount its own only if a fully visible one exists. For an ordinary user's launch.
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
        /// A configuration of git here, with the name and the address of the
        /// user's own, if that has them.
        "git-identity" GitIdentity(HostText),
        /// A machine id (machine-id(5)) here, made at each launch.
        "machine-id" MachineId(HostText),
        /// Makes the mount at this place read-only, but not the mounts below it.
        "remount-read-only" RemountReadOnly(HostText),
        /// Brings the loopback interface up in the jail's own network namespace.
        "loopback" Loopback,
        /// The socket here, on which the helper answers channels.
        "host-socket" HostSocket(HostText),
        /// The jail's own POSIX message queues (mq_overview(7)), here.
        "queues" Queues(HostText),
        /// The place of what the host's scripts added to `RUNTIME_ARGS`, and the only one.
        "runtime-arguments" RuntimeArguments,
    }
}

choice! {
    /// One variable of the payload's environment, which starts empty. Names
    /// are unique within a plan.
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
