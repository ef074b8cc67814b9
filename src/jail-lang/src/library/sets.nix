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
    updates: set:
    let
      go =
        path: f: set:
        if path == [ ] then
          f set
        else
          let
            name = builtins.head path;
          in
          set
          // {
            ${name} = go (builtins.tail path) f (
              if builtins.tail path == [ ] then
                set.${name} or (throw "cannot find the attribute `${name}`")
              else
                set.${name} or { }
            );
          };
    in
    builtins.foldl' (acc: { path, update }: go path update acc) set updates;

  mapCartesianProduct = f: sets: map f (lib.cartesianProduct sets);

  showAttrPath =
    path:
    if path == [ ] then
      "<root attribute path>"
    else
      builtins.concatStringsSep "." (
        map (
          name: if builtins.match "[a-zA-Z_][a-zA-Z0-9_'-]*" name != null then name else builtins.toJSON name
        ) path
      );

}
