{
  description = "Jails for AI coding agents, compiled to Nix wrappers";

  inputs = {
    llm-agents.url = "github:numtide/llm-agents.nix";
    nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  };

  outputs =
    {
      self,
      nixpkgs,
      llm-agents,
      ...
    }:
    let
      inherit (nixpkgs) lib;

      systems = [
        "x86_64-linux"
        "aarch64-linux"
      ];
      forSystems = lib.genAttrs systems;

      # What wrappers are made with and start with. `make kit` has the same for what cargo built.
      toolsFor =
        system:
        let
          packages = self.packages.${system};
        in
        {
          stub = packages.jail-stub;
          host = packages.jail-host;
          broker = packages.jail-broker;
          jailgen = "${packages.jailgen}/bin/jailgen";
        };
      agentsFor = system: llm-agents.packages.${system} or { };

      registry = import ./nixlib/generated/combinators.nix;
      nixlib = import ./nixlib { inherit toolsFor agentsFor; };

      # Unfree agents are allowed by name. Nothing else that is unfree is.
      pkgsFor =
        system:
        import nixpkgs {
          inherit system;
          config.allowUnfreePredicate = package: builtins.elem (lib.getName package) registry.unfreeAgents;
        };
      jailFor = forSystems (system: nixlib.init (pkgsFor system));

      # `jailed-pi` and so on: each agent that the registry knows and that is to be had.
      presetsFor =
        system:
        let
          isThere = builder: agentsFor system ? ${builder.agent} || (pkgsFor system) ? ${builder.agent};
          wanted = lib.filterAttrs (_: builder: builder.agent != null && isThere builder) registry.builders;
        in
        lib.mapAttrs' (
          name: builder:
          lib.nameValuePair builder.name (jailFor.${system}.${name} { allowedHosts = "default"; })
        ) wanted;

      packagesFor =
        pkgs:
        let
          jail-probe = pkgs.callPackage ./packaging/jail-probe.nix { };
        in
        {
          inherit jail-probe;
          jailgen = pkgs.callPackage ./packaging/jailgen.nix {
            kit = import ./packaging/kit.nix { inherit self; };
            probe = jail-probe;
          };
          jail-broker = pkgs.callPackage ./packaging/jail-broker.nix { };
          jail-host = pkgs.callPackage ./packaging/jail-host.nix { };
          jail-stub = pkgs.callPackage ./packaging/jail-stub.nix { };
        };
    in
    {
      # `lib.init pkgs`, `lib.extend { … }` and `lib.mkOverlay { … }` as in jail.nix; for each system what
      # jailed-agents has there.
      lib =
        nixlib
        // forSystems (
          system:
          let
            jail = jailFor.${system};
          in
          lib.genAttrs (builtins.attrNames registry.builders) (name: jail.${name})
          // {
            inherit (jail) buildJail commonJailOptions commonPkgs;
            internals = { inherit jail; };
          }
        );
      tools = forSystems toolsFor;

      packages = forSystems (
        system:
        let
          pkgs = pkgsFor system;
          own = packagesFor pkgs;
        in
        own
        // presetsFor system
        // {
          default = own.jailgen;
          jailgen-kit = pkgs.callPackage ./packaging/kit-folder.nix {
            inherit (own)
              jailgen
              jail-broker
              jail-host
              jail-probe
              jail-stub
              ;
          };
        }
      );

      apps = forSystems (
        system:
        let
          app = package: {
            type = "app";
            program = lib.getExe package;
            meta.description = package.meta.description;
          };
        in
        {
          default = app self.packages.${system}.jailgen;
          jailgen = app self.packages.${system}.jailgen;
        }
        // lib.mapAttrs (_: app) (presetsFor system)
      );

      # The command, and the agents in their jails.
      overlays.default =
        final: _prev:
        let
          jail = nixlib.init final;
          wanted = lib.filterAttrs (_: builder: builder.agent != null) registry.builders;
        in
        {
          inherit (packagesFor final) jailgen;
        }
        // lib.mapAttrs' (
          name: builder: lib.nameValuePair builder.name (jail.${name} { allowedHosts = "default"; })
        ) wanted;

      nixosModules.default = import ./nixlib/modules/nixos.nix { library = nixlib; };
      homeManagerModules.default = import ./nixlib/modules/home-manager.nix { library = nixlib; };

      templates = {
        default = {
          path = ./templates/flakes/default;
          description = "A program in a jail, in a development shell";
        };
        agent = {
          path = ./templates/flakes/agent;
          description = "A jailed coding agent with the tools of a project";
        };
        team = {
          path = ./templates/flakes/team;
          description = "Jails of a team from one spec, for everybody who works on a project";
        };
      };

      devShells = forSystems (
        system:
        let
          pkgs = pkgsFor system;
        in
        {
          default = pkgs.mkShell {
            packages = [
              pkgs.cargo
              pkgs.clippy
              pkgs.rustc
              pkgs.rustfmt
            ];
          };
        }
      );

      # That every preset can be made of the packages that this flake is locked to. It builds none of them.
      checks = forSystems (
        system:
        let
          drvPaths = lib.mapAttrs (_: jail: builtins.unsafeDiscardStringContext jail.drvPath) (
            presetsFor system
          );
        in
        {
          presets = (pkgsFor system).writeText "presets.json" (builtins.toJSON drvPaths);
        }
      );

      formatter = forSystems (system: (pkgsFor system).nixfmt-tree);
    };
}
