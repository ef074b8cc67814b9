//! What the broker's processes are left with, and what becomes of everything when one of them dies.

use std::collections::BTreeSet;
use std::fs;
use std::io::Read;
use std::net::TcpStream;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::clients::{Ended, read};
use crate::jail::{Jail, Spec};
use crate::servers::{echo, listen, serve};
use crate::world::run;

const HELLO: &str = "hello\r\n";

/// The broker's children.
fn children(process: u32) -> Vec<u32> {
    let all = fs::read_dir("/proc").unwrap().flatten();
    let numbers = all.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    numbers.filter(|number| field(*number, "PPid") == process.to_string()).collect()
}

/// A field of a process's status.
fn field(process: u32, name: &str) -> String {
    let text = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.unwrap_or_default().trim().to_owned()
}

fn kill(process: u32) {
    kill_process(Pid::from_raw(process.cast_signed()).unwrap(), Signal::KILL).unwrap();
}

#[test]
fn no_process_of_the_broker_has_more_rights_than_it_needs() {
    run(|world| {
        let jail = Jail::start(world, &Spec::new(&["a.example.com"]));
        let broker = jail.broker.id();
        let network = |process: u32| fs::read_link(format!("/proc/{process}/ns/net")).ok();
        // In a world whose root is not the machine's, a process that is not dumpable shows its
        // links to no other process.
        if let Some(own) = network(broker) {
            assert_eq!(Some(own), network(std::process::id()));
        }
        let mut capabilities = BTreeSet::new();
        for process in children(broker).into_iter().chain([broker]) {
            assert_eq!(field(process, "NoNewPrivs"), "1");
            assert_eq!(field(process, "CoreDumping"), "0");
            assert_eq!(field(process, "CapInh"), "0000000000000000");
            assert_eq!(field(process, "CapAmb"), "0000000000000000");
            capabilities.insert((field(process, "CapPrm"), field(process, "Seccomp")));
        }
        let none = "0000000000000000";
        let bind = "0000000000000400";
        let expected = [(none, "0"), (none, "2"), (bind, "2")];
        assert_eq!(capabilities, expected.map(|(one, other)| (one.into(), other.into())).into());
        assert_eq!(field(broker, "CapPrm"), none);
        assert_eq!(field(broker, "Seccomp"), "2");
    });
}

#[test]
fn a_broker_that_is_killed_takes_the_network_along_and_leaves_no_process() {
    run(|world| {
        world.records.add("a.example.com", &["11.0.0.2"]);
        echo(world, "11.0.0.2:22", HELLO);
        let jail = Jail::start(world, &Spec::new(&["a.example.com:22"]));
        let to = format!("{}:22", jail.address("a.example.com"));
        let mut stream = jail.inside(|| TcpStream::connect(&to).unwrap());
        stream.read_exact(&mut [0; HELLO.len()]).unwrap();
        let children = children(jail.broker.id());
        assert_eq!(children.len(), 2);
        kill(jail.broker.id());
        stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        assert!(matches!(read(&mut stream), Ended::With(_) | Ended::Reset(_)));
        let refused = Ended::NotConnected(std::io::ErrorKind::ConnectionRefused);
        let gone = (0..200).any(|_| {
            std::thread::sleep(Duration::from_millis(10));
            children.iter().all(|child| matches!(field(*child, "State").get(..1), None | Some("Z")))
        });
        assert!(gone);
        assert_eq!(jail.talk(&to, b""), refused);
    });
}

#[test]
fn without_the_process_that_makes_sockets_new_names_have_no_address_and_the_others_go_on() {
    run(|world| {
        world.records.add("a.example.com", &["11.0.0.2"]);
        echo(world, "11.0.0.2:22", HELLO);
        let jail = Jail::start(world, &Spec::new(&["a.example.com:22", "*.example.org:22"]));
        let factory = children(jail.broker.id())
            .into_iter()
            .find(|process| field(*process, "CapPrm") != "0000000000000000");
        kill(factory.unwrap());
        let (code, _) = jail.look_up("b.example.org", hickory_proto::rr::RecordType::A);
        assert_eq!(code, hickory_proto::op::ResponseCode::ServFail);
        let to = format!("{}:22", jail.address("a.example.com"));
        assert_eq!(jail.talk(&to, b""), Ended::Open(HELLO.into()));
    });
}

#[test]
fn a_reset_on_one_side_is_one_on_the_other() {
    run(|world| {
        world.records.add("a.example.com", &["11.0.0.2"]);
        serve(listen(world, "11.0.0.2:22"), |mut stream| {
            stream.read_exact(&mut [0; 5]).unwrap();
            rustix::net::sockopt::set_socket_linger(&stream, Some(Duration::ZERO)).unwrap();
        });
        let jail = Jail::start(world, &Spec::new(&["a.example.com:22"]));
        let to = format!("{}:22", jail.address("a.example.com"));
        assert_eq!(jail.talk(&to, b"hello"), Ended::Reset(String::new()));
    });
}

#[test]
fn a_launch_that_fails_leaves_nothing_and_says_nothing() {
    run(|world| {
        let jail = Jail::abandoned(world, &Spec::new(&["a.example.com"]));
        let control = jail.control();
        assert_eq!(jail.end(), "");
        std::thread::sleep(Duration::from_millis(200));
        assert!(!control.exists());
    });
}
