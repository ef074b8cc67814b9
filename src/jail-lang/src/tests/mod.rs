//! Specs as users write them, and the terms that they make.

mod faults;
mod seeds;

use expect_test::{Expect, expect};
use jail_policy::Text;
use jail_registry::{Applied, Jail, Made, Placed, Value};

use crate::{Limits, MemorySources, Outcome, evaluate};

fn outcome(spec: &str) -> Outcome {
    let sources = MemorySources::new([("spec.jail", spec)]);
    evaluate(&sources, "spec.jail", Limits::SPEC)
}

/// The jails of a spec in one line each, or its faults.
fn check(spec: &str, expected: Expect) {
    expected.assert_eq(&shown(&outcome(spec)));
}

fn shown(outcome: &Outcome) -> String {
    let mut lines = Vec::new();
    for fault in &outcome.diagnostics {
        let place = fault.primary.map(|place| outcome.files.text(place).to_owned());
        lines.push(format!(
            "{}: {} at `{}`",
            fault.code.as_str(),
            fault.message,
            place.unwrap_or_default()
        ));
        lines.extend(fault.help.iter().map(|help| format!("  help: {help}")));
    }
    if let Some(spec) = &outcome.spec {
        lines.extend(spec.jails.iter().map(jail));
        lines.extend(spec.overlays.iter().map(|overlay| format!("overlay {overlay}")));
        lines.extend(spec.config.iter().map(|config| format!("config {config}")));
        lines.extend(spec.inputs.iter().map(|(name, input)| format!("input {name} {input:?}")));
        lines.extend(spec.copied.keys().map(|path| format!("copied {path}")));
    }
    lines.join("\n")
}

fn jail(jail: &Jail) -> String {
    match &jail.made {
        Made::Plain { name, entry, permissions } => {
            let permissions: String =
                permissions.iter().map(|it| format!("  {}\n", applied(it))).collect();
            format!("jail {name} {} [\n{permissions}]", value(entry))
        }
        Made::Built(built) => {
            let arguments =
                built.arguments.iter().map(|(name, arg)| format!("  {name} = {}", value(arg)));
            format!("{} {{\n{}\n}}", built.builder, arguments.collect::<Vec<_>>().join("\n"))
        }
    }
}

fn applied(applied: &Applied) -> String {
    let arguments = applied.arguments.iter().map(|argument| format!(" {}", value(argument)));
    format!("{}{}", applied.combinator, arguments.collect::<String>())
}

fn value(placed: &Placed) -> String {
    match &placed.value {
        Value::Null => "null".into(),
        Value::Bool(value) => value.to_string(),
        Value::Integer(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        Value::Text(text) => shown_text(text),
        Value::Package(jail_policy::Package::Symbolic { nix }) => format!("<{nix}>"),
        Value::Package(_) => "<resolved>".into(),
        Value::List(items) => {
            format!("[{}]", items.iter().map(value).collect::<Vec<_>>().join(" "))
        }
        Value::Attributes(fields) => {
            let fields = fields.iter().map(|(name, field)| format!("{name} = {};", value(field)));
            format!("{{{}}}", fields.collect::<Vec<_>>().join(" "))
        }
        Value::Permission(permission) => format!("({})", applied(permission)),
        Value::Path(_) => "<path>".into(),
        Value::Function => "<function>".into(),
    }
}

fn shown_text(text: &Text) -> String {
    format!("{}{text:?}", if text.expand { "~" } else { "" }, text = text.to_string())
}

#[test]
fn a_jail_with_permissions() {
    check(
        r#"jail "shell" pkgs.bashInteractive [
             network mount-cwd
             (readwrite (noescape "~/.cache/x"))
             (add-pkg-deps (with pkgs; [ git curl ]))
           ]"#,
        expect![[r#"
            jail shell <pkgs.bashInteractive> [
              network
              mount-cwd
              readwrite ~"~/.cache/x"
              add-pkg-deps [<pkgs.git> <pkgs.curl>]
            ]"#]],
    );
}

/// The factory of the first article, with everything but the library's prefix as it stands there.
#[test]
fn a_factory_that_shares_a_policy() {
    check(
        r#"
        let
          commonJailOptions = with jail.combinators; [
            network # Give it access to the internet for API calls
            time-zone
            mount-cwd
            mount-dev
            mount-proc
            no-new-session
          ];
          makeJailedAgent = { name, packages }:
            jail name pkgs.bashInteractive (with jail.combinators; (
              commonJailOptions ++ [
                (readwrite (noescape "~/.cache/${name}"))
                (readwrite (noescape "~/.local/share/${name}"))
                (add-pkg-deps packages)
              ]
            ));
        in makeJailedAgent {
          name = "basic-agent";
          packages = [ pkgs.curl pkgs.git ];
        }"#,
        expect![[r#"
            jail basic-agent <pkgs.bashInteractive> [
              network
              time-zone
              mount-cwd
              mount-dev
              mount-proc
              no-new-session
              readwrite ~"~/.cache/basic-agent"
              readwrite ~"~/.local/share/basic-agent"
              add-pkg-deps [<pkgs.curl> <pkgs.git>]
            ]"#]],
    );
}

#[test]
fn a_python_environment_is_nix_source() {
    check(
        r#"
        let
          commonJailOptions = with jail.combinators; [ network ];
          makeJailedPythonAgent = { pythonPkgs ? [] }:
            let
              pythonEnv = pkgs.python3.withPackages (ps: with ps; [
                pandas
                numpy
                scikit-learn
                requests
              ] ++ pythonPkgs);
            in
            jail "jailed-python" pythonEnv (with jail.combinators; (
              commonJailOptions ++ [
                (mount "tmpfs" "/tmp")
                (mount "devtmpfs" "/dev")
                (add-pkg-deps [ pythonEnv pkgs.bashInteractive ])
              ]
            ));
        in makeJailedPythonAgent { pythonPkgs = [ pkgs.python3.pkgs.rich ]; }"#,
        expect![[r#"
            jail jailed-python <let
              pythonPkgs = [ pkgs.python3.pkgs.rich ];
            in
            pkgs.python3.withPackages (ps: [ ps.pandas ps.numpy ps.scikit-learn ps.requests ] ++ pythonPkgs)> [
              network
              mount "tmpfs" "/tmp"
              mount "devtmpfs" "/dev"
              add-pkg-deps [<let
              pythonPkgs = [ pkgs.python3.pkgs.rich ];
            in
            pkgs.python3.withPackages (ps: [ ps.pandas ps.numpy ps.scikit-learn ps.requests ] ++ pythonPkgs)> <pkgs.bashInteractive>]
            ]"#]],
    );
}

#[test]
fn builders_of_jailed_agents() {
    check(
        r#"{
          a = makeJailedOpencode { extraPkgs = [ pkgs.nodejs pkgs.python3 ]; };
          b = makeJailedOpencode { name = "secure-opencode"; pkg = pkgs.opencode_2_0; };
          c = makeJailedOpencode { name = "c"; extraReadwriteDirs = ["~/projects"]; extraReadonlyDirs = ["~/readonly-cache"]; };
          d = makeJailedAgent {
            name = "my-custom-agent";
            pkg = pkgs.my-agent-package;
            configPaths = [ "~/.config/my-agent" "~/.local/share/my-agent" ];
            extraPkgs = [ pkgs.pandoc pkgs.ffmpeg ];
          };
          e = makeJailedOpencode {
            name = "e";
            baseJailOptions = [ combinators.time-zone combinators.no-new-session combinators.mount-cwd ];
          };
        }"#,
        expect![[r#"
            makeJailedOpencode {
              extraPkgs = [<pkgs.nodejs> <pkgs.python3>]
            }
            makeJailedOpencode {
              name = "secure-opencode"
              pkg = <pkgs.opencode_2_0>
            }
            makeJailedOpencode {
              extraReadonlyDirs = ["~/readonly-cache"]
              extraReadwriteDirs = ["~/projects"]
              name = "c"
            }
            makeJailedAgent {
              configPaths = ["~/.config/my-agent" "~/.local/share/my-agent"]
              extraPkgs = [<pkgs.pandoc> <pkgs.ffmpeg>]
              name = "my-custom-agent"
              pkg = <pkgs.my-agent-package>
            }
            makeJailedOpencode {
              baseJailOptions = [(time-zone) (no-new-session) (mount-cwd)]
              name = "e"
            }"#]],
    );
}

#[test]
fn permissions_as_a_function_or_null() {
    check(
        r#"{ a = jail "a" pkgs.hello (c: with c; [ network (readonly "/x") [ mount-cwd ] ]); b = jail "b" pkgs.hello null; }"#,
        expect![[r#"
            jail a <pkgs.hello> [
              network
              readonly "/x"
              mount-cwd
            ]
            jail b <pkgs.hello> [
            ]"#]],
    );
}

#[test]
fn the_entry_of_a_wrapper_is_a_placeholder() {
    check(
        r#"jail "a" (lib.getExe pkgs.hello) [ (wrap-entry (entry: ''
             export X=${pkgs.git}/bin
             exec ${entry} "$@"
           '')) ]"#,
        expect![[r#"
            jail a "${pkgs.hello}" [
              wrap-entry "export X=${pkgs.git}/bin\nexec ${entry} \"$@\"\n"
            ]"#]],
    );
}

#[test]
fn a_spec_like_a_flake() {
    check(
        r#"{
          inputs.tools.url = "github:me/tools";
          inputs.tools.inputs.nixpkgs.follows = "nixpkgs";
          overlays = [ (final: prev: { hello = prev.hello.overrideAttrs (old: { doCheck = false; }); }) ];
          outputs = { pkgs, inputs, system, ... }: jail "a" inputs.tools.packages.${system}.default [ ];
        }"#,
        expect![[r#"
            jail a <inputs.tools.packages.${pkgs.stdenv.hostPlatform.system}.default> [
            ]
            overlay final: prev: { hello = prev.hello.overrideAttrs (old: { doCheck = false; }); }
            input tools Input { url: Some("github:me/tools"), flake: None, follows: None, inputs: {"nixpkgs": Input { url: None, flake: None, follows: Some("nixpkgs"), inputs: {} }} }"#]],
    );
}

#[test]
fn settings_for_nixpkgs() {
    check(
        r#"{
          nixpkgs = {
            config.allowUnfreePredicate = package: builtins.elem (lib.getName package) [ "google-chrome" ];
            overlays = [ (final: prev: { mine = prev.hello; }) ];
          };
          overlays = [ (final: prev: { other = prev.hello; }) ];
          outputs = { pkgs, ... }: jail "a" pkgs.mine [ ];
        }"#,
        expect![[r#"
            jail a <pkgs.mine> [
            ]
            overlay final: prev: { mine = prev.hello; }
            overlay final: prev: { other = prev.hello; }
            config { allowUnfreePredicate = package: builtins.elem (lib.getName package) [ "google-chrome" ]; }"#]],
    );
    check(
        r#"{
          nixpkgs = { config = _: { }; overlay = [ ]; };
          outputs = _: jail "a" pkgs.hello [ ];
        }"#,
        expect![[r#"
            type-mismatch: expected a set such as `{ allowUnfree = true; }`, got a function at `config`
            unexpected-argument: `overlay` has no meaning here at `overlay`
              help: did you mean `overlays`?"#]],
    );
}

/// Packages may depend on packages; what a jail may do must be known before it is built.
#[test]
fn lists_that_only_nix_knows() {
    check(
        r#"jail "a" pkgs.hello [
          (add-pkg-deps ([ pkgs.git ] ++ pkgs.hello.buildInputs))
          (add-pkg-deps (lib.optionals pkgs.stdenv.isLinux [ pkgs.jq ]))
          (add-pkg-deps (if pkgs.stdenv.isLinux then [ pkgs.strace ] else [ ]))
        ]"#,
        expect![[r#"
            jail a <pkgs.hello> [
              add-pkg-deps [<pkgs.git> <inputs.jailgen.lib.packagesOf pkgs (pkgs.hello.buildInputs)>]
              add-pkg-deps [<inputs.jailgen.lib.packagesOf pkgs (lib.optionals pkgs.stdenv.isLinux [ pkgs.jq ])>]
              add-pkg-deps [<inputs.jailgen.lib.packagesOf pkgs (if pkgs.stdenv.isLinux then [ pkgs.strace ] else [ ])>]
            ]"#]],
    );
    check(
        r#"{
          a = jail "a" pkgs.hello (lib.optionals pkgs.stdenv.isLinux [ gpu ]);
          b = jail "b" pkgs.hello [ (readonly ([ "/a" ] ++ pkgs.hello.folders)) ];
        }"#,
        expect![[r#"
            param-type: `jail` takes a list of permissions, got a package at `lib.optionals pkgs.stdenv.isLinux [ gpu ]`
              help: only Nix knows this list, and what a jail may do must be known before Nix runs; only packages may depend on it: `(add-pkg-deps (lib.optionals …))`
            param-type: expected a string, got a list that only Nix knows at `[ "/a" ] ++ pkgs.hello.folders`
              help: a list may depend on a package where packages are wanted; `lib.optionalString` gives a text"#]],
    );
}

#[test]
fn an_argument_list_without_parentheses() {
    check(
        r#"jail "a" pkgs.hello [ readwrite "~/x" network ]"#,
        expect![[r#"
            param-count: `readwrite` takes 1 argument, got none at `readwrite "~/x"`
              help: write `(readwrite "~/x")`: in a list every element is separate"#]],
    );
}

#[test]
fn all_faults_at_once() {
    check(
        r#"{
          a = jail "a" pkgs.hello [ (readonly 1) "x" (mount "tmpfs") ];
          b = jail 1 pkgs.hello [ ];
          c = jail "c" wayland-typo.x [ ];
        }"#,
        expect![[r#"
            param-type: `readonly` takes a string for `path`, got a whole number at `1`
              help: write `"1"`
            param-type: expected a permission, got a string at `"x"`
              help: a string alone grants nothing: is a combinator missing before it? write `(readonly "…")`
            param-count: `mount` takes 2 arguments, got 1 at `mount "tmpfs"`
              help: write `(mount "tmpfs" TO)`
            param-type: `jail` takes a plain string for `name`, got a whole number at `1`
              help: write `"1"`
            undefined-variable: undefined variable `wayland-typo` at `wayland-typo`
              help: write a package as `pkgs.wayland-typo`"#]],
    );
}

#[test]
fn combinators_and_packages_of_one_name() {
    check(
        r#"jail "a" pkgs.hello [ (add-pkg-deps [ mount network pkgs.mount ]) ]"#,
        expect![[r#"
            combinator-as-package: the combinator `mount` is used where a package is expected at `mount`
              help: write `pkgs.mount` for the package"#]],
    );
}

#[test]
fn what_depends_on_the_machine() {
    check(
        r#"jail "a" pkgs.hello [ (set-env "A" builtins.currentSystem) (set-env "B" (toString builtins.currentTime)) ]"#,
        expect![[r#"
            impure: `currentSystem` depends on the machine at `currentSystem`
              help: write `pkgs.stdenv.hostPlatform.system`, which Nix puts in
            impure: `currentTime` depends on the machine at `currentTime`
              help: a spec means the same at all times"#]],
    );
}

#[test]
fn what_the_library_does_not_have_is_left_to_nix() {
    check(
        r#"jail "a" (with lib; someNewFunction pkgs.hello) [ (add-pkg-deps [ (lib.hiPrio pkgs.git) ]) ]"#,
        expect![[r#"
            jail a <lib.someNewFunction pkgs.hello> [
              add-pkg-deps [<lib.hiPrio pkgs.git>]
            ]"#]],
    );
    check(
        r#"jail "a" (with lib; optionls) [ ]"#,
        expect![[r#"
            undefined-variable: undefined variable `optionls` at `optionls`
              help: did you mean `optionals`?"#]],
    );
}

#[test]
fn names_of_the_language_are_not_shadowed_by_with() {
    check(
        r#"with { network = 1; pkgs = 2; jail = 3; }; jail "a" pkgs.hello [ network ]"#,
        expect![[r#"
            jail a <pkgs.hello> [
              network
            ]"#]],
    );
    check(
        r#"let network = readonly "/x"; in jail "a" pkgs.hello [ network ]"#,
        expect![[r#"
        jail a <pkgs.hello> [
          readonly "/x"
        ]"#]],
    );
}

#[test]
fn imported_files_have_the_same_names_in_scope() {
    let sources = MemorySources::new([
        ("spec.jail", "jail \"a\" pkgs.hello (import ./lib/common.nix { extra = [ pkgs.git ]; })"),
        ("lib/common.nix", "{ extra }: [ network (add-pkg-deps extra) (import ./more.nix) ]"),
        ("lib/more.nix", "readonyl \"/x\""),
    ]);
    let outcome = evaluate(&sources, "spec.jail", Limits::SPEC);
    expect![[r#"
        unknown-combinator: unknown combinator `readonyl` at `readonyl`
          help: did you mean `readonly`?"#]]
    .assert_eq(&shown(&outcome));
    let place = outcome.diagnostics[0].primary.unwrap();
    assert_eq!(outcome.files.display(place), "lib/more.nix:1:1");
}

#[test]
fn a_function_from_packages_to_jails() {
    check(
        r#"{ pkgs, lib, inputs, ... }: { a = jail "a" inputs.x.packages.y.z [ ]; b = jail "b" (lib.getExe pkgs.b) [ ]; }"#,
        expect![[r#"
            jail a <inputs.x.packages.y.z> [
            ]
            jail b "${pkgs.b}" [
            ]"#]],
    );
    check(
        r#"{ pkgs, nixpkgs }: jail "a" pkgs.hello [ ]"#,
        expect![[r#"
            missing-argument: the function needs the argument `nixpkgs` at `{ pkgs, nixpkgs }: jail "a" pkgs.hello [ ]`
              help: a spec is given `pkgs`, `lib`, `inputs`, `agents`, `jail`, `combinators` and `system`; the flakes that it adds are in `inputs`"#]],
    );
    check(
        "x: y: 1",
        expect![[r#"
        no-jail: the spec is a function, not a jail at `x: y: 1`
          help: it needs more arguments: `jail NAME PACKAGE [ … ]`"#]],
    );
}

#[test]
fn files_of_the_spec_are_copied() {
    let sources = MemorySources::new([
        (
            "spec.jail",
            "jail \"a\" pkgs.hello [ (ro-bind \"${./cfg}\" \"/etc/x\") (add-pkg-deps [ (pkgs.callPackage ./package.nix { }) ]) ]",
        ),
        ("cfg/x", ""),
        ("package.nix", "{ hello }: hello"),
    ]);
    expect![[r#"
        jail a <pkgs.hello> [
          ro-bind "${./files/cfg}" "/etc/x"
          add-pkg-deps [<pkgs.callPackage ./files/package.nix { }>]
        ]
        copied cfg
        copied package.nix"#]]
    .assert_eq(&shown(&evaluate(&sources, "spec.jail", Limits::SPEC)));
}

#[test]
fn lists_that_hold_themselves() {
    for spec in [
        r#"let all = [ network all ]; in jail "a" pkgs.hello all"#,
        r#"let all = [ pkgs.git all ]; in jail "a" pkgs.hello [ (add-pkg-deps all) ]"#,
        r#"let env = { a = env; }; in makeJailedOpencode { inherit env; }"#,
    ] {
        let found = shown(&outcome(spec));
        assert!(found.starts_with("recursion-limit: the recursion is too deep"), "{found}");
    }
}
