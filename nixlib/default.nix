# The Nix library of jailgen. The kit's and the project's flake.nix call it with their tools.
#
#   toolsFor   function from a system (`x86_64-linux`) to its tools:
#                stub     a package, or the path of one, with `bin/jail-stub`
#                host     the same with `bin/jail-host`
#                broker   the same with `bin/jail-broker`
#                jailgen  the path of the static `jailgen`, which builds wrappers
#   agentsFor  function from a system to packages of agents, by their names in llm-agents
{
  toolsFor,
  agentsFor ? _system: { },
}:
let
  library = import ./library.nix { inherit toolsFor agentsFor; };

  # `extend { pkgs; … }`: the function `jail` for one package set. library.nix says what it takes.
  extend = library;

  # `init pkgs` or `init { pkgs; … }`: the same.
  init = argument: library (if argument ? stdenv then { pkgs = argument; } else argument);

  # `cage pkgs { … }` or `cage { inherit pkgs; } { … }`: a cage, for flakes that make nothing else.
  cage = argument: (init argument).cage;

  # An overlay: packages by name, and what each may do in its jail. The jailed package takes the place of
  # the one that was there, which is its `unjailed`.
  #
  #   final, prev  of the overlay
  #   packages     function from the combinators to a set of permissions by package
  #   and what `extend` takes, but for `pkgs`
  mkOverlay =
    {
      final,
      prev,
      packages,
      ...
    }@argument:
    let
      jail = library (
        removeAttrs argument [
          "final"
          "packages"
          "prev"
        ]
        // {
          # Of `final` a jail would be in the jail.
          pkgs = prev;
        }
      );
      jailed =
        attribute: permissions:
        let
          unjailed = prev.${attribute};
          package = jail (unjailed.meta.mainProgram or (prev.lib.getName unjailed)) unjailed permissions;
        in
        package
        // {
          jailed = package;
          inherit unjailed;
        };
    in
    builtins.mapAttrs jailed (packages jail.combinators);
in
{
  inherit
    init
    extend
    cage
    mkOverlay
    ;

  # What `add-dev-shell` puts into a jail, of a derivation. Emitted files call it.
  devShellEnvironment = import ./dev-shell.nix;

  # One package of a list of packages that only Nix knows. Emitted files call it.
  packagesOf =
    pkgs: packages:
    pkgs.symlinkJoin {
      name = "packages";
      paths = map pkgs.lib.getBin (builtins.filter (package: package != null) packages);
    };
}
