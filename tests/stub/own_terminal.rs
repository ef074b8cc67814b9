//! The jail's own terminal, which stands for the launcher's: what it keeps from the jail, and that
//! the user does not notice it.
//!
//! Attacks have a control under a shared terminal, where they work.

use std::io::Write;
use std::process::Stdio;

use jail_plan::Terminal;
use jail_seccomp::Sockets;

use crate::cage::cage;
use crate::jail::{Caller, Jail, callers};
use crate::pty::{Other, Shell};

pub(crate) const CTRL_C: &str = "\x03";
const CTRL_D: &str = "\x04";
const CTRL_Z: &str = "\x1a";

pub(crate) fn jail(caller: Caller) -> Jail {
    Jail::new(caller).set("TERM", "dumb").set("PS1", "jail> ")
}

fn shared(jail: Jail) -> Jail {
    jail.change(|plan| plan.terminal = Terminal::Shared)
}

pub(crate) fn each(test: impl Fn(&mut Shell)) {
    for caller in callers() {
        test(&mut Shell::start(&jail(caller)));
    }
}

/// A process that has left the session and keeps standard input, and writes down what it reads.
const THIEF: &str = "perl -e 'use POSIX; if (!fork) { POSIX::setsid(); open(O, \">\", \"stolen\"); \
                     while (sysread(STDIN, $x, 1)) { syswrite(O, $x) } exit } sleep 1; syswrite(STDOUT, \"up-\" . (40 + 2) . \"\\n\"); \
                     while (1) { sleep 1 }'";

/// What is typed to the shell outside is not read inside, however the job came to the background.
#[test]
fn nobody_inside_reads_what_is_typed_to_the_launchers_shell() {
    type Kind = fn(Caller) -> Jail;
    let ways = ["key", "bg", "&"];
    let kinds: [(&str, Kind, bool); 4] = [
        ("jail", jail, false),
        ("cage", |caller| cage(caller, Sockets::Tcp).set("TERM", "dumb"), false),
        (
            "new session",
            |caller| jail(caller).change(|plan| plan.terminal = Terminal::NewSession),
            false,
        ),
        ("shared", |caller| shared(jail(caller)), true),
    ];
    for caller in callers() {
        for (name, kind, steals) in kinds {
            for way in ways {
                let jail = kind(caller);
                jail.file("project/thief", THIEF);
                let mut shell = Shell::start(&jail);
                let end = if way == "&" { " &" } else { "" };
                shell.line(&format!("\"$W\" thief{end}"));
                shell.expect("up-42");
                if way != "&" {
                    shell.key(CTRL_Z);
                    shell.expect("Stopped");
                }
                if way == "bg" {
                    shell.line("bg");
                    shell.expect("thief");
                }
                // It reads in competition with the shell, so some of it is enough.
                for _ in 0..20 {
                    shell.send("s");
                    std::thread::sleep(std::time::Duration::from_millis(20));
                }
                std::thread::sleep(std::time::Duration::from_millis(300));
                let stolen =
                    std::fs::read_to_string(jail.project().join("stolen")).expect("it began");
                if steals && way != "key" {
                    assert!(stolen.contains('s'), "the control, {name} {way}: {stolen:?}");
                }
                if !steals {
                    assert!(!stolen.contains('s'), "{name} {way}: {stolen:?}");
                }
            }
        }
    }
}

#[test]
fn keys_reach_a_program_that_has_no_controlling_terminal() {
    for caller in callers() {
        let jail = jail(caller).change(|plan| plan.terminal = Terminal::NewSession);
        let mut shell = Shell::start(&jail);
        shell
            .line("\"$W\" -c 'echo up-$((40+2)); (: </dev/tty) || read x; echo got-$x; sleep 100'");
        shell.expect("up-42");
        shell.key("a\n");
        shell.expect("got-a");
        shell.key(CTRL_Z);
        shell.expect("Stopped");
        shell.prompt();
        shell.line("fg");
        shell.expect("sleep");
        shell.key(CTRL_C);
        shell.prompt();
        shell.status(130);
        // The size too, which the kernel tells the group that has a terminal.
        shell.line(
            "\"$W\" -c 'trap \"stty size\" WINCH; echo up-$((40+2)); while :; do sleep 0.05; done'",
        );
        shell.expect("up-42");
        shell.resize(33, 77);
        shell.expect("33 77");
        shell.key(CTRL_C);
        shell.prompt();
    }
}

#[test]
fn a_reader_in_a_pipeline_has_the_keys_and_the_jail_does_not() {
    each(|shell| {
        shell.line("\"$W\" -c 'echo from-$((40+2)); sleep 2' | sh -c 'cat; read x </dev/tty; echo got-$x-$((1+1))'");
        shell.expect("from-42");
        shell.key("hello\n");
        shell.expect("got-hello-2");
        shell.prompt();
    });
}

#[test]
fn the_terminal_by_its_name_and_by_dev_tty() {
    each(|shell| {
        shell.line(
            "\"$W\" -c 'echo out-$((40+2)) >/dev/tty; read x </dev/tty; echo got-$x >$(tty)'",
        );
        shell.expect("out-42");
        shell.line("a");
        shell.expect("got-a");
        shell.prompt();
        // If none of 0, 1 and 2 is a terminal, the jail gets no terminal.
        shell.line(
            "\"$W\" -c '(: </dev/tty) 2>/dev/null || echo none-$((40+2))' </dev/null 2>&1 | cat",
        );
        shell.expect("none-42");
        shell.prompt();
    });
}

#[test]
fn only_what_is_a_terminal_is_replaced() {
    each(|shell| {
        let kinds = "k=; for i in 0 1 2; do [ -t $i ] && k=${k}T || k=${k}n; done; echo is-$k >&2";
        shell.line(&format!("\"$W\" -c '{kinds}' </dev/null | cat"));
        shell.expect("is-nnT");
        shell.prompt();
        shell.line("echo typed | \"$W\" -c 'read x; echo got-$x; tty <&1' 2>&1 | cat");
        shell.expect("got-typed");
        shell.expect("not a tty");
        shell.prompt();
        // Opened for reading alone, as it was given.
        shell.line("\"$W\" -c 'echo x >&0; echo status-$?-' 0<$(tty) 2>/dev/null");
        shell.expect("status-1-");
        shell.prompt();
        shell.line("\"$W\" -c 'read x; echo got-$x-$((1+1))' 0<$(tty)");
        shell.key("a\n");
        shell.expect("got-a-2");
        shell.prompt();
    });
}

#[test]
fn the_size_has_pixels() {
    each(|shell| {
        shell.resize(33, 77);
        let ask =
            "perl -e 'ioctl(STDOUT, 0x5413, $s); print join(\"x\", unpack(\"S4\", $s)), \"\\n\"'";
        let path = "size";
        shell.line(&format!("cat >{path} <<'EOF'\n{ask}\nEOF"));
        shell.prompt();
        shell.line(&format!("\"$W\" {path}"));
        shell.expect("33x77x616x528");
        shell.prompt();
    });
}

#[test]
fn what_a_terminal_is_asked_and_what_it_answers_pass_through() {
    each(|shell| {
        // Bracketed paste, kitty's keyboard, a colour: the questions arrive as
        // they are, and so do answers.
        let asks = "\\033[?2004h\\033[?u\\033]11;?\\007";
        let read = "stty raw -echo; printf \"'$ASKS'\"; dd bs=1 count=17 2>/dev/null | od -An -c | tr -d \" \\n\"; stty sane";
        let script = read.replace("'$ASKS'", asks);
        shell.line(&format!("cat >asks <<'EOF'\n{script}\nEOF"));
        shell.prompt();
        shell.line("\"$W\" asks");
        shell.expect("\x1b[?2004h\x1b[?u\x1b]11;?\x07");
        shell.key("\x1b[?1u\x1b[200~\x03\x1a\x13\x04\0\x7f");
        shell.expect("033[?1u033[200~003032023004\\0");
        shell.prompt();
    });
}

#[test]
fn control_s_holds_output_and_control_q_lets_it_go_on() {
    each(|shell| {
        shell.line("\"$W\" -c 'echo up-$((40+2)); sleep 1; echo down-$((40+3))'");
        shell.expect("up-42\r\n");
        shell.key("\x13");
        std::thread::sleep(std::time::Duration::from_millis(1200));
        shell.is_silent();
        shell.send("\x11");
        shell.expect("down-43");
        shell.prompt();
    });
}

#[test]
fn a_loop_ends_by_the_key_that_ended_its_jail() {
    each(|shell| {
        shell.line("for i in 1 2 3; do \"$W\" -c 'echo up-$((40+2)); sleep 100'; done; echo on-$?");
        shell.expect("up-42");
        shell.key(CTRL_C);
        shell.prompt();
        shell.is_silent();
        shell.line("sh -c 'for i in 1 2 3; do \"$W\" -c \"echo up-\\$((40+2)); sleep 100\"; done'; echo on-$?-");
        shell.expect("up-42");
        shell.key(CTRL_C);
        shell.prompt();
        shell.is_silent();
        shell.status(130);
    });
}

#[test]
fn a_job_that_began_in_the_background_has_ordinary_modes_in_the_foreground() {
    each(|shell| {
        shell.line("\"$W\" -c 'echo up-$((40+2)); cat; echo end-$((40+3))' &");
        shell.expect("up-42");
        // Not while it is being stopped: the shell would believe that it runs, and not continue it.
        shell.line("sleep 0.3; fg");
        shell.expect("cat");
        // readline's modes, which the shell has at `&`, would not make an end of this.
        shell.key("line\n");
        shell.expect("line\r\nline");
        shell.key(CTRL_D);
        shell.expect("end-43");
        shell.prompt();
        // One that only looks whether there is something to read, and is never stopped by it.
        shell.line(
            "\"$W\" -c 'exec perl -e \"\\$|=1; vec(\\$r,0,1)=1; select(\\$r,undef,undef,30); \\$x=<STDIN>; print qq(got-\\$x)\"' &",
        );
        shell.prompt();
        shell.line("sleep 0.2; fg");
        shell.expect("perl");
        shell.key("late\n");
        shell.expect("got-late");
        shell.prompt();
    });
}

#[test]
fn modes_of_the_payload_stay_inside_and_the_launchers_come_back() {
    for caller in callers() {
        let jail = jail(caller);
        let mut shell = Shell::start(&jail);
        let before = shell.modes();
        for end in ["exit 3", "kill -9 $$", "kill -INT $$"] {
            shell.line(&format!("\"$W\" -c 'stty raw -echo -opost; printf up-$((40+2)); {end}'"));
            shell.expect("up-42");
            shell.prompt();
            assert_eq!(shell.modes(), before, "{end}");
        }
        // A program that sets its modes when it is continued, as full-screen ones do.
        let tui = "exec perl -e 'use POSIX; $SIG{TSTP}=sub{system(\"stty sane\");kill STOP=>$$;system(\"stty raw -echo isig\");print \"again-\", 40+2, \"\\r\\n\"}; \
                   $|=1; system(\"stty raw -echo isig\"); print \"up-\", 40+2, \"\\r\\n\"; while(1){sysread(STDIN,$x,1) or next; print \"<$x>\"; last if $x eq \"q\"}'";
        shell.line(&format!("cat >tui <<'EOF'\n{tui}\nEOF"));
        shell.prompt();
        shell.line("\"$W\" tui");
        shell.expect("up-42");
        shell.key("a");
        shell.expect("<a>");
        shell.key(CTRL_Z);
        shell.expect("Stopped");
        shell.prompt();
        assert_eq!(shell.modes(), before, "when it has stopped");
        shell.line("fg");
        shell.expect("again-42");
        shell.key("q");
        shell.expect("<q>");
        shell.prompt();
        assert_eq!(shell.modes(), before);
    }
}

#[test]
fn what_had_stopped_inside_stays_stopped_and_what_ran_goes_on() {
    each(|shell| {
        let count = "while :; do echo x; sleep 0.1; done >>ticks";
        shell.line(&format!(
            "\"$W\" -c 'setsid sleep 100 & a=$!; sleep 0.3; kill -STOP $a; setsid sh -c \"{count}\" & \
             mkfifo on; echo up-$((40+2)); read x <on; \
             cut -d\" \" -f3 /proc/$a/stat | tr -d \"\\n\"; echo -state-$((40+3))'"
        ));
        shell.expect("up-42");
        shell.key(CTRL_Z);
        shell.expect("Stopped");
        shell.prompt();
        // Whatever has left the session too.
        shell
            .line("sleep 0.3; a=$(wc -l <ticks); sleep 1; b=$(wc -l <ticks); echo ticks-$((b-a))-");
        shell.expect("ticks-0-");
        shell.prompt();
        shell.line("(echo >on &); fg");
        shell.expect("T-state-43");
        shell.prompt();
    });
}

#[test]
fn a_time_limit_is_not_stopped_by_the_payload() {
    for caller in callers() {
        let limit = jail_plan::TimeLimit { seconds: 2, by: crate::jail::by() };
        let jail = jail(caller).change(|plan| plan.time = Some(limit));
        let mut shell = Shell::start(&jail);
        shell.line("\"$W\" -c '(trap \"\" TERM; while :; do echo x; sleep 0.1; done >>ticks) & kill -STOP $$'");
        shell.expect("Stopped");
        shell.prompt();
        shell.line(
            "sleep 8; a=$(wc -l <ticks); sleep 1; b=$(wc -l <ticks); echo $((b-a))-left-$((40+2))",
        );
        shell.expect("0-left-42");
        shell.prompt();
        shell.line("fg");
        shell.expect("the time (2 s) is over");
        shell.prompt();
        shell.status(124);
    }
}

#[test]
fn the_end_of_the_launcher_is_seen_while_the_job_is_stopped() {
    for (index, caller) in (0..).zip(callers()) {
        let marker = 48000 + index;
        let jail = jail(caller);
        let mut shell = Shell::start(&jail);
        jail.file(
            "project/work",
            &format!(
                "setsid sleep {marker} & mkfifo on; echo up-$((40+2)); read x <on; kill -STOP $$"
            ),
        );
        shell.line("sh -c 'echo $$ >launcher; \"$W\" work' &");
        shell.expect("up-42");
        let pattern = format!("sleep {marker}");
        crate::process::runs_soon(&pattern);
        shell.line("(echo >on &); sleep 0.5; kill -9 $(cat launcher)");
        crate::process::end_soon(&pattern);
    }
}

#[test]
fn the_end_of_the_terminal_is_the_end_of_the_jail() {
    for (index, caller) in (0..).zip(callers()) {
        let marker = 47000 + index;
        for way in ["", " &"] {
            let jail = jail(caller);
            let mut shell = Shell::start(&jail);
            shell.line(&format!("\"$W\" -c 'echo up-$((40+2)); exec sleep {marker}'{way}"));
            shell.expect("up-42");
            crate::process::runs_soon(&format!("sleep {marker}"));
            drop(shell);
            crate::process::end_soon(&format!("sleep {marker}"));
        }
    }
}

#[test]
fn without_a_controlling_terminal_it_is_read_when_the_payload_asks() {
    each(|shell| {
        shell.line("setsid -w \"$W\" -c 'echo up-$((40+2)); read x; echo got-$x-$((1+1))'");
        shell.expect("up-42");
        shell.key("a\n");
        shell.expect("got-a-2");
        shell.prompt();
    });
}

/// A terminal that is not the launcher's and is given for output alone, as in
/// `jailed-x >/dev/pts/7 2>&1`, is not read from.
#[test]
fn what_is_typed_at_a_terminal_that_is_given_for_output_is_not_read() {
    for caller in callers() {
        for reads in [false, true] {
            let jail = jail(caller);
            let other = Other::open(&jail);
            let before = other.modes();
            let mut command = jail.command("setsid");
            let read = "alarm 3; open(T, \"<\", \"/dev/tty\"); $x = <T>; open(O, \">\", \"stolen\"); print O $x";
            command.arg(jail.wrapper()).args(["-c", &format!("exec perl -e '{read}'")]);
            let output = || other.side(reads);
            let mut launched =
                command.stdin(Stdio::null()).stdout(output()).stderr(output()).spawn().expect("sh");
            other.master().write_all(b"secret\n").expect("it is typed");
            launched.wait().expect("its end");
            assert_eq!(other.modes(), before);
            let stolen = std::fs::read_to_string(jail.project().join("stolen"));
            // The control: by a descriptor that can be read from it could be
            // read without a jail too.
            assert_eq!(stolen.is_ok_and(|text| text == "secret\n"), reads, "{caller:?}");
        }
    }
}

#[test]
fn a_terminal_multiplexer_works_inside() {
    let has_tmux = std::process::Command::new("tmux").arg("-V").stdout(Stdio::null()).status();
    if !has_tmux.is_ok_and(|status| status.success()) {
        println!("skipped: tmux is not installed");
        return;
    }
    for caller in callers() {
        let jail = Jail::new(caller)
            .set("TERM", "xterm")
            .set("TMUX_TMPDIR", "/tmp")
            .set("SHELL", "/bin/sh");
        let mut shell = Shell::start(&jail);
        shell.resize(24, 80);
        shell.line("\"$W\" -c 'tmux -f /dev/null new-session \"echo in-$((40+2)); read x; echo got-\\$x; sleep 1\"'");
        shell.expect("in-42");
        shell.key("a\n");
        shell.expect("got-a");
        shell.prompt();
        shell.status(0);
    }
}
