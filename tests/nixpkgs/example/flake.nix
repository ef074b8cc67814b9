# A flake as users and jailgen write them, for tests/nixpkgs/check and to copy from: it names
# its inputs as on the network, and the tests give it the stand-ins instead.
{
  inputs = {
    nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
    llm-agents.url = "github:numtide/llm-agents.nix";
  };

  outputs =
    {
      self,
      nixpkgs,
      llm-agents,
    }:
    let
      system = "x86_64-linux";
      inherit (nixpkgs) lib;
      pkgs = import nixpkgs {
        inherit system;
        config.allowUnfreePredicate = package: lib.getName package == "claude-code";
        overlays = [
          (final: prev: { greeter = prev.hello.override { greeting = "Hello from an overlay!"; }; })
          llm-agents.overlays.shared-nixpkgs
        ];
      };
      agents = llm-agents.packages.${system};

      python = pkgs.python3.withPackages (
        ps: with ps; [
          numpy
          requests
          pyyaml
        ]
      );
      overriddenPython = pkgs.python3.override {
        packageOverrides = final: prev: { tables = prev.pandas; };
      };
    in
    {
      packages.${system} = {
        default = pkgs.writeShellApplication {
          name = "example";
          runtimeInputs = [
            pkgs.greeter
            pkgs.git
            python
          ];
          runtimeEnv.WHO = "it's me";
          text = ''
            hello
            git --version
            echo "$WHO"
            python3 -c 'import numpy, requests, yaml; print(numpy.arange(4).sum(), yaml.__standin__)'
          '';
        };

        overridden = pkgs.hello.overrideAttrs (old: {
          greeting = "${old.greeting} Again!";
        });
        pythonOverridden = overriddenPython.withPackages (ps: [ ps.tables ]);
        unfreeByName = pkgs.claude-code;
        sharedAgent = pkgs.llm-agents.opencode;
        inherit (agents) claude-code opencode;

        closure = pkgs.closureInfo { rootPaths = [ pkgs.git ]; };
        wrapped = pkgs.symlinkJoin {
          name = "wrapped";
          paths = [ pkgs.hello ];
          nativeBuildInputs = [ pkgs.makeWrapper ];
          postBuild = "wrapProgram $out/bin/hello --set GREETED yes --prefix PATH : /first";
        };

        # What a jail's builder needs: structured attributes, the reference graph, a script.
        structured = pkgs.stdenv.mkDerivation {
          name = "structured";
          __structuredAttrs = true;
          exportReferencesGraph.graph = [ pkgs.jq ];
          policy.mounts = [ "/tmp" ];
          nativeBuildInputs = [ pkgs.jq ];
          dontUnpack = true;
          installPhase = ''
            jq -e '.policy.mounts == [ "/tmp" ] and (.graph | length > 2)' "$NIX_ATTRS_JSON_FILE" >$out
          '';
        };
      };

      devShells.${system}.default = pkgs.mkShell {
        packages = [
          pkgs.ripgrep
          python
        ];
        shellHook = "export HOOK=ran";
      };

      checks.${system}.greeting = pkgs.runCommand "greeting" { } ''
        [ "$(${lib.getExe pkgs.greeter})" = "Hello from an overlay!" ]
        touch $out
      '';
      formatter.${system} = pkgs.nixfmt;
    };
}
