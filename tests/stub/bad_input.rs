//! Plans and machines that a launch must stop at, with a message that helps.

use jail_plan::{
    Access, Beneath, Bind, Folder, Handled, InsideOp, LandlockRule, Missing, Namespace, Places,
    Reach, encode,
};

use crate::jail::{Jail, Ran, bind, bind_to, by, callers, expand, filter, literal, stub};

#[test]
fn a_plan_that_is_not_exactly_one_is_not_run() {
    for caller in callers() {
        let jail = Jail::new(caller);
        let text =
            encode(stub().to_str().expect("UTF-8"), &jail.plan, &Places::new()).expect("a plan");
        let refused = |text: String, words: &[&str]| {
            Ran::of(jail.command(jail.raw_wrapper(text)).args(["-c", "echo ran"])).stopped(words);
        };
        refused(text[..text.len() / 2].into(), &["the plan cannot be read", "unexpected end"]);
        refused(text.replace("\"version\":3", "\"version\":1"), &["version 1", "reads version 3"]);
        refused(text.replacen("\"bind\":", "\"bond\":", 1), &["cannot be read", "bond"]);
        refused(
            text.replacen("\"access\":", "\"axess\":\"ro\",\"access\":", 1),
            &["unknown field `axess`"],
        );
        refused(text.replacen("exit 125", "exit 0", 1), &["not a wrapper"]);
        refused(text.replace("\"seccomp\":[", "\"seccomp\":[],\"x\":["), &["cannot be read"]);
        refused(
            without_filters(&text),
            &["it has no system call filter", "help: build the jail again"],
        );
        refused(format!("{text}{}", " ".repeat(9_000_000)), &["larger than"]);
        let ran = Ran::of(&mut jail.command(stub()));
        ran.stopped(&["no plan to run"]);
        let ran = Ran::of(jail.command(stub()).arg("/nowhere/wrapper"));
        ran.stopped(&["/nowhere/wrapper: ENOENT"]);
    }
}

/// The text of a plan whose list of filters is empty.
fn without_filters(text: &str) -> String {
    let (before, rest) = text.split_once("\"seccomp\":[").expect("filters");
    let (_, after) = rest.split_once(']').expect("an end");
    format!("{before}\"seccomp\":[]{after}")
}

#[test]
fn a_missing_bind_source_stops_the_launch_and_says_who_wanted_it() {
    for caller in callers() {
        let jail = Jail::new(caller).op(bind("/nowhere/at/all", Access::ReadOnly));
        jail.sh("echo ran").stopped(&[
            "(bind-ro): /nowhere/at/all: ENOENT",
            "wanted by `test` at demo.jail:4:3",
            "make it",
            "try-",
        ]);
        let jail = Jail::new(caller).op(bind("/nowhere/at/all", Access::ReadWrite));
        jail.sh("echo ran").stopped(&["(bind-rw)", "write `(state-dir \"/nowhere/at/all\")`"]);
        let (from, to) = (expand("~/.cache/new"), expand("~/.cache/new"));
        let (access, missing) = (Access::ReadWrite, Missing::Fail);
        let op = InsideOp::Bind(Bind { from, to, access, missing });
        Jail::new(caller)
            .op(op)
            .sh("echo ran")
            .stopped(&["write `(state-dir (noescape \"~/.cache/new\"))`, which makes the folder"]);
        let jail =
            Jail::new(caller).op(bind_to("/nowhere", "/nowhere", Access::ReadWrite, Missing::Skip));
        jail.sh("ls -d /nowhere || echo left out").prints("left out");
    }
}

#[test]
fn the_step_that_failed_is_counted() {
    for caller in callers() {
        let jail = Jail::new(caller).op(bind("/nowhere", Access::ReadOnly));
        let number = jail.plan.inside.len() + 2;
        let of = jail.plan.inside.len() + 9;
        jail.sh("").stopped(&[&format!("jail-stub: step {number} of {of} (bind-ro)")]);
    }
}

#[test]
fn expansions_fail_with_the_variables_name() {
    for caller in callers() {
        let op = |text: &str| {
            let InsideOp::Bind(mut bind) = bind("/", Access::ReadOnly) else { unreachable!() };
            bind.from = expand(text);
            bind.to = literal("/x");
            InsideOp::Bind(bind)
        };
        Jail::new(caller)
            .op(op("$NOT_SET/x"))
            .sh("")
            .stopped(&["$NOT_SET/x: `NOT_SET` is not set"]);
        Jail::new(caller)
            .op(op("$REL/x"))
            .outside("REL", "a")
            .sh("")
            .stopped(&["a/x: it is not absolute"]);
        Jail::new(caller).op(op("~")).outside("HOME", "/").sh("").stopped(&["HOME: it is `/`"]);
        Jail::new(caller)
            .op(op("~"))
            .outside("HOME", "home")
            .sh("")
            .stopped(&["not absolute", "set HOME"]);
    }
}

#[test]
fn filters_that_the_kernel_would_not_take_are_named() {
    for caller in callers() {
        let with = |program: jail_plan::SeccompProgram| {
            Jail::new(caller).change(|plan| plan.seccomp = vec![program])
        };
        let mut broken = filter(&[6, 0, 0, 0, 0, 0, 255, 127]);
        broken.program.pop();
        let again = "build the jail again";
        with(broken).sh("").stopped(&["(seccomp): default: the filter is not base64", again]);
        with(filter(&[])).sh("").stopped(&["not a list of instructions", again]);
        with(filter(&[1; 12])).sh("").stopped(&["not a list of instructions", again]);
        with(filter(&[0; 8])).sh("").stopped(&["(seccomp): default: EINVAL", "`add-seccomp`"]);
        with(filter(&[6; 8 * 4097])).sh("").stopped(&["4097 instructions", again]);
        let mut foreign = filter(&[6, 0, 0, 0, 0, 0, 255, 127]);
        foreign.arch = "riscv64".into();
        with(foreign).sh("").stopped(&["for riscv64 only", "build the jail for this processor"]);
    }
}

#[test]
fn a_machine_without_user_namespaces_is_told_which_switch_to_turn() {
    for caller in callers() {
        let jail = Jail::new(caller);
        // In a user namespace of one's own the limit can be set without touching the host's.
        let script = "echo 0 > /proc/sys/user/max_user_namespaces && \"$W\" -c 'echo ran'";
        let ran = Ran::of(
            jail.command("unshare").env("W", jail.wrapper()).args(["-Ur", "sh", "-c", script]),
        );
        ran.stopped(&["(namespaces): clone3: ENOSPC", "sysctl user.max_user_namespaces="]);
    }
}

#[test]
fn a_user_who_has_as_many_processes_as_allowed_is_told_so() {
    // The kernel does not count root's.
    for caller in callers().into_iter().filter(|caller| !caller.is_root()) {
        let jail = Jail::new(caller);
        let cage = Jail::bare(caller).change(|plan| {
            plan.namespaces.clear();
            plan.hostname = None;
        });
        for jail in [jail, cage] {
            let ran = jail.outside_sh("exec prlimit --nproc=1 \"$W\" -c 'echo ran'");
            ran.stopped(&["(namespaces): clone3: EAGAIN", "help: ", "ulimit -u"]);
            assert!(!ran.stderr.contains("share-ns"), "{ran:?}");
        }
    }
}

/// D18: a security module lets the namespace be made, and forbids what it is for. Landlock stands
/// in for AppArmor here, and a file for its switch, in a mount namespace of the test's own.
#[test]
fn a_user_namespace_that_gives_nothing_stops_the_launch_and_names_the_switch() {
    const SWITCH: &str = "mount -t tmpfs none /proc/sys/kernel && echo 1 > /proc/sys/kernel/apparmor_restrict_unprivileged_userns &&";
    // One instruction: `return SECCOMP_RET_ALLOW`.
    const ALLOW_ALL: [u8; 8] = [6, 0, 0, 0, 0, 0, 0xff, 0x7f];
    for caller in callers() {
        let jail = Jail::new(caller);
        let writable = ["/tmp", "/dev"].map(|path| {
            let (path, missing, by) = (literal(path), Missing::Fail, by());
            LandlockRule::Path(Beneath { path, reach: Reach::Device, missing, by })
        });
        let denying = Jail::bare(caller)
            .change(|plan| {
                plan.namespaces.clear();
                plan.hostname = None;
                plan.landlock.handles = vec![Handled::Writes];
                plan.landlock.rules = writable.to_vec();
                plan.seccomp = vec![filter(&ALLOW_ALL)];
            })
            .set("W", jail.wrapper().to_str().expect("UTF-8"))
            .set("XDG_STATE_HOME", jail.folder.path().join("state").to_str().expect("UTF-8"));
        let launch = |before: &str| {
            // Nothing of jailgen's own is in what may be written, and what is written
            // down is gone with the test.
            let script = format!(
                "mount -t tmpfs none /sys && {before} \"$DENYING\" -c '\"$W\" -c \"echo ran\"'"
            );
            let mut command = jail.command("unshare");
            command
                .env("DENYING", denying.wrapper())
                .env("XDG_STATE_HOME", "/sys")
                .env("HOME", "/sys");
            Ran::of(command.args(["-Urm", "sh", "-c", &script]))
        };
        launch(SWITCH).stopped(&[
            "(namespaces)",
            "EACCES",
            "AppArmor",
            "kernel.apparmor_restrict_unprivileged_userns=0",
        ]);
        launch("").stopped(&["(namespaces)", "EACCES", "help:", "security module"]);
    }
}

#[test]
fn a_jail_without_namespaces_cannot_have_mounts() {
    for caller in callers() {
        let jail = Jail::new(caller).change(|plan| plan.namespaces.clear());
        jail.sh("echo ran").stopped(&["(namespaces)", "no namespace"]);
        let jail =
            Jail::new(caller).change(|plan| plan.namespaces.retain(|one| *one != Namespace::Mount));
        jail.sh("echo ran").stopped(&["no mount namespace"]);
        let jail =
            Jail::new(caller).change(|plan| plan.namespaces.retain(|one| *one != Namespace::Uts));
        jail.sh("echo ran").stopped(&["(hostname): jail", "share-ns"]);
    }
}

#[test]
fn sharing_the_user_namespace_works_for_root_only() {
    for caller in callers() {
        let jail =
            Jail::new(caller).change(|plan| plan.namespaces.retain(|one| *one != Namespace::User));
        let ran = jail.sh("grep -E '^Cap(Eff|Bnd|Prm)' /proc/self/status | sort -u -k2 | wc -l; cat /proc/self/uid_map | tr -s ' '");
        if caller.is_root() {
            assert_eq!(ran.code, Some(0), "{ran:?}");
            assert!(ran.stdout.starts_with("1\n"), "{ran:?}");
        } else {
            ran.stopped(&["clone3: EPERM", "share-ns \"user\""]);
        }
    }
}

#[test]
fn a_proc_that_cannot_be_mounted_says_why() {
    for caller in callers().into_iter().filter(|caller| !caller.is_root()) {
        let jail =
            Jail::new(caller).change(|plan| plan.namespaces.retain(|one| *one != Namespace::Pid));
        jail.sh("").stopped(&["(proc): /proc: EPERM", "own PID namespace", "containers"]);
    }
}

#[test]
fn a_plan_that_starts_in_a_folder_it_does_not_bind_stops() {
    for caller in callers() {
        let jail = Jail::new(caller)
            .change(|plan| plan.inside.retain(|step| !matches!(step.op, InsideOp::Folder(_))));
        jail.sh("").stopped(&["(start)", "does not bind it"]);
        let jail =
            Jail::new(caller).op(InsideOp::RemountReadOnly(literal("/"))).op(InsideOp::Folder(
                Folder { to: Some(literal("/late")), access: Access::ReadOnly, stage: None },
            ));
        jail.sh("").stopped(&["(folder): /late", "read-only"]);
    }
}
