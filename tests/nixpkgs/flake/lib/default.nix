# The part of nixpkgs' `lib` that flakes, emitted or written by hand, may use: the same names
# and meanings, written anew.
let
  # Each file gets the whole, as in nixpkgs, and gives one part.
  parts = {
    trivial = import ./trivial.nix;
    lists = import ./lists.nix lib;
    strings = import ./strings.nix lib;
    attrsets = import ./attrsets.nix lib;
    fixedPoints = import ./fixed-points.nix lib;
    customisation = import ./customisation.nix lib;
    meta = import ./meta.nix lib;
    modules = import ./modules.nix lib;
    systems = import ./systems.nix;
  };

  lib =
    parts.trivial
    // parts.lists
    // parts.strings
    // parts.attrsets
    // parts.fixedPoints
    // parts.customisation
    // parts.meta
    // parts.modules
    // parts
    // {
      licenses = import ./licenses.nix;
      maintainers = { };
      teams = { };
      platforms = parts.systems.platforms;
      sourceTypes = {
        fromSource.isSource = true;
        binaryNativeCode.isSource = false;
        binaryBytecode.isSource = false;
      };
      sources = {
        inherit (parts.strings) cleanSource;
      };
      version = "26.11pre-standin";

      # `lib.extend (final: prev: { … })`, as flakes do that carry functions of their own.
      extend = overlay: parts.fixedPoints.fix (parts.fixedPoints.extends overlay (_: lib));
    };
in
lib
