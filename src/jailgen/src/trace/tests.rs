//! What calls come to, without a jail.

use expect_test::{Expect, expect};
use jail_policy::{CallBase, Entry, Grant, OnDeny, Origin, Policy, VERSION};

use super::*;

const X86_64: u32 = 0xc000_003e;
const I386: u32 = 0x4000_0003;

const READ: u64 = 0;
const IOCTL: u64 = 16;
const PTRACE: u64 = 101;
const MLOCKALL: u64 = 151;
const TIOCSTI: u64 = 0x5412;

fn policy(grants: Vec<Grant>) -> Policy {
    let by = Origin { combinator: "seccomp".into(), index: 0 };
    let grants = grants.into_iter().map(|grant| Entry { by: by.clone(), grant }).collect();
    Policy { version: VERSION, name: "demo".into(), grants, places: [].into() }
}

fn rules(allow: &[&str], deny: &[&str], on_deny: Option<OnDeny>) -> Grant {
    let owned = |calls: &[&str]| calls.iter().map(|call| (*call).to_owned()).collect();
    Grant::CallRules { allow: owned(allow), deny: owned(deny), on_deny }
}

/// Calls of `x`, with 0 and a request for arguments.
fn report(grants: Vec<Grant>, agent: Option<&str>, calls: &[(u32, u64, u64)]) -> Report {
    let filters = Filters::for_run(&policy(grants), agent, Arch::X86_64, Folder::Plain).unwrap();
    let mut trace = Trace::under_filters(&[filters.default()], filters);
    for (arch, number, request) in calls {
        let arguments = [0, *request, 0, 0, 0, 0];
        trace.add(&Call { program: "x", arch: *arch, number: *number, arguments });
    }
    trace.report("demo")
}

#[track_caller]
fn check(grants: Vec<Grant>, calls: &[(u32, u64, u64)], expected: &Expect) {
    let text = render(&report(grants, None, calls), 80);
    expected.assert_eq(&anstream::adapter::strip_str(&text).to_string());
}

#[test]
fn a_call_is_held_against_both_filters_with_its_arguments() {
    let calls = [
        (X86_64, READ, 0),
        (X86_64, READ, 1),
        (X86_64, IOCTL, 0),
        (X86_64, IOCTL, TIOCSTI),
        (X86_64, PTRACE, 0),
        (X86_64, MLOCKALL, 0),
    ];
    check(
        Vec::new(),
        &calls,
        &expect![[r#"
        demo made 6 system calls of 4 kinds (x86_64)
                2  read                   x
                2  ioctl                  x [EPERM 1 of 2]
                1  ptrace                 x [EPERM]
                1  mlockall               x [strict: killed]

        Under `seccomp "strict"` (the general list)
          missing: mlockall
          to go on as now: (seccomp { allow = [ "mlockall" ]; })
    "#]],
    );
}

#[test]
fn what_a_spec_says_already_is_said_again() {
    let said = rules(&["flistxattr"], &["socket(0=16)"], Some(OnDeny::Kill));
    let report = report(vec![said], None, &[(X86_64, MLOCKALL, 0), (X86_64, PTRACE, 0)]);
    let expected = r#"(seccomp { allow = [ "flistxattr" "mlockall" ]; deny = [ "socket(0=16)" ]; onDeny = "kill"; })"#;
    assert_eq!(report.add.as_deref(), Some(expected));
}

#[test]
fn a_line_that_was_pasted_leaves_nothing_to_say() {
    let said = rules(&["mlockall"], &[], Some(OnDeny::Errno));
    let strict = Grant::SystemCalls { base: CallBase::Strict { agent: None } };
    let report = report(vec![strict, said], None, &[(X86_64, MLOCKALL, 0), (X86_64, PTRACE, 0)]);
    assert_eq!((report.missed, report.add), (Vec::new(), None));
}

#[test]
fn the_list_is_that_of_the_agent_unless_the_spec_names_one() {
    const SCHEDULER: (u32, u64, u64) = (X86_64, 144, 0);
    assert_eq!(report(Vec::new(), None, &[SCHEDULER]).add, None);
    let pi = report(Vec::new(), Some("pi"), &[SCHEDULER]);
    assert_eq!(
        (pi.agent.as_deref(), pi.missed),
        (Some("pi"), vec!["sched_setscheduler".to_owned()])
    );
    let general = Grant::SystemCalls { base: CallBase::Strict { agent: None } };
    assert_eq!(report(vec![general], Some("pi"), &[SCHEDULER]).add, None);
}

#[test]
fn numbers_that_are_no_call_are_one_line_however_many() {
    let numbers = (0..5000).map(|number| (X86_64, 0x4000_0000 + number, 0));
    let foreign = (0..10).map(|number| (I386, number, 0));
    let calls: Vec<_> = numbers.chain(foreign).collect();
    check(
        Vec::new(),
        &calls,
        &expect![[r#"
        demo made 5010 system calls of 1 kinds (x86_64)
             5010  (no call of this processor) x [killed]

        Under `seccomp "strict"` (the general list)
          each of them would end the same way
    "#]],
    );
    let one = report(Vec::new(), None, &calls).calls;
    assert!(one.len() == 1 && one[0].count == 5010 && one[0].number.is_none(), "{one:?}");
}

#[test]
fn a_jail_cannot_make_the_list_of_programs_endless() {
    let filters = Filters::for_run(&policy(Vec::new()), None, Arch::X86_64, Folder::Plain).unwrap();
    let mut trace = Trace::under_filters(&[filters.default()], filters);
    for index in 0..1000 {
        let program = format!("p{index}");
        trace.add(&Call { program: &program, arch: X86_64, number: READ, arguments: [0; 6] });
    }
    assert_eq!(trace.report("demo").calls[0].programs.len(), PROGRAMS_MAX);
}
