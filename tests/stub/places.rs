//! What a path leads to is decided once in a launch: a program that swaps
//! it meanwhile gains nothing.

use std::collections::BTreeSet;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use jail_plan::trust::TREES;
use jail_plan::{Access, InsideOp, Missing, Service, Session};
use rustix::fs::{CWD, RenameFlags, renameat_with};

use crate::jail::{Caller, Jail, bind_to, callers, tmpfs};

const LAUNCHES: usize = 40;

/// Launches while two names are swapped all the time; what the script printed, or
/// that the launch stopped.
fn while_swapped(jail: &Jail, names: [&Path; 2], script: &str) -> Vec<Result<String, String>> {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                renameat_with(CWD, names[0], CWD, names[1], RenameFlags::EXCHANGE)
                    .expect("it swaps");
            }
        });
        let launch = |_| {
            let ran = jail.sh(script);
            match ran.code {
                Some(0) => Ok(ran.stdout.trim().to_owned()),
                Some(_) | None => Err(ran.stderr),
            }
        };
        let all = (0..LAUNCHES).map(launch).collect();
        done.store(true, Ordering::Relaxed);
        all
    })
}

fn own(jail: &Jail, folder: &Path) {
    std::fs::create_dir_all(folder).expect("a folder");
    std::os::unix::fs::chown(folder, jail.caller.uid, jail.caller.uid).expect("for the caller");
}

/// In the folder of a jail there are a folder `a` and a link `b` to the user's keys.
fn with_keys(caller: Caller) -> Jail {
    let jail = Jail::new(caller);
    jail.file("project/a/id", "mine");
    let keys = jail.file("home/keys/id", "secret");
    symlink(keys.parent().expect("a folder"), jail.project().join("b")).expect("a link");
    jail
}

#[test]
fn a_parent_that_is_swapped_for_a_link_never_leads_a_mount_elsewhere() {
    for caller in callers() {
        let jail = with_keys(caller);
        let [a, b] = ["a", "b"].map(|name| jail.project().join(name));
        let [read, write] = [Access::ReadOnly, Access::ReadWrite]
            .map(|access| bind_to(a.join("id"), "/found", access, Missing::Fail));
        let jail = jail.op(read);
        never_the_keys(while_swapped(&jail, [&a, &b], "cat /found"));
        let jail = jail.op(write);
        never_the_keys(while_swapped(&jail, [&a, &b], "cat /found"));
    }
}

fn never_the_keys(outcomes: Vec<Result<String, String>>) {
    for outcome in outcomes {
        match outcome {
            Ok(printed) => assert_eq!(printed, "mine"),
            Err(why) => assert!(
                why.contains("a symbolic link in a folder that a jail could write")
                    || why.contains("something else was put in its place"),
                "{why}"
            ),
        }
    }
}

#[test]
fn what_is_written_down_and_what_is_bound_are_one() {
    for caller in callers() {
        let jail = Jail::new(caller);
        let [a, b] = ["a", "b"].map(|name| jail.home().join(name));
        for (folder, content) in [(&a, "first"), (&b, "second")] {
            own(&jail, folder);
            std::fs::write(folder.join("which"), content).expect("a file");
        }
        let jail = jail.op(bind_to(&a, "/found", Access::ReadWrite, Missing::Fail));
        let mut given = BTreeSet::new();
        for outcome in while_swapped(&jail, [&a, &b], "cat /found/which") {
            match outcome {
                Ok(printed) => drop(given.insert(printed)),
                // A launch in whose middle it was swapped says so and runs nothing.
                Err(why) => assert!(why.contains("something else was put in its place"), "{why}"),
            }
        }
        // Two names of the project, one of the path, and one of each folder that was written down.
        let trees = jail.folder.path().join("state/jailgen").join(TREES);
        let recorded = std::fs::read_dir(trees).expect("the record").count() - 3;
        assert!(given.len() <= recorded, "{given:?} of {recorded}");
    }
}

#[test]
fn a_socket_is_bound_if_it_is_one_and_never_what_took_its_place() {
    for caller in callers() {
        let jail = Jail::new(caller);
        let [socket, folder] = ["agent", "folder"].map(|name| jail.home().join(name));
        own(&jail, &folder);
        std::fs::write(folder.join("secret"), "secret").expect("a file");
        let _listener = UnixListener::bind(&socket).expect("a socket");
        std::os::unix::fs::chown(&socket, caller.uid, caller.uid).expect("for the caller");
        let agent = InsideOp::Session(Session { service: Service::SshAgent });
        let path = socket.to_str().expect("UTF-8").to_owned();
        let jail = jail.op(tmpfs("/h")).op(agent).outside("SSH_AUTH_SOCK", &path);
        let look = format!(
            "if [ -S {path} ]; then echo socket; else ls -A {path} 2>/dev/null; echo none; fi"
        );
        // The control.
        jail.sh(&look).prints("socket");
        for outcome in while_swapped(&jail, [&socket, &folder], &look) {
            let printed = outcome.expect("it starts");
            assert!(["socket", "none"].contains(&printed.as_str()), "{printed}");
        }
    }
}
