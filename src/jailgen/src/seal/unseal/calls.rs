//! Which rules a filter of system calls was compiled from. A plan holds the filter, so each that is
//! likely is compiled again.

use jail_plan::SeccompProgram;
use jail_policy::{CallBase, Grant, Text};
use jail_registry::{PRESETS, names};

use super::super::filter::{WorkingFolder, is_strict, own};
use super::Draft;
use jail_seccomp::{Arch, Base, Policy};

/// The combinators that configure system calls.
const BY: &[&str] = &[names::SECCOMP];

pub(super) fn add(draft: &mut Draft<'_>) {
    let mut filters = draft.plan.seccomp.iter();
    let Some(first) = filters.next() else { return };
    let is_nested = draft.grants.iter().any(|entry| matches!(entry.grant, Grant::NestedSandbox));
    match base(first, is_nested) {
        Some(Base::Default) => {}
        Some(Base::Strict { agent }) => {
            draft.add_of(BY, Grant::SystemCalls { base: CallBase::Strict { agent } });
        }
        None => {
            if is_strict(first) {
                let base = CallBase::Strict { agent: None };
                draft.add_of(BY, Grant::SystemCalls { base });
            }
            let (allow, deny, on_deny) = (Vec::new(), Vec::new(), None);
            draft.add_of(BY, Grant::CallRules { allow, deny, on_deny });
        }
    }
    for filter in filters {
        draft.add_of(
            &[names::ADD_SECCOMP],
            Grant::Filter { path: Text::literal(filter.name.clone()) },
        );
    }
}

/// The base of a filter that has no further rules.
fn base(filter: &SeccompProgram, nested_sandbox: bool) -> Option<Base> {
    let arch = Arch::from_nix(&filter.arch)?;
    let strict = |agent: Option<String>| Base::Strict { agent };
    let agents = PRESETS.iter().map(|preset| Some(preset.package.to_owned()));
    let likely: Vec<Base> = match is_strict(filter) {
        true => [None].into_iter().chain(agents).map(strict).collect(),
        false => vec![Base::Default],
    };
    likely.into_iter().find(|base| {
        let policy = Policy { base: base.clone(), nested_sandbox, ..Policy::DEFAULT };
        own(arch, &policy, WorkingFolder::Closed).is_ok_and(|own| own.program == filter.program)
    })
}
