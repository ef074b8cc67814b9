//! Limits: what the jail may use of the machine, and what enforces them.
//!
//! There are three kinds. Those of setrlimit(2) work everywhere. Those of a control group
//! (cgroups(7), version 2) apply to the jail as a whole, and need a group that the caller may
//! create. The supervisor limits the time.

use alloc::vec::Vec;

use crate::ops::Origin;
use crate::record::{record, words};

record! {
    /// A limit of setrlimit(2), both soft and hard. It never raises a limit of the caller.
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
        /// What happens if no such group can be made.
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
        /// Memory, including files in memory.
        "memory" Memory,
        /// Processes and threads.
        "pids" Pids,
        /// Processor time per time.
        "cpu" Cpu,
    }
}

words! {
    /// What happens if a limit cannot be enforced.
    pub enum Otherwise {
        /// The launch stops.
        "stop" Stop,
        /// The launch goes on under the limits of setrlimit(2) that come closest, and
        /// reports which are enforced.
        "best-effort" BestEffort,
    }
}

record! {
    /// How long the jail may take, from its launch.
    pub struct TimeLimit {
        /// In seconds.
        pub seconds: u64,
        /// Who wanted it.
        pub by: Origin,
    }
}
