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
    assert builtins.isInt base && builtins.isInt i && base >= 2 && i >= 0;
    lib.reverseList (go i);

  warn =
    message: value:
    assert builtins.isString message;
    builtins.trace "warning: ${message}" value;

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
    lib.assertMsg (builtins.elem value list) "${name} must be one of ${
      lib.generators.toPretty { } list
    }, but is ${lib.generators.toPretty { } value}";

  asserts.assertEachOneOf =
    name: values: list:
    builtins.all (value: lib.assertOneOf "each of ${name}" value list) values;

  asserts.checkAssertWarn =
    assertions: warnings: value:
    let
      failed = builtins.filter (assertion: !assertion.assertion) assertions;
    in
    if failed == [ ] then
      lib.showWarnings warnings value
    else
      throw "failed assertions: ${lib.concatMapStringsSep "; " (assertion: assertion.message) failed}";

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

  warnIfNot =
    condition: message: value:
    if condition then value else lib.warn message value;

  info = message: value: builtins.trace "INFO: ${message}" value;

  showWarnings = warnings: value: lib.foldr lib.warn value warnings;

  checkListOfEnum =
    message: valid: given: value:
    let
      show = lib.concatMapStringsSep ", " toString;
      unexpected = lib.subtractLists valid given;
    in
    if unexpected == [ ] then
      value
    else
      throw "${message}: ${show unexpected} unexpected; valid ones: ${show valid}";

  splitByAndCompare =
    test: both: neither: a: b:
    if test a then
      if test b then both a b else -1
    else if test b then
      1
    else
      neither a b;

  fromHexString =
    text:
    let
      found = builtins.match "(0x)?([0-7]?[0-9A-Fa-f]{1,15})" text;
      digits = lib.genAttrs' (lib.range 0 15) (n: lib.nameValuePair (lib.toLower (lib.toHexString n)) n);
      add = sum: char: sum * 16 + digits.${lib.toLower char};
    in
    if found == null then
      throw "fromHexString: not a number of base 16: ${lib.generators.toPretty { } text}"
    else
      builtins.foldl' add 0 (lib.stringToCharacters (builtins.elemAt found 1));

  setFunctionArgs = f: args: {
    __functor = _: f;
    __functionArgs = args;
  };

  mirrorFunctionArgs = f: g: lib.setFunctionArgs g (lib.functionArgs f);

  converge =
    f: x:
    let
      next = f x;
    in
    if next == x then x else lib.converge f next;

  makeExtensibleWithCustomName =
    name: f:
    lib.fix' (
      final:
      f final // { ${name} = overlay: lib.makeExtensibleWithCustomName name (lib.extends overlay f); }
    );

  toExtension =
    f: final: prev:
    let
      once = f prev;
    in
    if !lib.isFunction f then
      f
    else if lib.isFunction once then
      f final prev
    else
      once;

  network.ipv6 = {
    mkEUI64Suffix = lib.mkEUI64Suffix;
  };

  mkEUI64Suffix =
    mac:
    let
      octet = "([0-9A-Fa-f]{2})";
      found = builtins.match (builtins.concatStringsSep "[-:.]?" (lib.replicate 6 octet)) mac;
      at = builtins.elemAt found;
      first = lib.toHexString (builtins.bitXor 512 (lib.fromHexString (at 0 + at 1)));
    in
    if found == null then
      throw "`${mac}` is not a MAC address"
    else
      lib.toLower "${first}:${at 2}ff:fe${at 3}:${at 4}${at 5}";

}
