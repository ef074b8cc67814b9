//! Exit statuses, signals, lifetimes, descriptors and the environment.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use jail_plan::{EnvOp, Forward, Handled, Lifetime, Missing, Namespace, Plan, Step};

use crate::jail::{Jail, Ran, by, callers, literal, step};

#[test]
fn the_payloads_exit_status_and_signal_are_the_wrappers() {
    for caller in callers() {
        let jail = Jail::new(caller);
        for code in [0, 1, 7, 255] {
            assert_eq!(jail.sh(&format!("exit {code}")).code, Some(code), "{caller:?}");
        }
        for signal in [1, 2, 3, 6, 9, 11, 15] {
            assert_eq!(jail.sh(&format!("kill -{signal} $$")).signal, Some(signal), "{caller:?}");
        }
    }
}

#[test]
fn a_payload_that_is_not_there_is_127_and_one_that_cannot_run_126() {
    for caller in callers() {
        for (program, code, word) in
            [("/nowhere", 127, "ENOENT"), ("/tmp", 126, "EACCES"), ("/etc/text", 126, "EACCES")]
        {
            let jail = Jail::new(caller).change(|plan| {
                plan.argv = vec![jail_plan::Argument::Text(literal(program))];
                plan.inside.push(step(jail_plan::InsideOp::File(jail_plan::File {
                    to: literal("/etc/text"),
                    content: "no program".into(),
                    mode: 0o644,
                })));
            });
            let ran = jail.sh("");
            assert_eq!(ran.code, Some(code), "{ran:?}");
            assert!(ran.stderr.contains(word) && ran.stderr.contains("(exec)"), "{ran:?}");
            assert_eq!(ran.stderr.contains("grant it with what it needs"), code == 127, "{ran:?}");
        }
    }
}

#[test]
fn arguments_reach_the_payload_as_they_are() {
    for caller in callers() {
        let jail = Jail::new(caller);
        let ran = Ran::of(jail.command(jail.wrapper()).args([
            "-c",
            "printf '<%s>' \"$@\"",
            "sh",
            "--help",
            "",
            "a b",
            "-c",
        ]));
        ran.prints("<--help><><a b><-c>");
    }
}

#[test]
fn signals_are_passed_on_and_answered_inside() {
    use rustix::process::Signal;
    for caller in callers() {
        let jail = Jail::new(caller);
        let wrapper = jail.wrapper();
        for (name, signal) in [
            ("INT", Signal::INT),
            ("TERM", Signal::TERM),
            ("HUP", Signal::HUP),
            ("QUIT", Signal::QUIT),
            ("USR1", Signal::USR1),
            ("USR2", Signal::USR2),
            ("WINCH", Signal::WINCH),
        ] {
            let script =
                format!("trap 'echo got; exit 3' {name}; echo ready; while :; do sleep 0.02; done");
            let mut child = jail
                .command(&wrapper)
                .args(["-c", &script])
                .stdout(Stdio::piped())
                .spawn()
                .expect("it starts");
            let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
            assert_eq!(lines.next().expect("a line").expect("text"), "ready");
            let pid = rustix::process::Pid::from_child(&child);
            rustix::process::kill_process(pid, signal).expect("it is ours");
            assert_eq!(lines.next().expect("a line").expect("text"), "got", "{name}");
            assert_eq!(child.wait().expect("its end").code(), Some(3), "{name}");
        }
    }
}

#[test]
fn kill_0_inside_reaches_the_payloads_group_only() {
    for caller in callers() {
        let jail = Jail::new(caller);
        jail.outside_sh("\"$W\" -c 'kill -9 0'; echo $? alive").prints("137 alive");
        jail.outside_sh("\"$W\" -c 'trap : TERM; kill 0; echo mine' | cat; echo alive")
            .prints("mine\nalive");
        jail.outside_sh("\"$W\" -c 'kill -9 -1'; echo $? alive | grep -o alive").prints("alive");
    }
}

#[test]
fn only_the_jails_processes_can_be_seen() {
    for caller in callers() {
        let jail = Jail::new(caller);
        let ran = jail.sh("ls -d /proc/[0-9]* | wc -l");
        assert!(ran.stdout.trim().parse::<u32>().is_ok_and(|count| count < 8), "{ran:?}");
        // Init cannot be inspected.
        assert_ne!(jail.sh("ls /proc/1/fd /proc/1/cwd/").code, Some(0));
        assert_ne!(jail.sh("cat /proc/1/maps").code, Some(0));
    }
}

#[test]
fn two_jails_have_programs_of_different_numbers() {
    for caller in callers() {
        let jail = Jail::new(caller);
        let number = |ran: &Ran| ran.stdout.trim().parse::<u32>().expect("a number");
        let script = "\"$W\" -c 'echo $$; sleep 0.3' >a & \"$W\" -c 'echo $$; sleep 0.3' >b; wait";
        let ran = jail.outside_sh(&format!("{script}; cat a; cat b"));
        let both: Vec<u32> = ran.stdout.lines().filter_map(|line| line.parse().ok()).collect();
        let [one, other] = both[..] else { panic!("{ran:?}") };
        assert!(one != other && one > 300 && other > 300, "{ran:?}");
        // The children follow it, and the host's own numbers are as they were.
        let child = number(&jail.sh("sh -c 'echo $$' & wait"));
        assert!(child > 300, "{child}");
        // No program inside changes that setting.
        assert_ne!(jail.sh("echo 5 >/proc/sys/kernel/ns_last_pid").code, Some(0));
        // A jail that has the host's processes has their numbers.
        let shares = Jail::new(caller).change(|plan| {
            plan.namespaces.retain(|namespace| *namespace != Namespace::Pid);
            plan.inside.retain(|step| !matches!(step.op, jail_plan::InsideOp::Proc(_)));
        });
        let before = number(&jail.outside_sh("sh -c 'echo $$'"));
        let inside = number(&shares.sh("echo $$"));
        assert!(inside.abs_diff(before) < 100_000, "{inside} after {before}");
    }
}

#[test]
fn the_first_process_does_not_say_where_the_wrapper_is() {
    for caller in callers() {
        let jail = Jail::new(caller);
        let words = ["-c", "tr '\\0' '|' </proc/1/cmdline; echo", "sh", "argument"];
        let ran = Ran::of(jail.command(jail.wrapper()).args(words));
        assert_eq!(ran.stdout.trim().trim_matches('|'), "test", "{ran:?}");
        // The control: outside, the supervisor's says it.
        let script = "tr '\\0' '|' </proc/$$/cmdline";
        let ran = Ran::of(jail.command("sh").args(["-c", script, "x", "argument"]));
        assert!(ran.stdout.contains("|argument|"), "{ran:?}");
    }
}

#[test]
fn orphans_are_reaped_and_nothing_outlives_the_payload() {
    for caller in callers() {
        let jail = Jail::new(caller);
        jail.sh(
            "(sleep 0.1 & ) ; (true &); sleep 0.4; grep -l 'State:.*Z' /proc/[0-9]*/status | wc -l",
        )
        .prints("0");
        let begin = Instant::now();
        jail.sh("setsid sleep 50 >/dev/null 2>&1 & echo back").prints("back");
        assert!(begin.elapsed() < Duration::from_secs(10));
        jail.outside_sh(
            "\"$W\" -c 'setsid sleep 31415 & echo' >/dev/null; pgrep -f '^sleep 31415' | wc -l",
        )
        .prints("0");
    }
}

/// Starts a jail that sleeps, and returns its launcher and the marker of the sleeping process.
fn sleeper(jail: &Jail, marker: u32) -> std::process::Child {
    let script = format!("\"$W\" -c 'echo up; exec sleep {marker}'; :");
    let mut launcher = jail
        .command("sh")
        .env("W", jail.wrapper())
        .args(["-c", &script])
        .stdout(Stdio::piped())
        .spawn()
        .expect("a launcher");
    let mut line = String::new();
    BufReader::new(launcher.stdout.take().expect("a pipe")).read_line(&mut line).expect("a line");
    assert_eq!(line, "up\n");
    launcher
}

pub(crate) fn processes(pattern: &str) -> Vec<i32> {
    let pattern = pattern.replace(' ', "\0");
    let all = std::fs::read_dir("/proc").expect("/proc").filter_map(Result::ok);
    let pids = all.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    pids.filter(|pid| {
        std::fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("cmdline"))
            .is_ok_and(|line| line.starts_with(&pattern))
    })
    .collect()
}

/// The control: it runs at all.
#[track_caller]
pub(crate) fn runs_soon(pattern: &str) {
    let begin = Instant::now();
    while processes(pattern).is_empty() {
        assert!(begin.elapsed() < Duration::from_secs(10), "`{pattern}` does not run");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[track_caller]
pub(crate) fn end_soon(pattern: &str) {
    let begin = Instant::now();
    while !processes(pattern).is_empty() {
        assert!(begin.elapsed() < Duration::from_secs(10), "`{pattern}` is still running");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn the_jail_ends_with_its_launcher_and_with_its_supervisor() {
    for (index, caller) in (0..).zip(callers()) {
        let jail = Jail::new(caller);
        let marker = 41000 + index;
        let pattern = format!("sleep {marker}");
        let mut launcher = sleeper(&jail, marker);
        runs_soon(&pattern);
        launcher.kill().expect("SIGKILL");
        launcher.wait().expect("its end");
        end_soon(&pattern);

        let mut launcher = sleeper(&jail, marker);
        runs_soon(&pattern);
        let supervisor =
            processes(&format!("{} {}", crate::jail::stub().display(), jail.wrapper().display()));
        for pid in &supervisor {
            let pid = rustix::process::Pid::from_raw(*pid).expect("a process");
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        }
        assert!(!supervisor.is_empty());
        end_soon(&pattern);
        launcher.wait().expect("its end");
    }
}

#[test]
fn a_jail_may_outlive_its_launcher_when_the_plan_says_so() {
    for (index, caller) in (0..).zip(callers()) {
        let marker = 42000 + index;
        let pattern = format!("sleep {marker}");
        let jail = Jail::new(caller).change(|plan| plan.lifetime = Lifetime::Payload);
        let mut launcher = sleeper(&jail, marker);
        runs_soon(&pattern);
        launcher.kill().expect("SIGKILL");
        launcher.wait().expect("its end");
        std::thread::sleep(Duration::from_millis(300));
        let left = processes(&pattern);
        assert_eq!(left.len(), 1);
        for pid in left {
            let pid = rustix::process::Pid::from_raw(pid).expect("a process");
            rustix::process::kill_process(pid, rustix::process::Signal::KILL).expect("it is ours");
        }
        end_soon(&pattern);
    }
}

#[test]
fn descriptors_of_the_launcher_stay_outside() {
    for caller in callers() {
        let jail = Jail::new(caller);
        jail.outside_sh("sh -c 'ls /proc/self/fd | grep -c 9' 9</").prints("1");
        jail.outside_sh("\"$W\" -c 'ls /proc/self/fd | tr \"\\n\" \" \"' 9</ 7>x")
            .prints("0 1 2 3");
        // A pipe that the payload has closed is closed, although its supervisor lives on.
        jail.outside_sh(
            "start=$(date +%s); \"$W\" -c 'exec >&- 2>&-; sleep 5' 2>/dev/null | \
             { cat; [ $(($(date +%s) - start)) -lt 4 ] && echo closed; }",
        )
        .prints("closed");
    }
}

#[test]
fn standard_descriptors_that_the_launcher_closed_are_harmless() {
    for caller in callers() {
        let jail = Jail::new(caller);
        jail.outside_sh("\"$W\" -c 'stat -L -c %t:%T /proc/self/fd/0' <&-").prints("1:3");
        jail.outside_sh("\"$W\" -c 'echo x > out; exit 4' <&- >&- 2>&-; echo $?; cat out")
            .prints("4\nx");
    }
}

#[test]
fn the_environment_is_built_from_nothing() {
    for caller in callers() {
        let forward = |name: &str, missing| {
            Step::new(by(), EnvOp::Forward(Forward { name: name.into(), missing }))
        };
        let jail = Jail::new(caller)
            .outside("SECRET", "s")
            .outside("LD_PRELOAD", "/nowhere.so")
            .outside("GIVEN", "a=b c")
            .change(|plan| {
                plan.env.push(forward("GIVEN", Missing::Fail));
                plan.env.push(forward("NOT_THERE", Missing::Skip));
            });
        let ran = jail.sh("env | cut -d= -f1 | sort | tr '\\n' ' '; echo; echo $GIVEN");
        ran.prints("GIVEN PATH PWD \na=b c");
        let jail = jail.change(|plan| plan.env.push(forward("ALSO_NOT", Missing::Fail)));
        jail.sh("true").stopped(&[
            "(command)",
            "`ALSO_NOT` is not set",
            "at demo.jail:4:3",
            "try-fwd-env",
        ]);
    }
}

/// Processes of one session share the weight that the scheduler gives them, and any of them can
/// make it less (sched(7), "The autogroup feature").
#[test]
fn the_weight_of_the_launchers_session_is_not_changed() {
    if !std::path::Path::new("/proc/self/autogroup").exists() {
        println!("skipped: this kernel has no groups of sessions");
        return;
    }
    for caller in callers() {
        // The Landlock layer, if there is one, allows no writes in /proc. The mounts do.
        let without = |plan: &mut Plan| plan.landlock.handles = vec![Handled::Signals];
        for jail in [Jail::new(caller), Jail::new(caller).change(without)] {
            let weight = |command: &str| {
                let script = format!("{command}; sed s/.*nice/weight/ /proc/self/autogroup");
                let mut start = jail.command("setsid");
                start.env("W", jail.wrapper()).args(["--wait", "sh", "-c", &script]);
                Ran::of(&mut start).stdout.trim().to_owned()
            };
            // The kernel lets one do that a few times a second.
            let change = "for i in 1 2 3 4 5 6 7 8 9; do echo 19 2>&- >/proc/self/autogroup && break; sleep 0.3; done";
            assert_eq!(weight(&format!("sh -c '{change}'")), "weight 19", "the control");
            assert_eq!(weight(&format!("\"$W\" -c '{change}'")), "weight 0", "{caller:?}");
        }
    }
}
