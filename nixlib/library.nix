# The function `jail`, with all that belongs to it, for one package set.
#
#   pkgs                   what wrappers and their packages come from
#   tools                  other tools than those that came with this library
#   agents                 packages of agents, where the builders find theirs before they look into `pkgs`
#   additionalCombinators  further combinators: a set, or a function from the combinators to one
#   basePermissions        what every jail starts with: a list, or a function from the combinators to one
#   bubblewrapPackage      of jail.nix; nothing here is made with bubblewrap
#   lib                    what this library itself is written with
{ toolsFor, agentsFor }:
{
  pkgs,
  tools ? toolsFor pkgs.stdenv.hostPlatform.system,
  agents ? agentsFor pkgs.stdenv.hostPlatform.system,
  additionalCombinators ? { },
  basePermissions ? null,
  bubblewrapPackage ? null,
  lib ? pkgs.lib,
}@arguments:
let
  inherit (pkgs.stdenv.hostPlatform) system;

  registry = import ./generated/combinators.nix;
  mkDerivation = import ./mk-derivation.nix { inherit system tools; };

  terms = import ./terms.nix { inherit lib registry combinators; };
  combinators = terms.combinators // given terms.combinators additionalCombinators;
  given = of: value: if lib.isFunction value then value of else value;

  makeJail = import ./make-jail.nix {
    inherit
      lib
      pkgs
      registry
      terms
      mkDerivation
      combinators
      ;
    agents = pkgs // agents;
    basePermissions = if basePermissions == null then null else given combinators basePermissions;
  };

  buildJail = import ./build-jail.nix {
    inherit
      lib
      pkgs
      jail
      makeJail
      registry
      ;
    agents = pkgs // agents;
    # Overlays of a spec may replace `lib` too, and what a spec wrote has no say in how its wrapper is made.
    rebuild =
      pkgs:
      import ./library.nix { inherit toolsFor agentsFor; } (arguments // { inherit lib pkgs tools; });
  };

  inherit (makeJail null) plain builders;
  warned =
    if bubblewrapPackage == null then
      plain
    else
      builtins.trace "jailgen: `bubblewrapPackage` means nothing here: wrappers are made without bubblewrap" plain;

  # `jail NAME EXE PERMISSIONS`: a wrapper.
  #
  #   NAME         the command
  #   EXE          a package, whose main program it is, or a path
  #   PERMISSIONS  a list, a function from the combinators to one, or null
  jail = {
    __functor = _self: warned;

    inherit combinators buildJail;
    fromNixpak = import ./from-nixpak.nix { inherit lib jail; };
    mkJail = import ./mk-jail.nix { inherit mkDerivation; };

    # The builders, and what they begin with.
    commonJailOptions = map (name: combinators.${name}) registry.commonJailOptions;
    commonPkgs = map (name: pkgs.${name}) registry.commonPkgs;
  }
  // builders;
in
jail
