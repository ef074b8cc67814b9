# What every package is made by: a derivation with its meta, its passthru, overrideAttrs, and
# the refusal of unfree licences.
{ lib, config }:
let
  checkLicense = import ./check-license.nix { inherit lib config; };

  nameOf = attributes: attributes.name or "${attributes.pname}-${attributes.version}";

  # In nixpkgs' order: what a profile or `nix build` takes when nobody names an output.
  outputsToInstall =
    outputs:
    let
      preferred = builtins.filter (name: builtins.elem name outputs) [
        "bin"
        "out"
      ];
    in
    [ (builtins.head (preferred ++ outputs)) ] ++ lib.optional (builtins.elem "man" outputs) "man";

  # Changes are a set, a function of the old attributes, or one of the final and the old ones.
  applyChanges =
    changes: final: prev:
    let
      once = if builtins.isFunction changes then changes prev else changes;
    in
    if builtins.isFunction once then changes final prev else once;

  make =
    toArguments: attributesOf:
    let
      attributes = attributesOf (attributes // { finalPackage = package; });
      name = nameOf attributes;
      passthru = attributes.passthru or { };
      meta = {
        inherit name;
        available = true;
        outputsToInstall = outputsToInstall (attributes.outputs or [ "out" ]);
      }
      // attributes.meta or { };

      package = lib.extendDerivation (checkLicense (attributes // { inherit name meta; })) (
        {
          inherit name meta passthru;
          overrideAttrs =
            changes:
            make toArguments (
              final:
              let
                prev = attributesOf final;
              in
              prev // applyChanges changes final prev
            );
        }
        // lib.optionalAttrs (attributes ? pname) { inherit (attributes) pname; }
        // lib.optionalAttrs (attributes ? version) { inherit (attributes) version; }
        // passthru
      ) (derivation (toArguments (attributes // { inherit name; })));
    in
    package;
in
# `toArguments` turns a package's attributes into those of the derivation; the attributes may
# be a function of their own final state, as for mkDerivation.
toArguments: attributes:
make toArguments (if builtins.isFunction attributes then attributes else (_: attributes))
