# Everything else. `lib` is the whole library: each entry is read when it is first needed (`mod.rs`).
lib: {
  id = x: x;

  const = x: y: x;

  pipe = value: functions: builtins.foldl' (x: f: f x) value functions;

  flip =
    f: a: b:
    f b a;

  concat = x: y: x ++ y;

  or = x: y: x || y;

  and = x: y: x && y;

  xor = x: y: x != y;

  boolToString = b: if b then "true" else "false";

  mergeAttrs = x: y: x // y;

  min = x: y: if x < y then x else y;

  max = x: y: if x > y then x else y;

  mod = base: int: base - (int * (base / int));

  compare =
    a: b:
    if a < b then
      -1
    else if a > b then
      1
    else
      0;

  fix =
    f:
    let
      x = f x;
    in
    x;

  extends =
    overlay: f: final:
    let
      prev = f final;
    in
    prev // overlay final prev;

  composeExtensions =
    f: g: final: prev:
    let
      fApplied = f final prev;
    in
    fApplied // g final (prev // fApplied);

  composeManyExtensions = builtins.foldl' (
    f: g: final: prev:
    let
      fApplied = f final prev;
    in
    fApplied // g final (prev // fApplied)
  ) (final: prev: { });

  importJSON = path: builtins.fromJSON (builtins.readFile path);

  importTOML = path: builtins.fromTOML (builtins.readFile path);

  isFunction = f: builtins.isFunction f || (f ? __functor && lib.isFunction (f.__functor f));

  toFunction = v: if lib.isFunction v then v else _: v;

  functionArgs =
    f:
    if f ? __functor then
      f.__functionArgs or (lib.functionArgs (f.__functor f))
    else
      builtins.functionArgs f;

  toHexString =
    i:
    let
      digits = [
        "0"
        "1"
        "2"
        "3"
        "4"
        "5"
        "6"
        "7"
        "8"
        "9"
        "A"
        "B"
        "C"
        "D"
        "E"
        "F"
      ];
    in
    lib.concatMapStrings (d: builtins.elemAt digits d) (lib.toBaseDigits 16 i);

  toBaseDigits =
    base: i:
    let
      go =
        i:
        if i < base then
          [ i ]
        else
          let
            q = i / base;
          in
          [ (i - q * base) ] ++ go q;
    in
    lib.reverseList (go i);

  warn = message: value: builtins.trace "warning: ${message}" value;

  warnIf =
    condition: message: value:
    if condition then lib.warn message value else value;

  throwIf =
    condition: message: value:
    if condition then throw message else value;

  throwIfNot =
    condition: message: value:
    if condition then value else throw message;

  assertMsg = condition: message: if condition then true else throw message;

  isInt = builtins.isInt;

  isFloat = builtins.isFloat;

  isBool = builtins.isBool;

  isNull = builtins.isNull;

  isList = builtins.isList;

  isAttrs = builtins.isAttrs;

  isString = builtins.isString;

  isPath = builtins.isPath;

  typeOf = builtins.typeOf;

  seq = builtins.seq;

  deepSeq = builtins.deepSeq;

  bitAnd = builtins.bitAnd;

  bitOr = builtins.bitOr;

  bitXor = builtins.bitXor;

  add = builtins.add;

  sub = builtins.sub;

  lessThan = builtins.lessThan;

  pathExists = builtins.pathExists;

  readFile = builtins.readFile;

  trace = builtins.trace;

  versionOlder = a: b: builtins.compareVersions b a == 1;

  versionAtLeast = a: b: !(lib.versionOlder a b);

  getName =
    x:
    if builtins.isString x then
      (builtins.parseDrvName x).name
    else
      x.pname or (builtins.parseDrvName x.name).name;

  getVersion =
    x:
    if builtins.isString x then
      (builtins.parseDrvName x).version
    else
      x.version or (builtins.parseDrvName x.name).version;

  mapNullable = f: x: if x == null then x else f x;

  defaultTo = default: x: if x == null then default else x;

  boolToYesNo = b: if b then "yes" else "no";

  bitNot = builtins.sub (-1);

  assertOneOf =
    name: value: list:
    lib.assertMsg (builtins.elem value list) "${name} must be one of ${builtins.toJSON list}, but is ${builtins.toJSON value}";

  makeExtensible =
    f:
    lib.fix' (
      lib.extends (final: prev: { extend = overlay: lib.makeExtensible (lib.extends overlay f); }) f
    );

  fix' =
    f:
    let
      x = f x // {
        __unfix__ = f;
      };
    in
    x;

}
