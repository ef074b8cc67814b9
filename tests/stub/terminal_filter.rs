//! `terminal-filter` on a real terminal: what is taken out, with a control without the filter; and
//! the process that does it.

use jail_plan::{Host, HostOp, Step, Terminal};

use crate::jail::{Caller, Jail, by, callers};
use crate::programs::host;
use crate::pty::Shell;

fn plain(caller: Caller) -> Jail {
    Jail::new(caller).set("TERM", "dumb").set("PS1", "jail> ")
}

fn filtered(caller: Caller) -> Jail {
    plain(caller).change(|plan| {
        let program = host().to_str().expect("UTF-8").to_owned();
        plan.host = Some(Host { program, shell: None });
        plan.before.push(Step::new(by(), HostOp::FilterTerminal));
    })
}

/// What a jail's `printf` of this arrives as, between two marks.
fn shown(shell: &mut Shell, text: &str) -> String {
    shell.line(&format!("\"$W\" -c 'printf \"<%s>{text}<%s>\" \"\" \"\"'; echo up-$((40+2))"));
    shell.expect("up-$");
    let all = shell.until("up-42");
    let (_, rest) = all.split_once("<>").expect("the first mark");
    rest.split_once("<>").expect("the second mark").0.to_owned()
}

/// As the shell writes it, and as it arrives.
const REFUSED: &[(&str, &str)] = &[
    (r"\033]52;c;aGk=\007", "\x1b]52;c;aGk=\x07"),
    (r"\033]52;c;aGk=\033\\", "\x1b]52;c;aGk=\x1b\\"),
    (r"\302\2355\060;c\302\234", "\u{9d}50;c\u{9c}"),
    (r"\033[21t", "\x1b[21t"),
    (r"\033[20t", "\x1b[20t"),
    (r"\033P\044qm\033\\", "\x1bP$qm\x1b\\"),
    (r"\033P+q544e\033\\", "\x1bP+q544e\x1b\\"),
    (r"\033[1;1;1;1;2;2*y", "\x1b[1;1;1;1;2;2*y"),
    (r"\033[5i", "\x1b[5i"),
    (r"\033]1337;Copy=:aGk=\007", "\x1b]1337;Copy=:aGk=\x07"),
    (r"\033_Ga=T,t=f;L2E=\033\\", "\x1b_Ga=T,t=f;L2E=\x1b\\"),
    (r"\005", "\x05"),
];

#[test]
fn what_reaches_beyond_the_screen_is_taken_out() {
    for caller in callers() {
        let jails = [filtered(caller), plain(caller)];
        let [mut with, mut without] = jails.each_ref().map(Shell::start);
        for (written, arrives) in REFUSED {
            let text = format!("a{written}z");
            assert_eq!(shown(&mut with, &text), "az", "{caller:?} {written}");
            let control = shown(&mut without, &text);
            assert_eq!(control, format!("a{arrives}z"), "the control, {written}");
        }
    }
}

#[test]
fn everything_else_arrives_as_it_was_written() {
    for caller in callers() {
        let jail = filtered(caller);
        let mut with = Shell::start(&jail);
        for (written, arrives) in [
            (r"\033[1;31mred\033[0m", "\x1b[1;31mred\x1b[0m"),
            (r"\033]0;title\007\033]8;;https://x\033\\", "\x1b]0;title\x07\x1b]8;;https://x\x1b\\"),
            (r"\033[?2004h\033[>1u\033[?u\033[c", "\x1b[?2004h\x1b[>1u\x1b[?u\x1b[c"),
            (r"\033P0;0;0q#0~\033\\", "\x1bP0;0;0q#0~\x1b\\"),
            (r"\303\234ber \377", "Über \u{fffd}"),
        ] {
            assert_eq!(shown(&mut with, written), arrives, "{caller:?}");
        }
    }
}

/// A sequence in three writes with pauses between them, and a picture that comes in many reads.
#[test]
fn how_it_is_written_makes_no_difference() {
    for caller in callers() {
        let jail = filtered(caller);
        let mut shell = Shell::start(&jail);
        let script = "printf \"<%s>a\\033]5\" \"\"; sleep 0.2; printf \"2;c;aG\"; sleep 0.2; printf \"k=\\007z<%s>\" \"\"";
        shell.line(&format!("\"$W\" -c '{script}'"));
        shell.expect("<>");
        assert_eq!(shell.until("<>"), "az<>");
        shell.prompt();
        let many = "perl -e 'print \"\\033Pq\", \"~\" x 300000, \"\\033\\\\\", \"end\", \"-\", 42, \"\\n\"'";
        jail.file("project/many", many);
        shell.line("\"$W\" many");
        shell.expect("many");
        let all = shell.until("end-42");
        let body = all.split_once("\x1bPq").expect("its beginning").1;
        assert_eq!(body, format!("{}\x1b\\end-42", "~".repeat(300_000)));
    }
}

/// The payload has ended while the terminals on both sides of the filter are full.
#[test]
fn what_a_slow_screen_has_not_taken_when_the_payload_ends_still_arrives() {
    for caller in callers() {
        let jail = filtered(caller);
        let mut shell = Shell::start(&jail);
        crate::screen::all_arrives_slowly(&mut shell, (20_000..48_000).step_by(4_000));
    }
}

/// Job control, the end of the output and the exit status are as without a filter.
#[test]
fn jobs_stop_and_end_as_ever() {
    for caller in callers() {
        for terminal in [Terminal::Keep, Terminal::NewSession] {
            let jail = filtered(caller).change(|plan| plan.terminal = terminal);
            let mut shell = Shell::start(&jail);
            shell.line("\"$W\" -c 'echo up-$((40+2)); while :; do echo tick; sleep 0.1; done'");
            shell.expect("up-42");
            shell.expect("tick");
            shell.key("\x1a");
            shell.expect("Stopped");
            shell.prompt();
            shell.is_silent();
            shell.line("fg");
            shell.expect("tick");
            shell.key("\x03");
            shell.prompt();
            shell.status(130);
            shell.line("\"$W\" -c 'seq 1 20000; exit 3'; echo code-$?");
            shell.expect("\r\n19999\r\n20000\r\ncode-3");
        }
    }
}

/// It holds nothing of the launcher's but what it says its failures to, and no process of the
/// same user may inspect it.
#[test]
fn the_process_that_filters_is_closed_in() {
    for caller in callers() {
        let jail = filtered(caller);
        let mut shell = Shell::start(&jail);
        shell.line("\"$W\" -c 'echo up-$((40+2)); until [ -e go ]; do sleep 0.1; done; echo late-$((40+2)); sleep 100' & sleep 0.5; J=$!");
        shell.expect("up-42");
        shell.line("for p in $(cat /proc/$J/task/$J/children); do [ \"$(cat /proc/$p/comm)\" = jail-host ] && F=$p; done; echo has-$((F>0))");
        shell.expect("has-1");
        shell.line("grep -E '^(NoNewPrivs|Seccomp|CapEff):' /proc/$F/status | tr -d '\\t '; echo end-$((40+2))");
        shell.expect("CapEff:0000000000000000\r\nNoNewPrivs:1\r\nSeccomp:2\r\nend-42");
        if !caller.is_root() {
            // The control is the shell itself.
            shell.line(
                "(: </proc/$F/mem) 2>&1 | grep -c denied; (: </proc/$$/mem) && echo own-$((40+2))",
            );
            shell.expect("1\r\nown-42");
        }
        // Without it the jail has no terminal, and nothing goes out unfiltered.
        shell.line("kill -9 $F; touch go; wait $J; echo code-$?");
        let end = shell.until("code-129");
        assert!(
            end.contains("the filter of the terminal has ended") && !end.contains("late-42"),
            "{end}"
        );
    }
}

/// What it has not answered for when the payload has ended is lost, and the launch reports that.
#[test]
fn the_end_of_the_filter_is_said_after_that_of_the_payload_too() {
    for caller in callers() {
        let jail = filtered(caller);
        let mut shell = Shell::start(&jail);
        shell.line("\"$W\" -c 'printf \"<%024000d>\" 0; exit 3' & J=$!; sleep 1; for p in $(cat /proc/$J/task/$J/children); do [ \"$(cat /proc/$p/comm)\" = jail-host ] && kill -9 $p; done; wait $J; echo code-$?");
        // Nothing reads, so the terminals are full.
        std::thread::sleep(std::time::Duration::from_secs(2));
        let all = shell.until("code-3");
        assert!(all.contains("has ended, and the last output is lost"), "{all}");
        assert!(!all.contains("0>"), "{all}");
    }
}

/// Where there is no terminal there is nothing to do.
#[test]
fn pipes_are_not_filtered() {
    for caller in callers() {
        let ran = filtered(caller).sh("printf 'a\\033]52;c;x\\007z'");
        assert_eq!(ran.stdout, "a\x1b]52;c;x\x07z", "{ran:?}");
    }
}

#[test]
fn a_filter_that_cannot_be_started_stops_the_launch() {
    for caller in callers() {
        let jail = filtered(caller).change(|plan| {
            plan.host = Some(Host { program: "/nowhere/jail-host".into(), shell: None });
        });
        let mut shell = Shell::start(&jail);
        shell.line("\"$W\" -c 'echo up-$((40+2))'; echo code-$?");
        shell.expect("/nowhere/jail-host: ENOENT");
        shell.expect("code-125");
    }
}
