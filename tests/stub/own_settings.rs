//! jailgen's settings are not written by a jail: covered where a wider grant may be written, a
//! reason to stop where they are granted themselves, and readable where a grant is read-only.

use std::path::{Path, PathBuf};

use jail_plan::{Access, Beneath, InsideOp, LandlockRule, Missing, Reach, SharedFile};

use crate::jail::{Caller, Jail, bind, bind_to, by, callers, literal, step, tmpfs};

/// A jail of a launcher with settings in the home folder.
fn jail(caller: Caller) -> Jail {
    let jail = Jail::new(caller);
    jail.outside_sh(
        "mkdir -p ~/.config/jailgen ~/.config/other && echo own >~/.config/jailgen/config.toml",
    )
    .prints("");
    jail
}

fn settings(jail: &Jail) -> PathBuf {
    jail.home().join(".config/jailgen/config.toml")
}

fn read(jail: &Jail) -> String {
    std::fs::read_to_string(settings(jail)).expect("the settings")
}

const CHANGE: &str = "echo jail's >../home/.config/jailgen/config.toml; mkdir -p ../home/.config/jailgen; \
     echo jail's >../home/.config/jailgen/config.toml; mv ../home/.config/jailgen ../home/.config/aside; mv ../home/.config ../home/aside; \
     ln -sfT /tmp ../home/.config/jailgen";

#[test]
fn a_wider_grant_that_may_be_written_shows_an_empty_folder_in_their_place() {
    for caller in callers() {
        for granted in [".config", "."] {
            let jail = jail(caller);
            let place = jail.home().join(granted).canonicalize().expect("a folder");
            let jail = jail.op(bind(place, Access::ReadWrite));
            // What it writes in their place is in memory. Next to them it
            // writes, as it was granted.
            jail.sh(&format!(
                "({CHANGE}) 2>/dev/null; ls -A ../home/.config/jailgen; echo x >../home/.config/other/x; echo in"
            ))
            .prints("config.toml\nin");
            assert_eq!(read(&jail), "own\n", "{granted}");
            jail.outside_sh("cat ~/.config/other/x; ls -A ~/.config").prints("x\njailgen\nother");
            // The control: the same outside changes them.
            jail.outside_sh("echo jail\\'s >~/.config/jailgen/config.toml").prints("");
            assert_eq!(read(&jail), "jail's\n");
        }
    }
}

#[test]
fn a_read_only_grant_shows_them() {
    for caller in callers() {
        for granted in [".config", ".config/jailgen", ".config/jailgen/config.toml"] {
            let jail = jail(caller);
            let place = jail.home().join(granted);
            let jail = jail.op(bind(place, Access::ReadOnly));
            jail.sh("(echo x >../home/.config/jailgen/config.toml) 2>/dev/null; cat ../home/.config/jailgen/config.toml")
                .prints("own");
            assert_eq!(read(&jail), "own\n", "{granted}");
        }
    }
}

#[test]
fn where_there_are_none_yet_a_folder_is_made_and_stays_empty() {
    for caller in callers() {
        let jail = Jail::new(caller);
        jail.outside_sh("mkdir ~/.config").prints("");
        let config = jail.home().join(".config");
        let jail = jail.op(bind(config, Access::ReadWrite));
        jail.sh(&format!("({CHANGE}) 2>/dev/null; ls -A ../home/.config/jailgen; echo in"))
            .prints("config.toml\nin");
        jail.outside_sh("ls -A ~/.config/jailgen; stat -c %a ~/.config/jailgen").prints("700");
        // A grant that does not hold them makes none.
        let jail = Jail::new(caller);
        jail.outside_sh("mkdir -p ~/.config/other").prints("");
        let other = jail.home().join(".config/other");
        jail.op(bind(other, Access::ReadWrite))
            .sh("echo x >../home/.config/other/x && echo in")
            .prints("in");
    }
}

#[test]
fn a_grant_of_them_for_writing_stops_the_launch() {
    let reason = "jailgen's settings are there";
    for caller in callers() {
        for granted in [".config/jailgen", ".config/jailgen/config.toml"] {
            let jail = jail(caller);
            let place = jail.home().join(granted);
            let jail = jail.op(bind_to(place, "/x", Access::ReadWrite, Missing::Fail));
            jail.sh("echo ran").stopped(&[reason]);
        }
        let jail = jail(caller);
        let shared = SharedFile { from: literal(settings(&jail)), to: literal("/h/x") };
        let jail = jail.op(tmpfs("/h")).op(InsideOp::SharedFile(shared));
        jail.sh("echo jail >/h/x").stopped(&[reason]);
        assert_eq!(read(&jail), "own\n");
    }
}

#[test]
fn a_link_to_them_that_the_jail_could_replace_stops_the_launch() {
    for caller in callers() {
        let jail = Jail::new(caller);
        jail.outside_sh("mkdir -p ~/dotfiles/jailgen && ln -s dotfiles ~/.config").prints("");
        let (home, dotfiles) = (jail.home(), jail.home().join("dotfiles"));
        let mut jail = jail;
        jail.plan.inside.push(step(bind(&home, Access::ReadWrite)));
        jail.sh("echo ran").stopped(&["a symbolic link leads to jailgen's settings"]);
        jail.plan.inside.pop();
        jail.plan.inside.push(step(bind_to(&dotfiles, "/d", Access::ReadWrite, Missing::Fail)));
        jail.sh("touch /d/jailgen/config.toml /d/x && echo in").prints("in");
        assert!(dotfiles.join("x").exists());
        assert!(!dotfiles.join("jailgen/config.toml").exists());
    }
}

#[test]
fn a_cage_that_could_write_them_does_not_start() {
    for caller in callers() {
        let rule = |path: &Path, reach| {
            let (path, missing, by) = (literal(path), Missing::Fail, by());
            LandlockRule::Path(Beneath { path, reach, missing, by })
        };
        let mut jail = crate::cage::cage(caller, jail_seccomp::Sockets::Tcp);
        let made =
            "mkdir -p ~/.config/jailgen ~/.config/other; echo own >~/.config/jailgen/config.toml";
        jail.outside_sh(made).prints("");
        let config = jail.home().join(".config");
        for (path, why) in [
            (config.clone(), "jailgen's settings lie in a folder that may be written here"),
            (config.join("jailgen"), "jailgen's settings are there"),
            (config.join("jailgen/config.toml"), "jailgen's settings are there"),
        ] {
            jail.plan.landlock.rules.push(rule(&path, Reach::Rw));
            jail.sh("echo ran").stopped(&["(landlock)", why]);
            jail.plan.landlock.rules.pop();
        }
        for (path, reach) in [(config.join("other"), Reach::Rwx), (config, Reach::Ro)] {
            jail.plan.landlock.rules.push(rule(&path, reach));
            jail.sh("echo ran").prints("ran");
            jail.plan.landlock.rules.pop();
        }
    }
}
