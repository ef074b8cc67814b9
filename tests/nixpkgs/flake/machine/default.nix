# The packages made from this machine's own programs, by nixpkgs' attribute names.
#
# `machine` is what ../../generator found out. For a system that is not this machine's there
# are the same derivations with the same names: they evaluate, and only this machine's build.
{
  lib,
  system,
  machine,
  finishDerivation,
}:
let
  glibc = import ./glibc.nix {
    inherit lib system finishDerivation;
    inherit (machine) loader;
    entry = machine.cLibrary;
  };

  makePackage = import ./make-package.nix {
    inherit
      lib
      system
      glibc
      programs
      finishDerivation
      ;
    inherit (machine) loader;
  };

  # The description names libraries by their Debian packages.
  build =
    entry: makePackage (entry // { libraries = map (name: libraries.${name}) entry.libraries; });

  libraries = lib.mapAttrs (_: build) machine.libraries;
  programs = lib.mapAttrs (_: build) machine.programs;
in
{
  inherit libraries;
  programs = programs // {
    inherit glibc;
  };
}
