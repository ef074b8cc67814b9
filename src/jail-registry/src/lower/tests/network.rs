//! The network by name.

use super::*;
use crate::testing::set;

/// The messages about these permissions, without those about certificates.
fn said(permissions: Vec<Value>) -> String {
    let is_dull = |line: &&str| {
        !["/etc/ssl/", "/etc/pki/", "_BUNDLE", "_CERT_FILE", "SSL_CAINFO", "jail#0"]
            .iter()
            .any(|part| line.contains(part))
    };
    let said = lowered(&jail(permissions));
    let lines: Vec<&str> = said.lines().filter(is_dull).collect();
    lines.iter().map(|line| format!("{line}\n")).collect()
}

#[track_caller]
fn check_network(permissions: Vec<Value>, expected: &Expect) {
    expected.assert_eq(&said(permissions));
}

#[test]
fn hosts_are_named_in_one_form() {
    check_network(
        vec![p(
            "network-allow",
            [list([
                s("API.Example.COM."),
                s("*.bücher.example"),
                s("github.com:22"),
                s("10.1.2.3:8080"),
                s("[FD00::1]:22"),
                set([
                    ("host", s("db.example.com")),
                    ("ports", list([i(5433), i(5432)])),
                    ("tls", b(true)),
                ]),
                set([("host", s("front.example.com")), ("sni", s("any")), ("txt", b(true))]),
                set([("host", s("@codex")), ("ports", list([i(80), i(443)]))]),
            ])],
        )],
        &expect![[r#"
            network-allow#4: {"network":{"host":{"host":"*.xn--bcher-kva.example","ports":[443,80]}}}
            network-allow#4: {"network":{"host":{"host":"10.1.2.3","ports":[8080]}}}
            network-allow#4: {"network":{"host":{"host":"[fd00::1]","ports":[22]}}}
            network-allow#4: {"network":{"host":{"host":"api.example.com","ports":[443,80]}}}
            network-allow#4: {"network":{"host":{"host":"api.openai.com","ports":[443,80]}}}
            network-allow#4: {"network":{"host":{"host":"auth.openai.com","ports":[443,80]}}}
            network-allow#4: {"network":{"host":{"host":"chatgpt.com","ports":[443,80]}}}
            network-allow#4: {"network":{"host":{"host":"db.example.com","ports":[5432,5433],"spoken":"tls"}}}
            network-allow#4: {"network":{"host":{"host":"front.example.com","ports":[443,80],"any-sni":true,"txt":true}}}
            network-allow#4: {"network":{"host":{"host":"github.com","ports":[22]}}}
            network-allow#4: {"file":{"to":"/etc/resolv.conf","content":"nameserver 127.0.0.1\noptions edns0\n","mode":292}}
            network-allow#4: {"copy":{"from":"/etc/services","to":"/etc/services","missing":"skip"}}
        "#]],
    );
}

#[test]
fn an_empty_list_is_no_network_and_no_mistake() {
    assert_eq!(said(vec![p("network-allow", [list([])])]), "");
}

#[test]
fn ports_of_the_internet_are_those_that_are_named() {
    check_network(
        vec![p("internet", [])],
        &expect![[r#"
        internet#4: {"network":{"internet":{"ports":[443,80,22]}}}
        internet#4: {"file":{"to":"/etc/resolv.conf","content":"nameserver 127.0.0.1\noptions edns0\n","mode":292}}
        internet#4: {"copy":{"from":"/etc/services","to":"/etc/services","missing":"skip"}}
    "#]],
    );
    let named = p("internet-ports", [list([i(8443), i(443)])]);
    check_network(
        vec![named.clone(), p("internet", [])],
        &expect![[r#"
        internet-ports#4: {"network":{"internet":{"ports":[443,8443]}}}
        internet-ports#4: {"file":{"to":"/etc/resolv.conf","content":"nameserver 127.0.0.1\noptions edns0\n","mode":292}}
        internet-ports#4: {"copy":{"from":"/etc/services","to":"/etc/services","missing":"skip"}}
    "#]],
    );
    check_network(
        vec![p("internet", []), named],
        &expect![[r#"
        internet-ports#5: {"network":{"internet":{"ports":[443,8443]}}}
        internet#4: {"file":{"to":"/etc/resolv.conf","content":"nameserver 127.0.0.1\noptions edns0\n","mode":292}}
        internet#4: {"copy":{"from":"/etc/services","to":"/etc/services","missing":"skip"}}
    "#]],
    );
}

#[test]
fn the_surroundings_lie_beneath_what_the_spec_puts_there() {
    let own = p("write-text", [s("/etc/resolv.conf"), s("nameserver 127.0.0.1\n")]);
    check_network(
        vec![own, p("internet", [])],
        &expect![[r#"
        internet#5: {"network":{"internet":{"ports":[443,80,22]}}}
        internet#5: {"copy":{"from":"/etc/services","to":"/etc/services","missing":"skip"}}
        write-text#4: {"file":{"to":"/etc/resolv.conf","content":"nameserver 127.0.0.1\n","mode":292}}
    "#]],
    );
}

#[test]
fn ports_of_the_host_and_of_the_jail() {
    check_network(
        vec![
            p("allow-host-port", [i(5432)]),
            p("allow-host-port", [set([("from", i(8081)), ("to", i(8080))])]),
            p("expose-port", [i(3000)]),
            p("expose-port", [s("4000-4010")]),
            p("expose-port", [s("ephemeral")]),
            p("expose-port", [set([("from", i(8080)), ("to", i(80))])]),
        ],
        &expect![[r#"
            allow-host-port#4: {"network":{"host-port":{"from":5432,"to":5432}}}
            allow-host-port#5: {"network":{"host-port":{"from":8081,"to":8080}}}
            expose-port#8: {"network":{"exposed":{"from":0,"to":0,"count":1}}}
            expose-port#6: {"network":{"exposed":{"from":3000,"to":3000,"count":1}}}
            expose-port#7: {"network":{"exposed":{"from":4000,"to":4000,"count":11}}}
            expose-port#9: {"network":{"exposed":{"from":8080,"to":80,"count":1}}}
        "#]],
    );
}

#[test]
fn resolvers_are_asked_outside_or_named_inside() {
    let dns = p("dns", [list([s("9.9.9.9"), s("[2620:fe::fe]:5353")])]);
    check_network(
        vec![p("internet", []), dns],
        &expect![[r#"
        internet#4: {"network":{"internet":{"ports":[443,80,22]}}}
        dns#5: {"network":{"resolvers":{"servers":["9.9.9.9","[2620:fe::fe]:5353"]}}}
        internet#4: {"file":{"to":"/etc/resolv.conf","content":"nameserver 127.0.0.1\noptions edns0\n","mode":292}}
        internet#4: {"copy":{"from":"/etc/services","to":"/etc/services","missing":"skip"}}
    "#]],
    );
    let dns = p("dns", [list([s("9.9.9.9"), s("2620:fe::fe")])]);
    check_network(
        vec![p("network", []), dns],
        &expect![[r#"
        network#4: "host-network"
        dns#5: {"file":{"to":"/etc/resolv.conf","content":"nameserver 9.9.9.9\nnameserver 2620:fe::fe\n","mode":292}}
        network#4: {"copy":{"from":"/etc/hosts","to":"/etc/hosts","append":"127.0.0.1 demo\n::1 demo\n","missing":"skip"}}
        network#4: {"copy":{"from":"/etc/services","to":"/etc/services","missing":"skip"}}
        network#4: {"time-zone":{"zone":"host"}}
        network#4: {"set-env":{"name":"TZDIR","value":{"pieces":[{"nix":"pkgs.tzdata","output":"out"},"/share/zoneinfo"],"expand":false}}}
    "#]],
    );
}

#[test]
fn proxies() {
    check_network(
        vec![
            p("internet-ports", [list([i(443)])]),
            p("proxy-variables", []),
            p("upstream-proxy", [x("${HTTPS_PROXY}")]),
            p(
                "network-ask",
                [set([("command", list([s("/usr/bin/ask"), s("-v")])), ("seconds", i(9))])],
            ),
        ],
        &expect![[r#"
            internet-ports#4: {"network":{"internet":{"ports":[443]}}}
            proxy-variables#5: {"network":"proxy"}
            upstream-proxy#6: {"network":{"upstream":{"proxy":{"variable":{"name":"HTTPS_PROXY"}}}}}
            network-ask#7: {"network":{"ask":{"command":["/usr/bin/ask","-v"],"seconds":9}}}
            internet-ports#4: {"file":{"to":"/etc/resolv.conf","content":"nameserver 127.0.0.1\noptions edns0\n","mode":292}}
            internet-ports#4: {"copy":{"from":"/etc/services","to":"/etc/services","missing":"skip"}}
            proxy-variables#5: {"set-env":{"name":"ALL_PROXY","value":"socks5h://127.0.0.1:3128"}}
            proxy-variables#5: {"set-env":{"name":"HTTPS_PROXY","value":"http://127.0.0.1:3128"}}
            proxy-variables#5: {"set-env":{"name":"HTTP_PROXY","value":"http://127.0.0.1:3128"}}
            proxy-variables#5: {"set-env":{"name":"NO_PROXY","value":"localhost,127.0.0.1,::1"}}
            proxy-variables#5: {"set-env":{"name":"all_proxy","value":"socks5h://127.0.0.1:3128"}}
            proxy-variables#5: {"set-env":{"name":"http_proxy","value":"http://127.0.0.1:3128"}}
            proxy-variables#5: {"set-env":{"name":"https_proxy","value":"http://127.0.0.1:3128"}}
            proxy-variables#5: {"set-env":{"name":"no_proxy","value":"localhost,127.0.0.1,::1"}}
        "#]],
    );
    let with = |key, value| {
        let credentials = set([(key, value)]);
        set([("url", s("http://proxy.example.org:3128/")), ("credentials", credentials)])
    };
    let proxies =
        [s("https://10.0.0.1:3128"), with("env", s("LOGIN")), with("file", s("/etc/login"))];
    let said = proxies.map(|proxy| {
        said(vec![p("internet-ports", [list([i(443)])]), p("upstream-proxy", [proxy])])
    });
    expect![[r#"
        internet-ports#4: {"network":{"internet":{"ports":[443]}}}
        upstream-proxy#5: {"network":{"upstream":{"proxy":{"at":{"host":"10.0.0.1","port":3128,"tls":true}}}}}
        internet-ports#4: {"file":{"to":"/etc/resolv.conf","content":"nameserver 127.0.0.1\noptions edns0\n","mode":292}}
        internet-ports#4: {"copy":{"from":"/etc/services","to":"/etc/services","missing":"skip"}}
        internet-ports#4: {"network":{"internet":{"ports":[443]}}}
        upstream-proxy#5: {"network":{"upstream":{"proxy":{"at":{"host":"proxy.example.org","port":3128,"credentials":{"variable":{"name":"LOGIN"}}}}}}}
        internet-ports#4: {"file":{"to":"/etc/resolv.conf","content":"nameserver 127.0.0.1\noptions edns0\n","mode":292}}
        internet-ports#4: {"copy":{"from":"/etc/services","to":"/etc/services","missing":"skip"}}
        internet-ports#4: {"network":{"internet":{"ports":[443]}}}
        upstream-proxy#5: {"network":{"upstream":{"proxy":{"at":{"host":"proxy.example.org","port":3128,"credentials":{"file":{"path":"/etc/login"}}}}}}}
        internet-ports#4: {"file":{"to":"/etc/resolv.conf","content":"nameserver 127.0.0.1\noptions edns0\n","mode":292}}
        internet-ports#4: {"copy":{"from":"/etc/services","to":"/etc/services","missing":"skip"}}
    "#]].assert_eq(&said.concat());
}

#[test]
fn what_is_asked_must_be_known() {
    let ask = |key, value| p("network-ask", [set([(key, value)])]);
    let wrong = [
        ask("seconds", i(0)),
        ask("seconds", i(31)),
        ask("command", list([])),
        ask("command", list([s("ask")])),
        ask("command", list([x("~/bin/ask")])),
    ];
    let said = wrong.map(|permission| said(vec![p("internet", []), permission]));
    expect![[r#"
        error[bad-limit] at 5: a connection cannot wait for 0 seconds
          = help: from 1 to 30: programs do not wait longer
        error[bad-limit] at 5: a connection cannot wait for 31 seconds
          = help: from 1 to 30: programs do not wait longer
        error[relative-path] at 5: the command is empty
          = help: name a program, or remove `command` to be asked on the desktop
        error[relative-path] at 6: program `ask` of `network-ask` is not absolute
          ^ not absolute
          = help: write `pkgs.ask` for the package, or the whole path of the program
        error[param-type] at 5: the command of `network-ask` must be known when the jail is built
          = help: write it without `noescape`; the command itself can read its variables
    "#]]
    .assert_eq(&said.concat());
}
