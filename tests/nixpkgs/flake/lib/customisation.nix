# Packages that can be changed after they were made.
lib: {
  # Gives the result of a function the means to call it again with other arguments.
  makeOverridable =
    function: arguments:
    let
      result = function arguments;
      override =
        changes:
        lib.makeOverridable function (
          arguments // (if builtins.isFunction changes then changes arguments else changes)
        );
      # What comes out of overrideAttrs can be overridden, too, and keeps its changed attributes.
      overrideAttrs =
        changes:
        lib.makeOverridable (newArguments: (function newArguments).overrideAttrs changes) arguments;
    in
    if builtins.isAttrs result then
      result
      // {
        inherit override;
      }
      // lib.optionalAttrs (result ? overrideAttrs) { inherit overrideAttrs; }
    else
      result;

  # Calls a function, or a file that holds one, with what it asks for from a set.
  callPackageWith =
    set: functionOrPath: arguments:
    let
      function = if builtins.isFunction functionOrPath then functionOrPath else import functionOrPath;
      asked = builtins.functionArgs function;
      missing = lib.filterAttrs (
        name: optional: !optional && !(set ? ${name} || arguments ? ${name})
      ) asked;
    in
    lib.throwIf (missing != { })
      "callPackage: the stand-in nixpkgs has no ${lib.concatStringsSep ", " (builtins.attrNames missing)}"
      (lib.makeOverridable function (builtins.intersectAttrs asked set // arguments));

  # A derivation with conditions on its use and attributes of its own, in all its outputs.
  extendDerivation =
    condition: extra: derivation:
    let
      withExtra =
        output:
        output
        // extra
        // {
          outPath =
            assert condition;
            output.outPath;
          drvPath =
            assert condition;
            output.drvPath;
          outputs = derivation.outputs or [ "out" ];
        };
      outputs = lib.genAttrs (derivation.outputs or [ "out" ]) (name: withExtra derivation.${name});
    in
    withExtra derivation // outputs // { all = builtins.attrValues outputs; };
}
