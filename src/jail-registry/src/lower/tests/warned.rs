//! What draws a warning and is compiled all the same.

use super::*;

#[test]
fn strings_that_look_as_if_they_were_to_be_expanded() {
    check_one(
        "set-env",
        [s("A"), s("~/x")],
        &expect![[r#"
            jail#0: starts `${lib.getExe pkgs.hello}`
            set-env#4: `A` is `~/x`
            warning[literal-expansion] at 4: `~/x` is taken as it stands: nothing in it is expanded
              ^ a plain string
              = help: write `(noescape "~/x")` to have it expanded at launch, or `(noescape "\\~/x")` if it is meant as it stands
        "#]],
    );
    check_one(
        "set-env",
        [s("A"), s("$HOME/x")],
        &expect![[r#"
            jail#0: starts `${lib.getExe pkgs.hello}`
            set-env#4: `A` is `$HOME/x`
            warning[literal-expansion] at 4: `$HOME/x` is taken as it stands: nothing in it is expanded
              ^ a plain string
              = help: write `(noescape "$HOME/x")` to have it expanded at launch, or `(noescape "\\$HOME/x")` if it is meant as it stands
        "#]],
    );
    check_one(
        "set-env",
        [s("PRICE"), s("5$")],
        &expect![[r#"
        jail#0: starts `${lib.getExe pkgs.hello}`
        set-env#4: `PRICE` is `5$`
    "#]],
    );
    check_one(
        "set-argv",
        [list([s("--home=${HOME}"), s("echo $HOME")])],
        &expect![[r#"
            jail#0: starts `${lib.getExe pkgs.hello}`
            set-argv#4: with the arguments `--home=${HOME}` `echo $HOME`
            warning[literal-expansion] at 4: `--home=${HOME}` is taken as it stands: nothing in it is expanded
              ^ a plain string
              = help: write `(noescape "--home=\${HOME}")` to have it expanded at launch, or `(noescape "--home=\\\${HOME}")` if it is meant as it stands
        "#]],
    );
    check_one(
        "readonly",
        [s("/home/$USER")],
        &expect![[r#"
            jail#0: starts `${lib.getExe pkgs.hello}`
            readonly#4: `/home/$USER`, read only
            warning[literal-expansion] at 3: `/home/$USER` is taken as it stands: nothing in it is expanded
              ^ a plain string
              = help: write `(noescape "/home/$USER")` to have it expanded at launch, or `(noescape "/home/\\$USER")` if it is meant as it stands
        "#]],
    );
}

#[test]
fn one_place_that_is_granted_twice() {
    check(
        vec![p("readonly", [s("/src")]), p("readwrite", [s("/src/")])],
        &expect![[r#"
        jail#0: starts `${lib.getExe pkgs.hello}`
        readonly#4: `/src`, read only
        readwrite#5: `/src`, read and write
        warning[conflicting-grants] at 5: `/src` is granted twice, first by `readonly`, now by `readwrite`
          ^ this one counts
          at 3: first granted here
          = help: leave one of them out
    "#]],
    );
    check(
        vec![p("readonly", [s("/src")]), p("readonly", [s("/src")])],
        &expect![[r#"
        jail#0: starts `${lib.getExe pkgs.hello}`
        readonly#5: `/src`, read only
    "#]],
    );
    let state = || p("state-dir", [x("~/.config/a")]);
    check(
        vec![state(), p("readwrite", [x("~/.config/a")])],
        &expect![[r#"
        jail#0: starts `${lib.getExe pkgs.hello}`
        state-dir#4: your `~/.config/a`, created when missing, read and write
        readwrite#5: your `~/.config/a`, read and write
    "#]],
    );
    check(
        vec![state(), p("readonly", [x("~/.config/a")])],
        &expect![[r#"
        jail#0: starts `${lib.getExe pkgs.hello}`
        state-dir#4: your `~/.config/a`, created when missing, read and write
        readonly#5: your `~/.config/a`, read only
        warning[conflicting-grants] at 5: `~/.config/a` is granted twice, first by `state-dir`, now by `readonly`
          ^ this one counts
          at 3: first granted here
          = help: leave one of them out
    "#]],
    );
    check(
        vec![p("mount-cwd", []), p("mount-cwd-readonly", [])],
        &expect![[r#"
        jail#0: starts `${lib.getExe pkgs.hello}`
        mount-cwd-readonly#5: the folder you start it in, read only
        warning[conflicting-grants] at 3: the working folder is granted twice, first read-write, now read-only
          ^ this one counts
          at 2: first granted here
          = help: leave one of them out
    "#]],
    );
    check(
        vec![p("persist-home", [s("a")]), p("persist-home", [s("b")])],
        &expect![[r#"
        jail#0: starts `${lib.getExe pkgs.hello}`
        persist-home#5: `${XDG_DATA_HOME:-~/.local/share}/jailgen/home/b` (expanded) at `~` (expanded), created when missing, read and write
        warning[conflicting-grants] at 5: `~` is granted twice, first by `persist-home`, now by `persist-home`
          ^ this one counts
          at 3: first granted here
          = help: leave one of them out
    "#]],
    );
}

#[test]
fn a_grant_that_a_later_one_covers() {
    check(
        vec![p("readonly", [s("/a/b")]), p("tmpfs", [s("/a")])],
        &expect![[r#"
        jail#0: starts `${lib.getExe pkgs.hello}`
        readonly#4: `/a/b`, read only
        tmpfs#5: an empty folder in memory at `/a`
        warning[hidden-grant] at 5: `tmpfs` at `/a` covers `/a/b`, which was granted before
          ^ what comes later lies over what comes earlier
          at 3: first granted here
          = help: put `readonly` after it
    "#]],
    );
    check(
        vec![p("tmpfs", [s("/a")]), p("readonly", [s("/a/b")])],
        &expect![[r#"
        jail#0: starts `${lib.getExe pkgs.hello}`
        tmpfs#4: an empty folder in memory at `/a`
        readonly#5: `/a/b`, read only
    "#]],
    );
    check(
        vec![p("readonly", [s("/ab")]), p("tmpfs", [s("/a")])],
        &expect![[r#"
        jail#0: starts `${lib.getExe pkgs.hello}`
        readonly#4: `/ab`, read only
        tmpfs#5: an empty folder in memory at `/a`
    "#]],
    );
}

#[test]
fn a_home_that_covers_the_working_folder() {
    check(
        vec![p("mount-cwd", []), p("tmpfs", [x("$HOME/")])],
        &expect![[r#"
        jail#0: starts `${lib.getExe pkgs.hello}`
        mount-cwd#4: the folder you start it in, read and write
        tmpfs#5: an empty folder in memory at `$HOME/` (expanded)
        warning[hidden-grant] at 4: `tmpfs` at `$HOME/` covers the working folder, if that lies below
          ^ what comes later lies over what comes earlier
          at 2: first granted here
          = help: put the working folder after it
    "#]],
    );
    check(
        vec![p("tmpfs", [x("~")]), p("mount-cwd", [])],
        &expect![[r#"
        jail#0: starts `${lib.getExe pkgs.hello}`
        tmpfs#4: an empty folder in memory at `~` (expanded)
        mount-cwd#5: the folder you start it in, read and write
    "#]],
    );
    check(
        vec![p("workspace", [s("/w")]), p("tmpfs", [x("~")])],
        &expect![[r#"
        jail#0: starts `${lib.getExe pkgs.hello}`
        workspace#4: the folder you start it in at `/w`, read and write
        tmpfs#5: an empty folder in memory at `~` (expanded)
    "#]],
    );
    check(
        vec![p("readonly", [x("$HOME/a")]), p("readwrite", [x("~/a")])],
        &expect![[r#"
        jail#0: starts `${lib.getExe pkgs.hello}`
        readonly#4: `$HOME/a` (expanded), read only
        readwrite#5: your `~/a`, read and write
        warning[conflicting-grants] at 5: `~/a` is granted twice, first by `readonly`, now by `readwrite`
          ^ this one counts
          at 3: first granted here
          = help: leave one of them out
    "#]],
    );
}

#[test]
fn a_script_that_drops_the_arguments() {
    check_one(
        "wrap-entry",
        [script("exec @@")],
        &expect![[r#"
        wrap-entry#4: starts `/run/jailgen/entry-1`
        wrap-entry#4: the file `/run/jailgen/entry-1` (0555), 101 bytes
        warning[arguments-dropped] at 3: the script of `wrap-entry` does not pass the command's arguments on
          ^ no `"$@"` in it
          = help: write `${entry} "$@"` where the program starts
    "#]],
    );
}

/// Knows nothing: what is taken as it stands needs nothing.
struct Nobody;

impl jail_plan::Lookup for Nobody {
    fn variable(&self, _: &str) -> Option<&str> {
        None
    }

    fn home(&self) -> Option<&str> {
        None
    }
}

proptest::proptest! {
    #[test]
    fn the_text_that_keeps_a_string_gives_that_string(text in "[ab~${}\\\\\"`:-]{0,12}") {
        let kept = super::super::text::kept(&text);
        let expansion = jail_plan::Expansion::parse(&kept).expect("it is an expansion");
        let resolved = jail_plan::HostText::Expand(expansion).resolve(&Nobody);
        proptest::prop_assert_eq!(resolved, Ok(text));
    }
}
