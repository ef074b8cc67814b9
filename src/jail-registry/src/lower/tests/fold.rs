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
            jail#0: starts `${lib.getExe pkgs.hello}`
            tmpfs#8: an empty folder in memory at `/a`
            tmpfs#9: an empty folder in memory at `/b`
            tmpfs#11: an empty folder in memory at `/once`
            tmpfs#14: an empty folder in memory at `/c`
            tmpfs#5: an empty folder in memory at `/deferred`
            tmpfs#6: an empty folder in memory at `/too`
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
            jail#0: starts `${lib.getExe pkgs.hello}`
            tmpfs#9: an empty folder in memory at `/first`
            tmpfs#8: an empty folder in memory at `/second`
            tmpfs#6: an empty folder in memory at `/last`
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
        jail#0: starts `${lib.getExe pkgs.hello}`
        network#11: the host's network
        network#11: the contents of `/etc/resolv.conf`, if it is there
        network#11: the contents of `/etc/hosts`, if it is there
        network#11: the contents of `/etc/services`, if it is there
        network#11: `/etc/ssl/certs/ca-bundle.crt` points to `${pkgs.cacert}/etc/ssl/certs/ca-bundle.crt`
        network#11: `/etc/ssl/certs/ca-certificates.crt` points to `${pkgs.cacert}/etc/ssl/certs/ca-bundle.crt`
        network#11: `/etc/pki/tls/certs/ca-bundle.crt` points to `${pkgs.cacert}/etc/ssl/certs/ca-bundle.crt`
        readonly#10: `/`, read only
        network#11: the host's time zone
        network#11: `CURL_CA_BUNDLE` is `${pkgs.cacert}/etc/ssl/certs/ca-bundle.crt`
        network#11: `GIT_SSL_CAINFO` is `${pkgs.cacert}/etc/ssl/certs/ca-bundle.crt`
        network#11: `NIX_SSL_CERT_FILE` is `${pkgs.cacert}/etc/ssl/certs/ca-bundle.crt`
        network#11: `REQUESTS_CA_BUNDLE` is `${pkgs.cacert}/etc/ssl/certs/ca-bundle.crt`
        network#11: `SSL_CERT_FILE` is `${pkgs.cacert}/etc/ssl/certs/ca-bundle.crt`
        network#11: `TZDIR` is `${pkgs.tzdata}/share/zoneinfo`
    "#]].assert_eq(&lowered_whole(&jail));
}

#[test]
fn scripts_are_counted_anew_after_a_reset() {
    let wrap = || p("wrap-entry", [script("@@ \"$@\"")]);
    check(
        vec![wrap(), p("reset", []), wrap()],
        &expect![[r#"
        wrap-entry#6: starts `/run/jailgen/entry-1`
        wrap-entry#6: the file `/run/jailgen/entry-1` (0555), 101 bytes
    "#]],
    );
}

#[test]
fn scripts_nest() {
    check(
        vec![
            p("wrap-entry", [script("one @@ \"$@\"")]),
            p("wrap-entry", [script("two @@ \"$@\"")]),
        ],
        &expect![[r#"
            wrap-entry#5: starts `/run/jailgen/entry-2`
            wrap-entry#4: the file `/run/jailgen/entry-1` (0555), 105 bytes
            wrap-entry#5: the file `/run/jailgen/entry-2` (0555), 112 bytes
        "#]],
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
        jail#0: starts `${lib.getExe pkgs.hello}`
        mount-cwd-readonly#5: the folder you start it in at `/w`, read only
    "#]],
    );
    check(
        vec![p("mount-cwd", []), p("workspace", [s("/w")]), p("tmpfs", [s("/w/x")])],
        &expect![[r#"
            jail#0: starts `${lib.getExe pkgs.hello}`
            workspace#5: the folder you start it in at `/w`, read and write
            tmpfs#6: an empty folder in memory at `/w/x`
        "#]],
    );
}

#[test]
fn a_home_that_is_kept_leaves_what_is_granted_in_it() {
    check(
        vec![p("mount-cwd", []), p("readwrite", [x("~/notes")]), p("persist-home", [s("a")])],
        &expect![[r#"
            jail#0: starts `${lib.getExe pkgs.hello}`
            persist-home#6: `${XDG_DATA_HOME:-~/.local/share}/jailgen/home/a` (expanded) at `~` (expanded), created when missing, read and write
            mount-cwd#4: the folder you start it in, read and write
            readwrite#5: your `~/notes`, read and write
        "#]],
    );
}

#[test]
fn the_host_name_holds_in_any_order() {
    check(
        vec![p("network", []), p("set-hostname", [s("bench")])],
        &expect![[r#"
        jail#0: starts `${lib.getExe pkgs.hello}`
        network#4: the host's network
        set-hostname#5: the host name `bench`
        set-hostname#5: the file `/etc/hostname` (0444), 6 bytes
        set-hostname#5: the file `/etc/hosts` (0444), 46 bytes
        network#4: the contents of `/etc/resolv.conf`, if it is there
        network#4: the contents of `/etc/hosts`, if it is there
        network#4: the contents of `/etc/services`, if it is there
        network#4: `/etc/ssl/certs/ca-bundle.crt` points to `${pkgs.cacert}/etc/ssl/certs/ca-bundle.crt`
        network#4: `/etc/ssl/certs/ca-certificates.crt` points to `${pkgs.cacert}/etc/ssl/certs/ca-bundle.crt`
        network#4: `/etc/pki/tls/certs/ca-bundle.crt` points to `${pkgs.cacert}/etc/ssl/certs/ca-bundle.crt`
        network#4: the host's time zone
        network#4: `CURL_CA_BUNDLE` is `${pkgs.cacert}/etc/ssl/certs/ca-bundle.crt`
        network#4: `GIT_SSL_CAINFO` is `${pkgs.cacert}/etc/ssl/certs/ca-bundle.crt`
        network#4: `NIX_SSL_CERT_FILE` is `${pkgs.cacert}/etc/ssl/certs/ca-bundle.crt`
        network#4: `REQUESTS_CA_BUNDLE` is `${pkgs.cacert}/etc/ssl/certs/ca-bundle.crt`
        network#4: `SSL_CERT_FILE` is `${pkgs.cacert}/etc/ssl/certs/ca-bundle.crt`
        network#4: `TZDIR` is `${pkgs.tzdata}/share/zoneinfo`
    "#]],
    );
}

#[test]
fn shared_names_leave_the_host_its_name() {
    check_one(
        "share-ns",
        [s("uts")],
        &expect![[r#"
        jail#0: starts `${lib.getExe pkgs.hello}`
        share-ns#4: the host's uts namespace
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
        base#1: the file `/etc/hostname` (0444), 5 bytes
        base#1: the file `/etc/hosts` (0444), 44 bytes
        network#5: the contents of `/etc/resolv.conf`, if it is there
        network#5: the contents of `/etc/hosts`, if it is there
        network#5: the contents of `/etc/services`, if it is there
        network#5: `/etc/ssl/certs/ca-bundle.crt` points to `${pkgs.cacert}/etc/ssl/certs/ca-bundle.crt`
        network#5: `/etc/ssl/certs/ca-certificates.crt` points to `${pkgs.cacert}/etc/ssl/certs/ca-bundle.crt`
        network#5: `/etc/pki/tls/certs/ca-bundle.crt` points to `${pkgs.cacert}/etc/ssl/certs/ca-bundle.crt`
        readonly#4: `/etc/ssl`, read only"#]].assert_eq(&before);
    expect![[r#"
        base#1: the file `/etc/hostname` (0444), 5 bytes
        base#1: the file `/etc/hosts` (0444), 44 bytes
        network#4: the contents of `/etc/resolv.conf`, if it is there
        network#4: the contents of `/etc/hosts`, if it is there
        network#4: the contents of `/etc/services`, if it is there
        network#4: `/etc/ssl/certs/ca-bundle.crt` points to `${pkgs.cacert}/etc/ssl/certs/ca-bundle.crt`
        network#4: `/etc/ssl/certs/ca-certificates.crt` points to `${pkgs.cacert}/etc/ssl/certs/ca-bundle.crt`
        network#4: `/etc/pki/tls/certs/ca-bundle.crt` points to `${pkgs.cacert}/etc/ssl/certs/ca-bundle.crt`
        readonly#5: `/etc/ssl`, read only"#]].assert_eq(&after);
    let reset =
        jail(vec![p("reset", []), p("readonly", [s("/etc/a")]), p("set-hostname", [s("a")])]);
    expect![[r#"
        set-hostname#6: the file `/etc/hostname` (0444), 2 bytes
        set-hostname#6: the file `/etc/hosts` (0444), 38 bytes
        readonly#5: `/etc/a`, read only"#]]
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
        &expect![[r#"
            wrap-entry#4: starts `/run/jailgen/entry-1`
            tmpfs#5: an empty folder in memory at `/run`
            write-text#6: the file `/run/jailgen/x` (0444), 0 bytes
            wrap-entry#4: the file `/run/jailgen/entry-1` (0555), 101 bytes
        "#]],
    );
}
