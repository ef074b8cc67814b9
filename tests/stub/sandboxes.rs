//! Sandboxes that programs make inside a jail, as `allow-nested-sandbox` lets them: an
//! ordinary user's have a /proc of their own, and root's have none, because it would be a way
//! to the kernel's switches.

use jail_plan::{Handled, Ids, InsideOp, Plan, ShownIds};

use crate::jail::{Caller, Jail, by, callers, nesting_filter, skipped};

/// A sandbox by each of the ways that programs take, with a /proc of its
/// own, in which it runs `$1`.
const WAYS: [(&str, &str); 3] = [
    ("unshare", "unshare -Urpf --mount-proc sh -c \"$S\""),
    (
        "bwrap",
        "bwrap --unshare-user --unshare-pid --ro-bind / / --proc /proc --dev /dev sh -c \"$S\"",
    ),
    // As Claude Code and Chromium's helpers do: all namespaces, and none of the jail's
    // mounts but what is named.
    (
        "bwrap",
        "bwrap --new-session --die-with-parent --unshare-all --ro-bind /usr /usr --ro-bind /bin /bin \
               --ro-bind-try /lib /lib --ro-bind-try /lib64 /lib64 --ro-bind-try /nix/store /nix/store \
               --tmpfs /tmp --dev /dev --proc /proc sh -c \"$S\"",
    ),
];

fn plan_for_sandboxes(plan: &mut Plan) {
    plan.seccomp = vec![nesting_filter()];
    // Under rules about files the kernel refuses every mount.
    plan.landlock.handles = vec![Handled::Signals];
    for step in &mut plan.inside {
        if let InsideOp::Proc(to) = &step.op {
            step.op = InsideOp::ProcForSandboxes(to.clone());
        }
    }
}

fn jail(caller: Caller) -> Jail {
    Jail::new(caller).change(plan_for_sandboxes)
}

/// The ways for which the machine has the program.
fn ways(jail: &Jail) -> Vec<&'static str> {
    let has = |program: &str| {
        let found = jail.outside_sh(&format!("command -v {program}")).code == Some(0);
        if !found {
            skipped(program, "it is not installed");
        }
        found
    };
    WAYS.iter().filter(|(program, _)| has(program)).map(|(_, way)| *way).collect()
}

fn run(jail: &Jail, way: &str, script: &str) -> crate::jail::Ran {
    jail.sh(&format!("S='{script}'; {way}"))
}

#[test]
fn an_ordinary_users_sandbox_has_a_proc_of_its_own() {
    for caller in callers().into_iter().filter(|caller| !caller.is_root()) {
        let jail = jail(caller);
        for way in ways(&jail) {
            run(&jail, way, "cat /proc/self/comm").prints("cat");
            // Its own processes only.
            run(&jail, way, "ls -d /proc/[0-9]* | wc -l | grep -c [1-5]").prints("1");
            // The control: next to a /proc with something covered the kernel allows no other one.
            let covered = Jail::new(caller).change(|plan| {
                plan_for_sandboxes(plan);
                for step in &mut plan.inside {
                    if let InsideOp::ProcForSandboxes(to) = &step.op {
                        step.op = InsideOp::Proc(to.clone());
                    }
                }
            });
            assert_ne!(run(&covered, way, "cat /proc/self/comm").code, Some(0), "{way}");
        }
    }
}

#[test]
fn roots_sandbox_has_no_proc_of_its_own() {
    for caller in callers().into_iter().filter(|caller| caller.is_root()) {
        // Its number inside changes nothing: it is root outside.
        let shown = ShownIds { uid: Some(1000), gid: Some(1000), by: by() };
        for ids in [Ids::Caller, Ids::Shown(shown)] {
            let jail = jail(caller).change(|plan| plan.ids = ids.clone());
            for way in ways(&jail) {
                let ran = run(&jail, way, "echo > /proc/sys/kernel/core_pattern && echo open");
                assert_ne!(ran.code, Some(0), "{way}: {ran:?}");
                let ran = run(&jail, way, "cat /proc/self/comm");
                assert_ne!(ran.code, Some(0), "{way}: {ran:?}");
                assert_eq!(ran.stdout, "", "{way}");
            }
            // Where it has another number it can make a sandbox; as 0 it would need a
            // capability for that (user_namespaces(7)).
            if matches!(ids, Ids::Shown(_)) {
                jail.sh("unshare -Urmpf echo sandbox").prints("sandbox");
            }
        }
    }
}

#[test]
fn the_kernels_switches_cannot_be_turned_in_a_sandbox_inside() {
    // Root inside is still the ordinary user outside, and the switches belong to the root of the
    // machine (`test_perm` in fs/proc/proc_sysctl.c).
    let root = ShownIds { uid: Some(0), gid: Some(0), by: by() };
    let all = [Ids::Caller, Ids::Shown(root)];
    let callers = callers().into_iter().filter(|caller| !caller.is_root());
    for (caller, ids) in callers.flat_map(|caller| all.clone().map(|ids| (caller, ids))) {
        let is_root = matches!(ids, Ids::Shown(_));
        let jail = jail(caller).change(|plan| plan.ids = ids);
        // As root it may map no number (user_namespaces(7)), so the last way maps none.
        let without_numbers = "unshare -Upf --mount-proc sh -c \"$S\"";
        for way in ways(&jail).into_iter().chain([without_numbers]) {
            let starts = run(&jail, way, "cat /proc/self/comm").stdout == "cat\n";
            assert!(starts || is_root && way != without_numbers, "{way}");
            for file in ["sys/kernel/core_pattern", "sys/vm/swappiness", "sysrq-trigger", "kcore"] {
                let open = format!("test -e /proc/{file} && (: >> /proc/{file}) && echo open");
                let ran = run(&jail, way, &format!("({open}) 2>&1"));
                assert!(!ran.stdout.contains("open\n"), "{way}: {file}: {ran:?}");
            }
            if starts {
                run(&jail, way, "head -c 1 /proc/kcore 2>/dev/null | wc -c").prints("0");
            }
        }
    }
}

#[test]
fn no_program_inside_reaches_the_whole_proc_below_the_jails_own() {
    for caller in callers().into_iter().filter(|caller| !caller.is_root()) {
        let jail = jail(caller);
        jail.sh("ls -d /proc/whole 2>/dev/null; wc -c </proc/keys; echo end").prints("0\nend");
        // What covers it is locked in a mount namespace of fewer rights.
        for uncover in
            ["umount /proc", "umount -l /proc", "mount --move /proc /tmp", "umount -R /proc"]
        {
            let script =
                format!("({uncover}) 2>/dev/null && echo uncovered; ls -d /proc/whole /tmp/whole");
            let ran = jail.sh(&format!("unshare -Urm sh -c '{script}' 2>/dev/null"));
            assert_eq!(ran.stdout, "", "{uncover}");
        }
        // A copy of the mounts above it has what covers it, too.
        jail.sh("unshare -Urm sh -c 'mkdir -p /tmp/x && mount --rbind / /tmp/x && ls -d /tmp/x/proc/whole' 2>/dev/null; echo end")
            .prints("end");
        let bare = "unshare -Urm sh -c 'mkdir -p /tmp/x && mount --bind / /tmp/x && ls /tmp/x/proc' 2>/dev/null; echo end";
        jail.sh(bare).prints("end");
    }
}
