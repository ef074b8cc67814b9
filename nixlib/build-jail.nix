# `buildJail ./x.jail`: the wrappers of a spec, which Nix itself evaluates. No generated files, and nothing is built for it.
#
#   buildJail ./opencode.jail
#   buildJail { spec = ./opencode.jail; inputs = { inherit (inputs) devshells; }; }
#
#   spec     the file
#   inputs   the inputs that it declares or asks for
#   files    files and folders that it reads by paths which stand nowhere in its text (spec-files.nix)
#   checked  whether the builder reads the spec with jailgen's own evaluator too, and stops where that finds other grants
#
# The result is the wrapper of a spec with one jail, and for a set of jails the set of their wrappers by name.
#
# A spec is Nix here, and Nix decides what it says. What `jailgen check` and `jailgen explain` say of the same file comes from
# another evaluator. The builder holds the two together, so a difference between them stops the build, and grants nothing.
{
  lib,
  pkgs,
  jail,
  makeJail,
  registry,
  agents,
  # The library for another package set.
  rebuild,
}:
let
  specFiles = import ./spec-files.nix { inherit lib; };

  # What a spec calls to make a jail gives data. The derivation is made here, of that data: one that a spec made could be
  # anything, and would not be checked.
  said = maker: arguments: {
    _type = "jailgen-jail";
    inherit maker arguments;
  };
  isSaid = value: builtins.isAttrs value && value._type or null == "jailgen-jail";

  makers = {
    jail =
      name: exe: permissions:
      said "jail" [
        name
        exe
        permissions
      ];
  }
  // builtins.mapAttrs (
    name: _: argument:
    said name [ argument ]
  ) registry.builders;

  wrapperOf =
    spec: it:
    let
      make = makeJail spec;
    in
    builtins.foldl' (function: argument: function argument) (
      if it.maker == "jail" then make.plain else make.builders.${it.maker}
    ) it.arguments;

  # `jail` of a spec has what it has for `jailgen check`.
  specJail = {
    __functor = _self: makers.jail;
    inherit (jail) combinators;
  };

  # The names around a spec and the files that it imports. They are bound, so that no `with` hides them.
  scope =
    jail.combinators
    // makers
    // {
      inherit agents pkgs;
      inherit (pkgs) lib;
      inherit (jail) combinators commonJailOptions commonPkgs;
      jail = specJail;
      import = builtins.scopedImport scope;
    };

  offered = inputs: {
    inherit agents inputs pkgs;
    inherit (pkgs) lib;
    inherit (jail) combinators;
    jail = specJail;
    inherit (pkgs.stdenv.hostPlatform) system;
  };

  call =
    function: inputs:
    let
      asked = builtins.functionArgs function;
      known = offered inputs;
      # Nix cannot tell a pattern with an ellipsis from one without, so the function gets what it names.
      wanted = if asked == { } then known else builtins.intersectAttrs asked known;
    in
    function wanted;

  jailsOf =
    { inputs, wrapper }@how:
    result:
    if isSaid result then
      wrapper result
    else if lib.isFunction result then
      jailsOf how (call result inputs)
    else if
      builtins.isAttrs result && result != { } && builtins.all isSaid (builtins.attrValues result)
    then
      lib.listToAttrs (map (it: lib.nameValuePair it.name it) (map wrapper (builtins.attrValues result)))
    else
      throw "jailgen: the spec contains no jail: write `jail \"name\" pkgs.hello [ ]`, or a set of jails";

  # The packages that a spec's overlays and configuration make. A set of packages has its configuration, and takes no other: it is
  # made anew with one.
  packagesWith =
    overlays: config:
    if config == { } then
      pkgs.appendOverlays overlays
    else
      import pkgs.path {
        inherit (pkgs.stdenv.hostPlatform) system;
        overlays = pkgs.overlays or [ ] ++ overlays;
        config = pkgs.config or { } // config;
      };

  # `{ inputs.x.url = "…"; nixpkgs = { config = …; overlays = [ … ]; }; outputs = { pkgs, … }: …; }`. The flake that calls has the
  # inputs.
  ofFlake =
    how: arguments: content:
    let
      inherit (how) inputs;
      declared = builtins.attrNames (content.inputs or { });
      missing = builtins.filter (name: !(inputs ? ${name})) declared;
      given = overlays: if lib.isFunction overlays then overlays inputs else overlays;
      listed = given (content.nixpkgs.overlays or [ ]) ++ given (content.overlays or [ ]);
      config = content.nixpkgs.config or { };
    in
    if missing != [ ] then
      throw "jailgen: the spec has the input `${builtins.head missing}`; give it with `buildJail { spec = …; inputs = { inherit (inputs) ${builtins.head missing}; }; }`"
    else if listed == [ ] && config == { } then
      jailsOf how content.outputs
    else
      # Once more, with the names of the spec bound to the packages that its settings make.
      (rebuild (packagesWith listed config)).buildJail (arguments // { withSettings = false; });

  build =
    {
      spec,
      inputs ? { },
      files ? [ ],
      checked ? true,
      withSettings ? true,
    }@arguments:
    let
      content = builtins.scopedImport scope spec;
      isFlake = builtins.isAttrs content && content ? outputs && !isSaid content;
      how = {
        inherit inputs;
        wrapper = wrapperOf (if checked then specFiles { inherit spec files; } else null);
      };
    in
    if !isFlake then
      jailsOf how content
    else if withSettings then
      ofFlake how arguments content
    else
      jailsOf how content.outputs;
in
argument:
build (if builtins.isAttrs argument && argument ? spec then argument else { spec = argument; })
