//! Overlays: what lies over what, what becomes of changes, and what is refused.

use jail_plan::{Access, InsideOp, KeptOverlay, Overlay};

use crate::jail::{Caller, Jail, bind, callers, literal};

/// Two folders with a file in common, below the home folder of the jail's caller.
fn folders(caller: Caller) -> Jail {
    let jail = Jail::new(caller);
    for (path, content) in [("a/both", "a"), ("a/one", "a"), ("b/both", "b"), ("b/two", "b")] {
        let file = jail.file(&format!("home/{path}"), content);
        let folder = file.parent().expect("a folder");
        std::os::unix::fs::chown(folder, caller.uid, caller.uid).expect("for the caller");
    }
    for name in ["changes", "work"] {
        let path = jail.home().join(name);
        std::fs::create_dir(&path).expect("a folder");
        std::os::unix::fs::chown(&path, caller.uid, caller.uid).expect("for the caller");
    }
    jail
}

fn layers(jail: &Jail) -> Overlay {
    let lower = ["a", "b"].map(|name| literal(jail.home().join(name)));
    Overlay { lower: lower.into(), to: literal("/merged") }
}

fn kept(jail: &Jail) -> InsideOp {
    let Overlay { lower, to } = layers(jail);
    let (upper, work) = (literal(jail.home().join("changes")), literal(jail.home().join("work")));
    InsideOp::OverlayKept(KeptOverlay { lower, upper, work, to })
}

const SEEN: &str = "cd /merged; for f in *; do printf '%s=%s ' $f $(cat $f); done";
const CHANGE: &str = "cd /merged && echo new >both && rm one && mkdir d && echo x >d/x && mv two 2";

/// Nothing that the overlay is made of has changed.
fn untouched(jail: &Jail) {
    let seen = "cd ~ && cat a/both a/one b/both b/two && echo && echo [ab]/*";
    jail.outside_sh(seen).refused("aabb\na/both a/one b/both b/two");
}

#[test]
fn the_folder_named_last_lies_on_top() {
    for caller in callers() {
        let jail = folders(caller);
        let overlay = layers(&jail);
        let jail = jail.op(InsideOp::OverlayReadOnly(overlay));
        jail.sh(SEEN).prints("both=b one=a two=b");
        assert_ne!(jail.sh(CHANGE).code, Some(0));
        let stat =
            "stat -f -c %t /merged; grep ' /merged ' /proc/self/mounts | grep -c nosuid,nodev";
        assert!(jail.sh(stat).stdout.ends_with("\n1\n"), "{:?}", jail.sh(stat));
        untouched(&jail);
    }
}

#[test]
fn a_single_folder_is_an_overlay_too() {
    for caller in callers() {
        let jail = folders(caller);
        let mut overlay = layers(&jail);
        overlay.lower.truncate(1);
        let jail = jail.op(InsideOp::OverlayReadOnly(overlay));
        jail.sh(SEEN).prints("both=a one=a");
        assert_ne!(jail.sh(CHANGE).code, Some(0));
        untouched(&jail);
    }
}

#[test]
fn many_folders_are_more_than_one_string_can_name() {
    for caller in callers() {
        let jail = folders(caller);
        let mut overlay = layers(&jail);
        for number in 0..30 {
            let file = jail.file(&format!("home/more/{number}/file-{number}"), "x");
            overlay.lower.push(literal(file.parent().expect("a folder")));
        }
        let jail = jail.op(InsideOp::OverlayInMemory(overlay));
        jail.sh("ls /merged | wc -l; cat /merged/both").prints("33\nb");
    }
}

#[test]
fn changes_in_memory_are_gone_with_the_jail() {
    for caller in callers() {
        let jail = folders(caller);
        let overlay = layers(&jail);
        let jail = jail.op(InsideOp::OverlayInMemory(overlay));
        for _ in 0..2 {
            jail.sh(&format!("{CHANGE}; ls; cat both d/x 2")).prints("2\nboth\nd\nnew\nx\nb");
        }
        untouched(&jail);
        jail.outside_sh("ls -A ~/changes ~/work | grep -c .").refused("2");
    }
}

#[test]
fn kept_changes_are_there_again() {
    for caller in callers() {
        let jail = folders(caller);
        let overlay = kept(&jail);
        let jail = jail.op(overlay);
        jail.sh(CHANGE).prints("");
        jail.sh("cd /merged; ls; cat both d/x 2").prints("2\nboth\nd\nnew\nx\nb");
        untouched(&jail);
        jail.outside_sh("cat ~/changes/both ~/changes/d/x; [ -c ~/changes/one ]").prints("new\nx");
    }
}

#[test]
fn two_launches_do_not_keep_changes_in_one_folder_at_a_time() {
    for caller in callers() {
        let jail = folders(caller);
        let overlay = kept(&jail);
        let jail = jail.op(overlay);
        let script = "\"$W\" -c 'echo first; sleep 20' >first & \
             until grep -q first first; do sleep 0.05; done; \
             \"$W\" -c 'echo second'; echo $?; kill %1 2>/dev/null || kill $!; wait; \"$W\" -c 'echo third'";
        let ran = jail.outside_sh(script);
        ran.prints("125\nthird");
        assert!(ran.stderr.contains("another launch keeps its changes there"), "{}", ran.stderr);
    }
}

#[test]
fn a_link_that_a_jail_planted_does_not_become_part_of_an_overlay() {
    for caller in callers() {
        let jail = folders(caller);
        jail.file("secret/key", "secret");
        // The folder of a layer lies in what the jail can write: an earlier launch has replaced it.
        let folder = jail.home();
        jail.outside_sh("mv ~/a ~/gone; ln -s ../secret ~/a; cat ~/a/key").prints("secret");
        let overlay = layers(&jail);
        let jail = jail.op(bind(folder, Access::ReadWrite)).op(InsideOp::OverlayReadOnly(overlay));
        jail.sh("cat /merged/key").stopped(&["`a` is a symbolic link", "demo.jail:4:3"]);
    }
}

#[test]
fn the_marks_of_overlayfs_lead_nowhere() {
    for caller in callers() {
        let jail = folders(caller);
        jail.file("home/b/real", "real");
        jail.outside_sh("mkdir ~/b/shown && : >~/b/stub").prints("");
        for (file, mark, value) in [
            ("shown", "redirect", "/../secret"),
            ("stub", "redirect", "/both"),
            ("stub", "metacopy", ""),
        ] {
            let path = jail.home().join("b").join(file);
            let (path, length) = (path.display(), value.len());
            let set = format!("call setxattr s:{path} s:user.overlay.{mark} s:{value} {length} 0");
            assert_eq!(jail.control(&set), "ok 0", "{set}");
        }
        let overlay = layers(&jail);
        let jail = jail.op(InsideOp::OverlayInMemory(overlay));
        jail.sh("ls /merged/shown; cat /merged/stub; [ -s /merged/stub ] || echo empty")
            .prints("empty");
        assert_ne!(jail.sh("cat /merged/shown/key").code, Some(0));
    }
}

#[test]
fn what_is_no_folder_and_what_is_not_there_stop_the_launch() {
    for caller in callers() {
        for (name, words) in [("a/one", "ENOTDIR"), ("missing", "ENOENT")] {
            let jail = folders(caller);
            let mut overlay = layers(&jail);
            overlay.lower.push(literal(jail.home().join(name)));
            let jail = jail.op(InsideOp::OverlayReadOnly(overlay));
            jail.sh("true").stopped(&[words, name, "overlay-read-only"]);
        }
        let jail = folders(caller);
        let InsideOp::OverlayKept(mut overlay) = kept(&jail) else { panic!("an overlay") };
        overlay.work = overlay.upper.clone();
        let jail = jail.op(InsideOp::OverlayKept(overlay));
        jail.sh("true").stopped(&["/merged", "next to each other"]);
    }
}

/// The kernel empties what is called `work` in the folder that it works in.
#[test]
fn nothing_of_the_callers_is_lost_in_the_folder_that_the_kernel_works_in() {
    for caller in callers() {
        let jail = folders(caller);
        let file = jail.file("home/work/work/mine", "mine");
        let folder = file.parent().expect("a folder");
        std::os::unix::fs::chown(folder, caller.uid, caller.uid).expect("for the caller");
        std::os::unix::fs::chown(&file, caller.uid, caller.uid).expect("for the caller");
        let overlay = kept(&jail);
        let jail = jail.op(overlay);
        jail.sh("true").stopped(&["home/work", "not empty"]);
        jail.outside_sh("cat ~/work/work/mine && rm -r ~/work/work").refused("mine");
        // What the kernel has left there itself is no reason to stop.
        for _ in 0..2 {
            jail.sh("echo x >>/merged/both").prints("");
        }
    }
}
