//! Limits: what the jail may use of the machine, and who holds it to that.
//!
//! Three kinds. Those of setrlimit(2) hold everywhere. Those of a control group (cgroups(7), version 2) count the jail as
//! a whole, and need one that the caller may make. The time is the supervisor's.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::ops::Origin;
use crate::record::record;

record! {
    /// A limit of setrlimit(2), soft and hard alike. It never raises one that the caller is under.
    pub struct Limit {
        /// Which.
        pub resource: Resource,
        /// How much, in the unit of setrlimit(2).
        pub value: u64,
    }
}

/// A resource of setrlimit(2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Resource {
    /// The size of a core dump, bytes.
    Core,
    /// How many files a process may have open.
    Files,
    /// The size of a file, bytes.
    FileSize,
}

record! {
    /// The control group that the jail is in.
    pub struct Cgroup {
        /// Its limits. Never empty.
        pub limits: Vec<CgroupLimit>,
        /// What happens where no such group can be made.
        pub otherwise: Otherwise,
    }
}

record! {
    /// A limit of a control group.
    pub struct CgroupLimit {
        /// What it is about.
        pub resource: Controlled,
        /// How much: bytes, processes, or hundredths of a processor.
        pub value: u64,
        /// Who wanted it.
        pub by: Origin,
    }
}

/// What a control group limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Controlled {
    /// Memory, files in memory included.
    Memory,
    /// Processes and threads.
    Pids,
    /// Processor time per time.
    Cpu,
}

/// What happens where a limit cannot be held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Otherwise {
    /// The launch stops.
    Stop,
    /// It goes on under the limits of setrlimit(2) that come near, and says which hold.
    BestEffort,
}

record! {
    /// How long the jail may take from its launch on.
    pub struct TimeLimit {
        /// So many seconds.
        pub seconds: u64,
        /// Who wanted it.
        pub by: Origin,
    }
}
