//! The grants of each combinator.

use super::*;

#[test]
fn an_empty_list_leaves_the_base() {
    expect![[r#"
        jail#0: starts `${lib.getExe pkgs.hello}`
        bind-nix-store-runtime-closure#2: the store paths that it needs, read only
        base#1: the host name `demo`
        base#1: the terminal, without typing into it
        base#1: ends with whoever started it
        base#1: its own processes at `/proc`
        base#1: a minimal /dev at `/dev`
        base#1: an empty folder in memory at `/tmp` (1777)
        base#1: an empty folder in memory at `/var/tmp` (1777)
        base#1: an empty folder in memory at `~` (expanded) (0700)
        base#1: `/bin/sh` points to `${lib.getBin pkgs.bashInteractive}/bin/bash`
        base#1: `/bin/bash` points to `${lib.getBin pkgs.bashInteractive}/bin/bash`
        base#1: `/usr/bin/env` points to `${lib.getBin pkgs.coreutils}/bin/env`
        base#1: the file `/etc/hostname` (0444), 5 bytes
        base#1: the file `/etc/hosts` (0444), 44 bytes
        fake-passwd#3: an account of the caller, with the shell `${lib.getBin pkgs.bashInteractive}/bin/bash`
        base#1: the time zone UTC
        base#1: `HOME` is `~` (expanded)
        base#1: `LANG` as the launcher has it, if it is there
        base#1: `SHELL` is `${lib.getBin pkgs.bashInteractive}/bin/bash`
        base#1: `TERM` as the launcher has it, if it is there
        base#1: `USER` as the launcher has it, if it is there
        base#1: `/bin` in PATH
        base#1: `${lib.getBin pkgs.coreutils}/bin` in PATH
    "#]].assert_eq(&lowered_whole(&jail(vec![])));
}

#[test]
fn binds() {
    let (from, to) = (s("/srv//a/"), s("/b"));
    check_one(
        "ro-bind",
        [from.clone(), to.clone()],
        &expect![[r#"
        jail#0: starts `${lib.getExe pkgs.hello}`
        ro-bind#4: `/srv/a` at `/b`, read only
    "#]],
    );
    check_one(
        "rw-bind",
        [from.clone(), to.clone()],
        &expect![[r#"
        jail#0: starts `${lib.getExe pkgs.hello}`
        rw-bind#4: `/srv/a` at `/b`, read and write
    "#]],
    );
    check_one(
        "try-ro-bind",
        [from.clone(), to.clone()],
        &expect![[r#"
        jail#0: starts `${lib.getExe pkgs.hello}`
        try-ro-bind#4: `/srv/a` at `/b`, read only, if it is there
    "#]],
    );
    check_one(
        "try-rw-bind",
        [from, to],
        &expect![[r#"
        jail#0: starts `${lib.getExe pkgs.hello}`
        try-rw-bind#4: `/srv/a` at `/b`, read and write, if it is there
    "#]],
    );
    check_one(
        "ro-bind",
        [pkg("cacert"), s("/b")],
        &expect![[r#"
        jail#0: starts `${lib.getExe pkgs.hello}`
        ro-bind#4: `${pkgs.cacert}` at `/b`, read only
    "#]],
    );
    check_one(
        "readonly",
        [x("~/a")],
        &expect![[r#"
        jail#0: starts `${lib.getExe pkgs.hello}`
        readonly#4: your `~/a`, read only
    "#]],
    );
    check_one(
        "readwrite",
        [x("\"$FOO\"")],
        &expect![[r#"
        jail#0: starts `${lib.getExe pkgs.hello}`
        readwrite#4: `\"$FOO\"` (expanded), read and write
    "#]],
    );
    check_one(
        "try-readonly",
        [s("/a")],
        &expect![[r#"
        jail#0: starts `${lib.getExe pkgs.hello}`
        try-readonly#4: `/a`, read only, if it is there
    "#]],
    );
    check_one(
        "try-readwrite",
        [s("/a")],
        &expect![[r#"
        jail#0: starts `${lib.getExe pkgs.hello}`
        try-readwrite#4: `/a`, read and write, if it is there
    "#]],
    );
    check_one(
        "bind-device",
        [s("/dev/kvm")],
        &expect![[r#"
        jail#0: starts `${lib.getExe pkgs.hello}`
        bind-device#4: `/dev/kvm`, read, write and use as a device
    "#]],
    );
    check_one(
        "bind-pkg",
        [s("/etc/zoneinfo"), pkg("tzdata")],
        &expect![[r#"
        jail#0: starts `${lib.getExe pkgs.hello}`
        bind-pkg#4: `${pkgs.tzdata}` at `/etc/zoneinfo`, read only
    "#]],
    );
}

#[test]
fn what_is_made_for_the_jail() {
    check_one(
        "tmpfs",
        [s("/var/cache")],
        &expect![[r#"
        jail#0: starts `${lib.getExe pkgs.hello}`
        tmpfs#4: an empty folder in memory at `/var/cache`
    "#]],
    );
    check_one(
        "tmpfs-sized",
        [s("1G"), s("/tmp")],
        &expect![[r#"
        jail#0: starts `${lib.getExe pkgs.hello}`
        tmpfs-sized#4: an empty folder in memory at `/tmp` (1777), at most 1073741824 bytes
    "#]],
    );
    check_one(
        "mount",
        [s("tmpfs"), s("/x")],
        &expect![[r#"
        jail#0: starts `${lib.getExe pkgs.hello}`
        mount#4: an empty folder in memory at `/x`
    "#]],
    );
    check_one(
        "mount",
        [s("devtmpfs"), s("/x")],
        &expect![[r#"
        jail#0: starts `${lib.getExe pkgs.hello}`
        mount#4: a minimal /dev at `/x`
    "#]],
    );
    check_one(
        "mount",
        [s("proc"), s("/x")],
        &expect![[r#"
        jail#0: starts `${lib.getExe pkgs.hello}`
        mount#4: its own processes at `/x`
    "#]],
    );
    check(
        vec![p("reset", []), p("mount-dev", []), p("mount-proc", [])],
        &expect![[r#"
        jail#0: starts `${lib.getExe pkgs.hello}`
        mount-dev#5: a minimal /dev at `/dev`
        mount-proc#6: its own processes at `/proc`
    "#]],
    );
    check_one(
        "write-text",
        [s("/etc/motd"), s("pay $5\n")],
        &expect![[r#"
        jail#0: starts `${lib.getExe pkgs.hello}`
        write-text#4: the file `/etc/motd` (0444), 7 bytes
    "#]],
    );
    check_one(
        "state-dir",
        [x("~/.config/a")],
        &expect![[r#"
        jail#0: starts `${lib.getExe pkgs.hello}`
        state-dir#4: your `~/.config/a`, created when missing, read and write
    "#]],
    );
    check_one(
        "state-file",
        [x("~/.a.json")],
        &expect![[r#"
            jail#0: starts `${lib.getExe pkgs.hello}`
            state-file#4: your `~/.a.json`, a file created when missing, read and write
        "#]],
    );
    check_one(
        "persist-home",
        [s("work")],
        &expect![[r#"
        jail#0: starts `${lib.getExe pkgs.hello}`
        persist-home#4: `${XDG_DATA_HOME:-~/.local/share}/jailgen/home/work` (expanded) at `~` (expanded), created when missing, read and write
    "#]],
    );
    check_one(
        "whole-nix-store",
        [],
        &expect![[r#"
        jail#0: starts `${lib.getExe pkgs.hello}`
        whole-nix-store#4: all of the Nix store, read only
    "#]],
    );
}

#[test]
fn the_working_folder_and_the_arguments() {
    check_one(
        "mount-cwd",
        [],
        &expect![[r#"
        jail#0: starts `${lib.getExe pkgs.hello}`
        mount-cwd#4: the folder you start it in, read and write
    "#]],
    );
    check_one(
        "mount-cwd-readonly",
        [],
        &expect![[r#"
        jail#0: starts `${lib.getExe pkgs.hello}`
        mount-cwd-readonly#4: the folder you start it in, read only
    "#]],
    );
    check_one(
        "workspace",
        [s("/workspace")],
        &expect![[r#"
        jail#0: starts `${lib.getExe pkgs.hello}`
        workspace#4: the folder you start it in at `/workspace`, read and write
    "#]],
    );
    check(
        vec![p("mount-cwd", []), p("allow-home-cwd", [])],
        &expect![[r#"
        jail#0: starts `${lib.getExe pkgs.hello}`
        allow-home-cwd#5: may be started in the home folder itself
        mount-cwd#4: the folder you start it in, read and write
    "#]],
    );
    check_one(
        "readonly-runtime-args",
        [],
        &expect![[r#"
        jail#0: starts `${lib.getExe pkgs.hello}`
        readonly-runtime-args#4: every argument that is an existing path, read only
    "#]],
    );
    check_one(
        "readwrite-runtime-args",
        [],
        &expect![[r#"
        jail#0: starts `${lib.getExe pkgs.hello}`
        readwrite-runtime-args#4: every argument that is an existing path, read and write
    "#]],
    );
    check_one(
        "readonly-paths-from-var",
        [s("XDG_DATA_DIRS"), s(":")],
        &expect![[r#"
        jail#0: starts `${lib.getExe pkgs.hello}`
        readonly-paths-from-var#4: every path in `$XDG_DATA_DIRS`, divided by `:`, read only
    "#]],
    );
}

#[test]
fn the_environment() {
    check_one(
        "set-env",
        [s("A"), s("1")],
        &expect![[r#"
        jail#0: starts `${lib.getExe pkgs.hello}`
        set-env#4: `A` is `1`
    "#]],
    );
    check_one(
        "set-env",
        [s("GOPATH"), x("~/go")],
        &expect![[r#"
        jail#0: starts `${lib.getExe pkgs.hello}`
        set-env#4: `GOPATH` is `~/go` (expanded)
    "#]],
    );
    check_one(
        "fwd-env",
        [s("EDITOR")],
        &expect![[r#"
        jail#0: starts `${lib.getExe pkgs.hello}`
        fwd-env#4: `EDITOR` as the launcher has it
    "#]],
    );
    check_one(
        "try-fwd-env",
        [s("COLORTERM")],
        &expect![[r#"
        jail#0: starts `${lib.getExe pkgs.hello}`
        try-fwd-env#4: `COLORTERM` as the launcher has it, if it is there
    "#]],
    );
    check_one(
        "unset-env",
        [s("LANG")],
        &expect![[r#"
        jail#0: starts `${lib.getExe pkgs.hello}`
        unset-env#4: no `LANG`
    "#]],
    );
    check_one(
        "add-path",
        [s("/opt/bin")],
        &expect![[r#"
        jail#0: starts `${lib.getExe pkgs.hello}`
        add-path#4: `/opt/bin` in PATH
    "#]],
    );
    check_one(
        "add-pkg-deps",
        [list([pkg("git"), pkg("jq")])],
        &expect![[r#"
        jail#0: starts `${lib.getExe pkgs.hello}`
        add-pkg-deps#4: `${lib.getBin pkgs.git}/bin` in PATH
        add-pkg-deps#4: `${lib.getBin pkgs.jq}/bin` in PATH
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
        jail#0: starts `${lib.getExe pkgs.hello}`
        set-argv#4: with the arguments `-c` `echo $HOME` of the command `$FOO` (expanded)
    "#]],
    );
    check_one(
        "wrap-entry",
        [script("exec @@ \"$@\"")],
        &expect![[r#"
        wrap-entry#4: starts `/run/jailgen/entry-1`
        wrap-entry#4: the file `/run/jailgen/entry-1` (0555), 106 bytes
    "#]],
    );
}

#[test]
fn process_and_identity() {
    check_one(
        "new-session",
        [],
        &expect![[r#"
        jail#0: starts `${lib.getExe pkgs.hello}`
        new-session#4: a terminal session of its own
    "#]],
    );
    check_one(
        "no-new-session",
        [],
        &expect![[r#"
        jail#0: starts `${lib.getExe pkgs.hello}`
        no-new-session#4: the terminal, without typing into it
    "#]],
    );
    check_one(
        "no-die-with-parent",
        [],
        &expect![[r#"
        jail#0: starts `${lib.getExe pkgs.hello}`
        no-die-with-parent#4: ends with its program
    "#]],
    );
    check_one(
        "set-hostname",
        [s("workbench")],
        &expect![[r#"
        jail#0: starts `${lib.getExe pkgs.hello}`
        set-hostname#4: the host name `workbench`
        set-hostname#4: the file `/etc/hostname` (0444), 10 bytes
        set-hostname#4: the file `/etc/hosts` (0444), 54 bytes
    "#]],
    );
    check_one(
        "time-zone",
        [],
        &expect![[r#"
        jail#0: starts `${lib.getExe pkgs.hello}`
        time-zone#4: the host's time zone
        time-zone#4: `TZDIR` is `${pkgs.tzdata}/share/zoneinfo`
    "#]],
    );
    check_one(
        "utc",
        [],
        &expect![[r#"
        jail#0: starts `${lib.getExe pkgs.hello}`
        utc#4: the time zone UTC
    "#]],
    );
    check_one(
        "share-ns",
        [s("ipc")],
        &expect![[r#"
        jail#0: starts `${lib.getExe pkgs.hello}`
        share-ns#4: the host's ipc namespace
    "#]],
    );
}

#[test]
fn the_network() {
    check_one(
        "network",
        [],
        &expect![[r#"
        jail#0: starts `${lib.getExe pkgs.hello}`
        network#4: the host's network
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
fn an_entry_may_be_a_path() {
    let jail = jail_named("demo", s("/usr/bin/true"), vec![]);
    expect![[r#"
        jail#0: starts `/usr/bin/true`
    "#]]
    .assert_eq(&lowered(&jail));
    let jail = jail_named("demo", x("~/bin/x"), vec![]);
    expect![[r#"
        jail#0: starts `~/bin/x` (expanded)
    "#]]
    .assert_eq(&lowered(&jail));
}
