//! Properties of every term, tested on random ones.

use jail_policy::{Grant, Policy, normalise};
use proptest::prelude::*;

use super::*;
use crate::{Symbolic, lower};

fn simple() -> impl Strategy<Value = Value> {
    let path =
        prop::sample::select(vec![s("/a"), s("/a/b"), x("~"), x("~/c"), x("$D/e"), s("bad")]);
    let name = prop::sample::select(vec![s("A"), s("PATH"), s("TZ"), s("1")]);
    prop_oneof![
        (prop::sample::select(vec!["readonly", "readwrite", "tmpfs", "state-dir"]), path)
            .prop_map(|(combinator, path)| p(combinator, [path])),
        (prop::sample::select(vec!["fwd-env", "try-fwd-env", "unset-env"]), name)
            .prop_map(|(combinator, name)| p(combinator, [name])),
        prop::sample::select(vec![
            p("network", []),
            p("mount-cwd", []),
            p("mount-cwd-readonly", []),
            p("workspace", [s("/w")]),
            p("time-zone", []),
            p("reset", []),
            p("base", []),
            p("persist-home", [s("h")]),
            p("share-ns", [s("uts")]),
            p("set-hostname", [s("h")]),
            p("wrap-entry", [script("@@ \"$@\"")]),
            p("set-argv", [list([x("$@")])]),
            p("add-pkg-deps", [list([pkg("git"), pkg("jq")])]),
        ]),
    ]
}

fn permission() -> impl Strategy<Value = Value> {
    simple().prop_recursive(3, 12, 3, |inner| {
        let many = prop::collection::vec(inner.clone(), 0..3)
            .prop_map(|inner| Value::List(inner.into_iter().map(crate::Placed::nowhere).collect()));
        prop_oneof![
            many.clone().prop_map(|many| p("compose", [many])),
            many.prop_map(|many| p("defer", [many])),
            inner.prop_map(|inner| p("include-once", [s("k"), inner])),
        ]
    })
}

fn permissions() -> impl Strategy<Value = Vec<Value>> {
    prop::collection::vec(permission(), 0..8)
}

fn policy(permissions: Vec<Value>) -> Option<Policy> {
    lower(&jail(permissions), &Symbolic, &|_| String::new()).ok().map(|lowered| lowered.policy)
}

fn count(policy: &Policy, is: impl Fn(&Grant) -> bool) -> usize {
    policy.grants.iter().filter(|entry| is(&entry.grant)).count()
}

proptest! {
    #[test]
    fn lowering_is_a_function(permissions in permissions()) {
        let lowered = || lowered_whole(&jail(permissions.clone()));
        prop_assert_eq!(lowered(), lowered());
    }

    #[test]
    fn a_policy_is_normal_and_names_one_program_and_one_folder(permissions in permissions()) {
        let Some(policy) = policy(permissions) else { return Ok(()) };
        prop_assert_eq!(&normalise(policy.grants.clone()), &policy.grants);
        prop_assert_eq!(count(&policy, |grant| matches!(grant, Grant::Program { .. })), 1);
        let folders = count(&policy, |grant| matches!(grant, Grant::Folder { .. }));
        prop_assert!(folders <= 1, "{}", folders);
    }

    #[test]
    fn a_list_means_what_its_elements_mean(permissions in permissions()) {
        let list = Value::List(permissions.iter().cloned().map(crate::Placed::nowhere).collect());
        let grants = |policy: Option<Policy>| {
            policy.map(|policy| policy.grants.into_iter().map(|entry| entry.grant).collect::<Vec<_>>())
        };
        prop_assert_eq!(grants(policy(vec![p("compose", [list])])), grants(policy(permissions)));
    }

    #[test]
    fn reset_leaves_nothing_of_what_came_before(before in permissions(), after in permissions()) {
        let grants = |policy: Option<Policy>| {
            policy.map(|policy| policy.grants.into_iter().map(|entry| entry.grant).collect::<Vec<_>>())
        };
        // A bad argument is reported wherever it is.
        if policy(before.clone()).is_none() {
            return Ok(());
        }
        let alone = [vec![p("reset", [])], after].concat();
        let both = [before, alone.clone()].concat();
        prop_assert_eq!(grants(policy(both)), grants(policy(alone)));
    }

    #[test]
    fn without_a_folder_or_a_network_none_is_granted(permissions in permissions()) {
        let text = format!("{permissions:?}");
        let Some(policy) = policy(permissions) else { return Ok(()) };
        let said = |names: &[&str]| names.iter().any(|name| text.contains(&format!("\"{name}\"")));
        if !said(&["mount-cwd", "mount-cwd-readonly", "workspace"]) {
            prop_assert_eq!(count(&policy, |grant| matches!(grant, Grant::Folder { .. })), 0);
        }
        if !said(&["network"]) {
            prop_assert_eq!(count(&policy, |grant| *grant == Grant::HostNetwork), 0);
        }
    }

    #[test]
    fn what_is_no_term_is_refused_and_nothing_worse(text in "[\\[\\]{}\":,a-z0-9 ]{0,200}") {
        prop_assert!(crate::Term::from_json(&text).is_err());
    }
}
