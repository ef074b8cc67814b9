//! Limits: what the jail may use of the machine, and who holds it to that.
//!
//! Three kinds. Those of setrlimit(2) hold everywhere. Those of a control group (cgroups(7), version 2) count the jail as
//! a whole, and need one that the caller may make. The time is the supervisor's.

use alloc::vec::Vec;

use crate::ops::Origin;
use crate::record::{record, words};

record! {
    /// A limit of setrlimit(2), soft and hard alike. It never raises one that the caller is under.
    pub struct Limit {
        /// The resource that is limited.
        pub resource: Resource,
        /// How much, in the unit of setrlimit(2).
        pub value: u64,
    }
}

words! {
    /// A resource of setrlimit(2).
    pub enum Resource {
        /// The size of a core dump, bytes.
        "core" Core,
        /// How many files a process may have open.
        "files" Files,
        /// The size of a file, bytes.
        "file-size" FileSize,
    }
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

words! {
    /// What a control group limits.
    pub enum Controlled {
        /// Memory, files in memory included.
        "memory" Memory,
        /// Processes and threads.
        "pids" Pids,
        /// Processor time per time.
        "cpu" Cpu,
    }
}

words! {
    /// What happens where a limit cannot be held.
    pub enum Otherwise {
        /// The launch stops.
        "stop" Stop,
        /// It goes on under the limits of setrlimit(2) that come near, and says which hold.
        "best-effort" BestEffort,
    }
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
