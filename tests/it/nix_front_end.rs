//! The Nix library as users of jail.nix and jailed-agents meet it: what they wrote evaluates,
//! builds and runs, and what is wrong is reported without the internals of the library.

use std::path::Path;

use serde_json::{Value, json};

use crate::harness::{Scratch, project};
use crate::real_nix::{Setup, has_user_namespaces, setup};

/// A folder with `jails.nix`, which has the given attributes. In their scope: `pkgs`, `lib`,
/// `jailgen` (the library), `jail`.
pub(crate) fn nix_file(setup: &Setup, attributes: &str) -> Scratch {
    let record = assert_cmd::cargo::cargo_bin!("jailgen").with_file_name("jailgen-kit.json");
    let kit: Value = serde_json::from_str(&std::fs::read_to_string(record).unwrap()).unwrap();
    let text = format!(
        "let
           pkgs = import {nixpkgs} {{ system = builtins.currentSystem; }};
           inherit (pkgs) lib;
           agents = (builtins.getFlake \"{agents}\").packages.${{builtins.currentSystem}};
           tools = (builtins.getFlake {kit}).tools.${{builtins.currentSystem}};
           jailgen = import {nixlib} {{ toolsFor = _: tools; agentsFor = _: agents; }};
           jail = jailgen.init pkgs;
         in {{ {attributes} }}",
        nixpkgs = setup.nixpkgs.trim_start_matches("path:"),
        agents = setup.llm_agents,
        kit = kit["url"],
        nixlib = project().join("nixlib").display(),
    );
    Scratch::with(&[("jails.nix", &text)])
}

/// Evaluates `result`, by every Nix that is here; all must agree.
pub(crate) fn eval(setup: &Setup, result: &str) -> Value {
    let scratch = nix_file(setup, &format!("result = {result};"));
    let words = ["eval", "--impure", "--json", "-f", "jails.nix", "result"];
    let mut answers = setup.programs.iter().map(|nix| {
        let json = setup.nix_ok(nix, &scratch.path("."), &words);
        serde_json::from_str::<Value>(&json).unwrap()
    });
    let first = answers.next().unwrap();
    assert!(answers.all(|answer| answer == first));
    first
}

/// Builds `result`, and gives the folder with the link `result` to it.
pub(crate) fn build(setup: &Setup, result: &str) -> Scratch {
    let scratch = nix_file(setup, &format!("result = {result};"));
    let words = ["build", "--impure", "-f", "jails.nix", "result", "--out-link", "result"];
    setup.nix_ok(&setup.programs[0], &scratch.path("."), &words);
    scratch
}

/// The messages of Nix when it cannot build `result`.
pub(crate) fn refused(setup: &Setup, nix: &Path, result: &str) -> String {
    let scratch = nix_file(setup, &format!("result = {result};"));
    let words = ["build", "--impure", "--no-link", "-L", "-f", "jails.nix", "result"];
    let output = setup.nix(nix, &scratch.path("."), &words);
    assert!(!output.status.success(), "it was built: {result}");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn a_wrapper_says_of_itself_what_the_package_says() {
    let Some(setup) = setup() else { return };
    let package = "(pkgs.hello // {
        man = \"/man\"; shellPath = \"/bin/hello\"; override = changes: pkgs.jq;
        meta = pkgs.hello.meta // { description = \"Greets\"; mainProgram = \"hello\"; priority = 7; }; })";
    let answer = eval(
        &setup,
        &format!(
            "let it = jail \"jailed-hello\" {package} [ ]; in {{
               inherit (it) name pname version man shellPath type; inherit (it.meta) description mainProgram;
               same = lib.getExe it == \"${{it}}/bin/jailed-hello\";
               unjailed = it.passthru.unjailed.outPath == pkgs.hello.outPath;
               overridden = (it.override {{ }}).passthru.unjailed.outPath == pkgs.jq.outPath
                 && (it.override {{ }}).name == \"jailed-hello\";
             }}"
        ),
    );
    let version = eval(&setup, "pkgs.hello.version");
    assert_eq!(
        answer,
        json!({
            "name": "jailed-hello", "pname": "hello", "version": version, "man": "/man",
            "shellPath": "/bin/jailed-hello", "type": "derivation", "description": "Greets",
            "mainProgram": "jailed-hello", "same": true, "unjailed": true, "overridden": true,
        })
    );
}

#[test]
fn what_users_of_jail_nix_and_jailed_agents_call_is_there() {
    let Some(setup) = setup() else { return };
    let answer = eval(
        &setup,
        "let
           mine = jailgen.extend {
             inherit pkgs;
             additionalCombinators = c: with c; {
               both = compose [ network (readonly \"/foo\") ];
               cache = name: state-dir (noescape \"~/.cache/${name}\");
             };
             basePermissions = c: [ c.base c.whole-nix-store c.fake-passwd ];
           };
           overlaid = pkgs.extend (final: prev: jailgen.mkOverlay {
             inherit final prev;
             packages = c: { hello = [ c.network ]; nodejs = null; };
           });
           names = it: map (one: one.combinator) it.passthru.term.jail.permissions;
         in {
           mine = names (mine \"x\" pkgs.hello (c: with c; [ both (cache \"x\") ]));
           same = names (mine \"x\" pkgs.hello [ mine.combinators.both ]);
           plain = names (jail \"x\" pkgs.hello null);
           hello = [ overlaid.hello.name (overlaid.hello.unjailed == pkgs.hello) overlaid.hello.jailed.name ];
           node = lib.getExe overlaid.nodejs == \"${overlaid.nodejs}/bin/node\";
           options = map (one: one.term.combinator) jail.commonJailOptions;
           agent = (jail.makeJailedPi { baseJailOptions = with jail.combinators; [ time-zone ]; }).name;
           cages = map (it: it.name) [ (jailgen.cage { inherit pkgs; } { name = \"a\"; argv = [ \"${pkgs.hello}/bin/hello\" ]; })
             (jailgen.cage pkgs { name = \"b\"; argv = [ ]; }) (jail.cage { name = \"c\"; argv = [ ]; }) ];
           bubblewrap = (jailgen.extend { inherit pkgs; bubblewrapPackage = pkgs.hello; } \"x\" pkgs.hello [ ]).name;
         }",
    );
    assert_eq!(
        answer,
        json!({
            "mine": ["reset", "base", "whole-nix-store", "fake-passwd", "compose", "state-dir"],
            "same": ["reset", "base", "whole-nix-store", "fake-passwd", "compose"],
            "plain": [],
            "hello": ["hello", true, "hello"],
            "node": true,
            "options": ["network", "time-zone", "no-new-session", "mount-cwd", "git-identity"],
            "agent": "jailed-pi",
            "cages": ["a-cage", "b-cage", "c-cage"],
            "bubblewrap": "x",
        })
    );
}

#[test]
fn what_is_wrong_is_told_all_at_once_and_without_the_inside_of_the_library() {
    let Some(setup) = setup() else { return };
    let rows = [
        (
            "jail \"a b\" pkgs.hello (c: [
               (state: state) (c.readonly [ \"/x\" ]) c.ro-bind pkgs.git (c.network \"x\") (c.tmpfs \"relative\") \"text\" ])",
            &[
                "expected a permission, got a function",
                "`compose [ (readonly \"…\") … ]`",
                "the jail's name `a b` contains a character",
                "`readonly` takes a string for `path`, got a list",
                "`ro-bind` takes 2 arguments, got none",
                "expected a permission, got a package",
                "(add-pkg-deps [ … ])",
                "`network` takes no arguments, got 1",
                "mount target `relative` of `tmpfs` is not absolute",
                "expected a permission, got a string",
            ][..],
        ),
        (
            "jail.makeJailedPi { extraPkg = [ ]; extraPkgs = pkgs.jq; env = [ ]; }",
            &[
                "`makeJailedPi` has no argument `extraPkg`",
                "did you mean `extraPkgs`?",
                "`makeJailedPi` takes a list of packages for `extraPkgs`, got a package",
                "`makeJailedPi` takes an attribute set of strings for `env`, got a list",
            ],
        ),
        ("jail.makeJailedPi [ ]", &["`makeJailedPi` takes an attribute set, got a list"]),
        ("jail.makeJailedAgent { }", &["`makeJailedAgent` needs the argument `pkg`"]),
        (
            "jail \"x\" pkgs.hello jail.combinators.network",
            &["`jail` takes a list of permissions, got the permission `network`", "in brackets"],
        ),
        (
            "jail \"x\" 1 (c: [ (c.add-pkg-deps [ c.network ]) ])",
            &["`jail` takes a package or a path for `ENTRY`, got a whole number", "`pkgs.network`"],
        ),
        (
            "jail \"x\" (pkgs.hello // { meta.mainProgram = \"greet\"; }) [ ]",
            &["there is no program `/nix/store/", "the package has `hello`; name one"],
        ),
    ];
    for nix in &setup.programs {
        for (expression, says) in &rows {
            let told = refused(&setup, nix, expression);
            let missing: Vec<_> = says.iter().filter(|part| !told.contains(**part)).collect();
            assert!(missing.is_empty(), "{expression}: missing {missing:?} in\n{told}");
            assert!(
                !told.contains("nixlib/"),
                "{expression}: the internals of the library in\n{told}"
            );
        }
    }
}

#[test]
fn an_agent_that_is_not_there_is_named() {
    let Some(setup) = setup() else { return };
    let told = refused(
        &setup,
        &setup.programs[0],
        "(jailgen.init { inherit pkgs; agents = { }; }).makeJailedPi { }",
    );
    assert!(told.contains("`makeJailedPi` finds no package `pi`"), "{told}");
    assert!(told.contains("add the input llm-agents"), "{told}");
}

#[test]
fn a_jail_of_the_nix_front_end_lets_through_what_it_grants_and_nothing_else() {
    let Some(setup) = setup() else { return };
    if !has_user_namespaces() {
        return;
    }
    let scratch = build(
        &setup,
        "jail \"sh\" pkgs.bashInteractive (c: with c; [
           mount-cwd (add-pkg-deps [ pkgs.coreutils ]) (set-env \"A\" (noescape \"$HOME/x\"))
           (wrap-entry (entry: \"B=${pkgs.jq} exec ${entry} \\\"$@\\\"\")) ])",
    );
    scratch.write("project/mine", b"");
    scratch.write("home/file", b"");
    let output = std::process::Command::new(scratch.path("result/bin/sh"))
        .args(["-c", "echo *; echo $A; test -x $B/bin/jq && echo jq; cat /etc/shadow"])
        .current_dir(scratch.path("project"))
        .env("HOME", scratch.path("home"))
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    let home = scratch.path("home/x").display().to_string();
    assert_eq!(told, format!("mine\n{home}\njq\n"), "{output:?}");
    let refused = String::from_utf8_lossy(&output.stderr);
    assert!(refused.contains("/etc/shadow"), "{refused}");
}

#[test]
fn desktop_entries_and_manuals_come_along() {
    let Some(setup) = setup() else { return };
    let scratch = build(
        &setup,
        "jail \"jailed-app\" (pkgs.runCommand \"app\" { meta.mainProgram = \"app\"; } ''
           mkdir -p $out/bin $out/share/applications $out/share/man/man1
           printf '#!/bin/sh\\n' >$out/bin/app
           chmod +x $out/bin/app
           printf '[Desktop Entry]\\nExec=%s %%U\\n' \"$out/bin/app\" >$out/share/applications/app.desktop
           printf '[Desktop Entry]\\nExec=other\\n' >$out/share/applications/other.desktop
           echo manual >$out/share/man/man1/app.1
         '') [ ]",
    );
    let entry = scratch.read("result/share/applications/app.desktop");
    assert!(entry.contains("-jailed-app/bin/jailed-app %U"), "{entry}");
    assert!(!scratch.path("result/share/applications/other.desktop").exists());
    assert_eq!(scratch.read("result/share/man/man1/app.1"), "manual\n");
}

#[test]
fn the_settings_of_a_spec_for_nixpkgs_hold_for_nix_itself() {
    let Some(setup) = setup() else { return };
    let scratch = nix_file(
        &setup,
        "result = jail.buildJail ./spec.jail; refused = jail.buildJail ./refused.jail;",
    );
    let outputs = "outputs = { pkgs, ... }: jail \"unfree\" pkgs.mine
        [ (add-pkg-deps ([ pkgs.jq ] ++ lib.optionals pkgs.stdenv.isLinux [ pkgs.git ])) ];";
    let overlay = "overlays = [ (final: prev: { mine = prev.hello-unfree; }) ];";
    let allowed = format!("{{ nixpkgs = {{ {overlay} config.allowUnfree = true; }}; {outputs} }}");
    scratch.write("spec.jail", allowed.as_bytes());
    scratch.write("refused.jail", format!("{{ nixpkgs = {{ {overlay} }}; {outputs} }}").as_bytes());
    for nix in &setup.programs {
        let words = ["build", "--impure", "-f", "jails.nix", "result", "--out-link", "result"];
        setup.nix_ok(nix, &scratch.path("."), &words);
    }
    assert!(scratch.read("result/bin/unfree").contains("git"));
    let words = ["build", "--impure", "--no-link", "-f", "jails.nix", "refused"];
    let output = setup.nix(&setup.programs[0], &scratch.path("."), &words);
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && told.contains("unfree license"), "{told}");
}

/// The jail of a configuration as nixpak's modules evaluate it.
fn nixpak(variables: &str, folders: &str) -> String {
    let config = "{
      app = { package = pkgs.hello; binPath = \"bin/hello\"; extraEntrypoints = [ ]; };
      gpu = { enable = true; provider = \"nixos\"; };
      dbus = {
        enable = true;
        policies = { \"org.example.Talk\" = \"talk\"; \"org.example.Own\" = \"own\"; };
        rules = { call.\"org.example.Talk\" = [ \"*\" ]; broadcast = { }; };
      };
      bubblewrap = {
        network = true; shareIpc = false; bindEntireStore = false; extraStorePaths = [ ];
        clearEnv = true; newSession = true; dieWithParent = true;
        apivfs = { proc = true; dev = true; };
        sockets = { wayland = true; pipewire = false; pulse = false; x11 = false; };
        tmpfs = [ \"/scratch\" ];
        env = { @variables@ };
        bind.rw = [ @folders@ ];
        bind.ro = [
          \"/etc/hosts\" \"/run/opengl-driver\"
          (concat (concat (env \"XDG_RUNTIME_DIR\") \"/\") (envOr \"WAYLAND_DISPLAY\" \"wayland-0\"))
          (envOr \"XDG_CONFIG_HOME\" (concat (env \"HOME\") \"/.config\"))
        ];
        bind.dev = [ \"/dev/dri\" \"/dev/kvm\" ];
      };
    }";
    let config = config.replace("@variables@", variables).replace("@folders@", folders);
    format!(
        "let
           env = key: {{ type = \"env\"; inherit key; }};
           envOr = key: value: env key // {{ or = value; }};
           concat = a: b: {{ type = \"concat\"; inherit a b; }};
           mkdir = dir: {{ type = \"mkdir\"; inherit dir; }};
         in jail.fromNixpak {config}"
    )
}

#[test]
fn a_configuration_of_nixpak_becomes_a_jail() {
    let Some(setup) = setup() else { return };
    let result = nixpak(
        "MODE = \"a\"; CACHE = concat (env \"HOME\") \"/.cache\"; NONE = null;",
        "(mkdir (concat (env \"HOME\") \"/made\")) [ (concat (env \"HOME\") \"/a\") \"/b\" ]",
    );
    let names =
        eval(&setup, &format!("map (it: it.combinator) ({result}).passthru.term.jail.permissions"));
    assert_eq!(
        names,
        json!([
            "network",
            "wayland",
            "gpu",
            "add-runtime",
            "try-rw-bind",
            "try-rw-bind",
            "try-ro-bind",
            "unsafe-add-raw-args",
            "tmpfs",
            "set-env",
            "set-env",
            "new-session",
            "dbus"
        ])
    );
    let built = build(&setup, &result);
    let wrapper = built.read("result/bin/hello");
    for part in ["/made", "XDG_CONFIG_HOME:-", "/dev/kvm"] {
        assert!(wrapper.contains(part), "{part} in {wrapper}");
    }
    let told = refused(
        &setup,
        &setup.programs[0],
        &format!("let c = {}; in c", result.replace("gpu = {", "pasta.enable = true; gpu = {")),
    );
    assert!(told.contains("does not take `pasta` over"), "{told}");
}

/// nixpak takes `$NAME` for a variable only where a bind's path begins, and right behind another
/// variable. All else that is text is literal, whatever it would mean to a shell or to `noescape`.
#[test]
fn values_of_nixpak_are_expanded_where_nixpak_expands_them() {
    let Some(setup) = setup() else { return };
    let result = nixpak(
        "PS = \"$PS1\"; A = concat (env \"HOME\") \"~}/$x\"; B = envOr \"Q\" \"~/a}b\";",
        "\"$HOME/a/$B\" \"$HOME/$B/c\" [ \"$HOME\" \"/b\" ] (concat (mkdir (concat (env \"HOME\") \"/a\\\"b\")) \"/c\")
         (envOr \"Z\" (mkdir (envOr \"Y\" \"/a}b\")))",
    );
    let of = "builtins.filter (it: builtins.elem it.combinator [ \"try-rw-bind\" \"set-env\" \"add-runtime\" ])";
    let arguments =
        format!("map (it: it.arguments) ({of} ({result}).passthru.term.jail.permissions)");
    expect_test::expect![[r#"
        [
          [
            {
              "noescape": "${HOME}/a/\\$B"
            },
            {
              "noescape": "${HOME}/a/\\$B"
            }
          ],
          [
            {
              "noescape": "${HOME}/${B}/c"
            },
            {
              "noescape": "${HOME}/${B}/c"
            }
          ],
          [
            {
              "noescape": "${HOME}"
            },
            "/b"
          ],
          [
            "(umask 077; mkdir -p -- \"${HOME:?}/a\\\"b\")"
          ],
          [
            {
              "noescape": "${HOME}/a\\\"b/c"
            },
            {
              "noescape": "${HOME}/a\\\"b/c"
            }
          ],
          [
            "[ -n \"${Z:-}\" ] || (umask 077; mkdir -p -- \"${Y:-/a\\}b}\")"
          ],
          [
            {
              "noescape": "${Z:-${Y:-/a\\}b}}"
            },
            {
              "noescape": "${Z:-${Y:-/a\\}b}}"
            }
          ],
          [
            "A",
            {
              "noescape": "${HOME}\\~\\}/\\$x"
            }
          ],
          [
            "B",
            {
              "noescape": "${Q:-\\~/a\\}b}"
            }
          ],
          [
            "PS",
            "$PS1"
          ]
        ]"#]]
    .assert_eq(&serde_json::to_string_pretty(&eval(&setup, &arguments)).unwrap());
    let told = refused(&setup, &setup.programs[0], &nixpak("A = env \"1\";", ""));
    assert!(told.contains("`1` is not a valid name for a variable"), "{told}");
}

#[test]
fn a_spec_is_taken_by_nix_itself_with_its_inputs_and_overlays() {
    let Some(setup) = setup() else { return };
    let scratch = nix_file(
        &setup,
        "result =
           let
             inputs.extra.overlays.default = final: prev: { mine = prev.hello; };
             built = jail.buildJail { spec = ./spec.jail; inherit inputs; };
           in [
             built.name
             (built.passthru.term.jail.entry.package.out == \"${pkgs.hello}\")
             (builtins.attrNames (jail.buildJail ./two.jail))
           ];
         missing = jail.buildJail ./spec.jail;
         none = jail.buildJail ./none.jail;",
    );
    let spec =
        "{ inputs.extra.url = \"path:/x\"; overlays = inputs: [ inputs.extra.overlays.default ];
        outputs = { pkgs, jail, ... }: jail \"jailed-mine\" pkgs.mine [ ]; }";
    scratch.write("spec.jail", spec.as_bytes());
    scratch
        .write("two.jail", b"{ a = jail \"one\" pkgs.hello [ ]; b = jail \"two\" pkgs.jq [ ]; }");
    scratch.write("none.jail", b"{ a = network; }");
    let nix = &setup.programs[0];
    let words = ["eval", "--impure", "--json", "-f", "jails.nix", "result"];
    let answer: Value =
        serde_json::from_str(&setup.nix_ok(nix, &scratch.path("."), &words)).unwrap();
    assert_eq!(answer, json!(["jailed-mine", true, ["one", "two"]]));
    for (attribute, says) in [
        ("missing", "the spec has the input `extra`; give it with"),
        ("none", "the spec contains no jail"),
    ] {
        let words = ["eval", "--impure", "-f", "jails.nix", attribute];
        let output = setup.nix(nix, &scratch.path("."), &words);
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && told.contains(says), "{told}");
    }
}
