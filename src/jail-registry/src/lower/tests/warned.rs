//! Specs that draw a warning and are compiled all the same.

use super::*;

#[test]
fn strings_that_look_as_if_they_were_to_be_expanded() {
    check_one(
        "set-env",
        [s("A"), s("~/x")],
        &expect![[r#"
            jail#0: {"program":{"path":{"pieces":[{"nix":"pkgs.hello","output":"program"}],"expand":false}}}
            set-env#4: {"set-env":{"name":"A","value":"~/x"}}
            warning[literal-expansion] at 4: `~/x` is taken literally: nothing in it is expanded
              ^ a plain string
              = help: write `(noescape "~/x")` to have it expanded at launch, or `(noescape "\\~/x")` if you mean it literally
        "#]],
    );
    check_one(
        "set-env",
        [s("A"), s("$HOME/x")],
        &expect![[r#"
            jail#0: {"program":{"path":{"pieces":[{"nix":"pkgs.hello","output":"program"}],"expand":false}}}
            set-env#4: {"set-env":{"name":"A","value":"$HOME/x"}}
            warning[literal-expansion] at 4: `$HOME/x` is taken literally: nothing in it is expanded
              ^ a plain string
              = help: write `(noescape "$HOME/x")` to have it expanded at launch, or `(noescape "\\$HOME/x")` if you mean it literally
        "#]],
    );
    check_one(
        "set-env",
        [s("PRICE"), s("5$")],
        &expect![[r#"
            jail#0: {"program":{"path":{"pieces":[{"nix":"pkgs.hello","output":"program"}],"expand":false}}}
            set-env#4: {"set-env":{"name":"PRICE","value":"5$"}}
        "#]],
    );
    check_one(
        "set-argv",
        [list([s("--home=${HOME}"), s("echo $HOME")])],
        &expect![[r#"
            jail#0: {"program":{"path":{"pieces":[{"nix":"pkgs.hello","output":"program"}],"expand":false}}}
            set-argv#4: {"arguments":{"words":[{"text":"--home=${HOME}"},{"text":"echo $HOME"}]}}
            warning[literal-expansion] at 4: `--home=${HOME}` is taken literally: nothing in it is expanded
              ^ a plain string
              = help: write `(noescape "--home=\${HOME}")` to have it expanded at launch, or `(noescape "--home=\\\${HOME}")` if you mean it literally
        "#]],
    );
    check_one(
        "readonly",
        [s("/home/$USER")],
        &expect![[r#"
            jail#0: {"program":{"path":{"pieces":[{"nix":"pkgs.hello","output":"program"}],"expand":false}}}
            readonly#4: {"bind":{"from":"/home/$USER","to":"/home/$USER","access":"ro","missing":"fail"}}
            warning[literal-expansion] at 3: `/home/$USER` is taken literally: nothing in it is expanded
              ^ a plain string
              = help: write `(noescape "/home/$USER")` to have it expanded at launch, or `(noescape "/home/\\$USER")` if you mean it literally
            warning[grants-home] at 3: the jail can read `/home/$USER`, which holds everything that is yours
              ^ critical severity
              = help: grant the folders that the program needs, one by one
        "#]],
    );
}

#[test]
fn one_place_that_is_granted_twice() {
    check(
        vec![p("readonly", [s("/src")]), p("readwrite", [s("/src/")])],
        &expect![[r#"
            jail#0: {"program":{"path":{"pieces":[{"nix":"pkgs.hello","output":"program"}],"expand":false}}}
            readonly#4: {"bind":{"from":"/src","to":"/src","access":"ro","missing":"fail"}}
            readwrite#5: {"bind":{"from":"/src","to":"/src","access":"rw","missing":"fail"}}
            warning[conflicting-grants] at 5: `/src` is granted twice, first by `readonly`, now by `readwrite`
              ^ this one counts
              at 3: first granted here
              = help: remove one of them
        "#]],
    );
    check(
        vec![p("readonly", [s("/src")]), p("readonly", [s("/src")])],
        &expect![[r#"
            jail#0: {"program":{"path":{"pieces":[{"nix":"pkgs.hello","output":"program"}],"expand":false}}}
            readonly#5: {"bind":{"from":"/src","to":"/src","access":"ro","missing":"fail"}}
        "#]],
    );
    let state = || p("state-dir", [x("~/.config/a")]);
    check(
        vec![state(), p("readwrite", [x("~/.config/a")])],
        &expect![[r#"
            jail#0: {"program":{"path":{"pieces":[{"nix":"pkgs.hello","output":"program"}],"expand":false}}}
            state-dir#4: {"state-directory":{"path":{"expand":"~/.config/a"},"to":{"expand":"~/.config/a"}}}
            readwrite#5: {"bind":{"from":{"expand":"~/.config/a"},"to":{"expand":"~/.config/a"},"access":"rw","missing":"fail"}}
        "#]],
    );
    check(
        vec![state(), p("readonly", [x("~/.config/a")])],
        &expect![[r#"
            jail#0: {"program":{"path":{"pieces":[{"nix":"pkgs.hello","output":"program"}],"expand":false}}}
            state-dir#4: {"state-directory":{"path":{"expand":"~/.config/a"},"to":{"expand":"~/.config/a"}}}
            readonly#5: {"bind":{"from":{"expand":"~/.config/a"},"to":{"expand":"~/.config/a"},"access":"ro","missing":"fail"}}
            warning[conflicting-grants] at 5: `~/.config/a` is granted twice, first by `state-dir`, now by `readonly`
              ^ this one counts
              at 3: first granted here
              = help: remove one of them
        "#]],
    );
    check(
        vec![p("mount-cwd", []), p("mount-cwd-readonly", [])],
        &expect![[r#"
            jail#0: {"program":{"path":{"pieces":[{"nix":"pkgs.hello","output":"program"}],"expand":false}}}
            mount-cwd-readonly#5: {"folder":{"access":"ro","to":null}}
            warning[conflicting-grants] at 3: the working folder is granted twice, first read-write, now read-only
              ^ this one counts
              at 2: first granted here
              = help: remove one of them
        "#]],
    );
    check(
        vec![p("persist-home", [s("a")]), p("persist-home", [s("b")])],
        &expect![[r#"
            jail#0: {"program":{"path":{"pieces":[{"nix":"pkgs.hello","output":"program"}],"expand":false}}}
            persist-home#5: {"state-directory":{"path":{"expand":"${XDG_DATA_HOME:-~/.local/share}/jailgen/home/b"},"to":{"expand":"~"}}}
            warning[conflicting-grants] at 5: `~` is granted twice, first by `persist-home`, now by `persist-home`
              ^ this one counts
              at 3: first granted here
              = help: remove one of them
        "#]],
    );
}

#[test]
fn a_grant_that_a_later_one_covers() {
    check(
        vec![p("readonly", [s("/a/b")]), p("tmpfs", [s("/a")])],
        &expect![[r#"
            jail#0: {"program":{"path":{"pieces":[{"nix":"pkgs.hello","output":"program"}],"expand":false}}}
            readonly#4: {"bind":{"from":"/a/b","to":"/a/b","access":"ro","missing":"fail"}}
            tmpfs#5: {"tmpfs":{"to":"/a","mode":493,"size":null}}
            warning[hidden-grant] at 5: `tmpfs` at `/a` covers `/a/b`, which was granted before
              ^ later grants cover earlier ones
              at 3: first granted here
              = help: put `readonly` after it
        "#]],
    );
    check(
        vec![p("tmpfs", [s("/a")]), p("readonly", [s("/a/b")])],
        &expect![[r#"
            jail#0: {"program":{"path":{"pieces":[{"nix":"pkgs.hello","output":"program"}],"expand":false}}}
            tmpfs#4: {"tmpfs":{"to":"/a","mode":493,"size":null}}
            readonly#5: {"bind":{"from":"/a/b","to":"/a/b","access":"ro","missing":"fail"}}
        "#]],
    );
    check(
        vec![p("readonly", [s("/ab")]), p("tmpfs", [s("/a")])],
        &expect![[r#"
            jail#0: {"program":{"path":{"pieces":[{"nix":"pkgs.hello","output":"program"}],"expand":false}}}
            readonly#4: {"bind":{"from":"/ab","to":"/ab","access":"ro","missing":"fail"}}
            tmpfs#5: {"tmpfs":{"to":"/a","mode":493,"size":null}}
        "#]],
    );
}

#[test]
fn a_home_after_the_working_folder_covers_nothing_because_that_lies_over_it() {
    check(
        vec![p("mount-cwd", []), p("tmpfs", [x("$HOME/")])],
        &expect![[r#"
            jail#0: {"program":{"path":{"pieces":[{"nix":"pkgs.hello","output":"program"}],"expand":false}}}
            mount-cwd#4: {"git":{"settings":"apart"}}
            mount-cwd#4: {"folder":{"access":"rw","to":null}}
            tmpfs#5: {"tmpfs":{"to":{"expand":"$HOME/"},"mode":493,"size":null}}
        "#]],
    );
    check(
        vec![p("tmpfs", [x("~")]), p("mount-cwd", [])],
        &expect![[r#"
            jail#0: {"program":{"path":{"pieces":[{"nix":"pkgs.hello","output":"program"}],"expand":false}}}
            mount-cwd#5: {"git":{"settings":"apart"}}
            tmpfs#4: {"tmpfs":{"to":{"expand":"~"},"mode":493,"size":null}}
            mount-cwd#5: {"folder":{"access":"rw","to":null}}
        "#]],
    );
    check(
        vec![p("workspace", [s("/w")]), p("tmpfs", [x("~")])],
        &expect![[r#"
            jail#0: {"program":{"path":{"pieces":[{"nix":"pkgs.hello","output":"program"}],"expand":false}}}
            workspace#4: {"git":{"settings":"apart"}}
            workspace#4: {"folder":{"access":"rw","to":"/w"}}
            tmpfs#5: {"tmpfs":{"to":{"expand":"~"},"mode":493,"size":null}}
        "#]],
    );
    check(
        vec![p("readonly", [x("$HOME/a")]), p("readwrite", [x("~/a")])],
        &expect![[r#"
            jail#0: {"program":{"path":{"pieces":[{"nix":"pkgs.hello","output":"program"}],"expand":false}}}
            readonly#4: {"bind":{"from":{"expand":"$HOME/a"},"to":{"expand":"$HOME/a"},"access":"ro","missing":"fail"}}
            readwrite#5: {"bind":{"from":{"expand":"~/a"},"to":{"expand":"~/a"},"access":"rw","missing":"fail"}}
            warning[conflicting-grants] at 5: `~/a` is granted twice, first by `readonly`, now by `readwrite`
              ^ this one counts
              at 3: first granted here
              = help: remove one of them
        "#]],
    );
}

#[test]
fn a_script_that_drops_the_arguments() {
    check_one(
        "wrap-entry",
        [script("exec @@")],
        &expect![[r##"
            wrap-entry#4: {"program":{"path":"/run/jailgen/entry-1"}}
            wrap-entry#4: {"file":{"to":"/run/jailgen/entry-1","content":{"pieces":["#!",{"nix":"pkgs.bashInteractive","output":"bin"},"/bin/bash\nset -o errexit\nset -o nounset\nset -o pipefail\n\nexec ",{"nix":"pkgs.hello","output":"program"},"\n"],"expand":false},"mode":365}}
            warning[arguments-dropped] at 3: the script of `wrap-entry` does not pass on the command's arguments
              ^ no `"$@"` in it
              = help: write `${entry} "$@"` where the program starts
        "##]],
    );
}

/// It has no store: what is used unchanged needs none.
struct NoVariables;

impl jail_plan::Lookup for NoVariables {
    fn variable(&self, _: &str) -> Option<&str> {
        None
    }

    fn home(&self) -> Option<&str> {
        None
    }

    fn folder(&self) -> Option<String> {
        None
    }
}

proptest::proptest! {
    #[test]
    fn the_text_that_keeps_a_string_gives_that_string(text in "[ab~${}\\\\\"`:-]{0,12}") {
        let kept = super::super::text::kept(&text);
        let expansion = jail_plan::Expansion::parse(&kept).expect("it is an expansion");
        let resolved = jail_plan::HostText::Expand(expansion).resolve(&NoVariables);
        proptest::prop_assert_eq!(resolved, Ok(text));
    }
}
