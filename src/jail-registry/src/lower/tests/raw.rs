//! Arguments of bubblewrap, and what runs on the host.

use jail_policy::{Output, Package, Piece, Text};

use super::*;

#[test]
fn raw_arguments_become_the_grants_of_other_combinators() {
    check_one(
        "unsafe-add-raw-args",
        [s(
            "--ro-bind ~/x '/a b' --perms 0700 --tmpfs /t --setenv A \"$B\" --symlink t /l --chdir /t",
        )],
        &expect![[r#"
            jail#0: {"program":{"path":{"pieces":[{"nix":"pkgs.hello","output":"program"}],"expand":false}}}
            unsafe-add-raw-args#4: {"start-in":{"path":"/t"}}
            unsafe-add-raw-args#4: {"bind":{"from":{"expand":"~/x"},"to":"/a b","access":"ro","missing":"fail"}}
            unsafe-add-raw-args#4: {"tmpfs":{"to":"/t","mode":448,"size":null}}
            unsafe-add-raw-args#4: {"symlink":{"to":"/l","target":"t"}}
            unsafe-add-raw-args#4: {"set-env":{"name":"A","value":{"expand":"${B}"}}}
            warning[unsafe-combinator] at 2: `unsafe-add-raw-args` adds arguments that no check looks at
              ^ high severity
              = help: use the combinator for this purpose
        "#]],
    );
}

#[test]
fn overlays_are_the_same_however_they_are_written() {
    let raw = |text: &str| {
        let lowered = lowered_whole(&jail(vec![p("unsafe-add-raw-args", [s(text)])]));
        // It is called unsafe, which is the difference.
        lowered.split("warning[").next().unwrap_or_default().to_owned()
    };
    let plain = |name, permission: Value| {
        lowered_whole(&jail(vec![permission])).replace(name, "unsafe-add-raw-args")
    };
    let folders = || list([x("~/a"), s("/b")]);
    let sources = "--overlay-src ~/a --overlay-src /b";
    assert_eq!(
        raw(&format!("{sources} --ro-overlay /o")),
        plain("overlay-ro", p("overlay-ro", [folders(), s("/o")]))
    );
    assert_eq!(
        raw(&format!("{sources} --tmp-overlay /o")),
        plain("overlay-tmp", p("overlay-tmp", [folders(), s("/o")]))
    );
    assert_eq!(
        raw(&format!("{sources} --overlay ~/u ~/w /o")),
        plain("overlay-rw", p("overlay-rw", [folders(), x("~/u"), x("~/w"), s("/o")]))
    );
    check_one(
        "overlay-rw",
        [folders(), x("~/u"), x("~/w"), s("/o")],
        &expect![[r#"
        jail#0: {"program":{"path":{"pieces":[{"nix":"pkgs.hello","output":"program"}],"expand":false}}}
        overlay-rw#4: {"overlay":{"lower":[{"expand":"~/a"},"/b"],"writes":{"kept":{"upper":{"expand":"~/u"},"work":{"expand":"~/w"}}},"to":"/o"}}
    "#]],
    );
}

#[test]
fn ids_can_have_other_numbers_inside() {
    check_one(
        "unsafe-add-raw-args",
        [s("--unshare-user --uid 0 --gid 100 --uid 1000")],
        &expect![[r#"
            jail#0: {"program":{"path":{"pieces":[{"nix":"pkgs.hello","output":"program"}],"expand":false}}}
            unsafe-add-raw-args#4: {"shown-id":{"kind":"user","id":1000}}
            unsafe-add-raw-args#4: {"shown-id":{"kind":"group","id":100}}
            warning[unsafe-combinator] at 2: `unsafe-add-raw-args` adds arguments that no check looks at
              ^ high severity
              = help: use the combinator for this purpose
        "#]],
    );
}

#[test]
fn packages_keep_their_places_in_raw_arguments() {
    let mut text = Text::literal("--ro-bind ");
    text.push(Piece::Package {
        package: Package::Symbolic { nix: "pkgs.git".into() },
        output: Output::Out,
    });
    text.extend(&Text::literal("/share '/a b' --setenv G \"$A:"));
    text.push(Piece::Package {
        package: Package::Symbolic { nix: "pkgs.jq".into() },
        output: Output::Out,
    });
    text.extend(&Text::literal("\""));
    check_one(
        "unsafe-add-raw-args",
        [Value::Text(text)],
        &expect![[r#"
            jail#0: {"program":{"path":{"pieces":[{"nix":"pkgs.hello","output":"program"}],"expand":false}}}
            unsafe-add-raw-args#4: {"bind":{"from":{"pieces":[{"nix":"pkgs.git","output":"out"},"/share"],"expand":false},"to":"/a b","access":"ro","missing":"fail"}}
            unsafe-add-raw-args#4: {"set-env":{"name":"G","value":{"pieces":["${A}:",{"nix":"pkgs.jq","output":"out"}],"expand":true}}}
            warning[unsafe-combinator] at 2: `unsafe-add-raw-args` adds arguments that no check looks at
              ^ high severity
              = help: use the combinator for this purpose
        "#]],
    );
}

#[test]
fn namespaces_that_were_shared_can_be_the_jails_own_again() {
    let shared = vec![
        p("network", []),
        p("share-ns", [s("pid")]),
        p("unsafe-add-raw-args", [s("--unshare-all")]),
    ];
    let text = lowered_whole(&jail(shared));
    assert!(!text.contains("host-network") && !text.contains("share-namespace"), "{text}");
}

#[test]
fn scripts_stay_as_they_are_written_and_where_they_stand() {
    let twice = || p("add-runtime", [x("N=$((N + 1)); echo \"$N\"")]);
    let text = lowered_whole(&jail(vec![twice(), p("state-dir", [x("~/.s")]), twice()]));
    let order: Vec<&str> = text
        .lines()
        .filter_map(|line| {
            line.split('#').next().filter(|it| ["add-runtime", "state-dir"].contains(it))
        })
        .collect();
    assert_eq!(order, ["add-runtime", "state-dir", "add-runtime"], "{text}");
    assert!(text.contains(r#""script":"N=$((N + 1)); echo \"$N\"""#), "{text}");
}

#[test]
fn hosts_work_in_the_policy() {
    check_one(
        "jail-to-host-channel",
        [s("notify"), s("notify-send \"$1\"")],
        &expect![[r#"
            jail#0: {"program":{"path":{"pieces":[{"nix":"pkgs.hello","output":"program"}],"expand":false}}}
            jail-to-host-channel#4: {"channel":{"name":"notify","script":"notify-send \"$1\"","shell":{"pieces":[{"nix":"pkgs.bashInteractive","output":"bin"},"/bin/bash"],"expand":false}}}
            jail-to-host-channel#4: {"add-path":{"folder":"/run/jailgen/bin"}}
        "#]],
    );
    check_one(
        "open-urls-in-browser",
        [],
        &expect![[r#"
            jail#0: {"program":{"path":{"pieces":[{"nix":"pkgs.hello","output":"program"}],"expand":false}}}
            open-urls-in-browser#4: "open-urls"
            open-urls-in-browser#4: {"set-env":{"name":"BROWSER","value":"/run/jailgen/bin/xdg-open"}}
            open-urls-in-browser#4: {"add-path":{"folder":"/run/jailgen/bin"}}
        "#]],
    );
}
