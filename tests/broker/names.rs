//! Names: which ones there are, and that a program reaches them, and no others.

use std::io::ErrorKind;

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;

use crate::clients::Ended;
use crate::jail::{Jail, Spec, said};
use crate::servers::{Tls, echo};
use crate::world::run;

#[test]
fn a_program_that_knows_of_no_proxy_reaches_the_names_of_the_rules_and_no_others() {
    run(|world| {
        world.records.add("api.example.com", &["11.0.0.2"]);
        world.records.add("evil.test", &["11.0.0.2"]);
        let tls = Tls::start(world, "11.0.0.2:443");
        let jail = Jail::start(world, &Spec::new(&["api.example.com"]));
        let curl =
            |url: &str| said(&tls.curl(&mut jail.command("curl")).arg(url).output().unwrap());
        let page = curl("https://api.example.com/");
        assert!(page.contains("s_server -www"), "{page}");
        assert!(curl("https://evil.test/").starts_with("exit Some(6)"), "an unknown host");
        // The control: it is there, and outside it is reached.
        let mut outside = std::process::Command::new("curl");
        let outside = said(&tls.curl(&mut outside).arg("https://evil.test/").output().unwrap());
        assert!(outside.contains("s_server -www"), "{outside}");
        let unreachable = Ended::NotConnected(ErrorKind::NetworkUnreachable);
        assert_eq!(jail.talk("11.0.0.2:443", b""), unreachable);
        assert_eq!(jail.talk("[2606:4700:0:1::2]:443", b""), unreachable);
        assert_eq!(jail.verdicts("api.example.com"), ["allowed 443"]);
        let refused = jail.verdicts("evil.test");
        assert!(refused.iter().all(|verdict| verdict == "refused null") && !refused.is_empty());
        assert!(world.records.asked().contains(&"api.example.com".into()));
        let asked = world.records.asked().into_iter().filter(|name| name == "evil.test").count();
        // The control asked, for both families.
        assert_eq!(asked, 2);
        let told = jail.end();
        assert_eq!(
            told,
            "jailed-test: 1 host refused: evil.test; to allow it: (network-allow [ \"evil.test\" ])\n"
        );
    });
}

#[test]
fn a_name_has_an_address_of_each_family_that_stays() {
    run(|world| {
        world.records.add("api.example.com", &["11.0.0.2"]);
        echo(world, "11.0.0.2:22", "SSH-2.0-test\r\n");
        let jail = Jail::start(world, &Spec::new(&["api.example.com:22", "*.example.org:22"]));
        let (code, v4) = jail.look_up("api.example.com", RecordType::A);
        assert_eq!((code, v4.len()), (ResponseCode::NoError, 1));
        let (_, v6) = jail.look_up("API.EXAMPLE.COM", RecordType::AAAA);
        assert!(v4[0].starts_with("198.18.") && v6[0].starts_with("fd6a:6169:6c00::"));
        for to in [format!("{}:22", v4[0]), format!("[{}]:22", v6[0])] {
            let said = jail.talk(&to, b"hello");
            assert_eq!(said, Ended::Open("SSH-2.0-test\r\nhello".into()));
        }
        assert_eq!(jail.look_up("api.example.com", RecordType::A).1, v4);
        assert_ne!(jail.look_up("a.example.org", RecordType::A).1, v4);
        for name in ["example.org", "a.example.org.evil.test", "evilexample.org", "localhost"] {
            assert_eq!(
                jail.look_up(name, RecordType::A),
                (ResponseCode::NXDomain, vec![]),
                "{name}"
            );
        }
    });
}
