//! Contents that the repository had, as real git keeps them.

use std::os::unix::ffi::OsStringExt as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::fs::{Mode, OFlags, open};

use super::had::Objects;
use crate::handoff::place::Place;

const SCRIPT: &str = "set -e; git init -q --object-format=$1 .
    git config user.name a; git config user.email a@b
    for n in $(seq 300); do echo packed $n >f$n; done
    seq 3000 >big; git add .; git commit -qm a; (echo before; seq 3000; echo after) >big
    git commit -qam c; git repack -qadf --depth=50
    echo loose >g; git add g; git commit -qm b";

fn place_of(folder: &Path) -> Place {
    let opened = open(folder, OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty());
    Place::new(opened.expect("the folder"), folder.as_os_str().to_owned().into_vec())
}

fn now() -> (i64, u32) {
    // What was made within a tick of the clock counts as the session's.
    std::thread::sleep(Duration::from_millis(20));
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    (i64::try_from(now.as_secs()).expect("a time"), now.subsec_nanos())
}

fn git(folder: &Path, script: &str, format: &str) {
    let mut command = Command::new("sh");
    command.args(["-c", script, "sh", format]).current_dir(folder);
    let command = command.env("GIT_CONFIG_GLOBAL", "/dev/null");
    assert!(command.env("HOME", folder).status().expect("sh").success());
}

/// An object that an earlier session has planted is in no repository by its name alone.
#[test]
fn an_object_counts_by_its_content_and_not_by_its_name() {
    for format in ["sha1", "sha256"] {
        let folder = tempfile::tempdir().expect("a folder");
        git(folder.path(), SCRIPT, format);
        let place = place_of(folder.path());
        let objects = Objects::open(&place, now());
        let loose = |content: &[u8]| {
            folder.path().join(".git/objects").join(crate::objects::loose(&objects.name(content)))
        };
        let plant = |content: &[u8], bytes: &[u8]| {
            std::fs::create_dir_all(loose(content).parent().expect("a folder")).expect("a folder");
            std::fs::write(loose(content), bytes).expect("an object");
        };
        plant(b"empty\n", b"");
        let other = std::fs::read(loose(b"loose\n")).expect("an object");
        plant(b"other\n", &other);
        // An index that names another object at the place of one: its place in the order has to be
        // the same.
        let pack = folder.path().join(".git/objects/pack");
        let ends = |end: &str| {
            let entries = std::fs::read_dir(&pack).expect("packs").flatten();
            let mut paths = entries.map(|entry| entry.path());
            paths.find(|path| path.extension().is_some_and(|it| it == end)).expect("one")
        };
        let mut index = std::fs::read(ends("idx")).expect("an index");
        let length = objects.name(b"").len();
        let count = u32::from_be_bytes(index[8 + 255 * 4..8 + 256 * 4].try_into().expect("four"));
        let begin = 8 + 256 * 4;
        let names: Vec<Vec<u8>> = (0..count as usize)
            .map(|at| index[begin + at * length..begin + (at + 1) * length].to_vec())
            .collect();
        let (forged, at) = (0..)
            .map(|n| format!("forged {n}\n"))
            .find_map(|content| {
                let name = objects.name(content.as_bytes());
                let at = names.partition_point(|other| *other < name);
                (at < names.len() && names[at][0] == name[0]).then_some((content, at))
            })
            .expect("one of them");
        let name = objects.name(forged.as_bytes());
        index[begin + at * length..begin + (at + 1) * length].copy_from_slice(&name);
        std::fs::write(pack.join("pack-0.idx"), index).expect("an index");
        std::fs::copy(ends("pack"), pack.join("pack-0.pack")).expect("a pack");
        // The next session.
        let objects = Objects::open(&place, now());
        assert!(objects.had(&place, b"loose\n") && objects.had(&place, b"packed 7\n"), "{format}");
        for content in ["empty\n", "other\n", &forged] {
            assert!(!objects.had(&place, content.as_bytes()), "{format}: {content}");
        }
    }
}

#[test]
fn contents_that_git_had_before_are_known_packed_and_loose() {
    for format in ["sha1", "sha256"] {
        let folder = tempfile::tempdir().expect("a folder");
        let git = |script: &str| git(folder.path(), script, format);
        git(SCRIPT);
        let since = now();
        let place = place_of(folder.path());
        let objects = Objects::open(&place, since);
        std::thread::sleep(Duration::from_millis(20));
        git("echo late >h; git add h; git commit -qm c");
        for n in 1..=300 {
            assert!(objects.had(&place, format!("packed {n}\n").as_bytes()), "{format} {n}");
        }
        assert!(objects.had(&place, b"loose\n"), "{format}");
        assert!(!objects.had(&place, b"packed 301\n"), "{format}");
        // One of these is a difference to the other.
        let numbers: String = (1..=3000).map(|n| format!("{n}\n")).collect();
        assert!(objects.had(&place, numbers.as_bytes()), "{format}");
        assert!(objects.had(&place, format!("before\n{numbers}after\n").as_bytes()), "{format}");
        assert!(!objects.had(&place, b"late\n"), "{format}: it came with the session");
        git("git repack -qad");
        assert!(!objects.had(&place, b"late\n"), "{format}: so did the pack");
    }
}
