# `jail NAME EXE PERMISSIONS` and the agent builders: from their arguments to a term, from that to a wrapper.
{
  lib,
  pkgs,
  registry,
  terms,
  mkDerivation,
  combinators,
  # Packages of agents.
  agents,
  # What every jail starts with, or null for the default of the registry.
  basePermissions,
}:
# The spec that the builder reads too, as spec-files.nix gives it; null for a jail that a flake says itself.
spec:
let
  inherit (terms) toTerm storePaths namesIn;

  # A package as the registry's own packages go with a term. Nix must know them before anything is lowered.
  ofNixpkgs = names: lib.genAttrs (lib.unique names) (name: storePaths pkgs.${name});

  brings = names: builtins.concatMap (name: registry.combinators.${name}.brings or [ ]) names;

  # Where the arguments of a builder are said, for messages: `flake.nix:12:5`. Nix knows it of attributes alone. Where the file is
  # stays out of it, so that a wrapper is the same wherever its flake lies.
  placesIn =
    given:
    let
      at = name: builtins.unsafeGetAttrPos name given;
      text = it: "${baseNameOf (toString it.file)}:${toString it.line}:${toString it.column}";
      # `override` gives a package here.
      isOwn = name: lib.hasPrefix "${toString ./.}/" (toString (at name).file);
      known = lib.filterAttrs (name: _: at name != null && !isOwn name) given;
    in
    builtins.mapAttrs (name: _: builtins.unsafeDiscardStringContext (text (at name))) known;

  # A name that a command cannot have is reported when the jail is built.
  derivationName =
    name:
    if builtins.isString name && builtins.match "[a-zA-Z0-9+_?=-][a-zA-Z0-9+._?=-]*" name != null then
      name
    else
      "jail";

  termOf = jail: packages: {
    version = registry.termVersion;
    inherit jail packages;
  };

  plain =
    name: exe: permissions:
    let
      made =
        if lib.isFunction permissions && !terms.isMade permissions then
          permissions combinators
        else
          permissions;
      base =
        if basePermissions == null || !(made == null || builtins.isList made) then
          [ ]
        else
          lib.flatten [
            combinators.reset
            basePermissions
          ];
      all = if base == [ ] then made else base ++ (if made == null then [ ] else made);
      jail = {
        name = toTerm "literal" name;
        entry = toTerm "entry" exe;
        permissions = if all == null then [ ] else toTerm { list = "permission"; } all;
      };
      names = registry.basePermissions ++ namesIn jail.permissions;
      term = termOf jail {
        nixpkgs = ofNixpkgs (brings names);
        agents = { };
      };
    in
    finished {
      inherit name term;
      # What the flake puts before the permissions of a spec is not in the spec.
      before = builtins.length base;
      package = exe;
      places = { };
      rewrap = other: plain name other permissions;
    };

  builder =
    builder: entry: arguments:
    let
      given = if builtins.isAttrs arguments && !terms.isMade arguments then arguments else { };
      name = given.name or (if entry.name == null then "jail" else entry.name) + entry.suffix or "";
      isGiven = argument: _: given ? ${argument};
      chosen = builtins.attrValues (lib.filterAttrs isGiven entry.bringsWith);
      unless = builtins.attrValues (lib.filterAttrs (name: _: !(given ? ${name})) entry.bringsUnless);
      jail = {
        inherit builder;
        arguments = toTerm (builtins.head entry.params) arguments;
      };
      own = entry.agent != null && !(given ? pkg);
      term = termOf jail {
        nixpkgs = ofNixpkgs (
          entry.brings ++ builtins.concatLists (unless ++ chosen) ++ brings (namesIn jail.arguments)
        );
        agents = lib.optionalAttrs own { ${entry.agent} = storePaths agent; };
      };
      agent =
        agents.${entry.agent}
          or (throw "jailgen: `${builder}` finds no package `${entry.agent}`; give it as `pkg`, or add the input llm-agents");
    in
    finished {
      inherit name term;
      before = 0;
      package = given.pkg or (if own then agent else null);
      places = placesIn given;
      rewrap = pkg: builders.${builder} (given // { inherit pkg; });
    };

  # A wrapper, with what is known of the package in it.
  finished =
    {
      name,
      term,
      before,
      package,
      places,
      rewrap,
    }:
    let
      ofPackage = lib.isDerivation package;
      forwarded = lib.optionals ofPackage [
        (toString package)
        (toString (lib.getBin package))
      ];
      command = derivationName name;
    in
    mkDerivation command
      {
        inherit term;
        # Where its desktop entries, icons, manuals and completions are.
        forward = lib.unique forwarded;
      }
      (
        if spec == null then
          { inherit places; }
        else
          {
            spec = spec // {
              inherit before;
            };
          }
      )
    // lib.optionalAttrs ofPackage (
      lib.filterAttrs (
        attribute: _:
        builtins.elem attribute [
          "man"
          "pname"
          "version"
        ]
      ) package
      // lib.optionalAttrs (package ? shellPath) { shellPath = "/bin/${command}"; }
      // lib.optionalAttrs (package ? override) {
        override = changes: rewrap (package.override changes);
      }
      // lib.optionalAttrs (package ? overrideAttrs) {
        overrideAttrs = changes: rewrap (package.overrideAttrs changes);
      }
    )
    // {
      meta = metaOf (if ofPackage then package.meta or { } else { }) // {
        name = command;
        mainProgram = command;
      };
      passthru = {
        inherit term;
        unjailed = package;
      };
    };

  metaOf =
    meta:
    {
      description = "A program in a jail";
    }
    // lib.filterAttrs (
      name: _:
      builtins.elem name [
        "description"
        "homepage"
        "license"
        "longDescription"
        "platforms"
      ]
    ) meta;

  builders = builtins.mapAttrs builder registry.builders;
in
{
  inherit plain builders;
}
