//! The grants of each combinator.

use super::*;

#[test]
fn an_empty_list_leaves_the_base() {
    expect![[r#"
        jail#0: {"program":{"path":{"pieces":[{"nix":"pkgs.hello","output":"program"}],"expand":false}}}
        bind-nix-store-runtime-closure#2: {"store":{"scope":"closure"}}
        base#1: {"hostname":{"name":"demo"}}
        base#1: {"terminal":{"terminal":"keep"}}
        base#1: {"lifetime":{"lifetime":"launcher"}}
        base#1: {"proc":{"to":"/proc"}}
        base#1: {"dev":{"to":"/dev"}}
        base#1: {"tmpfs":{"to":"/tmp","mode":1023,"size":null}}
        base#1: {"tmpfs":{"to":"/var/tmp","mode":1023,"size":null}}
        base#1: {"tmpfs":{"to":{"expand":"~"},"mode":448,"size":null}}
        base#1: {"symlink":{"to":"/bin/sh","target":{"pieces":[{"nix":"pkgs.bashInteractive","output":"bin"},"/bin/bash"],"expand":false}}}
        base#1: {"symlink":{"to":"/bin/bash","target":{"pieces":[{"nix":"pkgs.bashInteractive","output":"bin"},"/bin/bash"],"expand":false}}}
        base#1: {"symlink":{"to":"/usr/bin/env","target":{"pieces":[{"nix":"pkgs.coreutils","output":"bin"},"/bin/env"],"expand":false}}}
        base#1: {"file":{"to":"/etc/hostname","content":"demo\n","mode":292}}
        base#1: {"file":{"to":"/etc/hosts","content":"127.0.0.1 localhost demo\n::1 localhost demo\n","mode":292}}
        fake-passwd#3: {"accounts":{"shell":{"pieces":[{"nix":"pkgs.bashInteractive","output":"bin"},"/bin/bash"],"expand":false}}}
        base#1: {"time-zone":{"zone":"utc"}}
        base#1: {"forward-env":{"name":"COLORTERM","missing":"skip"}}
        base#1: {"set-env":{"name":"HOME","value":{"expand":"~"}}}
        base#1: {"forward-env":{"name":"LANG","missing":"skip"}}
        base#1: {"set-env":{"name":"SHELL","value":{"pieces":[{"nix":"pkgs.bashInteractive","output":"bin"},"/bin/bash"],"expand":false}}}
        base#1: {"forward-env":{"name":"TERM","missing":"skip"}}
        base#1: {"forward-env":{"name":"USER","missing":"skip"}}
        base#1: {"add-path":{"folder":"/bin"}}
        base#1: {"add-path":{"folder":{"pieces":[{"nix":"pkgs.coreutils","output":"bin"},"/bin"],"expand":false}}}
    "#]].assert_eq(&lowered_whole(&jail(vec![])));
}

#[test]
fn binds() {
    let (from, to) = (s("/srv//a/"), s("/b"));
    check_one(
        "ro-bind",
        [from.clone(), to.clone()],
        &expect![[r#"
            jail#0: {"program":{"path":{"pieces":[{"nix":"pkgs.hello","output":"program"}],"expand":false}}}
            ro-bind#4: {"bind":{"from":"/srv/a","to":"/b","access":"ro","missing":"fail"}}
        "#]],
    );
    check_one(
        "rw-bind",
        [from.clone(), to.clone()],
        &expect![[r#"
            jail#0: {"program":{"path":{"pieces":[{"nix":"pkgs.hello","output":"program"}],"expand":false}}}
            rw-bind#4: {"bind":{"from":"/srv/a","to":"/b","access":"rw","missing":"fail"}}
        "#]],
    );
    check_one(
        "try-ro-bind",
        [from.clone(), to.clone()],
        &expect![[r#"
            jail#0: {"program":{"path":{"pieces":[{"nix":"pkgs.hello","output":"program"}],"expand":false}}}
            try-ro-bind#4: {"bind":{"from":"/srv/a","to":"/b","access":"ro","missing":"skip"}}
        "#]],
    );
    check_one(
        "try-rw-bind",
        [from, to],
        &expect![[r#"
            jail#0: {"program":{"path":{"pieces":[{"nix":"pkgs.hello","output":"program"}],"expand":false}}}
            try-rw-bind#4: {"bind":{"from":"/srv/a","to":"/b","access":"rw","missing":"skip"}}
        "#]],
    );
    check_one(
        "ro-bind",
        [pkg("cacert"), s("/b")],
        &expect![[r#"
            jail#0: {"program":{"path":{"pieces":[{"nix":"pkgs.hello","output":"program"}],"expand":false}}}
            ro-bind#4: {"bind":{"from":{"pieces":[{"nix":"pkgs.cacert","output":"out"}],"expand":false},"to":"/b","access":"ro","missing":"fail"}}
        "#]],
    );
    check_one(
        "readonly",
        [x("~/a")],
        &expect![[r#"
            jail#0: {"program":{"path":{"pieces":[{"nix":"pkgs.hello","output":"program"}],"expand":false}}}
            readonly#4: {"bind":{"from":{"expand":"~/a"},"to":{"expand":"~/a"},"access":"ro","missing":"fail"}}
        "#]],
    );
    check_one(
        "readwrite",
        [x("\"$FOO\"")],
        &expect![[r#"
            jail#0: {"program":{"path":{"pieces":[{"nix":"pkgs.hello","output":"program"}],"expand":false}}}
            readwrite#4: {"bind":{"from":{"expand":"\"$FOO\""},"to":{"expand":"\"$FOO\""},"access":"rw","missing":"fail"}}
        "#]],
    );
    check_one(
        "try-readonly",
        [s("/a")],
        &expect![[r#"
            jail#0: {"program":{"path":{"pieces":[{"nix":"pkgs.hello","output":"program"}],"expand":false}}}
            try-readonly#4: {"bind":{"from":"/a","to":"/a","access":"ro","missing":"skip"}}
        "#]],
    );
    check_one(
        "try-readwrite",
        [s("/a")],
        &expect![[r#"
            jail#0: {"program":{"path":{"pieces":[{"nix":"pkgs.hello","output":"program"}],"expand":false}}}
            try-readwrite#4: {"bind":{"from":"/a","to":"/a","access":"rw","missing":"skip"}}
        "#]],
    );
    check_one(
        "bind-device",
        [s("/dev/kvm")],
        &expect![[r#"
            jail#0: {"program":{"path":{"pieces":[{"nix":"pkgs.hello","output":"program"}],"expand":false}}}
            bind-device#4: {"bind":{"from":"/dev/kvm","to":"/dev/kvm","access":"dev","missing":"fail"}}
        "#]],
    );
    check_one(
        "bind-pkg",
        [s("/etc/zoneinfo"), pkg("tzdata")],
        &expect![[r#"
            jail#0: {"program":{"path":{"pieces":[{"nix":"pkgs.hello","output":"program"}],"expand":false}}}
            bind-pkg#4: {"bind":{"from":{"pieces":[{"nix":"pkgs.tzdata","output":"out"}],"expand":false},"to":"/etc/zoneinfo","access":"ro","missing":"fail"}}
        "#]],
    );
}

#[test]
fn what_is_made_for_the_jail() {
    check_one(
        "tmpfs",
        [s("/var/cache")],
        &expect![[r#"
            jail#0: {"program":{"path":{"pieces":[{"nix":"pkgs.hello","output":"program"}],"expand":false}}}
            tmpfs#4: {"tmpfs":{"to":"/var/cache","mode":493,"size":null}}
        "#]],
    );
    check_one(
        "tmpfs-sized",
        [s("1G"), s("/tmp")],
        &expect![[r#"
            jail#0: {"program":{"path":{"pieces":[{"nix":"pkgs.hello","output":"program"}],"expand":false}}}
            tmpfs-sized#4: {"tmpfs":{"to":"/tmp","mode":1023,"size":1073741824}}
        "#]],
    );
    check_one(
        "mount",
        [s("tmpfs"), s("/x")],
        &expect![[r#"
            jail#0: {"program":{"path":{"pieces":[{"nix":"pkgs.hello","output":"program"}],"expand":false}}}
            mount#4: {"tmpfs":{"to":"/x","mode":493,"size":null}}
        "#]],
    );
    check_one(
        "mount",
        [s("devtmpfs"), s("/x")],
        &expect![[r#"
            jail#0: {"program":{"path":{"pieces":[{"nix":"pkgs.hello","output":"program"}],"expand":false}}}
            mount#4: {"dev":{"to":"/x"}}
        "#]],
    );
    check_one(
        "mount",
        [s("proc"), s("/x")],
        &expect![[r#"
            jail#0: {"program":{"path":{"pieces":[{"nix":"pkgs.hello","output":"program"}],"expand":false}}}
            mount#4: {"proc":{"to":"/x"}}
        "#]],
    );
    check(
        vec![p("reset", []), p("mount-dev", []), p("mount-proc", [])],
        &expect![[r#"
            jail#0: {"program":{"path":{"pieces":[{"nix":"pkgs.hello","output":"program"}],"expand":false}}}
            mount-dev#5: {"dev":{"to":"/dev"}}
            mount-proc#6: {"proc":{"to":"/proc"}}
        "#]],
    );
    check_one(
        "write-text",
        [s("/etc/motd"), s("pay $5\n")],
        &expect![[r#"
            jail#0: {"program":{"path":{"pieces":[{"nix":"pkgs.hello","output":"program"}],"expand":false}}}
            write-text#4: {"file":{"to":"/etc/motd","content":"pay $5\n","mode":292}}
        "#]],
    );
    check_one(
        "state-dir",
        [x("~/.config/a")],
        &expect![[r#"
            jail#0: {"program":{"path":{"pieces":[{"nix":"pkgs.hello","output":"program"}],"expand":false}}}
            state-dir#4: {"state-directory":{"path":{"expand":"~/.config/a"},"to":{"expand":"~/.config/a"}}}
        "#]],
    );
    check_one(
        "state-file",
        [x("~/.a.json")],
        &expect![[r#"
            jail#0: {"program":{"path":{"pieces":[{"nix":"pkgs.hello","output":"program"}],"expand":false}}}
            state-file#4: {"state-file":{"path":{"expand":"~/.a.json"},"to":{"expand":"~/.a.json"}}}
        "#]],
    );
    check_one(
        "persist-home",
        [s("work")],
        &expect![[r#"
            jail#0: {"program":{"path":{"pieces":[{"nix":"pkgs.hello","output":"program"}],"expand":false}}}
            persist-home#4: {"state-directory":{"path":{"expand":"${XDG_DATA_HOME:-~/.local/share}/jailgen/home/work"},"to":{"expand":"~"}}}
        "#]],
    );
    check_one(
        "whole-nix-store",
        [],
        &expect![[r#"
            jail#0: {"program":{"path":{"pieces":[{"nix":"pkgs.hello","output":"program"}],"expand":false}}}
            whole-nix-store#4: {"store":{"scope":"whole"}}
            warning[whole-store] at 2: the jail can read `/nix/store`, which holds all packages
              ^ medium severity
              = help: the closure is always there; name what else is needed as a package
        "#]],
    );
}

#[test]
fn the_environment() {
    check_one(
        "set-env",
        [s("A"), s("1")],
        &expect![[r#"
            jail#0: {"program":{"path":{"pieces":[{"nix":"pkgs.hello","output":"program"}],"expand":false}}}
            set-env#4: {"set-env":{"name":"A","value":"1"}}
        "#]],
    );
    check_one(
        "set-env",
        [s("GOPATH"), x("~/go")],
        &expect![[r#"
            jail#0: {"program":{"path":{"pieces":[{"nix":"pkgs.hello","output":"program"}],"expand":false}}}
            set-env#4: {"set-env":{"name":"GOPATH","value":{"expand":"~/go"}}}
        "#]],
    );
    check_one(
        "fwd-env",
        [s("EDITOR")],
        &expect![[r#"
            jail#0: {"program":{"path":{"pieces":[{"nix":"pkgs.hello","output":"program"}],"expand":false}}}
            fwd-env#4: {"forward-env":{"name":"EDITOR","missing":"fail"}}
        "#]],
    );
    check_one(
        "try-fwd-env",
        [s("COLORTERM")],
        &expect![[r#"
            jail#0: {"program":{"path":{"pieces":[{"nix":"pkgs.hello","output":"program"}],"expand":false}}}
            try-fwd-env#4: {"forward-env":{"name":"COLORTERM","missing":"skip"}}
        "#]],
    );
    check_one(
        "unset-env",
        [s("LANG")],
        &expect![[r#"
            jail#0: {"program":{"path":{"pieces":[{"nix":"pkgs.hello","output":"program"}],"expand":false}}}
            unset-env#4: {"unset-env":{"name":"LANG"}}
        "#]],
    );
    check_one(
        "add-path",
        [s("/opt/bin")],
        &expect![[r#"
            jail#0: {"program":{"path":{"pieces":[{"nix":"pkgs.hello","output":"program"}],"expand":false}}}
            add-path#4: {"add-path":{"folder":"/opt/bin"}}
        "#]],
    );
    check_one(
        "add-pkg-deps",
        [list([pkg("git"), pkg("jq")])],
        &expect![[r#"
            jail#0: {"program":{"path":{"pieces":[{"nix":"pkgs.hello","output":"program"}],"expand":false}}}
            add-pkg-deps#4: {"add-path":{"folder":{"pieces":[{"nix":"pkgs.git","output":"bin"},"/bin"],"expand":false}}}
            add-pkg-deps#4: {"add-path":{"folder":{"pieces":[{"nix":"pkgs.jq","output":"bin"},"/bin"],"expand":false}}}
        "#]],
    );
}

#[test]
fn the_command_line() {
    let words = [s("-c"), s("echo $HOME"), x("\"$@\""), x("$FOO")];
    check_one(
        "set-argv",
        [list(words)],
        &expect![[r#"
            jail#0: {"program":{"path":{"pieces":[{"nix":"pkgs.hello","output":"program"}],"expand":false}}}
            set-argv#4: {"arguments":{"words":[{"text":"-c"},{"text":"echo $HOME"},"all",{"text":{"expand":"$FOO"}}]}}
        "#]],
    );
    check_one(
        "wrap-entry",
        [script("exec @@ \"$@\"")],
        &expect![[r##"
            wrap-entry#4: {"program":{"path":"/run/jailgen/entry-1"}}
            wrap-entry#4: {"file":{"to":"/run/jailgen/entry-1","content":{"pieces":["#!",{"nix":"pkgs.bashInteractive","output":"bin"},"/bin/bash\nset -o errexit\nset -o nounset\nset -o pipefail\n\nexec ",{"nix":"pkgs.hello","output":"program"}," \"$@\"\n"],"expand":false},"mode":365}}
        "##]],
    );
}

#[test]
fn process_and_identity() {
    check_one(
        "new-session",
        [],
        &expect![[r#"
            jail#0: {"program":{"path":{"pieces":[{"nix":"pkgs.hello","output":"program"}],"expand":false}}}
            new-session#4: {"terminal":{"terminal":"new-session"}}
        "#]],
    );
    check_one(
        "no-new-session",
        [],
        &expect![[r#"
            jail#0: {"program":{"path":{"pieces":[{"nix":"pkgs.hello","output":"program"}],"expand":false}}}
            no-new-session#4: {"terminal":{"terminal":"keep"}}
        "#]],
    );
    check_one(
        "no-die-with-parent",
        [],
        &expect![[r#"
            jail#0: {"program":{"path":{"pieces":[{"nix":"pkgs.hello","output":"program"}],"expand":false}}}
            no-die-with-parent#4: {"lifetime":{"lifetime":"payload"}}
        "#]],
    );
    check_one(
        "set-hostname",
        [s("workbench")],
        &expect![[r#"
            jail#0: {"program":{"path":{"pieces":[{"nix":"pkgs.hello","output":"program"}],"expand":false}}}
            set-hostname#4: {"hostname":{"name":"workbench"}}
            set-hostname#4: {"file":{"to":"/etc/hostname","content":"workbench\n","mode":292}}
            set-hostname#4: {"file":{"to":"/etc/hosts","content":"127.0.0.1 localhost workbench\n::1 localhost workbench\n","mode":292}}
        "#]],
    );
    check_one(
        "time-zone",
        [],
        &expect![[r#"
            jail#0: {"program":{"path":{"pieces":[{"nix":"pkgs.hello","output":"program"}],"expand":false}}}
            time-zone#4: {"time-zone":{"zone":"host"}}
            time-zone#4: {"set-env":{"name":"TZDIR","value":{"pieces":[{"nix":"pkgs.tzdata","output":"out"},"/share/zoneinfo"],"expand":false}}}
        "#]],
    );
    check_one(
        "utc",
        [],
        &expect![[r#"
            jail#0: {"program":{"path":{"pieces":[{"nix":"pkgs.hello","output":"program"}],"expand":false}}}
            utc#4: {"time-zone":{"zone":"utc"}}
        "#]],
    );
    check_one(
        "share-ns",
        [s("ipc")],
        &expect![[r#"
            jail#0: {"program":{"path":{"pieces":[{"nix":"pkgs.hello","output":"program"}],"expand":false}}}
            share-ns#4: {"share-namespace":{"namespace":"ipc"}}
            warning[shares-namespace] at 2: the jail shares the host's ipc namespace
              ^ high severity
              = help: drop the `share-ns` for it
        "#]],
    );
}

#[test]
fn the_network() {
    check_one(
        "network",
        [],
        &expect![[r#"
            jail#0: {"program":{"path":{"pieces":[{"nix":"pkgs.hello","output":"program"}],"expand":false}}}
            network#4: "host-network"
            network#4: {"copy":{"from":"/etc/resolv.conf","to":"/etc/resolv.conf","missing":"skip"}}
            network#4: {"copy":{"from":"/etc/hosts","to":"/etc/hosts","append":"127.0.0.1 demo\n::1 demo\n","missing":"skip"}}
            network#4: {"copy":{"from":"/etc/services","to":"/etc/services","missing":"skip"}}
            network#4: {"symlink":{"to":"/etc/ssl/certs/ca-bundle.crt","target":{"pieces":[{"nix":"pkgs.cacert","output":"out"},"/etc/ssl/certs/ca-bundle.crt"],"expand":false}}}
            network#4: {"symlink":{"to":"/etc/ssl/certs/ca-certificates.crt","target":{"pieces":[{"nix":"pkgs.cacert","output":"out"},"/etc/ssl/certs/ca-bundle.crt"],"expand":false}}}
            network#4: {"symlink":{"to":"/etc/pki/tls/certs/ca-bundle.crt","target":{"pieces":[{"nix":"pkgs.cacert","output":"out"},"/etc/ssl/certs/ca-bundle.crt"],"expand":false}}}
            network#4: {"time-zone":{"zone":"host"}}
            network#4: {"set-env":{"name":"CURL_CA_BUNDLE","value":{"pieces":[{"nix":"pkgs.cacert","output":"out"},"/etc/ssl/certs/ca-bundle.crt"],"expand":false}}}
            network#4: {"set-env":{"name":"GIT_SSL_CAINFO","value":{"pieces":[{"nix":"pkgs.cacert","output":"out"},"/etc/ssl/certs/ca-bundle.crt"],"expand":false}}}
            network#4: {"set-env":{"name":"NIX_SSL_CERT_FILE","value":{"pieces":[{"nix":"pkgs.cacert","output":"out"},"/etc/ssl/certs/ca-bundle.crt"],"expand":false}}}
            network#4: {"set-env":{"name":"REQUESTS_CA_BUNDLE","value":{"pieces":[{"nix":"pkgs.cacert","output":"out"},"/etc/ssl/certs/ca-bundle.crt"],"expand":false}}}
            network#4: {"set-env":{"name":"SSL_CERT_FILE","value":{"pieces":[{"nix":"pkgs.cacert","output":"out"},"/etc/ssl/certs/ca-bundle.crt"],"expand":false}}}
            network#4: {"set-env":{"name":"TZDIR","value":{"pieces":[{"nix":"pkgs.tzdata","output":"out"},"/share/zoneinfo"],"expand":false}}}
        "#]],
    );
}

#[test]
fn an_entry_may_be_a_path() {
    let jail = jail_named("demo", s("/usr/bin/true"), vec![]);
    expect![[r#"
        jail#0: {"program":{"path":"/usr/bin/true"}}
    "#]]
    .assert_eq(&lowered(&jail));
    let jail = jail_named("demo", x("~/bin/x"), vec![]);
    expect![[r#"
        jail#0: {"program":{"path":{"expand":"~/bin/x"}}}
    "#]]
    .assert_eq(&lowered(&jail));
}

#[test]
fn limits_are_told_in_one_unit_each_and_the_last_counts() {
    let limits = [
        ("limit-memory", s("4G")),
        ("limit-pids", Value::Integer(512)),
        ("limit-cpu", s("1.5")),
        ("limit-cpu", Value::Integer(2)),
        ("limit-files", s("4096")),
        ("limit-file-size", s("1M")),
        ("limit-time", s("1h30m")),
    ];
    let mut permissions: Vec<_> = limits.map(|(name, amount)| p(name, [amount])).into();
    permissions.push(p("best-effort", []));
    check(
        permissions,
        &expect![[r#"
        jail#0: {"program":{"path":{"pieces":[{"nix":"pkgs.hello","output":"program"}],"expand":false}}}
        limit-memory#4: {"limit":{"resource":"memory","value":4294967296}}
        limit-pids#5: {"limit":{"resource":"pids","value":512}}
        limit-cpu#7: {"limit":{"resource":"cpu","value":200}}
        limit-files#8: {"limit":{"resource":"files","value":4096}}
        limit-file-size#9: {"limit":{"resource":"file-size","value":1048576}}
        limit-time#10: {"limit":{"resource":"time","value":5400}}
        best-effort#11: "best-effort"
    "#]],
    );
}
