//! Clients that want a proxy, and a host that has no other way out than one.

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::json;

use crate::clients::Ended;
use crate::jail::{Jail, Spec, said};
use crate::servers::{Tls, echo, http, listen, serve};
use crate::world::{World, run};

const PROXY: &str = "127.0.0.1:8118";

fn with_proxy(world: &World) -> Jail {
    world.records.add("api.example.com", &["11.0.0.2"]);
    world.records.add("private.example.com", &["10.9.9.9"]);
    let mut spec = Spec::new(&["api.example.com", "api.example.com:22", "private.example.com"]);
    spec.listeners = vec![("proxy", "127.0.0.1", 8118)];
    Jail::start(world, &spec)
}

#[test]
fn curl_reaches_the_same_hosts_by_every_kind_of_proxy() {
    run(|world| {
        let tls = Tls::start(world, "11.0.0.2:443");
        http(world, "11.0.0.2:80");
        let jail = with_proxy(world);
        let curl = |proxy: &str, url: &str| {
            let mut command = jail.command("curl");
            command.args(["-sS", "--max-time", "10", "--cacert"]).arg(&tls.certificate);
            said(&command.args(["--noproxy", "", "--proxy", proxy, url]).output().unwrap())
        };
        for kind in ["http", "socks5h", "socks5"] {
            let proxy = format!("{kind}://{PROXY}");
            let page = curl(&proxy, "https://api.example.com/");
            assert!(page.contains("s_server -www"), "{kind}: {page}");
            let page = curl(&proxy, "http://api.example.com/path");
            assert!(
                page.contains("GET /path HTTP/1.1\r\nHost: api.example.com\r\n"),
                "{kind}: {page}"
            );
            for other in ["https://evil.test/", "https://private.example.com/", "https://11.0.0.2/"]
            {
                let page = curl(&proxy, other);
                assert!(page.starts_with("exit "), "{kind}: {other}: {page}");
            }
        }
        let page = curl(&format!("http://{PROXY}"), "http://evil.test/");
        assert!(page.contains("(network-allow [ \"evil.test\" ])"), "{page}");
        assert!(!world.records.asked().contains(&"evil.test".into()));
        assert!(world.records.asked().contains(&"private.example.com".into()));
    });
}

#[test]
fn a_proxy_takes_a_host_and_a_port_and_nothing_beside() {
    run(|world| {
        echo(world, "11.0.0.2:443", "");
        echo(world, "11.0.0.2:22", "SSH-2.0-test\r\n");
        http(world, "11.0.0.2:80");
        let jail = with_proxy(world);
        let ask = |head: &str| match jail.talk(PROXY, head.replace('\n', "\r\n").as_bytes()) {
            Ended::With(text) | Ended::Open(text) | Ended::Reset(text) => text,
            Ended::NotConnected(error) => panic!("{error:?}"),
        };
        let ssh = ask("CONNECT API.example.com.:22 HTTP/1.1\nHost: x\n\n");
        assert!(ssh.starts_with("HTTP/1.1 200 ") && ssh.ends_with("SSH-2.0-test\r\n"), "{ssh}");
        // What is not TLS on a port of TLS is refused behind CONNECT, too.
        let plain = ask("CONNECT api.example.com:443 HTTP/1.1\n\nSSH-2.0-OpenSSH_9.2\n");
        assert!(plain.starts_with("HTTP/1.1 200 ") && !plain.contains("OpenSSH"), "{plain}");
        // Behind CONNECT to a port of HTTP each request is judged.
        let inner =
            ask("CONNECT api.example.com:80 HTTP/1.1\n\nGET / HTTP/1.1\nHost: evil.test\n\n");
        assert!(inner.contains("HTTP/1.1 421 "), "{inner}");
        for (head, status) in [
            ("CONNECT user@api.example.com:443 HTTP/1.1\n\n", 400),
            ("CONNECT api.example.com:443@evil.test:443 HTTP/1.1\n\n", 400),
            ("CONNECT api.example.com:0 HTTP/1.1\n\n", 400),
            ("CONNECT api.example.com:65536 HTTP/1.1\n\n", 400),
            ("CONNECT api.example.com:+443 HTTP/1.1\n\n", 400),
            ("CONNECT api.example.com:0443 HTTP/1.1\n\n", 400),
            ("CONNECT api.example.com HTTP/1.1\n\n", 400),
            ("CONNECT evil.test:443#api.example.com HTTP/1.1\n\n", 400),
            ("CONNECT 0x7f.1:443 HTTP/1.1\n\n", 400),
            ("CONNECT 2130706433:443 HTTP/1.1\n\n", 400),
            ("CONNECT 127.1:443 HTTP/1.1\n\n", 400),
            ("CONNECT api.example.com%2e:443 HTTP/1.1\n\n", 400),
            ("CONNECT [fe80::1%eth0]:443 HTTP/1.1\n\n", 400),
            ("CONNECT [::ffff:127.0.0.1]:443 HTTP/1.1\n\n", 403),
            ("CONNECT [64:ff9b::7f00:1]:443 HTTP/1.1\n\n", 403),
            ("CONNECT 127.0.0.1:443 HTTP/1.1\n\n", 403),
            ("CONNECT evil.test:443 HTTP/1.1\n\n", 403),
            ("CONNECT api.example.com:25 HTTP/1.1\n\n", 403),
            ("CONNECT api.example.com.evil.test:443 HTTP/1.1\n\n", 403),
            ("GET http://api.example.com@evil.test/ HTTP/1.1\nHost: api.example.com\n\n", 400),
            ("GET http://api.example.com/ HTTP/1.1\nHost: evil.test\n\n", 421),
            ("GET http://api.example.com:443/ HTTP/1.1\nHost: api.example.com:443\n\n", 403),
            ("GET https://api.example.com/ HTTP/1.1\nHost: api.example.com\n\n", 400),
            ("GET / HTTP/1.1\nHost: api.example.com\n\n", 400),
        ] {
            let said = ask(head);
            let is_it = said.starts_with(&format!("HTTP/1.1 {status} "))
                || (status == 400 && said.is_empty());
            assert!(is_it, "{head:?}: {said}");
        }
    });
}

#[test]
fn socks_refuses_what_is_no_name_before_it_is_matched() {
    run(|world| {
        echo(world, "11.0.0.2:22", "SSH-2.0-test\r\n");
        let jail = with_proxy(world);
        let connect = |name: &[u8], port: u16| {
            let length = [u8::try_from(name.len()).unwrap()];
            let hello =
                [&[5, 1, 0][..], &[5, 1, 0, 3], &length, name, &port.to_be_bytes()].concat();
            jail.inside(|| {
                let mut stream = TcpStream::connect(PROXY).unwrap();
                stream.write_all(&hello).unwrap();
                let mut answer = [0; 12];
                stream.read_exact(&mut answer).unwrap();
                answer[3]
            })
        };
        assert_eq!(connect(b"api.example.com", 22), 0);
        assert_eq!(connect(b"API.EXAMPLE.COM.", 22), 0);
        for name in [
            &b"attacker.test\0.api.example.com"[..],
            b"evil.test",
            b"127.0.0.1",
            b"127.1",
            b"[::1]",
            b"::1",
            b"api.example.com.evil.test",
            b"private.example.com",
        ] {
            let port = if name.starts_with(b"private") { 443 } else { 22 };
            assert_eq!(connect(name, port), 2, "{}", String::from_utf8_lossy(name));
        }
    });
}

#[test]
fn behind_an_address_that_stands_for_a_host_http_asks_for_that_host() {
    run(|world| {
        http(world, "11.0.0.2:80");
        let jail = with_proxy(world);
        let address = jail.address("api.example.com");
        let ask = |head: &str| match jail.talk(PROXY, head.replace('\n', "\r\n").as_bytes()) {
            Ended::With(text) | Ended::Open(text) | Ended::Reset(text) => text,
            Ended::NotConnected(error) => panic!("{error:?}"),
        };
        let by_address = ask(&format!("GET http://{address}/ HTTP/1.1\nHost: {address}\n\n"));
        assert!(by_address.starts_with("HTTP/1.1 421 "), "{by_address}");
        // HTTP/1.0 needs no such field, and gets that of the host.
        let old = ask(&format!("GET http://{address}/ HTTP/1.0\n\n"));
        assert!(old.contains(" 200 OK") && old.contains("ost: api.example.com\r\n"), "{old}");
        let by_name = ask("GET http://api.example.com/ HTTP/1.1\nHost: api.example.com\n\n");
        assert!(by_name.starts_with("HTTP/1.1 200 "), "{by_name}");
    });
}

/// A proxy of the host's network, which writes down what it was asked.
fn corporate(world: &World, asked: &std::sync::Arc<std::sync::Mutex<Vec<String>>>) {
    let asked = asked.clone();
    let (listener, servers) = (listen(world, "10.9.9.9:3128"), listen(world, "11.0.0.3:22"));
    serve(servers, |mut stream| drop(stream.write_all(b"SSH-2.0-behind\r\n")));
    serve(listener, move |mut stream| {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            if stream.read(&mut byte).unwrap_or(0) == 0 {
                return;
            }
            head.extend(byte);
        }
        let head = String::from_utf8(head).unwrap();
        asked.lock().unwrap().push(head.clone());
        if head.starts_with("CONNECT blocked") {
            return drop(stream.write_all(b"HTTP/1.1 403 Forbidden\r\n\r\n"));
        }
        drop(stream.write_all(b"HTTP/1.1 200 OK\r\n\r\nSSH-2.0-behind\r\n"));
        let _ = stream.read(&mut [0]);
    });
}

#[test]
fn an_upstream_proxy_gets_names_that_are_allowed_and_no_others() {
    run(|world| {
        let asked = std::sync::Arc::default();
        corporate(world, &asked);
        world.records.add("proxy.corp.example", &["10.9.9.9"]);
        let mut spec = Spec::new(&["api.example.com:22", "blocked.example.com:22"]);
        let credentials = world.file("credentials", "me:s3cret\n");
        spec.egress = json!({"upstream": {
            "host": "proxy.corp.example", "port": 3128, "tls": false,
            "credentials": {"file": credentials}, "by": "upstream-proxy#1",
        }});
        let jail = Jail::start(world, &spec);
        let talk = |name: &str| jail.talk(&format!("{}:22", jail.address(name)), b"");
        assert_eq!(talk("api.example.com"), Ended::Open("SSH-2.0-behind\r\n".into()));
        assert_eq!(talk("blocked.example.com"), Ended::Reset(String::new()));
        let (code, _) = jail.look_up("evil.test", hickory_proto::rr::RecordType::A);
        assert_eq!(code, hickory_proto::op::ResponseCode::NXDomain);
        let asked = asked.lock().unwrap();
        assert_eq!(
            asked[0],
            "CONNECT api.example.com:22 HTTP/1.1\r\nHost: api.example.com:22\r\n\
             Proxy-Authorization: Basic bWU6czNjcmV0\r\n\r\n"
        );
        assert_eq!(asked.len(), 2);
        // Only the proxy is asked about the names behind it.
        let names = world.records.asked();
        assert!(names.iter().all(|name| name == "proxy.corp.example"), "{names:?}");
        assert!(!jail.log().iter().any(|line| line.to_string().contains("s3cret")));
    });
}

#[test]
fn behind_an_upstream_proxy_an_address_of_this_machine_is_no_public_one() {
    run(|world| {
        let asked = std::sync::Arc::default();
        corporate(world, &asked);
        let mut spec = Spec::new(&[]);
        spec.listeners = vec![("proxy", "127.0.0.1", 8118), ("address", "0.0.0.0", 22)];
        spec.local = vec!["11.0.0.0/24"];
        spec.egress = json!({"internet": [22], "upstream": {
            "host": "10.9.9.9", "port": 3128, "tls": false, "credentials": null, "by": "upstream-proxy#1",
        }});
        let jail = Jail::start(world, &spec);
        assert_eq!(jail.talk("11.0.0.1:22", b""), Ended::Reset(String::new()));
        let connect = b"CONNECT 11.0.0.1:22 HTTP/1.1\r\n\r\n";
        let Ended::With(answer) = jail.talk(PROXY, connect) else { panic!("it is still open") };
        assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
        assert!(asked.lock().unwrap().is_empty());
        // The control: one of another machine goes to the proxy.
        assert_eq!(jail.talk("11.0.0.3:22", b""), Ended::Open("SSH-2.0-behind\r\n".into()));
    });
}
