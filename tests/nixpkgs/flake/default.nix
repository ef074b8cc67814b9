# Called like nixpkgs: `import nixpkgs { inherit system; config.allowUnfree = true; overlays = [ ]; }`.
{
  system ? localSystem.system or localSystem,
  localSystem ? builtins.currentSystem or "x86_64-linux",
  crossSystem ? null,
  config ? { },
  overlays ? [ ],
  crossOverlays ? [ ],
}@arguments:
let
  lib = import ./lib;

  # As in nixpkgs `config` may be a function of the package set.
  configuration = if builtins.isFunction config then config { inherit lib pkgs; } else config;

  base =
    final:
    import ./pkgs {
      inherit lib system final;
      config = configuration;
    };

  # `pkgs.extend` gives the whole set again with one more overlay.
  extensible = final: prev: {
    path = ./.;
    config = configuration;
    inherit overlays;
    extend = overlay: import ./. (arguments // { overlays = overlays ++ [ overlay ]; });
    appendOverlays = more: import ./. (arguments // { overlays = overlays ++ more; });
  };

  pkgs = lib.fix (lib.foldl' (lib.flip lib.extends) base ([ extensible ] ++ overlays));
in
assert lib.assertMsg (crossSystem == null) "the stand-in nixpkgs does not cross-compile";
pkgs
