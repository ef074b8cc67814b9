//! Requests that are judged, and secrets.

use super::*;
use crate::term::Placed;
use crate::testing::set;

/// The messages about these permissions, without those about certificates and names.
fn said(permissions: Vec<Value>) -> String {
    let dull = ["/etc/ssl/", "/etc/pki/", "/etc/services", "/etc/resolv.conf", "jail#0"];
    let is_dull = |line: &&str| {
        dull.iter().any(|part| line.contains(part)) || line.contains("authorities.pem")
    };
    let said = lowered(&jail(permissions));
    let lines: Vec<&str> = said.lines().filter(|line| !is_dull(line)).collect();
    lines.iter().map(|line| format!("{line}\n")).collect()
}

#[track_caller]
fn check_said(permissions: Vec<Value>, expected: &Expect) {
    expected.assert_eq(&said(permissions));
}

fn allow(hosts: &[&str]) -> Value {
    let hosts = hosts.iter().map(|host| Placed { value: s(host), place: None }).collect();
    p("network-allow", [Value::List(hosts)])
}

fn secret<const N: usize>(more: [(&str, Value); N]) -> Value {
    let mut all = vec![
        ("env", s("KEY")),
        ("from", set([("env", s("KEY"))])),
        ("hosts", list([s("api.example.com")])),
    ];
    for (name, value) in more {
        all.retain(|(known, _)| *known != name);
        all.push((name, value));
    }
    let placed = |(name, value): (&str, Value)| (name.to_owned(), Placed { value, place: None });
    p("secret", [Value::Attributes(all.into_iter().map(placed).collect())])
}

fn socket<const N: usize>(more: [(&str, Value); N]) -> Value {
    let mut all = vec![
        ("socket", s("/run/api.sock")),
        ("upstream", s("https://api.example.com")),
        ("header", s("x-api-key")),
        ("from", set([("env", s("KEY"))])),
    ];
    for (name, value) in more {
        all.retain(|(known, _)| *known != name);
        all.push((name, value));
    }
    let placed = |(name, value): (&str, Value)| (name.to_owned(), Placed { value, place: None });
    p("secret-socket", [Value::Attributes(all.into_iter().map(placed).collect())])
}

#[test]
fn rules_about_requests_stay_apart() {
    let rule = |methods: &str, path: &str| {
        let rules = set([("methods", list([s(methods)])), ("paths", list([s(path)]))]);
        p("http-allow", [s("API.example.com."), rules])
    };
    check_said(
        vec![
            rule("GET", "/v1/**"),
            rule("POST", "/v1/*/items"),
            p("http-allow", [s("*.example.org:8443"), set([])]),
        ],
        &expect![[r#"
            http-allow#6: {"network":{"host":{"host":"*.example.org","ports":[8443],"spoken":"tls"}}}
            http-allow#5: {"network":{"host":{"host":"api.example.com","ports":[443,80]}}}
            http-allow#6: {"network":{"requests":{"host":"*.example.org","methods":[],"paths":[]}}}
            http-allow#4: {"network":{"requests":{"host":"api.example.com","methods":["GET"],"paths":["/v1/**"]}}}
            http-allow#5: {"network":{"requests":{"host":"api.example.com","methods":["POST"],"paths":["/v1/*/items"]}}}
        "#]],
    );
}

#[test]
fn the_authority_of_the_launch_is_trusted_wherever_the_public_ones_were() {
    let all = lowered(&jail(vec![
        p("http-allow", [s("a.example.com"), set([])]),
        allow(&["b.example.com"]),
    ]));
    let about: Vec<&str> = all.lines().filter(|line| line.contains("authorities")).collect();
    expect![[r#"
        http-allow#4: {"network":{"authorities":{"bundle":{"pieces":[{"nix":"pkgs.cacert","output":"out"},"/etc/ssl/certs/ca-bundle.crt"],"expand":false}}}}
        http-allow#4: {"symlink":{"to":"/etc/ssl/certs/ca-bundle.crt","target":"/run/jailgen/authorities.pem"}}
        http-allow#4: {"symlink":{"to":"/etc/ssl/certs/ca-certificates.crt","target":"/run/jailgen/authorities.pem"}}
        http-allow#4: {"symlink":{"to":"/etc/pki/tls/certs/ca-bundle.crt","target":"/run/jailgen/authorities.pem"}}
        http-allow#4: {"set-env":{"name":"AWS_CA_BUNDLE","value":"/run/jailgen/authorities.pem"}}
        http-allow#4: {"set-env":{"name":"CARGO_HTTP_CAINFO","value":"/run/jailgen/authorities.pem"}}
        http-allow#4: {"set-env":{"name":"CURL_CA_BUNDLE","value":"/run/jailgen/authorities.pem"}}
        http-allow#4: {"set-env":{"name":"DENO_CERT","value":"/run/jailgen/authorities.pem"}}
        http-allow#4: {"set-env":{"name":"GIT_SSL_CAINFO","value":"/run/jailgen/authorities.pem"}}
        http-allow#4: {"set-env":{"name":"GRPC_DEFAULT_SSL_ROOTS_FILE_PATH","value":"/run/jailgen/authorities.pem"}}
        http-allow#4: {"set-env":{"name":"NIX_SSL_CERT_FILE","value":"/run/jailgen/authorities.pem"}}
        http-allow#4: {"set-env":{"name":"NODE_EXTRA_CA_CERTS","value":"/run/jailgen/authorities.pem"}}
        http-allow#4: {"set-env":{"name":"PIP_CERT","value":"/run/jailgen/authorities.pem"}}
        http-allow#4: {"set-env":{"name":"REQUESTS_CA_BUNDLE","value":"/run/jailgen/authorities.pem"}}
        http-allow#4: {"set-env":{"name":"SSL_CERT_FILE","value":"/run/jailgen/authorities.pem"}}
    "#]].assert_eq(&(about.join("\n") + "\n"));
    // Only there, the public bundle itself remains.
    let public: Vec<&str> = all.lines().filter(|line| line.contains("pkgs.cacert")).collect();
    assert!(public.iter().all(|line| line.contains("{\"authorities\":")), "{public:?}");
    // A folder with certificates would take precedence over the file.
    let folder = p("set-env", [s("SSL_CERT_DIR"), s("/etc/ssl/certs")]);
    let unset = said(vec![p("http-allow", [s("a.example.com"), set([])]), folder]);
    assert!(unset.contains("{\"unset-env\":{\"name\":\"SSL_CERT_DIR\"}}"), "{unset}");
    assert!(!unset.contains("{\"set-env\":{\"name\":\"SSL_CERT_DIR\""), "{unset}");
    let without = lowered(&jail(vec![allow(&["b.example.com"])]));
    assert!(!without.contains("authorities"), "{without}");
}

#[test]
fn secrets_have_a_source_hosts_and_places() {
    check_said(
        vec![
            allow(&["api.example.com", "*.example.org"]),
            secret([]),
            secret([
                ("env", s("TOKEN")),
                ("from", set([("command", s("pass show 'my token'"))])),
                ("hosts", list([s("git.example.org"), s("*.example.org"), s("GIT.example.org")])),
                ("places", list([s("basic"), s("header")])),
                ("header", s("Authorization")),
                ("optional", b(true)),
            ]),
            p(
                "secret-file",
                [set([
                    ("path", x("~/.config/token")),
                    ("from", set([("file", x("~/.keys/token"))])),
                    ("hosts", list([s("api.example.com")])),
                    ("places", list([s("body")])),
                ])],
            ),
            secret([
                ("env", s("OTHER")),
                ("from", set([("keyring", set([("service", s("x")), ("account", s("me"))]))])),
                ("places", list([s("query")])),
            ]),
        ],
        &expect![[r#"
            network-allow#4: {"network":{"host":{"host":"*.example.org","ports":[443,80]}}}
            network-allow#4: {"network":{"host":{"host":"api.example.com","ports":[443,80]}}}
            secret#5: {"network":{"secret":{"to":{"variable":"KEY"},"from":{"variable":"KEY"},"hosts":["api.example.com"],"places":["header"]}}}
            secret#8: {"network":{"secret":{"to":{"variable":"OTHER"},"from":{"keyring":["account","me","service","x"]},"hosts":["api.example.com"],"places":["query"]}}}
            secret#6: {"network":{"secret":{"to":{"variable":"TOKEN"},"from":{"command":["pass","show","my token"]},"hosts":["*.example.org","git.example.org"],"places":["header","basic"],"header":"authorization","optional":true}}}
            secret-file#7: {"network":{"secret":{"to":{"file":{"expand":"~/.config/token"}},"from":{"file":{"expand":"~/.keys/token"}},"hosts":["api.example.com"],"places":["body"]}}}
            warning[wildcard-secret] at 13: `TOKEN` may go to every host of *.example.org
              ^ medium severity
              = help: name the hosts that need it: the value can be sent to each of the others
        "#]],
    );
}

#[test]
fn a_server_has_a_port_that_nothing_else_has() {
    check_said(
        vec![
            socket([("env", s("API_URL")), ("upstream", s("https://api.example.com:8443/v1/"))]),
            p("expose-port", [s("3129-3130")]),
            p("allow-host-port", [set([("from", i(3131)), ("to", i(80))])]),
            socket([
                ("socket", s("/run/other.sock")),
                ("header", s("Authorization: Bearer ")),
                ("env", s("OTHER_URL")),
            ]),
        ],
        &expect![[r#"
            allow-host-port#6: {"network":{"host-port":{"from":3131,"to":80}}}
            expose-port#5: {"network":{"exposed":{"from":3129,"to":3129,"count":2}}}
            secret-socket#4: {"network":{"secret-socket":{"socket":"/run/api.sock","from":{"variable":"KEY"},"host":"api.example.com","port":8443,"path":"/v1","header":"x-api-key","listen":3132}}}
            secret-socket#7: {"network":{"secret-socket":{"socket":"/run/other.sock","from":{"variable":"KEY"},"host":"api.example.com","port":443,"header":"authorization","prefix":"Bearer ","listen":3133}}}
            secret-socket#4: {"set-env":{"name":"API_URL","value":"http://127.0.0.1:3132"}}
            secret-socket#7: {"set-env":{"name":"OTHER_URL","value":"http://127.0.0.1:3133"}}
        "#]],
    );
}

#[test]
fn a_secret_that_the_network_does_not_lead_to_is_an_error() {
    let reached = [
        vec![allow(&["api.example.com"])],
        vec![allow(&["*.example.com"])],
        vec![p("internet", [])],
        vec![p("http-allow", [s("api.example.com"), set([])])],
    ];
    for mut network in reached {
        network.push(secret([]));
        let said = said(network);
        assert!(said.contains("{\"secret\":"), "{said}");
    }
    let unreached = [
        vec![],
        vec![allow(&["example.com", "*.api.example.com"])],
        vec![allow(&["api.example.com:80"])],
        vec![p("internet-ports", [list([i(80)])])],
        vec![p("network", [])],
    ];
    let said = unreached.map(|mut network| {
        network.push(secret([]));
        said(network)
    });
    expect![[r#"
        error[secret-host] at 7: `secret` is for `api.example.com`, but the jail can reach no host
          = help: name the host: `(network-allow [ "api.example.com" ])`
        error[secret-host] at 11: `secret` is for `api.example.com`, which the network does not allow
          at 4: these hosts may be reached
          = help: add `"api.example.com"` to the hosts that may be reached, or remove it from the hosts of the secret
        error[secret-host] at 10: `secret` puts a value only into TLS, and nothing speaks TLS to `api.example.com`
          at 4: these hosts may be reached
          = help: allow the host on port 443, or say `tls = true` for the port that uses it
        error[secret-host] at 10: `secret` is for `api.example.com`, but no port for TLS may be reached
          = help: allow port 443 too
        error[contradiction] at 8: `secret` needs the network by name: under `network` there is no broker between the jail and a host
          at 2: the host's network is granted here
          = help: name the hosts with `network-allow` instead of `network`, or with `allowedHosts` in a builder
    "#]].assert_eq(&said.concat());
    let wildcard =
        vec![allow(&["api.example.com"]), secret([("hosts", list([s("*.example.com")]))])];
    assert!(super::secrets::said(wildcard).contains("error[secret-host]"));
}

#[test]
fn what_says_two_things_about_one_is_an_error() {
    let contradictions = [
        vec![allow(&["a.example.com"]), p("http-allow", [s("a.example.com"), set([])])],
        vec![p("http-allow", [s("*.example.com"), set([])]), allow(&["a.example.com:443"])],
        vec![
            allow(&["*.example.com"]),
            secret([("header", s("x-key"))]),
            secret([
                ("env", s("B")),
                ("header", s("X-Key")),
                ("hosts", list([s("*.example.com")])),
            ]),
        ],
        vec![allow(&["api.example.com"]), secret([]), secret([("header", s("x-key"))])],
        vec![allow(&["api.example.com"]), secret([]), p("fwd-env", [s("KEY")])],
        vec![socket([]), socket([("header", s("x-other"))])],
        vec![p("network", []), socket([])],
        vec![
            allow(&["api.example.com"]),
            secret([("header", s("x-key")), ("places", list([s("query")]))]),
        ],
    ];
    expect![[r#"
        error[contradiction] at 6: `network-allow` allows every request to `a.example.com`, and `http-allow` only some to `a.example.com`
          at 4: allowed here
          = help: take `a.example.com` from the list of `network-allow`: `http-allow` makes the host reachable
        error[contradiction] at 7: `network-allow` allows every request to `a.example.com`, and `http-allow` only some to `*.example.com`
          at 3: allowed here
          = help: take `a.example.com` from the list of `network-allow`: `http-allow` makes the host reachable
        warning[wildcard-secret] at 13: `B` may go to every host of *.example.com
          ^ medium severity
          = help: name the hosts that need it: the value can be sent to each of the others
        error[contradiction] at 19: `KEY` and `B` are both for the header `x-key` of `api.example.com`, which holds one
          at 11: first granted here
          = help: remove one of them, or give each its own hosts
        error[contradiction] at 18: `KEY` is the placeholder of two secrets
          at 10: first granted here
          = help: remove one of them, or give each its own hosts
        error[contradiction] at 12: `KEY` has the placeholder of a `secret`, and `fwd-env` gives it a value
          at 10: first granted here
          = help: leave `fwd-env` out: the value then stays outside
        error[contradiction] at 14: two servers would listen at `/run/api.sock`
          at 7: first granted here
          = help: give one of them another socket
        error[contradiction] at 8: `secret-socket` needs the network by name: under `network` there is no broker between the jail and a host
          at 2: the host's network is granted here
          = help: name the hosts with `network-allow` instead of `network`, or with `allowedHosts` in a builder
        error[contradiction] at 10: `header` names a header, and `places` has no `"header"`
          = help: remove one of them
    "#]].assert_eq(&contradictions.map(said).concat());
    // Other ports, other hosts and other headers do not conflict.
    for together in [
        vec![allow(&["a.example.com:22"]), p("http-allow", [s("a.example.com"), set([])])],
        vec![allow(&["*.example.com"]), p("http-allow", [s("a.example.com"), set([])])],
        vec![p("internet", []), p("http-allow", [s("a.example.com"), set([])])],
        vec![
            allow(&["*.example.com"]),
            secret([("header", s("x-key"))]),
            secret([("env", s("B")), ("header", s("x-other"))]),
            secret([
                ("env", s("C")),
                ("header", s("x-key")),
                ("hosts", list([s("b.example.com")])),
            ]),
        ],
    ] {
        let said = said(together);
        assert!(!said.contains("error"), "{said}");
    }
}

#[test]
fn a_key_that_could_stay_outside_draws_a_warning() {
    let forwarded = |network: Vec<Value>| {
        said([network, vec![p("try-fwd-env", [s("OPENAI_API_KEY")])]].concat())
    };
    expect![[r#"
        network#4: "host-network"
        network#4: {"copy":{"from":"/etc/hosts","to":"/etc/hosts","append":"127.0.0.1 demo\n::1 demo\n","missing":"skip"}}
        network#4: {"time-zone":{"zone":"host"}}
        try-fwd-env#5: {"forward-env":{"name":"OPENAI_API_KEY","missing":"skip"}}
        network#4: {"set-env":{"name":"TZDIR","value":{"pieces":[{"nix":"pkgs.tzdata","output":"out"},"/share/zoneinfo"],"expand":false}}}
        warning[forwards-key] at 3: `try-fwd-env` gives the jail the value of `OPENAI_API_KEY`, which can stay outside
          = help: write `(secret { env = "OPENAI_API_KEY"; from.env = "OPENAI_API_KEY"; hosts = [ "api.openai.com" ]; })`: the program then has a placeholder, and needs the network by name
        try-fwd-env#4: {"forward-env":{"name":"OPENAI_API_KEY","missing":"skip"}}
    "#]].assert_eq(&(forwarded(vec![p("network", [])]) + &forwarded(vec![])));
}

#[test]
fn nothing_of_a_value_in_the_spec_is_shown() {
    let said = said(vec![
        allow(&["api.example.com"]),
        secret([("from", s("sk-value"))]),
        secret([("from", x("$sk-value"))]),
        socket([("upstream", s("https://user:sk-value@api.example.com"))]),
    ]);
    assert!(!said.contains("sk-value"), "{said}");
    assert_eq!(said.matches("error[secret-in-spec]").count(), 3, "{said}");
}

#[test]
fn nothing_is_made_in_a_folder_of_the_hosts() {
    let file = |path: Value| {
        let (from, hosts) = (set([("env", s("KEY"))]), list([s("api.example.com")]));
        p("secret-file", [set([("path", path), ("from", from), ("hosts", hosts)])])
    };
    let wrong = [
        vec![p("internet", []), p("readonly", [s("/srv")]), file(s("/srv/keys/token"))],
        vec![p("internet", []), file(x("~/.tool/token")), p("state-dir", [x("~/.tool")])],
        vec![p("readwrite", [s("/run/api")]), socket([("socket", s("/run/api/a.sock"))])],
    ];
    expect![[r#"
        error[contradiction] at 9: `secret-file` would make `/srv/keys/token` in a folder of the host's, which `readonly` grants
          at 4: first granted here
          = help: name another place, such as `"/run/secrets/name"`, and configure the program to use it
        error[contradiction] at 11: `secret-file` would make `~/.tool/token` in a folder of the host's, which `state-dir` grants
          at 7: first granted here
          = help: name another place, such as `"/run/secrets/name"`, and configure the program to use it
        warning[hidden-grant] at 11: `state-dir` at `~/.tool` covers `~/.tool/token`, which was granted before
          ^ later grants cover earlier ones
          at 7: first granted here
          = help: put `secret-file` after it
        error[contradiction] at 9: `secret-socket` would make `/run/api/a.sock` in a folder of the host's, which `readwrite` grants
          at 3: first granted here
          = help: name another place, such as `"/run/secrets/name"`, and configure the program to use it
    "#]].assert_eq(&wrong.map(said).concat());
    let apart = vec![p("internet", []), p("readonly", [s("/srv")]), file(s("/srv2/token"))];
    assert!(!said(apart).contains("error"));
}

#[test]
fn builders_know_the_keys_of_their_agents() {
    let secrets = |builder: &str, arguments: Vec<(&str, Value)>| {
        let named = arguments
            .into_iter()
            .map(|(name, value)| (name.to_owned(), Placed { value, place: None }));
        let mut jail = built(builder, []);
        let crate::term::Made::Built(made) = &mut jail.made else { panic!("built") };
        made.arguments.extend(named);
        let said = lowered_whole(&jail);
        let about = ["\"secret\"", "error", "warning"];
        let lines = said.lines().filter(|line| about.iter().any(|part| line.contains(part)));
        lines.map(|line| format!("{line}\n")).collect::<String>()
    };
    let default = || ("secrets", s("default"));
    let said = [
        secrets("makeJailedClaudeCode", vec![("allowedHosts", s("default")), default()]),
        secrets(
            "makeJailedOpencode",
            vec![("allowedHosts", list([s("api.x.ai"), s("@claude-code")])), default()],
        ),
        secrets(
            "makeJailedPi",
            vec![
                ("allowedHosts", list([s("api.github.com")])),
                ("secrets", list([s("GITHUB_TOKEN")])),
            ],
        ),
        secrets("makeJailedClaudeCode", vec![default()]),
        secrets("makeJailedCursorAgent", vec![("allowedHosts", s("default")), default()]),
        secrets("makeJailedPi", vec![("allowedHosts", s("default")), ("secrets", s("all"))]),
        secrets(
            "makeJailedPi",
            vec![("allowedHosts", s("default")), ("secrets", list([s("GROK_API_KEY")]))],
        ),
    ];
    expect![[r#"
        secret#14: {"network":{"secret":{"to":{"variable":"ANTHROPIC_API_KEY"},"from":{"variable":"ANTHROPIC_API_KEY"},"hosts":["api.anthropic.com"],"places":["header"],"optional":true}}}
        --
        secret#17: {"network":{"secret":{"to":{"variable":"ANTHROPIC_API_KEY"},"from":{"variable":"ANTHROPIC_API_KEY"},"hosts":["api.anthropic.com"],"places":["header"],"optional":true}}}
        secret#18: {"network":{"secret":{"to":{"variable":"XAI_API_KEY"},"from":{"variable":"XAI_API_KEY"},"hosts":["api.x.ai"],"places":["header"],"optional":true}}}
        --
        secret#13: {"network":{"secret":{"to":{"variable":"GITHUB_TOKEN"},"from":{"variable":"GITHUB_TOKEN"},"hosts":["api.github.com"],"places":["header","basic"]}}}
        --
        error[contradiction] at 0: `secret` needs the network by name: under `network` there is no broker between the jail and a host
        --
        error[unknown-setting] at 0: jailgen knows no keys for `makeJailedCursorAgent`, so there is no default
        --
        error[unknown-setting] at 0: `secrets` is `"default"` or a list of secrets, not `all`
        --
        error[unknown-setting] at 0: `GROK_API_KEY` is not a key that jailgen knows
    "#]].assert_eq(&said.join("--\n"));
}
