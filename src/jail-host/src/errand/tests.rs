use std::fs::{self, File};
use std::os::fd::OwnedFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::*;
use crate::alone::{BEHIND, OPEN, SYS, alone, behind};
use crate::sys::landlock;

/// Confines the process that shares trees with a user, with its rights and calls.
fn walls(folder: &Path) -> impl FnOnce() + Send {
    let folder: OwnedFd = File::open(folder).expect("a folder").into();
    move || {
        let rights = landlock::READ_FILE | landlock::READ_DIR;
        let calls = [libc::SYS_fgetxattr, libc::SYS_fsetxattr, libc::SYS_write];
        close(CapabilitySet::DAC_OVERRIDE, &[(&folder, rights)], &calls).expect("walls");
    }
}

/// What is tried, and whether it is reading what is in the folder.
const TRIED: [(&str, &str, bool); 6] = [
    ("read", "mine/file", true),
    ("list", "mine", true),
    ("write", "mine/file", false),
    ("read", "other/file", false),
    ("list", "other", false),
    ("read", "/etc/passwd", false),
];

#[test]
fn what_is_in_the_folders_is_all_that_can_be_opened_and_nothing_can_be_changed() {
    let all = tempfile::tempdir().expect("a folder");
    for name in ["mine", "other"] {
        fs::create_dir(all.path().join(name)).expect("a folder");
        fs::write(all.path().join(name).join("file"), "x").expect("a file");
    }
    let folder = all.path().to_str().expect("UTF-8");
    for walls in [BEHIND, OPEN] {
        let output = alone("errand::tests::the_files", &[("FOLDER", folder), ("WALLS", walls)]);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let answers: Vec<_> = text.lines().filter(|line| line.contains(" -> ")).collect();
        let expected = TRIED.map(|(how, path, is_allowed)| {
            let answer = if is_allowed || walls == OPEN { "done" } else { "EACCES" };
            format!("{how} {path} -> {answer}")
        });
        assert_eq!(answers, expected, "{walls}");
    }
}

#[test]
#[ignore = "started by another test, in a process of its own"]
fn the_files() {
    let base = std::env::var_os("FOLDER").map(PathBuf::from).expect("a folder");
    let try_all = || {
        for (how, path, _) in TRIED {
            let file = base.join(path);
            let tried = match how {
                "read" => File::open(file).map(drop),
                "list" => fs::read_dir(file).map(drop),
                _ => File::options().write(true).open(file).map(drop),
            };
            let answer = match tried.map_err(|error| error.kind()) {
                Ok(()) => "done",
                Err(io::ErrorKind::PermissionDenied) => "EACCES",
                Err(_) => "another error",
            };
            println!("\n{how} {path} -> {answer}");
        }
    };
    match std::env::var("WALLS").as_deref() {
        Ok(BEHIND) => behind(walls(&base.join("mine")), try_all),
        _ => try_all(),
    }
}

/// Each runs in a process of its own, which is killed.
#[test]
fn a_call_that_was_not_named_ends_the_process() {
    for call in ["socket", "execve", "unlinkat", "fork", "prctl"] {
        for (walls, expected) in [(BEHIND, Some(SYS)), (OPEN, None)] {
            let output = alone("errand::tests::the_call", &[("CALL", call), ("WALLS", walls)]);
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
        Ok("unlinkat") => drop(fs::remove_file("/nowhere/file")),
        Ok("fork") => drop(Command::new("/bin/true").status()),
        Ok("prctl") => drop(rustix::process::dumpable_behavior()),
        other => panic!("no such call: {other:?}"),
    };
    match std::env::var("WALLS").as_deref() {
        Ok(BEHIND) => behind(walls(Path::new("/tmp")), work),
        _ => work(),
    }
}
