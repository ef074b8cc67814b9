//! What the launcher gives as standard input, output and error: as much as was opened, and no more.

use std::fs::{File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use jail_plan::{Handled, Plan};
use rustix::fs::{CWD, Mode, OFlags, openat};

use crate::cage::cage;
use crate::jail::{Caller, Jail, Ran, callers, filter};
use jail_seccomp::Sockets;

/// No system call is refused, and Landlock checks no files.
fn nested(plan: &mut Plan) {
    // `BPF_RET | BPF_K`, SECCOMP_RET_ALLOW.
    plan.seccomp = vec![filter(&[6, 0, 0, 0, 0, 0, 0xff, 0x7f])];
    plan.landlock.handles = vec![Handled::Signals, Handled::AbstractSockets];
}

fn jails(caller: Caller) -> [Jail; 2] {
    [Jail::new(caller), Jail::new(caller).change(nested)]
}

/// A file of the caller's next to the project.
fn given(jail: &Jail) -> std::path::PathBuf {
    let file = jail.file("home/given", "one\ntwo\nthree\n");
    std::fs::set_permissions(&file, Permissions::from_mode(0o644)).expect("a mode");
    file
}

#[test]
fn a_folder_or_a_mere_place_stops_the_launch() {
    type Give = fn(&mut Command, Stdio) -> &mut Command;
    let all: [(&str, Give); 3] = [
        ("standard input", Command::stdin),
        ("standard output", Command::stdout),
        ("standard error", Command::stderr),
    ];
    for caller in callers() {
        for jail in jails(caller).into_iter().chain([cage(caller, Sockets::Tcp)]) {
            let file = given(&jail);
            for (path, flags) in [
                ("/".into(), OFlags::RDONLY),
                (jail.home(), OFlags::RDONLY | OFlags::DIRECTORY),
                ("/".into(), OFlags::PATH),
                (file, OFlags::PATH),
            ] {
                for (name, give) in all {
                    let place = openat(CWD, &path, flags, Mode::empty()).expect("a place");
                    let mut command = jail.command(jail.wrapper());
                    command.stdout(Stdio::piped()).stderr(Stdio::piped());
                    give(command.args(["-c", "echo ran > made"]), place.into());
                    let output = command.spawn().and_then(std::process::Child::wait_with_output);
                    let output = output.expect("it starts");
                    assert_eq!(output.status.code(), Some(125), "{name}: {output:?}");
                    if name != "standard error" {
                        let told = String::from_utf8_lossy(&output.stderr).into_owned();
                        assert!(told.contains(name) && told.contains("a folder"), "{told}");
                    }
                    assert!(!jail.project().join("made").exists());
                }
            }
        }
    }
}

/// Attempts on standard input, which is a file that was opened for reading.
const ATTEMPTS: &[&str] = &[
    "call fchmod 0 0x1ff",
    "call fsetxattr 0 s:user.x s:y 1 0",
    "call fremovexattr 0 s:user.there",
    "call futimesat 0 0 0",
    "call setxattr s:/proc/self/fd/0 s:user.x s:y 1 0",
    "call chmod s:/proc/self/fd/0 0x1ff",
    "call open s:/proc/self/fd/0 1",
    "call open s:/proc/self/fd/0 2",
    "call truncate s:/proc/self/fd/0 0",
];

#[test]
fn a_file_that_is_read_is_neither_written_nor_changed() {
    for caller in callers() {
        for jail in jails(caller) {
            let file = given(&jail);
            for attempt in ATTEMPTS {
                let mut outside = jail.command(crate::jail::probe());
                outside.args(attempt.split(' ')).stdin(File::open(&file).expect("the file"));
                let control = Ran::of(&mut outside).stdout;
                let known = control.starts_with("ok")
                    || control.contains("errno 61")
                    || control.contains("errno 95");
                assert!(known, "the control: {attempt}: {control}");
                let file = given(&jail);
                let mut inside = jail.command(jail.wrapper());
                inside
                    .args(["-c", &format!("/probe {attempt}")])
                    .stdin(File::open(&file).expect("the file"));
                let answer = Ran::of(&mut inside).stdout;
                assert!(answer.starts_with("errno"), "{attempt}: {answer}");
                let mode = std::fs::metadata(&file).expect("the file").permissions().mode();
                let content = std::fs::read_to_string(&file).expect("the file");
                assert_eq!(
                    (mode & 0o7777, content.as_str()),
                    (0o644, "one\ntwo\nthree\n"),
                    "{attempt}"
                );
            }
        }
    }
}

#[test]
fn a_file_is_read_from_where_it_is_and_the_launcher_goes_on_from_there() {
    for caller in callers() {
        for jail in jails(caller) {
            given(&jail);
            let run = |script: &str| jail.outside_sh(&script.replace("FILE", "../home/given"));
            run("\"$W\" -c cat < FILE").prints("one\ntwo\nthree");
            run("{ read a; \"$W\" -c cat; } < FILE").prints("two\nthree");
            run("{ \"$W\" -c 'read a; echo $a'; cat; } < FILE").prints("one\ntwo\nthree");
            run("{ read a; \"$W\" -c 'read b; echo $b'; \"$W\" -c true; read c; echo $c; } < FILE")
                .prints("two\nthree");
            run("while read a; do \"$W\" -c \"echo $a\"; done < FILE").prints("one\ntwo\nthree");
            // By its name as well, twice, and from a pipe, where there is no file.
            run("\"$W\" -c 'cat /dev/stdin; cat /proc/self/fd/0' < FILE | wc -l").prints("6");
            run("cat FILE | \"$W\" -c 'read a; cat'").prints("two\nthree");
            run("\"$W\" -c 'cat <&3 2>/dev/null || cat' 3< FILE < /dev/null").prints("");
        }
    }
}

#[test]
fn what_is_written_to_is_written_and_a_file_of_no_name_is_read() {
    for caller in callers() {
        for jail in jails(caller) {
            given(&jail);
            jail.outside_sh("\"$W\" -c 'echo out; echo err >&2' > o 2>> e; cat o e")
                .prints("out\nerr");
            jail.outside_sh("\"$W\" -c 'echo more; cat >&2' 0<> o >> o 2> e; cat o")
                .prints("out\nmore");
            jail.outside_sh("exec < ../home/given; rm ../home/given; \"$W\" -c cat")
                .prints("one\ntwo\nthree");
            // It has another name than the one that it was opened by.
            given(&jail);
            let script = "exec < ../home/given; ln ../home/given ../home/other; rm ../home/given; \"$W\" -c cat; \
                          code=$?; rm ../home/other; exit $code";
            jail.outside_sh(script).stopped(&["standard input", "through a pipe"]);
        }
    }
}

#[test]
fn root_does_not_change_the_hosts_null_device() {
    // 0666, which it has in any case.
    let attempt = |number| format!("/probe call fchmod 3 0x1b6 3<&{number} >&2");
    for caller in callers() {
        for jail in jails(caller) {
            let script = format!("{}; {}", attempt(0), attempt(1));
            let control = jail.outside_sh(
                &script.replace("/probe", crate::jail::probe().to_str().expect("UTF-8")),
            );
            assert!(!caller.is_root() || control.stderr.starts_with("ok"), "{control:?}");
            let ran = jail.outside_sh(&format!(
                "\"$W\" -c '{script}; echo x > /dev/null; echo y' > /dev/null"
            ));
            let answers: Vec<&str> = ran.stderr.lines().collect();
            assert!(
                answers.len() == 2 && answers.iter().all(|line| line.starts_with("errno")),
                "{ran:?}"
            );
        }
    }
}

#[test]
fn a_disk_that_is_read_is_neither_written_nor_opened_to_others() {
    for caller in callers().into_iter().filter(|caller| caller.is_root()) {
        for jail in jails(caller) {
            // A device of the kernel's, by a name of the test's own.
            let disk = jail.folder.path().join("disk");
            let made = jail.outside_sh(&format!("mknod -m 600 {} b 7 0", disk.display()));
            if made.code != Some(0) || File::open(&disk).is_err() {
                crate::jail::skipped("devices", "no device can be made here");
                continue;
            }
            let run = |mut command: Command| {
                Ran::of(command.stdin(File::open(&disk).expect("the disk"))).stdout
            };
            for (attempt, answer) in
                [("call fchmod 0 0x1b6", "errno 30"), ("call open s:/proc/self/fd/0 1", "errno 13")]
            {
                let mut outside = jail.command(crate::jail::probe());
                outside.args(attempt.split(' '));
                let control = run(outside);
                assert!(control.starts_with("ok"), "the control: {attempt}: {control}");
                let mut inside = jail.command(jail.wrapper());
                inside.args(["-c", &format!("/probe {attempt}")]);
                let found = run(inside);
                assert!(found.starts_with(answer), "{attempt}: {found}");
            }
            let mut inside = jail.command(jail.wrapper());
            inside.args(["-c", "cat && echo read"]);
            assert_eq!(run(inside), "read\n");
        }
    }
}

#[test]
fn in_a_cage_a_file_that_is_read_is_not_written() {
    for caller in callers() {
        let jail = cage(caller, Sockets::Tcp);
        given(&jail);
        let script = "echo x 2>/dev/null > /proc/self/fd/0; cat";
        jail.outside_sh(&format!("sh -c '{script}' < ../home/given")).prints("x");
        given(&jail);
        jail.outside_sh(&format!("\"$W\" -c '{script}' < ../home/given")).prints("one\ntwo\nthree");
    }
}
