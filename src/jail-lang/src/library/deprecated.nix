# What nixpkgs' library still has for old files. `lib` is the whole library: each entry is read when it is first needed
# (`mod.rs`).
lib: {
  fakeHash = "sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

  fakeSha256 = lib.strings.replicate 64 "0";

  fakeSha512 = lib.strings.replicate 128 "0";

  imap = lib.imap1;

  nvs = name: value: { ${name} = value; };

  setAttr =
    set: name: value:
    set // { ${name} = value; };

  maybeAttr =
    name: default: set:
    set.${name} or default;

  maybeAttrNullable = lib.maybeAttr;

  setAttrMerge =
    name: default: set: f:
    set // { ${name} = f (set.${name} or default); };

  ifEnable =
    condition: value:
    if condition then
      value
    else if builtins.isList value then
      [ ]
    else if builtins.isAttrs value then
      { }
    else if builtins.isBool value then
      false
    else
      null;

  defaultMergeArg = x: y: if builtins.isAttrs y then y else y x;

  defaultMerge = x: y: x // lib.defaultMergeArg x y;

  foldArgs =
    merger: f: init: x:
    let
      arg = merger init (lib.defaultMergeArg init x);
      made = f arg;
      before = made.passthru or { };
      passthru = before // {
        function = lib.foldArgs merger f arg;
        args = (before.args or { }) // x;
      };
    in
    made
    // {
      inherit passthru;
      override = passthru.function;
    };

  checkFlag =
    set: name:
    if name == "true" || name == "false" then
      name == "true"
    else if builtins.elem name (set.flags or [ ]) then
      true
    else
      set.${name} or false;

  getValue =
    set: pairs: name:
    let
      found = lib.findFirst (pair: builtins.head pair == name) null pairs;
    in
    if set ? ${name} then
      set.${name}
    else if lib.checkFlag set name then
      true
    else if found == null then
      null
    else
      builtins.elemAt found 1;

  checkReqs =
    set: pairs: conditions:
    let
      isGiven =
        name:
        !(builtins.elem (lib.getValue set pairs name) [
          null
          false
        ]);
      holds =
        condition:
        lib.checkFlag set (builtins.head condition) -> builtins.all isGiven (builtins.tail condition);
    in
    builtins.all holds conditions;

  uniqList =
    {
      inputList,
      acc ? [ ],
    }:
    lib.drop (builtins.length acc) (
      builtins.foldl' (done: x: if builtins.elem x done then done else done ++ [ x ]) acc inputList
    );

  uniqListExt =
    {
      inputList,
      outputList ? [ ],
      getter ? (x: x),
      compare ? (x: y: x == y),
    }:
    builtins.foldl' (
      done: x: if builtins.any (y: compare (getter y) (getter x)) done then done else done ++ [ x ]
    ) outputList inputList;

  condConcat =
    text: pairs: check:
    if pairs == [ ] then
      text
    else
      lib.condConcat (
        text + (if check (builtins.head pairs) then builtins.elemAt pairs 1 else "")
      ) (lib.drop 2 pairs) check;

  lazyGenericClosure =
    { startSet, operator }:
    let
      go =
        found: keys: pending:
        let
          item = builtins.head pending;
        in
        if pending == [ ] then
          found
        else if builtins.elem item.key keys then
          go found keys (builtins.tail pending)
        else
          go ([ item ] ++ found) ([ item.key ] ++ keys) (builtins.tail pending ++ operator item);
    in
    go [ ] [ ] startSet;

  innerModifySumArgs =
    f: more: a: b:
    if b == null then f a b // more else lib.innerModifySumArgs f more (a // b);

  modifySumArgs = f: more: lib.innerModifySumArgs f more { };

  mergeAttrsWithFunc =
    f: a: b:
    # What only the second set has is merged with itself.
    a // builtins.mapAttrs (name: value: f (a.${name} or value) value) b;

  mergeAttrsConcatenateValues = lib.mergeAttrsWithFunc (a: b: lib.toList a ++ lib.toList b);

  mergeAttrsNoOverride =
    {
      mergeLists ? [
        "buildInputs"
        "propagatedBuildInputs"
      ],
      overrideSnd ? [ "buildPhase" ],
    }:
    a: b:
    let
      merge =
        name: value:
        if !(a ? ${name}) then
          value
        else if builtins.elem name mergeLists then
          value ++ a.${name}
        else if builtins.elem name overrideSnd then
          a.${name}
        else
          throw "mergeAttrsNoOverride: both sets have `${name}`";
    in
    a // builtins.mapAttrs merge b;

  mergeAttrBy =
    let
      concat = x: y: x ++ y;
      update = x: y: x // y;
      lines = x: y: "${x}\n${y}";
    in
    {
      nativeBuildInputs = concat;
      buildInputs = concat;
      propagatedBuildInputs = concat;
      configureFlags = concat;
      prePhases = concat;
      postAll = concat;
      patches = concat;
      passthru = update;
      meta = update;
      cfg = update;
      flags = update;
      preConfigure = lines;
      postInstall = lines;
    };

  mergeAttrByFunc =
    x: y:
    let
      merges = {
        mergeAttrBy = a: b: a // b;
      }
      // (x.mergeAttrBy or { })
      // (y.mergeAttrBy or { });
      both = builtins.intersectAttrs x (builtins.intersectAttrs y merges);
    in
    x // y // builtins.mapAttrs (name: merge: merge x.${name} y.${name}) both;

  mergeAttrsByFuncDefaults = builtins.foldl' lib.mergeAttrByFunc { inherit (lib) mergeAttrBy; };

  mergeAttrsByFuncDefaultsClean =
    list: builtins.removeAttrs (lib.mergeAttrsByFuncDefaults list) [ "mergeAttrBy" ];

  nixType =
    value:
    if builtins.isAttrs value then
      if value ? outPath then "derivation" else "attrs"
    else if builtins.isFunction value then
      "function"
    else if builtins.isList value then
      "list"
    else if builtins.isBool value then
      "bool"
    else if value == null then
      "null"
    else if builtins.isInt value then
      "int"
    else
      "string";

}
