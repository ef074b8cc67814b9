# Attribute sets.
lib:
let
  inherit (builtins)
    attrNames
    concatMap
    foldl'
    hasAttr
    head
    isAttrs
    listToAttrs
    mapAttrs
    tail
    ;
in
{
  inherit (builtins)
    attrNames
    attrValues
    catAttrs
    getAttr
    hasAttr
    intersectAttrs
    isAttrs
    listToAttrs
    mapAttrs
    removeAttrs
    ;

  nameValuePair = name: value: { inherit name value; };
  genAttrs = names: function: listToAttrs (map (name: lib.nameValuePair name (function name)) names);
  mapAttrs' = function: set: listToAttrs (map (name: function name set.${name}) (attrNames set));
  mapAttrsToList = function: set: map (name: function name set.${name}) (attrNames set);
  attrsToList = lib.mapAttrsToList lib.nameValuePair;
  concatMapAttrs =
    function: set: foldl' (merged: part: merged // part) { } (lib.mapAttrsToList function set);
  filterAttrs =
    accepts: set:
    listToAttrs (
      concatMap (name: lib.optional (accepts name set.${name}) (lib.nameValuePair name set.${name})) (
        attrNames set
      )
    );
  optionalAttrs = condition: set: if condition then set else { };
  getAttrs = names: set: lib.genAttrs names (name: set.${name});
  mergeAttrsList = foldl' (merged: set: merged // set) { };

  hasAttrByPath =
    path: set:
    path == [ ]
    || (isAttrs set && hasAttr (head path) set && lib.hasAttrByPath (tail path) set.${head path});
  attrByPath =
    path: default: set:
    if path == [ ] then
      set
    else if isAttrs set && hasAttr (head path) set then
      lib.attrByPath (tail path) default set.${head path}
    else
      default;
  getAttrFromPath =
    path: lib.attrByPath path (throw "cannot find attribute `${lib.concatStringsSep "." path}`");
  setAttrByPath =
    path: value: if path == [ ] then value else { ${head path} = lib.setAttrByPath (tail path) value; };

  # Derivations are leaves: descending into them would evaluate everything they depend on.
  recursiveUpdate =
    left: right:
    left
    // mapAttrs (
      name: value:
      if isAttrs value && isAttrs (left.${name} or null) && !(lib.isDerivation value) then
        lib.recursiveUpdate left.${name} value
      else
        value
    ) right;

  isDerivation = value: isAttrs value && value.type or null == "derivation";
  recurseIntoAttrs = set: set // { recurseForDerivations = true; };
  dontRecurseIntoAttrs = set: set // { recurseForDerivations = false; };

  getOutput = output: package: package.${output} or package.out or package;
  getBin = lib.getOutput "bin";
  getLib = lib.getOutput "lib";
  getDev = lib.getOutput "dev";
  getMan = lib.getOutput "man";
}
