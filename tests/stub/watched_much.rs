//! A jail that gives the watcher much to look at: what it makes besides is moved aside all the
//! same, or the jail is ended.

use crate::jail::callers;
use crate::watched::{jail, meanwhile, protecting};

/// A large content that git has, and small ones.
const MADE: &str = "head -c 6000000 /dev/urandom >big; mkdir .zed; echo mine >.zed/tasks.json; git add .; git commit -qm big; sleep 0.05";

/// Files that the watcher looks at for long, and then one that it is to find.
const MUCH: &[&str] = &[
    // One file by many names, all of which come before the last one.
    "mkdir -p .claude/hooks; for n in $(seq 300); do ln big .claude/hooks/$n; done",
    // The same, and its times change all the time.
    "mkdir -p .claude/hooks; for n in $(seq 50); do ln big .claude/hooks/$n; done; (until [ -e end ]; do touch -d @1 big; sleep 0.01; done) >/dev/null 2>&1 &",
    // A folder with many names whose rights change all the time.
    "mkdir -p .claude/hooks; (cd .claude/hooks; seq 5000 | xargs touch); (until [ -e end ]; do chmod 755 .claude/hooks; chmod 700 .claude/hooks; done) >/dev/null 2>&1 &",
    // More than the kernel keeps of what happens.
    "(until [ -e end ]; do : >one; : >two; : >one; : >two; done) >/dev/null 2>&1 &",
];

#[test]
fn what_a_jail_makes_is_moved_aside_however_much_there_is_to_look_at() {
    for caller in callers() {
        for much in MUCH {
            let jail = protecting(jail(caller), &["@hosts"]);
            assert_eq!(jail.outside_sh(MADE).code, Some(0));
            let inside = format!("sleep 0.5; {much} echo evil >.zed/tasks.json");
            let inside =
                inside.replace("done echo", "done; echo").replace("& echo", "& sleep 1; echo");
            let look = "reported \"\\`.zed/tasks.json\\` is protected\"; cat .zed/tasks.json";
            let told = meanwhile(&jail, &inside, look);
            assert!(told.starts_with("mine\n"), "{much}: {told}");
        }
    }
}

#[test]
fn a_jail_that_makes_more_than_can_be_looked_at_is_ended() {
    for caller in callers() {
        let jail = protecting(jail(caller), &["@hosts"]);
        assert_eq!(jail.outside_sh(MADE).code, Some(0));
        let inside = "mkdir -p .claude/hooks; while :; do for n in $(seq 100); do cp big .claude/hooks/$n; done; done";
        let ran = jail.outside_sh(&format!("timeout 200 \"$W\" -c '{inside}'"));
        assert_eq!(ran.code, Some(125), "{ran:?}");
        assert!(
            ran.stderr.contains("more changes at protected paths than can be looked at"),
            "{ran:?}"
        );
    }
}
