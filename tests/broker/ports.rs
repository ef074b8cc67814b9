//! Ports of the host inside, ports of the jail on the host, and ports that the
//! payload wants for itself.

use std::io::{ErrorKind, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use serde_json::json;

use crate::clients::{Ended, read};
use crate::jail::{Jail, Spec};
use crate::servers::{echo, serve};
use crate::world::run;

/// Connects on the host, and reads what comes.
fn from_host(to: &str) -> Ended {
    match TcpStream::connect(to) {
        Ok(mut stream) => {
            stream.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
            read(&mut stream)
        }
        Err(error) => Ended::NotConnected(error.kind()),
    }
}

fn says(listener: TcpListener, text: &'static str) {
    serve(listener, move |mut stream| drop(stream.write_all(text.as_bytes())));
}

#[test]
fn a_port_of_the_hosts_loopback_is_reached_and_the_others_are_not() {
    run(|world| {
        says(TcpListener::bind("127.0.0.1:5432").unwrap(), "database");
        says(TcpListener::bind("127.0.0.1:5433").unwrap(), "another");
        says(TcpListener::bind("[::1]:6379").unwrap(), "six");
        let mut spec = Spec::new(&[]);
        spec.listeners = vec![
            ("host-port", "127.0.0.1", 15432),
            ("host-port", "::1", 15432),
            ("host-port", "127.0.0.1", 6379),
        ];
        let port = |from: u16, to: u16| json!({"from": from, "to": to, "by": "allow-host-port#1"});
        spec.egress = json!({"host_ports": [port(15432, 5432), port(6379, 6379)]});
        let jail = Jail::start(world, &spec);
        assert_eq!(jail.talk("127.0.0.1:15432", b""), Ended::With("database".into()));
        assert_eq!(jail.talk("[::1]:15432", b""), Ended::With("database".into()));
        assert_eq!(jail.talk("127.0.0.1:6379", b""), Ended::With("six".into()));
        assert_eq!(
            jail.talk("127.0.0.1:5433", b""),
            Ended::NotConnected(ErrorKind::ConnectionRefused)
        );
        assert_eq!(from_host("127.0.0.1:5433"), Ended::With("another".into()));
        assert_eq!(jail.verdicts("localhost"), ["allowed 5432", "allowed 6379"]);
    });
}

#[test]
fn a_server_of_the_jail_is_reached_from_the_host_on_its_port_and_nowhere_else() {
    run(|world| {
        let mut spec = Spec::new(&[]);
        spec.egress = json!({"exposed": [
            {"from": 3000, "to": 3000, "count": 2, "by": "expose-port#1"},
            {"from": 0, "to": 9000, "count": 1, "by": "expose-port#2"},
        ]});
        let jail = Jail::start(world, &spec);
        for (at, text) in
            [("127.0.0.1:3000", "one"), ("[::1]:3001", "two"), ("127.0.0.1:9000", "free")]
        {
            says(jail.inside(|| TcpListener::bind(at).unwrap()), text);
        }
        assert_eq!(from_host("127.0.0.1:3000"), Ended::With("one".into()));
        assert_eq!(from_host("[::1]:3000"), Ended::With("one".into()));
        assert_eq!(from_host("127.0.0.1:3001"), Ended::With("two".into()));
        // Not on other addresses of this machine, and no other port of the jail's.
        let refused = Ended::NotConnected(ErrorKind::ConnectionRefused);
        assert_eq!(from_host("11.0.0.1:3000"), refused);
        assert_eq!(from_host("127.0.0.1:9000"), refused);
        let status = jail.order(&json!({"do": "status"}));
        let ports = status["status"]["ports"].as_object().unwrap();
        let free = ports.iter().find(|(_, inside)| **inside == 9000).unwrap().0;
        assert_eq!(from_host(&format!("127.0.0.1:{free}")), Ended::With("free".into()));
        assert_eq!(
            jail.end(),
            format!("jailed-test: port 9000 of the jail is 127.0.0.1:{free} here\n")
        );
    });
}

#[test]
fn a_port_of_the_host_that_is_taken_is_told_before_the_payload_starts() {
    run(|world| {
        let _taken = TcpListener::bind("127.0.0.1:3000").unwrap();
        let mut spec = Spec::new(&[]);
        spec.egress =
            json!({"exposed": [{"from": 3000, "to": 8000, "count": 1, "by": "expose-port#1"}]});
        let _also = TcpListener::bind("127.0.0.1:3001").unwrap();
        assert_eq!(
            Jail::launch(world, &spec).end(),
            "jailed-test: port 3000 of the host, which `expose-port` leads to port 8000 of the jail: \
             another program listens on it, and 3002 is free\n"
        );
        spec.egress =
            json!({"exposed": [{"from": 2999, "to": 0, "count": 4, "by": "expose-port#1"}]});
        assert_eq!(
            Jail::launch(world, &spec).end(),
            "jailed-test: port 3000 of the host, which `expose-port` leads to port 3000 of the jail: \
             another program listens on it, and 3003-3006 are free\n"
        );
    });
}

#[test]
fn the_payloads_own_ports_are_free_on_its_loopback_and_taken_on_all_addresses() {
    run(|world| {
        echo(world, "11.0.0.2:8080", "outside");
        world.records.add("api.example.com", &["11.0.0.2"]);
        world.records.add("b.example.org", &["11.0.0.2"]);
        let jail =
            Jail::start(world, &Spec::new(&["api.example.com:8080", "*.example.org:8080,9090"]));
        let bind = |at: &str| jail.inside(|| TcpListener::bind(at).map_err(|error| error.kind()));
        let (v4, v6) = (bind("127.0.0.1:8080").unwrap(), bind("[::1]:8080").unwrap());
        says(v4, "inside");
        assert_eq!(jail.talk("127.0.0.1:8080", b""), Ended::With("inside".into()));
        drop(v6);
        assert_eq!(bind("0.0.0.0:8080").err(), Some(ErrorKind::AddrInUse));
        // Of a later name's ports the payload has one on all addresses: the other
        // one works, and it is said.
        let own = bind("0.0.0.0:9090").unwrap();
        let address = jail.address("b.example.org");
        assert_eq!(jail.talk(&format!("{address}:8080"), b""), Ended::Open("outside".into()));
        drop(own);
        assert_eq!(
            jail.end(),
            "jailed-test: port 9090 of b.example.org cannot be reached: a program of the jail listens \
             on that port of all addresses\n"
        );
    });
}
