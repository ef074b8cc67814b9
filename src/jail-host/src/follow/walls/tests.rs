use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::fs::{CWD, Mode, OFlags, openat};

use super::*;
use crate::alone::{BEHIND, OPEN, SYS, alone, behind};

fn folder(path: &Path) -> OwnedFd {
    File::open(path).expect("a folder").into()
}

fn walls(folders: [&OwnedFd; 2]) {
    rustix::thread::set_no_new_privs(true).expect("no new privileges");
    close_but_for(folders).expect("this kernel has Landlock");
}

#[test]
fn files_in_the_two_folders_are_all_that_can_be_opened() {
    let all = tempfile::tempdir().expect("a folder");
    for name in ["one", "two", "other"] {
        std::fs::create_dir(all.path().join(name)).expect("a folder");
        std::fs::write(all.path().join(name).join("file"), "x").expect("a file");
    }
    let folder = all.path().to_str().expect("UTF-8");
    for (walls, refused) in [(BEHIND, "EACCES"), (OPEN, "opened")] {
        let output =
            alone("follow::walls::tests::the_files", &[("FOLDER", folder), ("WALLS", walls)]);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let answers: Vec<_> = text.lines().filter(|line| line.contains(" -> ")).collect();
        let expected = FILES.map(|(path, _, is_allowed)| {
            format!("{path} -> {}", if is_allowed { "opened" } else { refused })
        });
        assert_eq!(answers, expected, "{walls}");
    }
}

/// What is tried, and whether it is copying files in the two folders.
const FILES: [(&str, OFlags, bool); 9] = [
    ("one/file", OFlags::RDONLY, true),
    ("two/file", OFlags::WRONLY, true),
    ("one/new", NEW, true),
    ("two/new", NEW, true),
    ("one", OFlags::DIRECTORY, false),
    ("other/file", OFlags::RDONLY, false),
    ("other/new", NEW, false),
    ("/etc/passwd", OFlags::RDONLY, false),
    ("/proc/self/environ", OFlags::RDONLY, false),
];
const NEW: OFlags = OFlags::WRONLY.union(OFlags::CREATE);

#[test]
#[ignore = "started by another test, in a process of its own"]
fn the_files() {
    let base = std::env::var_os("FOLDER").map(PathBuf::from).expect("a folder");
    let try_all = || {
        for (path, flags, _) in FILES {
            let answer = match openat(CWD, base.join(path), flags, Mode::RUSR | Mode::WUSR) {
                Ok(_) => "opened",
                Err(Errno::ACCESS) => "EACCES",
                Err(_) => "another error",
            };
            println!("\n{path} -> {answer}");
        }
    };
    let (one, two) = (folder(&base.join("one")), folder(&base.join("two")));
    match std::env::var("WALLS").as_deref() {
        Ok(BEHIND) => behind(|| walls([&one, &two]), try_all),
        _ => try_all(),
    }
}

/// Calls that do not belong to copying a file. Each runs in a process of its own, which is killed.
#[test]
fn any_other_call_ends_the_process() {
    for call in ["socket", "execve", "kill", "mkdirat", "fork", "prctl"] {
        for (walls, expected) in [(BEHIND, Some(SYS)), (OPEN, None)] {
            let output =
                alone("follow::walls::tests::the_call", &[("CALL", call), ("WALLS", walls)]);
            assert_eq!(output.status.signal(), expected, "{call} {walls}");
        }
    }
}

#[test]
#[ignore = "started by another test, in a process of its own"]
fn the_call() {
    let work = || match std::env::var("CALL").as_deref() {
        Ok("socket") => drop(std::net::UdpSocket::bind("127.0.0.1:0")),
        Ok("execve") => drop(Command::new("/bin/true").exec()),
        Ok("kill") => drop(rustix::process::test_kill_process(rustix::process::getpid())),
        Ok("mkdirat") => drop(std::fs::create_dir("/nowhere/folder")),
        Ok("fork") => drop(Command::new("/bin/true").status()),
        Ok("prctl") => drop(rustix::process::dumpable_behavior()),
        other => panic!("no such call: {other:?}"),
    };
    let folder = folder(Path::new("/tmp"));
    match std::env::var("WALLS").as_deref() {
        Ok(BEHIND) => behind(|| walls([&folder, &folder]), work),
        _ => work(),
    }
}
