{
  description = "Jails for AI coding agents, compiled to Nix wrappers";

  inputs = {
    llm-agents.url = "github:numtide/llm-agents.nix";
    nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  };

  outputs =
    { self, nixpkgs, ... }:
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
          jailgen = "${packages.jailgen}/bin/jailgen";
        };
    in
    {
      lib = import ./nixlib { inherit toolsFor; };
      tools = forSystems toolsFor;

      packages = forSystems (
        system:
        let
          pkgs = nixpkgs.legacyPackages.${system};
          jailgen = pkgs.callPackage ./packaging/jailgen.nix {
            kit = import ./packaging/kit.nix { inherit self; };
            probe = self.packages.${system}.jail-probe;
          };
        in
        {
          inherit jailgen;
          default = jailgen;
          jail-host = pkgs.callPackage ./packaging/jail-host.nix { };
          jail-probe = pkgs.callPackage ./packaging/jail-probe.nix { };
          jail-stub = pkgs.callPackage ./packaging/jail-stub.nix { };
        }
      );

      devShells = forSystems (
        system:
        let
          pkgs = nixpkgs.legacyPackages.${system};
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
    };
}
