//! What is reported and changed while a jail runs, and by which command.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;
use serde_json::json;

use crate::clients::{Ended, Resolver};
use crate::jail::{Jail, Spec};
use crate::servers::echo;
use crate::world::run;

const HELLO: &str = "hello\r\n";

#[test]
fn a_host_is_allowed_and_denied_while_the_jail_runs() {
    run(|world| {
        for name in ["a.example.com", "b.example.com", "c.example.org"] {
            world.records.add(name, &["11.0.0.2"]);
        }
        echo(world, "11.0.0.2:22", HELLO);
        let jail = Jail::start(world, &Spec::new(&["a.example.com:22"]));
        let open = |name: &str| {
            let found = jail.look_up(name, RecordType::A);
            (found.0 == ResponseCode::NoError)
                .then(|| jail.talk(&format!("{}:22", found.1[0]), b""))
        };
        let hello = Some(Ended::Open(HELLO.into()));
        assert_eq!(open("b.example.com"), None);
        let answer = jail.order(&json!({"do": "allow", "host": "b.example.com:22"}));
        let note = r#"for the spec: (network-allow [ "b.example.com:22" ])"#;
        assert_eq!(answer, json!({"ok": true, "note": note}));
        assert_eq!(open("b.example.com"), hello);
        assert_eq!(open("c.example.org"), None);
        assert_eq!(jail.order(&json!({"do": "allow", "host": "*.example.org:22"}))["ok"], true);
        assert_eq!(open("c.example.org"), hello);
        assert_eq!(jail.order(&json!({"do": "deny", "host": "*.example.com"}))["ok"], true);
        assert_eq!((open("a.example.com"), open("b.example.com")), (None, None));
        assert_eq!(open("c.example.org"), hello);
        // The newest word counts, for what it is about.
        assert_eq!(jail.order(&json!({"do": "allow", "host": "b.example.com:22"}))["ok"], true);
        assert_eq!(
            (open("a.example.com"), open("b.example.com")),
            (None, Some(Ended::Open(HELLO.into())))
        );
        assert_eq!(jail.order(&json!({"do": "allow", "host": "*.example.com:22"}))["ok"], true);
        assert_eq!(open("a.example.com"), hello);
        for wrong in ["*", "*.com", "localhost", "127.0.0.1", "a b"] {
            let answer = jail.order(&json!({"do": "allow", "host": wrong}));
            assert!(answer["ok"] == false && answer["error"].is_string(), "{answer}");
        }
        let changed = jail.log().into_iter().filter(|line| line["verdict"] == "changed").count();
        assert_eq!(changed, 5);
        let status = jail.order(&json!({"do": "status"}))["status"].clone();
        assert_eq!(status["name"], "jailed-test");
        assert_eq!(status["refused"], json!(["b.example.com", "c.example.org", "a.example.com"]));
        let lines = jail.order(&json!({"do": "log"}))["lines"].clone();
        assert_eq!(lines.as_array().unwrap().len(), jail.log().len());
    });
}

#[test]
fn the_jail_is_told_what_was_refused_and_what_would_allow_it_but_not_without_end() {
    run(|world| {
        let jail = Jail::start(world, &Spec::new(&["a.example.com:22"]));
        jail.look_up("evil.test", RecordType::A);
        let told = fs::read_to_string(&jail.refused).unwrap();
        let line: serde_json::Value = serde_json::from_str(&told).unwrap();
        let expected = json!({
            "verdict": "refused", "host": "evil.test", "reason": "no rule allows this host",
            "remedy": "(network-allow [ \"evil.test\" ])",
        });
        assert_eq!(line, expected);
        jail.inside(|| {
            let resolver = Resolver::new();
            for number in 0..600 {
                resolver.look_up(&format!("n{number}.evil.test"), RecordType::A);
            }
        });
        let told = fs::read_to_string(&jail.refused).unwrap();
        assert!((60_000..=65_536).contains(&told.len()), "{}", told.len());
        assert!(told.lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()));
        let log = jail.log();
        assert_eq!(log.len(), 601);
        assert_eq!((&log[600]["number"], &log[600]["session"]), (&json!(600), &json!("s1")));
    });
}

#[test]
fn an_address_is_allowed_while_the_jail_runs_where_a_route_or_the_proxy_leads_there() {
    run(|world| {
        for at in ["10.9.9.9:8081", "10.9.9.9:22", "11.0.0.2:8080"] {
            echo(world, at, HELLO);
        }
        let (hello, reset) = (Ended::Open(HELLO.into()), Ended::Reset(String::new()));
        let mut spec = Spec::new(&["10.9.9.9:22"]);
        spec.local = vec!["10.9.9.9/32"];
        spec.listeners = vec![("address", "10.9.9.9", 22)];
        let allow = |jail: &Jail, host: &str| jail.order(&json!({"do": "allow", "host": host}));
        let without = Ended::NotConnected(std::io::ErrorKind::NetworkUnreachable);
        {
            let jail = Jail::start(world, &spec);
            for _ in 0..2 {
                let note = r#"for the spec: (network-allow [ "10.9.9.9:8081" ])"#;
                assert_eq!(
                    allow(&jail, "10.9.9.9:8081"),
                    json!({"ok": true, "note": note}),
                    "once more is no mistake"
                );
            }
            assert_eq!(jail.talk("10.9.9.9:8081", b""), hello);
            jail.order(&json!({"do": "deny", "host": "10.9.9.9"}));
            assert_eq!(jail.talk("10.9.9.9:8081", b""), reset);
            assert_eq!(allow(&jail, "10.9.9.9:22")["ok"], true);
            assert_eq!(jail.talk("10.9.9.9:22", b""), hello);
            assert_eq!(jail.talk("10.9.9.9:8081", b""), reset);
            let answer = allow(&jail, "11.0.0.2:8080");
            let why = "no route of this jail leads there before its next launch; for the spec: (network-allow [ \"11.0.0.2:8080\" ])";
            assert_eq!(answer, json!({"ok": false, "error": why}));
            assert_eq!(jail.talk("11.0.0.2:8080", b""), without);
        }
        spec.listeners.push(("proxy", "127.0.0.1", 8118));
        let jail = Jail::start(world, &spec);
        let answer = allow(&jail, "11.0.0.2:8080");
        assert!(answer["note"].to_string().contains("by the jail's proxy alone"), "{answer}");
        assert_eq!(jail.talk("11.0.0.2:8080", b""), without);
        let Ended::Open(said) =
            jail.talk("127.0.0.1:8118", b"CONNECT 11.0.0.2:8080 HTTP/1.1\r\n\r\n")
        else {
            panic!("it stays")
        };
        assert!(said.starts_with("HTTP/1.1 200 ") && said.ends_with(HELLO), "{said}");
    });
}

#[test]
fn what_happens_again_is_counted_in_the_log() {
    run(|world| {
        world.records.add("a.example.com", &["11.0.0.2"]);
        echo(world, "11.0.0.2:22", HELLO);
        let jail = Jail::start(world, &Spec::new(&["a.example.com:22"]));
        let resolver = jail.inside(Resolver::new);
        for _ in 0..500 {
            for kind in [RecordType::A, RecordType::AAAA] {
                assert_eq!(resolver.look_up("evil.test", kind).0, ResponseCode::NXDomain);
            }
        }
        let to = format!("{}:22", jail.address("a.example.com"));
        for _ in 0..3 {
            assert_eq!(jail.talk(&to, b""), Ended::Open(HELLO.into()));
        }
        let (log, told) = (jail.log(), fs::read_to_string(&jail.refused).unwrap());
        assert_eq!((log.len(), told.lines().count()), (2, 1), "{log:?}");
        // Nothing of it is lost where the supervisor just ends.
        let log = jail.abandon();
        let again: Vec<_> = log[2..].iter().map(|line| (&line["host"], &line["times"])).collect();
        assert_eq!(
            again,
            [(&json!("evil.test"), &json!(499)), (&json!("a.example.com"), &json!(2))]
        );
    });
}

#[test]
fn a_denial_ends_the_connections_that_there_are() {
    run(|world| {
        world.records.add("a.example.com", &["11.0.0.2"]);
        echo(world, "11.0.0.2:22", HELLO);
        let jail = Jail::start(world, &Spec::new(&["a.example.com:22"]));
        let to = format!("{}:22", jail.address("a.example.com"));
        let mut stream = jail.inside(|| std::net::TcpStream::connect(&to).unwrap());
        std::io::Read::read_exact(&mut stream, &mut [0; HELLO.len()]).unwrap();
        assert_eq!(jail.order(&json!({"do": "status"}))["status"]["hosts"]["a.example.com:22"], 1);
        jail.order(&json!({"do": "deny", "host": "a.example.com"}));
        assert_eq!(crate::clients::read(&mut stream), Ended::Reset(String::new()));
    });
}

#[test]
fn what_is_denied_is_reached_by_no_other_way() {
    run(|world| {
        let tls = crate::servers::Tls::start(world, "11.0.0.2:443");
        echo(world, "11.0.0.3:22", HELLO);
        world.records.add("a.example.com", &["11.0.0.2"]);
        world.records.add("b.example.com", &["11.0.0.3"]);
        let mut spec = Spec::new(&[]);
        let wild = [("address", "0.0.0.0", 443), ("address", "0.0.0.0", 22)];
        spec.listeners = wild.to_vec();
        spec.local = vec!["11.0.0.0/24"];
        spec.egress = json!({"internet": [443, 22]});
        let jail = Jail::start(world, &spec);
        let by_address = |name: &str| {
            let mut command = jail.command("curl");
            let resolve = format!("{name}:443:11.0.0.2");
            tls.curl(&mut command).args(["--resolve", &resolve, &format!("https://{name}/")]);
            crate::jail::said(&command.output().unwrap())
        };
        let b = format!("{}:22", jail.address("b.example.com"));
        assert!(by_address("a.example.com").contains("s_server"));
        assert_eq!(jail.talk(&b, b""), Ended::Open(HELLO.into()));
        let mut open = jail.inside(|| std::net::TcpStream::connect(&b).unwrap());
        open.set_read_timeout(Some(std::time::Duration::from_secs(5))).unwrap();
        std::io::Read::read_exact(&mut open, &mut [0; HELLO.len()]).unwrap();
        // A name, which is then not reached by its address; and an address, which is
        // then not reached by a name.
        jail.order(&json!({"do": "deny", "host": "a.example.com"}));
        jail.order(&json!({"do": "deny", "host": "11.0.0.3"}));
        assert_eq!(crate::clients::read(&mut open), Ended::Reset(String::new()));
        assert!(by_address("a.example.com").starts_with("exit "));
        assert!(by_address("c.example.com").contains("s_server"));
        assert_eq!(jail.talk(&b, b""), Ended::Reset(String::new()));
        assert_eq!(jail.talk("11.0.0.3:22", b""), Ended::Reset(String::new()));
    });
}

#[test]
fn the_control_socket_is_its_users_alone_and_goes_with_the_session() {
    run(|world| {
        let jail = Jail::start(world, &Spec::new(&[]));
        let (socket, folder) = (jail.control(), jail.control().parent().unwrap().to_owned());
        assert_eq!(fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
        for wrong in ["status", "{}", r#"{"do":"stop"}"#, r#"{"do":"allow"}"#] {
            let mut stream = std::os::unix::net::UnixStream::connect(&socket).unwrap();
            std::io::Write::write_all(&mut stream, format!("{wrong}\n").as_bytes()).unwrap();
            let mut answer = String::new();
            std::io::BufRead::read_line(&mut std::io::BufReader::new(stream), &mut answer).unwrap();
            assert!(answer.starts_with(r#"{"ok":false,"error":"#), "{answer}");
        }
        jail.end();
        let gone = (0..200).any(|_| {
            std::thread::sleep(std::time::Duration::from_millis(10));
            !folder.exists()
        });
        assert!(gone);
    });
}

#[test]
fn who_is_asked_decides_about_a_host_that_no_rule_names() {
    run(|world| {
        for name in ["yes.example.com", "no.example.com", "slow.example.com", "-h.example.com"] {
            world.records.add(name, &["11.0.0.2"]);
        }
        echo(world, "11.0.0.2:22", HELLO);
        let asked = world.folder.join("asked");
        let script = format!(
            "#!/bin/sh\necho \"$1 $2 $3\" >> {}\ncase $2 in yes* | -*) exit 0 ;; slow*) sleep 60 ;; esac\nexit 1\n",
            asked.display()
        );
        let command = world.file("ask", &script);
        fs::set_permissions(&command, fs::Permissions::from_mode(0o755)).unwrap();
        let mut spec = Spec::new(&["a.example.com:22"]);
        spec.egress =
            json!({"ask": {"command": [command, "--"], "seconds": 2, "by": "network-ask#1"}});
        let jail = Jail::start(world, &spec);
        let talk = |name: &str| jail.talk(&format!("{}:22", jail.address(name)), b"");
        for _ in 0..2 {
            assert_eq!(talk("yes.example.com"), Ended::Open(HELLO.into()));
            assert_eq!(talk("no.example.com"), Ended::Reset(String::new()));
        }
        // Before the user has allowed it, no server outside is asked about the name.
        assert!(!world.records.asked().contains(&"no.example.com".into()));
        let to = format!("{}:22", jail.address("slow.example.com"));
        let begun = std::time::Instant::now();
        let mut stream = jail.inside(|| std::net::TcpStream::connect(&to).unwrap());
        assert_eq!(crate::clients::read(&mut stream), Ended::Reset(String::new()));
        assert!((1..4).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
        assert_eq!(
            fs::read_to_string(asked).unwrap(),
            "-- yes.example.com 22\n-- no.example.com 22\n-- slow.example.com 22\n"
        );
        // The second would be an option of the command's.
        for name in ["printer.local", "-h.example.com"] {
            assert_eq!(jail.look_up(name, RecordType::A).0, ResponseCode::NXDomain, "{name}");
        }
        assert!(!world.records.asked().contains(&"-h.example.com".into()));
    });
}

#[test]
fn an_answer_counts_for_the_question_that_it_was_given_to() {
    run(|world| {
        for name in ["slow.example.com", "yes.example.com", "evil.example.com"] {
            world.records.add(name, &["11.0.0.2"]);
        }
        echo(world, "11.0.0.2:22", HELLO);
        let script = "#!/bin/sh\ncase $1 in yes*) exit 0 ;; slow*) exec sleep 60 ;; esac\nexit 1\n";
        let command = world.file("ask", script);
        fs::set_permissions(&command, fs::Permissions::from_mode(0o755)).unwrap();
        let mut spec = Spec::new(&["a.example.com:22"]);
        spec.egress = json!({"ask": {"command": [command], "seconds": 1, "by": "network-ask#1"}});
        let jail = Jail::start(world, &spec);
        let connect = |name: &str| {
            let to = format!("{}:22", jail.address(name));
            jail.inside(|| std::net::TcpStream::connect(to).unwrap())
        };
        let reset = Ended::Reset(String::new());
        // The first question gets no answer in time, and the connection does not wait longer.
        let mut slow = connect("slow.example.com");
        assert_eq!(crate::clients::read(&mut slow), reset);
        let talk = |name: &str| jail.talk(&format!("{}:22", jail.address(name)), b"");
        assert_eq!(talk("yes.example.com"), Ended::Open(HELLO.into()));
        assert_eq!(talk("evil.example.com"), reset);
        assert_eq!(talk("slow.example.com"), reset);
        // A question that waits for another one is asked too late for its own connection.
        let mut slow = connect("slow.example.org");
        let mut late = connect("yes.example.org");
        assert_eq!(
            (crate::clients::read(&mut slow), crate::clients::read(&mut late)),
            (reset, Ended::Reset(String::new()))
        );
        assert_eq!(talk("evil.example.org"), Ended::Reset(String::new()));
    });
}
