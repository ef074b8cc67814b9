//! The program that makes attempts, outside of any jail: there most of them work, and it tells so.

#![expect(clippy::disallowed_methods, reason = "tests start programs, and variables say how")]
#![cfg(test)]

use std::os::unix::net::UnixListener;
use std::process::Command;

#[track_caller]
fn check(words: &str, expected: &str) {
    assert_eq!(answer(words), expected, "{words}");
}

fn answer(words: &str) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_jail-probe")).args(words.split(' ')).output();
    let output = output.unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    let went_well = !["errno", "signal", "no such"].iter().any(|bad| stdout.starts_with(bad));
    assert_eq!(output.status.success(), went_well, "{words}: {stdout}");
    stdout.trim_end().to_owned()
}

#[test]
fn calls_are_made_by_name_and_by_number() {
    check("call close 999", "errno 9");
    check("call 99999", "errno 38");
    check("call memfd_create s:x 0xffffff", "errno 22");
    check("call getrandom z:16 16 0", "ok 16");
    check("call no_such_call", "no such attempt: no_such_call");
    check("call close q:1", "no such attempt: q:1");
}

#[test]
fn an_attempt_that_ends_its_process_is_told() {
    check("call exit_group 3", "no such attempt: it ended with 3 and gave no answer");
    check("call tgkill 0 0 99", "errno 22");
}

#[test]
fn files_are_tried_and_left_as_they_were() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    std::fs::write(path("a"), "content\n").unwrap();
    check(&format!("read {}", path("a")), "content");
    check(&format!("create {}", path("b")), "ok 0");
    check(&format!("create {}", path("a")), "errno 17");
    check(&format!("write-mapped {} other", path("a")), "ok 0");
    check(&format!("read {}", path("a")), "othernt");
    check(&format!("write-mapped {} x", path("none")), "errno 2");
    check(&format!("hard-link {} {}", path("a"), path("c")), "ok 0");
    check(&format!("rename {} {}", path("a"), path("c")), "ok 0");
    check(&format!("open-write {}", path("nowhere")), "errno 2");
    check(&format!("list {}", folder.path().display()), "a");
}

#[test]
fn sockets_are_found_and_reached() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deep");
    std::fs::create_dir(&path).unwrap();
    let socket = path.join("socket");
    let _listener = UnixListener::bind(&socket).unwrap();
    check(&format!("sockets {}", folder.path().display()), &socket.display().to_string());
    check(&format!("connect unix {}", socket.display()), "ok 0");
    check(&format!("connect unix {}x", socket.display()), "errno 2");
    check("connect abstract nobody-listens-here", "errno 111");
    check("connect tcp 127.0.0.1:1", "errno 111");
}

#[test]
fn descriptors_are_listed_without_those_of_the_attempt() {
    let lines = answer("descriptors");
    let numbers: Vec<&str> = lines.lines().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(numbers.get(..3), Some(["0", "1", "2"].as_slice()), "{lines}");
    assert!(!lines.contains("/fd"), "{lines}");
}
