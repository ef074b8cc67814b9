//! E17: no file becomes set-user-id or set-group-id, by whatever call; and a jail in a
//! jail does without openat2(2).

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use jail_plan::{Access, Handled, InsideOp};

use crate::jail::{Caller, Jail, bind, callers, filter, stub};
use jail_seccomp::{Arch, Base, Policy, program};

/// Calls that give a mode, up to it, and what follows it. A descriptor of -1 shows whether the
/// kernel was asked at all.
const CALLS: &[(&str, &str, &str)] = &[
    ("chmod s:file", "", "ok 0"),
    ("fchmod -1", "", "errno 9"),
    ("fchmodat -100 s:file", "", "ok 0"),
    ("fchmodat2 -100 s:file", " 0", "ok 0"),
    ("creat s:new", "", "ok"),
    ("open s:new 0x41", "", "ok"),
    ("openat -100 s:new 0x41", "", "ok"),
    // O_TMPFILE, whose O_DIRECTORY each processor has at another place.
    ("openat -100 s:. 0x414002", "", "ok"),
    ("mknod s:node", " 0", "ok 0"),
    ("mknodat -100 s:node", " 0", "ok 0"),
];

/// A set-user-id and a set-group-id mode of a regular file.
const SET_USER_ID: &str = "0x89ed";
const SET_GROUP_ID: &str = "0x85ed";
const ORDINARY: &str = "0x81ed";

fn with_folder(jail: Jail, mode: u32) -> Jail {
    jail.file("project/file", "");
    fs::set_permissions(jail.project(), Permissions::from_mode(mode)).expect("its owner's");
    jail
}

pub(crate) fn with_policy(caller: Caller, policy: Policy) -> Jail {
    let arch = Arch::from_nix(std::env::consts::ARCH).expect("a processor that jails run on");
    let own = filter(&program(arch, &policy).expect("short enough"));
    Jail::new(caller).change(|plan| plan.seccomp = vec![own])
}

fn jails(caller: Caller) -> Vec<Jail> {
    let strict = Policy { base: Base::Strict { agent: None }, ..Policy::DEFAULT };
    let nested = Policy { nested_sandbox: true, ..Policy::DEFAULT };
    vec![Jail::new(caller), with_policy(caller, strict), with_policy(caller, nested)]
}

fn words(jail: &Jail, (call, after, _): &(&str, &str, &str), mode: &str) -> String {
    for made in ["new", "node"] {
        let _ = fs::remove_file(jail.project().join(made));
    }
    format!("call {call} {mode}{after}")
}

#[test]
fn no_call_makes_a_set_user_id_or_set_group_id_file() {
    for caller in callers() {
        for jail in jails(caller) {
            let jail = with_folder(jail, 0o755);
            for row in CALLS.iter().filter(|(call, ..)| exists(call)) {
                for mode in [SET_USER_ID, SET_GROUP_ID, "0x8fed"] {
                    let words = words(&jail, row, mode);
                    assert_eq!(jail.probe(&words), "errno 1", "{caller:?}: {words}");
                    let outside = jail.control(&words);
                    assert!(outside.starts_with(row.2), "the control: {words}: {outside}");
                }
                let words = words(&jail, row, ORDINARY);
                let inside = jail.probe(&words);
                assert!(inside.starts_with(row.2), "{caller:?}: {words}: {inside}");
            }
            assert_eq!(jail.probe("call openat2 -100 s:file z:24 24"), "errno 38", "{caller:?}");
            assert!(jail.control("call openat2 -100 s:file z:24 24").starts_with("ok"));
        }
    }
}

/// aarch64 has no `open`, `creat` and their like.
fn exists(call: &str) -> bool {
    call.split(' ').next().is_some_and(|name| name.parse::<syscalls::Sysno>().is_ok())
}

#[test]
fn in_a_set_group_id_folder_chmod_keeps_that_bit_and_no_other_call_sets_it() {
    for caller in callers() {
        let jail = with_folder(Jail::new(caller), 0o2775);
        for row in CALLS.iter().filter(|(call, ..)| exists(call)) {
            let is_chmod = row.0.contains("chmod");
            let expected = if is_chmod { row.2 } else { "errno 1" };
            assert_eq!(
                jail.probe(&words(&jail, row, SET_GROUP_ID)),
                expected,
                "{caller:?}: {row:?}"
            );
            assert_eq!(
                jail.probe(&words(&jail, row, SET_USER_ID)),
                "errno 1",
                "{caller:?}: {row:?}"
            );
        }
        jail.sh("mkdir sub && chmod 2770 sub && cp -a sub copy && stat -c %a sub copy")
            .prints("2770\n2770");
    }
}

#[test]
fn a_jail_gives_no_folder_the_set_group_id_bit_that_the_next_launch_would_go_by() {
    for caller in callers() {
        let jail = with_folder(Jail::new(caller), 0o755);
        // mkdir(2) leaves the bit out of its mode, and the filter lets it.
        jail.sh("/probe call mkdir s:sub 0x5ed; stat -c %a sub; chmod g+s . sub 2>/dev/null || echo refused")
            .prints("ok 0\n755\nrefused");
        assert_eq!(fs::metadata(jail.project()).expect("it").permissions().mode() & 0o7000, 0);
    }
}

#[test]
fn a_jail_in_a_jail_is_launched_without_openat2() {
    // Without capabilities root cannot be mapped, so the root of a jail makes none.
    for caller in callers().into_iter().filter(|caller| !caller.is_root()) {
        // The kernel lets nothing in a jail mount a /proc that shows more, and the
        // filter has no other name set.
        let inner = Jail::new(caller).change(|plan| {
            plan.inside.retain(|step| !matches!(step.op, InsideOp::Proc(_)));
            plan.hostname = None;
        });
        let wrapper = inner.wrapper();
        let programs = stub().parent().expect("a folder").to_owned();
        let nested = Policy { nested_sandbox: true, ..Policy::DEFAULT };
        let outer = with_policy(caller, nested)
            .change(|plan| plan.landlock.handles = vec![Handled::AbstractSockets])
            .op(bind(programs, Access::ReadOnly))
            .op(bind(inner.folder.path(), Access::ReadWrite));
        let launch = format!(
            "cd {} && HOME={} {} -c '/probe call openat2 -100 s:. z:24 24; echo made > file; cat file'",
            inner.project().display(),
            inner.home().display(),
            wrapper.display()
        );
        outer.sh(&launch).prints("errno 38\nmade");
        assert!(inner.project().join("file").exists(), "{caller:?}");
    }
}
