//! E27: what of the user's quotas a jail can use up.

use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

use jail_plan::{InsideOp, Namespace};

use crate::jail::{Jail, callers};

fn hosts(name: &str) -> u32 {
    let text = std::fs::read_to_string(format!("/proc/sys/fs/inotify/{name}")).expect("inotify");
    text.trim().parse().expect("a number")
}

#[test]
fn a_jail_has_half_of_what_its_user_has_of_inotify() {
    let half = ["max_user_instances", "max_user_watches"].map(|name| hosts(name) / 2);
    let read = "cd /proc/sys/user; cat max_inotify_instances max_inotify_watches";
    for caller in callers() {
        let jail = Jail::new(caller);
        let outside = jail.outside_sh(read).stdout;
        jail.sh(read).prints(&format!("{}\n{}", half[0], half[1]));
        assert!(jail.probe("call inotify_init1 0").starts_with("ok"), "{caller:?}");
        // They stay so, also for root.
        jail.sh("echo 9999 2>/dev/null > /proc/sys/user/max_inotify_instances || echo refused")
            .prints("refused");
        // Who sets them is another process where the jail has no network of its own; and the
        // user's stay what they are.
        let with_network = Jail::new(caller).change(|plan| {
            plan.namespaces.retain(|one| *one != Namespace::Net);
            plan.inside.retain(|step| step.op != InsideOp::Loopback);
        });
        with_network.sh(read).prints(&format!("{}\n{}", half[0], half[1]));
        jail.outside_sh(read).prints(outside.trim());
        // Without a user namespace of its own, which only root can go without,
        // they would be the host's.
        if caller.is_root() {
            let before = jail.outside_sh(read).stdout;
            let shared = jail.change(|plan| plan.namespaces.retain(|one| *one != Namespace::User));
            shared.sh(read).prints(before.trim());
        }
    }
}

#[test]
fn a_jail_that_has_used_up_its_instances_leaves_the_user_some() {
    for caller in callers() {
        let jail = Jail::new(caller);
        // Each takes an instance, and says when it gets none.
        let script = format!(
            "touch file; for one in $(seq {}); do tail -f file 2>> errors & done; \
             until grep -q 'inotify cannot be used' errors; do sleep 0.1; done; echo used-up; read line",
            hosts("max_user_instances") / 2 + 1
        );
        let mut command = jail.command(jail.wrapper());
        command.args(["-c", &script]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("it starts");
        let mut line = String::new();
        let output = child.stdout.take().expect("a pipe");
        BufReader::new(output).read_line(&mut line).expect("a line");
        assert_eq!(line, "used-up\n", "{caller:?}");
        assert!(jail.control("call inotify_init1 0").starts_with("ok"), "{caller:?}");
        child.stdin.take().expect("a pipe").write_all(b"\n").expect("it reads");
        child.wait().expect("it ends");
    }
}
