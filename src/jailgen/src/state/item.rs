//! The plan of one run of many: the sealed one with a stage and ports of its own, and perhaps a
//! share of the limits. All other grants are the same by construction.

use std::io;
use std::path::{Path, PathBuf};

use jail_plan::stage::{self, BASE, UPPER, WORK, place};
use jail_plan::{Access, Controlled, Expansion, HostOp, HostText, InsideOp, Lifetime, Plan, Stage};

use super::shell::{ShellError, derive};
use super::{State, name, trust};

/// Whether a run gets the limits of the spec, or a share of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sharing {
    Each,
    /// This part of the memory and of the processors.
    Among(u64),
}

/// What is changed for an item.
#[derive(Clone, Copy, Debug)]
pub struct ItemPlan<'a> {
    /// The folder of the plans of a batch.
    pub plans: &'a Path,
    /// The item's name, which its stage gets.
    pub item: &'a str,
    pub sharing: Sharing,
}

/// The smallest share of the processors, in hundredths of one.
const CPU_MIN: u64 = 1;

/// Derives the plan of an item's run from a wrapper, and returns where it is: run it like the
/// wrapper.
///
/// # Errors
/// See [`ShellError`].
pub fn item_plan(wrapper: &Path, wanted: ItemPlan<'_>) -> Result<PathBuf, ShellError> {
    let ItemPlan { plans, item, sharing } = wanted;
    let failed = |error| ShellError::Io { path: plans.into(), error };
    if !stage::is_name(item) {
        return Err(failed(io::Error::other(format!("`{item}` is no name of a stage"))));
    }
    let derived = derive(wrapper, |plan| {
        own_stage(plan, item).map_err(failed)?;
        own_ports(plan);
        if let Sharing::Among(jobs) = sharing {
            share(plan, jobs);
        }
        // A batch that is killed leaves no jail behind, whatever the spec says.
        plan.lifetime = Lifetime::Launcher;
        let folder = plans.join(name(&trust::place(wrapper)));
        Ok(folder.join(format!("{}{}{item}", plan.name, stage::ITEM)))
    })?;
    Ok(derived.wrapper)
}

impl State {
    /// Whether what was started is the plan of an item whose wrapper is this one.
    pub(super) fn is_item_of(&self, started: &Path, wrapper: &Path) -> bool {
        let folder = started.parent().filter(|folder| folder.starts_with(self.many()));
        folder.and_then(Path::file_name).is_some_and(|folder| *folder == *name(wrapper))
    }
}

/// What a jail does with the folder that it is started in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InFolder {
    /// It writes the folder itself.
    Writes,
    /// It writes to a stage.
    Stages,
    /// It writes nothing of it.
    ReadsOnly,
}

impl InFolder {
    #[must_use]
    pub fn of_plan(plan: &Plan) -> Self {
        match stage::folder(plan) {
            Some(folder) if folder.stage.is_some() => Self::Stages,
            Some(folder) if folder.access == Access::ReadWrite => Self::Writes,
            Some(_) | None => Self::ReadsOnly,
        }
    }
}

/// The folders of the stage, where they are made and where they are used.
fn own_stage(plan: &mut Plan, item: &str) -> io::Result<()> {
    let Some(Stage { upper, work, base }) = stage::staged(plan).cloned() else { return Ok(()) };
    let jail = plan.name.clone();
    let moved = [(upper, UPPER), (work, WORK), (base, BASE)].map(|(before, part)| {
        let after = Expansion::parse(&place(&jail, item, part));
        let after = after.map_err(|error| io::Error::other(error.to_string()));
        after.map(|after| (before, HostText::PerFolder(after)))
    });
    let moved: Vec<(HostText, HostText)> = moved.into_iter().collect::<io::Result<_>>()?;
    let replace = |text: &mut HostText| {
        if let Some((_, after)) = moved.iter().find(|(before, _)| before == text) {
            text.clone_from(after);
        }
    };
    for step in &mut plan.before {
        if let HostOp::StateDirectory(directory) = &mut step.op {
            replace(&mut directory.path);
        }
    }
    for step in &mut plan.inside {
        if let InsideOp::Folder(folder) = &mut step.op
            && let Some(stage) = &mut folder.stage
        {
            [&mut stage.upper, &mut stage.work, &mut stage.base].into_iter().for_each(replace);
        }
    }
    Ok(())
}

/// Any free ports of the host in the place of numbers that only one run could have. Inside they
/// stay what they are.
fn own_ports(plan: &mut Plan) {
    let Some(network) = &mut plan.network else { return };
    for exposed in &mut network.egress.exposed {
        if exposed.to == 0 {
            exposed.to = exposed.from;
        }
        exposed.from = 0;
    }
}

fn share(plan: &mut Plan, jobs: u64) {
    let limits = plan.cgroup.iter_mut().flat_map(|group| &mut group.limits);
    for limit in limits {
        match limit.resource {
            Controlled::Memory => limit.value = (limit.value / jobs).max(1),
            Controlled::Cpu => limit.value = (limit.value / jobs).max(CPU_MIN),
            Controlled::Pids => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use jail_policy::{Entry, Grant, Limited, Origin, Policy, Text, VERSION};

    use super::*;
    use crate::seal::{Graph, Request, of_wrapper, seal};

    fn policy(stage: &str, memory: u64, lifetime: Lifetime) -> Policy {
        let grants = [
            Grant::Program { path: Text::literal("/x/bin/x") },
            Grant::Folder { access: Access::ReadWrite, to: None, stage: Some(stage.into()) },
            Grant::Limit { resource: Limited::Memory, value: memory },
            Grant::Limit { resource: Limited::Cpu, value: memory },
            Grant::Limit { resource: Limited::Pids, value: 100 },
            Grant::Lifetime { lifetime },
        ];
        let by = |index| Origin { combinator: "test".into(), index };
        let entry = |(index, grant)| Entry { by: by(index), grant };
        Policy {
            version: VERSION,
            name: "jailed-x".into(),
            grants: (0..).zip(grants).map(entry).collect(),
            places: std::collections::BTreeMap::default(),
        }
    }

    fn wrapper(policy: &Policy) -> String {
        let store = "/nix/store/44444444444444444444444444444444-t/bin/t";
        let request = Request {
            policy,
            graph: &Graph::new("/nix/store", []).unwrap(),
            stub: store,
            host: store,
            broker: store,
            out: "/nix/store/none",
            arch: std::env::consts::ARCH,
            filters: &[],
        };
        seal(&request).unwrap().wrapper
    }

    /// The derived plan is what a spec with that stage and those limits is sealed to.
    #[test]
    fn the_plan_of_an_item_differs_in_its_stage_and_in_its_share_and_in_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let plans = folder.path().join("many/batch/plans");
        let sealed = folder.path().join("jailed-x");
        let text = wrapper(&policy("default", 900, Lifetime::Payload));
        std::fs::write(&sealed, text).unwrap();
        for (sharing, memory) in [(Sharing::Each, 900), (Sharing::Among(3), 300)] {
            let wanted = ItemPlan { plans: &plans, item: "a.b", sharing };
            let derived = item_plan(&sealed, wanted).unwrap();
            let found = of_wrapper(&std::fs::read(&derived).unwrap()).unwrap();
            let expected = wrapper(&policy("a.b", memory, Lifetime::Launcher));
            assert_eq!(found, of_wrapper(expected.as_bytes()).unwrap());
            assert!(derived.ends_with("jailed-x@a.b"), "{derived:?}");
            let state = State::at(folder.path());
            assert!(state.is_item_of(&derived, &sealed.canonicalize().unwrap()));
            assert!(!state.is_item_of(&derived, Path::new("/x/jailed-x")));
        }
        // The share of one is not nothing.
        let wanted = ItemPlan { plans: &plans, item: "a", sharing: Sharing::Among(4096) };
        let derived = item_plan(&sealed, wanted).unwrap();
        let plan = std::fs::read(derived).unwrap();
        let plan = jail_plan::Wrapper::parse(&plan).unwrap().plan;
        assert!(plan.cgroup.unwrap().limits.iter().all(|limit| limit.value > 0));
        for item in ["../a", "", "a b", "-a"] {
            assert!(
                item_plan(&sealed, ItemPlan { plans: &plans, item, sharing: Sharing::Each })
                    .is_err()
            );
        }
    }
}
