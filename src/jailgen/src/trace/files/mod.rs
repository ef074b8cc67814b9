//! What the programs of a run wanted and did not get: paths and hosts, in groups, each with the
//! grant that would change it. It neither runs nor prints anything.

mod advice;
mod calls;
mod grants;
mod hosts;
mod mounts;
mod outside;
mod proposal;
mod record;
mod render;
mod secret;
mod tables;

use std::path::PathBuf;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use jail_plan::{Closure, SeccompProgram};
use jail_policy::{Grant, Policy};
use jail_seccomp::Arch;
use jail_trace::Watcher;
use serde::Serialize;

pub use advice::{Group, LeftOut, Risk, Wanted};
pub use mounts::Launcher;
pub use proposal::{Proposal, propose};
pub use render::render;

use crate::session::Line;
use mounts::Mounts;
use record::Record;

/// The name of the filter that stops the programs of a jail at calls that name files.
const FILTER: &str = "trace-files";

/// The filter that a traced jail has in addition to its own.
#[must_use]
pub fn filter(arch: Arch) -> SeccompProgram {
    let program = jail_seccomp::stopping_program(arch, &calls::stops());
    SeccompProgram {
        name: FILTER.into(),
        arch: arch.name().into(),
        program: BASE64_STANDARD.encode(program),
        in_set_group_id_folder: None,
    }
}

/// Whether a filter of a jail stops for a tracer itself, so that its answer would not be the same.
#[must_use]
pub fn is_stopping(filter: &SeccompProgram) -> bool {
    let texts = [Some(&filter.program), filter.in_set_group_id_folder.as_ref()];
    texts.into_iter().flatten().any(|text| {
        BASE64_STANDARD.decode(text).map_or(true, |program| jail_seccomp::may_stop(&program))
    })
}

/// A run that is followed.
pub struct FileTrace {
    record: Record,
    launcher: Launcher,
}

impl FileTrace {
    /// Of a jail with this policy and this closure. `meanwhile` is called now and then while the
    /// jail runs, with the process of its supervisor.
    #[must_use]
    pub fn new(
        arch: Arch,
        policy: &Policy,
        closure: &Closure,
        launcher: Launcher,
        meanwhile: Box<dyn FnMut(i32)>,
    ) -> Self {
        let mounts = Mounts::of_policy(policy, &launcher);
        Self { record: Record::new(arch, mounts, closure, meanwhile), launcher }
    }

    /// What gets the calls.
    pub fn watcher(&mut self) -> &mut dyn Watcher {
        &mut self.record
    }

    /// What it came to: `lines` are the broker's of this session, and `programs` says where a
    /// program is outside.
    #[must_use]
    pub fn report(
        self,
        policy: &Policy,
        lines: &[Line],
        programs: &dyn Fn(&str) -> Option<PathBuf>,
    ) -> (Report, Used) {
        let advice = advice::advise(&self.record, &self.launcher, programs);
        let mut groups = advice.groups;
        groups.extend(hosts::groups(lines));
        let report = Report {
            name: policy.name.clone(),
            groups,
            left_out: advice.left_out,
            not_recorded: self.record.over,
            hosts: Seen::of_policy(policy),
        };
        let used = Used { mounts: self.record.mounts, hosts: hosts::allowed(lines) };
        (report, used)
    }
}

/// What the run used of what the spec grants.
pub struct Used {
    mounts: Mounts,
    hosts: hosts::Allowed,
}

/// What a run missed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The command's name.
    pub name: String,
    /// What belongs together.
    pub groups: Vec<Group>,
    /// Names that programs of a kind look for anyway.
    pub left_out: Vec<LeftOut>,
    /// How many more paths there were than are kept.
    pub not_recorded: u64,
    /// Whether the hosts are among the groups.
    pub hosts: Seen,
}

/// Whether the hosts that a run wanted can be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Seen {
    /// A broker has judged each of them.
    ByName,
    /// The jail has all of the host's network, and nothing was refused.
    AllAllowed,
    /// The jail has no network: no name was looked up.
    NoNetwork,
}

impl Seen {
    fn of_policy(policy: &Policy) -> Self {
        let grants = || policy.grants.iter().map(|entry| &entry.grant);
        if grants().any(|grant| matches!(grant, Grant::HostNetwork)) {
            return Self::AllAllowed;
        }
        let is_broker = |grant: &Grant| match grant {
            Grant::Network(grant) => grant.reaches_hosts(),
            _ => false,
        };
        if grants().any(is_broker) { Self::ByName } else { Self::NoNetwork }
    }
}
