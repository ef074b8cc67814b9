# Strings, and paths as strings.
lib:
let
  inherit (builtins)
    concatStringsSep
    elemAt
    filter
    genList
    isList
    isString
    length
    match
    replaceStrings
    split
    stringLength
    substring
    ;
  lower = lib.stringToCharacters "abcdefghijklmnopqrstuvwxyz";
  upper = lib.stringToCharacters "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
in
{
  inherit (builtins)
    concatStringsSep
    replaceStrings
    stringLength
    substring
    toString
    ;

  concatStrings = concatStringsSep "";
  concatMapStrings = function: list: concatStringsSep "" (map function list);
  concatMapStringsSep =
    separator: function: list:
    concatStringsSep separator (map function list);
  concatLines = list: lib.concatMapStrings (line: line + "\n") list;
  optionalString = condition: text: if condition then text else "";

  stringToCharacters = text: genList (index: substring index 1 text) (stringLength text);
  toUpper = replaceStrings lower upper;
  toLower = replaceStrings upper lower;
  hasPrefix = prefix: text: substring 0 (stringLength prefix) text == prefix;
  hasSuffix =
    suffix: text:
    let
      rest = stringLength text - stringLength suffix;
    in
    rest >= 0 && substring rest (-1) text == suffix;
  hasInfix = infix: text: length (split (lib.escapeRegex infix) text) > 1;
  removePrefix =
    prefix: text: if lib.hasPrefix prefix text then substring (stringLength prefix) (-1) text else text;
  removeSuffix =
    suffix: text:
    if lib.hasSuffix suffix text then
      substring 0 (stringLength text - stringLength suffix) text
    else
      text;
  splitString = separator: text: filter isString (split (lib.escapeRegex separator) text);
  trim =
    text:
    let
      parts = match "[ \t\r\n]*(.*[^ \t\r\n])?[ \t\r\n]*" text;
    in
    if parts == null || elemAt parts 0 == null then "" else elemAt parts 0;

  escape = characters: replaceStrings characters (map (character: "\\${character}") characters);
  escapeRegex = lib.escape (lib.stringToCharacters "\\[{()^$?*+|.");
  escapeShellArg =
    value:
    let
      text = toString value;
    in
    if match "[[:alnum:],._+:@%/-]+" text != null then
      text
    else
      "'${replaceStrings [ "'" ] [ "'\\''" ] text}'";
  escapeShellArgs = lib.concatMapStringsSep " " lib.escapeShellArg;
  escapeNixString = text: lib.escape [ "$" ] (builtins.toJSON text);
  isValidPosixName = name: match "[a-zA-Z_][a-zA-Z0-9_]*" name != null;
  toShellVar =
    name: value:
    if isList value then
      "declare -a ${name}=(${lib.escapeShellArgs value})"
    else
      "${name}=${lib.escapeShellArg value}";

  makeSearchPath =
    folder: paths:
    lib.concatMapStringsSep ":" (path: "${path}/${folder}") (filter (path: path != null) paths);
  makeSearchPathOutput =
    output: folder: packages:
    lib.makeSearchPath folder (map (lib.getOutput output) packages);
  makeBinPath = lib.makeSearchPathOutput "bin" "bin";
  makeLibraryPath = lib.makeSearchPathOutput "lib" "lib";

  versionOlder = left: right: builtins.compareVersions left right < 0;
  versionAtLeast = left: right: builtins.compareVersions left right >= 0;
  getName =
    package:
    if isString package then lib.parseName package else package.pname or (lib.parseName package.name);
  getVersion = package: package.version or (builtins.parseDrvName package.name).version;
  parseName = name: (builtins.parseDrvName name).name;
  sanitizeDerivationName =
    text:
    lib.concatMapStrings (part: if isList part then "-" else part) (
      split "[^[:alnum:]+._?=-]+" (toString text)
    );
  isStorePath =
    value:
    match "${builtins.storeDir}/[0-9a-z]{32}-[^/]+" (
      builtins.unsafeDiscardStringContext (toString value)
    ) != null;

  cleanSource = source: source;
  fakeHash = "sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
}
