//! Job control, driven as a person drives it: keys typed into an interactive
//! bash on a real terminal.
//!
//! Markers are written with an arithmetic expansion, so that the echo of what was typed is
//! not taken for the answer.

use jail_plan::Terminal;

use crate::jail::{Jail, callers};
use crate::process::{end_soon, runs_soon};
use crate::pty::Shell;

const CTRL_C: &str = "\x03";
const CTRL_Z: &str = "\x1a";

/// With a terminal of the jail's own, and with the launcher's.
fn each(test: impl Fn(&mut Shell)) {
    for caller in callers() {
        for terminal in [Terminal::Keep, Terminal::Shared] {
            let jail = Jail::new(caller).change(|plan| plan.terminal = terminal);
            test(&mut Shell::start(&jail.set("TERM", "dumb").set("PS1", "jail> ")));
        }
    }
}

#[test]
fn ctrl_c_ends_the_payload_and_the_shell_sees_it() {
    each(|shell| {
        shell.line("\"$W\" -c 'echo up-$((40+2)); sleep 100'");
        shell.expect("up-42");
        shell.key(CTRL_C);
        shell.expect("% ");
        shell.status(130);
    });
}

#[test]
fn ctrl_z_fg_and_a_handler_inside() {
    each(|shell| {
        shell.line("\"$W\" -c 'trap \"echo in-$((1+1)); exit 7\" INT; echo up-$((40+2)); while :; do sleep 0.05; done'");
        shell.expect("up-42");
        shell.key(CTRL_Z);
        shell.expect("Stopped");
        shell.line("fg");
        shell.expect("-c");
        shell.key(CTRL_C);
        shell.expect("in-2");
        shell.prompt();
        shell.status(7);
    });
}

#[test]
fn a_job_in_the_background_runs_and_can_be_ended() {
    each(|shell| {
        shell.line("\"$W\" -c 'echo up-$((40+2)); while :; do sleep 0.05; done'");
        shell.expect("up-42");
        shell.key(CTRL_Z);
        shell.expect("Stopped");
        shell.line("bg; sleep 0.3; jobs");
        shell.expect("Running");
        shell.line("kill %1; wait %1; echo end-$((40+3))-$?");
        shell.expect("end-43-143");
    });
}

#[test]
fn a_background_job_that_reads_waits_for_the_terminal() {
    each(|shell| {
        shell.line("\"$W\" -c 'read x; echo got-$x-$((1+1))' &");
        // It stops when it reads, which takes as long as its launch.
        shell.line("for i in $(seq 200); do jobs | grep Stopped && break; sleep 0.1; done");
        shell.expect("Stopped  ");
        shell.line("fg");
        shell.expect("got-$x");
        shell.line("hello");
        shell.expect("got-hello-2");
        shell.prompt();
        shell.status(0);
    });
}

#[test]
fn the_window_size_arrives_inside() {
    each(|shell| {
        shell.resize(24, 80);
        shell.line(
            "\"$W\" -c 'trap \"stty size\" WINCH; echo up-$((40+2)); while :; do sleep 0.05; done'",
        );
        shell.expect("up-42");
        shell.resize(33, 77);
        shell.expect("33 77");
        shell.key(CTRL_C);
        shell.expect("% ");
    });
}

#[test]
fn a_pipeline_reads_from_the_terminal_when_asked() {
    each(|shell| {
        shell.line("\"$W\" -c 'echo up-$((40+2)); read x </dev/tty; echo got-$x-$((1+1))' | cat");
        shell.expect("up-42");
        shell.line("hello");
        shell.expect("got-hello-2");
        shell.prompt();
        shell.status(0);
        shell.line("\"$W\" -c 'echo up-$((40+2)); sleep 100' | cat");
        shell.expect("up-42");
        shell.key(CTRL_C);
        shell.expect("% ");
        shell.status(130);
    });
}

#[test]
fn a_script_has_the_terminal_again_when_the_payload_has_ended() {
    each(|shell| {
        shell.line(
            "sh -c '\"$W\" -c \"read x; echo in-\\$x-\\$((1+1))\"; echo next-$((2+3)); read y; echo out-$y-$((1+2))'",
        );
        std::thread::sleep(std::time::Duration::from_millis(300));
        shell.line("a");
        shell.expect("in-a-2");
        shell.expect("next-5");
        shell.line("b");
        shell.expect("out-b-3");
        shell.prompt();
        shell.status(0);
    });
}

#[test]
fn a_script_stops_and_goes_on_with_its_jail() {
    each(|shell| {
        shell.line("sh -c '\"$W\" -c \"echo up-\\$((40+2)); sleep 1; echo down-\\$((40+3))\"; echo after-$((40+4))'");
        shell.expect("up-42");
        shell.key(CTRL_Z);
        shell.expect("Stopped");
        shell.line("fg");
        shell.expect("down-43");
        shell.expect("after-44");
        shell.prompt();
        shell.status(0);
    });
}

#[test]
fn a_shell_inside_has_job_control_of_its_own() {
    each(|shell| {
        shell.line("\"$W\" -c 'exec bash --norc --noprofile -i'");
        shell.expect("jail> ");
        shell.line("sleep 100");
        shell.key(CTRL_Z);
        shell.expect("Stopped");
        // `wait` would not do: bash returns from it at once while it still
        // takes the job for stopped.
        shell.line("kill -KILL %1; sleep 0.5; echo inner-$((40+2))");
        shell.expect("inner-42");
        shell.line("exit 9");
        shell.expect("% ");
        shell.status(9);
    });
}

#[test]
fn a_session_of_its_own_has_no_terminal() {
    for caller in callers() {
        let jail = Jail::new(caller).change(|plan| plan.terminal = Terminal::NewSession);
        let mut shell = Shell::start(&jail);
        shell.line("\"$W\" -c '(: </dev/tty) 2>/dev/null || echo none-$((40+2))'");
        shell.expect("none-42");
        shell.prompt();
        shell.status(0);
    }
}

#[test]
fn nothing_can_be_typed_into_the_launchers_shell() {
    each(|shell| {
        for request in ["0x5412", "0x100005412", "0x541c"] {
            shell.line(&format!(
                "\"$W\" -c '/probe call ioctl 0 {request} s:x; echo end-$((40+2))'"
            ));
            shell.expect("errno 1");
            shell.expect("end-42");
            shell.prompt();
        }
        shell.status(0);
    });
}

#[test]
fn ctrl_c_ends_the_script_as_it_does_without_a_jail() {
    each(|shell| {
        for program in ["\"$W\"", "sh"] {
            for script in ["sh", "bash"] {
                shell.line(&format!(
                    "{script} -c '{program} -c \"echo up-\\$((40+2)); sleep 100\"; read y'"
                ));
                shell.expect("up-42");
                shell.key(CTRL_C);
                shell.expect("% ");
                shell.status(130);
            }
            // A reader of its output ends too, and with it the script.
            shell.line(&format!(
                "sh -c '{program} -c \"echo up-\\$((40+2)) >&2; sleep 100\" | sleep 50; read y'"
            ));
            shell.expect("up-42");
            shell.key(CTRL_C);
            shell.expect("% ");
            shell.status(130);
        }
    });
}

#[test]
fn a_script_goes_on_when_the_payload_has_handled_ctrl_c_as_it_does_without_a_jail() {
    each(|shell| {
        for program in ["\"$W\"", "sh"] {
            let payload = "trap \"exit 7\" INT; echo up-\\$((40+2)); while :; do sleep 0.05; done";
            let payload = payload.replace('"', "\\\"");
            shell.line(&format!("bash -c '{program} -c \"{payload}\"; echo on-$?-$((1+1))'"));
            shell.expect("up-42");
            shell.key(CTRL_C);
            shell.expect("on-7-2");
            shell.prompt();
            shell.status(0);
        }
    });
}

#[test]
fn nothing_is_left_when_the_terminal_goes_away() {
    for (index, caller) in (0..).zip(callers()) {
        // A shell whose child is stopped, and which does not hear of the end: so is one whose child
        // a key has stopped between vfork and exec, where the shell blocks every signal.
        let name = format!("stopped-{}", 44000 + index);
        let jail = Jail::new(caller);
        jail.file(
            "project/payload",
            &format!(
                "trap '' HUP; echo up-$((40+2))\n\
                 env --default-signal=HUP bash -c 'exec -a {name} sh -c \"kill -STOP \\$\\$; exit\"'\n\
                 echo down\n"
            ),
        );
        let mut shell = Shell::start(&jail);
        shell.line("sh -c '\"$W\" payload; echo after'");
        shell.expect("up-42");
        runs_soon(&name);
        drop(shell);
        end_soon(&name);
    }
}

#[test]
fn the_terminal_has_a_name_inside_and_others_have_none() {
    for caller in callers() {
        for (terminal, name) in [
            (Terminal::Keep, "/dev/pts/0"),
            (Terminal::NewSession, "/dev/pts/0"),
            (Terminal::Shared, "/dev/console"),
        ] {
            let jail = Jail::new(caller).change(|plan| plan.terminal = terminal);
            let mut shell = Shell::start(&jail);
            shell.line(&format!(
                "\"$W\" -c 'tty; [ {name} -ef /proc/self/fd/0 ] && echo same-$((40+2))'"
            ));
            shell.expect(&format!("\n{name}"));
            shell.expect("same-42");
            shell.prompt();
            let list = "ls /dev/pts | tr \"\\n\" .; ls /dev/console";
            shell.line(&format!("\"$W\" -c 'tty; {list}' <&- >out 2>&1; cat out"));
            shell.expect("not a tty");
            shell.expect("\nptmx.");
            shell.expect("cannot access '/dev/console'");
        }
    }
}

#[test]
fn nobody_else_can_read_the_terminal_when_the_jail_has_ended() {
    for caller in callers() {
        for terminal in [Terminal::Keep, Terminal::NewSession, Terminal::Shared] {
            let jail = Jail::new(caller).change(|plan| plan.terminal = terminal);
            let mut shell = Shell::start(&jail);
            let mode = |word| format!("echo {word}-$((40+2))-$(stat -c %a $(tty))");
            let open = "call fchmod 0 0x1b6; PROBE call fchmod 1 0x1b6; PROBE call fchmod 2 0x1b6";
            // The control: outside its owner can.
            let probe = crate::jail::probe();
            let outside = format!("PROBE {open}").replace("PROBE", probe.to_str().expect("UTF-8"));
            shell.line(&format!("chmod 600 $(tty); {outside}; {}", mode("outside")));
            shell.expect("outside-42-666");
            let inside = format!("/probe {open}").replace("PROBE", "/probe");
            shell.line(&format!("chmod 600 $(tty); \"$W\" -c '{inside}'; {}", mode("inside")));
            shell.expect("inside-42-600");
            shell.prompt();
            // What it was opened for still works.
            shell.line("\"$W\" -c 'read a; echo got-$a; echo err-$a >&2'");
            shell.key("x\n");
            shell.expect("got-x");
            shell.expect("err-x");
            shell.prompt();
        }
    }
}
