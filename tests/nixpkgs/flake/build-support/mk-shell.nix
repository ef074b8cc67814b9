# The environment of `nix develop`. Building it gives a file with the environment's variables.
{ lib, stdenv }:
lib.makeOverridable (
  {
    name ? "nix-shell",
    packages ? [ ],
    inputsFrom ? [ ],
    buildInputs ? [ ],
    nativeBuildInputs ? [ ],
    shellHook ? "",
    ...
  }@arguments:
  stdenv.mkDerivation (
    removeAttrs arguments [
      "packages"
      "inputsFrom"
    ]
    // {
      inherit name;
      nativeBuildInputs =
        nativeBuildInputs
        ++ packages
        ++ builtins.concatMap (from: from.nativeBuildInputs or [ ]) inputsFrom;
      buildInputs = buildInputs ++ builtins.concatMap (from: from.buildInputs or [ ]) inputsFrom;
      shellHook = lib.concatStringsSep "\n" (
        builtins.concatMap (from: lib.optional (from ? shellHook) from.shellHook) inputsFrom
        ++ [ shellHook ]
      );
      buildCommand = "export >$out";
    }
  )
)
