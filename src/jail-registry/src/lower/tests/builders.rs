//! What agent builders amount to.

use super::*;

#[test]
fn a_builder() {
    let jail = built(
        "makeJailedOpencode",
        [
            ("extraPkgs", list([pkg("nodejs")])),
            ("extraReadwriteDirs", list([s("~/projects")])),
            ("extraReadonlyDirs", list([s("~/projects/secret")])),
            ("fwdEnv", list([s("EDITOR")])),
        ],
    );
    expect![[r#"
        makeJailedOpencode#0: starts `${lib.getExe agents.opencode}`
        network#4: the host's network
        no-new-session#6: the terminal, without typing into it
        network#4: the contents of `/etc/resolv.conf`, if it is there
        network#4: the contents of `/etc/hosts`, if it is there
        network#4: the contents of `/etc/services`, if it is there
        network#4: `/etc/ssl/certs/ca-bundle.crt` points to `${pkgs.cacert}/etc/ssl/certs/ca-bundle.crt`
        network#4: `/etc/ssl/certs/ca-certificates.crt` points to `${pkgs.cacert}/etc/ssl/certs/ca-bundle.crt`
        network#4: `/etc/pki/tls/certs/ca-bundle.crt` points to `${pkgs.cacert}/etc/ssl/certs/ca-bundle.crt`
        mount-cwd#7: the folder you start it in, read and write
        state-dir#8: your `~/.config/opencode`, created when missing, read and write
        state-dir#9: your `~/.local/share/opencode`, created when missing, read and write
        state-dir#10: your `~/.local/state/opencode`, created when missing, read and write
        readwrite#11: your `~/projects`, read and write
        readonly#12: your `~/projects/secret`, read only
        time-zone#5: the host's time zone
        network#4: `CURL_CA_BUNDLE` is `${pkgs.cacert}/etc/ssl/certs/ca-bundle.crt`
        fwd-env#15: `EDITOR` as the launcher has it
        network#4: `GIT_SSL_CAINFO` is `${pkgs.cacert}/etc/ssl/certs/ca-bundle.crt`
        network#4: `NIX_SSL_CERT_FILE` is `${pkgs.cacert}/etc/ssl/certs/ca-bundle.crt`
        network#4: `REQUESTS_CA_BUNDLE` is `${pkgs.cacert}/etc/ssl/certs/ca-bundle.crt`
        network#4: `SSL_CERT_FILE` is `${pkgs.cacert}/etc/ssl/certs/ca-bundle.crt`
        time-zone#5: `TZDIR` is `${pkgs.tzdata}/share/zoneinfo`
        add-pkg-deps#13: `${lib.getBin pkgs.bashInteractive}/bin` in PATH
        add-pkg-deps#13: `${lib.getBin pkgs.curl}/bin` in PATH
        add-pkg-deps#13: `${lib.getBin pkgs.wget}/bin` in PATH
        add-pkg-deps#13: `${lib.getBin pkgs.jq}/bin` in PATH
        add-pkg-deps#13: `${lib.getBin pkgs.git}/bin` in PATH
        add-pkg-deps#13: `${lib.getBin pkgs.which}/bin` in PATH
        add-pkg-deps#13: `${lib.getBin pkgs.ripgrep}/bin` in PATH
        add-pkg-deps#13: `${lib.getBin pkgs.gnugrep}/bin` in PATH
        add-pkg-deps#13: `${lib.getBin pkgs.gnused}/bin` in PATH
        add-pkg-deps#13: `${lib.getBin pkgs.gawkInteractive}/bin` in PATH
        add-pkg-deps#13: `${lib.getBin pkgs.ps}/bin` in PATH
        add-pkg-deps#13: `${lib.getBin pkgs.findutils}/bin` in PATH
        add-pkg-deps#13: `${lib.getBin pkgs.gzip}/bin` in PATH
        add-pkg-deps#13: `${lib.getBin pkgs.unzip}/bin` in PATH
        add-pkg-deps#13: `${lib.getBin pkgs.gnutar}/bin` in PATH
        add-pkg-deps#13: `${lib.getBin pkgs.diffutils}/bin` in PATH
        add-pkg-deps#14: `${lib.getBin pkgs.nodejs}/bin` in PATH
    "#]].assert_eq(&lowered(&jail));
}

#[test]
fn the_general_builder() {
    let jail = built(
        "makeJailedAgent",
        [
            ("name", s("jailed-x")),
            ("pkg", pkg("x")),
            ("configPaths", list([s("~/.config/x"), s("~/.x.json"), s("$XDG_STATE_HOME/x")])),
            ("baseJailOptions", list([p("mount-cwd", [])])),
            ("basePackages", list([pkg("git")])),
            ("extraJailOptions", list([p("tmpfs-sized", [s("1M"), s("/tmp")])])),
        ],
    );
    expect![[r#"
        makeJailedAgent#0: starts `${lib.getExe pkgs.x}`
        mount-cwd#4: the folder you start it in, read and write
        state-dir#5: your `~/.config/x`, created when missing, read and write
        state-file#6: your `~/.x.json`, a file created when missing, read and write
        state-dir#7: `$XDG_STATE_HOME/x` (expanded), created when missing, read and write
        tmpfs-sized#9: an empty folder in memory at `/tmp` (1777), at most 1048576 bytes
        add-pkg-deps#8: `${lib.getBin pkgs.git}/bin` in PATH
    "#]]
    .assert_eq(&lowered(&jail));
}

#[test]
fn a_preset_with_arguments_puts_them_before_those_of_the_caller() {
    let nothing = [("baseJailOptions", list([])), ("basePackages", list([]))];
    expect![[r#"
        makeJailedCodex#0: starts `${lib.getExe agents.codex}`
        set-argv#6: with the arguments `-c` `sandbox_mode=danger-full-access` of the command
        state-dir#4: your `~/.codex`, created when missing, read and write
    "#]]
    .assert_eq(&lowered(&built("makeJailedCodex", nothing)));
}
