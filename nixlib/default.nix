# The Nix library of jailgen. The kit's and the project's flake.nix call it with their tools.
#
#   toolsFor  function from a system (`x86_64-linux`) to its tools:
#               stub     a package, or the path of one, with `bin/jail-stub`
#               jailgen  the path of the static `jailgen`, which builds wrappers
{ toolsFor }:
let
  # `init pkgs` or `init { pkgs; tools ? …; }`: the library for one package set.
  #
  #   pkgs   the package set that wrappers and their packages come from
  #   tools  other tools than those that came with this library
  init =
    argument:
    let
      isPackageSet = argument ? stdenv;
      pkgs = if isPackageSet then argument else argument.pkgs;
      system = pkgs.stdenv.hostPlatform.system;
      tools = if isPackageSet then toolsFor system else argument.tools or (toolsFor system);
    in
    {
      mkJail = import ./mk-jail.nix { inherit system tools; };
    };
in
{
  inherit init;
}
