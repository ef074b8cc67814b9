//! A user of the jail's own: who the payload is on the host, what both sides can edit,
//! and what stops the launch.
//!
//! Root can run it as any system user; `daemon` is one everywhere. Anybody else needs subordinate
//! ids, so the test looks for a user who has some.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::process::{Command, Stdio};

use jail_plan::{
    DedicatedUser, Host, Ids, InsideOp, KeptOverlay, Namespace, Overlay, SharedFile, Transport,
};

use crate::jail::{Caller, Jail, by, callers, expand, literal, skipped, tmpfs};
use crate::network::{echo, listener, network, say};

/// Root, and a user with subordinate ids, each with the name to run as.
fn dedicated() -> Vec<(Caller, &'static str)> {
    let mut found = Vec::new();
    for caller in callers() {
        if caller.is_root() {
            found.push((caller, "daemon"));
        }
    }
    match with_subordinate_ids() {
        Some(uid) => found.push((Caller { uid }, "agent")),
        None => skipped("subuid", "no user here has subordinate ids, or newuidmap is missing"),
    }
    found
}

/// A user of /etc/passwd and /etc/subuid: the caller, unless that is root.
fn with_subordinate_ids() -> Option<Option<u32>> {
    Command::new("newuidmap").stderr(Stdio::null()).status().ok()?;
    let (passwd, subuid) = (
        std::fs::read_to_string("/etc/passwd").ok()?,
        std::fs::read_to_string("/etc/subuid").ok()?,
    );
    let own = rustix::process::geteuid().as_raw();
    let mut users = passwd.lines().filter_map(|line| {
        let mut fields = line.split(':');
        let (name, uid) = (fields.next()?, fields.nth(1)?.parse::<u32>().ok()?);
        let gid: u32 = fields.next()?.parse().ok()?;
        let has = subuid.lines().any(|line| line.starts_with(&format!("{name}:")));
        // The harness gives a caller the group of its number.
        (has && uid != 0 && uid == gid && (own == 0 || own == uid)).then_some(uid)
    });
    users.next().map(|uid| (own == 0).then_some(uid))
}

fn jail_of(caller: Caller, name: &str) -> Jail {
    let ids = Ids::Dedicated(DedicatedUser { name: name.into(), by: by() });
    let jail = Jail::new(caller).change(|plan| plan.ids = ids);
    jail.file("project/mine", "mine\n");
    jail.file("project/folder/secret", "mine\n");
    let folder = jail.project().join("folder");
    std::os::unix::fs::chown(&folder, caller.uid, caller.uid).expect("for the caller");
    let secret = folder.join("secret");
    std::fs::set_permissions(secret, std::fs::Permissions::from_mode(0o600)).expect("private");
    jail
}

#[test]
fn the_payload_is_nobody_of_the_host_that_the_caller_is() {
    for (caller, name) in dedicated() {
        let own = caller.uid.unwrap_or_else(|| rustix::process::geteuid().as_raw());
        let jail = jail_of(caller, name).change(|plan| {
            plan.namespaces.retain(|namespace| *namespace != Namespace::Pid);
            plan.inside.retain(|step| !matches!(step.op, jail_plan::InsideOp::Proc(_)));
        });
        // Seen from outside, while it runs.
        let sleep = format!("sleep 2.{}", std::process::id());
        let look = format!(
            "\"$W\" -c '{sleep}; :' & sleep 1; stat -c %u /proc/$(pgrep -nfx '{sleep}')/status; wait"
        );
        let seen = jail.outside_sh(&look);
        let uid: u32 = seen.stdout.trim().parse().unwrap_or_else(|_| panic!("{seen:?}"));
        assert!(uid != own && uid != 0, "{uid}");
        // Inside it is the same number, without groups or capabilities.
        let jail = jail_of(caller, name);
        jail.sh("id -u; grep -E '^(Groups|CapEff|CapBnd):' /proc/self/status | tr -d '[:blank:]'")
            .prints(&format!("{uid}\nGroups:\nCapEff:0000000000000000\nCapBnd:0000000000000000"));
    }
}

#[test]
fn both_sides_can_edit_what_either_of_them_made() {
    for (caller, name) in dedicated() {
        let jail = jail_of(caller, name);
        let edit = "echo theirs >> mine && echo theirs >> folder/secret && mkdir new \
                    && echo theirs > new/file && mv mine moved && cat moved folder/secret";
        jail.sh(edit).prints("mine\ntheirs\nmine\ntheirs");
        let back = "echo back >> new/file && echo back >> moved && echo x > new/mine && rm folder/secret \
                    && cat new/file && rm -r new && mkdir later && echo later > later/file && echo done";
        jail.outside_sh(back).prints("theirs\nback\ndone");
        // What came later is shared as well.
        jail.sh("echo theirs >> later/file && cat later/file").prints("later\ntheirs");
        // The temporary folder is the payload's too.
        jail.sh("echo x > /tmp/x && cat /tmp/x").prints("x");
    }
}

#[test]
fn what_is_not_shared_stays_the_callers() {
    for (caller, name) in dedicated() {
        let jail = jail_of(caller, name);
        let outside = jail.file("home/key", "key\n");
        std::fs::set_permissions(&outside, std::fs::Permissions::from_mode(0o600)).unwrap();
        let read = format!("cat {}", outside.display());
        let bound = jail.op(crate::jail::bind(&outside, jail_plan::Access::ReadOnly));
        // Granted read-only, and readable by the caller alone: the mode
        // decides, and nothing is shared.
        assert_ne!(bound.sh(&read).code, Some(0));
        bound.outside_sh(&read).prints("key");
        let meta = std::fs::metadata(&outside).unwrap();
        assert_eq!(meta.mode() & 0o777, 0o600);
        // Nor can the payload become the caller again, or take a share away.
        let own = caller.uid.unwrap_or(0);
        assert_ne!(bound.sh(&format!("chown {own} folder")).code, Some(0));
        assert_ne!(bound.sh("setpriv --reuid 0 true").code, Some(0));
        assert_ne!(bound.sh("chmod 777 mine").code, Some(0));
    }
}

#[test]
fn signals_and_exit_statuses_reach_across_the_users() {
    for (caller, name) in dedicated() {
        let jail = jail_of(caller, name);
        assert_eq!(jail.sh("exit 7").code, Some(7));
        let script = "trap \"echo asked; exit 3\" TERM; echo ready; sleep 9 & wait";
        let ask = format!("\"$W\" -c '{script}' & sleep 1; kill $!; wait $!; echo $?");
        jail.outside_sh(&ask).prints("ready\nasked\n3");
    }
}

#[test]
fn a_name_that_stands_for_nobody_stops_the_launch() {
    for caller in callers() {
        let user = |name: &str| Ids::Dedicated(DedicatedUser { name: name.into(), by: by() });
        if caller.is_root() {
            let jail = Jail::new(caller).change(|plan| plan.ids = user("no-such-user"));
            jail.sh("echo ran").stopped(&[
                "no-such-user: there is no such system user",
                "subordinate ids",
                "useradd --system no-such-user",
            ]);
            let jail = Jail::new(caller).change(|plan| plan.ids = user("root"));
            jail.sh("echo ran").stopped(&["root: it must be neither root"]);
        } else {
            // A system user who is not this caller's to be.
            let jail = Jail::new(caller).change(|plan| plan.ids = user("daemon"));
            jail.sh("echo ran").stopped(&[
                "may not start programs as the system user `daemon`",
                "usermod --add-subuids 1-1",
            ]);
        }
        let jail = Jail::new(caller)
            .change(|plan| plan.ids = user("daemon"))
            .change(|plan| plan.namespaces.retain(|namespace| *namespace != Namespace::User));
        let ran = jail.op(tmpfs("/srv")).sh("echo ran");
        ran.stopped(&["daemon: the plan shares the host's user namespace"]);
    }
}

#[test]
fn a_file_system_without_access_control_lists_stops_the_launch() {
    for (caller, name) in dedicated().into_iter().filter(|(caller, _)| caller.is_root()) {
        let jail = jail_of(caller, name);
        // The file systems of control groups and of processes have none; sysfs is always there.
        let script = format!(
            "cd /proc/sys/kernel && HOME={} {} -c 'echo ran'",
            jail.home().display(),
            jail.wrapper().display()
        );
        jail.outside_sh(&script).stopped(&["EOPNOTSUPP", "access control lists"]);
    }
}

#[test]
fn overlays_and_shared_files_are_the_payloads_to_write() {
    for (caller, name) in dedicated() {
        let jail = jail_of(caller, name);
        for folder in ["lower", "changes", "work"] {
            let path = jail.home().join(folder);
            std::fs::create_dir(&path).expect("a folder");
            std::os::unix::fs::chown(&path, caller.uid, caller.uid).expect("for the caller");
        }
        jail.file("home/lower/file", "mine");
        jail.file("home/.agent.json", "mine");
        let [lower, upper, work] =
            ["lower", "changes", "work"].map(|name| literal(jail.home().join(name)));
        let to = |path| literal(path);
        let lower = vec![lower];
        let jail = jail
            .op(InsideOp::OverlayInMemory(Overlay { lower: lower.clone(), to: to("/m") }))
            .op(InsideOp::OverlayKept(KeptOverlay { lower, upper, work, to: to("/k") }))
            .op(InsideOp::SharedFile(SharedFile {
                from: expand("~/.agent.json"),
                to: to("/tmp/agent"),
            }));
        for folder in ["/m", "/k"] {
            jail.sh(&format!("cd {folder} && cat file && echo theirs >new && mkdir d && cat new"))
                .prints("minetheirs");
        }
        jail.outside_sh("cat ~/changes/new; echo back >>~/changes/new && ls ~/lower")
            .prints("theirs\nfile");
        // The file itself is bound: another user's could not be the caller's.
        jail.sh("cat /tmp/agent; echo theirs >/tmp/agent; mv -T /tmp/agent /tmp/a 2>/dev/null || echo kept")
            .prints("minekept");
        jail.outside_sh("cat ~/.agent.json").prints("theirs");
    }
}

#[test]
fn without_the_helper_nothing_is_shared_and_nothing_runs() {
    for (caller, name) in dedicated() {
        let host = Host { program: "/nowhere/jail-host".into(), shell: None };
        let jail = jail_of(caller, name).change(|plan| plan.host = Some(host));
        jail.sh("echo ran").stopped(&["(namespaces): /nowhere/jail-host: ENOENT"]);
        jail_of(caller, name).sh("echo ran").prints("ran");
    }
}

#[test]
fn the_terminal_inside_belongs_to_the_payload() {
    for (caller, name) in dedicated() {
        let jail = jail_of(caller, name);
        let mut shell = crate::pty::Shell::start(&jail);
        shell.line(
            "\"$W\" -c 'echo by-name-$((40+2)) >$(tty); [ -O $(tty) ] && echo own-$((40+3))'",
        );
        shell.expect("by-name-42");
        shell.expect("own-43");
        shell.prompt();
        shell.line("\"$W\" -c 'read x; echo got-$x; sleep 100'");
        shell.key("a\n");
        shell.expect("got-a");
        shell.key("\x1a");
        shell.expect("Stopped");
        shell.prompt();
        shell.line("fg");
        shell.expect("sleep");
        shell.key("\x03");
        shell.prompt();
        shell.status(130);
    }
}

#[test]
fn it_reaches_by_name_what_its_plan_says() {
    for (caller, name) in dedicated() {
        let port = echo();
        let jail = jail_of(caller, name).change(|plan| {
            plan.network = Some(network(vec![listener(Transport::Tcp, "10.1.2.3", port)]));
        });
        jail.sh(&format!("{}; cat /run/jailgen/refused", say("10.1.2.3", port))).prints("got word");
        assert_eq!(jail.probe("connect tcp 10.1.2.4:80"), "errno 101");
    }
}
