//! What is spoken on a connection: TLS names its server, HTTP its host, and elsewhere
//! the server may speak first.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::clients::{Ended, read};
use crate::jail::{Jail, Spec, rule_of, said};
use crate::servers::{Tls, echo, http};
use crate::world::{World, run};

fn reset() -> Ended {
    Ended::Reset(String::new())
}

/// A server that is reached under two names.
fn two_names(world: &World) {
    world.records.add("api.example.com", &["11.0.0.2"]);
    world.records.add("other.example.com", &["11.0.0.2"]);
}

#[test]
fn tls_on_a_name_asks_for_that_name() {
    run(|world| {
        two_names(world);
        let tls = Tls::start(world, "11.0.0.2:443");
        let mut any = rule_of("other.example.com");
        any["any_sni"] = json!(true);
        let mut spec = Spec::new(&["api.example.com"]);
        spec.rules.push(any);
        let jail = Jail::start(world, &spec);
        let curl = |url: &str, connect_to: &str| {
            let mut command = jail.command("curl");
            said(
                tls.curl(&mut command)
                    .args(["--connect-to", connect_to, url])
                    .output()
                    .as_ref()
                    .unwrap(),
            )
        };
        let page = "s_server -www";
        assert!(curl("https://api.example.com/", "::api.example.com:").contains(page));
        let fronted = curl("https://front.example.com/", "::api.example.com:");
        assert!(fronted.starts_with("exit Some(35)"), "{fronted}");
        assert!(curl("https://front.example.com/", "::other.example.com:").contains(page));
        // openssl's client without a name, and with one that has a NUL in it as far as a
        // command line can say that.
        let to = format!("{}:443", jail.address("api.example.com"));
        let bare = |name: &[&str]| {
            let mut command = jail.command("openssl");
            command.args(["s_client", "-quiet", "-connect", &to]).args(name);
            said(&command.output().unwrap())
        };
        assert!(bare(&["-noservername"]).starts_with("exit Some(1)"));
        assert!(bare(&["-servername", "api.example.com.evil.test"]).starts_with("exit Some(1)"));
        let reasons: Vec<String> = jail
            .log()
            .iter()
            .filter(|line| line["verdict"] == "refused")
            .map(|line| line["reason"].as_str().unwrap().into())
            .collect();
        let other = "TLS names another server";
        assert_eq!(reasons, [other, "TLS does not name a server"]);
    });
}

#[test]
fn what_is_not_tls_on_a_port_of_tls_is_refused_at_once() {
    run(|world| {
        two_names(world);
        echo(world, "11.0.0.2:443", "");
        echo(world, "11.0.0.2:8443", "");
        let jail = Jail::start(world, &Spec::new(&["api.example.com:443,8443"]));
        let address = jail.address("api.example.com");
        for bytes in
            [&b"GET / HTTP/1.1\r\nHost: api.example.com\r\n\r\n"[..], b"SSH-2.0-OpenSSH_9.2\r\n"]
        {
            let begun = Instant::now();
            assert_eq!(jail.talk(&format!("{address}:443"), bytes), reset());
            assert!(begun.elapsed() < Duration::from_secs(1));
        }
        // The control: on a port of anything it is carried.
        let said = jail.talk(&format!("{address}:8443"), b"SSH-2.0-OpenSSH_9.2\r\n");
        assert_eq!(said, Ended::Open("SSH-2.0-OpenSSH_9.2\r\n".into()));
    });
}

#[test]
fn a_client_that_says_nothing_is_not_waited_for_for_ever() {
    run(|world| {
        two_names(world);
        echo(world, "11.0.0.2:443", "");
        let jail = Jail::start(world, &Spec::new(&["api.example.com:443"]));
        let to = format!("{}:443", jail.address("api.example.com"));
        jail.inside(|| {
            let mut stream = TcpStream::connect(&to).unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(15))).unwrap();
            // One byte of a record now and then is no more than silence.
            stream.write_all(&[22]).unwrap();
            let begun = Instant::now();
            assert_eq!(read(&mut stream), reset());
            assert!((9..12).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
        });
    });
}

#[test]
fn http_on_a_name_asks_for_that_host() {
    run(|world| {
        two_names(world);
        http(world, "11.0.0.2:80");
        let jail = Jail::start(world, &Spec::new(&["api.example.com"]));
        let to = format!("{}:80", jail.address("api.example.com"));
        let ask = |head: &str| match jail.talk(&to, head.replace('\n', "\r\n").as_bytes()) {
            Ended::With(text) | Ended::Open(text) | Ended::Reset(text) => text,
            Ended::NotConnected(error) => panic!("{error:?}"),
        };
        let said = ask("GET /path?x HTTP/1.1\nHost: API.example.com\nX-Own: 1\n\n");
        assert!(said.starts_with("HTTP/1.1 200 OK"), "{said}");
        assert!(said.contains("GET /path?x HTTP/1.1\r\nHost: API.example.com\r\n"), "{said}");
        assert!(said.contains("X-Own: 1\r\n"), "{said}");
        let body = ask("POST / HTTP/1.1\nHost: api.example.com\nContent-Length: 4\n\nbody");
        assert!(body.ends_with("\r\n\r\nbody"), "{body}");
        for (head, status) in [
            ("GET / HTTP/1.1\nHost: other.example.com\n\n", 421),
            ("GET / HTTP/1.1\nHost: api.example.com:81\n\n", 421),
            ("GET / HTTP/1.1\nHost: api.example.com@evil.test\n\n", 421),
            ("GET http://evil.test/ HTTP/1.1\nHost: api.example.com\n\n", 421),
            ("GET / HTTP/1.1\nHost: api.example.com\nHost: evil.test\n\n", 400),
            ("GET / HTTP/1.1\n\n", 400),
            ("GET / HTTP/1.0\n\n", 400),
            ("CONNECT evil.test:443 HTTP/1.1\nHost: api.example.com\n\n", 400),
            (
                "POST / HTTP/1.1\nHost: api.example.com\nContent-Length: 4\nContent-Length: 5\n\nbody",
                400,
            ),
            ("POST / HTTP/1.1\nHost: api.example.com\nTransfer-Encoding: xchunked\n\n0\n\n", 400),
            ("GET / HTTP/1.1\nHost: api.example.com\nX: a\n b\n\n", 400),
            ("GET /\0 HTTP/1.1\nHost: api.example.com\n\n", 400),
            ("PRI * HTTP/2.0\n\nSM\n\n", 400),
        ] {
            let said = ask(head);
            // hyper ends a connection without an answer where the bytes are not HTTP/1 at all.
            let is_it = said.get(8..).is_some_and(|rest| rest.starts_with(&format!(" {status} ")))
                || (status == 400 && said.is_empty());
            assert!(is_it, "{head:?}: {said}");
            assert!(!said.contains("200 OK"), "{head:?}: {said}");
        }
    });
}

#[test]
fn each_request_of_a_connection_is_judged_and_a_smuggled_one_is_none() {
    run(|world| {
        two_names(world);
        http(world, "11.0.0.2:80");
        let jail = Jail::start(world, &Spec::new(&["api.example.com"]));
        let to = format!("{}:80", jail.address("api.example.com"));
        let good = "GET /1 HTTP/1.1\r\nHost: api.example.com\r\n\r\n";
        let evil = "GET /2 HTTP/1.1\r\nHost: evil.test\r\n\r\n";
        let Ended::With(said) = jail.talk(&to, format!("{good}{good}{evil}{good}").as_bytes())
        else {
            panic!("it ends with the answer to the bad one")
        };
        assert_eq!(said.matches("200 OK").count(), 2, "{said}");
        assert_eq!(said.matches("421 ").count(), 1, "{said}");
        // Of two ways to say where a body ends one goes on, and what is behind is judged
        // as a request of its own.
        let (length, chunked) = ("Content-Length: 6\r\n", "Transfer-Encoding: chunked\r\n");
        for fields in [format!("{length}{chunked}"), format!("{chunked}{length}")] {
            let both =
                format!("POST /1 HTTP/1.1\r\nHost: api.example.com\r\n{fields}\r\n0\r\n\r\n{evil}");
            let (Ended::With(said) | Ended::Reset(said)) = jail.talk(&to, both.as_bytes()) else {
                panic!("it ends")
            };
            let passed = said.contains("Transfer-Encoding") && said.contains("Content-Length: 6");
            assert!(!passed && !said.contains("GET /2"), "{said}");
        }
        // Fields for HTTP/2 do not go on.
        let h2c = "GET / HTTP/1.1\r\nHost: api.example.com\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n";
        let Ended::Open(said) = jail.talk(&to, h2c.as_bytes()) else { panic!("it stays") };
        assert!(said.contains("200 OK") && !said.to_lowercase().contains("h2c"), "{said}");
    });
}

#[test]
fn a_web_socket_is_carried() {
    run(|world| {
        two_names(world);
        http(world, "11.0.0.2:80");
        let jail = Jail::start(world, &Spec::new(&["api.example.com"]));
        let to = format!("{}:80", jail.address("api.example.com"));
        let head = "GET / HTTP/1.1\r\nHost: api.example.com\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nearly";
        let Ended::Open(said) = jail.talk(&to, head.as_bytes()) else { panic!("it stays") };
        assert!(said.starts_with("HTTP/1.1 101 "), "{said}");
        assert!(said.contains("\r\n\r\nhello") && said.ends_with("early"), "{said}");
    });
}

#[test]
fn each_side_may_end_its_direction_first() {
    run(|world| {
        two_names(world);
        // Says what it got when the client has ended.
        crate::servers::serve(crate::servers::listen(world, "11.0.0.2:22"), |mut stream| {
            let mut all = Vec::new();
            stream.read_to_end(&mut all).unwrap();
            stream.write_all(format!("got {}", all.len()).as_bytes()).unwrap();
        });
        let jail = Jail::start(world, &Spec::new(&["api.example.com:22"]));
        let to = format!("{}:22", jail.address("api.example.com"));
        let said = jail.inside(|| {
            let mut stream = TcpStream::connect(&to).unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
            stream.write_all(&vec![7; 3_000_000]).unwrap();
            stream.shutdown(std::net::Shutdown::Write).unwrap();
            read(&mut stream)
        });
        assert_eq!(said, Ended::With("got 3000000".into()));
    });
}
