# Unfree packages are refused unless the configuration allows them, as in nixpkgs: the package
# and its meta can be looked at, and only what is built of it throws.
{ lib, config }:
let
  licensesOf = attributes: lib.toList (attributes.meta.license or [ ]);
  isUnfree = attributes: builtins.any (license: !(license.free or true)) (licensesOf attributes);
  names =
    attributes:
    lib.concatMapStringsSep ", " (license: license.shortName or "?") (licensesOf attributes);

  allowed =
    attributes:
    config.allowUnfree or false
    || builtins.getEnv "NIXPKGS_ALLOW_UNFREE" == "1"
    || (config.allowUnfreePredicate or (_: false)) attributes;
in
attributes:
lib.throwIf (isUnfree attributes && !(allowed attributes))
  ''
    Package `${attributes.name}` has an unfree license (`${names attributes}`), refusing to evaluate.
    The stand-in nixpkgs wants what nixpkgs wants: `config.allowUnfree = true`, or by name
      config.allowUnfreePredicate = pkg: builtins.elem (lib.getName pkg) [ "${lib.getName attributes}" ];''
  true
