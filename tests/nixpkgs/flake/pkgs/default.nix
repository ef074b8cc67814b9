# The package set, before overlays: the machine's programs, builders, aliases, and small
# packages that stand in for what is too big to copy.
{
  lib,
  system,
  config,
  final,
}:
let
  machine = builtins.fromJSON (builtins.readFile ../machine.json);
  makeDerivation = import ../stdenv/make-derivation.nix { inherit lib config; };

  # Packages of the machine need no stdenv: their attributes are the derivation's own.
  fromMachine = import ../machine {
    inherit lib system machine;
    finishDerivation = makeDerivation (
      attributes:
      removeAttrs attributes [
        "meta"
        "passthru"
        "finalPackage"
      ]
    );
  };

  # Nothing is built differently by an argument here, but specs and flakes may say
  # `pkgs.git.override { pythonSupport = false; }` and must get a git.
  programs = lib.mapAttrs (_: package: lib.makeOverridable (_: package) { }) fromMachine.programs;

  stdenv = import ../stdenv {
    inherit
      lib
      config
      system
      programs
      ;
  };
  builders = import ../build-support {
    inherit
      lib
      stdenv
      programs
      final
      ;
  };
in
programs
// builders
// import ./aliases.nix { inherit lib final programs; }
// import ./placeholders.nix { inherit lib final programs; }
// import ./languages {
  inherit
    lib
    final
    machine
    programs
    ;
}
// import ./agents.nix { inherit lib final; }
// {
  inherit
    lib
    stdenv
    system
    config
    ;
  pkgs = final;
  stdenvNoCC = stdenv;
  buildPackages = final;
  inherit (stdenv) hostPlatform buildPlatform targetPlatform;

  callPackage = lib.callPackageWith final;
  newScope = extra: lib.callPackageWith (final // extra);

  # The library packages behind the programs, by their Debian names, for tests of closures.
  debianLibraries = fromMachine.libraries;

  # As in nixpkgs the greeting can be built with another, which override and overrideAttrs use.
  hello = final.callPackage ./hello.nix { };
  hello-unfree = final.callPackage ./hello-unfree.nix { };
}
