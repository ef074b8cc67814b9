# A stand-in for nixpkgs: packages made from this machine's own programs, so that real Nix
# builds, closures and flakes can be tested without a network. tests/nixpkgs/README.md of
# jailgen says more; machine.json beside this file is what makes it that of one machine.
{
  description = "Stand-in nixpkgs for the tests of jailgen, made from one machine's programs";

  outputs =
    { self }:
    let
      lib = import ./lib;
    in
    {
      inherit lib;
      legacyPackages = lib.genAttrs lib.systems.flakeExposed (system: import ./. { inherit system; });
    };
}
