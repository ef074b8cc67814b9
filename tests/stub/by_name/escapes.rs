//! What published ways around a network policy come to (docs/escapes.md, B and
//! the network's lines of E).

use std::fs;

use jail_plan::{EgressRule, Listener, Network, Purpose, Transport};

use super::world::{World, run};
use super::{by_name, jail, with};
use crate::jail::{Caller, Jail, callers};

/// Where the jail's proxy is.
const PROXY: u16 = 3128;

/// A name that leads where no name may: a rule allows it.
const LEADS_ASTRAY: [&str; 3] = ["private.test:80", "metadata.test:80", "host.test:22"];

fn proxied(rules: &[&str]) -> Network {
    let mut network = by_name(rules);
    network.listeners.push(Listener {
        purpose: Purpose::Proxy,
        transport: Transport::Tcp,
        address: "127.0.0.1".into(),
        port: PROXY,
    });
    network
}

/// Sends bytes from inside: for each attempt a host, a port, and pieces, of which each waits for an
/// answer to the one before.
fn sent(jail: &Jail, attempts: &[(&str, u16, Vec<Vec<u8>>)]) -> Vec<String> {
    jail.file("project/attempts.py", include_str!("attempts.py"));
    let hex = |bytes: &Vec<u8>| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let lines = attempts.iter().map(|(host, port, pieces)| {
        let words = [(*host).to_owned(), port.to_string()].into_iter();
        let words: Vec<String> = words.chain(pieces.iter().map(hex)).collect();
        format!("{}\n", serde_json::to_string(&words).expect("JSON"))
    });
    jail.file("project/attempts", &lines.collect::<String>());
    let ran = jail.sh("python3 attempts.py <attempts");
    let answers: Vec<String> = ran
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{ran:?}")))
        .collect();
    assert_eq!(answers.len(), attempts.len(), "{ran:?}");
    answers
}

fn socks(name: &[u8], port: u16) -> Vec<Vec<u8>> {
    let length = [u8::try_from(name.len()).expect("a short name")];
    let request = [&[5, 1, 0, 3][..], &length, name, &port.to_be_bytes()].concat();
    vec![vec![5, 1, 0], request]
}

fn connect(target: &str) -> Vec<Vec<u8>> {
    vec![format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n").into_bytes()]
}

fn get(head: &str) -> Vec<Vec<u8>> {
    vec![head.replace('\n', "\r\n").into_bytes()]
}

#[track_caller]
fn each(jail: &Jail, attempts: &[(String, Vec<Vec<u8>>)], is_right: impl Fn(&str) -> bool) {
    let all: Vec<_> =
        attempts.iter().map(|(_, pieces)| ("127.0.0.1", PROXY, pieces.clone())).collect();
    for ((what, _), answer) in attempts.iter().zip(sent(jail, &all)) {
        assert!(is_right(&answer), "{what}: {answer:?}");
    }
}

#[test]
fn a_name_in_disguise_is_refused_before_it_is_matched_and_nobody_is_asked() {
    run(|world| {
        for caller in callers() {
            let jail = with(world, caller, proxied(&["api.test:443,80", "*.wild.test:80"]));
            // B1, B2, B3, E7.
            let names: [&[u8]; 12] = [
                b"other.test\0.api.test",
                b"api.test\0.other.test",
                b"other.test\0.wild.test",
                b"evilapi.test",
                b"api.test.other.test",
                b"other%2etest",
                b"api%2etest",
                "api\u{3002}other.test".as_bytes(),
                "\u{ff41}pi.other.test".as_bytes(),
                b"wild.test",
                b".wild.test",
                b"other.test .wild.test",
            ];
            let attempts: Vec<_> = names
                .iter()
                .map(|name| (String::from_utf8_lossy(name).into_owned(), socks(name, 80)))
                .collect();
            each(&jail, &attempts, |answer| {
                answer == "closed: \u{5}\0\u{5}\u{2}\0\u{1}\0\0\0\0\0\0"
            });
            let known = ["api.test", "deep.in.wild.test"];
            let others = world.asked().into_iter().filter(|asked| !known.contains(&asked.as_str()));
            assert_eq!(others.collect::<Vec<_>>(), [""; 0]);
            // The control: one name has many spellings, which are one.
            let spellings = [&b"api.test"[..], b"API.Test", b"api.test.", b"deep.in.wild.test"];
            let attempts: Vec<_> = spellings
                .iter()
                .map(|name| (String::from_utf8_lossy(name).into_owned(), socks(name, 80)))
                .collect();
            each(&jail, &attempts, |answer| answer.starts_with("open: \u{5}\0\u{5}\0"));
        }
    });
}

#[test]
fn a_target_is_a_host_and_a_port_and_an_address_has_one_spelling() {
    run(|world| {
        for caller in callers() {
            let jail = with(world, caller, proxied(&["api.test:443,80"]));
            // B4.
            let wrong = [
                "api.test@other.test:443",
                "api.test:443@other.test:443",
                "other.test:443#api.test",
                "api.test:0",
                "api.test:65536",
                "api.test:+443",
                "api.test:0443",
                "api.test",
                // B5: an address, but for those that have one spelling.
                "0x7f.1:443",
                "2130706433:443",
                "0177.0.0.1:443",
                "127.1:443",
                "[fe80::1%25eth0]:443",
            ];
            let attempts = wrong.map(|target| (target.to_owned(), connect(target)));
            each(&jail, &attempts, |answer| answer.contains("HTTP/1.1 400"));
            // B5 again: an address is allowed by a rule for it alone, however it is wrapped up.
            let refused = [
                "127.0.0.1:80",
                "11.0.0.3:443",
                "[::ffff:127.0.0.1]:80",
                "[::127.0.0.1]:80",
                "[64:ff9b::7f00:1]:80",
                "[2002:7f00:1::]:80",
                "[2001:0:b00:3::]:80",
                "169.254.169.254:80",
                "other.test:443",
                "api.test:22",
            ];
            let attempts = refused.map(|target| (target.to_owned(), connect(target)));
            each(&jail, &attempts, |answer| answer.contains("HTTP/1.1 403"));
            // B11: again and again.
            let again: Vec<_> =
                (0..100).map(|_| ("again".to_owned(), connect("other.test:443"))).collect();
            each(&jail, &again, |answer| answer.contains("HTTP/1.1 403"));
            each(&jail, &[("the control".to_owned(), connect("api.test:80"))], |answer| {
                answer.starts_with("open: HTTP/1.1 200")
            });
            assert!(!world.asked().contains(&"other.test".into()));
        }
    });
}

#[test]
fn no_request_hides_in_another_one() {
    run(|world| {
        for caller in callers() {
            let jail = with(world, caller, proxied(&["api.test:80"]));
            // B12, E9.
            let smuggled = [
                "POST http://api.test/ HTTP/1.1\nHost: api.test\nContent-Length: 4\nContent-Length: 5\n\nbody",
                "POST http://api.test/ HTTP/1.1\nHost: api.test\nTransfer-Encoding: xchunked\n\n0\n\n",
                "GET http://api.test/ HTTP/1.1\nHost: api.test\n folded: yes\n\n",
                "GET http://other.test/ HTTP/1.1\nHost: api.test\n\n",
                "GET http://api.test/ HTTP/1.1\nHost: other.test\n\n",
                "GET http://api.test/ HTTP/1.1\nHost: api.test\nHost: other.test\n\n",
                "GET http://api.test@other.test/ HTTP/1.1\nHost: api.test\n\n",
                "GET http://api.test\0other.test/ HTTP/1.1\nHost: api.test\n\n",
                "GET / HTTP/1.1\nHost: api.test\n\n",
                "PRI * HTTP/2.0\n\nSM\n\n",
            ];
            let attempts =
                smuggled.map(|head| (head.lines().next().unwrap_or("").to_owned(), get(head)));
            each(&jail, &attempts, |answer| {
                !answer.contains("page of") && !answer.contains("post with")
            });
            // A body whose end is said in two ways is refused, or written anew with one of them.
            let two = "POST http://api.test/ HTTP/1.1\nHost: api.test\nContent-Length: 4\n\
                Transfer-Encoding: chunked\n\n0\n\nGET http://other.test/ HTTP/1.1\nHost: other.test\n\n";
            each(&jail, &[("two lengths".to_owned(), get(two))], |answer| {
                !answer.contains("Content-Length and") && !answer.contains("page of")
            });
            let upgrade = "GET http://api.test/ HTTP/1.1\nHost: api.test\nUpgrade: h2c\n\
                Connection: Upgrade, HTTP2-Settings\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\n\n";
            each(&jail, &[("h2c".to_owned(), get(upgrade))], |answer| {
                answer.contains("page of api.test") && !answer.contains("101")
            });
            let control = "GET http://api.test/ HTTP/1.1\nHost: api.test\n\n";
            each(&jail, &[("the control".to_owned(), get(control))], |answer| {
                answer.contains("page of api.test")
            });
            assert!(!world.asked().contains(&"other.test".into()));
        }
    });
}

#[test]
fn tls_names_its_server_and_http_its_host() {
    run(|world| {
        for caller in callers() {
            // B13, B14, B29: straight on, without a proxy.
            let jail = jail(world, caller, &["api.test:443,80"]);
            let fronted = "--connect-to other.test:443:api.test:443 https://other.test/";
            let ran = jail.sh(&format!("curl -sS {fronted}"));
            assert_eq!(ran.code, Some(35), "{ran:?}");
            let ran = jail
                .sh("curl -sS https://$(getent ahostsv4 api.test | cut -d' ' -f1 | head -1)/ -k");
            assert_eq!(ran.code, Some(35), "no name at all: {ran:?}");
            let misdirected =
                "curl -sS -o /dev/null -w '%{http_code}' -H 'Host: other.test' http://api.test/";
            jail.sh(misdirected).prints("421");
            let ran = jail.sh("curl -sS http://api.test:443/");
            assert!(matches!(ran.code, Some(52 | 56)), "not TLS: {ran:?}");
            let plain = sent(&jail, &[("api.test", 443, vec![b"SSH-2.0-x\r\n".to_vec()])]);
            assert!(plain[0].starts_with("reset: "), "{plain:?}");
            // The control, and the same with the rule that lifts it.
            jail.sh("curl -sS https://api.test/").prints("page of api.test");
            let mut network = by_name(&["api.test:443"]);
            network.egress.rules.iter_mut().for_each(|rule: &mut EgressRule| rule.any_sni = true);
            let jail = with(world, caller, network);
            jail.sh(&format!("curl -sS {fronted}")).prints("page of other.test");
        }
    });
}

#[test]
fn a_name_that_leads_where_no_name_may_is_not_dialled() {
    run(|world| {
        for caller in callers() {
            // B6, B7, B8: the rule allows the name, and the address decides.
            let jail = jail(world, caller, &LEADS_ASTRAY);
            for rule in LEADS_ASTRAY {
                let (name, port) = rule.split_once(':').expect("a port");
                let port = port.parse().expect("a port");
                let request = format!("GET / HTTP/1.1\r\nHost: {name}\r\n\r\n").into_bytes();
                let answer = sent(&jail, &[(name, port, vec![request])]);
                // The reset may be faster than the client.
                let is_reset = ["reset: ", "no connection: Connection reset by peer"];
                let answer = &answer[0];
                assert!(
                    is_reset.contains(&answer.as_str()) || answer.contains("HTTP/1.1 403"),
                    "{name}: {answer:?}"
                );
            }
            // Of an answer with several addresses only those that may be are dialled.
            let mixed = super::jail(world, caller, &["mixed.test:80"]);
            mixed.sh("curl -sS http://mixed.test/where").prints("page of mixed.test at 11.0.0.2");
            // The control: outside, they are all there.
            for address in ["10.9.9.9:80", "169.254.169.254:80", "11.0.0.2:80"] {
                assert_eq!(jail.control(&format!("connect tcp {address}")), "ok 0", "{address}");
            }
        }
    });
}

#[test]
fn no_packet_leaves_but_through_the_broker() {
    run(|world| {
        for caller in callers() {
            // B20, B21, B22: the host's resolver and loopback, a server's address, UDP, QUIC.
            let jail = jail(world, caller, &["api.test:443"]);
            let server = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
            let port = server.local_addr().expect("its address").port();
            for address in ["11.0.0.2:443", "11.0.0.53:53", "10.9.9.9:80", "169.254.169.254:80"] {
                for kind in ["tcp", "udp"] {
                    let words = format!("connect {kind} {address}");
                    assert_eq!(jail.probe(&words), "errno 101", "{words}");
                }
                assert_eq!(jail.control(&format!("connect udp {address}")), "ok 0", "{address}");
            }
            assert_eq!(jail.probe(&format!("connect tcp 127.0.0.1:{port}")), "errno 111");
            assert_eq!(jail.control(&format!("connect tcp 127.0.0.1:{port}")), "ok 0");
            let before = world.asked().len();
            jail.sh("getent hosts secret.other.test 4c6f6e67.wild.test; true");
            assert_eq!(world.asked().len(), before, "{:?}", world.asked());
            // QUIC to a name of the rules: no server answers, which makes clients use TCP.
            let quic = "import socket; s = socket.socket(2, 2); s.connect((\"api.test\", 443)); s.send(b\"x\"); s.settimeout(2)\n\
                try: s.recv(9)\n\
                except ConnectionRefusedError: print(\"refused\")";
            jail.file("project/quic.py", quic);
            jail.sh("python3 quic.py").prints("refused");
        }
    });
}

#[test]
fn variables_of_proxies_lead_nowhere() {
    run(|world| {
        for caller in callers() {
            // B24, B25: whatever they say inside or outside, there is one way out.
            let outside = |jail: Jail| {
                ["http_proxy", "https_proxy", "HTTPS_PROXY", "ALL_PROXY"]
                    .into_iter()
                    .fold(jail, |jail, name| jail.outside(name, "http://11.0.0.3:80"))
            };
            let jail = outside(jail(world, caller, &["api.test:443"]));
            let ran = jail.sh("curl -sS https://api.test/; env | grep -ci _proxy");
            assert_eq!(ran.stdout, "page of api.test\n0\n", "{ran:?}");
            let ran = jail.sh("NO_PROXY='*' curl -sS https://other.test/");
            assert_eq!(ran.code, Some(6), "{ran:?}");
            let ran = jail.sh("https_proxy=http://11.0.0.3:80 curl -sS https://api.test/");
            assert_eq!(ran.code, Some(7), "{ran:?}");
        }
    });
}

#[test]
fn without_a_rule_nothing_resolves_and_nothing_connects() {
    run(|world| {
        for caller in callers() {
            // B9.
            let jail = jail(world, caller, &[]);
            let ran = jail.sh("curl -sS https://api.test/");
            assert_eq!(ran.code, Some(6), "{ran:?}");
            assert_eq!(jail.probe("connect tcp 11.0.0.2:443"), "errno 101");
            assert_eq!(world.asked(), [""; 0]);
        }
    });
}

#[test]
fn a_jail_whose_broker_is_killed_has_less_and_not_more() {
    run(|world| {
        for caller in callers() {
            // B28: nothing inside can reach it; from outside it can be killed.
            let jail = jail(world, caller, &["api.test:443,22"]);
            // A program of its own: what is killed is of no other test.
            let own = jail.folder.path().join("broker");
            let copied = std::process::Command::new("cp").arg(super::broker()).arg(&own).status();
            assert!(copied.expect("cp").success());
            let jail = jail.change(|plan| {
                let network = plan.network.as_mut().expect("a network");
                network.broker = own.to_str().expect("UTF-8").into();
            });
            let script = "exec 3<>/dev/tcp/api.test/22; read -r line <&3; echo \"$line\"; touch ready; \
                cat <&3; echo closed; (exec 4<>/dev/tcp/11.0.0.2/22) 2>&1 | grep -q unreachable && echo unreachable; \
                (exec 4<>/dev/tcp/api.test/22) 2>/dev/null || echo gone";
            let outside = format!(
                "\"$W\" -c \"exec bash -c '{}'\" & until [ -e ready ]; do sleep 0.01; done; \
                 for one in /proc/[0-9]*; do [ \"$(readlink $one/exe)\" = {} ] && kill -9 ${{one#/proc/}}; done; wait $!",
                script.replace('"', "\\\"").replace('$', "\\$"),
                own.display()
            );
            let ran = killer(&jail, &outside);
            assert_eq!(ran.stdout, "hello\nclosed\nunreachable\ngone\n", "{ran:?}");
            assert!(ran.stderr.contains("the broker ended before the jail (signal 9)"), "{ran:?}");
            fs::remove_file(jail.project().join("ready")).expect("a file");
        }
    });
}

/// The test must see what the broker's processes are, to kill them: it is not dumpable.
fn killer(jail: &Jail, script: &str) -> crate::jail::Ran {
    let mut command = std::process::Command::new("sh");
    command.args(["-c", script]).current_dir(jail.project()).env("W", wrapped(jail));
    crate::jail::Ran::of(&mut command)
}

/// A command that starts the wrapper as its caller.
fn wrapped(jail: &Jail) -> std::path::PathBuf {
    let wrapper = jail.wrapper();
    let Caller { uid: Some(uid) } = jail.caller else { return wrapper };
    let script = format!(
        "#!/bin/sh\nexport HOME={} XDG_STATE_HOME={}\nexec setpriv --reuid={uid} --regid={uid} --clear-groups {} \"$@\"\n",
        jail.home().display(),
        jail.folder.path().join("state").display(),
        wrapper.display()
    );
    let path = jail.file("starter", &script);
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(&path, mode).expect("executable");
    path
}

#[test]
fn many_connections_and_slow_ones_leave_it_alive() {
    const MANY: &str = "import socket\n\
        held = []\n\
        for _ in range(400):\n\
        \x20   s = socket.create_connection((\"127.0.0.1\", 3128))\n\
        \x20   s.sendall(b\"CONNECT api.test:22 HTT\")\n\
        \x20   held.append(s)\n\
        big = socket.create_connection((\"127.0.0.1\", 3128))\n\
        sent = 0\n\
        try:\n\
        \x20   while sent < 64 << 20: sent += big.send(b\"X-Filler: \" + b\"a\" * 65536)\n\
        except OSError: pass\n\
        print(sent < 8 << 20)\n";
    run(|world: &World| {
        for caller in callers() {
            // B27.
            let jail = with(world, caller, proxied(&["api.test:443,22"]));
            jail.file("project/many.py", MANY);
            jail.sh("python3 many.py; curl -sS https://api.test/").prints("True\npage of api.test");
        }
    });
}
