//! The Landlock layer: what the kernel checks with Landlock (landlock(7)) in addition to the
//! mounts, and independently of them.
//!
//! The rules are for the whole jail and not for each store path, unless the plan asks for that:
//! each rule costs a launch some microseconds.

use alloc::borrow::ToOwned;
use alloc::vec;
use alloc::vec::Vec;

use crate::effect::Place;
use crate::expand::HostText;
use crate::ops::{Access, InsideOp, Missing, Origin, Step};
use crate::record::{choice, record, words};

record! {
    /// What Landlock restricts, and what it allows of that. It applies to the
    /// jail's init and the payload.
    pub struct Landlock {
        /// What is restricted. Nothing: the plan makes no use of Landlock.
        pub handles: Vec<Handled>,
        /// What is allowed all the same.
        pub rules: Vec<LandlockRule>,
        /// The TCP ports that may be bound.
        pub bind: Vec<u16>,
        /// The TCP ports that may be connected to.
        pub connect: Vec<u16>,
        /// The least ABI. The launch stops if the kernel has an older one, or none. At 0 the launch
        /// restricts what the kernel can, and goes on.
        pub least: u32,
        /// The combinator that asked for it; empty where there is none.
        pub by: Origin,
    }
}

impl Landlock {
    /// The grants of an operation, as rules: what it makes writable may be written, and what it
    /// shows may be read and executed.
    ///
    /// A place that a later mount covers needs no rule, so none may be missing for it. Rules that
    /// could allow nothing of what is restricted are left out where there might be many.
    #[must_use]
    pub fn rules_of(&self, step: &Step<InsideOp>, store: &str) -> Vec<LandlockRule> {
        // An operation without a place of its own is on the root, and allows what the root allows.
        let Some(reach) = step.op.reach() else { return Vec::new() };
        let reads =
            self.handles.contains(&Handled::Reads) || self.handles.contains(&Handled::Execution);
        let path = |path: &HostText| {
            let (path, missing, by) = (path.clone(), Missing::Skip, step.by.clone());
            LandlockRule::Path(Beneath { path, reach, missing, by })
        };
        let known = |path: &str| HostText::Literal(path.to_owned());
        let found = || FoundAtLaunch { reach, by: step.by.clone() };
        let is_needed = reads || reach.writes();
        match step.op.place() {
            Place::Mount(to) => vec![path(to)],
            Place::Made(to) if is_needed => vec![path(to)],
            Place::Files(places) if is_needed => places.iter().map(|to| path(&known(to))).collect(),
            // One rule for the whole closure: nothing else of the store is mounted there.
            Place::Store if is_needed => vec![path(&known(store))],
            Place::Folder => vec![LandlockRule::Folder(found())],
            Place::Repository | Place::Found => vec![LandlockRule::Bound(found())],
            Place::Made(_) | Place::Files(_) | Place::Store | Place::Network | Place::Nowhere => {
                Vec::new()
            }
        }
    }
}

words! {
    /// What can be restricted.
    pub enum Handled {
        /// Writing, making, removing, renaming and truncating files.
        "writes" Writes,
        /// Reading files and listing folders.
        "reads" Reads,
        /// Executing files (execve(2)).
        "execution" Execution,
        /// ioctl(2) on devices that are opened inside.
        "devices" Devices,
        /// Connecting to Unix sockets that have a path and were made outside.
        "sockets" Sockets,
        /// Binding TCP ports.
        "bind-tcp" BindTcp,
        /// Connecting to TCP ports.
        "connect-tcp" ConnectTcp,
        /// Connecting to abstract Unix sockets that were made outside.
        "abstract-sockets" AbstractSockets,
        /// Signals to processes outside.
        "signals" Signals,
    }
}

impl Handled {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Writes,
        Self::Reads,
        Self::Execution,
        Self::Devices,
        Self::Sockets,
        Self::BindTcp,
        Self::ConnectTcp,
        Self::AbstractSockets,
        Self::Signals,
    ];

    /// The first ABI whose restriction is usable. ABI 1 forbids every rename between folders, so
    /// files are not restricted there; ABI 3 adds truncation of files.
    #[must_use]
    pub const fn since(self) -> u32 {
        match self {
            Self::Writes | Self::Reads | Self::Execution => 2,
            Self::BindTcp | Self::ConnectTcp => 4,
            Self::Devices => 5,
            Self::AbstractSockets | Self::Signals => 6,
            Self::Sockets => 9,
        }
    }

    /// A description of it in words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Writes => "writing files",
            Self::Reads => "reading files",
            Self::Execution => "executing files",
            Self::Devices => "ioctl on devices",
            Self::Sockets => "connecting to Unix sockets by path",
            Self::BindTcp => "binding TCP ports",
            Self::ConnectTcp => "connecting to TCP ports",
            Self::AbstractSockets => "connecting to abstract Unix sockets",
            Self::Signals => "signals to processes outside",
        }
    }

    /// What an ABI does not restrict of these, in words. 0 is a kernel without Landlock.
    #[must_use]
    pub fn beyond(handles: &[Self], abi: u32) -> Vec<&'static str> {
        let beyond = handles.iter().filter(|one| one.since() > abi).map(|one| one.words());
        let truncation =
            (abi == 2 && handles.contains(&Self::Writes)).then_some("truncating files");
        truncation.into_iter().chain(beyond).collect()
    }

    /// What Landlock restricts in every jail.
    pub const BY_DEFAULT: [Self; 6] = [
        Self::Reads,
        Self::Writes,
        Self::Devices,
        Self::Sockets,
        Self::AbstractSockets,
        Self::Signals,
    ];
}

/// The newest ABI that this plan format uses.
pub const LANDLOCK_ABI_NEWEST: u32 = 9;

/// The version of Linux that first had an ABI, `None` for one that is not known.
#[must_use]
pub const fn landlock_abi_since(abi: u32) -> Option<&'static str> {
    Some(match abi {
        1 => "5.13",
        2 => "5.19",
        3 => "6.2",
        4 => "6.7",
        5 => "6.10",
        6 => "6.12",
        7 => "6.15",
        8 => "7.0",
        9 => "7.1",
        _ => return None,
    })
}

words! {
    /// What may be done beneath a place. A part that Landlock does not restrict has no effect.
    pub enum Reach {
        /// Read files and list folders.
        "ro" Ro,
        /// Read and execute.
        "rox" Rox,
        /// Read and write.
        "rw" Rw,
        /// Read, write and execute.
        "rwx" Rwx,
        /// As `rwx`, and ioctl(2) on the devices there.
        "device" Device,
    }
}

impl Reach {
    /// Whether anything may be changed.
    #[must_use]
    pub const fn writes(self) -> bool {
        match self {
            Self::Ro | Self::Rox => false,
            Self::Rw | Self::Rwx | Self::Device => true,
        }
    }
}

impl From<Access> for Reach {
    fn from(access: Access) -> Self {
        match access {
            Access::ReadOnly => Self::Rox,
            Access::ReadWrite => Self::Rwx,
            Access::Device => Self::Device,
        }
    }
}

record! {
    /// What may be done beneath a place.
    pub struct Beneath {
        /// The place, as the payload sees it.
        pub path: HostText,
        /// What may be done there.
        pub reach: Reach,
        /// What to do if it is missing, or covered by a later mount. What is
        /// left out is not allowed.
        pub missing: Missing,
        /// Who wanted it.
        pub by: Origin,
    }
}

record! {
    /// What may be done beneath places that the launch finds.
    pub struct FoundAtLaunch {
        /// What may be done there.
        pub reach: Reach,
        /// Who wanted it.
        pub by: Origin,
    }
}

choice! {
    /// One thing that Landlock allows.
    pub enum LandlockRule {
        /// See [`Beneath`].
        "path" Path(Beneath),
        /// The working folder, where it is inside.
        "folder" Folder(FoundAtLaunch),
        /// What an operation of the same origin has bound at places that only the launch knows:
        /// arguments, variables, the repository of a worktree.
        "bound" Bound(FoundAtLaunch),
        /// Every store path of [`crate::Closure`], one rule for each.
        "closure" Closure(FoundAtLaunch),
        /// The files that the launcher passed as standard input, output and error, with the access
        /// that each was opened with.
        "standard" Standard(FoundAtLaunch),
    }
}
