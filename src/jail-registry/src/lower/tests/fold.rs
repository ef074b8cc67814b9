//! The order of things: what later grants do to earlier ones, and how combinators are counted.

use super::*;

#[test]
fn composed_deferred_and_repeated_permissions_are_counted_depth_first() {
    check(
        vec![
            p("defer", [list([p("tmpfs", [s("/deferred")]), p("tmpfs", [s("/too")])])]),
            p("compose", [list([p("tmpfs", [s("/a")]), list([p("tmpfs", [s("/b")])])])]),
            p("include-once", [s("k"), p("tmpfs", [s("/once")])]),
            p("include-once", [s("k"), p("tmpfs", [s("/twice")])]),
            p("tmpfs", [s("/c")]),
        ],
        &expect![[r#"
            jail#0: {"program":{"path":{"pieces":[{"nix":"pkgs.hello","output":"program"}],"expand":false}}}
            tmpfs#8: {"tmpfs":{"to":"/a","mode":493,"size":null}}
            tmpfs#9: {"tmpfs":{"to":"/b","mode":493,"size":null}}
            tmpfs#11: {"tmpfs":{"to":"/once","mode":493,"size":null}}
            tmpfs#14: {"tmpfs":{"to":"/c","mode":493,"size":null}}
            tmpfs#5: {"tmpfs":{"to":"/deferred","mode":493,"size":null}}
            tmpfs#6: {"tmpfs":{"to":"/too","mode":493,"size":null}}
        "#]],
    );
}

#[test]
fn what_is_deferred_twice_comes_after_what_is_deferred_once() {
    check(
        vec![
            p("defer", [p("defer", [p("tmpfs", [s("/last")])])]),
            p("defer", [p("tmpfs", [s("/second")])]),
            p("tmpfs", [s("/first")]),
        ],
        &expect![[r#"
            jail#0: {"program":{"path":{"pieces":[{"nix":"pkgs.hello","output":"program"}],"expand":false}}}
            tmpfs#9: {"tmpfs":{"to":"/first","mode":493,"size":null}}
            tmpfs#8: {"tmpfs":{"to":"/second","mode":493,"size":null}}
            tmpfs#6: {"tmpfs":{"to":"/last","mode":493,"size":null}}
        "#]],
    );
}

#[test]
fn reset_forgets_everything_before_it() {
    let jail = jail(vec![
        p("network", []),
        p("wrap-entry", [script("@@ \"$@\"")]),
        p("defer", [p("tmpfs", [s("/deferred")])]),
        p("mount-cwd", []),
        p("reset", []),
        p("readonly", [s("/")]),
        p("network", []),
    ]);
    expect![[r#"
        jail#0: {"program":{"path":{"pieces":[{"nix":"pkgs.hello","output":"program"}],"expand":false}}}
        network#11: "host-network"
        network#11: {"copy":{"from":"/etc/resolv.conf","to":"/etc/resolv.conf","missing":"skip"}}
        network#11: {"copy":{"from":"/etc/hosts","to":"/etc/hosts","missing":"skip"}}
        network#11: {"copy":{"from":"/etc/services","to":"/etc/services","missing":"skip"}}
        network#11: {"symlink":{"to":"/etc/ssl/certs/ca-bundle.crt","target":{"pieces":[{"nix":"pkgs.cacert","output":"out"},"/etc/ssl/certs/ca-bundle.crt"],"expand":false}}}
        network#11: {"symlink":{"to":"/etc/ssl/certs/ca-certificates.crt","target":{"pieces":[{"nix":"pkgs.cacert","output":"out"},"/etc/ssl/certs/ca-bundle.crt"],"expand":false}}}
        network#11: {"symlink":{"to":"/etc/pki/tls/certs/ca-bundle.crt","target":{"pieces":[{"nix":"pkgs.cacert","output":"out"},"/etc/ssl/certs/ca-bundle.crt"],"expand":false}}}
        readonly#10: {"bind":{"from":"/","to":"/","access":"ro","missing":"fail"}}
        network#11: {"time-zone":{"zone":"host"}}
        network#11: {"set-env":{"name":"CURL_CA_BUNDLE","value":{"pieces":[{"nix":"pkgs.cacert","output":"out"},"/etc/ssl/certs/ca-bundle.crt"],"expand":false}}}
        network#11: {"set-env":{"name":"GIT_SSL_CAINFO","value":{"pieces":[{"nix":"pkgs.cacert","output":"out"},"/etc/ssl/certs/ca-bundle.crt"],"expand":false}}}
        network#11: {"set-env":{"name":"NIX_SSL_CERT_FILE","value":{"pieces":[{"nix":"pkgs.cacert","output":"out"},"/etc/ssl/certs/ca-bundle.crt"],"expand":false}}}
        network#11: {"set-env":{"name":"REQUESTS_CA_BUNDLE","value":{"pieces":[{"nix":"pkgs.cacert","output":"out"},"/etc/ssl/certs/ca-bundle.crt"],"expand":false}}}
        network#11: {"set-env":{"name":"SSL_CERT_FILE","value":{"pieces":[{"nix":"pkgs.cacert","output":"out"},"/etc/ssl/certs/ca-bundle.crt"],"expand":false}}}
        network#11: {"set-env":{"name":"TZDIR","value":{"pieces":[{"nix":"pkgs.tzdata","output":"out"},"/share/zoneinfo"],"expand":false}}}
        warning[grants-root] at 11: the jail can read `/`, which holds everything
          ^ critical severity
          = help: grant the folders that the program needs, one by one
    "#]].assert_eq(&lowered_whole(&jail));
}

#[test]
fn scripts_are_counted_anew_after_a_reset() {
    let wrap = || p("wrap-entry", [script("@@ \"$@\"")]);
    check(
        vec![wrap(), p("reset", []), wrap()],
        &expect![[r##"
            wrap-entry#6: {"program":{"path":"/run/jailgen/entry-1"}}
            wrap-entry#6: {"file":{"to":"/run/jailgen/entry-1","content":{"pieces":["#!",{"nix":"pkgs.bashInteractive","output":"bin"},"/bin/bash\nset -o errexit\nset -o nounset\nset -o pipefail\n\n",{"nix":"pkgs.hello","output":"program"}," \"$@\"\n"],"expand":false},"mode":365}}
        "##]],
    );
}

#[test]
fn scripts_nest() {
    check(
        vec![
            p("wrap-entry", [script("one @@ \"$@\"")]),
            p("wrap-entry", [script("two @@ \"$@\"")]),
        ],
        &expect![[r##"
            wrap-entry#5: {"program":{"path":"/run/jailgen/entry-2"}}
            wrap-entry#4: {"file":{"to":"/run/jailgen/entry-1","content":{"pieces":["#!",{"nix":"pkgs.bashInteractive","output":"bin"},"/bin/bash\nset -o errexit\nset -o nounset\nset -o pipefail\n\none ",{"nix":"pkgs.hello","output":"program"}," \"$@\"\n"],"expand":false},"mode":365}}
            wrap-entry#5: {"file":{"to":"/run/jailgen/entry-2","content":{"pieces":["#!",{"nix":"pkgs.bashInteractive","output":"bin"},"/bin/bash\nset -o errexit\nset -o nounset\nset -o pipefail\n\ntwo /run/jailgen/entry-1 \"$@\"\n"],"expand":false},"mode":365}}
        "##]],
    );
    let contents = crate::lower(
        &jail_named(
            "demo",
            s("/opt/it's/x"),
            vec![
                p("wrap-entry", [script("one @@ \"$@\"")]),
                p("wrap-entry", [script("two @@ \"$@\"")]),
            ],
        ),
        &crate::Symbolic,
        &|_| String::new(),
    )
    .unwrap()
    .policy
    .grants
    .iter()
    .filter_map(|entry| match &entry.grant {
        jail_policy::Grant::File { to, content, .. } if to.to_string().contains("entry") => {
            Some(format!("{to}:\n{content}"))
        }
        _ => None,
    })
    .collect::<String>();
    expect![[r#"
        /run/jailgen/entry-1:
        #!${pkgs.bashInteractive}/bin/bash
        set -o errexit
        set -o nounset
        set -o pipefail

        one '/opt/it'\''s/x' "$@"
        /run/jailgen/entry-2:
        #!${pkgs.bashInteractive}/bin/bash
        set -o errexit
        set -o nounset
        set -o pipefail

        two /run/jailgen/entry-1 "$@"
    "#]]
    .assert_eq(&contents);
}

#[test]
fn the_last_says_how_the_working_folder_appears() {
    check(
        vec![p("workspace", [s("/w")]), p("mount-cwd-readonly", [])],
        &expect![[r#"
            jail#0: {"program":{"path":{"pieces":[{"nix":"pkgs.hello","output":"program"}],"expand":false}}}
            mount-cwd-readonly#5: {"folder":{"access":"ro","to":"/w"}}
        "#]],
    );
    check(
        vec![p("mount-cwd", []), p("workspace", [s("/w")]), p("tmpfs", [s("/w/x")])],
        &expect![[r#"
            jail#0: {"program":{"path":{"pieces":[{"nix":"pkgs.hello","output":"program"}],"expand":false}}}
            workspace#5: {"git":{"settings":"apart"}}
            workspace#5: {"folder":{"access":"rw","to":"/w"}}
            tmpfs#6: {"tmpfs":{"to":"/w/x","mode":493,"size":null}}
        "#]],
    );
}

#[test]
fn a_home_that_is_kept_leaves_what_is_granted_in_it() {
    check(
        vec![p("mount-cwd", []), p("readwrite", [x("~/notes")]), p("persist-home", [s("a")])],
        &expect![[r#"
            jail#0: {"program":{"path":{"pieces":[{"nix":"pkgs.hello","output":"program"}],"expand":false}}}
            mount-cwd#4: {"git":{"settings":"apart"}}
            persist-home#6: {"state-directory":{"path":{"expand":"${XDG_DATA_HOME:-~/.local/share}/jailgen/home/a"},"to":{"expand":"~"}}}
            mount-cwd#4: {"folder":{"access":"rw","to":null}}
            readwrite#5: {"bind":{"from":{"expand":"~/notes"},"to":{"expand":"~/notes"},"access":"rw","missing":"fail"}}
        "#]],
    );
}

#[test]
fn the_host_name_holds_in_any_order() {
    check(
        vec![p("network", []), p("set-hostname", [s("bench")])],
        &expect![[r#"
            jail#0: {"program":{"path":{"pieces":[{"nix":"pkgs.hello","output":"program"}],"expand":false}}}
            network#4: "host-network"
            set-hostname#5: {"hostname":{"name":"bench"}}
            set-hostname#5: {"file":{"to":"/etc/hostname","content":"bench\n","mode":292}}
            set-hostname#5: {"file":{"to":"/etc/hosts","content":"127.0.0.1 localhost bench\n::1 localhost bench\n","mode":292}}
            network#4: {"copy":{"from":"/etc/resolv.conf","to":"/etc/resolv.conf","missing":"skip"}}
            network#4: {"copy":{"from":"/etc/hosts","to":"/etc/hosts","append":"127.0.0.1 bench\n::1 bench\n","missing":"skip"}}
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
fn shared_names_leave_the_host_its_name() {
    check_one(
        "share-ns",
        [s("uts")],
        &expect![[r#"
            jail#0: {"program":{"path":{"pieces":[{"nix":"pkgs.hello","output":"program"}],"expand":false}}}
            share-ns#4: {"share-namespace":{"namespace":"uts"}}
            warning[shares-namespace] at 2: the jail shares the host's uts namespace
              ^ medium severity
              = help: drop the `share-ns` for it
        "#]],
    );
}

#[test]
fn a_later_path_stands_in_front() {
    let policy = crate::lower(
        &jail(vec![p("add-pkg-deps", [list([pkg("a"), pkg("b")])]), p("add-path", [s("/c")])]),
        &crate::Symbolic,
        &|_| String::new(),
    )
    .unwrap()
    .policy;
    let folders = policy.grants.iter().filter_map(|entry| match &entry.grant {
        jail_policy::Grant::AddPath { folder } => Some(folder.to_string()),
        _ => None,
    });
    expect![[r#"
        /bin
        ${pkgs.coreutils}/bin
        ${pkgs.a}/bin
        ${pkgs.b}/bin
        /c"#]]
    .assert_eq(&folders.collect::<Vec<_>>().join("\n"));
}

#[test]
fn the_places_are_those_of_the_grants_origins() {
    let jail = jail(vec![
        p("readonly", [s("/a")]),
        p("set-env", [s("A"), s("1")]),
        p("reset", []),
        p("readonly", [s("/b")]),
    ]);
    let policy =
        crate::lower(&jail, &crate::Symbolic, &|place| place.start.to_string()).unwrap().policy;
    let places: Vec<String> =
        policy.places.iter().map(|(origin, place)| format!("{origin} at {place}")).collect();
    expect![[r#"
        jail#0 at 0
        readonly#7 at 8"#]]
    .assert_eq(&places.join("\n"));
}

#[test]
fn what_the_author_puts_at_a_place_lies_over_what_a_combinator_brings() {
    let own = |grants: &str| {
        let lines = grants.lines().filter(|line| line.contains("/etc/") && !line.contains("SSL"));
        let lines = lines.filter(|line| !line.contains("BUNDLE") && !line.contains("CURL"));
        lines.collect::<Vec<_>>().join("\n")
    };
    let jail = |permissions| own(&lowered_whole(&jail(permissions)));
    let before = jail(vec![p("readonly", [s("/etc/ssl")]), p("network", [])]);
    let after = jail(vec![p("network", []), p("readonly", [s("/etc/ssl")])]);
    expect![[r#"
        base#1: {"file":{"to":"/etc/hostname","content":"demo\n","mode":292}}
        base#1: {"file":{"to":"/etc/hosts","content":"127.0.0.1 localhost demo\n::1 localhost demo\n","mode":292}}
        network#5: {"copy":{"from":"/etc/resolv.conf","to":"/etc/resolv.conf","missing":"skip"}}
        network#5: {"copy":{"from":"/etc/hosts","to":"/etc/hosts","append":"127.0.0.1 demo\n::1 demo\n","missing":"skip"}}
        network#5: {"copy":{"from":"/etc/services","to":"/etc/services","missing":"skip"}}
        network#5: {"symlink":{"to":"/etc/ssl/certs/ca-bundle.crt","target":{"pieces":[{"nix":"pkgs.cacert","output":"out"},"/etc/ssl/certs/ca-bundle.crt"],"expand":false}}}
        network#5: {"symlink":{"to":"/etc/ssl/certs/ca-certificates.crt","target":{"pieces":[{"nix":"pkgs.cacert","output":"out"},"/etc/ssl/certs/ca-bundle.crt"],"expand":false}}}
        network#5: {"symlink":{"to":"/etc/pki/tls/certs/ca-bundle.crt","target":{"pieces":[{"nix":"pkgs.cacert","output":"out"},"/etc/ssl/certs/ca-bundle.crt"],"expand":false}}}
        readonly#4: {"bind":{"from":"/etc/ssl","to":"/etc/ssl","access":"ro","missing":"fail"}}"#]].assert_eq(&before);
    expect![[r#"
        base#1: {"file":{"to":"/etc/hostname","content":"demo\n","mode":292}}
        base#1: {"file":{"to":"/etc/hosts","content":"127.0.0.1 localhost demo\n::1 localhost demo\n","mode":292}}
        network#4: {"copy":{"from":"/etc/resolv.conf","to":"/etc/resolv.conf","missing":"skip"}}
        network#4: {"copy":{"from":"/etc/hosts","to":"/etc/hosts","append":"127.0.0.1 demo\n::1 demo\n","missing":"skip"}}
        network#4: {"copy":{"from":"/etc/services","to":"/etc/services","missing":"skip"}}
        network#4: {"symlink":{"to":"/etc/ssl/certs/ca-bundle.crt","target":{"pieces":[{"nix":"pkgs.cacert","output":"out"},"/etc/ssl/certs/ca-bundle.crt"],"expand":false}}}
        network#4: {"symlink":{"to":"/etc/ssl/certs/ca-certificates.crt","target":{"pieces":[{"nix":"pkgs.cacert","output":"out"},"/etc/ssl/certs/ca-bundle.crt"],"expand":false}}}
        network#4: {"symlink":{"to":"/etc/pki/tls/certs/ca-bundle.crt","target":{"pieces":[{"nix":"pkgs.cacert","output":"out"},"/etc/ssl/certs/ca-bundle.crt"],"expand":false}}}
        readonly#5: {"bind":{"from":"/etc/ssl","to":"/etc/ssl","access":"ro","missing":"fail"}}"#]].assert_eq(&after);
    let reset =
        jail(vec![p("reset", []), p("readonly", [s("/etc/a")]), p("set-hostname", [s("a")])]);
    expect![[r#"
        set-hostname#6: {"file":{"to":"/etc/hostname","content":"a\n","mode":292}}
        set-hostname#6: {"file":{"to":"/etc/hosts","content":"127.0.0.1 localhost a\n::1 localhost a\n","mode":292}}
        readonly#5: {"bind":{"from":"/etc/a","to":"/etc/a","access":"ro","missing":"fail"}}"#]]
    .assert_eq(&reset);
}

#[test]
fn no_mount_hides_the_scripts() {
    check(
        vec![
            p("wrap-entry", [script("@@ \"$@\"")]),
            p("tmpfs", [s("/run")]),
            p("write-text", [s("/run/jailgen/x"), s("")]),
        ],
        &expect![[r##"
            wrap-entry#4: {"program":{"path":"/run/jailgen/entry-1"}}
            tmpfs#5: {"tmpfs":{"to":"/run","mode":493,"size":null}}
            write-text#6: {"file":{"to":"/run/jailgen/x","content":"","mode":292}}
            wrap-entry#4: {"file":{"to":"/run/jailgen/entry-1","content":{"pieces":["#!",{"nix":"pkgs.bashInteractive","output":"bin"},"/bin/bash\nset -o errexit\nset -o nounset\nset -o pipefail\n\n",{"nix":"pkgs.hello","output":"program"}," \"$@\"\n"],"expand":false},"mode":365}}
        "##]],
    );
}

#[test]
fn an_x_server_is_started_once_and_what_wraps_later_goes_around_it() {
    let later = p("wrap-entry", [script("later @@ \"$@\"")]);
    let text = lowered(&jail(vec![p("xwayland", []), p("xwayland", []), later]));
    assert_eq!(text.matches("xwayland-satellite\",\"output\":\"bin\"").count(), 1, "{text}");
    assert_eq!(text.matches("\"session\":{\"service\":\"wayland\"}").count(), 1, "{text}");
    assert!(text.contains("exec \",{\"nix\":\"pkgs.hello\",\"output\":\"program\"}"), "{text}");
    assert!(text.contains("later /run/jailgen/entry-1"), "{text}");
    assert!(!text.contains("%%"), "{text}");
}
