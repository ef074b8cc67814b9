//! The Landlock layer alone: what it stops where the mounts show too much, what it lets through,
//! and what happens where the kernel has none. Every refusal has a control: the same jail
//! without that part of the wall.

use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::os::unix::process::CommandExt;
use std::process::Command;

use jail_plan::{
    Access, Beneath, Closure, FoundAtLaunch, Handled, InsideOp, LandlockRule, Missing, Namespace,
    Plan, Reach,
};

use crate::jail::{Caller, Jail, Ran, bind_to, by, callers, literal, probe, skipped, step, wall};

/// Those whose kernel has this ABI.
fn callers_with(abi: u32) -> Vec<Caller> {
    let found = jail_stub::sys::landlock::abi().unwrap_or(0);
    if found >= abi {
        return callers();
    }
    skipped(&format!("landlock={abi}"), &format!("Landlock ABI {abi} is needed, found {found}"));
    Vec::new()
}

/// A jail with a wall as it should be, and after that a mount too many: all of the
/// host, writable, at /host.
fn widened(caller: Caller, change: impl FnOnce(&mut Plan)) -> Jail {
    Jail::new(caller)
        .op(InsideOp::RemountReadOnly(literal("/")))
        .change(|plan| {
            wall(plan);
            resolve_links(plan);
            plan.inside.insert(0, step(bind_to("/", "/host", Access::ReadWrite, Missing::Fail)));
        })
        .change(change)
}

/// Where the jail may write all of the host, the launch follows no link there.
fn resolve_links(plan: &mut Plan) {
    for step in &mut plan.inside {
        if let InsideOp::Bind(bind) = &mut step.op
            && let Ok(path) = std::fs::canonicalize(bind.from.source())
        {
            bind.from = literal(path);
        }
    }
}

fn without_files(plan: &mut Plan) {
    plan.landlock.handles = vec![Handled::AbstractSockets];
}

/// As `landlock "full"` does it.
fn full(plan: &mut Plan) {
    plan.landlock.handles.push(Handled::Execution);
    let shows_all = |rule: &LandlockRule| matches!(rule, LandlockRule::Path(place) if place.path.source() == "/");
    plan.landlock.rules.retain(|rule| !shows_all(rule));
}

/// Ways to change something in `$V`, a folder with `file`, `empty/` and `link`.
const CHANGES: &[&str] = &[
    "echo x > $V/file",
    "echo x >> $V/file",
    "echo x > $V/new",
    "truncate -s 0 $V/file",
    "rm $V/file",
    "rmdir $V/empty",
    "mkdir $V/made",
    "mkfifo $V/fifo",
    "ln -s x $V/symlink",
    "ln $V/file $V/hard",
    "mv $V/file $V/other",
    "mv $V/file $V/empty/",
    "cp /etc/passwd $V/copy 2>/dev/null || echo x > $V/copy",
];

fn victim(jail: &Jail) -> String {
    jail.file("home/victim/file", "content");
    let folder = jail.home().join("victim");
    std::fs::create_dir_all(folder.join("empty")).expect("a folder");
    for path in [folder.clone(), folder.join("empty")] {
        std::os::unix::fs::chown(&path, jail.caller.uid, jail.caller.uid).expect("for the caller");
    }
    format!("/host{}", folder.display())
}

#[test]
fn a_mount_too_many_cannot_be_written() {
    for caller in callers_with(3) {
        for change in CHANGES {
            let jail = widened(caller, |_| {});
            let victim = victim(&jail);
            let script = format!("V={victim}; {change}");
            let ran = jail.sh(&format!("{{ {script}; }} 2>&1"));
            assert_ne!(ran.code, Some(0), "{caller:?}: {change}: {}", ran.stdout);
            let words = ["Permission denied", "cross-device", "denied"];
            assert!(words.iter().any(|word| ran.stdout.contains(word)), "{change}: {}", ran.stdout);
            let left = jail.outside_sh("cd \"$HOME/victim\"; ls; cat file");
            left.prints("empty\nfile\ncontent");
            let control = widened(caller, without_files);
            self::victim(&control);
            let script = script.replace(&victim, &self::victim(&control));
            assert_eq!(control.sh(&script).code, Some(0), "the control of {change}");
        }
    }
}

#[test]
fn a_full_wall_lets_a_mount_too_many_be_neither_read_nor_executed() {
    for caller in callers_with(3) {
        for (jail, read) in [(widened(caller, full), false), (widened(caller, |_| {}), true)] {
            let victim = victim(&jail);
            std::fs::copy(probe(), jail.home().join("victim/probe")).expect("a copy");
            for attempt in ["cat $V/file", "ls $V", "$V/probe call getpid"] {
                let ran = jail.sh(&format!("V={victim}; {attempt}"));
                assert_eq!(ran.code == Some(0), read, "{caller:?}: {attempt}");
            }
            // What is granted works under both walls.
            jail.sh("echo x > file && cat file && /probe call getpid | cut -d' ' -f1; test -r /dev/null && ls /tmp")
                .prints("x\nok");
        }
    }
}

#[test]
fn what_is_granted_can_be_changed_in_every_way() {
    for caller in callers() {
        for change in CHANGES {
            let jail = Jail::new(caller);
            let ran =
                jail.sh(&format!("mkdir v v/empty; echo content > v/file; V=$PWD/v; {change}"));
            assert_eq!(ran.code, Some(0), "{caller:?}: {change}: {}", ran.stderr);
        }
        let jail = Jail::new(caller);
        jail.sh("mkdir a b; echo x > a/f; ln a/f b/g; mv a/f b/f; cat b/f b/g; echo y > /tmp/y; cat /tmp/y")
            .prints("x\nx\ny");
    }
}

#[test]
fn the_launchers_own_files_can_be_opened_again_as_they_were() {
    for caller in callers() {
        let jail = Jail::new(caller);
        jail.outside_sh(
            "echo in > given; \"$W\" -c 'read line < /dev/stdin; echo $line > /dev/stdout; echo err > /dev/stderr' \
             < given > out 2> err; cat out err",
        )
        .prints("in\nerr");
        // What was opened for reading cannot be written through its descriptor, whichever user owns
        // it; the mount that it is opened from is read-only already (tests/stub/standard.rs).
        let refused = "echo given > given; chmod 600 given; \"$W\" -c 'echo x > /proc/self/fd/0' < given 2>&1; cat given";
        let widened = widened(caller, |plan| {
            plan.inside.retain(|step| !matches!(step.op, InsideOp::Folder(_)));
        })
        .change(|plan| plan.start = jail_plan::StartIn::Path(literal("/")));
        let ran = widened.outside_sh(refused);
        assert!(ran.stdout.contains("Read-only file system"), "{}", ran.stdout);
        assert!(ran.stdout.ends_with("given\n"), "{}", ran.stdout);
    }
}

#[test]
fn abstract_sockets_of_the_host_are_out_of_reach_also_on_its_network() {
    let name = format!("jail-stub-test-{}", std::process::id());
    let address = SocketAddr::from_abstract_name(&name).expect("a name");
    let _listener = UnixListener::bind_addr(&address).expect("a listener");
    let shared = |plan: &mut Plan| {
        plan.namespaces.retain(|one| *one != Namespace::Net);
        plan.inside.retain(|step| !matches!(step.op, InsideOp::Loopback));
    };
    let words = format!("connect abstract {name}");
    for caller in callers_with(6) {
        assert_eq!(Jail::new(caller).probe(&words), "errno 111", "not there");
        let jail = Jail::new(caller).change(shared);
        assert_eq!(jail.probe(&words), "errno 1", "there, and refused");
        let control = Jail::new(caller)
            .change(shared)
            .change(|plan| plan.landlock.handles = vec![Handled::Devices]);
        assert_eq!(control.probe(&words), "ok 0");
    }
}

/// A6. Known gap before ABI 9: a read-only mount does not stop a connection, and
/// Landlock does not look at one.
#[test]
fn a_socket_in_a_folder_that_is_bound_read_only_is_reached_before_abi_9_and_not_after() {
    let found = jail_stub::sys::landlock::abi().unwrap_or(0);
    for caller in callers() {
        let jail = Jail::new(caller);
        let folder = jail.folder.path().join("granted");
        std::fs::create_dir(&folder).expect("a folder");
        let socket = folder.join("socket");
        let _listener = UnixListener::bind(&socket).expect("a listener");
        std::fs::set_permissions(&socket, std::fs::Permissions::from_mode(0o777)).expect("open");
        let jail = jail
            .op(bind_to(&folder, &folder, Access::ReadOnly, Missing::Fail))
            .op(InsideOp::RemountReadOnly(literal("/")));
        let words = format!("connect unix {}", socket.display());
        assert_eq!(jail.probe(&words), if found >= 9 { "errno 13" } else { "ok 0" });
        // What is not granted is not there.
        let other = Jail::new(caller).op(InsideOp::RemountReadOnly(literal("/")));
        assert_eq!(other.probe(&words), "errno 2");
        assert_eq!(other.control(&words), "ok 0");
    }
}

#[test]
fn a_shared_process_namespace_gives_signals_only_where_the_wall_says_so() {
    for caller in callers_with(6) {
        let run = |signals: &[Handled]| {
            let jail = Jail::new(caller).change(|plan| {
                plan.namespaces.retain(|one| *one != Namespace::Pid);
                plan.inside.retain(|step| !matches!(step.op, InsideOp::Proc(_)));
                plan.inside.push(step(bind_to("/proc", "/proc", Access::ReadOnly, Missing::Fail)));
                wall(plan);
                plan.landlock.handles.extend(signals);
            });
            jail.outside_sh(
                "sleep 5 & \"$W\" -c \"/probe call kill $! 0\"; kill $!; wait $! 2>/dev/null; :",
            )
        };
        run(&[Handled::Signals]).prints("errno 1");
        run(&[]).prints("ok 0");
    }
}

#[test]
fn tcp_ports_are_those_of_the_plan() {
    for caller in callers_with(4) {
        let jail = Jail::new(caller).change(|plan| {
            wall(plan);
            plan.landlock.handles.extend([Handled::BindTcp, Handled::ConnectTcp]);
            plan.landlock.bind = vec![8080];
            plan.landlock.connect = vec![443];
        });
        assert_eq!(jail.probe("listen tcp 127.0.0.1:8080"), "ok 0");
        assert_eq!(jail.probe("listen tcp 127.0.0.1:8081"), "errno 13");
        assert_eq!(
            jail.probe("connect tcp 127.0.0.1:443"),
            "errno 111",
            "allowed, and nobody listens"
        );
        assert_eq!(jail.probe("connect tcp 127.0.0.1:80"), "errno 13");
        let control = Jail::new(caller);
        assert_eq!(control.probe("listen tcp 127.0.0.1:8081"), "ok 0");
        assert_eq!(control.probe("connect tcp 127.0.0.1:80"), "errno 111");
    }
}

#[test]
fn only_the_closure_can_be_executed_where_the_plan_says_so() {
    for caller in callers_with(2) {
        let jail = Jail::new(caller);
        let store = jail.folder.path().join("store");
        for name in ["a", "b"] {
            std::fs::create_dir_all(store.join(name)).expect("a folder");
            std::fs::copy(probe(), store.join(name).join("probe")).expect("a copy");
            std::fs::set_permissions(store.join(name), std::fs::Permissions::from_mode(0o755))
                .expect("open to all");
        }
        let whole = store.display().to_string();
        let jail =
            jail.op(bind_to(&store, &store, Access::ReadOnly, Missing::Fail)).change(|plan| {
                wall(plan);
                plan.landlock.rules.retain(|rule| match rule {
                    LandlockRule::Path(Beneath { path, .. }) => {
                        path.source() != whole && path.source() != "/"
                    }
                    _ => true,
                });
                for rule in &mut plan.landlock.rules {
                    if let LandlockRule::Path(Beneath { path, reach, .. }) = rule
                        && path.source() == "/tmp"
                    {
                        *reach = Reach::Rw;
                    }
                }
                plan.landlock.handles.push(Handled::Execution);
                plan.closure = Closure {
                    store: whole.clone(),
                    skeleton: String::new(),
                    names: vec!["a".into()],
                };
                plan.landlock
                    .rules
                    .push(LandlockRule::Closure(FoundAtLaunch { reach: Reach::Rox, by: by() }));
            });
        let run = |path: &str| jail.sh(&format!("{path}/probe call getppid > /dev/null")).code;
        assert_eq!(run(&format!("{whole}/a")), Some(0), "{caller:?}");
        assert_eq!(run(&format!("{whole}/b")), Some(126), "{caller:?}");
        let copied = jail.sh("cp /probe /tmp/probe && /tmp/probe call getppid");
        assert_eq!(copied.code, Some(126), "{copied:?}");
    }
}

#[test]
fn what_the_plan_demands_and_the_kernel_lacks_stops_the_launch() {
    for caller in callers() {
        let jail = Jail::new(caller).change(|plan| {
            wall(plan);
            plan.landlock.least = 99;
            plan.landlock.by = by();
        });
        jail.sh("echo ran").stopped(&[
            "(landlock)",
            "ABI 99 is needed",
            "demo.jail:4:3",
            "no kernel",
        ]);
    }
}

/// Starts a command as a kernel would that has no Landlock: the call fails with `errno`.
pub(crate) fn without_landlock(command: &mut Command, errno: u32) -> &mut Command {
    let call = syscalls::Sysno::landlock_create_ruleset.id().cast_unsigned();
    let instruction = |code: u64, jumps: u64, k: u32| code | jumps << 16 | u64::from(k) << 32;
    let filter = [
        instruction(0x20, 0, 0),
        instruction(0x15, 0x0100, call),
        instruction(0x06, 0, 0x0005_0000 | errno),
        instruction(0x06, 0, 0x7fff_0000),
    ];
    let load = move || {
        rustix::thread::set_no_new_privs(true)?;
        jail_stub::sys::load_filter(&filter)?;
        Ok(())
    };
    // SAFETY: between fork and exec it makes two system calls on memory that it
    // owns, and allocates nothing.
    unsafe { command.pre_exec(load) }
}

#[test]
fn a_kernel_without_landlock_runs_what_asks_for_nothing_and_stops_what_does() {
    for caller in callers() {
        for (errno, why) in [(38, "built without it"), (95, "not enabled at boot")] {
            let jail = |least| {
                Jail::new(caller).change(|plan: &mut Plan| {
                    wall(plan);
                    plan.landlock.least = least;
                })
            };
            let run = |jail: Jail| {
                let mut command = jail.command(jail.wrapper());
                Ran::of(without_landlock(&mut command, errno).args(["-c", "echo ran"]))
            };
            run(jail(0)).prints("ran");
            run(jail(3)).stopped(&["ABI 3 is needed", "gives none", why, "Linux 6.2 and newer"]);
        }
    }
}

#[test]
fn a_rule_about_nothing_is_no_rule_and_a_rule_that_must_be_there_stops_the_launch() {
    for caller in callers_with(2) {
        let with = |missing| {
            Jail::new(caller).change(|plan| {
                wall(plan);
                plan.landlock.rules.push(LandlockRule::Path(Beneath {
                    path: literal("/nowhere"),
                    reach: Reach::Rw,
                    missing,
                    by: by(),
                }));
            })
        };
        with(Missing::Skip).sh("echo ran").prints("ran");
        with(Missing::Fail).sh("").stopped(&["(landlock)", "/nowhere: ENOENT", "demo.jail:4:3"]);
    }
}

#[test]
fn what_this_kernel_lacks_is_told_once() {
    let abi = jail_stub::sys::landlock::abi().unwrap_or(0);
    if Handled::beyond(&Handled::BY_DEFAULT, abi).is_empty() {
        return skipped("old-landlock", "this kernel's Landlock lacks nothing");
    }
    for caller in callers() {
        let jail = Jail::new(caller).change(|plan| {
            wall(plan);
            plan.landlock.handles = Handled::BY_DEFAULT.to_vec();
        });
        let told = jail.home().with_file_name("state").join("jailgen/told");
        std::fs::remove_dir_all(&told).expect("the folder of the harness");
        let said = |stderr: &str| stderr.lines().filter(|line| line.contains("Landlock")).count();
        assert_eq!(said(&jail.sh(":").stderr), 1, "{caller:?}");
        assert_eq!(said(&jail.sh(":").stderr), 0, "{caller:?}");
        // Who asked for it by name is stopped instead, where it is missing.
        std::fs::remove_dir_all(&told).expect("made by the launch");
        let jail = jail.change(|plan| plan.landlock.least = 1);
        if abi > 0 {
            assert_eq!(said(&jail.sh(":").stderr), 0, "{caller:?}");
        }
        // If it cannot be recorded it is reported each time, and no folder is made for it.
        let jail = jail.change(|plan| {
            plan.landlock.least = 0;
            // What a jail may write would have to be written down.
            crate::jail::read_only_folder(plan);
        });
        let jail = jail.outside("XDG_STATE_HOME", "/nowhere/at/all");
        for _ in 0..2 {
            let ran = jail.sh("echo ran");
            ran.prints("ran");
            assert_eq!(said(&ran.stderr), 1, "{caller:?}");
        }
        assert!(!std::path::Path::new("/nowhere").exists());
    }
}
