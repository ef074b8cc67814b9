# Marked sets, and how options are shown. `lib` is the whole library: each entry is read when it is first needed (`mod.rs`).
lib: {
  isType = type: value: (value._type or "") == type;

  setType = type: value: value // { _type = type; };

  isOption = lib.isType "option";

  isOptionType = lib.isType "option-type";

  literalExpression =
    text:
    if builtins.isString text then
      lib.setType "literalExpression" { inherit text; }
    else
      throw "literalExpression: a string is wanted";

  literalMD =
    text:
    if builtins.isString text then
      lib.setType "literalMD" { inherit text; }
    else
      throw "literalMD: a string is wanted";

  showOption =
    parts:
    let
      isOpen = part: part == "*" || builtins.match "<.*>" part != null;
    in
    lib.concatMapStringsSep "." (
      part: if isOpen part then part else lib.strings.escapeNixIdentifier part
    ) parts;

  showFiles = lib.concatMapStringsSep " and " (file: "`${file}'");

  showOptionWithDefLocs =
    option:
    "${lib.showOption option.loc}, with values defined in:\n${
      lib.concatMapStringsSep "\n" (file: "  - ${file}") option.files
    }\n";

  getValues = map (definition: definition.value);

  getFiles = map (definition: definition.file);

  unknownModule = "<unknown-file>";

  scrubOptionValue =
    value:
    if lib.isDerivation value then
      {
        inherit (value) type name;
        drvPath = value.name;
        outPath = value.name;
      }
    else if builtins.isList value then
      map lib.scrubOptionValue value
    else if builtins.isAttrs value then
      builtins.mapAttrs (_: lib.scrubOptionValue) (builtins.removeAttrs value [ "_args" ])
    else
      value;

}
