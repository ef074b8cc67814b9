//! What the presets of this version grant by themselves: choosing an agent is choosing that, so it
//! is not asked about.

use std::sync::LazyLock;

use jail_lang::{Limits, MemorySources, evaluate};
use jail_policy::{Grant, Policy, concern, normalise};
use jail_registry::{BUILDERS, Symbolic, lower};

/// A preset's program, and what it grants that would be worth a question.
struct Usual {
    program: Grant,
    grants: Vec<Grant>,
}

/// What the preset with this policy's program grants by itself.
pub(super) fn usual(policy: &Policy) -> Vec<Grant> {
    static PRESETS: LazyLock<Vec<Usual>> = LazyLock::new(all);
    let program = |usual: &&Usual| policy.grants.iter().any(|entry| entry.grant == usual.program);
    PRESETS.iter().find(program).map_or_else(Vec::new, |usual| usual.grants.clone())
}

/// They are compiled like a spec, so there is no second list of what they grant.
fn all() -> Vec<Usual> {
    let names = BUILDERS.iter().filter(|builder| builder.preset.is_some());
    names.filter_map(|builder| compiled(&format!("{} {{ }}", builder.name))).collect()
}

fn compiled(spec: &str) -> Option<Usual> {
    let outcome = evaluate(&MemorySources::new([("x.jail", spec)]), "x.jail", Limits::SPEC);
    let policy = lower(outcome.spec?.jails.first()?, &Symbolic, &|_| String::new()).ok()?.policy;
    let grants = normalise(policy.grants);
    let is_program = |grant: &Grant| matches!(grant, Grant::Program { .. });
    let program = grants.iter().map(|entry| &entry.grant).find(|grant| is_program(grant))?.clone();
    let worrying = grants.into_iter().filter(|entry| concern(entry).is_some());
    Some(Usual { program, grants: worrying.map(|entry| entry.grant).collect() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_is_known() {
        let presets = BUILDERS.iter().filter(|builder| builder.preset.is_some()).count();
        assert_eq!(all().len(), presets);
        assert!(all().iter().all(|usual| !usual.grants.is_empty()));
    }
}
