# Attribute sets. `lib` is the whole library: each entry is read when it is first needed (`mod.rs`).
lib: {
  attrNames = builtins.attrNames;

  attrValues = builtins.attrValues;

  listToAttrs = builtins.listToAttrs;

  getAttr = builtins.getAttr;

  hasAttr = builtins.hasAttr;

  mapAttrs = builtins.mapAttrs;

  intersectAttrs = builtins.intersectAttrs;

  removeAttrs = builtins.removeAttrs;

  catAttrs = builtins.catAttrs;

  zipAttrsWith = builtins.zipAttrsWith;

  zipAttrs = builtins.zipAttrsWith (name: values: values);

  zipAttrsWithNames =
    names: f: sets:
    builtins.listToAttrs (
      map (name: {
        inherit name;
        value = f name (builtins.catAttrs name sets);
      }) names
    );

  attrByPath =
    path: default: set:
    if path == [ ] then
      set
    else if builtins.isAttrs set && builtins.hasAttr (builtins.head path) set then
      lib.attrByPath (builtins.tail path) default set.${builtins.head path}
    else
      default;

  hasAttrByPath =
    path: set:
    path == [ ]
    || (
      builtins.isAttrs set
      && builtins.hasAttr (builtins.head path) set
      && lib.hasAttrByPath (builtins.tail path) set.${builtins.head path}
    );

  getAttrFromPath =
    path: set:
    lib.attrByPath path (throw "cannot find the attribute `${builtins.concatStringsSep "." path}`") set;

  setAttrByPath =
    path: value:
    if path == [ ] then
      value
    else
      { ${builtins.head path} = lib.setAttrByPath (builtins.tail path) value; };

  attrVals = names: set: map (name: set.${name}) names;

  getAttrs = names: set: lib.genAttrs names (name: set.${name});

  filterAttrs =
    test: set:
    builtins.removeAttrs set (
      builtins.filter (name: !(test name set.${name})) (builtins.attrNames set)
    );

  filterAttrsRecursive =
    test: set:
    builtins.listToAttrs (
      builtins.concatMap (
        name:
        let
          value = set.${name};
        in
        if test name value then
          [
            {
              inherit name;
              value = if builtins.isAttrs value then lib.filterAttrsRecursive test value else value;
            }
          ]
        else
          [ ]
      ) (builtins.attrNames set)
    );

  foldlAttrs =
    f: init: set:
    builtins.foldl' (acc: name: f acc name set.${name}) init (builtins.attrNames set);

  foldAttrs =
    op: nul: list:
    builtins.foldl' (
      a: b:
      builtins.foldl' (acc: name: acc // { ${name} = op b.${name} (acc.${name} or nul); }) a (
        builtins.attrNames b
      )
    ) { } (lib.reverseList list);

  collect =
    test: set:
    if test set then
      [ set ]
    else if builtins.isAttrs set then
      builtins.concatMap (lib.collect test) (builtins.attrValues set)
    else
      [ ];

  nameValuePair = name: value: { inherit name value; };

  mapAttrs' = f: set: builtins.listToAttrs (map (name: f name set.${name}) (builtins.attrNames set));

  mapAttrsToList = f: set: map (name: f name set.${name}) (builtins.attrNames set);

  attrsToList =
    set:
    map (name: {
      inherit name;
      value = set.${name};
    }) (builtins.attrNames set);

  concatMapAttrs =
    f: set: builtins.foldl' (x: y: x // y) { } (builtins.attrValues (builtins.mapAttrs f set));

  mapAttrsRecursive = f: set: lib.mapAttrsRecursiveCond (_: true) f set;

  mapAttrsRecursiveCond =
    condition: f: set:
    let
      go =
        path:
        builtins.mapAttrs (
          name: value:
          if builtins.isAttrs value && condition value then
            go (path ++ [ name ]) value
          else
            f (path ++ [ name ]) value
        );
    in
    go [ ] set;

  genAttrs =
    names: f:
    builtins.listToAttrs (
      map (name: {
        inherit name;
        value = f name;
      }) names
    );

  genAttrs' = list: f: builtins.listToAttrs (map f list);

  isDerivation = value: value.type or null == "derivation";

  optionalAttrs = condition: set: if condition then set else { };

  mergeAttrsList = builtins.foldl' (x: y: x // y) { };

  recursiveUpdate =
    a: b:
    lib.recursiveUpdateUntil (
      path: x: y:
      !(builtins.isAttrs x && builtins.isAttrs y)
    ) a b;

  recursiveUpdateUntil =
    test: a: b:
    let
      go =
        path:
        builtins.zipAttrsWith (
          name: values:
          let
            here = path ++ [ name ];
          in
          if builtins.length values == 1 || test here (builtins.elemAt values 1) (builtins.head values) then
            builtins.head values
          else
            go here values
        );
    in
    go [ ] [ b a ];

  matchAttrs =
    pattern: set:
    builtins.all (
      name:
      builtins.hasAttr name set
      && (
        let
          p = pattern.${name};
          v = set.${name};
        in
        if builtins.isAttrs p then builtins.isAttrs v && lib.matchAttrs p v else p == v
      )
    ) (builtins.attrNames pattern);

  overrideExisting = old: new: builtins.mapAttrs (name: value: new.${name} or value) old;

  updateManyAttrsByPath =
    let
      # The updates of what is inside come before those of the whole.
      go =
        depth: exists: value: updates:
        let
          split = builtins.partition (update: builtins.length update.path == depth) updates;
          name = update: builtins.elemAt update.path depth;
          inside = builtins.mapAttrs (
            name: go (depth + 1) (exists && value ? ${name}) (value.${name} or null)
          ) (builtins.groupBy name split.wrong);
          path = lib.showAttrPath (lib.take depth (builtins.head updates).path);
          updated =
            if split.wrong == [ ] then
              if exists then value else throw "updateManyAttrsByPath: there is no ${path} to update"
            else if !exists then
              inside
            else if builtins.isAttrs value then
              value // inside
            else
              throw "updateManyAttrsByPath: ${path} is not a set";
        in
        builtins.foldl' (value: update: update.update value) updated split.right;
    in
    updates: set: go 0 true set updates;

  mapCartesianProduct = f: sets: map f (lib.cartesianProduct sets);

  showAttrPath =
    path:
    if path == [ ] then
      "<root attribute path>"
    else
      lib.concatMapStringsSep "." lib.strings.escapeNixIdentifier path;

  mapAttrsToListRecursive = f: set: lib.mapAttrsToListRecursiveCond (_: _: true) f set;

  mapAttrsToListRecursiveCond =
    condition: f: set:
    let
      go =
        path: value:
        if path == [ ] || (builtins.isAttrs value && condition path value) then
          builtins.concatMap (name: go (path ++ [ name ]) value.${name}) (builtins.attrNames value)
        else
          [ (f path value) ];
    in
    go [ ] set;

  attrsets.longestValidPathPrefix =
    path: value:
    let
      len = builtins.length path;
      go =
        n: value:
        if n < len && value ? ${builtins.elemAt path n} then
          go (n + 1) value.${builtins.elemAt path n}
        else
          lib.take n path;
    in
    go 0 value;

  attrsets.unionOfDisjoint =
    a: b:
    a
    // b
    // builtins.mapAttrs (name: _: throw "unionOfDisjoint: both sets have `${name}`") (
      builtins.intersectAttrs a b
    );

  recurseIntoAttrs = set: set // { recurseForDerivations = true; };

  dontRecurseIntoAttrs = set: set // { recurseForDerivations = false; };

}
