//! What there is in the namespace, and what there is not.

use std::fs;
use std::net::UdpSocket;
use std::os::unix::fs::chown;
use std::time::Instant;

use jail_plan::Transport::{Tcp, Udp};
use jail_plan::{Access, Folder, InsideOp, Missing};

use super::{behaving, echo, jail, listener, network, noted, say};
use crate::jail::{Jail, bind_to, callers, literal, nesting_filter, step};

/// connect(2): there is no route.
const UNREACHABLE: &str = "errno 101";
const REFUSED: &str = "errno 111";

#[test]
fn a_connection_to_an_address_of_a_rule_reaches_the_broker_and_gets_its_data() {
    for caller in callers() {
        let port = echo();
        let addresses = ["10.1.2.3", "198.18.0.7", "fd6a:6169:6c00::7"];
        let listeners = addresses.map(|address| listener(Tcp, address, port)).into();
        let jail = jail(caller, listeners);
        for address in addresses {
            jail.sh(&say(address, port)).prints("got word");
        }
        // Without the rule there is no route.
        let without = Jail::new(caller);
        assert_eq!(without.probe(&format!("connect tcp 10.1.2.3:{port}")), UNREACHABLE);
    }
}

#[test]
fn everything_else_is_unreachable_at_once() {
    for caller in callers() {
        let jail = jail(caller, vec![listener(Tcp, "10.1.2.3", 443)]);
        let begin = Instant::now();
        for kind in ["tcp", "udp"] {
            for address in [
                "10.1.2.4:443",
                "1.1.1.1:443",
                "192.168.1.1:80",
                "169.254.169.254:80",
                "198.19.255.1:443",
                "255.255.255.255:9",
                "224.0.0.251:5353",
                "[2606:4700::1111]:443",
                "[fe80::1]:443",
                "[fd6a:6169:6c00:0:1::1]:443",
                "[::ffff:1.1.1.1]:443",
            ] {
                let answer = jail.probe(&format!("connect {kind} {address}"));
                // A link-local address needs an interface to begin with.
                let expected = if address.starts_with("[fe80") { "errno 22" } else { UNREACHABLE };
                assert_eq!(answer, expected, "{kind} {address}");
            }
        }
        assert!(begin.elapsed().as_secs() < 15, "no attempt waits");
        // The rule is for one port of one address, and for TCP alone.
        assert_eq!(jail.probe("connect tcp 10.1.2.3:80"), REFUSED);
        assert_eq!(jail.probe("connect tcp 10.1.2.3:443"), "ok 0");
        assert_eq!(jail.probe("connect tcp 198.18.9.9:443"), REFUSED, "no rule has asked for it");
    }
}

#[test]
fn no_datagram_leaves() {
    for caller in callers() {
        let port = echo();
        let jail = jail(caller, vec![listener(Tcp, "10.1.2.3", port)]);
        let host = UdpSocket::bind(("127.0.0.1", port)).expect("the same port");
        host.set_nonblocking(true).expect("a switch");
        let send = |address: &str| format!("echo x >/dev/udp/{address}/{port}");
        for address in ["10.1.2.3", "127.0.0.1", "198.18.0.7"] {
            jail.sh(&format!("bash -c '{}'", send(address)));
            assert!(host.recv(&mut [0; 8]).is_err(), "{address}");
        }
        // The control: outside it arrives.
        jail.outside_sh(&format!("bash -c '{}'", send("127.0.0.1"))).prints("");
        host.set_nonblocking(false).expect("a switch");
        assert_eq!(host.recv(&mut [0; 8]).expect("a datagram"), 2);
    }
}

#[test]
fn the_payloads_own_servers_work_on_both_loopbacks() {
    const SERVER: &str = r#"
import socket, sys, threading
for family, address in [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")]:
    server = socket.socket(family)
    server.bind((address, int(sys.argv[1])))
    server.listen()
    threading.Thread(target=lambda: server.accept()[0].sendall(b"mine")).start()
    print(socket.create_connection((address, int(sys.argv[1]))).recv(9).decode())
"#;
    for caller in callers() {
        // Also at a port at which the jail reaches something else.
        let port = echo();
        let jail =
            jail(caller, vec![listener(Tcp, "10.1.2.3", port), listener(Udp, "127.0.0.1", 53)]);
        jail.file("project/server.py", SERVER);
        jail.sh(&format!("python3 server.py {port}; {}", say("10.1.2.3", port)))
            .prints("mine\nmine\ngot word");
    }
}

#[test]
fn ports_below_1024_are_the_brokers_and_not_the_payloads() {
    const BIND: &str = "import socket, sys\n\
        try: socket.socket(socket.AF_INET, int(sys.argv[1])).bind(('127.0.0.1', int(sys.argv[2]))); print('ok')\n\
        except OSError as error: print('errno', error.errno)";
    for caller in callers() {
        let listeners = vec![listener(Tcp, "198.18.0.7", 443), listener(Udp, "127.0.0.1", 53)];
        for nested in [false, true] {
            let jail = jail(caller, listeners.clone()).change(|plan| {
                if nested {
                    plan.seccomp = vec![nesting_filter()];
                }
            });
            jail.file("project/bind.py", BIND);
            let given = |kind: &str, port: u16| jail.sh(&format!("python3 bind.py {kind} {port}"));
            given("1", 8080).prints("ok");
            for (kind, port) in [("1", 80), ("1", 443), ("2", 53), ("2", 67)] {
                given(kind, port).prints("errno 13");
            }
            let places = noted(&jail, "given");
            assert_eq!(places[2], "tcp 198.18.0.7:443");
            assert_eq!(places[3], "udp 127.0.0.1:53");
        }
    }
}

#[test]
fn the_namespace_cannot_be_changed_from_inside() {
    const CHANGES: [&str; 4] = [
        "ip route add local 10.9.9.9/32 dev lo table local",
        "ip addr add 10.9.9.9/32 dev lo",
        "ip link set lo down",
        "ip route del table local local 198.18.0.0/15 dev lo",
    ];
    for caller in callers() {
        for nested in [false, true] {
            let jail = jail(caller, Vec::new()).change(|plan| {
                if nested {
                    plan.seccomp = vec![nesting_filter()];
                }
            });
            let ran = jail.sh("ip route show table local");
            assert!(ran.stdout.contains("local 198.18.0.0/15 dev lo"), "{ran:?}");
            assert!(ran.stdout.contains("throw 198.19.255.0/24"), "{ran:?}");
            for change in CHANGES {
                let ran = jail.sh(change);
                assert_ne!(ran.code, Some(0), "{change}: {ran:?}");
                if nested {
                    let ran = jail.sh(&format!("unshare -Ur true && unshare -Ur {change}"));
                    assert!(ran.stderr.contains("not permitted"), "{change}: {ran:?}");
                }
            }
            // The control: in a namespace of one's own that is all allowed.
            let all = CHANGES[..3].join(" && ");
            jail.outside_sh(&format!("unshare -Urn sh -c '{all}'")).prints("");
        }
    }
}

#[test]
fn other_sockets_are_refused() {
    for caller in callers() {
        let jail = jail(caller, vec![listener(Tcp, "10.1.2.3", 443)]);
        // Ping of both families, raw, packet, SCTP, Bluetooth, vsock.
        for (words, control) in [
            ("call socket 2 2 1", None),
            ("call socket 10 2 58", None),
            ("call socket 2 3 1", None),
            ("call socket 17 3 768", None),
            ("call socket 2 1 132", None),
            ("call socket 31 3 1", None),
            ("call socket 40 1 0", None),
            ("call socket 2 1 0", Some("ok")),
            ("call socket 10 2 0", Some("ok")),
        ] {
            let answer = jail.probe(words);
            assert_eq!(answer.starts_with("ok"), control.is_some(), "{words}: {answer}");
        }
    }
}

#[test]
fn the_payload_waits_for_no_broker() {
    for caller in callers() {
        let port = echo();
        let jail = behaving(caller, "late", vec![listener(Tcp, "10.1.2.3", port)]);
        let begin = Instant::now();
        jail.sh("date +%s%N >began; ".to_owned().as_str()).prints("");
        assert!(begin.elapsed().as_millis() < 1900, "{:?}", begin.elapsed());
        // What is asked before the broker listens is answered when it does.
        jail.sh(&say("10.1.2.3", port)).prints("got word");
    }
}

#[test]
fn resolvers_of_all_kinds_find_addresses_of_both_families() {
    // What each does before it asks a server; AI_ADDRCONFIG looks for an address of each family.
    const LOOK: &str = "import socket\n\
        flags = socket.AI_ADDRCONFIG | socket.AI_NUMERICHOST\n\
        print(socket.getaddrinfo('198.18.0.9', 80, flags=flags)[0][4][0], socket.getaddrinfo('fd6a:6169:6c00::9', 80, flags=flags)[0][4][0])";
    for caller in callers() {
        let jail = jail(caller, Vec::new());
        jail.file("project/look.py", LOOK);
        jail.sh("python3 look.py").prints("198.18.0.9 fd6a:6169:6c00::9");
    }
}

#[test]
fn a_network_that_cannot_be_made_stops_the_launch() {
    for caller in callers() {
        let stopped = |change: &dyn Fn(&mut jail_plan::Network), words: &[&str]| {
            let mut network = network(vec![listener(Tcp, "10.1.2.3", 443)]);
            change(&mut network);
            let jail = Jail::new(caller).change(|plan| plan.network = Some(network));
            jail.sh("echo ran").stopped(words);
        };
        let twice = |network: &mut jail_plan::Network| {
            network.listeners.push(listener(Tcp, "10.1.2.3", 443));
        };
        stopped(&twice, &["(network)", "tcp 10.1.2.3 port 443", "EADDRINUSE", "demo.jail:4:3"]);
        stopped(
            &|network| network.local.push("198.18.0.1/15".into()),
            &["198.18.0.1/15", "EINVAL"],
        );
        stopped(
            &|network| network.local.push("198.18.0.0/33".into()),
            &["198.18.0.0/33", "not an address"],
        );
        stopped(
            &|network| network.addresses.push("example.com".into()),
            &["example.com", "not an address"],
        );
        stopped(
            &|network| network.listeners[0].address = "[::1]".into(),
            &["[::1]", "not an address"],
        );
        stopped(
            &|network| network.broker = "/nowhere/broker".into(),
            &["/nowhere/broker", "ENOENT"],
        );
        stopped(&|network| network.broker = "broker".into(), &["absolute"]);
        let many = |network: &mut jail_plan::Network| {
            network.listeners =
                (0..300).map(|port| listener(Tcp, "10.1.2.3", 2000 + port)).collect();
        };
        stopped(&many, &["300 sockets", "literal"]);
        let shared = Jail::new(caller).change(|plan| {
            plan.network = Some(network(Vec::new()));
            plan.namespaces.retain(|one| *one != jail_plan::Namespace::Net);
        });
        shared.sh("echo ran").stopped(&["shares the host's network"]);
    }
}

#[test]
fn what_is_refused_can_be_read_inside_and_not_be_changed() {
    const FILE: &str = "/run/jailgen/refused";
    for caller in callers() {
        for read_only in [false, true] {
            let jail = behaving(caller, "refuses", Vec::new()).change(|plan| {
                if read_only {
                    plan.inside.push(step(InsideOp::RemountReadOnly(literal("/"))));
                }
            });
            let ran = jail.sh(&format!("until [ -s {FILE} ]; do :; done; cat {FILE}"));
            ran.prints("no");
            for attempt in [
                format!("echo x >>{FILE}"),
                format!(": >{FILE}"),
                format!("chmod u+w {FILE}"),
                format!("rm {FILE}"),
                format!("mv {FILE} /tmp/x"),
            ] {
                let ran = jail.sh(&format!("({attempt}) 2>/dev/null || echo refused"));
                ran.prints("refused");
            }
        }
        // A jail without a network by name does not have it, and there the folder is open.
        let without = Jail::new(caller);
        without.sh(&format!("test -e {FILE} || echo none")).prints("none");
        without.sh(&format!("mkdir -p /run/jailgen; echo x >{FILE}; cat {FILE}")).prints("x");
    }
}

#[test]
fn where_the_host_has_the_place_of_what_is_refused_nothing_is_made() {
    for caller in callers() {
        for access in [Access::ReadOnly, Access::ReadWrite] {
            let with = |to: &str, script: &str| {
                let jail = jail(caller, Vec::new());
                let of_the_host = jail.file("shown/a", "").with_file_name("");
                chown(&of_the_host, caller.uid, caller.uid).expect("for the caller");
                let jail = jail.op(bind_to(&of_the_host, to, access, Missing::Fail));
                jail.sh(script).prints("a");
                assert_eq!(fs::read_dir(&of_the_host).expect("a folder").count(), 1);
            };
            with("/run", "ls /run");
            with("/elsewhere", "test -e /run/jailgen/refused && ls /elsewhere");
        }
        let jail = jail(caller, Vec::new()).change(|plan| {
            plan.inside.retain(|step| !matches!(step.op, InsideOp::Folder(_)));
            let (to, access) = (Some(literal("/run")), Access::ReadWrite);
            plan.inside.push(step(InsideOp::Folder(Folder { to, access, stage: None })));
        });
        jail.file("project/a", "");
        jail.sh("ls /run").prints("a");
        assert!(!jail.project().join("jailgen").exists());
    }
}

#[test]
fn of_all_public_addresses_the_special_ones_stay_unreachable() {
    const SPECIAL: [&str; 12] = [
        "169.254.169.254/32",
        "168.63.129.16/32",
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "169.254.0.0/16",
        "192.168.0.0/16",
        "224.0.0.0/4",
        "240.0.0.0/4",
        "255.255.255.255/32",
        "2001:db8::/32",
        "2002::/16",
    ];
    for caller in callers() {
        let port = echo();
        let everywhere = ["0.0.0.0", "::"].map(|address| listener(Tcp, address, port));
        let jail = jail(caller, everywhere.into()).change(|plan| {
            let network = plan.network.as_mut().expect("a network");
            network.local.extend(["0.0.0.0/1", "128.0.0.0/1", "2000::/3"].map(String::from));
            network.unreachable.extend(SPECIAL.map(String::from));
        });
        for address in ["1.1.1.1", "200.1.2.3", "198.18.0.7", "2606:4700::1111"] {
            jail.sh(&say(address, port)).prints("got word");
            assert_eq!(jail.probe(&refused_at(address, port)), REFUSED, "{address}");
        }
        for address in [
            "10.1.2.4",
            "169.254.169.254",
            "168.63.129.16",
            "192.168.0.1",
            "2001:db8::1",
            "fd00::1",
        ] {
            let at = if address.contains(':') { format!("[{address}]") } else { address.into() };
            assert_eq!(jail.probe(&format!("connect tcp {at}:{port}")), UNREACHABLE, "{address}");
        }
    }
}

/// Another port of the same address.
fn refused_at(address: &str, port: u16) -> String {
    let other = port ^ 1;
    match address.contains(':') {
        true => format!("connect tcp [{address}]:{other}"),
        false => format!("connect tcp {address}:{other}"),
    }
}
