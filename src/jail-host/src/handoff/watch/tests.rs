//! Contents that the repository had, as real git keeps them.

use std::os::unix::ffi::OsStringExt as _;
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::fs::{Mode, OFlags, open};

use super::objects::Objects;
use crate::handoff::place::Place;

const SCRIPT: &str = "set -e; git init -q --object-format=$1 .
    git config user.name a; git config user.email a@b
    for n in $(seq 300); do echo packed $n >f$n; done
    git add .; git commit -qm a; git repack -qad
    echo loose >g; git add g; git commit -qm b";

#[test]
fn contents_that_git_had_before_are_known_packed_and_loose() {
    for format in ["sha1", "sha256"] {
        let folder = tempfile::tempdir().expect("a folder");
        let git = |script: &str| {
            let mut command = Command::new("sh");
            command.args(["-c", script, "sh", format]).current_dir(folder.path());
            let command = command.env("GIT_CONFIG_GLOBAL", "/dev/null");
            assert!(command.env("HOME", folder.path()).status().expect("sh").success());
        };
        git(SCRIPT);
        // What was made within a tick of the clock counts as the session's.
        std::thread::sleep(Duration::from_millis(20));
        let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
        let since = (i64::try_from(since.as_secs()).expect("a time"), since.subsec_nanos());
        let flags = OFlags::RDONLY | OFlags::DIRECTORY;
        let opened = open(folder.path(), flags, Mode::empty()).expect("the folder");
        let place = Place::new(opened, folder.path().as_os_str().to_owned().into_vec());
        let objects = Objects::open(&place, since);
        std::thread::sleep(Duration::from_millis(20));
        git("echo late >h; git add h; git commit -qm c");
        for n in 1..=300 {
            assert!(objects.had(&place, format!("packed {n}\n").as_bytes()), "{format} {n}");
        }
        assert!(objects.had(&place, b"loose\n"), "{format}");
        assert!(!objects.had(&place, b"packed 301\n"), "{format}");
        assert!(!objects.had(&place, b"late\n"), "{format}: it came with the session");
        git("git repack -qad");
        assert!(!objects.had(&place, b"late\n"), "{format}: so did the pack");
    }
}
