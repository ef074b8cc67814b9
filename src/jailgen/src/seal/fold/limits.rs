//! Limits in a plan, each for the mechanism that enforces it.

use std::collections::BTreeMap;

use jail_plan::{Cgroup, CgroupLimit, Controlled, Limit, Otherwise, Resource, TimeLimit};
use jail_policy::Limited;

/// The limits of a policy so far.
pub(super) struct Limits {
    given: BTreeMap<Limited, (u64, String)>,
    otherwise: Otherwise,
}

/// The mechanism that enforces a limit.
enum Holder {
    /// Its control group.
    Cgroup(Controlled),
    /// setrlimit(2).
    Resource(Resource),
    /// The supervisor's clock.
    Time,
}

impl Limits {
    pub(super) fn new() -> Self {
        Self { given: BTreeMap::new(), otherwise: Otherwise::Stop }
    }

    /// The last one counts.
    pub(super) fn set(&mut self, resource: Limited, value: u64, by: String) {
        self.given.insert(resource, (value, by));
    }

    pub(super) fn best_effort(&mut self) {
        self.otherwise = Otherwise::BestEffort;
    }

    pub(super) fn cgroup(&self) -> Option<Cgroup> {
        let limit = |(resource, (value, by)): (&Limited, &(u64, String))| match holder(*resource) {
            Holder::Cgroup(resource) => {
                Some(CgroupLimit { resource, value: *value, by: by.clone() })
            }
            Holder::Resource(_) | Holder::Time => None,
        };
        let limits: Vec<_> = self.given.iter().filter_map(limit).collect();
        (!limits.is_empty()).then_some(Cgroup { limits, otherwise: self.otherwise })
    }

    pub(super) fn time(&self) -> Option<TimeLimit> {
        let (seconds, by) = self.given.get(&Limited::Time)?;
        Some(TimeLimit { seconds: *seconds, by: by.clone() })
    }

    /// No jail dumps core.
    pub(super) fn resources(&self) -> Vec<Limit> {
        let given =
            self.given.iter().filter_map(|(resource, (value, _))| match holder(*resource) {
                Holder::Resource(resource) => Some(Limit { resource, value: *value }),
                Holder::Cgroup(_) | Holder::Time => None,
            });
        [Limit { resource: Resource::Core, value: 0 }].into_iter().chain(given).collect()
    }
}

fn holder(resource: Limited) -> Holder {
    match resource {
        Limited::Memory => Holder::Cgroup(Controlled::Memory),
        Limited::Pids => Holder::Cgroup(Controlled::Pids),
        Limited::Cpu => Holder::Cgroup(Controlled::Cpu),
        Limited::Files => Holder::Resource(Resource::Files),
        Limited::FileSize => Holder::Resource(Resource::FileSize),
        Limited::Time => Holder::Time,
    }
}
