//! The check of secrets: the real audit of real jails, one of which has values brought in by other
//! grants; and answers that no jail gives.

use jail_plan::{
    Content, Given, GivenTo, Places, Plan, Secret, SecretPlace, SecretSocket, SecretSource,
};
use jail_probe::Answer;
use jailgen::audit::{Host, Verdict, attempts, canaries, report};
use serde_json::Value;

use super::network;
use crate::harness::Scratch;
use crate::real_nix::{has_user_namespaces, setup};

/// No value is read: one command fails, the other value is not there, and
/// what is in the file is none.
const SPEC: &str = r#"let
  host = "api.test.example";
  secrets = [
    (network-allow [ host ])
    proxy-variables
    (secret { env = "KEY"; from.env = "OUTSIDE_KEY"; hosts = [ host ]; })
    (secret-file { path = "/run/secrets/token"; from.file = noescape "~/.keys/token"; hosts = [ host ]; header = "x-token"; })
    (secret-socket { socket = "/run/api.sock"; upstream = "https://api.test.example"; header = "x-key"; from.command = [ "false" ]; })
  ];
in {
  tight = jail "audited-tight" pkgs.bashInteractive secrets;
  leaky = jail "audited-leaky" pkgs.bashInteractive (secrets ++ [
    (fwd-env "OUTSIDE_KEY")
    (readonly (noescape "~/.keys"))
  ]);
}
"#;

/// What a session left in the log.
const USED: &str = "{\"time\":\"2026-01-31T12:00:00.000Z\",\"session\":\"1\",\"number\":0,\"verdict\":\"used\",\"host\":\"api.test.example\",\
    \"secret\":\"KEY\",\"count\":7,\"last\":\"2026-01-31T11:59:59.000Z\"}\n";

#[test]
fn a_value_is_nowhere_inside_unless_another_grant_brings_it_in() {
    let Some(setup) = setup() else { return };
    if !has_user_namespaces() {
        return;
    }
    let log = ".local/state/jailgen/log/audited-tight/1.jsonl";
    let scratch = Scratch::with(&[
        ("p/s.jail", SPEC),
        (".keys/token", "not a value: of one character\n"),
        (log, USED),
    ]);
    let audit = |name: &str| -> Value {
        let words = ["audit", "p/s.jail", "--jail", name, "--json"];
        let arguments = [&words[..], &setup.overrides()].concat();
        let ran = setup.jailgen(&scratch, &setup.programs[0], &arguments);
        let report: Value =
            serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{}", ran.all()));
        report["jails"][0].clone()
    };
    scratch.run(&["approve", "p/s.jail"]).assert_status(0);
    let check = |report: &Value| {
        let checks = report["checks"].as_array().unwrap_or_else(|| panic!("{report:#}"));
        let check = checks.iter().find(|check| check["code"] == "secrets").unwrap();
        let text = |key: &str| check[key].as_str().unwrap().to_owned();
        (text("verdict"), text("evidence"))
    };
    let tight = audit("audited-tight");
    let (verdict, evidence) = check(&tight);
    assert_eq!(verdict, "passed", "{evidence}");
    assert!(
        evidence.starts_with("no value of KEY, /run/secrets/token, /run/api.sock is inside"),
        "{evidence}"
    );
    assert!(evidence.contains("answers of 3 servers"), "{evidence}");
    let told = &tight["secrets"][0];
    assert_eq!((&told["name"], &told["uses"][0]["count"]), (&"KEY".into(), &7.into()));

    let leaky = audit("audited-leaky");
    let (verdict, evidence) = check(&leaky);
    assert_eq!(verdict, "failed", "{evidence}");
    assert!(evidence.contains("the value of KEY is in the variable OUTSIDE_KEY"), "{evidence}");
    let file =
        format!("/run/secrets/token is read from is {}", scratch.path(".keys/token").display());
    assert!(evidence.contains(&file), "{evidence}");

    let words = scratch.run(&["explain", "p/s.jail"]).assert_status(0).all();
    let used = "the secret KEY went to api.test.example in 7 requests, the last at 2026-01-31 11:59:59 (UTC)";
    assert!(words.contains(used), "{words}");
}

/// A jail with a secret in a variable, and a server that adds it.
fn with_secrets() -> Option<Plan> {
    let mut plan = network::plan()?;
    let network = plan.network.as_mut()?;
    let secret = |name: &str, places: &[SecretPlace]| Secret {
        name: name.into(),
        from: SecretSource::Variable("KEY".into()),
        hosts: vec!["api.test.example".into()],
        places: places.to_vec(),
        header: None,
        optional: false,
        by: "secret#5".into(),
    };
    network.egress.secrets =
        vec![secret("KEY", &[SecretPlace::Header]), secret("/run/a.sock", &[])];
    network.given.push(Given {
        content: Content::Placeholder("KEY".into()),
        to: GivenTo::Variable("KEY".into()),
        by: "secret#5".into(),
    });
    network.egress.sockets.push(SecretSocket {
        secret: "/run/a.sock".into(),
        host: "api.test.example".into(),
        port: 443,
        header: "x-api-key".into(),
        prefix: String::new(),
        path: String::new(),
        socket: "/run/a.sock".into(),
        listen: 3129,
        by: "secret-socket#6".into(),
    });
    Some(plan)
}

#[test]
fn each_answer_that_shows_a_value_or_no_placeholder_fails_the_check() {
    let Some(plan) = with_secrets() else { return };
    let host = Host { canaries: canaries(&plan, "/home/u").unwrap(), ..Host::default() };
    let canary = host.canaries[0].text.clone();
    // Both come from one variable.
    assert_eq!(host.canaries[1].text, canary);
    let words: Vec<String> = attempts(&plan, &host).iter().map(|words| words.join(" ")).collect();
    assert!(!words.iter().any(|words| words.contains(&canary)), "it is not inside by the search");
    let search = words.iter().find(|words| words.starts_with("search ")).unwrap().as_str();
    let looked = || "3 files, the memory of one other process".to_owned();
    let judged = |host: &Host, otherwise: Option<(&str, Answer)>| {
        let answer = |words: &String| match (&otherwise, words.as_str()) {
            (Some((changed, answer)), words) if *changed == words => answer.clone(),
            (_, words) if words == search => Answer::List(vec![looked()]),
            (_, "variable KEY") => Answer::Text("f".repeat(canary.len())),
            (_, "ask unix /run/a.sock") => Answer::Text("HTTP/1.1 400 Bad Request".into()),
            _ => Answer::Refused(101),
        };
        let answers: Vec<Answer> = words.iter().map(answer).collect();
        let report = report(&plan, &Places::new(), host, &answers);
        let check = report.checks.into_iter().find(|check| check.code == "secrets").unwrap();
        (check.verdict, check.evidence)
    };
    let (verdict, evidence) = judged(&host, None);
    assert_eq!(verdict, Verdict::Passed, "{evidence}");
    for (words, answer, why) in [
        (search, Answer::List(vec![looked(), "0 /tmp/x".into()]), "the value of KEY is in /tmp/x"),
        (search, Answer::List(vec![looked(), "nonsense".into()]), "not an answer"),
        (search, Answer::Refused(13), "nothing was searched"),
        ("variable KEY", Answer::Text(String::new()), "KEY has no placeholder"),
        ("variable KEY", Answer::Refused(2), "KEY has no placeholder"),
        ("ask unix /run/a.sock", Answer::Text(format!("x {canary}")), "answers with the value"),
        ("ask unix /run/a.sock", Answer::Refused(111), "nothing answers at /run/a.sock"),
    ] {
        let (verdict, evidence) = judged(&host, Some((words, answer)));
        assert_eq!(verdict, Verdict::Failed, "{words}: {evidence}");
        assert!(evidence.contains(why), "{words}: {evidence}");
    }
    let (verdict, evidence) = judged(&Host::default(), None);
    assert_eq!((verdict, evidence.contains("no canary")), (Verdict::Failed, true), "{evidence}");
}
