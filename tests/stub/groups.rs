//! Limits of a control group, where the machine lets one be made. `make test-cgroups`
//! boots a machine that does.
//!
//! What uses up a machine is tried with small limits, and so that it ends by
//! itself should nothing hold it.

use std::process::Command;
use std::time::{Duration, Instant};

use jail_plan::{
    Access, Cgroup, CgroupLimit, Controlled, HandOff, HostOp, InsideOp, Missing, Namespace,
    Otherwise, Plan, SharedFile, Step,
};

use crate::jail::{Caller, Jail, Ran, bind_to, by, callers, literal, skipped, tmpfs};

fn limited(limits: &[(Controlled, u64)]) -> impl FnOnce(&mut Plan) {
    let limit = |(resource, value): &(Controlled, u64)| CgroupLimit {
        resource: *resource,
        value: *value,
        by: by(),
    };
    let limits = limits.iter().map(limit).collect();
    move |plan| plan.cgroup = Some(Cgroup { limits, otherwise: Otherwise::Stop })
}

/// Who can have a control group here.
fn grouped() -> Vec<Caller> {
    let all = [(Controlled::Memory, 64 << 20), (Controlled::Pids, 16), (Controlled::Cpu, 50)];
    let mut refusals = Vec::new();
    let mut able = callers();
    able.retain(|caller| {
        let ran = Jail::new(*caller).change(limited(&all)).sh("true");
        refusals.push(ran.stderr);
        ran.code == Some(0)
    });
    if able.is_empty() {
        skipped("cgroup", refusals.first().map_or("no jails here", |refusal| refusal.trim()));
    }
    able
}

/// Groups of jails that are there now.
fn left() -> String {
    let find = "find /sys/fs/cgroup -name 'jailgen*' -o -name jail -o -name supervisor";
    let found = Command::new("sh").args(["-c", find]).output().expect("find");
    String::from_utf8_lossy(&found.stdout).into_owned()
}

/// systemd takes a moment to remove a scope.
fn wait_until_nothing_is_left() {
    let begin = Instant::now();
    while !left().is_empty() {
        assert!(begin.elapsed() < Duration::from_secs(20), "left: {}", left());
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// The payload may have as many processes as without the one that carries its file over.
fn a_state_file_is_carried_over_in_the_group_and_takes_nothing_of_it(caller: Caller) {
    let jail = Jail::new(caller).change(limited(&[(Controlled::Pids, 2)]));
    let file = jail.file("home/.agent.json", "old");
    let shared = SharedFile { from: literal(&file), to: literal("/h/agent") };
    let jail = jail.op(tmpfs("/h")).op(InsideOp::SharedFile(shared));
    let ran = jail.outside_sh(
        "\"$W\" -c 'echo new >/h/agent; echo >up; sleep 1; echo done' & until [ -e up ]; do sleep 0.1; done
         for child in $(cat /proc/$!/task/$!/children); do
             tail -n 1 /proc/$child/cgroup | sed 's,.*/,,'
         done | sort | uniq -c | tr -s ' '; wait",
    );
    let lines: Vec<_> = ran.stdout.lines().collect();
    assert!(matches!(lines.as_slice(), [group, "done"] if group.starts_with(" 2 ")), "{ran:?}");
    assert_eq!(std::fs::read_to_string(file).expect("a file"), "new\n");
}

/// What the jail uses up does not end the process that watches it, and it is none of the payload's.
fn the_watcher_is_where_the_supervisor_is(caller: Caller) {
    let jail = Jail::new(caller).change(limited(&[(Controlled::Pids, 1)])).change(|plan| {
        plan.before.push(Step::new(by(), HostOp::HandOff(HandOff { quarantine: false })));
    });
    let ran = jail.outside_sh(
        "\"$W\" -c 'echo >up; until [ -e end ]; do :; done; echo done' & until [ -e up ]; do sleep 0.1; done
         for child in $(cat /proc/$!/task/$!/children); do
             tr '\\0' ' ' </proc/$child/cmdline | grep -q ' watch ' && cmp /proc/$child/cgroup /proc/$!/cgroup && echo outside
         done; touch end; wait",
    );
    assert_eq!(ran.stdout, "outside\ndone\n", "{ran:?}");
}

/// One test, because what is left of one jail would be found by another one.
#[test]
fn a_control_group_holds_the_jail_and_is_gone_afterwards() {
    for caller in grouped() {
        wait_until_nothing_is_left();
        ordinary_work_goes_on(caller);
        too_much_memory_ends_the_jail(caller);
        files_in_memory_count_too(caller);
        a_fork_bomb_comes_to_an_end(caller);
        a_busy_loop_gets_its_share(caller);
        processes_outside_the_jails_namespace_end_with_it(caller);
        a_state_file_is_carried_over_in_the_group_and_takes_nothing_of_it(caller);
        the_watcher_is_where_the_supervisor_is(caller);
        wait_until_nothing_is_left();
    }
}

fn ordinary_work_goes_on(caller: Caller) {
    let limits = [(Controlled::Memory, 256 << 20), (Controlled::Pids, 32), (Controlled::Cpu, 100)];
    let jail = Jail::new(caller).change(limited(&limits));
    // The group is all that the jail sees of the tree.
    jail.sh("cat /proc/self/cgroup | grep ^0::; ls / | wc -l").prints("0::/\n8");
    let failed = jail.sh("exit 3");
    assert_eq!((failed.code, failed.stderr.as_str()), (Some(3), ""), "{failed:?}");
}

fn too_much_memory_ends_the_jail(caller: Caller) {
    let eat = "head -c 200000000 /dev/zero | tail -c 199000000 | wc -c";
    Jail::new(caller).sh(eat).prints("199000000");
    let eaten = Jail::new(caller).change(limited(&[(Controlled::Memory, 64 << 20)])).sh(eat);
    assert_eq!((eaten.signal, eaten.stdout.as_str()), (Some(9), ""), "{eaten:?}");
    let told = "jail-stub: the memory limit (64 MiB) was reached, and the kernel ended the jail (`test` at demo.jail:4:3)\n";
    assert_eq!(eaten.stderr, told);
}

fn files_in_memory_count_too(caller: Caller) {
    let fill = "head -c 100000000 /dev/zero > /tmp/filler && wc -c < /tmp/filler";
    Jail::new(caller).sh(fill).prints("100000000");
    let filled = Jail::new(caller).change(limited(&[(Controlled::Memory, 64 << 20)])).sh(fill);
    assert_eq!((filled.signal, filled.stdout.as_str()), (Some(9), ""), "{filled:?}");
    assert!(filled.stderr.contains("the memory limit (64 MiB) was reached"), "{filled:?}");
}

fn a_fork_bomb_comes_to_an_end(caller: Caller) {
    let bomb = "for i in $(seq 40); do sleep 3 & done 2>/dev/null; wait; echo over";
    Jail::new(caller).sh(bomb).prints("over");
    let bombed = Jail::new(caller).change(limited(&[(Controlled::Pids, 16)])).sh(bomb);
    assert!(!bombed.stdout.contains("over"), "{bombed:?}");
    let told = "the limit of processes (16) was reached: ";
    assert!(bombed.stderr.contains(told), "{bombed:?}");
    // Exactly as many as it says may run: the shell and fifteen more.
    let exactly = "for i in $(seq 15); do sleep 1 & done; wait; echo over";
    Jail::new(caller).change(limited(&[(Controlled::Pids, 16)])).sh(exactly).prints("over");
}

fn a_busy_loop_gets_its_share(caller: Caller) {
    // User and system time of the loop in clock ticks, a hundredth of a second each.
    let spin = "timeout 4 sh -c 'while :; do :; done'; cut -d ' ' -f 16,17 /proc/self/stat; \
                sh -c 'cut -d \" \" -f 16,17 /proc/$PPID/stat'";
    let ticks = |ran: &Ran| -> u64 {
        let last = ran.stdout.lines().last().expect("a line").split(' ');
        last.map(|number| number.parse::<u64>().expect("a number")).sum()
    };
    let free = ticks(&Jail::new(caller).sh(spin));
    let held = ticks(&Jail::new(caller).change(limited(&[(Controlled::Cpu, 20)])).sh(spin));
    assert!(free > 250, "{free} of 400 without a limit");
    assert!(held < 150, "{held} of 400 under a limit of 80");
}

/// With the host's PID namespace the end of init ends nothing else: the group does.
fn processes_outside_the_jails_namespace_end_with_it(caller: Caller) {
    let mut jail = Jail::new(caller).change(limited(&[(Controlled::Pids, 16)]));
    jail.plan.namespaces.retain(|namespace| *namespace != Namespace::Pid);
    jail.plan.inside.retain(|step| !matches!(step.op, jail_plan::InsideOp::Proc(_)));
    let jail = jail.op(bind_to("/proc", "/proc", Access::ReadOnly, Missing::Fail));
    let ran = jail.sh("setsid sleep 54321 >/dev/null 2>&1 & sleep 1; echo started");
    ran.prints("started");
    let sleeping = || {
        let running = Command::new("pgrep").args(["-f", "sleep 54321"]).output().expect("pgrep");
        running.status.success()
    };
    let begin = Instant::now();
    while sleeping() {
        assert!(begin.elapsed() < Duration::from_secs(10), "it still runs");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// A group of the caller's that the test makes in a tree of its own, as a container
/// or an administrator would.
#[test]
fn a_delegated_group_serves_where_no_systemd_answers() {
    let tree = "/sys/fs/cgroup/jail-stub-tests";
    let made = rustix::process::geteuid().is_root() && std::fs::create_dir(tree).is_ok();
    let controllers = std::fs::read_to_string(format!("{tree}/cgroup.controllers"));
    if !controllers.is_ok_and(|controllers| controllers.contains("pids")) {
        if made {
            std::fs::remove_dir(tree).expect("it is empty");
        }
        return skipped("cgroup-root", "no control group can be made for a test here");
    }
    for caller in callers() {
        let uid = caller.uid.unwrap_or(0);
        let jail = Jail::new(caller).change(limited(&[(Controlled::Pids, 16)]));
        let script = format!(
            "mkdir -p {tree}/leaf {tree}/jailgen-999999
             chown -R {uid} {tree}
             echo $$ > {tree}/leaf/cgroup.procs
             mount -t tmpfs tmpfs /run
             exec setpriv --reuid {uid} --regid {uid} --clear-groups \"$@\""
        );
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "-euc", &script, "sh"]).arg(jail.wrapper());
        command.current_dir(jail.project()).env("HOME", jail.home());
        let ran = Ran::of(command.args(["-c", "for i in $(seq 40); do sleep 1 & done; echo over"]));
        assert!(ran.stderr.contains("the limit of processes (16) was reached"), "{ran:?}");
        // What it made is gone, and so is what an earlier launch had left.
        assert_eq!(left().lines().count(), 0, "{}", left());
    }
    std::fs::remove_dir(format!("{tree}/leaf")).expect("nobody is in it");
    std::fs::remove_dir(tree).expect("nobody is in it");
}
