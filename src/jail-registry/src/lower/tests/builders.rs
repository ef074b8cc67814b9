//! The expansions of agent builders.

use super::*;
use crate::term::{Built, Jail, Made, Placed};

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
        makeJailedOpencode#0: {"program":{"path":{"pieces":[{"nix":"agents.opencode","output":"program"}],"expand":false}}}
        network#5: "host-network"
        no-new-session#7: {"terminal":{"terminal":"keep"}}
        mount-cwd#8: {"git":{"settings":"apart"}}
        mask#4: {"mask":{"globs":["@credentials"]}}
        network#5: {"copy":{"from":"/etc/resolv.conf","to":"/etc/resolv.conf","missing":"skip"}}
        network#5: {"copy":{"from":"/etc/hosts","to":"/etc/hosts","append":"127.0.0.1 jailed-opencode\n::1 jailed-opencode\n","missing":"skip"}}
        network#5: {"copy":{"from":"/etc/services","to":"/etc/services","missing":"skip"}}
        network#5: {"symlink":{"to":"/etc/ssl/certs/ca-bundle.crt","target":{"pieces":[{"nix":"pkgs.cacert","output":"out"},"/etc/ssl/certs/ca-bundle.crt"],"expand":false}}}
        network#5: {"symlink":{"to":"/etc/ssl/certs/ca-certificates.crt","target":{"pieces":[{"nix":"pkgs.cacert","output":"out"},"/etc/ssl/certs/ca-bundle.crt"],"expand":false}}}
        network#5: {"symlink":{"to":"/etc/pki/tls/certs/ca-bundle.crt","target":{"pieces":[{"nix":"pkgs.cacert","output":"out"},"/etc/ssl/certs/ca-bundle.crt"],"expand":false}}}
        git-identity#9: {"git-identity":{"to":"/etc/gitconfig"}}
        mount-cwd#8: {"folder":{"access":"rw","to":null}}
        state-dir#10: {"state-directory":{"path":{"expand":"~/.config/opencode"},"to":{"expand":"~/.config/opencode"}}}
        state-dir#11: {"state-directory":{"path":{"expand":"~/.local/share/opencode"},"to":{"expand":"~/.local/share/opencode"}}}
        state-dir#12: {"state-directory":{"path":{"expand":"~/.local/state/opencode"},"to":{"expand":"~/.local/state/opencode"}}}
        private-copies#13: {"private-copies":{"folder":{"expand":"~/.config/opencode"},"names":["opencode.json","opencode.jsonc","config.json","tui.json","tui.jsonc","plugin/","plugins/","tool/","tools/","command/","commands/","agent/","agents/","mode/","modes/","skill/","skills/","package.json","bun.lock","node_modules/","AGENTS.md"]}}
        private-copies#14: {"private-copies":{"folder":{"expand":"~/.local/share/opencode"},"names":["bin/","snapshot/"]}}
        readwrite#15: {"bind":{"from":{"expand":"~/projects"},"to":{"expand":"~/projects"},"access":"rw","missing":"fail"}}
        readonly#16: {"bind":{"from":{"expand":"~/projects/secret"},"to":{"expand":"~/projects/secret"},"access":"ro","missing":"fail"}}
        caches#17: {"state-directory":{"path":{"expand":"${XDG_CACHE_HOME:-~/.cache}/jailgen/jailed-opencode/opencode"},"to":{"expand":"~/.cache/opencode"}}}
        time-zone#6: {"time-zone":{"zone":"host"}}
        network#5: {"set-env":{"name":"CURL_CA_BUNDLE","value":{"pieces":[{"nix":"pkgs.cacert","output":"out"},"/etc/ssl/certs/ca-bundle.crt"],"expand":false}}}
        fwd-env#20: {"forward-env":{"name":"EDITOR","missing":"fail"}}
        network#5: {"set-env":{"name":"GIT_SSL_CAINFO","value":{"pieces":[{"nix":"pkgs.cacert","output":"out"},"/etc/ssl/certs/ca-bundle.crt"],"expand":false}}}
        network#5: {"set-env":{"name":"NIX_SSL_CERT_FILE","value":{"pieces":[{"nix":"pkgs.cacert","output":"out"},"/etc/ssl/certs/ca-bundle.crt"],"expand":false}}}
        network#5: {"set-env":{"name":"REQUESTS_CA_BUNDLE","value":{"pieces":[{"nix":"pkgs.cacert","output":"out"},"/etc/ssl/certs/ca-bundle.crt"],"expand":false}}}
        network#5: {"set-env":{"name":"SSL_CERT_FILE","value":{"pieces":[{"nix":"pkgs.cacert","output":"out"},"/etc/ssl/certs/ca-bundle.crt"],"expand":false}}}
        time-zone#6: {"set-env":{"name":"TZDIR","value":{"pieces":[{"nix":"pkgs.tzdata","output":"out"},"/share/zoneinfo"],"expand":false}}}
        add-pkg-deps#18: {"add-path":{"folder":{"pieces":[{"nix":"pkgs.bashInteractive","output":"bin"},"/bin"],"expand":false}}}
        add-pkg-deps#18: {"add-path":{"folder":{"pieces":[{"nix":"pkgs.curl","output":"bin"},"/bin"],"expand":false}}}
        add-pkg-deps#18: {"add-path":{"folder":{"pieces":[{"nix":"pkgs.wget","output":"bin"},"/bin"],"expand":false}}}
        add-pkg-deps#18: {"add-path":{"folder":{"pieces":[{"nix":"pkgs.jq","output":"bin"},"/bin"],"expand":false}}}
        add-pkg-deps#18: {"add-path":{"folder":{"pieces":[{"nix":"pkgs.git","output":"bin"},"/bin"],"expand":false}}}
        add-pkg-deps#18: {"add-path":{"folder":{"pieces":[{"nix":"pkgs.which","output":"bin"},"/bin"],"expand":false}}}
        add-pkg-deps#18: {"add-path":{"folder":{"pieces":[{"nix":"pkgs.ripgrep","output":"bin"},"/bin"],"expand":false}}}
        add-pkg-deps#18: {"add-path":{"folder":{"pieces":[{"nix":"pkgs.gnugrep","output":"bin"},"/bin"],"expand":false}}}
        add-pkg-deps#18: {"add-path":{"folder":{"pieces":[{"nix":"pkgs.gnused","output":"bin"},"/bin"],"expand":false}}}
        add-pkg-deps#18: {"add-path":{"folder":{"pieces":[{"nix":"pkgs.gawkInteractive","output":"bin"},"/bin"],"expand":false}}}
        add-pkg-deps#18: {"add-path":{"folder":{"pieces":[{"nix":"pkgs.ps","output":"bin"},"/bin"],"expand":false}}}
        add-pkg-deps#18: {"add-path":{"folder":{"pieces":[{"nix":"pkgs.findutils","output":"bin"},"/bin"],"expand":false}}}
        add-pkg-deps#18: {"add-path":{"folder":{"pieces":[{"nix":"pkgs.gzip","output":"bin"},"/bin"],"expand":false}}}
        add-pkg-deps#18: {"add-path":{"folder":{"pieces":[{"nix":"pkgs.unzip","output":"bin"},"/bin"],"expand":false}}}
        add-pkg-deps#18: {"add-path":{"folder":{"pieces":[{"nix":"pkgs.gnutar","output":"bin"},"/bin"],"expand":false}}}
        add-pkg-deps#18: {"add-path":{"folder":{"pieces":[{"nix":"pkgs.diffutils","output":"bin"},"/bin"],"expand":false}}}
        add-pkg-deps#18: {"add-path":{"folder":{"pieces":[{"nix":"pkgs.less","output":"bin"},"/bin"],"expand":false}}}
        add-pkg-deps#18: {"add-path":{"folder":{"pieces":[{"nix":"pkgs.file","output":"bin"},"/bin"],"expand":false}}}
        add-pkg-deps#18: {"add-path":{"folder":{"pieces":[{"nix":"pkgs.gnupatch","output":"bin"},"/bin"],"expand":false}}}
        add-pkg-deps#18: {"add-path":{"folder":{"pieces":[{"nix":"pkgs.xz","output":"bin"},"/bin"],"expand":false}}}
        add-pkg-deps#18: {"add-path":{"folder":{"pieces":[{"nix":"pkgs.gnumake","output":"bin"},"/bin"],"expand":false}}}
        add-pkg-deps#18: {"add-path":{"folder":{"pieces":[{"nix":"pkgs.hostname","output":"bin"},"/bin"],"expand":false}}}
        add-pkg-deps#18: {"add-path":{"folder":{"pieces":[{"nix":"pkgs.fd","output":"bin"},"/bin"],"expand":false}}}
        add-pkg-deps#18: {"add-path":{"folder":{"pieces":[{"nix":"pkgs.tree","output":"bin"},"/bin"],"expand":false}}}
        add-pkg-deps#19: {"add-path":{"folder":{"pieces":[{"nix":"pkgs.nodejs","output":"bin"},"/bin"],"expand":false}}}
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
        makeJailedAgent#0: {"program":{"path":{"pieces":[{"nix":"pkgs.x","output":"program"}],"expand":false}}}
        mount-cwd#5: {"git":{"settings":"apart"}}
        mask#4: {"mask":{"globs":["@credentials"]}}
        mount-cwd#5: {"folder":{"access":"rw","to":null}}
        state-dir#6: {"state-directory":{"path":{"expand":"~/.config/x"},"to":{"expand":"~/.config/x"}}}
        state-file#7: {"state-file":{"path":{"expand":"~/.x.json"},"to":{"expand":"~/.x.json"}}}
        state-dir#8: {"state-directory":{"path":{"expand":"$XDG_STATE_HOME/x"},"to":{"expand":"$XDG_STATE_HOME/x"}}}
        tmpfs-sized#10: {"tmpfs":{"to":"/tmp","mode":1023,"size":1048576}}
        add-pkg-deps#9: {"add-path":{"folder":{"pieces":[{"nix":"pkgs.git","output":"bin"},"/bin"],"expand":false}}}
    "#]]
    .assert_eq(&lowered(&jail));
}

#[test]
fn a_preset_with_arguments_puts_them_before_those_of_the_caller() {
    let nothing = [("baseJailOptions", list([])), ("basePackages", list([]))];
    expect![[r#"
        makeJailedCodex#0: {"program":{"path":{"pieces":[{"nix":"agents.codex","output":"program"}],"expand":false}}}
        set-argv#8: {"arguments":{"words":[{"text":"-c"},{"text":"sandbox_mode=danger-full-access"},"all"]}}
        state-dir#5: {"state-directory":{"path":{"expand":"~/.codex"},"to":{"expand":"~/.codex"}}}
        private-copies#6: {"private-copies":{"folder":{"expand":"~/.codex"},"names":["config.toml","managed_config.toml","environments.toml","cloud-config-bundle-cache.json","models_cache.json","automations/","hooks.json","hooks/","rules/","prompts/","skills/","agents/","plugins/","vendor_imports/","packages/","shell_snapshots/","tmp/",".tmp/","AGENTS.md","AGENTS.override.md",".env"]}}
    "#]]
    .assert_eq(&lowered(&built("makeJailedCodex", nothing)));
}

#[test]
fn caches_of_the_preset_and_of_the_spec_are_there_once() {
    let wanted = list([s("copilot"), s("uv")]);
    let given = [("baseJailOptions", list([])), ("basePackages", list([])), ("caches", wanted)];
    let lowered = lowered(&built("makeJailedCopilotCli", given));
    let caches = lowered.lines().filter(|line| line.starts_with("caches"));
    expect![[r#"
        caches#7: {"state-directory":{"path":{"expand":"${XDG_CACHE_HOME:-~/.cache}/jailgen/jailed-copilot-cli/copilot"},"to":{"expand":"~/.cache/copilot"}}}
        caches#7: {"state-directory":{"path":{"expand":"${XDG_CACHE_HOME:-~/.cache}/jailgen/jailed-copilot-cli/uv"},"to":{"expand":"~/.cache/uv"}}}
        caches#7: {"set-env":{"name":"COPILOT_CACHE_HOME","value":{"expand":"~/.cache/copilot"}}}
        caches#7: {"set-env":{"name":"UV_CACHE_DIR","value":{"expand":"~/.cache/uv"}}}
        caches#7: {"set-env":{"name":"UV_LINK_MODE","value":"copy"}}"#]].assert_eq(&caches.collect::<Vec<_>>().join("\n"));
}

/// What arguments of a builder add to the permissions that it has anyway.
fn added<const N: usize>(arguments: [(&str, Value); N]) -> String {
    let plain = [("name", s("x")), ("pkg", pkg("x")), ("configPaths", list([]))];
    let with: Vec<_> = plain.clone().into_iter().chain(arguments).collect();
    let jail = |given: Vec<(&str, Value)>| Jail {
        made: Made::Built(Built {
            builder: "makeJailedAgent".into(),
            arguments: given
                .into_iter()
                .map(|(name, it)| (name.into(), Placed::nowhere(it)))
                .collect(),
        }),
        place: None,
    };
    let without_index = |text: &str| -> Vec<String> {
        text.lines()
            .filter_map(|line| line.split_once(": "))
            .map(|(_, grant)| grant.to_owned())
            .collect()
    };
    let before = without_index(&lowered(&jail(plain.into())));
    let after = without_index(&lowered(&jail(with)));
    after.iter().filter(|line| !before.contains(line)).map(|line| format!("{line}\n")).collect()
}

#[test]
fn worktrees_the_workspace_and_the_systems_configuration() {
    let set = |fields: &[(&str, Value)]| {
        let fields = fields.iter().cloned();
        Value::Attributes(fields.map(|(name, it)| (name.into(), Placed::nowhere(it))).collect())
    };
    expect![[r#"
        "worktree"
    "#]]
    .assert_eq(&added([("enableGitWorktrees", Value::Bool(true))]));
    assert_eq!(added([("enableGitWorktrees", Value::Bool(false))]), "");
    assert_eq!(added([("enableGitWorktrees", set(&[]))]), "");
    expect![[r#"
        {"store":{"scope":"whole"}}
        {"bind":{"from":"/etc/nix/nix.conf","to":"/etc/nix/nix.conf","access":"ro","missing":"skip"}}
        {"session":{"service":"nix-daemon"}}
        {"set-env":{"name":"NIX_REMOTE","value":"daemon"}}
        {"add-path":{"folder":{"pieces":[{"nix":"pkgs.nix","output":"bin"},"/bin"],"expand":false}}}
        the Nix daemon builds and downloads outside of the jail, as the jail asks
        drop it if the program can do with what is in its closure
        the jail can read `/nix/store`, which holds all packages
        the closure is always there; name what else is needed as a package
    "#]].assert_eq(&added([("enableNix", Value::Bool(true))]));
    assert_eq!(added([("enableNix", Value::Bool(false))]), "");
    expect![[r#"
        "open-urls"
        {"set-env":{"name":"BROWSER","value":"/run/jailgen/bin/xdg-open"}}
        {"add-path":{"folder":"/run/jailgen/bin"}}
    "#]]
    .assert_eq(&added([("enableOpenUrls", Value::Bool(true))]));
    let all = [
        ("enable", Value::Bool(true)),
        ("dir", s("~/trees")),
        ("mountGitConfig", Value::Bool(true)),
    ];
    expect![[r#"
        "worktree"
        {"bind":{"from":{"expand":"~/trees"},"to":{"expand":"~/trees"},"access":"rw","missing":"fail"}}
        {"bind":{"from":{"expand":"~/.gitconfig"},"to":{"expand":"~/.gitconfig"},"access":"ro","missing":"skip"}}
    "#]].assert_eq(&added([("enableGitWorktrees", set(&all))]));
    expect![[r#"
        {"folder":{"access":"rw","to":"/work"}}
    "#]]
    .assert_eq(&added([("workspace", s("/work"))]));
    expect![[r#"
        {"bind":{"from":{"expand":"/etc/nixos"},"to":{"expand":"/etc/nixos"},"access":"ro","missing":"fail"}}
    "#]].assert_eq(&added([("nixConfigDir", s("/etc/nixos"))]));
    assert_eq!(added([("nixConfigDir", Value::Null)]), "");
    let writable = [("path", s("/etc/nixos")), ("writable", Value::Bool(true))];
    expect![[r#"
        {"bind":{"from":{"expand":"/etc/nixos"},"to":{"expand":"/etc/nixos"},"access":"rw","missing":"fail"}}
    "#]].assert_eq(&added([("nixConfigDir", set(&writable))]));
    expect![[r#"
        error[missing-argument] at 1: `makeJailedPi` needs the argument `path`
          = help: where it is
    "#]]
    .assert_eq(&lowered(&built("makeJailedPi", [("nixConfigDir", set(&[]))])));
    expect![[r#"
        error[unknown-argument] at 1: `makeJailedPi` has no argument `enableGitWorktree`
          ^ not an argument of this combinator
          = help: did you mean `enableGitWorktrees`?
    "#]]
    .assert_eq(&lowered(&built("makeJailedPi", [("enableGitWorktree", Value::Bool(true))])));
}

#[test]
fn hosts_take_the_place_of_the_network() {
    let network = |jail: &Jail| -> String {
        let is_about = |line: &&str| {
            ["network", "error", "help"].iter().any(|word| line.contains(word))
                && !line.contains("set-env")
                && !line.contains("/etc/")
        };
        lowered(jail).lines().filter(is_about).map(|line| format!("{line}\n")).collect()
    };
    let codex = |hosts: Value| network(&built("makeJailedCodex", [("allowedHosts", hosts)]));
    expect![[r#"
        network-allow#9: {"network":{"host":{"host":"api.openai.com","ports":[443,80]}}}
        network-allow#9: {"network":{"host":{"host":"auth.openai.com","ports":[443,80]}}}
        network-allow#9: {"network":{"host":{"host":"chatgpt.com","ports":[443,80]}}}
    "#]]
    .assert_eq(&codex(s("default")));
    expect![[r#"
        network-allow#9: {"network":{"host":{"host":"a.example","ports":[443,80]}}}
        network-allow#9: {"network":{"host":{"host":"api.openai.com","ports":[443,80]}}}
        network-allow#9: {"network":{"host":{"host":"auth.openai.com","ports":[443,80]}}}
        network-allow#9: {"network":{"host":{"host":"chatgpt.com","ports":[443,80]}}}
    "#]]
    .assert_eq(&codex(list([s("a.example"), s("@codex")])));
    // An empty list of hosts means no network, whatever the common options say.
    assert_eq!(codex(list([])), "");
    expect![[r#"
        error[unknown-setting] at 1: `allowedHosts` is `"default"` or a list of hosts, not `api.openai.com`
          = help: write `[ "api.openai.com" ]`
    "#]].assert_eq(&codex(s("api.openai.com")));
    let common = list([p("network", []), p("mount-cwd", [])]);
    let base = [("allowedHosts", list([s("a.example")])), ("baseJailOptions", common)];
    expect![[r#"
        network-allow#6: {"network":{"host":{"host":"a.example","ports":[443,80]}}}
    "#]]
    .assert_eq(&network(&built("makeJailedCodex", base)));
    let extra = [("allowedHosts", list([])), ("extraJailOptions", p("network", []))];
    expect![[r#"
        error[contradiction] at 2: `network` and `network-allow` contradict each other: the host's network reaches every host
          = help: remove `network` to allow only what `network-allow` names, or remove `network-allow`
    "#]].assert_eq(&network(&built("makeJailedCodex", extra)));
    let general = [
        ("name", s("x")),
        ("pkg", pkg("x")),
        ("configPaths", list([])),
        ("allowedHosts", s("default")),
    ];
    expect![[r#"
        error[unknown-setting] at 4: jailgen knows no hosts for `makeJailedAgent`, so there is no default
          = help: name the hosts: `[ "api.example.com" ]`; `jailgen hosts` lists groups of them
    "#]].assert_eq(&network(&built("makeJailedAgent", general)));
}

#[test]
fn limits_of_a_builder() {
    let limits =
        [("memory", s("4G")), ("pids", Value::Integer(64)), ("bestEffort", Value::Bool(true))];
    let fields = limits.into_iter().map(|(name, it)| (name.into(), Placed::nowhere(it)));
    expect![[r#"
        {"limit":{"resource":"memory","value":4294967296}}
        {"limit":{"resource":"pids","value":64}}
        "best-effort"
    "#]]
    .assert_eq(&added([("limits", Value::Attributes(fields.collect()))]));
    let misspelt = Value::Attributes([("memry".into(), Placed::nowhere(s("4G")))].into());
    expect![[r#"
        error[unknown-argument] at 2: `makeJailedPi` has no argument `memry`
          ^ not an argument of this combinator
          = help: did you mean `memory`?
    "#]]
    .assert_eq(&lowered(&built("makeJailedPi", [("limits", misspelt)])));
}

/// The masks of a jail for an agent with these arguments.
fn masks<const N: usize>(arguments: [(&str, Value); N]) -> String {
    let lowered = lowered(&built("makeJailedPi", arguments));
    let masks = lowered.lines().filter(|line| line.contains("mask"));
    masks.filter_map(|line| line.split_once(": ")).map(|(_, grant)| grant).collect()
}

#[test]
fn credentials_are_masked_unless_something_else_is_said() {
    const DEFAULT: &str = r#"{"mask":{"globs":["@credentials"]}}"#;
    assert_eq!(masks([]), DEFAULT);
    assert_eq!(masks([("mask", list([]))]), "");
    assert_eq!(masks([("mask", list([s(".env")]))]), r#"{"mask":{"globs":[".env"]}}"#);
    // Without a working folder, nothing is masked.
    assert_eq!(masks([("baseJailOptions", list([]))]), "");
    assert_eq!(masks([("baseJailOptions", p("mount-cwd-readonly", []))]), DEFAULT);
    // What the spec says comes later, so it counts.
    let lifted = || p("mask", [list([s("!.npmrc")])]);
    let expected = format!("{DEFAULT}{}", r#"{"mask":{"globs":["!.npmrc"]}}"#);
    assert_eq!(masks([("extraJailOptions", lifted())]), expected);
    let base = list([p("mount-cwd", []), lifted()]);
    assert_eq!(masks([("baseJailOptions", base)]), expected);
}
