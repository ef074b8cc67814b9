//! Addresses: which ones a name may lead to, and what an address of the jail's stands for.

use std::io::ErrorKind;
use std::net::TcpStream;

use serde_json::json;

use crate::clients::Ended;
use crate::jail::{Jail, Spec};
use crate::servers::echo;
use crate::world::run;

const HELLO: &str = "hello from there\r\n";

fn open() -> Ended {
    Ended::Open(HELLO.into())
}

fn reset() -> Ended {
    Ended::Reset(String::new())
}

#[test]
fn a_name_leads_to_no_private_address_no_metadata_and_not_to_this_machine() {
    run(|world| {
        let at = ["10.9.9.9", "169.254.169.254", "11.0.0.1", "127.0.0.1"];
        for address in at {
            let server = format!("{address}:22");
            match address {
                "11.0.0.1" | "127.0.0.1" => {
                    let listener = std::net::TcpListener::bind(server).unwrap();
                    crate::servers::serve(listener, drop);
                }
                _ => echo(world, &server, HELLO),
            }
        }
        let mapped = ["::ffff:10.9.9.9", "64:ff9b::a09:909", "2002:a09:909::1", "::1", "::"];
        let mut spec = Spec::new(&["good.example.com:22"]);
        for (number, address) in at.iter().chain(&mapped).enumerate() {
            let name = format!("n{number}.example.com");
            world.records.add(&name, &[address]);
            spec.rules.push(crate::jail::rule_of(&format!("{name}:22")));
        }
        echo(world, "11.0.0.2:22", HELLO);
        world.records.add("good.example.com", &["11.0.0.2"]);
        let jail = Jail::start(world, &spec);
        for number in 0..at.len() + mapped.len() {
            let name = format!("n{number}.example.com");
            let to = format!("{}:22", jail.address(&name));
            assert_eq!(jail.talk(&to, b""), reset(), "{name}");
            assert_eq!(jail.verdicts(&name), ["refused 22"], "{:?}", jail.log());
        }
        let good = format!("{}:22", jail.address("good.example.com"));
        assert_eq!(jail.talk(&good, b""), open());
        // The controls: outside all of them are there.
        for address in at {
            assert!(TcpStream::connect((address, 22)).is_ok(), "{address}");
        }
    });
}

#[test]
fn of_a_mixed_answer_only_what_may_be_dialled_is() {
    run(|world| {
        echo(world, "11.0.0.2:22", HELLO);
        echo(world, "10.9.9.9:22", "the wrong one");
        world.records.add("mixed.example.com", &["10.9.9.9", "11.0.0.2", "::1", "169.254.169.254"]);
        // It leads to a public address first and to a private one later.
        world.records.add("rebound.example.com", &["11.0.0.2"]);
        world.records.add("rebound.example.com", &["10.9.9.9"]);
        world.records.add("inner.example.org", &["10.9.9.9"]);
        world.records.alias("alias.example.com", "inner.example.org");
        let jail = Jail::start(world, &Spec::new(&["*.example.com:22"]));
        let talk = |name: &str| jail.talk(&format!("{}:22", jail.address(name)), b"");
        for _ in 0..3 {
            assert_eq!(talk("mixed.example.com"), open());
        }
        assert_eq!(talk("rebound.example.com"), open());
        assert_eq!(talk("rebound.example.com"), reset());
        assert_eq!(talk("alias.example.com"), reset());
    });
}

#[test]
fn the_first_address_that_answers_is_taken() {
    run(|world| {
        echo(world, "11.0.0.2:22", HELLO);
        echo(world, "[2606:4700:0:1::2]:23", HELLO);
        // 11.0.0.3 refuses; nothing is behind 11.0.0.77, and 9.9.9.9 has no route.
        world.records.add("many.example.com", &["11.0.0.3", "11.0.0.77", "9.9.9.9", "11.0.0.2"]);
        world.records.add("both.example.com", &["2606:4700:0:1::2", "11.0.0.2"]);
        world.records.add("none.example.com", &["11.0.0.3"]);
        let jail = Jail::start(world, &Spec::new(&["*.example.com:22,23"]));
        let talk =
            |name: &str, port: u16| jail.talk(&format!("{}:{port}", jail.address(name)), b"");
        assert_eq!(talk("many.example.com", 22), open());
        assert_eq!(talk("both.example.com", 22), open());
        assert_eq!(talk("both.example.com", 23), open());
        assert_eq!(talk("none.example.com", 22), reset());
        assert_eq!(jail.verdicts("none.example.com"), ["failed 22"]);
    });
}

#[test]
fn an_address_that_a_rule_names_is_reached_and_its_neighbour_is_not() {
    run(|world| {
        echo(world, "10.9.9.9:8080", HELLO);
        echo(world, "10.9.9.9:8081", HELLO);
        let mut spec = Spec::new(&["10.9.9.9:8080"]);
        spec.local = vec!["10.9.9.9/32"];
        spec.listeners = vec![("address", "10.9.9.9", 8080)];
        let jail = Jail::start(world, &spec);
        assert_eq!(jail.talk("10.9.9.9:8080", b""), open());
        assert_eq!(
            jail.talk("10.9.9.9:8081", b""),
            Ended::NotConnected(ErrorKind::ConnectionRefused)
        );
        assert_eq!(
            jail.talk("10.9.9.8:8080", b""),
            Ended::NotConnected(ErrorKind::NetworkUnreachable)
        );
        assert_eq!(jail.verdicts("10.9.9.9"), ["allowed 8080"]);
    });
}

#[test]
fn the_internet_is_every_public_name_and_address_and_nothing_of_this_machine() {
    run(|world| {
        echo(world, "11.0.0.2:22", HELLO);
        echo(world, "[2606:4700:0:1::2]:22", HELLO);
        echo(world, "10.9.9.9:22", HELLO);
        world.records.add("any.example.net", &["11.0.0.2"]);
        world.records.add("inner.example.net", &["10.9.9.9"]);
        let mut spec = Spec::new(&[]);
        spec.egress = json!({"internet": [443, 80, 22]});
        spec.local = vec!["11.0.0.0/8", "2606:4700::/32"];
        spec.listeners = vec![("address", "0.0.0.0", 22), ("address", "::", 22)];
        let jail = Jail::start(world, &spec);
        let by_name = |name: &str| jail.talk(&format!("{}:22", jail.address(name)), b"");
        assert_eq!(by_name("any.example.net"), open());
        assert_eq!(jail.talk("11.0.0.2:22", b""), open());
        assert_eq!(jail.talk("[2606:4700:0:1::2]:22", b""), open());
        assert_eq!(by_name("inner.example.net"), reset());
        // A name that does not exist has an address, and is reset.
        assert_eq!(by_name("nowhere.example.net"), reset());
        // The wildcard takes the jail's own loopback too, where it must refuse;
        // 11.0.0.1 is this machine.
        for own in ["127.0.0.1:22", "127.8.8.8:22", "[::1]:22", "11.0.0.1:22"] {
            assert_eq!(jail.talk(own, b""), reset(), "{own}");
        }
        // A synthetic address that stands for no name.
        assert_eq!(jail.talk("198.18.7.7:22", b""), reset());
        assert_eq!(
            jail.talk("10.9.9.9:22", b""),
            Ended::NotConnected(ErrorKind::NetworkUnreachable)
        );
        for local in ["localhost", "nas.local", "router", "db.internal"] {
            let code = jail.look_up(local, hickory_proto::rr::RecordType::A).0;
            assert_eq!(code, hickory_proto::op::ResponseCode::NXDomain, "{local}");
        }
    });
}
