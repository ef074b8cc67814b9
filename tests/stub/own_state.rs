//! jailgen's own state is in no jail: covered where a wider grant holds it, and a reason to stop
//! where it is granted itself.

use std::path::{Path, PathBuf};

use jail_plan::{
    Access, Beneath, BindArguments, BindVariable, Deep, Folder, InsideOp, KeptOverlay,
    LandlockRule, Missing, Overlay, Reach, SharedFile, Step, TRUSTED_STATE,
};

use crate::jail::{Caller, Jail, Ran, bind, bind_to, by, callers, literal, step, tmpfs};

/// A jail of a launcher that keeps its state in the home folder, where one
/// entry of the trust store is.
fn jail(caller: Caller) -> Jail {
    let jail = Jail::new(caller);
    make(&jail, &own(&jail).join("trust/trees"));
    jail.file("home/.local/state/jailgen/trust/trees/p-1", "tree 1\n");
    jail.outside("XDG_STATE_HOME", "")
}

fn own(jail: &Jail) -> PathBuf {
    jail.home().join(".local/state/jailgen")
}

fn make(jail: &Jail, folder: &Path) {
    let made = format!("mkdir -p {}", folder.display());
    jail.outside_sh(&made).prints("");
}

/// Inside the folder is there and empty, and cannot be moved away; what can be written in it is
/// gone with the jail. Outside it is as it was.
#[track_caller]
fn holds(jail: &Jail, to: &Path, writes: bool, words: &[&str]) {
    let above: Vec<String> = [".local/state/jailgen", ".local/state", ".local"]
        .map(|name| to.join(name).display().to_string())
        .to_vec();
    let script = format!(
        "echo in; ls -A {0}; mv {0} {0}2 2>/dev/null; mv {1} {1}2 2>/dev/null; mv {2} {2}2 2>/dev/null; \
         mkdir -p {0}/trust/trees 2>/dev/null && touch {0}/trust/trees/p-2 {0}/x; ls -A {0}",
        above[0], above[1], above[2]
    );
    let words: Vec<&str> = ["-c", &script, "sh"].iter().chain(words).copied().collect();
    let ran = Ran::of(jail.command(jail.wrapper()).args(words));
    assert_eq!(ran.stdout, if writes { "in\ntrust\nx\n" } else { "in\n" }, "{ran:?}");
    let trees = own(jail).join("trust/trees");
    assert!(trees.join("p-1").exists() && !trees.join("p-2").exists());
}

#[test]
fn a_wider_grant_shows_an_empty_folder_in_its_place() {
    for caller in callers() {
        let jail = jail(caller);
        // The control: outside it is there, and can be written.
        jail.outside_sh("ls ~/.local/state/jailgen/trust/trees; touch ~/.local/state/jailgen/x")
            .prints("p-1");
        let mut jail = jail;
        let home = jail.home();
        let (upper, work) = (jail.folder.path().join("upper"), jail.folder.path().join("work"));
        for folder in [&upper, &work] {
            std::fs::create_dir(folder).expect("a folder");
            std::os::unix::fs::chown(folder, caller.uid, caller.uid).expect("for the caller");
        }
        let (lower, to) = (vec![literal(&home)], literal("/home"));
        let overlay = Overlay { lower: lower.clone(), to: to.clone() };
        let (upper, work) = (literal(upper), literal(work));
        let place = Path::new("/home");
        for (op, to) in [
            (bind(&home, Access::ReadWrite), home.as_path()),
            (bind(&home, Access::ReadOnly), &home),
            (bind_to(&home, "/home", Access::Device, Missing::Fail), place),
            (
                bind_to(jail.folder.path(), "/all", Access::ReadWrite, Missing::Fail),
                "/all/home".as_ref(),
            ),
            (
                bind_to("/tmp", "/all", Access::ReadOnly, Missing::Fail),
                &Path::new("/all").join(home.strip_prefix("/tmp").expect("in /tmp")),
            ),
            (InsideOp::Deep(Deep { from: literal(&home), missing: Missing::Fail }), &home),
            (InsideOp::OverlayReadOnly(overlay.clone()), place),
            (InsideOp::OverlayInMemory(overlay), place),
            (InsideOp::OverlayKept(KeptOverlay { lower, upper, work, to }), place),
        ] {
            let writes = match &op {
                InsideOp::Bind(op) => op.access != Access::ReadOnly,
                InsideOp::OverlayInMemory(_) | InsideOp::OverlayKept(_) => true,
                _ => false,
            };
            jail.plan.inside.push(step(op));
            holds(&jail, to, writes, &[]);
            jail.plan.inside.pop();
        }
    }
}

#[test]
fn so_does_what_the_launcher_names() {
    for caller in callers() {
        let arguments = InsideOp::BindArguments(BindArguments { access: Access::ReadWrite });
        let jail = jail(caller).op(arguments);
        let home = jail.home();
        holds(&jail, &home, true, &["../home"]);
        for argument in ["../home/.local", "../home/.local/state/"] {
            let script = "ls -A ../home/.local/state/jailgen; echo in";
            Ran::of(jail.command(jail.wrapper()).args(["-c", script, "sh", argument])).prints("in");
        }
        let variable = InsideOp::BindVariable(BindVariable {
            variable: "HOME".into(),
            separator: ":".into(),
            access: Access::ReadWrite,
        });
        let jail = self::jail(caller).op(variable);
        holds(&jail, &jail.home(), true, &[]);
        // The home folder as the working folder, and at another place.
        for to in [None, Some("/work")] {
            let jail = self::jail(caller).change(|plan| {
                plan.inside.retain(|step| !matches!(step.op, InsideOp::Folder(_)));
                let to = to.map(literal);
                plan.inside.push(Step::new(
                    by(),
                    InsideOp::Folder(Folder { to, access: Access::ReadWrite, stage: None }),
                ));
            });
            let home = jail.home();
            let place = to.map_or(home.as_path(), Path::new);
            let script = format!("ls -A {}; echo in", place.join(".local/state/jailgen").display());
            Ran::of(jail.command(jail.wrapper()).current_dir(&home).args(["-c", &script]))
                .prints("in");
        }
    }
}

#[test]
fn where_there_is_none_yet_one_is_made_that_the_jail_cannot_reach() {
    for caller in callers() {
        let jail = Jail::new(caller).outside("XDG_STATE_HOME", "");
        let home = jail.home();
        let jail = jail.op(bind(&home, Access::ReadWrite));
        jail.sh("cd ../home; mv .local x 2>/dev/null || echo stays; mkdir -p .local/state/jailgen/bin; ls .local/state/jailgen")
            .prints("stays\nbin");
        jail.outside_sh(
            "ls -A ~/.local/state/jailgen | grep -v told; stat -c %a ~/.local/state/jailgen",
        )
        .prints("trust\n700");
        // As another variable names it.
        let jail = Jail::new(caller);
        let folder = jail.folder.path().to_owned();
        let jail = jail.op(bind(&folder, Access::ReadWrite));
        jail.sh("ls -A ../state; ls -A ../state/jailgen; touch ../state/jailgen/x && echo made")
            .prints("jailgen\nmade");
        assert!(!folder.join("state/jailgen/x").exists());
    }
}

/// It is small, and no other program inside can look into it.
#[test]
fn a_jail_cannot_fill_the_memory_by_it() {
    for caller in callers() {
        let jail = jail(caller);
        let home = jail.home();
        let jail = jail.op(bind(&home, Access::ReadWrite));
        let script = "cd ../home/.local/state/jailgen; stat -c %a .; head -c 15M /dev/zero >a && echo fits; head -c 2M /dev/zero >b";
        let ran = jail.sh(script);
        assert!(ran.stdout == "700\nfits\n" && ran.stderr.contains("No space left"), "{ran:?}");
        assert!(!own(&jail).join("a").exists());
    }
}

#[test]
fn a_jail_in_a_jail_with_the_home_folder_keeps_its_record_in_it() {
    // Root in a jail may not be root in another one below it.
    for caller in callers().into_iter().filter(|caller| !caller.is_root()) {
        let inner = crate::trust::inner(caller);
        let outer = crate::trust::nested(caller, &inner).outside("XDG_STATE_HOME", "");
        let home = outer.home();
        let outer = outer.op(bind(&home, Access::ReadWrite));
        let outer = outer.set("HOME", home.to_str().expect("UTF-8"));
        let script = "$W -c 'echo inner' && ls ~/.local/state/jailgen/trust/trees | wc -l";
        outer.sh(script).prints("inner\n2");
        // The host's record has the outer jail's two trees, each by its handle and by its path.
        let recorded = std::fs::read_dir(own(&outer).join("trust/trees")).expect("a record");
        assert_eq!(recorded.count(), 4);
    }
}

#[test]
fn a_grant_of_what_the_host_trusts_stops_the_launch() {
    let reason = "jailgen keeps there what the host runs and trusts";
    for caller in callers() {
        let mut jail = jail(caller);
        let own = own(&jail);
        for name in TRUSTED_STATE {
            make(&jail, &own.join(name).join("below"));
            for granted in [own.join(name), own.join(name).join("below")] {
                jail.plan.inside.push(step(bind_to(
                    granted,
                    "/x",
                    Access::ReadOnly,
                    Missing::Fail,
                )));
                jail.sh("echo ran").stopped(&[reason]);
                jail.plan.inside.pop();
            }
        }
        // As the working folder as well, where nothing refuses it before.
        for folder in [own.clone(), own.join("trust"), own.join("bin/below")] {
            let mut command = jail.command(jail.wrapper());
            Ran::of(command.current_dir(folder).args(["-c", "echo ran"])).stopped(&[reason]);
        }
        for granted in [own.clone(), own.join("trust/trees/p-1")] {
            jail.plan.inside.push(step(bind_to(granted, "/x", Access::ReadOnly, Missing::Fail)));
            jail.sh("echo ran").stopped(&[reason]);
            jail.plan.inside.pop();
        }
        // A cage's folder next to them is like any other, and so is a name
        // that only begins like one.
        for name in ["cage/home", "binary"] {
            make(&jail, &own.join(name));
            jail.plan.inside.push(step(bind_to(
                own.join(name),
                "/x",
                Access::ReadWrite,
                Missing::Fail,
            )));
            jail.sh("touch /x/made && echo ran").prints("ran");
            jail.plan.inside.pop();
        }
    }
}

#[test]
fn no_file_of_it_is_carried_over() {
    for caller in callers() {
        let jail = jail(caller);
        let from = own(&jail).join("trust/trees/p-1");
        let shared = SharedFile { from: literal(&from), to: literal("/h/x") };
        let jail = jail.op(tmpfs("/h")).op(InsideOp::SharedFile(shared));
        jail.sh("echo tree >/h/x").stopped(&["jailgen keeps there what the host runs and trusts"]);
        assert_eq!(std::fs::read_to_string(from).expect("the record"), "tree 1\n");
    }
}

#[test]
fn a_link_to_it_that_the_jail_could_replace_stops_the_launch() {
    for caller in callers() {
        let jail = Jail::new(caller).outside("XDG_STATE_HOME", "");
        let (home, elsewhere) = (jail.home(), jail.folder.path().join("elsewhere"));
        make(&jail, &home.join(".local"));
        std::fs::create_dir(&elsewhere).expect("a folder");
        std::os::unix::fs::chown(&elsewhere, caller.uid, caller.uid).expect("for the caller");
        std::os::unix::fs::symlink(&elsewhere, home.join(".local/state")).expect("a link");
        let mut jail = jail;
        jail.plan.inside.push(step(bind(&home, Access::ReadWrite)));
        jail.sh("echo ran").stopped(&["a symbolic link leads to jailgen's own state"]);
        jail.plan.inside.pop();
        jail.plan.inside.push(step(bind(&home, Access::ReadOnly)));
        jail.sh("echo ran").prints("ran");
        jail.plan.inside.push(step(bind_to(&elsewhere, "/e", Access::ReadWrite, Missing::Fail)));
        jail.sh("ls -A /e/jailgen; touch /e/jailgen/x && echo made").prints("made");
        assert!(!elsewhere.join("jailgen/x").exists());
    }
}

#[test]
fn so_does_a_link_in_what_the_launcher_names_it_by() {
    for caller in callers() {
        for variable in ["XDG_STATE_HOME", "HOME"] {
            let new = |named: &str| {
                let jail = Jail::new(caller);
                let all = jail.folder.path().to_owned();
                let script = format!(
                    "cd {0} && mkdir -p mine/real/jailgen mine/links other && ln -s links/second mine/first && \
                     ln -s ../real mine/links/second && ln -s {0}/other mine/away",
                    all.display()
                );
                std::os::unix::fs::chown(&all, caller.uid, caller.uid).expect("for the caller");
                jail.outside_sh(&script).prints("");
                jail.outside(variable, all.join(named).to_str().expect("UTF-8"))
            };
            let over = |named: &str, granted: &str, access| {
                let jail = new(named);
                let granted = jail.folder.path().join(granted);
                jail.op(bind(&granted, access)).sh("echo ran")
            };
            let words = &["a symbolic link leads to jailgen's", "the jail could replace it"];
            over("mine/first", "mine", Access::ReadWrite).stopped(words);
            // A link on the way of a link.
            over("mine/first", "mine/links", Access::ReadWrite).stopped(words);
            over("mine/away", "mine", Access::ReadWrite).stopped(words);
            over("mine/first", "mine", Access::ReadOnly).prints("ran");
            over("mine/first", "other", Access::ReadWrite).prints("ran");
            // Without a link it is covered.
            over("mine/real", "mine", Access::ReadWrite).prints("ran");
        }
    }
}

#[test]
fn a_cage_that_could_write_it_does_not_start() {
    for caller in callers() {
        let rule = |path: PathBuf, reach| {
            let (path, missing, by) = (literal(path), Missing::Fail, by());
            LandlockRule::Path(Beneath { path, reach, missing, by })
        };
        let mut jail =
            crate::cage::cage(caller, jail_seccomp::Sockets::Tcp).outside("XDG_STATE_HOME", "");
        make(&jail, &own(&jail).join("trust"));
        make(&jail, &own(&jail).join("cage/home"));
        let (home, own) = (jail.home(), own(&jail));
        let covered = "jailgen's own state lies in a folder that may be written here";
        for (path, why) in [
            (home.clone(), covered),
            (home.join(".local/state"), covered),
            (own.clone(), "what the host runs and trusts"),
            (own.join("trust"), "what the host runs and trusts"),
        ] {
            jail.plan.landlock.rules.push(rule(path, Reach::Rw));
            jail.sh("echo ran").stopped(&["(landlock)", why]);
            jail.plan.landlock.rules.pop();
        }
        for (path, reach) in [(own.join("cage"), Reach::Rwx), (home, Reach::Ro)] {
            jail.plan.landlock.rules.push(rule(path, reach));
            jail.sh("echo ran").prints("ran");
            jail.plan.landlock.rules.pop();
        }
    }
}
