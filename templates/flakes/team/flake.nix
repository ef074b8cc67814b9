# The jails of a team, which stand in jails.jail. `nix develop` has the commands of all of them.
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
      jailsFor = system: jailgen.lib.${system}.buildJail ./jails.jail;
    in
    {
      packages = forSystems jailsFor;
      devShells = forSystems (system: {
        default = nixpkgs.legacyPackages.${system}.mkShell {
          packages = builtins.attrValues (jailsFor system);
        };
      });
    };
}
