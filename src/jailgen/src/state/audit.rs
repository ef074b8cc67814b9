//! An audit's plan: derived from the sealed one, so with the same grants, and the probe for the
//! program.

use std::path::{Path, PathBuf};

use jail_plan::{
    Access, Argument, Beneath, Bind, Deep, HostText, InsideOp, JailPath, LandlockRule, Missing,
    Places, Plan, Reach, Step,
};

use crate::audit::plant;

use super::State;
use super::shell::{Derived, ShellError, derive};
use super::trust::place;

/// Where the probe is inside. No grant puts anything there: a jail's root has no names of its own
/// that begin with a dot.
const PLACE: &str = "/.jailgen-probe";

/// Its origin in the plan.
const BY: &str = "audit#0";

/// The plan of an audit.
#[derive(Debug)]
pub struct AuditPlan {
    /// Where it is: it is run like a wrapper, and takes attempts on standard input.
    pub wrapper: PathBuf,
    /// The plan that it was derived from.
    pub plan: Plan,
    /// The place of each origin in the spec.
    pub places: Places,
}

/// Derives the plan of an audit from a wrapper.
///
/// # Errors
/// See [`ShellError`].
pub fn audit(state: &State, wrapper: &Path, probe: &Path) -> Result<AuditPlan, ShellError> {
    let mut sealed = None;
    let Derived { wrapper, places, .. } = derive(wrapper, |plan| {
        sealed = Some(plan.clone());
        plant(plan);
        let program = if plan.namespaces.is_empty() {
            at_its_place(plan, probe)
        } else {
            mounted(plan, probe)
        };
        plan.argv =
            [program, "--many".into()].map(|word| Argument::Text(HostText::Literal(word))).to_vec();
        Ok(state.audit_plan(&place(wrapper)))
    })?;
    let plan = sealed.ok_or_else(|| ShellError::NoBash { jail: String::new() })?;
    Ok(AuditPlan { wrapper, plan, places })
}

/// Without mounts the probe is where it is, and may be executed there.
fn at_its_place(plan: &mut Plan, probe: &Path) -> String {
    let program = probe.display().to_string();
    plan.landlock.rules.push(LandlockRule::Path(Beneath {
        path: HostText::Literal(program.clone()),
        reach: Reach::Rox,
        missing: Missing::Fail,
        by: BY.into(),
    }));
    program
}

fn mounted(plan: &mut Plan, probe: &Path) -> String {
    let place = if has_the_hosts_root(plan) { probe.display().to_string() } else { PLACE.into() };
    let bind = Step::new(
        BY,
        InsideOp::Bind(Bind {
            from: HostText::Literal(probe.display().to_string()),
            to: HostText::Literal(place.clone()),
            access: Access::ReadOnly,
            missing: Missing::Fail,
        }),
    );
    // Before the root becomes read-only, and over everything on it.
    let end = plan.inside.iter().position(|step| matches!(step.op, InsideOp::RemountReadOnly(_)));
    // Where the plan restricts reading and execution too, the probe needs its rule.
    let rules = plan.landlock.rules_of(&bind, &plan.closure.store);
    plan.landlock.rules.extend(rules);
    plan.inside.insert(end.unwrap_or(plan.inside.len()), bind);
    place
}

/// Then there is no place of the audit's own, and the probe covers itself.
fn has_the_hosts_root(plan: &Plan) -> bool {
    plan.inside.iter().any(|step| match &step.op {
        InsideOp::Bind(Bind { from, to, .. }) => is_root(from) && is_root(to),
        InsideOp::Deep(Deep { from, .. }) => is_root(from),
        _ => false,
    })
}

fn is_root(path: &HostText) -> bool {
    JailPath::parse(path.source()).is_ok_and(|path| path.as_str() == "/")
}

#[cfg(test)]
mod tests {
    use super::is_root;
    use jail_plan::HostText;

    #[test]
    fn the_root_is_known_however_it_is_written() {
        let is = |path: &str| is_root(&HostText::Literal(path.into()));
        for path in ["/", "//", "/.", "/./"] {
            assert!(is(path), "{path}");
        }
        for path in ["/usr", "~", "", "/.."] {
            assert!(!is(path), "{path}");
        }
    }
}
