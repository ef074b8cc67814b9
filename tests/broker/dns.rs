//! The jail's DNS server: records other than addresses, and the resolvers outside.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use hickory_proto::op::{Edns, Message, Query, ResponseCode};
use hickory_proto::rr::rdata::{SRV, TXT};
use hickory_proto::rr::{Name, RData, RecordType};
use serde_json::json;

use crate::clients::Ended;
use crate::jail::{Jail, Spec, rule_of};
use crate::servers::echo;
use crate::world::run;

fn name(text: &str) -> Name {
    Name::from_ascii(format!("{text}.")).unwrap()
}

#[test]
fn services_and_texts_are_passed_where_the_rules_have_them_and_other_types_are_empty() {
    run(|world| {
        let service = |target: &str, port| RData::SRV(SRV::new(0, 5, port, name(target)));
        let of = "_mongodb._tcp.db.example.com";
        world.records.other(of, RecordType::SRV, service("n1.example.com", 27017));
        world.records.other(of, RecordType::SRV, service("n2.example.com", 27018));
        world.records.other(of, RecordType::SRV, service("evil.test", 27017));
        let text = |text: &str| RData::TXT(TXT::new(vec![text.into()]));
        world.records.other("db.example.com", RecordType::TXT, text("authSource=admin"));
        world.records.other("n1.example.com", RecordType::TXT, text("no rule wants it"));
        let mut with_texts = rule_of("db.example.com:27017");
        with_texts["txt"] = json!(true);
        let mut spec = Spec::new(&["n1.example.com:27017", "n2.example.com:27017"]);
        spec.rules.push(with_texts);
        let jail = Jail::start(world, &spec);
        let empty = (ResponseCode::NoError, vec![]);
        // The second target's port is not allowed, and the third target is not.
        let services = jail.look_up(of, RecordType::SRV);
        assert_eq!(services, (ResponseCode::NoError, vec!["n1.example.com.:27017".into()]));
        let texts = jail.look_up("db.example.com", RecordType::TXT);
        assert_eq!(texts, (ResponseCode::NoError, vec!["authSource=admin".into()]));
        assert_eq!(jail.look_up("n1.example.com", RecordType::TXT), empty);
        for kind in
            [RecordType::HTTPS, RecordType::SVCB, RecordType::MX, RecordType::ANY, RecordType::NS]
        {
            assert_eq!(jail.look_up("db.example.com", kind), empty, "{kind}");
        }
        let no = (ResponseCode::NXDomain, vec![]);
        assert_eq!(jail.look_up("_mongodb._tcp.evil.test", RecordType::SRV), no);
        assert_eq!(jail.look_up("secret.evil.test", RecordType::TXT), no);
        assert_eq!(jail.look_up("evil.test", RecordType::HTTPS), no);
        assert_eq!(jail.look_up("9.9.9.10.in-addr.arpa", RecordType::PTR), no);
        let asked = world.records.asked();
        assert!(asked.iter().all(|asked| asked == of || asked == "db.example.com"), "{asked:?}");
    });
}

#[test]
fn what_a_service_is_called_tells_its_server_little() {
    run(|world| {
        let target = RData::SRV(SRV::new(0, 5, 27017, name("db.example.com")));
        world.records.other("_s0._tcp.db.example.com", RecordType::SRV, target);
        let jail = Jail::start(world, &Spec::new(&["db.example.com:27017"]));
        for odd in [
            "_secret-that-is-long._tcp",
            "_s._udp",
            "_secret._s._tcp",
            "_s._tcp._secret",
            "_s._secret",
            "_secret",
        ] {
            let of = format!("{odd}.db.example.com");
            assert_eq!(jail.look_up(&of, RecordType::SRV).0, ResponseCode::NXDomain, "{of}");
        }
        assert!(world.records.asked().is_empty(), "{:?}", world.records.asked());
        for number in 0..40 {
            let of = format!("_s{number}._tcp.db.example.com");
            assert_eq!(jail.look_up(&of, RecordType::SRV).0, ResponseCode::NoError, "{of}");
        }
        let asked: std::collections::BTreeSet<_> = world.records.asked().into_iter().collect();
        assert_eq!(asked.len(), 16, "{asked:?}");
        // What was asked for before is found again.
        let found = jail.look_up("_s0._tcp.db.example.com", RecordType::SRV).1;
        assert_eq!(found, ["db.example.com.:27017"]);
        let is_said = |line: &serde_json::Value| line["reason"].to_string().contains("service");
        assert_eq!(jail.log().iter().filter(|line| is_said(line)).count(), 1);
    });
}

#[test]
fn questions_come_by_tcp_and_with_edns_too() {
    run(|world| {
        let jail = Jail::start(world, &Spec::new(&["a.example.com"]));
        let mut question = Message::query();
        question.metadata.id = 9;
        question.add_query(Query::query(name("a.example.com"), RecordType::A));
        question.set_edns(Edns::new());
        let answer = Message::from_vec(&jail.ask(&question.to_vec().unwrap())).unwrap();
        assert!(answer.edns.is_some());
        assert_eq!(answer.answers[0].ttl, 5);
        let bytes = question.to_vec().unwrap();
        let by_tcp = jail.inside(|| {
            let mut stream = TcpStream::connect("127.0.0.1:53").unwrap();
            let length = u16::try_from(bytes.len()).unwrap().to_be_bytes();
            let framed = [&length[..], &bytes].concat();
            // Two at once, the second in two pieces.
            let both = [&framed[..], &framed].concat();
            stream.write_all(&both[..framed.len() + 5]).unwrap();
            std::thread::sleep(Duration::from_millis(50));
            stream.write_all(&both[framed.len() + 5..]).unwrap();
            let mut read = || {
                let mut length = [0; 2];
                stream.read_exact(&mut length).unwrap();
                let mut answer = vec![0; usize::from(u16::from_be_bytes(length))];
                stream.read_exact(&mut answer).unwrap();
                Message::from_vec(&answer).unwrap()
            };
            (read(), read())
        });
        assert_eq!(by_tcp.0.answers, answer.answers);
        assert_eq!(by_tcp.1.answers, answer.answers);
        let resolved = jail.says("getent ahosts a.example.com");
        assert!(resolved.contains("198.18.0.") && resolved.contains("fd6a:"), "{resolved}");
    });
}

#[test]
fn the_hosts_files_are_read_again_when_they_change() {
    run(|world| {
        echo(world, "11.0.0.2:22", "two");
        echo(world, "11.0.0.3:22", "three");
        world.records.add("a.example.com", &["11.0.0.2"]);
        let jail = Jail::start(world, &Spec::new(&["a.example.com:22"]));
        let to = format!("{}:22", jail.address("a.example.com"));
        assert_eq!(jail.talk(&to, b""), Ended::Open("two".into()));
        // In place, because the tests' files are mounted there.
        std::fs::write("/etc/hosts", "11.0.0.3 a.example.com\n").unwrap();
        std::thread::sleep(Duration::from_millis(1100));
        assert_eq!(jail.talk(&to, b""), Ended::Open("three".into()));
        // Another file at that place, as when one is renamed over it.
        world.bind("/etc/hosts", "10.9.9.9 a.example.com\n");
        std::thread::sleep(Duration::from_millis(1100));
        assert_eq!(jail.talk(&to, b""), Ended::Reset(String::new()));
    });
}

#[test]
fn a_resolver_that_is_silent_or_missing_ends_in_a_reset_and_holds_nothing_else_up() {
    run(|world| {
        echo(world, "11.0.0.2:22", "two");
        world.records.add("a.example.com", &["11.0.0.2"]);
        std::fs::write("/etc/hosts", "11.0.0.2 known.example.com\n").unwrap();
        let jail = Jail::start(world, &Spec::new(&["a.example.com:22", "known.example.com:22"]));
        world.records.be_silent();
        let to = format!("{}:22", jail.address("a.example.com"));
        let known = format!("{}:22", jail.address("known.example.com"));
        let begun = Instant::now();
        let mut waiting = jail.inside(|| TcpStream::connect(&to).unwrap());
        assert_eq!(jail.talk(&known, b""), Ended::Open("two".into()));
        assert!(begun.elapsed() < Duration::from_secs(2));
        waiting.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        assert_eq!(crate::clients::read(&mut waiting), Ended::Reset(String::new()));
        assert_eq!(jail.verdicts("a.example.com"), ["failed 22"]);
    });
}

#[test]
fn the_specs_resolvers_are_asked_in_the_place_of_the_hosts() {
    run(|world| {
        echo(world, "11.0.0.2:22", "two");
        world.records.add("a.example.com", &["11.0.0.2"]);
        world.bind("/etc/resolv.conf", "nameserver 11.0.0.99\n");
        let mut spec = Spec::new(&["a.example.com:22"]);
        spec.egress = json!({"resolvers": ["11.0.0.53:53"]});
        let jail = Jail::start(world, &spec);
        let to = format!("{}:22", jail.address("a.example.com"));
        assert_eq!(jail.talk(&to, b""), Ended::Open("two".into()));
    });
}

#[test]
fn another_name_of_an_allowed_one_is_taken_from_the_answer_and_asked_for_by_nobody() {
    run(|world| {
        echo(world, "11.0.0.2:22", "two");
        let text = RData::TXT(TXT::new(vec!["there".into()]));
        // The server has it and leaves its addresses out, so that a client
        // that wants them has to ask.
        world.records.alias("a.example.com", "secret.evil.test");
        world.records.other("secret.evil.test", RecordType::TXT, text);
        world.records.alias("b.example.com", "front.cdn.test");
        world.records.add("front.cdn.test", &["11.0.0.2"]);
        let jail = Jail::start(world, &Spec::new(&["a.example.com:22", "b.example.com:22"]));
        let talk = |name: &str| jail.talk(&format!("{}:22", jail.address(name)), b"");
        assert_eq!(talk("a.example.com"), Ended::Reset(String::new()));
        assert_eq!(talk("b.example.com"), Ended::Open("two".into()));
        let asked = world.records.asked();
        assert!(asked.iter().all(|name| name.ends_with(".example.com")), "{asked:?}");
        assert!(asked.contains(&"a.example.com".into()));
    });
}
