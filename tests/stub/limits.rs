//! What the jail may use of the machine, and what is said when it wants more.
//!
//! Whether a control group can be made depends on the machine. Here is what holds on all of them:
//! the limits of setrlimit(2), the time, and what happens where no group can be made, which a mount
//! namespace without any shows. tests/cgroups has a kernel of its own for the rest.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use jail_plan::{
    Cgroup, CgroupLimit, Controlled, Host, Limit, Namespace, Otherwise, Plan, Resource, TimeLimit,
};

use crate::jail::{Jail, Ran, by, callers};

fn limit(resource: Resource, value: u64) -> impl FnOnce(&mut Plan) {
    move |plan| plan.limits.push(Limit { resource, value })
}

fn controlled(otherwise: Otherwise, limits: &[(Controlled, u64)]) -> impl FnOnce(&mut Plan) {
    let limit = |(resource, value): &(Controlled, u64)| CgroupLimit {
        resource: *resource,
        value: *value,
        by: by(),
    };
    let limits = limits.iter().map(limit).collect();
    move |plan| plan.cgroup = Some(Cgroup { limits, otherwise })
}

fn time(seconds: u64) -> impl FnOnce(&mut Plan) {
    move |plan| plan.time = Some(TimeLimit { seconds, by: by() })
}

/// Runs a script in the jail on a machine that has no control groups for it and no systemd: both
/// are covered, in a mount namespace of this one command.
fn sh_without_groups(jail: &Jail, script: &str) -> Ran {
    let cover = "mount -t tmpfs tmpfs /sys/fs/cgroup; mount -t tmpfs tmpfs /run; exec \"$@\"";
    let mut command = Command::new("unshare");
    command.current_dir(jail.project()).stdin(Stdio::null()).env("HOME", jail.home());
    command.env("XDG_STATE_HOME", jail.home().with_file_name("state"));
    if rustix::process::geteuid().is_root() {
        let id = jail.caller.uid.unwrap_or(0).to_string();
        command.args(["--mount", "sh", "-euc", cover, "sh", "setpriv", "--clear-groups"]);
        command.args(["--reuid", &id, "--regid", &id]);
    } else {
        command.args(["--map-current-user", "--keep-caps", "--mount", "sh", "-euc", cover, "sh"]);
        command.args(["setpriv", "--inh-caps=-all", "--ambient-caps=-all"]);
    }
    Ran::of(command.arg(jail.wrapper()).args(["-c", script]))
}

#[test]
fn open_files_are_limited_and_more_cannot_be_opened() {
    for caller in callers() {
        let open = "exec 3</dev/null 4</dev/null 5</dev/null 6</dev/null 7</dev/null 8</dev/null; \
                    cat /dev/null && echo opened";
        Jail::new(caller).sh(open).prints("opened");
        let jail = Jail::new(caller).change(limit(Resource::Files, 9));
        jail.sh("ulimit -n; ulimit -Hn").prints("9\n9");
        let refused = jail.sh(open);
        assert_ne!(refused.code, Some(0), "{refused:?}");
        assert!(!refused.stdout.contains("opened"), "{refused:?}");
        // Nor can the limit be raised again.
        assert_ne!(jail.sh("ulimit -n 10").code, Some(0));
    }
}

#[test]
fn a_limit_never_raises_what_the_caller_may() {
    for caller in callers() {
        let jail = Jail::new(caller).change(limit(Resource::Files, 4096));
        jail.outside_sh("ulimit -n 64; \"$W\" -c 'ulimit -n; ulimit -Hn'").prints("64\n64");
    }
}

#[test]
fn a_file_cannot_grow_over_its_limit_and_the_end_is_told() {
    for caller in callers() {
        let jail = Jail::new(caller).change(limit(Resource::FileSize, 1 << 20));
        jail.sh("head -c 1048576 /dev/zero > small && wc -c < small").prints("1048576");
        let write = "exec head -c 2000000 /dev/zero > large";
        let ended = jail.sh(write);
        assert_eq!(ended.signal, Some(25), "{ended:?}");
        let told = "jail-stub: the limit of the size of a file (1 MiB) was reached\n";
        assert_eq!(ended.stderr, told);
        assert_eq!(std::fs::metadata(jail.project().join("large")).unwrap().len(), 1 << 20);
        // Without the limit the same works, and nothing is reported.
        let free = Jail::new(caller).sh(write);
        assert_eq!((free.code, free.stderr.as_str()), (Some(0), ""), "{free:?}");
    }
}

#[test]
fn a_jail_is_ended_when_its_time_is_over() {
    for caller in callers() {
        let jail = Jail::new(caller).change(time(1));
        jail.sh("echo quick").prints("quick");
        let begin = Instant::now();
        let ended = jail.sh("trap 'echo asked; exit 3' TERM; sleep 60 & wait");
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(124), "asked\n"), "{ended:?}");
        let told =
            "jail-stub: the time (1 s) is over, and the jail was ended (`test` at demo.jail:4:3)\n";
        assert_eq!(ended.stderr, told);
        assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
    }
}

#[test]
fn what_does_not_end_when_its_time_is_over_is_killed() {
    let Some(caller) = callers().pop() else { return };
    let jail = Jail::new(caller).change(time(1));
    let begin = Instant::now();
    // It ignores the signal, it is stopped, and there is no terminal from which
    // a user could continue it.
    let script = "trap '' TERM; (sleep 30; echo late) & kill -STOP $$; sleep 30; echo late";
    let ended = jail.outside_sh(&format!("setsid -w \"$W\" -c \"{}\"", script.replace('$', "\\$")));
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(124), ""), "{ended:?}");
    let took = begin.elapsed();
    assert!((6..15).contains(&took.as_secs()), "{took:?}");
}

#[test]
fn without_a_control_group_the_launch_stops_and_says_what_would_help() {
    let limits = [(Controlled::Memory, 64 << 20), (Controlled::Pids, 16), (Controlled::Cpu, 50)];
    for caller in callers() {
        for limit in limits {
            let jail = Jail::new(caller).change(controlled(Otherwise::Stop, &[limit]));
            let ran = sh_without_groups(&jail, "echo ran");
            ran.stopped(&[
                "(cgroup): no control group (cgroup v2) can be made for the limits: ",
                "wanted by `test` at demo.jail:4:3",
                "help: start it from a systemd session, or from a control group that is delegated",
                "let the spec say `best-effort`",
            ]);
        }
    }
}

#[test]
fn without_the_helper_no_control_group_is_made_and_nothing_runs() {
    for caller in callers() {
        let host = Host { program: "/nowhere/jail-host".into(), shell: None };
        let jail = Jail::new(caller)
            .change(controlled(Otherwise::Stop, &[(Controlled::Pids, 16)]))
            .change(|plan| plan.host = Some(host));
        jail.sh("echo ran").stopped(&["(cgroup): /nowhere/jail-host: ENOENT"]);
    }
}

#[test]
fn best_effort_says_what_holds_and_holds_it() {
    let limits = [(Controlled::Memory, 64 << 20), (Controlled::Pids, 16), (Controlled::Cpu, 50)];
    for caller in callers() {
        let jail = Jail::new(caller).change(controlled(Otherwise::BestEffort, &limits));
        let show = "grep -E 'Max (data|address|processes)' /proc/self/limits | tr -s ' '";
        let ran = sh_without_groups(&jail, show);
        let (processes, told) = if caller.is_root() {
            ("Max processes ", "processes: not limited to 16, because root starts it")
        } else {
            ("Max processes 17 17 ", "processes: 16")
        };
        for line in ["Max data size 67108864 67108864 ", "Max address space unlimited ", processes]
        {
            assert!(ran.stdout.contains(line), "{ran:?}");
        }
        let words = format!(
            "; memory: 64 MiB for each process by itself; {told}; processors: not limited to 50 %\n"
        );
        assert!(ran.stderr.ends_with(&words), "{ran:?}");
        assert!(ran.stderr.starts_with("jail-stub: no control group"), "{ran:?}");
        assert_eq!(ran.stderr.lines().count(), 1, "{ran:?}");
    }
}

#[test]
fn with_a_shared_user_namespace_no_limit_of_processes_is_claimed() {
    for caller in callers().into_iter().filter(|caller| caller.is_root()) {
        let limits = [(Controlled::Pids, 16)];
        let jail = Jail::new(caller)
            .change(controlled(Otherwise::BestEffort, &limits))
            .change(|plan| plan.namespaces.retain(|namespace| *namespace != Namespace::User));
        let ran = sh_without_groups(&jail, "echo ran");
        assert!(ran.stderr.contains("processes: not limited to 16"), "{ran:?}");
        assert_eq!(ran.stdout, "ran\n");
    }
}

/// What a jail does to use up the machine, and that it did not get far.
#[test]
fn under_best_effort_a_fork_bomb_and_a_memory_eater_come_to_an_end() {
    for caller in callers() {
        let limits = [(Controlled::Memory, 64 << 20), (Controlled::Pids, 16)];
        let jail =
            Jail::new(caller).change(controlled(Otherwise::BestEffort, &limits)).change(time(20));
        // A string that doubles until it does not fit: 256 MiB at most, should nothing hold it.
        let eat = "x=xxxxxxxx; for i in $(seq 25); do x=$x$x; done; echo ate";
        let eaten = sh_without_groups(&jail, eat);
        assert!(!eaten.stdout.contains("ate"), "{eaten:?}");
        if caller.is_root() {
            continue;
        }
        // No more than forty, should nothing hold it.
        let bomb = "for i in $(seq 40); do sleep 5 & done; jobs | wc -l";
        let bombed = sh_without_groups(&jail, bomb);
        assert!(bombed.stderr.contains("fork"), "{bombed:?}");
    }
}
