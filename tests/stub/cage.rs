//! Cages: plans without namespaces, where Landlock and filters are all there is. Each
//! probe has a control outside.

use std::net::{TcpListener, UdpSocket};
use std::path::Path;

use jail_plan::{
    Access, Beneath, FoundAtLaunch, Handled, HostOp, Landlock, LandlockRule, Missing, Reach,
    StateDirectory, StateLink, Step,
};

use crate::jail::{Caller, Jail, bind_to, by, callers, default_filter, filter, literal, probe};
use crate::private::own;
use crate::process::end_soon;
use crate::pty::Shell;
use jail_seccomp::{Arch, Sockets, cage_program};

fn rule(path: impl AsRef<Path>, reach: Reach, missing: Missing) -> LandlockRule {
    LandlockRule::Path(Beneath { path: literal(path), reach, missing, by: by() })
}

/// The host's programs may be executed and its processes seen; the working folder may be written.
pub(crate) fn cage(caller: Caller, sockets: Sockets) -> Jail {
    let system = ["/usr", "/bin", "/lib", "/lib64", "/nix/store"];
    let system = system.iter().map(|path| rule(path, Reach::Rox, Missing::Skip));
    let devices = ["/dev/null", "/dev/tty"].map(|path| rule(path, Reach::Device, Missing::Fail));
    let more = [
        rule(probe(), Reach::Rox, Missing::Fail),
        rule("/proc", Reach::Ro, Missing::Fail),
        LandlockRule::Folder(FoundAtLaunch { reach: Reach::Rw, by: by() }),
        LandlockRule::Standard(FoundAtLaunch { reach: Reach::Device, by: by() }),
    ];
    let arch = Arch::from_nix(std::env::consts::ARCH).expect("a processor that cages run on");
    let mut own = filter(&cage_program(arch, sockets));
    own.name = "cage".into();
    Jail::bare(caller)
        .change(|plan| {
            plan.namespaces.clear();
            plan.hostname = None;
            plan.landlock = Landlock {
                handles: Handled::ALL.to_vec(),
                rules: system.chain(devices).chain(more).collect(),
                bind: Vec::new(),
                connect: Vec::new(),
                least: Handled::Signals.since(),
                by: by(),
            };
            plan.seccomp = vec![own, default_filter()];
        })
        .set("PATH", &std::env::var("PATH").expect("PATH"))
}

fn allow(jail: Jail, path: impl AsRef<Path>, reach: Reach) -> Jail {
    jail.change(|plan| plan.landlock.rules.push(rule(path, reach, Missing::Fail)))
}

/// Outside it works, in the cage it does not.
#[track_caller]
fn only_outside(jail: &Jail, script: &str) {
    let outside = jail.outside_sh(script);
    assert_eq!(outside.code, Some(0), "the control: {script}: {outside:?}");
    let inside = jail.sh(script);
    assert!(!matches!(inside.code, Some(0 | 125)), "{script}: {inside:?}");
}

#[test]
fn a_cage_is_on_the_host_and_writes_where_it_may() {
    for caller in callers() {
        let jail = cage(caller, Sockets::Tcp);
        jail.outside_sh("id -u; pwd; hostname; readlink /proc/self/ns/mnt /proc/self/ns/pid")
            .prints(
                jail.sh("id -u; pwd; hostname; readlink /proc/self/ns/mnt /proc/self/ns/pid")
                    .stdout
                    .trim(),
            );
        jail.sh("echo x > made; mkdir sub; mv made sub; cat sub/made").prints("x");
        assert_eq!(std::fs::read_to_string(jail.project().join("sub/made")).expect("made"), "x\n");
        only_outside(&jail, "echo x > ../home/made; cat ../home/made");
        only_outside(&jail, "ls ../home");
        only_outside(&jail, "ls /");
    }
}

#[test]
fn a_file_that_is_granted_does_not_open_its_siblings() {
    for caller in callers() {
        let jail = cage(caller, Sockets::Tcp);
        let config = jail.file("home/.gitconfig", "config");
        jail.file("home/.bashrc", "secret");
        let jail = allow(jail, &config, Reach::Ro);
        jail.sh("cat ../home/.gitconfig").prints("config");
        only_outside(&jail, "cat ../home/.bashrc");
        only_outside(&jail, "echo x >> ../home/.gitconfig");
        let jail = allow(cage(caller, Sockets::Tcp), "/nowhere/at/all", Reach::Ro);
        jail.sh("").stopped(&[
            "(landlock): /nowhere/at/all: ENOENT (it does not exist)",
            "wanted by `test` at demo.jail:4:3",
            "a folder with `mkdir -p /nowhere/at/all`, a file with `touch /nowhere/at/all`",
        ]);
    }
}

#[test]
fn what_the_launcher_opened_for_writing_alone_is_not_read() {
    for caller in callers() {
        let jail = cage(caller, Sockets::Tcp);
        let log = jail.file("home/log", "secret\n");
        std::os::unix::fs::chown(&log, caller.uid, caller.uid).expect("for the caller");
        let script = "cat /proc/self/fd/2 > kept || echo closed > kept; cat kept";
        let launch =
            |start: &str, script| jail.outside_sh(&format!("{start} '{script}' 2>> ../home/log"));
        launch("sh -c", script).prints("secret");
        launch("\"$W\" -c", script).prints("closed");
        launch("\"$W\" -c", "echo more > /proc/self/fd/2").prints("");
        assert_eq!(std::fs::read_to_string(&log).expect("the log"), "more\n");
    }
}

#[test]
fn files_move_between_two_trees_that_may_be_written() {
    for caller in callers() {
        let jail = cage(caller, Sockets::Tcp);
        let other = jail.home().join("other");
        std::fs::create_dir(&other).expect("a folder");
        std::os::unix::fs::chown(&other, caller.uid, caller.uid).expect("for the caller");
        let script = "echo x > a; echo y > b; mv a ../home/other/a && ln b ../home/other/b && cat ../home/other/*";
        let jail = allow(jail, &other, Reach::Rw);
        jail.sh(script).prints("x\ny");
        let read_only = allow(cage(caller, Sockets::Tcp), "/proc/sys", Reach::Ro);
        only_outside(&read_only, "echo x > a; mkdir -p ../home/more; mv a ../home/more/a");
    }
}

#[test]
fn only_what_may_be_executed_is() {
    for caller in callers() {
        let jail = cage(caller, Sockets::Tcp);
        let copy = "cp \"$(command -v id)\" ./copy && ./copy >/dev/null";
        only_outside(&jail, copy);
        only_outside(&jail, "printf '#!/bin/sh\\necho ran\\n' > s; chmod +x s; ./s");
        let project = jail.project();
        allow(jail, project, Reach::Rwx).sh(copy).prints("");
    }
}

#[test]
fn other_processes_are_neither_signalled_nor_looked_into() {
    for caller in callers() {
        let jail = cage(caller, Sockets::Tcp);
        // The launcher's own shell: `$PPID` is the cage's init.
        let launcher = |script: &str| jail.outside_sh(&format!("export P=$$; {script}"));
        for script in
            ["kill -0 $0", "cat /proc/$0/environ", "ls /proc/$0/cwd/", "readlink /proc/$0/fd/0"]
        {
            let outside = launcher(&format!("sh -c '{script}' $P"));
            assert_eq!(outside.code, Some(0), "the control: {script}: {outside:?}");
            let inside = launcher(&format!("\"$W\" -c '{script}' $P"));
            assert!(!matches!(inside.code, Some(0 | 125)), "{script}: {inside:?}");
        }
        let limits = format!("{} call prlimit64", probe().display());
        launcher(&format!("{limits} $P 7 0 z:16")).prints("ok 0");
        assert!(
            launcher(&format!("\"$W\" -c '{limits} $0 7 0 z:16' $P")).stdout.contains("errno 1")
        );
        jail.sh(&format!("{limits} 0 7 0 z:16")).prints("ok 0");
        jail.outside_sh("\"$W\" -c 'kill -9 0'; echo $? alive").prints("137 alive");
    }
}

#[test]
fn only_the_ports_that_are_named_are_connected_to() {
    let [one, two] = [0; 2].map(|_| TcpListener::bind("127.0.0.1:0").expect("a port"));
    let [one, two] = [&one, &two].map(|socket| socket.local_addr().expect("an address").port());
    for caller in callers() {
        let probe = probe().display().to_string();
        let jail = cage(caller, Sockets::Tcp).change(|plan| plan.landlock.connect = vec![one]);
        jail.sh(&format!("{probe} connect tcp 127.0.0.1:{one}")).prints("ok 0");
        only_outside(&jail, &format!("{probe} connect tcp 127.0.0.1:{two}"));
        // The same by multipath TCP, which Landlock's rules are not about.
        only_outside(&jail, &format!("{probe} call socket 2 1 262"));
        jail.sh(&format!("{probe} call socket 2 1 262")).refused("errno 93");
        jail.sh(&format!("{probe} call socket 2 1 6")).prints("ok 3");
        // And by TCP Fast Open, which connects while it sends.
        let fast = format!(
            "python3 -c 'import socket; s=socket.socket(); s.sendto(b\"x\", 0x20000000, (\"127.0.0.1\", {two}))'"
        );
        if jail.outside_sh("command -v python3").code == Some(0) {
            only_outside(&jail, &fast);
        }
    }
}

#[test]
fn datagrams_are_refused_where_the_cage_is_offline() {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let port = socket.local_addr().expect("an address").port();
    for caller in callers() {
        let send = format!("{} connect udp 127.0.0.1:{port}", probe().display());
        only_outside(&cage(caller, Sockets::Tcp), &send);
        cage(caller, Sockets::TcpAndUdp).sh(&send).prints("ok 0");
    }
}

#[test]
fn shared_memory_and_queues_of_the_host_are_refused() {
    for caller in callers() {
        let jail = cage(caller, Sockets::Tcp);
        // A private segment, which ends with its last user; a queue that is not there.
        for (call, outside) in [("shmget 0 4096 0", "ok"), ("mq_open s:nowhere 0 0 0", "errno 2")] {
            let script = format!("{} call {call}", probe().display());
            let control = jail.outside_sh(&script);
            assert!(control.stdout.starts_with(outside), "the control: {control:?}");
            remove_segment(&control.stdout);
            jail.sh(&script).refused("errno 1");
        }
    }
}

/// What the control has made.
fn remove_segment(answer: &str) {
    if let Some(id) = answer.trim().strip_prefix("ok ") {
        let words = ["call", "shmctl", id, "0", "0"];
        let removed = std::process::Command::new(probe()).args(words).status();
        assert!(removed.is_ok_and(|status| status.success()));
    }
}

#[test]
fn nothing_is_left_of_a_cage_that_has_ended() {
    for (index, caller) in (0..).zip(callers()) {
        let marker = 45000 + index;
        let jail = cage(caller, Sockets::Tcp);
        jail.sh(&format!(
            "setsid sleep {marker} >/dev/null 2>&1 & (setsid sleep {marker} &); echo up"
        ))
        .prints("up");
        end_soon(&format!("sleep {marker}"));
    }
}

#[test]
fn whoever_is_killed_a_cage_leaves_nothing_behind() {
    for (index, caller) in (0..).zip(callers()) {
        let marker = 46000 + index;
        let jail = cage(caller, Sockets::Tcp);
        let away = format!("(setsid sleep {marker} >/dev/null 2>&1 &)");
        // The cage's init, by the payload: it is the one process outside of it that it may signal.
        jail.sh(&format!("{away}; sleep 0.1; kill -9 $PPID; sleep {marker}"))
            .stopped(&["the jail's init was killed"]);
        end_soon(&format!("sleep {marker}"));
        // Or stopped, so that it could not tell the end.
        let ran = jail.sh(&format!("{away}; kill -STOP $PPID; sleep 0.1; exit 3"));
        assert_eq!(ran.code, Some(3), "{ran:?}");
        end_soon(&format!("sleep {marker}"));
        for (killed, script) in
            [("the supervisor", "kill -9 $!; wait"), ("the launcher", "kill -9 $$")]
        {
            let inside = format!("{away}; echo up; sleep {marker}");
            let launch = format!("\"$W\" -c '{inside}' & sleep 0.4; {script}");
            let ran = jail.outside_sh(&launch);
            assert!(ran.stdout.contains("up"), "{killed}: {ran:?}");
            end_soon(&format!("sleep {marker}"));
        }
    }
}

#[test]
fn a_kernel_that_cannot_build_a_cage_stops_the_launch() {
    for caller in callers() {
        let jail = cage(caller, Sockets::Tcp).change(|plan| plan.landlock.least = 99);
        jail.sh("echo ran").stopped(&[
            "(landlock)",
            "ABI 99 is needed",
            "at demo.jail:4:3",
            "help:",
        ]);
    }
}

#[test]
fn a_link_planted_where_the_cage_writes_is_not_followed_by_a_rule() {
    for caller in callers() {
        let jail = cage(caller, Sockets::Tcp);
        let keys = jail.file("home/keys/id", "secret");
        let planted = jail.project().join("cache");
        std::os::unix::fs::symlink(keys.parent().expect("a folder"), &planted).expect("a link");
        allow(jail, &planted, Reach::Ro)
            .sh("cat ../home/keys/id")
            .stopped(&["`cache` is a symbolic link in a folder that a jail could write"]);
        // What a cage was given is written down like what a jail was, for all others.
        let first = cage(caller, Sockets::Tcp);
        first.file("home/keys/id", "secret");
        let link = first.project().join("cache");
        std::os::unix::fs::symlink(first.home().join("keys"), &link).expect("a link");
        let state = first.folder.path().join("state");
        let reads = || {
            Jail::new(caller)
                .op(bind_to(&link, "/found", Access::ReadOnly, Missing::Fail))
                .outside("XDG_STATE_HOME", state.to_str().expect("UTF-8"))
                .sh("cat /found/id")
        };
        reads().prints("secret");
        first.sh("echo ran").prints("ran");
        reads().stopped(&["`cache` is a symbolic link in a folder that a jail could write"]);
        // The user's own link, where the cage writes nothing.
        let jail = cage(caller, Sockets::Tcp);
        jail.file("home/keys/id", "public");
        let own = jail.folder.path().join("own");
        std::os::unix::fs::symlink(jail.home().join("keys"), &own).expect("a link");
        allow(jail, &own, Reach::Ro).sh("cat ../home/keys/id").prints("public");
    }
}

#[test]
fn a_cage_has_the_users_name_of_gits_configuration_and_nothing_else_of_it() {
    for caller in callers() {
        let jail = cage(caller, Sockets::Tcp);
        let more = "[http]\n\textraHeader = secret\n";
        let user = "[user]\n\tname = Some Body\n\temail = s@example.com\n";
        jail.file("home/.gitconfig", &format!("{user}{more}"));
        own(&jail.home(), caller);
        let made = jail.home().join("state/gitconfig");
        let folder = StateDirectory { path: literal(made.parent().expect("a folder")) };
        let folder = Step::new(by(), HostOp::StateDirectory(folder));
        let identity = Step::new(by(), HostOp::GitIdentity(literal(&made)));
        let machine = rule("/etc/gitconfig", Reach::Ro, Missing::Skip);
        let jail = allow(jail, &made, Reach::Ro).set("HOME", "/nowhere").change(|plan| {
            plan.before.extend([folder, identity]);
            plan.landlock.rules.push(machine);
        });
        let system = made.to_str().expect("UTF-8");
        let jail = jail.set("GIT_CONFIG_SYSTEM", system);
        let git = "PATH=/usr/bin; git config user.name; git config user.email; git config --get-all http.extraHeader || true";
        jail.sh(git).prints("Some Body\ns@example.com");
        // A repository's own settings win, and another name counts from the next launch on.
        let local =
            "PATH=/usr/bin; git init -q . && git config user.name Local && git config user.name";
        jail.sh(local).prints("Local");
        jail.sh("rm -rf .git").prints("");
        let other = "[user]\n\tname = Other\n[includeIf \"gitdir:PROJECT/\"]\n\tpath = more\n";
        let other = other.replace("PROJECT", &jail.project().display().to_string());
        jail.file("home/.gitconfig", &other);
        jail.file("home/more", "[user]\n\tname = Here \\\"\\\\\\\"\n");
        jail.sh("PATH=/usr/bin; git config user.name").prints("Other");
        jail.sh("PATH=/usr/bin; git init -q .").prints("");
        jail.sh("PATH=/usr/bin; git config user.name").prints("Here \"\\\"");
        // A `.git` file of the agent's chooses no other name, but that of a worktree does.
        jail.sh("rm -rf .git; echo 'gitdir: ../home/r/.git/worktrees/w' >.git").prints("");
        let other = other.replace("project/\"]", "home/r/\"]");
        jail.file("home/.gitconfig", &other);
        let name = "PATH=/usr/bin; cd / && git config user.name";
        jail.sh(name).prints("Other");
        let back = jail.project().join(".git").display().to_string();
        jail.file("home/r/.git/worktrees/w/gitdir", &format!("{back}\n"));
        jail.sh(name).prints("Here \"\\\"");
        for script in [
            format!("cat {}/.gitconfig", jail.home().display()),
            format!("test -w /dev/null && >>{system}"),
        ] {
            only_outside(&jail, &script);
        }
    }
}

#[test]
fn links_to_state_are_made_once_and_what_is_there_stays() {
    for caller in callers() {
        let jail = cage(caller, Sockets::Tcp);
        let (state, target) = (jail.home().join("state"), jail.home().join("target"));
        let jail = jail.change(|plan| {
            plan.before.push(Step::new(
                by(),
                HostOp::StateDirectory(StateDirectory { path: literal(&state) }),
            ));
            plan.before.push(Step::new(
                by(),
                HostOp::StateDirectory(StateDirectory { path: literal(&target) }),
            ));
            let (path, to) = (literal(state.join("deep/link")), literal(&target));
            plan.before.push(Step::new(by(), HostOp::StateLink(StateLink { path, to })));
        });
        let jail = allow(allow(jail, &state, Reach::Rw), &target, Reach::Rw);
        jail.sh(&format!("echo x > {}/deep/link/file", state.display())).prints("");
        assert_eq!(std::fs::read_to_string(target.join("file")).expect("made"), "x\n");
        jail.sh(&format!("cd {}/deep && rm link && echo own > link", state.display())).prints("");
        jail.sh(&format!("cat {}/deep/link", state.display())).prints("own");
        // A link in place of the folder would lead the next one elsewhere.
        jail.sh(&format!("cd {} && rm -r deep && ln -s / deep", state.display())).prints("");
        jail.sh("").stopped(&["(state-link)", "`deep` is a symbolic link"]);
    }
}

#[test]
fn keys_of_the_terminal_reach_a_cage_and_its_script() {
    for caller in callers() {
        let jail = cage(caller, Sockets::Tcp).set("TERM", "dumb");
        let mut shell = Shell::start(&jail);
        shell.line("sh -c '\"$W\" -c \"echo up-\\$((40+2)); sleep 100\"; read y'");
        shell.expect("up-42");
        shell.key("\x03");
        shell.expect("% ");
        shell.status(130);
        shell.line("\"$W\" -c 'tty; echo up-$((40+2)); sleep 1; echo down-$((40+3))'");
        shell.expect("/dev/pts/");
        shell.expect("up-42");
        shell.key("\x1a");
        shell.expect("Stopped");
        shell.line("fg");
        shell.expect("down-43");
        shell.prompt();
        shell.status(0);
    }
}
