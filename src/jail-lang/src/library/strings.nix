# Strings. `lib` is the whole library: each entry is read when it is first needed (`mod.rs`).
lib: {
  concatStrings = builtins.concatStringsSep "";

  concatMapStrings = f: list: builtins.concatStringsSep "" (map f list);

  concatImapStrings = f: list: builtins.concatStringsSep "" (lib.imap1 f list);

  concatStringsSep = builtins.concatStringsSep;

  concatMapStringsSep =
    sep: f: list:
    builtins.concatStringsSep sep (map f list);

  concatImapStringsSep =
    sep: f: list:
    builtins.concatStringsSep sep (lib.imap1 f list);

  concatMapAttrsStringSep =
    sep: f: set:
    builtins.concatStringsSep sep (builtins.attrValues (builtins.mapAttrs f set));

  concatLines = lib.concatMapStrings (line: line + "\n");

  intersperse =
    sep: list:
    if list == [ ] || builtins.length list == 1 then
      list
    else
      builtins.tail (
        builtins.concatMap (x: [
          sep
          x
        ]) list
      );

  join = builtins.concatStringsSep;

  strings.replicate = n: text: lib.concatStrings (builtins.genList (_: text) n);

  makeSearchPath =
    sub: paths:
    if builtins.elem null paths then
      lib.makeSearchPath sub (lib.remove null paths)
    else
      builtins.concatStringsSep ":" (map (path: path + "/" + sub) paths);

  optionalString = condition: text: if condition then text else "";

  hasInfix = infix: text: builtins.match ".*${lib.escapeRegex infix}.*" "${text}" != null;

  stringToCharacters =
    text: builtins.genList (n: builtins.substring n 1 text) (builtins.stringLength text);

  stringAsChars = f: text: lib.concatStrings (map f (lib.stringToCharacters text));

  escape = list: builtins.replaceStrings list (map (c: "\\${c}") list);

  escapeRegex = lib.escape [
    "\\"
    "["
    "{"
    "("
    ")"
    "^"
    "$"
    "?"
    "*"
    "+"
    "|"
    "."
  ];

  escapeShellArg =
    arg:
    let
      text = toString arg;
    in
    if builtins.match "[[:alnum:],._+:@%/-]+" text == null then
      "'${builtins.replaceStrings [ "'" ] [ "'\\''" ] text}'"
    else
      text;

  escapeShellArgs = lib.concatMapStringsSep " " lib.escapeShellArg;

  isValidPosixName = name: builtins.match "[a-zA-Z_][a-zA-Z0-9_]*" name != null;

  toShellVar =
    name: value:
    if !lib.isValidPosixName name then
      throw "toShellVar: `${name}` is not a name of a shell variable"
    else if builtins.isAttrs value && !lib.isStringLike value then
      "declare -A ${name}=(${
        builtins.concatStringsSep " " (
          lib.mapAttrsToList (n: v: "[${lib.escapeShellArg n}]=${lib.escapeShellArg v}") value
        )
      })"
    else if builtins.isList value then
      "declare -a ${name}=(${lib.escapeShellArgs value})"
    else
      "${name}=${lib.escapeShellArg value}";

  toShellVars = vars: builtins.concatStringsSep "\n" (lib.mapAttrsToList lib.toShellVar vars);

  strings.escapeNixString = text: lib.escape [ "$" ] (builtins.toJSON text);

  lowerChars = [
    "a"
    "b"
    "c"
    "d"
    "e"
    "f"
    "g"
    "h"
    "i"
    "j"
    "k"
    "l"
    "m"
    "n"
    "o"
    "p"
    "q"
    "r"
    "s"
    "t"
    "u"
    "v"
    "w"
    "x"
    "y"
    "z"
  ];

  upperChars = [
    "A"
    "B"
    "C"
    "D"
    "E"
    "F"
    "G"
    "H"
    "I"
    "J"
    "K"
    "L"
    "M"
    "N"
    "O"
    "P"
    "Q"
    "R"
    "S"
    "T"
    "U"
    "V"
    "W"
    "X"
    "Y"
    "Z"
  ];

  toLower = builtins.replaceStrings lib.upperChars lib.lowerChars;

  toUpper = builtins.replaceStrings lib.lowerChars lib.upperChars;

  toSentenceCase =
    text:
    if text == "" then
      ""
    else
      lib.toUpper (builtins.substring 0 1 text) + lib.toLower (builtins.substring 1 (-1) text);

  addContextFrom = src: target: builtins.substring 0 0 src + target;

  splitString =
    sep: text:
    builtins.filter builtins.isString (builtins.split (lib.escapeRegex (toString sep)) (toString text));

  removePrefix =
    prefix: text:
    if lib.hasPrefix prefix text then
      builtins.substring (builtins.stringLength prefix) (-1) text
    else
      text;

  removeSuffix =
    suffix: text:
    if lib.hasSuffix suffix text then
      builtins.substring 0 (builtins.stringLength text - builtins.stringLength suffix) text
    else
      text;

  trim = lib.trimWith {
    start = true;
    end = true;
  };

  trimWith =
    {
      start ? false,
      end ? false,
    }:
    text:
    let
      chars = " \t\r\n";
      pattern =
        if start && end then
          "[${chars}]*(.*[^${chars}])[${chars}]*"
        else if start then
          "[${chars}]*(.*)"
        else if end then
          "(.*[^${chars}])[${chars}]*"
        else
          "(.*)";
      found = builtins.match pattern text;
    in
    if found == null then "" else builtins.head found;

  fixedWidthString =
    width: filler: text:
    let
      len = builtins.stringLength text;
    in
    if len > width then
      throw "fixedWidthString: the text is longer than ${toString width}"
    else if len == width then
      text
    else
      filler + lib.fixedWidthString (width - builtins.stringLength filler) filler text;

  fixedWidthNumber = width: n: lib.fixedWidthString width "0" (toString n);

  toInt =
    text:
    let
      found = builtins.match "[[:space:]]*(-?[[:digit:]]+)[[:space:]]*" text;
    in
    if found == null || builtins.match "[[:space:]]*-?0[[:digit:]]+[[:space:]]*" text != null then
      throw "toInt: could not convert ${builtins.toJSON text} to an integer"
    else
      builtins.fromJSON (builtins.head found);

  toIntBase10 =
    text:
    let
      found = builtins.match "[[:space:]]*0*(-?[[:digit:]]+)[[:space:]]*" text;
    in
    if found == null then
      throw "toIntBase10: could not convert ${builtins.toJSON text} to an integer"
    else
      builtins.fromJSON (builtins.head found);

  stringLength = builtins.stringLength;

  substring = builtins.substring;

  replaceStrings = builtins.replaceStrings;

  match = builtins.match;

  split = builtins.split;

  toJSON = builtins.toJSON;

  fromJSON = builtins.fromJSON;

  splitVersion = builtins.splitVersion;

  compareVersions = builtins.compareVersions;

  hashString = builtins.hashString;

  isStringLike = x: builtins.isString x || builtins.isPath x || x ? outPath || x ? __toString;

  strings.isConvertibleWithToString =
    x:
    builtins.isInt x
    || builtins.isFloat x
    || x == null
    || builtins.isBool x
    || lib.isStringLike x
    || (builtins.isList x && builtins.all lib.strings.isConvertibleWithToString x);

  versions.major = v: builtins.elemAt (builtins.splitVersion v) 0;

  versions.minor = v: builtins.elemAt (builtins.splitVersion v) 1;

  versions.majorMinor = v: builtins.concatStringsSep "." (lib.take 2 (builtins.splitVersion v));

  versions.patch = v: builtins.elemAt (builtins.splitVersion v) 2;

  versions.pad =
    n: v:
    let
      numbers = builtins.splitVersion (builtins.head (lib.splitString "-" v));
      suffix = builtins.substring (builtins.stringLength (builtins.head (lib.splitString "-" v))) (-1) v;
      len = builtins.length numbers;
    in
    builtins.concatStringsSep "." (
      lib.take n (numbers ++ builtins.genList (_: "0") (lib.max 0 (n - len)))
    )
    + suffix;

  escapeXML =
    builtins.replaceStrings
      [ "\"" "'" "<" ">" "&" ]
      [ "&quot;" "&apos;" "&lt;" "&gt;" "&amp;" ];

  fileContents = path: lib.removeSuffix "\n" (builtins.readFile path);

}
