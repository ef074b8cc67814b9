//! Payloads that keep the processes busy by which a jail is stopped, limited and ended.

use crate::jail::{Caller, Jail, callers};
use crate::pty::Shell;

const CTRL_C: &str = "\x03";

fn jail(caller: Caller) -> Jail {
    Jail::new(caller).set("TERM", "dumb")
}

/// Stops and continues itself all the time from `$at` seconds on, and stops
/// for the first time at once.
const STOPPER: &str = "perl -e '$SIG{TERM} = \"IGNORE\"; $p = $$; if (!fork) { sleep $ARGV[0]; open(O, \">\", \"ticks\"); \
                       while (1) { kill CONT => $p; syswrite(O, \"x\\n\"); select(undef, undef, undef, 0.002) } } \
                       $| = 1; print \"up-\", 40 + 2, \"\\n\"; while (1) { kill $ARGV[1] => $$ }'";

/// Init reports each stop, and the supervisor does not read while the job is stopped.
#[test]
fn a_time_limit_is_not_stopped_by_one_who_stops_all_the_time() {
    for caller in callers() {
        let limit = jail_plan::TimeLimit { seconds: 2, by: crate::jail::by() };
        let jail = jail(caller).change(|plan| plan.time = Some(limit));
        jail.file("project/stopper", &format!("exec {STOPPER} 3 STOP"));
        let mut shell = Shell::start(&jail);
        shell.line("\"$W\" stopper");
        shell.expect("Stopped");
        shell.prompt();
        shell.line(
            "sleep 8; a=$(wc -l <ticks); sleep 1; b=$(wc -l <ticks); echo $((a>0)):$((b-a))-left-$((40+2))",
        );
        shell.expect("1:0-left-42");
        shell.prompt();
        shell.line("fg");
        shell.expect("the time (2 s) is over");
        shell.prompt();
        shell.status(124);
    }
}

/// One who asks for the terminal all the time, in a group so large that it takes a while to
/// continue, does not bring the supervisor and init to wait for each other.
#[test]
fn whoever_asks_for_the_terminal_all_the_time_is_ended_by_a_key() {
    for caller in callers() {
        let jail = jail(caller);
        let crowd = "for (1..1000) { if (!fork) { sleep 1000; exit } }";
        let script = format!(
            "exec perl -e '$p = $$; {crowd} if (!fork) {{ while (1) {{ kill CONT => $p }} }} \
             $| = 1; print \"up-\", 40 + 2, \"\\n\"; while (1) {{ kill TTIN => $$ }}'"
        );
        jail.file("project/asker", &script);
        let mut shell = Shell::start(&jail);
        shell.line("\"$W\" asker");
        shell.expect("up-42");
        std::thread::sleep(std::time::Duration::from_secs(3));
        shell.key(CTRL_C);
        shell.prompt();
    }
}

/// Where the jail has no /proc of the kernel's, what lies there is the payload's.
#[test]
fn a_time_limit_is_not_stopped_by_pipes_in_the_place_of_processes() {
    for caller in callers() {
        let limit = jail_plan::TimeLimit { seconds: 2, by: crate::jail::by() };
        let jail = jail(caller).change(|plan| {
            plan.time = Some(limit);
            plan.inside.retain(|step| !matches!(step.op, jail_plan::InsideOp::Proc(_)));
        });
        let jail = jail.op(crate::jail::tmpfs("/proc"));
        let script = "mkdir /proc/77; mkfifo /proc/77/stat; ln -s 1 /proc/self; mkfifo on\n\
                      (trap '' TERM; echo x >ticks; echo >on; while :; do echo x; sleep 0.1; done >>ticks) &\n\
                      read x <on; kill -STOP $$";
        jail.file("project/work", script);
        let mut shell = Shell::start(&jail);
        shell.line("\"$W\" work");
        shell.expect("Stopped");
        shell.prompt();
        shell.line(
            "sleep 8; a=$(wc -l <ticks); sleep 1; b=$(wc -l <ticks); echo $((a>0)):$((b-a))-left-$((40+2))",
        );
        shell.expect("1:0-left-42");
        shell.prompt();
        shell.line("fg");
        shell.expect("the time (2 s) is over");
        shell.prompt();
        shell.status(124);
    }
}
