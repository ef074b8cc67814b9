//! The parts of a plan outside the lists of operations: the program, namespaces, limits, variables.

use jail_plan::{
    Argument, Controlled, EnvOp, Expansion, Handled, HostText, Ids, InsideOp, Lifetime, Missing,
    Namespace, Otherwise, Resource, StartIn, Step, Terminal,
};
use jail_policy::{BASE, Grant, IdKind, Limited, Text, Wall, Zone};
use jail_registry::names;

use super::{Draft, calls, text};
use crate::seal::java;

pub(super) fn program(draft: &mut Draft<'_>) {
    let mut words = draft.plan.argv.iter();
    let by = draft.places.keys().find(|by| by.ends_with("#0")).cloned();
    let by = by.unwrap_or_else(|| "jail#0".into());
    if let Some(Argument::Text(path)) = words.next() {
        draft.add(&by, Grant::Program { path: text(path) });
    }
    if words.clone().ne([&Argument::All]) {
        let words = words.map(|word| match word {
            Argument::All => jail_policy::Argument::All,
            Argument::Text(word) => jail_policy::Argument::Text(text(word)),
        });
        let grant = Grant::Arguments { words: words.collect() };
        draft.add_of(&[names::SET_ARGV], grant);
    }
}

pub(super) fn of_a_jail(draft: &mut Draft<'_>) {
    namespaces(draft);
    process(draft);
    limits(draft);
    landlock(draft);
    calls::add(draft);
}

fn namespaces(draft: &mut Draft<'_>) {
    for namespace in Namespace::ALL {
        if draft.plan.namespaces.contains(&namespace) {
            continue;
        }
        // Both can be granted at once; `network` means that.
        let is_network = draft.applied(&[names::NETWORK]).is_some()
            || draft.applied(&[names::SHARE_NS]).is_none();
        if namespace == Namespace::Net && is_network {
            draft.add_of(&[names::NETWORK], Grant::HostNetwork);
        } else {
            draft.add_of(&[names::SHARE_NS], Grant::ShareNamespace { namespace });
        }
    }
}

fn process(draft: &mut Draft<'_>) {
    let plan = draft.plan;
    if let Some(name) = &plan.hostname {
        draft.add_of(&[BASE, names::SET_HOSTNAME], Grant::Hostname { name: name.clone() });
    }
    let by: &[&str] = match plan.terminal {
        Terminal::Keep => &[BASE, names::NO_NEW_SESSION],
        Terminal::NewSession => &[names::NEW_SESSION],
        Terminal::Shared => &[names::SHARE_TERMINAL],
    };
    draft.add_of(by, Grant::Terminal { terminal: plan.terminal });
    let by: &[&str] = match plan.lifetime {
        Lifetime::Launcher => &[],
        Lifetime::Payload => &[names::NO_DIE_WITH_PARENT],
    };
    draft.add_of(by, Grant::Lifetime { lifetime: plan.lifetime });
    match &plan.ids {
        Ids::Caller => {}
        Ids::Shown(ids) => {
            for (kind, id) in [(IdKind::User, ids.uid), (IdKind::Group, ids.gid)] {
                if let Some(id) = id {
                    draft.add(&ids.by, Grant::ShownId { kind, id });
                }
            }
        }
        Ids::Dedicated(user) => {
            draft.add(&user.by, Grant::DedicatedUser { name: user.name.clone() });
        }
    }
    start(draft);
}

/// A jail without a working folder starts in its home folder, or at the root, unless the plan names
/// another folder.
fn start(draft: &mut Draft<'_>) {
    let StartIn::Path(path) = &draft.plan.start else { return };
    let has_folder = draft.plan.inside.iter().any(|step| matches!(step.op, InsideOp::Folder(_)));
    if has_folder || !matches!(path.source(), "~" | "$HOME" | "${HOME}" | "/") {
        draft.add_of(&[names::UNSAFE_ADD_RAW_ARGS], Grant::StartIn { path: text(path) });
    }
}

fn limits(draft: &mut Draft<'_>) {
    let plan = draft.plan;
    for limit in plan.cgroup.iter().flat_map(|group| &group.limits) {
        let resource = match limit.resource {
            Controlled::Memory => Limited::Memory,
            Controlled::Pids => Limited::Pids,
            Controlled::Cpu => Limited::Cpu,
        };
        draft.add(&limit.by, Grant::Limit { resource, value: limit.value });
    }
    for limit in &plan.limits {
        let (by, resource) = match limit.resource {
            // No jail dumps core.
            Resource::Core => continue,
            Resource::Files => (names::LIMIT_FILES, Limited::Files),
            Resource::FileSize => (names::LIMIT_FILE_SIZE, Limited::FileSize),
        };
        draft.add_of(&[by], Grant::Limit { resource, value: limit.value });
    }
    if let Some(time) = &plan.time {
        draft.add(&time.by, Grant::Limit { resource: Limited::Time, value: time.seconds });
    }
    let best_effort = |otherwise| otherwise == Otherwise::BestEffort;
    if plan.cgroup.as_ref().is_some_and(|group| best_effort(group.otherwise)) {
        draft.add_of(&[names::BEST_EFFORT], Grant::BestEffort);
    }
}

fn landlock(draft: &mut Draft<'_>) {
    let landlock = &draft.plan.landlock;
    let unsaid = format!("{}#0", names::LANDLOCK);
    let by = if landlock.by.is_empty() { &unsaid } else { &landlock.by };
    if landlock.handles.contains(&Handled::Execution) {
        draft.add(by, Grant::Wall { wall: Wall::Full });
    } else if landlock.least == Handled::Writes.since() {
        draft.add(by, Grant::Wall { wall: Wall::Writes });
    } else if landlock.least > 0 {
        draft.add(by, Grant::LandlockAbi { least: landlock.least });
    }
    if !landlock.handles.contains(&Handled::Writes) {
        draft.add_of(&[names::ALLOW_NESTED_SANDBOX], Grant::NestedSandbox);
    }
}

const PATH: &str = "PATH";
const TIME_ZONE: &str = "TZ";

/// Whose variables are variables, whatever they are called.
const PLAIN: &[&str] = &[names::SET_ENV, names::FWD_ENV, names::TRY_FWD_ENV];

pub(super) fn environment(draft: &mut Draft<'_>) {
    for Step { by, op } in &draft.plan.env {
        let is_plain = PLAIN.contains(&by.split('#').next().unwrap_or_default());
        match op {
            EnvOp::Set(set) => match (set.name.as_str(), &set.value) {
                (PATH, value) if !is_plain => path(draft, by, value),
                // It belongs to the authorities, wherever there is a Java.
                (java::VARIABLE, HostText::Literal(options)) if options == java::OPTIONS => {}
                (TIME_ZONE, HostText::Literal(zone)) if !is_plain && zone == "UTC" => {
                    draft.add(by, Grant::TimeZone { zone: Zone::Utc });
                }
                (name, value) => {
                    let (name, value) = (name.to_owned(), text(value));
                    draft.add(by, Grant::SetEnv { name, value });
                }
            },
            EnvOp::Forward(forward) => {
                let is_zone = forward.name == TIME_ZONE && forward.missing == Missing::Skip;
                let (name, missing) = (forward.name.clone(), forward.missing);
                draft.add(
                    by,
                    match is_zone && !is_plain {
                        true => Grant::TimeZone { zone: Zone::Host },
                        false => Grant::ForwardEnv { name, missing },
                    },
                );
            }
        }
    }
}

/// The folders of PATH. The plan contains the origin of the first one only.
fn path(draft: &mut Draft<'_>, by: &str, value: &HostText) {
    let folders: Vec<&str> = value.source().split(':').collect();
    let is_expanded = match value {
        HostText::Literal(_) => false,
        HostText::Expand(_) | HostText::PerFolder(_) => true,
    };
    // A colon in a default would be torn apart.
    let is_whole = |folder: &&str| Expansion::parse(folder).is_ok();
    if is_expanded && !folders.iter().all(is_whole) {
        return draft.add(by, Grant::SetEnv { name: PATH.into(), value: text(value) });
    }
    for (index, folder) in folders.iter().enumerate().rev() {
        let folder = if is_expanded { Text::expanded(*folder) } else { Text::literal(*folder) };
        match index {
            0 => draft.add(by, Grant::AddPath { folder }),
            _ => draft.add_of(&[], Grant::AddPath { folder }),
        }
    }
}
