# A jailed coding agent with the tools of this project. `nix develop`, then `jailed-opencode`.
{
  inputs = {
    nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
    # Where you took this template from: OWNER is who publishes it, and a checkout is `path:/home/you/jailgen`.
    jailgen.url = "github:OWNER/jailgen";
    jailgen.inputs.nixpkgs.follows = "nixpkgs";
  };

  outputs =
    { nixpkgs, jailgen, ... }:
    let
      forSystems = nixpkgs.lib.genAttrs [
        "x86_64-linux"
        "aarch64-linux"
      ];
    in
    {
      devShells = forSystems (
        system:
        let
          pkgs = nixpkgs.legacyPackages.${system};
          # What you work with, and the agent too.
          tools = [
            pkgs.nodejs
            pkgs.python3
          ];
        in
        {
          default = pkgs.mkShell {
            packages = tools ++ [
              (jailgen.lib.${system}.makeJailedOpencode {
                extraPkgs = tools;
              })
            ];
          };
        }
      );
    };
}
