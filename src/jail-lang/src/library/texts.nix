# Strings: characters and their codes, names, distances, texts that need each other. `lib` is the whole library: each entry is
# read when it is first needed (`mod.rs`).
lib: {
  replaceString = from: to: builtins.replaceStrings [ from ] [ to ];

  strings.charToInt =
    let
      printable = lib.stringToCharacters " !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~";
      table = builtins.listToAttrs (lib.imap0 (n: name: lib.nameValuePair name (n + 32)) printable);
      control = {
        "\t" = 9;
        "\n" = 10;
        "\r" = 13;
      };
    in
    char: (table // control).${char};

  strings.escapeC =
    list:
    let
      code =
        char: lib.toLower (lib.fixedWidthString 2 "0" (lib.toHexString (lib.strings.charToInt char)));
    in
    builtins.replaceStrings list (map (char: "\\x${code char}") list);

  escapeURL =
    let
      reserved = lib.stringToCharacters "\t\n\r !\"#$%&'()*+,/:;<=>?@[\\]^`{|}";
      code = char: "%" + lib.fixedWidthString 2 "0" (lib.toHexString (lib.strings.charToInt char));
    in
    builtins.replaceStrings reserved (map code reserved);

  strings.escapeNixIdentifier =
    name:
    let
      isKeyword = builtins.elem name [
        "assert"
        "else"
        "if"
        "in"
        "inherit"
        "let"
        "or"
        "rec"
        "then"
        "with"
      ];
    in
    if builtins.match "[a-zA-Z_][a-zA-Z0-9_'-]*" name != null && !isKeyword then
      name
    else
      lib.strings.escapeNixString name;

  strings.normalizePath =
    path:
    lib.concatMapStrings (part: if builtins.isList part then "/" else part) (builtins.split "/+" path);

  strings.floatToString =
    float:
    let
      text = toString float;
      isExact = builtins.fromJSON text == float;
    in
    if isExact then text else lib.warn "the float ${text} has more digits than this" text;

  isStorePath =
    value:
    lib.isStringLike value && builtins.match "/nix/store/[^/]+|/[0-9a-z]{52}" (toString value) != null;

  nameFromURL =
    url: separator:
    let
      file = lib.last (lib.splitString "/" url);
      name = builtins.head (lib.splitString separator file);
    in
    assert name != file;
    name;

  strings.sanitizeDerivationName =
    text:
    let
      allowed = builtins.match "\\.*(.*)" (builtins.unsafeDiscardStringContext text);
      parts = builtins.split "[^[:alnum:]+._?=-]+" (builtins.head allowed);
      name = lib.concatMapStrings (part: if builtins.isList part then "-" else part) parts;
      end = builtins.substring (lib.max 0 (builtins.stringLength name - 207)) (-1) name;
    in
    if end == "" then "unknown" else end;

  splitStringBy =
    isSplit: keep: text:
    let
      step =
        state: char:
        if isSplit state.before char then
          {
            before = char;
            parts = state.parts ++ [ state.part ];
            part = if keep then char else "";
          }
        else
          {
            before = char;
            inherit (state) parts;
            part = state.part + char;
          };
      start = {
        before = "";
        parts = [ ];
        part = "";
      };
      end = builtins.foldl' step start (lib.stringToCharacters text);
    in
    end.parts ++ [ end.part ];

  toCamelCase =
    text:
    let
      isUpper = before: char: builtins.match "[a-z][A-Z]" (before + char) != null;
      words = lib.splitStringBy (
        _: char:
        builtins.elem char [
          "-"
          "_"
          " "
        ]
      ) false text;
      parts = builtins.concatMap (lib.splitStringBy isUpper true) words;
    in
    if !builtins.isString text then
      throw "toCamelCase: a string is wanted, not a ${builtins.typeOf text}"
    else
      lib.toLower (builtins.head parts) + lib.concatMapStrings lib.toSentenceCase (builtins.tail parts);

  strings.levenshtein =
    a: b:
    let
      # A row has the distances of what `a` begins with to all that `b` begins with.
      row =
        before: char:
        builtins.foldl' (
          row: n:
          let
            swapped =
              builtins.elemAt before (n - 1) + (if char == builtins.substring (n - 1) 1 b then 0 else 1);
            removed = builtins.elemAt before n + 1;
            added = lib.last row + 1;
          in
          row ++ [ (lib.min swapped (lib.min removed added)) ]
        ) [ (builtins.head before + 1) ] (lib.range 1 (builtins.stringLength b));
    in
    lib.last (builtins.foldl' row (lib.range 0 (builtins.stringLength b)) (lib.stringToCharacters a));

  strings.levenshteinAtMost =
    most: a: b:
    if most <= 0 then a == b else lib.strings.levenshtein a b <= most;

  textClosureList =
    known: names:
    let
      add =
        state: entry:
        if builtins.isAttrs entry then
          let
            inner = builtins.foldl' add state entry.deps;
          in
          inner // { texts = inner.texts ++ [ entry.text ]; }
        else if state.done ? ${entry} then
          state
        else
          add (
            state
            // {
              done = state.done // {
                ${entry} = true;
              };
            }
          ) known.${entry};
      start = {
        done = { };
        texts = [ ];
      };
    in
    (builtins.foldl' add start names).texts;

  textClosureMap =
    f: known: names:
    lib.concatMapStringsSep "\n" f (lib.textClosureList known names);

  noDepEntry = text: {
    inherit text;
    deps = [ ];
  };

  fullDepEntry = text: deps: { inherit text deps; };

  packEntry = deps: {
    inherit deps;
    text = "";
  };

  stringAfter = deps: text: { inherit text deps; };

}
