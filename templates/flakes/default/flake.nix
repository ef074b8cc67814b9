# One program in a jail. `nix develop` has the command `jailed-node`; `nix run` starts it.
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
      jailsFor =
        system:
        let
          pkgs = nixpkgs.legacyPackages.${system};
          jail = jailgen.lib.init pkgs;
        in
        {
          jailed-node = jail "jailed-node" pkgs.nodejs (
            combinators: with combinators; [
              # The folder that it is started in, read-write. Nothing else of your files is there.
              mount-cwd
              (add-pkg-deps [
                pkgs.bashInteractive
                pkgs.coreutils
                pkgs.git
              ])
            ]
          );
        };
    in
    {
      packages = forSystems (system: jailsFor system // { default = (jailsFor system).jailed-node; });
      devShells = forSystems (system: {
        default = nixpkgs.legacyPackages.${system}.mkShell {
          packages = builtins.attrValues (jailsFor system);
        };
      });
    };
}
