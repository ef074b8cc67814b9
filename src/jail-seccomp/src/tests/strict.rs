//! The strict filters: what their lists leave, and how they answer the rest.

use super::{
    ALLOW, Answer, Base, Compiled, DEFAULT, Errno, NO_SYS, OnDeny, PERM, Policy, STRICT, answers,
    exists, matching,
};

#[test]
fn a_strict_filter_leaves_what_is_on_its_list_and_kills_the_rest() {
    let is = |policy: &Policy, name: &str, arguments: &[u64], answer| {
        answers(policy, name, arguments, answer);
    };
    for name in ["read", "openat", "execve", "wait4", "futex"] {
        is(&STRICT, name, &[], ALLOW);
    }
    for name in ["mlockall", "semget", "vmsplice", "msgget", "acct"] {
        is(&STRICT, name, &[], if name == "acct" { PERM } else { Answer::Kill });
    }
    // What is on the list is under the checks of the default.
    is(&STRICT, "ioctl", &[0, 0x5412], PERM);
    is(&STRICT, "clone", &[0x1000_0011], PERM);
    is(&STRICT, "clone3", &[], NO_SYS);
    is(&STRICT, "socket", &[40, 1], Answer::Errno(Errno::AfNoSupport));
    let errno = Policy { on_deny: Some(OnDeny::Errno), ..STRICT };
    is(&errno, "mlockall", &[], PERM);
    let log = Policy { on_deny: Some(OnDeny::Log), ..STRICT };
    is(&log, "mlockall", &[], Answer::Log);
    is(&log, "bpf", &[], PERM);
    let more = Policy { allow: vec![matching("mlockall", &[])], ..STRICT };
    is(&more, "mlockall", &[], ALLOW);
    let pi = Policy { base: Base::Strict { agent: Some("pi".into()) }, ..DEFAULT };
    is(&pi, "sched_setscheduler", &[], Answer::Kill);
    is(&STRICT, "sched_setscheduler", &[], ALLOW);
}

#[test]
fn a_strict_filter_refuses_with_the_same_error_what_the_default_refuses() {
    let agent = |name: &str| Policy { base: Base::Strict { agent: Some(name.into()) }, ..DEFAULT };
    let errno = Policy { on_deny: Some(OnDeny::Errno), ..STRICT };
    let kill = Policy { on_deny: Some(OnDeny::Kill), ..STRICT };
    let policies = [STRICT, errno, kill, agent("claude-code"), agent("pi"), agent("qwen-code")];
    for policy in policies.map(|policy| Compiled::new(&policy)) {
        for name in ["ptrace", "mount", "chroot", "bpf", "io_uring_setup", "keyctl", "swapon"] {
            policy.answers(name, &[], PERM);
        }
        policy.answers("uselib", &[], NO_SYS);
        // Its mode has the set-user-id bit, and no list has the call.
        policy.answers("mq_open", &[0, 0x42, 0o4755], PERM);
    }
    answers(&STRICT, "mq_open", &[0, 0x42, 0o755], Answer::Kill);
}

#[test]
fn every_agents_list_contains_the_general_one() {
    let list = |agent| crate::strict::list(agent).collect::<std::collections::BTreeSet<&str>>();
    let all = list(None);
    for agent in crate::strict::agents() {
        let own = list(Some(agent));
        for general in crate::strict::general() {
            assert!(own.contains(general), "{agent}: {general}");
        }
        assert!(own.is_subset(&all), "{agent}");
    }
}

#[test]
fn the_strict_lists_name_calls_that_exist_and_are_as_short_as_is_said() {
    for agent in [None, Some("claude-code"), Some("codex"), Some("pi"), Some("nobody")] {
        let list: std::collections::BTreeSet<&str> = crate::strict::list(agent).collect();
        for name in &list {
            assert!(exists(name), "{name}");
        }
        assert!((60..230).contains(&list.len()), "{agent:?}: {}", list.len());
        for needed in [
            "wait4",
            "kill",
            "sendto",
            "close_range",
            "clone",
            "execve",
            "prctl",
            "ioctl",
            "setpgid",
            "umask",
            "rt_sigprocmask",
            "exit_group",
            "seccomp",
        ] {
            assert!(list.contains(needed), "{agent:?}: {needed}");
        }
    }
}
