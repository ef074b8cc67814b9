# Writers of file formats. `lib` is the whole library: each entry is read when it is first needed (`mod.rs`).
lib: {
  generators.mkValueStringDefault =
    { }:
    value:
    if builtins.isString value || builtins.isInt value then
      toString value
    else if builtins.isFloat value then
      lib.strings.floatToString value
    else if builtins.isBool value then
      lib.boolToString value
    else if value == null then
      "null"
    else if lib.isDerivation value then
      toString value
    else
      throw "generators.mkValueStringDefault: no text is made of a ${builtins.typeOf value}";

  generators.mkKeyValueDefault =
    {
      mkValueString ? lib.generators.mkValueStringDefault { },
    }:
    separator: key: value:
    lib.escape [ separator ] key + separator + mkValueString value;

  generators.toKeyValue =
    {
      mkKeyValue ? lib.generators.mkKeyValueDefault { } "=",
      listsAsDuplicateKeys ? false,
      indent ? "",
    }:
    attrs:
    let
      values = value: if listsAsDuplicateKeys && builtins.isList value then value else [ value ];
      lines = key: map (value: "${indent}${mkKeyValue key value}\n") (values attrs.${key});
    in
    lib.concatStrings (builtins.concatMap lines (builtins.attrNames attrs));

  generators.toINI =
    {
      mkSectionName ? lib.escape [
        "["
        "]"
      ],
      mkKeyValue ? lib.generators.mkKeyValueDefault { } "=",
      listsAsDuplicateKeys ? false,
    }:
    sections:
    let
      lines = lib.generators.toKeyValue { inherit mkKeyValue listsAsDuplicateKeys; };
      section = name: "[${mkSectionName name}]\n${lines sections.${name}}";
    in
    lib.concatMapStringsSep "\n" section (builtins.attrNames sections);

  generators.toINIWithGlobalSection =
    {
      mkSectionName ? lib.escape [
        "["
        "]"
      ],
      mkKeyValue ? lib.generators.mkKeyValueDefault { } "=",
      listsAsDuplicateKeys ? false,
    }:
    {
      globalSection,
      sections ? { },
    }:
    let
      lines = lib.generators.toKeyValue { inherit mkKeyValue listsAsDuplicateKeys; };
      head = if globalSection == { } then "" else "${lines globalSection}\n";
    in
    head + lib.generators.toINI { inherit mkSectionName mkKeyValue listsAsDuplicateKeys; } sections;

  generators.toGitINI =
    attrs:
    let
      isSection = value: builtins.isAttrs value && !(lib.isDerivation value);
      isNested =
        name: isSection attrs.${name} && builtins.any isSection (builtins.attrValues attrs.${name});
      nested = builtins.filter isNested (builtins.attrNames attrs);
      leaves =
        path: value:
        if isSection value then
          builtins.concatMap (name: leaves (path ++ [ name ]) value.${name}) (builtins.attrNames value)
        else
          [
            {
              section = builtins.concatStringsSep "." (lib.init path);
              key = lib.last path;
              inherit value;
            }
          ];
      add =
        sections: leaf:
        sections
        // {
          ${leaf.section} = (sections.${leaf.section} or { }) // {
            ${leaf.key} = leaf.value;
          };
        };
      flat = builtins.foldl' add { } (builtins.concatMap (name: leaves [ name ] attrs.${name}) nested);
      mkSectionName =
        name:
        let
          parts = lib.splitString "." name;
        in
        if lib.hasInfix "\"" name || builtins.length parts == 1 then
          name
        else
          "${builtins.head parts} \"${builtins.concatStringsSep "." (builtins.tail parts)}\"";
      quoted = builtins.replaceStrings [ "\n" "\t" "\"" "\\" ] [ "\\n" "\\t" "\\\"" "\\\\" ];
      line = lib.generators.mkKeyValueDefault {
        mkValueString =
          value:
          lib.generators.mkValueStringDefault { } (
            if builtins.isString value then "\"${quoted value}\"" else value
          );
      } " = ";
      mkKeyValue =
        key: value: lib.concatMapStringsSep "\n" (value: "\t${line key value}") (lib.toList value);
    in
    lib.generators.toINI { inherit mkSectionName mkKeyValue; } (
      builtins.removeAttrs attrs nested // flat
    );

  generators.withRecursion =
    {
      depthLimit,
      throwOnDepthLimit ? true,
    }:
    let
      cut =
        depth: value:
        if depth <= depthLimit then
          value
        else if throwOnDepthLimit then
          throw "generators.withRecursion: the value is nested more than ${toString depthLimit} times"
        else
          "<unevaluated>";
      isSpecial =
        name:
        builtins.elem name [
          "__functor"
          "__functionArgs"
          "__toString"
          "__pretty"
        ];
      walk =
        depth: value:
        let
          inner = value: walk (depth + 1) (cut (depth + 1) value);
        in
        if builtins.isAttrs value then
          builtins.mapAttrs (name: value: if isSpecial name then value else inner value) value
        else if builtins.isList value then
          map inner value
        else
          cut (depth + 1) value;
    in
    assert builtins.isInt depthLimit;
    walk 0;

  generators.toPretty =
    {
      allowPrettyValues ? false,
      multiline ? true,
      indent ? "",
    }:
    let
      block =
        indent: left: items: right:
        let
          inner = if multiline then "\n${indent}  " else " ";
        in
        left
        + lib.concatMapStrings (item: inner + item) items
        + (if multiline then "\n${indent}" else " ")
        + right;
      line =
        text:
        "\"${builtins.replaceStrings [ "\\" "\"" "\${" "\n" ] [ "\\\\" "\\\"" "\\\${" "\\n" ] text}\"";
      lines =
        indent: parts:
        let
          escaped = map (builtins.replaceStrings [ "\${" "''" ] [ "''\${" "'''" ]) parts;
          between = "\n${indent}  ";
          last = lib.last escaped;
        in
        "''"
        + lib.concatMapStrings (part: between + part) (lib.init escaped)
        + (if last == "" then "\n${indent}" else between + last)
        + "''";
      string =
        indent: text:
        let
          parts = lib.splitString "\n" text;
        in
        if multiline && builtins.length parts > 1 then lines indent parts else line text;
      function =
        f:
        let
          args = lib.functionArgs f;
          shown = lib.mapAttrsToList (name: optional: if optional then "${name}?" else name) args;
        in
        if args == { } then "<function>" else "<function, args: {${builtins.concatStringsSep ", " shown}}>";
      set =
        indent: value:
        let
          field = name: value: "${lib.strings.escapeNixIdentifier name} = ${show "${indent}  " value};";
        in
        if allowPrettyValues && value ? __pretty && value ? val then
          value.__pretty value.val
        else if value == { } then
          "{ }"
        else if lib.isDerivation value then
          "<derivation ${value.name or "???"}>"
        else
          block indent "{" (lib.mapAttrsToList field value) "}";
      show =
        indent: value:
        if builtins.isInt value then
          toString value
        else if builtins.isFloat value then
          builtins.toJSON value
        else if builtins.isString value then
          string indent value
        else if builtins.isBool value then
          lib.boolToString value
        else if value == null then
          "null"
        else if builtins.isPath value then
          toString value
        else if builtins.isList value then
          if value == [ ] then "[ ]" else block indent "[" (map (show "${indent}  ") value) "]"
        else if lib.isFunction value then
          function value
        else
          set indent value;
    in
    show indent;

  generators.toPlist =
    {
      escape ? false,
    }:
    value:
    let
      text = if escape then lib.escapeXML else lib.id;
      block =
        indent: name: lines:
        [ "${indent}<${name}>" ] ++ lines ++ [ "${indent}</${name}>" ];
      field =
        indent: name: value:
        if name == "_module" || value == null then
          [ ]
        else
          [
            "${indent}<key>${text name}</key>"
            (show indent value)
          ];
      lines = list: [ (builtins.concatStringsSep "\n" list) ];
      show =
        indent: value:
        if value == null then
          ""
        else if builtins.isBool value then
          "${indent}<${lib.boolToString value}/>"
        else if builtins.isInt value then
          "${indent}<integer>${toString value}</integer>"
        else if builtins.isFloat value then
          "${indent}<real>${toString value}</real>"
        else if builtins.isString value then
          "${indent}<string>${text value}</string>"
        else if builtins.isPath value then
          "${indent}<string>${text (toString value)}</string>"
        else if builtins.isList value then
          builtins.concatStringsSep "\n" (block indent "array" (lines (map (show "${indent}\t") value)))
        else if builtins.isAttrs value then
          builtins.concatStringsSep "\n" (
            block indent "dict" (lines (builtins.concatLists (lib.mapAttrsToList (field "${indent}\t") value)))
          )
        else
          throw "generators.toPlist: a ${builtins.typeOf value} cannot be written";
    in
    lib.concatStrings [
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
      "<!DOCTYPE plist PUBLIC \"-//Apple Computer//DTD PLIST 1.0//EN\""
      " \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n"
      "<plist version=\"1.0\">\n"
      (show "" value)
      "\n</plist>"
    ];

  generators.toDhall =
    { }:
    value:
    let
      items = builtins.concatStringsSep ", ";
      show = lib.generators.toDhall { };
    in
    if builtins.isAttrs value then
      "{ ${items (lib.mapAttrsToList (name: value: "${name} = ${show value}") value)} }"
    else if builtins.isList value then
      "[ ${items (map show value)} ]"
    else if builtins.isInt value then
      (if value < 0 then "" else "+") + toString value
    else if builtins.isBool value then
      (if value then "True" else "False")
    else if builtins.isFunction value || value == null then
      throw "generators.toDhall: a ${builtins.typeOf value} cannot be written"
    else
      builtins.toJSON value;

  generators.toLua =
    {
      multiline ? true,
      indent ? "",
      asBindings ? false,
    }:
    value:
    let
      table =
        indent: items:
        let
          inner = if multiline then "\n${indent}  " else " ";
          outer = if multiline then "\n${indent}" else " ";
        in
        if items == [ ] then "{}" else "{${inner}${builtins.concatStringsSep ",${inner}" items}${outer}}";
      field =
        indent: name: value:
        "[${builtins.toJSON name}] = ${show indent value}";
      show =
        indent: value:
        if value == null then
          "nil"
        else if
          builtins.elem (builtins.typeOf value) [
            "int"
            "float"
            "string"
            "bool"
          ]
        then
          builtins.toJSON value
        else if builtins.isPath value || lib.isDerivation value then
          builtins.toJSON "${value}"
        else if builtins.isList value then
          table indent (map (show "${indent}  ") value)
        else if value._type or null == "lua-inline" then
          "(${value.expr})"
        else if builtins.isAttrs value then
          table indent (lib.mapAttrsToList (field "${indent}  ") value)
        else
          throw "generators.toLua: a ${builtins.typeOf value} cannot be written";
      isVariable =
        name: builtins.match "[[:alpha:]_][[:alnum:]_]*(\\.[[:alpha:]_][[:alnum:]_]*)*" name != null;
      wrong = builtins.filter (name: !isVariable name) (builtins.attrNames value);
      binding = name: value: "${indent}${name} = ${show indent value}\n";
    in
    if !asBindings then
      show indent value
    else if wrong != [ ] then
      throw "generators.toLua: not a variable of Lua: ${builtins.concatStringsSep ", " wrong}"
    else
      lib.concatStrings (lib.mapAttrsToList binding value);

  generators.mkLuaInline = expr: {
    _type = "lua-inline";
    inherit expr;
  };

  mkLuaInline = lib.generators.mkLuaInline;

  generators.toJSON = { }: builtins.toJSON;

  generators.toYAML = { }: builtins.toJSON;

}
