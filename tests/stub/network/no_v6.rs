//! A machine without IPv6, which a filter of system calls makes of this one for the launch.

use jail_plan::{Purpose, Transport};
use jail_stub::sys;
use serde_json::json;

use super::{echo, jail, listener, noted, say};
use crate::jail::{Caller, Jail, Ran, callers};

const SOCKET: u64 = if cfg!(target_arch = "x86_64") { 41 } else { 198 };
const AF_INET6: u64 = 10;
const EAFNOSUPPORT: u64 = 97;

/// An instruction of a filter (`struct sock_filter`).
const fn instruction(code: u64, if_true: u64, if_false: u64, value: u64) -> u64 {
    code | if_true << 16 | if_false << 24 | value << 32
}

/// socket(2) knows no AF_INET6.
const WITHOUT: [u64; 6] = [
    instruction(0x20, 0, 0, 0),
    instruction(0x15, 0, 3, SOCKET),
    instruction(0x20, 0, 0, 16),
    instruction(0x15, 0, 1, AF_INET6),
    instruction(0x06, 0, 0, 0x0005_0000 | EAFNOSUPPORT),
    instruction(0x06, 0, 0, 0x7fff_0000),
];

/// Runs a script inside, where neither the launch nor what runs in it has IPv6.
pub(crate) fn without_v6(jail: &Jail, script: &str) -> Ran {
    let mut command = jail.command(jail.wrapper());
    command.args(["-c", script]);
    // The filter is this thread's and its children's.
    let run = move || {
        rustix::thread::set_no_new_privs(true).expect("a switch");
        sys::load_filter(&WITHOUT).expect("a filter");
        Ran::of(&mut command)
    };
    std::thread::scope(|scope| scope.spawn(run).join()).expect("it runs")
}

#[test]
fn what_has_a_twin_in_ipv4_is_left_out_without_a_word() {
    for caller in callers() {
        let jail = with_dns(caller);
        let port = echo();
        let jail = jail.change(|plan| {
            let network = plan.network.as_mut().expect("a network");
            network.listeners.push(listener(Transport::Tcp, "10.1.2.3", port));
        });
        let ran = without_v6(&jail, &say("10.1.2.3", port));
        ran.prints("got word");
        assert_eq!(ran.stderr, "stand-in: that was all\n");
        let mut given = noted(&jail, "given");
        let given = given.as_array_mut().expect("a list");
        let network = given[1].clone();
        assert!(network.as_str().is_some_and(|place| place.starts_with("net:")), "{given:?}");
        // What there is not is the network namespace once more, so that the
        // rest have their numbers.
        let port = format!("tcp 10.1.2.3:{port}");
        assert_eq!(json!(given[2..5]), json!(["udp 127.0.0.1:53", network, port]));
        // The control: with IPv6 it is there.
        jail.sh("sleep 0.2").prints("");
        assert_eq!(noted(&jail, "given")[3], "udp [::1]:53");
    }
}

#[test]
fn what_a_rule_names_is_left_out_and_that_is_said() {
    for caller in callers() {
        let listeners = ["10.1.2.3", "fd6a:6169:6c00::9"];
        let jail =
            jail(caller, listeners.map(|address| listener(Transport::Tcp, address, 443)).into());
        let said = "left out, because this machine has no IPv6: tcp fd6a:6169:6c00::9 port 443";
        let ran = without_v6(&jail, "echo ran");
        ran.prints("ran");
        assert!(ran.stderr.contains(said), "{ran:?}");
        assert!(!jail.sh("echo ran").stderr.contains("IPv6"));
    }
}

fn with_dns(caller: Caller) -> Jail {
    let dns = ["127.0.0.1", "::1"].map(|address| {
        let mut dns = listener(Transport::Udp, address, 53);
        dns.purpose = Purpose::Dns;
        dns
    });
    jail(caller, dns.into())
}
