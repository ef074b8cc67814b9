//! What a jail writes to its own terminal arrives whole on the launcher's, at the pace of that one.

use crate::jail::callers;
use crate::own_terminal::{CTRL_C, each, jail};
use crate::pty::Shell;

#[test]
fn a_large_output_arrives_whole_and_in_order() {
    each(|shell| {
        let lines = 500_000;
        shell
            .line(&format!("\"$W\" -c 'echo begin-$((40+2)); seq 1 {lines}; echo last-$((40+3))'"));
        shell.expect("begin-42\r\n");
        let all = shell.until("last-43");
        let mut expected = 1;
        for line in all.split("\r\n").take(lines) {
            assert_eq!(line, expected.to_string());
            expected += 1;
        }
        assert_eq!(expected, lines + 1);
        shell.prompt();
        shell.status(0);
    });
}

/// The payload has ended while the terminals and what is between them are full. The sizes are
/// around those of all of them together.
#[test]
fn what_a_slow_screen_has_not_taken_when_the_payload_ends_still_arrives() {
    each(|shell| all_arrives_slowly(shell, (80_000..120_000).step_by(4_000)));
}

/// Outputs of these lengths arrive whole on a screen that takes them slowly.
pub(crate) fn all_arrives_slowly(shell: &mut Shell, lengths: impl Iterator<Item = usize>) {
    for length in lengths {
        shell.line(&format!("\"$W\" -c 'printf \"<%0{length}d>\" 0'; echo code-$?-"));
        shell.expect("code-$?-");
        let all = shell.slowly_until("code-0-");
        let whole = format!("<{}>code-0-", "0".repeat(length));
        assert!(all.ends_with(&whole), "{length}, of which {} came", all.len());
        shell.prompt();
    }
}

#[test]
fn a_screen_that_takes_nothing_stops_the_jail_and_costs_nothing() {
    for caller in callers() {
        let jail = jail(caller);
        let wrapper = jail.wrapper();
        let mut shell = Shell::start(&jail);
        shell.line("\"$W\" -c 'echo up-$((40+2)); yes'");
        shell.expect("up-42");
        std::thread::sleep(std::time::Duration::from_secs(1));
        let pattern = format!("{} {}", crate::jail::stub().display(), wrapper.display());
        let [supervisor] = crate::process::processes(&pattern)[..] else { panic!("{pattern}") };
        let stat = || {
            let line =
                std::fs::read_to_string(format!("/proc/{supervisor}/stat")).expect("it runs");
            let fields: Vec<u64> =
                line.split(' ').skip(13).take(11).map(|field| field.parse().unwrap_or(0)).collect();
            // Ticks of a processor, and pages in memory (proc_pid_stat(5)).
            (fields[0] + fields[1], fields[10])
        };
        let (before, _) = stat();
        std::thread::sleep(std::time::Duration::from_secs(1));
        let (after, pages) = stat();
        assert_eq!(after - before, 0, "it waits");
        assert!(pages < 4096, "{pages} pages");
        shell.send(CTRL_C);
        shell.until("% ");
        shell.status(130);
    }
}

#[test]
fn a_reader_that_goes_away_ends_the_writer() {
    each(|shell| {
        shell.line("\"$W\" -c 'yes' | head -n 1; echo ${PIPESTATUS[0]}-end-$((40+2))");
        shell.expect("141-end-42");
        shell.prompt();
    });
}
