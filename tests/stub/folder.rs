//! The folder that the wrapper is started in: which ones are refused, and how it appears inside.

use std::os::unix::fs::PermissionsExt;

use jail_plan::{
    Access, BindArguments, BindVariable, Directory, File, Folder, HostOp, InsideOp, Missing,
    Overlay, RefuseFolder, Step, Symlink, Tmpfs,
};

use crate::jail::{Caller, Jail, Ran, bind, bind_to, by, callers, literal, read_only_folder, step};

fn guarded(caller: Caller, home_allowed: bool) -> Jail {
    Jail::new(caller).change(|plan| {
        plan.before.push(Step::new(by(), HostOp::RefuseFolder(RefuseFolder { home_allowed })));
    })
}

#[test]
fn the_root_the_home_folder_and_what_lies_above_it_are_refused() {
    for caller in callers() {
        let jail = guarded(caller, false);
        let run = |folder: &std::path::Path| {
            Ran::of(jail.command(jail.wrapper()).current_dir(folder).args(["-c", "echo ran"]))
        };
        run(&jail.project()).prints("ran");
        run("/".as_ref()).stopped(&["(refuse-folder): /:", "root folder", "your project"]);
        run(&jail.home()).stopped(&["it is your home folder", "allow-home-cwd"]);
        run(jail.folder.path()).stopped(&["your home folder lies in it"]);
        run("/tmp".as_ref()).stopped(&["your home folder lies in it"]);
        let link = jail.folder.path().join("link");
        std::os::unix::fs::symlink(jail.home(), &link).expect("a link");
        run(&link).stopped(&["it is your home folder"]);
        // What is granted is granted, and no more.
        let jail = guarded(caller, true);
        let run = |folder: &std::path::Path| {
            Ran::of(jail.command(jail.wrapper()).current_dir(folder).args(["-c", "echo ran"]))
        };
        run(&jail.home()).prints("ran");
        run(jail.folder.path()).stopped(&["your home folder lies in it"]);
    }
}

#[test]
fn folders_that_no_project_lies_in_are_refused() {
    for caller in callers() {
        let jail = guarded(caller, false);
        let run = |folder: &std::path::Path| {
            Ran::of(jail.command(jail.wrapper()).current_dir(folder).args(["-c", "echo ran"]))
        };
        let refused = |folder: std::path::PathBuf, why: &str| {
            std::fs::create_dir_all(&folder).expect("a folder");
            run(&folder).stopped(&["the jail may not have this folder", why, "your project"]);
        };
        let home = jail.home();
        for name in [".ssh", ".ssh/x", ".gnupg", ".gnupg/private-keys-v1.d"] {
            refused(home.join(name), "keys are kept there");
        }
        refused(home.join(".local"), "programs and their state");
        refused(home.join(".local/state"), "programs and their state");
        // What lies below those two may be a project.
        let project = home.join(".local/share/project");
        std::fs::create_dir_all(&project).expect("a folder");
        run(&project).prints("ran");
        for name in ["state", "state/jailgen", "state/jailgen/flakes/x"] {
            refused(jail.folder.path().join(name), "jailgen's own state");
        }
        for name in ["/proc", "/proc/self", "/sys", "/sys/kernel", "/dev/pts"] {
            run(name.as_ref()).stopped(&["its files are the kernel's"]);
        }
        run("/dev".as_ref()).stopped(&["devices are there"]);
        for name in ["/etc", "/usr", "/usr/share"] {
            match caller.is_root() {
                true => run(name.as_ref()).stopped(&["it belongs to the system"]),
                false => run(name.as_ref()).prints("ran"),
            }
        }
        // However they are reached.
        let link = jail.folder.path().join("link");
        std::os::unix::fs::symlink(home.join(".ssh/x"), &link).expect("a link");
        run(&link).stopped(&["keys are kept there"]);
        let state = home.join(".local/state/jailgen");
        std::fs::create_dir_all(&state).expect("a folder");
        let mut command = jail.command(jail.wrapper());
        command.env_remove("XDG_STATE_HOME").current_dir(&state).args(["-c", "echo ran"]);
        Ran::of(&mut command).stopped(&["jailgen's own state"]);
    }
}

#[test]
fn a_file_system_of_the_kernels_is_refused_wherever_it_is_mounted() {
    for caller in callers() {
        let jail = guarded(caller, false);
        std::fs::create_dir(jail.home().join("kernel")).expect("a folder");
        let in_a = |kind: &str| {
            let script = format!(
                "mount -t {kind} none {0} && cd {0} && exec \"$W\" -c 'echo ran'",
                jail.home().join("kernel").display()
            );
            let mut command = jail.command("unshare");
            command.env("W", jail.wrapper()).args(["-Urmipf", "sh", "-c", &script]);
            Ran::of(&mut command)
        };
        // The control: where files are anybody's. Who has become root here cannot
        // enter that one's home folder.
        if caller.is_root() {
            in_a("tmpfs").prints("ran");
        }
        for kind in ["proc", "devpts", "mqueue"] {
            in_a(kind).stopped(&["kernel: the jail may not have this folder", "are the kernel's"]);
        }
    }
}

#[test]
fn a_home_folder_that_is_a_link_is_known_by_what_it_is() {
    for caller in callers() {
        let jail = guarded(caller, false);
        let other = jail.folder.path().join("elsewhere/deep");
        std::fs::create_dir_all(&other).expect("a folder");
        let link = jail.project().join("home-link");
        std::os::unix::fs::symlink(&other, &link).expect("a link");
        let run = |folder: &std::path::Path| {
            Ran::of(
                jail.command(jail.wrapper())
                    .current_dir(folder)
                    .env("HOME", &link)
                    .args(["-c", "echo ran"]),
            )
        };
        run(&other).stopped(&["it is your home folder"]);
        run(other.parent().expect("a parent")).stopped(&["your home folder lies in it"]);
    }
}

#[test]
fn a_folder_that_was_deleted_stops_the_launch() {
    for caller in callers() {
        let jail = Jail::new(caller);
        jail.outside_sh("mkdir gone; cd gone; rmdir ../gone; \"$W\" -c 'echo ran'")
            .stopped(&["(folder)", "was deleted"]);
    }
}

#[test]
fn the_folder_is_writable_inside_only_as_granted_and_nothing_beside_it_is_there() {
    for caller in callers() {
        let jail = Jail::new(caller);
        jail.sh("echo x > made; ls ..").prints("project");
        assert_eq!(std::fs::read_to_string(jail.project().join("made")).expect("a file"), "x\n");
        let jail = Jail::new(caller).change(read_only_folder);
        jail.sh("touch made 2>&1 | grep -o 'Read-only file system'")
            .prints("Read-only file system");
        assert!(!jail.project().join("made").exists());
    }
}

#[test]
fn the_folder_can_appear_at_another_place() {
    for caller in callers() {
        let jail = Jail::new(caller).change(|plan| {
            plan.inside.retain(|step| !matches!(step.op, InsideOp::Folder(_)));
            plan.inside.push(Step::new(
                by(),
                InsideOp::Folder(Folder {
                    to: Some(literal("/work")),
                    access: Access::ReadWrite,
                    stage: None,
                }),
            ));
        });
        jail.sh("pwd; echo y > made; ls /tmp | wc -l").prints("/work\n0");
        assert!(jail.project().join("made").exists());
    }
}

#[test]
fn a_folder_that_was_renamed_under_the_launch_stays_the_same_folder() {
    for caller in callers() {
        let jail = Jail::new(caller);
        let script = "mkdir a; cd a; echo mine > file; mv ../a ../b; mkdir ../a; \"$W\" -c 'cat file; basename \"$PWD\"'";
        jail.outside_sh(script).prints("mine\nb");
    }
}

#[test]
fn a_planted_link_does_not_lead_a_mount_or_a_grant_elsewhere() {
    for caller in callers() {
        // C12: where a mount belongs, an earlier session left a link.
        let jail = Jail::new(caller);
        let target = jail.project().join("state");
        std::os::unix::fs::symlink("/tmp", &target).expect("a link");
        let jail = jail.op(bind("/usr/bin", Access::ReadOnly));
        let op =
            crate::jail::bind_to("/usr/bin", &target, Access::ReadOnly, jail_plan::Missing::Fail);
        let jail = jail.op(op);
        jail.sh("echo ran").stopped(&["(bind-ro)", "a symbolic link stands in the way"]);

        // C11: the source of a grant is a link that lies in a folder which the jail may write.
        let jail = Jail::new(caller);
        let keys = jail.file("home/keys/id", "secret");
        let cache = jail.project().join("cache");
        std::os::unix::fs::symlink(keys.parent().expect("a folder"), &cache).expect("a link");
        let op =
            crate::jail::bind_to(&cache, "/cache", Access::ReadWrite, jail_plan::Missing::Fail);
        let jail = jail.op(op);
        jail.sh("cat /cache/id")
            .stopped(&["`cache` is a symbolic link in a folder that a jail could write"]);

        // The control: a link of the user's own, where no jail writes, is followed.
        let jail = Jail::new(caller);
        jail.file("home/keys/id", "public");
        let link = jail.folder.path().join("own-link");
        std::os::unix::fs::symlink(jail.home().join("keys"), &link).expect("a link");
        let jail = jail.op(crate::jail::bind_to(
            &link,
            "/cache",
            Access::ReadOnly,
            jail_plan::Missing::Fail,
        ));
        jail.sh("cat /cache/id").prints("public");
    }
}

/// A jail with one of the operations that bind what the launcher names, and a link in the tree it
/// binds that leads to keys.
fn with_a_planted_link(
    caller: Caller,
    op: impl FnOnce(Access) -> InsideOp,
    access: Access,
) -> Jail {
    let jail = Jail::new(caller);
    let keys = jail.file("home/keys/id", "secret");
    let tree = jail.home().join("tree");
    std::fs::create_dir(&tree).expect("a folder");
    std::os::unix::fs::symlink(keys.parent().expect("a folder"), tree.join("cache"))
        .expect("a link");
    let grant = bind_to(tree.join("cache"), "/cache", Access::ReadOnly, Missing::Fail);
    jail.op(op(access)).op(grant)
}

#[test]
fn a_link_planted_in_a_tree_that_an_argument_or_a_variable_names_is_not_followed() {
    let arguments = |access| InsideOp::BindArguments(BindArguments { access });
    let variable = |access| {
        InsideOp::BindVariable(BindVariable {
            variable: "LIST".into(),
            separator: ":".into(),
            access,
        })
    };
    let refused = "`cache` is a symbolic link in a folder that a jail could write";
    for caller in callers() {
        let run = |jail: &Jail, tree: &str| {
            Ran::of(jail.command(jail.wrapper()).args(["-c", "cat /cache/id", "sh", tree]))
        };
        for tree in ["../home/tree", "../home/./tree/"] {
            let jail = with_a_planted_link(caller, arguments, Access::ReadWrite);
            run(&jail, tree).stopped(&[refused]);
            // Written down is what it was given, so a launch that is given
            // nothing follows it no more.
            run(&jail, "none").stopped(&[refused]);
            // The same link, where no launch granted writing.
            run(&with_a_planted_link(caller, arguments, Access::ReadWrite), "none")
                .prints("secret");
            run(&with_a_planted_link(caller, arguments, Access::ReadOnly), tree).prints("secret");
        }
        let listed = |access| {
            let jail = with_a_planted_link(caller, variable, access);
            let list = format!("/nowhere:{}", jail.home().join("tree").display());
            jail.outside("LIST", &list)
        };
        listed(Access::ReadWrite).sh("cat /cache/id").stopped(&[refused]);
        listed(Access::ReadOnly).sh("cat /cache/id").prints("secret");
        // What an argument names next to the tree is as untrusted as what the plan names.
        let jail = with_a_planted_link(caller, arguments, Access::ReadWrite)
            .change(|plan| drop(plan.inside.pop()));
        let words = ["-c", "ls ../home/tree/cache", "sh", "../home/tree", "../home/tree/cache"];
        Ran::of(jail.command(jail.wrapper()).args(words)).stopped(&[refused]);
    }
}

/// Each kind of mount below `place`, and what is made there without one.
fn mounts_below(place: &std::path::Path) -> Vec<InsideOp> {
    let to = literal(place.join("new/point"));
    let lower = vec![literal("/usr")];
    vec![
        bind_to("/usr", place.join("new/point"), Access::ReadOnly, Missing::Fail),
        bind_to("/bin/sh", place.join("new/point"), Access::ReadOnly, Missing::Fail),
        InsideOp::OverlayInMemory(Overlay { lower, to: to.clone() }),
        InsideOp::Tmpfs(Tmpfs { to: to.clone(), mode: 0o755, size: None }),
        InsideOp::Directory(Directory { to: to.clone(), mode: 0o755 }),
        InsideOp::File(File { to: to.clone(), content: String::new(), mode: 0o644 }),
        InsideOp::Symlink(Symlink { to: to.clone(), target: "/usr".into() }),
        InsideOp::Proc(to.clone()),
        InsideOp::Dev(to),
    ]
}

#[test]
fn nothing_is_made_or_mounted_below_a_parent_that_is_a_planted_link() {
    for caller in callers() {
        let mut jail = Jail::new(caller);
        let (planted, target) = (jail.project().join("d"), jail.home());
        std::os::unix::fs::symlink(&target, &planted).expect("a link");
        for op in mounts_below(&planted) {
            jail.plan.inside.push(step(op));
            jail.sh("echo ran").stopped(&["a symbolic link stands in the way"]);
            jail.plan.inside.pop();
        }
        assert!(!target.join("new").exists());
        // The control: a folder in the link's place.
        std::fs::remove_file(&planted).expect("the link");
        for op in mounts_below(&planted) {
            std::fs::create_dir(&planted).expect("a folder");
            std::os::unix::fs::chown(&planted, caller.uid, caller.uid).expect("for the caller");
            jail.plan.inside.push(step(op));
            jail.sh("ls d/new").prints("point");
            jail.plan.inside.pop();
            std::fs::remove_dir_all(&planted).expect("it is removed");
        }
    }
}

#[test]
fn parents_that_can_only_be_passed_through_are_passed_through() {
    for caller in callers() {
        let mut jail = Jail::new(caller);
        let outer = jail.folder.path().join("outer");
        let mine = jail.file("outer/mine/there", "x").parent().expect("a folder").to_owned();
        std::os::unix::fs::chown(&mine, caller.uid, caller.uid).expect("for the caller");
        // For root, it belongs to another user than the caller.
        std::fs::set_permissions(&outer, std::fs::Permissions::from_mode(0o711)).expect("a mode");
        jail.outside_sh("ls ../outer >/dev/null 2>&1 && test $(id -u) = 54321 && echo listed; cat ../outer/mine/there")
            .prints("x");
        jail.plan.inside.push(step(bind(&outer, Access::ReadWrite)));
        for op in mounts_below(&mine) {
            jail.plan.inside.push(step(op));
            jail.sh("ls ../outer/mine/new").prints("point");
            jail.plan.inside.pop();
            std::fs::remove_dir_all(mine.join("new")).expect("it is removed");
        }
        // The source of a grant lies below such a folder as well.
        jail.plan.inside.push(step(bind_to(&mine, "/mine", Access::ReadOnly, Missing::Fail)));
        jail.sh("cat /mine/there").prints("x");
    }
}
