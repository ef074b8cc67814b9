# `buildJail ./x.jail`: the wrappers of a spec, which Nix itself evaluates. No generated files, and nothing is built for it.
#
#   buildJail ./opencode.jail
#   buildJail { spec = ./opencode.jail; inputs = { inherit (inputs) devshells; }; }
#
# The result is the wrapper of a spec with one jail, and for a set of jails the set of their wrappers by name.
{
  lib,
  pkgs,
  jail,
  registry,
  agents,
  # The library for another package set.
  rebuild,
}:
let
  # The names around a spec and the files that it imports. They are bound, so that no `with` hides them.
  scope =
    jail.combinators
    // lib.genAttrs (builtins.attrNames registry.builders) (name: jail.${name})
    // {
      inherit
        agents
        jail
        lib
        pkgs
        ;
      inherit (jail) combinators commonJailOptions commonPkgs;
      import = builtins.scopedImport scope;
    };

  offered = inputs: {
    inherit
      agents
      inputs
      jail
      lib
      pkgs
      ;
    inherit (jail) combinators;
    inherit (pkgs.stdenv.hostPlatform) system;
  };

  call =
    function: inputs:
    let
      asked = builtins.functionArgs function;
      known = offered inputs;
      # A pattern with an ellipsis is told from one without by nobody, so it gets what it names.
      wanted = if asked == { } then known else builtins.intersectAttrs asked known;
    in
    function wanted;

  jailsOf =
    inputs: result:
    if lib.isDerivation result then
      result
    else if lib.isFunction result then
      jailsOf inputs (call result inputs)
    else if
      builtins.isAttrs result
      && result != { }
      && builtins.all lib.isDerivation (builtins.attrValues result)
    then
      lib.mapAttrs' (_: wrapper: lib.nameValuePair wrapper.name wrapper) result
    else
      throw "jailgen: the spec holds no jail: write `jail \"name\" pkgs.hello [ ]`, or a set of such";

  # `{ inputs.x.url = "…"; overlays = [ … ]; outputs = { pkgs, … }: …; }`. The flake that calls has the inputs.
  ofFlake =
    spec: inputs: content:
    let
      declared = builtins.attrNames (content.inputs or { });
      missing = builtins.filter (name: !(inputs ? ${name})) declared;
      overlays = content.overlays or [ ];
      listed = if lib.isFunction overlays then overlays inputs else overlays;
      library = if listed == [ ] then jail else rebuild (pkgs.appendOverlays listed);
    in
    if missing != [ ] then
      throw "jailgen: the spec has the input `${builtins.head missing}`; give it with `buildJail { spec = …; inputs = { inherit (inputs) ${builtins.head missing}; }; }`"
    else if listed == [ ] then
      jailsOf inputs content.outputs
    else
      # Once more, with the names of the spec bound to the packages that the overlays make.
      library.buildJail {
        inherit spec inputs;
        withOverlays = false;
      };

  build =
    {
      spec,
      inputs ? { },
      withOverlays ? true,
    }:
    let
      content = builtins.scopedImport scope spec;
      isFlake = builtins.isAttrs content && content ? outputs && !lib.isDerivation content;
    in
    if !isFlake then
      jailsOf inputs content
    else if withOverlays then
      ofFlake spec inputs content
    else
      jailsOf inputs content.outputs;
in
argument:
build (if builtins.isAttrs argument && argument ? spec then argument else { spec = argument; })
