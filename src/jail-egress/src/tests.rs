//! What is allowed and what is refused, mostly as tables.

use std::net::IpAddr;

use super::*;

pub(crate) fn name(text: &str) -> Name {
    Name::from_wire(text.as_bytes()).unwrap()
}

fn host(text: &str) -> Host {
    Authority::from_wire(text.as_bytes()).unwrap().host
}

pub(crate) fn policy(rules: &[&str]) -> Policy {
    let rules = rules.iter().map(|text| Rule::parse(text, format!("line of {text}")).unwrap());
    Policy { rules: rules.collect(), reach: Reach::Rules, changes: Vec::new() }
}

fn internet() -> Policy {
    Policy { reach: Reach::Internet { ports: vec![443, 80, 22] }, ..policy(&[]) }
}

fn connect(policy: &Policy, to: &str, port: u16) -> Verdict {
    decide(policy, &Request::Connect { host: &host(to), port })
}

fn dial(policy: &Policy, to: &str, port: u16, address: &str, own: &[&str]) -> Verdict {
    let own: Vec<IpAddr> = own.iter().map(|own| own.parse().unwrap()).collect();
    let address = address.parse().unwrap();
    decide(policy, &Request::Dial { host: &host(to), port, address, own: &own })
}

#[track_caller]
fn allowed(verdict: &Verdict) {
    assert!(matches!(verdict, Verdict::Allowed { .. }), "{verdict:?}");
}

#[track_caller]
fn refused(verdict: &Verdict, why: Refusal) {
    assert_eq!(*verdict, Verdict::Refused(why));
}

#[test]
fn a_name_has_one_form() {
    for (text, canonical) in [
        ("api.example.com", "api.example.com"),
        ("API.Example.COM.", "api.example.com"),
        ("_dmarc.example.com", "_dmarc.example.com"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("3com.example", "3com.example"),
    ] {
        assert_eq!(name(text).as_str(), canonical);
        assert_eq!(Name::from_spec(text).unwrap().as_str(), canonical);
    }
    for text in ["bücher.example", "BÜCHER.example", "bu\u{308}cher.example."] {
        assert_eq!(Name::from_spec(text).unwrap().as_str(), "xn--bcher-kva.example");
        assert_eq!(Name::from_wire(text.as_bytes()), Err(NameError::Character));
    }
}

#[test]
fn what_only_looks_like_a_name_is_refused_before_it_is_matched() {
    use NameError::*;
    for (bytes, why) in [
        (&b"attacker.test\0.allowed.test"[..], Character),
        (b"allowed.test%2e", Character),
        (b"allowed.test ", Character),
        (b"allowed.test/", Character),
        (b"user@allowed.test", Character),
        (b"", Empty),
        (b".", Empty),
        (b"a..b", Empty),
        (b".a.b", Empty),
        (b"a.b..", Empty),
        (b"127.1", Number),
        (b"2130706433", Number),
        (b"0x7f.1", Number),
        (b"a.0x7f", Number),
        (b"0177.0.0.1", Number),
        (b"127.0.0.1", Number),
        ("allowed\u{3002}test".as_bytes(), Character),
    ] {
        assert_eq!(Name::from_wire(bytes), Err(why), "{bytes:?}");
    }
    for text in ["allowed\u{3002}test", "allowed\u{ff0e}test", "ällowed test", "ä%2e.example"] {
        assert_eq!(Name::from_spec(text), Err(Character), "{text}");
    }
    let label = "a".repeat(63);
    assert!(Name::from_wire(format!("{label}.example").as_bytes()).is_ok());
    assert_eq!(Name::from_wire(format!("{label}a.example").as_bytes()), Err(TooLong));
    assert_eq!(Name::from_wire("a.".repeat(150).as_bytes()), Err(TooLong));
}

#[test]
fn a_pattern_matches_on_the_borders_of_labels() {
    let below = Pattern::parse("*.example.com").unwrap();
    for (text, matches) in [
        ("a.example.com", true),
        ("a.b.example.com", true),
        ("example.com", false),
        ("evilexample.com", false),
        ("example.com.evil.test", false),
        ("a.example.com.evil.test", false),
    ] {
        assert_eq!(below.matches(&name(text)), matches, "{text}");
    }
    let exactly = Pattern::parse("Example.COM.").unwrap();
    assert!(exactly.matches(&name("example.com")));
    assert!(!exactly.matches(&name("a.example.com")));
}

#[test]
fn a_pattern_that_is_everybodys_is_an_error() {
    for text in ["*.com", "*.co.uk", "*.github.io", "*.test"] {
        assert!(matches!(Pattern::parse(text), Err(PatternError::PublicSuffix(_))), "{text}");
    }
    assert_eq!(Pattern::parse("*"), Err(PatternError::Everything));
    for text in ["a.*.example.com", "*a.example.com", "**.example.com", "*.*.example.com"] {
        assert_eq!(Pattern::parse(text), Err(PatternError::Star), "{text}");
    }
    for text in ["localhost", "printer", "nas.local", "db.internal", "x.home.arpa", "*.local"] {
        let error = Rule::parse(text, "").unwrap_err();
        let is_local = matches!(
            error,
            RuleError::Pattern(PatternError::Local(_) | PatternError::PublicSuffix(_))
        );
        assert!(is_local, "{text}: {error:?}");
    }
    for text in ["github.io", "user.github.io", "*.user.github.io", "example.co.uk"] {
        assert!(Rule::parse(text, "").is_ok(), "{text}");
    }
}

#[test]
fn a_rule_names_a_host_and_perhaps_a_port() {
    let ports = |text: &str| Rule::parse(text, "").map(|rule| rule.ports);
    assert_eq!(ports("example.com"), Ok(vec![443, 80]));
    assert_eq!(ports("*.example.com:22"), Ok(vec![22]));
    assert_eq!(ports("10.1.2.3:8080"), Ok(vec![8080]));
    assert_eq!(ports("[fd00::1]:5432"), Ok(vec![5432]));
    assert_eq!(ports("[fd00::1]"), Ok(vec![443, 80]));
    for text in [
        "example.com:0",
        "example.com:65536",
        "example.com:+443",
        "example.com:0443",
        "example.com:",
        "*.example.com:x",
        "https://example.com",
        "example.com/path",
        "fd00::1",
        "[fe80::1%eth0]:80",
        "[10.0.0.1]:80",
        "127.1:80",
        "",
        ":80",
    ] {
        assert!(Rule::parse(text, "").is_err(), "{text}");
    }
    for text in ["127.0.0.1:80", "[::1]:80", "0.0.0.0:80", "224.0.0.1:80", "[::ffff:127.0.0.1]:80"]
    {
        assert!(matches!(Rule::parse(text, ""), Err(RuleError::Address(..))), "{text}");
    }
    // On purpose, a rule may name them.
    for text in ["169.254.169.254:80", "192.168.1.1:443", "[fd00:ec2::254]:80"] {
        assert!(Rule::parse(text, "").is_ok(), "{text}");
    }
}

#[test]
fn what_no_rule_names_is_refused() {
    let policy = policy(&["api.example.com", "*.example.org:8443", "10.1.2.3:8080"]);
    allowed(&connect(&policy, "api.example.com", 443));
    allowed(&connect(&policy, "API.example.com.", 80));
    allowed(&connect(&policy, "a.example.org", 8443));
    allowed(&connect(&policy, "10.1.2.3", 8080));
    refused(&connect(&policy, "api.example.com", 22), Refusal::Port);
    refused(&connect(&policy, "example.com", 443), Refusal::Host);
    refused(&connect(&policy, "example.org", 8443), Refusal::Host);
    refused(&connect(&policy, "a.example.org", 443), Refusal::Port);
    refused(&connect(&policy, "10.1.2.4", 8080), Refusal::Host);
    let lookup = |text: &str| decide(&policy, &Request::Lookup(&name(text)));
    allowed(&lookup("api.example.com"));
    allowed(&lookup("b.a.example.org"));
    refused(&lookup("secret.evil.test"), Refusal::Host);
    refused(&lookup("localhost"), Refusal::Host);
}

#[test]
fn an_empty_list_is_no_network_at_all() {
    for text in ["example.com", "1.1.1.1", "[2606:4700::1111]"] {
        refused(&connect(&policy(&[]), text, 443), Refusal::Host);
    }
}

#[test]
fn the_internet_is_public_names_and_addresses_on_its_ports() {
    let policy = internet();
    for text in ["example.com", "1.1.1.1", "[2606:4700::1111]"] {
        allowed(&connect(&policy, text, 443));
        refused(&connect(&policy, text, 25), Refusal::Port);
    }
    for text in ["localhost", "nas.local", "router", "10.0.0.1", "169.254.169.254", "[::1]"] {
        refused(&connect(&policy, text, 443), Refusal::Host);
    }
    refused(
        &dial(&policy, "rebound.example.com", 443, "192.168.0.1", &[]),
        Refusal::Address(Objection::Private),
    );
    refused(
        &dial(&policy, "1.1.1.1", 443, "1.1.1.1", &["1.1.1.1"]),
        Refusal::Address(Objection::Own),
    );
}

#[test]
fn no_name_leads_to_the_host_its_network_or_its_cloud() {
    use Objection::*;
    let policy = policy(&["api.example.com"]);
    for (address, why) in [
        ("127.0.0.1", Loopback),
        ("127.8.9.10", Loopback),
        ("::1", Loopback),
        ("0.0.0.0", Unspecified),
        ("0.1.2.3", Unspecified),
        ("::", Unspecified),
        ("10.0.0.1", Private),
        ("172.16.0.1", Private),
        ("172.31.255.255", Private),
        ("192.168.1.1", Private),
        ("fd12:3456::1", Private),
        ("fec0::1", Private),
        ("169.254.1.1", LinkLocal),
        ("fe80::1", LinkLocal),
        ("100.64.0.1", CarrierGrade),
        ("169.254.169.254", Metadata),
        ("100.100.100.200", Metadata),
        ("168.63.129.16", Metadata),
        ("fd00:ec2::254", Metadata),
        ("224.0.0.251", Multicast),
        ("ff02::1", Multicast),
        ("192.0.2.1", Documentation),
        ("2001:db8::1", Documentation),
        ("198.18.0.7", Benchmark),
        ("255.255.255.255", Reserved),
        ("::ffff:127.0.0.1", Loopback),
        ("::ffff:10.0.0.1", Private),
        ("64:ff9b::7f00:1", Loopback),
        ("64:ff9b::a9fe:a9fe", Metadata),
        ("2002:7f00:1::", Loopback),
        ("2002:c0a8:101::1", Private),
        ("::127.0.0.1", Reserved),
        ("2001:0:7f00:1::", Reserved),
        ("64:ff9b:1::1", Reserved),
        ("4000::1", Reserved),
    ] {
        let verdict = dial(&policy, "api.example.com", 443, address, &[]);
        assert_eq!(verdict, Verdict::Refused(Refusal::Address(why)), "{address}");
    }
    for address in ["1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "64:ff9b::101:101"] {
        allowed(&dial(&policy, "api.example.com", 443, address, &[]));
    }
    for own in ["93.184.215.14", "::ffff:93.184.215.14"] {
        for address in ["93.184.215.14", "::ffff:93.184.215.14", "64:ff9b::5db8:d70e"] {
            let verdict = dial(&policy, "api.example.com", 443, address, &[own]);
            refused(&verdict, Refusal::Address(Own));
        }
    }
}

#[test]
fn an_address_that_a_rule_names_is_dialled_on_its_port_and_no_other() {
    let policy = policy(&["10.1.2.3:8080", "db.example.com:8080", "db.example.com:5432"]);
    allowed(&dial(&policy, "10.1.2.3", 8080, "10.1.2.3", &[]));
    allowed(&dial(&policy, "10.1.2.3", 8080, "10.1.2.3", &["10.1.2.3"]));
    allowed(&dial(&policy, "db.example.com", 8080, "10.1.2.3", &[]));
    refused(&dial(&policy, "10.1.2.3", 8080, "10.1.2.4", &[]), Refusal::Host);
    refused(
        &dial(&policy, "db.example.com", 5432, "10.1.2.3", &[]),
        Refusal::Address(Objection::Private),
    );
}

#[test]
fn tls_asks_for_the_name_that_was_looked_up() {
    let mut policy = policy(&["api.example.com", "10.1.2.3:443"]);
    let tls = |policy: &Policy, to: &str, sni: Option<&[u8]>| {
        decide(policy, &Request::Tls { host: &host(to), port: 443, sni })
    };
    allowed(&tls(&policy, "api.example.com", Some(b"api.example.com")));
    allowed(&tls(&policy, "api.example.com", Some(b"API.example.com.")));
    for other in [&b"evil.test"[..], b"api.example.com\0", b"api.example.com.evil.test", b""] {
        refused(&tls(&policy, "api.example.com", Some(other)), Refusal::OtherServer);
    }
    refused(&tls(&policy, "api.example.com", None), Refusal::NoServer);
    refused(&tls(&policy, "evil.test", Some(b"evil.test")), Refusal::Host);
    // A rule that names an address says nothing of names.
    allowed(&tls(&policy, "10.1.2.3", Some(b"internal.example")));
    policy.rules[0].sni = Sni::Any;
    allowed(&tls(&policy, "api.example.com", None));
    allowed(&tls(&policy, "api.example.com", Some(b"front.example")));
}

#[test]
fn http_asks_for_the_host_that_was_connected_to() {
    let policy = policy(&["api.example.com:80", "api.example.com:8080", "[fd00::1]:80"]);
    let http = |to: &str, port: u16, value: &[u8]| {
        decide(&policy, &Request::Http { host: &host(to), port, value, usual: 80 })
    };
    allowed(&http("api.example.com", 80, b"api.example.com"));
    allowed(&http("api.example.com", 80, b"API.example.com:80"));
    allowed(&http("api.example.com", 8080, b"api.example.com:8080"));
    allowed(&http("[fd00::1]", 80, b"[fd00::1]"));
    for value in [
        &b"evil.test"[..],
        b"api.example.com:443",
        b"api.example.com:080",
        b"user@api.example.com",
        b"api.example.com@evil.test",
        b"api.example.com ",
        b"api.example.com, evil.test",
        b"",
        b"\xff",
    ] {
        refused(&http("api.example.com", 80, value), Refusal::OtherHost);
    }
    refused(&http("api.example.com", 8080, b"api.example.com"), Refusal::OtherHost);
}

#[test]
fn the_port_tells_what_is_spoken_unless_the_rule_does() {
    let policy = policy(&["a.example.com", "a.example.com:22", "a.example.com:993"]);
    for (port, expected) in
        [(443, Protocol::Tls), (80, Protocol::Http), (22, Protocol::Tcp), (993, Protocol::Tls)]
    {
        let Verdict::Allowed { protocol, .. } = connect(&policy, "a.example.com", port) else {
            panic!("{port}")
        };
        assert_eq!(protocol, expected);
    }
}

#[test]
fn the_closest_rule_counts_and_two_that_disagree_are_a_conflict() {
    let mut policy = policy(&["*.example.com", "a.example.com", "*.b.example.com"]);
    let by = |policy: &Policy, to: &str| match connect(policy, to, 443) {
        Verdict::Allowed { by, .. } => by,
        Verdict::Refused(why) => panic!("{why:?}"),
    };
    assert_eq!(by(&policy, "a.example.com"), "line of a.example.com");
    assert_eq!(by(&policy, "x.b.example.com"), "line of *.b.example.com");
    assert_eq!(by(&policy, "c.example.com"), "line of *.example.com");
    assert_eq!(policy.conflicts(), []);
    policy.rules.push(Rule { sni: Sni::Any, ..policy.rules[1].clone() });
    assert_eq!(policy.conflicts(), [Conflict { rules: (1, 3), port: 443 }]);
    policy.rules[3].sni = Sni::Same;
    assert_eq!(policy.conflicts(), [], "the same rule twice is not a conflict");
}

#[test]
fn what_was_taken_away_is_refused_whatever_the_rules_say() {
    let denied = [
        Rule::parse("*.example.com", "").unwrap().destination,
        Rule::parse("10.1.2.3", "").unwrap().destination,
    ];
    let rules = ["a.example.com", "example.com", "10.1.2.3:8080"];
    for reach in [Reach::Rules, internet().reach] {
        let mut policy = Policy { reach, ..policy(&rules) };
        allowed(&connect(&policy, "a.example.com", 443));
        denied.iter().for_each(|destination| policy.deny(destination.clone()));
        refused(&connect(&policy, "a.example.com", 443), Refusal::Host);
        refused(&connect(&policy, "10.1.2.3", 8080), Refusal::Host);
        refused(&decide(&policy, &Request::Lookup(&name("a.example.com"))), Refusal::Host);
        assert!(policy.ports(&host("a.example.com")).is_empty());
        allowed(&connect(&policy, "example.com", 443));
        // Nor by an address, nor where another name leads to one that was taken away.
        policy.rules.push(Rule { sni: Sni::Any, ..Rule::parse("1.1.1.1", "").unwrap() });
        policy.rules.push(Rule::parse("example.com:8080", "").unwrap());
        let tls = |sni: &[u8]| {
            let to = host("1.1.1.1");
            decide(&policy, &Request::Tls { host: &to, port: 443, sni: Some(sni) })
        };
        refused(&tls(b"A.example.com."), Refusal::Host);
        allowed(&tls(b"example.com"));
        refused(&dial(&policy, "example.com", 8080, "10.1.2.3", &[]), Refusal::Host);
        allowed(&dial(&policy, "example.com", 8080, "1.1.1.1", &[]));
    }
}

#[test]
fn the_newest_word_about_a_host_counts() {
    let rule = |text: &str| Rule::parse(text, "later").unwrap();
    for reach in [Reach::Rules, internet().reach] {
        let mut policy = Policy { reach, ..policy(&["*.example.com", "*.example.com:22"]) };
        policy.deny(rule("*.example.com").destination);
        policy.allow(rule("a.example.com:22"));
        allowed(&connect(&policy, "a.example.com", 22));
        assert_eq!(policy.ports(&host("a.example.com")), [22]);
        assert!(!policy.is_denied(&host("a.example.com")));
        // What was not given back stays away: its other ports, and its neighbours.
        refused(&connect(&policy, "a.example.com", 443), Refusal::Port);
        refused(&connect(&policy, "b.example.com", 22), Refusal::Host);
        policy.deny(rule("a.example.com").destination);
        refused(&connect(&policy, "a.example.com", 22), Refusal::Host);
        // A wider word counts too.
        policy.allow(rule("*.example.com:22"));
        allowed(&connect(&policy, "a.example.com", 22));
        allowed(&connect(&policy, "b.example.com", 22));
        refused(&connect(&policy, "b.example.com", 443), Refusal::Port);
    }
}

#[test]
fn a_refusal_says_what_would_allow_it() {
    let remedy = |why: Refusal, port| why.remedy(&host("a.example.com"), port);
    assert_eq!(remedy(Refusal::Host, 443).unwrap(), r#"(network-allow [ "a.example.com" ])"#);
    assert_eq!(remedy(Refusal::Port, 22).unwrap(), r#"(network-allow [ "a.example.com:22" ])"#);
    assert_eq!(remedy(Refusal::Address(Objection::Metadata), 80), None);
    for text in ["printer", "nas.local", "127.0.0.1", "[::1]"] {
        assert_eq!(Refusal::Host.remedy(&host(text), 443), None, "{text}");
    }
}

#[test]
fn a_policy_is_read_as_it_was_written_and_nothing_else_is() {
    let policy =
        Policy { reach: internet().reach, ..policy(&["*.example.com:22", "10.1.2.3:8080"]) };
    let text = serde_json::to_string(&policy).unwrap();
    assert_eq!(serde_json::from_str::<Policy>(&text).unwrap(), policy);
    for wrong in [
        r#"{"rules":[],"reach":"rules","more":1}"#,
        r#"{"rules":[{"destination":{"names":{"exactly":"A b"}},"ports":[1],"by":""}],"reach":"rules"}"#,
        r#"{"rules":[]}"#,
    ] {
        assert!(serde_json::from_str::<Policy>(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn a_pattern_covers_what_is_all_meant_by_it() {
    let pattern = |text: &str| Pattern::parse(text).unwrap();
    for (own, other) in [
        ("a.example.com", "A.example.com."),
        ("*.example.com", "a.example.com"),
        ("*.example.com", "*.example.com"),
        ("*.example.com", "*.a.example.com"),
    ] {
        assert!(pattern(own).covers(&pattern(other)), "{own} {other}");
    }
    for (own, other) in [
        ("a.example.com", "b.example.com"),
        ("a.example.com", "*.a.example.com"),
        ("*.example.com", "example.com"),
        ("*.a.example.com", "*.example.com"),
        ("*.example.com", "evilexample.com"),
    ] {
        assert!(!pattern(own).covers(&pattern(other)), "{own} {other}");
    }
}
