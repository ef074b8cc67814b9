//! How the broker ends, and what becomes of the jail when it ends too early.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use jail_plan::Transport::Tcp;
use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use super::{PATIENCE, behaving, echo, is_running, jail, listener, noted, say, wait_for};
use crate::jail::{Caller, Jail, Ran, broker, callers};

const CLOSING: &str = "stand-in: that was all\n";

fn broker_of(jail: &Jail) -> u64 {
    noted(jail, "seen")["process"]["process"].as_u64().expect("a number")
}

fn pid(process: u64) -> Pid {
    Pid::from_raw(i32::try_from(process).expect("a number")).expect("a process")
}

#[test]
fn it_says_its_closing_line_and_the_exit_status_is_the_payloads() {
    for caller in callers() {
        let jail = jail(caller, Vec::new());
        let ran = jail.sh("exit 42");
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(42), CLOSING), "{ran:?}");
        assert!(!is_running(broker_of(&jail)));
        let ran = jail.sh("kill -TERM $$");
        assert_eq!((ran.signal, ran.stderr.as_str()), (Some(15), CLOSING), "{ran:?}");
    }
}

#[test]
fn one_that_does_not_end_is_ended() {
    for caller in callers() {
        let jail = behaving(caller, "deaf", Vec::new());
        let begin = Instant::now();
        let ran = jail.sh("exit 3");
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(3), ""), "{ran:?}");
        let taken = begin.elapsed();
        assert!(taken > Duration::from_millis(450) && taken < PATIENCE, "{taken:?}");
        assert!(!is_running(broker_of(&jail)));
    }
}

#[test]
fn without_it_the_jail_goes_on_without_a_network_and_that_is_said() {
    for caller in callers() {
        let port = echo();
        let jail = behaving(caller, "dies", vec![listener(Tcp, "10.1.2.3", port)]);
        let script = format!(
            "exec 3<>/dev/tcp/10.1.2.3/{port}; echo word >&3; read -r answer <&3; echo \"$answer\"
             exec 5<>/dev/tcp/10.1.2.3/{port}
             cat <&3; echo closed
             for _ in {{1..500}}; do (exec 4<>/dev/tcp/10.1.2.3/{port}) 2>/dev/null || break; sleep 0.02; done
             if (exec 4<>/dev/tcp/10.1.2.3/{port}) 2>/dev/null; then echo open; else echo shut; fi; exit 5"
        );
        let ran = jail.sh(&format!("exec bash -c '{script}'"));
        assert_eq!(
            (ran.code, ran.stdout.as_str()),
            (Some(5), "got word\nclosed\nshut\n"),
            "{ran:?}"
        );
        assert_eq!(
            ran.stderr,
            "jail-stub: the broker ended before the jail (exit status 7), which had no network from then on \
             (`test` at demo.jail:4:3)\n"
        );
    }
}

#[test]
fn one_that_fails_at_once_stops_the_launch_or_is_told_of() {
    for caller in callers() {
        let jail = jail(caller, Vec::new()).change(|plan| {
            plan.network.as_mut().expect("a network").broker = "/bin/false".into();
        });
        // Which of the two is a matter of time: no launch waits for it.
        let ran = jail.sh("echo ran");
        match ran.code {
            Some(125) => ran.stopped(&["the broker: it ended before the jail was there"]),
            _ => {
                ran.prints("ran");
                assert!(ran.stderr.contains("ended before the jail (exit status 1)"), "{ran:?}");
            }
        }
    }
}

#[test]
fn killed_in_the_middle_of_a_transfer_it_takes_the_network_along() {
    for caller in callers() {
        let port = echo();
        let jail = jail(caller, vec![listener(Tcp, "10.1.2.3", port)]);
        let script = format!(
            "exec 3<>/dev/tcp/10.1.2.3/{port}; (while echo line >&3; do :; done) 2>/dev/null & read -r one <&3; : >begun; \
             cat <&3 >/dev/null 2>&1; exit 0"
        );
        let mut launch = jail.command(jail.wrapper());
        launch.args(["-c", &format!("exec bash -c '{script}'")]);
        let launch =
            launch.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
        wait_for(|| jail.project().join("begun").exists().then_some(()));
        kill_process(pid(broker_of(&jail)), Signal::KILL).expect("it is there");
        let output = launch.wait_with_output().expect("its end");
        assert_eq!(output.status.code(), Some(0));
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(
            told.starts_with("jail-stub: the broker ended before the jail (signal 9)"),
            "{told}"
        );
    }
}

#[test]
fn a_launch_that_fails_gives_it_nothing_and_leaves_nothing() {
    for caller in callers() {
        let jail = jail(caller, Vec::new()).change(|plan| {
            let missing = jail_plan::Missing::Fail;
            let access = jail_plan::Access::ReadOnly;
            let bind = crate::jail::bind_to("/nowhere", "/x", access, missing);
            plan.inside.push(crate::jail::step(bind));
        });
        jail.sh("echo ran").stopped(&["/nowhere", "ENOENT"]);
        // It may have been ended before it could write anything down.
        let seen = jail.folder.path().join("state/jailgen/seen");
        if seen.exists() {
            assert!(!is_running(broker_of(&jail)));
        }
        let jail = super::jail(caller, Vec::new()).change(|plan| {
            plan.argv = vec![jail_plan::Argument::Text(crate::jail::literal("/nowhere"))];
        });
        let ran = Ran::of(&mut jail.command(jail.wrapper()));
        assert_eq!(ran.code, Some(127), "{ran:?}");
        assert!(!ran.stderr.contains(CLOSING), "nothing ran: {ran:?}");
    }
}

#[test]
fn it_ends_with_a_supervisor_that_is_killed() {
    for caller in callers() {
        let jail = jail(caller, vec![listener(Tcp, "10.1.2.3", 443)]);
        let mut launch = jail.command(jail.wrapper());
        let mut launch = launch.args(["-c", "sleep 60"]).spawn().expect("it starts");
        let broker = broker_of(&jail);
        noted(&jail, "given");
        launch.kill().expect("SIGKILL");
        launch.wait().expect("its end");
        wait_for(|| (!is_running(broker)).then_some(()));
    }
}

#[test]
fn killed_at_any_moment_a_launch_leaves_no_broker() {
    const MOMENTS: u32 = 24;
    for caller in callers() {
        let whole = killed_when(caller, |jail| drop(noted(jail, "given")));
        for moment in 0..MOMENTS {
            killed_when(caller, |_| std::thread::sleep(whole * moment / MOMENTS));
        }
    }
}

/// Kills a launch at this moment, and waits until its broker is gone. How long it took until then.
fn killed_when(caller: Caller, moment: impl Fn(&Jail)) -> Duration {
    let jail = jail(caller, vec![listener(Tcp, "10.1.2.3", 443)]);
    // A program of its own, by which it is known.
    let own = jail.folder.path().join("broker");
    let copied = Command::new("cp").arg(broker()).arg(&own).status();
    assert!(copied.expect("cp").success());
    let jail = jail.change(|plan| {
        let network = plan.network.as_mut().expect("a network");
        network.broker = own.to_str().expect("UTF-8").into();
    });
    let mut launch = jail.command(jail.wrapper());
    let begin = Instant::now();
    let mut launch = launch.args(["-c", "sleep 60"]).spawn().expect("it starts");
    moment(&jail);
    let taken = begin.elapsed();
    launch.kill().expect("SIGKILL");
    launch.wait().expect("its end");
    wait_for(|| (!runs(&own)).then_some(()));
    taken
}

/// Whether a process has this program.
fn runs(program: &Path) -> bool {
    let processes = std::fs::read_dir("/proc").expect("a list").filter_map(Result::ok);
    let mut programs = processes.filter_map(|one| std::fs::read_link(one.path().join("exe")).ok());
    programs.any(|one| one == program)
}

#[test]
fn signals_for_the_payload_do_not_end_it() {
    for caller in callers() {
        let port = echo();
        let jail = jail(caller, vec![listener(Tcp, "10.1.2.3", port)]);
        let script = format!(
            "trap \"echo trapped; t=1\" INT; echo ready >ready; until [ \"$t\" ]; do sleep 0.02; done; {}",
            say("10.1.2.3", port)
        );
        let mut launch = jail.command(jail.wrapper());
        launch.args(["-c", &script]).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        let launch = launch.spawn().expect("it starts");
        wait_for(|| jail.project().join("ready").exists().then_some(()));
        noted(&jail, "given");
        // The launcher's whole group is signalled, as a terminal does.
        kill_process_group(pid(u64::from(launch.id())), Signal::INT).expect("a group");
        let output = launch.wait_with_output().expect("its end");
        let text = String::from_utf8_lossy(&output.stdout);
        assert_eq!((output.status.code(), text.as_ref()), (Some(0), "trapped\ngot word\n"));
        assert_eq!(String::from_utf8_lossy(&output.stderr), CLOSING);
    }
}

#[test]
fn it_carries_on_when_the_job_was_stopped_and_continued() {
    for caller in callers() {
        let port = echo();
        let jail = jail(caller, vec![listener(Tcp, "10.1.2.3", port)]);
        let script = format!(
            "exec 3<>/dev/tcp/10.1.2.3/{port}; echo word >&3; read -r one <&3; kill -STOP $$; \
             echo word >&3; read -r two <&3; echo \"$one, $two\""
        );
        let mut launch = jail.command(jail.wrapper());
        launch.args(["-c", &format!("exec bash -c '{script}'")]);
        let launch =
            launch.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
        let process = u64::from(launch.id());
        wait_for(|| is_stopped(process).then_some(()));
        kill_process(pid(process), Signal::CONT).expect("it is there");
        let output = launch.wait_with_output().expect("its end");
        assert_eq!(String::from_utf8_lossy(&output.stdout), "got word, got word\n");
    }
}

fn is_stopped(process: u64) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat"));
    stat.is_ok_and(|stat| stat.contains(") T "))
}

#[test]
fn a_pipe_of_the_launcher_closes_when_the_payload_closes_it() {
    for caller in callers() {
        let jail = jail(caller, Vec::new());
        let script =
            "{ \"$W\" -c 'exec >&-; sleep 1; echo x >after' & } | cat; test -e after || echo early";
        jail.outside_sh(script).prints("early");
        wait_for(|| jail.project().join("after").exists().then_some(()));
    }
}
