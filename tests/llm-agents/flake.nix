# A stand-in for the llm-agents flake: the same attribute names, with small scripts that say
# what they are in the place of agents. README.md beside this file says what they do.
{
  description = "Stand-in llm-agents for the tests of jailgen";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixpkgs-unstable";

  # The real flake has more inputs; a lock file that was made for it must do for this one.
  outputs =
    { self, nixpkgs, ... }:
    let
      inherit (nixpkgs) lib;
      agents = import ./agents.nix { inherit lib; };

      # As from the real flake, whose packages are bare derivations: they can be built whatever
      # their licence, which is only in their meta, and they cannot be overridden.
      bare =
        package:
        removeAttrs package [
          "override"
          "overrideAttrs"
          "overrideDerivation"
          "pname"
          "version"
        ];
      packagesFor = pkgs: lib.mapAttrs (pkgs.callPackage ./make-agent.nix { }) agents;
    in
    {
      packages =
        lib.genAttrs
          [
            "x86_64-linux"
            "aarch64-linux"
            "aarch64-darwin"
          ]
          (
            system:
            lib.mapAttrs (_: bare) (
              packagesFor (
                import nixpkgs {
                  inherit system;
                  config.allowUnfree = true;
                }
              )
            )
          );

      # The agents built with the user's own nixpkgs, as `pkgs.llm-agents.<name>`.
      overlays.shared-nixpkgs = final: _prev: {
        llm-agents = packagesFor final;
      };
    };
}
