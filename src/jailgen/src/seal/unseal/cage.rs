//! The rules of a cage, as grants.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use jail_plan::{Access, Beneath, HostOp, HostText, LandlockRule, Reach, StartIn};
use jail_policy::{Grant, Scope};

use super::{Draft, text};
use jail_seccomp::{Arch, Sockets, cage_program};

pub(super) fn add(draft: &mut Draft<'_>) {
    let plan = draft.plan;
    let by = plan.landlock.by.as_str();
    let name = plan.name.strip_suffix(jail_registry::CAGE_SUFFIX).unwrap_or(&plan.name);
    let alias = format!("jailed-{name}");
    draft.add(by, Grant::Cage { alias, datagrams: has_datagrams(draft) });
    let (connect, bind) = (plan.landlock.connect.clone(), plan.landlock.bind.clone());
    draft.add(by, Grant::Ports { connect, bind });
    for rule in &plan.landlock.rules {
        match rule {
            LandlockRule::Path(place) => ruled(draft, place),
            LandlockRule::Folder(found) => {
                draft.add(
                    &found.by,
                    Grant::Folder { access: Access::ReadWrite, to: None, stage: None },
                );
            }
            LandlockRule::Closure(found) => {
                draft.add(&found.by, Grant::Store { scope: Scope::Closure });
            }
            // What the launcher gave is not a grant of the spec's.
            LandlockRule::Bound(_) | LandlockRule::Standard(_) => {}
        }
    }
}

fn ruled(draft: &mut Draft<'_>, place: &Beneath) {
    let Beneath { path, reach, missing, by } = place;
    let state = draft.plan.before.iter().find_map(|step| match &step.op {
        HostOp::StateDirectory(made) if made.path == *path && step.by == *by => {
            Some(Grant::StateDirectory { path: text(path), to: text(path) })
        }
        HostOp::StateFile(made) if made.path == *path && step.by == *by => {
            Some(Grant::StateFile { path: text(path), to: text(path) })
        }
        HostOp::GitIdentity(to) if to == path && step.by == *by => {
            Some(Grant::GitIdentity { to: text(to) })
        }
        HostOp::LoginProfile(to) if to == path && step.by == *by => {
            Some(Grant::LoginProfile { to: text(to) })
        }
        _ => None,
    });
    let is_store = *path == HostText::Literal(draft.plan.closure.store.clone());
    draft.add(
        by,
        match state {
            Some(state) => state,
            None if is_store && *reach == Reach::Rox => Grant::Store { scope: Scope::Whole },
            None => Grant::Reach { path: text(path), reach: *reach, missing: *missing },
        },
    );
    if draft.plan.start == StartIn::Path(path.clone()) && reach.writes() {
        draft.add(
            by,
            Grant::Folder { access: Access::ReadWrite, to: Some(text(path)), stage: None },
        );
    }
}

/// Whether sockets for datagrams can be made. The filter in the plan decides that.
fn has_datagrams(draft: &Draft<'_>) -> bool {
    let with = |arch| BASE64_STANDARD.encode(cage_program(arch, Sockets::TcpAndUdp));
    draft.plan.seccomp.first().is_some_and(|filter| {
        Arch::from_nix(&filter.arch).is_some_and(|arch| with(arch) == filter.program)
    })
}
