//! The check of hosts by name, over answers that no jail has given: each wrong one fails it.

use jail_plan::{Content, Egress, EgressRule, Given, GivenTo, Network, Places, Plan, SecretSocket};
use jail_probe::Answer;
use jailgen::audit::{Host, Verdict, attempts, report};

use super::{default_jail, read};

/// The default jail, with a rule for one host.
pub(super) fn plan() -> Option<Plan> {
    let mut plan = read(&default_jail()?.wrapper).0;
    let rule = EgressRule {
        host: "api.test.example".into(),
        ports: vec![443],
        protocol: None,
        any_sni: false,
        txt: false,
        by: "network-allow#4".into(),
    };
    plan.network = Some(Network {
        broker: "/nix/store/x/bin/jail-broker".into(),
        local: Vec::new(),
        unreachable: Vec::new(),
        addresses: vec!["198.18.0.1".into()],
        listeners: Vec::new(),
        egress: Egress { rules: vec![rule], ..Egress::default() },
        given: Vec::new(),
        by: "network-allow#4".into(),
    });
    Some(plan)
}

/// What a jail answers whose network is as it should be.
fn good(words: &str) -> Answer {
    const UNREACHABLE: i32 = 101;
    match words {
        "lookup api.test.example 127.0.0.1:53" => Answer::List(vec!["198.18.0.17".into()]),
        "lookup example.com 127.0.0.1:53" => Answer::Text("rcode 3".into()),
        "connect udp 198.18.0.1:443" => Answer::Done(0),
        _ => Answer::Refused(UNREACHABLE),
    }
}

/// How the check comes out when one attempt is answered otherwise.
fn judged(plan: &Plan, otherwise: Option<(&str, Answer)>) -> (Verdict, String) {
    judged_by("hosts-by-name", plan, otherwise)
}

fn judged_by(code: &str, plan: &Plan, otherwise: Option<(&str, Answer)>) -> (Verdict, String) {
    let host = Host::default();
    let words: Vec<String> = attempts(plan, &host).iter().map(|words| words.join(" ")).collect();
    if let Some((changed, _)) = &otherwise {
        assert!(words.iter().any(|words| words == changed), "{changed} is not tried");
    }
    let answer = |words: &String| match &otherwise {
        Some((changed, answer)) if words == changed => answer.clone(),
        _ => good(words),
    };
    let answers: Vec<Answer> = words.iter().map(answer).collect();
    let report = report(plan, &Places::new(), &host, &answers);
    let check = report.checks.into_iter().find(|check| check.code == code).unwrap();
    (check.verdict, check.evidence)
}

#[test]
fn hosts_that_no_rule_names_are_out_of_reach_or_the_check_fails() {
    let Some(plan) = plan() else { return };
    let (verdict, evidence) = judged(&plan, None);
    assert_eq!(verdict, Verdict::Passed, "{evidence}");
    let address = || Answer::List(vec!["198.18.0.18".into()]);
    for (words, answer) in [
        ("lookup example.com 127.0.0.1:53", address()),
        ("lookup example.com 127.0.0.1:53", Answer::Refused(111)),
        ("connect udp 192.0.2.1:443", Answer::Done(0)),
        ("connect udp 10.255.255.254:443", Answer::Done(0)),
        ("connect udp 169.254.169.254:80", Answer::Done(0)),
        ("lookup example.com 9.9.9.9:53", address()),
        ("lookup example.com 9.9.9.9:53", Answer::Text("rcode 5".into())),
        // The controls.
        ("lookup api.test.example 127.0.0.1:53", Answer::Text("rcode 3".into())),
        ("lookup api.test.example 127.0.0.1:53", Answer::List(Vec::new())),
        ("connect udp 198.18.0.1:443", Answer::Refused(101)),
    ] {
        let (verdict, evidence) = judged(&plan, Some((words, answer.clone())));
        assert_eq!(verdict, Verdict::Failed, "{words} {answer:?}: {evidence}");
    }
}

#[test]
fn what_the_broker_gives_is_the_specs_and_nothing_else_is() {
    let Some(mut plan) = plan() else { return };
    let variable = || Some(("environment", Answer::List(vec!["ROW_KEY".into()])));
    let socket = || Some(("sockets /", Answer::List(vec!["/run/api.sock".into()])));
    let verdict = |code, plan: &Plan, answer| judged_by(code, plan, answer).0;
    assert_eq!(verdict("environment", &plan, variable()), Verdict::Failed);
    assert_eq!(verdict("sockets", &plan, socket()), Verdict::Failed);
    let network = plan.network.as_mut().unwrap();
    network.given.push(Given {
        content: Content::Placeholder("ROW_KEY".into()),
        to: GivenTo::Variable("ROW_KEY".into()),
        by: "secret#5".into(),
    });
    network.egress.sockets.push(SecretSocket {
        secret: "/run/api.sock".into(),
        host: "api.test.example".into(),
        port: 443,
        header: "x-api-key".into(),
        prefix: String::new(),
        path: String::new(),
        socket: "/run/api.sock".into(),
        listen: 3129,
        by: "secret-socket#6".into(),
    });
    assert_eq!(verdict("environment", &plan, variable()), Verdict::Passed);
    assert_eq!(verdict("sockets", &plan, socket()), Verdict::Granted);
    let other = Answer::List(vec!["/run/other.sock".into()]);
    assert_eq!(verdict("sockets", &plan, Some(("sockets /", other))), Verdict::Failed);
}
