//! What each operation inside does, in one row: what of the host it uses, where it puts something,
//! and what may be done there. Code that asks one of these questions matches on the answer and not
//! on the operations, so a new operation is added only here.

use crate::expand::HostText;
use crate::landlock::Reach;
use crate::ops::{
    Access, Bind, BindVariable, Copy, Deep, Folder, InsideOp, KeptOverlay, SharedFile,
};
use crate::service::Service;

/// What of the host an operation uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostUse<'a> {
    /// Nothing of the host.
    Nothing,
    /// What is at a path.
    Path(&'a Bind),
    /// A tree, read-only, with the targets of its links.
    Tree(&'a Deep),
    /// What a file holds at launch.
    Copied(&'a Copy),
    /// The name and the address in the user's configuration of git.
    Identity,
    /// A file that others replace, and that the jail may replace too.
    File(&'a SharedFile),
    /// Folders over each other.
    Layers(Layers<'a>),
    /// The folder that the wrapper was started in.
    Folder(&'a Folder),
    /// The repository of that folder, for writing.
    Repository,
    /// The paths among the wrapper's arguments.
    Arguments(Access),
    /// The paths in a variable.
    Variable(&'a BindVariable),
    /// Something of the user's session.
    Session(Service),
    /// The store paths of [`crate::Closure`], read-only.
    Closure,
}

/// Folders of the host, stacked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layers<'a> {
    /// The folders, from the lowest up. They are never written to.
    pub lower: &'a [HostText],
    /// Where writes go.
    pub changes: Changes<'a>,
    /// Where, in the jail.
    pub to: &'a HostText,
}

/// Where writes to stacked folders go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Changes<'a> {
    /// Nothing can be written.
    Refused,
    /// They are gone when the jail ends.
    Memory,
    /// A folder of the host keeps it.
    Kept(&'a KeptOverlay),
}

/// Where an operation puts something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place<'a> {
    /// Nowhere: it is used for operations that are not known yet.
    Nowhere,
    /// In the jail's network.
    Network,
    /// Here, as a mount, which covers what was there.
    Mount(&'a HostText),
    /// Here, changing what is there.
    Made(&'a HostText),
    /// At these well-known places, as files.
    Files(&'static [&'static str]),
    /// Where the store is, as mounts.
    Store,
    /// Where the working folder belongs.
    Folder,
    /// Next to the working folder, at its own place on the host.
    Repository,
    /// Where the launch finds it on the host, as mounts.
    Found,
}

/// What one operation uses of the host, where, and what may be done there.
struct Effect<'a> {
    host: HostUse<'a>,
    place: Place<'a>,
    /// What may be done there. Empty: nothing that the root does not allow already.
    reach: Option<Reach>,
}

impl Effect<'_> {
    fn with(self, reach: impl Into<Reach>) -> Self {
        Self { reach: Some(reach.into()), ..self }
    }
}

const ACCOUNTS: &[&str] = &["/etc/passwd", "/etc/group", "/etc/nsswitch.conf"];

impl InsideOp {
    /// What of the host it uses.
    #[must_use]
    pub fn host_use(&self) -> HostUse<'_> {
        self.effect().host
    }

    /// Where it puts something.
    #[must_use]
    pub fn place(&self) -> Place<'_> {
        self.effect().place
    }

    /// What may be done where it puts something. Absent: what may be done on the
    /// root, which is read-only.
    #[must_use]
    pub fn reach(&self) -> Option<Reach> {
        self.effect().reach
    }

    /// The table, and the only place that distinguishes all operations by what they give.
    fn effect(&self) -> Effect<'_> {
        use HostUse::Nothing;
        use Place::{Found, Made, Mount, Nowhere};
        let row = |host, place| Effect { host, place, reach: None };
        let layers =
            |lower, changes, to| row(HostUse::Layers(Layers { lower, changes, to }), Mount(to));
        match self {
            // This includes read-only binds: they may be sockets, which are
            // there to be connected to.
            Self::Bind(op) => row(HostUse::Path(op), Mount(&op.to)).with(op.access),
            Self::Folder(op) => row(HostUse::Folder(op), Place::Folder).with(op.access),
            Self::Worktree => row(HostUse::Repository, Place::Repository).with(Reach::Rwx),
            Self::Git(op) => row(Nothing, Mount(&op.to)).with(Reach::Rwx),
            Self::PrivateCopies(op) => row(Nothing, Mount(&op.to)).with(Reach::Rwx),
            Self::BindArguments(op) => row(HostUse::Arguments(op.access), Found).with(op.access),
            Self::BindVariable(op) => row(HostUse::Variable(op), Found).with(op.access),
            Self::Deep(op) => row(HostUse::Tree(op), Mount(&op.from)).with(Reach::Rox),
            Self::SharedFile(op) => row(HostUse::File(op), Made(&op.to)).with(Reach::Rwx),
            Self::OverlayReadOnly(op) => {
                layers(&op.lower, Changes::Refused, &op.to).with(Reach::Rox)
            }
            Self::OverlayInMemory(op) => {
                layers(&op.lower, Changes::Memory, &op.to).with(Reach::Rwx)
            }
            Self::OverlayKept(op) => layers(&op.lower, Changes::Kept(op), &op.to).with(Reach::Rwx),
            // Sockets, and devices that are used through ioctl(2).
            Self::Session(op) => row(HostUse::Session(op.service), Found).with(Reach::Device),
            Self::StoreClosure => row(HostUse::Closure, Place::Store).with(Reach::Rox),
            Self::Tmpfs(op) => row(Nothing, Mount(&op.to)).with(Reach::Rwx),
            Self::Proc(to) | Self::ProcForSandboxes(to) | Self::Queues(to) => {
                row(Nothing, Mount(to)).with(Reach::Rw)
            }
            Self::Dev(to) => row(Nothing, Mount(to)).with(Reach::Device),
            Self::HostSocket(to) => row(Nothing, Made(to)).with(Reach::Rw),
            Self::File(op) => row(Nothing, Made(&op.to)).with(Reach::Rox),
            Self::Copy(op) => row(HostUse::Copied(op), Made(&op.to)).with(Reach::Ro),
            Self::GitIdentity(to) => row(HostUse::Identity, Made(to)).with(Reach::Ro),
            Self::Accounts(_) => row(Nothing, Place::Files(ACCOUNTS)).with(Reach::Ro),
            Self::MachineId(to) => row(Nothing, Made(to)).with(Reach::Ro),
            Self::Directory(op) => row(Nothing, Made(&op.to)),
            Self::Symlink(op) => row(Nothing, Made(&op.to)),
            Self::RemountReadOnly(to) => row(Nothing, Made(to)),
            Self::Loopback => row(Nothing, Place::Network),
            Self::FollowLinks | Self::Mask(_) | Self::Protect(_) | Self::RuntimeArguments => {
                row(Nothing, Nowhere)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::{BindArguments, Missing, Overlay, Session};

    fn at(path: &str) -> HostText {
        HostText::Literal(path.into())
    }

    /// Whether the jail may change something of the host through it, for the record of such places.
    fn writes(host: HostUse<'_>) -> bool {
        let writes = |access| match access {
            Access::ReadOnly => false,
            Access::ReadWrite | Access::Device => true,
        };
        match host {
            HostUse::Path(op) => writes(op.access),
            HostUse::Folder(op) => writes(op.access),
            HostUse::Arguments(access) => writes(access),
            HostUse::Variable(op) => writes(op.access),
            HostUse::Layers(layers) => matches!(layers.changes, Changes::Kept(_)),
            HostUse::File(_) | HostUse::Repository | HostUse::Session(_) => true,
            HostUse::Tree(_)
            | HostUse::Copied(_)
            | HostUse::Identity
            | HostUse::Closure
            | HostUse::Nothing => false,
        }
    }

    #[test]
    fn what_is_used_of_the_host_for_writing_may_be_written_and_nothing_else() {
        let accesses = [Access::ReadOnly, Access::ReadWrite, Access::Device];
        let bound = accesses.into_iter().flat_map(|access| {
            let (from, to, missing) = (at("/a"), at("/b"), Missing::Fail);
            [
                InsideOp::Bind(Bind { from, to, access, missing }),
                InsideOp::Folder(Folder { to: None, access, stage: None }),
                InsideOp::BindArguments(BindArguments { access }),
            ]
        });
        let overlay = || Overlay { lower: [at("/a")].into(), to: at("/b") };
        let (lower, upper, work, to) = ([at("/a")].into(), at("/u"), at("/w"), at("/b"));
        let others = [
            InsideOp::Worktree,
            InsideOp::Deep(Deep { from: at("/a"), missing: Missing::Fail }),
            InsideOp::SharedFile(SharedFile { from: at("/a"), to: at("/b") }),
            InsideOp::OverlayReadOnly(overlay()),
            InsideOp::OverlayKept(KeptOverlay { lower, upper, work, to }),
            InsideOp::Session(Session { service: Service::SshAgent }),
            InsideOp::StoreClosure,
            InsideOp::GitIdentity(at("/etc/gitconfig")),
        ];
        for op in bound.chain(others) {
            let may = op.reach().is_some_and(Reach::writes);
            assert_eq!(may, writes(op.host_use()), "{op:?}");
            assert_ne!(op.host_use(), HostUse::Nothing, "{op:?}");
        }
        // It is written to, but the changes are gone with the jail.
        for op in [InsideOp::OverlayInMemory(overlay()), InsideOp::Proc(at("/proc"))] {
            assert!(op.reach().is_some_and(Reach::writes) && !writes(op.host_use()), "{op:?}");
        }
    }
}
