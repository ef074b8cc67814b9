//! Imports of files like those that people have.

use expect_test::{Expect, expect};

use super::import;

fn check(nix: &str, expected: &Expect) {
    let imported = import("flake.nix", nix, None, "");
    let mut text = imported.spec.unwrap_or_else(|| "no spec\n".into());
    for fault in &imported.diagnostics {
        let line = fault.primary.map_or(0, |place| imported.files.line_column(place).0);
        text.push_str(&format!("line {line}: {}\n", fault.message));
    }
    expected.assert_eq(&text);
}

#[test]
fn a_builder_in_a_development_shell() {
    check(
        r#"{
  inputs = {
    nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
    jailed-agents.url = "github:andersonjoseph/jailed-agents";
  };
  outputs = { nixpkgs, jailed-agents, ... }:
    let
      system = "x86_64-linux";
      pkgs = import nixpkgs { inherit system; config.allowUnfree = true; };
    in {
      devShells.${system}.default = pkgs.mkShell {
        packages = with pkgs; [
          go
          # The agent gets the tools too.
          (jailed-agents.lib.${system}.makeJailedCrush {
            extraPkgs = [ go gopls ];
          })
        ];
      };
    };
}
"#,
        &expect![[r#"
            # Imported from flake.nix.
            {
              nixpkgs.config.allowUnfree = true;
              outputs =
                _:
                with pkgs;
                makeJailedCrush {
                  extraPkgs = [
                    go
                    gopls
                  ];
                };
            }
        "#]],
    );
}

#[test]
fn a_factory_with_common_options() {
    check(
        r#"{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  inputs.jail-nix.url = "github:alexdavid/jail.nix";
  inputs.flake-utils.url = "github:numtide/flake-utils";
  outputs = { self, nixpkgs, jail-nix, flake-utils }:
    flake-utils.lib.eachDefaultSystem (system:
      let
        pkgs = import nixpkgs { inherit system; };
        jail = jail-nix.lib.init pkgs;
        # What every agent gets.
        common = with jail.combinators; [ network mount-cwd ];
        makeJailedAgent = { name, packages }: jail name pkgs.bashInteractive (with jail.combinators;
          (common ++ [
            (readwrite (noescape "~/.cache/${name}"))
            (add-pkg-deps packages)
          ]));
        reviewer = makeJailedAgent { name = "reviewer"; packages = [ pkgs.jq ]; };
      in {
        packages.reviewer = reviewer;
        packages.default = reviewer;
        devShells.default = pkgs.mkShell {
          packages = [
            pkgs.nixd
            (makeJailedAgent { name = "basic-agent"; packages = [ pkgs.curl ]; })
          ];
        };
      });
}
"#,
        &expect![[r##"
            # Imported from flake.nix.
            let
              # What every agent gets.
              common = with jail.combinators; [
                network
                mount-cwd
              ];

              makeJailedAgent =
                { name, packages }:
                jail name pkgs.bashInteractive (
                  with jail.combinators;
                  (
                    common
                    ++ [
                      (readwrite (noescape "~/.cache/${name}"))
                      (add-pkg-deps packages)
                    ]
                  )
                );
            in
            {
              reviewer = makeJailedAgent {
                name = "reviewer";
                packages = [ pkgs.jq ];
              };
              basic-agent = makeJailedAgent {
                name = "basic-agent";
                packages = [ pkgs.curl ];
              };
            }
        "##]],
    );
}

#[test]
fn a_name_that_is_a_word_of_the_language_is_quoted() {
    check(
        r#"{
  inputs.jail-nix.url = "github:alexdavid/jail.nix";
  outputs = { nixpkgs, jail-nix, ... }:
    let
      pkgs = import nixpkgs { };
      jail = jail-nix.lib.init pkgs;
    in {
      packages.x86_64-linux.a = jail "with" pkgs.hello [ ];
      packages.x86_64-linux.b = jail "b" pkgs.hello [ ];
    };
}"#,
        &expect![[r##"
            # Imported from flake.nix.
            {
              "with" = jail "with" pkgs.hello [ ];
              b = jail "b" pkgs.hello [ ];
            }
        "##]],
    );
}

#[test]
fn internals_inputs_and_overlays() {
    check(
        r#"{
  inputs.jailed-agents.url = "github:andersonjoseph/jailed-agents";
  inputs.tools = { url = "github:acme/tools"; inputs.nixpkgs.follows = "nixpkgs"; };
  outputs = inputs@{ nixpkgs, jailed-agents, tools, llm-agents, ... }:
    let
      system = "x86_64-linux";
      pkgs = import nixpkgs { inherit system; overlays = [ tools.overlays.default ]; };
      internals = jailed-agents.lib.${system}.internals;
      inherit (internals.jail) combinators;
    in {
      packages.${system}.offline = jailed-agents.lib.${system}.makeJailedOpencode {
        pkg = llm-agents.packages.${system}.opencode;
        extraPkgs = [ tools.packages.${system}.lint inputs.tools.packages.${system}.fmt ];
        baseJailOptions = [ combinators.mount-cwd ];
      };
      packages.${system}.crush = jailed-agents.packages.${system}.jailed-crush;
    };
}
"#,
        &expect![[r##"
            # Imported from flake.nix.
            {
              inputs.tools = {
                url = "github:acme/tools";
                inputs.nixpkgs.follows = "nixpkgs";
              };
              overlays = inputs: [ inputs.tools.overlays.default ];
              outputs =
                { agents, inputs, ... }:
                let
                  system = "x86_64-linux";

                  inherit (jail) combinators;
                in
                {
                  offline = makeJailedOpencode {
                    pkg = agents.opencode;
                    extraPkgs = [
                      inputs.tools.packages.${system}.lint
                      inputs.tools.packages.${system}.fmt
                    ];
                    baseJailOptions = [ combinators.mount-cwd ];
                  };
                  crush = (makeJailedCrush { });
                };
            }
        "##]],
    );
}

#[test]
fn what_cannot_be_taken_over_is_told() {
    check(
        r#"{ pkgs, jail-nix }:
let
  jail = jail-nix.lib.extend {
    inherit pkgs;
    additionalCombinators = builtin: { };
  };
in
{
  all = map (name: jail name pkgs.hello [ ]) [ "a" "b" ];
  one = jail "one" pkgs.hello (c: [ c.network ]);
}
"#,
        &expect![[r##"
            # Imported from flake.nix.
            let
              # The combinators that the flake adds.
              combinators = jail.combinators // (builtin: { }) jail.combinators;
            in
            {
              one = jail "one" pkgs.hello ((c: [ c.network ]) combinators);
            }
            // (lib.listToAttrs (
              lib.imap0
                (index: jail: {
                  name = "all-${toString index}";
                  value = jail;
                })
                (
                  map (name: jail name pkgs.hello [ ]) [
                    "a"
                    "b"
                  ]
                )
            ))
        "##]],
    );
    check(
        "{ pkgs }: pkgs.hello",
        &expect![[r#"
        no spec
        line 0: `flake.nix` does not make a jail
    "#]],
    );
}

/// The spec and all messages of a file.
fn imported(nix: &str) -> (String, String) {
    let imported = import("flake.nix", nix, None, "");
    let messages: Vec<String> = imported.diagnostics.into_iter().map(|it| it.message).collect();
    (imported.spec.unwrap_or_default(), messages.join("\n"))
}

#[test]
fn a_sandbox_is_open_only_where_that_is_sure() {
    let of = |arguments: &str| {
        imported(&format!(
            "{{ pkgs, sandbox, strict, allowedDomains, rwDirs }}: {{ a = sandbox.mkSandbox {{ pkg = pkgs.hello; {arguments} }}; }}"
        ))
    };
    for arguments in [
        "inherit allowedDomains;",
        "allowedDomains.\"example.com\" = \"*\";",
        "restrictNetwork = strict;",
        "inherit ({ }) restrictNetwork;",
        "${strict} = [ ];",
    ] {
        let (spec, messages) = of(arguments);
        assert!(!spec.contains("internet") && messages.contains("not certain"), "{spec}{messages}");
    }
    for arguments in ["", "restrictNetwork = false;"] {
        assert!(of(arguments).0.contains("internet"), "{arguments}");
    }
    assert!(!of("restrictNetwork = true;").0.contains("internet"));
    for (arguments, name) in [("inherit rwDirs;", "rwDirs"), ("env.FOO = \"1\";", "env")] {
        let (_, messages) = of(arguments);
        assert!(messages.contains(&format!("`{name}`")), "{messages}");
    }
}

#[test]
fn only_the_jails_of_an_extension_begin_with_its_permissions() {
    let extended =
        "wide = jail-nix.lib.extend { inherit pkgs; basePermissions = c: [ c.network ]; };";
    let of = |more: &str, jail: &str| {
        imported(&format!(
            "{{ pkgs, jail-nix, given }}: let {extended} plain = jail-nix.lib.init pkgs; {more} in {{ a = wide \"a\" pkgs.hello [ ]; b = {jail} \"b\" pkgs.hello [ ]; }}"
        ))
    };
    let (spec, _) = of("", "plain");
    assert_eq!(spec.matches("basePermissions ++").count(), 1, "{spec}");
    let (spec, _) = of("same = wide;", "same");
    assert_eq!(spec.matches("basePermissions ++").count(), 2, "{spec}");
    let second = "other = jail-nix.lib.extend { inherit pkgs; basePermissions = c: [ ]; };";
    let (spec, messages) = of(second, "other");
    assert_eq!(spec.matches("basePermissions ++").count(), 1, "{spec}");
    assert!(!spec.contains("\"b\"") && messages.contains("not known which"), "{spec}{messages}");
}

const FIXTURES: [&str; 12] = [
    include_str!("../../../../tests/import/any-init.nix"),
    include_str!("../../../../tests/import/cage.nix"),
    include_str!("../../../../tests/import/combinators.nix"),
    include_str!("../../../../tests/import/devshell.nix"),
    include_str!("../../../../tests/import/factories.nix"),
    include_str!("../../../../tests/import/holes.nix"),
    include_str!("../../../../tests/import/home.nix"),
    include_str!("../../../../tests/import/module.nix"),
    include_str!("../../../../tests/import/overlay.nix"),
    include_str!("../../../../tests/import/sandbox.nix"),
    include_str!("../../../../tests/import/several.nix"),
    include_str!("../../../../tests/import/unfree.nix"),
];

/// One token of many is removed or doubled: most of the results are broken, and
/// some mean something else.
#[test]
fn changed_files_have_a_message_or_a_spec() {
    for text in FIXTURES {
        let tokens: Vec<&str> = rnix::tokenize(text).map(|(_, token)| token).collect();
        for at in (0..tokens.len()).step_by(41) {
            for count in [0, 2] {
                let mut changed = tokens.clone();
                changed.splice(at..=at, std::iter::repeat_n(tokens[at], count));
                let imported = import("flake.nix", &changed.concat(), None, "");
                assert!(imported.spec.is_some() || !imported.diagnostics.is_empty());
            }
        }
    }
}

/// Files that import each other come to an end, and places refer to the right file.
#[test]
fn files_that_import_each_other() {
    let sources = crate::MemorySources::new([
        (
            "lib/a.nix",
            "{ jail }:\n# Here.\n{ x = jail \"x\" pkgs.hello (import ../lib); y = import ./a.nix; z = missing; }",
        ),
        ("lib/default.nix", "[ (import ./a.nix) ]"),
    ]);
    let text = "{ jail, pkgs, other }: { a = import ./lib/a.nix { inherit jail; }; b = jail \"b\" other [ ]; }";
    let imported = import("flake.nix", text, Some(&sources), "");
    assert!(imported.spec.is_some());
    for fault in &imported.diagnostics {
        let place = fault.primary.unwrap();
        assert!(imported.files.get(place.file).unwrap().text.len() >= place.end as usize);
    }
    let shown =
        |fault: &jail_registry::Diagnostic| imported.files.text(fault.primary.unwrap()).to_owned();
    assert!(imported.diagnostics.iter().any(|fault| shown(fault) == "other"));
}

/// A spec has one configured nixpkgs: the settings of another one are reported.
#[test]
fn the_settings_of_a_second_nixpkgs_are_reported() {
    check(
        r#"{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-25.11";
  inputs.unstable.url = "github:NixOS/nixpkgs/nixos-unstable";
  outputs = { nixpkgs, unstable, jail-nix, ... }:
    let
      config.allowUnfree = true;
      options = { config.allowBroken = true; };
      pkgs = import nixpkgs { config.allowUnfree = true; };
      same = import nixpkgs {
        config.allowUnfree = true;
      };
      other = import nixpkgs { overlays = [ (a: b: { }) ]; };
      new = import unstable { system = "x86_64-linux"; inherit config; };
      named = import unstable options;
      computed = import unstable (options // { });
      plain = import unstable { system = "x86_64-linux"; };
      jail = jail-nix.lib.init pkgs;
    in {
      a = jail "a" pkgs.hello (c: [ (c.add-pkg-deps [ same.git other.git ]) ]);
      b = jail "b" new.hello (c: [ (c.add-pkg-deps [ named.git computed.git plain.git ]) ]);
    };
}
"#,
        &expect![[r##"
            # Imported from flake.nix.
            {
              inputs.unstable.url = "github:NixOS/nixpkgs/nixos-unstable";
              nixpkgs.config.allowUnfree = true;
              outputs =
                { inputs, system, ... }:
                {
                  a = jail "a" pkgs.hello (c: [
                    (c.add-pkg-deps [
                      pkgs.git
                      pkgs.git
                    ])
                  ]);
                  b = jail "b" inputs.unstable.legacyPackages.${system}.hello (c: [
                    (c.add-pkg-deps [
                      inputs.unstable.legacyPackages.${system}.git
                      inputs.unstable.legacyPackages.${system}.git
                      inputs.unstable.legacyPackages.${system}.git
                    ])
                  ]);
                };
            }
            line 7: the settings of a second nixpkgs are not taken over
            line 12: the settings of a second nixpkgs are not taken over
            line 13: the settings of a second nixpkgs are not taken over
            line 15: the settings of this nixpkgs are not a literal set, and are not taken over
        "##]],
    );
}

/// A file may be in a subfolder of the spec's folder, and its own files in subfolders of that.
#[test]
fn paths_are_written_as_the_spec_calls_them() {
    use crate::sources::MemorySources;
    let nix = "{ pkgs, jail }: jail \"x\" pkgs.hello (c: [ \
        (c.a ./b) (c.a ../out) (c.a ./.) (c.a ./s${x}/y) (c.a ./${x}) (import ./lib/in.nix) (import ../out.nix) ])";
    let inner = "[ ./i ../b ../../out ../. ../${x} ]";
    let sources = MemorySources::new([("flake.nix", nix), ("lib/in.nix", inner)]);
    let spec = |within| import("flake.nix", nix, Some(&sources), within).spec.unwrap();
    let paths = |within| {
        let spec = spec(within);
        let tokens = rnix::tokenize(&spec)
            .filter(|(kind, _)| *kind == rnix::SyntaxKind::TOKEN_PATH_REL)
            .map(|(_, token)| token.to_owned());
        tokens.collect::<Vec<_>>().join(" ")
    };
    expect!["./b ../out ./. ./s /y ./ ./lib/i ./b ../out ./. ./"].assert_eq(&paths(""));
    expect!["./p/q/b ./p/out ./p/q ./p/q/s /y ./p/q/ ./p/q/lib/i ./p/q/b ./p/out ./p/q ./p/q/"]
        .assert_eq(&paths("p/q"));
}
